//! `c_ffmpeg_encoder` against the `ffmpeg` command: same packets, same times, also where it fails.

mod common;

use std::fs;
use std::path::Path;

use bmf_sdk::Options;
use bmf_sdk::hmp::Packet;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{Decoded, assert_same, clip, decode, ffmpeg, module};

/// An open encoder with its task.
struct Run {
    module: Box<dyn Module>,
    task: Task,
}

impl Run {
    /// Opens one whose inputs are connected as `inputs` says.
    fn open(options: Value, inputs: [bool; 2]) -> Result<Self, ModuleError> {
        let encoder = module("c_ffmpeg_encoder");
        let options = Options::from_value(options).unwrap();
        if let Some(issue) = encoder.check(&options).into_iter().next() {
            return Err(issue.into());
        }
        let mut module = encoder.create(&options)?;
        module.open(&ModuleContext::new("encode", false, &inputs, &[]))?;
        Ok(Self {
            module,
            task: Task::new(&inputs, &[]),
        })
    }

    fn push(&mut self, port: usize, packets: &[Packet]) {
        self.task.inputs_mut()[port]
            .packets
            .extend(packets.iter().cloned());
    }

    fn end(&mut self, port: usize) {
        self.task.inputs_mut()[port].ended = true;
    }

    fn step(&mut self) -> Result<Flow, ModuleError> {
        self.module.process(&mut self.task)
    }

    fn close(mut self, ending: Ending) -> Result<Report, ModuleError> {
        self.module.close(ending)?;
        self.module.close(ending)?;
        Ok(self.module.report())
    }
}

/// Encodes streams that arrive packet by packet in turn; a stream without packets is not connected.
fn encode(options: Value, video: &[Packet], audio: &[Packet]) -> Result<Report, ModuleError> {
    let mut run = Run::open(options, [!video.is_empty(), !audio.is_empty()])?;
    let mut flow = Flow::Wait;
    for index in 0..=video.len().max(audio.len()) {
        for (port, packets) in [video, audio].iter().enumerate() {
            match packets.get(index) {
                Some(packet) => run.push(port, std::slice::from_ref(packet)),
                None => run.end(port),
            }
        }
        if flow == Flow::Wait {
            flow = run.step()?;
        }
    }
    assert_eq!(flow, Flow::Done);
    run.close(Ending::Finished)
}

fn source(dir: &Path, name: &str) -> Decoded {
    decode(json!({"input_path": dir.join(name)})).unwrap()
}

/// Every packet of a file: stream, times, size, checksum.
fn packets(dir: &Path, file: &str) -> String {
    ffmpeg(
        dir,
        &format!("-i {file} -map 0 -c copy -f framehash -hash md5 -"),
    )
}

/// Encodes `source` with our options and with the command's, and compares the packets.
fn check(dir: &Path, source: &Decoded, file: &str, options: Value, command: &str) -> Report {
    let (ours, theirs) = (format!("ours_{file}"), format!("theirs_{file}"));
    let mut options = options;
    options["output_path"] = json!(dir.join(&ours));
    let report = encode(options, &source.video, &source.audio).unwrap();
    ffmpeg(dir, &format!("{command} {theirs}"));
    if file.ends_with("md5") {
        let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
        assert_same(command, &read(&ours), &read(&theirs));
    } else {
        assert_same(command, &packets(dir, &ours), &packets(dir, &theirs));
    }
    report
}

fn message<T>(result: Result<T, ModuleError>) -> String {
    match result {
        Ok(_) => "fine".to_owned(),
        Err(error) => match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        },
    }
}

/// Takes the directory of a test out of a text.
fn masked(text: &str, dir: &Path) -> String {
    text.replace(&dir.display().to_string(), "DIR")
}

