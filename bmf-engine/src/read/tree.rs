//! The one tree that JSON and TOML become: values with their places in the text. Knows no graph.

use bmf_core::Span;
use serde_json::{Map, Number};

use super::Dialect;

/// Deepest nesting that is read. All that walks a tree may recurse because of this limit.
pub(super) const MAX_DEPTH: usize = 128;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) span: Span,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Tree>),
    /// In the order of the text, without duplicate keys.
    Object(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) value: Tree,
}

impl Tree {
    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The same value without places.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => number.clone().into(),
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => items.iter().map(Self::to_json).collect(),
            Value::Object(entries) => object_to_json(entries).into(),
        }
    }

    /// A value that stands as a whole at `span`.
    pub(super) fn from_json(value: serde_json::Value, span: Span) -> Self {
        let value = match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::Number(number) => Value::Number(number),
            serde_json::Value::String(text) => Value::String(text),
            serde_json::Value::Array(items) => {
                let items = items.into_iter();
                Value::Array(items.map(|item| Self::from_json(item, span)).collect())
            }
            serde_json::Value::Object(map) => {
                let entries = map.into_iter().map(|(key, value)| Entry {
                    key,
                    key_span: span,
                    value: Self::from_json(value, span),
                });
                Value::Object(entries.collect())
            }
        };
        Self { span, value }
    }

    /// What it is, for "expected a string, found …".
    pub(super) fn describe(&self, dialect: Dialect) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(_) => "a string".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            Value::Object(_) => dialect.object().to_owned(),
        }
    }
}

impl Dialect {
    /// What this dialect calls a group of keys.
    pub(super) fn object(self) -> &'static str {
        match self {
            Self::Json => "an object",
            Self::Toml => "a table",
        }
    }
}

pub(super) fn object_to_json(entries: &[Entry]) -> Map<String, serde_json::Value> {
    entries
        .iter()
        .map(|entry| (entry.key.clone(), entry.value.to_json()))
        .collect()
}

/// The message for text that nests deeper than [`MAX_DEPTH`].
pub(super) fn too_deep() -> String {
    format!("this is nested deeper than {MAX_DEPTH} levels")
}
