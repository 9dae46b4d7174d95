//! Streams that `c_ffmpeg_decoder` passes on without decoding, against `ffmpeg -c copy`: the same
//! packets at the same times.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::fmt::Write;
use std::path::Path;

use bmf_sdk::ModuleRunner;
use bmf_sdk::hmp::{EncodedPacket, MediaKind, Timestamp};
use bmf_sdk::prelude::*;
use common::{Decoded, assert_same, clip, decode, ffmpeg, lines, module};
use serde_json::{Value, json};

const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 30 -c:a aac";

/// What is copied of `file` on the three outputs.
fn copy(dir: &Path, file: &str, mut options: Value) -> [Vec<Packet>; 3] {
    options["input_path"] = dir.join(file).to_str().unwrap().into();
    for key in ["video_codec", "audio_codec"] {
        if options.get(key).is_none() {
            options[key] = "copy".into();
        }
    }
    let module = module("c_ffmpeg_decoder");
    let mut runner = ModuleRunner::with_ports(&*module, options, 0, 3).unwrap();
    let _ = runner.run().unwrap();
    [0, 1, 2].map(|port| runner.take(port))
}

fn packet(packet: &Packet) -> &EncodedPacket {
    packet.get::<EncodedPacket>().unwrap()
}

/// One line per packet: decoding time, presentation time, bytes, MD5. The first line is the time base.
/// Times do not go back, which the command sees to when it writes; here that is the encoder's part.
fn listed(packets: &[Packet]) -> String {
    let mut text = String::new();
    let mut last = i64::MIN;
    for packet in packets.iter().map(packet) {
        if text.is_empty() {
            writeln!(text, "tb {}", packet.time_base).unwrap();
        }
        let time = |time: Option<i64>| time.map_or("-".to_owned(), |time| time.to_string());
        let bytes = packet.data.as_slice().unwrap();
        let is_late = packet.dts < Some(last);
        last = last.max(packet.dts.unwrap());
        let pts = packet
            .pts
            .map(|pts| if is_late { pts.max(last) } else { pts });
        let (dts, pts, md5) = (last, time(pts), md5::compute(bytes));
        writeln!(text, "{dts} {pts} {} {md5:x}", bytes.len()).unwrap();
    }
    text
}

/// What `ffmpeg -c copy` gives its muxer, as [`listed`].
fn references(dir: &Path, input: &str, maps: &[&str]) -> Vec<String> {
    let maps: String = maps.iter().map(|map| format!(" -map {map}")).collect();
    let text = ffmpeg(
        dir,
        &format!("{input}{maps} -c copy -f framehash -hash md5 -"),
    );
    let stream = |index: usize| {
        let mut listed = String::new();
        for line in text.lines() {
            if let Some(base) = line.strip_prefix(&format!("#tb {index}: ")) {
                writeln!(listed, "tb {base}").unwrap();
            } else if line.starts_with(&format!("{index},")) {
                let fields: Vec<&str> = line.split(',').map(str::trim).collect();
                // Side data may follow.
                let [_, dts, pts, _, size, md5] = fields[..6] else {
                    panic!("{line}");
                };
                let pts = if pts.starts_with("-92233720368") {
                    "-"
                } else {
                    pts
                };
                writeln!(listed, "{dts} {pts} {size} {md5}").unwrap();
            }
        }
        listed
    };
    (0..maps.matches("-map").count()).map(stream).collect()
}

/// Compares pictures and sound.
fn check(dir: &Path, file: &str, options: Value, input: &str) -> [Vec<Packet>; 3] {
    let ours = copy(dir, file, options);
    let input = format!("{input} -i {file}");
    let theirs = references(dir, &input, &["0:v:0", "0:a:0"]);
    for (stream, (ours, theirs)) in ["v", "a"].iter().zip(ours.iter().zip(&theirs)) {
        // Of a stream without packets the command lists the time base.
        let theirs = if theirs.lines().count() > 1 {
            theirs
        } else {
            ""
        };
        assert_same(&format!("{stream} of {input}"), &listed(ours), theirs);
    }
    for packets in &ours {
        let times: Vec<Timestamp> = packets.iter().map(Packet::timestamp).collect();
        assert!(times.is_sorted(), "{input}");
    }
    ours
}