#[test]
fn the_packets_are_those_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "-c:v libx264 -qp 0 -c:a pcm_s16le a.mkv");
    let a = source(at, "a.mkv");
    let video = |codec: &str| json!({"video_params": {"codec": codec, "threads": 2}});

    check(
        at,
        &a,
        "1.mp4",
        video("h264"),
        "-i a.mkv -pix_fmt yuv420p -c:v libx264 -threads 2 -c:a aac",
    );
    let options = json!({
        "video_params": {"codec": "h264", "crf": 30, "preset": "veryfast", "width": 64, "height": 48, "g": "10", "bf": 0, "x264-params": "ref=1"},
        "audio_params": {"codec": "aac", "bit_rate": 96000, "sample_rate": 48000, "channels": 1},
        "mux_params": {"movflags": "faststart"}, "metadata": {"title": "t"},
    });
    let command = "-i a.mkv -c:v libx264 -crf 30 -preset veryfast -s 64x48 -g 10 -bf 0 -x264-params ref=1 -pix_fmt yuv420p \
        -c:a aac -b:a 96000 -ar 48000 -ac 1 -movflags faststart -metadata title=t";
    check(at, &a, "2.mp4", options, command);
    check(
        at,
        &a,
        "3.mkv",
        json!({"audio_params": {"codec": "libopus", "b": "64k"}}),
        "-i a.mkv -c:v libx264 -pix_fmt yuv420p -c:a libopus -b:a 64k",
    );
    check(
        at,
        &a,
        "4.ts",
        json!({"video_params": {"codec": "mpeg2video", "qscale": 4}, "audio_params": {"codec": "mp2"}}),
        "-i a.mkv -c:v mpeg2video -q:v 4 -c:a mp2",
    );
    check(
        at,
        &a,
        "5.webm",
        json!({"video_params": {"deadline": "realtime", "cpu-used": 8}}),
        "-i a.mkv -c:v libvpx-vp9 -pix_fmt yuv420p -deadline realtime -cpu-used 8 -c:a libopus",
    );
    check(
        at,
        &a,
        "6.avi",
        json!({"video_params": {"codec": "mpeg4", "bit_rate": "500k", "vtag": "DX50"}, "audio_params": {"codec": "mp3"}}),
        "-i a.mkv -c:v mpeg4 -b:v 500k -vtag DX50 -c:a libmp3lame",
    );
    check(
        at,
        &a,
        "7.mov",
        json!({"video_params": {"codec": "prores"}, "audio_params": {"codec": "pcm_s24le"}}),
        "-i a.mkv -c:v prores -c:a pcm_s24le",
    );
    check(
        at,
        &a,
        "8.framemd5",
        json!({"format": "framemd5"}),
        "-i a.mkv -f framemd5",
    );
    check(
        at,
        &a,
        "9.mp4",
        json!({"video_params": {"codec": "hevc", "preset": "ultrafast", "vtag": "hvc1"}}),
        "-i a.mkv -c:v libx265 -preset ultrafast -pix_fmt yuv420p -tag:v hvc1 -c:a aac",
    );
}

