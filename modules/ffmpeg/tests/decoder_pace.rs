//! `c_ffmpeg_decoder` at other rates than as fast as possible once through: `re`, `stream_loop`,
//! `video_params.extract_frames`.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::path::Path;

use bmf_sdk::ModuleRunner;
use bmf_sdk::hmp::{AudioFrame, EncodedPacket, VideoFrame};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{Decoded, assert_same, clip, decode, ffmpeg, lines, module, references};

fn open(dir: &Path, file: &str, mut options: Value) -> Result<Decoded, ModuleError> {
    options["input_path"] = dir.join(file).to_str().unwrap().into();
    decode(options)
}

const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 30 -c:a aac";

/// Decodes a file several times over, and compares with the command.
fn check_loop(dir: &Path, file: &str, times: i64) -> Decoded {
    let input = format!("-stream_loop {}", times - 1);
    check(dir, file, json!({"stream_loop": times - 1}), &input)
}

/// Decodes `file` with `options` and compares both streams, where it has them, with what the command
/// makes of it with `input` options.
fn check(dir: &Path, file: &str, options: Value, input: &str) -> Decoded {
    let decoded = open(dir, file, options).unwrap();
    let input = format!("{input} -i {file}");
    let ours: [(&str, &[Packet]); 2] = [("0:v:0", &decoded.video), ("0:a:0", &decoded.audio)];
    for ((stream, packets), theirs) in ours.into_iter().zip(references(dir, &input, ours)) {
        assert_same(&format!("{stream} of {input}"), &lines(packets), &theirs);
    }
    decoded
}

#[test]
fn inputs_are_repeated_as_the_command_does() {
    let dir = tempfile::tempdir().unwrap();
    for (file, encode) in [
        ("a.mp4", H264),
        ("a.mkv", H264),
        ("a.ts", "-c:v mpeg2video -bf 2 -c:a mp2"),
        ("v.mp4", "-an -c:v libx264 -preset veryfast -bf 2"),
        ("s.wav", "-vn"),
        ("g.gif", "-an -vf scale=64:48"),
    ] {
        clip(dir.path(), 1, &format!("{encode} {file}"));
        let once = open(dir.path(), file, json!({})).unwrap();
        for times in [2, 3] {
            let repeated = check_loop(dir.path(), file, times);
            let times = times as usize;
            assert_eq!(repeated.video.len(), times * once.video.len(), "{file}");
            assert!(
                repeated.audio.len() + 2 >= times * once.audio.len(),
                "{file}"
            );
        }
    }
}

#[test]
fn copied_packets_are_repeated_as_the_command_does() {
    let dir = tempfile::tempdir().unwrap();
    for (file, encode) in [
        ("a.mkv", H264),
        ("v.mp4", "-an -c:v libx264 -preset veryfast -bf 2"),
        ("a.mp4", H264),
    ] {
        clip(dir.path(), 1, &format!("{encode} {file}"));
        let options = json!({"stream_loop": 2, "video_codec": "copy", "audio_codec": "copy"});
        let decoded = open(dir.path(), file, options).unwrap();
        let command = format!("-stream_loop 2 -i {file} -c copy -f framehash -hash md5 -");
        let listed = ffmpeg(dir.path(), &command);
        for (index, packets) in [(0, &decoded.video), (1, &decoded.audio)] {
            let theirs = listed.lines().map(|line| line.split(',').map(str::trim));
            let theirs = theirs
                .map(Iterator::collect::<Vec<_>>)
                .filter(|fields| fields[0] == index.to_string())
                .map(|fields| format!("{} {} {}", fields[1], fields[2], fields[4]));
            let ours = packets.iter().map(|packet| {
                let packet = packet.get::<EncodedPacket>().unwrap();
                let (dts, pts) = (packet.dts.unwrap(), packet.pts.unwrap());
                format!("{dts} {pts} {}", packet.data.len())
            });
            let lines = |lines: Vec<String>| lines.join("\n");
            assert_same(
                &format!("stream {index} of {file}"),
                &lines(ours.collect()),
                &lines(theirs.collect()),
            );
        }
    }
}

#[test]
fn an_endless_input_ends_where_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    let counts = |options| {
        let decoded = open(dir.path(), "a.mp4", options).unwrap();
        (decoded.video.len(), decoded.audio.len())
    };
    assert_eq!(
        counts(json!({"stream_loop": -1, "vframes": 120, "aframes": 100})),
        (120, 100)
    );
    let options = json!({"stream_loop": -1, "end_time": 2.52});
    let cut = check(dir.path(), "a.mp4", options, "-stream_loop -1 -to 2.52");
    assert!(cut.video.len() > 60);
}

