//! `c_ffmpeg_decoder` where times jump, wrap or are missing, against the `ffmpeg` command.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::fs;
use std::path::Path;

use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{Decoded, assert_same, clip, decode, ffmpeg, lines, references};

/// Decodes `file` with `options` and compares both streams, where it has them, with what the command
/// makes of it with `input` options.
fn check(dir: &Path, file: &str, mut options: Value, input: &str) -> Decoded {
    options["input_path"] = dir.join(file).to_str().unwrap().into();
    let decoded = decode(options).unwrap();
    let input = format!("{input} -i {file}");
    let ours: [(&str, &[Packet]); 2] = [("0:v:0", &decoded.video), ("0:a:0", &decoded.audio)];
    for ((stream, packets), theirs) in ours.into_iter().zip(references(dir, &input, ours)) {
        assert_same(&format!("{stream} of {input}"), &lines(packets), &theirs);
    }
    decoded
}

fn join(dir: &Path, files: &[&str], into: &str) {
    let bytes = files.iter().map(|file| fs::read(dir.join(file)).unwrap());
    fs::write(dir.join(into), bytes.collect::<Vec<_>>().concat()).unwrap();
}

const CODECS: [&str; 2] = [
    "-c:v libx264 -preset veryfast -bf 2 -g 12 -c:a aac",
    "-c:v mpeg2video -bf 2 -g 12 -c:a mp2",
];

#[test]
fn spliced_streams_jump_back_and_forth() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS {
        for (name, offset) in [("a", 0), ("b", 1000), ("c", 500)] {
            let output = format!("-output_ts_offset {offset} {name}.ts");
            clip(dir.path(), 2, &format!("{codec} {output}"));
        }
        join(dir.path(), &["a.ts", "b.ts", "c.ts", "a.ts"], "all.ts");
        let decoded = check(dir.path(), "all.ts", json!({}), "");
        assert!(decoded.report.counters.get("timestamp_jumps").unwrap() >= 3);
        let last = decoded.video.last().unwrap().timestamp().micros();
        assert!((7_000_000..9_500_000).contains(&last), "{last}");
        // A jump by less than ten seconds is a hole.
        clip(dir.path(), 2, &format!("{codec} -output_ts_offset 7 d.ts"));
        join(dir.path(), &["a.ts", "d.ts"], "hole.ts");
        check(dir.path(), "hole.ts", json!({}), "");
        join(dir.path(), &["d.ts", "a.ts"], "back.ts");
        check(dir.path(), "back.ts", json!({}), "");
    }
}

/// A 33-bit counter of 90 kHz wraps after 95443.7 s.
#[test]
fn wraps_inside_a_file_are_no_jumps() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS {
        for (file, offset) in [("early.ts", 95_440.7), ("late.ts", 95_442.9)] {
            let output = format!("-muxdelay 0 -output_ts_offset {offset} {file}");
            clip(dir.path(), 4, &format!("{codec} {output}"));
            let decoded = check(dir.path(), file, json!({}), "");
            assert_eq!(decoded.video.len(), 100, "{file}");
            assert_eq!(decoded.report.counters.get("timestamp_jumps"), None);
            check(dir.path(), file, json!({"start_time": 2}), "-ss 2");
        }
    }
}

#[test]
fn streams_without_decoding_or_presentation_times() {
    let dir = tempfile::tempdir().unwrap();
    // AVI has no presentation times; raw streams have none at all; Matroska has no decoding times.
    for (file, codec) in [
        ("a.avi", "-c:v mpeg4 -bf 2 -c:a mp3"),
        ("b.avi", "-c:v libx264 -preset veryfast -bf 2 -an"),
        ("a.m2v", "-c:v mpeg2video -bf 2 -an"),
        (
            "a.hevc",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none -an",
        ),
        ("a.mjpeg", "-c:v mjpeg -an"),
        ("a.mkv", "-c:v libx264 -preset veryfast -bf 3 -c:a libopus"),
        ("a.mpg", "-c:v mpeg1video -bf 2 -c:a mp2"),
    ] {
        clip(dir.path(), 2, &format!("{codec} {file}"));
        let decoded = check(dir.path(), file, json!({}), "");
        assert_eq!(decoded.video.len(), 50, "{file}");
    }
}

#[test]
fn times_beyond_reason_are_survived() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, "-c:v libx264 -preset veryfast -an a.mkv");
    // One picture of fifty is said to be shown in forty hours.
    let bsf = "setts=pts='if(eq(N,20),PTS+144000000,PTS)':dts='if(eq(N,20),DTS+144000000,DTS)'";
    ffmpeg(
        dir.path(),
        &format!("-i a.mkv -c copy -bsf:v {bsf} -f nut b.nut"),
    );
    check(dir.path(), "b.nut", json!({}), "");
}

#[test]
fn a_stream_of_which_hardly_anything_can_be_decoded_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "-an -c:v png a.mkv");
    let whole = fs::read(dir.path().join("a.mkv")).unwrap();
    let open = |damaged: usize| {
        let mut bytes = whole.clone();
        let pictures = whole.windows(8).enumerate();
        let pictures = pictures.filter(|(_, bytes)| *bytes == b"\x89PNG\r\n\x1a\n");
        for (at, _) in pictures.take(damaged) {
            // The name of the first chunk, behind the signature and a length.
            bytes[at + 12] = 0;
        }
        fs::write(dir.path().join("b.mkv"), bytes).unwrap();
        let options = json!({"input_path": dir.path().join("b.mkv"), "dec_params": {"threads": 1}});
        decode(options)
    };
    // The command calls more than two thirds an error, too.
    let most = open(16).unwrap();
    assert_eq!(most.report.counters.get("decode_errors"), Some(16));
    check(dir.path(), "b.mkv", json!({}), "");
    let error = open(18).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(dir.path().to_str().unwrap(), "DIR"), @"only 7 frames came of 25 packets of stream 0 (png) of 'DIR/b.mkv', with 18 errors: cannot decode with png: invalid data found when processing input");
}
