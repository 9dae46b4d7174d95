//! The options of `c_ffmpeg_decoder`: BMF's names, checked before anything is opened.

use bmf_ffmpeg::{Dict, Skip, names};
use bmf_sdk::hmp::MediaKind;
use bmf_sdk::nearest;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::skip;
use crate::values;

/// Opens a media file or URL and decodes its best video and audio stream. Frames, their timestamps
/// and their pixels are those that FFmpeg's command line gives: the input's start time becomes zero,
/// cuts are exact to the frame and to the sample, pictures are turned as the file says, and jumps of
/// MPEG-TS timestamps are closed. Only what is connected is decoded. Damaged data is skipped,
/// counted and reported.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// File or URL to read, as FFmpeg understands it. Required.
    pub(crate) input_path: String,
    /// Seconds from the start of the input at which to begin. Without it, what a file has before its
    /// start is kept as well.
    pub(crate) start_time: Option<f64>,
    /// Seconds from the start of the input at which to end; 0 goes on to the end.
    pub(crate) end_time: f64,
    /// Stretches to be joined: beginnings and ends in seconds, ascending, as in `[0, 2.5, 10, 12]`.
    /// Replaces `start_time` and `end_time`.
    pub(crate) durations: Vec<f64>,
    /// Index of the video stream; -1 chooses the best one.
    pub(crate) map_v: i64,
    /// Index of the audio stream; -1 chooses the best one, if possible of the video's programme.
    pub(crate) map_a: i64,
    /// Name of the video decoder; FFmpeg's first choice without it.
    pub(crate) video_codec: Option<String>,
    /// Name of the audio decoder; FFmpeg's first choice without it.
    pub(crate) audio_codec: Option<String>,
    /// Options of FFmpeg's protocol, demuxer and decoders, by their own names, for instance
    /// `rtsp_transport` or `threads` (a number; "auto", the default, is one per core). What none of
    /// them knows is reported.
    pub(crate) dec_params: Map<String, Value>,
    /// How many pictures to send at most.
    pub(crate) vframes: Option<u64>,
    /// How many audio frames to send at most.
    pub(crate) aframes: Option<u64>,
    /// Whether pictures are turned as the file asks for.
    #[serde(deserialize_with = "values::switch")]
    #[schemars(with = "bool")]
    pub(crate) autorotate: bool,
    /// Whether timestamps stay as they are in the input; nothing is subtracted or repaired then.
    #[serde(deserialize_with = "values::switch")]
    #[schemars(with = "bool")]
    pub(crate) copyts: bool,
    /// Which frames need not be decoded: FFmpeg's name, or BMF's number.
    #[serde(deserialize_with = "skip::deserialize")]
    #[schemars(schema_with = "skip::schema", default = "default_skip")]
    pub(crate) skip_frame: Skip,
    /// Pictures per second of streams without timestamps; the stream's own idea, or 25, without it.
    pub(crate) fps: Option<f64>,
    /// How much of what FFmpeg says is passed on to the log: quiet, panic, fatal, error, warning,
    /// info (the default), verbose, debug, trace, or FFmpeg's numbers. Holds for the whole process.
    pub(crate) loglevel: Option<String>,
    #[schemars(skip)]
    video_params: Option<Value>,
    #[schemars(skip)]
    decryption_key: Option<Value>,
    #[schemars(skip)]
    push_raw_stream: Option<Value>,
}

fn default_skip() -> &'static str {
    "default"
}

impl Default for Options {
    fn default() -> Self {
        Self {
            input_path: String::new(),
            start_time: None,
            end_time: 0.0,
            durations: Vec::new(),
            map_v: -1,
            map_a: -1,
            video_codec: None,
            audio_codec: None,
            dec_params: Map::new(),
            vframes: None,
            aframes: None,
            autorotate: true,
            copyts: false,
            skip_frame: Skip::default(),
            fps: None,
            loglevel: None,
            video_params: None,
            decryption_key: None,
            push_raw_stream: None,
        }
    }
}

const LOG_LEVELS: [&str; 9] = [
    "quiet", "panic", "fatal", "error", "warning", "info", "verbose", "debug", "trace",
];

impl Options {
    /// The stream index that was asked for, if any.
    pub(crate) fn wanted_stream(&self, kind: MediaKind) -> Option<usize> {
        let wanted = if kind == MediaKind::Video {
            self.map_v
        } else {
            self.map_a
        };
        usize::try_from(wanted).ok()
    }

    /// The decoder that was asked for, if any.
    pub(crate) fn decoder(&self, kind: MediaKind) -> Option<&str> {
        let name = if kind == MediaKind::Video {
            &self.video_codec
        } else {
            &self.audio_codec
        };
        name.as_deref().filter(|name| !name.is_empty())
    }

    /// The limit of frames.
    pub(crate) fn limit(&self, kind: MediaKind) -> Option<u64> {
        if kind == MediaKind::Video {
            self.vframes
        } else {
            self.aframes
        }
    }

