//! Neighbouring filter nodes as one: the frames are those of separate nodes, whatever the filters are.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;
mod graphs;

use std::fmt::Write;
use std::path::Path;

use bmf_core::config::{InputManager, LinkConfig};
use bmf_engine::{Node, Port, RunOptions};
use bmf_sdk::hmp::{AudioFrame, Packet, VideoFrame};
use bmf_sdk::serde_json::{Value, json};
use common::{Decoded, assert_same, decode, ffmpeg, lines};
use graphs::{Lab, Ran};

/// Everything that can be told of frames.
fn told(packets: &[Packet]) -> String {
    let mut text = lines(packets);
    for packet in packets {
        write!(text, "{} ", packet.timestamp()).unwrap();
        if let Some(frame) = packet.get::<VideoFrame>() {
            let (size, rate) = ((frame.width(), frame.height()), frame.frame_rate);
            let about = (frame.format(), size, rate, frame.sample_aspect_ratio);
            let more = (
                frame.color,
                frame.interlaced,
                frame.key_frame,
                frame.duration,
            );
            writeln!(text, "{about:?} {more:?} {:?}", frame.metadata).unwrap();
        } else if let Some(frame) = packet.get::<AudioFrame>() {
            let about = (frame.sample_format(), frame.layout(), frame.sample_rate());
            writeln!(text, "{about:?} {}", frame.samples()).unwrap();
        }
    }
    text
}

fn run(packets: &[Packet], filters: &[Value], merged: bool) -> Ran {
    let mut lab = Lab::new().merging(merged);
    let mut at = lab.feed(packets);
    for filter in filters {
        at = lab.filter(filter.clone(), &[at]);
    }
    lab.collect(at);
    let options = RunOptions {
        inline: true,
        ..RunOptions::default()
    };
    lab.run(&options)
}

/// Runs a chain both ways and compares.
fn check(what: &str, packets: &[Packet], filters: &[&str]) {
    let filter = |text: &&str| match text.split_once('=') {
        Some((name, para)) => json!({"name": name, "para": para}),
        None => json!({"name": text}),
    };
    let filters: Vec<Value> = filters.iter().map(filter).collect();
    let what = format!("{what}: {filters:?}");
    let (one, apart) = (run(packets, &filters, true), run(packets, &filters, false));
    assert_eq!((one.nodes.len(), apart.nodes.len()), (3, 2 + filters.len()));
    for ran in [&one, &apart] {
        assert!(
            ran.outcome.result.is_ok(),
            "{what}: {:?}",
            ran.outcome.result
        );
        assert!(!ran.sinks[0].is_empty(), "{what}");
    }
    assert_same(&what, &told(&one.sinks[0]), &told(&apart.sinks[0]));
}

/// What is decoded of a file that the command makes.
fn media(dir: &Path, name: &str, make: &str) -> Decoded {
    ffmpeg(dir, &format!("{make} {name}"));
    decode(json!({"input_path": dir.join(name)})).unwrap()
}

const VIDEO: [&str; 20] = [
    "scale=40:30",
    "scale=w=50:h=-2:flags=lanczos",
    "format=rgb24",
    "format=yuv444p10le|gray",
    "eq=brightness=0.1",
    "hue=h=20*n",
    "negate",
    "fps=10",
    "fps=60000/1001",
    "setpts=2*PTS",
    "settb=1/1000",
    "select=not(mod(n,3))",
    "tpad=stop_duration=0.2:stop_mode=clone",
    "trim=start=0.1:end=0.5",
    "fade=d=0.4",
    "yadif",
    "framerate=30",
    "setsar=2",
    "loop=loop=1:size=3",
    "tmix=frames=3",
];

