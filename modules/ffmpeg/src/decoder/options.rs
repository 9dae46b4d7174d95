//! The options of `c_ffmpeg_decoder`: BMF's names, checked before anything is opened.

use bmf_ffmpeg::{Dict, Skip, names};
use bmf_sdk::config::Threads;
use bmf_sdk::hmp::MediaKind;
use bmf_sdk::nearest;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::live::{self, Reconnect};
use super::skip;
use super::video_params::VideoParams;
use crate::values;

/// Opens a media file or URL and decodes its best video and audio stream. Frames, their timestamps
/// and their pixels are those that FFmpeg's command line gives: the input's start time becomes zero,
/// cuts are exact to the frame and to the sample, pictures are turned as the file says, and jumps of
/// MPEG-TS timestamps are closed. Only what is connected is decoded. Damaged data is skipped,
/// counted and reported.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// File or URL to read, as FFmpeg understands it. Without it, the input "in" says what is decoded:
    /// packets of bytes are those of a file (an empty one ends it, and another file follows); packets
    /// of a copied stream are decoded; a list of files, `{"input_path": [{"input_path": "a.mp4",
    /// "start_time": 3}, …]}`, is read one after the other. Times go on from file to file.
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
    /// Index of the subtitle stream, which is passed on without decoding; -1 chooses the best one.
    pub(crate) map_s: i64,
    /// Name of the video decoder; FFmpeg's first choice without it. "copy" passes the packets on
    /// without decoding, as `ffmpeg -c copy` does: from the key frame at or before the start (whose
    /// time is then below zero), to the end by decoding time. Of `durations`, each stretch begins with
    /// a key frame and follows the one before without overlap.
    pub(crate) video_codec: Option<String>,
    /// Name of the audio decoder; FFmpeg's first choice without it. "copy" as for `video_codec`.
    pub(crate) audio_codec: Option<String>,
    /// Options of FFmpeg's protocol, demuxer and decoders, by their own names, for instance
    /// `rtsp_transport` or `threads` (a number, or "auto", which is one per core; the default follows
    /// `threads` of the graph). What none of them knows is reported.
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
    /// Where pictures are decoded, and which of them are wanted.
    pub(crate) video_params: VideoParams,
    /// Reads no faster than the media plays, for live outputs. Other nodes go on meanwhile.
    #[serde(deserialize_with = "values::switch")]
    #[schemars(with = "bool")]
    pub(crate) re: bool,
    /// As `re`, but so many times as fast; 0 does not wait.
    pub(crate) readrate: f64,
    /// How often the input begins again when it has ended; -1 for ever. Times go on.
    pub(crate) stream_loop: i64,
    /// Connects again when a live input ends or fails: how often it is tried without success, true for 5
    /// times, false for never, or an object. Times go on where they were. The default is true for rtsp,
    /// rtmp and srt, and false for all others; what says how long it is, is not live and is read once.
    #[serde(deserialize_with = "live::deserialize")]
    #[schemars(schema_with = "live::schema")]
    pub(crate) reconnect: Option<Reconnect>,
    /// Pictures this wide or high, or more, are not sent, and not even decoded if the container says
    /// so; 0 for no limit.
    pub(crate) max_width_height: u32,
    /// With how many such pictures it is an error; -1 for never.
    pub(crate) max_limit_hits: i64,
    /// Whether frames say, in their metadata `orig_pts_time`, the seconds at which they were in the
    /// input, before its start became zero.
    #[serde(deserialize_with = "values::switch")]
    #[schemars(with = "bool")]
    pub(crate) orig_pts_time: bool,
    /// Whether pictures are numbered, from 0, in their metadata `inputFrmOrder`.
    #[serde(deserialize_with = "values::switch")]
    #[schemars(with = "bool")]
    pub(crate) io_frm_match: bool,
    /// Opens the input with the first frame that is wanted instead of when the graph starts.
    #[serde(deserialize_with = "values::switch")]
    #[schemars(with = "bool")]
    pub(crate) delay_init_input: bool,
    /// Size of the pictures of raw video without a container, for instance 1280x720.
    pub(crate) s: Option<String>,
    /// Pixel format of raw video without a container.
    pub(crate) pix_fmt: Option<String>,
    /// Channels of raw sound without a container.
    pub(crate) channels: Option<u32>,
    /// Samples per second of raw sound without a container.
    pub(crate) sample_rate: Option<u32>,
    /// With `push_raw_stream`: the sample format that decoders are to give which know several.
    pub(crate) sample_fmt: Option<String>,
    /// Key of encrypted mp4 files: 32 hexadecimal digits.
    #[serde(deserialize_with = "values::optional_text")]
    #[schemars(with = "Option<String>")]
    pub(crate) decryption_key: Option<String>,
    /// The packets that are pushed in are those of a stream, not pieces of a file: each is what the
    /// decoder takes at once. Needs `video_codec` and `video_time_base`, or `audio_codec`, `channels`
    /// and `sample_rate`, or all of them. Packets say by their kind where they belong; bytes without
    /// a kind are of the only one. Packets of a copied stream need none of this. `start_time` and
    /// `end_time` cut by the packets' own times; of several streams of a kind `map_v` and `map_a`
    /// choose, else the first that comes.
    #[serde(deserialize_with = "values::switch")]
    #[schemars(with = "bool")]
    pub(crate) push_raw_stream: bool,
    /// With `push_raw_stream`: the unit of pictures' times, "1,25000" or "1/25000".
    pub(crate) video_time_base: Option<String>,
    /// Of files that follow each other and whose own times go on where those before ended (pieces of
    /// one recording): how many seconds both may have in common; they are sent once.
    pub(crate) overlap_time: f64,
    /// Of such files: how many seconds may be missing between them; the gap stays. Other files are
    /// put right behind each other.
    pub(crate) cut_off_time: f64,
    /// How many seconds the last picture of a file lasts, where it does not say, when another file
    /// follows.
    pub(crate) cut_off_interval: f64,
    /// What the graph says of threads, known when the module is opened.
    #[serde(skip)]
    pub(super) threads: Threads,
    /// Keys that do not exist.
    #[serde(flatten)]
    #[schemars(skip)]
    pub(super) unknown: Map<String, Value>,
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
            map_s: -1,
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
            video_params: VideoParams::default(),
            re: false,
            readrate: 0.0,
            stream_loop: 0,
            reconnect: None,
            max_width_height: 0,
            max_limit_hits: -1,
            orig_pts_time: false,
            io_frm_match: false,
            delay_init_input: false,
            s: None,
            pix_fmt: None,
            channels: None,
            sample_rate: None,
            sample_fmt: None,
            decryption_key: None,
            push_raw_stream: false,
            video_time_base: None,
            overlap_time: 10.0,
            cut_off_time: 10.0,
            cut_off_interval: 1.0 / 30.0,
            threads: Threads::Auto,
            unknown: Map::new(),
        }
    }
}

