//! `c_ffmpeg_encoder` with streams that are encoded already, against `ffmpeg -c copy`.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod encoding;

use std::fs;
use std::path::Path;
use std::process::Command;

use bmf_sdk::hmp::{EncodedPacket, Packet};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{assert_same, clip, ffmpeg};
use encoding::{Run, copy, demux, encode, masked, message, packets, source};

/// Copies our way and the command's way, and compares the packets.
fn check(dir: &Path, from: &str, to: &str) -> Report {
    let (ours, theirs) = (format!("ours_{to}"), format!("theirs_{to}"));
    let report = copy(json!({"output_path": dir.join(&ours)}), &demux(dir, from)).unwrap();
    ffmpeg(dir, &format!("-i {from} -map 0 -c copy {theirs}"));
    assert_same(
        &format!("{from} to {to}"),
        &packets(dir, &ours),
        &packets(dir, &theirs),
    );
    assert_same("tags", &probe(dir, &ours), &probe(dir, &theirs));
    report
}

/// What the container says of its streams.
fn probe(dir: &Path, file: &str) -> String {
    let entries = "stream=codec_name,codec_tag_string,width,height,sample_aspect_ratio,r_frame_rate,\
        avg_frame_rate,extradata_size,sample_rate,channels,color_range,color_space,start_time\
        :stream_side_data=side_data_type,rotation:stream_tags=language,title:stream_disposition=default,forced";
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "default", "-show_entries", entries])
        .arg(dir.join(file))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_packets_are_those_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 3, "-c:v libx264 -bf 3 -g 25 -c:a aac a.mp4");
    let report = check(at, "a.mp4", "1.mkv");
    insta::assert_snapshot!(report.outputs[0].summary, @"h264 128x96 copied, aac 44100 Hz copied");
    for to in ["2.ts", "3.flv", "4.mov", "5.mp4"] {
        check(at, "a.mp4", to);
    }
    ffmpeg(at, "-i a.mp4 -c copy a.mkv");
    ffmpeg(at, "-i a.mp4 -c copy a.ts");
    ffmpeg(at, "-i a.mp4 -c copy a.flv");
    for (from, to) in [
        ("a.mkv", "6.mp4"),
        ("a.mkv", "7.ts"),
        ("a.ts", "8.mp4"),
        ("a.ts", "9.mkv"),
        ("a.flv", "10.mp4"),
        ("a.flv", "11.mkv"),
    ] {
        check(at, from, to);
    }
}

#[test]
fn other_codecs_and_what_containers_say_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(
        at,
        2,
        "-c:v mpeg4 -bf 2 -c:a libmp3lame -aspect 2:1 -metadata:s:a:0 language=deu -metadata:s:v:0 language=fra a.mkv",
    );
    check(at, "a.mkv", "1.mp4");
    check(at, "a.mkv", "3.avi");
    clip(
        at,
        2,
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus b.webm",
    );
    check(at, "b.webm", "4.mkv");
    check(at, "b.webm", "5.mp4");
    // A picture that is shown turned stays so.
    clip(at, 1, "-c:v libx264 -c:a ac3 c.mp4");
    ffmpeg(at, "-i c.mp4 -c copy -metadata:s:v:0 rotate=90 d.mp4");
    check(at, "d.mp4", "6.mov");
    assert!(probe(at, "ours_6.mov").contains("rotation=90"));
}

#[test]
fn the_tags_of_the_file_stay() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(
        at,
        1,
        "-c:v libx264 -c:a aac -metadata title=Film -metadata artist=Nobody -metadata creation_time=2020-01-01T00:00:00Z a.mp4",
    );
    let tags = |file: &str| {
        let output = Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-of",
                "default",
                "-show_entries",
                "format_tags",
            ])
            .arg(at.join(file))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut tags: Vec<&str> = text.lines().collect();
        tags.sort_unstable();
        tags.join("\n") + "\n"
    };
    let streams = demux(at, "a.mp4");
    for to in ["o.mp4", "o.mkv"] {
        let options = json!({"output_path": at.join(to), "metadata": {"artist": "Somebody"}});
        copy(options, &streams).unwrap();
        let theirs = to.replace('o', "t");
        ffmpeg(
            at,
            &format!("-i a.mp4 -c copy -metadata artist=Somebody {theirs}"),
        );
        assert_eq!(tags(to), tags(&theirs));
        assert!(tags(to).contains("=Film\n") && tags(to).contains("=Somebody\n"));
    }
}

