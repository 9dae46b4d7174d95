//! `c_ffmpeg_filter` against the `ffmpeg` command: same frames, same times.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::path::Path;

use bmf_sdk::hmp::{AudioFrame, Packet, VideoFrame};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use bmf_sdk::{ModuleRunner, Options};
use common::{assert_same, clip, decode, ffmpeg, lines, module};

/// Runs a filter on streams that arrive packet by packet in turn; out come its outputs.
fn run(
    options: Value,
    inputs: &[&[Packet]],
    outputs: usize,
) -> Result<(Vec<Vec<Packet>>, Report), ModuleError> {
    let filter = module("c_ffmpeg_filter");
    let mut runner = ModuleRunner::with_ports(&*filter, options, inputs.len(), outputs)?;
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
    assert_eq!(flow, Flow::Done);
    let frames = (0..outputs).map(|port| runner.take(port)).collect();
    Ok((frames, runner.close(Ending::Finished)?))
}

/// The frames of the first output, where there is nothing to complain about.
fn frames(options: Value, inputs: &[&[Packet]]) -> Vec<Packet> {
    let (mut outputs, report) = run(options, inputs, 1).unwrap();
    assert_eq!(report.warnings, [""; 0]);
    outputs.remove(0)
}

fn message(options: Value, inputs: &[&[Packet]], outputs: usize) -> String {
    match run(options, inputs, outputs) {
        Ok(_) => "fine".to_owned(),
        Err(error) => match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        },
    }
}

/// Compares with what the command gives for one stream, in our time base. The command's own choice
/// of an audio encoder would change the samples, so it gets the raw one of our format.
fn check(dir: &Path, input: &str, stream: &str, ours: &[Packet]) {
    assert!(!ours.is_empty(), "{input}");
    let ours_text = lines(ours);
    let (base, _) = ours_text
        .strip_prefix("tb ")
        .unwrap()
        .split_once('\n')
        .unwrap();
    let codec = match ours[0]
        .get::<AudioFrame>()
        .map(|frame| frame.sample_format().name(false))
    {
        None => "-c:v rawvideo",
        Some("flt") => "-c:a pcm_f32le",
        Some("dbl") => "-c:a pcm_f64le",
        Some(_) => "-c:a pcm_s16le",
    };
    let pace = "-fps_mode passthrough -enc_time_base:v";
    let listed = ffmpeg(
        dir,
        &format!("{input} -map {stream} {codec} {pace} {base} -f framehash -hash md5 -"),
    );
    let mut theirs = format!("tb {base}\n");
    for line in listed.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        theirs.push_str(&format!("{} {} {}\n", fields[2], fields[4], fields[5]));
    }
    assert_same(input, &ours_text, &theirs);
}

#[test]
fn one_filter_gives_the_frames_of_the_command() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")})).unwrap();
    let video = [
        ("scale", "64:48"),
        ("scale", "w=200:h=-2:flags=lanczos"),
        ("fps", "10"),
        ("fps", "60"),
        ("tpad", "stop_duration=0.2:stop_mode=clone"),
        ("select", "not(mod(n,3))"),
        ("yadif", ""),
        ("setpts", "2*PTS"),
        ("format", "rgb24"),
        ("crop", "63:47:1:1"),
        ("reverse", ""),
    ];
    for (name, para) in video {
        let ours = frames(json!({"name": name, "para": para}), &[&source.video]);
        check(
            dir.path(),
            &format!("-i a.mp4 -vf {name}={}", para.replace(',', "\\,")),
            "0:v",
            &ours,
        );
    }
    let audio = [
        ("atempo", "1.5"),
        ("aresample", "48000"),
        ("volume", "0.5"),
        ("apad", "whole_dur=1.5"),
    ];
    for (name, para) in audio {
        let ours = frames(json!({"name": name, "para": para}), &[&source.audio]);
        check(
            dir.path(),
            &format!("-i a.mp4 -af {name}={para}"),
            "0:a",
            &ours,
        );
    }
}

