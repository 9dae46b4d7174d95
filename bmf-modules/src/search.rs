//! Where libraries are looked for, in which order, and what lies there. Nothing is opened but
//! `meta.info` files.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::meta_info::{self, MetaInfo};
use crate::refusal::Refusal;
use crate::shown::shown;
use crate::stamp::Stamp;

/// Names the file that remembers libraries; empty: nothing is remembered.
const CACHE_VARIABLE: &str = "BMF_MODULE_CACHE";
/// Further directories, separated as in `PATH`.
const PATH_VARIABLE: &str = "BMF_MODULE_PATH";
/// Where BMF's own module manager installs to.
#[cfg(unix)]
const BMF_DIRECTORIES: [&str; 2] = ["/usr/local/share/bmf_mods", "/opt/tiger/bmf_mods"];
/// On Windows everybody may write to it.
#[cfg(not(unix))]
const BMF_DIRECTORIES: [&str; 0] = [];

/// The directories where libraries are looked for, the first one first, and where what is known of
/// the libraries is kept between processes.
#[derive(Clone, Debug, Default)]
pub struct SearchPath {
    directories: Vec<Directory>,
    cache: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Directory {
    path: PathBuf,
    /// Whether somebody named it. Others are looked into only where not everybody may write to them.
    is_chosen: bool,
}

impl SearchPath {
    /// Nowhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// The usual places: first `given`, then `BMF_MODULE_PATH`, `modules` beside the program,
    /// [`user_directory`], and BMF's own places; with the usual cache (`BMF_MODULE_CACHE`).
    pub fn standard(given: impl IntoIterator<Item = PathBuf>) -> Self {
        let program = std::env::current_exe().ok();
        let beside = program.and_then(|program| Some(program.parent()?.join("modules")));
        let variable = |name: &str| std::env::var_os(name);
        let listed = variable(PATH_VARIABLE).unwrap_or_default();
        let listed = std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty());
        let usual = beside
            .into_iter()
            .chain(user_directory())
            .chain(BMF_DIRECTORIES.map(PathBuf::from));
        let path = given.into_iter().chain(listed).fold(
            Self::new().with_cache(cache_file(variable)),
            Self::with_directory,
        );
        usual.fold(path, Self::with_usual)
    }

    /// With one more directory, looked into last.
    #[must_use]
    pub fn with_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directories.push(Directory {
            path: directory.into(),
            is_chosen: true,
        });
        self
    }

    /// With a directory that nobody has named, looked into last.
    fn with_usual(mut self, path: PathBuf) -> Self {
        if !self.directories().any(|known| known == path) {
            self.directories.push(Directory {
                path,
                is_chosen: false,
            });
        }
        self
    }

    /// With another file to keep what is known of libraries; `None`: nothing is kept.
    #[must_use]
    pub fn with_cache(mut self, file: Option<PathBuf>) -> Self {
        self.cache = file;
        self
    }

    /// The file in which what is known of libraries is kept.
    pub fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// The directories, the first one first.
    pub fn directories(&self) -> impl Iterator<Item = &Path> {
        self.directories
            .iter()
            .map(|directory| directory.path.as_path())
    }
}

/// The user's own directory of modules, where `bmf modules install` puts them; `None` where the user
/// has no home.
pub fn user_directory() -> Option<PathBuf> {
    let data = data_home(|name| std::env::var_os(name))?;
    Some(data.join("bmf").join("modules"))
}

fn cache_file(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    match variable(CACHE_VARIABLE) {
        Some(path) if path.is_empty() => None,
        Some(path) => Some(path.into()),
        None => Some(cache_home(variable)?.join("bmf").join("modules.json")),
    }
}

/// A directory out of the environment; relative ones do not count, says the XDG specification.
fn absolute(path: Option<OsString>) -> Option<PathBuf> {
    path.map(PathBuf::from).filter(|path| path.is_absolute())
}

fn data_home(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if cfg!(windows) {
        return absolute(variable("LOCALAPPDATA"));
    }
    let home = || absolute(variable("HOME"));
    let below = match cfg!(target_vendor = "apple") {
        true => "Library/Application Support",
        false => ".local/share",
    };
    absolute(variable("XDG_DATA_HOME")).or_else(|| Some(home()?.join(below)))
}