/// In place of a decoder's name: no decoder.
const COPY: &str = "copy";

const LOG_LEVELS: [&str; 9] = [
    "quiet", "panic", "fatal", "error", "warning", "info", "verbose", "debug", "trace",
];

impl Options {
    /// The stream index that was asked for, if any.
    pub(crate) fn wanted_stream(&self, kind: MediaKind) -> Option<usize> {
        let wanted = match kind {
            MediaKind::Video => self.map_v,
            MediaKind::Audio => self.map_a,
            MediaKind::Subtitle | MediaKind::Data => self.map_s,
        };
        usize::try_from(wanted).ok()
    }

    fn codec(&self, kind: MediaKind) -> Option<&str> {
        let name = match kind {
            MediaKind::Video => &self.video_codec,
            MediaKind::Audio => &self.audio_codec,
            MediaKind::Subtitle | MediaKind::Data => return Some(COPY),
        };
        name.as_deref().filter(|name| !name.is_empty())
    }

    /// The decoder that was asked for, if any.
    pub(crate) fn decoder(&self, kind: MediaKind) -> Option<&str> {
        self.codec(kind).filter(|&name| name != COPY)
    }

    /// Whether a stream is passed on without decoding.
    pub(crate) fn copies(&self, kind: MediaKind) -> bool {
        self.codec(kind) == Some(COPY)
    }

    /// The limit of frames, or of packets of a copied stream.
    pub(crate) fn limit(&self, kind: MediaKind) -> Option<u64> {
        match kind {
            MediaKind::Video => self.vframes,
            MediaKind::Audio => self.aframes,
            MediaKind::Subtitle | MediaKind::Data => None,
        }
    }

    /// Whether so much may be skipped that nothing is left.
    pub(crate) fn skips_many(&self) -> bool {
        !matches!(self.skip_frame, Skip::Nothing | Skip::Useless)
    }

    /// `dec_params` for FFmpeg's decoders.
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
        self.check_times(&mut issues);
        self.check_names(&mut issues);
        self.check_numbers(&mut issues);
        self.check_behaviour(&mut issues);
        self.check_input(&mut issues);
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
        let maps = [
            ("map_v", self.map_v),
            ("map_a", self.map_a),
            ("map_s", self.map_s),
        ];
        for (key, value) in maps {
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
}

/// Seconds that a timestamp can hold with room to spare.
pub(super) fn is_time(seconds: f64) -> bool {
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
    fn types_are_checked() {
        insta::assert_snapshot!(check(json!({"input_path": ["a", "b"]})), @"invalid type: sequence, expected a string");
        insta::assert_snapshot!(check(json!({"input_path": "a", "map_v": "first"})), @r#"invalid type: string "first", expected i64"#);
        insta::assert_snapshot!(check(json!({"input_path": "a", "copyts": [1]})), @"expected true or false, not [1]");
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
}
