//! An owned `AVPacket`: one piece of compressed data.
//!
//! Sharing takes a reference to the data and never copies it; side data is
//! copied by FFmpeg. Data is never changed in place here.

use std::fmt;
use std::ptr::NonNull;

use bmf_hmp::TimeBase;

use crate::error::Error;
use crate::stream::SideData;
use crate::sys;
use crate::units;

/// One compressed picture or block of samples.
pub struct AvPacket(NonNull<sys::AVPacket>);

// SAFETY: an AVPacket has no thread affinity; its buffer is counted atomically.
unsafe impl Send for AvPacket {}
// SAFETY: methods taking `&self` only read or take new references.
unsafe impl Sync for AvPacket {}

/// Reads one field.
macro_rules! get {
    ($packet:expr, $field:ident) => {{
        // SAFETY: the packet is valid, and `&self` keeps it unchanged.
        unsafe { (*$packet.as_ptr()).$field }
    }};
}

/// Writes one field.
macro_rules! set {
    ($packet:expr, $field:ident, $value:expr) => {{
        // SAFETY: the packet is valid, and `&mut self` makes us its only user.
        unsafe { (*$packet.as_ptr()).$field = $value }
    }};
}

impl AvPacket {
    /// A packet without data, for FFmpeg to fill.
    pub(crate) fn blank() -> Self {
        // SAFETY: allocates the structure only.
        let packet = unsafe { sys::av_packet_alloc() };
        Self(NonNull::new(packet).unwrap_or_else(|| sys::out_of_memory::<sys::AVPacket>()))
    }

    /// A packet with a copy of `data`, padded with zeros as decoders require.
    ///
    /// # Errors
    ///
    /// If `data` is longer than FFmpeg allows (2 GiB) or memory is lacking.
    pub fn from_data(data: &[u8]) -> Result<Self, Error> {
        let packet = Self::blank();
        // SAFETY: the packet is blank; FFmpeg refuses sizes it cannot hold.
        let code = unsafe { sys::av_new_packet(packet.as_ptr(), sys::int(data.len())) };
        if code < 0 {
            return Err(Error::from_code(
                format!("cannot hold {} bytes in a packet", data.len()),
                code,
            ));
        }
        let target = get!(packet, data);
        // SAFETY: the new buffer has room for `data` and nobody else knows it.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), target, data.len()) };
        Ok(packet)
    }

    /// Another packet with the same data: a new reference, no copy.
    ///
    /// # Errors
    ///
    /// If memory for the reference is lacking.
    pub fn share(&self) -> Result<Self, Error> {
        let shared = Self::blank();
        // SAFETY: both packets are valid, the target is blank.
        match unsafe { sys::av_packet_ref(shared.as_ptr(), self.as_ptr()) } {
            code if code < 0 => Err(Error::from_code("cannot share a packet", code)),
            _ => Ok(shared),
        }
    }

    /// Adds what the container says about the stream as a whole, for the decoder to
    /// put it on the frames. What the packet itself says goes first.
    pub fn add_side_data(&mut self, stream: &SideData) {
        for (kind, bytes) in stream.entries() {
            // SAFETY: the packet is valid and ours alone; the new side data has as many
            // bytes as are copied to it.
            unsafe {
                if !sys::av_packet_get_side_data(self.as_ptr(), kind, std::ptr::null_mut())
                    .is_null()
                {
                    continue;
                }
                let target = sys::av_packet_new_side_data(self.as_ptr(), kind, bytes.len());
                if target.is_null() {
                    sys::out_of_memory::<u8>();
                }
                target.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            }
        }
    }

    /// The structure, for FFmpeg. Who holds only `&self` must not write.
    pub(crate) fn as_ptr(&self) -> *mut sys::AVPacket {
        self.0.as_ptr()
    }

    /// The reference that keeps the data alive; null for an empty packet.
    pub(crate) fn buffer_ref(&self) -> *mut sys::AVBufferRef {
        get!(self, buf)
    }

