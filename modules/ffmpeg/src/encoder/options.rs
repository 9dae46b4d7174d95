//! The options of `c_ffmpeg_encoder` as they are written. What they mean is decided in `choice`,
//! `picture_settings` and `sound_settings`; what is wrong with them is told by `check`.

use std::collections::BTreeMap;

use bmf_sdk::serde_json::Value;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::values::{count, optional_text, switch};

/// Encodes pictures and sound and writes them into a file, to a network address, or to other nodes.
///
/// With the same options the frames, their times and the packets are those of the `ffmpeg` command
/// (5.1), with BMF's defaults: H.264 in yuv420p and AAC where the container is a general one, else
/// what FFmpeg uses for that container.
///
/// Streams that arrive encoded (from a decoder with `video_codec` or `audio_codec` at `copy`, or from
/// another encoder with `push_output` at 2) are not encoded again but written as they are, as `ffmpeg
/// -c copy` does. So are subtitles. Pictures, whatever comes first, stand before sound in the file.
///
/// Pictures for a container of sound, or sound for one of pictures, are left out with a warning. An
/// output that is also an input, or another output, is refused.
///
/// The file is created when the first packets are ready: if nothing arrives an existing file of
/// that name stays as it was. That it can be created is checked when the graph starts. When the
/// graph is stopped or fails, what has been encoded is completed to a playable file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// File or URL to write. `-` is the standard output. Required unless `output_prefix`,
    /// `null_output` or `push_output` is set; with the last it only tells the format.
    pub(super) output_path: Option<String>,
    /// Directory for several jobs: number n of them, from 0, writes `<n>/output.<format>` in it.
    pub(super) output_prefix: Option<String>,
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
    /// What is said of the subtitles, which are never encoded.
    pub(super) subtitle_params: SubtitleParams,
    /// Options of the container and of the protocol, such as `movflags`, `hls_time`, `start_number`
    /// or `rtsp_transport`.
    pub(super) mux_params: BTreeMap<String, Value>,
    /// Tags of the file, such as `title`.
    pub(super) metadata: BTreeMap<String, Value>,
    /// Chapters of the file, for containers that have such.
    pub(super) chapters: Vec<ChapterOption>,
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
    /// What goes where. 0: the file is written, and its name leaves on the first output at the end.
    /// 1: the bytes of the file leave on the first output, each packet with its `offset` in it. 2:
    /// encoded packets leave, pictures on `video` and sound on `audio`. 3: frames leave there,
    /// converted and paced, not encoded.
    #[serde(deserialize_with = "count")]
    #[schemars(with = "u64")]
    pub(super) push_output: u64,
    /// Bytes in a packet with `push_output` at 1, about. 16384 by default.
    pub(super) avio_buffer_size: Option<u32>,
    /// Also writes `<output_path>_iofrm.txt`: for each picture that came, how many were encoded of it.
    #[serde(deserialize_with = "switch")]
    #[schemars(with = "bool")]
    pub(super) io_frm_match: bool,
    /// Keys that do not exist.
    #[serde(flatten)]
    #[schemars(skip)]
    pub(super) unknown: BTreeMap<String, Value>,
}

impl Options {
    /// What the output is called; with `push_output` a name that tells only its format.
    pub(super) fn path(&self) -> Option<String> {
        let given = self.output_path.clone().filter(|path| !path.is_empty());
        let pushed = (self.push_output > 0).then(|| format!("output.{}", self.extension()));
        given.or_else(|| self.path_of_job(0)).or(pushed)
    }

    /// The file of a job.
    pub(super) fn path_of_job(&self, number: u64) -> Option<String> {
        let prefix = self.output_prefix.as_ref()?;
        let prefix = prefix.trim_end_matches('/');
        Some(format!("{prefix}/{number}/output.{}", self.extension()))
    }

    fn extension(&self) -> &str {
        self.format.as_deref().unwrap_or("mp4")
    }
}

/// One chapter.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ChapterOption {
    /// Where it begins, in seconds.
    pub(super) start: f64,
    /// Where it ends, in seconds; where the next one begins by default.
    pub(super) end: Option<f64>,
    /// Its name.
    pub(super) title: Option<String>,
}

/// How pictures are encoded.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct VideoParams {
    /// Encoder (`libx264`) or codec (`h264`, `hevc`, `vp9`, `av1`, `jpg`, `png`); `copy` for a stream
    /// that arrives encoded.
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
    /// Lets the encoder measure how near its pictures come to what was given; the report has the
    /// result in decibels.
    #[serde(deserialize_with = "switch")]
    #[schemars(with = "bool")]
    pub(super) psnr: bool,
    /// Which of several passes this is: 1 only notes how hard the pictures are, 2 encodes with those
    /// notes, 3 does both.
    pub(super) pass: Option<u32>,
    /// Where the notes of passes are: `<passlogfile>-0.log`. `ffmpeg2pass` by default.
    pub(super) passlogfile: Option<String>,
    /// Pictures that must be key frames: a list of times, `expr:` with a formula of `t`, `n`,
    /// `n_forced`, `prev_forced_t` and `prev_forced_n`, or `source`.
    pub(super) force_key_frames: Option<Value>,
    /// The device of an encoder that takes pictures only there, such as `/dev/dri/renderD128` for
    /// `h264_vaapi`; the first one by default.
    pub(super) hw_device: Option<String>,
    /// Tags of the stream, such as `language`.
    pub(super) metadata: BTreeMap<String, Value>,
    /// What the stream is for: `default`, `forced`, `default+comment`.
    pub(super) disposition: Option<String>,
    /// Options of the encoder: `crf`, `preset`, `g`, `x264-params`.
    #[serde(flatten)]
    pub(super) other: BTreeMap<String, Value>,
}

/// How sound is encoded.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct AudioParams {
    /// Encoder (`libmp3lame`) or codec (`mp3`); `copy` for a stream that arrives encoded.
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
    /// Tags of the stream, such as `language`.
    pub(super) metadata: BTreeMap<String, Value>,
    /// What the stream is for: `default`, `visual_impaired`, `default+dub`.
    pub(super) disposition: Option<String>,
    /// Options of the encoder.
    #[serde(flatten)]
    pub(super) other: BTreeMap<String, Value>,
}

/// What is said of subtitles.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct SubtitleParams {
    /// Tags of the stream, such as `language`.
    pub(super) metadata: BTreeMap<String, Value>,
    /// What the stream is for: `default`, `forced`, `hearing_impaired`.
    pub(super) disposition: Option<String>,
}
