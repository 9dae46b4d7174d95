//! The options that say what is read: what FFmpeg's demuxers are given of them, and what is wrong
//! with them.

use bmf_ffmpeg::{Dict, Layer, PixFmt, SampleFmt, layers_of};
use bmf_sdk::hmp::{MediaKind, Rational, TimeBase};
use bmf_sdk::prelude::*;
use schemars::schema_for;

use super::options::{Options, is_time};

/// For raw data without a container: the user's name, and FFmpeg's.
const RAW: [(&str, &str); 4] = [
    ("s", "video_size"),
    ("pix_fmt", "pixel_format"),
    ("sample_rate", "sample_rate"),
    ("channels", "channels"),
];

/// Of digits of a key of 128 bits.
const KEY_DIGITS: usize = 32;

impl Options {
    /// What the input itself is opened with: `dec_params`, and options that have a name of their own.
    pub(crate) fn input_dictionary(&self) -> Dict {
        let mut dictionary = self.dictionary();
        for (key, name) in RAW {
            if let Some(value) = self.raw(key) {
                dictionary.set(name, &value);
            }
        }
        if let Some(key) = &self.decryption_key {
            dictionary.set("decryption_key", key);
            dictionary.set_default("scan_all_pmts", "1");
        }
        dictionary
    }

    fn raw(&self, key: &str) -> Option<String> {
        match key {
            "s" => self.s.clone(),
            "pix_fmt" => self.pix_fmt.clone(),
            "sample_rate" => self.sample_rate.map(|rate| rate.to_string()),
            _ => self.channels.map(|channels| channels.to_string()),
        }
    }

    /// By which option FFmpeg's option `name` was given, if not by `dec_params`, and what that is for.
    pub(crate) fn key_of(&self, name: &str) -> Option<(&'static str, &'static str)> {
        if name == "decryption_key" && self.decryption_key.is_some() {
            return Some(("decryption_key", "encrypted mp4"));
        }
        let (key, _) = RAW.into_iter().find(|&(_, ffmpeg)| ffmpeg == name)?;
        self.raw(key)
            .filter(|_| !self.dec_params.contains_key(name))
            .map(|_| (key, "raw data without a container"))
    }

    /// Whether FFmpeg's option `name` was added for the inputs that know it.
    pub(crate) fn is_optional(&self, name: &str) -> bool {
        name == "scan_all_pmts" && !self.dec_params.contains_key(name)
    }

    /// The unit of pushed pictures' times.
    pub(crate) fn time_base(&self) -> Option<TimeBase> {
        let ratio: Rational = self.video_time_base.as_deref()?.trim().parse().ok()?;
        TimeBase::new(ratio.num, ratio.den)
    }

    /// What a pushed stream without a format of its own is decoded as; `None` if the options do not
    /// say.
    pub(crate) fn pushes(&self, kind: MediaKind) -> bool {
        let is_said = match kind {
            MediaKind::Video => self.time_base().is_some(),
            MediaKind::Audio => self.channels.is_some() && self.sample_rate.is_some(),
            MediaKind::Subtitle | MediaKind::Data => false,
        };
        is_said && self.decoder(kind).is_some()
    }

    pub(super) fn check_input(&self, issues: &mut Vec<OptionIssue>) {
        self.check_unknown(issues);
        self.check_raw(issues);
        self.check_pushed(issues);
        if let Some(key) = &self.decryption_key
            && !(key.len() == KEY_DIGITS && key.as_bytes().iter().all(u8::is_ascii_hexdigit))
        {
            let message = format!("a key has {KEY_DIGITS} hexadecimal digits");
            issues.push(OptionIssue::invalid("decryption_key", message));
        }
        let times = [
            ("overlap_time", self.overlap_time),
            ("cut_off_time", self.cut_off_time),
            ("cut_off_interval", self.cut_off_interval),
        ];
        for (key, value) in times.into_iter().filter(|&(_, value)| !is_time(value)) {
            let message = format!("{value} is no time in seconds, 0 or later");
            issues.push(OptionIssue::invalid(key, message));
        }
    }

