//! Graphs with several branches around filters on the real engine, with neighbours merged and apart:
//! what they give is what the `ffmpeg` command gives.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;
mod graphs;

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bmf_engine::{Node, NodeRef, Port, RunOptions};
use bmf_sdk::hmp::{AudioFrame, Packet, Rational, VideoFrame};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::json;
use common::{assert_same, decode, ffmpeg, lines};
use graphs::Lab;

/// A run that takes so long hangs.
const DEADLINE: Duration = Duration::from_secs(60);

fn decoder(lab: &mut Lab, path: &Path) -> NodeRef {
    let path = path.to_str().unwrap();
    let node = Node::new("c_ffmpeg_decoder").option("input_path", path);
    lab.graph.add(node)
}

/// BMF's `pass_through`.
fn pass(lab: &mut Lab, input: Port) -> Port {
    let work = |task: &mut Task| {
        while let Some(packet) = task.pop(0) {
            task.push(0, packet);
        }
        Ok(Flow::Wait)
    };
    lab.add(&[input], 1, work).unwrap()
}

fn run(lab: Lab) -> Vec<Vec<Packet>> {
    let options = RunOptions {
        workers: Some(4),
        time_out: Some(DEADLINE),
        ..RunOptions::default()
    };
    let ran = lab.run(&options);
    ran.outcome.result.unwrap();
    ran.sinks
}

/// What the command gives for a filter graph of several inputs, in our time base.
fn check(dir: &Path, inputs: &str, graph: &str, ours: &[Packet]) {
    let text = lines(ours);
    let base = text
        .lines()
        .next()
        .unwrap()
        .trim_start_matches("tb ")
        .to_owned();
    let raw = format!("-fps_mode passthrough -enc_time_base:v {base} -c:v rawvideo -c:a pcm_f32le");
    let command =
        format!("{inputs} -filter_complex {graph} -map [o] {raw} -f framehash -hash md5 -");
    let listed = ffmpeg(dir, &command);
    let mut theirs = format!("tb {base}\n");
    for line in listed.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        theirs.push_str(&format!("{} {} {}\n", fields[2], fields[4], fields[5]));
    }
    assert_same(graph, &text, &theirs);
}

#[test]
fn branches_with_two_filters_each_meet_in_concat() {
    let dir = tempfile::tempdir().unwrap();
    for (name, size) in [("a", "64x48"), ("b", "32x32"), ("c", "80x60")] {
        let make = format!("-f lavfi -i testsrc2=s={size}:r=25:d=0.6 -c:v mpeg4 -q:v 3 {name}.mp4");
        ffmpeg(dir.path(), &make);
    }
    for (branches, merged) in [(2, true), (2, false), (3, true), (3, false)] {
        let mut lab = Lab::new().merging(merged);
        let mut ends = Vec::new();
        for name in &["a", "b", "c"][..branches] {
            let source = decoder(&mut lab, &dir.path().join(format!("{name}.mp4")));
            let scaled = lab.filter(
                json!({"name": "scale", "para": "40:30"}),
                &[source.port("video")],
            );
            let sar = lab.filter(json!({"name": "setsar", "para": "1"}), &[scaled]);
            let passed = pass(&mut lab, sar);
            ends.push(lab.filter(json!({"name": "hflip"}), &[passed]));
        }
        let joined = json!({"name": "concat", "para": format!("n={branches}:v=1:a=0")});
        let out = lab.filter(joined, &ends);
        lab.collect(out);
        let ours = run(lab).remove(0);
        assert_eq!(ours.len(), 15 * branches);
        let chain = |index: usize| format!("[{index}:v]scale=40:30,setsar=1,hflip[b{index}];");
        let chains: String = (0..branches).map(chain).collect();
        let labels: String = (0..branches).map(|index| format!("[b{index}]")).collect();
        let graph = format!("{chains}{labels}concat=n={branches}:v=1:a=0[o]");
        let inputs = ["-i a.mp4", "-i b.mp4", "-i c.mp4"][..branches].join(" ");
        check(dir.path(), &inputs, &graph, &ours);
    }
}

