//! The options of a node: a JSON object, read into a module's own type. What the keys mean is the
//! module's business.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::suggest::nearest;

/// The options of one node, as a JSON object in the order the user wrote them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Options(pub Map<String, Value>);

/// Something about an option that the user should know.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct OptionIssue {
    /// Which option: `video_params.crf`. Empty for the options as a whole.
    #[serde(default)]
    pub path: String,
    /// Whether the graph can run in spite of it.
    pub kind: IssueKind,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default)]
    pub hint: Option<String>,
}

/// How bad an [`OptionIssue`] is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IssueKind {
    /// Nobody reads this key: a warning, an error under `--strict`.
    Unknown,
    /// The value cannot be used: an error.
    Invalid,
}

impl OptionIssue {
    /// A value that cannot be used.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            kind: IssueKind::Invalid,
            message: message.into(),
            hint: None,
        }
    }

    /// A key that nobody reads, with the nearest of the `known` ones as the hint.
    pub fn unknown<'a>(path: impl Into<String>, known: impl IntoIterator<Item = &'a str>) -> Self {
        let path = path.into();
        let key = path.rsplit('.').next().unwrap_or(&path);
        Self {
            kind: IssueKind::Unknown,
            message: format!("unknown option \"{path}\""),
            hint: nearest(key, known).map(|name| format!("did you mean \"{name}\"?")),
            path,
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Options {
    /// Options out of a JSON object; `None` for any other JSON.
    pub fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self(map)),
            _ => None,
        }
    }

    /// The value at a dotted path such as `video_params.crf`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut keys = path.split('.');
        let first = self.0.get(keys.next()?)?;
        keys.try_fold(first, |value, key| value.get(key))
    }

    /// Sets the value at a dotted path, making objects on the way.
    ///
    /// # Errors
    /// When something on the way is there already and is not an object.
    pub fn set(&mut self, path: &str, value: Value) -> Result<(), OptionIssue> {
        let mut map = &mut self.0;
        let mut keys: Vec<&str> = path.split('.').collect();
        let last = keys.pop().unwrap_or_default();
        for key in keys {
            let entry = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
            map = entry.as_object_mut().ok_or_else(|| {
                OptionIssue::invalid(path, format!("\"{key}\" is not a group of options"))
            })?;
        }
        map.insert(last.to_owned(), value);
        Ok(())
    }

    /// Reads the options into `T`. Keys that `T` does not know are left alone; [`check`](Self::check)
    /// finds them.
    ///
    /// # Errors
    /// The path of the first option whose value does not fit, and why.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, OptionIssue> {
        let value = Value::Object(self.0.clone());
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            OptionIssue::invalid(path, in_words(&error.into_inner().to_string()))
        })
    }

    /// Reads the options into `T` and lists all that is wrong: values that do not fit, keys that
    /// `T` does not know. `schema` is the JSON Schema of `T`, used for suggestions.
    ///
    /// A value that does not fit is put aside, so that the others can be looked at too; what is
    /// returned then has its default in that place.
    pub fn check<T: DeserializeOwned>(&self, schema: &Value) -> (Option<T>, Vec<OptionIssue>) {
        let mut issues: Vec<OptionIssue> = Vec::new();
        let mut fitting = self.clone();
        let parsed = loop {
            let mut unknown = Vec::new();
            let value = Value::Object(fitting.0.clone());
            // The type behind `serde(flatten)` sees no unknown keys, which is what a module that
            // passes keys on (to an encoder, to a muxer) wants.
            let ignored: Result<T, _> =
                serde_ignored::deserialize(value, |path| unknown.push(path.to_string()));
            if let Ok(parsed) = ignored {
                issues.extend(unknown.iter().map(|path| unknown_issue(path, schema)));
                break Some(parsed);
            }
            let Err(issue) = fitting.parse::<T>() else {
                break None;
            };
            let put_aside = fitting.remove(&issue.path);
            // What a group misses now may be what was put aside.
            let is_inside = |told: &OptionIssue| {
                let rest = told.path.strip_prefix(&issue.path);
                issue.path.is_empty() || rest.is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            if !issues.iter().any(is_inside) {
                issues.push(issue);
            }
            if !put_aside {
                break None;
            }
        };
        (parsed, issues)
    }

    /// The keys that `schema`, a JSON Schema, does not list. Nothing where it lists none: then it is
    /// not known which keys there are.
    pub fn unknown_keys(&self, schema: &Value) -> Vec<OptionIssue> {
        let Some(known) = schema.get("properties").and_then(Value::as_object) else {
            return Vec::new();
        };
        let unknown = self.0.keys().filter(|key| !known.contains_key(*key));
        let names = || known.keys().map(String::as_str);
        unknown
            .map(|key| OptionIssue::unknown(key, names()))
            .collect()
    }

    /// Removes the value at a dotted path; returns whether it was there.
    fn remove(&mut self, path: &str) -> bool {
        let (group, key) = match path.rsplit_once('.') {
            Some((group, key)) => (Some(group), key),
            None => (None, path),
        };
        let mut map = Some(&mut self.0);
        for part in group.iter().flat_map(|group| group.split('.')) {
            map = map.and_then(|map| map.get_mut(part)?.as_object_mut());
        }
        map.is_some_and(|map| map.shift_remove(key).is_some())
    }
}

