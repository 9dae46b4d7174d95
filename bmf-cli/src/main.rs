//! The `bmf` command: what stands between a terminal and the engine. Graphs are read, checked and
//! run elsewhere; this is arguments, messages, progress and exit codes.

mod args;
mod modules;

mod check;
mod graph;
mod inspect;
mod probe;
mod run;

mod interrupt;
mod load;
mod logging;
mod managers;
mod progress;
mod report;
mod schema;
mod stats;
mod summary;
mod terminal;

use std::process::ExitCode;

use crate::args::{Asked, Job};
use crate::report::Failure;

fn main() -> ExitCode {
    let asked = args::parse();
    logging::install(asked.verbosity);
    let code = run(asked).unwrap_or_else(|failure| failure.print());
    ExitCode::from(code)
}

/// The exit code, unless the failure has to say it.
fn run(asked: Asked) -> Result<u8, Failure> {
    let registry = modules::registry(asked.modules)?;
    match asked.job {
        Job::Run(request) => run::run(request, &registry),
        Job::Check(request) => check::run(&request, &registry),
        Job::Inspect(request) => inspect::run(&request, &registry),
        Job::Probe(request) => probe::run(&request, &registry),
        Job::Graph(request) => graph::run(&request, &registry),
        Job::Modules(request) => modules::run(&request, &registry),
    }
}
