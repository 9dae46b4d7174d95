//! What frames carry, and where their pixels are, on the way through filters.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::sync::Mutex;

use bmf_ffmpeg::AvFrame;
use bmf_sdk::hmp::{BufferPool, Packet, PixelFormat, VideoFrame};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use bmf_sdk::{ModuleRunner, log};
use common::{assert_same, decode, ffmpeg, lines, module};

static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Recorder;

impl log::Log for Recorder {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        WARNINGS.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

/// Runs a filter that gives its frames to nobody else; takes the packets, so that it may be the only
/// one who has them.
fn run(options: Value, packets: Vec<Packet>) -> Vec<Packet> {
    let filter = module("c_ffmpeg_filter");
    let mut runner = ModuleRunner::with_ports(&*filter, options, 1, 1).unwrap();
    for packet in packets {
        runner.push(0, packet);
    }
    runner.end(0);
    let _ = runner.run().unwrap();
    runner.take(0)
}

/// Frames of a filter without inputs.
fn made(graph: &str) -> Vec<Packet> {
    let filter = module("c_ffmpeg_filter");
    let mut runner = ModuleRunner::with_ports(&*filter, json!({ "graph": graph }), 0, 1).unwrap();
    let _ = runner.run().unwrap();
    runner.take(0)
}

fn frame(packet: &Packet) -> &VideoFrame {
    packet.get::<VideoFrame>().unwrap()
}

fn address(packet: &Packet) -> *const u8 {
    frame(packet).planes()[0].buffer().as_ptr()
}

#[test]
fn frames_that_nobody_else_has_are_changed_in_place() {
    let boxed = || json!({"name": "drawbox", "para": "w=8:h=8:color=red:t=fill"});
    let source = made("testsrc2=s=64x48:r=10:d=0.4,format=yuv420p");
    let before: Vec<_> = source.iter().map(address).collect();
    let after: Vec<_> = run(boxed(), source).iter().map(address).collect();
    assert_eq!(before, after);
    // Merged nodes hand each other the frames, too.
    let source = made("testsrc2=s=64x48:r=10:d=0.4,format=yuv420p");
    let before: Vec<_> = source.iter().map(address).collect();
    let chain = json!({"chain": [boxed(), {"name": "setsar", "para": 2}, boxed()]});
    let after: Vec<_> = run(chain, source).iter().map(address).collect();
    assert_eq!(before, after);
    // So are frames that FFmpeg has not made.
    let pool = BufferPool::default();
    let blank = VideoFrame::alloc(PixelFormat::Yuv420p, 64, 48, &pool).unwrap();
    let own = vec![Packet::new(Timestamp::ZERO, blank)];
    let before = address(&own[0]);
    assert_eq!(address(&run(boxed(), own)[0]), before);
}

#[test]
fn frames_that_somebody_else_has_stay_as_they_are() {
    let source = made("testsrc2=s=64x48:r=10:d=0.4,format=yuv420p");
    let before = lines(&source);
    let boxed = json!({"name": "drawbox", "para": "w=8:h=8:color=red:t=fill"});
    let drawn = run(boxed, source.clone());
    assert_same("what the test holds", &lines(&source), &before);
    assert_ne!(lines(&drawn), before);
}

#[test]
fn side_data_and_metadata_pass_from_node_to_node() {
    let vectors = run(
        json!({"graph": "mestimate,signalstats"}),
        made("testsrc2=s=64x48:r=10:d=0.4,format=yuv420p"),
    );
    for chain in [
        json!({"name": "hflip"}),
        json!({"chain": [{"name": "hflip"}, {"name": "negate"}]}),
    ] {
        let out = run(chain, vectors.clone());
        let frame = frame(&out[1]);
        let side_data = frame.extension::<AvFrame>().unwrap().side_data();
        assert_eq!(side_data, ["Motion vectors"]);
        assert!(
            frame
                .metadata
                .as_ref()
                .unwrap()
                .contains_key("lavfi.signalstats.YMIN")
        );
    }
}

#[test]
fn colour_tags_pass_and_nothing_is_complained_about() {
    let dir = tempfile::tempdir().unwrap();
    let tags = "-color_range tv -colorspace bt709 -color_primaries bt709 -color_trc bt709";
    let make = format!("-f lavfi -i testsrc2=s=64x48:r=10:d=0.4 -pix_fmt yuv420p {tags} -c:v ffv1");
    ffmpeg(dir.path(), &format!("{make} a.mkv"));
    log::set_logger(&Recorder).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let source = decode(json!({"input_path": dir.path().join("a.mkv")}))
        .unwrap()
        .video;
    let color = frame(&source[0]).color;
    let text = format!("{color:?}");
    assert_eq!(text.matches("Bt709").count(), 3, "{text}");
    for filter in ["hflip", "scale=32:24", "format=yuv444p", "fps=5"] {
        let out = run(json!({ "graph": filter }), source.clone());
        assert_eq!(frame(&out[0]).color, color, "{filter}");
    }
    let rgba = run(json!({"name": "format", "para": "rgba"}), source);
    assert_eq!(frame(&rgba[0]).format(), PixelFormat::Rgba);
    // From RGB back: what the frames say is what the filter is told.
    let back = run(
        json!({"name": "scale", "para": "out_color_matrix=bt709:flags=bicubic"}),
        rgba,
    );
    assert_eq!(back.len(), 4);
    let told = WARNINGS.lock().unwrap().join("\n");
    assert!(!told.to_lowercase().contains("chang"), "{told}");
}

#[test]
fn the_number_of_threads_changes_no_frame() {
    let source = made("testsrc2=s=320x240:r=10:d=0.4,format=yuv420p");
    let filters = [
        "hflip",
        "gblur=sigma=3",
        "yadif",
        "eq=contrast=1.3",
        "scale=200:150",
        "scale=500:401:flags=lanczos",
        "format=rgb24",
        "format=rgb24,scale=77:55,format=yuv420p10le",
        "scale=320:240:out_range=pc,format=rgb565le",
    ];
    for filter in filters {
        let with = |threads: u32| {
            let options = json!({"graph": filter, "threads": threads});
            lines(&run(options, source.clone()))
        };
        assert_same(filter, &with(1), &with(4));
        assert_same(filter, &with(1), &with(0));
    }
}
