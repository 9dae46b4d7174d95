//! TOML text to [`Tree`]. Meaning is not looked at.

use bmf_core::{Diagnostic, Diagnostics, Span};
use serde_json::Number;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::tree::{Entry, MAX_DEPTH, Tree, Value, too_deep};

/// More syntax errors than this help nobody.
const MAX_ERRORS: usize = 20;

/// The tree of `text`, or `None` with the reasons in `out`.
pub(super) fn parse(text: &str, out: &mut Diagnostics) -> Option<Tree> {
    if let Some(place) = nested_too_deep(text) {
        out.push(Diagnostic::error(too_deep()).at(Span::new(place, place)));
        return None;
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors.iter().take(MAX_ERRORS) {
            let message = format!("not valid TOML: {}", error.message());
            let span = error.span().map(|range| Span::new(range.start, range.end));
            out.push(Diagnostic::error(message).at(span));
        }
        return None;
    }
    let mut conversion = Conversion {
        out,
        is_intact: true,
    };
    let tree = Tree {
        span: Span::new(0, text.len()),
        value: Value::Object(conversion.entries(table.into_inner())),
    };
    conversion.is_intact.then_some(tree)
}

/// Where nesting exceeds the limit, if it does. The parser bounds brackets by itself but not dotted
/// keys, and freeing what a line of a hundred thousand dots makes would overflow the stack.
fn nested_too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open: Vec<usize> = Vec::new();
    let mut outer = 0;
    let mut dots = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => at = end_of_line(bytes, at),
            b'"' | b'\'' => at = end_of_string(bytes, at),
            b'.' => dots += 1,
            b'[' | b'{' => {
                open.push(dots);
                outer += dots + 1;
                dots = 0;
            }
            b']' | b'}' => {
                dots = open.pop().unwrap_or(0);
                outer = outer.saturating_sub(dots + 1);
            }
            b',' | b'\n' => dots = 0,
            _ => {}
        }
        if outer + dots > MAX_DEPTH {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    let length = bytes[from..].iter().position(|&byte| byte == b'\n');
    length.map_or(bytes.len(), |length| from + length - 1)
}

/// The last byte of the string that starts at `from`; a broken string ends with its line.
fn end_of_string(bytes: &[u8], from: usize) -> usize {
    let quote = bytes[from];
    let is_long = bytes[from..].starts_with(&[quote; 3]);
    let mut at = from + if is_long { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' && quote == b'"' {
            at += 1;
        } else if is_long && bytes[at..].starts_with(&[quote; 3]) {
            return at + 2;
        } else if !is_long && (byte == quote || byte == b'\n') {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

struct Conversion<'a> {
    out: &'a mut Diagnostics,
    is_intact: bool,
}

impl Conversion<'_> {
    fn tree(&mut self, value: Spanned<DeValue<'_>>) -> Tree {
        let range = value.span();
        let span = Span::new(range.start, range.end);
        let value = match value.into_inner() {
            DeValue::Boolean(value) => Value::Bool(value),
            DeValue::String(text) => Value::String(text.into_owned()),
            DeValue::Integer(integer) => self.number(integer_number(&integer), span),
            DeValue::Float(float) => {
                let number = float.as_str().parse().ok().and_then(Number::from_f64);
                self.number(number, span)
            }
            DeValue::Datetime(_) => {
                self.fail(
                    "a graph has no dates; put it in quotes to make it a string",
                    span,
                );
                Value::Null
            }
            DeValue::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.tree(item)).collect())
            }
            DeValue::Table(table) => Value::Object(self.entries(table)),
        };
        Tree { span, value }
    }

    fn number(&mut self, number: Option<Number>, span: Span) -> Value {
        number.map_or_else(
            || {
                self.fail("this number cannot be represented", span);
                Value::Null
            },
            Value::Number,
        )
    }

    /// The entries in the order of the text: tables that were begun by a dotted key and continued
    /// later may come in another one.
    fn entries(&mut self, table: DeTable<'_>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = table
            .into_iter()
            .map(|(key, value)| {
                let range = key.span();
                Entry {
                    key: key.into_inner().into_owned(),
                    key_span: Span::new(range.start, range.end),
                    value: self.tree(value),
                }
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        entries
    }

    fn fail(&mut self, message: &str, span: Span) {
        self.is_intact = false;
        self.out.push(Diagnostic::error(message).at(span));
    }
}

fn integer_number(integer: &DeInteger<'_>) -> Option<Number> {
    let (digits, radix) = (integer.as_str(), integer.radix());
    i64::from_str_radix(digits, radix)
        .map(Number::from)
        .or_else(|_| u64::from_str_radix(digits, radix).map(Number::from))
        .ok()
}
