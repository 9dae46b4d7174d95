//! `c_ffmpeg_decoder` against the `ffmpeg` command: the same frames at the same times.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::fs;
use std::path::Path;

use bmf_core::StreamItem;
use bmf_core::drive::DriveOutput;
use bmf_sdk::hmp::{AudioFrame, Timestamp, VideoFrame};
use bmf_sdk::prelude::*;
use bmf_sdk::{ModuleRunner, serde_json};
use common::{Decoded, assert_same, clip, decode, ffmpeg, lines, module, reference, references};
use serde_json::{Value, json};

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

fn open(dir: &Path, file: &str, mut options: Value) -> Result<Decoded, ModuleError> {
    options["input_path"] = dir.join(file).to_str().unwrap().into();
    decode(options)
}

/// The message of a run that must fail, without the directory.
fn failure(dir: &Path, file: &str, options: Value) -> String {
    let error = open(dir, file, options).unwrap_err();
    error.to_string().replace(dir.to_str().unwrap(), "DIR")
}

fn counts(decoded: &Decoded) -> (usize, usize) {
    (decoded.video.len(), decoded.audio.len())
}

fn report(dir: &Path, decoded: &Decoded) -> String {
    let counters: Vec<String> = decoded
        .report
        .counters
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    let warnings = decoded
        .report
        .warnings
        .join("\n")
        .replace(dir.to_str().unwrap(), "DIR");
    format!("{}\n{warnings}", counters.join(", "))
}

const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 30 -c:a aac";

#[test]
fn containers_and_codecs_give_the_same_frames() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        ("h264.mp4", H264),
        ("h264.mkv", H264),
        ("h264.ts", H264),
        ("h264.flv", H264),
        (
            "vp9.webm",
            "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus",
        ),
        (
            "hevc.mp4",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p10le -c:a mp3",
        ),
        ("mpeg4.avi", "-c:v mpeg4 -bf 1 -c:a mp3"),
        ("mpeg2.ts", "-c:v mpeg2video -bf 2 -c:a mp2"),
        ("mjpeg.mov", "-c:v mjpeg -pix_fmt yuvj422p -c:a pcm_s24be"),
    ];
    for (file, encode) in cases {
        clip(dir.path(), 2, &format!("{encode} {file}"));
        let decoded = check(dir.path(), file, json!({}), "");
        assert!(
            decoded.video.len() == 50 && decoded.audio.len() > 70,
            "{file}"
        );
        assert_eq!(decoded.report.warnings, [""; 0], "{file}");
    }
}

#[test]
fn sound_alone() {
    let dir = tempfile::tempdir().unwrap();
    for (file, codec) in [
        ("a.wav", "pcm_s16le"),
        ("a.mp3", "mp3"),
        ("a.flac", "flac"),
        ("a.ogg", "libvorbis"),
        ("a.m4a", "aac"),
    ] {
        clip(dir.path(), 2, &format!("-map 1 -c:a {codec} {file}"));
        let decoded = check(dir.path(), file, json!({}), "");
        assert!(
            decoded.video.is_empty() && !decoded.audio.is_empty(),
            "{file}"
        );
        let cut = check(
            dir.path(),
            file,
            json!({"start_time": 0.7, "end_time": 1.3}),
            "-ss 0.7 -to 1.3",
        );
        let samples = |packet: &Packet| packet.get::<AudioFrame>().unwrap().samples();
        assert_eq!(
            cut.audio.iter().map(samples).sum::<usize>(),
            26_460,
            "{file}"
        );
    }
}

#[test]
fn single_pictures() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["p.png", "p.jpg", "p.bmp"] {
        clip(dir.path(), 1, &format!("-map 0 -frames:v 1 {file}"));
        assert_eq!(counts(&check(dir.path(), file, json!({}), "")), (1, 0));
    }
}

