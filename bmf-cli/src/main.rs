//! The `bmf` command: what stands between a terminal and the engine. Graphs are read, checked and
//! run elsewhere; this is arguments, messages, progress and exit codes.

mod args;
mod modules;

mod check;
mod graph;
mod inspect;
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

use crate::args::Job;
use crate::report::Failure;

fn main() -> ExitCode {
    let (job, verbosity) = args::parse();
    logging::install(verbosity);
    let code = run(job).unwrap_or_else(|failure| failure.print());
    ExitCode::from(code)
}

/// The exit code, unless the failure has to say it.
fn run(job: Job) -> Result<u8, Failure> {
    match job {
        Job::Run(request) => run::run(request),
        Job::Check(request) => check::run(&request),
        Job::Inspect(request) => inspect::run(&request),
        Job::Graph(request) => graph::run(&request),
    }
}