#[test]
fn frame_rates_follow_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    // Gaps and bursts, and a start later than that of the sound.
    ffmpeg(
        at,
        "-f lavfi -i testsrc2=s=64x48:r=25:d=4 -f lavfi -i sine=d=4 -vf select=lt(mod(n\\,10)\\,4)*gt(n\\,11) -fps_mode vfr -c:v ffv1 -c:a pcm_s16le v.mkv",
    );
    let v = source(at, "v.mkv");
    let md5 = |params: Value| json!({"format": "framemd5", "video_params": params});
    let cases = [
        (md5(json!({})), "-f framemd5"),
        (md5(json!({"vsync": "cfr"})), "-fps_mode cfr -f framemd5"),
        (md5(json!({"vsync": "vfr"})), "-fps_mode vfr -f framemd5"),
        (
            md5(json!({"vsync": "passthrough"})),
            "-fps_mode passthrough -f framemd5",
        ),
        (
            md5(json!({"vsync": "cfr", "r": 60})),
            "-r 60 -fps_mode cfr -f framemd5",
        ),
        (
            md5(json!({"vsync": "cfr", "r": "10"})),
            "-r 10 -fps_mode cfr -f framemd5",
        ),
        (md5(json!({"r": "30000/1001"})), "-r 30000/1001 -f framemd5"),
        (
            md5(json!({"max_fr": 12.5, "vsync": "cfr"})),
            "-fpsmax 12.5 -fps_mode cfr -f framemd5",
        ),
        (md5(json!({"max_fr": 12.5})), "-fpsmax 12.5 -f framemd5"),
    ];
    for (number, (options, command)) in cases.into_iter().enumerate() {
        check(
            at,
            &v,
            &format!("{number}.md5"),
            options,
            &format!("-i v.mkv {command}"),
        );
    }
    check(
        at,
        &v,
        "a.ts",
        json!({"video_params": {"codec": "mpeg4"}}),
        "-i v.mkv -c:v mpeg4 -c:a aac",
    );
    let report = check(
        at,
        &v,
        "b.mp4",
        json!({"video_params": {"codec": "mpeg4"}}),
        "-i v.mkv -c:v mpeg4 -c:a aac",
    );
    assert!(
        report
            .counters
            .iter()
            .any(|(name, count)| *name == "frames_duplicated" && *count > 0),
        "{report:?}"
    );
    check(
        at,
        &v,
        "c.mkv",
        json!({"video_params": {"codec": "mpeg4"}}),
        "-i v.mkv -c:v mpeg4 -c:a aac",
    );
    check(
        at,
        &v,
        "d.avi",
        json!({"video_params": {"codec": "mpeg4"}}),
        "-i v.mkv -c:v mpeg4 -c:a aac",
    );
}

#[test]
fn pixel_formats_and_colours() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let colours =
        "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv -aspect 2:1";
    ffmpeg(
        at,
        &format!("-f lavfi -i testsrc2=s=64x48:d=1,format=yuv422p10 -c:v ffv1 {colours} a.mkv"),
    );
    let a = source(at, "a.mkv");
    check(
        at,
        &a,
        "1.mp4",
        json!({"video_params": {"pix_fmt": "yuv420p10le"}}),
        "-i a.mkv -c:v libx264 -pix_fmt yuv420p10le",
    );
    check(
        at,
        &a,
        "2.mp4",
        json!({}),
        "-i a.mkv -c:v libx264 -pix_fmt yuv420p",
    );
    check(
        at,
        &a,
        "3.mkv",
        json!({"video_params": {"codec": "ffv1", "pix_fmt": "gbrp10le"}}),
        "-i a.mkv -c:v ffv1 -pix_fmt gbrp10le",
    );
    check(
        at,
        &a,
        "4.mov",
        json!({"video_params": {"codec": "qtrle"}}),
        "-i a.mkv -c:v qtrle",
    );
    check(
        at,
        &a,
        "5.avi",
        json!({"video_params": {"codec": "mjpeg"}}),
        "-i a.mkv -c:v mjpeg",
    );
    check(at, &a, "6.gif", json!({}), "-i a.mkv");
    let probe = |file: &str| {
        let entries = "stream=sample_aspect_ratio,pix_fmt,color_range,color_space,color_transfer,color_primaries,field_order";
        let output = std::process::Command::new("ffprobe")
            .args(["-v", "error", "-of", "csv=p=0", "-show_entries", entries])
            .arg(at.join(file))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(probe("ours_1.mp4"), probe("theirs_1.mp4"));
    insta::assert_snapshot!(probe("ours_2.mp4"), @"");
}