#[test]
fn cuts_are_exact() {
    let dir = tempfile::tempdir().unwrap();
    let mpeg2 = "-c:v mpeg2video -bf 2 -c:a mp2";
    let cases = [
        ("a.mp4", H264),
        ("a.mkv", H264),
        ("a.ts", H264),
        ("a.mpg", mpeg2),
        ("a.h264", H264),
    ];
    for (file, encode) in cases {
        let sound = if file == "a.h264" { "-an" } else { "" };
        clip(dir.path(), 4, &format!("{encode} {sound} {file}"));
        check(dir.path(), file, json!({"start_time": 1.5}), "-ss 1.5");
        check(
            dir.path(),
            file,
            json!({"start_time": 2.003, "end_time": 3.1}),
            "-ss 2.003 -to 3.1",
        );
        check(dir.path(), file, json!({"end_time": 0.52}), "-to 0.52");
        check(dir.path(), file, json!({"start_time": 0}), "-ss 0");
        check(dir.path(), file, json!({"start_time": 3.99}), "-ss 3.99");
        let nothing = check(dir.path(), file, json!({"start_time": 100}), "-ss 100");
        assert_eq!(counts(&nothing), (0, 0), "{file}");
    }
}

#[test]
fn packets_carry_time_in_microseconds() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    let decoded = open(dir.path(), "a.mp4", json!({})).unwrap();
    let picture = &decoded.video[3];
    assert_eq!(picture.timestamp(), Timestamp::from_micros(120_000));
    let frame = picture.get::<VideoFrame>().unwrap();
    let text = format!(
        "{:?} {} {} {:?} {} {:?}",
        frame.pts,
        frame.duration,
        frame.time_base,
        frame.frame_rate,
        frame.sample_aspect_ratio,
        frame.key_frame
    );
    insta::assert_snapshot!(text, @"Some(1536) 512 1/12800 Some(Rational { num: 25, den: 1 }) 1/1 false");
    let sound = decoded.audio[1].get::<AudioFrame>().unwrap();
    let text = format!(
        "{} {} {:?} {} {}",
        decoded.audio[1].timestamp(),
        sound.time_base,
        sound.pts,
        sound.duration,
        sound.format()
    );
    insta::assert_snapshot!(text, @"0.023220s 1/44100 Some(1024) 1024 fltp 44100 Hz stereo");
}

#[test]
fn durations_are_joined() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["a.mp4", "a.mkv"] {
        clip(dir.path(), 4, &format!("{H264} {file}"));
        let options = json!({"durations": [0.5, 1.02, 1.1, 1.5, 3, 9]});
        let decoded = open(dir.path(), file, options).unwrap();
        let times = decoded
            .video
            .iter()
            .map(|packet| packet.timestamp().micros() / 1000);
        let times: Vec<_> = times.collect();
        // 0.52 to 1.00, 1.12 to 1.48, 3.00 to 3.96, on one time line. In Matroska all times are
        // later by 23 ms, as the sound begins earlier than the pictures.
        assert_eq!(times.len(), 13 + 10 + 25, "{file}");
        if file == "a.mp4" {
            assert_eq!(
                [0, 12, 13, 22, 23, 47].map(|n| times[n]),
                [20, 500, 540, 900, 920, 1880]
            );
        }
        assert!(times.is_sorted_by(|a, b| a < b), "{file}");
        // Sound has no gap and no overlap, but for Matroska's milliseconds after each cut.
        let mut next = 0;
        for packet in &decoded.audio {
            let frame = packet.get::<AudioFrame>().unwrap();
            let gap = frame.pts.unwrap() - next;
            assert!(
                gap == 0 || (file == "a.mkv" && gap.abs() < 44),
                "{file}: {gap}"
            );
            next = frame.pts.unwrap() + frame.samples() as i64;
        }
        assert!(next >= 44_100 * 192 / 100, "{file}: {next}");
        // Pixels are those of the same cuts made by the command.
        let pixels = |text: &str| {
            text.lines()
                .skip(1)
                .map(|line| line[line.find(' ').unwrap()..].to_owned())
                .collect::<Vec<_>>()
        };
        let mut theirs = Vec::new();
        for (from, to) in [(0.5, 1.02), (1.1, 1.5), (3.0, 9.0)] {
            let input = format!("-ss {from} -t {} -i {file}", to - from - 0.02);
            theirs.extend(pixels(&reference(
                dir.path(),
                &input,
                "0:v",
                &decoded.video,
            )));
        }
        assert_eq!(pixels(&lines(&decoded.video)), theirs, "{file}");
    }
}