    /// Whether so much may be skipped that nothing is left.
    pub(crate) fn skips_many(&self) -> bool {
        !matches!(self.skip_frame, Skip::Nothing | Skip::Useless)
    }

    /// `dec_params` for FFmpeg.
    pub(crate) fn dictionary(&self) -> Dict {
        let texts = self
            .dec_params
            .iter()
            .filter_map(|(key, value)| Some((key, values::text(value)?)));
        texts.collect()
    }

    /// What types cannot say.
    pub(crate) fn issues(&self) -> Vec<OptionIssue> {
        let mut issues = Vec::new();
        if self.input_path.is_empty() {
            let issue = OptionIssue::invalid("input_path", "no input is given");
            issues.push(issue.with_hint("set input_path to a file or URL"));
        }
        self.check_times(&mut issues);
        self.check_names(&mut issues);
        self.check_numbers(&mut issues);
        self.check_missing_features(&mut issues);
        issues
    }

    fn check_times(&self, issues: &mut Vec<OptionIssue>) {
        let start = self.start_time.unwrap_or(0.0);
        for (key, value) in [("start_time", start), ("end_time", self.end_time)] {
            if !is_time(value) {
                issues.push(OptionIssue::invalid(
                    key,
                    format!("{value} is no time in seconds, 0 or later"),
                ));
            }
        }
        if self.end_time > 0.0 && self.end_time <= start {
            let message = format!(
                "the end, {} s, is not after the start, {start} s",
                self.end_time
            );
            issues.push(
                OptionIssue::invalid("end_time", message)
                    .with_hint("both count from the start of the input"),
            );
        }
        if !self.durations.len().is_multiple_of(2) {
            issues.push(OptionIssue::invalid(
                "durations",
                "a beginning has no end: the list has an odd number of times",
            ));
        }
        let steps = self.durations.windows(2).enumerate();
        let is_fine = |(index, pair): (usize, &[f64])| match index % 2 {
            0 => pair[0] < pair[1],
            _ => pair[0] <= pair[1],
        };
        if !self.durations.iter().all(|&time| is_time(time)) || !steps.clone().all(is_fine) {
            let message = "the times are not ascending seconds";
            let issue = OptionIssue::invalid("durations", message);
            issues.push(issue.with_hint("write it like [begin, end, begin, end]"));
        }
    }

    fn check_names(&self, issues: &mut Vec<OptionIssue>) {
        for (key, kind) in [
            ("video_codec", MediaKind::Video),
            ("audio_codec", MediaKind::Audio),
        ] {
            let Some(name) = self.decoder(kind) else {
                continue;
            };
            if name == "copy" {
                let message = "copying a stream without decoding it is not available yet";
                issues.push(OptionIssue::invalid(key, message).with_hint("leave it out to decode"));
                continue;
            }
            let known = names::decoders();
            if !known.iter().any(|decoder| decoder == name) {
                let issue = OptionIssue::invalid(key, format!("ffmpeg has no decoder \"{name}\""));
                issues.push(match nearest(name, known.iter().map(String::as_str)) {
                    Some(near) => issue.with_hint(format!("did you mean \"{near}\"?")),
                    None => issue,
                });
            }
        }
        if let Some(level) = &self.loglevel
            && !LOG_LEVELS.contains(&level.trim())
            && level.trim().parse::<i32>().is_err()
        {
            let issue = OptionIssue::invalid("loglevel", format!("\"{level}\" is no log level"));
            issues.push(issue.with_hint(format!("it is one of {}", LOG_LEVELS.join(", "))));
        }
    }

    fn check_numbers(&self, issues: &mut Vec<OptionIssue>) {
        for (key, value) in [("map_v", self.map_v), ("map_a", self.map_a)] {
            if value < -1 {
                issues.push(OptionIssue::invalid(
                    key,
                    format!("{value} is no stream index; -1 chooses one"),
                ));
            }
        }
        if self.fps.is_some_and(|fps| !(0.001..=1e6).contains(&fps)) {
            issues.push(OptionIssue::invalid("fps", "must be from 0.001 to 1000000"));
        }
        for (key, value) in &self.dec_params {
            if values::text(value).is_none() {
                let path = format!("dec_params.{key}");
                issues.push(OptionIssue::invalid(
                    path,
                    "must be a text, a number, true or false",
                ));
            }
        }
    }

