//! Which build of a file is meant: what changes when the file does.

use std::fs::{self, Metadata};
use std::path::Path;
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// Size, times of change and identity of a file. Two files with equal stamps are one file.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Stamp {
    len: u64,
    /// Nanoseconds since 1970. Whoever writes a file may set it to what it was before.
    modified: u64,
    /// The same, where the system keeps such a time: nobody can set that.
    changed: i64,
    device: u64,
    inode: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = since.map_or(0, |since| since.as_nanos().try_into().unwrap_or(u64::MAX));
        let (changed, device, inode) = by_system(metadata);
        Self {
            len: metadata.len(),
            modified,
            changed,
            device,
            inode,
        }
    }

    /// That of the file that is there now.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self::of(&metadata))
    }

    /// That of this program.
    pub(crate) fn of_program() -> Option<Self> {
        static PROGRAM: LazyLock<Option<Stamp>> =
            LazyLock::new(|| Stamp::at(&std::env::current_exe().ok()?));
        *PROGRAM
    }

    /// The identity alone, where the system has one.
    pub(crate) fn identity(&self) -> Option<(u64, u64)> {
        (self.inode != 0).then_some((self.device, self.inode))
    }
}

#[cfg(unix)]
fn by_system(metadata: &Metadata) -> (i64, u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let changed = metadata.ctime().saturating_mul(1_000_000_000);
    let changed = changed.saturating_add(metadata.ctime_nsec());
    (changed, metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn by_system(_: &Metadata) -> (i64, u64, u64) {
    (0, 0, 0)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_given_its_old_time_and_size_has_another_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libx.so");
        fs::write(&path, "1").unwrap();
        let (old, time) = (Stamp::at(&path), fs::metadata(&path).unwrap().modified());
        let is_same = || Stamp::at(&path) == old;
        assert!(is_same());
        // The clock of a file system ticks some hundred times a second.
        while is_same() {
            fs::write(&path, "2").unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(*time.as_ref().unwrap()).unwrap();
        }
    }
}