#[test]
fn pairs_of_video_filters_give_the_same_frames() {
    let dir = tempfile::tempdir().unwrap();
    let make = "-f lavfi -i testsrc2=s=64x48:r=25:d=0.6 -c:v ffv1 -pix_fmt yuv420p";
    let plain = media(dir.path(), "a.mkv", make).video;
    for first in VIDEO {
        for second in VIDEO {
            check("plain", &plain, &[first, second]);
        }
    }
}

/// Filters that take few formats, so that something is converted before or after them. Most of them
/// share a graph where they meet.
const CHOOSY: [&str; 15] = [
    "scale=40:30",
    "format=rgb24",
    "format=yuv444p10le|gray",
    "eq=brightness=0.1",
    "hue=h=20*t",
    "drawbox=w=9:h=9:color=red",
    "colorchannelmixer=rr=0.5",
    "curves=preset=vintage",
    "lutyuv=y=val/2",
    "boxblur=1",
    "transpose=1",
    "pad=80:80:4:4:color=blue",
    "rotate=0.3*t",
    "setsar=2",
    "yadif",
];

#[test]
fn formats_between_filters_stay_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    for format in ["yuv420p10le", "rgb24", "yuva444p", "yuvj422p"] {
        let make =
            format!("-f lavfi -i testsrc2=s=64x48:r=25:d=0.08 -c:v rawvideo -pix_fmt {format}");
        let source = media(dir.path(), &format!("{format}.nut"), &make).video;
        for first in CHOOSY {
            for second in CHOOSY {
                check(format, &source, &[first, second]);
            }
        }
    }
}

#[test]
fn irregular_times_and_other_properties_pass() {
    let dir = tempfile::tempdir().unwrap();
    let make = "-f lavfi -i testsrc2=s=64x48:r=30000/1001:d=1 -vf select=mod(n\\,4)-2,setsar=4/3 \
                -fps_mode passthrough -c:v ffv1 -color_range pc -colorspace smpte170m";
    let source = media(dir.path(), "vfr.mkv", make).video;
    let chains: [&[&str]; 6] = [
        &["fps=25", "fps=50", "fps=10"],
        &["setpts=PTS-STARTPTS", "settb=1/90000", "fps=24000/1001"],
        &["trim=end=0.5", "fps=50", "tpad=stop=3"],
        &["scale=40:30", "format=rgb24", "scale=80:20", "format=gray"],
        &[
            "tinterlace",
            "yadif",
            "setsar=1",
            "select=eq(pict_type\\,I)+1",
        ],
        &[
            "reverse",
            "trim=end_frame=5",
            "loop=loop=2:size=3",
            "framerate=60",
        ],
    ];
    for chain in chains {
        check("irregular", &source, chain);
    }
}

#[test]
fn a_size_that_changes_finds_the_later_filters_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    for (number, size) in ["64x48", "32x48", "64x48"].iter().enumerate() {
        let make = format!("-f lavfi -i testsrc2=s={size}:r=25:d=0.3 -c:v mpeg2video -q:v 3");
        ffmpeg(dir.path(), &format!("{make} {number}.ts"));
    }
    let part = |number: usize| std::fs::read(dir.path().join(format!("{number}.ts"))).unwrap();
    std::fs::write(
        dir.path().join("all.ts"),
        [part(0), part(1), part(2)].concat(),
    )
    .unwrap();
    let source = decode(json!({"input_path": dir.path().join("all.ts")}))
        .unwrap()
        .video;
    let chains: [&[&str]; 6] = [
        &["scale=40:30", "select=not(mod(n,3))", "hue=h=20*n"],
        &["yadif", "scale=40:30", "tmix=frames=3", "fps=60"],
        &["hflip", "tpad=stop=2", "fps=10"],
        &["scale=40:30", "fade=d=0.8", "loop=loop=1:size=4"],
        &[
            "crop=20:20",
            "rotate=t",
            "format=rgb24",
            "hue=s=t",
            "transpose=2",
        ],
        &["hflip", "scale=iw/2:ih", "negate", "pad=iw+4:ih"],
    ];
    for chain in chains {
        check("sizes", &source, chain);
    }
}

