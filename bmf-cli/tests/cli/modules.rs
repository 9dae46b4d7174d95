//! `bmf modules`, and what the other commands make of modules in libraries. What they are refused
//! for is tested in `bmf-modules`.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;

use serde_json::Value;

use crate::kit::{Plugin, compile, plugin};
use crate::util::{Dir, finish, show};

/// Runs `bmf`; the folder of the test is `DIR` in what comes out, and what others have installed on
/// this machine, or linked in, is left out.
fn bmf(dir: &Dir, arguments: &[&str]) -> String {
    let output = finish(dir.command(arguments).spawn().unwrap());
    let folder = fs::canonicalize(dir.path(".")).unwrap();
    let text = show(&output).replace(&folder.display().to_string(), "DIR");
    let shown = text.lines().filter(|line| {
        let is_others = line.ends_with(" linked in") || line.contains("bmf_mods");
        !is_others && !line.contains("/debug/modules") && !line.contains("/release/modules")
    });
    shown.map(|line| format!("{line}\n")).collect()
}

fn plugins(dir: &Dir) {
    fs::create_dir(dir.path("mine")).unwrap();
    plugin(&["edge_detect", "blur"]).build(&dir.path("mine/libedges.so"));
}

#[test]
fn modules_are_listed_with_where_they_are_from() {
    let dir = Dir::new();
    plugins(&dir);
    fs::create_dir_all(dir.path("data/bmf/modules")).unwrap();
    plugin(&["blur"])
        .rank(1)
        .build(&dir.path("data/bmf/modules/libblur.so"));
    dir.create("mine/libbroken.so", "");
    insta::assert_snapshot!(bmf(&dir, &["modules", "--modules", "mine"]), @"
    exit 0
    --- stdout
    module             version  rank  from
    blur               1.0      1     DIR/data/bmf/modules/libblur.so
    blur               1.0      0     DIR/mine/libedges.so (overridden)
    edge_detect        1.0      0     DIR/mine/libedges.so

    refused:
      DIR/mine/libbroken.so is empty; copy it again

    libraries are looked for in:
      mine
      DIR/data/bmf/modules
    ");
    let list = dir.stdout(&["modules", "--json", "--modules", "mine"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let modules = list["modules"].as_array().unwrap();
    let blur: Vec<&Value> = modules
        .iter()
        .filter(|module| module["name"] == "blur")
        .collect();
    assert_eq!(blur.len(), 2);
    assert_eq!(
        (&blur[0]["rank"], &blur[0]["overridden"]),
        (&1.into(), &false.into())
    );
    assert_eq!(blur[1]["overridden"], true);
    assert!(
        list["refused"][0]["path"]
            .as_str()
            .unwrap()
            .ends_with("mine/libbroken.so")
    );
    assert_eq!(list["refused"][0]["reason"], "is empty; copy it again");
}

#[test]
fn a_module_in_a_library_is_told_about() {
    let dir = Dir::new();
    plugins(&dir);
    insta::assert_snapshot!(bmf(&dir, &["inspect", "blur", "--modules", "mine"]), @"
    exit 0
    --- stdout
    blur 1.0, from DIR/mine/libedges.so

    A blur

    inputs:
      none

    outputs:
      none

    input manager:
      immediate, unless the graph says otherwise

    options:
      none
    ");
    let json = dir.stdout(&["--modules", "mine", "inspect", "blur", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(json["from"].as_str().unwrap().ends_with("mine/libedges.so"));
    insta::assert_snapshot!(bmf(&dir, &["inspect", "blur", "--modules", "missing"]), @r#"
    exit 2
    --- stderr
    error: there is no directory "missing"
      help: --modules takes a directory with libraries in it
    "#);
}

#[test]
fn an_unknown_module_of_a_graph_is_explained() {
    let dir = Dir::new();
    plugins(&dir);
    dir.create("mine/libsharpen.so", "");
    let graph =
        |name: &str| format!(r#"{{"nodes": [{{"id": 0, "module_info": {{"name": "{name}"}}}}]}}"#);
    dir.create("slip.json", graph("edge_detekt"));
    dir.create("refused.json", graph("sharpen"));
    let check = |graph: &str| {
        let output = dir
            .command(&["check", graph])
            .env("BMF_MODULE_PATH", "mine")
            .spawn()
            .unwrap();
        let folder = fs::canonicalize(dir.path(".")).unwrap();
        show(&finish(output)).replace(&folder.display().to_string(), "DIR")
    };
    insta::assert_snapshot!(check("slip.json"), @r#"
    exit 2
    --- stderr
    error: node 0 'edge_detekt_0' (edge_detekt): there is no module "edge_detekt"
     --> slip.json:1:46
      |
    1 | {"nodes": [{"id": 0, "module_info": {"name": "edge_detekt"}}]}
      |                                              ^^^^^^^^^^^^^
      |
      = help: did you mean "edge_detect"?
    "#);
    insta::assert_snapshot!(check("refused.json"), @r#"
    exit 2
    --- stderr
    error: node 0 'sharpen_0' (sharpen): there is no module "sharpen"
     --> refused.json:1:46
      |
    1 | {"nodes": [{"id": 0, "module_info": {"name": "sharpen"}}]}
      |                                              ^^^^^^^^^
      |
      = help: DIR/mine/libsharpen.so is empty; copy it again
    "#);
    insta::assert_snapshot!(check("sharpen ! null_sink"), @r#"
    exit 2
    --- stderr
    error: no module answers to "sharpen"
     --> <command line>:1:1
      |
    1 | sharpen ! null_sink
      | ^^^^^^^
      |
      = help: DIR/mine/libsharpen.so is empty; copy it again
    "#);
}

#[test]
fn of_modules_of_one_name_the_others_are_told() {
    let dir = Dir::new();
    plugins(&dir);
    fs::create_dir_all(dir.path("other")).unwrap();
    plugin(&["blur", "null_sink"]).build(&dir.path("other/libblur.so"));
    plugin(&["edge_detect"])
        .rank(3)
        .build(&dir.path("other/libedge.so"));
    let check = |line: &str| {
        let arguments = ["check", line, "--modules", "mine", "--modules", "other"];
        let said = bmf(&dir, &arguments);
        let warnings = said
            .lines()
            .filter(|line| line.starts_with("warning: module"));
        warnings.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(check("edge_detect ! blur ! blur"), @r#"
    warning: module "edge_detect" is taken from DIR/other/libedge.so (rank 3); DIR/mine/libedges.so has it too (rank 0)
    warning: module "blur" is taken from DIR/mine/libedges.so, which is found first; DIR/other/libblur.so has it too
    "#);
    insta::assert_snapshot!(check("test_source ! null_sink"), @r#"warning: module "null_sink" is the one that is linked in; DIR/other/libblur.so has it too"#);
}

#[test]
fn a_graph_names_a_library() {
    let dir = Dir::new();
    plugins(&dir);
    let check = |path: &str, entry: &str| {
        let module =
            format!(r#"{{"name": "x", "type": "c++", "path": "{path}", "entry": "{entry}"}}"#);
        dir.create(
            "g.json",
            format!(r#"{{"nodes": [{{"id": 0, "module_info": {module}}}]}}"#),
        );
        bmf(&dir, &["check", "g.json"])
    };
    insta::assert_snapshot!(check("mine/libedges.so", "libedges.blur"), @r#"
    exit 2
    --- stderr
    error: node 0 'x_0' (x): nobody consumes what it produces
     --> g.json:1:12
      |
    1 | {"nodes": [{"id": 0, "module_info": {"name": "x", "type": "c++", "path": "mine/libedges.so", "entry": "libedges.blur"}}]}
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: connect an output to another node: an encoder, or null_sink
    "#);
    insta::assert_snapshot!(check("mine/libedges.so", "libedges.Blur"), @r#"
    exit 2
    --- stderr
    error: node 0 'x_0' (x): DIR/mine/libedges.so has no module "Blur" or "x"; it has "edge_detect", "blur"
     --> g.json:1:46
      |
    1 | {"nodes": [{"id": 0, "module_info": {"name": "x", "type": "c++", "path": "mine/libedges.so", "entry": "libedges.Blur"}}]}
      |                                              ^^^
    "#);
    insta::assert_snapshot!(check("mine/libedge.so", ""), @r#"
    exit 2
    --- stderr
    error: node 0 'x_0' (x): DIR/mine/libedge.so cannot be read: no such file or directory
     --> g.json:1:46
      |
    1 | {"nodes": [{"id": 0, "module_info": {"name": "x", "type": "c++", "path": "mine/libedge.so", "entry": ""}}]}
      |                                              ^^^
    "#);
}

#[test]
fn libraries_are_installed_and_uninstalled() {
    let dir = Dir::new();
    plugins(&dir);
    insta::assert_snapshot!(bmf(&dir, &["modules", "install", "mine/libedges.so"]), @"
    exit 0
    --- stdout
    installed DIR/data/bmf/modules/libedges.so: edge_detect, blur
    ");
    insta::assert_snapshot!(bmf(&dir, &["modules"]), @"
    exit 0
    --- stdout
    module             version  rank  from
    blur               1.0      0     DIR/data/bmf/modules/libedges.so
    edge_detect        1.0      0     DIR/data/bmf/modules/libedges.so

    libraries are looked for in:
      DIR/data/bmf/modules
    ");
    insta::assert_snapshot!(bmf(&dir, &["modules", "uninstall", "blurr"]), @r#"
    exit 2
    --- stderr
    error: "blurr" is not installed in DIR/data/bmf/modules
      help: did you mean "blur"?
    "#);
    insta::assert_snapshot!(bmf(&dir, &["modules", "uninstall", "blur"]), @"
    exit 0
    --- stdout
    removed DIR/data/bmf/modules/libedges.so, and with it edge_detect
    ");
    insta::assert_snapshot!(bmf(&dir, &["modules", "uninstall", "blur", "--modules", "mine"]), @r#"
    exit 2
    --- stderr
    error: "blur" is not installed in DIR/data/bmf/modules
      help: module "blur" is from DIR/mine/libedges.so, which you can delete yourself
    "#);
    insta::assert_snapshot!(bmf(&dir, &["modules", "uninstall", "null_sink"]), @r#"
    exit 2
    --- stderr
    error: "null_sink" is not installed in DIR/data/bmf/modules
      help: module "null_sink" is linked into this program
    "#);
    insta::assert_snapshot!(bmf(&dir, &["modules", "install", "mine", "--to", "there"]), @"
    exit 0
    --- stdout
    installed there/libedges.so: edge_detect, blur
    ");
    assert!(dir.path("there/libedges.so").exists());
}

#[test]
fn nothing_but_a_name_is_uninstalled() {
    let dir = Dir::new();
    plugins(&dir);
    bmf(&dir, &["modules", "install", "mine"]);
    let library = dir.path("data/bmf/modules/libedges.so");
    for what in ["", ".", "..", "./", "/", "../modules", "data/bmf/modules"] {
        let said = bmf(&dir, &["modules", "uninstall", what]);
        assert!(said.starts_with("exit 2"), "{said}");
        assert!(library.exists(), "{what}");
    }
    insta::assert_snapshot!(bmf(&dir, &["modules", "uninstall", "."]), @r#"
    exit 2
    --- stderr
    error: "." is not installed in DIR/data/bmf/modules
      help: `bmf modules` lists the modules there are
    "#);
    bmf(&dir, &["modules", "uninstall", library.to_str().unwrap()]);
    assert!(!library.exists());
}

#[test]
fn names_of_all_kinds_are_told() {
    let dir = Dir::new();
    fs::create_dir(dir.path("mine")).unwrap();
    let counter = dir.path("counter");
    let strange = dir
        .path("mine")
        .join(OsStr::from_bytes(b"libblur\n\xff.so"));
    plugin(&["blur"])
        .counting(&counter)
        .build(&dir.path("libblur.so"));
    fs::rename(dir.path("libblur.so"), &strange).unwrap();
    insta::assert_snapshot!(bmf(&dir, &["modules", "--modules", "mine"]), @r"
    exit 0
    --- stdout
    module             version  rank  from
    blur               1.0      0     DIR/mine/libblur\n�.so

    libraries are looked for in:
      mine
      DIR/data/bmf/modules (not there)
    ");
    dir.stdout(&["modules", "--json", "--modules", "mine"]);
    assert_eq!(fs::read(&counter).unwrap().len(), 1);
}

#[test]
fn a_usual_folder_that_is_open_to_all_is_not_looked_into() {
    let dir = Dir::new();
    plugins(&dir);
    bmf(&dir, &["modules", "install", "mine"]);
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(dir.path("data/bmf/modules"), open).unwrap();
    insta::assert_snapshot!(bmf(&dir, &["modules"]), @"
    exit 0
    --- stdout
    module             version  rank  from

    refused:
      DIR/data/bmf/modules is not looked into, since everybody may write to it; take that right away (chmod o-w), or name it with --modules or BMF_MODULE_PATH

    libraries are looked for in:
      DIR/data/bmf/modules (refused)
    ");
}

/// What FFmpeg's filters are called comes from the FFmpeg that is there, for one.
#[test]
#[cfg(target_os = "linux")]
fn a_library_is_asked_again_when_one_that_it_needs_has_changed() {
    let dir = Dir::new();
    fs::create_dir(dir.path("mine")).unwrap();
    let counter = dir.path("counter");
    let needed = dir.path("libneeded");
    let build_needed = |text: &str| {
        let source = format!("const char *needed(void) {{ return \"{text}\"; }}");
        compile(&source, &dir.path("new"), &["-Wl,-soname,libneeded"]);
        fs::rename(dir.path("new"), &needed).unwrap();
    };
    build_needed("one");
    let rpath = format!("-Wl,-rpath,{}", needed.parent().unwrap().display());
    let needs = Plugin {
        more: "const char *needed(void);",
        flags: &[needed.to_str().unwrap(), &rpath],
        ..plugin(&["edge"]).counting(&counter)
    };
    // It really needs it.
    let needs = Plugin {
        code: format!("needed(); {}", needs.code),
        ..needs
    };
    needs.build(&dir.path("mine/libedge.so"));
    let runs = || {
        dir.stdout(&["modules", "--modules", "mine"]);
        fs::read(&counter).unwrap().len()
    };
    assert_eq!((runs(), runs()), (1, 1));
    build_needed("another one");
    assert_eq!((runs(), runs()), (2, 2));
}

#[test]
fn what_cannot_be_used_is_not_installed() {
    let dir = Dir::new();
    plugins(&dir);
    dir.create("mine/libbroken.so", "");
    fs::create_dir(dir.path("empty")).unwrap();
    fs::copy(dir.path("mine/libedges.so"), dir.path("mine/libedges.so.1")).unwrap();
    insta::assert_snapshot!(bmf(&dir, &["modules", "install", "mine/libbroken.so"]), @"
    exit 1
    --- stderr
    error: DIR/mine/libbroken.so is empty; copy it again
    ");
    assert!(!dir.path("data").exists());
    insta::assert_snapshot!(bmf(&dir, &["modules", "install", "mine"]), @"
    exit 1
    --- stdout
    installed DIR/data/bmf/modules/libedges.so: edge_detect, blur
    --- stderr
    error: DIR/mine/libbroken.so is empty; copy it again
    ");
    insta::assert_snapshot!(bmf(&dir, &["modules", "install", "empty"]), @r#"
    exit 2
    --- stderr
    error: there is no library in "empty"
      help: name a library, or a folder with libraries in it
    "#);
    insta::assert_snapshot!(bmf(&dir, &["modules", "install", "missing.so"]), @"
    exit 1
    --- stderr
    error: DIR/missing.so cannot be read: no such file or directory
    ");
    insta::assert_snapshot!(bmf(&dir, &["modules", "install", "mine/libedges.so.1"]), @r#"
    exit 2
    --- stderr
    error: "mine/libedges.so.1" would not be found: libraries end in .so
      help: rename it to end in .so
    "#);
    dir.create("data/bmf/modules/libbroken.so", "");
    insta::assert_snapshot!(bmf(&dir, &["modules", "uninstall", "libbroken.so"]), @"
    exit 0
    --- stdout
    removed DIR/data/bmf/modules/libbroken.so
    ");
}

#[test]
fn folders_of_bmf_are_installed_whole() {
    let dir = Dir::new();
    fs::create_dir(dir.path("Module_edges")).unwrap();
    plugin(&["Edges"]).build(&dir.path("Module_edges/libedges.so"));
    dir.create(
        "Module_edges/meta.info",
        r#"{"name": "edges", "type": "c++", "class": "Edges"}"#,
    );
    insta::assert_snapshot!(bmf(&dir, &["modules", "install", "Module_edges"]), @"
    exit 0
    --- stdout
    installed DIR/data/bmf/modules/Module_edges: Edges
    ");
    insta::assert_snapshot!(bmf(&dir, &["modules"]), @"
    exit 0
    --- stdout
    module             version  rank  from
    edges              1.0      0     DIR/data/bmf/modules/Module_edges/libedges.so

    libraries are looked for in:
      DIR/data/bmf/modules
    ");
    insta::assert_snapshot!(bmf(&dir, &["modules", "uninstall", "edges"]), @"
    exit 0
    --- stdout
    removed DIR/data/bmf/modules/Module_edges
    ");
    assert!(!dir.path("data/bmf/modules/Module_edges").exists());
}

#[test]
fn a_library_runs_once_until_it_is_used() {
    let dir = Dir::new();
    fs::create_dir(dir.path("mine")).unwrap();
    let counter = dir.path("counter");
    plugin(&["edge_detect"])
        .counting(&counter)
        .build(&dir.path("mine/libedges.so"));
    let runs = || fs::read(&counter).map_or(0, |letters| letters.len());
    for _ in 0..3 {
        assert!(
            dir.stdout(&["inspect", "--modules", "mine"])
                .contains("edge_detect")
        );
        dir.stdout(&["modules", "--modules", "mine"]);
        dir.stdout(&["inspect", "edge_detect", "--modules", "mine"]);
        dir.stdout(&["check", "test_source ! null_sink", "--modules", "mine"]);
    }
    assert_eq!(runs(), 1);
    bmf(
        &dir,
        &["check", "edge_detect ! null_sink", "--modules", "mine"],
    );
    assert_eq!(runs(), 2);
    let output = dir
        .command(&["inspect", "--modules", "mine"])
        .env("BMF_MODULE_CACHE", "")
        .spawn();
    assert!(finish(output.unwrap()).status.success());
    assert_eq!(runs(), 3);
}

#[test]
fn a_library_that_brings_the_program_down_does_it_twice() {
    let dir = Dir::new();
    fs::create_dir(dir.path("mine")).unwrap();
    let fatal = Plugin {
        code: "abort();".to_owned(),
        ..plugin(&["fatal"])
    };
    fatal.build(&dir.path("mine/libfatal.so"));
    let list = ["modules", "--modules", "mine"];
    let aborted = || {
        let output = finish(dir.command(&list).spawn().unwrap());
        output.status.signal().is_some()
    };
    // Once may be the fault of somebody else.
    assert!(aborted());
    assert!(aborted());
    insta::assert_snapshot!(bmf(&dir, &list), @"
    exit 0
    --- stdout
    module             version  rank  from

    refused:
      DIR/mine/libfatal.so brought the program down each time it was loaded; rebuild it, or touch it to try it once more

    libraries are looked for in:
      mine
      DIR/data/bmf/modules (not there)
    ");
    insta::assert_snapshot!(bmf(&dir, &list), @"
    exit 0
    --- stdout
    module             version  rank  from

    refused:
      DIR/mine/libfatal.so brought the program down each time it was loaded; rebuild it, or touch it to try it once more

    libraries are looked for in:
      mine
      DIR/data/bmf/modules (not there)
    ");
    plugin(&["fatal"]).build(&dir.path("mine/libfatal.so"));
    insta::assert_snapshot!(bmf(&dir, &list), @"
    exit 0
    --- stdout
    module             version  rank  from
    fatal              1.0      0     DIR/mine/libfatal.so

    libraries are looked for in:
      mine
      DIR/data/bmf/modules (not there)
    ");
}