#[test]
fn subtitles_are_copied() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 3, "-c:v libx264 -c:a aac a.mkv");
    fs::write(
        at.join("a.srt"),
        "1\n00:00:00,500 --> 00:00:01,200\nHello\n\n2\n00:00:02,000 --> 00:00:02,900\n<i>World</i>\n\n",
    )
    .unwrap();
    ffmpeg(
        at,
        "-i a.mkv -i a.srt -map 0 -map 1 -c copy -c:s srt -metadata:s:s:0 language=eng -disposition:s:0 forced b.mkv",
    );
    check(at, "b.mkv", "1.mkv");
    let options = json!({
        "output_path": at.join("c.mkv"),
        "subtitle_params": {"metadata": {"language": "spa"}, "disposition": "default"},
    });
    let report = copy(options, &demux(at, "b.mkv")).unwrap();
    insta::assert_snapshot!(report.outputs[0].summary, @"h264 128x96 copied, aac 44100 Hz copied, subrip copied");
    assert!(probe(at, "c.mkv").contains("language=spa"));
    // The first packet only tells what the stream is, long before its first words may come.
    let [video, _, words] = demux(at, "b.mkv");
    let first: &EncodedPacket = words[0].get().unwrap();
    assert!(first.data.is_empty());
    let inputs = [true, false, true];
    let mut run = Run::open_with(json!({"output_path": at.join("e.mkv")}), &inputs, &[]).unwrap();
    run.push(0, &video[..1]);
    assert_eq!(run.step().unwrap(), Flow::Wait);
    assert!(!at.join("e.mkv").exists());
    run.push(2, &words[..1]);
    assert_eq!(run.step().unwrap(), Flow::Wait);
    assert!(at.join("e.mkv").exists());
    run.close(Ending::Stopped).unwrap();
    // Which subtitles a container takes is for it to say.
    let refused = copy(
        json!({"output_path": at.join("d.mp4")}),
        &demux(at, "b.mkv"),
    );
    insta::assert_snapshot!(masked(&message(refused), at), @"cannot write the header of 'DIR/d.mp4': invalid argument (Could not find tag for codec subrip in stream #2, codec not currently supported in container)");
}

#[test]
fn one_stream_is_copied_beside_one_that_is_encoded() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "-c:v libx264 -g 25 -c:a aac a.mp4");
    let [video, ..] = demux(at, "a.mp4");
    let decoded = source(at, "a.mp4");
    let options = json!({"output_path": at.join("o.mkv"), "audio_params": {"codec": "libopus"}});
    let report = encode(options, &video, &decoded.audio).unwrap();
    insta::assert_snapshot!(report.outputs[0].summary, @"h264 128x96 copied, opus 48000 Hz stereo");
    ffmpeg(at, "-i a.mp4 -c:v copy -c:a libopus t.mkv");
    let of_video = |file: &str| {
        let all = packets(at, file);
        all.lines()
            .filter(|line| line.starts_with("0,"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_same("pictures", &of_video("o.mkv"), &of_video("t.mkv"));
    assert_eq!(
        source(at, "o.mkv").audio.len(),
        source(at, "t.mkv").audio.len()
    );
}

#[test]
fn limits_starts_and_codes_of_copied_streams() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "-c:v libx265 -preset ultrafast -g 10 -c:a aac a.mp4");
    let streams = demux(at, "a.mp4");
    let options = json!({
        "output_path": at.join("o.mp4"), "vframes": 7, "aframes": 5,
        "video_params": {"codec": "copy", "vtag": "hvc1"},
    });
    copy(options, &streams).unwrap();
    ffmpeg(
        at,
        "-i a.mp4 -c copy -frames:v 7 -frames:a 5 -tag:v hvc1 t.mp4",
    );
    assert_same("limits", &packets(at, "o.mp4"), &packets(at, "t.mp4"));
    assert!(probe(at, "o.mp4").contains("hvc1"));
    // What comes before the next key frame cannot be decoded.
    let late = [streams[0][3..].to_vec(), Vec::new(), Vec::new()];
    let report = copy(
        json!({"output_path": at.join("l.mkv"), "adjust_pts": 1}),
        &late,
    )
    .unwrap();
    assert_eq!(report.counters.get("packets_copied"), Some(41));
}