#[test]
fn pairs_of_audio_filters_give_the_same_samples() {
    const AUDIO: [&str; 14] = [
        "aresample=48000",
        "aformat=sample_fmts=s16:channel_layouts=mono",
        "volume=0.5",
        "atempo=1.5",
        "atrim=start=0.1:end=0.4",
        "asetpts=N/SR/TB",
        "apad=whole_dur=0.8",
        "adelay=100",
        "afade=d=0.2",
        "highpass=f=200",
        "asetnsamples=n=500",
        "asetrate=22050",
        "aloop=loop=1:size=2000",
        "asettb=1/1000",
    ];
    let dir = tempfile::tempdir().unwrap();
    let make = "-f lavfi -i aevalsrc=sin(600*t)/4|cos(900*t)/4:s=44100:d=0.5 -c:a pcm_s24le";
    let source = media(dir.path(), "a.mkv", make).audio;
    for first in AUDIO {
        for second in AUDIO {
            check("audio", &source, &[first, second]);
        }
    }
}

/// The nodes of a graph of `a` with a consumer, then `b`; `connect` wires them.
fn nodes(connect: impl FnOnce(&mut Lab)) -> String {
    let mut lab = Lab::new();
    connect(&mut lab);
    let plan = lab.plan().unwrap_or_else(|found| panic!("{found}"));
    let names = plan.nodes().iter().map(|node| node.config().name.clone());
    let names: Vec<String> = names.filter(|name| !name.starts_with("test")).collect();
    names.join(" ")
}

fn named(name: &str, filter: &str, input: impl Into<Port>) -> Node {
    Node::new("c_ffmpeg_filter")
        .name(name)
        .option("name", filter)
        .input(input)
}

#[test]
fn only_chains_that_nobody_looks_into_are_merged() {
    let chain = |second: fn(Node) -> Node| {
        nodes(|lab| {
            let source = lab.feed(&[]);
            let a = lab.graph.add(named("a", "hflip", source));
            let b = lab.graph.add(second(named("b", "vflip", a)));
            let c = lab.graph.add(named("c", "negate", b));
            lab.collect(c);
        })
    };
    insta::assert_snapshot!(chain(|node| node), @"a+b+c");
    insta::assert_snapshot!(chain(|node| node.queue_length_limit(1)), @"a b+c");
    insta::assert_snapshot!(chain(|node| node.queue_bytes_limit(1)), @"a b+c");
    insta::assert_snapshot!(chain(|node| node.batch(1)), @"a b+c");
    insta::assert_snapshot!(chain(|node| node.parallel(2)), @"a b.split c b.join b#1 b#2");
    insta::assert_snapshot!(chain(|node| node.input_manager(InputManager::Default)), @"a b+c");
    let fork = nodes(|lab| {
        let source = lab.feed(&[]);
        let a = lab.graph.add(named("a", "hflip", source));
        let b = lab.graph.add(named("b", "vflip", a));
        let c = lab.graph.add(named("c", "negate", a));
        let d = lab.graph.add(named("d", "overlay", b).input(c));
        let e = lab.graph.add(named("e", "split", d));
        lab.collect(e);
        lab.collect(e.port("1"));
    });
    insta::assert_snapshot!(fork, @"a b c d+e");
    let limited = nodes(|lab| {
        let source = lab.feed(&[]);
        let a = lab.graph.add(named("a", "hflip", source));
        let link = LinkConfig {
            queue_length_limit: Some(9),
            ..LinkConfig::default()
        };
        let b = Node::new("c_ffmpeg_filter")
            .name("b")
            .option("name", "vflip");
        let b = lab.graph.add(b.input_with(a, link));
        lab.collect(b);
    });
    insta::assert_snapshot!(limited, @"a b");
    let apart = nodes(|lab| {
        lab.graph.option_mut().optimize_graph = Some(false);
        let source = lab.feed(&[]);
        let a = lab.graph.add(named("a", "hflip", source));
        let b = lab.graph.add(named("b", "vflip", a));
        lab.collect(b);
    });
    insta::assert_snapshot!(apart, @"a b");
}