fn cache_home(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if cfg!(windows) {
        return absolute(variable("LOCALAPPDATA"));
    }
    let home = || absolute(variable("HOME"));
    let below = match cfg!(target_vendor = "apple") {
        true => "Library/Caches",
        false => ".cache",
    };
    absolute(variable("XDG_CACHE_HOME")).or_else(|| Some(home()?.join(below)))
}

/// Something in a directory that is a library by its name, or leads to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// What messages are about: the library, or the `meta.info` that cannot be used.
    pub(crate) path: PathBuf,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A library, of which all modules count.
    Library(Stamp),
    /// A library, of which one module counts.
    Described(Stamp, MetaInfo),
    /// Not to be used.
    Refused(Refusal),
}

/// All that lies in the directories, the first directory first, each sorted by name. What is found
/// twice counts once.
pub(crate) fn scan(path: &SearchPath) -> Vec<Found> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for directory in &path.directories {
        for item in in_directory(directory) {
            let is_new = match &item.what {
                What::Library(stamp) => {
                    let identity = stamp.identity();
                    identity.is_none_or(|identity| seen.insert(identity))
                }
                What::Described(..) | What::Refused(_) => !found.contains(&item),
            };
            if is_new {
                found.push(item);
            }
        }
    }
    found
}

fn in_directory(directory: &Directory) -> Vec<Found> {
    let path = &directory.path;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    if !directory.is_chosen && is_open_to_all(&path) {
        return vec![Found::refused(&path, Refusal::OpenToAll)];
    }
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        // Directories of the search path need not exist.
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![Found::refused(&path, Refusal::unreadable(&error))],
    };
    let (mut names, mut found) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Ok(entry) => names.push(entry.file_name()),
            Err(error) => found.push(Found::refused(&path, Refusal::unreadable(&error))),
        }
    }
    names.sort();
    names.retain(|name| is_library(Path::new(name)) || is_module_folder(name));
    found.extend(names.iter().filter_map(|name| look_at(&path.join(name))));
    found
}

/// Whether every user of the machine may put something into a directory.
#[cfg(unix)]
fn is_open_to_all(directory: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    const OTHERS_MAY_WRITE: u32 = 0o002;
    let metadata = fs::metadata(directory);
    metadata.is_ok_and(|metadata| metadata.permissions().mode() & OTHERS_MAY_WRITE != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_: &Path) -> bool {
    false
}

/// Which build a library is.
///
/// # Errors
/// When it is none that could be read: opening a pipe, for one, waits for its other end.
pub(crate) fn build_of(path: &Path) -> Result<Stamp, Refusal> {
    let metadata = fs::metadata(path).map_err(|error| {
        let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        match is_link && error.kind() == ErrorKind::NotFound {
            true => Refusal::BrokenLink,
            false => Refusal::unreadable(&error),
        }
    })?;
    if metadata.is_dir() {
        return Err(Refusal::Directory);
    }
    match metadata.is_file() {
        true => Ok(Stamp::of(&metadata)),
        false => Err(Refusal::NoFile),
    }
}

impl Found {
    /// A library that was named, and not looked for.
    pub(crate) fn named(path: &Path) -> Self {
        let what = build_of(path).map_or_else(What::Refused, What::Library);
        let path = path.to_owned();
        Self { path, what }
    }

    fn refused(path: &Path, reason: Refusal) -> Self {
        Self {
            path: path.to_owned(),
            what: What::Refused(reason),
        }
    }

    /// Which build it is; `None` where there is no library.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        match &self.what {
            What::Library(stamp) | What::Described(stamp, _) => Some(*stamp),
            What::Refused(_) => None,
        }
    }
}

/// Whether a file is a library by its name. Hidden ones are on their way to become one.
pub fn is_library(path: &Path) -> bool {
    let is_hidden = path
        .file_name()
        .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let known = ["so", "dylib", "dll"];
    !is_hidden
        && path
            .extension()
            .is_some_and(|extension| known.iter().any(|known| extension == *known))
}

