//! `cargo xtask soak`: a stream of eight hours in miniature. A clip of a thousand frames goes round and round through
//! decoder, filter and encoder, and what the process holds must not grow once it runs: memory, open files, threads. Once
//! with a clip that is as it should be, once with a damaged one. What comes out is not looked at.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;

use crate::args::{Program, SoakArgs};
use crate::build;
use crate::damage::{Damage, Random};
use crate::deps::{self, Need};
use crate::sh;
use crate::workspace::Workspace;

/// Frames of the clip.
const LOOP: u64 = 1000;
/// How often the process is looked at.
const INTERVAL: Duration = Duration::from_millis(250);
/// How much the peak may still rise after the first fifth of the time: allocators give and take. A leak of 100 bytes
/// per frame would be 16 MiB.
const ALLOWED_KIB: u64 = 3 * 1024;

/// How many threads and files there may be more at a time: some come and go.
const ALLOWED_MORE: u64 = 8;

const CLIP: &str = "whole.ts";
const DAMAGED: &str = "damaged.ts";

/// What a process holds at a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Held {
    /// The most memory so far.
    peak_kib: u64,
    threads: u64,
    files: u64,
}

/// Runs both.
pub(crate) fn run(workspace: &Workspace, args: &SoakArgs) -> anyhow::Result<()> {
    std::env::set_current_dir(&workspace.root)?;
    deps::ensure(&[Need::Libraries, Need::FfmpegCommand])?;
    let bmf = build::program(workspace, &args.program)?;
    let folder = workspace.target.join("soak");
    make_clips(&folder)?;
    soak(&bmf, &folder, CLIP, args.frames)?;
    soak(&bmf, &folder, DAMAGED, args.frames / 4)
}

/// The step of CI.
pub(crate) fn step(workspace: &Workspace) -> anyhow::Result<()> {
    let args = SoakArgs {
        program: Program::Release,
        frames: 200_000,
    };
    run(workspace, &args)
}

/// Small, so that what is measured is the way and not the codec.
fn make_clips(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let whole = folder.join(CLIP);
    if !whole.exists() {
        let arguments = "-hide_banner -nostdin -loglevel error -y -f lavfi -i testsrc2=s=64x48:r=25:d=40 \
                         -f lavfi -i sine=440:r=32000:d=40 -c:v mpeg2video -bf 2 -c:a mp2 unfinished.ts";
        sh::run(
            Command::new("ffmpeg")
                .args(arguments.split_whitespace())
                .current_dir(folder),
        )?;
        std::fs::rename(folder.join("unfinished.ts"), &whole)?;
    }
    let flips = Damage::Flip { each: 2000, but: 2 };
    let damaged = flips.apply(&std::fs::read(&whole)?, &mut Random::new(1));
    Ok(std::fs::write(folder.join(DAMAGED), damaged)?)
}

fn soak(bmf: &Path, folder: &Path, clip: &str, frames: u64) -> anyhow::Result<()> {
    let graph = json!({ "nodes": [
        { "id": 0, "module_info": { "name": "c_ffmpeg_decoder" },
          "option": { "input_path": clip, "stream_loop": frames.div_ceil(LOOP).saturating_sub(1) },
          "output_streams": [{ "identifier": "video:v" }, { "identifier": "audio:a" }] },
        { "id": 1, "module_info": { "name": "c_ffmpeg_filter" }, "option": { "name": "scale", "para": "32:24" },
          "input_streams": [{ "identifier": "v" }], "output_streams": [{ "identifier": "s" }] },
        { "id": 2, "module_info": { "name": "c_ffmpeg_encoder" },
          "option": {
              "output_path": "/dev/null", "format": "mpegts",
              "video_params": { "codec": "mpeg2video" }, "audio_params": { "codec": "mp2" },
          },
          "input_streams": [{ "identifier": "s" }, { "identifier": "a" }] },
    ] });
    std::fs::write(folder.join("graph.json"), graph.to_string())?;
    let log = std::fs::File::create(folder.join("log.txt"))?;
    let mut command = Command::new(bmf);
    command
        .args(["run", "--progress", "none", "graph.json"])
        .current_dir(folder);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let seen = watch(&mut child)?;
    let status = child.wait()?;
    let said = std::fs::read_to_string(folder.join("log.txt")).unwrap_or_default();
    if !status.success() {
        bail!("{clip}: bmf failed ({status}): {}", said.trim());
    }
    println!("{clip}: {}", said.lines().last().unwrap_or_default());
    let told = judge(&seen).with_context(|| clip.to_owned())?;
    println!("{clip}: {told}");
    Ok(())
}