    /// The compressed bytes.
    pub fn data(&self) -> &[u8] {
        let (data, size) = (get!(self, data), sys::size(get!(self, size)));
        if data.is_null() {
            return &[];
        }
        // SAFETY: the buffer holds `size` bytes, which nobody writes while the
        // packet refers to them.
        unsafe { std::slice::from_raw_parts(data, size) }
    }

    /// Index of the stream in its container.
    pub fn stream_index(&self) -> usize {
        sys::size(get!(self, stream_index))
    }

    /// Sets the stream index.
    pub fn set_stream_index(&mut self, index: usize) {
        set!(self, stream_index, sys::int(index));
    }

    /// Presentation time, in the stream's (or encoder's) time base.
    pub fn pts(&self) -> Option<i64> {
        sys::known_ts(get!(self, pts))
    }

    /// Sets the presentation time.
    pub fn set_pts(&mut self, pts: Option<i64>) {
        set!(self, pts, pts.unwrap_or(sys::AV_NOPTS_VALUE));
    }

    /// Decoding time.
    pub fn dts(&self) -> Option<i64> {
        sys::known_ts(get!(self, dts))
    }

    /// Sets the decoding time.
    pub fn set_dts(&mut self, dts: Option<i64>) {
        set!(self, dts, dts.unwrap_or(sys::AV_NOPTS_VALUE));
    }

    /// Duration, 0 if unknown.
    pub fn duration(&self) -> i64 {
        get!(self, duration)
    }

    /// Sets the duration.
    pub fn set_duration(&mut self, duration: i64) {
        set!(self, duration, duration);
    }

    /// Byte position in the input.
    pub fn position(&self) -> Option<u64> {
        get!(self, pos).try_into().ok()
    }

    /// The unit of the times, where whoever made the packet said so.
    pub fn time_base(&self) -> Option<TimeBase> {
        units::time_base(get!(self, time_base))
    }

    /// Says what unit the times have. Changes no time.
    pub fn set_time_base(&mut self, time_base: TimeBase) {
        set!(self, time_base, units::av_time_base(time_base));
    }

    /// Converts all times to another unit.
    pub fn rescale(&mut self, from: TimeBase, to: TimeBase) {
        // SAFETY: the packet is valid and ours; time bases are positive.
        unsafe {
            sys::av_packet_rescale_ts(
                self.as_ptr(),
                units::av_time_base(from),
                units::av_time_base(to),
            );
        }
        self.set_time_base(to);
    }

    /// Whether decoding can start here.
    pub fn is_key(&self) -> bool {
        get!(self, flags) & sys::AV_PKT_FLAG_KEY != 0
    }

    /// Marks a key packet.
    pub fn set_key(&mut self, key: bool) {
        let others = get!(self, flags) & !sys::AV_PKT_FLAG_KEY;
        set!(
            self,
            flags,
            others | if key { sys::AV_PKT_FLAG_KEY } else { 0 }
        );
    }

    /// Whether the demuxer knows the data to be damaged.
    pub fn is_corrupt(&self) -> bool {
        get!(self, flags) & sys::AV_PKT_FLAG_CORRUPT != 0
    }

    /// Whether it must be decoded but not shown (before the start of an edit).
    pub fn is_discard(&self) -> bool {
        get!(self, flags) & sys::AV_PKT_FLAG_DISCARD != 0
    }
}

impl Drop for AvPacket {
    fn drop(&mut self) {
        let mut packet = self.as_ptr();
        // SAFETY: the packet is ours; its reference is released with it.
        unsafe { sys::av_packet_free(&mut packet) };
    }
}

impl fmt::Debug for AvPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AvPacket")
            .field("stream", &self.stream_index())
            .field("pts", &self.pts())
            .field("dts", &self.dts())
            .field("size", &self.data().len())
            .field("key", &self.is_key())
            .finish_non_exhaustive()
    }
}