#[test]
fn several_inputs_meet_at_their_times() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, "a.mp4");
    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc=s=48x32:r=10:d=1 -f lavfi -i sine=d=1:r=22050 b.mkv",
    );
    let a = decode(json!({"input_path": dir.path().join("a.mp4")})).unwrap();
    let b = decode(json!({"input_path": dir.path().join("b.mkv")})).unwrap();
    let both = "-i a.mp4 -i b.mkv -filter_complex";

    let ours = frames(
        json!({"name": "overlay", "para": "8:4"}),
        &[&a.video, &b.video],
    );
    check(
        dir.path(),
        &format!("{both} [0:v][1:v]overlay=8:4[o]"),
        "[o]",
        &ours,
    );
    let ours = frames(
        json!({"graph": "[i1]scale=64:48[s];[s][i0]overlay=eof_action=pass[o0]"}),
        &[&a.video, &b.video],
    );
    check(
        dir.path(),
        &format!("{both} [1:v]scale=64:48[s];[s][0:v]overlay=eof_action=pass[o]"),
        "[o]",
        &ours,
    );
    let ours = frames(json!({"name": "amix"}), &[&a.audio, &b.audio]);
    check(
        dir.path(),
        &format!("{both} [0:a][1:a]amix[o]"),
        "[o]",
        &ours,
    );
    let ours = frames(
        json!({"filters": [
            {"name": "hflip", "inputs": [{"stream": 0, "pin": 0}], "links": [{"input_pin": 0, "output_pin": 0, "output_filter": 1}]},
            {"name": "overlay", "para": "x=2", "inputs": [{"stream": 1, "pin": 1}], "outputs": [{"stream": 0, "pin": 0}]},
        ]}),
        &[&a.video, &b.video],
    );
    check(
        dir.path(),
        &format!("{both} [0:v]hflip[h];[h][1:v]overlay=x=2[o]"),
        "[o]",
        &ours,
    );
}

#[test]
fn several_outputs_and_none_lost() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")})).unwrap();
    let (outputs, _) = run(json!({"name": "split"}), &[&source.video], 2).unwrap();
    assert_eq!(outputs.iter().map(Vec::len).collect::<Vec<_>>(), [25, 25]);
    assert_same("split", &lines(&outputs[0]), &lines(&source.video));
    // Pixels are passed by reference, not copied.
    let address = |packet: &Packet| {
        packet.get::<VideoFrame>().unwrap().planes()[0]
            .buffer()
            .as_ptr()
    };
    assert_eq!(address(&outputs[0][3]), address(&source.video[3]));
    assert_eq!(address(&outputs[1][3]), address(&source.video[3]));

    let graph = "[i0]split=3[o2][a][o0];[a]vflip[o1]";
    let (outputs, report) = run(json!({"graph": graph}), &[&source.video], 3).unwrap();
    assert_eq!(
        outputs.iter().map(Vec::len).collect::<Vec<_>>(),
        [25, 25, 25]
    );
    check(dir.path(), "-i a.mp4 -vf vflip", "0:v", &outputs[1]);
    assert_eq!(
        report.counters,
        [("frames_in", 25), ("frames_out", 75), ("format_changes", 0)].into()
    );
    // One of two outputs may be left unconnected.
    let (outputs, _) = run(json!({"name": "split"}), &[&source.video], 1).unwrap();
    assert_eq!(outputs[0].len(), 25);
}

#[test]
fn filters_without_inputs_are_sources() {
    let dir = tempfile::tempdir().unwrap();
    let ours = frames(
        json!({"name": "anullsrc", "para": "r=8000:cl=mono:d=1"}),
        &[],
    );
    let samples: usize = ours
        .iter()
        .map(|packet| packet.get::<AudioFrame>().unwrap().samples())
        .sum();
    assert_eq!(samples, 8000);
    let ours = frames(
        json!({"name": "testsrc", "para": "s=32x32:r=30000/1001:d=1"}),
        &[],
    );
    check(
        dir.path(),
        "-f lavfi -i testsrc=s=32x32:r=30000/1001:d=1",
        "0:v",
        &ours,
    );
    assert_eq!(ours[1].timestamp().micros(), 33367);
}

#[test]
fn an_endless_source_works_in_portions() {
    let filter = module("c_ffmpeg_filter");
    let options = json!({"graph": "testsrc=s=16x16,split[o0][o1]"});
    let mut runner = ModuleRunner::with_ports(&*filter, options, 0, 2).unwrap();
    assert_eq!(runner.step().unwrap(), Flow::More);
    let counts = (runner.take(0).len(), runner.take(1).len());
    assert!(
        counts.0 == counts.1 && counts.0 > 0 && counts.0 < 100,
        "{counts:?}"
    );
}

