//! Ctrl-C, `kill`, and nodes that get stuck.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::util::{Dir, finish, show, signal};

const ENDLESS: &str = "test_source width=64 height=36 duration=0 ! null_sink";

/// A run that nothing but a signal ends, once packets have come through.
pub(crate) fn start(dir: &Dir, arguments: &[&str]) -> (Child, BufReader<impl Read + use<>>) {
    let progress = ["--progress", "json"];
    let mut child = dir
        .command(&[&["run"], arguments, &progress].concat())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut packets = 0;
    while packets == 0 {
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let progress: Value = serde_json::from_str(&line).unwrap();
        packets = progress["packets"].as_u64().unwrap();
    }
    (child, stderr)
}

/// The lines that are not progress.
fn messages(stderr: impl BufRead) -> Vec<String> {
    let lines = stderr.lines().map(Result::unwrap);
    lines.filter(|line| !line.starts_with('{')).collect()
}

#[test]
fn an_interrupted_run_finishes_its_outputs() {
    for name in ["INT", "TERM"] {
        let dir = Dir::new();
        let (child, stderr) = start(&dir, &[ENDLESS, "--stats", "s.json"]);
        signal(child.id(), name);
        let output = finish(child);
        assert_eq!(output.status.code(), Some(130), "{}", show(&output));
        let messages = messages(stderr);
        // The run is stopped first and spoken of then, so it may be over by that time.
        let is_stopped = |message: &String| message.starts_with("stopped: ");
        assert!(messages.iter().any(is_stopped), "{messages:?}");
        let stats: Value = serde_json::from_str(&dir.read("s.json")).unwrap();
        assert_eq!(stats["result"], "stopped");
    }
}

#[test]
fn progress_can_be_read_by_people() {
    let dir = Dir::new();
    let mut child = dir
        .command(&["run", ENDLESS, "--progress", "plain"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    signal(child.id(), "INT");
    finish(child);
    assert!(line.starts_with("progress: "), "{line}");
    assert!(line.contains(" fps, "), "{line}");
}

#[test]
fn an_input_that_never_comes_is_named() {
    let dir = Dir::new();
    let made = Command::new("mkfifo").arg(dir.path("pipe")).status();
    assert!(made.unwrap().success());
    let run = ["run", "decode pipe ! null_sink", "--progress", "none"];
    let limits = ["--timeout", "0.5", "--stats", "s.json"];
    insta::assert_snapshot!(dir.bmf(&[&run[..], &limits].concat()), @"
    exit 1
    --- stderr
    error: no progress for 0.5 s: node 0 'decode' (c_ffmpeg_decoder) is inside its module; node 1 'null_sink' (null_sink) waits for 'decode' to open
    ");
    let stats: Value = serde_json::from_str(&dir.read("s.json")).unwrap();
    assert_eq!(stats["result"], "failed");
    assert!(
        stats["error"]
            .as_str()
            .unwrap()
            .starts_with("no progress for 0.5 s")
    );
}
