//! JSON text to [`Tree`]. The syntax is strict but for comments; meaning is not looked at.

use std::collections::HashMap;

use bmf_core::{Diagnostic, Diagnostics, Span};
use jsonc_parser::ast;
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::Number;

use super::tree::{Entry, MAX_DEPTH, Tree, Value, too_deep};

/// The tree of `text`, or `None` with the reason in `out`.
pub(super) fn parse(text: &str, out: &mut Diagnostics) -> Option<Tree> {
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = match parse_to_ast(text, &CollectOptions::default(), &options) {
        Ok(parsed) => parsed,
        Err(error) => {
            out.push(syntax_error(&error));
            return None;
        }
    };
    let Some(value) = parsed.value else {
        out.push(Diagnostic::error("the graph is empty").at(Span::new(0, 0)));
        return None;
    };
    let mut conversion = Conversion {
        out,
        is_intact: true,
    };
    let tree = conversion.tree(value, 1);
    conversion.is_intact.then_some(tree)
}

fn syntax_error(error: &ParseError) -> Diagnostic {
    let message = match error.kind() {
        ParseErrorKind::NestingDepthExceeded => too_deep(),
        kind => {
            let text = kind.to_string();
            format!("not valid JSON: {}{}", text[..1].to_lowercase(), &text[1..])
        }
    };
    Diagnostic::error(message).at(span(error.range()))
}

fn span(range: Range) -> Span {
    Span::new(range.start, range.end)
}

struct Conversion<'a> {
    out: &'a mut Diagnostics,
    is_intact: bool,
}

impl Conversion<'_> {
    fn tree(&mut self, value: ast::Value<'_>, depth: usize) -> Tree {
        let span = span(value.range());
        let value = match value {
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
            ast::Value::StringLit(literal) => Value::String(literal.value.into_owned()),
            ast::Value::NumberLit(literal) => self.number(literal.value, span),
            ast::Value::Array(_) | ast::Value::Object(_) if depth > MAX_DEPTH => {
                self.fail(too_deep(), span);
                Value::Null
            }
            ast::Value::Array(array) => Value::Array(
                array
                    .elements
                    .into_iter()
                    .map(|element| self.tree(element, depth + 1))
                    .collect(),
            ),
            ast::Value::Object(object) => Value::Object(self.entries(object, depth)),
        };
        Tree { span, value }
    }

    /// Whole numbers stay whole where 64 bits hold them. `serde_json` would read most fractions, but
    /// not all, to the nearest float; the standard library does.
    fn number(&mut self, text: &str, span: Span) -> Value {
        let whole = text.parse::<i64>().map(Number::from);
        let whole = whole.or_else(|_| text.parse::<u64>().map(Number::from));
        let number = whole.ok().or_else(|| Number::from_f64(text.parse().ok()?));
        number.map_or_else(
            || {
                let shown = short(text);
                self.fail(format!("the number {shown} cannot be represented"), span);
                Value::Null
            },
            Value::Number,
        )
    }

    /// Of equal keys the last one counts, as in BMF; the user hears of it.
    fn entries(&mut self, object: ast::Object<'_>, depth: usize) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::with_capacity(object.properties.len());
        let mut places: HashMap<String, usize> = HashMap::new();
        for property in object.properties {
            let key_span = span(property.name.range());
            let key = property.name.into_string();
            let value = self.tree(property.value, depth + 1);
            let entry = Entry {
                key,
                key_span,
                value,
            };
            if let Some(&place) = places.get(&entry.key) {
                let message = format!("duplicate key \"{}\": the last one counts", entry.key);
                self.out.push(Diagnostic::warning(message).at(key_span));
                entries[place] = entry;
            } else {
                places.insert(entry.key.clone(), entries.len());
                entries.push(entry);
            }
        }
        entries
    }

    fn fail(&mut self, message: String, span: Span) {
        self.is_intact = false;
        self.out.push(Diagnostic::error(message).at(span));
    }
}

/// A literal as a message can bear it.
fn short(literal: &str) -> String {
    if literal.len() <= 24 {
        literal.to_owned()
    } else {
        format!("{}…", &literal[..24])
    }
}
