//! `cargo xtask fuzz`: files that are damaged, options that nobody chose, and the real program, which must not crash,
//! hang, panic, take all memory or fail without a word. Everything follows from a seed, so what was found is found
//! again. Whether frames are right is not asked here; that is the corpus's.

mod graph;
mod values;

use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use wait4::Wait4;

use crate::args::{FuzzArgs, Program};
use crate::build;
use crate::corpus;
use crate::damage::{Damage, Random};
use crate::deps::{self, Need};
use crate::workspace::Workspace;

/// How long one run may take, in seconds. The inputs last for one.
const HUNG: &str = "60";
/// How much memory one run may hold, in MiB: a damaged file may well say that its pictures are large.
const LARGE: u64 = 6000;

/// Runs until the time is over or as many runs as asked for are done.
pub(crate) fn run(workspace: &Workspace, args: &FuzzArgs) -> anyhow::Result<()> {
    std::env::set_current_dir(&workspace.root)?;
    deps::ensure(&[Need::Libraries, Need::FfmpegCommand])?;
    let bmf = build::program(workspace, &args.program)?;
    let corpus = workspace.target.join("corpus");
    corpus::make_all(&corpus)?;
    let first = args.seed.unwrap_or_else(any_seed);
    let fuzzer = Fuzzer {
        bmf,
        corpus,
        folder: workspace.target.join("fuzz"),
        next: AtomicU64::new(first),
        end: Instant::now() + Duration::from_secs(args.seconds),
        last: args
            .runs
            .map_or(u64::MAX, |runs| first.saturating_add(runs)),
        found: Mutex::new(Vec::new()),
        ends: Default::default(),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "seed {first}; what is found is in {}",
        fuzzer.folder.display()
    );
    std::thread::scope(|scope| {
        let work = || fuzzer.work();
        let workers: Vec<_> = (0..args.jobs.unwrap_or(cores))
            .map(|_| scope.spawn(work))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })?;
    fuzzer.tell(first)
}

/// The step of CI: short, and the same each time.
pub(crate) fn step(workspace: &Workspace) -> anyhow::Result<()> {
    let args = FuzzArgs {
        program: Program::Release,
        seconds: 40,
        seed: Some(1),
        runs: None,
        jobs: None,
    };
    run(workspace, &args)
}

fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(1, |now| now.as_secs() % 1_000_000 * 1000)
}

struct Fuzzer {
    bmf: PathBuf,
    corpus: PathBuf,
    folder: PathBuf,
    /// The next seed.
    next: AtomicU64,
    end: Instant,
    /// The seed to end before.
    last: u64,
    found: Mutex<Vec<Finding>>,
    /// How many ended with exit codes 0, 1 and 2: were done, failed, were refused.
    ends: [AtomicU64; 3],
}

/// What should not have happened.
struct Finding {
    seed: u64,
    what: String,
}

impl Fuzzer {
    fn work(&self) -> anyhow::Result<()> {
        while Instant::now() < self.end {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.last {
                break;
            }
            if let Some(what) = self.try_seed(seed)? {
                println!("seed {seed}: {what}");
                let mut found = self.found.lock().expect("no one panics with it");
                found.push(Finding { seed, what });
            }
        }
        Ok(())
    }

    /// One run in a folder of its own, which is kept if something is found.
    fn try_seed(&self, seed: u64) -> anyhow::Result<Option<String>> {
        let folder = self.folder.join(seed.to_string());
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let mut random = Random::new(seed);
        let input = self.input(&folder, &mut random)?;
        let words: Vec<String> = if random.once_in(20) {
            ["probe", &input].map(str::to_owned).into()
        } else {
            let graph = graph::any(&input, &mut random);
            std::fs::write(folder.join("graph.json"), format!("{graph:#}"))?;
            ["run", "-q", "graph.json"].map(str::to_owned).into()
        };
        let found = self.run(&words, &folder)?;
        if found.is_none() {
            std::fs::remove_dir_all(&folder)?;
        }
        Ok(found)
    }

    /// A file of the corpus, mostly damaged.
    fn input(&self, folder: &Path, random: &mut Random) -> anyhow::Result<String> {
        let files: Vec<&str> = corpus::single_files().collect();
        let file = *random.pick(&files);
        let path = self.corpus.join(file);
        let mut bytes =
            std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        for _ in 0..random.below(4) {
            bytes = Damage::any(random).apply(&bytes, random);
        }
        std::fs::write(folder.join(file), bytes)?;
        Ok(file.to_owned())
    }

