//! `c_ffmpeg_encoder` with outputs of several files, and with outputs on the network.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod encoding;

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{Decoded, clip, ffmpeg};
use encoding::{Run, encode, masked, message, source};

/// Encodes our way and the command's way into directories of their own, and compares all files.
fn check(dir: &Path, source: &Decoded, file: &str, options: Value, command: &str) -> Report {
    for side in ["ours", "theirs"] {
        let _ = fs::remove_dir_all(dir.join(side));
        fs::create_dir(dir.join(side)).unwrap();
    }
    let mut options = options;
    options["output_path"] = json!(dir.join("ours").join(file));
    options["mux_params"]["fflags"] = json!("+bitexact");
    options["video_params"]["threads"] = json!(1);
    options["video_params"]["flags"] = json!("+bitexact");
    options["audio_params"]["flags"] = json!("+bitexact");
    let report = encode(options, &source.video, &source.audio).unwrap();
    let exact =
        "-pix_fmt yuv420p -threads 1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact";
    ffmpeg(
        &dir.join("theirs"),
        &format!("-i ../a.mkv {exact} {command} {file}"),
    );
    assert_eq!(
        files(&dir.join("ours")),
        files(&dir.join("theirs")),
        "{command}"
    );
    report
}

/// Names and checksums of all files.
fn files(dir: &Path) -> String {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    let line = |name: &std::ffi::OsString| {
        let bytes = fs::read(dir.join(name)).unwrap();
        format!("{} {:x}\n", name.to_string_lossy(), md5::compute(bytes))
    };
    names.iter().map(line).collect()
}

#[test]
fn playlists_and_their_segments_are_those_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 5, "-c:v libx264 -qp 0 -c:a pcm_s16le a.mkv");
    let a = source(at, "a.mkv");
    let gop = |mux_params: Value| json!({"mux_params": mux_params, "video_params": {"g": 25}});
    let report = check(
        at,
        &a,
        "a.m3u8",
        gop(json!({"hls_time": 1, "hls_list_size": 0})),
        "-g 25 -c:v libx264 -c:a aac -hls_time 1 -hls_list_size 0",
    );
    assert!(report.outputs[0].path.ends_with("ours/a.m3u8"));
    assert!(files(&at.join("ours")).lines().count() > 4);
    check(
        at,
        &a,
        "b.m3u8",
        gop(
            json!({"hls_time": 2, "hls_playlist_type": "vod", "hls_segment_filename": at.join("ours/s%02d.ts").to_str()}),
        ),
        "-g 25 -c:v libx264 -c:a aac -hls_time 2 -hls_playlist_type vod -hls_segment_filename s%02d.ts",
    );
    check(
        at,
        &a,
        "c.m3u8",
        gop(json!({"hls_time": 1, "hls_segment_type": "fmp4"})),
        "-g 25 -c:v libx264 -c:a aac -hls_time 1 -hls_segment_type fmp4",
    );
    check(
        at,
        &a,
        "d.mpd",
        gop(json!({"seg_duration": 1})),
        "-g 25 -c:v libx264 -c:a aac -seg_duration 1",
    );
    check(
        at,
        &a,
        "e%02d.mkv",
        json!({"format": "segment", "mux_params": {"segment_time": 2}, "video_params": {"g": 25}}),
        "-g 25 -c:v libx264 -c:a aac -f segment -segment_time 2",
    );
    check(
        at,
        &a,
        "f.mp4",
        gop(json!({"movflags": "frag_keyframe+empty_moov+default_base_moof"})),
        "-g 25 -c:v libx264 -c:a aac -movflags frag_keyframe+empty_moov+default_base_moof",
    );
}

#[test]
fn one_encoding_goes_to_several_places() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "a.mkv");
    let a = source(at, "a.mkv");
    let places = format!("{0}/1.mp4|[f=mpegts]{0}/2.ts", at.display());
    let options = json!({"output_path": places, "format": "tee"});
    encode(options, &a.video, &a.audio).unwrap();
    for name in ["1.mp4", "2.ts"] {
        assert_eq!(source(at, name).video.len(), 25, "{name}");
    }
}

