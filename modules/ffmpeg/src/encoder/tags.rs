//! What a container says of a stream for people: language, title, what it is for; and of the whole
//! file: chapters.

use std::collections::BTreeMap;

use bmf_ffmpeg::{Chapter, Dict, EncoderInfo, StreamConfig, names, parse_disposition};
use bmf_sdk::hmp::Timestamp;
use bmf_sdk::prelude::OptionIssue;
use bmf_sdk::serde_json::Value;

use super::options::ChapterOption;
use super::settings::{Issues, pairs};

/// What is said of one stream.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamTags {
    metadata: Dict,
    disposition: Option<u32>,
}

impl StreamTags {
    /// From the options of the group called `group`.
    pub(super) fn of(
        group: &str,
        metadata: &BTreeMap<String, Value>,
        disposition: Option<&str>,
        issues: &mut Issues,
    ) -> Self {
        let disposition = disposition.map(|text| {
            let path = format!("{group}.disposition");
            parse_disposition(text).map_err(|error| OptionIssue::invalid(path, error.to_string()))
        });
        Self {
            metadata: issues.take(pairs(&format!("{group}.metadata"), metadata)),
            disposition: disposition.map(|disposition| issues.take(disposition)),
        }
    }

    /// Says which encoder made the stream, as the `ffmpeg` command does; without its version if the
    /// file must be the same wherever it is made.
    pub(super) fn with_encoder(mut self, encoder: &EncoderInfo, is_exact: bool) -> Self {
        let library = match is_exact {
            true => "Lavc".to_owned(),
            false => names::codec_library(),
        };
        let text = format!("{library} {}", encoder.name);
        self.metadata.set_default("encoder", &text);
        self
    }

    /// Goes before what the stream brought.
    pub(super) fn apply(&self, config: &mut StreamConfig) {
        config.metadata.extend(self.metadata.pairs());
        if let Some(disposition) = self.disposition {
            config.disposition = disposition;
        }
    }
}

/// The chapters in order of time; one without an end lasts until the next one.
///
/// # Errors
/// When one ends before it begins, or the last has no end.
pub(super) fn chapters(options: &[ChapterOption]) -> Result<Vec<Chapter>, OptionIssue> {
    let micros = |seconds: f64| (seconds.is_finite()).then_some((seconds * 1e6).round() as i64);
    let mut chapters = Vec::new();
    for (index, option) in options.iter().enumerate() {
        let following = options.get(index + 1).map(|next| next.start);
        let end = option.end.or(following);
        let path = format!("chapters.{index}");
        let Some(end) = end else {
            let message = "the last chapter needs an \"end\"";
            return Err(OptionIssue::invalid(path, message));
        };
        let (Some(start), Some(end)) = (micros(option.start), micros(end)) else {
            return Err(OptionIssue::invalid(path, "its times are no numbers"));
        };
        if start < 0 || end <= start {
            let message = "it must begin at 0 or later, and end after it begins";
            return Err(OptionIssue::invalid(path, message));
        }
        let title = option
            .title
            .iter()
            .map(|title| ("title".to_owned(), title.clone()));
        chapters.push(Chapter {
            start: Timestamp::from_micros(start),
            end: Timestamp::from_micros(end),
            metadata: title.collect(),
        });
    }
    Ok(chapters)
}
