//! Encodes the frames of one stream.
//!
//! An [`Encoder`] takes frames that already have its format and time base; it
//! neither scales nor resamples nor makes timestamps. Which encoder to use and
//! which frames to feed is the caller's decision; [`EncoderInfo`] says what an
//! encoder can take.

use std::ffi::{CString, c_int};
use std::ptr::{self, NonNull};

use bmf_hmp::{ColorDescription, MediaKind, Rational, TimeBase};

use crate::color;
use crate::dict::Dict;
use crate::encoder_info::{self, EncoderInfo};
use crate::error::Error;
use crate::flow::{Fed, Pulled};
use crate::formats::{Layout, PixFmt, SampleFmt};
use crate::frame::AvFrame;
use crate::log::Capture;
use crate::names;
use crate::options::{Side, UnusedOption, unused};
use crate::packet::AvPacket;
use crate::params::CodecParameters;
use crate::sys;
use crate::units;
use crate::upload::Uploader;

/// What the frames will be.
#[derive(Debug, Clone, PartialEq)]
pub enum EncoderInput {
    /// Pictures.
    Video(VideoParams),
    /// Sound.
    Audio(AudioParams),
}

/// Pictures to be encoded.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoParams {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pixel format.
    pub pix_fmt: PixFmt,
    /// Pixel aspect ratio; 0/1 if unknown.
    pub sample_aspect_ratio: Rational,
    /// Frame rate, if it is constant; rate control needs it.
    pub frame_rate: Option<Rational>,
    /// What the numbers mean as colours.
    pub color: ColorDescription,
    /// Whether lines belong to two fields, and if so whether the top one is first.
    pub top_field_first: Option<bool>,
}

/// Sound to be encoded.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioParams {
    /// Samples per second.
    pub sample_rate: u32,
    /// Sample format.
    pub sample_fmt: SampleFmt,
    /// Channel layout.
    pub layout: Layout,
}

/// How to open an encoder.
#[derive(Debug, Clone)]
pub struct EncoderConfig {
    /// FFmpeg's exact encoder name, for instance "libx264".
    pub name: String,
    /// What the frames will be.
    pub input: EncoderInput,
    /// Unit of the frames' timestamps, and of the packets'.
    pub time_base: TimeBase,
    /// Options of the encoder. "threads" is "auto" unless given.
    pub options: Dict,
    /// Whether headers go into the extra data only, as the container demands
    /// ([`Muxer::needs_global_header`](crate::Muxer::needs_global_header)).
    pub global_header: bool,
    /// Bits per second; the encoder's own default if absent.
    pub bit_rate: Option<i64>,
    /// Constant quantiser scale (the command line's `-q`); lower is better.
    pub quality: Option<f64>,
    /// Four-character code to be written in place of the codec's usual one.
    pub tag: Option<[u8; 4]>,
    /// What [`Encoder::statistics`] gave in an earlier pass, for the pass that uses it.
    pub statistics: Option<String>,
}

/// An open encoder of one stream.
///
/// Can be sent to another thread between calls; used by one at a time.
#[derive(Debug)]
pub struct Encoder {
    context: NonNull<sys::AVCodecContext>,
    info: EncoderInfo,
    time_base: TimeBase,
    unused: Vec<UnusedOption>,
    /// What the context reads of an earlier pass.
    statistics: Option<CString>,
}

// SAFETY: a codec context has no thread affinity and is reached through
// `&mut self` only (`&self` reads fields that no encoding thread writes).
unsafe impl Send for Encoder {}

impl Encoder {
    /// Opens an encoder.
    ///
    /// # Errors
    ///
    /// If there is no such encoder, or if it refuses the format, a parameter or
    /// an option's value; the message has the encoder's own words and says what
    /// it supports.
    pub fn open(config: &EncoderConfig) -> Result<Self, Error> {
        Self::open_for(config, None)
    }

