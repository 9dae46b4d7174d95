//! What kinds of modules are asked and answer in JSON, in the form in which it crosses. Both halves
//! write and read it here; nothing here calls anything.

use bmf_core::{OptionIssue, Options, Report, Sharing, Shorthand, ShorthandArg};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The start of an answer that is none, because the code behind the question panicked.
const PANICKED: &[u8] = br#"{"panicked":"#;

#[derive(Serialize, Deserialize)]
struct Panicked<T> {
    panicked: T,
}

/// A question about a verb of a one-line graph.
#[derive(Serialize)]
pub(crate) struct ShorthandQuestion<'a> {
    pub(crate) verb: &'a str,
    pub(crate) args: &'a [ShorthandArg],
}

/// The same as it is read.
#[derive(Deserialize)]
pub(crate) struct ShorthandRequest {
    pub(crate) verb: String,
    #[serde(default)]
    pub(crate) args: Vec<ShorthandArg>,
}

/// What a verb stands for, or why it cannot.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ShorthandAnswer {
    Ok(Shorthand),
    Error(String),
}

impl From<Result<Shorthand, String>> for ShorthandAnswer {
    fn from(result: Result<Shorthand, String>) -> Self {
        result.map_or_else(Self::Error, Self::Ok)
    }
}

impl From<ShorthandAnswer> for Result<Shorthand, String> {
    fn from(answer: ShorthandAnswer) -> Self {
        match answer {
            ShorthandAnswer::Ok(shorthand) => Ok(shorthand),
            ShorthandAnswer::Error(message) => Err(message),
        }
    }
}

/// Why an answer is of no use.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// The code behind the question panicked.
    Panicked(String),
    /// There is no answer.
    Nothing,
    /// It is not what was asked for.
    Garbage(String),
}

/// Answers that are read on the host's side.
pub(crate) trait Answer: DeserializeOwned {}

impl Answer for bmf_core::ModuleDescriptor {}
impl Answer for Vec<OptionIssue> {}
impl Answer for Sharing {}
impl Answer for Option<Options> {}
impl Answer for Option<ShorthandAnswer> {}
impl Answer for Report {}

/// Reads what the other side has written.
pub(crate) fn read<T: Answer>(written: &[u8]) -> Result<T, Unusable> {
    if written.is_empty() {
        return Err(Unusable::Nothing);
    }
    if written.starts_with(PANICKED)
        && let Ok(Panicked { panicked }) = serde_json::from_slice(written)
    {
        return Err(Unusable::Panicked(panicked));
    }
    serde_json::from_slice(written).map_err(|error| Unusable::Garbage(error.to_string()))
}

/// The name in a descriptor that cannot be read otherwise.
pub(crate) fn name(written: &[u8]) -> Option<String> {
    let value = serde_json::from_slice::<serde_json::Value>(written).ok()?;
    let name = value.get("name")?.as_str()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// What is written where the code behind the question has panicked.
pub(crate) fn panicked(message: &str) -> String {
    json(&Panicked { panicked: message })
}

/// A value as JSON.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("keys are texts, and texts can be written")
}
