//! `cargo xtask corpus`: does bmf decode what people have? A hundred small files are made, of all kinds and broken
//! ones too, and each stream of each is decoded by bmf and by the `ffmpeg` command: same frames, same times. Files are
//! kept in the target folder and made once. How the files are made is told in `files.rs`.

mod compare;
mod decode;
mod files;
mod make;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail};

use crate::args::CorpusArgs;
use crate::build;
use crate::deps::{self, Need};
use crate::workspace::Workspace;
use compare::Verdict;
use files::{CASES, Case};

/// Makes, compares, shows.
pub(crate) fn run(workspace: &Workspace, args: &CorpusArgs) -> anyhow::Result<()> {
    std::env::set_current_dir(&workspace.root)?;
    deps::ensure(&[Need::Libraries, Need::FfmpegCommand])?;
    let bmf = build::program(workspace, &args.program)?;
    let folder = workspace.target.join("corpus");
    let cases: Vec<&Case> = CASES
        .iter()
        .filter(|case| {
            args.names.is_empty()
                || args
                    .names
                    .iter()
                    .any(|name| case.file.contains(name.as_str()))
        })
        .collect();
    if cases.is_empty() {
        bail!("no file of the corpus is called like that");
    }
    make_all(&folder)?;
    let verdicts = in_parallel(&cases, |case| compare::compare(case, &folder, &bmf));
    print!("{}", table(&cases, &verdicts));
    let failed = verdicts.iter().filter(|verdict| !verdict.is_fine()).count();
    println!("{} passed, {failed} failed", cases.len() - failed);
    match failed {
        0 => Ok(()),
        _ => bail!(
            "bmf and ffmpeg differ; their frames are listed in {}",
            folder.display()
        ),
    }
}

/// The step of CI.
pub(crate) fn step(workspace: &Workspace) -> anyhow::Result<()> {
    run(workspace, &CorpusArgs::default())
}

/// All files that are not there yet, each after the one it is made from.
pub(crate) fn make_all(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    for derived in [false, true] {
        let wave: Vec<&Case> = CASES
            .iter()
            .filter(|case| case.is_derived() == derived)
            .collect();
        for made in in_parallel(&wave, |case| make::make(case, folder)) {
            made?;
        }
    }
    Ok(())
}

/// The names of the files that are one file, for others who want some.
pub(crate) fn single_files() -> impl Iterator<Item = &'static str> {
    let names = CASES.iter().map(|case| case.file);
    names.filter(|name| !name.contains(['%', '/']) && !name.ends_with(".m3u8"))
}

/// Does something with each item, as many at once as there are cores; results are in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    let result = work(item);
                    let mut done = done.lock().expect("a worker that panics ends the run");
                    done.push((index, result));
                }
            });
        }
    });
    let mut done = done
        .into_inner()
        .expect("a worker that panics ends the run");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn table(cases: &[&Case], verdicts: &[Verdict]) -> String {
    let line = |(case, verdict): (&&Case, &Verdict)| format!("{:24} {verdict}\n", case.file);
    cases.iter().zip(verdicts).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_once_and_kept_in_order() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(
            in_parallel(&items, |item| item * 2),
            (0..200).step_by(2).collect::<Vec<_>>()
        );
    }

    #[test]
    fn there_are_enough_files_and_none_twice() {
        let mut names: Vec<&str> = CASES.iter().map(|case| case.file).collect();
        names.sort_unstable();
        names.dedup();
        assert!(
            names.len() == CASES.len() && names.len() >= 60,
            "{}",
            names.len()
        );
    }
}
