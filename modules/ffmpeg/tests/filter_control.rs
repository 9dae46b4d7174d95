//! `c_ffmpeg_filter` while it runs: formats that change, commands, against the `ffmpeg` command.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::path::Path;

use bmf_sdk::ModuleRunner;
use bmf_sdk::hmp::{AudioFrame, Packet, VideoFrame};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use common::{assert_same, decode, ffmpeg, lines, module};

/// Runs a filter with one output on streams that arrive packet by packet in turn.
fn run(options: Value, inputs: &[&[Packet]]) -> Result<(Vec<Packet>, Report), ModuleError> {
    let filter = module("c_ffmpeg_filter");
    let mut runner = ModuleRunner::with_ports(&*filter, options, inputs.len(), 1)?;
    let longest = inputs.iter().map(|input| input.len()).max().unwrap_or(0);
    let mut flow = Flow::More;
    for index in 0..=longest {
        for (port, input) in inputs.iter().enumerate() {
            match input.get(index) {
                Some(packet) => runner.push(port, packet.clone()),
                None => runner.end(port),
            }
        }
        if flow != Flow::Done {
            flow = runner.run()?;
        }
    }
    let frames = runner.take(0);
    Ok((frames, runner.close(Ending::Finished)?))
}

/// What the command gives, in our time base.
fn check(dir: &Path, command: &str, ours: &[Packet]) {
    let text = lines(ours);
    let base = text
        .lines()
        .next()
        .unwrap()
        .trim_start_matches("tb ")
        .to_owned();
    let pace =
        format!("-fps_mode passthrough -enc_time_base:v {base} -c:a pcm_s16le -c:v rawvideo");
    let listed = ffmpeg(dir, &format!("{command} {pace} -f framehash -hash md5 -"));
    let mut theirs = format!("tb {base}\n");
    for line in listed.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        theirs.push_str(&format!("{} {} {}\n", fields[2], fields[4], fields[5]));
    }
    assert_same(command, &text, &theirs);
}

/// A stream of two parts, the second of another size.
fn two_sizes(dir: &Path, name: &str, sizes: [&str; 2]) -> Vec<Packet> {
    for (number, size) in sizes.iter().enumerate() {
        ffmpeg(
            dir,
            &format!(
                "-f lavfi -i testsrc2=s={size}:r=25:d=0.4 -c:v mpeg2video -q:v 3 part{number}.ts"
            ),
        );
    }
    let part = |number: usize| std::fs::read(dir.join(format!("part{number}.ts"))).unwrap();
    std::fs::write(dir.join(name), [part(0), part(1)].concat()).unwrap();
    decode(json!({"input_path": dir.join(name)})).unwrap().video
}

fn sizes(packets: &[Packet]) -> Vec<(u32, u32)> {
    let mut sizes: Vec<_> = packets
        .iter()
        .map(|packet| packet.get::<VideoFrame>().unwrap())
        .map(|frame| (frame.width(), frame.height()))
        .collect();
    sizes.dedup();
    sizes
}

#[test]
fn a_size_that_changes_reaches_one_input_and_several() {
    let dir = tempfile::tempdir().unwrap();
    let main = two_sizes(dir.path(), "main.ts", ["128x96", "64x96"]);
    let (same, report) = run(json!({"name": "hflip"}), &[&main]).unwrap();
    assert_eq!(sizes(&same), [(128, 96), (64, 96)]);
    assert_eq!(report.counters.get("format_changes"), Some(1));
    let (scaled, _) = run(json!({"name": "scale", "para": "80:60"}), &[&main]).unwrap();
    check(dir.path(), "-i main.ts -vf scale=80:60", &scaled);

    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc=s=32x32:r=25:d=0.8 -c:v ffv1 -pix_fmt yuv420p logo.mkv",
    );
    let logo = decode(json!({"input_path": dir.path().join("logo.mkv")}))
        .unwrap()
        .video;
    let (over, report) = run(json!({"name": "overlay", "para": "4:4"}), &[&main, &logo]).unwrap();
    assert_eq!(sizes(&over), [(128, 96), (64, 96)]);
    assert_eq!(over.len(), main.len());
    assert_eq!(report.counters.get("format_changes"), Some(1));

    let logo = two_sizes(dir.path(), "logo.ts", ["32x32", "16x16"]);
    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc2=s=128x96:r=25:d=0.8 -c:v ffv1 -pix_fmt yuv420p m.mkv",
    );
    let main = decode(json!({"input_path": dir.path().join("m.mkv")}))
        .unwrap()
        .video;
    let (over, report) = run(json!({"name": "overlay", "para": "4:4"}), &[&main, &logo]).unwrap();
    assert_eq!(sizes(&over), [(128, 96)]);
    check(
        dir.path(),
        "-i m.mkv -i logo.ts -filter_complex [0:v][1:v]overlay=4:4",
        &over,
    );
    assert_eq!(report.counters.get("format_changes"), Some(1));
}