pub(crate) fn is_module_folder(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"Module_")
}

fn look_at(path: &Path) -> Option<Found> {
    let what = match build_of(path) {
        Err(Refusal::Directory) => return in_module_folder(path),
        // It may have gone since it was listed.
        Err(_) if fs::symlink_metadata(path).is_err() => return None,
        // Something that is called like a folder.
        Ok(_) | Err(Refusal::NoFile) if !is_library(path) => return None,
        Ok(stamp) => What::Library(stamp),
        Err(reason) => What::Refused(reason),
    };
    Some(Found {
        path: path.to_owned(),
        what,
    })
}

/// A folder without `meta.info` is none of ours.
pub(crate) fn in_module_folder(folder: &Path) -> Option<Found> {
    let file = folder.join("meta.info");
    if fs::symlink_metadata(&file).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return None;
    }
    let info = build_of(&file).and_then(|_| read_meta_info(&file, folder));
    let info = match info {
        Ok(info) => info,
        Err(reason) => return Some(Found::refused(&file, reason)),
    };
    let library = info.library.clone();
    let what = match build_of(&library) {
        Ok(stamp) => What::Described(stamp, info),
        Err(reason) if library.exists() => What::Refused(reason),
        Err(_) => {
            let why = format!("its library {} is not there", shown(&library));
            return Some(Found::refused(&file, Refusal::MetaInfo(why)));
        }
    };
    Some(Found {
        path: library,
        what,
    })
}

/// What the `meta.info` of a folder says.
pub(crate) fn read_meta_info(file: &Path, folder: &Path) -> Result<MetaInfo, Refusal> {
    let text = fs::read_to_string(file).map_err(|error| Refusal::unreadable(&error))?;
    meta_info::parse(&text, folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(all: &[(&'static str, &str)]) -> impl Fn(&str) -> Option<OsString> + Copy {
        move |name| {
            let found = all.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_environment_says_where_the_users_things_are() {
        let check = |all: &[(&'static str, &str)]| {
            let variables = variables(all);
            [data_home(variables), cache_file(variables)].map(|path| match path {
                Some(path) => path.display().to_string(),
                None => "none".to_owned(),
            })
        };
        assert_eq!(
            check(&[("HOME", "/h")]),
            ["/h/.local/share", "/h/.cache/bmf/modules.json"]
        );
        let xdg = [
            ("HOME", "/h"),
            ("XDG_DATA_HOME", "/d"),
            ("XDG_CACHE_HOME", "not/absolute"),
        ];
        assert_eq!(check(&xdg), ["/d", "/h/.cache/bmf/modules.json"]);
        assert_eq!(
            check(&[("HOME", "/h"), ("BMF_MODULE_CACHE", "c.json")])[1],
            "c.json"
        );
        assert_eq!(
            check(&[("HOME", "/h"), ("BMF_MODULE_CACHE", "")])[1],
            "none"
        );
        assert_eq!(check(&[]), ["none", "none"]);
    }

    #[test]
    #[cfg(unix)]
    fn usual_directories_are_skipped_where_everybody_may_write() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let scan = |search: &SearchPath| scan(search).into_iter().map(|found| found.what);
        let set_mode = |mode| fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        fs::write(path.join("libx.so"), "").unwrap();
        let usual = SearchPath::new().with_usual(path.clone());
        set_mode(0o1777);
        assert!(scan(&usual).eq([What::Refused(Refusal::OpenToAll)]));
        let chosen = SearchPath::new().with_directory(&path);
        let chosen = chosen.with_usual(path.clone());
        assert!(matches!(scan(&chosen).next(), Some(What::Library(_))));
        set_mode(0o775);
        assert!(matches!(scan(&usual).next(), Some(What::Library(_))));
    }

    #[test]
    fn libraries_are_known_by_their_names() {
        let check = |name: &str| is_library(Path::new(name));
        assert!(check("/m/libx.so") && check("x.dll") && check("x.dylib"));
        assert!(!check("libx.so.1") && !check(".libx.so") && !check("so") && !check("x.txt"));
    }
}
