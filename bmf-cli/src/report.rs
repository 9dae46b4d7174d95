//! How errors and warnings look, and which exit code a failure means. Successes are told by
//! `summary`.

use std::error::Error;
use std::io;

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};
use bmf_core::{Diagnostic, Diagnostics, Severity, SourceText, Span};
use bmf_engine::RunError;

use crate::terminal;

/// Longest line that is shown, in bytes. Beyond that a machine wrote it for machines, and each look
/// at it costs.
const MAX_LINE: usize = 10_000;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The graph cannot be run; each set of diagnostics with its own source.
    Graph(Vec<Diagnostics>),
    /// The command line asks for something that there is not.
    Usage {
        message: String,
        help: Option<String>,
    },
    /// The run failed.
    Run {
        message: String,
        help: Option<String>,
    },
    /// What it did could not be written to stdout.
    Stdout(io::Error),
}

impl Failure {
    /// A mistake on the command line, and what to do about it.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            help: Some(help.into()),
        }
    }

    /// Tells it, and gives the exit code. A reader that closed stdout (`bmf inspect | head`) has
    /// all it wanted.
    pub(crate) fn print(&self) -> u8 {
        match self {
            Self::Graph(sets) => {
                sets.iter().for_each(diagnostics);
                2
            }
            Self::Usage { message, help } => {
                error(message, help.as_deref());
                2
            }
            Self::Run { message, help } => {
                error(message, help.as_deref());
                1
            }
            Self::Stdout(problem) if problem.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Stdout(problem) => {
                error(&format!("cannot write to stdout: {problem}"), None);
                1
            }
        }
    }
}

impl From<&RunError> for Failure {
    fn from(error: &RunError) -> Self {
        if let RunError::Unsupported(message) = error {
            return Self::Usage {
                message: message.clone(),
                help: None,
            };
        }
        Self::Run {
            message: chain(error),
            help: error.hint(),
        }
    }
}

/// An error with all its causes in one sentence.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Prints one error.
pub(crate) fn error(message: &str, help: Option<&str>) {
    terminal::message(&plain(Level::ERROR, message, help));
}

/// Prints one warning.
pub(crate) fn warning(message: &str) {
    terminal::message(&plain(Level::WARNING, message, None));
}

/// A message that has no place in a source.
fn plain(level: Level<'_>, message: &str, help: Option<&str>) -> String {
    let render = |title| renderer().render(&[Group::with_title(title)]);
    let mut text = render(level.primary_title(message));
    if let Some(help) = help {
        text.push_str("\n  ");
        text.push_str(&render(Level::HELP.primary_title(help)));
    }
    text
}

/// Prints diagnostics, each with the line it is about.
pub(crate) fn diagnostics(all: &Diagnostics) {
    for item in &all.items {
        terminal::message(&render(&renderer(), item, all.source.as_ref()));
    }
}

fn renderer() -> Renderer {
    if terminal::has_colour() {
        Renderer::styled()
    } else {
        Renderer::plain()
    }
}

fn render(renderer: &Renderer, item: &Diagnostic, source: Option<&SourceText>) -> String {
    let level = match item.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(item.message.as_str()));
    if let Some(source) = source {
        group = place(group, source, item.span);
    }
    if let Some(help) = &item.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

/// Adds where it is, with the line that the span begins on. A node may span a page, which would
/// hide what is said of it.
fn place<'a>(group: Group<'a>, source: &'a SourceText, span: Option<Span>) -> Group<'a> {
    let Some(span) = span else {
        return group.element(Origin::path(&*source.name));
    };
    let text = &*source.text;
    let start = char_boundary(text, span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..]
        .find(['\r', '\n'])
        .map_or(text.len(), |newline| start + newline);
    let (line, column) = source.line_column(start);
    if line_end - line_start > MAX_LINE {
        let origin = Origin::path(&*source.name).line(line);
        return group.element(origin.char_column(column));
    }
    let end = char_boundary(text, span.end).clamp(start, line_end);
    let span = start - line_start..end - line_start;
    let line_of_span = Snippet::source(&text[line_start..line_end])
        .path(&*source.name)
        .line_start(line)
        .annotation(AnnotationKind::Primary.span(span));
    group.element(line_of_span)
}

/// The beginning of the character that `byte` is in, or the end of the text.
fn char_boundary(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, diagnostic: Diagnostic) -> String {
        let source = SourceText::new("g.json", source);
        render(&Renderer::plain(), &diagnostic, Some(&source))
    }

    fn at(start: usize, end: usize) -> Diagnostic {
        Diagnostic::error("bad").at(Span::new(start, end))
    }

    #[test]
    fn the_line_of_a_span_is_shown() {
        insta::assert_snapshot!(check("{\n\t\"ä\": 1,\n}\n", at(9, 10).help("fix\nit".to_owned())), @r#"
        error: bad
         --> g.json:2:7
          |
        2 |     "ä": 1,
          |          ^
          |
          = help: fix
                  it
        "#);
        insta::assert_snapshot!(check("{\n  \"nodes\": [\n  ]\n}\n", at(11, 20)), @r#"
        error: bad
         --> g.json:2:10
          |
        2 |   "nodes": [
          |          ^^^
        "#);
        insta::assert_snapshot!(check("{", at(1, 1)), @r"
        error: bad
         --> g.json:1:2
          |
        1 | {
          |  ^
        ");
        insta::assert_snapshot!(check("", Diagnostic::warning("no place")), @r"
        warning: no place
        --> g.json
        ");
    }

    #[test]
    fn spans_outside_of_the_source_do_no_harm() {
        insta::assert_snapshot!(check("{ä\r\n", at(2, 99)), @r"
        error: bad
         --> g.json:1:2
          |
        1 | {ä
          |  ^
        ");
        insta::assert_snapshot!(check("{\n", at(70, 99)), @r"
        error: bad
         --> g.json:2:1
          |
        2 |
          | ^
        ");
        insta::assert_snapshot!(check("", at(5, 3)), @r"
        error: bad
         --> g.json:1:1
          |
        1 |
          | ^
        ");
    }

    #[test]
    fn of_long_lines_a_part_is_shown_and_of_longer_ones_nothing() {
        let line = |numbers| (0..numbers).map(|n| format!("{n:03} ")).collect::<String>();
        insta::assert_snapshot!(check(&line(100), at(200, 203)), @r"
        error: bad
         --> g.json:1:201
          |
        1 | ...34 035 036 037 038 039 040 041 042 043 044 045 046 047 048 049 050 051 052 053 054 055 056 057 058 059 060 061 062 063 064 065 066...
          |                                                                   ^^^
        ");
        insta::assert_snapshot!(check(&line(5000), at(200, 203)), @r"
        error: bad
        --> g.json:1:201
        ");
    }

    #[test]
    fn help_stands_below_its_error() {
        insta::assert_snapshot!(plain(Level::ERROR, "node 1 'a' (b): bad", Some("fix it")), @r"
        error: node 1 'a' (b): bad
          help: fix it
        ");
    }
}