    /// Says what is wrong with how the program ended.
    fn run(&self, words: &[String], folder: &Path) -> anyhow::Result<Option<String>> {
        let log = std::fs::File::create(folder.join("log.txt"))?;
        let mut command = Command::new("timeout");
        command
            .args(["-s", "KILL", HUNG])
            .arg(&self.bmf)
            .args(words);
        command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut child = command.spawn().context("starting timeout")?;
        let done = child.wait4().context("waiting for bmf")?;
        let said = std::fs::read(folder.join("log.txt"))?;
        let said = String::from_utf8_lossy(&said);
        let code = done
            .status
            .code()
            .and_then(|code| usize::try_from(code).ok());
        if let Some(count) = code.and_then(|code| self.ends.get(code)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(verdict(done.status, &said, done.rusage.maxrss >> 20))
    }

    fn tell(&self, first: u64) -> anyhow::Result<()> {
        let runs = self.next.load(Ordering::Relaxed).min(self.last) - first;
        let found = self.found.lock().expect("no one panics with it");
        let [done, failed, refused] = self
            .ends
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed));
        println!(
            "{runs} runs: {done} done, {failed} failed as they should, {refused} refused; {} findings",
            found.len()
        );
        if found.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for Finding { seed, what } in found.iter() {
            write!(text, "\n  cargo xtask fuzz --seed {seed} --runs 1   {what}")
                .expect("a string takes all text");
        }
        bail!("to see them again:{text}")
    }
}

/// Ends of the process that are a library's doing, and happen to `ffmpeg` likewise: what they say last.
const KNOWN: &[&str] = &[
    "psymodel.c", // libmp3lame, given samples that are no numbers.
];

/// What is wrong with a run, by how it ended, what it said, and the most memory it held, in MiB.
fn verdict(status: ExitStatus, said: &str, memory: u64) -> Option<String> {
    let first = |word: &str| {
        said.lines()
            .find(|line| line.contains(word))
            .map(str::to_owned)
    };
    let last = said.lines().last().unwrap_or_default();
    // `timeout` ends by the signal that has ended its command; by 9 it does so itself.
    match (status.signal(), status.code()) {
        (Some(9), _) | (_, Some(137)) => return Some("hang".to_owned()),
        (Some(_), _) if KNOWN.iter().any(|words| last.contains(words)) => return None,
        (Some(signal), _) => return Some(format!("crash by signal {signal}: {last}")),
        (None, Some(code @ 128..)) => {
            return Some(format!("crash by signal {}: {last}", code - 128));
        }
        _ => {}
    }
    if let Some(line) = first("panicked") {
        return Some(format!("panic: {line}"));
    }
    if memory > LARGE {
        return Some(format!("memory: {memory} MiB"));
    }
    match (status.code(), first("error:")) {
        (Some(0), Some(line)) => Some(format!("success with an error: {line}")),
        (Some(1 | 2), None) => Some("failure without an error".to_owned()),
        (Some(0..=2), _) => None,
        (code, _) => Some(format!("exit code {code:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_judged() {
        let check = |code: i32, said| {
            verdict(ExitStatus::from_raw(code), said, 10).unwrap_or_else(|| "fine".to_owned())
        };
        let exit = |code: i32| code << 8;
        insta::assert_snapshot!(check(exit(0), ""), @"fine");
        insta::assert_snapshot!(check(exit(1), "error: the file is empty"), @"fine");
        insta::assert_snapshot!(check(exit(1), ""), @"failure without an error");
        insta::assert_snapshot!(check(exit(0), "error: x"), @"success with an error: error: x");
        insta::assert_snapshot!(check(exit(1), "error: node 1 panicked: x"), @"panic: error: node 1 panicked: x");
        insta::assert_snapshot!(check(exit(101), "error: x"), @"exit code Some(101)");
        insta::assert_snapshot!(check(exit(139), ""), @"crash by signal 11:");
        insta::assert_snapshot!(check(6, "free(): invalid pointer"), @"crash by signal 6: free(): invalid pointer");
        insta::assert_snapshot!(check(6, "bmf: psymodel.c:576: assertion failed"), @"fine");
        insta::assert_snapshot!(check(9, ""), @"hang");
        insta::assert_snapshot!(verdict(ExitStatus::from_raw(0), "", 7000).unwrap(), @"memory: 7000 MiB");
    }
}
