//! Brings a library into the process and calls its entry, once per process and build. The only place
//! with unsafe code. That the file is a plugin was found out before.
#![expect(
    unsafe_code,
    reason = "running a library that was found at run time is trusting it"
)]

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use bmf_abi::Entry;
use bmf_bridge::host;
use bmf_core::ModuleFactory;
use dashmap::DashMap;
use tempfile::TempPath;

use super::mark::Mark;
use super::{LibraryInfo, PluginInfo, UnfitModule};
use crate::refusal::Refusal;
use crate::shown::shown;
use crate::staging;
use crate::stamp::Stamp;

type Outcome = Result<Loaded, Refusal>;

/// All libraries that this process has loaded, or tried to, by build. Entries stay: a library is never
/// unloaded, and what was refused once is only looked at again when it is another build, unless the
/// reason may pass without one.
static LIBRARIES: LazyLock<DashMap<Key, Arc<OnceLock<Outcome>>>> = LazyLock::new(DashMap::new);

/// Paths and identities of files that the dynamic linker knows. It would give back the old build for
/// them.
static TAKEN: Mutex<Option<HashSet<Taken>>> = Mutex::new(None);

#[derive(PartialEq, Eq, Hash)]
enum Taken {
    Path(PathBuf),
    File((u64, u64)),
}

/// A build: a file under any of its names, where the system tells that it is one.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    path: Option<PathBuf>,
    stamp: Stamp,
}

impl Key {
    fn new(path: &Path, stamp: Stamp) -> Self {
        let path = stamp.identity().is_none().then(|| path.to_owned());
        Self { path, stamp }
    }
}

/// A library in this process.
#[derive(Clone)]
pub(crate) struct Loaded(Arc<Vec<host::Library>>);

impl Loaded {
    /// The first module called `name` of one of its plugins.
    pub(crate) fn module(&self, plugin: usize, name: &str) -> Option<Arc<dyn ModuleFactory>> {
        let mut modules = self.0.get(plugin)?.modules.iter();
        modules
            .find(|module| module.descriptor().name == name)
            .cloned()
    }

    /// What it offers.
    pub(crate) fn info(&self) -> LibraryInfo {
        let describe = |plugin: &host::Library| PluginInfo {
            name: plugin.name.clone(),
            version: plugin.version.clone(),
            built_with: plugin.built_with.clone(),
            rank: plugin.rank,
            abi: plugin.abi,
            panic_aborts: plugin.panic_aborts,
            modules: plugin
                .modules
                .iter()
                .map(|module| module.descriptor().clone())
                .collect(),
            refused: plugin.refused.iter().map(unfit).collect(),
        };
        LibraryInfo {
            plugins: self.0.iter().map(describe).collect(),
        }
    }
}

fn unfit(refused: &host::Refused) -> UnfitModule {
    UnfitModule {
        module: refused.module.clone(),
        why: refused.why.clone(),
    }
}

/// What came of loading this build, where this process has tried already.
pub(crate) fn already(path: &Path, stamp: Stamp) -> Option<Outcome> {
    let cell = LIBRARIES.get(&Key::new(path, stamp))?.clone();
    cell.get().cloned()
}

/// Loads a build, unless this process has tried already. `prepare` tells the names of its entries,
/// and gives a mark to keep until it is loaded.
pub(crate) fn once(
    path: &Path,
    stamp: Stamp,
    prepare: impl FnOnce() -> Result<(Vec<String>, Option<Mark>), Refusal>,
) -> Outcome {
    let key = || Key::new(path, stamp);
    let cell = LIBRARIES.entry(key()).or_default().clone();
    let load = || {
        let (entries, _mark) = prepare()?;
        load(path, stamp, &entries)
    };
    let outcome = cell.get_or_init(load).clone();
    if outcome.as_ref().is_err_and(Refusal::may_pass) {
        LIBRARIES.remove_if(&key(), |_, same| Arc::ptr_eq(same, &cell));
    }
    outcome
}

fn load(path: &Path, stamp: Stamp, entries: &[String]) -> Outcome {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let library = link_build(&path, stamp)?;
    let mut plugins = Vec::with_capacity(entries.len());
    for name in entries {
        // SAFETY: a function of this name has this type; that is what the contract says, and all that
        // can be known.
        let entry = unsafe { library.get::<Entry>(name.as_bytes()) };
        let entry = *entry.map_err(|error| Refusal::Unfit(error.to_string()))?;
        // SAFETY: as above; the library stays, since `library` is never dropped.
        let plugin = unsafe { host::open(entry) };
        plugins.push(plugin.map_err(unusable)?);
    }
    if plugins.iter().any(|plugin| plugin.panic_aborts) {
        let path = shown(&path);
        log::warn!("{path} was built with panic = \"abort\": a panic in it ends the program");
    }
    Ok(Loaded(Arc::new(plugins)))
}

