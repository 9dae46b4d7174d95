//! Puts libraries into a directory of modules in one step, and takes them away. Whether they can be
//! used is asked of the registry before.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::meta_info::MetaInfo;
use crate::shown::shown;
use crate::{search, staging};

/// Copies a library, or a folder with a `meta.info`, into the directory `to`, which is made if it is
/// not there. It appears there complete: a program that looks at the directory never sees a half of
/// it, and one that uses an older build goes on with that. A folder is called `Module_` and its
/// module's name there, unless its name starts like that already. Returns where it is now.
///
/// # Errors
/// When something cannot be read or written, or would not be found there.
pub fn install(from: &Path, to: &Path) -> io::Result<PathBuf> {
    let name = name_of(from)?;
    fs::create_dir_all(to)?;
    if from.is_dir() && to.canonicalize()?.starts_with(from.canonicalize()?) {
        return Err(io::Error::other("it cannot be copied into itself"));
    }
    let target = to.join(&name);
    // Beside the target, so that it can be moved there in one step; hidden, so that nobody takes it
    // for a library.
    let new = staging::folder(to)?;
    let copy = new.path().join(&name);
    copy_all(from, &copy)?;
    if copy.is_dir() {
        check_copy(&copy)?;
    }
    let old = new.path().join("old");
    let replaced = replace(&target, &copy, &old);
    if replaced.is_err() && old.exists() {
        // It could not be moved back, and must not go with the rest.
        let _ = new.keep();
    }
    replaced.map(|()| target)
}

/// What it is called where it is installed.
fn name_of(from: &Path) -> io::Result<OsString> {
    let name = from
        .file_name()
        .ok_or_else(|| io::Error::other("it has no name"))?;
    if !from.is_dir() || search::is_module_folder(name) {
        return Ok(name.to_owned());
    }
    let module = meta_info(from)?.name;
    match is_name(&module) {
        true => Ok(format!("Module_{module}").into()),
        false => {
            let module = shown(module);
            let message = format!("its module's name \"{module}\" cannot be that of a folder");
            Err(io::Error::other(message))
        }
    }
}

/// Whether it names something in a directory, and neither that itself nor anything outside.
fn is_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let first = components.next();
    matches!(first, Some(Component::Normal(first)) if first == name) && components.next().is_none()
}

fn meta_info(folder: &Path) -> io::Result<MetaInfo> {
    search::read_meta_info(&folder.join("meta.info"), folder)
        .map_err(|reason| io::Error::other(format!("its meta.info {reason}")))
}

/// A library that its `meta.info` leads to by a way out of the folder was not copied.
fn check_copy(folder: &Path) -> io::Result<()> {
    let library = meta_info(folder)?.library;
    match library.is_file() {
        true => Ok(()),
        false => Err(io::Error::other("its library is not in it")),
    }
}

/// Moves `new` to `target`. Directories cannot take each other's place, so the old one is moved out
/// of the way first, and back if that was for nothing.
fn replace(target: &Path, new: &Path, old: &Path) -> io::Result<()> {
    if !(new.is_dir() && target.exists()) {
        return fs::rename(new, target);
    }
    fs::rename(target, old)?;
    fs::rename(new, target).inspect_err(|_| {
        if let Err(error) = fs::rename(old, target) {
            let (old, target) = (shown(old), shown(target));
            log::error!("cannot move {old} back to {target}: {error}");
        }
    })
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = fs::metadata(from)?;
    if metadata.is_file() {
        return fs::copy(from, to).map(|_| ());
    }
    if !metadata.is_dir() {
        let message = format!("{} is no file", shown(from));
        return Err(io::Error::other(message));
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
    let Some(Component::Normal(first)) = first else {
        let message = format!("it is not in {}", shown(from));
        return Err(io::Error::other(message));
    };
    let path = from.join(first);
    match path.is_dir() && !path.is_symlink() {
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
        let info = r#"{"type": "c++", "class": "x", "path": "deeper/x"}"#;
        fs::write(folder.join("meta.info"), info).unwrap();
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
        assert!(uninstall(&to.join("..").join("from"), &to).is_err());
        assert!(from.join("liba.so").exists());
    }

    #[test]
    fn what_is_not_there_is_not_installed() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("to");
        assert!(install(&dir.path().join("missing.so"), &to).is_err());
        assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
    }

    /// Installs a folder of this name with a library and this `meta.info`.
    fn install_folder(name: &str, info: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let (folder, to) = (dir.path().join(name), dir.path().join("to"));
        fs::create_dir(&folder).unwrap();
        fs::write(dir.path().join("libx.so"), "").unwrap();
        fs::write(folder.join("libx.so"), "").unwrap();
        fs::write(folder.join("meta.info"), info).unwrap();
        let installed = match install(&folder, &to) {
            Ok(path) => path.strip_prefix(&to).unwrap().display().to_string(),
            Err(error) => error.to_string(),
        };
        let left = fs::read_dir(&to).map_or(0, |entries| entries.count());
        format!("{installed}, {left}")
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn folders_get_names_by_which_they_are_found() {
        insta::assert_snapshot!(install_folder("Module_a", r#"{"name": "x", "type": "c++", "class": "X"}"#), @"Module_a, 1");
        insta::assert_snapshot!(install_folder("build", r#"{"name": "x", "type": "c++", "class": "X"}"#), @"Module_x, 1");
        insta::assert_snapshot!(install_folder("build", r#"{"name": "../x", "type": "c++", "entry": "libx.X"}"#), @r#"its module's name "../x" cannot be that of a folder, 0"#);
        insta::assert_snapshot!(install_folder("build", r#"{"name": "x", "type": "c++", "class": "X", "path": "../libx.so"}"#), @"its library is not in it, 0");
        insta::assert_snapshot!(install_folder("build", "{"), @"its meta.info cannot be used: it is no meta.info: EOF while parsing an object at line 1 column 1, 0");
    }

    #[test]
    fn what_cannot_be_replaced_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (target, old) = (dir.path().join("Module_x"), dir.path().join("old"));
        fs::create_dir(&target).unwrap();
        fs::write(target.join("libx.so"), "1").unwrap();
        // A folder cannot be moved into itself.
        let new = dir.path().join("Module_x").join("new");
        fs::create_dir(&new).unwrap();
        assert!(replace(&target, &new, &old).is_err());
        assert_eq!(fs::read_to_string(target.join("libx.so")).unwrap(), "1");
    }

    #[test]
    fn nothing_is_copied_into_itself() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("Module_x");
        fs::create_dir(&folder).unwrap();
        assert!(install(&folder, &folder.join("to")).is_err());
    }
}