#[test]
fn packets_and_times_are_those_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let mpeg2 = "-c:v mpeg2video -bf 2 -c:a mp2";
    let vp9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30 -c:a libopus";
    let cases = [
        ("a.mp4", H264),
        ("a.mkv", H264),
        ("a.ts", H264),
        ("a.flv", H264),
        ("a.webm", vp9),
        ("a.mpg", mpeg2),
        ("a.avi", "-c:v mpeg4 -bf 1 -c:a mp3"),
        ("a.mov", "-c:v mjpeg -pix_fmt yuvj422p -c:a pcm_s24be"),
    ];
    for (file, encode) in cases {
        clip(dir.path(), 4, &format!("{encode} {file}"));
        let whole = check(dir.path(), file, json!({}), "");
        assert_eq!(whole[0].len(), 100, "{file}");
        check(dir.path(), file, json!({"start_time": 0}), "-ss 0");
        check(dir.path(), file, json!({"start_time": 1.5}), "-ss 1.5");
        let cut = json!({"start_time": 1.503, "end_time": 3.1});
        check(dir.path(), file, cut, "-ss 1.503 -to 3.1");
        check(dir.path(), file, json!({"end_time": 0.52}), "-to 0.52");
        check(dir.path(), file, json!({"copyts": 1}), "-copyts");
        let kept = json!({"copyts": 1, "start_time": 1.5, "end_time": 3});
        check(dir.path(), file, kept, "-copyts -ss 1.5 -to 3");
        // In formats that may jump the command takes the way back to the last key frame for a jump.
        if !["a.ts", "a.mpg"].contains(&file) {
            check(dir.path(), file, json!({"start_time": 100}), "-ss 100");
        }
    }
}

/// Packets without times of their own, and times that jump.
#[test]
fn odd_times_are_those_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.ts"));
    clip(dir.path(), 2, &format!("{H264} -output_ts_offset 500 b.ts"));
    let both = [
        std::fs::read(dir.path().join("a.ts")),
        std::fs::read(dir.path().join("b.ts")),
    ];
    let both: Vec<u8> = both.into_iter().flat_map(Result::unwrap).collect();
    std::fs::write(dir.path().join("ab.ts"), both).unwrap();
    check(dir.path(), "ab.ts", json!({}), "");
    clip(
        dir.path(),
        1,
        "-c:v libx264 -preset veryfast -bf 0 -an a.h264",
    );
    let [video, ..] = copy(dir.path(), "a.h264", json!({}));
    let theirs = references(dir.path(), "-i a.h264", &["0:v"]);
    let without_pts = |text: &str| -> String {
        let fields = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        fields
            .map(|f| format!("{} {}\n", f[0], f[f.len() - 1]))
            .collect()
    };
    assert_same(
        "a.h264",
        &without_pts(&listed(&video)),
        &without_pts(&theirs[0]),
    );
    assert_eq!(video.len(), 25);
}

#[test]
fn limits_count_packets() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.mp4"));
    let limited = copy(dir.path(), "a.mp4", json!({"vframes": 7, "aframes": 9}));
    let whole = copy(dir.path(), "a.mp4", json!({}));
    assert_eq!(listed(&limited[0]), listed(&whole[0][..7]));
    assert_eq!(listed(&limited[1]), listed(&whole[1][..9]));
}

#[test]
fn one_stream_may_be_decoded_and_the_other_copied() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.mp4"));
    let decoded =
        decode(json!({"input_path": dir.path().join("a.mp4").to_str().unwrap()})).unwrap();
    let mixed = copy(dir.path(), "a.mp4", json!({"video_codec": "h264"}));
    assert_eq!(lines(&mixed[0]), lines(&decoded.video));
    assert_eq!(
        listed(&mixed[1]),
        listed(&copy(dir.path(), "a.mp4", json!({}))[1])
    );
}

#[test]
fn packets_say_what_their_stream_is() {
    let dir = tempfile::tempdir().unwrap();
    clip(
        dir.path(),
        1,
        &format!("{H264} -metadata:s:a language=deu a.mkv"),
    );
    let [video, audio, _] = copy(dir.path(), "a.mkv", json!({}));
    let format = packet(&video[0]).format.clone().unwrap();
    insta::assert_snapshot!(format!("{format:?} {:?}", format.frame_rate), @"EncodedFormat(video h264 128x96) Some(Rational { num: 25, den: 1 })");
    assert!(!format.extradata.is_empty());
    let same =
        |other: &Packet| std::sync::Arc::ptr_eq(packet(other).format.as_ref().unwrap(), &format);
    assert!(video.iter().all(same));
    let sound = packet(&audio[0]);
    let stream = sound
        .format
        .as_ref()
        .unwrap()
        .extension::<bmf_ffmpeg::EncodedStream>();
    assert_eq!(stream.unwrap().config.metadata["language"], "deu");
    insta::assert_snapshot!(format!("{:?} {:?}", sound.format.as_ref().unwrap(), sound), @"EncodedFormat(audio aac 44100 Hz, 2 channels) EncodedPacket(audio stream 1, 306 bytes, pts 0, dts 0 x 1/1000, key)");
}

