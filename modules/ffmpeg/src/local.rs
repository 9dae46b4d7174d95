//! Local files: which URLs name one, and which of them are being read or written, so that no output
//! is written over an input or another output. Opens nothing.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Device and number: the same file under any of its names.
type FileId = (u64, u64);

/// The inputs of all graphs of the process. The nodes of a graph do not know of each other, and an
/// output over an input of another graph does the same harm.
static BEING_READ: Mutex<Vec<FileId>> = Mutex::new(Vec::new());

/// The outputs of all graphs of the process, for the same reason.
static BEING_WRITTEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn being_written() -> MutexGuard<'static, Vec<PathBuf>> {
    BEING_WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn being_read() -> MutexGuard<'static, Vec<FileId>> {
    BEING_READ.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says, as long as it lives, that a file is being read.
#[derive(Debug)]
pub(crate) struct Reading(FileId);

impl Reading {
    /// `None` for what cannot be destroyed by writing: devices, pipes, addresses.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let id = id(local_path(url)?)?;
        being_read().push(id);
        Some(Self(id))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut files = being_read();
        if let Some(index) = files.iter().position(|id| *id == self.0) {
            files.swap_remove(index);
        }
    }
}

/// Says, as long as it lives, that a file is being written, or is about to be.
#[derive(Debug)]
pub(crate) struct Writing(PathBuf);

impl Writing {
    /// `None` if somebody writes it already.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let real = real_path(path);
        let mut files = being_written();
        if files.contains(&real) {
            return None;
        }
        files.push(real.clone());
        Some(Self(real))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut files = being_written();
        if let Some(index) = files.iter().position(|path| *path == self.0) {
            files.swap_remove(index);
        }
    }
}

/// One name for a file that may not exist yet.
fn real_path(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let directory = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new(".")).canonicalize();
        match (directory, path.file_name()) {
            (Ok(directory), Some(name)) => directory.join(name),
            _ => path.to_owned(),
        }
    })
}

/// Whether a decoder reads the file at `path`.
pub(crate) fn is_being_read(path: &Path) -> bool {
    id(path).is_some_and(|id| being_read().contains(&id))
}

fn id(path: &Path) -> Option<FileId> {
    let found = path.metadata().ok().filter(Metadata::is_file)?;
    Some((found.dev(), found.ino()))
}

/// The file that a URL names; `None` for anything that is not a file.
pub(crate) fn local_path(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("file:").unwrap_or(url);
    let scheme = path.split_once(':').map(|(scheme, _)| scheme);
    let is_protocol = scheme.is_some_and(|scheme| {
        scheme.len() > 1 && scheme.bytes().all(|letter| letter.is_ascii_alphanumeric())
    });
    (!is_protocol || path.len() < url.len()).then(|| Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_addresses_are_told_apart() {
        let urls = [
            "a.mp4",
            "file:a:b.mp4",
            "pipe:1",
            "rtmp://host/x",
            "/tmp/a:b.mp4",
            "dir/x",
        ];
        let paths = urls
            .map(|url| local_path(url).map_or("-".to_owned(), |path| path.display().to_string()));
        insta::assert_snapshot!(paths.join(" "), @"a.mp4 a:b.mp4 - - /tmp/a:b.mp4 dir/x");
    }
}
