//! The workspace as cargo describes it: where it lies, which crates it has, who depends on whom. It reads no sources.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use crate::sh;

/// The workspace this tool belongs to.
pub(crate) struct Workspace {
    /// Its root folder.
    pub(crate) root: PathBuf,
    /// Where cargo builds, which need not be `root/target`.
    pub(crate) target: PathBuf,
    pub(crate) crates: Vec<Crate>,
}

/// One member of the workspace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Its folder relative to the root, with forward slashes: `modules/basic`.
    pub(crate) folder: String,
    pub(crate) description: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency on another member.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Only tests, examples and benches see it.
    pub(crate) dev: bool,
}

impl Workspace {
    /// Asks cargo about the workspace that contains this crate.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let here = std::env::var("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
        let text = sh::output(
            sh::cargo(["metadata", "--no-deps", "--format-version=1"]).current_dir(here),
        )
        .context(
            "`cargo metadata --no-deps` failed: run it to see what is wrong with a Cargo.toml",
        )?;
        let metadata =
            serde_json::from_str(&text).context("reading the output of `cargo metadata`")?;
        Self::from_metadata(&metadata).context("`cargo metadata` lacks a field this tool needs")
    }

    fn from_metadata(metadata: &Value) -> Option<Self> {
        let root = PathBuf::from(metadata["workspace_root"].as_str()?);
        let target = PathBuf::from(metadata["target_directory"].as_str()?);
        let packages = metadata["packages"].as_array()?;
        let crates = packages
            .iter()
            .map(|package| read_crate(package, &root))
            .collect::<Option<_>>()?;
        Some(Self {
            root,
            target,
            crates,
        })
    }

    /// The release build of the program `bmf`.
    pub(crate) fn bmf(&self) -> PathBuf {
        self.target.join("release").join("bmf")
    }

    /// The crates with the modules that come with bmf.
    pub(crate) fn modules(&self) -> impl Iterator<Item = &Crate> {
        self.crates
            .iter()
            .filter(|member| member.folder.starts_with("modules/"))
    }
}

/// The triple of this machine: `x86_64-unknown-linux-gnu`.
pub(crate) fn host() -> anyhow::Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = sh::output(Command::new(rustc).arg("-vV")).context("`rustc -vV` failed")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

/// The file name of the library that the crate `name` is built into: `libbmf_module_flow.so`.
pub(crate) fn library(name: &str) -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}{}{DLL_SUFFIX}", name.replace('-', "_"))
}

fn read_crate(package: &Value, root: &Path) -> Option<Crate> {
    let folder = Path::new(package["manifest_path"].as_str()?).parent()?;
    let dependencies = package["dependencies"].as_array()?;
    Some(Crate {
        name: package["name"].as_str()?.to_owned(),
        folder: folder.strip_prefix(root).ok()?.to_str()?.replace('\\', "/"),
        description: package["description"].as_str().map(str::to_owned),
        dependencies: dependencies.iter().filter_map(read_dependency).collect(),
    })
}

/// Only members have a path; everything else comes from a registry.
fn read_dependency(dependency: &Value) -> Option<Dependency> {
    dependency["path"].as_str()?;
    Some(Dependency {
        name: dependency["name"].as_str()?.to_owned(),
        dev: dependency["kind"] == "dev",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_their_edges() {
        let metadata = serde_json::json!({
            "workspace_root": "/w", "target_directory": "/t",
            "packages": [{
                "name": "b", "manifest_path": "/w/modules/b/Cargo.toml", "description": "B",
                "dependencies": [
                    { "name": "a", "path": "/w/a", "kind": null },
                    { "name": "t", "path": "/w/t", "kind": "dev" },
                    { "name": "serde", "kind": null },
                ],
            }],
        });
        let workspace = Workspace::from_metadata(&metadata).unwrap();
        insta::assert_snapshot!(format!("{:?}", workspace.crates), @r#"[Crate { name: "b", folder: "modules/b", description: Some("B"), dependencies: [Dependency { name: "a", dev: false }, Dependency { name: "t", dev: true }] }]"#);
        assert!(Workspace::from_metadata(&serde_json::json!({})).is_none());
    }
}
