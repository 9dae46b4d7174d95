//! docs/recipes.md: every command in it is run as it stands there, and what comes out is looked at. Two
//! commands of one recipe must give the same.

#![cfg(feature = "static")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

/// The commands of each recipe, by its heading.
static RECIPES: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let page = fs::read_to_string(root().join("docs/recipes.md")).unwrap();
    read_recipes(&page)
});

/// What all recipes read, made once.
static MEDIA: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    let film = |source: &str, tone: u32, options: &str| {
        format!(
            "-f lavfi -i {source} -f lavfi -i aevalsrc=sin({tone}*t)/4|cos({tone}*t)/4:s=48000:d=2 \
             -c:v libx264 -preset veryfast -g 25 -pix_fmt yuv420p -c:a aac {options}"
        )
    };
    ffmpeg(
        dir.path(),
        &film("testsrc2=s=320x180:r=25:d=2", 3000, "in.mp4"),
    );
    ffmpeg(
        dir.path(),
        &film("testsrc=s=256x144:r=30:d=1", 1000, "-t 1 other.mp4"),
    );
    ffmpeg(
        dir.path(),
        "-f lavfi -i color=red@0.5:s=40x20,format=rgba -frames:v 1 logo.png",
    );
    ffmpeg(dir.path(), "-f lavfi -i sine=500:r=44100:d=5 music.wav");
    dir
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read_recipes(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut recipes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut heading = String::new();
    let mut in_block = false;
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.to_owned();
        } else if line.starts_with("```") {
            in_block = line == "```sh";
        } else if in_block {
            recipes
                .entry(heading.clone())
                .or_default()
                .push(line.to_owned());
        }
    }
    recipes
}

