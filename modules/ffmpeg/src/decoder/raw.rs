//! Packets of streams that are sent to a decoder: without a container, each is decoded as it comes.
//! What their stream is they say themselves (as those of a copied stream do), or the options do.
//!
//! One stream of each kind is decoded; packets say by their kind and number which they belong to.

use std::collections::BTreeSet;
use std::sync::Arc;

use bmf_ffmpeg::{EncodedStream, Layer, StreamInfo, format_to_av, layers_of, names, packet_to_av};
use bmf_sdk::hmp::{EncodedFormat, EncodedPacket, MediaKind, TimeBase};
use bmf_sdk::prelude::*;
use serde_json::Value;

use super::choose::{PORTS, open_decoder, settings};
use super::fed::{Given, Next, add, end_job, unexpected};
use super::options::Options;
use super::stream::{Stream, port_name};
use super::timeline::Timeline;
use super::window::{self, Segment};

/// Packets may be of any number of streams.
const MOST_NOTES: usize = 100;

/// In place of a file's name.
const NAME: &str = "pushed packets";

pub(crate) struct Raw {
    options: Options,
    context: ModuleContext,
    segment: Segment,
    /// By port; made when its first packet comes.
    streams: [Option<Fed>; 2],
    /// How many frames were sent by decoders that are closed, by port.
    sent: [u64; 2],
    told: Report,
    /// Said once each.
    notes: BTreeSet<String>,
}

/// A stream with what its packets say.
struct Fed {
    index: u32,
    format: Option<Arc<EncodedFormat>>,
    unit: TimeBase,
    timeline: Timeline,
    stream: Box<Stream>,
}

impl Raw {
    pub(crate) fn new(options: &Options, context: &ModuleContext) -> Self {
        let list = window::segments(options.start_time, options.end_time, &[]);
        Self {
            options: with_raw(options),
            context: context.clone(),
            segment: list.first().copied().unwrap_or(Segment::WHOLE),
            streams: [None, None],
            sent: [0; 2],
            told: Report::default(),
            notes: BTreeSet::new(),
        }
    }

    pub(crate) fn step(&mut self, given: &mut Given, task: &mut Task) -> Result<Flow, ModuleError> {
        let before = self.sent();
        while self.sent() == before {
            if self.is_over(task) {
                return Ok(Flow::Done);
            }
            match given.take(task) {
                Some(Next::Packet(packet)) => self.feed(packet, task)?,
                Some(Next::JobEnd) => {
                    self.end_streams(task)?;
                    end_job(task);
                }
                None if given.has_ended() => {
                    self.end_streams(task)?;
                    return Ok(Flow::Done);
                }
                None => return Ok(Flow::Wait),
            }
        }
        Ok(Flow::More)
    }

    fn sent(&self) -> u64 {
        let open = self.streams.iter().flatten();
        self.sent.iter().sum::<u64>() + open.map(|fed| fed.stream.counts().sent).sum::<u64>()
    }

    /// Whether no output wants anything any more.
    fn is_over(&self, task: &Task) -> bool {
        let mut outputs = task.outputs().iter().take(self.streams.len());
        !outputs.any(TaskOutput::is_open)
    }

    fn feed(&mut self, packet: Packet, task: &mut Task) -> Result<(), ModuleError> {
        let packet = self.encoded(packet)?;
        let port = PORTS.iter().position(|&kind| kind == packet.kind);
        let Some(port) = port.filter(|&port| port < self.streams.len()) else {
            self.note(format!(
                "packets that cannot be decoded were left out: {}",
                packet.kind
            ));
            return Ok(());
        };
        let Some(output) = task.outputs_mut().get_mut(port) else {
            return Ok(());
        };
        if !output.is_open() || !self.is_chosen(port, &packet) {
            return Ok(());
        }
        let is_new = |fed: &Fed| !is_same(fed.format.as_ref(), packet.format.as_ref());
        if packet.data.is_empty() || self.streams[port].as_ref().is_some_and(is_new) {
            self.end_stream(port, output)?;
        }
        if packet.data.is_empty() {
            return Ok(());
        }
        let mut fed = match self.streams[port].take() {
            Some(fed) => fed,
            None => self.open(port, &packet)?,
        };
        let mut data = packet_to_av(&packet)?;
        if packet.time_base != fed.unit {
            data.rescale(packet.time_base, fed.unit);
        }
        let fed_to = fed.stream.feed(data, &mut fed.timeline, output);
        if !fed.stream.wants_more() {
            output.end();
        }
        self.streams[port] = Some(fed);
        fed_to
    }

