//! What this FFmpeg build has: codecs, formats, filters, and their options.
//!
//! Listings for suggestions, for `inspect`-like tools and for checking a graph
//! before it runs. Nothing is opened here and nothing is cached: FFmpeg's own
//! tables are static.

use std::collections::BTreeSet;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr;

use bmf_hmp::MediaKind;

use crate::options::{Side, collect};
use crate::sys;

/// What FFmpeg's codec library calls itself in files, for instance "Lavc59.37.100".
pub fn codec_library() -> String {
    // SAFETY: returns a number.
    let version = unsafe { sys::avcodec_version() };
    let (major, minor, micro) = (version >> 16, version >> 8 & 0xFF, version & 0xFF);
    format!("Lavc{major}.{minor}.{micro}")
}

/// Names of all encoders.
pub fn encoders() -> Vec<String> {
    codecs(|codec| {
        // SAFETY: the codec comes from FFmpeg's static tables.
        unsafe { sys::av_codec_is_encoder(codec) != 0 }
    })
}

/// Names of all decoders.
pub fn decoders() -> Vec<String> {
    codecs(|codec| {
        // SAFETY: the codec comes from FFmpeg's static tables.
        unsafe { sys::av_codec_is_decoder(codec) != 0 }
    })
}

/// Names of all output formats; some have several, separated by commas.
pub fn muxers() -> Vec<String> {
    // SAFETY: FFmpeg's iteration over static tables; the name is static text.
    each(
        |state| unsafe { sys::av_muxer_iterate(state) },
        |format| unsafe { sys::text((*format).name) },
    )
}

/// Names of all input formats; some have several, separated by commas.
pub fn demuxers() -> Vec<String> {
    // SAFETY: FFmpeg's iteration over static tables; the name is static text.
    each(
        |state| unsafe { sys::av_demuxer_iterate(state) },
        |format| unsafe { sys::text((*format).name) },
    )
}

/// Names of all filters.
pub fn filters() -> Vec<String> {
    // SAFETY: FFmpeg's iteration over static tables; the name is static text.
    each(
        |state| unsafe { sys::av_filter_iterate(state) },
        |filter| unsafe { sys::text((*filter).name) },
    )
}

/// What a decoder decodes, for instance "h264" for "h264_cuvid". `None` if there is no such decoder.
pub fn codec_of_decoder(name: &str) -> Option<String> {
    let name = sys::c_string(name);
    // SAFETY: look-ups in static tables; the name is static text.
    unsafe {
        let codec = sys::avcodec_find_decoder_by_name(name.as_ptr());
        let id = (!codec.is_null()).then(|| sys::get_enum!(codec, id).cast_unsigned())?;
        Some(sys::text(sys::avcodec_get_name(id)))
    }
}

/// Option names of an encoder: its own and those all encoders share. Empty if
/// there is no such encoder.
pub fn encoder_options(name: &str) -> BTreeSet<String> {
    let name = sys::c_string(name);
    // SAFETY: a look-up by name in static tables.
    let codec = unsafe { sys::avcodec_find_encoder_by_name(name.as_ptr()) };
    // SAFETY: null or static.
    unsafe { codec_options(codec, Side::Writing) }
}

/// Option names of a decoder: its own and those all decoders share. Empty if
/// there is no such decoder.
pub fn decoder_options(name: &str) -> BTreeSet<String> {
    let name = sys::c_string(name);
    // SAFETY: a look-up by name in static tables.
    let codec = unsafe { sys::avcodec_find_decoder_by_name(name.as_ptr()) };
    // SAFETY: null or static.
    unsafe { codec_options(codec, Side::Reading) }
}

/// Option names of what reads a URL: its protocol, and the format of the same name if there is
/// one (RTSP is both).
pub fn input_options(url: &str) -> BTreeSet<String> {
    let scheme = sys::c_string(url.split_once(':').map_or("file", |(scheme, _)| scheme));
    let mut names = BTreeSet::new();
    // SAFETY: look-ups by name in static tables; classes may be null.
    unsafe {
        let protocol = sys::avio_protocol_get_class(scheme.as_ptr());
        collect(protocol, Side::Reading, &mut names);
        let format = sys::av_find_input_format(scheme.as_ptr());
        if !format.is_null() {
            collect((*format).priv_class, Side::Reading, &mut names);
        }
    }
    names
}

/// What a filter is, as far as its static description says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterInfo {
    /// FFmpeg's name, for instance "scale".
    pub name: String,
    /// FFmpeg's one-line description.
    pub description: String,
    /// Kinds of the fixed inputs.
    pub inputs: Vec<MediaKind>,
    /// Kinds of the fixed outputs.
    pub outputs: Vec<MediaKind>,
    /// Whether options decide how many inputs there are (then `inputs` is empty).
    pub dynamic_inputs: bool,
    /// Whether options decide how many outputs there are (then `outputs` is empty).
    pub dynamic_outputs: bool,
    /// Option names.
    pub options: BTreeSet<String>,
}

impl FilterInfo {
    /// Looks a filter up by name.
    pub fn find(name: &str) -> Option<Self> {
        let name = sys::c_string(name);
        // SAFETY: a look-up by name in static tables.
        let filter = unsafe { sys::avfilter_get_by_name(name.as_ptr()) };
        if filter.is_null() {
            return None;
        }
        let mut options = BTreeSet::new();
        // SAFETY: the filter and all it points to are static tables.
        unsafe {
            collect((*filter).priv_class, Side::Filtering, &mut options);
            let flags = (*filter).flags;
            Some(Self {
                name: sys::text((*filter).name),
                description: sys::text((*filter).description),
                inputs: pads(filter, (*filter).inputs, 0),
                outputs: pads(filter, (*filter).outputs, 1),
                dynamic_inputs: flags & sys::AVFILTER_FLAG_DYNAMIC_INPUTS as c_int != 0,
                dynamic_outputs: flags & sys::AVFILTER_FLAG_DYNAMIC_OUTPUTS as c_int != 0,
                options,
            })
        }
    }
}