#[test]
fn a_filter_that_has_enough_ends_the_node() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")})).unwrap();
    let ours = frames(
        json!({"name": "trim", "para": "end_frame=5"}),
        &[&source.video],
    );
    assert_eq!(ours.len(), 5);
}

#[test]
fn a_new_format_makes_a_new_graph() {
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(
        dir.path(),
        "-f lavfi -i testsrc2=s=128x96:d=1 -f lavfi -i testsrc2=s=64x96:d=1 -map 0 a.ts -map 1 b.ts",
    );
    let parts = ["a.ts", "b.ts"].map(|name| std::fs::read(dir.path().join(name)).unwrap());
    std::fs::write(dir.path().join("ab.ts"), parts.concat()).unwrap();
    let source = decode(json!({"input_path": dir.path().join("ab.ts")})).unwrap();
    let (outputs, report) = run(
        json!({"name": "scale", "para": "80:60"}),
        &[&source.video],
        1,
    )
    .unwrap();
    check(dir.path(), "-i ab.ts -vf scale=80:60", "0:v", &outputs[0]);
    assert_eq!(report.counters.get("format_changes"), Some(1));
    // Filters that hold frames back give them before the change; the command loses them.
    let (outputs, _) = run(
        json!({"name": "tmix", "para": "frames=3"}),
        &[&source.video],
        1,
    )
    .unwrap();
    assert_eq!(outputs[0].len(), source.video.len());
    let (outputs, _) = run(json!({"name": "yadif"}), &[&source.video], 1).unwrap();
    assert_eq!(outputs[0].len(), source.video.len());
    // What an endless filter makes up is not taken beyond the change.
    let graph = "tpad=stop=-1:stop_mode=clone,trim=end=3";
    let (outputs, _) = run(json!({"graph": graph}), &[&source.video], 1).unwrap();
    assert_eq!(outputs[0].len(), 75);
}

#[test]
fn inputs_that_end_without_a_frame() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")})).unwrap();
    let (outputs, report) = run(json!({"name": "amix"}), &[&source.audio, &[]], 1).unwrap();
    let samples = |packets: &[Packet]| -> usize {
        packets
            .iter()
            .map(|packet| packet.get::<AudioFrame>().unwrap().samples())
            .sum()
    };
    assert_eq!(samples(&outputs[0]), samples(&source.audio));
    insta::assert_snapshot!(report.warnings.join("\n"), @r#"filter "amix": input 1 ended without a frame"#);
    let (outputs, _) = run(json!({"name": "overlay"}), &[&source.video, &[]], 1).unwrap();
    assert_eq!(outputs[0].len(), 25);
    let (outputs, report) = run(json!({"name": "hflip"}), &[&[]], 1).unwrap();
    assert!(outputs[0].is_empty());
    insta::assert_snapshot!(report.warnings.join("\n"), @r#"filter "hflip": input 0 ended without a frame"#);
}

#[test]
fn a_stream_that_is_not_asked_for_waits_outside() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")})).unwrap();
    let filter = module("c_ffmpeg_filter");
    let mut runner = ModuleRunner::with_ports(&*filter, json!({"name": "overlay"}), 2, 1).unwrap();
    for packet in &source.video {
        runner.push(0, packet.clone());
    }
    runner.push(1, source.video[0].clone());
    assert_eq!(runner.run().unwrap(), Flow::Wait);
    // The overlay shows nothing new after its last picture until it has the next one.
    assert!(runner.take(0).len() <= 2);
    runner.end(1);
    runner.end(0);
    assert_eq!(runner.run().unwrap(), Flow::Done);
}