#[test]
fn paced_reading_gives_the_same_frames() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    let free = open(dir.path(), "a.mp4", json!({})).unwrap();
    // A thousand times as fast as it plays: waits are made, and are short.
    let paced = open(dir.path(), "a.mp4", json!({"readrate": 1000})).unwrap();
    assert_eq!(lines(&paced.video), lines(&free.video));
    assert_eq!(lines(&paced.audio), lines(&free.audio));
}

#[test]
fn a_paced_source_returns_while_it_waits() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.mp4"));
    let options = json!({"input_path": dir.path().join("a.mp4"), "readrate": 0.001});
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 2).unwrap();
    // Two seconds would take half an hour; a call that has nothing to send is soon over even so.
    let mut idle = 0;
    while idle < 3 {
        assert_eq!(runner.step().unwrap(), Flow::More);
        let sent = runner.take(0).len() + runner.take(1).len();
        idle += u32::from(sent == 0);
    }
}

/// Extracts pictures at a rate, and compares with the command's own thinning.
fn check_extract(dir: &Path, file: &str, fps: &str, options: Value, input: &str) -> Decoded {
    let mut options = options;
    let number: f64 = fps.parse().unwrap();
    options["video_params"] = json!({"extract_frames": {"fps": number}});
    let decoded = open(dir, file, options).unwrap();
    let rate = bmf_sdk::hmp::Rational::approximate(number, 1_001_000).unwrap();
    let listed = ffmpeg(
        dir,
        &format!(
            "{input} -i {file} -map 0:v -fps_mode vfr -enc_time_base {}/{} -c:v rawvideo -f framehash -hash md5 -",
            rate.den, rate.num
        ),
    );
    let theirs = listed.lines().filter(|line| line.starts_with("0,"));
    let theirs: Vec<String> = theirs
        .map(|line| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            format!("{} {} {}", fields[2], fields[4], fields[5])
        })
        .collect();
    let ours = lines(&decoded.video);
    let ours: Vec<&str> = ours.lines().skip(1).collect();
    assert_same(
        &format!("{input} {file} at {fps}"),
        &ours.join("\n"),
        &theirs.join("\n"),
    );
    decoded
}

#[test]
fn pictures_are_extracted_at_a_rate() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 5, &format!("{H264} a.mp4"));
    let vfr =
        "-vf select='not(mod(n\\,7))+not(mod(n\\,3))',setpts=PTS+mod(N\\,3)*0.004/TB -fps_mode vfr";
    clip(dir.path(), 5, &format!("{vfr} {H264} v.mkv"));
    for file in ["a.mp4", "v.mkv"] {
        for fps in ["1", "2", "0.5", "7.5", "25", "50"] {
            check_extract(dir.path(), file, fps, json!({}), "");
        }
        check_extract(
            dir.path(),
            file,
            "4",
            json!({"start_time": 1.3, "end_time": 3}),
            "-ss 1.3 -to 3",
        );
    }
    let decoded = check_extract(dir.path(), "a.mp4", "1", json!({}), "");
    let frame = decoded.video[1].get::<VideoFrame>().unwrap();
    insta::assert_snapshot!(
        format!("{:?} {} {} {:?} {}", frame.pts, frame.duration, frame.time_base, frame.frame_rate, decoded.video[1].timestamp()),
        @"Some(1) 1 1/1 Some(Rational { num: 1, den: 1 }) 1.000000s"
    );
    // Sound is not thinned.
    assert_eq!(
        decoded.audio.len(),
        open(dir.path(), "a.mp4", json!({})).unwrap().audio.len()
    );
}

#[test]
fn extracted_pieces_share_no_place() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 4, &format!("{H264} a.mp4"));
    let options = json!({
        "durations": [0, 0.7, 1, 1.7, 2, 4],
        "video_params": {"extract_frames": {"fps": 2, "device": "CPU"}},
    });
    let decoded = open(dir.path(), "a.mp4", options).unwrap();
    let times: Vec<i64> = decoded
        .video
        .iter()
        .map(|packet| packet.timestamp().micros() / 1000)
        .collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    assert!((6..=8).contains(&times.len()), "{times:?}");
}

