//! Opens an encoder of either kind.

use bmf_ffmpeg::{Encoder, EncoderConfig, EncoderInfo, EncoderInput, Error};
use bmf_sdk::hmp::TimeBase;

use super::settings::Common;

/// An encoder for `input`, whose times are in `unit`. Options it does not know were reported when
/// the graph was checked.
pub(super) fn open(
    info: &EncoderInfo,
    common: &Common,
    input: EncoderInput,
    unit: TimeBase,
) -> Result<Encoder, Error> {
    let encoder = Encoder::open(&EncoderConfig {
        name: info.name.clone(),
        input,
        time_base: unit,
        options: common.options.clone(),
        global_header: common.global_header,
        bit_rate: None,
        quality: common.quality,
        tag: common.tag,
    })?;
    for unused in encoder.unused_options() {
        log::debug!("{unused}");
    }
    Ok(encoder)
}
