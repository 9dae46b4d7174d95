//! `ffmpeg_probe`: what is in a file, without decoding it. How it is shown to people is `bmf probe`'s.

use std::collections::BTreeMap;

use bmf_ffmpeg::{Chapter, Demuxer, Dict, InputConfig, Interrupt, StreamInfo, names};
use bmf_sdk::hmp::{MediaKind, Rational, TimeBase, Timestamp};
use bmf_sdk::nearest;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::values;

/// Opens a media file or URL and sends one packet of JSON: the container, its streams with their codecs
/// and formats, chapters and metadata. Times are in seconds, rates are fractions such as `30000/1001`,
/// and what is not known is left out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// File or URL to look at, as FFmpeg understands it. Required.
    input_path: String,
    /// FFmpeg's name of the format, for input that does not tell what it is: `rawvideo`, `s16le`.
    format: Option<String>,
    /// Options of FFmpeg's protocol and demuxer: `rtsp_transport`, `analyzeduration`.
    params: Map<String, Value>,
}

pub(crate) struct Probe {
    options: Options,
    found: Option<Value>,
    warnings: Vec<String>,
}

impl Module for Probe {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        let interrupt = Interrupt::new();
        let trigger = interrupt.clone();
        context.on_interrupt(move || trigger.trigger());
        let params = self.options.params.iter();
        let config = InputConfig {
            format: self.options.format.clone(),
            options: params
                .filter_map(|(key, value)| Some((key, values::text(value)?)))
                .collect::<Dict>(),
            interrupt,
        };
        let input = Demuxer::open(&self.options.input_path, &config)?;
        let unused = input.unused_options().iter();
        self.warnings = unused.map(ToString::to_string).collect();
        self.found = Some(describe(&input));
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        if let Some(found) = self.found.take() {
            task.push(0, Packet::new(Timestamp::ZERO, found));
        }
        Ok(Flow::Done)
    }

    fn report(&self) -> Report {
        Report {
            warnings: self.warnings.clone(),
            ..Report::default()
        }
    }
}

impl ModuleType for Probe {
    type Options = Options;

    fn describe() -> Description {
        Description::new("ffmpeg_probe", env!("CARGO_PKG_VERSION"))
            .summary("Tells what is in a media file or URL")
            .outputs([PortSpec::new("info", PortKind::Any, "one packet of JSON")])
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        let mut issues = Vec::new();
        if options.input_path.is_empty() {
            let issue = OptionIssue::invalid("input_path", "no input is given");
            issues.push(issue.with_hint("set input_path to a file or URL"));
        }
        let known = names::demuxers();
        let known = || known.iter().flat_map(|names| names.split(','));
        if let Some(format) = &options.format
            && !known().any(|name| name == format)
        {
            let issue = OptionIssue::invalid("format", format!("ffmpeg reads no \"{format}\""));
            issues.push(match nearest(format, known()) {
                Some(near) => issue.with_hint(format!("did you mean \"{near}\"?")),
                None => issue,
            });
        }
        issues
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options,
            found: None,
            warnings: Vec::new(),
        })
    }
}

/// An object without what is null or empty.
fn known(value: Value) -> Value {
    let is_known = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| is_known(value))
                .collect(),
        ),
        other => other,
    }
}

/// Seconds with the precision of what they were made from, not of what they are calculated with.
fn seconds(time: Timestamp) -> f64 {
    time.micros() as f64 / 1e6
}

fn ticks(ticks: Option<i64>, unit: TimeBase) -> Option<f64> {
    Timestamp::from_ticks(ticks?, unit).map(seconds)
}

fn describe(input: &Demuxer) -> Value {
    let duration = input.duration().filter(|&micros| micros > 0);
    let tags = |metadata: BTreeMap<String, String>| json!(metadata);
    known(json!({
        "file": input.url(),
        "format": input.format_name(),
        "format_description": input.format_description(),
        "size": input.size(),
        "start_time": input.start_time().map(seconds),
        "duration": duration.map(|micros| seconds(Timestamp::from_micros(micros))),
        "bit_rate": Some(input.bit_rate()).filter(|&rate| rate > 0),
        "metadata": tags(input.metadata()),
        "streams": input.streams().iter().map(stream).collect::<Value>(),
        "chapters": input.chapters().iter().map(chapter).collect::<Value>(),
    }))
}

fn chapter(chapter: &Chapter) -> Value {
    known(json!({
        "start": seconds(chapter.start),
        "end": seconds(chapter.end),
        "title": chapter.metadata.get("title"),
        "metadata": chapter.metadata,
    }))
}

fn stream(stream: &StreamInfo) -> Value {
    let parameters = &stream.parameters;
    let mut value = known(json!({
        "index": stream.index,
        "id": Some(stream.id).filter(|&id| id > 0),
        "kind": stream.kind.name(),
        "codec": parameters.codec_name(),
        "codec_description": parameters.codec_description(),
        "codec_tag": parameters.tag(),
        "profile": parameters.profile(),
        "level": parameters.level(),
        "bit_rate": Some(parameters.bit_rate()).filter(|&rate| rate > 0),
        "time_base": stream.time_base.to_string(),
        "start_time": ticks(stream.start_time, stream.time_base),
        "duration": ticks(stream.duration, stream.time_base),
        "frames": stream.frames,
        "language": stream.metadata.get("language").filter(|language| *language != "und"),
        "title": stream.metadata.get("title"),
        "disposition": stream.dispositions(),
        "metadata": stream.metadata,
    }));
    let more = match stream.kind {
        MediaKind::Video => pictures(stream),
        MediaKind::Audio => sound(stream),
        MediaKind::Subtitle | MediaKind::Data => Value::Null,
    };
    if let (Value::Object(fields), Value::Object(more)) = (&mut value, more) {
        fields.extend(more);
    }
    value
}

fn pictures(stream: &StreamInfo) -> Value {
    let parameters = &stream.parameters;
    let color = parameters.color();
    let named = |name: &'static str| Some(name).filter(|name| !is_unspecified(name));
    let rate = |rate: Option<Rational>| rate.map(|rate| rate.reduced().to_string());
    known(json!({
        "width": parameters.width(),
        "height": parameters.height(),
        "pixel_format": parameters.pix_fmt().map(|format| format.name()),
        "frame_rate": rate(stream.guessed_frame_rate),
        "average_frame_rate": rate(stream.average_frame_rate),
        "sample_aspect_ratio": rate(Some(stream.sample_aspect_ratio).filter(|ratio| ratio.num > 0)),
        "rotation": Some(stream.rotation()).filter(|&degrees| degrees != 0.0),
        "field_order": parameters.field_order(),
        "color_range": named(color.range.name()),
        "color_primaries": named(color.primaries.name()),
        "color_transfer": named(color.transfer.name()),
        "color_matrix": named(color.matrix.name()),
        "chroma_location": named(color.chroma_location.name()),
    }))
}

/// FFmpeg's own words for it differ from field to field.
fn is_unspecified(name: &str) -> bool {
    matches!(name, "unknown" | "unspecified" | "reserved")
}

fn sound(stream: &StreamInfo) -> Value {
    let parameters = &stream.parameters;
    let layout = parameters.layout();
    known(json!({
        "sample_rate": parameters.sample_rate(),
        "channels": layout.as_ref().map(|layout| layout.channels()),
        "channel_layout": layout.map(|layout| layout.name()).filter(|name| !name.ends_with(" channels")),
        "sample_format": parameters.sample_fmt().map(|format| format.name()),
        "bits_per_sample": Some(parameters.bits_per_raw_sample()).filter(|&bits| bits > 0),
    }))
}
