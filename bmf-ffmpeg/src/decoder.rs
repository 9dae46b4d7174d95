//! Decodes the packets of one stream.
//!
//! Damaged data does not stop a [`Decoder`]: errors are counted and the last
//! one kept, and the caller decides how many are too many. It invents no
//! timestamps; frames carry what the packets said, and FFmpeg's best guess.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use bmf_hmp::{Rational, TimeBase};

use crate::dict::Dict;
use crate::error::{Error, ErrorKind};
use crate::flow::{Fed, Pulled};
use crate::frame::AvFrame;
use crate::hw::HwDevice;
use crate::log::Capture;
use crate::names;
use crate::options::{Side, UnusedOption, did_you_mean, unused};
use crate::packet::AvPacket;
use crate::params::CodecParameters;
use crate::sys;
use crate::units;

/// How to open a decoder.
#[derive(Debug, Clone, Default)]
pub struct DecoderConfig {
    /// Decoder name; FFmpeg's first choice for the codec by default.
    pub name: Option<String>,
    /// Options of the decoder. "threads" is "auto" (as many as cores, frame and
    /// slice threading) unless given.
    pub options: Dict,
    /// Time base of the packets; needed for exact trimming of encoder padding.
    pub time_base: Option<TimeBase>,
    /// Frame rate from the container, for codecs that do not say.
    pub frame_rate: Option<Rational>,
    /// Which frames need not be decoded.
    pub skip_frame: Skip,
    /// The device to decode on. What it cannot decode comes from the CPU even so;
    /// [`AvFrame::is_hardware`] tells.
    pub hardware: Option<HwDevice>,
}

/// Which frames a decoder may leave out, to be faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Skip {
    /// None.
    Nothing,
    /// What is useless anyway (FFmpeg's default).
    #[default]
    Useless,
    /// Frames that no other refers to.
    NonReference,
    /// Bidirectional frames.
    Bidirectional,
    /// All but intra frames.
    NonIntra,
    /// All but key frames.
    NonKey,
    /// All.
    All,
}

impl Skip {
    /// From FFmpeg's `AVDiscard` numbers (-16, 0, 8, 16, 24, 32, 48).
    pub fn from_level(level: i32) -> Option<Self> {
        Some(match level {
            -16 => Self::Nothing,
            0 => Self::Useless,
            8 => Self::NonReference,
            16 => Self::Bidirectional,
            24 => Self::NonIntra,
            32 => Self::NonKey,
            48 => Self::All,
            _ => return None,
        })
    }

    fn to_av(self) -> sys::AVDiscard {
        match self {
            Self::Nothing => sys::AVDiscard::AVDISCARD_NONE,
            Self::Useless => sys::AVDiscard::AVDISCARD_DEFAULT,
            Self::NonReference => sys::AVDiscard::AVDISCARD_NONREF,
            Self::Bidirectional => sys::AVDiscard::AVDISCARD_BIDIR,
            Self::NonIntra => sys::AVDiscard::AVDISCARD_NONINTRA,
            Self::NonKey => sys::AVDiscard::AVDISCARD_NONKEY,
            Self::All => sys::AVDiscard::AVDISCARD_ALL,
        }
    }
}

/// An open decoder of one stream.
///
/// Can be sent to another thread between calls; used by one at a time. Decodes
/// on threads of its own if "threads" says so.
#[derive(Debug)]
pub struct Decoder {
    context: NonNull<sys::AVCodecContext>,
    name: String,
    unused: Vec<UnusedOption>,
    errors: u64,
    last_error: Option<Error>,
    /// For the next result: most questions have none, and an empty frame can wait.
    spare: Option<AvFrame>,
}

// SAFETY: a codec context has no thread affinity and is reached through
// `&mut self` only (`&self` reads fields that no decoding thread writes).
unsafe impl Send for Decoder {}

impl Decoder {
    /// Opens a decoder for a stream with the given parameters.
    ///
    /// # Errors
    ///
    /// If there is no decoder for the codec or of the name given, if that one
    /// decodes another codec or cannot use the device, or if parameters or option
    /// values are refused.
    pub fn open(parameters: &CodecParameters, config: &DecoderConfig) -> Result<Self, Error> {
        let codec = find(config.name.as_deref(), Some(parameters))?;
        Self::open_codec(codec, Some(parameters), config)
    }

