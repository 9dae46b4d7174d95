//! `c_ffmpeg_encoder` with `push_output`: what leaves the node instead of going into a file.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod encoding;

use std::fs;

use bmf_sdk::hmp::{AudioFrame, EncodedPacket, Packet, VideoFrame};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::json;
use common::{assert_same, clip, ffmpeg};
use encoding::{Run, copy, encode, encoded, masked, message, packets, push, replayed, source};

fn micros(packets: &[Packet]) -> Vec<i64> {
    packets
        .iter()
        .map(|packet| packet.timestamp().micros())
        .collect()
}

#[test]
fn the_bytes_are_those_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "a.mkv");
    let a = source(at, "a.mkv");
    // Formats that complete their headers at the end, and formats that never go back.
    let cases = [
        ("mp4", json!({})),
        ("mp4", json!({"movflags": "frag_keyframe+empty_moov"})),
        ("matroska", json!({})),
        ("mov", json!({})),
        ("mpegts", json!({})),
        ("flv", json!({})),
        ("avi", json!({})),
    ];
    for (format, mux_params) in cases {
        let mut options = json!({"format": format, "mux_params": mux_params, "push_output": 1});
        options["mux_params"]["fflags"] = json!("+bitexact");
        options["video_params"] = json!({"flags": "+bitexact", "threads": 1});
        for (video, audio) in [
            (&a.video[..], &a.audio[..]),
            (&a.video[..], &[]),
            (&[], &a.audio[..]),
        ] {
            let pushed = push(options.clone(), video, audio).unwrap();
            assert!(pushed.report.outputs.is_empty() && pushed.audio.is_empty());
            assert!(micros(&pushed.video).is_sorted_by(|a, b| a < b));
            let mut in_file = options.clone();
            in_file["push_output"] = json!(0);
            in_file["output_path"] = json!(at.join("file"));
            encode(in_file, video, audio).unwrap();
            let file = fs::read(at.join("file")).unwrap();
            assert!(replayed(&pushed.video) == file, "{format}");
        }
    }
    // The size of the pieces is that of the buffer.
    let sizes = |size: u32| {
        let options = json!({"format": "nut", "push_output": 1, "avio_buffer_size": size, "video_params": {"codec": "rawvideo"}});
        let pushed = push(options, &a.video, &[]).unwrap();
        encoded(&pushed.video)
            .map(|piece| piece.data.len())
            .max()
            .unwrap()
    };
    assert_eq!([sizes(1000), sizes(3000)], [1000, 3000]);
}

#[test]
fn each_picture_of_a_pipe_is_a_packet() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-an a.mkv");
    let a = source(at, "a.mkv");
    let options = json!({"format": "image2pipe", "push_output": 1, "avio_buffer_size": 512, "video_params": {"codec": "mjpeg"}});
    let pushed = push(options, &a.video, &[]).unwrap();
    assert_eq!(pushed.video.len(), 25);
    for (packet, jpeg) in pushed.video.iter().zip(encoded(&pushed.video)) {
        let bytes = jpeg.data.as_slice().unwrap();
        assert!(bytes.starts_with(&[0xFF, 0xD8]) && bytes.ends_with(&[0xFF, 0xD9]));
        assert_eq!(jpeg.pts, Some(packet.timestamp().micros()));
    }
    assert_eq!(micros(&pushed.video)[..3], [0, 40_000, 80_000]);
    ffmpeg(at, "-i a.mkv -c:v mjpeg -f image2pipe t.bin");
    assert!(replayed(&pushed.video) == fs::read(at.join("t.bin")).unwrap());
}