    fn check_missing_features(&self, issues: &mut Vec<OptionIssue>) {
        let params = self.video_params.as_ref().and_then(Value::as_object);
        let is_set = |value: &Value| !(value.is_null() || *value == 0 || *value == "");
        for key in params.iter().flat_map(|params| params.keys()) {
            let what = match key.as_str() {
                "hwaccel" => "decoding on a GPU",
                "extract_frames" => "re-timing frames while decoding",
                _ => "this setting of BMF's",
            };
            let issue = OptionIssue::invalid(
                format!("video_params.{key}"),
                format!("{what} is not available yet"),
            );
            issues.push(match key.as_str() {
                "extract_frames" => {
                    issue.with_hint("use c_ffmpeg_filter with fps=N behind the decoder")
                }
                _ => issue.with_hint("remove it to decode on the CPU"),
            });
        }
        let others = [
            (
                "decryption_key",
                &self.decryption_key,
                "decrypting while reading",
            ),
            (
                "push_raw_stream",
                &self.push_raw_stream,
                "decoding packets that are pushed in",
            ),
        ];
        for (key, value, what) in others {
            if value.as_ref().is_some_and(is_set) {
                issues.push(OptionIssue::invalid(
                    key,
                    format!("{what} is not available yet"),
                ));
            }
        }
    }
}

/// Seconds that a timestamp can hold with room to spare.
fn is_time(seconds: f64) -> bool {
    (0.0..=1e9).contains(&seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(options: Value) -> String {
        let options: Options = match serde_json::from_value(options) {
            Ok(options) => options,
            Err(error) => return error.to_string(),
        };
        let lines = options.issues().into_iter().map(|issue| {
            let hint = issue.hint.as_deref().unwrap_or("-");
            format!("{} | {} | {hint}\n", issue.path, issue.message)
        });
        lines.collect()
    }

    #[test]
    fn an_input_is_required() {
        insta::assert_snapshot!(check(json!({})), @"input_path | no input is given | set input_path to a file or URL");
        insta::assert_snapshot!(check(json!({"input_path": ["a", "b"]})), @"invalid type: sequence, expected a string");
    }

    #[test]
    fn times_must_make_sense() {
        insta::assert_snapshot!(check(json!({"input_path": "a", "start_time": 2, "end_time": 1.5})), @"end_time | the end, 1.5 s, is not after the start, 2 s | both count from the start of the input");
        insta::assert_snapshot!(check(json!({"input_path": "a", "start_time": -1, "fps": 0})), @r"
        start_time | -1 is no time in seconds, 0 or later | -
        fps | must be from 0.001 to 1000000 | -
        ");
        insta::assert_snapshot!(check(json!({"input_path": "a", "durations": [0, 1, 1, 2]})), @"");
        insta::assert_snapshot!(check(json!({"input_path": "a", "durations": [0, 1, 2]})), @"durations | a beginning has no end: the list has an odd number of times | -");
        insta::assert_snapshot!(check(json!({"input_path": "a", "durations": [0, 0]})), @"durations | the times are not ascending seconds | write it like [begin, end, begin, end]");
    }

    #[test]
    fn names_must_exist() {
        insta::assert_snapshot!(check(json!({
            "input_path": "a", "video_codec": "copy", "audio_codec": "mp3floaat", "loglevel": "loud", "map_v": -2,
        })), @r#"
        video_codec | copying a stream without decoding it is not available yet | leave it out to decode
        audio_codec | ffmpeg has no decoder "mp3floaat" | did you mean "mp3float"?
        loglevel | "loud" is no log level | it is one of quiet, panic, fatal, error, warning, info, verbose, debug, trace
        map_v | -2 is no stream index; -1 chooses one | -
        "#);
    }

    #[test]
    fn loose_values_are_read_as_bmf_does() {
        let options: Options = serde_json::from_value(json!({
            "autorotate": 0, "copyts": "1", "skip_frame": 32,
            "dec_params": {"threads": 2, "x": true, "y": "z"},
        }))
        .unwrap();
        assert!(!options.autorotate && options.copyts);
        assert_eq!(options.skip_frame, Skip::NonKey);
        insta::assert_snapshot!(format!("{:?}", options.dictionary()), @r#"{"threads": "2", "x": "1", "y": "z"}"#);
        insta::assert_snapshot!(check(json!({"skip_frame": "keys"})), @r#"invalid value: string "keys", expected one of none (-16), default (0), noref (8), bidir (16), nointra (24), nokey (32), all (48)"#);
        insta::assert_snapshot!(check(json!({"input_path": "a", "dec_params": {"x": [1]}})), @"dec_params.x | must be a text, a number, true or false | -");
    }

    #[test]
    fn what_is_missing_is_refused() {
        insta::assert_snapshot!(check(json!({
            "input_path": "a", "push_raw_stream": 1, "decryption_key": "00",
            "video_params": {"hwaccel": "cuda", "extract_frames": {"fps": 1}},
        })), @r"
        video_params.hwaccel | decoding on a GPU is not available yet | remove it to decode on the CPU
        video_params.extract_frames | re-timing frames while decoding is not available yet | use c_ffmpeg_filter with fps=N behind the decoder
        decryption_key | decrypting while reading is not available yet | -
        push_raw_stream | decoding packets that are pushed in is not available yet | -
        ");
        insta::assert_snapshot!(check(json!({"input_path": "a", "push_raw_stream": 0, "video_params": {}})), @"");
    }
}
