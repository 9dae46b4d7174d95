//! Modules of a real library that go wrong: what the program says, and that it exits as it should.

use crate::util::Dir;

/// Runs `bmf` with the library of the crate `bmf-fixture` in its search path.
fn bmf(dir: &Dir, arguments: &[&str]) -> String {
    let modules = dir.path("modules");
    if !modules.is_dir() {
        // Cargo puts the libraries of dev-dependencies beside the programs of tests.
        let built = std::env::current_exe().unwrap();
        let built = built.with_file_name(library());
        std::fs::create_dir(&modules).unwrap();
        std::fs::copy(built, modules.join(library())).unwrap();
    }
    let arguments = [&["--modules", "modules"], arguments].concat();
    dir.bmf(&arguments)
}

fn library() -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}bmf_fixture{DLL_SUFFIX}")
}

/// What `bmf run` says of a graph with such a part in the middle.
fn check(part: &str) -> String {
    let line =
        format!("test_source width=66 height=36 duration=0.2 ! {part} ! fixture_pass ! null_sink");
    bmf(&Dir::new(), &["run", "-q", &line])
}

#[test]
fn a_module_that_goes_wrong_fails_the_run() {
    insta::assert_snapshot!(check("fixture_invert"), @"exit 0");
    insta::assert_snapshot!(check("fixture_fault on=process what=panic at=120000"), @"
    exit 1
    --- stderr
    error: node 1 'fixture_fault' (fixture_fault), port in, at 0.128000s: the module panicked: on purpose
      help: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check("fixture_fault on=process what=error hint='read the manual' port=in"), @"
    exit 1
    --- stderr
    error: node 1 'fixture_fault' (fixture_fault), port in, at 0.000000s: on purpose: its cause
      help: read the manual
    ");
    insta::assert_snapshot!(check("fixture_fault on=drop what=panic"), @"
    exit 1
    --- stderr
    error: node 1 'fixture_fault' (fixture_fault): the module panicked: on purpose
      help: this is a defect of the module; report it
    ");
    for call in ["new", "open", "start", "close", "report", "drop"] {
        for what in ["panic", "panic_any"] {
            let said = check(&format!("fixture_fault on={call} what={what}"));
            assert!(
                said.starts_with("exit 1\n--- stderr\nerror: node 1 "),
                "{said}"
            );
            assert!(said.contains("the module panicked: "), "{said}");
        }
    }
}

#[test]
fn a_module_that_panics_before_the_run_is_told_about() {
    insta::assert_snapshot!(check("fixture_fault on=check what=panic"), @"
    exit 2
    --- stderr
    error: node 1 'fixture_fault' (fixture_fault): the module panicked when its options were checked: on purpose
     --> <command line>:1:47
      |
    1 | test_source width=66 height=36 duration=0.2 ! fixture_fault on=check what=panic ! fixture_pass ! null_sink
      |                                               ^^^^^^^^^^^^^
      |
      = help: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check("go_wrong"), @"
    exit 2
    --- stderr
    error: go_wrong: the module panicked: at once
     --> <command line>:1:47
      |
    1 | test_source width=66 height=36 duration=0.2 ! go_wrong ! fixture_pass ! null_sink
      |                                               ^^^^^^^^
      |
      = help: this is a defect of the module; report it
    ");
}

#[test]
fn packets_and_threads_that_are_left_over_hold_nobody() {
    insta::assert_snapshot!(check("fixture_hoard name=x ! fixture_thread"), @"exit 0");
}

/// A library whose code panics when it is asked for its modules.
#[test]
fn a_library_that_panics_is_refused() {
    let dir = Dir::new();
    bmf(&dir, &["modules"]);
    let mut command = dir.command(&["--modules", "modules", "run", "fixture_pass ! null_sink"]);
    command.env("BMF_FIXTURE", "panic");
    let said = crate::util::show(&crate::util::finish(command.spawn().unwrap()));
    insta::assert_snapshot!(said.replace(&dir.path("").display().to_string(), "DIR/"), @r#"
    exit 2
    --- stderr
    error: no module answers to "fixture_pass"
     --> <command line>:1:1
      |
    1 | fixture_pass ! null_sink
      | ^^^^^^^^^^^^
      |
      = help: DIR/modules/libbmf_fixture.so says that it cannot be used here: it panicked when it was asked for its modules: as was wished for
    "#);
}
