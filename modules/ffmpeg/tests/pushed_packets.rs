//! Packets of streams, without a container, that are pushed into `c_ffmpeg_decoder`.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;
mod pushing;

use std::path::Path;

use bmf_sdk::hmp::{Buffer, EncodedPacket, MediaKind, TimeBase, Timestamp, VideoFrame};
use bmf_sdk::prelude::*;
use common::{assert_same, clip, lines};
use pushing::{H264, of_file, push_packets, runner};
use serde_json::json;

/// The packets of both streams of a file in order of decoding, without their format.
fn raw_packets(dir: &Path, file: &str) -> Vec<Packet> {
    let copy = json!({"video_codec": "copy", "audio_codec": "copy"});
    let copied = of_file(dir, file, copy);
    let mut packets = [copied.video, copied.audio].concat();
    packets.sort_by_key(Packet::timestamp);
    let bare = packets.into_iter().map(|packet| {
        let time = packet.timestamp();
        let mut packet = packet.get::<EncodedPacket>().unwrap().clone();
        packet.format = None;
        Packet::new(time, packet)
    });
    bare.collect()
}

fn kind(packet: &Packet) -> MediaKind {
    packet.get::<EncodedPacket>().unwrap().kind
}

#[test]
fn packets_without_a_container_are_decoded() {
    let dir = tempfile::tempdir().unwrap();
    clip(
        dir.path(),
        2,
        &format!("{} a.ts", H264.replace("aac", "mp2")),
    );
    let direct = of_file(dir.path(), "a.ts", json!({}));
    let options = json!({
        "push_raw_stream": 1, "video_codec": "h264", "video_time_base": "1,90000",
        "audio_codec": "mp2float", "channels": 2, "sample_rate": 44100,
    });
    let packets = raw_packets(dir.path(), "a.ts");
    let both = push_packets(options.clone(), packets.clone()).unwrap();
    assert_same("pictures", &lines(&both.video), &lines(&direct.video));
    assert_eq!(both.audio.len(), direct.audio.len());
    assert_eq!(both.report.counters.get("frames_video"), Some(50));
    let video = packets
        .iter()
        .filter(|packet| kind(packet) == MediaKind::Video)
        .cloned();
    let alone = push_packets(options.clone(), video.collect()).unwrap();
    assert_same("alone", &lines(&alone.video), &lines(&direct.video));
    // Times in another unit, and a cut.
    let mut cut = options;
    cut["video_time_base"] = "1/1000".into();
    cut["start_time"] = json!(0.5);
    cut["end_time"] = json!(1.5);
    let cut = push_packets(cut, packets).unwrap();
    let first = cut.video[0].get::<VideoFrame>().unwrap();
    assert_eq!(
        (first.time_base, cut.video.len()),
        (TimeBase::new(1, 1000).unwrap(), 25)
    );
    assert!(first.pts.unwrap() < 40);
}

#[test]
fn pictures_without_times_get_some() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "-an -c:v mpeg4 -bf 0 a.avi");
    let packets = raw_packets(dir.path(), "a.avi");
    let data = |(number, packet): (usize, &Packet)| {
        let packet = packet.get::<EncodedPacket>().unwrap();
        let time = Timestamp::from_micros(number as i64);
        Packet::new(time, packet.data.as_slice().unwrap().to_vec())
    };
    let bytes: Vec<Packet> = packets.iter().enumerate().map(data).collect();
    let options = json!({"push_raw_stream": 1, "video_codec": "mpeg4", "video_time_base": "1,1000", "fps": 50});
    let decoded = push_packets(options, bytes.clone()).unwrap();
    let times: Vec<i64> = decoded
        .video
        .iter()
        .map(|packet| packet.timestamp().micros())
        .collect();
    assert_eq!(times, (0..25).map(|n| n * 20_000).collect::<Vec<_>>());
    let both = json!({
        "push_raw_stream": 1, "video_codec": "mpeg4", "video_time_base": "1,1000",
        "audio_codec": "aac", "channels": 2, "sample_rate": 44100,
    });
    insta::assert_snapshot!(push_packets(both, bytes).unwrap_err(), @"bytes do not say whether they are pictures or sound");
}

