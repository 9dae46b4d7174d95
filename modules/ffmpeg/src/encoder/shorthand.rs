//! `encode out.mp4 crf=23 preset=veryfast` in a one-line graph.

use bmf_sdk::Options;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::Value;

use crate::values::guessed;

/// Options of the module itself; keys without a group that are not here belong to the video
/// encoder.
const OWN: [&str; 12] = [
    "avio_buffer_size",
    "io_frm_match",
    "output_path",
    "output_prefix",
    "format",
    "null_output",
    "vframes",
    "aframes",
    "min_frames",
    "adjust_pts",
    "loglevel",
    "push_output",
];

const GROUPS: [&str; 5] = [
    "video_params",
    "audio_params",
    "subtitle_params",
    "mux_params",
    "metadata",
];

/// The command line's names.
const ALIASES: [(&str, &str); 14] = [
    ("f", "format"),
    ("vcodec", "video_params.codec"),
    ("c:v", "video_params.codec"),
    ("acodec", "audio_params.codec"),
    ("c:a", "audio_params.codec"),
    ("b:v", "video_params.b"),
    ("b:a", "audio_params.b"),
    ("q:v", "video_params.qscale"),
    ("q:a", "audio_params.qscale"),
    ("ar", "audio_params.sample_rate"),
    ("ac", "audio_params.channels"),
    ("vn", ""),
    ("an", ""),
    ("movflags", "mux_params.movflags"),
];

pub(super) fn shorthand(verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
    if verb != "encode" {
        return None;
    }
    Some(options(args).map(|options| {
        let pushes = options.get("push_output").is_some_and(|way| *way != 0);
        Shorthand {
            is_end: !pushes,
            ..Shorthand::new(options, PortKind::Any)
        }
    }))
}

fn options(args: &[ShorthandArg]) -> Result<Options, String> {
    let mut options = Options::default();
    for arg in args {
        let (path, value) = match arg {
            ShorthandArg::Word(word) if options.get("output_path").is_none() => {
                ("output_path".to_owned(), Value::String(word.clone()))
            }
            ShorthandArg::Word(word) => {
                return Err(format!(
                    "encode writes one file, but \"{word}\" is a second one"
                ));
            }
            ShorthandArg::Pair(key, value) => (path_of(key)?, value_of(key, value)),
        };
        options.set(&path, value).map_err(|issue| issue.message)?;
    }
    if options.0.is_empty() {
        return Err("encode needs the name of a file, as in: encode out.mp4".to_owned());
    }
    Ok(options)
}

fn path_of(key: &str) -> Result<String, String> {
    let group = key.split_once('.').map(|(group, _)| group);
    if OWN.contains(&key) || group.is_some_and(|group| GROUPS.contains(&group)) {
        return Ok(key.to_owned());
    }
    match ALIASES.iter().find(|(alias, _)| *alias == key) {
        Some((_, "")) => Err(format!(
            "\"{key}\" is not an option: let only the wanted streams reach encode"
        )),
        Some((_, path)) => Ok((*path).to_owned()),
        None => Ok(format!("video_params.{key}")),
    }
}

/// Names and paths stay text even if they look like numbers.
fn value_of(key: &str, value: &str) -> Value {
    match key {
        "output_path" | "format" | "f" => Value::String(value.to_owned()),
        _ => guessed(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str) -> String {
        let args: Vec<ShorthandArg> = words
            .split_whitespace()
            .map(|word| match word.split_once('=') {
                Some((key, value)) => ShorthandArg::Pair(key.to_owned(), value.to_owned()),
                None => ShorthandArg::Word(word.to_owned()),
            })
            .collect();
        match shorthand("encode", &args).unwrap() {
            Ok(shorthand) => Value::Object(shorthand.options.0).to_string(),
            Err(message) => message,
        }
    }

    #[test]
    fn keys_go_to_their_groups() {
        insta::assert_snapshot!(check("out.mp4 crf=23 preset=veryfast c:v=h264 b:a=128k r=30000/1001"), @r#"{"output_path":"out.mp4","video_params":{"crf":23,"preset":"veryfast","codec":"h264","r":"30000/1001"},"audio_params":{"b":"128k"}}"#);
        insta::assert_snapshot!(check("out.mkv format=matroska vframes=10 audio_params.channels=1 metadata.title=7 movflags=faststart"), @r#"{"output_path":"out.mkv","format":"matroska","vframes":10,"audio_params":{"channels":1},"metadata":{"title":7},"mux_params":{"movflags":"faststart"}}"#);
        insta::assert_snapshot!(check("7.mp4 width=64 height=48 ar=44100"), @r#"{"output_path":"7.mp4","video_params":{"width":64,"height":48},"audio_params":{"sample_rate":44100}}"#);
        insta::assert_snapshot!(check("a.mp4 b.mp4"), @r#"encode writes one file, but "b.mp4" is a second one"#);
        insta::assert_snapshot!(check("a.mp4 an=1"), @r#""an" is not an option: let only the wanted streams reach encode"#);
        insta::assert_snapshot!(check(""), @"encode needs the name of a file, as in: encode out.mp4");
        assert!(shorthand("encoder", &[]).is_none());
    }
}
