//! What an encoder can take, and what to say when it is given something else.
//!
//! Read from FFmpeg's static tables; no encoder is opened.

use std::ffi::c_int;

use bmf_hmp::{MediaKind, Rational};

use crate::encoder::EncoderInput;
use crate::error::{Error, ErrorKind};
use crate::formats::{Layout, PixFmt, SampleFmt};
use crate::names::{self, media_kind};
use crate::options::did_you_mean;
use crate::sys;
use crate::units;

/// What FFmpeg's tables say about an encoder. Empty lists mean "anything".
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderInfo {
    /// The encoder's name, for instance "libx264".
    pub name: String,
    /// The codec's name, for instance "h264".
    pub codec: String,
    /// Video or audio (or subtitles).
    pub kind: MediaKind,
    /// Pixel formats, best first.
    pub pix_fmts: Vec<PixFmt>,
    /// Frame rates.
    pub frame_rates: Vec<Rational>,
    /// Sample formats, best first.
    pub sample_fmts: Vec<SampleFmt>,
    /// Sample rates.
    pub sample_rates: Vec<u32>,
    /// Channel layouts.
    pub layouts: Vec<Layout>,
    /// Whether audio frames may have any number of samples.
    pub any_frame_size: bool,
    /// Whether it must be asked for with the option "strict=experimental".
    pub experimental: bool,
}

impl EncoderInfo {
    /// Looks an encoder up by FFmpeg's exact name.
    ///
    /// # Errors
    ///
    /// If there is none, with the nearest name.
    pub fn find(name: &str) -> Result<Self, Error> {
        let codec = lookup(name);
        if codec.is_null() {
            return Err(Error::new(
                format!("cannot open encoder '{name}'"),
                ErrorKind::Unknown,
                "no such encoder",
            )
            .with_hint(Self::hint(name)));
        }
        // SAFETY: the codec and its tables are static.
        Ok(unsafe { Self::read(codec) })
    }

    /// What was meant by a name that is no encoder's: often a codec's.
    fn hint(name: &str) -> Option<String> {
        if let Some(encoder) = Self::default_for_codec(name) {
            return Some(format!("for codec {name} there is encoder '{encoder}'"));
        }
        let known = names::encoders();
        did_you_mean(name, known.iter().map(String::as_str))
    }

    /// The name of FFmpeg's first choice for a codec name such as "h264";
    /// `None` if no encoder makes it.
    pub fn default_for_codec(codec: &str) -> Option<String> {
        let text = sys::c_string(codec);
        // SAFETY: look-ups by name and id in static tables.
        unsafe {
            let descriptor = sys::avcodec_descriptor_get_by_name(text.as_ptr());
            if descriptor.is_null() {
                return None;
            }
            let found = sys::avcodec_find_encoder(sys::get_enum!(descriptor, id).cast_unsigned());
            (!found.is_null()).then(|| sys::text((*found).name))
        }
    }

    /// The names of all encoders of a codec such as "h264", FFmpeg's first choice first; `None` if
    /// FFmpeg knows no such codec.
    pub fn all_for_codec(codec: &str) -> Option<Vec<String>> {
        let text = sys::c_string(codec);
        // SAFETY: a look-up by name in static tables.
        let is_known = unsafe { !sys::avcodec_descriptor_get_by_name(text.as_ptr()).is_null() };
        let of_codec = |name: &String| {
            let encoder = lookup(name);
            // SAFETY: the encoder is static; its codec is read as an integer.
            let found = unsafe {
                sys::text(sys::avcodec_get_name(
                    sys::get_enum!(encoder, id).cast_unsigned(),
                ))
            };
            found == codec
        };
        is_known.then(|| names::encoders().into_iter().filter(of_codec).collect())
    }

    /// Whether it takes pictures in a device's memory only ([`Uploader`](crate::Uploader)): the
    /// format of those.
    pub fn device_format(&self) -> Option<PixFmt> {
        let first = *self.pix_fmts.first()?;
        let all = self.pix_fmts.iter().all(|format| format.is_hardware());
        all.then_some(first)
    }

    /// # Safety
    ///
    /// `codec` is an encoder of FFmpeg's static tables.
    unsafe fn read(codec: *const sys::AVCodec) -> Self {
        // SAFETY: static tables, ended as FFmpeg documents for each; formats are
        // read as integers.
        unsafe {
            let has = |capability: u32| (*codec).capabilities.cast_unsigned() & capability != 0;
            let formats = list((*codec).pix_fmts.cast::<c_int>(), |&format| format == -1);
            let samples = list((*codec).sample_fmts.cast::<c_int>(), |&format| format == -1);
            let rates = list((*codec).supported_samplerates, |&rate| rate == 0);
            let frame_rates = list((*codec).supported_framerates, |rate| rate.num == 0);
            let layouts = list((*codec).ch_layouts, |layout| layout.nb_channels == 0);
            Self {
                name: sys::text((*codec).name),
                codec: sys::text(sys::avcodec_get_name(
                    sys::get_enum!(codec, id).cast_unsigned(),
                )),
                kind: media_kind(sys::get_enum!(codec, type_)),
                pix_fmts: formats.iter().copied().filter_map(PixFmt::known).collect(),
                sample_fmts: samples
                    .iter()
                    .copied()
                    .filter_map(SampleFmt::known)
                    .collect(),
                sample_rates: rates
                    .iter()
                    .filter_map(|&rate| rate.try_into().ok())
                    .collect(),
                frame_rates: frame_rates
                    .iter()
                    .copied()
                    .filter_map(units::known)
                    .collect(),
                layouts: layouts
                    .iter()
                    .filter_map(|layout| Layout::copy_of(layout))
                    .collect(),
                any_frame_size: has(sys::AV_CODEC_CAP_VARIABLE_FRAME_SIZE),
                experimental: has(sys::AV_CODEC_CAP_EXPERIMENTAL),
            }
        }
    }

