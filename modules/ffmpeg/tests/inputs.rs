//! What `c_ffmpeg_decoder` opens, and with which options.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::path::Path;
use std::sync::Mutex;

use bmf_sdk::ModuleRunner;
use bmf_sdk::prelude::*;
use common::{Decoded, assert_same, clip, decode, ffmpeg, lines, module, references};
use serde_json::{Value, json};

fn open(dir: &Path, file: &str, mut options: Value) -> Decoded {
    options["input_path"] = dir.join(file).to_str().unwrap().into();
    decode(options).unwrap()
}

/// Compares what comes of `file` with what the command makes of `input`.
fn check(dir: &Path, file: &str, options: Value, input: &str) -> Decoded {
    let decoded = open(dir, file, options);
    let input = format!("{input} -i {file}");
    let ours: [(&str, &[Packet]); 2] = [("0:v:0", &decoded.video), ("0:a:0", &decoded.audio)];
    for ((stream, packets), theirs) in ours.into_iter().zip(references(dir, &input, ours)) {
        assert_same(&format!("{stream} of {input}"), &lines(packets), &theirs);
    }
    decoded
}

#[test]
fn raw_files_are_described_by_options() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "-an -f rawvideo -pix_fmt nv12 a.yuv");
    let options = json!({"s": "128x96", "pix_fmt": "nv12"});
    let decoded = check(
        dir.path(),
        "a.yuv",
        options,
        "-video_size 128x96 -pixel_format nv12",
    );
    assert_eq!(
        (decoded.video.len(), decoded.report.warnings.len()),
        (25, 0)
    );
    clip(dir.path(), 1, "-vn -f s16le -ac 2 -ar 22050 a.sw");
    let options = json!({"channels": 2, "sample_rate": 22050});
    let decoded = check(
        dir.path(),
        "a.sw",
        options,
        "-channels 2 -sample_rate 22050",
    );
    assert!(decoded.audio.len() > 1 && decoded.report.warnings.is_empty());
}

#[test]
fn encrypted_files_are_read_with_their_key() {
    let dir = tempfile::tempdir().unwrap();
    let key = "00112233445566778899aabbccddeeff";
    let encrypted =
        "-encryption_scheme cenc-aes-ctr -encryption_kid 112233445566778899aabbccddeeff00";
    let codecs = "-c:v libx264 -preset veryfast -c:a aac";
    clip(
        dir.path(),
        1,
        &format!("{codecs} {encrypted} -encryption_key {key} a.mp4"),
    );
    let options = json!({"decryption_key": key});
    let decoded = check(
        dir.path(),
        "a.mp4",
        options,
        &format!("-decryption_key {key}"),
    );
    assert_eq!(
        (decoded.video.len(), decoded.report.warnings.len()),
        (25, 0)
    );
}

#[test]
fn an_input_may_be_opened_late() {
    let missing = json!({"input_path": "/none/a.mp4"});
    let runner = |options: Value| {
        ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 1).unwrap()
    };
    let mut early = runner(missing.clone());
    insta::assert_snapshot!(early.step().unwrap_err(), @"cannot open input '/none/a.mp4': no such file or directory");
    let mut late = missing;
    late["delay_init_input"] = 1.into();
    let mut late = runner(late);
    let context = late.context().clone();
    insta::assert_snapshot!(late.step().unwrap_err(), @"cannot open input '/none/a.mp4': no such file or directory");
    assert_eq!(context.duration(), None);
    // Never opened, it is no error.
    let never = json!({"input_path": "/none/a.mp4", "delay_init_input": true});
    runner(never).close(Ending::Stopped).unwrap();

    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "-c:v mpeg4 -c:a mp3 a.avi");
    let at_once = open(dir.path(), "a.avi", json!({}));
    let later = open(dir.path(), "a.avi", json!({"delay_init_input": 1}));
    assert_same("late", &lines(&later.video), &lines(&at_once.video));
}

#[test]
fn what_nobody_takes_is_told() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "-an -c:v mpeg4 a.avi");
    let told = |options: Value| {
        let report = open(dir.path(), "a.avi", options).report;
        report
            .warnings
            .join("\n")
            .replace(dir.path().to_str().unwrap(), "DIR")
    };
    insta::assert_snapshot!(told(json!({"dec_params": {"movflags": "faststart", "preset": "fast", "rtsp_transport": "tcp", "thread": 1}})), @r"
    dec_params: neither the input 'DIR/a.avi' nor its decoders (mpeg4) know an option 'movflags'; it belongs in mux_params of the encoder
    dec_params: neither the input 'DIR/a.avi' nor its decoders (mpeg4) know an option 'preset'; it belongs in video_params or audio_params of the encoder
    dec_params: neither the input 'DIR/a.avi' nor its decoders (mpeg4) know an option 'rtsp_transport'; it is one of other formats or decoders
    dec_params: neither the input 'DIR/a.avi' nor its decoders (mpeg4) know an option 'thread'; did you mean 'threads'?
    ");
    insta::assert_snapshot!(told(json!({"s": "128x96", "decryption_key": "00112233445566778899aabbccddeeff"})), @r"
    s: the input 'DIR/a.avi' has no use for it; it is for raw data without a container
    decryption_key: the input 'DIR/a.avi' has no use for it; it is for encrypted mp4
    ");
    let copy = json!({"video_codec": "copy", "dec_params": {"threads": 1}});
    insta::assert_snapshot!(told(copy), @"dec_params: neither the input 'DIR/a.avi' nor a decoder know an option 'threads'; it is one of other formats or decoders");
}

/// Keeps what is logged.
struct Kept(Mutex<Vec<String>>);

impl log::Log for Kept {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{}: {}", record.level(), record.args());
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

static LOGGED: Kept = Kept(Mutex::new(Vec::new()));

/// Streams that cannot be passed on are named, and do not disturb.
#[test]
fn other_streams_are_left_out() {
    log::set_logger(&LOGGED).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "-c:v mpeg4 -c:a aac a.mp4");
    ffmpeg(
        dir.path(),
        "-i a.mp4 -map 0 -c copy -timecode 01:00:00:00 -write_tmcd on b.mov",
    );
    let decoded = check(dir.path(), "b.mov", json!({}), "");
    assert_eq!(
        (decoded.video.len(), decoded.report.warnings.len()),
        (25, 0)
    );
    let logged = LOGGED.0.lock().unwrap();
    let named: Vec<&String> = logged
        .iter()
        .filter(|line| line.contains("b.mov"))
        .collect();
    let named = named[0].replace(dir.path().to_str().unwrap(), "DIR");
    insta::assert_snapshot!(named, @"INFO: 'DIR/b.mov': streams that are not passed on: 2 (data none)");
}
