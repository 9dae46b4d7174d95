//! The libraries that a loaded library needs, as the dynamic linker found them: what a plugin says of
//! itself may come from one of them. Known on Linux; elsewhere there are none.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::stamp::Stamp;

/// A library that another one needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Needed {
    /// Where it was found, by the name that it is needed by.
    #[serde(with = "super::lossless")]
    path: PathBuf,
    stamp: Stamp,
}

impl Needed {
    /// Whether it is the same build still.
    pub(crate) fn is_same(&self) -> bool {
        Stamp::at(&self.path) == Some(self.stamp)
    }
}

/// Those of a library that is loaded.
#[cfg(target_os = "linux")]
pub(crate) fn by(library: &Path) -> Vec<Needed> {
    let names = super::image::needed(library);
    let mapped = mapped();
    let found = names.iter().filter_map(|name| {
        let path = mapped.iter().find_map(|file| named(file, name))?;
        let stamp = Stamp::at(&path)?;
        Some(Needed { path, stamp })
    });
    found.collect()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn by(_: &Path) -> Vec<Needed> {
    Vec::new()
}

/// The files that are mapped into this process.
#[cfg(target_os = "linux")]
fn mapped() -> std::collections::BTreeSet<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let path = |line: &str| Some(PathBuf::from(&line[line.find('/')?..]));
    maps.lines().filter_map(path).collect()
}

/// The path of a mapped file under another name, if it has that: `libx.so.1` for `libx.so.1.2.3`.
#[cfg(target_os = "linux")]
fn named(file: &Path, name: &str) -> Option<PathBuf> {
    let stem = name.split(".so").next().unwrap_or_default();
    let is_like = file.file_name()?.to_str()?.starts_with(stem);
    let path = file.parent()?.join(name);
    (is_like && std::fs::canonicalize(&path).ok()? == file).then_some(path)
}
