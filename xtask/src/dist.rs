//! `cargo xtask dist`: the archive for users, and a look at whether it works where it is unpacked. It builds what
//! `cargo xtask build --dynamic` does.

mod licenses;
mod pack;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use self::pack::{Entry, Times};
use crate::args::{BuildArgs, Linkage};
use crate::build;
use crate::deps::{self, Need};
use crate::sh;
use crate::workspace::{self, Workspace};

/// All members have the workspace's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Files of the repository, with their names in the archive.
const FILES: &[(&str, &str)] = &[
    ("bmf-abi/include/bmf.h", "include/bmf.h"),
    ("bmf-abi/include/bmf.hpp", "include/bmf.hpp"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE-APACHE", "licenses/LICENSE-APACHE"),
    ("LICENSE-MIT", "licenses/LICENSE-MIT"),
    ("docs/flow.md", "docs/flow.md"),
    ("docs/plugins.md", "docs/plugins.md"),
    ("xtask/src/dist/README.md", "README.md"),
];

/// Files that have the same name in both.
const EXAMPLES: &[&str] = &[
    "examples/plugins/c/Makefile",
    "examples/plugins/c/README.md",
    "examples/plugins/c/invert.c",
    "examples/plugins/cpp/Makefile",
    "examples/plugins/cpp/README.md",
    "examples/plugins/cpp/brightness.cpp",
];

/// A graph that needs modules out of two libraries and FFmpeg.
const GRAPH: &str = "test_source width=64 height=36 duration=1 ! scale 32:18 ! encode out.mp4";

/// Builds, packs and tries.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    std::env::set_current_dir(&workspace.root)?;
    deps::ensure(&[Need::Libraries])?;
    let archive = make(workspace)?;
    let size = archive.metadata()?.len() as f64 / 1024.0 / 1024.0;
    let shown = archive.strip_prefix(&workspace.root).unwrap_or(&archive);
    println!("\n{size:>9.2} MiB  {}", shown.display());
    Ok(())
}

/// The same without looking for what is missing on this machine.
pub(crate) fn make(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let dynamic = BuildArgs {
        linkage: Linkage::Dynamic,
        debug: false,
    };
    let made = build::make(workspace, dynamic)?;
    let host = workspace::host()?;
    let name = format!("bmf-{VERSION}-{host}");
    let folder = workspace.target.join("dist");
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let archive = folder.join(format!("{name}.tar.gz"));
    let entries = entries(workspace, &made, &host)?;
    pack::pack(&archive, &name, entries, &Times::of(&workspace.root))?;
    try_it(&archive, &name)?;
    Ok(archive)
}

fn entries(workspace: &Workspace, made: &build::Made, host: &str) -> anyhow::Result<Vec<Entry>> {
    let mut entries = vec![Entry::file(&made.program, "bin/bmf", true)?];
    for library in &made.libraries {
        let name = library.file_name().context("a library has a name")?;
        let path = format!("bin/modules/{}", name.display());
        entries.push(Entry::file(library, &path, false)?);
    }
    for (from, path) in FILES {
        entries.push(Entry::file(&workspace.root.join(from), path, false)?);
    }
    for path in EXAMPLES {
        entries.push(Entry::file(&workspace.root.join(path), path, false)?);
    }
    entries.extend(licenses::entries(workspace, host)?);
    Ok(entries)
}

/// Unpacks the archive elsewhere and uses it there, without anything this user has installed.
fn try_it(archive: &Path, name: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("making a folder to unpack to")?;
    pack::unpack(archive, folder.path())?;
    let program = folder.path().join(name).join("bin/bmf");
    let bmf = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.args(args).current_dir(folder.path());
        command.env("XDG_DATA_HOME", folder.path());
        command.env("BMF_MODULE_CACHE", "");
        command.env_remove("BMF_MODULE_PATH");
        command
    };
    sh::run(&mut bmf(&["modules"]))?;
    let listed = sh::output(&mut bmf(&["modules", "--json"])).context("`bmf modules` failed")?;
    let refused = refused_below(&serde_json::from_str(&listed)?, folder.path());
    if !refused.is_empty() {
        bail!("the archive has libraries that its program refuses: {refused}");
    }
    sh::run(&mut bmf(&["run", "--progress", "none", GRAPH]))?;
    let made = folder.path().join("out.mp4");
    if !made.metadata().is_ok_and(|data| data.len() > 0) {
        bail!("the unpacked `bmf run` succeeded, but wrote nothing");
    }
    Ok(())
}

/// What is refused in `folder`, and why; what is elsewhere on this machine is not ours.
fn refused_below(listed: &Value, folder: &Path) -> String {
    let refused = listed["refused"].as_array().into_iter().flatten();
    let sentences = refused.filter_map(|refused| {
        let (path, reason) = (refused["path"].as_str()?, refused["reason"].as_str()?);
        Path::new(path)
            .starts_with(folder)
            .then(|| format!("{path} {reason}"))
    });
    sentences.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_packed_counts() {
        let listed = json!({ "refused": [
            { "path": "/tmp/x/bin/modules/a.so", "reason": "is empty" },
            { "path": "/opt/b.so", "reason": "is empty" },
        ] });
        insta::assert_snapshot!(refused_below(&listed, Path::new("/tmp/x")), @"/tmp/x/bin/modules/a.so is empty");
        assert_eq!(refused_below(&listed, Path::new("/y")), "");
    }
}
