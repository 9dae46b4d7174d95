//! Modules in C and C++: the examples, built as their users build them, in graphs beside modules in
//! Rust.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::util::Dir;

const SOURCE: &str = "test_source width=66 height=36 duration=0.2";

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

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
        .args([
            "-O1",
            "-fPIC",
            "-shared",
            "-fvisibility=hidden",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-I",
        ])
        .arg(root().join("bmf-abi/include"))
        .arg(source)
        .arg("-o")
        .arg(&unfinished)
        .status();
    assert!(done.unwrap().success());
    unfinished.persist(library).unwrap();
}

/// The folder with both examples, built.
fn examples() -> &'static str {
    static FOLDER: LazyLock<String> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_plugins");
        let examples = root().join("examples/plugins");
        build(&examples.join("c/invert.c"), &folder.join("libc_invert.so"));
        build(
            &examples.join("cpp/brightness.cpp"),
            &folder.join("libcpp_brightness.so"),
        );
        folder.to_str().unwrap().to_owned()
    });
    &FOLDER
}

/// What `bmf` says when it runs this with the examples.
fn run(dir: &Dir, graph: &str) -> String {
    dir.bmf(&["--modules", examples(), "run", "-q", graph])
}

/// The planes of the pictures that a line writes, one after another.
fn pixels(dir: &Dir, line: &str, pix_fmt: &str) -> Vec<u8> {
    let file = dir.path("out.yuv");
    let encode = format!("{line} ! encode out.yuv video_params.pix_fmt={pix_fmt}");
    let said = run(dir, &encode);
    assert!(said.starts_with("exit 0"), "{said}");
    std::fs::read(file).unwrap()
}

