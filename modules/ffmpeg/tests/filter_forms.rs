//! Every way to write a filter node: BMF's forms, FFmpeg's notation, chains; several pads; quotes.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use bmf_sdk::hmp::{AudioFrame, Packet, PixelFormat, VideoFrame};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use bmf_sdk::{ModuleRunner, Options};
use common::{assert_same, clip, decode, ffmpeg, lines, module};

/// Runs a filter on whole streams; out come its outputs.
fn run(
    options: Value,
    inputs: &[&[Packet]],
    outputs: &[bool],
) -> Result<Vec<Vec<Packet>>, ModuleError> {
    let filter = module("c_ffmpeg_filter");
    let connected = vec![true; inputs.len()];
    let mut runner = ModuleRunner::with_connected(&*filter, options, &connected, outputs)?;
    for (port, input) in inputs.iter().enumerate() {
        for packet in *input {
            runner.push(port, packet.clone());
        }
        runner.end(port);
    }
    let _ = runner.run()?;
    Ok((0..outputs.len()).map(|port| runner.take(port)).collect())
}

fn frames(options: Value, inputs: &[&[Packet]]) -> Vec<Packet> {
    run(options, inputs, &[true]).unwrap().remove(0)
}

/// What `check` says.
fn issues(options: Value) -> String {
    let issues = module("c_ffmpeg_filter").check(&Options::from_value(options).unwrap());
    let text = |issue: &OptionIssue| {
        let hint = issue.hint.as_deref().unwrap_or("-");
        format!("{}: {} ({hint})", issue.path, issue.message)
    };
    issues.iter().map(text).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_same_graph_in_every_form() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")}))
        .unwrap()
        .video;
    let both: [&[Packet]; 2] = [&source, &source];
    let graph = "[i1]scale=32:24[small];[i0]crop=100:90[big];[big][small]overlay=x=5:y=6[o0]";
    let expected = lines(&frames(json!({ "graph": graph }), &both));
    // What BMF's optimizer makes of three nodes: streams by number, links by pins.
    let merged = json!({"filters": [
        {"name": "scale", "para": "32:24", "inputs": [{"stream": 1, "pin": 0}], "outputs": [],
         "links": [{"input_pin": 0, "output_pin": 1, "output_filter": 2}]},
        {"name": "crop", "para": "100:90", "inputs": [{"stream": 0, "pin": 0}], "outputs": [],
         "links": [{"input_pin": 0, "output_pin": 0, "output_filter": 2}]},
        {"name": "overlay", "para": "x=5:y=6", "inputs": [], "outputs": [{"stream": 0, "pin": 0}]},
    ]});
    assert_same("merged by BMF", &lines(&frames(merged, &both)), &expected);
    let small = frames(json!({"name": "scale", "para": "32:24"}), &[&source]);
    let converted = json!({"filters": [{"name": "crop", "para": "100:90",
        "inputs": [{"stream": "0", "pin": 0}], "outputs": [{"stream": "0", "pin": 0}]}]});
    let big = frames(converted, &[&source]);
    let over = frames(
        json!({"name": "overlay", "para": "x=5:y=6"}),
        &[&big, &small],
    );
    assert_same("one by one", &lines(&over), &expected);
    let chain = json!({"chain": [
        {"graph": "[i1]scale=32:24[s];[i0]crop=100:90[b];[b][s]overlay=x=5:y=6"},
        {"name": "null"},
        {"filters": [{"name": "null", "inputs": [{"pin": 0}], "outputs": [{"pin": 0}]}]},
    ]});
    assert_same("a chain", &lines(&frames(chain, &both)), &expected);
}

#[test]
fn parameters_need_no_quoting_and_may_have_it() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")}))
        .unwrap()
        .video;
    let expected = lines(&frames(
        json!({"graph": "select='not(mod(n\\,3))'"}),
        &[&source],
    ));
    for para in [
        "not(mod(n,3))",
        "'not(mod(n,3))'",
        "expr='not(mod(n,3))'",
        "not(mod(n\\,3))",
    ] {
        let ours = frames(json!({"name": "select", "para": para}), &[&source]);
        assert_same(para, &lines(&ours), &expected);
    }
}

#[test]
fn all_outputs_of_a_filter_can_be_had() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")})).unwrap();
    let mono = run(
        json!({"name": "channelsplit"}),
        &[&source.audio],
        &[true, true],
    )
    .unwrap();
    for (index, channel) in mono.iter().enumerate() {
        assert_eq!(channel[0].get::<AudioFrame>().unwrap().channels(), 1);
        let pan = json!({"name": "pan", "para": format!("mono|c0=c{index}")});
        assert_same(
            "channel",
            &lines(channel),
            &lines(&frames(pan, &[&source.audio])),
        );
    }
    let both = run(
        json!({"name": "asplit", "para": 2}),
        &[&source.audio],
        &[true, true],
    )
    .unwrap();
    assert_same("asplit", &lines(&both[0]), &lines(&both[1]));
    let planes = json!({"name": "extractplanes", "para": "y+u+v"});
    let planes = run(planes, &[&source.video], &[true, true, true]).unwrap();
    let size = |packets: &[Packet]| {
        let frame = packets[0].get::<VideoFrame>().unwrap();
        (frame.format(), frame.width(), packets.len())
    };
    assert_eq!(size(&planes[0]), (PixelFormat::Gray, 128, 25));
    assert_eq!(size(&planes[2]), (PixelFormat::Gray, 64, 25));
    // What nobody takes is thrown away, wherever it stands.
    let last = run(
        json!({"name": "split", "para": 3}),
        &[&source.video],
        &[false, false, true],
    );
    assert_eq!(last.unwrap()[2].len(), 25);
    let sunk = frames(
        json!({"graph": "[i0]split[o0][a];[a]nullsink"}),
        &[&source.video],
    );
    assert_eq!(sunk.len(), 25);
}

