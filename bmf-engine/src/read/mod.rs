//! Text to [`GraphConfig`] and back: JSON, TOML, the shell one-liner, `--set`, drawings.
//! Whether the graph makes sense (streams, ports, cycles, modules) is not decided here.
//!
//! Reading has three steps. `json` and `toml` turn text into one spanned tree; `lower` turns
//! the tree into a configuration and collects everything that is wrong, with its place; names and
//! references are settled last, when all nodes are known. The one-liner has no tree: it is
//! read word by word, with the modules' descriptors telling what flows where.
//!
//! ```
//! use bmf_core::SourceText;
//!
//! let text = r#"{"nodes": [{"id": 0, "module_info": {"name": "null_sink"}, "modus": 1}]}"#;
//! let (graph, warnings) = bmf_engine::read::parse_json(SourceText::new("g.json", text)).unwrap();
//! assert_eq!(graph.nodes[0].name, "null_sink_0");
//! assert_eq!(warnings.to_string(), "g.json:1:60: warning: unknown key \"modus\" in node 0");
//! ```

mod file;
mod json;
mod lower;
mod oneline;
mod set;
#[cfg(test)]
mod tests;
mod toml;
mod tree;
mod view;
mod write;

use bmf_core::config::GraphConfig;
use bmf_core::{Diagnostic, Diagnostics, SourceText, Span};

pub use file::read_file;
pub use oneline::parse_line;
pub use set::set_option;
pub use view::{to_dot, to_mermaid};
pub use write::{to_json, to_toml};

/// What reading gives: the graph with warnings, or what keeps it from being one (errors and
/// warnings together).
pub type ReadResult = Result<(GraphConfig, Diagnostics), Diagnostics>;

/// The two written forms of a graph.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Dialect {
    Json,
    Toml,
}

/// Reads a graph in BMF's JSON. Comments are allowed, other liberties are not.
///
/// # Errors
/// Everything that is wrong with the text, not only the first thing.
pub fn parse_json(source: SourceText) -> ReadResult {
    parse(source, Dialect::Json)
}

/// Reads a graph in TOML: what the JSON says, or shorter, with nodes by name and inputs by
/// reference to them (`inputs = ["decode.video"]`, or where a link has settings of its own
/// `inputs = [{ stream = "decode.video", on_full = "latest" }]`).
///
/// # Errors
/// Everything that is wrong with the text, not only the first thing.
pub fn parse_toml(source: SourceText) -> ReadResult {
    parse(source, Dialect::Toml)
}

fn parse(source: SourceText, dialect: Dialect) -> ReadResult {
    let mut out = Diagnostics::new(Some(source.clone()));
    if source.text.trim_matches(is_blank).is_empty() {
        out.push(Diagnostic::error("the graph is empty").at(Span::new(0, 0)));
        return Err(out);
    }
    let text = blank_byte_order_mark(&source.text);
    let tree = match dialect {
        Dialect::Json => json::parse(&text, &mut out),
        Dialect::Toml => toml::parse(&text, &mut out),
    };
    let Some(tree) = tree else {
        out.sort();
        return Err(out);
    };
    let mut graph = lower::graph(&tree, dialect, &mut out);
    graph.source = Some(source);
    finish(graph, out)
}

/// Sorts what was found and decides whether it is a failure.
fn finish(graph: GraphConfig, mut out: Diagnostics) -> ReadResult {
    out.sort();
    if out.has_errors() {
        Err(out)
    } else {
        Ok((graph, out))
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// Editors on Windows put a byte order mark in front; spaces instead of it keep all places right.
fn blank_byte_order_mark(text: &str) -> std::borrow::Cow<'_, str> {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => format!("   {rest}").into(),
        None => text.into(),
    }
}

/// "did you mean …?" for `typed`, if one of the `known` names is near.
fn suggestion<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    bmf_core::nearest(typed, known).map(|name| format!("did you mean \"{name}\"?"))
}
