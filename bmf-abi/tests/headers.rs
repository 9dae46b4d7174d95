//! The headers compile wherever they should, the C++ one does what it says, and so do the examples.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod cc;

use std::path::{Path, PathBuf};
use std::process::Command;

/// What bmf.hpp tells its users to compile with.
const HIDDEN: &str = "-fvisibility=hidden";

fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/programs")
        .join(name)
}

#[test]
fn c_compiles() {
    let use_all = "#include \"bmf.h\"\n#include \"bmf.h\"\nBMF_PLUGIN(nothing) { return NULL; }\n";
    for standard in ["-std=c99", "-std=c11", "-std=gnu17"] {
        cc::compile("all.c", use_all, &[standard]);
    }
}

#[test]
fn cpp_compiles() {
    let use_all = "#include \"bmf.hpp\"\n#include \"bmf.hpp\"\n\
        struct Nothing : bmf::Module { bmf::Flow process(bmf::Task &) override { return bmf::Flow::Done; } };\n\
        BMF_PLUGIN_MODULES(nothing, \"1.0\", bmf::module<Nothing>(\"nothing\"))\n";
    for standard in ["-std=c++14", "-std=c++17", "-std=c++20"] {
        cc::compile("all.cpp", use_all, &[standard, HIDDEN]);
    }
}

/// Each part of the C++ header includes what it needs.
#[test]
fn parts_compile_alone() {
    for entry in std::fs::read_dir(include().join("bmf")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = format!("#include \"bmf/{name}\"\n");
        cc::compile("part.cpp", &text, &["-std=c++14", HIDDEN]);
    }
}

/// The folder of the examples.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/plugins")
}

#[test]
fn examples_compile_without_warnings() {
    for (file, standard) in [
        ("c/invert.c", "-std=c99"),
        ("cpp/brightness.cpp", "-std=c++14"),
    ] {
        let mut compiler = cc::compiler(&examples().join(file));
        cc::run(compiler.args([standard, "-fsyntax-only"]));
    }
}

#[test]
fn makefiles_of_examples_work() {
    for (folder, library) in [("c", "libc_invert.so"), ("cpp", "libcpp_brightness.so")] {
        let target = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(examples().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, target.path().join(path.file_name().unwrap())).unwrap();
        }
        make(target.path(), library, &[]);
        assert!(target.path().join(library).exists());
    }
}

/// Makes a library by the Makefile in a folder.
fn make(folder: &Path, library: &str, settings: &[&str]) {
    let mut make = Command::new("make");
    make.arg("-B")
        .arg(format!("BMF_INCLUDE={}", include().display()))
        .args(settings)
        .arg(library)
        .current_dir(folder);
    cc::run(&mut make);
}

/// Builds of a plugin that a process has loaded one after another each have their own statics, although the
/// loader gives what the compiler marks as unique to all libraries, even if they are loaded as local.
#[test]
fn statics_are_not_shared_between_builds() {
    let folder = tempfile::tempdir().unwrap();
    let load = folder.path().join("load");
    let mut compiler = cc::compiler(&program("load.cpp"));
    compiler.args(["-std=c++14", "-o"]).arg(&load).arg("-ldl");
    cc::run(&mut compiler);
    // By the Makefile that users copy, and by somebody who has forgotten its flags.
    let makefile = examples().join("cpp/Makefile");
    std::fs::copy(makefile, folder.path().join("Makefile")).unwrap();
    std::fs::copy(program("statics.cpp"), folder.path().join("brightness.cpp")).unwrap();
    for version in ["1", "2"] {
        let flags = format!("CXXFLAGS=-std=c++14 -DVERSION={version}");
        make(folder.path(), "libcpp_brightness.so", &[&flags]);
        let made = folder.path().join("libcpp_brightness.so");
        std::fs::rename(made, folder.path().join(format!("made{version}.so"))).unwrap();
        let mut compiler = cc::compiler(&program("statics.cpp"));
        compiler
            .args(["-std=c++14", "-shared", "-fPIC", "-Wno-attributes"])
            .arg(format!("-DVERSION={version}"))
            .arg("-o")
            .arg(folder.path().join(format!("bare{version}.so")));
        cc::run(&mut compiler);
    }
    let seen = |name: &str| {
        let libraries = ["1", "2"].map(|version| folder.path().join(format!("{name}{version}.so")));
        let said = cc::run(Command::new(&load).args(libraries));
        let summary = |line: &str| {
            line.split('"')
                .find(|text| text.starts_with("of "))
                .map(str::to_owned)
        };
        said.lines().filter_map(summary).collect::<Vec<_>>()
    };
    insta::assert_snapshot!(seen("made").join("\n"), @"
    of the wrapper 1 1, of the author 1 1
    of the wrapper 2 2, of the author 2 2
    ");
    let wrappers = seen("bare");
    assert!(
        wrappers[0].starts_with("of the wrapper 1 1,"),
        "{wrappers:?}"
    );
    assert!(
        wrappers[1].starts_with("of the wrapper 2 2,"),
        "{wrappers:?}"
    );
}

/// Flags that make memory errors and leaks fail, where the compiler has them.
fn sanitizers(folder: &Path) -> &'static [&'static str] {
    const FLAGS: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let file = folder.join("probe.cpp");
    std::fs::write(&file, "int main() { return 0; }\n").unwrap();
    let mut compiler = cc::compiler(&file);
    let probe = compiler
        .args(FLAGS)
        .arg("-o")
        .arg(folder.join("probe"))
        .output();
    if probe.is_ok_and(|output| output.status.success()) {
        FLAGS
    } else {
        &[]
    }
}

