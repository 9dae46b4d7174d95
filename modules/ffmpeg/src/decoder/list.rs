//! The files that a packet names: a path as text, or JSON as BMF's server mode sends it. Opens nothing.

use bmf_sdk::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::fed::unexpected;
use super::options::Options;

/// One file, with what is special about it; what it does not say is as in the node's options.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    input_path: String,
    start_time: Option<f64>,
    end_time: Option<f64>,
    durations: Option<Vec<f64>>,
    map_v: Option<i64>,
    map_a: Option<i64>,
    map_s: Option<i64>,
}

/// The options of each file that a packet names.
///
/// # Errors
/// If the packet names none, or says something of one that cannot be.
pub(crate) fn entries(packet: &Packet, options: &Options) -> Result<Vec<Options>, ModuleError> {
    if let Some(path) = packet.get::<String>() {
        return Ok(vec![with_path(path, options)?]);
    }
    let Some(value) = packet.get::<Value>() else {
        return Err(unexpected(packet, "names of files"));
    };
    read(value, options)
}

/// A path, an entry, a list of both, or such a list under `input_path`.
fn read(value: &Value, options: &Options) -> Result<Vec<Options>, ModuleError> {
    match value {
        Value::String(path) => Ok(vec![with_path(path, options)?]),
        Value::Array(list) => {
            let entries = list.iter().map(|entry| match entry {
                Value::Array(_) => Err(refused(&format!("{entry} is no file"))),
                _ => read(entry, options),
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            Ok(entries.into_iter().flatten().collect())
        }
        Value::Object(object) => match object.get("input_path") {
            Some(list @ Value::Array(_)) if object.len() == 1 => read(list, options),
            _ => Ok(vec![entry(value, options)?]),
        },
        _ => Err(refused(&format!("{value} is no file"))),
    }
}

fn with_path(path: &str, options: &Options) -> Result<Options, ModuleError> {
    if path.is_empty() {
        return Err(refused("a path is empty"));
    }
    let mut own = options.clone();
    path.clone_into(&mut own.input_path);
    Ok(own)
}

fn entry(value: &Value, options: &Options) -> Result<Options, ModuleError> {
    let entry = Entry::deserialize(value).map_err(|error| refused(&error.to_string()))?;
    let mut own = with_path(&entry.input_path, options)?;
    own.start_time = entry.start_time.or(own.start_time);
    own.end_time = entry.end_time.unwrap_or(own.end_time);
    own.durations = entry.durations.unwrap_or(own.durations);
    own.map_v = entry.map_v.unwrap_or(own.map_v);
    own.map_a = entry.map_a.unwrap_or(own.map_a);
    own.map_s = entry.map_s.unwrap_or(own.map_s);
    match own.issues().into_iter().next() {
        Some(issue) => {
            let (path, key) = (&entry.input_path, &issue.path);
            Err(refused(&format!("of '{path}', {key}: {}", issue.message)))
        }
        None => Ok(own),
    }
}

fn refused(message: &str) -> ModuleError {
    ModuleError::new(format!("the list of files: {message}"))
        .with_hint(
            "write it like {\"input_path\": [{\"input_path\": \"a.mp4\", \"start_time\": 3}]}",
        )
        .on_port("in")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(value: Value) -> String {
        let options = Options {
            end_time: 9.0,
            ..Options::default()
        };
        let show = |options: &Options| {
            let start = options.start_time.unwrap_or(0.0);
            format!("{} {start}-{}", options.input_path, options.end_time)
        };
        match read(&value, &options) {
            Ok(entries) => entries.iter().map(show).collect::<Vec<_>>().join(", "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn files_are_named_in_several_ways() {
        insta::assert_snapshot!(check(json!("a.mp4")), @"a.mp4 0-9");
        insta::assert_snapshot!(check(json!({"input_path": "a", "start_time": 1})), @"a 1-9");
        insta::assert_snapshot!(check(json!({"input_path": [{"input_path": "a", "end_time": 2}, "b"]})), @"a 0-2, b 0-9");
        insta::assert_snapshot!(check(json!(["a", {"input_path": "b"}])), @"a 0-9, b 0-9");
    }

    #[test]
    fn what_cannot_be_is_said() {
        insta::assert_snapshot!(check(json!(3)), @"the list of files: 3 is no file");
        insta::assert_snapshot!(check(json!({"path": "a"})), @"the list of files: unknown field `path`, expected one of `input_path`, `start_time`, `end_time`, `durations`, `map_v`, `map_a`, `map_s`");
        insta::assert_snapshot!(check(json!({"input_path": "a", "start_time": "x"})), @r#"the list of files: invalid type: string "x", expected f64"#);
        insta::assert_snapshot!(check(json!({"input_path": "a", "start_time": 10})), @"the list of files: of 'a', end_time: the end, 9 s, is not after the start, 10 s");
        insta::assert_snapshot!(check(json!([""])), @"the list of files: a path is empty");
    }
}
