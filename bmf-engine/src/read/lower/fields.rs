//! Typed access to the keys of one object. Every mismatch is reported here, so that what reads
//! the fields can treat a wrong value like an absent one.

use bmf_core::{Diagnostic, Span};

use super::super::suggestion;
use super::super::tree::{Entry, Tree, Value};
use super::{Context, size, unknown_choice};

/// The keys of one object, and what messages call it.
pub(super) struct Fields<'t> {
    owner: String,
    entries: &'t [Entry],
    span: Span,
}

impl<'t> Fields<'t> {
    pub(super) fn new(owner: impl Into<String>, entries: &'t [Entry], span: Span) -> Self {
        Self {
            owner: owner.into(),
            entries,
            span,
        }
    }

    /// The fields of the object in `entry`, which is a key of `parent`; an error if it is none.
    pub(super) fn of(
        entry: &'t Entry,
        parent: &str,
        owner: impl Into<String>,
        cx: &mut Context<'_>,
    ) -> Option<Self> {
        let Value::Object(entries) = &entry.value.value else {
            let wanted = cx.dialect.object();
            mismatch(&entry.key, parent, wanted, &entry.value, cx);
            return None;
        };
        Some(Self::new(owner, entries, entry.value.span))
    }

    /// What messages call this object.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    /// The first character of the object, the place of what is missing in it.
    pub(super) fn start(&self) -> Span {
        Span::new(self.span.start, (self.span.start + 1).min(self.span.end))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &'t Entry> + use<'t> {
        self.entries.iter()
    }

    /// Warns of the keys that are in none of the `known` lists.
    pub(super) fn check_keys(&self, known: &[&[&str]], cx: &mut Context<'_>) {
        let known = || known.iter().copied().flatten().copied();
        for entry in self.entries {
            let key = entry.key.as_str();
            if !known().any(|name| name == key) {
                let message = format!("unknown key \"{key}\" in {}", self.owner);
                let warning = Diagnostic::warning(message).at(entry.key_span);
                cx.out.push(warning.help(suggestion(key, known())));
            }
        }
    }

    /// The entry called `key`. `null` counts as absent: Go writes it for empty lists.
    pub(super) fn get(&self, key: &str) -> Option<&'t Entry> {
        self.entries
            .iter()
            .find(|entry| entry.key == key && !entry.value.is_null())
    }

    pub(super) fn string(&self, key: &str, cx: &mut Context<'_>) -> Option<(&'t str, Span)> {
        let entry = self.get(key)?;
        let text = entry.value.as_str();
        if text.is_none() {
            self.expected(entry, "a string", cx);
        }
        Some((text?, entry.value.span)).filter(|(text, _)| !text.is_empty())
    }

    /// Like [`string`](Self::string), without the place.
    pub(super) fn text(&self, key: &str, cx: &mut Context<'_>) -> Option<String> {
        self.string(key, cx).map(|(text, _)| text.to_owned())
    }

    /// A whole number between `min` and `max`.
    pub(super) fn whole<T: TryFrom<i64>>(
        &self,
        key: &str,
        min: i64,
        max: i64,
        cx: &mut Context<'_>,
    ) -> Option<T> {
        let entry = self.get(key)?;
        let number = match &entry.value.value {
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        let fitting = number
            .filter(|number| (min..=max).contains(number))
            .and_then(|number| T::try_from(number).ok());
        if fitting.is_none() {
            let wanted = if is_above(&entry.value, max) {
                format!("a whole number of at most {max}")
            } else {
                format!("a whole number of at least {min}")
            };
            self.expected(entry, &wanted, cx);
        }
        fitting
    }

    /// A number of bytes: at least one, and as many as a signed number holds, because TOML knows no
    /// larger one.
    pub(super) fn bytes(&self, key: &str, cx: &mut Context<'_>) -> Option<u64> {
        let entry = self.get(key)?;
        match &entry.value.value {
            Value::String(text) => match size::parse(text) {
                Ok(bytes) => Some(bytes),
                Err(problem) => {
                    let owner = &self.owner;
                    let wanted = problem.wanted();
                    let message =
                        format!("\"{key}\" of {owner}: expected {wanted}, found {text:?}");
                    cx.error_with_help(message, entry.value.span, problem.help());
                    None
                }
            },
            Value::Number(_) => {
                let bytes: Option<i64> = self.whole(key, 1, i64::MAX, cx);
                bytes.map(i64::unsigned_abs)
            }
            _ => {
                self.expected(entry, size::Problem::NoSize.wanted(), cx);
                None
            }
        }
    }

    /// One of the `known` words.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        known: &[(&str, T)],
        cx: &mut Context<'_>,
    ) -> Option<T> {
        let (text, span) = self.string(key, cx)?;
        let found = known.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let known: Vec<&str> = known.iter().map(|&(name, _)| name).collect();
            unknown_choice(key, text, &known, span, cx);
        }
        found.map(|&(_, value)| value)
    }

    /// True or false; BMF writes flags as 1 and 0.
    pub(super) fn flag(&self, key: &str, cx: &mut Context<'_>) -> bool {
        let Some(entry) = self.get(key) else {
            return false;
        };
        match &entry.value.value {
            Value::Bool(value) => *value,
            Value::Number(number) => number.as_f64() != Some(0.0),
            _ => {
                self.expected(entry, "true, false, 1 or 0", cx);
                false
            }
        }
    }

    /// Reports that the value of `entry` is not `wanted`.
    pub(super) fn expected(&self, entry: &Entry, wanted: &str, cx: &mut Context<'_>) {
        mismatch(&entry.key, &self.owner, wanted, &entry.value, cx);
    }
}

/// The items of the array in `entry`, which is a key of `owner`; an error if it is none.
pub(super) fn items<'t>(
    entry: &'t Entry,
    owner: &str,
    wanted: &str,
    cx: &mut Context<'_>,
) -> &'t [Tree] {
    match &entry.value.value {
        Value::Array(items) => items,
        _ => {
            mismatch(&entry.key, owner, wanted, &entry.value, cx);
            &[]
        }
    }
}

fn is_above(value: &Tree, max: i64) -> bool {
    match &value.value {
        Value::Number(number) => match number.as_i64() {
            Some(number) => number > max,
            None => number.as_f64().is_some_and(|number| number > max as f64),
        },
        _ => false,
    }
}

fn mismatch(key: &str, owner: &str, wanted: &str, found: &Tree, cx: &mut Context<'_>) {
    let found_text = found.describe(cx.dialect);
    let message = format!("\"{key}\" of {owner}: expected {wanted}, found {found_text}");
    cx.error(message, found.span);
}
