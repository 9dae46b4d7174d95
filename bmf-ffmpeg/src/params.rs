//! Owned codec parameters: what a container or an encoder says about a stream.
//!
//! They are what a decoder is opened with and what a muxer's stream is made
//! from, so a copied stream needs nothing else. Immutable after creation.

use std::fmt;
use std::ptr::NonNull;

use bmf_hmp::{MediaKind, Rational};

use crate::formats::{Layout, PixFmt, SampleFmt};
use crate::names::media_kind;
use crate::sys;
use crate::units;

/// Codec, format and extra data of one stream.
pub struct CodecParameters(NonNull<sys::AVCodecParameters>);

// SAFETY: plain owned memory without thread affinity.
unsafe impl Send for CodecParameters {}
// SAFETY: `&self` methods only read.
unsafe impl Sync for CodecParameters {}

/// Reads one field that is not an enum.
macro_rules! get {
    ($parameters:expr, $field:ident) => {{
        // SAFETY: the structure is valid and never changes after creation.
        unsafe { (*$parameters.as_ptr()).$field }
    }};
}

impl CodecParameters {
    pub(crate) fn blank() -> Self {
        // SAFETY: allocates a structure with defaults.
        let parameters = unsafe { sys::avcodec_parameters_alloc() };
        Self(
            NonNull::new(parameters)
                .unwrap_or_else(|| sys::out_of_memory::<sys::AVCodecParameters>()),
        )
    }

    /// A copy of a C structure.
    ///
    /// # Safety
    ///
    /// `source` is valid and does not change during the call.
    pub(crate) unsafe fn copy_of(source: *const sys::AVCodecParameters) -> Self {
        let copy = Self::blank();
        // SAFETY: the target is ours, the source the caller's promise.
        if unsafe { sys::avcodec_parameters_copy(copy.as_ptr(), source) } < 0 {
            sys::out_of_memory::<sys::AVCodecParameters>();
        }
        copy
    }

    /// Parameters of which only codec and extra data are known; `None` if FFmpeg knows no such codec.
    pub(crate) fn of_codec(name: &str, extradata: &[u8]) -> Option<Self> {
        let name = sys::c_string(name);
        let parameters = Self::blank();
        // SAFETY: the name is a C string; descriptors are static; the structure is new and ours, and
        // FFmpeg frees extra data that its own allocator gave.
        unsafe {
            let descriptor = sys::avcodec_descriptor_get_by_name(name.as_ptr());
            if descriptor.is_null() {
                return None;
            }
            let target = parameters.as_ptr();
            sys::set_enum!(target, codec_id, sys::get_enum!(descriptor, id));
            sys::set_enum!(target, codec_type, sys::get_enum!(descriptor, type_));
            if !extradata.is_empty() {
                let room = extradata.len() + sys::AV_INPUT_BUFFER_PADDING_SIZE as usize;
                let data = sys::av_mallocz(room).cast::<u8>();
                if data.is_null() {
                    sys::out_of_memory::<u8>();
                }
                data.copy_from_nonoverlapping(extradata.as_ptr(), extradata.len());
                (*target).extradata = data;
                (*target).extradata_size = sys::int(extradata.len());
            }
        }
        Some(parameters)
    }

    /// Before anybody else has seen them.
    pub(crate) fn set_picture_size(&mut self, width: u32, height: u32) {
        // SAFETY: the structure is ours.
        unsafe {
            (*self.as_ptr()).width = sys::int(width);
            (*self.as_ptr()).height = sys::int(height);
        }
    }

