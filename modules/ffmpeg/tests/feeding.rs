//! What is sent to `c_ffmpeg_decoder` in a running graph.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::fs;
use std::path::Path;

use bmf_engine::{
    Diagnostics, Graph, GraphBuilder, GraphPlan, Node, Polled, Port, Registry, RunOptions,
};
use bmf_sdk::Options;
use bmf_sdk::hmp::{Packet, Timestamp};
use bmf_sdk::prelude::*;
use common::{assert_same, clip, decode, lines};
use serde_json::{Value, json};

const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 30 -c:a aac";

fn plan(graph: GraphBuilder) -> Result<GraphPlan, Diagnostics> {
    let registry = Registry::new();
    for module in bmf_module_ffmpeg::modules() {
        registry.add(module);
    }
    GraphPlan::new(graph.build(), &registry, false, Diagnostics::default())
}

fn start(graph: GraphBuilder) -> Graph {
    let plan = plan(graph).unwrap_or_else(|found| panic!("{found}"));
    plan.start(&RunOptions::default()).unwrap()
}

fn decoder(options: Value) -> Node {
    Node::new("c_ffmpeg_decoder").options(Options::from_value(options).unwrap())
}

/// A decoder of what the application sends; its pictures go back to the application.
fn fed(options: Value, policy: InputManager) -> (GraphBuilder, String) {
    let mut graph = GraphBuilder::new();
    let input = graph.graph_input("in");
    let node = graph.add(decoder(options).input_manager(policy).input(input));
    let output = graph.graph_output(node.port("video"));
    (graph, output)
}

fn pictures(dir: &Path, file: &str) -> Vec<Packet> {
    decode(json!({"input_path": dir.join(file).to_str().unwrap()}))
        .unwrap()
        .video
}

#[test]
fn an_application_pushes_bytes() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.mkv"));
    let (graph, output) = fed(json!({}), InputManager::Immediate);
    let mut graph = start(graph);
    let (input, output) = (
        graph.take_input("in").unwrap(),
        graph.take_output(&output).unwrap(),
    );
    let file = fs::read(dir.path().join("a.mkv")).unwrap();
    let feeder = std::thread::spawn(move || {
        for (number, piece) in file.chunks(1500).enumerate() {
            let time = Timestamp::from_micros(number as i64);
            input.add(Packet::new(time, piece.to_vec())).unwrap();
        }
        input.end();
    });
    let video: Vec<Packet> = std::iter::from_fn(|| output.next()).collect();
    feeder.join().unwrap();
    graph.wait().result.unwrap();
    assert_same(
        "pushed",
        &lines(&video),
        &lines(&pictures(dir.path(), "a.mkv")),
    );
}

#[test]
fn cancelling_while_bytes_are_awaited_ends_the_graph() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mkv"));
    let file = fs::read(dir.path().join("a.mkv")).unwrap();
    for length in [0, 20, file.len() / 2] {
        let (graph, output) = fed(json!({}), InputManager::Immediate);
        let mut graph = start(graph);
        let (input, output) = (
            graph.take_input("in").unwrap(),
            graph.take_output(&output).unwrap(),
        );
        input
            .add(Packet::new(Timestamp::ZERO, file[..length].to_vec()))
            .unwrap();
        if length > 1000 {
            assert!(output.next().is_some());
        }
        graph.control().cancel();
        let outcome = graph.wait();
        assert!(
            !matches!(outcome.result, Ok(Ending::Finished)),
            "{:?}",
            outcome.result
        );
    }
}

/// Copied by one node, decoded by another.
#[test]
fn a_decoder_decodes_what_another_one_copies() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.mp4"));
    let path = dir.path().join("a.mp4").to_str().unwrap().to_owned();
    let mut graph = GraphBuilder::new();
    let reader = graph.add(decoder(json!({"input_path": path, "video_codec": "copy"})));
    let second = graph.add(decoder(json!({})).input(reader.port("video")));
    let output = graph.graph_output(Port::from(second));
    let mut graph = start(graph);
    let output = graph.take_output(&output).unwrap();
    let video: Vec<Packet> = std::iter::from_fn(|| output.next()).collect();
    graph.wait().result.unwrap();
    assert_same(
        "copied",
        &lines(&video),
        &lines(&pictures(dir.path(), "a.mp4")),
    );
}