#[test]
fn frames_say_where_they_were_if_asked() {
    let dir = tempfile::tempdir().unwrap();
    clip(
        dir.path(),
        1,
        "-c:v mpeg2video -bf 2 -c:a mp2 -output_ts_offset 5 a.ts",
    );
    let options = json!({"orig_pts_time": 1, "io_frm_match": 1});
    let decoded = open(dir.path(), "a.ts", options).unwrap();
    let probed = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-of", "csv=p=0"])
        .args(["-show_entries", "frame=pts_time"])
        .arg(dir.path().join("a.ts"))
        .output()
        .unwrap();
    let probed = String::from_utf8(probed.stdout).unwrap();
    let theirs: Vec<&str> = probed
        .lines()
        .map(|line| line.trim_end_matches(','))
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(theirs.len(), decoded.video.len());
    for (number, (packet, pts_time)) in decoded.video.iter().zip(theirs).enumerate() {
        let metadata = packet
            .get::<VideoFrame>()
            .unwrap()
            .metadata
            .clone()
            .unwrap();
        assert_eq!(metadata["orig_pts_time"], pts_time);
        assert_eq!(metadata["inputFrmOrder"], number.to_string());
    }
    let sound = decoded.audio[0].get::<AudioFrame>().unwrap();
    let time: f64 = sound.metadata.as_ref().unwrap()["orig_pts_time"]
        .parse()
        .unwrap();
    assert!((5.0..8.0).contains(&time), "{time}");

    let plain = open(dir.path(), "a.ts", json!({})).unwrap();
    let frame = plain.video[0].get::<VideoFrame>().unwrap();
    let metadata = frame.metadata.clone().unwrap_or_default();
    assert!(!metadata.contains_key("orig_pts_time") && !metadata.contains_key("inputFrmOrder"));
    let kept = open(dir.path(), "a.ts", json!({"copyts": true})).unwrap();
    let frame = kept.video[0].get::<VideoFrame>().unwrap();
    assert_eq!(frame.metadata.as_ref().unwrap()["copyts"], "1");
}

#[test]
fn pictures_that_are_too_large_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    let fits = open(dir.path(), "a.mp4", json!({"max_width_height": 129})).unwrap();
    assert_eq!((fits.video.len(), fits.audio.len()), (25, 44));
    let left_out = open(dir.path(), "a.mp4", json!({"max_width_height": 128})).unwrap();
    assert_eq!((left_out.video.len(), left_out.audio.len()), (0, 44));
    assert_eq!(left_out.report.counters.get("too_large"), Some(25));
    assert!(left_out.report.warnings[0].starts_with("25 too large pictures in "));
    let options = json!({"max_width_height": 128, "max_limit_hits": 3});
    let error = open(dir.path(), "a.mp4", options).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(dir.path().to_str().unwrap(), "DIR"), @"stream 0 (h264) of 'DIR/a.mp4' has pictures of 128x96, and max_width_height is 128; 3 of them came");
}

#[test]
fn a_stream_that_grows_is_sent_again_when_it_shrinks() {
    let dir = tempfile::tempdir().unwrap();
    let encode = "-an -c:v mpeg2video -g 5";
    clip(dir.path(), 1, &format!("{encode} small.ts"));
    clip(
        dir.path(),
        1,
        &format!("{encode} -vf scale=320:240 large.ts"),
    );
    let mut all = Vec::new();
    for file in ["small.ts", "large.ts", "small.ts"] {
        all.extend(std::fs::read(dir.path().join(file)).unwrap());
    }
    std::fs::write(dir.path().join("all.ts"), all).unwrap();
    let decoded = open(dir.path(), "all.ts", json!({"max_width_height": 300})).unwrap();
    let is_small = |packet: &Packet| packet.get::<VideoFrame>().unwrap().width() == 128;
    assert!(decoded.video.iter().all(is_small));
    assert!(decoded.video.len() >= 48, "{}", decoded.video.len());
    let hits = decoded.report.counters.get("too_large").unwrap();
    assert!((20..=25).contains(&hits), "{hits}");
}

#[test]
fn pictures_come_from_the_decoders_own_pool() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 8, &format!("-an {H264} a.mp4"));
    for threads in [json!(1), json!("2"), json!("auto")] {
        let options = json!({
            "input_path": dir.path().join("a.mp4"),
            "dec_params": {"threads": threads},
        });
        let mut runner =
            ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 1).unwrap();
        let mut addresses = std::collections::BTreeSet::new();
        let mut pictures = 0;
        while !runner.is_done() {
            let _ = runner.step().unwrap();
            for packet in runner.take(0) {
                let frame = packet.get::<VideoFrame>().unwrap();
                addresses.insert(frame.plane(0).unwrap().buffer().as_ptr().addr());
                pictures += 1;
            }
        }
        assert_eq!(pictures, 200);
        assert!(addresses.len() < 60, "{}", addresses.len());
    }
}

/// A source that has nothing to send for long lets others work, and can be stopped.
#[test]
fn reading_without_frames_returns() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 8, &format!("{H264} -an a.mp4"));
    let late: Vec<i64> = (100..200).collect();
    for mut options in [
        json!({"skip_frame": "all"}),
        json!({"skip_frame": "all", "stream_loop": -1}),
        json!({"durations": late}),
    ] {
        options["input_path"] = dir.path().join("a.mp4").to_str().unwrap().into();
        let module = module("c_ffmpeg_decoder");
        let mut runner = ModuleRunner::with_ports(&*module, options.clone(), 0, 1).unwrap();
        assert_eq!(runner.step().unwrap(), Flow::More, "{options}");
        assert_eq!(runner.take(0).len(), 0);
    }
}