#[test]
fn subtitles_are_passed_on() {
    let dir = tempfile::tempdir().unwrap();
    let text = "1\n00:00:00,500 --> 00:00:01,000\none\n\n2\n00:00:01,200 --> 00:00:02,000\ntwo\n\n";
    std::fs::write(dir.path().join("t.srt"), text).unwrap();
    clip(dir.path(), 2, &format!("{H264} v.mp4"));
    let tracks = "-map 0 -map 1 -map 1 -c copy -c:s srt";
    ffmpeg(
        dir.path(),
        &format!("-i v.mp4 -i t.srt {tracks} -metadata:s:s:1 title=second a.mkv"),
    );
    let [video, _, subtitles] = copy(dir.path(), "a.mkv", json!({"video_codec": "h264"}));
    assert_eq!(video.len(), 50);
    let theirs = references(dir.path(), "-i a.mkv", &["0:s:0"]);
    // What the stream is comes first, so that nobody waits for words that may come late.
    let (known, subtitles) = subtitles.split_first().unwrap();
    let format = packet(known).format.as_ref().unwrap();
    assert!(packet(known).data.is_empty() && known.timestamp() == Timestamp::ZERO);
    assert_eq!(
        (format.codec.as_str(), format.kind),
        ("subrip", MediaKind::Subtitle)
    );
    assert_same("subtitles", &listed(subtitles), &theirs[0]);
    let first = packet(&subtitles[0]);
    assert_eq!(
        (first.kind, first.data.as_slice().unwrap()),
        (MediaKind::Subtitle, &b"one"[..])
    );
    let [_, _, second] = copy(dir.path(), "a.mkv", json!({"map_s": 3}));
    assert_eq!(packet(&second[0]).stream_index, 3);
}

/// Stretches begin with a key frame each, and follow each other in decoding order.
#[test]
fn stretches_are_joined() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 6, &format!("{H264} a.mp4"));
    let [video, audio, _] = copy(
        dir.path(),
        "a.mp4",
        json!({"durations": [0.5, 1.0, 4.1, 5.0]}),
    );
    let keys: Vec<usize> = (0..video.len())
        .filter(|&n| packet(&video[n]).key_frame)
        .collect();
    // From 0 to 1, and from 3.6 to 5; decoding runs two pictures ahead.
    assert_eq!((keys[0], keys[1], video.len()), (0, 27, 27 + 37));
    for packets in [&video, &audio] {
        let dts: Vec<i64> = packets.iter().map(|p| packet(p).dts.unwrap()).collect();
        assert!(dts.windows(2).all(|pair| pair[0] < pair[1]), "{dts:?}");
    }
    let first = |from: usize| video[from..].iter().map(|p| packet(p).pts.unwrap()).min();
    let seconds =
        (first(27).unwrap() - first(0).unwrap()) as f64 * packet(&video[0]).time_base.as_f64();
    assert!((1.0..1.2).contains(&seconds), "{seconds}");
}

#[test]
fn seeking_goes_to_a_key_frame() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 4, &format!("{H264} a.mp4"));
    let path = dir.path().join("a.mp4");
    let options =
        json!({"input_path": path.to_str().unwrap(), "video_codec": "copy", "audio_codec": "copy"});
    let module = module("c_ffmpeg_decoder");
    let mut runner = ModuleRunner::with_ports(&*module, options, 0, 2).unwrap();
    let _ = runner.step().unwrap();
    drop(runner.take(0));
    runner
        .flush(Some(Timestamp::from_micros(3_000_000)))
        .unwrap();
    let _ = runner.run().unwrap();
    let video = runner.take(0);
    // A key frame every 1.2 s.
    assert_eq!(video.len(), 100 - 60);
    assert!(packet(&video[0]).key_frame);
}

/// The same by way of a second decoder.
#[test]
fn copied_packets_are_decoded_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["a.mp4", "a.ts", "a.mkv"] {
        clip(dir.path(), 4, &format!("{H264} {file}"));
        for cut in [json!({}), json!({"start_time": 1.5})] {
            let [video, audio, _] = copy(dir.path(), file, cut.clone());
            let mut direct = cut.clone();
            direct["input_path"] = dir.path().join(file).to_str().unwrap().into();
            let direct = decode(direct).unwrap();
            // What was before the start is there for its references only.
            let start = match cut.get("start_time") {
                Some(_) => json!({"start_time": 0}),
                None => json!({}),
            };
            let decoded = decode_pushed(start, video.into_iter().chain(audio)).unwrap();
            assert_same(file, &lines(&decoded.video), &lines(&direct.video));
            assert_same(file, &lines(&decoded.audio), &lines(&direct.audio));
        }
    }
}

/// What a decoder makes of packets.
fn decode_pushed(
    options: Value,
    packets: impl Iterator<Item = Packet>,
) -> Result<Decoded, ModuleError> {
    let mut packets: Vec<Packet> = packets.collect();
    packets.sort_by_key(Packet::timestamp);
    let module = module("c_ffmpeg_decoder");
    let mut runner = ModuleRunner::with_ports(&*module, options, 1, 2)?;
    for packet in packets {
        runner.push(0, packet);
    }
    runner.end(0);
    let _ = runner.run()?;
    Ok(Decoded {
        video: runner.take(0),
        audio: runner.take(1),
        report: runner.close(Ending::Finished)?,
    })
}