#[test]
fn inputs_of_two_rates_are_concatenated_at_a_sane_rate() {
    let dir = tempfile::tempdir().unwrap();
    for (name, rate) in [("a", "30000/1001"), ("b", "30")] {
        let make =
            format!("-f lavfi -i testsrc2=s=64x48:r={rate}:d=1 -c:v mpeg4 -q:v 3 {name}.mp4");
        ffmpeg(dir.path(), &make);
    }
    let file = dir.path().join("ours.mp4");
    let mut lab = Lab::new();
    let ends: Vec<Port> = ["a", "b"]
        .map(|name| decoder(&mut lab, &dir.path().join(format!("{name}.mp4"))).port("video"))
        .into();
    let out = lab.filter(json!({"name": "concat", "para": "n=2"}), &ends);
    let video = json!({"codec": "mpeg4", "qscale": 3});
    let encoder = Node::new("c_ffmpeg_encoder")
        .option("output_path", file.to_str().unwrap())
        .option("video_params", video);
    lab.graph.add(encoder.input(out.clone()));
    lab.collect(out);
    let ours = run(lab).remove(0);
    let inputs = "-i a.mp4 -i b.mp4";
    check(dir.path(), inputs, "[0:v][1:v]concat=n=2[o]", &ours);
    // The command's own mpeg4 encoder refuses what concat says here: a million ticks per second.
    let back = decode(json!({"input_path": file})).unwrap().video;
    assert_eq!(back.len(), 60);
    let seconds = back.last().unwrap().timestamp().as_secs_f64();
    assert!((seconds - 59.0 / 30.0).abs() < 0.02, "{seconds}");
    let rate = back[0].get::<VideoFrame>().unwrap().frame_rate.unwrap();
    assert!((29.0..31.0).contains(&rate.as_f64()), "{rate}");
}

/// How far two fast branches have come.
#[derive(Default)]
struct Gate {
    fast: Mutex<[usize; 2]>,
    moved: Condvar,
}

#[test]
fn a_slow_branch_holds_the_others_up_by_its_queues_only() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -c:v mpeg4 a.mp4",
    );
    let mut lab = Lab::new();
    let source = decoder(&mut lab, &dir.path().join("a.mp4")).port("video");
    let gate = Arc::new(Gate::default());
    let small = |width: u32| json!({"name": "scale", "para": format!("{width}:-2")});
    for index in 0..2 {
        let branch = lab.filter(small(32), std::slice::from_ref(&source));
        let gate = Arc::clone(&gate);
        lab.add(&[branch], 0, move |task| {
            let taken = task.inputs_mut()[0].packets.drain(..).count();
            gate.fast.lock().unwrap()[index] += taken;
            gate.moved.notify_all();
            Ok(Flow::Wait)
        });
    }
    let slow = lab.filter(small(16), &[source]);
    let mut taken = 0;
    lab.add(&[slow], 0, move |task| {
        while task.pop(0).is_some() {
            taken += 1;
            // At least one queue of five fills up before anybody waits for this branch.
            let least = (taken + 5).min(50);
            let fast = gate.fast.lock().unwrap();
            let behind = |fast: &mut [usize; 2]| fast.iter().any(|&count| count < least);
            let waited = gate.moved.wait_timeout_while(fast, DEADLINE, behind);
            let (fast, waited) = waited.unwrap();
            if waited.timed_out() {
                let message = format!("after {taken} frames here the others had {fast:?}");
                return Err(ModuleError::new(message));
            }
        }
        Ok(Flow::Wait)
    });
    run(lab);
}

