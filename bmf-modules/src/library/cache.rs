//! What is known of libraries, kept between processes, so that a library that was looked at once is
//! not loaded until one of its modules is used. Only saves work: it may be taken away at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::needed::Needed;
use super::{LibraryInfo, mark};
use crate::refusal::Refusal;
use crate::shown::shown;
use crate::staging;
use crate::stamp::Stamp;

/// How often, and how long after each other, is tried to write while another process does.
const TRIES: u32 = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// What is known of one build of a library.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    #[serde(with = "super::lossless")]
    path: PathBuf,
    stamp: Stamp,
    outcome: Result<LibraryInfo, Refusal>,
    /// Whose judgement a refusal is: another program may be content with the library.
    judge: Option<Stamp>,
    /// What it may have said because of other libraries holds as long as these stay.
    needs: Vec<Needed>,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: String,
    libraries: Vec<Known>,
}

type AllKnown = BTreeMap<PathBuf, Known>;

/// What is known of libraries. May be asked by many threads.
#[derive(Debug)]
pub(crate) struct Cache {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    known: AllKnown,
    /// What this process found out and has not written yet.
    news: BTreeSet<PathBuf>,
}

/// What was written by another version is not read.
fn version() -> String {
    format!(
        "{} {}.{} {}-{}",
        env!("CARGO_PKG_VERSION"),
        bmf_abi::VERSION_MAJOR,
        bmf_abi::VERSION_MINOR,
        std::env::consts::ARCH,
        std::env::consts::OS
    )
}

impl Cache {
    /// Reads what is kept in `file`; all is fine without. Libraries that were being loaded by
    /// processes that are gone are known to be harmful from now on.
    pub(crate) fn open(file: Option<PathBuf>) -> Self {
        // A device would be replaced by a file.
        let file =
            file.filter(|file| fs::metadata(file).is_ok_and(|it| it.is_file()) || !file.exists());
        let known = file.as_deref().map(read).unwrap_or_default();
        let news = BTreeSet::new();
        let cache = Self {
            file,
            state: Mutex::new(State { known, news }),
        };
        for left in cache.file().map(mark::take_left_over).unwrap_or_default() {
            cache.lock().put(Known {
                path: left.library,
                stamp: left.stamp,
                outcome: Err(Refusal::Crashed),
                judge: left.program,
                needs: Vec::new(),
            });
        }
        cache.save();
        cache
    }

    /// Where it is kept.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is known of this build.
    pub(crate) fn get(&self, path: &Path, stamp: Stamp) -> Option<Result<LibraryInfo, Refusal>> {
        let state = self.lock();
        let known = state.known.get(path).filter(|known| known.stamp == stamp)?;
        let is_ours = known.judge.is_none() || known.judge == Stamp::of_program();
        let holds = is_ours && known.needs.iter().all(Needed::is_same);
        holds.then(|| known.outcome.clone())
    }

    /// Keeps what was found out about a build, unless it may pass: then nothing is known any more.
    pub(crate) fn put(
        &self,
        path: &Path,
        stamp: Stamp,
        outcome: Result<LibraryInfo, Refusal>,
        needs: Vec<Needed>,
    ) {
        let mut state = self.lock();
        if outcome.as_ref().is_err_and(Refusal::may_pass_with_process) {
            state.forget(path);
            return;
        }
        let judge = match outcome {
            Err(Refusal::Unfit(_)) => Stamp::of_program(),
            _ => None,
        };
        state.put(Known {
            path: path.to_owned(),
            stamp,
            outcome,
            judge,
            needs,
        });
    }

