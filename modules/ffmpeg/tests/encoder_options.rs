//! Options of `c_ffmpeg_encoder` beside codec and container, against the `ffmpeg` command.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod encoding;

use std::fs;
use std::path::Path;
use std::process::Command;

use bmf_sdk::hmp::{Packet, VideoFrame};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{Decoded, assert_same, clip, ffmpeg};
use encoding::{Run, check, encode, masked, message, packets, source};

/// Pictures alone.
fn pictures(dir: &Path, name: &str) -> Decoded {
    Decoded {
        audio: Vec::new(),
        ..source(dir, name)
    }
}

/// What `ffprobe` shows of a file.
fn probe(dir: &Path, file: &str, entries: &str) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0", "-show_entries", entries])
        .arg(dir.join(file))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The times of key frames.
fn keys(dir: &Path, file: &str) -> String {
    let all = probe(dir, file, "packet=pts_time,flags");
    let keys = all.lines().filter(|line| line.contains('K'));
    keys.map(|line| line.split(',').next().unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn key_frames_are_forced_as_by_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 4, "-an -c:v libx264 -g 17 a.mkv");
    let a = pictures(at, "a.mkv");
    let cases = [
        (json!([0.5, "1.33", 3]), "0.5,1.33,3"),
        (json!("0:01,2.5"), "0:01,2.5"),
        (
            json!("expr:gte(t,n_forced*0.7)"),
            "expr:gte(t,n_forced*0.7)",
        ),
        (json!("expr:eq(mod(n,9),0)"), "expr:eq(mod(n,9),0)"),
        (json!("source"), "source"),
    ];
    for (number, (wish, command)) in cases.into_iter().enumerate() {
        check(
            at,
            &a,
            &format!("{number}.mp4"),
            json!({"video_params": {"threads": 1, "force_key_frames": wish}}),
            &format!(
                "-i a.mkv -c:v libx264 -threads 1 -pix_fmt yuv420p -force_key_frames {command}"
            ),
        );
    }
    assert_eq!(
        keys(at, "ours_0.mp4"),
        "0.000000 0.520000 1.320000 3.000000"
    );
    // BMF's numbers of segments.
    let mut numbered = a.video.clone();
    for (index, packet) in numbered.iter_mut().enumerate() {
        let mut frame = packet.get::<VideoFrame>().unwrap().clone();
        let mut notes = frame.metadata.as_deref().cloned().unwrap_or_default();
        notes.insert("sn".to_owned(), (index / 30 * 2 + 1).to_string());
        frame.metadata = Some(notes.into());
        *packet = Packet::new(packet.timestamp(), frame);
    }
    encode(json!({"output_path": at.join("s.mp4")}), &numbered, &[]).unwrap();
    assert_eq!(keys(at, "s.mp4"), "0.000000 1.200000 2.400000 3.600000");
}

#[test]
fn the_encoder_measures_its_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-an a.mkv");
    let a = pictures(at, "a.mkv");
    for codec in ["mpeg4", "mpeg2video"] {
        let output = at.join("o.mkv");
        let params = json!({"codec": codec, "psnr": 1, "threads": 1, "b": "200k", "bf": 0});
        let report = encode(
            json!({"output_path": output, "video_params": params}),
            &a.video,
            &[],
        )
        .unwrap();
        let measured = report
            .counters
            .get("psnr_millidecibels")
            .unwrap_or_else(|| panic!("{report:?}")) as f64
            / 1000.0;
        // The filter compares what was decoded with what was given.
        let text = Command::new("ffmpeg")
            .args([
                "-hide_banner",
                "-nostdin",
                "-i",
                "o.mkv",
                "-i",
                "a.mkv",
                "-lavfi",
                "psnr",
                "-f",
                "null",
                "-",
            ])
            .current_dir(at)
            .output()
            .unwrap();
        let text = String::from_utf8(text.stderr).unwrap();
        let line = text
            .lines()
            .find(|line| line.contains("PSNR y:"))
            .unwrap()
            .to_owned();
        let average = line
            .split("average:")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        let average: f64 = average.parse().unwrap();
        assert!(
            (average - measured).abs() < 0.2,
            "{codec}: {measured}, {line}"
        );
        let summary = &report.outputs[0].summary;
        assert!(
            summary.contains(" psnr ") && !summary.contains("NaN"),
            "{summary}"
        );
    }
    let options =
        json!({"output_path": at.join("o.mkv"), "video_params": {"codec": "libx264", "psnr": 1}});
    let report = encode(options, &a.video, &[]).unwrap();
    insta::assert_snapshot!(report.warnings.join("; "), @r#"libx264 does not report what it measures; with "loglevel" at "info" its log may say it"#);
}