    /// Finds what the encoder would refuse, in words that name the alternatives.
    pub(crate) fn check(&self, operation: &str, input: &EncoderInput) -> Result<(), Error> {
        let refuse = |what: String, supported: String| {
            let hint = Some(format!("it takes {supported}"));
            Err(Error::new(operation, ErrorKind::InvalidArgument, what).with_hint(hint))
        };
        let kind = match input {
            EncoderInput::Video(_) => MediaKind::Video,
            EncoderInput::Audio(_) => MediaKind::Audio,
        };
        if kind != self.kind {
            let what = format!("it does not encode {}", kind.name());
            return refuse(what, self.kind.name().to_owned());
        }
        match input {
            EncoderInput::Video(video) => {
                if !takes(&self.pix_fmts, &video.pix_fmt) {
                    let what = format!("it does not take pixel format {}", video.pix_fmt);
                    return refuse(what, join(&self.pix_fmts));
                }
            }
            EncoderInput::Audio(audio) => {
                if !takes(&self.sample_fmts, &audio.sample_fmt) {
                    let what = format!("it does not take sample format {}", audio.sample_fmt);
                    return refuse(what, join(&self.sample_fmts));
                }
                if !takes(&self.sample_rates, &audio.sample_rate) {
                    let what = format!("it does not take sample rate {}", audio.sample_rate);
                    return refuse(what, join(&self.sample_rates));
                }
                if !takes(&self.layouts, &audio.layout) {
                    let what = format!("it does not take channel layout {}", audio.layout);
                    return refuse(what, join(&self.layouts));
                }
            }
        }
        Ok(())
    }
}

/// The encoder of that name, or null.
pub(crate) fn lookup(name: &str) -> *const sys::AVCodec {
    let text = sys::c_string(name);
    // SAFETY: a look-up by name in static tables.
    unsafe { sys::avcodec_find_encoder_by_name(text.as_ptr()) }
}

fn takes<T: PartialEq>(supported: &[T], given: &T) -> bool {
    supported.is_empty() || supported.contains(given)
}

fn join<T: ToString>(items: &[T]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A static C array that ends with a special entry; empty for null.
///
/// # Safety
///
/// `first` is null or the start of such an array.
unsafe fn list<T>(first: *const T, is_end: impl Fn(&T) -> bool) -> &'static [T] {
    if first.is_null() {
        return &[];
    }
    let mut length = 0;
    // SAFETY: the array ends where `is_end` says.
    unsafe {
        while !is_end(&*first.add(length)) {
            length += 1;
        }
        std::slice::from_raw_parts(first, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_to_their_ends() {
        let aac = EncoderInfo::find("aac").unwrap();
        assert_eq!((aac.codec.as_str(), aac.kind), ("aac", MediaKind::Audio));
        assert_eq!(aac.sample_fmts, [SampleFmt::from_name("fltp").unwrap()]);
        assert!(aac.sample_rates.contains(&48000) && !aac.any_frame_size);
        let x264 = EncoderInfo::find("libx264").unwrap();
        assert!(
            x264.pix_fmts
                .contains(&PixFmt::from_name("yuv420p").unwrap())
        );
        assert!(x264.sample_fmts.is_empty());
        let opus = EncoderInfo::find("libopus").unwrap();
        assert!(!opus.layouts.is_empty() || opus.sample_rates.contains(&48000));
    }

    #[test]
    fn unknown_encoders_have_neighbours() {
        insta::assert_snapshot!(EncoderInfo::find("libx246").unwrap_err(), @"cannot open encoder 'libx246': no such encoder; did you mean 'libx264'?");
        assert_eq!(
            EncoderInfo::default_for_codec("h264").as_deref(),
            Some("libx264")
        );
        assert_eq!(EncoderInfo::default_for_codec("nonsense"), None);
        let h264 = EncoderInfo::all_for_codec("h264").unwrap();
        assert_eq!(h264.first().map(String::as_str), Some("libx264"));
        assert_eq!(EncoderInfo::all_for_codec("vc1"), Some(Vec::new()));
        assert_eq!(EncoderInfo::all_for_codec("nonsense"), None);
    }
}
