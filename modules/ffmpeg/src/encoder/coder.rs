//! Opens an encoder of either kind.

use bmf_ffmpeg::{Encoder, EncoderConfig, EncoderInfo, EncoderInput, Error, Uploader};
use bmf_sdk::hmp::TimeBase;

use super::settings::Common;

/// What an encoder is opened with beside its settings.
#[derive(Default)]
pub(super) struct Extras<'a> {
    /// The notes of an earlier pass.
    pub(super) notes: Option<String>,
    /// Who brings pictures to the device that encodes.
    pub(super) uploader: Option<&'a Uploader>,
}

/// An encoder for `input`, whose times are in `unit`. Options it does not know were reported when
/// the graph was checked.
pub(super) fn open(
    info: &EncoderInfo,
    common: &Common,
    input: EncoderInput,
    unit: TimeBase,
    extras: Extras<'_>,
) -> Result<Encoder, Error> {
    let config = EncoderConfig {
        name: info.name.clone(),
        input,
        time_base: unit,
        options: common.options.clone(),
        global_header: common.global_header,
        bit_rate: None,
        quality: common.quality,
        tag: common.tag,
        statistics: extras.notes,
    };
    let encoder = match extras.uploader {
        Some(uploader) => Encoder::open_on(&config, uploader)?,
        None => Encoder::open(&config)?,
    };
    for unused in encoder.unused_options() {
        log::debug!("{unused}");
    }
    Ok(encoder)
}
