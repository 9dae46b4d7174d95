//! Whose work is in the archive, and under which terms: a table, and the licence files that the crates bring.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::pack::Entry;
use crate::sh;
use crate::workspace::Workspace;

const ABOUT: &str = "\
bmf itself is licensed under MIT or Apache-2.0, as you prefer: LICENSE-MIT and LICENSE-APACHE.

FFmpeg is not in this archive. The module library with c_ffmpeg_decoder, c_ffmpeg_filter and
c_ffmpeg_encoder is linked dynamically with the FFmpeg libraries of the machine it runs on. Those are
under the LGPL 2.1 or later, or, where they were built with parts that ask for it, under the GPL;
`ffmpeg -L` tells which of them yours are. They decide what you may do with the two together.

These crates are compiled into the program and the module libraries. Their licence files, where they
bring some, are in the folder third-party.
";

/// A crate of somebody else.
struct Crate<'a> {
    name: &'a str,
    version: &'a str,
    terms: &'a str,
    manifest: &'a Path,
}

/// The table and the files, for a build on `host`.
pub(super) fn entries(workspace: &Workspace, host: &str) -> anyhow::Result<Vec<Entry>> {
    let args = ["metadata", "--format-version=1", "--filter-platform", host];
    let text = sh::output(sh::cargo(args).current_dir(&workspace.root))
        .context("`cargo metadata` failed: run it to see why")?;
    let metadata: Value =
        serde_json::from_str(&text).context("reading the output of `cargo metadata`")?;
    let mut roots: Vec<_> = workspace.modules().map(|m| m.name.as_str()).collect();
    roots.push("bmf-cli");
    let crates =
        third_party(&metadata, &roots).context("`cargo metadata` lacks a field this tool needs")?;

    let mut entries = vec![Entry::text("licenses/THIRD-PARTY.txt", table(&crates))];
    for one in &crates {
        entries.extend(files(one)?);
    }
    Ok(entries)
}

/// What `roots` are built of, without what only builds or tests them.
fn third_party<'a>(metadata: &'a Value, roots: &[&str]) -> Option<Vec<Crate<'a>>> {
    let packages = metadata["packages"].as_array()?;
    let nodes = metadata["resolve"]["nodes"].as_array()?;
    let by_id = |list: &'a [Value]| -> BTreeMap<&'a str, &'a Value> {
        let key = |value: &'a Value| Some((value["id"].as_str()?, value));
        list.iter().filter_map(key).collect()
    };
    let (packages, nodes) = (by_id(packages), by_id(nodes));
    let is_root = |package: &Value| package["name"].as_str().is_some_and(|n| roots.contains(&n));
    let mut open: Vec<_> = packages
        .iter()
        .filter(|(_, package)| is_root(package))
        .map(|(id, _)| *id)
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(dependencies(nodes.get(id)?));
        }
    }
    let packages = seen.into_iter().filter_map(|id| packages.get(id));
    let foreign = packages.filter(|package| !package["source"].is_null());
    foreign.map(|package| read(package)).collect()
}

/// The packages that end up in what is built from this one.
fn dependencies(node: &Value) -> impl Iterator<Item = &str> {
    let is_normal = |dependency: &&Value| {
        let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
        kinds.any(|kind| kind["kind"].is_null())
    };
    let all = node["deps"].as_array().into_iter().flatten();
    all.filter(is_normal)
        .filter_map(|dependency| dependency["pkg"].as_str())
}

fn read(package: &Value) -> Option<Crate<'_>> {
    let terms = package["license"].as_str();
    Some(Crate {
        name: package["name"].as_str()?,
        version: package["version"].as_str()?,
        terms: terms.unwrap_or("see its licence file"),
        manifest: Path::new(package["manifest_path"].as_str()?),
    })
}

fn table(crates: &[Crate<'_>]) -> String {
    let mut text = format!("{ABOUT}\n");
    for Crate {
        name,
        version,
        terms,
        ..
    } in crates
    {
        writeln!(text, "{name:28} {version:12} {terms}").expect("a string takes all text");
    }
    text
}

/// The licence files beside a crate's manifest.
fn files(one: &Crate<'_>) -> anyhow::Result<Vec<Entry>> {
    let folder = one.manifest.parent().context("a manifest has a folder")?;
    let mut entries = Vec::new();
    for file in
        std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?
    {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        if is_license(&name) && file.path().is_file() {
            let path = format!("licenses/third-party/{}-{}/{name}", one.name, one.version);
            entries.push(Entry::file(&file.path(), &path, false)?);
        }
    }
    Ok(entries)
}

fn is_license(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let known = [
        "LICENSE",
        "LICENCE",
        "COPYING",
        "NOTICE",
        "UNLICENSE",
        "COPYRIGHT",
    ];
    known.iter().any(|start| name.starts_with(start)) && !name.ends_with(".RS")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_built_in_is_listed() {
        let package = |id: &str, source: Value, license: Value| {
            json!({ "id": id, "name": id, "version": "1.0.0", "source": source, "license": license,
                    "manifest_path": "/r/Cargo.toml" })
        };
        let dependency =
            |id: &str, kind: Value| json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [
                package("bmf-cli", Value::Null, json!("MIT")),
                package("serde", json!("registry"), json!("MIT OR Apache-2.0")),
                package("itoa", json!("registry"), Value::Null),
                package("cc", json!("registry"), json!("MIT")),
                package("xtask", Value::Null, json!("MIT")),
            ],
            "resolve": { "nodes": [
                { "id": "bmf-cli", "deps": [
                    dependency("serde", Value::Null), dependency("cc", json!("build")),
                ] },
                { "id": "serde", "deps": [dependency("itoa", Value::Null)] },
                { "id": "itoa", "deps": [] },
            ] },
        });
        let crates = third_party(&metadata, &["bmf-cli"]).unwrap();
        insta::assert_snapshot!(table(&crates).trim_start_matches(ABOUT).trim(), @r"
        itoa                         1.0.0        see its licence file
        serde                        1.0.0        MIT OR Apache-2.0
        ");
    }

    #[test]
    fn license_files_by_name() {
        let good = ["LICENSE", "LICENSE-MIT", "license.txt", "COPYING", "NOTICE"];
        let bad = ["README.md", "license.rs", "Cargo.toml"];
        assert!(good.into_iter().all(is_license));
        assert!(!bad.into_iter().any(is_license));
    }
}