#[test]
fn timestamps_can_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} -output_ts_offset 5 a.ts"));
    let decoded = check(dir.path(), "a.ts", json!({"copyts": true}), "-copyts");
    assert!(decoded.video[0].timestamp() > Timestamp::from_micros(5_000_000));
    check(
        dir.path(),
        "a.ts",
        json!({"copyts": 1, "start_time": 1}),
        "-copyts -ss 1",
    );
}

#[test]
fn pictures_are_turned() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    for angle in [90, 180, 270, 45] {
        let file = format!("r{angle}.mp4");
        ffmpeg(
            dir.path(),
            &format!("-i a.mp4 -c copy -metadata:s:v rotate={angle} {file}"),
        );
        check(dir.path(), &file, json!({}), "");
        check(dir.path(), &file, json!({"autorotate": 0}), "-autorotate 0");
    }
}

#[test]
fn mirrored_pictures_are_mirrored_back() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("-an {H264} a.mp4"));
    let original = fs::read(dir.path().join("a.mp4")).unwrap();
    // The matrix of the track header: 9 big-endian numbers, 40 bytes after the header's version.
    let header = original
        .windows(4)
        .position(|bytes| bytes == b"tkhd")
        .unwrap()
        + 4;
    for (name, [a, b, c, d]) in [
        ("h", [-1_i32, 0, 0, 1]),
        ("v", [1, 0, 0, -1]),
        ("t", [0, 1, 1, 0]),
        ("u", [0, -1, -1, 0]),
    ] {
        let mut bytes = original.clone();
        for (place, entry) in [(0, a), (1, b), (3, c), (4, d)] {
            let at = header + 40 + 4 * place;
            bytes[at..at + 4].copy_from_slice(&(entry << 16).to_be_bytes());
        }
        let file = format!("{name}.mp4");
        fs::write(dir.path().join(&file), bytes).unwrap();
        check(dir.path(), &file, json!({}), "");
    }
}

#[test]
fn variable_frame_rate_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let select =
        "-vf select='not(mod(n\\,7))+not(mod(n\\,3))',setpts=PTS+mod(N\\,3)*0.004/TB -fps_mode vfr";
    for file in ["v.mp4", "v.mkv"] {
        clip(dir.path(), 3, &format!("{select} {H264} {file}"));
        let decoded = check(dir.path(), file, json!({}), "");
        assert!(decoded.video.len() < 40, "{file}");
        check(
            dir.path(),
            file,
            json!({"start_time": 1.01, "end_time": 2}),
            "-ss 1.01 -to 2",
        );
    }
}

#[test]
fn pixel_aspect_and_colour_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let color = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv";
    clip(
        dir.path(),
        1,
        &format!("-vf setsar=4/3 {color} {H264} a.mp4"),
    );
    ffmpeg(dir.path(), "-i a.mp4 -c copy -aspect 2:1 b.mp4");
    let show = |file| {
        let decoded = open(dir.path(), file, json!({})).unwrap();
        let frame = decoded.video[0].get::<VideoFrame>().unwrap();
        format!("{} {:?}", frame.sample_aspect_ratio, frame.color)
    };
    insta::assert_snapshot!(show("a.mp4"), @"4/3 ColorDescription { primaries: Bt709, transfer: Bt709, matrix: Bt709, range: Limited, chroma_location: Left }");
    insta::assert_snapshot!(show("b.mp4"), @"3/2 ColorDescription { primaries: Bt709, transfer: Bt709, matrix: Bt709, range: Limited, chroma_location: Left }");
}