    /// Keys that no field took, with the place where they belong.
    fn check_unknown(&self, issues: &mut Vec<OptionIssue>) {
        if self.unknown.is_empty() {
            return;
        }
        let schema = schema_for!(Self).to_value();
        let properties = schema.get("properties").and_then(|value| value.as_object());
        let known: Vec<&str> = properties
            .iter()
            .flat_map(|keys| keys.keys())
            .map(String::as_str)
            .collect();
        for key in self.unknown.keys() {
            let issue = OptionIssue::unknown(key, known.iter().copied());
            issues.push(match layers_of(key).first() {
                Some(Layer::Input | Layer::Decoder) => {
                    issue.with_hint(format!("it belongs in dec_params: {{\"{key}\": …}}"))
                }
                Some(Layer::Output) => issue.with_hint("it belongs in mux_params of the encoder"),
                Some(Layer::Encoder) => {
                    issue.with_hint("it belongs in video_params or audio_params of the encoder")
                }
                None => issue,
            });
        }
    }

    fn check_raw(&self, issues: &mut Vec<OptionIssue>) {
        if let Some(name) = &self.pix_fmt
            && let Err(error) = PixFmt::from_name(name)
        {
            issues.push(OptionIssue::invalid("pix_fmt", error.to_string()));
        }
        if let Some(name) = &self.sample_fmt {
            if let Err(error) = SampleFmt::from_name(name) {
                issues.push(OptionIssue::invalid("sample_fmt", error.to_string()));
            }
            if !self.push_raw_stream {
                let issue = OptionIssue::invalid("sample_fmt", "it is for push_raw_stream only");
                issues.push(issue.with_hint("raw files say it by the name of their format"));
            }
        }
        for (key, value) in [
            ("channels", self.channels),
            ("sample_rate", self.sample_rate),
        ] {
            if value == Some(0) {
                issues.push(OptionIssue::invalid(key, "must be 1 or more"));
            }
        }
    }

    fn check_pushed(&self, issues: &mut Vec<OptionIssue>) {
        if self.video_time_base.is_some() && self.time_base().is_none() {
            let message = "it is no fraction above 0";
            let issue = OptionIssue::invalid("video_time_base", message);
            issues.push(issue.with_hint("write it like \"1,25000\" or \"1/25000\""));
        }
        if self.input_path.is_empty() && !self.durations.is_empty() && self.push_raw_stream {
            let issue = OptionIssue::invalid("durations", "a pushed stream cannot be positioned");
            issues.push(issue.with_hint("use start_time and end_time"));
        }
        if !self.push_raw_stream {
            if self.video_time_base.is_some() && self.time_base().is_some() {
                let issue = "it is for push_raw_stream only";
                issues.push(OptionIssue::invalid("video_time_base", issue));
            }
            return;
        }
        if !self.input_path.is_empty() {
            let issue =
                OptionIssue::invalid("push_raw_stream", "a file is read, nothing is pushed");
            issues.push(issue.with_hint("leave out input_path, or push_raw_stream"));
        }
        for (key, kind) in [
            ("video_codec", MediaKind::Video),
            ("audio_codec", MediaKind::Audio),
        ] {
            if self.copies(kind) {
                let issue =
                    OptionIssue::invalid(key, "pushed packets are those of a stream already");
                issues.push(issue.with_hint("connect whoever pushes them to their consumer"));
            }
        }
        self.check_pushed_kinds(issues);
    }

