//! One file, decoded by both, and whether the same frames came: each of its streams with exact times, then what both
//! choose and make of it when nothing is asked for. How they are run is told in `decode.rs`.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;
use serde_json::Value;

use super::decode::{self, Choice};
use super::files::Case;

/// What came of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// So many frames, all the same.
    Same { frames: usize },
    /// Neither of the two can open it.
    Refused,
    /// The frames differ, and it is known why.
    Explained(&'static str),
    /// They differ: the first place.
    Different(String),
    /// Crashed, hung, or would not even begin.
    Broken(String),
}

impl Verdict {
    pub(super) fn is_fine(&self) -> bool {
        matches!(self, Self::Same { .. } | Self::Refused | Self::Explained(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same { frames } => write!(f, "ok         {frames} frames"),
            Self::Refused => f.write_str("ok         refused by both"),
            Self::Explained(why) => write!(f, "explained  {why}"),
            Self::Different(place) => write!(f, "DIFFERENT  {place}"),
            Self::Broken(how) => write!(f, "BROKEN     {how}"),
        }
    }
}

/// Decodes all streams of a file with both programs.
pub(super) fn compare(case: &Case, folder: &Path, bmf: &Path) -> Verdict {
    let verdict = try_compare(case, folder, bmf)
        .unwrap_or_else(|error| Verdict::Broken(format!("{error:#}")));
    match (&verdict, case.differs) {
        (Verdict::Different(_), Some(why)) => Verdict::Explained(why),
        (Verdict::Same { .. } | Verdict::Refused, Some(_)) => {
            Verdict::Broken("equal now: take the explanation out of files.rs".to_owned())
        }
        _ => verdict,
    }
}

fn try_compare(case: &Case, folder: &Path, bmf: &Path) -> anyhow::Result<Verdict> {
    let found = streams(case.file, folder)?;
    let mut frames = 0;
    let mut refused = true;
    for (number, choice) in choices(&found).into_iter().enumerate() {
        let theirs = decode::ffmpeg(case, choice, folder)?;
        let ours = decode::bmf(case, number, choice, folder, bmf)?;
        if let Some(difference) = difference(ours.as_deref(), theirs.as_deref()) {
            return Ok(Verdict::Different(format!("{choice}: {difference}")));
        }
        refused &= theirs.is_none();
        frames += theirs.unwrap_or_default().len();
    }
    Ok(if refused {
        Verdict::Refused
    } else {
        Verdict::Same { frames }
    })
}

/// Index, kind and sample format of each stream that can be decoded to frames.
fn streams(file: &str, folder: &Path) -> anyhow::Result<Vec<(u64, String, String)>> {
    let mut command = Command::new("ffprobe");
    command.args([
        "-v",
        "quiet",
        "-of",
        "json",
        "-show_entries",
        "stream=index,codec_type,sample_fmt",
        file,
    ]);
    let output = command
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .context("ffprobe")?;
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let text = |stream: &Value, key: &str| stream[key].as_str().unwrap_or_default().to_owned();
    let streams = found["streams"].as_array().into_iter().flatten();
    let streams = streams.map(|stream| {
        let index = stream["index"].as_u64().unwrap_or(0);
        (
            index,
            text(stream, "codec_type"),
            text(stream, "sample_fmt"),
        )
    });
    Ok(streams.collect())
}

/// Of a file with several pictures and sounds one of each is read at once. Of one in which nothing is found both try
/// whatever they like: it must fail.
fn choices(found: &[(u64, String, String)]) -> Vec<Choice> {
    let video: Vec<u64> = of_kind(found, "video").map(|stream| stream.0).collect();
    let audio: Vec<(u64, &str)> = of_kind(found, "audio")
        .map(|stream| (stream.0, pcm(&stream.2)))
        .collect();
    let usual = Choice {
        video: None,
        audio: None,
        pcm: audio.first().map_or("pcm_s16le", |stream| stream.1),
    };
    let pair = |number: usize| Choice {
        video: video.get(number).copied(),
        audio: audio.get(number).map(|stream| stream.0),
        pcm: audio.get(number).map_or("pcm_s16le", |stream| stream.1),
    };
    let pairs = (0..video.len().max(audio.len())).map(pair);
    pairs.chain([usual]).collect()
}

fn of_kind<'a>(
    found: &'a [(u64, String, String)],
    kind: &'a str,
) -> impl Iterator<Item = &'a (u64, String, String)> {
    found.iter().filter(move |stream| stream.1 == kind)
}

/// The encoder that keeps samples of this format.
fn pcm(format: &str) -> &'static str {
    match format.trim_end_matches('p') {
        "u8" => "pcm_u8",
        "s32" => "pcm_s32le",
        "flt" => "pcm_f32le",
        "dbl" => "pcm_f64le",
        _ => "pcm_s16le",
    }
}

/// The first difference, in words.
fn difference(ours: Option<&[String]>, theirs: Option<&[String]>) -> Option<String> {
    let (ours, theirs) = match (ours, theirs) {
        (None, None) => return None,
        (Some(ours), Some(theirs)) => (ours, theirs),
        // A listing without a frame is written by one and not by the other.
        (Some([]), None) | (None, Some([])) => return None,
        (Some(ours), None) => {
            return Some(format!(
                "bmf has {} frames, ffmpeg cannot read it",
                ours.len()
            ));
        }
        (None, Some(theirs)) => {
            return Some(format!(
                "ffmpeg has {} frames, bmf cannot read it",
                theirs.len()
            ));
        }
    };
    let place = ours
        .iter()
        .zip(theirs)
        .position(|(our, their)| our != their);
    match place {
        Some(at) => Some(format!(
            "frame {at}: {} instead of {}",
            ours[at], theirs[at]
        )),
        None if ours.len() != theirs.len() => {
            Some(format!("{} frames instead of {}", ours.len(), theirs.len()))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told() {
        let list = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let check =
            |ours: &[&str], theirs: &[&str]| difference(Some(&list(ours)), Some(&list(theirs)));
        assert_eq!(check(&["a"], &["a"]), None);
        insta::assert_snapshot!(check(&["a", "b"], &["a", "c"]).unwrap(), @"frame 1: b instead of c");
        insta::assert_snapshot!(check(&["a"], &["a", "c"]).unwrap(), @"1 frames instead of 2");
        insta::assert_snapshot!(difference(None, Some(&list(&["a"]))).unwrap(), @"ffmpeg has 1 frames, bmf cannot read it");
        assert_eq!(difference(None, Some(&[])), None);
    }

    #[test]
    fn pictures_and_sounds_are_paired() {
        let stream = |index, kind: &str| (index, kind.to_owned(), "fltp".to_owned());
        let check = |found: &[_]| {
            let choices = choices(found);
            let told = choices.iter().map(ToString::to_string);
            told.collect::<Vec<_>>().join(", ")
        };
        let found = [
            stream(0, "audio"),
            stream(1, "video"),
            stream(2, "audio"),
            stream(3, "subtitle"),
        ];
        insta::assert_snapshot!(check(&found), @"streams 1 and 0, stream 2, as it is");
        insta::assert_snapshot!(check(&[]), @"as it is");
    }
}
