//! `bmf check`: says what is wrong with a graph, or that nothing is. Opens no module.

use bmf_modules::Registry;

use crate::load::{self, Choice};
use crate::report::{self, Failure};
use crate::terminal;

/// What to check, and how.
pub(crate) struct Request {
    pub(crate) graph: Choice,
    pub(crate) strict: bool,
    pub(crate) quiet: bool,
}

/// Checks.
pub(crate) fn run(request: &Request, registry: &Registry) -> Result<u8, Failure> {
    let plan = load::plan(&request.graph, registry, request.strict)?;
    if !request.quiet {
        report::diagnostics(plan.warnings());
        let nodes = count(plan.nodes().len(), "node");
        let streams = count(plan.streams().len(), "stream");
        terminal::data(&format!("ok: {nodes}, {streams}\n"))?;
    }
    Ok(0)
}

fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
