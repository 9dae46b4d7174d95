//! Marks beside the cache that say which library a process is about to load. One whose process is
//! gone tells which library brought it down. What is made of that is the cache's business.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::stamp::Stamp;

/// What the names of files begin with that are not complete yet.
pub(crate) const NEW: &str = ".new-";

/// What stands in a mark.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Marked {
    pub(crate) library: PathBuf,
    pub(crate) stamp: Stamp,
}

/// A mark, which goes when it is dropped, and stays when the process ends before that. The process
/// holds a lock on it, which the system takes away with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Mark {
    path: PathBuf,
    _lock: File,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Marks a library, beside the cache of this name. `None` where nothing can be written.
pub(crate) fn set(cache: &Path, library: &Path, stamp: Stamp) -> Option<Mark> {
    let made = || -> io::Result<Mark> {
        let directory = parent(cache);
        fs::create_dir_all(directory)?;
        // Under another name until it is locked, so that nobody takes it for left over.
        let new = tempfile::Builder::new()
            .prefix(NEW)
            .tempfile_in(directory)?;
        let marked = Marked {
            library: library.to_owned(),
            stamp,
        };
        let mut file = new.as_file();
        file.write_all(&serde_json::to_vec(&marked)?)?;
        file.lock()?;
        let random = new.path().file_name().unwrap_or_default().to_string_lossy();
        let random = random.trim_start_matches(NEW);
        let path = directory.join(format!("{}{random}", prefix(cache)));
        let _lock = new.persist(&path).map_err(|error| error.error)?;
        Ok(Mark { path, _lock })
    };
    made()
        .map_err(|error| log::debug!("cannot mark {}: {error}", library.display()))
        .ok()
}

/// Takes away the marks whose processes are gone, and tells what stood in them.
pub(crate) fn take_left_over(cache: &Path) -> Vec<Marked> {
    let Ok(entries) = fs::read_dir(parent(cache)) else {
        return Vec::new();
    };
    let prefix = prefix(cache);
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&prefix)
        })
        .filter_map(|path| left_over(&path))
        .collect()
}

fn left_over(mark: &Path) -> Option<Marked> {
    let file = File::open(mark).ok()?;
    // Whoever can lock it has outlived its maker.
    file.try_lock().ok()?;
    let text = fs::read(mark).ok()?;
    fs::remove_file(mark).ok()?;
    serde_json::from_slice(&text).ok()
}

fn prefix(cache: &Path) -> String {
    let name = cache.file_name().unwrap_or_default();
    format!("{}.loading-", name.to_string_lossy())
}

/// The directory that a file is in.
pub(crate) fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_left_over_once_its_maker_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("modules.json");
        let library = dir.path().join("libx.so");
        fs::write(&library, "x").unwrap();
        let stamp = Stamp::of(&fs::metadata(&library).unwrap());
        let mark = set(&cache, &library, stamp).unwrap();
        assert!(take_left_over(&cache).is_empty());

        // What a killed process leaves: the file, without the lock.
        let text = fs::read(&mark.path).unwrap();
        let path = mark.path.clone();
        drop(mark);
        assert!(!path.exists());
        fs::write(&path, text).unwrap();
        let left = take_left_over(&cache);
        assert_eq!(left[0].library, library);
        assert_eq!(left[0].stamp, stamp);
        assert!(take_left_over(&cache).is_empty());
    }

    #[test]
    fn marks_need_a_place() {
        let dir = tempfile::tempdir().unwrap();
        let stamp = Stamp::of(&fs::metadata(dir.path()).unwrap());
        fs::write(dir.path().join("file"), "").unwrap();
        let cache = dir.path().join("file").join("modules.json");
        assert!(set(&cache, dir.path(), stamp).is_none());
        assert!(take_left_over(&cache).is_empty());
    }
}
