//! Files that are named by packets: `c_ffmpeg_decoder` reads them one after the other.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::path::Path;

use bmf_sdk::ModuleRunner;
use bmf_sdk::hmp::{AudioFrame, EncodedPacket, Timestamp, VideoFrame};
use bmf_sdk::prelude::*;
use common::{Decoded, clip, decode, module};
use serde_json::{Value, json};

const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 30 -c:a aac";

fn read(options: Value, lists: Vec<Packet>) -> Result<Decoded, ModuleError> {
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 1, 2)?;
    for list in lists {
        runner.push(0, list);
    }
    runner.end(0);
    let _ = runner.run()?;
    Ok(Decoded {
        video: runner.take(0),
        audio: runner.take(1),
        report: runner.close(Ending::Finished)?,
    })
}

fn named(dir: &Path, value: Value) -> Packet {
    let text = value.to_string().replace("DIR", dir.to_str().unwrap());
    Packet::new(
        Timestamp::ZERO,
        serde_json::from_str::<Value>(&text).unwrap(),
    )
}

/// Pixels of all pictures, and how many samples there are.
fn contents(decoded: &Decoded) -> (Vec<Vec<u8>>, usize) {
    let pixels = |packet: &Packet| {
        packet
            .get::<VideoFrame>()
            .unwrap()
            .to_packed_bytes()
            .unwrap()
    };
    let samples = |packet: &Packet| packet.get::<AudioFrame>().unwrap().samples();
    let pictures = decoded.video.iter().map(pixels).collect();
    (pictures, decoded.audio.iter().map(samples).sum())
}

fn joined(parts: &[Decoded]) -> (Vec<Vec<u8>>, usize) {
    let parts = parts.iter().map(contents);
    parts.fold((Vec::new(), 0), |(pictures, samples), part| {
        ([pictures, part.0].concat(), samples + part.1)
    })
}

fn ascending(packets: &[Packet]) -> bool {
    packets
        .windows(2)
        .all(|pair| pair[0].timestamp() < pair[1].timestamp())
}

#[test]
fn files_are_read_in_order_and_joined() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.mp4"));
    clip(dir.path(), 1, "-c:v mpeg4 -s 64x48 -c:a mp3 b.mkv");
    let list = json!({"input_path": [
        {"input_path": "DIR/a.mp4", "start_time": 0.5, "end_time": 1.5},
        {"input_path": "DIR/b.mkv"},
        {"input_path": "DIR/a.mp4", "durations": [0, 0.4, 1, 1.2]},
    ]});
    let all = read(json!({}), vec![named(dir.path(), list)]).unwrap();
    let part = |file: &str, mut options: Value| {
        options["input_path"] = dir.path().join(file).to_str().unwrap().into();
        decode(options).unwrap()
    };
    let parts = [
        part("a.mp4", json!({"start_time": 0.5, "end_time": 1.5})),
        part("b.mkv", json!({"start_time": 0})),
        part("a.mp4", json!({"durations": [0, 0.4, 1, 1.2]})),
    ];
    assert!(contents(&all) == joined(&parts));
    assert_eq!(all.video.len(), 25 + 25 + 15);
    assert!(ascending(&all.video) && ascending(&all.audio));
    let time = |index: usize| all.video[index].timestamp().as_secs_f64();
    // The sound of each lasts as long as its pictures, or a little longer.
    assert!(
        (1.0..1.06).contains(&time(25)) && (2.0..2.12).contains(&time(50)),
        "{}",
        time(50)
    );
    assert_eq!(all.report.counters.get("frames_video"), Some(65));
}

#[test]
fn files_may_come_in_several_packets_and_forms() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("-an {H264} a.mp4"));
    let path = dir.path().join("a.mp4").to_str().unwrap().to_owned();
    let lists = vec![
        named(dir.path(), json!(["DIR/a.mp4"])),
        Packet::new(Timestamp::ZERO, path),
        named(dir.path(), json!({"input_path": "DIR/a.mp4"})),
    ];
    let all = read(json!({"vframes": 60}), lists).unwrap();
    assert_eq!(all.video.len(), 60);
    let times: Vec<i64> = all
        .video
        .iter()
        .map(|packet| packet.timestamp().micros())
        .collect();
    assert_eq!(times, (0..60).map(|n| n * 40_000).collect::<Vec<_>>());
}

#[test]
fn a_missing_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("-an {H264} a.mp4"));
    let list = json!(["DIR/a.mp4", "DIR/none.mp4"]);
    let error = read(json!({}), vec![named(dir.path(), list)]).unwrap_err();
    let error = error
        .to_string()
        .replace(dir.path().to_str().unwrap(), "DIR");
    insta::assert_snapshot!(error, @"cannot open input 'DIR/none.mp4': no such file or directory");
    let error = read(
        json!({}),
        vec![named(dir.path(), json!({"input_path": [3]}))],
    )
    .unwrap_err();
    insta::assert_snapshot!(error, @"the list of files: 3 is no file");
    let nothing = read(json!({}), Vec::new()).unwrap();
    assert!(nothing.video.is_empty() && nothing.audio.is_empty());
}

#[test]
fn copied_files_follow_each_other() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.mp4"));
    let list = json!(["DIR/a.mp4", {"input_path": "DIR/a.mp4", "start_time": 1.5}]);
    let copy = json!({"video_codec": "copy", "audio_codec": "copy"});
    let all = read(copy, vec![named(dir.path(), list)]).unwrap();
    // From the key frame at 1.2 s.
    assert_eq!(all.video.len(), 50 + 20);
    for packets in [&all.video, &all.audio] {
        let dts = |packet: &Packet| packet.get::<EncodedPacket>().unwrap().dts.unwrap();
        let dts: Vec<i64> = packets.iter().map(dts).collect();
        assert!(dts.windows(2).all(|pair| pair[0] < pair[1]), "{dts:?}");
    }
}
