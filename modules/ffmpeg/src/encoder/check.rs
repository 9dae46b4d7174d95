//! What is wrong with the options, told before anything is opened.

use std::collections::{BTreeMap, BTreeSet};

use bmf_ffmpeg::names::encoder_options;
use bmf_ffmpeg::{Layer, layers_of};
use bmf_sdk::hmp::MediaKind;
use bmf_sdk::prelude::OptionIssue;
use bmf_sdk::serde_json::Value;
use bmf_sdk::{IssueKind, nearest};
use schemars::schema_for;

use super::choice::{self, COPY, Target, with_hint};
use super::copy_settings;
use super::options::Options;
use super::output::{AUDIO, VIDEO};
use super::settings::{OWN_AUDIO, OWN_VIDEO, PictureSettings, SoundSettings, pairs, unread};
use super::tags;
use crate::local::local_path;
use crate::values;

pub(super) fn check(options: &Options) -> Vec<OptionIssue> {
    let mut issues = check_unknown(options);
    issues.extend(check_level(options.loglevel.as_deref()));
    if options.null_output {
        return issues;
    }
    issues.extend(check_place(options));
    let target = match Target::of(options) {
        Ok(target) => target,
        Err(issue) => {
            issues.push(issue);
            return issues;
        }
    };
    issues.extend(check_pushed(options, &target));
    if options.io_frm_match && local_path(&target.url).is_none() {
        let message = "the list stands beside a file, and the output is none";
        issues.push(OptionIssue::invalid("io_frm_match", message));
    }
    let mut scopes = vec![("mux_params", target.muxer.options(&target.url))];
    issues.extend(check_video(options, &target, &mut scopes));
    issues.extend(check_audio(options, &target, &mut scopes));
    issues.extend(copy_settings::subtitles(options).1.0);
    issues.extend(pairs("metadata", &options.metadata).err());
    issues.extend(tags::chapters(&options.chapters).err());
    issues.extend(pairs("mux_params", &options.mux_params).err());
    let owner = format!("format {}", target.muxer.name);
    issues.extend(unread(
        "mux_params",
        &options.mux_params,
        &owner,
        &scopes[0].1,
        &[],
    ));
    issues
        .into_iter()
        .map(|issue| redirected(issue, &scopes))
        .collect()
}

/// Keys that no field took, with the place where they belong.
fn check_unknown(options: &Options) -> Vec<OptionIssue> {
    let unknown = options.unknown.keys();
    if unknown.len() == 0 {
        return Vec::new();
    }
    let schema = schema_for!(Options).to_value();
    let properties = schema.get("properties").and_then(Value::as_object);
    let known = || {
        properties
            .iter()
            .flat_map(|keys| keys.keys().map(String::as_str))
    };
    unknown
        .map(|key| {
            let issue = OptionIssue::unknown(key, known());
            match place_of(key) {
                Some(place) => issue.with_hint(format!("it belongs in \"{place}\"")),
                None => issue,
            }
        })
        .collect()
}

/// Which group of an encoder's options a key is of that stands beside them.
fn place_of(key: &str) -> Option<&'static str> {
    let (video, audio) = (OWN_VIDEO.contains(&key), OWN_AUDIO.contains(&key));
    match layers_of(key).as_slice() {
        _ if video && audio => Some("video_params\" or \"audio_params"),
        _ if video => Some("video_params"),
        _ if audio => Some("audio_params"),
        layers if layers.contains(&Layer::Encoder) => Some("video_params\" or \"audio_params"),
        layers if layers.contains(&Layer::Output) => Some("mux_params"),
        _ => None,
    }
}

/// Options that say where the output goes, and do not go together.
fn check_place(options: &Options) -> Vec<OptionIssue> {
    let mut issues = Vec::new();
    let has_path = options
        .output_path
        .as_ref()
        .is_some_and(|path| !path.is_empty());
    if has_path && options.output_prefix.is_some() {
        let message = "the files of jobs cannot have one path as well";
        let issue = OptionIssue::invalid("output_prefix", message);
        issues.push(issue.with_hint("give either \"output_path\" or \"output_prefix\""));
    }
    if options.output_prefix.is_some() && options.push_output > 0 {
        let message = "with \"push_output\" no files are written";
        issues.push(OptionIssue::invalid("output_prefix", message));
    }
    if options.io_frm_match && options.push_output > 0 {
        let message = "the list stands beside a file, and with \"push_output\" there is none";
        issues.push(OptionIssue::invalid("io_frm_match", message));
    }
    issues
}

