//! An owned `AVFrame`: one decoded picture or block of samples.
//!
//! An [`AvFrame`] refers to reference-counted buffers; sharing one takes new
//! references and never copies pixels. Through `&self` nothing is written, and
//! pixels are not reachable for writing at all: in-place work is done on
//! `bmf_hmp` frames, which copy when shared. See `convert` for the way there.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fmt;
use std::ptr::NonNull;

use bmf_hmp::{ColorDescription, Rational, TimeBase};

use crate::color::{self, ColorCodes};
use crate::dict::{self, Dict};
use crate::error::Error;
use crate::formats::{Layout, PixFmt, SampleFmt};
use crate::sys;
use crate::units;

/// One decoded picture or block of audio samples, shared by reference.
///
/// Properties (`pts`, time base, metadata, …) belong to this value; the pixels
/// or samples may be shared with other frames and with FFmpeg.
pub struct AvFrame(NonNull<sys::AVFrame>);

// SAFETY: an AVFrame has no thread affinity; its buffers are counted atomically
// and may be released from any thread.
unsafe impl Send for AvFrame {}
// SAFETY: methods taking `&self` only read the structure and take new buffer
// references, which FFmpeg allows from several threads at once.
unsafe impl Sync for AvFrame {}

/// Reads one field that is not an enum.
macro_rules! get {
    ($frame:expr, $($field:tt)+) => {{
        // SAFETY: the frame is valid, and `&self` keeps it unchanged.
        unsafe { (*$frame.as_ptr()).$($field)+ }
    }};
}

/// Writes one field that is not an enum.
macro_rules! set {
    ($frame:expr, $field:ident, $value:expr) => {{
        // SAFETY: the frame is valid, and `&mut self` makes us its only user.
        unsafe { (*$frame.as_ptr()).$field = $value }
    }};
}

impl AvFrame {
    /// A frame without content, for FFmpeg to fill.
    pub(crate) fn blank() -> Self {
        // SAFETY: allocates the structure only.
        let frame = unsafe { sys::av_frame_alloc() };
        Self(NonNull::new(frame).unwrap_or_else(|| sys::out_of_memory::<sys::AVFrame>()))
    }

    /// Another frame with the same content: new references, no copy.
    ///
    /// # Errors
    ///
    /// If the frame has no content, or memory for the references is lacking.
    pub fn share(&self) -> Result<Self, Error> {
        let shared = Self::blank();
        // SAFETY: both frames are valid, the target is blank.
        match unsafe { sys::av_frame_ref(shared.as_ptr(), self.as_ptr()) } {
            code if code < 0 => Err(Error::from_code("cannot share a frame", code)),
            _ => Ok(shared),
        }
    }

    /// Moves the content out; what stays is blank.
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::blank())
    }

    /// The structure, for FFmpeg. Who holds only `&self` must not write.
    pub(crate) fn as_ptr(&self) -> *mut sys::AVFrame {
        self.0.as_ptr()
    }

    /// Whether there is neither picture nor sound in it.
    pub fn is_blank(&self) -> bool {
        get!(self, buf[0]).is_null()
    }

    /// Whether it holds a picture.
    pub fn is_video(&self) -> bool {
        self.width() > 0 && self.height() > 0
    }

    /// Whether it holds sound.
    pub fn is_audio(&self) -> bool {
        !self.is_video() && self.samples() > 0
    }
}

/// What the content is.
impl AvFrame {
    /// Width in pixels; 0 for audio.
    pub fn width(&self) -> u32 {
        get!(self, width).try_into().unwrap_or(0)
    }

    /// Height in pixels; 0 for audio.
    pub fn height(&self) -> u32 {
        get!(self, height).try_into().unwrap_or(0)
    }

    /// Pixel format; `None` for audio and blank frames.
    pub fn pix_fmt(&self) -> Option<PixFmt> {
        self.is_video()
            .then(|| PixFmt::known(get!(self, format)))
            .flatten()
    }

    /// Samples per channel; 0 for video.
    pub fn samples(&self) -> usize {
        sys::size(get!(self, nb_samples))
    }

    /// Samples per second; 0 for video.
    pub fn sample_rate(&self) -> u32 {
        get!(self, sample_rate).try_into().unwrap_or(0)
    }

    /// Sample format; `None` for video and blank frames.
    pub fn sample_fmt(&self) -> Option<SampleFmt> {
        self.is_audio()
            .then(|| SampleFmt::known(get!(self, format)))
            .flatten()
    }

    /// Channel layout; `None` for video.
    pub fn layout(&self) -> Option<Layout> {
        // SAFETY: the frame and so its layout are valid.
        unsafe { Layout::copy_of(&raw const (*self.as_ptr()).ch_layout) }
    }

    /// Whether the content lives in device memory.
    pub fn is_hardware(&self) -> bool {
        !get!(self, hw_frames_ctx).is_null()
    }

