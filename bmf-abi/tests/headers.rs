//! The headers compile wherever they should, the C++ one does what it says, and so do the examples.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod cc;

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn c_compiles() {
    let use_all = "#include \"bmf.h\"\n#include \"bmf.h\"\nBMF_PLUGIN(nothing) { (void)the_host; return NULL; }\n";
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
        cc::compile("all.cpp", use_all, &[standard]);
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
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
        for entry in std::fs::read_dir(examples().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, target.path().join(path.file_name().unwrap())).unwrap();
        }
        cc::run(
            Command::new("make")
                .arg("-B")
                .arg(format!("BMF_INCLUDE={}", include.display()))
                .arg(library)
                .current_dir(target.path()),
        );
        assert!(target.path().join(library).exists());
    }
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

#[test]
fn the_wrapper_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("wrapper");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/wrapper.cpp");
    let mut compiler = cc::compiler(&source);
    compiler.arg("-std=c++14").args(sanitizers(folder.path()));
    cc::run(compiler.arg("-o").arg(&program));
    insta::assert_snapshot!(cc::run(&mut Command::new(program)), @r##"
    wrapper 2.1
    {"inputs":[{"name":"numbers","kind":"any","docs":"what to add to","optional":false}],"name":"add","options":{"type":"object","properties":{"by":{"type":"integer","default":1,"description":"how much"},"factor":{"type":"number","default":0.1,"description":"times"},"name":{"type":"string","default":"nobody","description":"who"},"loud":{"type":"boolean","default":false,"description":"so"}}},"outputs":[{"name":"same","kind":"any","docs":"","optional":false},{"name":"sums","kind":"any","docs":"","optional":true}],"summary":"adds","version":"2.1"}
    {"impossible":"it counts"}
    {"any_room":true,"inputs":[],"is_sink":true,"name":"plain","options":{"type":"object","properties":{}},"outputs":[],"version":"3"}
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
    0 payloads left
    "##);
}