    /// Opens an encoder that takes the frames of an uploader, in the uploader's format.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_on(config: &EncoderConfig, uploader: &Uploader) -> Result<Self, Error> {
        Self::open_for(config, Some(uploader))
    }

    fn open_for(config: &EncoderConfig, uploader: Option<&Uploader>) -> Result<Self, Error> {
        let info = EncoderInfo::find(&config.name)?;
        let operation = format!("cannot open encoder {}", info.name);
        info.check(&operation, &config.input)?;
        let codec = encoder_info::lookup(&config.name);
        // SAFETY: the codec was just found; the context gets its defaults.
        let context = unsafe { sys::avcodec_alloc_context3(codec) };
        let context =
            NonNull::new(context).unwrap_or_else(|| sys::out_of_memory::<sys::AVCodecContext>());
        let mut encoder = Self {
            context,
            info,
            time_base: config.time_base,
            unused: Vec::new(),
            statistics: config.statistics.as_deref().map(sys::c_string),
        };
        encoder.configure(config);
        if let Some(uploader) = uploader {
            // SAFETY: the context is allocated and not open; it takes references of its own.
            unsafe { uploader.lend_to(context.as_ptr()) };
        }

        let mut options = config.options.clone();
        options.set_default("threads", "auto");
        let capture = Capture::start();
        // SAFETY: the context is configured, not open, and ours alone.
        let code = unsafe { sys::avcodec_open2(context.as_ptr(), codec, options.as_mut_ptr()) };
        if code < 0 {
            let lines = capture.take().into_iter().map(|line| line.text).collect();
            return Err(Error::from_code(operation, code).with_details(lines));
        }
        // SAFETY: the codec comes from static tables.
        let known = unsafe { names::codec_options(codec, Side::Writing) };
        encoder.unused = unused(&options, &format!("encoder {}", encoder.info.name), &known);
        Ok(encoder)
    }

    fn configure(&mut self, config: &EncoderConfig) {
        let context = self.context.as_ptr();
        // SAFETY: the context is allocated, not open, and ours alone; fields are
        // set to values of their types.
        unsafe {
            (*context).time_base = units::av_time_base(config.time_base);
            if config.global_header {
                (*context).flags |= sys::AV_CODEC_FLAG_GLOBAL_HEADER as c_int;
            }
            if let Some(bit_rate) = config.bit_rate {
                (*context).bit_rate = bit_rate;
            }
            if let Some(quality) = config.quality {
                (*context).flags |= sys::AV_CODEC_FLAG_QSCALE as c_int;
                (*context).global_quality =
                    (quality * f64::from(sys::FF_QP2LAMBDA)).round() as c_int;
            }
            if let Some(tag) = config.tag {
                (*context).codec_tag = u32::from_le_bytes(tag);
            }
            if let Some(statistics) = &self.statistics {
                // Only read by FFmpeg; it stays ours and lives as long as the context.
                (*context).stats_in = statistics.as_ptr().cast_mut();
            }
            match &config.input {
                EncoderInput::Video(video) => configure_video(context, video),
                EncoderInput::Audio(audio) => configure_audio(context, audio),
            }
        }
    }

    /// What kind of encoder this is and what it supports.
    pub fn info(&self) -> &EncoderInfo {
        &self.info
    }

    /// Options that the encoder did not know.
    pub fn unused_options(&self) -> &[UnusedOption] {
        &self.unused
    }

    /// Unit of the timestamps of frames and packets.
    pub fn time_base(&self) -> TimeBase {
        self.time_base
    }

    /// Samples per channel that each frame must have, but for the last; `None`
    /// if any number will do.
    pub fn frame_size(&self) -> Option<u32> {
        // SAFETY: the context is open.
        let size = unsafe { (*self.context.as_ptr()).frame_size };
        (self.info.kind == MediaKind::Audio && !self.info.any_frame_size)
            .then(|| size.try_into().ok())
            .flatten()
            .filter(|&size: &u32| size > 0)
    }

    /// What a muxer needs to know of this stream.
    pub fn parameters(&self) -> CodecParameters {
        let parameters = CodecParameters::blank();
        // SAFETY: the context is open; the target is ours.
        let code = unsafe {
            sys::avcodec_parameters_from_context(parameters.as_ptr(), self.context.as_ptr())
        };
        if code < 0 {
            sys::out_of_memory::<sys::AVCodecParameters>();
        }
        parameters
    }

    /// The constant frame rate it was opened with.
    pub fn frame_rate(&self) -> Option<Rational> {
        // SAFETY: the context is open.
        units::known(unsafe { (*self.context.as_ptr()).framerate })
    }

    /// Feeds a frame; its timestamps are in the encoder's time base. Picture
    /// types left over from a decoder are removed: the encoder chooses, unless
    /// `force_key_frame`.
    ///
    /// # Errors
    ///
    /// If the encoder fails or the frame does not have the format it was opened
    /// for.
    pub fn send(&mut self, frame: &mut AvFrame, force_key_frame: bool) -> Result<Fed, Error> {
        frame.set_force_key_frame(force_key_frame);
        // SAFETY: the context is open.
        frame.set_quality(unsafe { (*self.context.as_ptr()).global_quality });
        let pts = frame.pts();
        self.send_raw(frame.as_ptr())
            .map_err(|error| error.with_hint(pts.map(|pts| format!("at the frame with pts {pts}"))))
    }

    /// Says that no frame follows; the packets still inside can then be
    /// received, until [`Pulled::Ended`].
    ///
    /// # Errors
    ///
    /// If the encoder fails.
    pub fn finish(&mut self) -> Result<Fed, Error> {
        self.send_raw(ptr::null())
    }

    fn send_raw(&mut self, frame: *const sys::AVFrame) -> Result<Fed, Error> {
        let capture = Capture::start();
        // SAFETY: the context is open and ours alone; FFmpeg takes a reference
        // to the frame and changes nothing in it.
        match unsafe { sys::avcodec_send_frame(self.context.as_ptr(), frame) } {
            0.. => Ok(Fed::Taken),
            sys::AGAIN => Ok(Fed::Full),
            sys::AVERROR_EOF => Ok(Fed::Closed),
            code => Err(self.failure(code, capture)),
        }
    }

    /// Fetches the next packet, in order of decoding; it carries the encoder's
    /// time base.
    ///
    /// # Errors
    ///
    /// If the encoder fails.
    pub fn receive(&mut self) -> Result<Pulled<AvPacket>, Error> {
        let mut packet = AvPacket::blank();
        let capture = Capture::start();
        // SAFETY: the context is open and ours alone; the packet is blank.
        match unsafe { sys::avcodec_receive_packet(self.context.as_ptr(), packet.as_ptr()) } {
            0.. => {
                packet.set_time_base(self.time_base);
                Ok(Pulled::Ready(packet))
            }
            sys::AGAIN => Ok(Pulled::Hungry),
            sys::AVERROR_EOF => Ok(Pulled::Ended),
            code => Err(self.failure(code, capture)),
        }
    }

    /// What the encoder tells a later pass, after the last packet received or the end. `None` if
    /// it was not opened for a first pass, or keeps such files by itself.
    pub fn statistics(&self) -> Option<String> {
        // SAFETY: the context is open; the text is null or the encoder's.
        let text = unsafe { sys::text((*self.context.as_ptr()).stats_out) };
        (!text.is_empty()).then_some(text)
    }

    fn failure(&self, code: c_int, capture: Capture) -> Error {
        let lines = capture.take().into_iter().map(|line| line.text).collect();
        Error::from_code(format!("cannot encode with {}", self.info.name), code).with_details(lines)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: ours; frees an open or merely allocated context. The statistics are not FFmpeg's.
        unsafe {
            (*context).stats_in = ptr::null_mut();
            sys::avcodec_free_context(&mut context);
        }
    }
}