    /// Address and bytes per line of a plane; for tests of what shares memory.
    pub fn plane_address(&self, plane: usize) -> Option<(*const u8, isize)> {
        let pointer = *get!(self, data).get(plane)?;
        let stride = *get!(self, linesize).get(plane)?;
        (!pointer.is_null()).then_some((pointer.cast_const(), stride as isize))
    }

    /// Address of a channel's samples (of all, if they are interleaved).
    pub fn channel_address(&self, channel: usize) -> Option<*const u8> {
        let planar = self.sample_fmt()?.is_planar();
        let count = if planar {
            sys::size(get!(self, ch_layout.nb_channels))
        } else {
            1
        };
        if channel >= count {
            return None;
        }
        let channels = get!(self, extended_data);
        // SAFETY: for audio there is a pointer for each plane.
        let pointer = unsafe { *channels.add(channel) };
        (!pointer.is_null()).then_some(pointer.cast_const())
    }

    /// Sets the planes of a blank audio frame: address and reference of each.
    /// Beyond eight, pointers and references go into arrays of their own.
    pub(crate) fn set_channels(&self, planes: Vec<(*mut u8, NonNull<sys::AVBufferRef>)>) {
        let frame = self.as_ptr();
        let inline = sys::AV_NUM_DATA_POINTERS as usize;
        // SAFETY: the frame is blank and ours; it frees both arrays, which come
        // from FFmpeg's allocator and are as long as needed.
        unsafe {
            (*frame).extended_data = (&raw mut (*frame).data).cast();
            if planes.len() > inline {
                let more = planes.len() - inline;
                (*frame).extended_data = allocate_array(planes.len());
                (*frame).extended_buf = allocate_array(more);
                (*frame).nb_extended_buf = sys::int(more);
            }
            for (index, (address, reference)) in planes.into_iter().enumerate() {
                *(*frame).extended_data.add(index) = address;
                if index < inline {
                    (*frame).data[index] = address;
                    (*frame).buf[index] = reference.as_ptr();
                } else {
                    *(*frame).extended_buf.add(index - inline) = reference.as_ptr();
                }
            }
        }
    }
}

/// A zeroed array from FFmpeg's allocator.
fn allocate_array<T>(length: usize) -> *mut *mut T {
    // SAFETY: FFmpeg checks the product for overflow.
    let array = unsafe { sys::av_calloc(length, size_of::<*mut T>()) };
    if array.is_null() {
        sys::out_of_memory::<*mut T>();
    }
    array.cast()
}

/// Time.
impl AvFrame {
    /// Presentation time in [`time_base`](Self::time_base).
    pub fn pts(&self) -> Option<i64> {
        sys::known_ts(get!(self, pts))
    }

    /// Sets the presentation time.
    pub fn set_pts(&mut self, pts: Option<i64>) {
        set!(self, pts, pts.unwrap_or(sys::AV_NOPTS_VALUE));
    }

    /// The decoder's best guess of the presentation time, from presentation
    /// and decoding times seen so far, in the packets' time base.
    pub fn best_effort_timestamp(&self) -> Option<i64> {
        sys::known_ts(get!(self, best_effort_timestamp))
    }

    /// Decoding time of the packet that completed this frame.
    pub fn packet_dts(&self) -> Option<i64> {
        sys::known_ts(get!(self, pkt_dts))
    }

    /// Byte position of the packet in its input.
    pub fn packet_position(&self) -> Option<u64> {
        get!(self, pkt_pos).try_into().ok()
    }

    /// Duration in [`time_base`](Self::time_base), 0 if unknown.
    pub fn duration(&self) -> i64 {
        get!(self, pkt_duration)
    }

    /// Sets the duration.
    pub fn set_duration(&mut self, duration: i64) {
        set!(self, pkt_duration, duration);
    }

    /// The unit of the times above; `None` if whoever made the frame did not say.
    pub fn time_base(&self) -> Option<TimeBase> {
        units::time_base(get!(self, time_base))
    }

    /// Says what unit the times have. Changes no time.
    pub fn set_time_base(&mut self, time_base: TimeBase) {
        set!(self, time_base, units::av_time_base(time_base));
    }

    /// By how many fields the picture is to be shown longer (from the stream's
    /// "repeat first field" flags).
    pub fn repeat_pict(&self) -> i32 {
        get!(self, repeat_pict)
    }
}

/// Picture properties.
impl AvFrame {
    /// Width of a pixel over its height; 0/1 if unknown.
    pub fn sample_aspect_ratio(&self) -> Rational {
        units::aspect(get!(self, sample_aspect_ratio))
    }

    /// Sets the pixel aspect ratio.
    pub fn set_sample_aspect_ratio(&mut self, ratio: Rational) {
        set!(self, sample_aspect_ratio, units::av(ratio));
    }

    /// Whether decoding can start here.
    pub fn is_key_frame(&self) -> bool {
        get!(self, key_frame) != 0
    }

    /// Marks a key frame.
    pub fn set_key_frame(&mut self, key_frame: bool) {
        set!(self, key_frame, key_frame.into());
    }