    /// Writes the news, beside those of other processes. A cache that cannot be written saves no
    /// work, and that is all.
    pub(crate) fn save(&self) {
        let Some(file) = &self.file else { return };
        let mut state = self.lock();
        if state.news.is_empty() {
            return;
        }
        match state.merge_into(file) {
            Ok(()) => state.news.clear(),
            Err(error) => log::debug!("cannot write {}: {error}", shown(file)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, known: Known) {
        self.news.insert(known.path.clone());
        self.known.insert(known.path.clone(), known);
    }

    fn forget(&mut self, path: &Path) {
        if self.known.remove(path).is_some() {
            self.news.insert(path.to_owned());
        }
    }

    fn merge_into(&self, file: &Path) -> io::Result<()> {
        fs::create_dir_all(mark::parent(file))?;
        let _lock = lock(file)?;
        let mut libraries = read(file);
        for path in &self.news {
            match self.known.get(path) {
                Some(known) => libraries.insert(path.clone(), known.clone()),
                None => libraries.remove(path),
            };
        }
        libraries.retain(|path, known| Stamp::at(path) == Some(known.stamp));
        let libraries = libraries.into_values().collect();
        let version = version();
        write(file, &Kept { version, libraries })
    }
}

/// Keeps other processes from writing the cache until it is dropped. `None` where the system has no
/// locks: then the last one wins.
fn lock(file: &Path) -> io::Result<Option<File>> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let mut options = File::options();
    let lock = options
        .create(true)
        .append(true)
        .open(file.with_file_name(name))?;
    for _ in 0..TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
    Err(io::Error::other("another process is writing it"))
}

fn read(file: &Path) -> AllKnown {
    let Ok(text) = fs::read(file) else {
        return AllKnown::new();
    };
    match serde_json::from_slice::<Kept>(&text) {
        Ok(kept) if kept.version == version() => {
            let libraries = kept.libraries.into_iter();
            libraries.map(|known| (known.path.clone(), known)).collect()
        }
        Ok(_) => AllKnown::new(),
        Err(error) => {
            log::debug!("{} is damaged: {error}", shown(file));
            AllKnown::new()
        }
    }
}

/// In one step, so that no reader sees a half of it.
fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let mut new = staging::file(mark::parent(file))?;
    new.write_all(&serde_json::to_vec(kept)?)?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another thread with its own cache is as another process.
    #[test]
    fn caches_that_are_written_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("modules.json");
        let paths: Vec<PathBuf> = (0..8)
            .map(|n| dir.path().join(format!("lib{n}.so")))
            .collect();
        let stamp = |path: &Path| Stamp::at(path).unwrap();
        thread::scope(|scope| {
            for path in &paths {
                fs::write(path, "").unwrap();
                let cache = Cache::open(Some(file.clone()));
                scope.spawn(move || {
                    cache.put(path, stamp(path), Err(Refusal::Empty), Vec::new());
                    cache.save();
                });
            }
        });
        let cache = Cache::open(Some(file));
        for path in &paths {
            assert!(cache.get(path, stamp(path)).is_some());
        }
    }

    #[test]
    fn what_may_pass_is_not_known_to_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libx.so");
        fs::write(&path, "").unwrap();
        let stamp = Stamp::at(&path).unwrap();
        let remembers = |refusal: Refusal| {
            let open = || Cache::open(Some(dir.path().join("modules.json")));
            let cache = open();
            cache.put(&path, stamp, Err(refusal), Vec::new());
            cache.save();
            open().get(&path, stamp).is_some()
        };
        assert!(remembers(Refusal::Empty));
        assert!(!remembers(Refusal::CannotLoad("no libx.so.1".to_owned())));
        assert!(remembers(Refusal::Unfit("its table is damaged".to_owned())));
        assert!(!remembers(Refusal::Refuses("no camera".to_owned())));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_name_that_is_no_text_is_kept() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(OsStr::from_bytes(b"lib\xff.so"));
        fs::write(&path, "").unwrap();
        let stamp = Stamp::at(&path).unwrap();
        let open = || Cache::open(Some(dir.path().join("modules.json")));
        let cache = open();
        cache.put(&path, stamp, Err(Refusal::Empty), Vec::new());
        cache.save();
        assert_eq!(open().get(&path, stamp), Some(Err(Refusal::Empty)));
    }

    #[test]
    #[cfg(unix)]
    fn no_device_is_taken_for_a_cache() {
        let cache = Cache::open(Some("/dev/null".into()));
        assert_eq!(cache.file(), None);
    }
}