/// What a program prints that is built with the sanitizers there are.
fn checked(source: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("program");
    let mut compiler = cc::compiler(&program(source));
    compiler.arg("-std=c++14").args(sanitizers(folder.path()));
    cc::run(compiler.arg("-o").arg(&built));
    cc::run(&mut Command::new(built))
}

#[test]
fn who_writes_to_a_frame_changes_nobody_elses() {
    insta::assert_snapshot!(checked("frames.cpp"), @"
    alone: 2, frames: 1
    copied: 3 4
    assigned: 6 5
    pushed: 5 7
    as a packet: 7 8
    error: the picture was given away
    error: the picture was given away
    given away: 8
    alone: 2, frames: 1
    copied: 3 4
    assigned: 6 5
    pushed: 5 7
    as a packet: 7 8
    error: the sound was given away
    error: the sound was given away
    given away: 8
    error: the samples do not lie at multiples of 2 bytes
    no error
    error: the samples do not lie at multiples of 2 bytes
    error: the samples are s16, not flt
    0 frames left
    ");
}

#[test]
fn the_wrapper_does_what_it_says() {
    insta::assert_snapshot!(checked("wrapper.cpp"), @r##"
    error: it is for version 1 of the contract, this program has 2 |  | 
    error: the table of this program is too small |  | 
    error: needs libfoo 3 | install it | 
    wrapper 2.1
    {"inputs":[{"name":"numbers","kind":"any","docs":"what to add to","optional":false}],"name":"add","options":{"type":"object","properties":{"by":{"type":"integer","default":1,"description":"how much"},"factor":{"type":"number","default":0.1,"description":"times"},"name":{"type":"string","default":"nobody","description":"who"},"loud":{"type":"boolean","default":false,"description":"so"}}},"outputs":[{"name":"same","kind":"any","docs":"","optional":false},{"name":"sums","kind":"any","docs":"","optional":true}],"summary":"adds","version":"2.1"}
    {"impossible":"it counts"}
    {"any_room":true,"inputs":[],"is_sink":true,"name":"plain","options":{"type":"object","properties":{}},"outputs":[],"version":"3"}
    {"inputs":[],"name":"quiet","options":{"type":"object","properties":{}},"outputs":[],"version":"2.1"}
    {"inputs":[],"name":"none","options":{"type":"object","properties":{}},"outputs":[],"version":"2.1"}
    -- {}
    gone
    []
    push 1: 42 at 5
    push 0: 41 at 5
    push 1: 2 at 6
    push 0: 1 at 6
    log 3 add: nobody
    process: 0
    {"counters":{"num\"bers":2},"outputs":[{"path":"x.txt","summary":""}],"warnings":["a\u000ab"]}
    gone
    -- { "by": -3, "factor":2.5e0,"loud" : true, "name":"\u00e9\ud83d\ude00\"\n/", "x":[{"}":"]"}], "y":null }
    gone
    [{"path":"x","kind":"unknown","message":"unknown option \"x\""},{"path":"y","kind":"unknown","message":"unknown option \"y\""}]
    push 1: 2 at 0
    push 0: 2 at 0
    log 3 add: é😀"
    /!
    process: 0
    {"counters":{"num\"bers":1},"outputs":[{"path":"x.txt","summary":""}],"warnings":["a\u000ab"]}
    gone
    -- {"by":1.5}
    [{"path":"by","kind":"invalid","message":"must be a whole number"}]
    error: option "by": must be a whole number |  | 
    -- {"factor":11}
    [{"path":"factor","kind":"invalid","message":"must be between 0 and 10"}]
    error: option "factor": must be between 0 and 10 |  | 
    -- {"name":1}
    [{"path":"name","kind":"invalid","message":"must be a text"}]
    error: option "name": must be a text |  | 
    -- {"loud":"yes"}
    [{"path":"loud","kind":"invalid","message":"must be true or false"}]
    error: option "loud": must be true or false |  | 
    -- {"by":null}
    gone
    []
    error: too much | send less | numbers | 77
    process: -1
    {"counters":{"num\"bers":0},"outputs":[{"path":"x.txt","summary":""}],"warnings":["a\u000ab"]}
    gone
    -- {}
    gone
    []
    error: unknown exception |  | 
    process: -1
    {"counters":{"num\"bers":0},"outputs":[{"path":"x.txt","summary":""}],"warnings":["a\u000ab"]}
    gone
    -- {}
    gone
    []
    error: over the edge |  | 
    process: -1
    {"counters":{"num\"bers":0},"outputs":[{"path":"x.txt","summary":""}],"warnings":["a\u000ab"]}
    gone
    -- {}
    gone
    []
    error: expected a number, got bmf.audio_frame |  |  | 9
    process: -1
    {"counters":{"num\"bers":0},"outputs":[{"path":"x.txt","summary":""}],"warnings":["a\u000ab"]}
    gone
    -- {"by":-5}
    gone
    []
    error: no such number | count upwards | 
    process: -1
    {"counters":{"num\"bers":0},"outputs":[{"path":"x.txt","summary":""}],"warnings":["a\u000ab"]}
    gone
    -- {"by":1}
    [{"path":"by","kind":"unknown","message":"unknown option \"by\""}]
    process: 2
    {"counters":{},"outputs":[],"warnings":[]}
    -- promise: 0 0
    error: cannot promise | ask less | out
    process: -1
    processed
    process: 2
    closed
    close: 0
    {"panicked":"no \"report\""}
    gone
    -- promise: 0 0
    closed
    error: cannot promise | ask less | out
    close: -1
    {"panicked":"no \"report\""}
    gone
    -- {}
    []
    error: there is no module of this kind |  | 
    log 1 on_interrupt: cannot stop
    0 payloads left
    "##);
}