/// Muxed by one node, read and decoded by another, in memory.
#[test]
fn a_decoder_reads_what_an_encoder_muxes() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    let path = dir.path().join("a.mp4").to_str().unwrap().to_owned();
    let options = json!({
        "push_output": 1, "format": "mpegts", "video_params": {"codec": "mpeg2video", "pix_fmt": "yuv420p"},
    });
    let mut graph = GraphBuilder::new();
    let source = graph.add(decoder(json!({"input_path": path})));
    let encoder = Node::new("c_ffmpeg_encoder").options(Options::from_value(options).unwrap());
    let encoder = graph.add(
        encoder
            .input(source.port("video"))
            .input(source.port("audio")),
    );
    let reader = graph.add(decoder(json!({})).input(encoder));
    let output = graph.graph_output(reader.port("video"));
    let mut graph = start(graph);
    let output = graph.take_output(&output).unwrap();
    let video: Vec<Packet> = std::iter::from_fn(|| output.next()).collect();
    graph.wait().result.unwrap();
    assert_eq!(video.len(), 25);
}

/// As BMF's server mode: each job has its files, its own times and its own end.
#[test]
fn jobs_are_served_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("-an {H264} a.mp4"));
    let path = dir.path().join("a.mp4").to_str().unwrap().to_owned();
    let (graph, output) = fed(json!({}), InputManager::Server);
    let mut graph = start(graph);
    let (input, output) = (
        graph.take_input("in").unwrap(),
        graph.take_output(&output).unwrap(),
    );
    for files in [1, 2] {
        let list = vec![json!({"input_path": path}); files];
        input
            .add(Packet::new(Timestamp::ZERO, json!({"input_path": list})))
            .unwrap();
        input.end_job().unwrap();
    }
    input.end();
    let mut jobs = vec![Vec::new()];
    loop {
        match output.next_within(std::time::Duration::MAX) {
            Polled::Packet(packet) => jobs.last_mut().unwrap().push(packet.timestamp().micros()),
            Polled::JobEnded => jobs.push(Vec::new()),
            Polled::Ended | Polled::Nothing => break,
        }
    }
    graph.wait().result.unwrap();
    let times = |count: i64| (0..count).map(|n| n * 40_000).collect::<Vec<_>>();
    assert_eq!(jobs, [times(25), times(50), times(0)]);
}

#[test]
fn what_a_decoder_works_on_is_checked() {
    let mut neither = GraphBuilder::new();
    let node = neither.add(decoder(json!({})));
    neither.graph_output(node.port("video"));
    insta::assert_snapshot!(plan(neither).unwrap_err(), @r#"
    error: node 0 'c_ffmpeg_decoder_0' (c_ffmpeg_decoder) has nothing to work on
      help: set input_path, or connect input "in"
    "#);
    let (both, _) = fed(json!({"input_path": "a.mp4"}), InputManager::Immediate);
    insta::assert_snapshot!(plan(both).unwrap_err(), @r#"
    error: node 0 'c_ffmpeg_decoder_0' (c_ffmpeg_decoder): option "input_path" is set, but input "in" is connected too
      help: leave out one of the two: input_path, or the input
    "#);
    let (odd, _) = fed(
        json!({"rtsp_transport": "tcp", "map_v": "x"}),
        InputManager::Immediate,
    );
    insta::assert_snapshot!(plan(odd).unwrap_err(), @r#"
    error: node 0 'c_ffmpeg_decoder_0' (c_ffmpeg_decoder): option "map_v": expected a whole number, found string "x"
    warning: node 0 'c_ffmpeg_decoder_0' (c_ffmpeg_decoder): unknown option "rtsp_transport"
      help: it belongs in dec_params: {"rtsp_transport": …}
    "#);
}