#[test]
fn two_passes_are_those_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "-an a.mkv");
    let a = pictures(at, "a.mkv");
    for (codec, extra) in [
        ("libx264", ""),
        ("mpeg4", ""),
        ("libvpx", "-deadline good -cpu-used 5"),
    ] {
        let encode_pass = |pass: u32, name: &str| {
            let mut params = json!({"codec": codec, "b": "150k", "threads": 1, "pass": pass, "passlogfile": at.join("ours")});
            if codec == "libvpx" {
                params["deadline"] = json!("good");
                params["cpu-used"] = json!(5);
            }
            encode(
                json!({"output_path": at.join(name), "video_params": params}),
                &a.video,
                &[],
            )
            .unwrap();
            let command = format!(
                "-i a.mkv -c:v {codec} {extra} -b:v 150k -threads 1 -pix_fmt yuv420p -pass {pass} -passlogfile theirs"
            );
            ffmpeg(at, &format!("{command} their_{name}"));
        };
        encode_pass(1, "1.mkv");
        encode_pass(2, "2.mkv");
        assert_same(codec, &packets(at, "2.mkv"), &packets(at, "their_2.mkv"));
        for name in ["ours-0.log", "theirs-0.log"] {
            fs::remove_file(at.join(name)).unwrap();
        }
        if codec != "libx264" {
            let params = json!({"codec": codec, "pass": 2, "passlogfile": at.join("none")});
            let options = json!({"output_path": at.join("3.mkv"), "video_params": params});
            let error = masked(&message(encode(options, &a.video, &[])), at);
            assert!(
                error.starts_with("cannot read \"DIR/none-0.log\""),
                "{error}"
            );
        }
    }
}

#[test]
fn tags_chapters_and_what_streams_are_for() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 3, "a.mkv");
    let a = source(at, "a.mkv");
    for (name, seen) in [("o.mkv", "title"), ("o.mp4", "title")] {
        let options = json!({
            "output_path": at.join(name),
            "metadata": {"title": "Film"},
            "chapters": [{"start": 0, "title": "One"}, {"start": 1.5, "end": 3, "title": "Two"}],
            "video_params": {"codec": "mpeg4", "metadata": {"language": "fra"}, "disposition": "default"},
            "audio_params": {"metadata": {"language": "deu"}, "disposition": "dub+default"},
        });
        encode(options, &a.video, &a.audio).unwrap();
        assert_eq!(probe(at, name, &format!("format_tags={seen}")), "Film\n");
        let streams = probe(
            at,
            name,
            "stream=codec_type:stream_tags=language:stream_disposition=default",
        );
        // MP4 keeps chapters in a third stream.
        assert!(
            streams.starts_with("video,1,fra\naudio,1,deu\n"),
            "{name}: {streams}"
        );
        let chapters = probe(at, name, "chapter=start_time,end_time:chapter_tags=title");
        let chapters: Vec<&str> = chapters.lines().collect();
        assert_eq!(
            chapters,
            ["0.000000,1.500000,One", "1.500000,3.000000,Two"],
            "{name}"
        );
    }
}

#[test]
fn colours_come_through_and_can_be_said() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let tags = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv";
    ffmpeg(
        at,
        &format!("-f lavfi -i testsrc2=s=64x48:d=1 -c:v libx264 -pix_fmt yuv420p {tags} a.mp4"),
    );
    let a = pictures(at, "a.mp4");
    let entries = "stream=color_range,color_space,color_transfer,color_primaries";
    for codec in ["libx264", "libx265", "mpeg2video", "libvpx-vp9"] {
        let params =
            json!({"codec": codec, "preset": "ultrafast", "deadline": "realtime", "cpu-used": 8});
        let mut run = Run::open_unchecked(
            json!({"output_path": at.join("o.mkv"), "video_params": params}),
            [true, false],
        );
        run.push(0, &a.video);
        run.end(0);
        assert_eq!(run.step().unwrap(), Flow::Done);
        run.close(Ending::Finished).unwrap();
        let shown = probe(at, "o.mkv", entries);
        assert!(
            shown.starts_with("tv,bt709,bt709,bt709"),
            "{codec}: {shown}"
        );
    }
    let said = json!({"colorspace": "smpte170m", "color_primaries": "smpte170m", "color_trc": "smpte170m", "color_range": "pc"});
    check(
        at,
        &a,
        "2.mp4",
        json!({"video_params": said}),
        "-i a.mp4 -c:v libx264 -pix_fmt yuv420p -colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m -color_range pc",
    );
    assert_eq!(
        probe(at, "ours_2.mp4", entries),
        "pc,smpte170m,smpte170m,smpte170m\n"
    );
    assert_eq!(
        probe(at, "theirs_2.mp4", entries),
        "pc,smpte170m,smpte170m,smpte170m\n"
    );
}

