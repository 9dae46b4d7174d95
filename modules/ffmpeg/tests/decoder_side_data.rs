//! What `c_ffmpeg_decoder` passes on beside pixels: HDR metadata of codec and container, and what else
//! FFmpeg attaches to frames, also behind a filter.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::fs;
use std::path::Path;

use bmf_ffmpeg::AvFrame;
use bmf_sdk::ModuleRunner;
use bmf_sdk::hmp::VideoFrame;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{clip, decode, ffmpeg, module};

/// The pictures of a file, decoded.
fn pictures(path: &Path) -> Vec<Packet> {
    decode(json!({ "input_path": path })).unwrap().video
}

/// What all pictures have; what only some have is told apart.
fn side_data(packets: &[Packet]) -> String {
    let of = |packet: &Packet| {
        let frame = packet.get::<VideoFrame>().unwrap();
        let names = frame.extension::<AvFrame>().map(|av| av.side_data());
        names.unwrap_or_default().join(", ")
    };
    let mut all: Vec<String> = packets.iter().map(of).collect();
    all.dedup();
    all.join(" | ")
}

fn filtered(packets: Vec<Packet>, options: Value) -> Vec<Packet> {
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_filter"), options, 1, 1).unwrap();
    for packet in packets {
        runner.push(0, packet);
    }
    runner.end_all();
    let _ = runner.run().unwrap();
    runner.take(0)
}

#[test]
fn hdr_metadata_of_the_codec_stays_with_every_picture() {
    let dir = tempfile::tempdir().unwrap();
    let x265 = "log-level=none:hdr10=1:repeat-headers=1:colorprim=bt2020:transfer=smpte2084:\
        colormatrix=bt2020nc:max-cll=1000,400:master-display=G(13250,34500)B(7500,3000)R(34000,16000)\
        WP(15635,16450)L(10000000,50)";
    clip(
        dir.path(),
        1,
        &format!(
            "-an -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params {x265} a.mkv"
        ),
    );
    let decoded = pictures(&dir.path().join("a.mkv"));
    insta::assert_snapshot!(side_data(&decoded), @"Mastering display metadata, Content light level metadata, H.26[45] User Data Unregistered SEI message, H.26[45] User Data Unregistered SEI message | Mastering display metadata, Content light level metadata");
    let scaled = filtered(decoded, json!({"name": "scale", "para": "64:48"}));
    assert_eq!(scaled.len(), 25);
    insta::assert_snapshot!(side_data(&scaled), @"Mastering display metadata, Content light level metadata, H.26[45] User Data Unregistered SEI message, H.26[45] User Data Unregistered SEI message | Mastering display metadata, Content light level metadata");
}

/// Adds boxes at the end of the box that `path` names, and makes all around it longer. The index must
/// lie behind the pictures, whose places then stay.
fn insert(file: &mut Vec<u8>, path: &[(&[u8; 4], usize)], boxes: &[u8]) {
    let (mut at, mut end) = (0, file.len());
    let mut sizes = Vec::new();
    for &(name, header) in path {
        loop {
            let size = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
            if file[at + 4..at + 8] == *name {
                sizes.push(at);
                end = at + size;
                at += header;
                break;
            }
            at += size;
            assert!(at < end, "there is no such box");
        }
    }
    file.splice(end..end, boxes.iter().copied());
    for at in sizes {
        let size = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) + boxes.len() as u32;
        file[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
}

#[test]
fn hdr_metadata_of_the_container_is_given_to_every_picture() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "-an -c:v libx264 -preset veryfast a.mp4");
    let mut file = fs::read(dir.path().join("a.mp4")).unwrap();
    let mut boxes = Vec::new();
    boxes.extend(32_u32.to_be_bytes());
    boxes.extend(b"mdcv");
    for primary in [
        13_250_u16, 34_500, 7500, 3000, 34_000, 16_000, 15_635, 16_450,
    ] {
        boxes.extend(primary.to_be_bytes());
    }
    boxes.extend(10_000_000_u32.to_be_bytes());
    boxes.extend(50_u32.to_be_bytes());
    boxes.extend(12_u32.to_be_bytes());
    boxes.extend(b"clli");
    boxes.extend(1000_u16.to_be_bytes());
    boxes.extend(400_u16.to_be_bytes());
    let path = [
        (b"moov", 8),
        (b"trak", 8),
        (b"mdia", 8),
        (b"minf", 8),
        (b"stbl", 8),
        (b"stsd", 16),
        (b"avc1", 8),
    ];
    insert(&mut file, &path, &boxes);
    fs::write(dir.path().join("hdr.mp4"), file).unwrap();
    let decoded = pictures(&dir.path().join("hdr.mp4"));
    assert_eq!(decoded.len(), 25);
    insta::assert_snapshot!(side_data(&decoded), @"Mastering display metadata, Content light level metadata, H.26[45] User Data Unregistered SEI message | Mastering display metadata, Content light level metadata");
    let cropped = filtered(decoded, json!({"name": "crop", "para": "64:48"}));
    insta::assert_snapshot!(side_data(&cropped), @"Mastering display metadata, Content light level metadata, H.26[45] User Data Unregistered SEI message | Mastering display metadata, Content light level metadata");
}

#[test]
fn messages_in_the_stream_stay_with_their_picture() {
    let dir = tempfile::tempdir().unwrap();
    clip(
        dir.path(),
        1,
        "-an -c:v libx264 -preset veryfast -g 12 a.mp4",
    );
    let bsf = "h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+hello";
    ffmpeg(dir.path(), &format!("-i a.mp4 -c copy -bsf:v {bsf} b.mp4"));
    let decoded = pictures(&dir.path().join("b.mp4"));
    let with_message = |packets: &[Packet]| {
        let has =
            |packet: &&Packet| side_data(std::slice::from_ref(packet)).contains("SEI message");
        packets.iter().filter(has).count()
    };
    // FFmpeg writes it once.
    assert_eq!(with_message(&decoded), 1);
    let flipped = filtered(decoded, json!({"name": "hflip"}));
    assert_eq!(with_message(&flipped), 1);
}
