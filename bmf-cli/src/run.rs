//! `bmf run`: a graph from its description to its exit code.

use bmf_core::Ending;
use bmf_engine::{GraphPlan, Outcome, RunError, RunOptions};
use bmf_modules::Registry;

use crate::load::{self, Choice};
use crate::report::{self, Failure};
use crate::{interrupt, progress, stats, summary, terminal};

/// What to run, and how.
pub(crate) struct Request {
    pub(crate) graph: Choice,
    pub(crate) strict: bool,
    pub(crate) options: RunOptions,
    pub(crate) progress: progress::Style,
    pub(crate) stats: Option<stats::Target>,
    pub(crate) quiet: bool,
}

/// Runs. The result is the exit code.
pub(crate) fn run(request: Request, registry: &Registry) -> Result<u8, Failure> {
    let plan = load::plan(&request.graph, registry, request.strict)?;
    if !request.quiet {
        report::diagnostics(plan.warnings());
    }
    let stats = request.stats.map(stats::Target::open).transpose()?;
    let outcome = play(plan, &request.options, request.progress);
    let mut code = match &outcome {
        Ok(outcome) => tell(outcome, request.quiet),
        Err(error) => Failure::from(error).print(),
    };
    if let Some(sink) = stats
        && let Err(failure) = sink.write(&outcome)
    {
        let failed = failure.print();
        code = if code == 0 { failed } else { code };
    }
    // A thread that is stuck inside a module must not keep the process, nor see it taken apart.
    if outcome.is_ok_and(|outcome| outcome.nodes.iter().any(|node| !node.closed)) {
        std::process::exit(code.into());
    }
    Ok(code)
}

fn play(
    plan: GraphPlan,
    options: &RunOptions,
    progress: progress::Style,
) -> Result<Outcome, RunError> {
    // Before anything is open that an interruption could leave half done.
    let interruptions = interrupt::Interruptions::take();
    plan.check_self_driven()?;
    let graph = plan.start(options)?;
    interruptions.answer(graph.control());
    Ok(progress::wait(graph, progress))
}

/// Tells how the run ended, and gives the exit code.
fn tell(outcome: &Outcome, quiet: bool) -> u8 {
    if !quiet {
        // Under --strict the warnings are the error.
        if !matches!(outcome.result, Err(RunError::Strict { .. })) {
            outcome
                .warnings()
                .iter()
                .for_each(|text| report::warning(text));
        }
        summary::lines(outcome)
            .iter()
            .for_each(|line| terminal::message(line));
    }
    match &outcome.result {
        Ok(Ending::Stopped) | Err(RunError::Cancelled) => interrupt::EXIT_CODE,
        Ok(_) => 0,
        Err(error) => Failure::from(error).print(),
    }
}
