//! [`GraphConfig`](bmf_core::config::GraphConfig) to BMF's JSON, and to TOML. Comments and places
//! of the source are not kept.

mod flow;
mod json;
mod toml;

use bmf_core::config::StreamConfig;
use serde_json::{Map, Value};

pub use json::to_json;
pub use toml::to_toml;

/// `port:name`; a name with a colon gets an empty port in front, or its beginning would be read
/// as one.
fn identifier(stream: &StreamConfig) -> String {
    match &stream.port {
        None if stream.name.contains(':') => format!(":{}", stream.name),
        _ => stream.identifier(),
    }
}

/// How `value` is spelt, which is one of the `known` ones.
fn word<T: Copy + PartialEq>(known: &[(&'static str, T)], value: T) -> &'static str {
    let found = known.iter().find(|(_, other)| *other == value);
    found.expect("the list of all has all").0
}

fn insert(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    map.insert(key.to_owned(), value.into());
}

fn insert_some(map: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        insert(map, key, value);
    }
}
