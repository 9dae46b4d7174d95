//! The options of `c_ffmpeg_encoder` as they are written. What they mean is decided in `choice`,
//! `picture_settings` and `sound_settings`; what is wrong with them is told by `check`.

use std::collections::BTreeMap;

use bmf_sdk::serde_json::Value;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::values::{optional_text, switch};

/// Encodes pictures and sound and writes them into a file or to a network address.
///
/// With the same options the frames, their times and the packets are those of the `ffmpeg` command
/// (5.1), with BMF's defaults: H.264 in yuv420p and AAC where the container is a general one, else
/// what FFmpeg uses for that container.
///
/// Pictures for a container of sound, or sound for one of pictures, are left out with a warning. An
/// output that is also an input is refused.
///
/// The file is created when the first packets are ready: if nothing arrives an existing file of
/// that name stays as it was. That it can be created is checked when the graph starts. When the
/// graph is stopped or fails, what has been encoded is completed to a playable file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// File or URL to write. Required, unless `null_output` is set. `-` is the standard output.
    pub(super) output_path: Option<String>,
    /// FFmpeg's name of the container. By default what the file name's extension stands for
    /// (`.m3u8` is `hls`), else `mp4`.
    pub(super) format: Option<String>,
    /// Takes the frames and does nothing with them.
    #[serde(deserialize_with = "switch")]
    #[schemars(with = "bool")]
    pub(super) null_output: bool,
    /// How pictures are encoded; keys that are not listed here are options of the encoder.
    pub(super) video_params: VideoParams,
    /// How sound is encoded; keys that are not listed here are options of the encoder.
    pub(super) audio_params: AudioParams,
    /// Options of the container and of the protocol, such as `movflags`.
    pub(super) mux_params: BTreeMap<String, Value>,
    /// Tags of the file, such as `title`.
    pub(super) metadata: BTreeMap<String, Value>,
    /// Most pictures to write. Sound goes on to its own end.
    pub(super) vframes: Option<u64>,
    /// Most audio packets to write. Pictures go on to their own end.
    pub(super) aframes: Option<u64>,
    /// Fewest pictures to write; the last one is repeated.
    pub(super) min_frames: u64,
    /// Lets the output begin at 0, whatever the time of the first frame.
    #[serde(deserialize_with = "switch")]
    #[schemars(with = "bool")]
    pub(super) adjust_pts: bool,
    /// How much FFmpeg logs, for the whole process: `quiet`, `error`, `warning`, `info`, `debug`.
    #[serde(deserialize_with = "optional_text")]
    #[schemars(with = "Option<String>")]
    pub(super) loglevel: Option<String>,
    /// Not available.
    pub(super) output_prefix: Option<Value>,
    /// Not available: only 0, which writes `output_path`.
    pub(super) push_output: Option<Value>,
    /// Not available.
    pub(super) avio_buffer_size: Option<Value>,
    /// Not available.
    pub(super) io_frm_match: Option<Value>,
}

/// How pictures are encoded.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct VideoParams {
    /// Encoder (`libx264`) or codec (`h264`, `hevc`, `vp9`, `av1`, `jpg`, `png`).
    pub(super) codec: Option<String>,
    /// Width in pixels, together with `height`; that of the frames by default.
    pub(super) width: Option<u32>,
    /// Height in pixels, together with `width`.
    pub(super) height: Option<u32>,
    /// Pixel format. By default yuv420p where the encoder takes it, else the nearest it takes;
    /// `jpg` is yuvj444p and `png` rgba; encoders that take anything keep what comes.
    pub(super) pix_fmt: Option<String>,
    /// Frames per second: `25`, `30000/1001`. By default that of the frames, else 25.
    #[serde(deserialize_with = "optional_text")]
    #[schemars(with = "Option<String>")]
    pub(super) r: Option<String>,
    /// Most frames per second. With `vsync` at `auto` frames are then only left out, never repeated.
    pub(super) max_fr: Option<f64>,
    /// How frames follow their times: `auto`, `cfr` (repeat and drop to a constant rate), `vfr`
    /// (drop what falls on the same time), `passthrough`, `drop` (the container makes new times).
    #[serde(deserialize_with = "optional_text")]
    #[schemars(with = "Option<String>")]
    pub(super) vsync: Option<String>,
    /// Constant quantiser scale.
    pub(super) qscale: Option<f64>,
    /// Four-character code in place of the usual one: `hvc1`.
    pub(super) vtag: Option<String>,
    /// Bits per second: `2000000` or `2M`.
    #[serde(deserialize_with = "optional_text")]
    #[schemars(with = "Option<String>")]
    pub(super) bit_rate: Option<String>,
    /// Unit of the frames' times in place of their own: `1,25`.
    pub(super) in_time_base: Option<String>,
    /// Not available.
    pub(super) psnr: Option<Value>,
    /// Options of the encoder: `crf`, `preset`, `g`, `x264-params`.
    #[serde(flatten)]
    pub(super) other: BTreeMap<String, Value>,
}

/// How sound is encoded.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct AudioParams {
    /// Encoder (`libmp3lame`) or codec (`mp3`).
    pub(super) codec: Option<String>,
    /// Number of channels; that of the frames by default.
    pub(super) channels: Option<u32>,
    /// Samples per second; that of the frames by default, or the nearest the encoder takes.
    pub(super) sample_rate: Option<u32>,
    /// Bits per second: `128000` or `128k`.
    #[serde(deserialize_with = "optional_text")]
    #[schemars(with = "Option<String>")]
    pub(super) bit_rate: Option<String>,
    /// Constant quality, as the encoder counts it.
    pub(super) qscale: Option<f64>,
    /// Four-character code in place of the usual one.
    pub(super) atag: Option<String>,
    /// Options of the encoder.
    #[serde(flatten)]
    pub(super) other: BTreeMap<String, Value>,
}
