//! What cannot be used is refused in one sentence, and the program goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use bmf_modules::Registry;

use super::Place;
use super::kit::{Plugin, compile, plugin};

/// Makes a file, and tells why it is refused.
fn check(make: impl FnOnce(&Path)) -> String {
    let place = Place::new();
    let path = place.path("modules/libx.so");
    make(&path);
    let registry = place.registry(&["modules"]);
    let refused = registry.refused();
    assert!(registry.names().is_empty());
    let [refused] = refused.as_slice() else {
        panic!("{refused:?}");
    };
    place.redact(&refused.to_string())
}

fn check_source(source: &str) -> String {
    check(|path| compile(source, path, &[]))
}

fn check_plugin(plugin: Plugin<'_>) -> String {
    check(|path| plugin.build(path))
}

/// Writes a number into an ELF header.
fn patch(path: &Path, at: usize, bytes: &[u8]) {
    let mut image = fs::read(path).unwrap();
    image[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(path, image).unwrap();
}

#[test]
fn no_library() {
    insta::assert_snapshot!(check(|path| fs::write(path, "").unwrap()), @"/modules/libx.so is empty; copy it again");
    insta::assert_snapshot!(check(|path| fs::write(path, "#!/bin/sh\necho I am a script\n").unwrap()), @"/modules/libx.so is not a library, whatever its name says; take it away");
    insta::assert_snapshot!(check(|path| fs::write(path, "/* GNU ld script */ INPUT(libx.so.1)").unwrap()), @"/modules/libx.so is not a library, whatever its name says; take it away");
    insta::assert_snapshot!(check(|path| {
        let object = ["-c", "-fno-lto"];
        compile("int x;", path, &object);
    }), @r#"/modules/libx.so is an object file and no shared library; link it as one (Rust: crate-type "cdylib", C: -shared)"#);
}

#[test]
fn no_file() {
    insta::assert_snapshot!(check(|path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }), @"/modules/libx.so is no file but a pipe, a socket or a device; take it away");
    insta::assert_snapshot!(check(|path| symlink("/dev/zero", path).unwrap()), @"/modules/libx.so is no file but a pipe, a socket or a device; take it away");
    insta::assert_snapshot!(check(|path| symlink("nowhere.so", path).unwrap()), @"/modules/libx.so is a link to what is not there; take it away, or bring that back");
    let place = Place::new();
    fs::write(place.path("modules"), "").unwrap();
    insta::assert_snapshot!(place.show(&place.registry(&["modules", "missing"])), @"/modules cannot be read: not a directory");
    let place = Place::new();
    symlink("nowhere", place.path("modules/Module_x")).unwrap();
    symlink("/dev/zero", place.path("modules/Module_y/meta.info")).unwrap();
    insta::assert_snapshot!(place.show(&place.registry(&["modules"])), @"
    /modules/Module_x is a link to what is not there; take it away, or bring that back
    /modules/Module_y/meta.info is no file but a pipe, a socket or a device; take it away
    ");
    let check = |path: &Path| Registry::new().examine(path).unwrap_err().reason;
    insta::assert_snapshot!(check(Path::new("/dev/zero")), @"is no file but a pipe, a socket or a device; take it away");
}

#[test]
fn names_steer_no_terminal() {
    let place = Place::new();
    fs::write(place.path("modules/libx\n\x1b[2Jy.so"), "").unwrap();
    insta::assert_snapshot!(place.show(&place.registry(&["modules"])), @r"/modules/libx\n\u{1b}[2Jy.so is empty; copy it again");
    plugin(&["edge"]).build(&place.path("more/libx\ty.so"));
    insta::assert_snapshot!(place.show(&place.registry(&["more"])), @r"edge 1.0 /more/libx\ty.so");
}

#[test]
fn a_module_that_cannot_be_used_leaves_the_others() {
    let place = Place::new();
    let library = place.path("modules/libx.so");
    let mut two = plugin(&["edge"]);
    two.modules.push(r#"{"name": ""}"#.to_owned());
    two.modules
        .push(r#"{"name": "blur", "inputs": 7}"#.to_owned());
    two.build(&library);
    let registry = place.registry(&["modules"]);
    insta::assert_snapshot!(place.show(&registry), @"
    edge 1.0 /modules/libx.so
    /modules/libx.so has module 1, which cannot be used: its descriptor has no name
    /modules/libx.so has blur, which cannot be used: its descriptor cannot be read: data did not match any variant of untagged enum Ports at line 1 column 29
    ");
    assert!(registry.get("edge").is_some());
    // As it is remembered.
    assert_eq!(
        place.show(&place.registry(&["modules"])),
        place.show(&registry)
    );
    let missing = registry.find("blur").err().unwrap();
    insta::assert_snapshot!(place.redact(&missing.hint), @"/modules/libx.so has blur, which cannot be used: its descriptor cannot be read: data did not match any variant of untagged enum Ports at line 1 column 29");
    let refused = registry.find_in(&library, &["blur"]).err().unwrap();
    insta::assert_snapshot!(place.redact(&refused.to_string()), @"/modules/libx.so has blur, which cannot be used: its descriptor cannot be read: data did not match any variant of untagged enum Ports at line 1 column 29");
}

#[test]
fn a_library_without_a_module_that_can_be_used() {
    let place = Place::new();
    let library = place.path("modules/libx.so");
    let nameless = Plugin {
        modules: vec!["{}".to_owned()],
        ..plugin(&[])
    };
    nameless.build(&library);
    let refused = Registry::new().examine(&library).unwrap_err();
    insta::assert_snapshot!(place.redact(&refused.to_string()), @"/modules/libx.so has module 0, which cannot be used: its descriptor has no name");
}

#[test]
#[cfg(all(target_os = "linux", target_endian = "little"))]
fn a_program() {
    // What a linker without `-shared` writes into the header.
    insta::assert_snapshot!(check(|path| {
        plugin(&["x"]).build(path);
        const TYPE: usize = 16;
        patch(path, TYPE, &[2, 0]);
    }), @r#"/modules/libx.so is a program and no shared library; link it as one (Rust: crate-type "cdylib", C: -shared)"#);
}

#[test]
fn truncated() {
    for part in [3, 20, 100, 1000] {
        let refusal = check(|path| {
            plugin(&["x"]).build(path);
            fs::write(path, &fs::read(path).unwrap()[..part]).unwrap();
        });
        assert_eq!(
            refusal,
            "/modules/libx.so is cut short; copy it again (while it is being copied, wait)"
        );
    }
    insta::assert_snapshot!(check(|path| {
        plugin(&["x"]).build(path);
        let image = fs::read(path).unwrap();
        fs::write(path, &image[..image.len() - 100]).unwrap();
    }), @"/modules/libx.so is cut short; copy it again (while it is being copied, wait)");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn another_machine() {
    const MACHINE: usize = 18;
    const AARCH64: [u8; 2] = [183, 0];
    insta::assert_snapshot!(check(|path| {
        plugin(&["x"]).build(path);
        patch(path, MACHINE, &AARCH64);
    }), @"/modules/libx.so is for aarch64, but this program runs on x86_64; build it for that");
    insta::assert_snapshot!(check(|path| fs::write(path, windows_library()).unwrap()), @"/modules/libx.so is for windows on x86_64, but this program runs on linux on x86_64; build it for that");
}

/// The least that is a PE image: headers, and no sections.
fn windows_library() -> Vec<u8> {
    let mut image = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3c, &64_u32.to_le_bytes());
    put(64, b"PE\0\0");
    put(68, &0x8664_u16.to_le_bytes()); // machine
    put(84, &240_u16.to_le_bytes()); // size of the optional header
    put(86, &0x2022_u16.to_le_bytes()); // a DLL
    put(88, &0x20b_u16.to_le_bytes()); // PE32+
    put(88 + 108, &16_u32.to_le_bytes()); // data directories
    image
}

#[test]
fn other_libraries() {
    insta::assert_snapshot!(check_source("int nothing_of_ours(void) { return 0; }"), @"/modules/libx.so is a library, but no bmf plugin: it exports no bmf_plugin_v1_*; export modules from it (Rust: export_module!, C: bmf.h), or take it away");
    insta::assert_snapshot!(check_source("int bmf_plugin_v2_x(void) { return 0; }"), @"/modules/libx.so is for contract 2, but this program speaks 1; rebuild it with a kit for contract 1");
    // What BMF's REGISTER_MODULE_CLASS leaves behind.
    insta::assert_snapshot!(check_source("int _Z28Constructor_CopyModuleModuleiN7bmf_sdk9JsonParamE;"), @"/modules/libx.so is a C++ module built against BMF's own SDK, whose classes this program does not have; rebuild it against bmf.h or bmf.hpp");
    insta::assert_snapshot!(check_source("int ConstructorRegister(void) { return 0; }"), @"/modules/libx.so is a Go module, which this build cannot load; use a module built as a library");
}

#[test]
#[cfg(target_os = "linux")]
fn the_dynamic_linker_refuses() {
    let call = Plugin {
        more: "void nobody_has_this(void);",
        code: "nobody_has_this();".to_owned(),
        ..plugin(&["x"])
    };
    insta::assert_snapshot!(check_plugin(call), @"/modules/libx.so cannot be loaded: undefined symbol: nobody_has_this; install what it needs, or rebuild it on this system");
    let place = Place::new();
    let path = place.path("modules/libx.so");
    let needed = place.path("libneeded.so");
    compile("void needed(void) {}", &needed, &[]);
    let folder = format!("-L{}", needed.parent().unwrap().display());
    let needs = Plugin {
        more: "void needed(void);",
        code: "needed();".to_owned(),
        flags: &[&folder, "-lneeded"],
        ..plugin(&["x"])
    };
    needs.build(&path);
    fs::remove_file(&needed).unwrap();
    let refused = place.registry(&["modules"]).refused();
    insta::assert_snapshot!(place.redact(&refused[0].to_string()), @"/modules/libx.so cannot be loaded: libneeded.so: cannot open shared object file: No such file or directory; install what it needs, or rebuild it on this system");
}

#[test]
fn what_it_says_of_itself_does_not_fit() {
    let entry = |code: &str| Plugin {
        code: code.to_owned(),
        ..plugin(&["x"])
    };
    insta::assert_snapshot!(check_plugin(entry("return 0;")), @"/modules/libx.so says that it cannot be used here: it does not say why");
    insta::assert_snapshot!(check_plugin(Plugin { version: 7, ..entry("") }), @"/modules/libx.so does not fit this program: it was built for version 7 of the plugin contract, but this is version 1; rebuild it with the current kit");
    let nameless = Plugin {
        modules: vec!["{}".to_owned()],
        ..entry("")
    };
    insta::assert_snapshot!(check_plugin(nameless), @"/modules/libx.so has module 0, which cannot be used: its descriptor has no name");
}

#[test]
fn meta_info() {
    let check = |text: &str| {
        let place = Place::new();
        plugin(&["edge"]).build(&place.path("modules/Module_x/libx.so"));
        fs::write(place.path("modules/Module_x/meta.info"), text).unwrap();
        place.show(&place.registry(&["modules"]))
    };
    insta::assert_snapshot!(check(r#"{"name": "x", "type": "c++", "class": "edge"}"#), @"x 1.0 /modules/Module_x/libx.so");
    insta::assert_snapshot!(check(r#"{"name": "edge", "type": "c++", "entry": "libx.Edge"}"#), @"edge 1.0 /modules/Module_x/libx.so");
    insta::assert_snapshot!(check(r#"{"name": "x", "type": "c++", "class": "Copy"}"#), @r#"/modules/Module_x/libx.so has no module "x" or "Copy"; it has "edge""#);
    insta::assert_snapshot!(check(r#"{"name": "x", "type": "c++", "entry": "liby.Copy"}"#), @"/modules/Module_x/meta.info cannot be used: its library /modules/Module_x/liby.so is not there");
    insta::assert_snapshot!(check(r#"{"name": "x", "type": "python", "class": "Copy"}"#), @"/modules/Module_x/meta.info is a Python module, which this build cannot load; use a module built as a library");
    insta::assert_snapshot!(check("{"), @"/modules/Module_x/meta.info cannot be used: it is no meta.info: EOF while parsing an object at line 1 column 1");
}

#[test]
fn a_library_of_bmf() {
    let place = Place::new();
    let source = "int libraries_of_bmf_register_their_classes_when_they_are_loaded;";
    compile(source, &place.path("modules/Module_copy/libcopy.so"), &[]);
    let text = r#"{"name": "copy", "type": "c++", "class": "CopyModule"}"#;
    fs::write(place.path("modules/Module_copy/meta.info"), text).unwrap();
    insta::assert_snapshot!(place.show(&place.registry(&["modules"])), @"/modules/Module_copy/libcopy.so is a C++ module built against BMF's own SDK, whose classes this program does not have; rebuild it against bmf.h or bmf.hpp");
}

#[test]
fn files_that_are_named() {
    let place = Place::new();
    let library = place.path("libx.so");
    plugin(&["edge", "blur"]).build(&library);
    let check = |path: &Path, names: &[&str]| match Registry::new().find_in(path, names) {
        Ok(module) => module.descriptor().name.clone(),
        Err(refused) => place.redact(&refused.to_string()),
    };
    assert_eq!(check(&library, &["Blur", "blur"]), "blur");
    insta::assert_snapshot!(check(&library, &["Edge", "copy"]), @r#"/libx.so has no module "Edge" or "copy"; it has "edge", "blur""#);
    insta::assert_snapshot!(check(library.parent().unwrap(), &["edge"]), @" is a directory; name the library in it");
    insta::assert_snapshot!(check(&place.path("missing.so"), &["edge"]), @"/missing.so cannot be read: no such file or directory");
}

#[test]
fn a_refused_library_of_a_like_name_is_blamed() {
    let place = Place::new();
    fs::write(place.path("modules/libedge_detect.so"), "").unwrap();
    let missing = place
        .registry(&["modules"])
        .find("edge_detect")
        .err()
        .unwrap();
    insta::assert_snapshot!(place.redact(&missing.hint), @"/modules/libedge_detect.so is empty; copy it again");
}
