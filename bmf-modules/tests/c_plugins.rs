//! The examples in C and C++, driven as a graph would: whose memory is whose, and what is copied.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use bmf_core::drive::DriveOutput;
use bmf_core::{Ending, Flow, Module, ModuleContext, Options, Promise, StreamItem, Task};
use bmf_hmp::{Packet, PixelFormat, Timestamp, VideoFrame};
use bmf_modules::{Registry, SearchPath};

/// Builds a source file as a plugin.
fn build(source: &Path, library: &Path) {
    let is_cpp = source
        .extension()
        .is_some_and(|extension| extension == "cpp");
    let (variable, usual) = if is_cpp { ("CXX", "c++") } else { ("CC", "cc") };
    let compiler = std::env::var_os(variable).unwrap_or_else(|| usual.into());
    let folder = library.parent().unwrap();
    std::fs::create_dir_all(folder).unwrap();
    // Tests of several processes may build the same at a time.
    let unfinished = tempfile::NamedTempFile::new_in(folder)
        .unwrap()
        .into_temp_path();
    let done = Command::new(compiler)
        .args(["-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-I"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../bmf-abi/include"))
        .arg(source)
        .arg("-o")
        .arg(&unfinished)
        .status();
    assert!(done.unwrap().success());
    unfinished.persist(library).unwrap();
}

/// The examples, built and found.
fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_plugins");
        let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/plugins");
        build(&examples.join("c/invert.c"), &folder.join("libc_invert.so"));
        build(
            &examples.join("cpp/brightness.cpp"),
            &folder.join("libcpp_brightness.so"),
        );
        Registry::searching(SearchPath::new().with_directory(folder))
    });
    &REGISTRY
}

fn open(name: &str) -> Box<dyn Module> {
    let mut module = registry()
        .find(name)
        .unwrap()
        .create(&Options::default())
        .unwrap();
    module
        .open(&ModuleContext::new("node", false, &[true], &[true]))
        .unwrap();
    module
}

/// What a module makes of packets that come all at once.
fn process(module: &mut dyn Module, packets: Vec<Packet>) -> Vec<Packet> {
    let mut task = Task::new(&[true], &[true]);
    task.inputs_mut()[0].packets.extend(packets);
    assert!(matches!(module.process(&mut task).unwrap(), Flow::Wait));
    assert!(task.inputs()[0].packets.is_empty());
    let items = task.outputs_mut()[0].items_mut();
    let packet = |item| match item {
        StreamItem::Packet(packet) => packet,
        other => panic!("{other:?}"),
    };
    items.drain(..).map(packet).collect()
}

/// A picture whose bytes are all 10.
fn frame(format: PixelFormat) -> VideoFrame {
    let mut frame = VideoFrame::zeroed(format, 17, 5).unwrap();
    for plane in 0..frame.planes().len() {
        frame.plane_mut(plane).unwrap().0.fill(10);
    }
    frame
}

fn packet(micros: i64, frame: VideoFrame) -> Packet {
    Packet::new(Timestamp::from_micros(micros), frame)
}

fn pixels(packet: &Packet) -> *const u8 {
    packet
        .get::<VideoFrame>()
        .unwrap()
        .row(0, 0)
        .unwrap()
        .as_ptr()
}

/// The first byte of each plane.
fn firsts(packet: &Packet) -> Vec<u8> {
    let frame = packet.get::<VideoFrame>().unwrap();
    (0..frame.planes().len())
        .map(|plane| frame.row(plane, 0).unwrap()[0])
        .collect()
}

#[test]
fn what_nobody_else_looks_at_is_changed_in_place() {
    for name in ["c_invert", "cpp_brightness"] {
        let mut module = open(name);
        let frames = [1, 2, 3].map(|micros| packet(micros, frame(PixelFormat::Yuv420p)));
        let before = frames.each_ref().map(pixels);
        let after = process(&mut *module, frames.into());
        assert_eq!(
            before.to_vec(),
            after.iter().map(pixels).collect::<Vec<_>>()
        );
        let times: Vec<_> = after
            .iter()
            .map(|packet| packet.timestamp().micros())
            .collect();
        assert_eq!(times, [1, 2, 3]);
        let luma = if name == "c_invert" { 245 } else { 35 };
        assert_eq!(firsts(&after[1]), [luma, 10, 10]);
        module.close(Ending::Finished).unwrap();
    }
}