    /// The packet with its kind; bytes have none of their own.
    fn encoded(&self, packet: Packet) -> Result<EncodedPacket, ModuleError> {
        let packet = match packet.into_inner_or_clone::<EncodedPacket>() {
            Ok(packet) => return Ok(packet),
            Err(packet) => packet,
        };
        let Some(bytes) = packet.get::<Vec<u8>>() else {
            return Err(unexpected(&packet, "a packet of a stream"));
        };
        let kinds = [MediaKind::Video, MediaKind::Audio];
        let mut kinds = kinds.into_iter().filter(|&kind| self.options.pushes(kind));
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) => Ok(EncodedPacket::new(
                bytes.clone().into(),
                kind,
                TimeBase::MICROS,
            )),
            _ => Err(
                ModuleError::new("bytes do not say whether they are pictures or sound")
                    .with_hint("push packets that do, or use a decoder for each")
                    .on_port("in"),
            ),
        }
    }

    /// Whether the packet is of the stream that is decoded.
    fn is_chosen(&mut self, port: usize, packet: &EncodedPacket) -> bool {
        let index = packet.stream_index;
        let wanted = self.options.wanted_stream(PORTS[port]);
        let wanted = wanted.map(|wanted| u32::try_from(wanted).unwrap_or(u32::MAX));
        let wanted = wanted.or(self.streams[port].as_ref().map(|fed| fed.index));
        if wanted.is_some_and(|wanted| wanted != index) {
            let kind = packet.kind;
            self.note(format!(
                "{kind} stream {index} of {NAME} is left out: one of each kind is decoded"
            ));
            return false;
        }
        true
    }

    fn open(&mut self, port: usize, packet: &EncodedPacket) -> Result<Fed, ModuleError> {
        let (info, unit) = self.describe(packet)?;
        let opened = open_decoder(&info, &self.options, NAME)?;
        self.check_unused(&opened.decoder)?;
        let limit = self.options.limit(packet.kind);
        let limit = limit.map(|limit| limit.saturating_sub(self.sent[port]));
        let settings = settings(port, &self.options, limit, false);
        let from = self.segment.from.unwrap_or(0);
        let (timeline, origin) = match self.options.copyts {
            true => (Timeline::untouched(), from),
            false => (Timeline::new(-from, false), 0),
        };
        let stream = Stream::new(&info, NAME, settings, opened, &self.segment, origin);
        Ok(Fed {
            index: packet.stream_index,
            format: packet.format.clone(),
            unit,
            timeline,
            stream: Box::new(stream),
        })
    }

    /// What a decoder must know of the packet's stream, and the unit of its times.
    fn describe(&self, packet: &EncodedPacket) -> Result<(StreamInfo, TimeBase), ModuleError> {
        if let Some(format) = &packet.format {
            let unit = packet.time_base;
            let mut info = format_to_av(format, unit)?.info(unit);
            info.index = packet.stream_index as usize;
            return Ok((info, unit));
        }
        let kind = packet.kind;
        let Some(decoder) = self
            .options
            .decoder(kind)
            .filter(|_| self.options.pushes(kind))
        else {
            return Err(ModuleError::new(format!(
                "a packet of {kind} does not say what its stream is"
            ))
            .with_hint(match kind {
                MediaKind::Video => "set video_codec and video_time_base",
                _ => "set audio_codec, channels and sample_rate",
            })
            .on_port("in"));
        };
        let codec = names::codec_of_decoder(decoder).unwrap_or_else(|| decoder.to_owned());
        let mut format = EncodedFormat::new(kind, &codec);
        format.sample_rate = self.options.sample_rate.unwrap_or(0);
        format.channels = self.options.channels.unwrap_or(0);
        let unit = self.unit(kind).unwrap_or(packet.time_base);
        let stream: EncodedStream = format_to_av(&format, unit)?;
        Ok((stream.info(unit), unit))
    }

    /// The unit of a stream that does not say it.
    fn unit(&self, kind: MediaKind) -> Option<TimeBase> {
        match kind {
            MediaKind::Video => self.options.time_base(),
            _ => TimeBase::new(1, i32::try_from(self.options.sample_rate?).ok()?),
        }
    }

    /// Options that no decoder takes.
    fn check_unused(&mut self, decoder: &bmf_ffmpeg::Decoder) -> Result<(), ModuleError> {
        let unused = decoder.unused_options().iter();
        for option in unused.filter(|option| !layers_of(&option.name).contains(&Layer::Decoder)) {
            let message = format!("dec_params: {option}");
            if self.context.is_strict() {
                return Err(ModuleError::new(message));
            }
            self.note(message);
        }
        Ok(())
    }

    fn end_streams(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        for port in 0..self.streams.len() {
            if let Some(output) = task.outputs_mut().get_mut(port) {
                self.end_stream(port, output)?;
            }
        }
        Ok(())
    }

    /// The packets so far are all: the decoder gives what it holds, and is closed.
    fn end_stream(&mut self, port: usize, output: &mut TaskOutput) -> Result<(), ModuleError> {
        let Some(mut fed) = self.streams[port].take() else {
            return Ok(());
        };
        fed.stream.drain(output)?;
        fed.stream.check_decoded()?;
        self.sent[port] += fed.stream.counts().sent;
        add(&mut self.told, report_of(port, &fed.stream));
        Ok(())
    }

    fn note(&mut self, note: String) {
        if self.notes.len() < MOST_NOTES && self.notes.insert(note.clone()) {
            log::warn!(target: "bmf_module_ffmpeg", "{note}");
        }
    }

    pub(crate) fn report(&self) -> Report {
        let mut report = self.told.clone();
        for (port, fed) in self.streams.iter().enumerate() {
            if let Some(fed) = fed {
                add(&mut report, report_of(port, &fed.stream));
            }
        }
        report.warnings.extend(self.notes.iter().cloned());
        report
    }
}