#[test]
fn mpeg_ts_jumps_and_wraps_are_closed() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.ts"));
    clip(
        dir.path(),
        2,
        &format!("{H264} -output_ts_offset 1000 b.ts"),
    );
    let mut both = fs::read(dir.path().join("a.ts")).unwrap();
    both.extend(fs::read(dir.path().join("b.ts")).unwrap());
    fs::write(dir.path().join("jump.ts"), both).unwrap();
    let decoded = check(dir.path(), "jump.ts", json!({}), "");
    let last = decoded.video.last().unwrap().timestamp();
    assert!(last < Timestamp::from_micros(6_000_000), "{last}");
    // A 33-bit counter of 90 kHz wraps after 95443.7 s.
    clip(
        dir.path(),
        3,
        &format!("{H264} -output_ts_offset 95441 wrap.ts"),
    );
    let decoded = check(dir.path(), "wrap.ts", json!({}), "");
    assert_eq!(decoded.video.len(), 75);
    // Only one of the streams: the other's earlier start no longer counts.
    let decoded = decode_one(dir.path(), "a.ts");
    assert_same(
        "video alone",
        &lines(&decoded),
        &reference(dir.path(), "-i a.ts", "0:v", &decoded),
    );
}

/// Decodes with nothing but the video output connected.
fn decode_one(dir: &Path, file: &str) -> Vec<Packet> {
    let options = json!({"input_path": dir.join(file).to_str().unwrap()});
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 1).unwrap();
    let _ = runner.run().unwrap();
    runner.take(0)
}

#[test]
fn limits_and_choices() {
    let dir = tempfile::tempdir().unwrap();
    let two = "-f lavfi -i sine=d=2:r=22050";
    clip(
        dir.path(),
        2,
        &format!("{two} -map 0 -map 1 -map 2 {H264} a.mkv"),
    );
    let limited = open(dir.path(), "a.mkv", json!({"vframes": 7, "aframes": 3})).unwrap();
    assert_eq!(counts(&limited), (7, 3));
    let none = open(dir.path(), "a.mkv", json!({"vframes": 0})).unwrap();
    assert_eq!(counts(&none), (0, 88));
    let rate = |options| {
        let decoded = open(dir.path(), "a.mkv", options).unwrap();
        decoded.audio[0].get::<AudioFrame>().unwrap().sample_rate()
    };
    assert_eq!(rate(json!({})), 44_100);
    assert_eq!(rate(json!({"map_a": 2})), 22_050);
    insta::assert_snapshot!(failure(dir.path(), "a.mkv", json!({"map_a": 0})), @"cannot use stream 0 of 'DIR/a.mkv' as audio: it is video; of that kind: 1, 2");
    insta::assert_snapshot!(failure(dir.path(), "a.mkv", json!({"map_v": 7})), @"cannot use stream 7 of 'DIR/a.mkv' as video: there are only 3 streams");
    insta::assert_snapshot!(failure(dir.path(), "a.mkv", json!({"video_codec": "hevc"})), @"stream 0 (h264) of 'DIR/a.mkv' cannot be decoded: cannot open decoder 'hevc': the stream's codec is 'h264', which it does not decode; leave the decoder's name out to have it chosen");
    let keys = open(
        dir.path(),
        "a.mkv",
        json!({"skip_frame": "nokey", "dec_params": {"threads": 1}}),
    )
    .unwrap();
    assert_eq!(keys.video.len(), 2);
    let named = check(
        dir.path(),
        "a.mkv",
        json!({"video_codec": "h264", "audio_codec": "aac_fixed"}),
        "-c:a aac_fixed",
    );
    assert_eq!(counts(&named), (50, 88));
}