/// Runs `ffmpeg` or `ffprobe` with arguments that contain no blanks; gives what it printed.
fn tool(name: &str, dir: &Path, arguments: &str) -> String {
    let output = Command::new(name)
        .args(["-hide_banner", "-loglevel", "error"])
        .args(arguments.split_ascii_whitespace())
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("these tests need the ffmpeg command");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {arguments}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn ffmpeg(dir: &Path, arguments: &str) -> String {
    tool("ffmpeg", dir, &format!("-y {arguments}"))
}

/// Runs each command of a recipe in a folder of its own, and lets `check` look into the folder and at what was
/// printed.
fn each(recipe: &str, check: impl Fn(&Path, &str)) {
    for command in &RECIPES[recipe] {
        let dir = TempDir::new().unwrap();
        for file in ["in.mp4", "other.mp4", "logo.png", "music.wav"] {
            fs::copy(MEDIA.path().join(file), dir.path().join(file)).unwrap();
        }
        std::os::unix::fs::symlink(root().join("examples"), dir.path().join("examples")).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_bmf"));
        let path = std::env::join_paths(
            [program.parent().unwrap().to_owned()]
                .into_iter()
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let output = Command::new("sh")
            .args(["-ec", command])
            .current_dir(dir.path())
            .env("PATH", path.unwrap())
            .env_remove("BMF_MODULE_PATH")
            .env("XDG_DATA_HOME", dir.path().join("data"))
            .env("XDG_CACHE_HOME", dir.path().join("cache"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}\n{said}");
        check(dir.path(), &String::from_utf8_lossy(&output.stdout));
    }
}

/// The streams of a file, one per line: `h264 640x360 25/1 50 frames`, `aac 48000 Hz 2 channels`.
fn streams(dir: &Path, file: &str) -> String {
    let entries = "stream=codec_name,width,height,r_frame_rate,nb_read_frames,sample_rate,channels";
    let probe = format!("-count_frames -show_entries {entries} -of json {file}");
    let probe: serde_json::Value = serde_json::from_str(&tool("ffprobe", dir, &probe)).unwrap();
    let line = |stream: &serde_json::Value| {
        let text = |key: &str| stream[key].as_str().unwrap_or_default().to_owned();
        let codec = text("codec_name");
        match stream["width"].as_u64() {
            Some(width) => format!(
                "{codec} {width}x{} {} fps {} frames",
                stream["height"],
                text("r_frame_rate").trim_end_matches("/1"),
                text("nb_read_frames")
            ),
            None => format!(
                "{codec} {} Hz {} channels",
                text("sample_rate"),
                stream["channels"]
            ),
        }
    };
    let streams = probe["streams"].as_array().unwrap().iter().map(line);
    streams.collect::<Vec<_>>().join(", ")
}

/// Seconds, to a tenth: where sound ends depends on its encoder's blocks.
fn seconds(dir: &Path, file: &str) -> f64 {
    let shown = tool(
        "ffprobe",
        dir,
        &format!("-show_entries format=duration -of csv=p=0 {file}"),
    );
    (shown.trim().parse::<f64>().unwrap() * 10.0).round() / 10.0
}

/// What `ffmpeg` reads from a file, with `options` before the output: every frame.
fn frames(dir: &Path, input: &str, options: &str) -> Vec<String> {
    let listed = ffmpeg(dir, &format!("{input} {options} -f framemd5 -"));
    let frames = listed.lines().filter(|line| !line.starts_with('#'));
    frames.map(str::to_owned).collect()
}

/// Only what is in them; side data and times are left out.
fn hashes(dir: &Path, input: &str, options: &str) -> Vec<String> {
    let hash = |line: &String| line.split(',').nth(5).unwrap().trim().to_owned();
    frames(dir, input, options).iter().map(hash).collect()
}

#[test]
fn every_recipe_has_a_test() {
    let source = include_str!("recipes.rs");
    for (recipe, commands) in &*RECIPES {
        assert!(
            source.contains(&format!("each(\"{recipe}\"")),
            "{recipe} has no test"
        );
        assert!(
            commands.iter().all(|command| command.contains("bmf ")),
            "{recipe}"
        );
    }
    assert!(RECIPES.len() > 15);
}

#[test]
fn every_graph_is_in_a_recipe() {
    for entry in fs::read_dir(root().join("examples/graphs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_used = RECIPES
            .values()
            .flatten()
            .any(|command| command.contains(&name));
        assert!(
            is_used || ["bmf.json", "sample.toml"].contains(&&*name),
            "{name}"
        );
    }
}

#[test]
fn what_is_in_a_file() {
    each("What is in a file", |_, printed| {
        assert!(
            printed.contains("h264") && printed.contains("aac"),
            "{printed}"
        );
    });
}

#[test]
fn transcode() {
    each("Transcode", |dir, _| {
        insta::allow_duplicates! {
            insta::assert_snapshot!(streams(dir, "out.mp4"), @"h264 640x360 25 fps 50 frames, aac 48000 Hz 2 channels");
        }
        assert_eq!(seconds(dir, "out.mp4"), 2.0);
    });
}

#[test]
fn ladder() {
    each("Ladder", |dir, _| {
        for (file, size) in [("720", "1280x720"), ("480", "854x480"), ("360", "640x360")] {
            let wanted = format!("h264 {size} 25 fps 50 frames, aac 48000 Hz 2 channels");
            assert_eq!(streams(dir, &format!("{file}.mp4")), wanted);
        }
    });
}

#[test]
fn thumbnail() {
    each("Thumbnail", |dir, _| {
        assert_eq!(streams(dir, "thumb.jpg"), "mjpeg 160x90 25 fps 1 frames");
    });
}

#[test]
fn frame_extraction() {
    each("Frame extraction", |dir, _| {
        let ours = hashes(dir, "-i frame-%03d.png", "");
        assert_eq!(ours, hashes(dir, "-i in.mp4", "-vf fps=1,format=rgb24 -an"));
        assert_eq!(ours.len(), 2);
    });
}

#[test]
fn key_frames() {
    each("Key frames", |dir, _| {
        let ours = hashes(dir, "-i key-%03d.png", "");
        let theirs = "-vf format=rgb24 -an -fps_mode passthrough";
        assert_eq!(ours, hashes(dir, "-skip_frame nokey -i in.mp4", theirs));
        assert_eq!(ours.len(), 2);
    });
}

#[test]
fn contact_sheet() {
    each("Contact sheet", |dir, _| {
        assert_eq!(streams(dir, "sheet-001.png"), "png 640x360 25 fps 1 frames");
        let theirs = "-vf fps=1,scale=160:-1,tile=4x4,format=rgb24 -an";
        let ours = hashes(dir, "-i sheet-%03d.png", "-pix_fmt rgb24");
        assert_eq!(ours.len(), hashes(dir, "-i in.mp4", theirs).len());
    });
}

#[test]
fn trim() {
    each("Trim", |dir, _| {
        ffmpeg(dir, "-ss 0.5 -to 1.5 -i in.mp4 theirs.mp4");
        assert_eq!(streams(dir, "out.mp4"), streams(dir, "theirs.mp4"));
        assert_eq!(seconds(dir, "out.mp4"), 1.0);
    });
}

#[test]
fn pieces() {
    each("Pieces", |dir, _| {
        assert_eq!(seconds(dir, "out.mp4"), 1.0);
        assert_eq!(
            streams(dir, "out.mp4"),
            "h264 320x180 25 fps 25 frames, aac 48000 Hz 2 channels"
        );
    });
}

#[test]
fn concat() {
    each("Concat", |dir, _| {
        insta::allow_duplicates! {
            insta::assert_snapshot!(streams(dir, "out.mp4"), @"h264 640x360 30 fps 90 frames, aac 48000 Hz 2 channels");
        }
        assert_eq!(seconds(dir, "out.mp4"), 3.0);
    });
}

#[test]
fn overlay() {
    each("Overlay", |dir, _| {
        insta::assert_snapshot!(streams(dir, "out.mp4"), @"h264 320x180 25 fps 50 frames, aac 48000 Hz 2 channels");
    });
}

#[test]
fn picture_in_picture() {
    each("Picture in picture", |dir, _| {
        insta::assert_snapshot!(streams(dir, "out.mp4"), @"h264 320x180 25 fps 50 frames, aac 48000 Hz 2 channels");
        assert_eq!(seconds(dir, "out.mp4"), 2.0);
    });
}

#[test]
fn sound_alone() {
    each("Sound alone", |dir, _| {
        insta::allow_duplicates! {
            insta::assert_snapshot!(streams(dir, "out.m4a"), @"aac 48000 Hz 2 channels");
        }
        assert!((1.9..=2.1).contains(&seconds(dir, "out.m4a")));
    });
}

#[test]
fn mix() {
    each("Mix", |dir, _| {
        insta::assert_snapshot!(streams(dir, "out.mp4"), @"h264 320x180 25 fps 50 frames, aac 48000 Hz 2 channels");
        assert_eq!(seconds(dir, "out.mp4"), 2.0);
        // Copied, not encoded again.
        let pictures = |file: &str| hashes(dir, &format!("-i {file}"), "-map 0:v -c copy");
        assert_eq!(pictures("out.mp4"), pictures("in.mp4"));
    });
}

#[test]
fn gif() {
    each("GIF", |dir, _| {
        let count = "-vf fps=10 -an -c:v rawvideo";
        let theirs = frames(dir, "-ss 0.5 -to 1.5 -i in.mp4", count).len();
        assert_eq!(frames(dir, "-i out.gif", "-c:v rawvideo").len(), theirs);
        insta::allow_duplicates! {
            insta::assert_snapshot!(streams(dir, "out.gif"), @"gif 320x180 10 fps 10 frames");
        }
    });
}

#[test]
fn hls() {
    each("HLS", |dir, _| {
        let list = fs::read_to_string(dir.join("hls/index.m3u8")).unwrap();
        assert!(
            list.ends_with("#EXT-X-ENDLIST\n") && list.contains("001.ts"),
            "{list}"
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(streams(dir, "hls/index.m3u8"), @"h264 320x180 25 fps 50 frames, aac 48000 Hz 2 channels");
        }
    });
}

#[test]
fn remux() {
    each("Remux", |dir, _| {
        for stream in ["v", "a"] {
            let packets = |file: &str| {
                hashes(
                    dir,
                    &format!("-i {file}"),
                    &format!("-map 0:{stream} -c copy"),
                )
            };
            assert_eq!(packets("out.mkv"), packets("in.mp4"), "{stream}");
        }
    });
}

#[test]
fn side_by_side() {
    each("Side by side", |dir, _| {
        insta::allow_duplicates! {
            insta::assert_snapshot!(streams(dir, "out.mp4"), @"h264 1280x360 30 fps 60 frames, aac 48000 Hz 2 channels");
        }
    });
}

#[test]
fn quality() {
    each("Quality", |dir, _| {
        for metric in ["psnr", "ssim"] {
            let graph = format!("-lavfi [0:v][1:v]{metric}=stats_file=theirs.log -f null -");
            ffmpeg(dir, &format!("-i reduced.mp4 -i in.mp4 {graph}"));
            let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
            assert_eq!(
                read(&format!("{metric}.log")),
                read("theirs.log"),
                "{metric}"
            );
        }
    });
}
