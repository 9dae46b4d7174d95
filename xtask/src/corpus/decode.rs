//! How both programs are run: which streams they read, with which options, and the frames that they list.

use std::fmt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use serde_json::{Value, json};

use super::files::Case;

/// How long one decoding may take, in seconds, before it is taken for hung. They take a fraction of one.
const HUNG: &str = "60";

/// What both read at once. With neither pictures nor sound chosen both do what they do when nothing is asked for: the
/// best of each, at the rate of the file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Choice {
    pub(super) video: Option<u64>,
    pub(super) audio: Option<u64>,
    /// The encoder that keeps samples as they are.
    pub(super) pcm: &'static str,
}

impl Choice {
    fn is_usual(self) -> bool {
        self.video.is_none() && self.audio.is_none()
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.video, self.audio) {
            (None, None) => f.write_str("as it is"),
            (Some(video), Some(audio)) => write!(f, "streams {video} and {audio}"),
            (Some(one), None) | (None, Some(one)) => write!(f, "stream {one}"),
        }
    }
}

/// The frames that the command lists; `None` if the file cannot be opened.
pub(super) fn ffmpeg(
    case: &Case,
    choice: Choice,
    folder: &Path,
) -> anyhow::Result<Option<Vec<String>>> {
    let general = "-hide_banner -nostdin -loglevel error -threads";
    let mut words: Vec<String> = general.split(' ').map(str::to_owned).collect();
    words.extend([threads(case), "-i", case.file].map(str::to_owned));
    for index in choice.video.into_iter().chain(choice.audio) {
        words.extend(["-map".to_owned(), format!("0:{index}")]);
    }
    let times = match choice.is_usual() {
        true => "",
        false => "-fps_mode passthrough -enc_time_base:v 1/90000 ",
    };
    let output = format!("{times}-c:v rawvideo -c:a {} -f framemd5 -", choice.pcm);
    words.extend(output.split(' ').map(str::to_owned));
    let output = within_time("ffmpeg".as_ref(), &words, folder)?;
    let listed = String::from_utf8_lossy(&output.stdout);
    let has_begun = listed.contains("#format");
    Ok(has_begun.then(|| frames(&listed, case, choice)))
}

/// What decoders make of damaged pictures depends on who was quicker where several threads share the work.
fn threads(case: &Case) -> &'static str {
    if case.is_damaged() { "1" } else { "auto" }
}

/// The same, by a graph of two nodes.
pub(super) fn bmf(
    case: &Case,
    number: usize,
    choice: Choice,
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
    let text = self::graph(case, &listing, choice).to_string();
    std::fs::write(folder.join(&graph), text)?;
    let words = ["run", "--progress", "none", &graph].map(str::to_owned);
    let output = within_time(bmf, &words, folder)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("panicked") || output.status.code() == Some(2) {
        anyhow::bail!("bmf said: {}", said.trim());
    }
    let listed = std::fs::read_to_string(&path);
    Ok(listed.ok().map(|listed| frames(&listed, case, choice)))
}

/// Only what is compared is connected, as only that is mapped for `ffmpeg`.
fn graph(case: &Case, listing: &str, choice: Choice) -> Value {
    let mut input = json!({ "input_path": case.file, "dec_params": { "threads": threads(case) } });
    for (key, index) in [("map_v", choice.video), ("map_a", choice.audio)] {
        if let Some(index) = index {
            input[key] = index.into();
        }
    }
    let port = |name: String| json!({ "identifier": name });
    let (mut outputs, mut inputs) = (Vec::new(), Vec::new());
    for (kind, chosen) in [("video", choice.video), ("audio", choice.audio)] {
        let is_used = chosen.is_some() || choice.is_usual();
        if is_used {
            outputs.push(port(format!("{kind}:{kind}")));
        }
        // An input without a stream has an empty name.
        let name = if is_used { kind } else { "" };
        inputs.push(port(name.to_owned()));
    }
    let video = match choice.is_usual() {
        true => json!({ "codec": "rawvideo" }),
        false => json!({ "codec": "rawvideo", "vsync": "passthrough", "r": "90000" }),
    };
    json!({ "nodes": [
        { "id": 0, "module_info": { "name": "c_ffmpeg_decoder" }, "option": input, "output_streams": outputs },
        { "id": 1, "module_info": { "name": "c_ffmpeg_encoder" }, "input_streams": inputs,
          "option": {
              "output_path": listing, "format": "framemd5", "video_params": video,
              "audio_params": { "codec": choice.pcm },
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

/// Stream, time, duration, size and hash of each frame, stream by stream: in which order streams are written to the
/// listing depends on who was quicker. What says nothing is left out: durations where the rates of the two outputs differ,
/// and hashes where the decoder gives others each time.
fn frames(listed: &str, case: &Case, choice: Choice) -> Vec<String> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [stream, _, pts, duration, size, hash, ..] = fields[..] else {
            return None;
        };
        let duration = if choice.is_usual() { duration } else { "-" };
        let hash = if case.is_steady { hash } else { "-" };
        Some(format!("{stream} {pts} {duration} {size} {hash}"))
    };
    let lines = listed.lines().filter(|line| !line.starts_with('#'));
    let mut frames: Vec<String> = lines.filter_map(line).collect();
    frames.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
    frames
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::files::CASES;

    #[test]
    fn frames_are_read_from_listings() {
        let listed = "#format: frame checksums\n1, 0, 0, 1024, 4096, aa\n0, 0, 3600, 3600, 18432, bb\n1, 5, 5, 1, 2, cc\n";
        let check = |choice| frames(listed, &CASES[0], choice).join("\n");
        insta::assert_snapshot!(check(Choice::default()), @"
        0 3600 3600 18432 bb
        1 0 1024 4096 aa
        1 5 1 2 cc
        ");
        let sound = Choice {
            audio: Some(1),
            ..Choice::default()
        };
        insta::assert_snapshot!(check(sound), @"
        0 3600 - 18432 bb
        1 0 - 4096 aa
        1 5 - 2 cc
        ");
    }
}