#[test]
fn options_that_nobody_knows_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    let options = json!({"dec_params": {"threds": 2, "ignore_editlist": 0, "flags2": "showall", "qqqqqq": true}});
    let decoded = open(dir.path(), "a.mp4", options.clone()).unwrap();
    insta::assert_snapshot!(report(dir.path(), &decoded), @r"
        frames_video 25, frames_audio 44
        dec_params: neither the input 'DIR/a.mp4' nor its decoders (h264, aac) know an option 'threds'; did you mean 'threads'?
        dec_params: neither the input 'DIR/a.mp4' nor its decoders (h264, aac) know an option 'qqqqqq'
        ");
    let mut options = options;
    options["input_path"] = dir.path().join("a.mp4").to_str().unwrap().into();
    let options = bmf_sdk::Options::from_value(options).unwrap();
    let mut decoder = module("c_ffmpeg_decoder").create(&options).unwrap();
    let strict = ModuleContext::new("decoder", true, &[], &[true, true]);
    assert!(
        decoder
            .open(&strict)
            .unwrap_err()
            .message()
            .contains("'threds'")
    );
}

#[test]
fn missing_streams_end_at_once() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("-an {H264} v.mp4"));
    clip(dir.path(), 1, "-vn a.wav");
    let options = json!({"input_path": dir.path().join("v.mp4").to_str().unwrap()});
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 2).unwrap();
    assert_eq!(runner.step().unwrap(), Flow::More);
    assert!(runner.is_ended(1) && !runner.is_ended(0));
    assert_eq!(runner.context().duration(), Some(1_000_000));

    let options = json!({"input_path": dir.path().join("a.wav").to_str().unwrap()});
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 1).unwrap();
    let error = runner.run().unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(dir.path().to_str().unwrap(), "DIR"), @"'DIR/a.wav' has no video stream; it has 0: audio pcm_s16le");
}

#[test]
fn what_is_no_media_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("empty.mp4"), "").unwrap();
    fs::write(dir.path().join("text.mp4"), "no film at all ".repeat(100)).unwrap();
    for file in ["missing.mp4", ".", "empty.mp4", "text.mp4"] {
        let message = failure(dir.path(), file, json!({}));
        match file {
            "missing.mp4" => {
                insta::assert_snapshot!(message, @"cannot open input 'DIR/missing.mp4': no such file or directory")
            }
            "." => {
                insta::assert_snapshot!(message, @"cannot open input 'DIR/.': it is a directory")
            }
            "empty.mp4" => {
                insta::assert_snapshot!(message, @"cannot open input 'DIR/empty.mp4': the file is empty")
            }
            _ => {
                insta::assert_snapshot!(message, @"cannot open input 'DIR/text.mp4': invalid data found when processing input (moov atom not found); the file may be cut off, or is no media file that this FFmpeg knows")
            }
        }
    }
    insta::assert_snapshot!(decode(json!({})).unwrap_err(), @"there is nothing to decode");
}

#[test]
fn a_truncated_file_gives_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 4, &format!("{H264} -movflags +faststart a.mp4"));
    let whole = fs::read(dir.path().join("a.mp4")).unwrap();
    fs::write(dir.path().join("cut.mp4"), &whole[..whole.len() * 6 / 10]).unwrap();
    let decoded = open(dir.path(), "cut.mp4", json!({})).unwrap();
    assert!(
        (30..90).contains(&decoded.video.len()),
        "{}",
        decoded.video.len()
    );
    assert!(report(dir.path(), &decoded).contains("1 corrupt packet in 'DIR/cut.mp4'"));
    let theirs = reference(dir.path(), "-i cut.mp4", "0:v", &decoded.video);
    assert_same("truncated", &lines(&decoded.video), &theirs);

    // Matroska has no list of what should follow, but knows where its parts end.
    clip(dir.path(), 4, &format!("{H264} a.mkv"));
    let whole = fs::read(dir.path().join("a.mkv")).unwrap();
    fs::write(dir.path().join("cut.mkv"), &whole[..whole.len() * 6 / 10]).unwrap();
    let decoded = open(dir.path(), "cut.mkv", json!({})).unwrap();
    assert!(
        report(dir.path(), &decoded).contains(
            "cannot read from 'DIR/cut.mkv': end of file (File ended prematurely); ending there"
        ),
        "{}",
        report(dir.path(), &decoded)
    );
}

