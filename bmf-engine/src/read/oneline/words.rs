//! Splits a one-line graph into segments and words, quoted as in a shell. Meaning is not looked at.

use bmf_core::{Diagnostic, Diagnostics, ShorthandArg, Span};

/// One node of the line: a verb and its arguments.
pub(super) struct Segment {
    pub(super) verb: Word,
    pub(super) arguments: Vec<Word>,
}

/// One word, without its quotes.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) span: Span,
    /// The first unquoted `=`: its place in the text and in the line.
    equals: Option<(usize, usize)>,
}

impl Segment {
    pub(super) fn span(&self) -> Span {
        let last = self.arguments.last().unwrap_or(&self.verb);
        Span::new(self.verb.span.start, last.span.end)
    }

    /// All arguments; the verb where there are none.
    pub(super) fn arguments_span(&self) -> Span {
        match self.arguments.first() {
            Some(first) => Span::new(first.span.start, self.span().end),
            None => self.verb.span,
        }
    }
}

impl Word {
    /// The word as modules see it.
    pub(super) fn argument(&self) -> ShorthandArg {
        match self.equals {
            Some((at, _)) => {
                let (key, value) = (&self.text[..at], &self.text[at + 1..]);
                ShorthandArg::Pair(key.to_owned(), value.to_owned())
            }
            None => ShorthandArg::Word(self.text.clone()),
        }
    }

    /// Key, and the places of key and value, of a `key=value` word.
    pub(super) fn pair_spans(&self) -> Option<(&str, Span, Span)> {
        let (at, place) = self.equals?;
        let key = Span::new(self.span.start, place);
        let value = Span::new(place + 1, self.span.end);
        Some((&self.text[..at], key, value))
    }
}

/// The segments of `line`. Segments without words are reported and left out.
pub(super) fn split(line: &str, out: &mut Diagnostics) -> Vec<Segment> {
    let mut scanner = Scanner { line, at: 0, out };
    let mut segments = Vec::new();
    loop {
        let start = scanner.at;
        let words = scanner.words();
        let place = Span::new(start, scanner.at);
        let mut words = words.into_iter();
        match words.next() {
            Some(verb) => segments.push(Segment {
                verb,
                arguments: words.collect(),
            }),
            None if line.trim().is_empty() => {
                out.push(Diagnostic::error("the graph is empty").at(place));
                return segments;
            }
            None => {
                let message = "a node is missing here: expected a verb between the \"!\"";
                scanner.out.push(Diagnostic::error(message).at(place));
            }
        }
        if !scanner.take('!') {
            return segments;
        }
    }
}

struct Scanner<'a> {
    line: &'a str,
    at: usize,
    out: &'a mut Diagnostics,
}

impl Scanner<'_> {
    /// The words up to the next `!` or the end.
    fn words(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        loop {
            while self.peek().is_some_and(char::is_whitespace) {
                self.next();
            }
            match self.peek() {
                None | Some('!') => return words,
                Some(_) => words.push(self.word()),
            }
        }
    }

    fn word(&mut self) -> Word {
        let start = self.at;
        let mut text = String::new();
        let mut equals = None;
        let mut is_key = true;
        while let Some(c) = self.peek().filter(|&c| c != '!' && !c.is_whitespace()) {
            if c == '=' && is_key && !text.is_empty() {
                equals = Some((text.len(), self.at));
            }
            is_key &= is_key_character(c);
            self.next();
            match c {
                '\'' | '"' => self.quoted(c, &mut text),
                '\\' => text.extend(self.next()),
                _ => text.push(c),
            }
        }
        Word {
            text,
            span: Span::new(start, self.at),
            equals,
        }
    }

    /// The rest of a quoted part, without the closing quote. Between double quotes a backslash
    /// protects a quote or itself, between single ones nothing is special.
    fn quoted(&mut self, quote: char, text: &mut String) {
        let start = self.at - 1;
        while let Some(c) = self.next() {
            match c {
                _ if c == quote => return,
                '\\' if quote == '"' && matches!(self.peek(), Some('"' | '\\')) => {
                    text.extend(self.next());
                }
                _ => text.push(c),
            }
        }
        let message = format!("this {quote} is never closed");
        self.out
            .push(Diagnostic::error(message).at(Span::new(start, self.at)));
    }

    fn peek(&self) -> Option<char> {
        self.line[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        if is_there {
            self.next();
        }
        is_there
    }
}

/// Keys are names, dotted paths and FFmpeg's specifiers (`b:v`), so that URLs and paths with an
/// `=` in them stay words.
fn is_key_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}
