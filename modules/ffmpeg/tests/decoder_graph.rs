//! `c_ffmpeg_decoder` in a graph on the real engine: what its waits and those of others do to each
//! other.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;
mod graphs;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use bmf_core::config::{LinkConfig, OnFull};
use bmf_engine::{Node, Port, RunOptions};
use bmf_sdk::Options;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::clip;
use graphs::Lab;

fn decoder(lab: &mut Lab, options: Value) -> Port {
    let node = Node::new("c_ffmpeg_decoder").options(Options::from_value(options).unwrap());
    lab.graph.add(node).port("video")
}

#[test]
fn a_source_that_waits_for_its_time_can_be_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, "-an -c:v mpeg2video a.ts");
    let mut lab = Lab::new();
    // Half an hour.
    let options = json!({"input_path": dir.path().join("a.ts"), "readrate": 0.001});
    let pictures = decoder(&mut lab, options);
    let (arrived, arrivals) = mpsc::channel();
    lab.add(&[pictures], 0, move |task| {
        for _ in task.inputs_mut()[0].packets.drain(..) {
            arrived.send(()).unwrap();
        }
        Ok(Flow::Wait)
    });
    let options = RunOptions {
        workers: Some(1),
        ..RunOptions::default()
    };
    let graph = lab.plan().unwrap().start(&options).unwrap();
    arrivals.recv().unwrap();
    graph.control().cancel();
    assert_eq!(format!("{:?}", graph.wait().result), "Err(Cancelled)");
}

/// Thousands of packets of MPEG-TS that mean nothing: 15 MB, far more than the kernel keeps for a
/// connection.
const NOTHING: usize = 80;

#[test]
fn a_live_source_goes_on_while_its_consumer_stands_still() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, "-an -c:v mpeg2video -g 5 a.ts");
    let bytes = fs::read(dir.path().join("a.ts")).unwrap();
    let mut nothing = [0xff; 188];
    nothing[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    let nothing = nothing.repeat(1000);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let (all_sent, is_sent) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let half = bytes.len() / 188 / 2 * 188;
        stream.write_all(&bytes[..half]).unwrap();
        for _ in 0..NOTHING {
            stream.write_all(&nothing).unwrap();
        }
        stream.write_all(&bytes[half..]).unwrap();
        all_sent.send(()).unwrap();
    });
    let mut lab = Lab::new();
    // Otherwise Linux keeps up to 32 MB on this side, and FFmpeg looks for streams in all of it.
    let small = json!({"recv_buffer_size": 65_536, "probesize": 20_000});
    let pictures = decoder(&mut lab, json!({"input_path": url, "dec_params": small}));
    let latest = LinkConfig {
        on_full: Some(OnFull::Latest),
        ..LinkConfig::default()
    };
    let (taken, received) = mpsc::channel();
    let mut has_waited = false;
    lab.add_waiting(pictures, latest, move |task| {
        if !std::mem::replace(&mut has_waited, true) {
            is_sent.recv().unwrap();
        }
        for packet in task.inputs_mut()[0].packets.drain(..) {
            taken.send(packet.timestamp()).unwrap();
        }
        Ok(Flow::Wait)
    });
    let options = RunOptions {
        workers: Some(2),
        ..RunOptions::default()
    };
    let ran = lab.run(&options);
    assert_eq!(format!("{:?}", ran.outcome.result), "Ok(Finished)");
    let times: Vec<_> = received.iter().collect();
    // The first, and what came when the consumer went on, up to the last.
    assert!(times.len() < 50 && times.is_sorted(), "{times:?}");
    assert!(times.last().unwrap().micros() > 1_800_000);
}