#[test]
fn what_others_look_at_is_copied() {
    for name in ["c_invert", "cpp_brightness"] {
        let mut module = open(name);
        let kept = packet(1, frame(PixelFormat::Gray));
        let shared = frame(PixelFormat::Rgb24);
        let inputs = vec![kept.clone(), packet(2, shared.clone())];
        let after = process(&mut *module, inputs);
        assert_ne!(pixels(&kept), pixels(&after[0]));
        assert_eq!(firsts(&kept), [10]);
        assert_ne!(firsts(&after[0]), [10]);
        assert_eq!(shared.row(0, 0).unwrap()[..6], [10; 6]);
        assert_ne!(firsts(&after[1]), [10]);
    }
}

/// A part of a picture: what is beside it stays as it is, in every format.
#[test]
fn only_pixels_are_changed() {
    let mut module = open("c_invert");
    for format in [
        PixelFormat::Gray,
        PixelFormat::Nv12,
        PixelFormat::Rgba,
        PixelFormat::Gbrp,
        PixelFormat::Yuyv422,
    ] {
        let whole = frame(format);
        let part = whole.crop(4, 2, 8, 2).unwrap();
        let after = process(&mut *module, vec![packet(0, part)]);
        let inverted = after[0].get::<VideoFrame>().unwrap();
        let bytes = inverted.to_packed_bytes().unwrap();
        let components = format.descriptor().components();
        let count = if format.descriptor().is_rgb() { 3 } else { 1 };
        let changed = bytes.iter().filter(|byte| **byte == 245).count();
        assert_eq!(changed, 8 * 2 * count.min(components.len()), "{format:?}");
        assert!(
            whole
                .to_packed_bytes()
                .unwrap()
                .iter()
                .all(|byte| *byte == 10),
            "{format:?}"
        );
    }
}

#[test]
fn errors_leave_nothing_behind() {
    for name in ["c_invert", "cpp_brightness"] {
        let mut module = open(name);
        let mut task = Task::new(&[true], &[true]);
        let text = Packet::new(Timestamp::ZERO, "words".to_owned());
        task.inputs_mut()[0].packets.push_back(text.clone());
        let error = module.process(&mut task).unwrap_err();
        assert_eq!(error.to_string(), "expected a picture, got bmf.text");
        drop(task);
        assert_eq!(text.ref_count(), 1, "{name}");
        module.close(Ending::Failed).unwrap();
    }
}

/// A module in C++ that cannot promise anything; its summary is a static of an inline function, VERSION.
const PROMISING: &str = r#"
#include "bmf.hpp"

inline int &number() { static int number = VERSION; return number; }

class Promising : public bmf::Module {
  public:
    bmf::Promise promise() override { throw bmf::Error("cannot promise", "ask less"); }
    bmf::Flow process(bmf::Task &) override { return bmf::Flow::Done; }
};

BMF_PLUGIN_MODULES(promising, "1.0", bmf::module<Promising>("promising").summary(std::to_string(number())))
"#;

/// Builds `PROMISING` in a folder.
fn promising(folder: &Path, version: &str) {
    let source = folder.join("promising.cpp");
    std::fs::write(&source, PROMISING.replace("VERSION", version)).unwrap();
    build(&source, &folder.join("libpromising.so"));
}

#[test]
fn what_a_promise_throws_the_next_call_tells() {
    let folder = tempfile::tempdir().unwrap();
    promising(folder.path(), "1");
    let registry = Registry::searching(SearchPath::new().with_directory(folder.path()));
    let kind = registry.find("promising").unwrap();
    let mut module = kind.create(&Options::default()).unwrap();
    let context = ModuleContext::new("node", false, &[], &[]);
    module.open(&context).unwrap();
    assert_eq!(module.promise(), Promise::None);
    let mut task = Task::new(&[], &[]);
    let error = module.start(&mut task).unwrap_err();
    assert_eq!(error.to_string(), "cannot promise");
    assert!(matches!(module.process(&mut task).unwrap(), Flow::Done));
    module.close(Ending::Failed).unwrap();
}

#[test]
fn a_newer_build_has_its_own_statics() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::searching(SearchPath::new().with_directory(folder.path()));
    for version in ["1", "2"] {
        promising(folder.path(), version);
        let kind = registry.find("promising").unwrap();
        assert_eq!(kind.descriptor().summary, version);
    }
}