#[test]
fn interlaced_pictures_stay_interlaced() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    ffmpeg(
        at,
        "-f lavfi -i testsrc2=s=64x48:d=1 -vf interlace -flags +ildct+ilme -c:v mpeg2video -q:v 2 a.ts",
    );
    let a = source(at, "a.ts");
    check(
        at,
        &a,
        "1.mp4",
        json!({}),
        "-i a.ts -c:v libx264 -pix_fmt yuv420p",
    );
    check(
        at,
        &a,
        "2.mkv",
        json!({"video_params": {"codec": "ffv1"}}),
        "-i a.ts -c:v ffv1 -pix_fmt yuv420p",
    );
}

#[test]
fn single_pictures_and_sequences() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-an a.mkv");
    let a = source(at, "a.mkv");
    let read = |name: &str| fs::read(at.join(name)).unwrap();
    let report = encode(
        json!({"output_path": at.join("o%02d.png"), "vframes": 3}),
        &a.video,
        &[],
    )
    .unwrap();
    ffmpeg(at, "-i a.mkv -frames:v 3 t%02d.png");
    for number in 1..=3 {
        assert_eq!(
            read(&format!("o0{number}.png")),
            read(&format!("t0{number}.png"))
        );
    }
    assert!(!at.join("o04.png").exists());
    assert_eq!(report.outputs[0].summary, "png 128x96 25 fps 3 frames");
    encode(
        json!({"output_path": at.join("o.jpg"), "vframes": 1, "mux_params": {"update": 1}}),
        &a.video,
        &[],
    )
    .unwrap();
    ffmpeg(at, "-i a.mkv -frames:v 1 -update 1 t.jpg");
    assert_eq!(read("o.jpg"), read("t.jpg"));
    // BMF's own names give BMF's pixel formats.
    let formats = ["png", "jpg"].map(|codec| {
        let options = json!({"output_path": at.join("x.mkv"), "vframes": 1, "video_params": {"codec": codec}});
        encode(options, &a.video, &[]).unwrap();
        source(at, "x.mkv").video[0].get::<bmf_sdk::hmp::VideoFrame>().unwrap().format().name()
    });
    assert_eq!(formats, ["rgba", "yuvj444p"]);
}

#[test]
fn sound_alone() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-vn a.wav");
    let mut a = source(at, "a.wav");
    a.video.clear();
    check(at, &a, "1.m4a", json!({}), "-i a.wav -c:a aac");
    let report = check(
        at,
        &a,
        "2.mp3",
        json!({"audio_params": {"qscale": 3}}),
        "-i a.wav -q:a 3",
    );
    insta::assert_snapshot!(report.outputs[0].summary, @"");
    assert_eq!(report.warnings, [""; 0]);
    check(
        at,
        &a,
        "3.flac",
        json!({"audio_params": {"channels": 1, "sample_rate": 8000}}),
        "-i a.wav -ac 1 -ar 8000",
    );
    check(
        at,
        &a,
        "4.wav",
        json!({"audio_params": {"codec": "pcm_f32le"}}),
        "-i a.wav -c:a pcm_f32le",
    );
    check(
        at,
        &a,
        "5.ogg",
        json!({"audio_params": {"codec": "libvorbis", "sample_rate": 22050}}),
        "-i a.wav -c:a libvorbis -ar 22050",
    );
    check(
        at,
        &a,
        "6.mka",
        json!({"audio_params": {"codec": "aac"}, "aframes": 7}),
        "-i a.wav -c:a aac -frames:a 7",
    );
}

#[test]
fn limits_of_frames() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "a.mkv");
    let a = source(at, "a.mkv");
    let video_only = Decoded {
        audio: Vec::new(),
        video: a.video.clone(),
        report: Report::default(),
    };
    check(
        at,
        &video_only,
        "1.mp4",
        json!({"vframes": 10}),
        "-i a.mkv -an -frames:v 10 -pix_fmt yuv420p",
    );
    let report = encode(
        json!({"output_path": at.join("2.mkv"), "min_frames": 80}),
        &a.video,
        &a.audio,
    )
    .unwrap();
    insta::assert_snapshot!(report.outputs[0].summary, @"");
    assert_eq!(source(at, "2.mkv").video.len(), 80);
    let report = encode(
        json!({"output_path": at.join("3.mkv"), "vframes": 5, "aframes": 20}),
        &a.video,
        &a.audio,
    )
    .unwrap();
    assert_eq!(
        (source(at, "3.mkv").video.len(), report.counters[1]),
        (5, ("frames_encoded", 5))
    );
}

