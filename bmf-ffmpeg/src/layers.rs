//! Which of FFmpeg's parts know an option of some name, to tell users where one belongs that was given
//! to the wrong part.
//!
//! Walks all of FFmpeg's static tables: for messages, not for every frame.

use std::collections::BTreeSet;
use std::ptr;

use crate::names::each;
use crate::options::{Side, collect};
use crate::sys;

/// A part of FFmpeg that takes options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Protocols and formats that are read.
    Input,
    /// Decoders.
    Decoder,
    /// Encoders.
    Encoder,
    /// Protocols and formats that are written.
    Output,
}

/// The parts that know an option called `name`, whether or not a given file or codec does.
///
/// ```
/// use bmf_ffmpeg::{Layer, layers_of};
///
/// assert_eq!(layers_of("rtsp_transport"), [Layer::Input, Layer::Output]);
/// assert_eq!(layers_of("movflags"), [Layer::Output]);
/// assert_eq!(layers_of("nonsense"), []);
/// ```
pub fn layers_of(name: &str) -> Vec<Layer> {
    let layers = [Layer::Input, Layer::Decoder, Layer::Encoder, Layer::Output];
    let knows = |layer: &Layer| options_of(*layer).contains(name);
    layers.into_iter().filter(knows).collect()
}

fn options_of(layer: Layer) -> BTreeSet<String> {
    match layer {
        Layer::Input => format_options(Side::Reading),
        Layer::Decoder => codec_options(Side::Reading),
        Layer::Encoder => codec_options(Side::Writing),
        Layer::Output => format_options(Side::Writing),
    }
}

fn codec_options(side: Side) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    // SAFETY: FFmpeg's iteration over static tables; classes are null or static.
    unsafe {
        collect(sys::avcodec_get_class(), side, &mut names);
        each(
            |state| sys::av_codec_iterate(state),
            |codec| {
                let is_encoder = sys::av_codec_is_encoder(codec) != 0;
                if is_encoder == (side == Side::Writing) {
                    collect((*codec).priv_class, side, &mut names);
                }
            },
        );
    }
    names
}

fn format_options(side: Side) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let is_output = side == Side::Writing;
    // SAFETY: FFmpeg's iterations over static tables; classes are null or static.
    unsafe {
        collect(sys::avformat_get_class(), side, &mut names);
        if is_output {
            each(
                |state| sys::av_muxer_iterate(state),
                |format| collect((*format).priv_class, side, &mut names),
            );
        } else {
            each(
                |state| sys::av_demuxer_iterate(state),
                |format| collect((*format).priv_class, side, &mut names),
            );
        }
        let mut state = ptr::null_mut();
        loop {
            let protocol = sys::avio_enum_protocols(&mut state, is_output.into());
            if protocol.is_null() {
                return names;
            }
            collect(sys::avio_protocol_get_class(protocol), side, &mut names);
        }
    }
}
