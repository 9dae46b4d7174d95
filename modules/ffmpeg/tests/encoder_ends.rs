//! How `c_ffmpeg_encoder` ends where it cannot go on: files, messages, what is left behind.

mod common;
mod encoding;

use std::fs;

use bmf_sdk::Options;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{clip, module};
use encoding::{Run, encode, masked, message, source};

#[test]
fn a_stopped_graph_leaves_a_playable_file() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "a.mkv");
    let a = source(at, "a.mkv");
    let stop = |name: &str, video: usize, audio: usize, ending: Ending| {
        let mut run = Run::open(json!({"output_path": at.join(name)}), [true; 2]).unwrap();
        run.push(0, &a.video[..video]);
        run.push(1, &a.audio[..audio]);
        assert_eq!(run.step().unwrap(), Flow::Wait);
        run.close(ending).unwrap()
    };
    let report = stop("1.mp4", 20, 30, Ending::Stopped);
    assert_eq!(source(at, "1.mp4").video.len(), 20);
    assert_eq!(
        report.outputs[0].bytes,
        Some(fs::metadata(at.join("1.mp4")).unwrap().len())
    );
    // Also before the other stream has begun. After a failure that early the file is left alone:
    // what was there before is worth more.
    stop("2.mp4", 20, 0, Ending::Stopped);
    assert_eq!(source(at, "2.mp4").video.len(), 20);
    fs::write(at.join("4.mp4"), "before").unwrap();
    let report = stop("4.mp4", 20, 0, Ending::Failed);
    assert!(report.outputs.is_empty());
    assert_eq!(fs::read_to_string(at.join("4.mp4")).unwrap(), "before");
    // Nothing to keep: no file, and a stop is no error.
    let report = stop("3.mp4", 0, 0, Ending::Stopped);
    assert!(report.outputs.is_empty() && !at.join("3.mp4").exists());
}

#[test]
fn a_file_is_touched_only_when_there_is_something_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "a.mkv");
    let a = source(at, "a.mkv");
    fs::write(at.join("old.mp4"), "old").unwrap();
    let mut run = Run::open(json!({"output_path": at.join("old.mp4")}), [true, false]).unwrap();
    assert_eq!(run.step().unwrap(), Flow::Wait);
    run.end(0);
    let error = run.step().unwrap_err();
    insta::assert_snapshot!(masked(&message::<()>(Err(error)), at), @r#"no frame arrived, so "DIR/old.mp4" was not written; see whether the source has such a stream and no filter drops it all"#);
    assert_eq!(fs::read_to_string(at.join("old.mp4")).unwrap(), "old");
    assert!(run.close(Ending::Failed).unwrap().outputs.is_empty());

    insta::assert_snapshot!(masked(&message(encode(json!({"output_path": at.join("none/a.mp4")}), &a.video, &[])), at), @r#"cannot write "DIR/none/a.mp4": the directory "DIR/none" does not exist; create the directory, or correct "output_path""#);
    insta::assert_snapshot!(masked(&message(encode(json!({"output_path": at.join("none/%d.png")}), &a.video, &[])), at), @r#"cannot write "DIR/none/%d.png": the directory "DIR/none" does not exist; create the directory, or correct "output_path""#);
    insta::assert_snapshot!(masked(&message(encode(json!({"output_path": at}), &a.video, &[])), at), @r#"cannot write "DIR": it is a directory"#);
    // A stream that never comes is told.
    let mut run = Run::open(json!({"output_path": at.join("c.mp4")}), [true; 2]).unwrap();
    run.push(0, &a.video);
    run.end(0);
    run.end(1);
    assert_eq!(run.step().unwrap(), Flow::Done);
    insta::assert_snapshot!(masked(&run.close(Ending::Finished).unwrap().warnings.join("\n"), at), @"");
    // A codec that the container refuses leaves no empty file.
    let options = json!({"output_path": at.join("b.webm"), "video_params": {"codec": "h264"}});
    insta::assert_snapshot!(masked(&message(encode(options, &a.video, &[])), at), @"cannot write the header of 'DIR/b.webm': invalid argument (Only VP8 or VP9 or AV1 video and Vorbis or Opus audio and WebVTT subtitles are supported for WebM)");
    assert!(!at.join("b.webm").exists());
}

#[test]
fn a_full_disk_is_an_error_wherever_it_shows() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "a.mkv");
    let a = source(at, "a.mkv");
    let full = |format: &str| {
        encode(
            json!({"output_path": "/dev/full", "format": format}),
            &a.video,
            &a.audio,
        )
    };
    insta::assert_snapshot!(message(full("matroska")), @"cannot finish '/dev/full': no space left on device");
    insta::assert_snapshot!(message(full("mpegts")), @"cannot finish '/dev/full': no space left on device");
    insta::assert_snapshot!(message(full("framemd5")), @"cannot finish '/dev/full': no space left on device");
}

#[test]
fn nothing_is_encoded_without_an_output() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mkv");
    let a = source(dir.path(), "a.mkv");
    let mut run = Run::open(json!({"null_output": 1}), [true, false]).unwrap();
    run.push(0, &a.video);
    assert_eq!(run.step().unwrap(), Flow::Wait);
    assert_eq!(
        run.close(Ending::Finished).unwrap().counters,
        [("frames_in", 25)].into()
    );
    let report = encode(
        json!({"output_path": "-", "format": "null"}),
        &a.video,
        &a.audio,
    )
    .unwrap();
    insta::assert_snapshot!(report.outputs[0].summary, @"wrapped_avframe 128x96 25 fps 25 frames, pcm_s16le 44100 Hz stereo");
}

