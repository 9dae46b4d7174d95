//! Flushing in the middle: the decoder goes on from any place, filters begin anew.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::path::Path;

use bmf_sdk::ModuleRunner;
use bmf_sdk::hmp::{AudioFrame, Timestamp, VideoFrame};
use bmf_sdk::prelude::*;
use common::{assert_same, clip, decode, lines, module};
use serde_json::{Value, json};

const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 30 -c:a aac";

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_micros((seconds * 1e6) as i64)
}

/// A decoder that has given its first frames.
fn started(dir: &Path, file: &str, mut options: Value) -> ModuleRunner {
    options["input_path"] = dir.join(file).to_str().unwrap().into();
    let module = module("c_ffmpeg_decoder");
    let mut runner = ModuleRunner::with_ports(&*module, options, 0, 2).unwrap();
    for _ in 0..10 {
        let _ = runner.step().unwrap();
    }
    drop((runner.take(0), runner.take(1)));
    runner
}

/// What comes after a seek to so many seconds.
fn after(runner: &mut ModuleRunner, seconds: f64) -> [Vec<Packet>; 2] {
    runner.flush(Some(at(seconds))).unwrap();
    let _ = runner.run().unwrap();
    [runner.take(0), runner.take(1)]
}

/// Packets of a whole run at or after a time.
fn from(packets: &[Packet], seconds: f64) -> Vec<Packet> {
    let is_after = |packet: &&Packet| packet.timestamp() >= at(seconds);
    packets.iter().filter(is_after).cloned().collect()
}

#[test]
fn pictures_go_on_exactly_where_they_should() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["a.mp4", "a.mkv"] {
        clip(dir.path(), 4, &format!("{H264} {file}"));
        let path = dir.path().join(file);
        let whole = decode(json!({"input_path": path.to_str().unwrap()})).unwrap();
        assert_eq!(whole.video.len(), 100);
        for seconds in [0.0, 0.04, 1.0, 1.21, 2.999, 3.96] {
            let mut runner = started(dir.path(), file, json!({}));
            let [video, audio] = after(&mut runner, seconds);
            let expected = from(&whole.video, seconds);
            let what = format!("{file} from {seconds} s");
            assert_same(&what, &lines(&video), &lines(&expected));
            // Sound begins at the very sample.
            let begin = audio.first().map(Packet::timestamp);
            assert!(
                begin >= Some(at(seconds)) && begin <= Some(at(seconds + 0.03)),
                "{what}: {begin:?}"
            );
            let rate = i64::from(audio[0].get::<AudioFrame>().unwrap().sample_rate());
            let samples: usize = audio
                .iter()
                .map(|p| p.get::<AudioFrame>().unwrap().samples())
                .sum();
            let end = begin.unwrap().micros() + samples as i64 * 1_000_000 / rate;
            assert!(
                (3_990_000..4_050_000).contains(&end),
                "{what}: ends at {end}"
            );
        }
    }
}

/// MPEG-TS has no index: FFmpeg may find the key frame after the one that is needed.
#[test]
fn without_an_index_it_goes_on_a_little_later() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 4, &format!("{H264} a.ts"));
    let path = dir.path().join("a.ts");
    let whole = decode(json!({"input_path": path.to_str().unwrap()})).unwrap();
    for seconds in [0.0, 1.0, 2.999] {
        let mut runner = started(dir.path(), "a.ts", json!({}));
        let [video, _] = after(&mut runner, seconds);
        let begin = video[0].timestamp();
        // The next key frame is at most 30 pictures away.
        assert!(
            begin >= at(seconds) && begin <= at(seconds + 1.2),
            "{begin}"
        );
        let left = whole
            .video
            .iter()
            .filter(|packet| packet.timestamp() >= begin);
        assert_eq!(left.count(), video.len());
    }
}

#[test]
fn a_decoder_can_be_sent_back_and_forth() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 4, &format!("{H264} a.mp4"));
    let mut runner = started(dir.path(), "a.mp4", json!({}));
    let mut seen = String::new();
    for seconds in [3.0, 1.0, 0.0, 2.5] {
        runner.flush(Some(at(seconds))).unwrap();
        while runner.step().unwrap() == Flow::More {
            let video = runner.take(0);
            if let Some(first) = video.first() {
                seen += &format!("{} ", first.timestamp());
                break;
            }
        }
        drop(runner.take(1));
    }
    insta::assert_snapshot!(seen, @"3.000000s 1.000000s 0.000000s 2.520000s");
    // Without a place it goes on with what comes next.
    runner.flush(None).unwrap();
    let _ = runner.run().unwrap();
    let rest = runner.take(0);
    assert_eq!(rest.len(), 36);
    insta::assert_snapshot!(rest[0].timestamp(), @"2.560000s");
    let report = runner.close(Ending::Finished).unwrap();
    assert_eq!(report.warnings, [""; 0]);
}