/// What serde says of a value, in words for people who write graphs, not Rust.
fn in_words(message: &str) -> String {
    let mismatch = ["invalid type: ", "invalid value: "];
    let mismatch = mismatch.iter().find_map(|kind| message.strip_prefix(kind));
    if let Some((found, expected)) = mismatch.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!(
            "expected {}, found {}",
            type_in_words(expected),
            value_in_words(found)
        );
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        return format!("option \"{}\" is missing", name.trim_matches('`'));
    }
    message
        .replacen("unknown variant ", "unknown value ", 1)
        .replace('`', "\"")
}

fn type_in_words(name: &str) -> &str {
    match name {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        "string or map" => "one of its names",
        "a tuple of size 2" => "an array of 2 values",
        "a tuple of size 3" => "an array of 3 values",
        "a tuple of size 4" => "an array of 4 values",
        _ if name.starts_with("struct ") => "an object",
        _ if name.starts_with("a nonzero u") => "a whole number of 1 or more",
        _ => name,
    }
}

fn value_in_words(found: &str) -> String {
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "an array".to_owned(),
        "unit value" => "null".to_owned(),
        _ => {
            let bare = ["integer ", "floating point ", "boolean "];
            let bare = bare.iter().find_map(|kind| found.strip_prefix(kind));
            bare.map_or(found, |value| value.trim_matches('`'))
                .to_owned()
        }
    }
}

/// serde_ignored writes a `?` where it goes through an `Option`.
fn unknown_issue(path: &str, schema: &Value) -> OptionIssue {
    let path = path.replace(".?", "");
    let known = schema_keys(schema, &path);
    OptionIssue::unknown(path, known.iter().map(String::as_str))
}

/// The keys that `schema` knows beside `path`.
fn schema_keys(schema: &Value, path: &str) -> Vec<String> {
    let mut at = schema;
    let mut parents: Vec<&str> = path.split('.').collect();
    parents.pop();
    for key in parents {
        let Some(next) = resolve(schema, at).pointer(&format!("/properties/{key}")) else {
            return Vec::new();
        };
        at = next;
    }
    resolve(schema, at)
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

/// Follows `$ref` (also the one inside `anyOf`, which is how an optional group is written).
fn resolve<'a>(root: &'a Value, at: &'a Value) -> &'a Value {
    let reference = at.get("$ref").or_else(|| {
        let variants = at.get("anyOf")?.as_array()?;
        variants.iter().find_map(|variant| variant.get("$ref"))
    });
    reference
        .and_then(Value::as_str)
        .and_then(|path| root.pointer(path.trim_start_matches('#')))
        .unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only what is read into it matters")]
    struct Sample {
        input_path: String,
        video_params: Option<Inner>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only what is read into it matters")]
    struct Inner {
        width: u32,
    }

    fn check(value: Value) -> String {
        let schema = json!({
            "properties": { "input_path": {}, "video_params": {"anyOf": [{"$ref": "#/$defs/Inner"}]} },
            "$defs": { "Inner": { "properties": { "width": {} } } },
        });
        let options = Options::from_value(value).unwrap();
        let (_, issues) = options.check::<Sample>(&schema);
        issues
            .iter()
            .map(|issue| {
                let hint = issue.hint.as_deref().unwrap_or("-");
                format!("{} | {} | {hint}\n", issue.path, issue.message)
            })
            .collect()
    }

    #[test]
    fn wrong_values_and_unknown_keys_are_told_by_path() {
        insta::assert_snapshot!(check(json!({
            "input_path": "a", "inputpath": 1, "video_params": { "width": 4, "widht": 3 },
        })), @r#"
        inputpath | unknown option "inputpath" | did you mean "input_path"?
        video_params.widht | unknown option "video_params.widht" | did you mean "width"?
        "#);
        insta::assert_snapshot!(check(json!({"input_path": "a", "video_params": {"width": "x"}})), @r#"video_params.width | expected a whole number of 0 or more, found string "x" | -"#);
        insta::assert_snapshot!(check(json!({})), @r#" | option "input_path" is missing | -"#);
        insta::assert_snapshot!(check(json!({"input_path": 1, "video_params": {"width": "x"}, "inputpath": 0})), @r#"
        input_path | expected a string, found 1 | -
        video_params.width | expected a whole number of 0 or more, found string "x" | -
        "#);
        insta::assert_snapshot!(check(json!({"input_path": "a", "video_params": {"width": "x"}, "inputpath": 0})), @r#"
        video_params.width | expected a whole number of 0 or more, found string "x" | -
        inputpath | unknown option "inputpath" | did you mean "input_path"?
        "#);
    }

    #[test]
    fn a_schema_alone_tells_which_keys_there_are() {
        let options = Options::from_value(json!({"amount": 1, "amuont": 2})).unwrap();
        let unknown = options.unknown_keys(&json!({"properties": {"amount": {}}}));
        assert_eq!(unknown, [OptionIssue::unknown("amuont", ["amount"])]);
        assert!(options.unknown_keys(&Value::Null).is_empty());
    }

    #[test]
    fn set_makes_groups_and_refuses_to_replace_values() {
        let mut options = Options::default();
        options.set("video_params.crf", json!(23)).unwrap();
        assert_eq!(options.get("video_params.crf"), Some(&json!(23)));
        assert!(options.set("video_params.crf.x", json!(1)).is_err());
    }
}
