//! What is wrong with the options, told before anything is opened.

use std::collections::BTreeSet;

use bmf_ffmpeg::names::encoder_options;
use bmf_sdk::hmp::MediaKind;
use bmf_sdk::prelude::OptionIssue;
use bmf_sdk::serde_json::Value;
use bmf_sdk::{IssueKind, nearest};

use super::choice::{self, Target};
use super::options::Options;
use super::settings::{PictureSettings, SoundSettings, pairs, unread};
use crate::values;

pub(super) fn check(options: &Options) -> Vec<OptionIssue> {
    let mut issues = unavailable(options);
    issues.extend(check_level(options.loglevel.as_deref()));
    if options.null_output {
        return issues;
    }
    let target = match Target::of(options) {
        Ok(target) => target,
        Err(issue) => {
            issues.push(issue);
            return issues;
        }
    };
    let mut scopes = vec![("mux_params", target.muxer.options(&target.url))];
    issues.extend(check_video(options, &target, &mut scopes));
    issues.extend(check_audio(options, &target, &mut scopes));
    issues.extend(pairs("metadata", &options.metadata).err());
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

/// Groups of options and what each may contain.
type Scopes = Vec<(&'static str, BTreeSet<String>)>;

fn check_video(options: &Options, target: &Target, scopes: &mut Scopes) -> Vec<OptionIssue> {
    match choice::encoder(
        MediaKind::Video,
        options.video_params.codec.as_deref(),
        target,
    ) {
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
    match choice::encoder(
        MediaKind::Audio,
        options.audio_params.codec.as_deref(),
        target,
    ) {
        Ok(Some(encoder)) => {
            scopes.push(("audio_params", encoder_options(&encoder.name)));
            SoundSettings::of(options, target, encoder).1.0
        }
        Ok(None) => Vec::new(),
        Err(issue) => vec![issue],
    }
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
        None => issue,
    }
}

/// BMF's options that this module does not have. Their "off" is accepted.
fn unavailable(options: &Options) -> Vec<OptionIssue> {
    let stated = [
        (
            "output_prefix",
            &options.output_prefix,
            "jobs with a directory each are not available; give \"output_path\"",
        ),
        (
            "push_output",
            &options.push_output,
            "encoded data cannot be sent on to other nodes; give \"output_path\"",
        ),
        (
            "avio_buffer_size",
            &options.avio_buffer_size,
            "it belongs to \"push_output\", which is not available",
        ),
        (
            "io_frm_match",
            &options.io_frm_match,
            "the list of input and output frames is not available",
        ),
        (
            "video_params.psnr",
            &options.video_params.psnr,
            "measuring while encoding is not available; use the filter \"psnr\"",
        ),
    ];
    let is_on = |value: &Option<Value>| match value {
        None | Some(Value::Null) => false,
        Some(value) => {
            values::text(value).is_none_or(|text| !matches!(text.as_str(), "" | "0" | "false"))
        }
    };
    let refused = stated.into_iter().filter(|(_, value, _)| is_on(value));
    refused
        .map(|(path, _, why)| OptionIssue::invalid(path, why))
        .collect()
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
