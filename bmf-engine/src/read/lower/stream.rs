//! Streams: BMF's `{"identifier": "port:name"}` and what TOML has for it.

use bmf_core::Span;
use bmf_core::config::StreamConfig;

use super::super::Dialect;
use super::super::tree::{Entry, Tree, Value};
use super::fields::{self, Fields};
use super::reference::{Place, Reference};
use super::{Context, flow};

const STREAM_KEYS: &[&str] = &["identifier", "notify", "alias", "stream_alias"];
const STREAM_SUGAR: &[&str] = &["stream"];

impl Context<'_> {
    /// The streams in the array `entry`, which is a key of `owner`.
    pub(super) fn streams(&mut self, entry: &Entry, owner: &str) -> Vec<StreamConfig> {
        let items = fields::items(entry, owner, "an array of streams", self);
        let streams = items.iter().enumerate();
        streams
            .map(|(index, item)| {
                let owner = format!("{}[{index}] of {owner}", entry.key);
                self.stream(item, &owner, None)
            })
            .collect()
    }

    /// The same where a string, or the key `stream`, refers to a node: `"scale"`, `"decode.video"`.
    pub(super) fn connections(
        &mut self,
        entry: &Entry,
        owner: &str,
        place: Place,
    ) -> Vec<StreamConfig> {
        let items = fields::items(entry, owner, "an array of streams", self);
        let streams = items.iter().enumerate();
        streams
            .map(|(index, item)| {
                let owner = format!("{}[{index}] of {owner}", entry.key);
                self.stream(item, &owner, Some((place, index)))
            })
            .collect()
    }

    /// One stream. What cannot be understood becomes an unconnected one, to keep the others in
    /// their places. At a `place` for references it may be one.
    fn stream(&mut self, item: &Tree, owner: &str, place: Option<(Place, usize)>) -> StreamConfig {
        match (&item.value, self.dialect) {
            (Value::Object(entries), _) => {
                let fields = Fields::new(owner, entries, item.span);
                fields.check_keys(
                    &[STREAM_KEYS, flow::LINK_KEYS, self.sugar(STREAM_SUGAR)],
                    self,
                );
                StreamConfig {
                    link: flow::link(&fields, self),
                    ..self.stream_of(&fields, place)
                }
            }
            (Value::String(text), Dialect::Toml) => self.named(text, item.span, place),
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

    /// The stream with its names; its settings are read elsewhere.
    fn stream_of(&mut self, fields: &Fields<'_>, place: Option<(Place, usize)>) -> StreamConfig {
        let Some(entry) = self.one_of(fields, "identifier", "stream") else {
            let wanted = match self.dialect {
                Dialect::Json => "identifier",
                Dialect::Toml => "stream",
            };
            let message = format!("{} has no \"{wanted}\"", fields.owner());
            self.error(message, fields.start());
            return StreamConfig::default();
        };
        let Value::String(identifier) = &entry.value.value else {
            fields.expected(entry, "a string", self);
            return StreamConfig::default();
        };
        let place = place.filter(|_| entry.key == "stream");
        let mut stream = self.named(identifier, entry.value.span, place);
        // BMF's own dumps have the port in a key of its own.
        let notify = fields.text("notify", self);
        stream.port = stream.port.or(notify);
        // Two spellings: BMF's engine reads the first, its Python builder writes the second.
        let alias = fields.text("alias", self);
        let stream_alias = fields.text("stream_alias", self);
        stream.alias = alias.or(stream_alias);
        stream
    }

    /// The stream that `text` names: a reference at a `place` for one, else an identifier.
    fn named(&mut self, text: &str, span: Span, place: Option<(Place, usize)>) -> StreamConfig {
        let Some((place, index)) = place else {
            return from_identifier(text, span);
        };
        self.references.push(Reference {
            target: text.to_owned(),
            span,
            place,
            index,
        });
        StreamConfig {
            span: Some(span),
            ..StreamConfig::default()
        }
    }
}

/// `port:name` or `name`; with an empty port the name itself may contain a colon.
fn from_identifier(identifier: &str, span: Span) -> StreamConfig {
    let (port, name) = identifier.split_once(':').unwrap_or(("", identifier));
    StreamConfig {
        name: name.to_owned(),
        port: Some(port.to_owned()).filter(|port| !port.is_empty()),
        span: Some(span),
        ..StreamConfig::default()
    }
}