#[test]
fn packets_leave_with_their_format_and_can_be_muxed() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "a.mkv");
    let a = source(at, "a.mkv");
    let options = json!({"push_output": 2, "video_params": {"bf": 2, "threads": 1}});
    let pushed = push(options, &a.video, &a.audio).unwrap();
    let first = |packets: &[Packet]| {
        let first: &EncodedPacket = packets[0].get().unwrap();
        format!("{:?} {}", first.format.as_ref().unwrap(), first.key_frame)
    };
    insta::assert_snapshot!(first(&pushed.video), @"EncodedFormat(video h264 128x96) true");
    insta::assert_snapshot!(first(&pushed.audio), @"EncodedFormat(audio aac 44100 Hz, 2 channels) true");
    assert!(
        [&pushed.video, &pushed.audio]
            .iter()
            .all(|packets| micros(packets).is_sorted_by(|a, b| a < b))
    );
    let streams = [pushed.video, pushed.audio, Vec::new()];
    copy(json!({"output_path": at.join("o.mp4")}), &streams).unwrap();
    let options = json!({"output_path": at.join("t.mp4"), "video_params": {"bf": 2, "threads": 1}});
    encode(options, &a.video, &a.audio).unwrap();
    assert_same("muxed later", &packets(at, "o.mp4"), &packets(at, "t.mp4"));
}

#[test]
fn frames_leave_paced_and_converted() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-c:v ffv1 -pix_fmt yuv444p -c:a pcm_s16le a.mkv");
    let a = source(at, "a.mkv");
    let options = json!({
        "push_output": 3, "vframes": 20,
        "video_params": {"r": 50, "vsync": "cfr", "width": 64, "height": 48},
        "audio_params": {"sample_rate": 48000, "channels": 1},
    });
    let pushed = push(options, &a.video, &a.audio).unwrap();
    assert_eq!(pushed.video.len(), 20);
    let picture: &VideoFrame = pushed.video[3].get().unwrap();
    assert_eq!(
        (
            picture.format().name(),
            picture.width(),
            picture.pts,
            picture.time_base.den()
        ),
        ("yuv420p", 64, Some(3), 50)
    );
    assert_eq!(micros(&pushed.video)[3], 60_000);
    let samples = pushed
        .audio
        .iter()
        .map(|packet| packet.get::<AudioFrame>().unwrap());
    let samples: Vec<_> = samples.collect();
    assert_eq!(
        (samples[0].sample_rate(), samples[0].channels()),
        (48_000, 1)
    );
    assert_eq!(
        samples.iter().map(|sound| sound.samples()).sum::<usize>(),
        48_000
    );
    assert_eq!(pushed.report.counters.get("frames_duplicated"), Some(10));
}

#[test]
fn the_name_of_the_file_leaves_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-an a.mkv");
    let a = source(at, "a.mkv");
    let path = at.join("o.mp4");
    let pushed = push(json!({"output_path": path}), &a.video, &[]).unwrap();
    let [name] = &pushed.video[..] else {
        panic!("{:?}", pushed.video);
    };
    assert_eq!(name.get::<String>(), Some(&path.display().to_string()));
    assert_eq!(pushed.report.outputs.len(), 1);
    let misled = encode(json!({"output_path": at.join("p.mp4")}), &pushed.video, &[]);
    insta::assert_snapshot!(message(misled), @r#"the name of a file arrived, not frames; let the encoder before this one have "push_output" at 2, or connect this one to what that one is connected to"#);
}

#[test]
fn jobs_have_files_or_streams_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "a.mkv");
    let a = source(at, "a.mkv");
    let both = [true; 2];
    let run_jobs = |options| {
        let mut run = Run::open_with(options, &both, &both).unwrap();
        for count in [10, 20] {
            run.push(0, &a.video[..count]);
            run.push(1, &a.audio[..count]);
            run.end_job();
            assert_eq!(run.step().unwrap(), Flow::Wait);
        }
        run.end(0);
        run.end(1);
        assert_eq!(run.step().unwrap(), Flow::Done);
        run
    };
    let run = run_jobs(json!({"output_prefix": at.join("jobs"), "format": "matroska"}));
    let sent: Vec<String> = run
        .sent(0)
        .iter()
        .map(|packet| match packet {
            Some(packet) => masked(packet.get::<String>().unwrap(), at),
            None => "end".to_owned(),
        })
        .collect();
    assert_eq!(
        sent,
        [
            "DIR/jobs/0/output.matroska",
            "end",
            "DIR/jobs/1/output.matroska",
            "end"
        ]
    );
    let report = run.close(Ending::Finished).unwrap();
    assert_eq!(
        (report.outputs.len(), report.counters.get("frames_encoded")),
        (2, Some(30))
    );
    for (job, count) in [(0, 10), (1, 20)] {
        let name = format!("jobs/{job}/output.matroska");
        assert_eq!(source(at, &name).video.len(), count);
    }
    let run = run_jobs(json!({"push_output": 2}));
    let sent = run.sent(0);
    let ends: Vec<usize> = (0..sent.len())
        .filter(|&index| sent[index].is_none())
        .collect();
    assert_eq!(ends, [10, 31]);
}

