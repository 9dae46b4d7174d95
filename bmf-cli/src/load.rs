//! From the GRAPH argument to a description, and to a plan. Reading and checking are the engine's.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use bmf_core::Diagnostics;
use bmf_core::config::GraphConfig;
use bmf_engine::{GraphPlan, read};
use bmf_modules::Registry;

use crate::report::Failure;

/// The graph that was named, and what to change in it.
pub(crate) struct Choice {
    /// A file, or a graph in one line.
    pub(crate) graph: OsString,
    /// Assignments `NODE.OPTION=VALUE`.
    pub(crate) sets: Vec<String>,
}

/// Reads a graph, and changes it as asked; with the warnings about it.
pub(crate) fn config(
    choice: &Choice,
    registry: &Registry,
) -> Result<(GraphConfig, Diagnostics), Failure> {
    let (mut graph, warnings) = read(&choice.graph, registry)?;
    let assign = |set: &String| read::set_option(&mut graph, set).err();
    let problems: Vec<Diagnostics> = choice.sets.iter().filter_map(assign).collect();
    if problems.is_empty() {
        Ok((graph, warnings))
    } else {
        Err(Failure::Graph(problems))
    }
}

/// Reads a graph and validates it.
pub(crate) fn plan(
    choice: &Choice,
    registry: &Registry,
    strict: bool,
) -> Result<GraphPlan, Failure> {
    let (graph, warnings) = config(choice, registry)?;
    GraphPlan::new(graph, registry, strict, warnings)
        .map_err(|problems| Failure::Graph(vec![problems]))
}

fn read(argument: &OsStr, registry: &Registry) -> Result<(GraphConfig, Diagnostics), Failure> {
    let text = argument.to_string_lossy();
    let read = match Kind::of(argument) {
        Kind::File => read::read_file(argument),
        Kind::Line => read::parse_line(&text, registry),
        Kind::Unclear => {
            return Err(Failure::usage(
                format!("there is no graph file \"{text}\""),
                "name a file, or write a graph in one line: 'decode in.mp4 ! encode out.mp4'",
            ));
        }
    };
    read.map_err(|problems| Failure::Graph(vec![problems]))
}

/// What an argument stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Line,
    Unclear,
}

impl Kind {
    /// A file that exists is one, whatever it is called. A `!` between words is never part of a
    /// path that somebody meant; blanks alone may be.
    fn of(argument: &OsStr) -> Self {
        let text = argument.to_string_lossy();
        let is_chain = text.split_whitespace().any(|word| word == "!");
        let has_extension = ["json", "toml"].iter().any(|known| {
            let extension = Path::new(argument).extension();
            extension.is_some_and(|extension| extension.eq_ignore_ascii_case(known))
        });
        if Path::new(argument).exists() {
            Self::File
        } else if is_chain {
            Self::Line
        } else if has_extension {
            Self::File
        } else if text.contains(|c: char| c.is_whitespace() || c == '!') {
            Self::Line
        } else {
            Self::Unclear
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_lines_are_told_apart() {
        let check = |argument: &str| Kind::of(argument.as_ref());
        assert_eq!(check("Cargo.toml"), Kind::File);
        assert_eq!(check("src"), Kind::File);
        assert_eq!(check("missing.JSON"), Kind::File);
        assert_eq!(check("my graphs/missing.toml"), Kind::File);
        assert_eq!(check("a ! b c.json"), Kind::Line);
        assert_eq!(check("a!b"), Kind::Line);
        assert_eq!(check("test_source duration=1"), Kind::Line);
        assert_eq!(check("transcode"), Kind::Unclear);
    }
}