#[test]
fn times_may_begin_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "a.mkv");
    let late =
        decode(json!({"input_path": at.join("a.mkv"), "copyts": 1, "start_time": 1.0})).unwrap();
    for packets in [&late.video, &late.audio] {
        assert!(packets[0].timestamp().micros() > 900_000);
    }
    let options = json!({"output_path": at.join("b.mkv"), "adjust_pts": 1});
    encode(options, &late.video, &late.audio).unwrap();
    let times = |decoded: &Decoded| {
        [&decoded.video, &decoded.audio].map(|packets| packets[0].timestamp().micros())
    };
    let adjusted = decode(json!({"input_path": at.join("b.mkv"), "copyts": 1})).unwrap();
    assert_eq!(times(&adjusted).into_iter().min(), Some(0));
    assert_eq!(adjusted.video.len(), late.video.len());
}

#[test]
fn changes_of_format_are_converted() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    ffmpeg(
        at,
        "-f lavfi -i testsrc2=s=128x96:d=1 -f lavfi -i sine=d=1:r=44100 -c:a pcm_s16le a.mkv",
    );
    ffmpeg(
        at,
        "-f lavfi -i testsrc2=s=64x96:d=1,format=yuv444p -f lavfi -i sine=d=1:r=8000 -c:v ffv1 -c:a pcm_s16le b.mkv",
    );
    let (mut a, b) = (source(at, "a.mkv"), source(at, "b.mkv"));
    let shift = |packets: &[Packet]| -> Vec<Packet> {
        packets
            .iter()
            .map(|packet| {
                let time = packet.timestamp().checked_add(1_000_000).unwrap();
                match packet.get::<bmf_sdk::hmp::VideoFrame>() {
                    Some(frame) => {
                        let mut frame = frame.clone();
                        frame.pts = Some(
                            frame.pts.unwrap()
                                + i64::from(frame.time_base.den() / frame.time_base.num()),
                        );
                        Packet::new(time, frame)
                    }
                    None => {
                        let mut frame = packet.get::<bmf_sdk::hmp::AudioFrame>().unwrap().clone();
                        frame.pts = Some(
                            frame.pts.unwrap()
                                + i64::from(frame.time_base.den() / frame.time_base.num()),
                        );
                        Packet::new(time, frame)
                    }
                }
            })
            .collect()
    };
    a.video.extend(shift(&b.video));
    a.audio.extend(shift(&b.audio));
    let report = encode(json!({"output_path": at.join("c.mp4")}), &a.video, &a.audio).unwrap();
    insta::assert_snapshot!(report.outputs[0].summary, @"");
    let c = source(at, "c.mp4");
    assert_eq!(c.video.len(), 50);
    let samples: usize = c
        .audio
        .iter()
        .map(|packet| packet.get::<bmf_sdk::hmp::AudioFrame>().unwrap().samples())
        .sum();
    assert!((88_000..90_200).contains(&samples), "{samples}");
}

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
    // Also before the other stream has begun, and after a failure elsewhere.
    stop("2.mp4", 20, 0, Ending::Failed);
    assert_eq!(source(at, "2.mp4").video.len(), 20);
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
    insta::assert_snapshot!(masked(&message::<()>(Err(error)), at), @"");
    assert_eq!(fs::read_to_string(at.join("old.mp4")).unwrap(), "old");
    assert!(run.close(Ending::Failed).unwrap().outputs.is_empty());

    insta::assert_snapshot!(masked(&message(encode(json!({"output_path": at.join("none/a.mp4")}), &a.video, &[])), at), @"");
    insta::assert_snapshot!(masked(&message(encode(json!({"output_path": at.join("none/%d.png")}), &a.video, &[])), at), @"");
    insta::assert_snapshot!(masked(&message(encode(json!({"output_path": at}), &a.video, &[])), at), @"");
    // A stream that never comes is told.
    let mut run = Run::open(json!({"output_path": at.join("c.mp4")}), [true; 2]).unwrap();
    run.push(0, &a.video);
    run.end(0);
    run.end(1);
    assert_eq!(run.step().unwrap(), Flow::Done);
    insta::assert_snapshot!(masked(&run.close(Ending::Finished).unwrap().warnings.join("\n"), at), @"");
    // A codec that the container refuses leaves no empty file.
    let options = json!({"output_path": at.join("b.webm"), "video_params": {"codec": "h264"}});
    insta::assert_snapshot!(masked(&message(encode(options, &a.video, &[])), at), @"");
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
    insta::assert_snapshot!(message(full("matroska")), @"");
    insta::assert_snapshot!(message(full("mpegts")), @"");
    insta::assert_snapshot!(message(full("framemd5")), @"");
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
        [("frames_in", 25)]
    );
    let report = encode(
        json!({"output_path": "-", "format": "null"}),
        &a.video,
        &a.audio,
    )
    .unwrap();
    insta::assert_snapshot!(report.outputs[0].summary, @"");
}