#[test]
fn an_input_may_be_jobs_ahead() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "a.mkv");
    let a = source(at, "a.mkv");
    let both = [true; 2];
    let options = json!({"output_prefix": at.join("jobs"), "format": "matroska"});
    let mut run = Run::open_with(options, &both, &both).unwrap();
    let mut step = |video: Option<usize>, audio: Option<usize>| {
        for (port, (packets, count)) in [(&a.video, video), (&a.audio, audio)]
            .into_iter()
            .enumerate()
        {
            run.push(port, &packets[..count.unwrap_or(0)]);
            run.set_job_ended(port, count.is_some());
        }
        assert_eq!(run.step().unwrap(), Flow::Wait);
    };
    // Job 2 has nothing, and no file.
    let jobs = [10, 15, 0, 5, 7];
    for count in jobs {
        step(Some(count), None);
    }
    for count in jobs {
        step(None, Some(count));
    }
    run.end(0);
    run.end(1);
    assert_eq!(run.step().unwrap(), Flow::Done);
    let report = run.close(Ending::Finished).unwrap();
    assert_eq!(report.outputs.len(), 4);
    assert!(!at.join("jobs/2/output.matroska").exists());
    for (job, count) in [(0, 10), (1, 15), (3, 5), (4, 7)] {
        let file = source(at, &format!("jobs/{job}/output.matroska"));
        assert_eq!(file.video.len(), count);
        assert!(!file.audio.is_empty());
    }
}

#[test]
fn what_cannot_be_pushed_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-an a.mkv");
    let a = source(at, "a.mkv");
    let check = |options| masked(&message(push(options, &a.video, &[])), at);
    insta::assert_snapshot!(check(json!({"push_output": 4})), @"there is no way 4 to push");
    insta::assert_snapshot!(check(json!({"push_output": 1, "format": "hls"})), @"the format hls writes files of its own");
    insta::assert_snapshot!(check(json!({"push_output": 1, "output_path": "a%d.png"})), @"the format image2 writes files of its own");
    insta::assert_snapshot!(check(json!({"push_output": 1, "mux_params": {"movflags": "+faststart"}})), @r#""faststart" reads back what was written, but pushed bytes are gone"#);
    insta::assert_snapshot!(check(json!({"push_output": 1, "format": "flv", "mux_params": {"flvflags": "add_keyframe_index"}})), @r#""add_keyframe_index" reads back what was written, but pushed bytes are gone"#);
    insta::assert_snapshot!(check(json!({"push_output": 2, "avio_buffer_size": 100})), @r#"it is the size of what "push_output": 1 pushes"#);
    insta::assert_snapshot!(check(json!({"output_path": "a.mp4", "output_prefix": "b"})), @"the files of jobs cannot have one path as well");
    insta::assert_snapshot!(check(json!({"push_output": 1, "avio_buffer_size": u32::MAX})), @"it must be between 1 and 1073741824");
    insta::assert_snapshot!(check(json!({"push_output": 3, "video_params": {"codec": "copy"}})), @r#"what is copied cannot leave as frames"#);
    let words = Run::open_with(json!({"push_output": 2}), &[true; 3], &[true; 2]);
    insta::assert_snapshot!(message(words), @r#"subtitles can only leave inside a container; do not connect them, or let "push_output" be 0 or 1"#);
    insta::assert_snapshot!(message(encode(json!({"push_output": 1}), &a.video, &[])), @r#""push_output" is set, but no output is connected; connect an output, or let "push_output" be 0"#);
}
