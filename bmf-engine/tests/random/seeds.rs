//! Goes through seeds; shrinks and shows what fails. A guard ends the process when a run does not.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::case::Case;
use crate::generate;
use crate::rng::Rng;

/// No case takes so long, whatever waits in it.
const GUARD: Duration = Duration::from_secs(180);

/// How often what failed once is tried with fewer nodes before those that were left out count as
/// necessary: it may depend on luck.
const TRIES: usize = 30;

/// Checks each case; `usual` many of them, or as the environment says.
pub(crate) fn each(test: &str, usual: u64, check: impl Fn(&Case) -> Result<(), String>) {
    let guard = guard(test);
    let check_one = |case: &Case| {
        let _ = guard.send(case.seed);
        let checked = catch_unwind(AssertUnwindSafe(|| check(case)));
        checked.unwrap_or_else(|payload| {
            let text = payload.downcast_ref::<String>().cloned();
            Err(text.unwrap_or_else(|| "a panic".to_owned()))
        })
    };
    if let Some(seed) = number("BMF_SEED") {
        let mut case = generate::case(seed);
        if let Ok(only) = std::env::var("BMF_ONLY") {
            let ids: Vec<usize> = only.split(',').map(|id| id.parse().unwrap()).collect();
            case = case.only(&ids);
        }
        for _ in 0..number("BMF_REPEAT").unwrap_or(1) {
            if let Err(error) = check_one(&case) {
                panic!("{}", show(test, &case, &error));
            }
        }
        return;
    }
    let from = number("BMF_FROM").unwrap_or(1);
    for index in 0..number("BMF_CASES").unwrap_or(usual) {
        let seed = Rng::new(from.wrapping_mul(1 << 32) + index).next();
        let case = generate::case(seed);
        if let Err(error) = check_one(&case) {
            say(&format!(
                "{test}: seed {seed:#x} fails, trying with fewer nodes: {error}"
            ));
            let (case, error) = shrink(case, error, check_one);
            panic!("{}", show(test, &case, &error));
        }
    }
}

/// A number in the environment, perhaps hexadecimal.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    Some(number.unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// Leaves out nodes, as long as it goes on failing.
fn shrink(
    case: Case,
    error: String,
    check: impl Fn(&Case) -> Result<(), String>,
) -> (Case, String) {
    let (mut case, mut error) = (case, error);
    // What only ends by a time-out takes too long to be tried again and again.
    let slow = error.contains("no progress") || error.contains("in vain");
    let tries = if slow { 1 } else { TRIES };
    for spec in case.nodes.clone().iter().rev() {
        let smaller = case.without(spec.id);
        if smaller.nodes.len() < case.nodes.len()
            && let Some(found) = (0..tries).find_map(|_| check(&smaller).err())
        {
            (case, error) = (smaller, found);
        }
    }
    (case, error)
}

fn show(test: &str, case: &Case, error: &str) -> String {
    let (seed, only) = (case.seed, case.ids());
    format!(
        "seed {seed:#x}: {error}\n\nBMF_SEED={seed:#x} BMF_ONLY={only} BMF_REPEAT=1000 cargo test \
         -p bmf-engine --test random {test}\n\n{case}"
    )
}

/// Tells at once what a panic would tell later, if ever.
fn say(text: &str) {
    // There is nobody to tell it to where this fails.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Ends the process, naming the seed, when a case does not come to its end.
fn guard(test: &str) -> Sender<u64> {
    let (sender, seeds) = mpsc::channel();
    let test = test.to_owned();
    std::thread::spawn(move || {
        let mut last = None;
        loop {
            match seeds.recv_timeout(GUARD) {
                Ok(seed) => last = Some(seed),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    say(&format!(
                        "{test} does not end: seed {:#x}",
                        last.unwrap_or(0)
                    ));
                    std::process::abort();
                }
            }
        }
    });
    sender
}