/// # Safety
///
/// `context` is allocated, not open, and nobody else uses it.
unsafe fn configure_video(context: *mut sys::AVCodecContext, video: &VideoParams) {
    // SAFETY: the caller's promise; the id is read as an integer.
    let is_mjpeg =
        unsafe { sys::get_enum!(context, codec_id) } == sys::AVCodecID::AV_CODEC_ID_MJPEG as c_int;
    // The two letters are the field coded first and the field shown first. Motion
    // JPEG codes fields apart; the others code both at once, which FFmpeg writes
    // with different letters.
    let field_order = match (video.top_field_first, is_mjpeg) {
        (None, _) => sys::AVFieldOrder::AV_FIELD_PROGRESSIVE,
        (Some(true), true) => sys::AVFieldOrder::AV_FIELD_TT,
        (Some(false), true) => sys::AVFieldOrder::AV_FIELD_BB,
        (Some(true), false) => sys::AVFieldOrder::AV_FIELD_TB,
        (Some(false), false) => sys::AVFieldOrder::AV_FIELD_BT,
    };
    let color = color::codes(&video.color);
    // SAFETY: the caller's promise; the format was checked against the encoder's
    // and enum fields are written as integers.
    unsafe {
        (*context).width = sys::int(video.width);
        (*context).height = sys::int(video.height);
        sys::set_enum!(context, pix_fmt, video.pix_fmt.0);
        (*context).sample_aspect_ratio = units::av(video.sample_aspect_ratio);
        (*context).framerate = units::av_or_unknown(video.frame_rate);
        (*context).field_order = field_order;
        sys::set_enum!(context, color_range, color.range);
        sys::set_enum!(context, color_primaries, color.primaries);
        sys::set_enum!(context, color_trc, color.transfer);
        sys::set_enum!(context, colorspace, color.matrix);
        sys::set_enum!(context, chroma_sample_location, color.chroma_location);
    }
}

/// # Safety
///
/// `context` is allocated, not open, and nobody else uses it.
unsafe fn configure_audio(context: *mut sys::AVCodecContext, audio: &AudioParams) {
    // SAFETY: the caller's promise; enum fields are written as integers.
    unsafe {
        (*context).sample_rate = sys::int(audio.sample_rate);
        sys::set_enum!(context, sample_fmt, audio.sample_fmt.0);
        audio.layout.copy_to(&raw mut (*context).ch_layout);
    }
}