/// More bytes than anybody wants to have in one packet; FFmpeg counts them with a sign.
const LARGEST_PIECE: u32 = 1 << 30;

/// What cannot leave through an output.
fn check_pushed(options: &Options, target: &Target) -> Vec<OptionIssue> {
    let mut issues = Vec::new();
    if options.push_output > 3 {
        let message = format!("there is no way {} to push", options.push_output);
        let issue = OptionIssue::invalid("push_output", message);
        issues.push(issue.with_hint("it is 0, 1 (bytes), 2 (packets) or 3 (frames)"));
    }
    let codecs = [&options.video_params.codec, &options.audio_params.codec];
    let copies = codecs.iter().any(|codec| codec.as_deref() == Some(COPY));
    if options.push_output == 3 && copies {
        let issue = OptionIssue::invalid("push_output", "what is copied cannot leave as frames");
        issues.push(issue.with_hint("let \"push_output\" be 2"));
    }
    if options.push_output != 1 {
        if options.avio_buffer_size.is_some() {
            let message = "it is the size of what \"push_output\": 1 pushes";
            issues.push(OptionIssue::invalid("avio_buffer_size", message));
        }
        return issues;
    }
    if !(1..=LARGEST_PIECE).contains(&options.avio_buffer_size.unwrap_or(1)) {
        let message = format!("it must be between 1 and {LARGEST_PIECE}");
        issues.push(OptionIssue::invalid("avio_buffer_size", message));
    }
    let name = &target.muxer.name;
    if target.muxer.opens_own_files {
        let issue = OptionIssue::invalid(
            "push_output",
            format!("the format {name} writes files of its own"),
        );
        let hint = match name.as_str() {
            "image2" => "use the format \"image2pipe\"",
            _ => "use a format of one file, such as \"mpegts\"",
        };
        issues.push(issue.with_hint(hint));
    }
    issues.extend(READ_BACK.iter().filter_map(|&(key, flag)| {
        let value = options.mux_params.get(key).and_then(values::text)?;
        let is_set = value.contains(flag) && !value.contains(&format!("-{flag}"));
        let message = format!("\"{flag}\" reads back what was written, but pushed bytes are gone");
        let issue = OptionIssue::invalid(format!("mux_params.{key}"), message);
        is_set.then(|| match key {
            "movflags" => issue.with_hint("use \"frag_keyframe+empty_moov\""),
            _ => issue,
        })
    }));
    issues
}

/// Options of muxers, and what they are set to where a file is moved to make room at its beginning.
const READ_BACK: [(&str, &str); 3] = [
    ("movflags", "faststart"),
    ("movflags", "global_sidx"),
    ("flvflags", "add_keyframe_index"),
];