#[test]
fn examples_are_described() {
    let dir = Dir::new();
    let said = dir.stdout(&["--modules", examples(), "inspect", "cpp_brightness"]);
    insta::assert_snapshot!(said.replace(examples(), "DIR"), @"
    cpp_brightness 1.0.0, from DIR/libcpp_brightness.so

    makes pictures lighter or darker

    inputs:
      video  video  pictures with samples of eight bits

    outputs:
      video  video  the same, changed

    input manager:
      immediate, unless the graph says otherwise

    options:
      option  type    default
      by      number  0.1      what is added, from -1 (black) to 1 (white)
    ");
}

#[test]
fn luma_is_inverted() {
    let dir = Dir::new();
    let before = pixels(&dir, SOURCE, "yuv420p");
    let after = pixels(&dir, &format!("{SOURCE} ! c_invert"), "yuv420p");
    assert_eq!(before.len(), 5 * 66 * 36 * 3 / 2);
    let luma = 66 * 36;
    for (before, after) in before.chunks(luma * 3 / 2).zip(after.chunks(luma * 3 / 2)) {
        assert!(
            before[..luma]
                .iter()
                .zip(&after[..luma])
                .all(|(a, b)| *a == 255 - *b)
        );
        assert_eq!(before[luma..], after[luma..]);
    }
}

#[test]
fn red_green_and_blue_are_inverted_but_not_alpha() {
    let dir = Dir::new();
    let source = format!("{SOURCE} ! format rgba");
    let before = pixels(&dir, &source, "rgba");
    let after = pixels(&dir, &format!("{source} ! c_invert"), "rgba");
    assert_eq!(before.len(), 5 * 66 * 36 * 4);
    for (before, after) in before.chunks(4).zip(after.chunks(4)) {
        assert_eq!(
            [255 - before[0], 255 - before[1], 255 - before[2], before[3]],
            after
        );
    }
}

#[test]
fn modules_of_three_languages_follow_each_other() {
    let dir = Dir::new();
    let line = format!(
        "{SOURCE} ! cpp_brightness by=1 ! hflip ! c_invert ! vflip ! cpp_brightness by=0.5"
    );
    let after = pixels(&dir, &line, "yuv420p");
    assert!(
        after
            .chunks(66 * 36 * 3 / 2)
            .all(|picture| picture[..66 * 36].iter().all(|luma| *luma == 127))
    );
}

/// A picture that goes two ways is changed on one of them only.
#[test]
fn what_others_look_at_is_not_changed() {
    let dir = Dir::new();
    let expected = pixels(&dir, SOURCE, "yuv420p");
    dir.create(
        "g.toml",
        r#"
        [nodes.source]
        module = "test_source"
        options = { width = 66, height = 36, duration = 0.2 }
        [nodes.invert]
        module = "c_invert"
        inputs = ["source.video"]
        [nodes.lighter]
        module = "cpp_brightness"
        inputs = ["source.video"]
        [nodes.sink]
        module = "null_sink"
        inputs = ["invert.video", "lighter.video"]
        [nodes.encode]
        module = "c_ffmpeg_encoder"
        inputs = ["source.video"]
        options = { output_path = "out.yuv" }
        "#,
    );
    let said = run(&dir, "g.toml");
    assert!(said.starts_with("exit 0"), "{said}");
    assert!(std::fs::read(dir.path("out.yuv")).unwrap() == expected);
}

#[test]
fn the_wrong_payload_is_an_error() {
    let dir = Dir::new();
    for module in ["c_invert", "cpp_brightness"] {
        dir.create(
            &format!("{module}.toml"),
            format!(
                r#"
                [nodes.source]
                module = "test_source"
                options = {{ duration = 0.2 }}
                [nodes.pass]
                module = "pass_through"
                inputs = ["source.audio"]
                [nodes.wrong]
                module = "{module}"
                inputs = ["pass.0"]
                [nodes.sink]
                module = "null_sink"
                inputs = ["wrong.video"]
                "#
            ),
        );
    }
    insta::assert_snapshot!(run(&dir, "c_invert.toml"), @"
    exit 1
    --- stderr
    error: node 2 'wrong' (c_invert), port video, at 0.000000s: expected a picture, got bmf.audio_frame
      help: link this input to a stream of pictures
    ");
    insta::assert_snapshot!(run(&dir, "cpp_brightness.toml"), @"
    exit 1
    --- stderr
    error: node 2 'wrong' (cpp_brightness), port video, at 0.000000s: expected a picture, got bmf.audio_frame
      help: link this input to a stream of pictures
    ");
}

#[test]
fn formats_that_they_cannot_handle_are_errors() {
    let dir = Dir::new();
    insta::assert_snapshot!(run(&dir, &format!("{SOURCE} ! format yuv420p10le ! c_invert ! null_sink")), @"
    exit 1
    --- stderr
    error: node 2 'c_invert' (c_invert), port video, at 0.000000s: cannot invert yuv420p10le
      help: convert to a format of eight bits first, such as yuv420p or rgb24
    ");
    insta::assert_snapshot!(run(&dir, &format!("{SOURCE} ! format yuv420p10le ! cpp_brightness ! null_sink")), @"
    exit 1
    --- stderr
    error: node 2 'cpp_brightness' (cpp_brightness), port video, at 0.000000s: cannot change the brightness of yuv420p10le
      help: convert to a format of eight bits first, such as yuv420p or rgb24
    ");
}

#[test]
fn options_of_cpp_are_checked() {
    let dir = Dir::new();
    insta::assert_snapshot!(run(&dir, &format!("{SOURCE} ! cpp_brightness by=3 ! null_sink")), @r#"
    exit 2
    --- stderr
    error: node 1 'cpp_brightness' (cpp_brightness): option "by": must be between -1 and 1
     --> <command line>:1:65
      |
    1 | test_source width=66 height=36 duration=0.2 ! cpp_brightness by=3 ! null_sink
      |                                                                 ^
    "#);
    insta::assert_snapshot!(run(&dir, &format!("{SOURCE} ! cpp_brightness by=x ! null_sink")), @r#"
    exit 2
    --- stderr
    error: node 1 'cpp_brightness' (cpp_brightness): option "by": must be a number
     --> <command line>:1:65
      |
    1 | test_source width=66 height=36 duration=0.2 ! cpp_brightness by=x ! null_sink
      |                                                                 ^
    "#);
    insta::assert_snapshot!(dir.bmf(&["--modules", examples(), "run", &format!("{SOURCE} ! cpp_brightness bye=1 ! null_sink")]), @r#"
    exit 0
    --- stderr
    warning: node 1 'cpp_brightness' (cpp_brightness): unknown option "bye"
     --> <command line>:1:62
      |
    1 | test_source width=66 height=36 duration=0.2 ! cpp_brightness bye=1 ! null_sink
      |                                                              ^^^

    done: 15 packets in # s
    "#);
}

/// A module that fails where its option says.
const FAULTS: &str = r#"
#include "bmf.hpp"

class Faults : public bmf::Module {
  public:
    explicit Faults(const bmf::Options &options) : at_(options.get("at", "nowhere")) { fail("create"); }
    void open(const bmf::Context &context) override { node_ = context.node(); fail("open"); }
    void start(bmf::Task &) override { fail("start"); }
    bmf::Flow process(bmf::Task &task) override {
        fail("process");
        if (at_ == "number") throw 7;
        if (at_ == "hint") throw bmf::Error("it is full", "empty it").at(40000);
        while (bmf::Packet packet = task.pop(0)) task.push(0, std::move(packet));
        return bmf::Flow::Wait;
    }
    void close(bmf::Ending) override { fail("close"); }
    bmf::Report report() override { fail("report"); return bmf::Report().warning("said by " + node_); }

  private:
    void fail(const std::string &where) { if (at_ == where) throw std::runtime_error("failed in " + where); }
    std::string at_;
    std::string node_;
};

BMF_PLUGIN_MODULES(faults, "1.0", bmf::module<Faults>("faults").input("in", bmf::Any).output("out", bmf::Any))
"#;

#[test]
fn exceptions_end_the_graph_and_are_told() {
    let dir = Dir::new();
    dir.create("faults.cpp", FAULTS);
    build(&dir.path("faults.cpp"), &dir.path("modules/libfaults.so"));
    let mut all = String::new();
    for at in [
        "nowhere", "create", "open", "start", "process", "number", "hint", "close", "report",
    ] {
        let line = format!("test_source duration=0.2 ! faults at={at} ! null_sink");
        all += &format!(
            "-- {at}\n{}\n",
            dir.bmf(&["--modules", "modules", "run", &line])
        );
    }
    insta::assert_snapshot!(all, @"
    -- nowhere
    exit 0
    --- stderr
    warning: faults: said by faults
    done: 15 packets in # s

    -- create
    exit 2
    --- stderr
    error: node 1 'faults' (faults): failed in create
     --> <command line>:1:28
      |
    1 | test_source duration=0.2 ! faults at=create ! null_sink
      |                            ^^^^^^


    -- open
    exit 1
    --- stderr
    error: node 1 'faults' (faults): failed in open

    -- start
    exit 1
    --- stderr
    warning: faults: said by faults
    error: node 1 'faults' (faults): failed in start

    -- process
    exit 1
    --- stderr
    warning: faults: said by faults
    error: node 1 'faults' (faults), port in, at 0.000000s: failed in process

    -- number
    exit 1
    --- stderr
    warning: faults: said by faults
    error: node 1 'faults' (faults), port in, at 0.000000s: unknown exception

    -- hint
    exit 1
    --- stderr
    warning: faults: said by faults
    error: node 1 'faults' (faults), port in, at 0.040000s: it is full
      help: empty it

    -- close
    exit 1
    --- stderr
    warning: faults: said by faults
    error: node 1 'faults' (faults): failed in close

    -- report
    exit 1
    --- stderr
    error: node 1 'faults' (faults): the module panicked: failed in report
      help: this is a defect of the module; report it
    ");
}

/// A library that cannot make its list of modules.
const LACKING: &str = r#"
#include "bmf.hpp"

static bmf::ModuleType type() { throw bmf::Error("needs libfoo 3"); }

BMF_PLUGIN_MODULES(lacking, "1.0", type())
"#;

#[test]
fn a_library_says_why_it_cannot_be_used() {
    let dir = Dir::new();
    dir.create("lacking.cpp", LACKING);
    build(&dir.path("lacking.cpp"), &dir.path("modules/liblacking.so"));
    let line = "test_source duration=0.2 ! lacking ! null_sink";
    let said = dir.bmf(&["--modules", "modules", "run", line]);
    assert!(said.starts_with("exit 2"), "{said}");
    assert!(said.contains("needs libfoo 3"), "{said}");
}
