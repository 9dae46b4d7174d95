//! `bmf modules install` and `uninstall`: changes of a directory of modules, the user's own unless
//! another one is named. What cannot be used is not installed.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use bmf_modules::{
    LibraryInfo, Listed, Origin, Refused, Registry, SearchPath, is_library, shown, user_directory,
};

use crate::report::Failure;
use crate::terminal;

/// Installs a library, a folder with a `meta.info`, or all libraries in a folder.
pub(super) fn install(registry: &Registry, what: &Path, to: Option<&Path>) -> Result<u8, Failure> {
    let to = match to {
        Some(to) => to.to_owned(),
        None => users_own()?,
    };
    let mut code = 0;
    for item in items(what)? {
        match install_one(registry, &item, &to) {
            Ok(text) => terminal::data(&text)?,
            Err(failure) => code = failure.print(),
        }
    }
    Ok(code)
}

/// What is to be installed as one.
fn items(what: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_one = !what.is_dir() || what.join("meta.info").exists();
    if is_one {
        return Ok(vec![what.to_owned()]);
    }
    let entries = fs::read_dir(what).map_err(|error| cannot("read", what, &error))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut libraries: Vec<PathBuf> = paths.filter(|path| is_library(path)).collect();
    libraries.sort();
    match libraries.is_empty() {
        true => Err(Failure::usage(
            format!("there is no library in \"{}\"", shown(what)),
            "name a library, or a folder with libraries in it",
        )),
        false => Ok(libraries),
    }
}

fn install_one(registry: &Registry, item: &Path, to: &Path) -> Result<String, Failure> {
    let info = registry
        .examine(item)
        .map_err(|refused| refusal(&refused))?;
    if !item.is_dir() && !is_library(item) {
        let suffix = std::env::consts::DLL_SUFFIX;
        return Err(Failure::usage(
            format!(
                "\"{}\" would not be found: libraries end in {suffix}",
                shown(item)
            ),
            format!("rename it to end in {suffix}"),
        ));
    }
    let path = std::path::absolute(item)
        .and_then(|item| bmf_modules::install(&item, to))
        .map_err(|error| cannot("install", item, &error))?;
    Ok(format!(
        "installed {}: {}\n",
        shown(path),
        modules_of(&info)
    ))
}

fn modules_of(info: &LibraryInfo) -> String {
    shown(info.module_names().join(", "))
}

/// Uninstalls the library that is called `what`, or has a module of that name.
pub(super) fn uninstall(registry: &Registry, what: &str) -> Result<u8, Failure> {
    let directory = users_own()?;
    let here = SearchPath::new()
        .with_directory(&directory)
        .with_cache(registry.search_path().cache().map(Path::to_owned));
    let here = Registry::searching(here);
    let modules = here.list();
    let library = library_called(what, &directory, &modules, &here.refused());
    let Some(library) = library else {
        return Err(not_here(registry, what, &directory));
    };
    let removed = bmf_modules::uninstall(&library, &directory)
        .map_err(|error| cannot("remove", &library, &error))?;
    terminal::data(&format!(
        "removed {}{}\n",
        shown(removed),
        company(&library, what, &modules)
    ))?;
    Ok(0)
}

fn library_called(
    what: &str,
    directory: &Path,
    modules: &[Listed],
    refused: &[Refused],
) -> Option<PathBuf> {
    let named = named_by(what, directory);
    let is_it = |path: &Path| {
        let named = named.as_deref();
        Some(path) == named || (path.parent() == named && named.is_some())
    };
    let of_module = modules
        .iter()
        .filter(|module| module.name == what)
        .find_map(library_of);
    let by_file = || {
        modules
            .iter()
            .filter_map(library_of)
            .find(|path| is_it(path))
    };
    let by_refused = || {
        let paths = refused.iter().map(|refused| &refused.path);
        paths.into_iter().find(|path| is_it(path)).cloned()
    };
    of_module.or_else(by_file).or_else(by_refused)
}

/// The file or folder in the directory that `what` is the name or the path of.
fn named_by(what: &str, directory: &Path) -> Option<PathBuf> {
    let path = directory.join(what);
    // Neither the directory itself, nor something by a way out of it.
    let mut inside = path.strip_prefix(directory).ok()?.components();
    let is_name = matches!(inside.next(), Some(Component::Normal(_))) && inside.next().is_none();
    is_name.then_some(path)
}

fn library_of(module: &Listed) -> Option<PathBuf> {
    match &module.origin {
        Origin::Library(path) => Some(path.clone()),
        Origin::Program => None,
    }
}

/// Which other modules went with a library.
fn company(library: &Path, what: &str, modules: &[Listed]) -> String {
    let others: Vec<&str> = modules
        .iter()
        .filter(|module| module.name != what && library_of(module).as_deref() == Some(library))
        .map(|module| module.name.as_str())
        .collect();
    match others.is_empty() {
        true => String::new(),
        false => format!(", and with it {}", shown(others.join(", "))),
    }
}

/// Why there is nothing to uninstall.
fn not_here(registry: &Registry, what: &str, directory: &Path) -> Failure {
    let elsewhere = registry.describe(what).map(|module| module.origin);
    let help = match elsewhere {
        Some(Origin::Program) => format!("module \"{what}\" is linked into this program"),
        Some(Origin::Library(path)) => format!(
            "module \"{what}\" is from {}, which you can delete yourself",
            shown(path)
        ),
        None => match registry.nearest(what) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "`bmf modules` lists the modules there are".to_owned(),
        },
    };
    let (what, directory) = (shown(what), shown(directory));
    Failure::usage(format!("\"{what}\" is not installed in {directory}"), help)
}

fn users_own() -> Result<PathBuf, Failure> {
    user_directory().ok_or_else(|| {
        Failure::usage(
            "there is no home directory to install modules in",
            "set HOME, or name a directory with --to",
        )
    })
}

fn refusal(refused: &Refused) -> Failure {
    Failure::Run {
        message: refused.to_string(),
        help: None,
    }
}

fn cannot(do_what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Run {
        message: format!("cannot {do_what} \"{}\": {error}", shown(path)),
        help: None,
    }
}