fn report_of(port: usize, stream: &Stream) -> Report {
    let counts = stream.counts();
    let counters = [
        (format!("frames_{}", port_name(port)), counts.sent),
        ("decode_errors".to_owned(), counts.errors),
        ("damaged_frames".to_owned(), counts.damaged),
        ("too_large".to_owned(), counts.too_large),
    ];
    Report {
        counters: counters
            .into_iter()
            .filter(|&(_, count)| count > 0)
            .collect(),
        warnings: stream.warning().into_iter().collect(),
        ..Report::default()
    }
}

fn is_same(a: Option<&Arc<EncodedFormat>>, b: Option<&Arc<EncodedFormat>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            let sizes = |of: &EncodedFormat| (of.width, of.height, of.sample_rate, of.channels);
            Arc::ptr_eq(a, b)
                || (a.codec == b.codec
                    && sizes(a) == sizes(b)
                    && a.extradata.as_slice() == b.extradata.as_slice())
        }
        (None, None) => true,
        _ => false,
    }
}

/// What decoders of raw data must be told, as options of theirs.
fn with_raw(options: &Options) -> Options {
    let mut options = options.clone();
    let raw = [
        ("video_size", options.s.clone()),
        ("pixel_format", options.pix_fmt.clone()),
        ("request_sample_fmt", options.sample_fmt.clone()),
    ];
    for (name, value) in raw {
        if let Some(value) = value {
            options
                .dec_params
                .insert(name.to_owned(), Value::from(value));
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_format_is_told_by_what_decoders_must_know() {
        let format = |rate: u32, extra: &[u8]| {
            let mut format = EncodedFormat::new(MediaKind::Audio, "pcm_s16le");
            format.sample_rate = rate;
            format.extradata = extra.to_vec().into();
            Arc::new(format)
        };
        let same = |a, b| is_same(Some(&a), Some(&b));
        assert!(same(format(8000, &[1]), format(8000, &[1])));
        assert!(!same(format(8000, &[1]), format(8000, &[2])));
        assert!(!same(format(8000, &[]), format(16_000, &[])));
        assert!(is_same(None, None) && !is_same(None, Some(&format(1, &[]))));
    }
}