/// Decodes with nothing but the audio output connected.
fn decode_sound(options: Value) -> Vec<Packet> {
    let options = bmf_sdk::Options::from_value(options).unwrap();
    let mut decoder = module("c_ffmpeg_decoder").create(&options).unwrap();
    let outputs = [false, true];
    decoder
        .open(&ModuleContext::new("decode", false, &[], &outputs))
        .unwrap();
    let mut task = Task::new(&[], &outputs);
    while decoder.process(&mut task).unwrap() != Flow::Done {}
    let items = task.outputs_mut()[1].items_mut().drain(..);
    items
        .filter_map(|item| match item {
            StreamItem::Packet(packet) => Some(packet),
            StreamItem::Signal(_) => None,
        })
        .collect()
}

#[test]
fn a_cut_of_sound_alone_is_that_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["a.mp4", "a.mkv"] {
        clip(dir.path(), 3, &format!("{H264} -c:a aac {file}"));
        let ours = decode_sound(json!({"input_path": dir.path().join(file), "start_time": 1.3}));
        let theirs = reference(dir.path(), &format!("-ss 1.3 -i {file}"), "0:a", &ours);
        assert_same(file, &lines(&ours), &theirs);
    }
}

#[test]
fn damage_is_counted_and_survived() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.mp4"));
    let mut bytes = fs::read(dir.path().join("a.mp4")).unwrap();
    let data = bytes.windows(4).position(|bytes| bytes == b"mdat").unwrap();
    let end = bytes
        .windows(4)
        .rposition(|bytes| bytes == b"moov")
        .unwrap();
    for at in (data + 2000..end - 100).step_by(977) {
        bytes[at] ^= 0xff;
    }
    fs::write(dir.path().join("bad.mp4"), bytes).unwrap();
    let decoded = open(dir.path(), "bad.mp4", json!({"dec_params": {"threads": 1}})).unwrap();
    let text = report(dir.path(), &decoded);
    assert_eq!(decoded.video.len(), 50);
    assert!(text.contains(" decode errors in 'DIR/bad.mp4'"), "{text}");
    assert!(text.contains(" damaged frames in 'DIR/bad.mp4'"), "{text}");
}

#[test]
fn nothing_but_damage_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("-an {H264} a.mp4"));
    let mut bytes = fs::read(dir.path().join("a.mp4")).unwrap();
    let data = bytes.windows(4).position(|bytes| bytes == b"mdat").unwrap();
    let end = bytes
        .windows(4)
        .rposition(|bytes| bytes == b"moov")
        .unwrap();
    bytes[data + 4..end - 4].fill(0);
    fs::write(dir.path().join("bad.mp4"), bytes).unwrap();
    insta::assert_snapshot!(failure(dir.path(), "bad.mp4", json!({})), @"none of 25 packets of stream 0 (h264) of 'DIR/bad.mp4' could be decoded: cannot decode with h264: invalid data found when processing input");
}

#[test]
#[cfg(unix)]
fn a_wait_for_a_pipe_is_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let options = json!({"input_path": pipe.to_str().unwrap()});
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 2).unwrap();
    let context = runner.context().clone();
    // A writer that writes nothing: reading waits for it.
    let reader = std::thread::spawn(move || runner.step().unwrap_err().to_string());
    let writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    context.raise_interrupt();
    let error = reader.join().unwrap();
    insta::assert_snapshot!(error.replace(dir.path().to_str().unwrap(), "DIR"), @"cannot open input 'DIR/pipe': immediate exit requested");
    drop(writer);
}