#[test]
fn frames_on_the_wrong_input_are_told() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mkv");
    let a = source(dir.path(), "a.mkv");
    let path = dir.path().join("o.mp4");
    let error = encode(json!({"output_path": path}), &a.audio, &a.video).unwrap_err();
    assert_eq!(error.port(), Some("video"));
    insta::assert_snapshot!(message::<()>(Err(error)), @r#"sound arrived on the video input; connect it to the input "audio""#);
    let sound = json!({"output_path": dir.path().join("o.gif")});
    insta::assert_snapshot!(masked(&message(encode(sound, &[], &a.audio)), dir.path()), @r#"the format gif of "DIR/o.gif" takes no sound; do not connect sound, or choose another format"#);
    let none = Run::open(json!({"output_path": path}), [false; 2]);
    insta::assert_snapshot!(masked(&message(none), dir.path()), @r#"nothing is connected that "DIR/o.mp4" could hold; connect a video stream, an audio stream or both"#);
}

#[test]
fn wrong_options_are_told_before_anything_runs() {
    let check = |options: Value| {
        let mut options = options;
        if options.get("output_path").is_none() {
            options["output_path"] = json!("a.mp4");
        }
        let issues = module("c_ffmpeg_encoder").check(&Options::from_value(options).unwrap());
        let text = |issue: &OptionIssue| {
            format!(
                "{:?} {}: {} ({})",
                issue.kind,
                issue.path,
                issue.message,
                issue.hint.as_deref().unwrap_or("-")
            )
        };
        issues.iter().map(text).collect::<Vec<_>>().join("\n")
    };
    let video = |params: Value| check(json!({"video_params": params}));
    let audio = |params: Value| check(json!({"audio_params": params}));
    assert_eq!(
        check(
            json!({"push_output": 0, "video_params": {"codec": "h264", "crf": "23", "x264-params": "ref=1", "threads": 2, "profile": "high"}})
        ),
        ""
    );
    insta::assert_snapshot!(check(json!({"output_path": ""})), @r#"Invalid output_path: no output file is given (set "output_path", or "null_output" to drop all frames)"#);
    insta::assert_snapshot!(check(json!({"format": "mp5"})), @r#"Invalid format: there is no output format "mp5" (did you mean "mp2"?)"#);
    insta::assert_snapshot!(video(json!({"codec": "libx246"})), @r#"Invalid video_params.codec: there is no encoder "libx246" in this FFmpeg (did you mean "libx264"?)"#);
    insta::assert_snapshot!(video(json!({"cfr": 23, "presett": "fast", "nonsense": 1})), @r#"
    Unknown video_params.cfr: encoder libx264 has no option "cfr" (did you mean "crf"?)
    Unknown video_params.nonsense: encoder libx264 has no option "nonsense" (-)
    Unknown video_params.presett: encoder libx264 has no option "presett" (did you mean "preset"?)
    "#);
    insta::assert_snapshot!(video(json!({"movflags": "faststart", "ar": 1})), @r#"Unknown video_params.movflags: encoder libx264 has no option "movflags" (it belongs into "mux_params")"#);
    insta::assert_snapshot!(video(json!({"rtsp_transport": "tcp", "skip_initial_bytes": 1})), @r#"
    Unknown video_params.rtsp_transport: encoder libx264 has no option "rtsp_transport" (it belongs into "mux_params")
    Unknown video_params.skip_initial_bytes: encoder libx264 has no option "skip_initial_bytes" (it belongs into "dec_params" of a decoder)
    "#);
    insta::assert_snapshot!(check(json!({"output_path": "rtsp://host/live", "video_params": {"rtsp_transport": "tcp"}})), @r#"Unknown video_params.rtsp_transport: encoder libx264 has no option "rtsp_transport" (it belongs into "mux_params")"#);
    assert_eq!(
        check(json!({"output_path": "rtsp://host/live", "mux_params": {"rtsp_transport": "tcp"}})),
        ""
    );
    insta::assert_snapshot!(video(json!({"pix_fmt": "yuv42p"})), @r#"Invalid video_params.pix_fmt: there is no pixel format "yuv42p" (did you mean "yuv420p"?)"#);
    insta::assert_snapshot!(video(json!({"codec": "libvpx-vp9", "pix_fmt": "rgb24"})), @"Invalid video_params.pix_fmt: libvpx-vp9 does not take pixel format rgb24 (it takes yuv420p, yuva420p, yuv422p, yuv440p, yuv444p, yuv420p10le, yuv422p10le, yuv440p10le, yuv444p10le, yuv420p12le, yuv422p12le, yuv440p12le, yuv444p12le, gbrp, gbrp10le, gbrp12le)");
    insta::assert_snapshot!(video(json!({"vsync": "vrf", "r": "fast", "width": 64, "vtag": "x", "in_time_base": "0,1", "max_fr": -1, "psnr": 1})), @r#"
    Invalid video_params.vsync: there is no vsync "vrf" (did you mean "vfr"?)
    Invalid video_params.width: width and height must be given together, both more than 0 (-)
    Invalid video_params.r: "fast" is not a frame rate (write it like "25" or "30000/1001")
    Invalid video_params.max_fr: -1 is not a frame rate (-)
    Invalid video_params.in_time_base: "0,1" is not a time base (write it like "1,25")
    Invalid video_params.vtag: "x" is not a code of four letters (like "hvc1")
    "#);
    insta::assert_snapshot!(video(json!({"width": u32::MAX, "height": 2})), @"Invalid video_params.width: no picture is that large (-)");
    insta::assert_snapshot!(video(json!({"width": "64"})), @r#"Invalid video_params.width: expected a whole number of 0 or more, found string "64" (-)"#);
    insta::assert_snapshot!(video(json!({"crf": [1]})), @"Invalid video_params.crf: [1] is neither a string nor a number (-)");
    insta::assert_snapshot!(audio(json!({"codec": "acc"})), @r#"Invalid audio_params.codec: there is no encoder "acc" in this FFmpeg (did you mean "ac3"?)"#);
    insta::assert_snapshot!(audio(json!({"sample_rate": 12345, "bitrate": 1})), @r#"
    Invalid audio_params.sample_rate: aac does not take 12345 samples per second (it takes 96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
    Unknown audio_params.bitrate: encoder aac has no option "bitrate" (did you mean "bit_rate"?)
    "#);
    insta::assert_snapshot!(audio(json!({"codec": "libmp3lame", "channels": 6})), @"Invalid audio_params.channels: libmp3lame does not take 6 channels (it takes mono, stereo)");
    insta::assert_snapshot!(check(json!({"mux_params": {"movflag": "faststart", "rtsp_transport": "tcp"}})), @r#"
    Unknown mux_params.movflag: format mp4 has no option "movflag" (did you mean "movflags"?)
    Unknown mux_params.rtsp_transport: format mp4 has no option "rtsp_transport" (other formats or protocols have it)
    "#);
    insta::assert_snapshot!(check(json!({"output_prefix": "x", "push_output": 1, "avio_buffer_size": 1, "io_frm_match": 1})), @r#"
    Invalid output_prefix: the files of jobs cannot have one path as well (give either "output_path" or "output_prefix")
    Invalid output_prefix: with "push_output" no files are written (-)
    Invalid io_frm_match: the list stands beside a file, and with "push_output" there is none (-)
    "#);
    insta::assert_snapshot!(check(json!({"outputpath": "x", "loglevel": "quite"})), @r#"
    Unknown outputpath: unknown option "outputpath" (did you mean "output_path"?)
    Invalid loglevel: "quite" is no log level (did you mean "quiet"?)
    "#);
    insta::assert_snapshot!(check(json!({"output_path": "o.mp4", "crf": 23, "codec": "h264", "movflags": "faststart", "channels": 1})), @r#"
    Unknown channels: unknown option "channels" (it belongs in "audio_params")
    Unknown codec: unknown option "codec" (it belongs in "video_params" or "audio_params")
    Unknown crf: unknown option "crf" (it belongs in "video_params" or "audio_params")
    Unknown movflags: unknown option "movflags" (it belongs in "mux_params")
    "#);
    insta::assert_snapshot!(check(json!({"output_path": "o.mp4", "mux_params": {"bit_rate": "3M"}})), @r#"Unknown mux_params.bit_rate: format mp4 has no option "bit_rate" (it belongs into "video_params" or "audio_params")"#);
}

#[test]
fn no_output_is_written_over_an_input() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "a.mkv");
    let whole = fs::read(at.join("a.mkv")).unwrap();
    let a = source(at, "a.mkv");
    std::os::unix::fs::symlink(at.join("a.mkv"), at.join("link.mkv")).unwrap();
    fs::hard_link(at.join("a.mkv"), at.join("same.mkv")).unwrap();
    // Opened before the decoder, it finds out when the file is to be created.
    let mut early = Run::open(json!({"output_path": at.join("a.mkv")}), [true, false]).unwrap();
    let options = Options::from_value(json!({"input_path": at.join("a.mkv")})).unwrap();
    let mut decoder = module("c_ffmpeg_decoder").create(&options).unwrap();
    decoder
        .open(&ModuleContext::new("decode", false, &[], &[true, true]))
        .unwrap();
    early.push(0, &a.video);
    let error = masked(&message(early.step()), at);
    insta::assert_snapshot!(error, @r#"cannot write "DIR/a.mkv": it is being read as an input; write to another file, and rename that when the run is done"#);
    early.close(Ending::Failed).unwrap();
    for name in ["a.mkv", "link.mkv", "same.mkv"] {
        let result = Run::open(json!({"output_path": at.join(name)}), [true, false]);
        assert!(message(result).contains("it is being read"), "{name}");
    }
    assert_eq!(fs::read(at.join("a.mkv")).unwrap(), whole);
    decoder.close(Ending::Stopped).unwrap();
    drop(decoder);
    assert!(Run::open(json!({"output_path": at.join("a.mkv")}), [true, false]).is_ok());
}

#[test]
fn no_two_outputs_are_written_to_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let open = |path: String| Run::open(json!({"output_path": path}), [true; 2]);
    let first = open(format!("{}/a.mp4", at.display())).unwrap();
    // Under any of its names, and before it exists.
    let second = open(format!(
        "file:{}/../{}/a.mp4",
        at.display(),
        at.file_name().unwrap().display()
    ));
    assert!(message(second).contains("another output writes it; give each output"));
    assert!(open(at.join("b.mp4").display().to_string()).is_ok());
    first.close(Ending::Stopped).unwrap();
    assert!(open(at.join("a.mp4").display().to_string()).is_ok());
    // Two first passes would mix their notes.
    let pass = |path: &str| {
        let params = json!({"pass": 1, "passlogfile": at.join("notes")});
        Run::open(
            json!({"output_path": at.join(path), "video_params": params}),
            [true; 2],
        )
    };
    let first = pass("c.mp4").unwrap();
    insta::assert_snapshot!(masked(&message(pass("d.mp4")), at), @r#"cannot write "DIR/notes-0.log": another output writes it; give each output its own "video_params.passlogfile""#);
    first.close(Ending::Stopped).unwrap();
    assert!(pass("d.mp4").is_ok());
    // Devices take what comes.
    let device = || {
        Run::open(
            json!({"output_path": "/dev/null", "format": "nut"}),
            [true; 2],
        )
    };
    assert!(device().is_ok_and(|_first| device().is_ok()));
}

#[test]
fn an_encoder_that_cannot_open_leaves_older_files_alone() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "a.mkv");
    let a = source(at, "a.mkv");
    fs::write(at.join("old.mp4"), "old").unwrap();
    let options = json!({"output_path": at.join("old.mp4"), "video_params": {"preset": "none"}});
    let mut run = Run::open(options, [true; 2]).unwrap();
    run.push(1, &a.audio);
    assert_eq!(run.step().unwrap(), Flow::Wait);
    run.push(0, &a.video);
    assert!(message(run.step()).contains("cannot open encoder libx264"));
    assert!(run.close(Ending::Failed).unwrap().outputs.is_empty());
    assert_eq!(fs::read_to_string(at.join("old.mp4")).unwrap(), "old");
    // Nor are they touched where the notes of a first pass cannot be written, or an option of a muxer
    // that opens files of its own is wrong.
    let notes = json!({"codec": "mpeg4", "pass": 1, "passlogfile": at.join("none/notes")});
    let options = json!({"output_path": at.join("old.mp4"), "video_params": notes});
    insta::assert_snapshot!(masked(&message(encode(options, &a.video, &[])), at), @r#"cannot write "DIR/none/notes-0.log": No such file or directory (os error 2)"#);
    fs::write(at.join("old.m3u8"), "old").unwrap();
    let options = json!({"output_path": at.join("old.m3u8"), "mux_params": {"hls_time": "long"}});
    let refused = message(encode(options, &a.video, &[]));
    assert!(refused.contains("cannot write the header"), "{refused}");
    for name in ["old.mp4", "old.m3u8"] {
        assert_eq!(fs::read_to_string(at.join(name)).unwrap(), "old");
    }
}

#[test]
fn what_the_container_does_not_take_is_left_out_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "a.mkv");
    let a = source(at, "a.mkv");
    for name in ["a.wav", "a.mp3"] {
        let options = json!({"output_path": at.join(name)});
        let report = encode(options, &a.video, &a.audio).unwrap();
        let warnings = masked(&report.warnings.join("; "), at);
        assert_eq!(
            warnings,
            format!("\"DIR/{name}\" has no video: its format takes no pictures")
        );
        assert!(source(at, name).video.is_empty());
        // A source without pictures has an output for them all the same.
        let mut run = Run::open(json!({"output_path": at.join(name)}), [true; 2]).unwrap();
        run.end(0);
        run.push(1, &a.audio);
        run.end(1);
        assert_eq!(run.step().unwrap(), Flow::Done);
        assert!(run.close(Ending::Finished).unwrap().warnings.is_empty());
    }
}
