//! Where libraries are looked for, in which order, and what lies there. Nothing is opened but
//! `meta.info` files.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::meta_info::{self, MetaInfo};
use crate::refusal::Refusal;
use crate::stamp::Stamp;

/// Names the file that remembers libraries; empty: nothing is remembered.
const CACHE_VARIABLE: &str = "BMF_MODULE_CACHE";
/// Further directories, separated as in `PATH`.
const PATH_VARIABLE: &str = "BMF_MODULE_PATH";
/// Where BMF's own module manager installs to.
#[cfg(not(windows))]
const BMF_DIRECTORIES: [&str; 2] = ["/usr/local/share/bmf_mods", "/opt/tiger/bmf_mods"];
#[cfg(windows)]
const BMF_DIRECTORIES: [&str; 1] = ["C:\\Users\\Public\\bmf_mods"];

/// The directories where libraries are looked for, the first one first, and where what is known of
/// the libraries is kept between processes.
#[derive(Clone, Debug, Default)]
pub struct SearchPath {
    directories: Vec<PathBuf>,
    cache: Option<PathBuf>,
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
        let directories = given.into_iter().chain(listed).chain(beside);
        let directories = directories
            .chain(user_directory())
            .chain(BMF_DIRECTORIES.map(PathBuf::from));
        Self {
            directories: directories.collect(),
            cache: cache_file(variable),
        }
    }

    /// With one more directory, looked into last.
    #[must_use]
    pub fn with_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directories.push(directory.into());
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
    pub fn directories(&self) -> &[PathBuf] {
        &self.directories
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

/// All that lies in the directories, the first directory first, each sorted by name. A file that is
/// found twice counts once.
pub(crate) fn scan(path: &SearchPath) -> Vec<Found> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for directory in &path.directories {
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
        for item in in_directory(&directory) {
            let identity = match &item.what {
                What::Library(stamp) => stamp.identity(),
                What::Described(..) | What::Refused(_) => None,
            };
            if identity.is_none_or(|identity| seen.insert(identity)) {
                found.push(item);
            }
        }
    }
    found
}

fn in_directory(directory: &Path) -> Vec<Found> {
    // Directories of the search path need not exist, nor be ours to read.
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut names: Vec<OsString> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| is_library(Path::new(name)) || is_module_folder(name))
        .collect();
    names.sort();
    names
        .into_iter()
        .filter_map(|name| look_at(&directory.join(name)))
        .collect()
}

impl Found {
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

fn is_module_folder(name: &OsString) -> bool {
    name.as_encoded_bytes().starts_with(b"Module_")
}

fn look_at(path: &Path) -> Option<Found> {
    let metadata = fs::metadata(path).ok()?;
    if metadata.is_dir() {
        return in_module_folder(path);
    }
    is_library(path).then(|| Found {
        path: path.to_owned(),
        what: What::Library(Stamp::of(&metadata)),
    })
}

/// A folder without `meta.info` is none of ours.
pub(crate) fn in_module_folder(folder: &Path) -> Option<Found> {
    let file = folder.join("meta.info");
    let text = fs::read_to_string(&file).ok()?;
    let refused = |path: &Path, reason| Found {
        path: path.to_owned(),
        what: What::Refused(reason),
    };
    let info = match meta_info::parse(&text, folder) {
        Ok(info) => info,
        Err(reason) => return Some(refused(&file, reason)),
    };
    match fs::metadata(&info.library) {
        Ok(metadata) => Some(Found {
            path: info.library.clone(),
            what: What::Described(Stamp::of(&metadata), info),
        }),
        Err(_) => {
            let why = format!("its library {} is not there", info.library.display());
            Some(refused(&file, Refusal::MetaInfo(why)))
        }
    }
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
    fn libraries_are_known_by_their_names() {
        let check = |name: &str| is_library(Path::new(name));
        assert!(check("/m/libx.so") && check("x.dll") && check("x.dylib"));
        assert!(!check("libx.so.1") && !check(".libx.so") && !check("so") && !check("x.txt"));
    }
}
