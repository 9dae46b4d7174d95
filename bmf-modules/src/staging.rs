//! Files and folders that are not complete yet: hidden, beside the place where they are moved in one
//! step.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

/// What their names begin with.
pub(crate) const PREFIX: &str = ".new-";

/// A file that is to become one of `directory`.
pub(crate) fn file(directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).tempfile_in(directory)
}

/// A file in `directory` that stands for the one of this name.
pub(crate) fn file_for(directory: &Path, name: &OsStr) -> io::Result<NamedTempFile> {
    let mut suffix = OsString::from("-");
    suffix.push(name);
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(PREFIX).suffix(&suffix);
    builder.tempfile_in(directory)
}

/// A folder for what is to become part of `directory`.
pub(crate) fn folder(directory: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).tempdir_in(directory)
}
