//! What is known of libraries, kept between processes, so that a library that was looked at once is
//! not loaded until one of its modules is used. Only saves work: it may be taken away at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{LibraryInfo, mark};
use crate::refusal::Refusal;
use crate::stamp::Stamp;

/// What is known of one build of a library.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    stamp: Stamp,
    outcome: Result<LibraryInfo, Refusal>,
    /// Whose judgement a refusal is: another program may be content with the library.
    judge: Option<Stamp>,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: String,
    libraries: BTreeMap<PathBuf, Known>,
}

/// What is known of libraries.
#[derive(Debug)]
pub(crate) struct Cache {
    file: Option<PathBuf>,
    known: BTreeMap<PathBuf, Known>,
    /// What this process found out and has not written yet.
    news: BTreeSet<PathBuf>,
    program: Option<Stamp>,
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
    /// Reads what is kept in `file`; all is fine without. Libraries that were being loaded by a
    /// process that is gone are known to be harmful from now on.
    pub(crate) fn open(file: Option<PathBuf>) -> Self {
        let known = file.as_deref().map(read).unwrap_or_default();
        let program = std::env::current_exe().and_then(fs::metadata);
        let mut cache = Self {
            file,
            known,
            news: BTreeSet::new(),
            program: program.ok().map(|metadata| Stamp::of(&metadata)),
        };
        if let Some(file) = cache.file.clone() {
            for left in mark::take_left_over(&file) {
                cache.put(&left.library, left.stamp, Err(Refusal::Crashed));
            }
            cache.save();
        }
        cache
    }

    /// Where it is kept.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is known of this build.
    pub(crate) fn get(&self, path: &Path, stamp: Stamp) -> Option<Result<LibraryInfo, Refusal>> {
        let known = self.known.get(path).filter(|known| known.stamp == stamp)?;
        let is_ours = known.judge.is_none() || known.judge == self.program;
        is_ours.then(|| known.outcome.clone())
    }

    /// Keeps what was found out about a build.
    pub(crate) fn put(&mut self, path: &Path, stamp: Stamp, outcome: Result<LibraryInfo, Refusal>) {
        let judge = match outcome {
            Err(Refusal::Unfit(_)) => self.program,
            _ => None,
        };
        let known = Known {
            stamp,
            outcome,
            judge,
        };
        self.known.insert(path.to_owned(), known);
        self.news.insert(path.to_owned());
    }

    /// Writes the news, beside those of other processes. A cache that cannot be written saves no
    /// work, and that is all.
    pub(crate) fn save(&mut self) {
        let Some(file) = &self.file else { return };
        if self.news.is_empty() {
            return;
        }
        let mut libraries = read(file);
        for path in std::mem::take(&mut self.news) {
            if let Some(known) = self.known.get(&path) {
                libraries.insert(path, known.clone());
            }
        }
        libraries.retain(|path, known| {
            let metadata = fs::metadata(path).ok();
            metadata.is_some_and(|metadata| Stamp::of(&metadata) == known.stamp)
        });
        let kept = Kept {
            version: version(),
            libraries,
        };
        if let Err(error) = write(file, &kept) {
            log::debug!("cannot write {}: {error}", file.display());
        }
    }
}

fn read(file: &Path) -> BTreeMap<PathBuf, Known> {
    let Ok(text) = fs::read(file) else {
        return BTreeMap::new();
    };
    match serde_json::from_slice::<Kept>(&text) {
        Ok(kept) if kept.version == version() => kept.libraries,
        Ok(_) => BTreeMap::new(),
        Err(error) => {
            log::debug!("{} is damaged: {error}", file.display());
            BTreeMap::new()
        }
    }
}

/// In one step, so that no reader sees a half of it.
fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let directory = mark::parent(file);
    fs::create_dir_all(directory)?;
    let mut new = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(directory)?;
    new.write_all(&serde_json::to_vec(kept)?)?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}
