//! An archive whose bytes follow from its content alone: order, owners, rights and times are the same whoever packs.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

use crate::sh;

/// A file in the archive.
pub(super) struct Entry {
    /// Below the archive's one folder, with forward slashes.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    pub(super) is_program: bool,
}

impl Entry {
    /// The file `from`, as `path`.
    pub(super) fn file(from: &Path, path: &str, is_program: bool) -> anyhow::Result<Self> {
        let bytes = std::fs::read(from).with_context(|| format!("reading {}", from.display()))?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
            is_program,
        })
    }

    /// `text`, as `path`.
    pub(super) fn text(path: impl Into<String>, text: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            bytes: text.into(),
            is_program: false,
        }
    }
}

/// The time that all files get, in seconds since 1970.
pub(super) struct Times(u64);

impl Times {
    /// `SOURCE_DATE_EPOCH`, or that of the last commit.
    pub(super) fn of(root: &Path) -> Self {
        let said = std::env::var("SOURCE_DATE_EPOCH").ok();
        let commit = || {
            let args = ["-c", "safe.directory=*", "log", "-1", "--format=%ct"];
            sh::output(Command::new("git").args(args).current_dir(root))
        };
        let seconds = said.or_else(commit).unwrap_or_default();
        Self(seconds.trim().parse().unwrap_or(0))
    }
}

/// Writes `archive` with all `entries` in the folder `name`.
pub(super) fn pack(
    archive: &Path,
    name: &str,
    mut entries: Vec<Entry>,
    times: &Times,
) -> anyhow::Result<()> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let write = || {
        let file = File::create(archive)?;
        let gzip = GzBuilder::new().write(file, Compression::best());
        let mut tar = tar::Builder::new(gzip);
        for entry in &entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(entry.bytes.len() as u64);
            header.set_mode(if entry.is_program { 0o755 } else { 0o644 });
            header.set_mtime(times.0);
            let path = format!("{name}/{}", entry.path);
            tar.append_data(&mut header, path, entry.bytes.as_slice())?;
        }
        tar.into_inner()?.finish()?.sync_all()
    };
    write().with_context(|| format!("writing {}", archive.display()))
}

/// Unpacks `archive` into `folder`.
pub(super) fn unpack(archive: &Path, folder: &Path) -> anyhow::Result<()> {
    let unpack = || tar::Archive::new(GzDecoder::new(File::open(archive)?)).unpack(folder);
    unpack().with_context(|| format!("unpacking {}", archive.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn entries(order: [usize; 2]) -> Vec<Entry> {
        let entry = |index| match index {
            0 => Entry {
                is_program: true,
                ..Entry::text("bin/bmf", "program")
            },
            _ => Entry::text("README.md", "text"),
        };
        order.map(entry).into()
    }

    #[test]
    fn the_same_content_gives_the_same_archive() {
        let folder = tempfile::tempdir().unwrap();
        let archive = |name: &str, order| {
            let path = folder.path().join(name);
            pack(&path, "bmf-1", entries(order), &Times(1_000_000_000)).unwrap();
            std::fs::read(&path).unwrap()
        };
        assert!(archive("a", [0, 1]) == archive("b", [1, 0]));

        unpack(&folder.path().join("a"), folder.path()).unwrap();
        let mode = |path| {
            let data = folder.path().join(path).metadata().unwrap();
            format!("{:o}", data.permissions().mode() & 0o777)
        };
        assert_eq!(mode("bmf-1/bin/bmf"), "755");
        assert_eq!(mode("bmf-1/README.md"), "644");
        assert_eq!(
            std::fs::read(folder.path().join("bmf-1/README.md")).unwrap(),
            b"text"
        );
    }
}
