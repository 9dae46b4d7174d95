//! `c_ffmpeg_encoder` in whole graphs: several of them after one decoder, one after the other, and
//! streams that keep each other waiting.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod encoding;
mod graphs;

use std::fs;

use bmf_engine::{Node, Port, RunOptions};
use bmf_sdk::Options;
use bmf_sdk::hmp::Packet;
use bmf_sdk::serde_json::{Value, json};
use common::{assert_same, clip, ffmpeg};
use encoding::{packets, replayed, source};
use graphs::Lab;

fn node(module: &str, options: Value) -> Node {
    Node::new(module).options(Options::from_value(options).unwrap())
}

/// A decoder's pictures and sound.
fn decode(lab: &mut Lab, options: Value) -> [Port; 2] {
    let decoder = lab.graph.add(node("c_ffmpeg_decoder", options));
    ["video", "audio"].map(|name| decoder.port(name))
}

fn encode(lab: &mut Lab, options: Value, [video, audio]: &[Port; 2]) -> [Port; 2] {
    let encoder = node("c_ffmpeg_encoder", options);
    let encoder = encoder.input(video.clone()).input(audio.clone());
    let encoder = lab.graph.add(encoder);
    ["video", "audio"].map(|name| encoder.port(name))
}

/// What arrived at the sinks, and how many files were written.
fn run(lab: Lab) -> (Vec<Vec<Packet>>, usize) {
    let ran = lab.run(&RunOptions::default());
    if let Err(error) = &ran.outcome.result {
        panic!("{error}");
    }
    let nodes = ran.outcome.nodes.iter();
    (ran.sinks, nodes.map(|node| node.report.outputs.len()).sum())
}

#[test]
fn encoders_share_the_frames_of_one_decoder() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "-c:v libx264 -c:a aac a.mp4");
    let params = [
        json!({"codec": "libx264", "threads": 1}),
        json!({"codec": "mpeg4", "width": 64, "height": 48, "r": 50, "threads": 1}),
        json!({"codec": "ffv1", "pix_fmt": "gbrp10le", "threads": 1}),
    ];
    let write = |side: &str, which: &[usize]| {
        let mut lab = Lab::new();
        let streams = decode(&mut lab, json!({"input_path": at.join("a.mp4")}));
        for &index in which {
            let path = at.join(format!("{side}{index}.mkv"));
            let options = json!({"output_path": path, "video_params": params[index]});
            encode(&mut lab, options, &streams);
        }
        run(lab);
    };
    write("together", &[0, 1, 2]);
    for index in 0..3 {
        write("alone", &[index]);
        let [together, alone] =
            ["together", "alone"].map(|side| packets(at, &format!("{side}{index}.mkv")));
        assert_same(&format!("encoder {index}"), &together, &alone);
    }
}

#[test]
fn what_one_encoder_pushes_another_one_writes() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "-c:v libx264 -c:a aac a.mp4");
    let params = json!({"threads": 1, "bf": 2});
    let mut lab = Lab::new();
    let streams = decode(&mut lab, json!({"input_path": at.join("a.mp4")}));
    let pushed = encode(
        &mut lab,
        json!({"push_output": 2, "video_params": params}),
        &streams,
    );
    // The same packets into two containers, one of them in memory.
    encode(&mut lab, json!({"output_path": at.join("1.mp4")}), &pushed);
    let [bytes, _] = encode(
        &mut lab,
        json!({"push_output": 1, "format": "matroska"}),
        &pushed,
    );
    lab.collect(bytes);
    let (sinks, files) = run(lab);
    fs::write(at.join("2.mkv"), replayed(&sinks[0])).unwrap();
    assert_eq!(files, 1);
    let mut lab = Lab::new();
    let streams = decode(&mut lab, json!({"input_path": at.join("a.mp4")}));
    encode(
        &mut lab,
        json!({"output_path": at.join("3.mp4"), "video_params": params}),
        &streams,
    );
    run(lab);
    assert_same(
        "through a node",
        &packets(at, "1.mp4"),
        &packets(at, "3.mp4"),
    );
    assert_eq!(source(at, "2.mkv").video.len(), 50);
}

#[test]
fn a_stream_that_begins_late_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    // More pictures than may wait for the sound, which comes from the same decoder.
    ffmpeg(
        at,
        "-f lavfi -i testsrc2=s=1280x720:r=25:d=3 -itsoffset 2.5 -f lavfi -i sine=d=0.5 -c:v libx264 -preset ultrafast -c:a pcm_s16le a.mkv",
    );
    let mut lab = Lab::new();
    let streams = decode(&mut lab, json!({"input_path": at.join("a.mkv")}));
    let options = json!({"output_path": at.join("o.nut"), "video_params": {"codec": "rawvideo"}});
    encode(&mut lab, options, &streams);
    run(lab);
    let o = source(at, "o.nut");
    assert_eq!(o.video.len(), 75);
    assert!(!o.audio.is_empty());
}

#[test]
fn files_are_remuxed_without_decoding() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    clip(at, 2, "-c:v libx264 -bf 2 -c:a aac a.mp4");
    let mut lab = Lab::new();
    let copy =
        json!({"input_path": at.join("a.mp4"), "video_codec": "copy", "audio_codec": "copy"});
    let streams = decode(&mut lab, copy);
    encode(&mut lab, json!({"output_path": at.join("o.mkv")}), &streams);
    run(lab);
    ffmpeg(at, "-i a.mp4 -c copy t.mkv");
    assert_same("remux", &packets(at, "o.mkv"), &packets(at, "t.mkv"));
}