    /// Opens a decoder by name alone, for data without a container.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_by_name(name: &str, config: &DecoderConfig) -> Result<Self, Error> {
        Self::open_codec(find(Some(name), None)?, None, config)
    }

    fn open_codec(
        codec: *const sys::AVCodec,
        parameters: Option<&CodecParameters>,
        config: &DecoderConfig,
    ) -> Result<Self, Error> {
        // SAFETY: the codec comes from static tables; the context is allocated
        // with its defaults.
        let (context, name) =
            unsafe { (sys::avcodec_alloc_context3(codec), sys::text((*codec).name)) };
        let context =
            NonNull::new(context).unwrap_or_else(|| sys::out_of_memory::<sys::AVCodecContext>());
        let mut decoder = Self {
            context,
            name,
            unused: Vec::new(),
            errors: 0,
            last_error: None,
            spare: None,
        };
        if let Some(device) = &config.hardware {
            // SAFETY: the codec comes from static tables.
            unsafe { device.check(codec, &decoder.name)? };
        }
        let mut options = config.options.clone();
        options.set_default("threads", "auto");

        let capture = Capture::start();
        let code = decoder.configure(codec, parameters, config, &mut options);
        if code < 0 {
            let lines = capture.take().into_iter().map(|line| line.text).collect();
            let operation = format!("cannot open decoder {}", decoder.name);
            return Err(Error::from_code(operation, code).with_details(lines));
        }
        // SAFETY: the codec comes from static tables.
        let known = unsafe { names::codec_options(codec, Side::Reading) };
        decoder.unused = unused(&options, &format!("decoder {}", decoder.name), &known);
        Ok(decoder)
    }

    fn configure(
        &mut self,
        codec: *const sys::AVCodec,
        parameters: Option<&CodecParameters>,
        config: &DecoderConfig,
        options: &mut Dict,
    ) -> c_int {
        let context = self.context.as_ptr();
        // SAFETY: the context is allocated, not open, and ours alone; fields are
        // set to values of their types.
        unsafe {
            if let Some(parameters) = parameters {
                let code = sys::avcodec_parameters_to_context(context, parameters.as_ptr());
                if code < 0 {
                    return code;
                }
            }
            if let Some(time_base) = config.time_base {
                (*context).pkt_timebase = units::av_time_base(time_base);
            }
            if let Some(rate) = config.frame_rate {
                (*context).framerate = units::av(rate);
            }
            (*context).skip_frame = config.skip_frame.to_av();
            if let Some(device) = &config.hardware {
                (*context).hw_device_ctx = device.reference();
            }
            sys::avcodec_open2(context, codec, options.as_mut_ptr())
        }
    }

    /// The decoder's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Options that the decoder did not know.
    pub fn unused_options(&self) -> &[UnusedOption] {
        &self.unused
    }

    /// How many packets or frames could not be decoded.
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// The last failure to decode.
    pub fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    /// Feeds a packet.
    ///
    /// A packet that cannot be decoded is taken and counted in
    /// [`errors`](Self::errors).
    ///
    /// # Errors
    ///
    /// Only if memory is lacking.
    pub fn send(&mut self, packet: &AvPacket) -> Result<Fed, Error> {
        self.send_raw(packet.as_ptr())
    }

    /// Says that no packet follows; the frames still inside can then be
    /// received, until [`Pulled::Ended`].
    ///
    /// # Errors
    ///
    /// Only if memory is lacking.
    pub fn finish(&mut self) -> Result<Fed, Error> {
        self.send_raw(ptr::null())
    }

    fn send_raw(&mut self, packet: *const sys::AVPacket) -> Result<Fed, Error> {
        // SAFETY: the context is open and ours alone; the packet is valid or
        // null, and only read.
        match unsafe { sys::avcodec_send_packet(self.context.as_ptr(), packet) } {
            0.. => Ok(Fed::Taken),
            sys::AGAIN => Ok(Fed::Full),
            sys::AVERROR_EOF => Ok(Fed::Closed),
            code => self.count(code).map(|()| Fed::Taken),
        }
    }

    /// Fetches the next frame, in order of presentation.
    ///
    /// # Errors
    ///
    /// Only if memory is lacking; what cannot be decoded is skipped and counted.
    pub fn receive(&mut self) -> Result<Pulled<AvFrame>, Error> {
        loop {
            let frame = self.spare.take().unwrap_or_else(AvFrame::blank);
            // SAFETY: the context is open and ours alone; the frame is blank, and is
            // again after a failure.
            match unsafe { sys::avcodec_receive_frame(self.context.as_ptr(), frame.as_ptr()) } {
                0.. => return Ok(Pulled::Ready(frame)),
                code => {
                    self.spare = Some(frame);
                    match code {
                        sys::AGAIN => return Ok(Pulled::Hungry),
                        sys::AVERROR_EOF => return Ok(Pulled::Ended),
                        code => self.count(code)?,
                    }
                }
            }
        }
    }

    fn count(&mut self, code: c_int) -> Result<(), Error> {
        let error = Error::from_code(format!("cannot decode with {}", self.name), code);
        if code == -libc::ENOMEM {
            return Err(error);
        }
        self.errors += 1;
        log::debug!(target: "bmf_ffmpeg", "{error}");
        self.last_error = Some(error);
        Ok(())
    }

    /// Forgets everything fed so far: after a seek, or to go on after the end.
    pub fn flush(&mut self) {
        // SAFETY: the context is open and ours alone.
        unsafe { sys::avcodec_flush_buffers(self.context.as_ptr()) };
    }

    /// What the decoder knows about its output by now.
    pub fn parameters(&self) -> CodecParameters {
        let parameters = CodecParameters::blank();
        // SAFETY: the context is open; the target is ours.
        if unsafe {
            sys::avcodec_parameters_from_context(parameters.as_ptr(), self.context.as_ptr())
        } < 0
        {
            sys::out_of_memory::<sys::AVCodecParameters>();
        }
        parameters
    }

    /// Frame rate the compressed data itself claims, if it does.
    pub fn frame_rate(&self) -> Option<Rational> {
        // SAFETY: the context is open.
        units::known(unsafe { (*self.context.as_ptr()).framerate })
    }

    /// By how many frames output lags behind input because of reordering.
    pub fn reorder_delay(&self) -> u32 {
        // SAFETY: the context is open.
        unsafe { (*self.context.as_ptr()).has_b_frames }
            .try_into()
            .unwrap_or(0)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: ours; frees an open or merely allocated context.
        unsafe { sys::avcodec_free_context(&mut context) };
    }
}

