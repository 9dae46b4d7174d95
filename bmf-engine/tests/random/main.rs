//! Random graphs against a model. A seed determines a graph, its settings and how long its modules
//! take; what its sinks receive is compared with what plain vectors say, in a reproducible order of
//! steps and with several workers; nothing may be lost, doubled, reordered, left open or left alive,
//! and every run must end.
//!
//! ```text
//! BMF_CASES=100000 cargo test -p bmf-engine --test random    # a long run; BMF_FROM=7: other seeds
//! BMF_SEED=0x1234 cargo test -p bmf-engine --test random     # one case again; BMF_REPEAT=100 times
//! ```
//!
//! What fails is shrunk by leaving out nodes. The message has the seed, the nodes that are left
//! (`BMF_ONLY` replays those alone), the graph, and what differs.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod bench;
mod build;
mod case;
mod diamond;
mod faults;
mod framesync;
mod generate;
mod model;
mod modules;
mod rng;
mod run;
mod seeds;

use bench::Bench;
use case::Case;
use model::Got;
use run::run;

#[test]
fn every_run_gives_what_the_model_says() {
    seeds::each("every_run_gives_what_the_model_says", 3000, check);
}

fn check(case: &Case) -> Result<(), String> {
    let inline = check_inline(case)?;
    if run::is_reproducible(case) && case.seed.is_multiple_of(8) && check_inline(case)? != inline {
        return Err("a second run in a reproducible order was different".to_owned());
    }
    let workers = case.settings.workers;
    match run(case, false, Bench::new(None))? {
        Some(ended) => {
            run::check(case, ended).map_err(|error| format!("{workers} workers: {error}"))
        }
        None => Ok(()),
    }
}

/// Runs a case in a reproducible order; returns what its sinks received.
fn check_inline(case: &Case) -> Result<Vec<Vec<Got>>, String> {
    let Some(ended) = run(case, true, Bench::new(None))? else {
        return Ok(Vec::new());
    };
    let received = ended.bench.received();
    run::check(case, ended).map_err(|error| format!("inline: {error}"))?;
    Ok(received)
}
