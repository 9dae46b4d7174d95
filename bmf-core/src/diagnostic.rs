//! What is wrong with a graph file, where, and what to do. Rendering with colours and source
//! excerpts is the binary's business.

use std::fmt;
use std::sync::Arc;

/// A range of bytes in a graph file.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// The text that a graph was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// File name, or what stands for it (`<command line>`).
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

impl SourceText {
    /// A source called `name`.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..floor_char_boundary(&self.text, byte)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

fn floor_char_boundary(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// How bad a [`Diagnostic`] is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The graph can run.
    Warning,
    /// The graph cannot run.
    Error,
}

/// One thing that is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, naming node and stream.
    pub message: String,
    /// Where in the source it is.
    pub span: Option<Span>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Something that keeps the graph from running.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            span: None,
            help: None,
        }
    }

    /// Something doubtful.
    pub fn warning(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(message)
        }
    }

    /// The same, at a place in the source.
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }
}

/// All that is wrong with one graph: every error at once, not the first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// The text the spans point into, for graphs that were read from text.
    pub source: Option<SourceText>,
    /// In the order of the source where they have a place.
    pub items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// No diagnostics yet, for a graph read from `source`.
    pub fn new(source: Option<SourceText>) -> Self {
        Self {
            source,
            items: Vec::new(),
        }
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.items.push(diagnostic);
    }

    /// Whether one of them keeps the graph from running.
    pub fn has_errors(&self) -> bool {
        self.items
            .iter()
            .any(|item| item.severity == Severity::Error)
    }

    /// Makes errors of all warnings.
    pub fn escalate(&mut self) {
        for item in &mut self.items {
            item.severity = Severity::Error;
        }
    }

    /// Sorts by place in the source; what has none comes last.
    pub fn sort(&mut self) {
        self.items
            .sort_by_key(|item| item.span.map_or(usize::MAX, |span| span.start));
    }
}

impl std::error::Error for Diagnostics {}

/// The same text as `Display`: this is what a `main` that returns an error prints.
impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One line per diagnostic: `graph.json:4:7: error: …`, then its help, indented.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.items.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match (&self.source, item.span) {
                (Some(source), Some(span)) => {
                    let (line, column) = source.line_column(span.start);
                    write!(f, "{}:{line}:{column}: ", source.name)?;
                }
                (Some(source), None) => write!(f, "{}: ", source.name)?,
                (None, _) => {}
            }
            let severity = match item.severity {
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            write!(f, "{severity}: {}", item.message)?;
            if let Some(help) = &item.help {
                write!(f, "\n  help: {help}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_line_and_column() {
        let mut all = Diagnostics::new(Some(SourceText::new("g.json", "{\n \"ä\": 1,\n}")));
        all.push(
            Diagnostic::error("bad")
                .at(Span::new(8, 9))
                .help(Some("fix it".into())),
        );
        all.push(Diagnostic::warning("no place"));
        insta::assert_snapshot!(all, @r"
        g.json:2:6: error: bad
          help: fix it
        g.json: warning: no place
        ");
    }
}
