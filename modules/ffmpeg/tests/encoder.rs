//! `c_ffmpeg_encoder` against the `ffmpeg` command: same packets, same times.

mod common;
mod encoding;

use std::fs;

use bmf_sdk::hmp::Packet;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{Decoded, clip, decode, ffmpeg};
use encoding::{check, encode, source};

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
    // Without mbtree, whose AVX-512 code in x264 does not give the same for so small pictures each time.
    let options = json!({
        "video_params": {"codec": "h264", "crf": 30, "preset": "veryfast", "width": 64, "height": 48, "g": "10", "bf": 0, "x264-params": "mbtree=0"},
        "audio_params": {"codec": "aac", "bit_rate": 96000, "sample_rate": 48000, "channels": 1},
        "mux_params": {"movflags": "faststart"}, "metadata": {"title": "t"},
    });
    let command = "-i a.mkv -c:v libx264 -crf 30 -preset veryfast -s 64x48 -g 10 -bf 0 -x264-params mbtree=0 -pix_fmt yuv420p \
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
            .get("frames_duplicated")
            .is_some_and(|count| count > 0),
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
    insta::assert_snapshot!(probe("ours_2.mp4"), @"3:2,yuv420p,tv,bt709,bt709,bt709,progressive");
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
    insta::assert_snapshot!(report.outputs[0].summary, @"png 128x96 25 fps 3 frames, files o01.png to o03.png");
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
    insta::assert_snapshot!(report.outputs[0].summary, @"mp3 44100 Hz stereo");
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
        "5.mka",
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
    insta::assert_snapshot!(report.outputs[0].summary, @"h264 128x96 25 fps 80 frames, aac 44100 Hz stereo");
    assert_eq!(source(at, "2.mkv").video.len(), 80);
    let report = encode(
        json!({"output_path": at.join("3.mkv"), "vframes": 5, "aframes": 20}),
        &a.video,
        &a.audio,
    )
    .unwrap();
    assert_eq!(
        (
            source(at, "3.mkv").video.len(),
            report.counters.get("frames_encoded")
        ),
        (5, Some(5))
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
    insta::assert_snapshot!(report.outputs[0].summary, @"h264 128x96 25 fps 50 frames, aac 44100 Hz mono");
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
fn pictures_alone_need_not_start_at_zero() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    // The cut lies between pictures that refer to each other, and falls on none of them.
    clip(at, 3, "-c:v libx264 -bf 3 -g 25 -an alone.mkv");
    clip(at, 3, "-c:v libx264 -bf 3 -g 25 two.mkv");
    let cases = [
        ("yuv", json!({"format": "rawvideo"}), "-f rawvideo"),
        (
            "mp4",
            json!({"video_params": {"codec": "mpeg4"}}),
            "-c:v mpeg4",
        ),
        (
            "ts",
            json!({"video_params": {"codec": "mpeg2video"}}),
            "-c:v mpeg2video",
        ),
    ];
    for (input, kept) in [
        ("alone", false),
        ("two", false),
        ("alone", true),
        ("two", true),
    ] {
        let name = format!("{input}.mkv");
        let options = json!({"input_path": at.join(&name), "start_time": 1.31, "copyts": kept});
        let a = decode(options).unwrap();
        let copyts = if kept { "-copyts " } else { "" };
        for (extension, options, command) in &cases {
            let (ours, theirs) = (format!("ours.{extension}"), format!("theirs.{extension}"));
            let mut options = options.clone();
            options["output_path"] = json!(at.join(&ours));
            encode(options, &a.video, &[]).unwrap();
            ffmpeg(
                at,
                &format!("{copyts}-ss 1.31 -i {name} -an {command} {theirs}"),
            );
            let [ours, theirs] = [ours, theirs].map(|file| match *extension {
                "yuv" => format!("{:x}", md5::compute(fs::read(at.join(file)).unwrap())),
                _ => encoding::packets(at, &file),
            });
            assert_eq!(ours, theirs, "{name} {copyts}to {extension}");
        }
    }
}