/// Looks at the process until it ends.
fn watch(child: &mut Child) -> anyhow::Result<Vec<Held>> {
    let mut seen = Vec::new();
    while child.try_wait()?.is_none() {
        seen.extend(look(child.id()));
        std::thread::sleep(INTERVAL);
    }
    Ok(seen)
}

/// `None` for a process that is about to end.
fn look(id: u32) -> Option<Held> {
    let folder = Path::new("/proc").join(id.to_string());
    let status = std::fs::read_to_string(folder.join("status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Held {
        peak_kib: field("VmHWM:")?,
        threads: field("Threads:")?,
        files: std::fs::read_dir(folder.join("fd")).ok()?.count() as u64,
    })
}

/// Compares the end with what was held after a fifth of the time.
fn judge(seen: &[Held]) -> anyhow::Result<String> {
    if seen.len() < 10 {
        bail!(
            "over after {} looks: more frames are needed to see anything",
            seen.len()
        );
    }
    let warm = &seen[seen.len() / 5];
    let most = |of: fn(&Held) -> u64| seen.iter().map(of).max().unwrap_or(0);
    let peak = most(|held| held.peak_kib);
    let told = format!(
        "peak {} KiB, {} KiB after a fifth of the time; {} threads, {} files",
        peak, warm.peak_kib, warm.threads, warm.files
    );
    let grows = |of: fn(&Held) -> u64| most(of) > of(warm) + ALLOWED_MORE;
    if peak > warm.peak_kib + ALLOWED_KIB {
        bail!("memory grows: {told}");
    }
    if grows(|held| held.threads) || grows(|held| held.files) {
        bail!(
            "threads or open files grow: {told}, then {} and {}",
            most(|held| held.threads),
            most(|held| held.files)
        );
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_found() {
        let check = |peaks: &[u64], files: u64| {
            let held = |(at, &peak_kib): (usize, &u64)| Held {
                peak_kib,
                threads: 4,
                files: if at > 5 { files } else { 3 },
            };
            let seen: Vec<Held> = peaks.iter().enumerate().map(held).collect();
            judge(&seen).unwrap_or_else(|error| error.to_string())
        };
        let flat = [5, 9, 9000, 9000, 9001, 9001, 9001, 9001, 9001, 9001, 9001];
        insta::assert_snapshot!(check(&flat, 3), @"peak 9001 KiB, 9000 KiB after a fifth of the time; 4 threads, 3 files");
        insta::assert_snapshot!(check(&flat, 30), @"threads or open files grow: peak 9001 KiB, 9000 KiB after a fifth of the time; 4 threads, 3 files, then 4 and 30");
        insta::assert_snapshot!(check(&[5, 9, 9000, 9500, 10000, 10500, 11000, 11500, 12000, 12500, 13000], 3), @"memory grows: peak 13000 KiB, 9000 KiB after a fifth of the time; 4 threads, 3 files");
        insta::assert_snapshot!(check(&[5, 9, 9], 3), @"over after 3 looks: more frames are needed to see anything");
    }

    #[test]
    fn this_process_can_be_looked_at() {
        let held = look(std::process::id()).unwrap();
        assert!(
            held.peak_kib > 100 && held.threads > 0 && held.files > 2,
            "{held:?}"
        );
    }
}
