//! What is wrong with the options, told before anything is opened.

use bmf_sdk::hmp::MediaKind;
use bmf_sdk::nearest;
use bmf_sdk::prelude::OptionIssue;
use bmf_sdk::serde_json::Value;

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
    issues.extend(check_video(options, &target));
    issues.extend(check_audio(options, &target));
    issues.extend(pairs("metadata", &options.metadata).err());
    issues.extend(pairs("mux_params", &options.mux_params).err());
    let known = target.muxer.options(&target.url);
    let owner = format!("format {}", target.muxer.name);
    issues.extend(unread("mux_params", &options.mux_params, &owner, &known));
    issues
}

fn check_video(options: &Options, target: &Target) -> Vec<OptionIssue> {
    match choice::encoder(
        MediaKind::Video,
        options.video_params.codec.as_deref(),
        target,
    ) {
        Ok(Some(encoder)) => PictureSettings::of(options, target, encoder).1.0,
        // Nobody can say here whether pictures will come at all.
        Ok(None) => Vec::new(),
        Err(issue) => vec![issue],
    }
}

fn check_audio(options: &Options, target: &Target) -> Vec<OptionIssue> {
    match choice::encoder(
        MediaKind::Audio,
        options.audio_params.codec.as_deref(),
        target,
    ) {
        Ok(Some(encoder)) => SoundSettings::of(options, target, encoder).1.0,
        Ok(None) => Vec::new(),
        Err(issue) => vec![issue],
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
