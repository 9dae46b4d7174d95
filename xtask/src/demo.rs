//! `cargo xtask demo`: bmf from nothing to a transcoded file. It uses bmf's own synthetic source, so neither a sample
//! nor the `ffmpeg` command is needed; the graphs are the examples a reader is sent to.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::args::BuildArgs;
use crate::build;
use crate::deps::{self, Need};
use crate::sh;
use crate::workspace::Workspace;

/// Each graph with the file that it writes, relative to the folder it runs in.
const RUNS: [(&str, &str); 2] = [
    ("examples/graphs/sample.toml", "target/demo/sample.mp4"),
    ("examples/graphs/transcode.toml", "target/demo/out.mp4"),
];

/// Builds, runs and shows.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    std::env::set_current_dir(&workspace.root)?;
    deps::ensure(&[Need::Libraries])?;
    build::make(workspace, BuildArgs::default())?;
    let files = play(workspace, &workspace.root)?;
    for file in &files {
        println!("\n{}", describe(file, &workspace.root)?);
    }
    let bmf = shorten(&workspace.bmf(), &workspace.root);
    println!("{}", how_to_go_on(&bmf));
    Ok(())
}

/// Runs the graphs in `folder` and returns the files they wrote there.
pub(crate) fn play(workspace: &Workspace, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for (graph, output) in RUNS {
        let file = folder.join(output);
        let parent = file.parent().context("the output has a folder")?;
        std::fs::create_dir_all(parent)
            .with_context(|| format!("creating {}", parent.display()))?;
        if file.exists() {
            std::fs::remove_file(&file)?;
        }
        let graph = if folder == workspace.root {
            PathBuf::from(graph)
        } else {
            workspace.root.join(graph)
        };
        sh::run(
            Command::new(workspace.bmf())
                .arg("run")
                .arg(graph)
                .current_dir(folder),
        )?;
        if !file.metadata().is_ok_and(|data| data.len() > 0) {
            bail!(
                "`bmf run` succeeded, but {} is missing or empty",
                file.display()
            );
        }
        files.push(file);
    }
    Ok(files)
}

/// A file's path, size and, where ffprobe is at hand, its streams.
fn describe(file: &Path, root: &Path) -> anyhow::Result<String> {
    let bytes = file.metadata()?.len();
    let mut text = format!(
        "{}  {:.1} KiB\n",
        shorten(file, root),
        bytes as f64 / 1024.0
    );
    let probe = sh::output(
        Command::new("ffprobe")
            .args(["-v", "error", "-print_format", "json", "-show_streams"])
            .arg(file),
    );
    if let Some(probe) = probe {
        text += &streams(&serde_json::from_str(&probe)?);
    }
    Ok(text)
}

/// One line per stream of ffprobe's `-show_streams`.
fn streams(probe: &serde_json::Value) -> String {
    let mut text = String::new();
    for stream in probe["streams"].as_array().into_iter().flatten() {
        let field = |name: &str| {
            stream[name]
                .as_str()
                .map_or_else(|| stream[name].to_string(), str::to_owned)
        };
        let format = match stream["codec_type"].as_str() {
            Some("video") => format!(
                "{}x{} at {} fps",
                field("width"),
                field("height"),
                field("avg_frame_rate")
            ),
            Some("audio") => format!(
                "{} Hz, {} channels",
                field("sample_rate"),
                field("channels")
            ),
            _ => String::new(),
        };
        let (kind, codec, duration) = (field("codec_type"), field("codec_name"), field("duration"));
        writeln!(text, "  {kind:6} {codec:6} {duration} s  {format}")
            .expect("a string takes all text");
    }
    text
}

fn shorten(path: &Path, root: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn how_to_go_on(bmf: &str) -> String {
    format!(
        "\
to go on:
  {bmf} run examples/graphs/transcode.toml   the graph just run; edit the file and run it again
  {bmf} inspect                              every module with its ports and options
  {bmf} --help                               everything else"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_table() {
        let probe = serde_json::json!({ "streams": [
            { "codec_type": "video", "codec_name": "h264", "width": 1280, "height": 720,
              "avg_frame_rate": "30/1", "duration": "10.000000" },
            { "codec_type": "audio", "codec_name": "aac", "sample_rate": "48000", "channels": 2,
              "duration": "9.984000" },
        ] });
        insta::assert_snapshot!(streams(&probe), @r"
        video  h264   10.000000 s  1280x720 at 30/1 fps
        audio  aac    9.984000 s  48000 Hz, 2 channels
        ");
        assert_eq!(streams(&serde_json::json!({})), "");
    }

    #[test]
    fn paths_are_shown_from_the_root() {
        let root = Path::new("/src/bmf");
        assert_eq!(
            shorten(Path::new("/src/bmf/target/a.mp4"), root),
            "target/a.mp4"
        );
        assert_eq!(shorten(Path::new("/tmp/a.mp4"), root), "/tmp/a.mp4");
    }
}
