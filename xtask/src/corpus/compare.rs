//! One file, decoded by both: which streams, with which options, and whether the same frames came. Sound is compared in
//! the format it is decoded to.

use std::fmt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use serde_json::{Value, json};

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

/// How long one decoding may take, in seconds, before it is taken for hung. They take a fraction of one.
const HUNG: &str = "60";

/// What both read at once: of a file with several pictures and sounds, one of each.
#[derive(Clone, Copy, Debug, Default)]
struct Streams<'a> {
    video: Option<u64>,
    /// With the encoder that keeps samples as they are.
    audio: Option<(u64, &'a str)>,
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
    for (number, streams) in pairs(&found).into_iter().enumerate() {
        let theirs = ffmpeg(case, streams, folder)?;
        let ours = self::bmf(case, number, streams, folder, bmf)?;
        if let Some(difference) = difference(ours.as_deref(), theirs.as_deref()) {
            return Ok(Verdict::Different(difference));
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

/// Of a file in which nothing is found both try whatever they like: it must fail.
fn pairs(found: &[(u64, String, String)]) -> Vec<Streams<'_>> {
    let video: Vec<u64> = of_kind(found, "video").map(|stream| stream.0).collect();
    let audio: Vec<(u64, &str)> = of_kind(found, "audio")
        .map(|stream| (stream.0, pcm(&stream.2)))
        .collect();
    let pair = |number: usize| Streams {
        video: video.get(number).copied(),
        audio: audio.get(number).copied(),
    };
    (0..video.len().max(audio.len()).max(1)).map(pair).collect()
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

/// `None` if the file cannot be opened.
fn ffmpeg(case: &Case, streams: Streams<'_>, folder: &Path) -> anyhow::Result<Option<Vec<String>>> {
    let general = "-hide_banner -nostdin -loglevel error -threads";
    let mut words: Vec<String> = general.split(' ').map(str::to_owned).collect();
    words.extend([threads(case), "-i", case.file].map(str::to_owned));
    if let Some(index) = streams.video {
        words.extend(["-map".to_owned(), format!("0:{index}")]);
    }
    if let Some((index, codec)) = streams.audio {
        words.extend([
            "-map".to_owned(),
            format!("0:{index}"),
            "-c:a".to_owned(),
            codec.to_owned(),
        ]);
    }
    let times = "-c:v rawvideo -fps_mode passthrough -enc_time_base:v 1/90000 -f framemd5 -";
    words.extend(times.split(' ').map(str::to_owned));
    let output = within_time("ffmpeg".as_ref(), &words, folder)?;
    let listed = String::from_utf8_lossy(&output.stdout);
    Ok(listed
        .contains("#format")
        .then(|| frames(&listed, case.is_steady)))
}

/// What decoders make of damaged pictures depends on who was quicker where several threads share the work.
fn threads(case: &Case) -> &'static str {
    if case.is_damaged() { "1" } else { "auto" }
}

/// The same, by a graph of two nodes.
fn bmf(
    case: &Case,
    number: usize,
    streams: Streams<'_>,
    folder: &Path,
    bmf: &Path,
) -> anyhow::Result<Option<Vec<String>>> {
    let name = format!("{}.{number}", case.file.replace(['/', '%'], "_"));
    let listing = format!("{name}.md5");
    let graph = format!("{name}.json");
    let path = folder.join(&listing);
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    std::fs::write(
        folder.join(&graph),
        self::graph(case, &listing, streams).to_string(),
    )?;
    let words = ["run", "--progress", "none", &graph].map(str::to_owned);
    let output = within_time(bmf, &words, folder)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("panicked") || output.status.code() == Some(2) {
        anyhow::bail!("bmf said: {}", said.trim());
    }
    let listed = std::fs::read_to_string(&path);
    Ok(listed.ok().map(|listed| frames(&listed, case.is_steady)))
}

/// Only what is compared is connected, as only that is mapped for `ffmpeg`.
fn graph(case: &Case, listing: &str, streams: Streams<'_>) -> Value {
    let any = streams.video.is_none() && streams.audio.is_none();
    let mut input = json!({ "input_path": case.file, "dec_params": { "threads": threads(case) } });
    if let Some(index) = streams.video {
        input["map_v"] = index.into();
    }
    if let Some((index, _)) = streams.audio {
        input["map_a"] = index.into();
    }
    let used = [
        ("video", streams.video.is_some() || any),
        ("audio", streams.audio.is_some() || any),
    ];
    let port = |name: String| json!({ "identifier": name });
    let outputs = used.iter().filter(|(_, is_used)| *is_used);
    let outputs: Value = outputs
        .map(|(kind, _)| port(format!("{kind}:{kind}")))
        .collect();
    // An input without a stream has an empty name.
    let inputs = used.iter().map(|(kind, is_used)| {
        if *is_used {
            (*kind).to_owned()
        } else {
            String::new()
        }
    });
    let codec = streams.audio.map_or("pcm_s16le", |(_, codec)| codec);
    json!({ "nodes": [
        { "id": 0, "module_info": { "name": "c_ffmpeg_decoder" }, "option": input, "output_streams": outputs },
        { "id": 1, "module_info": { "name": "c_ffmpeg_encoder" },
          "input_streams": inputs.map(port).collect::<Value>(),
          "option": {
              "output_path": listing, "format": "framemd5",
              "video_params": { "codec": "rawvideo", "vsync": "passthrough", "r": "90000" },
              "audio_params": { "codec": codec },
          } },
    ] })
}

/// Fails where the program is ended by a signal, its own or that of the clock.
fn within_time(program: &Path, words: &[String], folder: &Path) -> anyhow::Result<Output> {
    let name = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", HUNG]).arg(program).args(words);
    let output = command
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .context("timeout")?;
    // The shell's numbers, which `timeout` keeps to; it ends itself by the signal that it sends.
    match output.status.code() {
        Some(code @ 0..=127) if code != 124 => Ok(output),
        _ => anyhow::bail!("{name} crashed or hung ({})", output.status),
    }
}

/// Stream, time, size and hash of each frame, stream by stream: in which order streams are written to the listing
/// depends on who was quicker. Durations are left out, for the rates of the two outputs differ, and hashes where they say
/// nothing.
fn frames(listed: &str, hashes: bool) -> Vec<String> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        match fields[..] {
            [stream, _, pts, _, size, hash] => {
                let hash = if hashes { hash } else { "-" };
                Some(format!("{stream} {pts} {size} {hash}"))
            }
            _ => None,
        }
    };
    let lines = listed.lines().filter(|line| !line.starts_with('#'));
    let mut frames: Vec<String> = lines.filter_map(line).collect();
    frames.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
    frames
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
    fn frames_are_read_from_listings() {
        let listed = "#format: frame checksums\n1, 0, 0, 1024, 4096, aa\n0, 0, 3600, 3600, 18432, bb\n1, 5, 5, 1, 2, cc\n";
        assert_eq!(
            frames(listed, true),
            ["0 3600 18432 bb", "1 0 4096 aa", "1 5 2 cc"]
        );
    }

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
        let found = [
            stream(0, "audio"),
            stream(1, "video"),
            stream(2, "audio"),
            stream(3, "subtitle"),
        ];
        insta::assert_snapshot!(format!("{:?}", pairs(&found)), @r#"[Streams { video: Some(1), audio: Some((0, "pcm_f32le")) }, Streams { video: None, audio: Some((2, "pcm_f32le")) }]"#);
        assert_eq!(pairs(&[]).len(), 1);
    }
}
