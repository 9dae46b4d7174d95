//! Streams: BMF's `{"identifier": "port:name"}` and what TOML has for it.

use bmf_core::Span;
use bmf_core::config::StreamConfig;

use super::super::Dialect;
use super::super::tree::{Entry, Tree, Value};
use super::Context;
use super::fields::{self, Fields};
use super::reference::{Place, Reference};

const STREAM_KEYS: &[&str] = &["identifier", "notify", "alias", "stream_alias"];

impl Context<'_> {
    /// The streams in the array `entry`, which is a key of `owner`.
    pub(super) fn streams(&mut self, entry: &Entry, owner: &str) -> Vec<StreamConfig> {
        let items = fields::items(entry, owner, "an array of streams", self);
        let streams = items.iter().enumerate();
        streams
            .map(|(index, item)| {
                let owner = format!("{}[{index}] of {owner}", entry.key);
                self.stream(item, &owner)
            })
            .collect()
    }

    /// The same where a string refers to a node: `"scale"`, `"decode.video"`.
    pub(super) fn connections(
        &mut self,
        entry: &Entry,
        owner: &str,
        place: Place,
    ) -> Vec<StreamConfig> {
        let items = fields::items(entry, owner, "an array of streams", self);
        let mut streams = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if let Value::String(target) = &item.value {
                self.references.push(Reference {
                    target: target.clone(),
                    span: item.span,
                    place,
                    index,
                });
                streams.push(StreamConfig {
                    span: Some(item.span),
                    ..StreamConfig::default()
                });
            } else {
                let owner = format!("{}[{index}] of {owner}", entry.key);
                streams.push(self.stream(item, &owner));
            }
        }
        streams
    }

    /// One stream. What cannot be understood becomes an unconnected one, to keep the others in
    /// their places.
    fn stream(&mut self, item: &Tree, owner: &str) -> StreamConfig {
        match (&item.value, self.dialect) {
            (Value::Object(entries), _) => {
                let fields = Fields::new(owner, entries, item.span);
                fields.check_keys(&[STREAM_KEYS], self);
                self.stream_of(&fields)
            }
            (Value::String(text), Dialect::Toml) => from_identifier(text, item.span),
            (other, _) => {
                let found = item.describe(self.dialect);
                let help = match other {
                    Value::String(text) => Some(format!("write {{\"identifier\": {text:?}}}")),
                    _ => None,
                };
                let message = format!("{owner}: expected a stream, found {found}");
                self.error_with_help(message, item.span, help);
                StreamConfig::default()
            }
        }
    }

    fn stream_of(&mut self, fields: &Fields<'_>) -> StreamConfig {
        let Some(entry) = fields.get("identifier") else {
            let message = format!("{} has no \"identifier\"", fields.owner());
            self.error(message, fields.start());
            return StreamConfig::default();
        };
        let Value::String(identifier) = &entry.value.value else {
            fields.expected(entry, "a string", self);
            return StreamConfig::default();
        };
        let mut stream = from_identifier(identifier, entry.value.span);
        // BMF's own dumps have the port in a key of its own.
        let notify = fields.text("notify", self);
        stream.port = stream.port.or(notify);
        // Two spellings: BMF's engine reads the first, its Python builder writes the second.
        let alias = fields.text("alias", self);
        let stream_alias = fields.text("stream_alias", self);
        stream.alias = alias.or(stream_alias);
        stream
    }
}

/// `port:name` or `name`; with an empty port the name itself may contain a colon.
fn from_identifier(identifier: &str, span: Span) -> StreamConfig {
    let (port, name) = identifier.split_once(':').unwrap_or(("", identifier));
    StreamConfig {
        name: name.to_owned(),
        port: Some(port.to_owned()).filter(|port| !port.is_empty()),
        alias: None,
        span: Some(span),
    }
}