#[test]
fn raw_pictures_need_their_size_and_format() {
    let dir = tempfile::tempdir().unwrap();
    clip(
        dir.path(),
        1,
        "-an -c:v rawvideo -pix_fmt nv12 -f nut a.nut",
    );
    let direct = of_file(dir.path(), "a.nut", json!({}));
    let options = json!({
        "push_raw_stream": 1, "video_codec": "rawvideo", "video_time_base": "1,51200",
        "s": "128x96", "pix_fmt": "nv12",
    });
    let decoded = push_packets(options, raw_packets(dir.path(), "a.nut")).unwrap();
    let pixels = |packet: &Packet| {
        packet
            .get::<VideoFrame>()
            .unwrap()
            .to_packed_bytes()
            .unwrap()
    };
    assert!(
        decoded
            .video
            .iter()
            .map(pixels)
            .eq(direct.video.iter().map(pixels))
    );
    assert_eq!(decoded.video.len(), 25);
}

#[test]
fn one_stream_of_each_kind_is_decoded() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("-an {H264} a.ts"));
    let packets = raw_packets(dir.path(), "a.ts");
    let twice = packets.iter().flat_map(|packet| {
        let mut other = packet.get::<EncodedPacket>().unwrap().clone();
        other.stream_index = 7;
        other.data = Buffer::from_vec(vec![0; 9]);
        [packet.clone(), Packet::new(packet.timestamp(), other)]
    });
    let options =
        json!({"push_raw_stream": 1, "video_codec": "h264", "video_time_base": "1,90000"});
    let decoded = push_packets(options.clone(), twice.clone().collect()).unwrap();
    assert_same(
        "first",
        &lines(&decoded.video),
        &lines(&of_file(dir.path(), "a.ts", json!({})).video),
    );
    insta::assert_snapshot!(decoded.report.warnings.join("\n"), @"video stream 7 of pushed packets is left out: one of each kind is decoded");
    let mut other = options;
    other["map_v"] = 7.into();
    let error = push_packets(other, twice.collect()).unwrap_err();
    insta::assert_snapshot!(error, @"none of 25 packets of stream 0 (h264) of 'pushed packets' could be decoded: cannot decode with h264: invalid data found when processing input");
}

#[test]
fn a_stream_that_does_not_say_what_it_is_is_refused() {
    let packet = |kind| {
        let data = Buffer::from_vec(vec![1, 2, 3]);
        Packet::new(
            Timestamp::ZERO,
            EncodedPacket::new(data, kind, TimeBase::MICROS),
        )
    };
    let options = json!({"push_raw_stream": 1, "video_codec": "h264", "video_time_base": "1,25"});
    let error = push_packets(options.clone(), vec![packet(MediaKind::Audio)]).unwrap_err();
    insta::assert_snapshot!(format!("{error} | {}", error.hint().unwrap()), @"a packet of audio does not say what its stream is | set audio_codec, channels and sample_rate");
    let decoded = push_packets(options, vec![packet(MediaKind::Subtitle)]).unwrap();
    insta::assert_snapshot!(decoded.report.warnings.join("\n"), @"packets that cannot be decoded were left out: subtitle");
}

/// An empty packet ends a stream as it ends a file; what follows is decoded anew.
#[test]
fn an_empty_packet_ends_a_stream() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("-an {H264} a.ts"));
    let packets = raw_packets(dir.path(), "a.ts");
    let end = EncodedPacket::new(Buffer::default(), MediaKind::Video, TimeBase::MICROS);
    let end = Packet::new(Timestamp::from_micros(2_000_000), end);
    let options =
        json!({"push_raw_stream": 1, "video_codec": "h264", "video_time_base": "1,90000"});
    let mut runner = runner(options);
    for packet in packets.iter().chain([&end]) {
        runner.push(0, packet.clone());
    }
    assert_eq!(runner.run().unwrap(), Flow::Wait);
    assert_eq!(runner.take(0).len(), 25);
}