    /// Before anybody else has seen them.
    pub(crate) fn set_sound(&mut self, sample_rate: u32, channels: u32) {
        // SAFETY: the structure is ours; its layout is none so far.
        unsafe {
            (*self.as_ptr()).sample_rate = sys::int(sample_rate);
            let layout = &raw mut (*self.as_ptr()).ch_layout;
            sys::av_channel_layout_default(layout, sys::int(channels));
        }
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::AVCodecParameters {
        self.0.as_ptr()
    }

    /// Video, audio, subtitles or anything else.
    pub fn kind(&self) -> MediaKind {
        // SAFETY: the structure is valid.
        media_kind(unsafe { sys::get_enum!(self.as_ptr(), codec_type) })
    }

    /// FFmpeg's name of the codec, for instance "h264"; "none" if unknown.
    pub fn codec_name(&self) -> String {
        // SAFETY: takes any integer; the name is static text.
        unsafe { sys::text(sys::avcodec_get_name(self.codec_id())) }
    }

    /// FFmpeg's `AVCodecID` as an integer.
    pub(crate) fn codec_id(&self) -> u32 {
        // SAFETY: the structure is valid. The enum is unsigned; its values are small.
        unsafe { sys::get_enum!(self.as_ptr(), codec_id) }.cast_unsigned()
    }

    /// Bits per second, 0 if unknown.
    pub fn bit_rate(&self) -> i64 {
        get!(self, bit_rate)
    }

    /// Width in pixels; 0 for other than video.
    pub fn width(&self) -> u32 {
        get!(self, width).try_into().unwrap_or(0)
    }

    /// Height in pixels; 0 for other than video.
    pub fn height(&self) -> u32 {
        get!(self, height).try_into().unwrap_or(0)
    }

    /// Pixel format, if this is video and it is known.
    pub fn pix_fmt(&self) -> Option<PixFmt> {
        (self.kind() == MediaKind::Video)
            .then(|| PixFmt::known(get!(self, format)))
            .flatten()
    }

    /// Pixel aspect ratio; 0/1 if unknown.
    pub fn sample_aspect_ratio(&self) -> Rational {
        units::aspect(get!(self, sample_aspect_ratio))
    }

    /// How many frames decoding order runs ahead of presentation order.
    pub fn video_delay(&self) -> u32 {
        get!(self, video_delay).try_into().unwrap_or(0)
    }

    /// Samples per second; 0 for other than audio.
    pub fn sample_rate(&self) -> u32 {
        get!(self, sample_rate).try_into().unwrap_or(0)
    }

    /// Sample format, if this is audio and it is known.
    pub fn sample_fmt(&self) -> Option<SampleFmt> {
        (self.kind() == MediaKind::Audio)
            .then(|| SampleFmt::known(get!(self, format)))
            .flatten()
    }

    /// Channel layout, if this is audio and it is known.
    pub fn layout(&self) -> Option<Layout> {
        // SAFETY: the structure and so its layout are valid.
        unsafe { Layout::copy_of(&raw const (*self.as_ptr()).ch_layout) }
    }

    /// Samples per channel in each packet, where the codec fixes it.
    pub fn frame_size(&self) -> u32 {
        get!(self, frame_size).try_into().unwrap_or(0)
    }

    /// Codec-specific headers that are not repeated in the packets.
    pub fn extradata(&self) -> &[u8] {
        let (data, size) = (get!(self, extradata), sys::size(get!(self, extradata_size)));
        if data.is_null() {
            return &[];
        }
        // SAFETY: FFmpeg keeps `size` bytes there as long as the structure lives.
        unsafe { std::slice::from_raw_parts(data, size) }
    }
}

impl Clone for CodecParameters {
    fn clone(&self) -> Self {
        // SAFETY: our own structure is valid.
        unsafe { Self::copy_of(self.as_ptr()) }
    }
}

impl Drop for CodecParameters {
    fn drop(&mut self) {
        let mut parameters = self.as_ptr();
        // SAFETY: ours, and not used again.
        unsafe { sys::avcodec_parameters_free(&mut parameters) };
    }
}

impl fmt::Debug for CodecParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("CodecParameters");
        text.field("codec", &self.codec_name());
        match self.kind() {
            MediaKind::Video => text
                .field("size", &(self.width(), self.height()))
                .field("format", &self.pix_fmt()),
            MediaKind::Audio => text
                .field("rate", &self.sample_rate())
                .field("format", &self.sample_fmt())
                .field("layout", &self.layout()),
            _ => &mut text,
        };
        text.finish_non_exhaustive()
    }
}
