//! Compilers of C and C++ for tests: `$CC` and `$CXX`, else `cc` and `c++`. Every warning is an error.

use std::path::Path;
use std::process::Command;

/// What all code against the headers is compiled with.
const WARNINGS: [&str; 6] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Werror",
];

/// The compiler for a file of this name, with the warnings on and the headers found.
pub(crate) fn compiler(file: &Path) -> Command {
    let is_cpp = file.extension().is_some_and(|extension| extension == "cpp");
    let (variable, usual) = if is_cpp { ("CXX", "c++") } else { ("CC", "cc") };
    let mut compiler = Command::new(std::env::var_os(variable).unwrap_or_else(|| usual.into()));
    compiler
        .args(WARNINGS)
        .arg(concat!("-I", env!("CARGO_MANIFEST_DIR"), "/include"))
        .arg(file);
    compiler
}

/// Checks that `text` compiles, as a file of this name.
pub(crate) fn compile(name: &str, text: &str, flags: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    run(compiler(&file).args(flags).arg("-fsyntax-only"));
}

/// Runs a command that must succeed, and returns what it prints.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{said}{errors}",
        output.status
    );
    said
}