    fn check_pushed_kinds(&self, issues: &mut Vec<OptionIssue>) {
        let has_video = self.decoder(MediaKind::Video).is_some();
        let has_audio = self.decoder(MediaKind::Audio).is_some();
        if has_video && self.video_time_base.is_none() {
            let message = "the unit of the pictures' times must be said";
            let issue = OptionIssue::invalid("video_time_base", message);
            issues.push(issue.with_hint("set it, for instance to \"1/1000\""));
        }
        for (key, value) in [
            ("channels", self.channels),
            ("sample_rate", self.sample_rate),
        ] {
            if has_audio && value.is_none() {
                issues.push(OptionIssue::invalid(key, "it must be said of pushed sound"));
            }
        }
        if !has_video && !has_audio {
            let message = "how to decode what is pushed must be said";
            let issue = OptionIssue::invalid("push_raw_stream", message);
            issues.push(issue.with_hint(
                "set video_codec and video_time_base, or audio_codec, channels and sample_rate",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(options: Value) -> String {
        let options: Options = serde_json::from_value(options).unwrap();
        let lines = options.issues().into_iter().map(|issue| {
            let hint = issue.hint.as_deref().unwrap_or("-");
            format!("{} | {} | {hint}\n", issue.path, issue.message)
        });
        lines.collect()
    }

    #[test]
    fn keys_that_do_not_exist_are_told_their_place() {
        insta::assert_snapshot!(check(json!({
            "input_path": "a", "rtsp_transport": "tcp", "crf": 20, "movflags": "x", "start_tme": 1, "zzz": 0,
        })), @r#"
    rtsp_transport | unknown option "rtsp_transport" | it belongs in dec_params: {"rtsp_transport": …}
    crf | unknown option "crf" | it belongs in video_params or audio_params of the encoder
    movflags | unknown option "movflags" | it belongs in mux_params of the encoder
    start_tme | unknown option "start_tme" | did you mean "start_time"?
    zzz | unknown option "zzz" | -
    "#);
    }

    #[test]
    fn pushed_streams_must_be_described() {
        insta::assert_snapshot!(check(json!({"push_raw_stream": 1})), @"push_raw_stream | how to decode what is pushed must be said | set video_codec and video_time_base, or audio_codec, channels and sample_rate");
        insta::assert_snapshot!(check(json!({"push_raw_stream": 1, "video_codec": "h264", "audio_codec": "aac"})), @r#"
    video_time_base | the unit of the pictures' times must be said | set it, for instance to "1/1000"
    channels | it must be said of pushed sound | -
    sample_rate | it must be said of pushed sound | -
    "#);
        insta::assert_snapshot!(check(json!({"push_raw_stream": 1, "video_codec": "copy", "video_time_base": "1,0", "input_path": "a"})), @r#"
    video_time_base | it is no fraction above 0 | write it like "1,25000" or "1/25000"
    push_raw_stream | a file is read, nothing is pushed | leave out input_path, or push_raw_stream
    video_codec | pushed packets are those of a stream already | connect whoever pushes them to their consumer
    push_raw_stream | how to decode what is pushed must be said | set video_codec and video_time_base, or audio_codec, channels and sample_rate
    "#);
        let fine = json!({
            "push_raw_stream": 1, "video_codec": "h264", "video_time_base": "1,25", "audio_codec": "aac",
            "channels": 2, "sample_rate": 48000, "sample_fmt": "fltp",
        });
        assert_eq!(check(fine.clone()), "");
        let options: Options = serde_json::from_value(fine).unwrap();
        assert_eq!(options.time_base(), TimeBase::new(1, 25));
    }

    #[test]
    fn values_are_checked() {
        insta::assert_snapshot!(check(json!({
            "input_path": "a", "pix_fmt": "yuv402p", "sample_fmt": "fltp", "channels": 0, "sample_rate": 0,
            "decryption_key": "00", "overlap_time": -1, "video_time_base": "1,25",
        })), @r"
    pix_fmt | pixel format 'yuv402p': no such pixel format; did you mean 'yuv420p'? | -
    sample_fmt | it is for push_raw_stream only | raw files say it by the name of their format
    channels | must be 1 or more | -
    sample_rate | must be 1 or more | -
    video_time_base | it is for push_raw_stream only | -
    decryption_key | a key has 32 hexadecimal digits | -
    overlap_time | -1 is no time in seconds, 0 or later | -
    ");
    }

    #[test]
    fn raw_files_are_described_to_their_format() {
        let options: Options = serde_json::from_value(json!({
            "s": "64x48", "pix_fmt": "nv12", "channels": 2, "decryption_key": 7,
            "dec_params": {"sample_rate": 8000},
        }))
        .unwrap();
        insta::assert_snapshot!(format!("{:?}", options.input_dictionary()), @r#"{"sample_rate": "8000", "video_size": "64x48", "pixel_format": "nv12", "channels": "2", "decryption_key": "7", "scan_all_pmts": "1"}"#);
        insta::assert_snapshot!(format!("{:?} {:?}", options.key_of("video_size"), options.key_of("sample_rate")), @r#"Some(("s", "raw data without a container")) None"#);
    }
}