#[test]
fn brightness_of_hdr_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let hdr = "hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400";
    ffmpeg(
        at,
        &format!(
            "-f lavfi -i testsrc2=s=64x48:d=1 -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params {hdr} a.mkv"
        ),
    );
    let a = pictures(at, "a.mkv");
    for name in ["o.mkv", "o.mp4"] {
        let params = json!({"codec": "hevc", "preset": "ultrafast", "pix_fmt": "yuv420p10le"});
        encode(
            json!({"output_path": at.join(name), "video_params": params}),
            &a.video,
            &[],
        )
        .unwrap();
        let shown = probe(
            at,
            name,
            "stream_side_data=side_data_type,max_luminance,max_content,max_average",
        );
        assert!(
            shown.contains("Mastering display metadata") && shown.contains(",1000"),
            "{name}: {shown}"
        );
        assert!(shown.contains("1000,400"), "{name}: {shown}");
    }
}

#[test]
fn which_pictures_were_encoded_how_often_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-an a.mkv");
    let a = pictures(at, "a.mkv");
    let list = |rate: u32, count: usize| {
        let options = json!({
            "output_path": at.join("o.mp4"), "io_frm_match": 1,
            "video_params": {"codec": "mpeg4", "r": rate, "vsync": "cfr"},
        });
        encode(options, &a.video[..count], &[]).unwrap();
        let lines = fs::read_to_string(at.join("o.mp4_iofrm.txt")).unwrap();
        let encoded = lines.lines().map(|line| {
            line.split("outputNums:")
                .nth(1)
                .unwrap()
                .parse::<usize>()
                .unwrap()
        });
        assert_eq!(encoded.sum::<usize>(), source(at, "o.mp4").video.len());
        lines
    };
    assert_eq!(
        list(25, 3),
        "inputFrm:0,outputNums:1\ninputFrm:1,outputNums:1\ninputFrm:2,outputNums:1\n"
    );
    assert!(list(50, 10).starts_with("inputFrm:0,outputNums:2\ninputFrm:1,outputNums:2\n"));
    assert!(list(5, 25).contains("outputNums:0"));
}

#[test]
fn pictures_come_first_whatever_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "a.mkv");
    let a = source(at, "a.mkv");
    let mut run = Run::open(json!({"output_path": at.join("o.mkv")}), [true; 2]).unwrap();
    run.push(1, &a.audio);
    run.end(1);
    assert_eq!(run.step().unwrap(), Flow::Wait);
    run.push(0, &a.video);
    run.end(0);
    assert_eq!(run.step().unwrap(), Flow::Done);
    run.close(Ending::Finished).unwrap();
    assert_eq!(probe(at, "o.mkv", "stream=codec_type"), "video\naudio\n");
}

#[test]
fn what_waits_for_another_stream_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    ffmpeg(
        at,
        "-f lavfi -i testsrc2=s=1280x720:r=25:d=2 -f lavfi -i sine=d=2 -c:v ffv1 -c:a pcm_s16le a.mkv",
    );
    let a = source(at, "a.mkv");
    let options = json!({"output_path": at.join("o.nut"), "video_params": {"codec": "rawvideo"}});
    let mut run = Run::open(options, [true; 2]).unwrap();
    run.push(0, &a.video);
    run.end(0);
    assert_eq!(run.step().unwrap(), Flow::Wait);
    // 50 MiB are 38 of these pictures: the others wait where they push back.
    let left = run.left(0);
    assert!((5..20).contains(&left), "{left}");
    run.push(1, &a.audio);
    run.end(1);
    assert_eq!(run.step().unwrap(), Flow::Done);
    run.close(Ending::Finished).unwrap();
    assert_eq!(source(at, "o.nut").video.len(), 50);
}

#[test]
fn encoders_on_devices_say_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-an a.mkv");
    let a = source(at, "a.mkv");
    for (encoder, words) in [
        (
            "h264_vaapi",
            "cannot encode with h264_vaapi: cannot open vaapi device '/dev/none'",
        ),
        ("h264_nvenc", "cannot open encoder h264_nvenc"),
        ("h264_qsv", "cannot open encoder h264_qsv"),
    ] {
        let mut params = json!({"codec": encoder});
        if encoder == "h264_vaapi" {
            params["hw_device"] = json!("/dev/none");
        }
        let options = json!({"output_path": at.join("o.mp4"), "video_params": params});
        // Where there is such a device the file is made.
        if let Err(error) = encode(options, &a.video, &[]) {
            let error = message::<()>(Err(error));
            assert!(
                error.contains(words) || error.contains("there is no encoder"),
                "{error}"
            );
            assert!(!at.join("o.mp4").exists());
        }
    }
    let params = json!({"codec": "libx264", "hw_device": "x"});
    let options: Value = json!({"output_path": at.join("o.mp4"), "video_params": params});
    insta::assert_snapshot!(message(encode(options, &a.video, &[])), @"libx264 takes pictures from main memory");
}
