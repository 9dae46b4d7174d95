//! `cargo xtask dist`: the archive for users, and a look at whether it works where it is unpacked. It builds what
//! `cargo xtask build --dynamic` does, and puts a static program back where there was one.

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
    ("bmf-abi/include/bmf/error.hpp", "include/bmf/error.hpp"),
    ("bmf-abi/include/bmf/frame.hpp", "include/bmf/frame.hpp"),
    ("bmf-abi/include/bmf/host.hpp", "include/bmf/host.hpp"),
    ("bmf-abi/include/bmf/json.hpp", "include/bmf/json.hpp"),
    ("bmf-abi/include/bmf/module.hpp", "include/bmf/module.hpp"),
    ("bmf-abi/include/bmf/options.hpp", "include/bmf/options.hpp"),
    ("bmf-abi/include/bmf/packet.hpp", "include/bmf/packet.hpp"),
    ("bmf-abi/include/bmf/plugin.hpp", "include/bmf/plugin.hpp"),
    ("bmf-abi/include/bmf/task.hpp", "include/bmf/task.hpp"),
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
    let was_whole = build::is_whole(workspace);
    let archive = make(workspace)?;
    if was_whole {
        build::make(workspace, BuildArgs::default())?;
    }
    let size = archive.metadata()?.len() as f64 / 1024.0 / 1024.0;
    let shown = archive.strip_prefix(&workspace.root).unwrap_or(&archive);
    println!("\n{size:>9.2} MiB  {}", shown.display());
    if !was_whole {
        println!("{}", build::note(&workspace.bmf(), false, &workspace.root));
    }
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

    /// Every header is packed, and nothing that the headers were made of.
    #[test]
    fn all_headers_are_packed() {
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bmf-abi/include");
        let headers = |folder: &str| {
            let entries = std::fs::read_dir(include.join(folder)).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let files = names.filter(|name| name.contains(".h") && name != "bmf.tail.h");
            files
                .map(|name| format!("include/{folder}{name}"))
                .collect::<Vec<_>>()
        };
        let mut there = [headers(""), headers("bmf/")].concat();
        let packed = FILES.iter().map(|(_, path)| (*path).to_owned());
        let mut packed: Vec<_> = packed.filter(|path| path.starts_with("include/")).collect();
        there.sort();
        packed.sort();
        assert_eq!(packed, there);
    }

    /// What a document of the archive links to, and where a Makefile looks for headers, is in the archive too.
    #[test]
    fn paths_lead_somewhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let same = EXAMPLES.iter().map(|&path| (path, path));
        let files: Vec<_> = FILES.iter().copied().chain(same).collect();
        let is_packed = |path: &str| {
            let below = |packed: &str| {
                packed
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            files.iter().any(|(_, packed)| below(packed))
        };
        for (from, path) in &files {
            let text = std::fs::read_to_string(root.join(from)).unwrap();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let links = text
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split([')', '#']).next());
            let links = links
                .filter(|link| path.ends_with(".md") && !link.is_empty() && !link.contains("://"));
            for link in links {
                assert!(is_packed(&joined(folder, link)), "{from} links to {link}");
            }
            if path.ends_with("Makefile") {
                let folders = text
                    .lines()
                    .find_map(|line| line.strip_prefix("BMF_INCLUDE ?= "))
                    .unwrap();
                let mut folders = folders.split(' ');
                assert!(
                    folders.any(|there| joined(folder, there) == "include"),
                    "{from}"
                );
            }
        }
    }

    /// `path`, which is seen from `folder`, seen from the archive's top.
    fn joined(folder: &str, path: &str) -> String {
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in path.split('/') {
            match part {
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        parts.join("/")
    }

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