fn find(
    name: Option<&str>,
    parameters: Option<&CodecParameters>,
) -> Result<*const sys::AVCodec, Error> {
    if let Some(name) = name {
        return find_by_name(name, parameters);
    }
    let Some(parameters) = parameters else {
        return Err(Error::new(
            "cannot open a decoder",
            ErrorKind::InvalidArgument,
            "neither name nor parameters given",
        ));
    };
    // SAFETY: a look-up in static tables.
    let codec = unsafe { sys::avcodec_find_decoder(parameters.codec_id()) };
    if codec.is_null() {
        let operation = format!("cannot decode codec '{}'", parameters.codec_name());
        return Err(Error::new(
            operation,
            ErrorKind::Unknown,
            "this ffmpeg has no decoder for it",
        ));
    }
    Ok(codec)
}

fn find_by_name(
    name: &str,
    parameters: Option<&CodecParameters>,
) -> Result<*const sys::AVCodec, Error> {
    let operation = format!("cannot open decoder '{name}'");
    let text = sys::c_string(name);
    // SAFETY: a look-up by name in static tables.
    let codec = unsafe { sys::avcodec_find_decoder_by_name(text.as_ptr()) };
    if codec.is_null() {
        let known = names::decoders();
        return Err(Error::new(operation, ErrorKind::Unknown, "no such decoder")
            .with_hint(did_you_mean(name, known.iter().map(String::as_str))));
    }
    if let Some(parameters) = parameters {
        // SAFETY: the codec comes from static tables; the id is read as an integer.
        let id = unsafe { sys::get_enum!(codec, id) }.cast_unsigned();
        if id != parameters.codec_id() {
            let message = format!(
                "the stream's codec is '{}', which it does not decode",
                parameters.codec_name()
            );
            return Err(
                Error::new(operation, ErrorKind::InvalidArgument, message).with_hint(Some(
                    "leave the decoder's name out to have it chosen".into(),
                )),
            );
        }
    }
    Ok(codec)
}