fn unusable(why: host::Unfit) -> Refusal {
    match why {
        host::Unfit::Refuses { message } => Refusal::Refuses(message),
        other => Refusal::Unfit(other.to_string()),
    }
}

/// Links this build and no other one, from a copy where the dynamic linker would give an older one.
fn link_build(path: &Path, stamp: Stamp) -> Result<Linked, Refusal> {
    let linked = match take(path, stamp) {
        true => link(path.as_os_str()).map_err(|error| {
            untake(path, stamp);
            refusal(&error, path)
        })?,
        false => link_copy(path, stamp)?,
    };
    // Another file may have taken its place since it was read.
    match Stamp::at(path) {
        Some(now) if now == stamp => Ok(linked),
        now => {
            now.map(|now| take(path, now));
            Err(Refusal::Changing)
        }
    }
}

/// Beside the original, where what it needs is found as from there, and where it may be executed; in
/// the system's directory for such files where nothing can be put there.
fn link_copy(path: &Path, stamp: Stamp) -> Result<Linked, Refusal> {
    let beside = path.parent().map(|directory| copy(path, stamp, directory));
    let copy = match beside {
        Some(Ok(copy)) => copy,
        Some(Err(Refusal::Changing)) => return Err(Refusal::Changing),
        _ => copy(path, stamp, &std::env::temp_dir())?,
    };
    link(copy.as_os_str()).map_err(|error| refusal(&error, &copy))
}

/// Whether the dynamic linker does not know this file yet; from now on it does.
fn take(path: &Path, stamp: Stamp) -> bool {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = taken.get_or_insert_default();
    let is_new_path = taken.insert(Taken::Path(path.to_owned()));
    let file = stamp.identity();
    let is_new_file = file.is_none_or(|file| taken.insert(Taken::File(file)));
    is_new_path && is_new_file
}

/// The dynamic linker did not want a file.
fn untake(path: &Path, stamp: Stamp) {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = taken.get_or_insert_default();
    taken.remove(&Taken::Path(path.to_owned()));
    if let Some(file) = stamp.identity() {
        taken.remove(&Taken::File(file));
    }
}

/// A copy that no other build was loaded from, hidden in this directory. Where the system allows it
/// the name is gone as soon as it is loaded.
fn copy(path: &Path, stamp: Stamp, directory: &Path) -> Result<TempPath, Refusal> {
    let unreadable = |error: std::io::Error| Refusal::unreadable(&error);
    // Debuggers tell libraries apart by their names.
    let name = path.file_name().unwrap_or_default();
    let file = staging::file_for(directory, name).map_err(unreadable)?;
    let file = file.into_temp_path();
    fs::copy(path, &file).map_err(unreadable)?;
    match Stamp::at(path) {
        Some(now) if now == stamp => Ok(file),
        _ => Err(Refusal::Changing),
    }
}

/// A linked library is never unlinked: its code may run, and its texts be read, until the end.
type Linked = std::mem::ManuallyDrop<libloading::Library>;

#[cfg(unix)]
fn link(file: &OsStr) -> Result<Linked, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: constructors of the library run now. Nothing protects against a hostile one; a plugin
    // is trusted like any other part of the program.
    let library = unsafe { Library::open(Some(file), RTLD_NOW | RTLD_LOCAL) }?;
    Ok(Linked::new(library.into()))
}

#[cfg(not(unix))]
fn link(file: &OsStr) -> Result<Linked, libloading::Error> {
    // SAFETY: as on Unix.
    Ok(Linked::new(unsafe { libloading::Library::new(file) }?))
}

/// What the dynamic linker says, without the path, which the reader knows.
fn refusal(error: &libloading::Error, file: &Path) -> Refusal {
    let mut text = error.to_string();
    // Elsewhere than on Unix the reason is the source.
    if let Some(source) = std::error::Error::source(error) {
        text = source.to_string();
    }
    let path = format!("{}: ", file.display());
    let text = text.strip_prefix(&path).unwrap_or(&text);
    Refusal::CannotLoad(text.to_owned())
}
