//! The steps of CI that are about modules as libraries: they are built, loaded and used as a user would do it, and
//! their tests run where every wrong access to memory is seen.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::args::{BuildArgs, Linkage, NewModuleArgs};
use crate::build;
use crate::demo;
use crate::dist;
use crate::new_module::{self, Made};
use crate::sh;
use crate::workspace::{self, Workspace};

/// The demo with modules out of libraries, and the archive. In the end the static program is back.
pub(crate) fn dynamic(workspace: &Workspace) -> anyhow::Result<()> {
    let args = BuildArgs {
        linkage: Linkage::Dynamic,
        debug: false,
    };
    build::make(workspace, args)?;
    let folder = workspace.target.join("smoke");
    demo::play(workspace, &folder)?;
    dist::make(workspace)?;
    build::make(workspace, BuildArgs::default()).map(drop)
}

/// A crate out of the template, outside the workspace, with the module that the guide shows as one of its tests. As a
/// debug and as a release build it must load into the release build of the program.
pub(crate) fn template(workspace: &Workspace) -> anyhow::Result<()> {
    build::make(workspace, BuildArgs::default())?;
    let folder = tempfile::tempdir().context("making a folder for the crate")?;
    let args = NewModuleArgs {
        name: "try-it".to_owned(),
        path: Some(folder.path().to_owned()),
    };
    let made = new_module::create(workspace, &args)?;
    let guide = std::fs::read_to_string(workspace.root.join("docs/plugins.md"))?;
    let tests = made.folder.join("tests");
    std::fs::create_dir(&tests)?;
    let shown = rust_in(&guide).context("docs/plugins.md shows no Rust")?;
    std::fs::write(tests.join("guide.rs"), shown)?;
    let target = workspace.target.join("template");
    let cargo = |args: &[&str]| {
        let mut cargo = sh::cargo([]);
        cargo.args(args).current_dir(&made.folder);
        cargo.env("CARGO_TARGET_DIR", &target);
        sh::run(&mut cargo)
    };
    cargo(&["fmt", "--check"])?;
    cargo(&["clippy", "--all-targets", "--", "-D", "warnings"])?;
    cargo(&["test"])?;
    cargo(&["build"])?;
    use_library(workspace, &made, &target.join("debug"))?;
    cargo(&["build", "--release"])?;
    use_library(workspace, &made, &target.join("release"))
}

/// The first block of Rust in a document.
fn rust_in(markdown: &str) -> Option<&str> {
    let (_, rest) = markdown.split_once("\n```rust\n")?;
    Some(rest.split_once("```\n")?.0)
}

/// Runs a graph with the library that was built in `folder`, alone in a folder of its own.
fn use_library(workspace: &Workspace, made: &Made, folder: &Path) -> anyhow::Result<()> {
    let modules = made.folder.join("modules");
    std::fs::create_dir_all(&modules)?;
    let library = made.names.library();
    std::fs::copy(folder.join(&library), modules.join(&library))
        .with_context(|| format!("copying {library}"))?;
    let name = &made.names.module;
    let graph = format!("test_source width=64 height=36 duration=1 ! {name} level=60 ! null_sink");
    let mut bmf = Command::new(workspace.bmf());
    bmf.args(["run", "--progress", "none", "--modules"]);
    sh::run(bmf.arg(&modules).arg(graph))
}

/// What crosses the border is tested with valgrind looking on: all of the bridge and the loader, graphs with plugins,
/// and packets.
pub(crate) fn memory(workspace: &Workspace) -> anyhow::Result<()> {
    const TESTS: [&[&str]; 4] = [
        &["-p", "bmf-bridge", "-p", "bmf-modules", "--lib", "--tests"],
        &["-p", "bmf-engine", "--test", "plugins"],
        &["-p", "bmf-hmp", "--lib", "packet"],
        &["-p", "bmf-hmp", "--test", "border"],
    ];
    let known = workspace.root.join("xtask/src/valgrind.supp");
    let runner = serde_json::json!([
        "valgrind",
        "--quiet",
        "--error-exitcode=9",
        "--leak-check=full",
        "--show-leak-kinds=definite",
        "--errors-for-leak-kinds=definite",
        format!("--suppressions={}", known.display()),
    ]);
    // A JSON list of texts is one of TOML's too.
    let setting = format!("target.{}.runner={runner}", workspace::host()?);
    for tests in TESTS {
        let mut cargo = sh::cargo(["test", "--config", &setting]);
        sh::run(cargo.args(tests).env("PROPTEST_CASES", "8"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_block_of_rust() {
        let text = "a\n```sh\nls\n```\n\n```rust\nlet a = 1;\n```\n\n```rust\nb\n```\n";
        assert_eq!(rust_in(text), Some("let a = 1;\n"));
        assert_eq!(rust_in("none"), None);
    }
}
