//! Option values as FFmpeg wants them: text. Graphs write numbers and booleans too.

use bmf_sdk::serde_json::Value;
use serde::{Deserialize, Deserializer};

/// A string, number or boolean as text (booleans as 1 and 0); `None` for anything else.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(u8::from(*yes).to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// For `deserialize_with`: text that may be written as a number or boolean.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match text(&value) {
        None if !value.is_null() => Err(serde::de::Error::custom(format!(
            "expected a string or a number, not {value}"
        ))),
        text => Ok(text),
    }
}

/// For `deserialize_with`: a boolean that may be written as a number (BMF's way) or a string.
pub(crate) fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match text(&value).as_deref() {
        Some("0" | "false" | "") => Ok(false),
        Some("1" | "true") => Ok(true),
        None if value.is_null() => Ok(false),
        _ => Err(serde::de::Error::custom(format!(
            "expected true or false, not {value}"
        ))),
    }
}

/// For `deserialize_with`: a whole number of 0 or more that may be written as text or as a boolean.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match text(&value) {
        None if value.is_null() => Ok(0),
        text => text.and_then(|text| text.parse().ok()).ok_or_else(|| {
            serde::de::Error::custom(format!("expected a whole number, not {value}"))
        }),
    }
}

/// A word of a one-line graph as the JSON value it looks like: a number, a boolean, else a string.
pub(crate) fn guessed(word: &str) -> Value {
    match bmf_sdk::serde_json::from_str(word) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => Value::String(word.to_owned()),
    }
}