/// Groups of options and what each may contain.
type Scopes = Vec<(&'static str, BTreeSet<String>)>;

fn check_video(options: &Options, target: &Target, scopes: &mut Scopes) -> Vec<OptionIssue> {
    let params = &options.video_params;
    if params.codec.as_deref() == Some(COPY) {
        return check_copied(options, VIDEO);
    }
    match choice::encoder(MediaKind::Video, params.codec.as_deref(), target) {
        Ok(Some(encoder)) => {
            scopes.push(("video_params", encoder_options(&encoder.name)));
            PictureSettings::of(options, target, encoder).1.0
        }
        // Nobody can say here whether pictures will come at all.
        Ok(None) => Vec::new(),
        Err(issue) => vec![issue],
    }
}

fn check_audio(options: &Options, target: &Target, scopes: &mut Scopes) -> Vec<OptionIssue> {
    let params = &options.audio_params;
    if params.codec.as_deref() == Some(COPY) {
        return check_copied(options, AUDIO);
    }
    match choice::encoder(MediaKind::Audio, params.codec.as_deref(), target) {
        Ok(Some(encoder)) => {
            scopes.push(("audio_params", encoder_options(&encoder.name)));
            SoundSettings::of(options, target, encoder).1.0
        }
        Ok(None) => Vec::new(),
        Err(issue) => vec![issue],
    }
}

/// What is said of encoding although a stream is copied.
pub(super) fn check_copied(options: &Options, port: usize) -> Vec<OptionIssue> {
    let (video, audio) = (&options.video_params, &options.audio_params);
    match port {
        VIDEO => {
            let own = [
                ("width", video.width.is_some()),
                ("height", video.height.is_some()),
                ("pix_fmt", video.pix_fmt.is_some()),
                ("bit_rate", video.bit_rate.is_some()),
                ("qscale", video.qscale.is_some()),
                ("psnr", video.psnr),
                ("pass", video.pass.is_some()),
                ("force_key_frames", video.force_key_frames.is_some()),
            ];
            let issues = copy_settings::pictures(options).1.0;
            without_encoder("video_params", with_own(&video.other, &own), issues)
        }
        AUDIO => {
            let own = [
                ("channels", audio.channels.is_some()),
                ("sample_rate", audio.sample_rate.is_some()),
                ("bit_rate", audio.bit_rate.is_some()),
                ("qscale", audio.qscale.is_some()),
            ];
            let issues = copy_settings::sound(options).1.0;
            without_encoder("audio_params", with_own(&audio.other, &own), issues)
        }
        _ => Vec::new(),
    }
}

/// The keys that only an encoder reads: its own options, and those of ours that are given.
fn with_own(others: &BTreeMap<String, Value>, own: &[(&str, bool)]) -> BTreeMap<String, Value> {
    let given = own.iter().filter(|&&(_, is_given)| is_given);
    let given = given.map(|&(key, _)| (key.to_owned(), Value::Null));
    given.chain(others.clone()).collect()
}

/// Keys for an encoder where a stream is copied.
fn without_encoder(
    group: &str,
    keys: BTreeMap<String, Value>,
    mut issues: Vec<OptionIssue>,
) -> Vec<OptionIssue> {
    let owner = "a stream that is copied";
    issues.extend(unread(group, &keys, owner, &BTreeSet::new(), &[]));
    issues
}

/// A key that nobody reads where it is may be known in another group.
fn redirected(issue: OptionIssue, scopes: &Scopes) -> OptionIssue {
    let Some((group, key)) = issue
        .path
        .split_once('.')
        .filter(|_| issue.kind == IssueKind::Unknown)
    else {
        return issue;
    };
    let knows = |(other, known): &&(&str, BTreeSet<String>)| *other != group && known.contains(key);
    match scopes.iter().find(knows) {
        Some((other, _)) => {
            let hint = format!("it belongs into \"{other}\"");
            issue.with_hint(hint)
        }
        None if issue.hint.is_none() => {
            let hint = belonging(group, key);
            with_hint(issue, hint)
        }
        None => issue,
    }
}

/// Where a key belongs that no part of this output knows.
fn belonging(group: &str, key: &str) -> Option<&'static str> {
    if group == "mux_params" && (OWN_VIDEO.contains(&key) || OWN_AUDIO.contains(&key)) {
        return Some("it belongs into \"video_params\" or \"audio_params\"");
    }
    let layers = layers_of(key);
    let is_read = layers.contains(&Layer::Input) || layers.contains(&Layer::Decoder);
    if layers.contains(&Layer::Output) {
        return Some(match group {
            "mux_params" => "other formats or protocols have it",
            _ => "it belongs into \"mux_params\"",
        });
    }
    (is_read && !layers.contains(&Layer::Encoder))
        .then_some("it belongs into \"dec_params\" of a decoder")
}

/// FFmpeg's names of levels; a number is one as well.
const LEVELS: [&str; 9] = [
    "quiet", "panic", "fatal", "error", "warning", "info", "verbose", "debug", "trace",
];

fn check_level(level: Option<&str>) -> Option<OptionIssue> {
    let level = level?;
    if LEVELS.contains(&level) || level.parse::<i32>().is_ok() {
        return None;
    }
    let issue = OptionIssue::invalid("loglevel", format!("\"{level}\" is no log level"));
    Some(match nearest(level, LEVELS) {
        Some(name) => issue.with_hint(format!("did you mean \"{name}\"?")),
        None => issue.with_hint(format!("it is one of {}", LEVELS.join(", "))),
    })
}