#[test]
fn a_rate_and_a_layout_that_change_are_resampled() {
    let dir = tempfile::tempdir().unwrap();
    let tone = |rate: u32, channels: u32, start: u32| {
        let name = format!("{rate}_{channels}.wav");
        ffmpeg(
            dir.path(),
            &format!("-f lavfi -i sine=r={rate}:d=0.5 -ac {channels} -c:a pcm_s16le {name}"),
        );
        let packets = decode(json!({"input_path": dir.path().join(name)}))
            .unwrap()
            .audio;
        let later = packets.into_iter().map(move |packet| {
            let mut frame = packet.into_inner_or_clone::<AudioFrame>().unwrap();
            frame.pts = frame.pts.map(|pts| pts + i64::from(start * rate) / 2);
            Packet::new(frame.timestamp().unwrap(), frame)
        });
        later.collect::<Vec<_>>()
    };
    let parts = [tone(44100, 1, 0), tone(22050, 1, 1), tone(22050, 2, 2)];
    let all: Vec<Packet> = parts.iter().flatten().cloned().collect();
    let options = json!({"name": "aformat", "para": "sample_rates=48000:channel_layouts=stereo"});
    let (ours, report) = run(options, &[&all]).unwrap();
    assert_eq!(report.counters.get("format_changes"), Some(2));
    let frames = ours
        .iter()
        .map(|packet| packet.get::<AudioFrame>().unwrap());
    let frames: Vec<&AudioFrame> = frames.collect();
    assert!(
        frames
            .iter()
            .all(|frame| (frame.sample_rate(), frame.channels()) == (48000, 2))
    );
    // Nothing is lost at a change but what rounding takes: half a second of each part.
    let samples: usize = frames.iter().map(|frame| frame.samples()).sum();
    assert!(samples.abs_diff(72_000) <= 6, "{samples}");
}

#[test]
fn commands_take_effect_at_their_times() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc2=s=64x48:r=25:d=1 -f lavfi -i sine=d=1 -c:v ffv1 -pix_fmt yuv420p -c:a pcm_s16le a.mkv",
    );
    let source = decode(json!({"input_path": dir.path().join("a.mkv")})).unwrap();
    let (ours, _) = run(
        json!({"name": "eq", "para": "brightness=0", "commands": [
            {"time": 0.4, "command": "brightness", "arg": 0.3},
            {"time": 0.2, "target": "eq", "command": "contrast", "arg": "1.5"},
        ]}),
        &[&source.video],
    )
    .unwrap();
    let commands = |text: &str| std::fs::write(dir.path().join("commands"), text).unwrap();
    commands("0.2 eq contrast 1.5; 0.4 eq brightness 0.3;");
    check(
        dir.path(),
        "-i a.mkv -an -vf sendcmd=f=commands,eq=brightness=0",
        &ours,
    );
    let (ours, _) = run(
        json!({"graph": "split[a][b];[b]scale=16:16[s];[a][s]overlay@logo=x=0", "commands": [
            {"time": 0.5, "target": "overlay@logo", "command": "x", "arg": "20"},
        ]}),
        &[&source.video],
    )
    .unwrap();
    commands("0.5 overlay x 20;");
    check(
        dir.path(),
        "-i a.mkv -an -vf split[a][b];[b]scale=16:16[s];[a]sendcmd=f=commands[c];[c][s]overlay=x=0",
        &ours,
    );
    let (ours, _) = run(
        json!({"name": "volume", "para": "1:precision=fixed", "commands": [{"time": 0.5, "command": "volume", "arg": 0.25}]}),
        &[&source.audio],
    )
    .unwrap();
    commands("0.5 volume volume 0.25;");
    check(
        dir.path(),
        "-i a.mkv -vn -af asendcmd=f=commands,volume=1:precision=fixed",
        &ours,
    );
    let to_all = json!([{"time": 0.4, "target": "all", "command": "brightness", "arg": 0.3}]);
    let (ours, _) = run(
        json!({"graph": "hflip,eq=brightness=0,vflip", "commands": to_all}),
        &[&source.video],
    )
    .unwrap();
    commands("0.4 eq brightness 0.3;");
    check(
        dir.path(),
        "-i a.mkv -an -vf hflip,sendcmd=f=commands,eq=brightness=0,vflip",
        &ours,
    );
    let unknown = json!({"name": "eq", "commands": [{"time": 0.4, "command": "shine", "arg": 1}]});
    let error = run(unknown, &[&source.video]).unwrap_err();
    insta::assert_snapshot!(error, @r#"filter "eq": no filter takes the command 'shine'"#);
}