    /// 'I', 'P', 'B', …, or '?' if unknown.
    pub fn picture_type(&self) -> char {
        // SAFETY: the frame is valid; the look-up takes any integer.
        let letter =
            unsafe { sys::av_get_picture_type_char(sys::get_enum!(self.as_ptr(), pict_type)) };
        char::from(letter as u8)
    }

    /// Asks an encoder for a key frame here, or leaves the choice to it.
    ///
    /// Decoded frames carry the type they had in their own stream; an encoder
    /// takes that as an order. [`Encoder::send`](crate::Encoder::send) therefore
    /// sets this on every frame.
    pub fn set_force_key_frame(&mut self, force: bool) {
        let kind = if force {
            sys::AVPictureType::AV_PICTURE_TYPE_I as c_int
        } else {
            0
        };
        // SAFETY: the frame is valid and ours alone; the value is one of the enum's.
        unsafe { sys::set_enum!(self.as_ptr(), pict_type, kind) };
    }

    /// Whether the lines belong to two fields.
    pub fn is_interlaced(&self) -> bool {
        get!(self, interlaced_frame) != 0
    }

    /// Whether the first of two fields holds the top line.
    pub fn is_top_field_first(&self) -> bool {
        get!(self, top_field_first) != 0
    }

    /// Sets how the lines belong to fields.
    pub fn set_fields(&mut self, interlaced: bool, top_field_first: bool) {
        set!(self, interlaced_frame, interlaced.into());
        set!(self, top_field_first, top_field_first.into());
    }

    /// Whether the decoder reported errors in this picture or its references.
    pub fn is_damaged(&self) -> bool {
        get!(self, decode_error_flags) != 0 || get!(self, flags) & sys::AV_FRAME_FLAG_CORRUPT != 0
    }

    /// What the numbers mean as colours.
    pub fn color(&self) -> ColorDescription {
        let frame = self.as_ptr();
        // SAFETY: the frame is valid; enum fields are read as integers.
        color::description(&unsafe {
            ColorCodes {
                primaries: sys::get_enum!(frame, color_primaries),
                transfer: sys::get_enum!(frame, color_trc),
                matrix: sys::get_enum!(frame, colorspace),
                range: sys::get_enum!(frame, color_range),
                chroma_location: sys::get_enum!(frame, chroma_location),
            }
        })
    }

    /// Says what the numbers mean as colours. Changes no number.
    pub fn set_color(&mut self, color: &ColorDescription) {
        let (frame, codes) = (self.as_ptr(), color::codes(color));
        // SAFETY: the frame is valid and ours alone; codes are FFmpeg's.
        unsafe {
            sys::set_enum!(frame, color_primaries, codes.primaries);
            sys::set_enum!(frame, color_trc, codes.transfer);
            sys::set_enum!(frame, colorspace, codes.matrix);
            sys::set_enum!(frame, color_range, codes.range);
            sys::set_enum!(frame, chroma_location, codes.chroma_location);
        }
    }

    /// Sets the quantiser asked of an encoder for this frame (in FFmpeg's lambda units).
    pub(crate) fn set_quality(&mut self, quality: c_int) {
        set!(self, quality, quality);
    }
}

/// What travels along.
impl AvFrame {
    /// FFmpeg's key-value metadata, for instance measurements by filters.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let metadata = get!(self, metadata);
        // SAFETY: the dictionary belongs to the frame, which does not change.
        unsafe { dict::pairs(metadata) }.into_iter().collect()
    }

    /// Whether there is metadata; cheaper than to read it.
    pub fn has_metadata(&self) -> bool {
        !get!(self, metadata).is_null()
    }

    /// Replaces all metadata.
    pub fn set_metadata<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let new: Dict = pairs.into_iter().collect();
        // SAFETY: the old dictionary is the frame's own; the new one becomes so.
        unsafe {
            sys::av_dict_free(&raw mut (*self.as_ptr()).metadata);
            (*self.as_ptr()).metadata = new.into_raw();
        }
    }

    /// FFmpeg's names of the side data, for instance "Mastering display metadata".
    pub fn side_data(&self) -> Vec<String> {
        let list = get!(self, side_data);
        let names = (0..sys::size(get!(self, nb_side_data))).map(|index| {
            // SAFETY: the index is below the count; names are static text.
            unsafe {
                let entry = *list.add(index);
                sys::text(sys::av_frame_side_data_name(sys::get_enum!(entry, type_)))
            }
        });
        names.collect()
    }
}

impl Drop for AvFrame {
    fn drop(&mut self) {
        let mut frame = self.as_ptr();
        // SAFETY: the frame is ours; its references are released with it.
        unsafe { sys::av_frame_free(&mut frame) };
    }
}

impl fmt::Debug for AvFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("AvFrame");
        if let Some(format) = self.pix_fmt() {
            text.field("size", &(self.width(), self.height()))
                .field("format", &format);
        } else if let Some(format) = self.sample_fmt() {
            text.field("samples", &self.samples())
                .field("rate", &self.sample_rate())
                .field("format", &format)
                .field("layout", &self.layout());
        }
        text.field("pts", &self.pts()).finish_non_exhaustive()
    }
}