#[test]
fn an_input_that_ends_first_leaves_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc2=s=64x48:r=25:d=0.4 -f lavfi -i sine=d=0.4 a.mkv",
    );
    let source = decode(json!({"input_path": dir.path().join("a.mkv")})).unwrap();
    for (filter, packets) in [
        ("concat=n=2", &source.video),
        ("amix", &source.audio),
        ("hstack", &source.video),
    ] {
        for empty in [0, 1] {
            let mut lab = Lab::new();
            let mut ends = vec![lab.feed(packets)];
            let none = lab.feed(&[]);
            ends.insert(empty, none);
            let out = lab.filter(json!({"graph": filter}), &ends);
            lab.collect(out);
            let ours = run(lab).remove(0);
            // Pictures side by side need both; nothing hangs for that.
            assert_eq!(
                ours.is_empty(),
                filter == "hstack",
                "{filter}, input {empty} is empty"
            );
        }
    }
}

#[test]
fn sound_of_two_rates_stays_in_step() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(dir.path(), "-f lavfi -i sine=f=300:r=44100:d=3 a.mkv");
    ffmpeg(dir.path(), "-f lavfi -i sine=f=500:r=48000:d=3 b.mkv");
    for merged in [true, false] {
        let mut lab = Lab::new().merging(merged);
        let a = decoder(&mut lab, &dir.path().join("a.mkv")).port("audio");
        let b = decoder(&mut lab, &dir.path().join("b.mkv")).port("audio");
        let resample = json!({"name": "aresample", "para": "48000"});
        let a = lab.filter(resample.clone(), &[a]);
        let b = lab.filter(resample, &[b]);
        lab.collect(a.clone());
        let mixed = lab.filter(json!({"name": "amix"}), &[a, b]);
        lab.collect(mixed);
        let sinks = run(lab);
        let samples = |packets: &[Packet]| -> usize {
            let frames = packets
                .iter()
                .map(|packet| packet.get::<AudioFrame>().unwrap());
            frames
                .inspect(|frame| assert_eq!(frame.sample_rate(), 48_000))
                .map(AudioFrame::samples)
                .sum()
        };
        let source = decode(json!({"input_path": dir.path().join("a.mkv")})).unwrap();
        let read: usize = source
            .audio
            .iter()
            .map(|packet| packet.get::<AudioFrame>().unwrap().samples())
            .sum();
        let expected = read * 48_000 / 44_100;
        assert!(
            samples(&sinks[0]).abs_diff(expected) <= 1024,
            "{} {expected}",
            samples(&sinks[0])
        );
        check(
            dir.path(),
            "-i a.mkv -i b.mkv",
            "[0:a]aresample=48000[a];[1:a]aresample=48000[b];[a][b]amix[o]",
            &sinks[1],
        );
    }
}

#[test]
fn an_endless_source_stops_when_nobody_wants_more() {
    let mut lab = Lab::new();
    let color = lab.filter(json!({"name": "color", "para": "s=32x32:r=10"}), &[]);
    let silence = lab.filter(json!({"name": "anullsrc", "para": "r=8000:cl=mono"}), &[]);
    let mut left = 5;
    lab.add(&[color, silence], 0, move |task| {
        left -= task.inputs_mut()[0].packets.drain(..).count().min(left);
        task.inputs_mut()[1].packets.clear();
        Ok(if left == 0 { Flow::Done } else { Flow::Wait })
    });
    run(lab);
}

#[test]
fn a_rate_is_known_behind_every_filter_that_knows_it() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc2=s=64x48:r=30000/1001:d=0.3 -c:v mpeg4 a.mp4",
    );
    for (filter, rate) in [
        ("hflip", "30000/1001"),
        ("fps=24", "24/1"),
        ("settb=1/500", "30000/1001"),
    ] {
        let mut lab = Lab::new();
        let source = decoder(&mut lab, &dir.path().join("a.mp4")).port("video");
        let out = lab.filter(json!({"graph": filter}), &[source]);
        let out = lab.filter(json!({"name": "null"}), &[out]);
        lab.collect(out);
        let ours = run(lab).remove(0);
        let known: Option<Rational> = ours[0].get::<VideoFrame>().unwrap().frame_rate;
        assert_eq!(known.unwrap().to_string(), rate, "{filter}");
    }
}
