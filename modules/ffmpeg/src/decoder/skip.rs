//! `skip_frame` as users write it: FFmpeg's names, or the numbers that BMF takes.

use std::fmt;

use bmf_ffmpeg::Skip;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde_json::Value;

const LEVELS: [(&str, i32); 7] = [
    ("none", -16),
    ("default", 0),
    ("noref", 8),
    ("bidir", 16),
    ("nointra", 24),
    ("nokey", 32),
    ("all", 48),
];

/// For `deserialize_with`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Skip, D::Error> {
    deserializer.deserialize_any(Level)
}

struct Level;

impl Visitor<'_> for Level {
    type Value = Skip;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = LEVELS.map(|(name, level)| format!("{name} ({level})"));
        write!(f, "one of {}", all.join(", "))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Skip, E> {
        let level = i32::try_from(value).ok().and_then(Skip::from_level);
        level.ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Skip, E> {
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Skip, E> {
        let named = LEVELS.iter().find(|(name, _)| *name == value);
        let level = named
            .map(|&(_, level)| level)
            .or_else(|| value.parse().ok());
        let skip = level.and_then(Skip::from_level);
        skip.ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
    }
}

/// For `schema_with`.
pub(crate) fn schema(_: &mut SchemaGenerator) -> Schema {
    let values = LEVELS
        .iter()
        .flat_map(|&(name, level)| [Value::from(name), Value::from(level)]);
    json_schema!({ "enum": values.collect::<Vec<_>>() })
}
