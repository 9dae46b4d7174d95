//! FFmpeg's log arrives as records, and an error is either logged or returned.
//!
//! One test only: the logger is the process's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Mutex;

use bmf_ffmpeg::{Demuxer, FilterGraph, GraphConfig, InputConfig};
use common::Dir;

static RECORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Recorder;

impl log::Log for Recorder {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}: {}", record.level(), record.target(), record.args());
        RECORDS.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

fn records() -> String {
    std::mem::take(&mut *RECORDS.lock().unwrap()).join("\n")
}

#[test]
fn lines_become_records_unless_they_become_errors() {
    log::set_logger(&Recorder).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let dir = Dir::new();
    let garbage = dir.write("garbage.mp4", &[0x5a; 5000]);
    let error = Demuxer::open(&garbage, &InputConfig::default()).unwrap_err();
    assert_eq!(error.details(), ["moov atom not found"]);
    insta::assert_snapshot!(records(), @"WARN bmf_ffmpeg: mov,mp4,m4a,3gp,3g2,mj2: Format mov,mp4,m4a,3gp,3g2,mj2 detected only with low score of 1, misdetection possible!");

    let graph = |description: &str| {
        let config = GraphConfig {
            description: description.into(),
            ..GraphConfig::default()
        };
        FilterGraph::new(&config).unwrap()
    };
    let mut shown = graph("testsrc2=size=32x16:rate=25:duration=0.04,showinfo");
    while shown.pull(0).unwrap().ready().is_some() {}
    let lines = records();
    insta::assert_snapshot!(lines.lines().next().unwrap(), @"INFO bmf_ffmpeg: Parsed_showinfo_1: config in time_base: 1/25, frame_rate: 25/1");
    assert!(lines.contains("type:I"), "{lines}");

    assert!(bmf_ffmpeg::log::set_level("warning"));
    let mut quiet = graph("testsrc2=size=32x16:rate=25:duration=0.04,showinfo");
    while quiet.pull(0).unwrap().ready().is_some() {}
    insta::assert_snapshot!(records(), @"");
}
