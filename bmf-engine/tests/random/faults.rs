//! Random graphs in which something goes wrong at a random moment: they end, and leave nothing
//! behind.

use std::sync::atomic::Ordering;

use bmf_core::Ending;
use bmf_engine::{RunError, RunOptions};

use crate::bench::{Bench, Fault, INJECTED, Wrong};
use crate::build::build;
use crate::case::Case;
use crate::rng::Rng;
use crate::run::{self, TIME_OUT};
use crate::seeds;

#[test]
fn whatever_goes_wrong_the_run_ends_and_leaves_nothing() {
    hush();
    seeds::each(
        "whatever_goes_wrong_the_run_ends_and_leaves_nothing",
        1500,
        check,
    );
}

const WRONG: [Wrong; 7] = [
    Wrong::Error,
    Wrong::Panic,
    Wrong::ErrorAtTheEnds,
    Wrong::PanicAtTheEnds,
    Wrong::Cancel,
    Wrong::Stop,
    Wrong::Drop,
];

fn check(case: &Case) -> Result<(), String> {
    let mut rng = Rng::new(case.seed).split();
    let how = rng.pick(&WRONG);
    let most = match how {
        Wrong::ErrorAtTheEnds | Wrong::PanicAtTheEnds => 2 * case.nodes.len(),
        _ => rng.pick(&[20, 400]),
    };
    let bench = Bench::new(Some(Fault::new(how, rng.below(most))));
    let mut case = case.clone();
    if how == Wrong::Stop {
        // A module that stops its own graph cannot do so while a pause waits for that module.
        case.settings.pauses = 0;
    }
    let case = &case;
    let inline = rng.chance(20);
    let checked = match how {
        Wrong::Drop => drop_midway(case, inline, bench),
        how => go_wrong(case, how, inline, bench),
    };
    checked.map_err(|error| format!("{how:?}: {error}"))
}

fn go_wrong(
    case: &Case,
    how: Wrong,
    inline: bool,
    bench: std::sync::Arc<Bench>,
) -> Result<(), String> {
    let Some(ended) = run::run(case, inline, bench)? else {
        return Ok(());
    };
    let happened = ended
        .bench
        .fault()
        .is_some_and(|fault| fault.happened.load(Ordering::Acquire));
    if !happened {
        return run::check(case, ended);
    }
    is_told(how, &ended.outcome.result)?;
    run::all_closed(ended.outcome, &ended.bench)
}

/// Whether the run's result says what has happened. The graph may have ended, or blocked itself,
/// before it could have mattered.
fn is_told(how: Wrong, result: &Result<Ending, RunError>) -> Result<(), String> {
    let fits = match (how, result) {
        (_, Err(RunError::Deadlock { .. })) => true,
        (Wrong::Error | Wrong::ErrorAtTheEnds, Err(error @ RunError::Module { .. }))
        | (Wrong::Panic | Wrong::PanicAtTheEnds, Err(error @ RunError::Panic { .. })) => {
            error.to_string().contains(INJECTED)
        }
        (Wrong::Cancel, Err(RunError::Cancelled) | Ok(Ending::Finished)) => true,
        (Wrong::Stop, Ok(_)) => true,
        _ => false,
    };
    match (fits, result) {
        (true, _) => Ok(()),
        (false, Ok(ending)) => Err(format!("the run ended as {ending:?}")),
        (false, Err(error)) => Err(format!("the run failed: {error}")),
    }
}

/// Drops the graph, and before it what the application feeds and reads, in the middle of the run.
fn drop_midway(case: &Case, inline: bool, bench: std::sync::Arc<Bench>) -> Result<(), String> {
    let Some(built) = build(case, &bench) else {
        return Ok(());
    };
    let options = RunOptions {
        workers: Some(case.settings.workers),
        inline,
        time_out: Some(TIME_OUT),
    };
    let graph = built
        .plan
        .start(&options)
        .map_err(|error| error.to_string())?;
    let control = graph.control();
    let has_happened = || {
        bench
            .fault()
            .is_some_and(|fault| fault.happened.load(Ordering::Acquire))
    };
    // A graph that waits for the application comes to rest.
    let is_idle = || graph.wait_idle(Some(std::time::Instant::now()));
    while !has_happened() && !control.is_finished() && !is_idle() {
        std::thread::yield_now();
    }
    drop(graph);
    if !control.is_finished() {
        return Err("some nodes have not closed".to_owned());
    }
    drop(control);
    bench.left_behind()
}

/// Keeps the panics that this test injects from filling the output.
fn hush() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        if !text.is_some_and(|text| text.contains(INJECTED)) {
            usual(info);
        }
    }));
}