#[test]
fn frames_on_the_wrong_input_are_told() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mkv");
    let a = source(dir.path(), "a.mkv");
    let path = dir.path().join("o.mp4");
    let error = encode(json!({"output_path": path}), &a.audio, &a.video).unwrap_err();
    assert_eq!(error.port(), Some("video"));
    insta::assert_snapshot!(message::<()>(Err(error)), @"");
    insta::assert_snapshot!(masked(&message(encode(json!({"output_path": dir.path().join("o.gif")}), &a.video, &a.audio)), dir.path()), @"");
    let none = Run::open(json!({"output_path": path}), [false; 2]);
    insta::assert_snapshot!(masked(&message(none), dir.path()), @"");
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
    insta::assert_snapshot!(check(json!({"output_path": ""})), @"");
    insta::assert_snapshot!(check(json!({"format": "mp5"})), @"");
    insta::assert_snapshot!(video(json!({"codec": "libx246"})), @"");
    insta::assert_snapshot!(video(json!({"cfr": 23, "presett": "fast", "nonsense": 1})), @"");
    insta::assert_snapshot!(video(json!({"rtsp_transport": "tcp"})), @"");
    insta::assert_snapshot!(video(json!({"pix_fmt": "yuv42p"})), @"");
    insta::assert_snapshot!(video(json!({"codec": "libvpx-vp9", "pix_fmt": "rgb24"})), @"");
    insta::assert_snapshot!(video(json!({"vsync": "vrf", "r": "fast", "width": 64, "vtag": "x", "in_time_base": "0,1", "max_fr": -1, "psnr": 1})), @"");
    insta::assert_snapshot!(video(json!({"width": "64"})), @"");
    insta::assert_snapshot!(video(json!({"crf": [1]})), @"");
    insta::assert_snapshot!(audio(json!({"codec": "acc"})), @"");
    insta::assert_snapshot!(audio(json!({"sample_rate": 12345, "bitrate": 1})), @"");
    insta::assert_snapshot!(audio(json!({"codec": "libmp3lame", "channels": 6})), @"");
    insta::assert_snapshot!(check(json!({"mux_params": {"movflag": "faststart", "rtsp_transport": "tcp"}})), @"");
    insta::assert_snapshot!(check(json!({"output_prefix": "x", "push_output": 1, "avio_buffer_size": 1, "io_frm_match": 1})), @"");
    insta::assert_snapshot!(check(json!({"outputpath": "x", "loglevel": "quite"})), @"");
}
