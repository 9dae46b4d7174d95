//! Runs that read and write media files. What is in the pictures is tested with the modules.

use serde_json::Value;

use crate::util::{Dir, finish};

const TRANSCODE: &str = "decode in.mp4 ! scale 32:18 ! encode out.mp4";

/// A second of pictures and sound in `in.mp4`; returns what was said about it.
fn make_input(dir: &Dir) -> String {
    dir.bmf(&[
        "run",
        "test_source width=64 height=36 duration=1 ! encode in.mp4",
    ])
}

/// How many pictures can be read from a file.
fn pictures(dir: &Dir, file: &str) -> Value {
    let line = format!("decode {file} ! null_sink");
    let stats = dir.stdout(&["run", "-q", &line, "--stats", "-"]);
    let stats: Value = serde_json::from_str(&stats).unwrap();
    stats["nodes"][0]["counters"]["frames_video"].clone()
}

#[test]
fn files_are_written_and_described() {
    let dir = Dir::new();
    insta::assert_snapshot!(make_input(&dir), @r"
    exit 0
    --- stderr
    wrote in.mp4: h264 64x36 25 fps 25 frames, aac 48000 Hz stereo, 1.0 s, # kB
    done in # s (#x)
    ");
    insta::assert_snapshot!(dir.bmf(&["run", TRANSCODE]), @r"
    exit 0
    --- stderr
    wrote out.mp4: h264 32x18 25 fps 25 frames, aac 48000 Hz stereo, 1.0 s, # kB
    done in # s (#x)
    ");
    assert_eq!(pictures(&dir, "out.mp4"), 25);
}

#[test]
fn nothing_is_written_without_an_input() {
    let dir = Dir::new();
    insta::assert_snapshot!(dir.bmf(&["run", TRANSCODE]), @r"
    exit 1
    --- stderr
    error: node 0 'decode' (c_ffmpeg_decoder): cannot open input 'in.mp4': no such file or directory
    ");
    assert!(!dir.path("out.mp4").exists());
}

#[test]
fn nothing_runs_without_a_place_to_write_to() {
    let dir = Dir::new();
    make_input(&dir);
    insta::assert_snapshot!(dir.bmf(&["run", "decode in.mp4 ! encode no/out.mp4"]), @r#"
    exit 1
    --- stderr
    error: node 1 'encode' (c_ffmpeg_encoder): cannot write "no/out.mp4": the directory "no" does not exist
      help: create the directory, or correct "output_path"
    "#);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_a_playable_file() {
    let dir = Dir::new();
    let endless = "test_source width=64 height=36 duration=0 ! encode out.mp4";
    let (child, _stderr) = crate::interrupt::start(&dir, &[endless]);
    crate::util::signal(child.id(), "INT");
    assert_eq!(finish(child).status.code(), Some(130));
    assert!(pictures(&dir, "out.mp4").as_u64().unwrap() > 0);
}