#[test]
fn pictures_in_files_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-an a.mkv");
    let a = source(at, "a.mkv");
    let mut summaries = String::new();
    for (extension, codec, command) in [
        ("jpg", json!({}), ""),
        ("png", json!({}), ""),
        ("bmp", json!({}), ""),
        ("tiff", json!({}), ""),
        (
            "webp",
            json!({"quality": 50}),
            "-c:v libwebp -f image2 -quality 50 -pix_fmt yuv420p",
        ),
    ] {
        let options = json!({
            "output_path": at.join(format!("o%d.{extension}")), "vframes": 3,
            "mux_params": {"start_number": 7}, "video_params": codec,
        });
        let report = encode(options, &a.video, &[]).unwrap();
        summaries += &format!("{}\n", report.outputs[0].summary);
        ffmpeg(
            at,
            &format!("-i a.mkv {command} -frames:v 3 -start_number 7 t%d.{extension}"),
        );
        for number in 7..10 {
            let read =
                |side: &str| fs::read(at.join(format!("{side}{number}.{extension}"))).unwrap();
            assert!(read("o") == read("t"), "{number}.{extension}");
        }
    }
    insta::assert_snapshot!(summaries, @"
    mjpeg 128x96 25 fps 3 frames, files o7.jpg to o9.jpg
    png 128x96 25 fps 3 frames, files o7.png to o9.png
    bmp 128x96 25 fps 3 frames, files o7.bmp to o9.bmp
    tiff 128x96 25 fps 3 frames, files o7.tiff to o9.tiff
    webp 128x96 25 fps 3 frames, files o7.webp to o9.webp
    ");
    // The last picture stays in the one file.
    let options = json!({"output_path": at.join("last.jpg"), "mux_params": {"update": 1}});
    let report = encode(options, &a.video, &[]).unwrap();
    ffmpeg(at, "-i a.mkv -update 1 t.jpg");
    assert!(fs::read(at.join("last.jpg")).unwrap() == fs::read(at.join("t.jpg")).unwrap());
    insta::assert_snapshot!(report.outputs[0].summary, @"mjpeg 128x96 25 fps 25 frames");
    encode(json!({"output_path": at.join("o.gif")}), &a.video, &[]).unwrap();
    assert_eq!(source(at, "o.gif").video.len(), 25);
}

#[test]
fn segments_need_their_directory() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-an a.mkv");
    let a = source(at, "a.mkv");
    let segments = at.join("none/s%d.ts");
    let options =
        json!({"output_path": at.join("a.m3u8"), "mux_params": {"hls_segment_filename": segments}});
    insta::assert_snapshot!(masked(&message(encode(options, &a.video, &[])), at), @r#"cannot write "DIR/a.m3u8": the directory "DIR/none" does not exist; create the directory, or correct "hls_segment_filename""#);
}

#[test]
fn a_connection_takes_the_stream_and_may_break() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "a.mkv");
    let a = source(at, "a.mkv");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("tcp://127.0.0.1:{port}");
    let taking = thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut bytes = Vec::new();
        connection.read_to_end(&mut bytes).unwrap();
        bytes
    });
    // An option of the protocol goes with those of the format.
    let options = json!({"output_path": url, "mux_params": {"send_buffer_size": 65536, "mpegts_flags": "resend_headers"}});
    let report = encode(options, &a.video, &a.audio).unwrap();
    fs::write(at.join("o.ts"), taking.join().unwrap()).unwrap();
    assert_eq!(source(at, "o.ts").video.len(), 25);
    assert_eq!(report.outputs[0].path, url);

    // The other side goes away.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("tcp://127.0.0.1:{port}");
    let leaving = thread::spawn(move || drop(listener.accept().unwrap()));
    let options = json!({"output_path": url, "format": "mpegts", "video_params": {"codec": "mpeg2video", "g": 1, "b": "50M", "qmin": 1, "qmax": 1}});
    let mut run = Run::open(options, [true, false]).unwrap();
    let mut result = Ok(Flow::Wait);
    run.push(0, &a.video[..1]);
    let _: Flow = run.step().unwrap();
    leaving.join().unwrap();
    // The system notices with the second packet it cannot deliver.
    for _ in 0..200 {
        run.push(0, &a.video[1..2]);
        result = run.step();
        if result.is_err() {
            break;
        }
    }
    let error = message(result).replace(&port.to_string(), "PORT");
    assert!(
        error.starts_with("cannot write to 'tcp://127.0.0.1:PORT': "),
        "{error}"
    );
    run.close(Ending::Failed).unwrap();

    // Nobody is there.
    let url = format!("tcp://127.0.0.1:{port}");
    let error = message(encode(json!({"output_path": url}), &a.video, &[]));
    insta::assert_snapshot!(error.replace(&port.to_string(), "PORT"), @"cannot open output 'tcp://127.0.0.1:PORT': connection refused (Connection to tcp://127.0.0.1:PORT failed: Connection refused)");
}
