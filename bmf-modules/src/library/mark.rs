//! Marks beside the cache that say which library a process is about to load. One whose process is
//! gone tells which library may have brought it down; one that stays from a second process in a row
//! leaves no doubt. What is made of that is the cache's business.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::shown::shown;
use crate::staging;
use crate::stamp::Stamp;

/// What stands in a mark.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Marked {
    #[serde(with = "super::lossless")]
    pub(crate) library: PathBuf,
    pub(crate) stamp: Stamp,
    /// Which program loads it. Others may fare better.
    pub(crate) program: Option<Stamp>,
    /// Whether a process was gone before when it had loaded this.
    is_second: bool,
}

impl Marked {
    fn is_about(&self, library: &Path, stamp: Stamp) -> bool {
        let program = Stamp::of_program();
        self.library == library && self.stamp == stamp && self.program == program
    }
}

/// A mark, which goes when it is dropped, and stays when the process ends before that. The process
/// holds a lock on it, which the system takes away with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Mark {
    path: PathBuf,
    _lock: File,
}

/// The marks of this process.
static HELD: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

impl Drop for Mark {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|path| *path != self.path);
        let _ = fs::remove_file(&self.path);
    }
}

/// Keeps the libraries that are being loaded from being blamed for the end of this process. For those
/// who end it at once on somebody's wish.
pub fn acquit() {
    for path in &*HELD.lock().unwrap_or_else(PoisonError::into_inner) {
        let _ = fs::remove_file(path);
    }
}

/// Marks a library, beside the cache of this name. `None` where nothing can be written.
pub(crate) fn set(cache: &Path, library: &Path, stamp: Stamp) -> Option<Mark> {
    let made = || -> io::Result<Mark> {
        let directory = parent(cache);
        fs::create_dir_all(directory)?;
        let earlier = take(cache, |left| left.is_about(library, stamp));
        let marked = Marked {
            library: library.to_owned(),
            stamp,
            program: Stamp::of_program(),
            is_second: !earlier.is_empty(),
        };
        // Under another name until it is locked, so that nobody takes it for left over.
        let new = staging::file(directory)?;
        let mut file = new.as_file();
        file.write_all(&serde_json::to_vec(&marked)?)?;
        file.lock()?;
        let random = new.path().file_name().unwrap_or_default().to_string_lossy();
        let random = random.trim_start_matches(staging::PREFIX);
        let path = directory.join(format!("{}{random}", prefix(cache)));
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let _lock = new.persist(&path).map_err(|error| error.error)?;
        held.push(path.clone());
        Ok(Mark { path, _lock })
    };
    made()
        .map_err(|error| log::debug!("cannot mark {}: {error}", shown(library)))
        .ok()
}

/// Takes away the marks that a second process in a row left, and tells what stood in them. Those of
/// a first one stay, as long as their library does: a process may also be ended from outside.
pub(crate) fn take_left_over(cache: &Path) -> Vec<Marked> {
    let is_gone = |left: &Marked| Stamp::at(&left.library) != Some(left.stamp);
    let mut left = take(cache, |left| left.is_second || is_gone(left));
    left.retain(|left| left.is_second);
    left
}

/// Takes away those marks whose processes are gone that are `wanted`, and those that say nothing.
fn take(cache: &Path, wanted: impl Fn(&Marked) -> bool) -> Vec<Marked> {
    let Ok(entries) = fs::read_dir(parent(cache)) else {
        return Vec::new();
    };
    let prefix = prefix(cache);
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&prefix) && path.is_file()
        })
        .filter_map(|path| {
            let file = File::open(&path).ok()?;
            // Whoever can lock it has outlived its maker.
            file.try_lock().ok()?;
            let left = serde_json::from_slice::<Marked>(&fs::read(&path).ok()?).ok();
            if left.as_ref().is_none_or(&wanted) {
                fs::remove_file(&path).ok()?;
                return left;
            }
            None
        })
        .collect()
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

    /// What a killed process leaves of a mark: the file, without the lock.
    fn kill(mark: Mark) {
        let text = fs::read(&mark.path).unwrap();
        let path = mark.path.clone();
        drop(mark);
        assert!(!path.exists());
        fs::write(&path, text).unwrap();
    }

    #[test]
    fn a_library_is_blamed_for_the_second_process_in_a_row() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("modules.json");
        let library = dir.path().join("libx.so");
        fs::write(&library, "x").unwrap();
        let stamp = Stamp::at(&library).unwrap();
        let set = || set(&cache, &library, stamp).unwrap();
        let mark = set();
        assert!(take_left_over(&cache).is_empty());
        kill(mark);
        assert!(take_left_over(&cache).is_empty());
        // Once loaded, it is acquitted.
        drop(set());
        kill(set());
        assert!(take_left_over(&cache).is_empty());
        kill(set());
        let left = take_left_over(&cache);
        assert_eq!(left[0].library, library);
        assert_eq!(left[0].stamp, stamp);
        assert!(take_left_over(&cache).is_empty());
    }

    #[test]
    fn marks_of_other_programs_and_of_libraries_that_are_gone_say_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("modules.json");
        let library = dir.path().join("libx.so");
        fs::write(&library, "x").unwrap();
        let stamp = Stamp::at(&library).unwrap();
        let of_another = Marked {
            library: library.clone(),
            stamp,
            program: Some(stamp),
            is_second: false,
        };
        let path = dir.path().join("modules.json.loading-1");
        fs::write(&path, serde_json::to_vec(&of_another).unwrap()).unwrap();
        kill(set(&cache, &library, stamp).unwrap());
        assert!(take_left_over(&cache).is_empty());
        fs::remove_file(&library).unwrap();
        assert!(take_left_over(&cache).is_empty());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn marks_need_a_place() {
        let dir = tempfile::tempdir().unwrap();
        let stamp = Stamp::at(dir.path()).unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let cache = dir.path().join("file").join("modules.json");
        assert!(set(&cache, dir.path(), stamp).is_none());
        assert!(take_left_over(&cache).is_empty());
    }
}