#[test]
fn what_does_not_fit_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 1, "-c:v libx264 -c:a aac a.mp4");
    let streams = demux(at, "a.mp4");
    let decoded = source(at, "a.mp4");
    let path = at.join("o.mp4");
    let with = |params: Value| {
        let mut options = params;
        options["output_path"] = json!(path);
        options
    };
    let copied = |options: Value| masked(&message(copy(with(options), &streams)), at);
    insta::assert_snapshot!(copied(json!({"video_params": {"codec": "h264"}})), @r#"packets that are encoded already cannot be encoded with h264; let the decoder decode (no "video_codec": "copy"), or leave out "video_params.codec" here"#);
    insta::assert_snapshot!(copied(json!({"video_params": {"codec": "copy", "crf": 20}})), @r#"a stream that is copied has no option "crf""#);
    let report = copy(
        with(json!({"video_params": {"crf": 20, "width": 64, "height": 36}})),
        &streams,
    );
    insta::assert_snapshot!(report.unwrap().warnings.join("\n"), @r#"
    video_params.crf: a stream that is copied has no option "crf"
    video_params.height: a stream that is copied has no option "height"
    video_params.width: a stream that is copied has no option "width"
    "#);
    let frames = encode(
        with(json!({"audio_params": {"codec": "copy"}})),
        &decoded.video,
        &decoded.audio,
    );
    insta::assert_snapshot!(masked(&message(frames), at), @r#"sound arrived decoded, but is to be copied; set "audio_codec": "copy" at the decoder, or name an encoder in "audio_params.codec""#);
    let swapped = [streams[1].clone(), streams[0].clone(), Vec::new()];
    insta::assert_snapshot!(masked(&message(copy(with(json!({})), &swapped)), at), @r#"packets of audio arrived on the video input; connect them to the input "audio""#);
    let mut run = Run::open(with(json!({})), [true, false]).unwrap();
    run.push(0, &decoded.video[..1]);
    let _: Flow = run.step().unwrap();
    run.push(0, &streams[0][..1]);
    insta::assert_snapshot!(message(run.step()), @"encoded packets arrived after frames");
    // Packets of another library that forgot to say where decoding can start, and one that is out of
    // its mind.
    let bare = |change: fn(&mut EncodedPacket)| {
        let packets = streams[1].iter().map(|packet| {
            let mut bare: EncodedPacket = packet.get::<EncodedPacket>().unwrap().clone();
            change(&mut bare);
            Packet::new(packet.timestamp(), bare)
        });
        [Vec::new(), packets.collect(), Vec::new()]
    };
    let path = at.join("p.mp4");
    let report = copy(
        json!({"output_path": path}),
        &bare(|bare| bare.key_frame = false),
    )
    .unwrap();
    insta::assert_snapshot!(masked(&report.warnings.join("; "), at), @r#""DIR/p.mp4" has no audio: none of 45 packets is marked as a key frame"#);
    let wild =
        bare(|bare| (bare.pts, bare.dts, bare.duration) = (Some(i64::MIN + 1), None, i64::MAX));
    let options = json!({"output_path": at.join("q.mkv"), "adjust_pts": 1});
    let _: Result<Report, ModuleError> = copy(options, &wild);
}