#[test]
fn a_place_behind_the_end_ends() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    for options in [
        json!({}),
        json!({"end_time": 0.5}),
        json!({"durations": [0.1, 0.3]}),
    ] {
        let mut runner = started(dir.path(), "a.mp4", options);
        let [video, audio] = after(&mut runner, 30.0);
        assert_eq!((video.len(), audio.len()), (0, 0));
        assert!(runner.is_done());
    }
}

#[test]
fn windows_and_lists_count_in_the_output() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 4, &format!("{H264} a.mp4"));
    let options = [
        json!({"start_time": 1.0, "end_time": 3.0}),
        json!({"durations": [0.4, 1.2, 2.0, 3.0]}),
        json!({"start_time": 1.0, "copyts": true}),
    ];
    for mut options in options {
        options["input_path"] = dir.path().join("a.mp4").to_str().unwrap().into();
        let whole = decode(options.clone()).unwrap();
        for seconds in [0.2, 1.0, 1.44] {
            let mut runner = started(dir.path(), "a.mp4", options.clone());
            let [video, _] = after(&mut runner, seconds);
            let what = format!("{options} from {seconds} s");
            assert_same(&what, &lines(&video), &lines(&from(&whole.video, seconds)));
        }
    }
}

#[test]
fn an_output_without_a_stream_ends_again() {
    let dir = tempfile::tempdir().unwrap();
    common::ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc2=s=64x64:r=25:d=1 -c:v mpeg4 a.mp4",
    );
    let mut runner = started(dir.path(), "a.mp4", json!({}));
    assert!(runner.is_ended(1));
    let [video, audio] = after(&mut runner, 0.5);
    assert_eq!((video.len(), audio.len()), (12, 0));
}

/// A filter that looks back does not see what came before the flush.
#[test]
fn filters_begin_anew() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.mp4"));
    let path = dir.path().join("a.mp4");
    let source = decode(json!({"input_path": path.to_str().unwrap()})).unwrap();
    let options = json!({"name": "tmix", "para": "frames=3"});
    let filter =
        || ModuleRunner::with_ports(&*module("c_ffmpeg_filter"), options.clone(), 1, 1).unwrap();
    let run = |runner: &mut ModuleRunner, packets: &[Packet]| {
        for packet in packets {
            runner.push(0, packet.clone());
        }
        runner.end_all();
        let _ = runner.run().unwrap();
        runner.take(0)
    };
    let expected = run(&mut filter(), &source.video[10..30]);
    let mut runner = filter();
    for packet in &source.video[30..40] {
        runner.push(0, packet.clone());
    }
    let _ = runner.run().unwrap();
    drop(runner.take(0));
    runner.flush(Some(source.video[10].timestamp())).unwrap();
    let ours = run(&mut runner, &source.video[10..30]);
    assert_eq!(ours.len(), 20);
    assert_same("after a flush", &lines(&ours), &lines(&expected));
    assert!(ours[0].get::<VideoFrame>().is_some());
}

/// Which lap it is in, and when that begins, is only known from the start on.
#[test]
fn an_input_that_is_repeated_goes_on_in_any_lap() {
    let dir = tempfile::tempdir().unwrap();
    clip(
        dir.path(),
        1,
        "-c:v libx264 -preset veryfast -bf 2 -g 10 -c:a aac a.mp4",
    );
    let path = dir.path().join("a.mp4");
    let whole = json!({"input_path": path.to_str().unwrap(), "stream_loop": 2});
    let whole = decode(whole).unwrap();
    for seconds in [0.0, 0.6, 1.5, 2.9] {
        let mut runner = started(dir.path(), "a.mp4", json!({"stream_loop": 2}));
        let [video, _] = after(&mut runner, seconds);
        let expected = from(&whole.video, seconds);
        assert!(!expected.is_empty());
        let what = format!("from {seconds} s");
        assert_same(&what, &lines(&video), &lines(&expected));
    }
    let copied = json!({"stream_loop": 2, "video_codec": "copy"});
    let error = started(dir.path(), "a.mp4", copied).flush(Some(at(0.5)));
    insta::assert_snapshot!(error.unwrap_err(), @"packets of an input that is repeated cannot be positioned");
}