#[test]
fn what_fails_in_a_merged_node_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let make = "-f lavfi -i testsrc2=s=64x48:r=25:d=0.2 -c:v ffv1 -pix_fmt yuv420p";
    let source = media(dir.path(), "a.mkv", make).video;
    let filters = [
        json!({"name": "hflip"}),
        json!({"name": "crop", "para": "1000:1000"}),
    ];
    let ran = run(&source, &filters, true);
    insta::assert_snapshot!(ran.outcome.result.unwrap_err(), @r#"node 1 'c_ffmpeg_filter_1+c_ffmpeg_filter_2' (c_ffmpeg_filter), port 0, at 0.000000s: filter "crop" with "1000:1000": Invalid too big or non positive size for width '1000' or height '1000'"#);
}

#[test]
fn what_a_filter_gives_beside_its_first_output_is_not_mixed_in() {
    let dir = tempfile::tempdir().unwrap();
    let make = "-f lavfi -i testsrc2=s=64x48:r=25:d=0.2 -c:v ffv1 -pix_fmt yuv420p";
    let source = media(dir.path(), "a.mkv", make).video;
    let graphs = [
        json!({"name": "split", "para": 3}),
        json!({"graph": "split[o0][a];[a]trim=end_frame=1[o1]"}),
        json!({"graph": "split[a][o0];[a]scale=16:16[o1]"}),
    ];
    for graph in graphs {
        let filters = [graph.clone(), json!({"name": "hflip"})];
        let (one, apart) = (run(&source, &filters, true), run(&source, &filters, false));
        assert_eq!((one.nodes.len(), apart.nodes.len()), (3, 4));
        assert_eq!(one.sinks[0].len(), source.len(), "{graph}");
        let what = graph.to_string();
        assert_same(&what, &told(&one.sinks[0]), &told(&apart.sinks[0]));
    }
}

#[test]
fn chains_are_merged_as_the_graphs_that_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let make = "-f lavfi -i testsrc2=s=64x48:r=25:d=0.2 -c:v ffv1 -pix_fmt yuv420p";
    let source = media(dir.path(), "a.mkv", make).video;
    let filters = [
        json!({"name": "hflip", "chain": []}),
        json!({"chain": [{"name": "fps", "para": 10}, {"name": "negate"}]}),
        json!({"name": "crop", "para": "20:20"}),
    ];
    let (one, apart) = (run(&source, &filters, true), run(&source, &filters, false));
    assert_eq!((one.nodes.len(), apart.nodes.len()), (3, 5));
    assert_eq!(one.sinks[0].len(), 2);
    assert_same("chains", &told(&one.sinks[0]), &told(&apart.sinks[0]));
}

#[test]
fn sources_and_several_ends_are_merged_too() {
    let ends = |merged: bool| {
        let mut lab = Lab::new().merging(merged);
        let color = lab.filter(json!({"name": "testsrc2", "para": "s=32x32:r=10"}), &[]);
        let trim = lab.filter(json!({"name": "trim", "para": "end_frame=7"}), &[color]);
        let split = lab.graph.add(named("split", "split", trim));
        lab.collect(split);
        lab.collect(split.port("1"));
        let ran = lab.run(&RunOptions::default());
        ran.outcome.result.unwrap();
        (ran.nodes.len(), told(&ran.sinks[0]), told(&ran.sinks[1]))
    };
    let (one, apart) = (ends(true), ends(false));
    assert_eq!((one.0, apart.0), (3, 5));
    assert_eq!(one.1.lines().filter(|line| line.contains("s ")).count(), 7);
    assert_same("first", &one.1, &apart.1);
    assert_same("second", &one.2, &apart.2);
}