#[test]
fn wrong_options_are_told_before_anything_runs() {
    let check = |options: Value| {
        let issues = module("c_ffmpeg_filter").check(&Options::from_value(options).unwrap());
        let text = |issue: &OptionIssue| {
            format!(
                "{}: {} ({})",
                issue.path,
                issue.message,
                issue.hint.as_deref().unwrap_or("-")
            )
        };
        issues.iter().map(text).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(check(json!({})), @r#": no filter is named (set "name" (and "para"), "filters" or "graph")"#);
    insta::assert_snapshot!(check(json!({"name": "scalee"})), @r#"name: there is no filter "scalee" (did you mean "scale"?)"#);
    insta::assert_snapshot!(check(json!({"name": "scale", "graph": "hflip"})), @r#": "name", "filters", "graph" and "chain" exclude each other (keep one of them)"#);
    insta::assert_snapshot!(check(json!({"name": "scale", "para": "widht=3:h=4"})), @r#"para: filter "scale" with "widht=3:h=4": Option 'widht' not found (did you mean 'width'?)"#);
    insta::assert_snapshot!(check(json!({"name": "scale", "para": "12x:1"})), @r#"para: filter "scale" with "12x:1": Invalid chars 'x' at the end of expression '12x'; Cannot parse expression for width: '12x' (-)"#);
    insta::assert_snapshot!(check(json!({"name": "drawtext", "para": "text='a"})), @r#"para: the quotes in the parameters of filter "drawtext" do not match (write \' for a quote that quotes nothing)"#);
    insta::assert_snapshot!(check(json!({"graph": "[i0]hflip,vfilp[o0]"})), @r#"graph: there is no filter "vfilp" (did you mean "vflip"?)"#);
    insta::assert_snapshot!(check(json!({"graph": "[i0]scale=1:2"})), @"");
    insta::assert_snapshot!(check(json!({"name": "scale", "param": "1:2"})), @r#"param: unknown option "param" (did you mean "para"?)"#);
    insta::assert_snapshot!(check(json!({"name": "psnr", "para": "stats_file=/nonexistent/x"})), @"");
    insta::assert_snapshot!(check(json!({"filters": [{"name": "scael"}]})), @r#"filters.0.name: there is no filter "scael" (did you mean "scale"?)"#);
}

#[test]
fn what_fails_later_names_the_filter() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, "a.mp4");
    let source = decode(json!({"input_path": dir.path().join("a.mp4")})).unwrap();
    insta::assert_snapshot!(message(json!({"name": "overlay"}), &[&source.video], 1), @r#"filter "overlay" has 2 inputs, but 1 is connected"#);
    insta::assert_snapshot!(message(json!({"name": "hflip"}), &[&source.audio], 1), @r#"filter "hflip" takes pictures on its input 0, but sound arrived"#);
    insta::assert_snapshot!(message(json!({"name": "crop", "para": "1000:1000"}), &[&source.video], 1), @r#"filter "crop" with "1000:1000": Invalid too big or non positive size for width '1000' or height '1000'"#);
    insta::assert_snapshot!(message(json!({"name": "psnr", "para": "stats_file=/nonexistent/x"}), &[&source.video, &source.video], 1), @r#"filter "psnr" with "stats_file=/nonexistent/x": Could not open stats file /nonexistent/x: No such file or directory"#);
    let text = [Packet::new(Timestamp::ZERO, "words".to_owned())];
    insta::assert_snapshot!(message(json!({"name": "hflip"}), &[&text], 1), @"a packet holds bmf.text, not a decoded frame; connect the output of a decoder or of a filter");
}

#[test]
fn any_filter_is_a_verb() {
    let check =
        |verb: &str, args: &[ShorthandArg]| match module("c_ffmpeg_filter").shorthand(verb, args) {
            Some(Ok(shorthand)) => format!(
                "{:?} {}",
                shorthand.takes,
                Value::Object(shorthand.options.0)
            ),
            Some(Err(message)) => message,
            None => "-".to_owned(),
        };
    let word = |word: &str| ShorthandArg::Word(word.to_owned());
    let pair = |key: &str, value: &str| ShorthandArg::Pair(key.to_owned(), value.to_owned());
    insta::assert_snapshot!(check("scale", &[word("1280:720")]), @r#"Video {"name":"scale","para":"1280:720"}"#);
    insta::assert_snapshot!(check("fade", &[word("in"), pair("d", "1")]), @r#"Video {"name":"fade","para":"in:d=1"}"#);
    insta::assert_snapshot!(check("volume", &[word("0.5")]), @r#"Audio {"name":"volume","para":"0.5"}"#);
    insta::assert_snapshot!(check("amix", &[pair("inputs", "3")]), @r#"Audio {"name":"amix","para":"inputs=3"}"#);
    insta::assert_snapshot!(check("testsrc", &[]), @r#"Video {"name":"testsrc"}"#);
    insta::assert_snapshot!(check("nonsense", &[]), @"-");
}
