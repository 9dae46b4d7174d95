//! Puts libraries into a directory of modules in one step, and takes them away. Whether they can be
//! used is asked of the registry before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Copies a library, or a folder with a `meta.info`, into the directory `to`, which is made if it is
/// not there. It appears there complete: a program that looks at the directory never sees a half of
/// it, and one that uses an older build goes on with that. Returns where it is now.
///
/// # Errors
/// When something cannot be read or written.
pub fn install(from: &Path, to: &Path) -> io::Result<PathBuf> {
    let name = from
        .file_name()
        .ok_or_else(|| io::Error::other("it has no name"))?;
    fs::create_dir_all(to)?;
    let target = to.join(name);
    // Beside the target, so that it can be moved there in one step; hidden, so that nobody takes it
    // for a library.
    let new = tempfile::Builder::new().prefix(".new-").tempdir_in(to)?;
    let copy = new.path().join(name);
    copy_all(from, &copy)?;
    if copy.is_dir() && target.exists() {
        // Directories cannot take each other's place.
        fs::rename(&target, new.path().join("old"))?;
    }
    fs::rename(&copy, &target)?;
    Ok(target)
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Takes a library out of a directory of modules; one that a `meta.info` led to goes with its folder.
/// Returns what was removed.
///
/// # Errors
/// When it is not in that directory, or cannot be removed.
pub fn uninstall(library: &Path, from: &Path) -> io::Result<PathBuf> {
    let inside = library.strip_prefix(from).ok();
    let first = inside.and_then(|inside| inside.components().next());
    let Some(first) = first else {
        let message = format!("it is not in {}", from.display());
        return Err(io::Error::other(message));
    };
    let path = from.join(first);
    match path.is_dir() {
        true => fs::remove_dir_all(&path)?,
        false => fs::remove_file(&path)?,
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_take_the_place_of_older_ones() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (
            dir.path().join("from"),
            dir.path().join("to").join("modules"),
        );
        let folder = from.join("Module_a");
        fs::create_dir_all(folder.join("deeper")).unwrap();
        for build in ["1", "2"] {
            fs::write(from.join("liba.so"), build).unwrap();
            fs::write(folder.join("deeper").join("x"), build).unwrap();
            let library = install(&from.join("liba.so"), &to).unwrap();
            assert_eq!(fs::read_to_string(&library).unwrap(), build);
            let installed = install(&folder, &to).unwrap().join("deeper").join("x");
            assert_eq!(fs::read_to_string(installed).unwrap(), build);
        }
        assert_eq!(fs::read_dir(&to).unwrap().count(), 2);

        uninstall(&to.join("Module_a").join("deeper").join("x"), &to).unwrap();
        uninstall(&to.join("liba.so"), &to).unwrap();
        assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
        assert!(uninstall(&from.join("liba.so"), &to).is_err());
        assert!(uninstall(&to, &to).is_err());
        assert!(from.join("liba.so").exists());
    }

    #[test]
    fn what_is_not_there_is_not_installed() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("to");
        assert!(install(&dir.path().join("missing.so"), &to).is_err());
        assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
    }
}