#[test]
fn filters_take_as_many_inputs_as_they_are_told() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")})).unwrap();
    let (video, audio) = (source.video.as_slice(), source.audio.as_slice());
    let grid = "inputs=4:layout=0_0|w0_0|0_h0|w0_h0";
    let graphs = [
        ("hstack", "3", 3, "hstack=3"),
        (
            "xstack",
            grid,
            4,
            "xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0",
        ),
        ("concat", "n=3", 3, "concat=n=3"),
    ];
    for (name, para, count, command) in graphs {
        let ours = frames(json!({"name": name, "para": para}), &vec![video; count]);
        let labels = "[0:v]".repeat(count);
        let listed = ffmpeg(
            dir.path(),
            &format!(
                "-i a.mp4 -filter_complex {labels}{command}[o] -map [o] -fps_mode passthrough -c:v rawvideo -f framehash -hash md5 -"
            ),
        );
        let hash = |line: &str| line.rsplit([',', ' ']).next().unwrap().to_owned();
        let theirs: Vec<_> = listed
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(hash)
            .collect();
        let text = lines(&ours);
        let ours: Vec<_> = text.lines().skip(1).map(hash).collect();
        assert_eq!(ours, theirs, "{name}");
    }
    // Pictures and sound by turns, as concat wants them.
    let joined = json!({"name": "concat", "para": "n=2:v=1:a=1"});
    let joined = run(joined, &[video, audio, video, audio], &[true, true]).unwrap();
    assert_eq!(joined[0].len(), 50);
    let samples = |packets: &[Packet]| -> usize {
        let frames = packets
            .iter()
            .map(|packet| packet.get::<AudioFrame>().unwrap());
        frames.map(AudioFrame::samples).sum()
    };
    assert!(samples(&joined[1]) >= 2 * samples(audio));
    assert_eq!(
        samples(&frames(
            json!({"name": "amix", "para": "inputs=3"}),
            &[audio; 3]
        )),
        samples(audio)
    );
}

#[test]
fn a_flushed_node_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")}))
        .unwrap()
        .video;
    let expected = frames(json!({"name": "fade", "para": "d=0.4"}), &[&source]);
    for options in [
        json!({"name": "fade", "para": "d=0.4"}),
        json!({"chain": [{"name": "null"}, {"name": "fade", "para": "d=0.4"}]}),
    ] {
        let filter = module("c_ffmpeg_filter");
        let mut runner = ModuleRunner::with_ports(&*filter, options, 1, 1).unwrap();
        for packet in &source[5..9] {
            runner.push(0, packet.clone());
        }
        let _ = runner.run().unwrap();
        runner.flush(None).unwrap();
        let _ = runner.take(0);
        for packet in &source {
            runner.push(0, packet.clone());
        }
        runner.end(0);
        let _ = runner.run().unwrap();
        assert_same("after a flush", &lines(&runner.take(0)), &lines(&expected));
    }
}

#[test]
fn what_cannot_be_is_told_where_it_is_written() {
    insta::assert_snapshot!(issues(json!({"chain": [{"name": "hflip"}, {"name": "vfilp"}]})), @r#"chain.1.name: there is no filter "vfilp" (did you mean "vflip"?)"#);
    insta::assert_snapshot!(issues(json!({"chain": [{"name": "hflip"}, {}]})), @r#"chain.1: no filter is named (set "name" (and "para"), "filters" or "graph")"#);
    insta::assert_snapshot!(issues(json!({"chain": [{"chain": [{"name": "hflip"}]}]})), @"chain.0.chain: a chain in a chain (-)");
    insta::assert_snapshot!(issues(json!({"chain": [{"name": "hflip"}], "threads": 2})), @r#"threads: a chain has none; its stages have (write "threads" into an element of "chain")"#);
    insta::assert_snapshot!(issues(json!({"name": "eq", "commands": [{"time": 1, "target": "qe", "command": "x"}]})), @r#"commands.0.target: there is no filter "qe" here (its filters are: eq)"#);
    insta::assert_snapshot!(issues(json!({"name": "eq", "commands": [{"time": 1, "comand": "x"}]})), @r#"
    commands.0.comand: unknown option "commands.0.comand" (-)
    commands.0.command: no command is named (-)
    "#);
    insta::assert_snapshot!(issues(json!({"name": "eq", "alias": "bright"})), @r#"alias: unknown option "alias" (-)"#);
}