/// # Safety
///
/// Both pointers are of one of FFmpeg's static filter tables.
unsafe fn pads(
    filter: *const sys::AVFilter,
    pads: *const sys::AVFilterPad,
    is_output: c_int,
) -> Vec<MediaKind> {
    // SAFETY: the caller vouches for the filter.
    let count: c_uint = unsafe { sys::avfilter_filter_pad_count(filter, is_output) };
    let kinds = (0..sys::int(count)).map(|index| {
        // SAFETY: the index is below the count of these pads.
        media_kind(unsafe { sys::avfilter_pad_get_type(pads, index) })
    });
    kinds.collect()
}

/// Whether every picture of a codec stands alone, as those of mjpeg and prores do. False for a codec
/// that FFmpeg does not know.
pub fn is_intra_only(codec: &str) -> bool {
    let codec = sys::c_string(codec);
    // SAFETY: a C string; descriptors are static.
    unsafe {
        let descriptor = sys::avcodec_descriptor_get_by_name(codec.as_ptr());
        !descriptor.is_null() && (*descriptor).props & sys::AV_CODEC_PROP_INTRA_ONLY != 0
    }
}

/// FFmpeg's media type as the kind frames and packets carry.
pub(crate) fn media_kind(kind: c_int) -> MediaKind {
    match kind {
        sys::MEDIA_VIDEO => MediaKind::Video,
        sys::MEDIA_AUDIO => MediaKind::Audio,
        sys::MEDIA_SUBTITLE => MediaKind::Subtitle,
        _ => MediaKind::Data,
    }
}

/// The options of a codec and of codec contexts in general.
///
/// # Safety
///
/// `codec` is null or from FFmpeg's static tables.
pub(crate) unsafe fn codec_options(codec: *const sys::AVCodec, side: Side) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if !codec.is_null() {
        // SAFETY: static tables all of them.
        unsafe {
            collect(sys::avcodec_get_class(), side, &mut names);
            collect((*codec).priv_class, side, &mut names);
        }
    }
    names
}

/// The options of format contexts, of one format's own class, and of the
/// protocol that a URL names.
///
/// # Safety
///
/// `private` is null or a format's static class.
pub(crate) unsafe fn format_options(
    private: *const sys::AVClass,
    url: &str,
    side: Side,
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let protocol = sys::c_string(url.split_once(':').map_or("file", |(scheme, _)| scheme));
    // SAFETY: static tables all of them; an unknown protocol has a null class.
    unsafe {
        collect(sys::avformat_get_class(), side, &mut names);
        collect(
            sys::avio_protocol_get_class(protocol.as_ptr()),
            side,
            &mut names,
        );
        collect(private, side, &mut names);
    }
    names
}

fn codecs(wanted: impl Fn(*const sys::AVCodec) -> bool) -> Vec<String> {
    // SAFETY: FFmpeg's iteration over static tables; the name is static text.
    let all = each(
        |state| unsafe { sys::av_codec_iterate(state) },
        |codec| {
            // SAFETY: as above.
            wanted(codec).then(|| unsafe { sys::text((*codec).name) })
        },
    );
    all.into_iter().flatten().collect()
}

/// Walks one of FFmpeg's static tables.
pub(crate) fn each<T, R>(
    next: impl Fn(*mut *mut c_void) -> *const T,
    mut visit: impl FnMut(*const T) -> R,
) -> Vec<R> {
    let mut state = ptr::null_mut();
    let mut results = Vec::new();
    loop {
        let item = next(&mut state);
        if item.is_null() {
            return results;
        }
        results.push(visit(item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_has_the_usual_parts() {
        assert!(codec_library().starts_with("Lavc"));
        assert!(encoders().contains(&"libx264".to_owned()));
        assert!(decoders().contains(&"h264".to_owned()));
        assert!(!decoders().contains(&"libx264".to_owned()));
        assert!(muxers().contains(&"mp4".to_owned()));
        assert!(demuxers().contains(&"mov,mp4,m4a,3gp,3g2,mj2".to_owned()));
        assert!(filters().contains(&"scale".to_owned()));
    }

    #[test]
    fn options_are_those_of_the_codec_and_of_all_codecs() {
        let options = encoder_options("libx264");
        assert!(options.contains("crf") && options.contains("g"));
        assert!(encoder_options("nonsense").is_empty());
        assert!(decoder_options("h264").contains("threads"));
        assert!(input_options("rtsp://host").contains("rtsp_transport"));
        assert!(input_options("http://host").contains("reconnect"));
        assert!(!input_options("a.mp4").contains("reconnect"));
    }

    #[test]
    fn filters_say_what_they_take() {
        let scale = FilterInfo::find("scale").unwrap();
        assert_eq!((scale.inputs.len(), scale.outputs.len()), (1, 1));
        assert!(scale.options.contains("width"));
        assert!(FilterInfo::find("amix").unwrap().dynamic_inputs);
        assert_eq!(
            FilterInfo::find("sine").unwrap().outputs,
            [MediaKind::Audio]
        );
        assert_eq!(FilterInfo::find("scalee"), None);
    }
}
