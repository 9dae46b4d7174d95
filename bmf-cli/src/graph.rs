//! `bmf graph`: draws a graph, or writes it in another form. It need not be one that could run.

use bmf_engine::read;
use bmf_modules::Registry;
use clap::ValueEnum;

use crate::load::{self, Choice};
use crate::report::{self, Failure};
use crate::terminal;

/// What to draw, and how.
pub(crate) struct Request {
    pub(crate) graph: Choice,
    pub(crate) format: Format,
    pub(crate) quiet: bool,
}

/// Forms of a graph.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// A drawing for Graphviz
    Dot,
    /// A drawing for Mermaid
    Mermaid,
    /// The graph in JSON, as BMF reads it
    Json,
    /// The graph in TOML
    Toml,
}

/// Prints.
pub(crate) fn run(request: &Request, registry: &Registry) -> Result<u8, Failure> {
    let (graph, warnings) = load::config(&request.graph, registry)?;
    if !request.quiet {
        report::diagnostics(&warnings);
    }
    let mut text = match request.format {
        Format::Dot => read::to_dot(&graph),
        Format::Mermaid => read::to_mermaid(&graph),
        Format::Json => format!("{:#}", read::to_json(&graph)),
        Format::Toml => read::to_toml(&graph),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    terminal::data(&text)?;
    Ok(0)
}
