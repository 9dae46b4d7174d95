//! A decoder at work: an input, the streams decoded from it, and the segments still to come.
//!
//! [`Session::open`] happens once; [`Session::step`] is called until it is done.

use std::collections::VecDeque;

use bmf_ffmpeg::{AvPacket, Decoder, DecoderConfig, StreamInfo};
use bmf_sdk::hmp::MediaKind;
use bmf_sdk::prelude::*;

use super::options::Options;
use super::source::{Item, Source};
use super::stream::{Settings, Stream, port_name};
use super::timeline::Timeline;
use super::window::{self, Segment};

/// The two outputs.
const PORTS: [MediaKind; 2] = [MediaKind::Video, MediaKind::Audio];

pub(crate) struct Session {
    source: Source,
    timeline: Timeline,
    streams: Vec<Stream>,
    /// Connected outputs for which the input has nothing.
    missing: Vec<usize>,
    /// Outputs from which nothing (more) comes; ended with the next step.
    ending: Vec<usize>,
    /// All segments.
    list: Vec<Segment>,
    /// After the one being read.
    segments: VecDeque<Segment>,
    warnings: Vec<String>,
    jumps: u64,
}

impl Session {
    /// Opens input and decoders, and goes to the beginning of the first segment.
    ///
    /// # Errors
    /// If the input or a decoder cannot be opened, no wanted stream exists, or, when the graph is
    /// strict, an option in `dec_params` is unknown to all of them.
    pub(crate) fn open(options: &Options, context: &ModuleContext) -> Result<Self, ModuleError> {
        let mut source = Source::open(options, context)?;
        let list = window::segments(options.start_time, options.end_time, &options.durations);
        let length = source.demuxer().duration();
        if let Some(length) = window::length(&list, length) {
            context.set_duration(length);
        }
        let mut segments = VecDeque::from(list.clone());
        let first = segments.pop_front().unwrap_or(Segment::WHOLE);

        let Chosen { streams, missing } = choose_streams(&mut source, options, context)?;
        let origin = source.origin(&first);
        let url = source.demuxer().url().to_owned();
        let starts_alone = options.copyts || source.demuxer().streams().len() == 1;
        let open = |(port, info): &(usize, StreamInfo)| {
            let decoder = open_decoder(info, options, &url)?;
            let settings = settings(*port, options, starts_alone);
            Ok(Stream::new(info, &url, settings, decoder, &first, origin))
        };
        let streams = streams
            .iter()
            .map(open)
            .collect::<Result<Vec<_>, ModuleError>>()?;
        source.discard_others();

        let warnings = unused_options(&source, &streams, options);
        if context.is_strict() && !warnings.is_empty() {
            return Err(ModuleError::new(warnings.join("; ")));
        }
        for warning in &warnings {
            log::warn!(target: "bmf_module_ffmpeg", "{warning}");
        }
        // The cut is as exact without a seek; it only takes longer.
        if let Some(from) = first.from
            && let Err(error) = source.seek(&first)
            && from > 0
        {
            log::warn!(target: "bmf_module_ffmpeg", "{error}; reading from the start instead");
        }
        Ok(Self {
            timeline: source.timeline(&first),
            source,
            streams,
            ending: missing.clone(),
            missing,
            list,
            segments,
            warnings,
            jumps: 0,
        })
    }

    /// Reads and decodes until there is at least one frame more, or nothing left.
    ///
    /// # Errors
    /// If the graph is ending, or a stream gave packets but not a single frame.
    pub(crate) fn step(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        for port in self.ending.drain(..) {
            end(task, port);
        }
        let before = self.sent();
        loop {
            if !self.is_wanted(task) && !self.next_segment(task)? {
                return Ok(Flow::Done);
            }
            if self.sent() > before {
                return Ok(Flow::More);
            }
            match self.source.read()? {
                Item::Packet(packet) => self.feed(packet, task)?,
                Item::Again => {
                    // Devices only; everything else waits in its read.
                    std::thread::yield_now();
                    return Ok(Flow::More);
                }
                Item::End(reason) => self.end_of_input(reason, task)?,
            }
        }
    }

    /// Goes on with the first picture, and the first sample, at or after `seek` in the output (with the
    /// first that can be decoded, in a format without an index), or, if that is `None`, where it is.
    /// All outputs are open again.
    ///
    /// # Errors
    /// If the input cannot be positioned there.
    pub(crate) fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        if let Some(time) = seek {
            let source = &self.source;
            let begin = |segment: &Segment| match source.keeps_times() {
                true => source.origin(segment),
                false => segment.placed_at,
            };
            let left = window::rest(&self.list, time.micros(), begin, source.keeps_times());
            self.segments = left.into();
            match self.segments.pop_front() {
                Some(segment) => self.enter(&segment)?,
                None => self.streams.iter_mut().for_each(Stream::skip),
            }
        }
        let is_over = |stream: &&Stream| stream.is_full() || !stream.wants_more();
        let over = self.streams.iter().filter(is_over).map(Stream::port);
        let over = over.filter(|_| self.segments.is_empty());
        self.ending = self.missing.iter().copied().chain(over).collect();
        Ok(())
    }

    fn feed(&mut self, packet: AvPacket, task: &mut Task) -> Result<(), ModuleError> {
        let index = packet.stream_index();
        let Some(stream) = self
            .streams
            .iter_mut()
            .find(|stream| stream.index() == index)
        else {
            return Ok(());
        };
        if let Some(output) = task.outputs_mut().get_mut(stream.port()) {
            stream.feed(packet, &mut self.timeline, output)?;
        }
        if stream.is_full() || (!stream.wants_more() && self.segments.is_empty()) {
            end(task, stream.port());
        }
        Ok(())
    }

    /// All packets are read: the decoders give what they hold.
    fn end_of_input(
        &mut self,
        reason: Option<bmf_ffmpeg::Error>,
        task: &mut Task,
    ) -> Result<(), ModuleError> {
        if let Some(reason) = reason {
            self.warn(format!("{reason}; ending there"));
        }
        for stream in &mut self.streams {
            if let Some(output) = task.outputs_mut().get_mut(stream.port()) {
                stream.drain(output)?;
            }
        }
        Ok(())
    }

    /// Whether any output waits for frames of the current segment.
    fn is_wanted(&self, task: &Task) -> bool {
        let is_open = |port: usize| task.outputs().get(port).is_some_and(TaskOutput::is_open);
        self.streams
            .iter()
            .any(|stream| stream.wants_more() && is_open(stream.port()))
    }

    /// Goes on to the next segment; `false` if that was the last one.
    fn next_segment(&mut self, task: &mut Task) -> Result<bool, ModuleError> {
        while let Some(segment) = self.segments.pop_front() {
            self.enter(&segment)?;
            if self.is_wanted(task) {
                return Ok(true);
            }
        }
        for stream in &self.streams {
            stream.check_decoded()?;
        }
        Ok(false)
    }

    /// Goes to the beginning of a segment.
    fn enter(&mut self, segment: &Segment) -> Result<(), ModuleError> {
        self.source.seek(segment)?;
        self.jumps += self.timeline.jumps();
        self.timeline = self.source.timeline(segment);
        let origin = self.source.origin(segment);
        for stream in &mut self.streams {
            stream.restart(segment, origin);
        }
        Ok(())
    }

    fn sent(&self) -> u64 {
        self.streams.iter().map(|stream| stream.counts().sent).sum()
    }

    fn warn(&mut self, warning: String) {
        log::warn!(target: "bmf_module_ffmpeg", "{warning}");
        self.warnings.push(warning);
    }

    /// Counts and warnings so far.
    pub(crate) fn report(&self) -> Report {
        let counts = || self.streams.iter().map(Stream::counts);
        let sent = |port| {
            let streams = self.streams.iter().filter(|stream| stream.port() == port);
            streams.map(|stream| stream.counts().sent).sum::<u64>()
        };
        let errors: u64 = counts().map(|counts| counts.errors).sum();
        let damaged: u64 = counts().map(|counts| counts.damaged).sum();
        let corrupt: u64 = counts().map(|counts| counts.corrupt_packets).sum();
        let url = self.source.demuxer().url();
        let mut warnings = self.warnings.clone();
        let found = [
            (errors, "decode error"),
            (damaged, "damaged frame"),
            (corrupt, "corrupt packet"),
        ];
        for (count, what) in found.into_iter().filter(|&(count, _)| count > 0) {
            let plural = if count == 1 { "" } else { "s" };
            warnings.push(format!("{count} {what}{plural} in '{url}'"));
        }
        let counters = [
            ("frames_video", sent(0)),
            ("frames_audio", sent(1)),
            ("decode_errors", errors),
            ("damaged_frames", damaged),
            ("corrupt_packets", corrupt),
            ("timestamp_jumps", self.jumps + self.timeline.jumps()),
        ];
        Report {
            counters: counters
                .into_iter()
                .filter(|&(_, count)| count > 0)
                .collect(),
            warnings,
            ..Report::default()
        }
    }
}

fn end(task: &mut Task, port: usize) {
    if let Some(output) = task.outputs_mut().get_mut(port) {
        output.end();
    }
}

/// Which streams the connected outputs get.
#[derive(Default)]
struct Chosen {
    /// With their ports.
    streams: Vec<(usize, StreamInfo)>,
    /// Ports without one.
    missing: Vec<usize>,
}

fn choose_streams(
    source: &mut Source,
    options: &Options,
    context: &ModuleContext,
) -> Result<Chosen, ModuleError> {
    let mut chosen = Chosen::default();
    for (port, kind) in PORTS.into_iter().enumerate() {
        if !context
            .connected_outputs()
            .get(port)
            .copied()
            .unwrap_or(false)
        {
            continue;
        }
        match source.choose(kind, options.wanted_stream(kind))? {
            Some(info) => chosen.streams.push((port, info)),
            None => chosen.missing.push(port),
        }
    }
    if chosen.streams.is_empty() && !chosen.missing.is_empty() {
        let kinds: Vec<&str> = chosen.missing.iter().map(|&port| port_name(port)).collect();
        let (url, contents) = (source.demuxer().url(), source.contents());
        let message = format!(
            "'{url}' has no {} stream; it has {contents}",
            kinds.join(" and no ")
        );
        return Err(ModuleError::new(message));
    }
    Ok(chosen)
}

fn open_decoder(info: &StreamInfo, options: &Options, url: &str) -> Result<Decoder, ModuleError> {
    let mut dictionary = options.dictionary();
    if info.is_attached_picture() {
        // One picture: threads would only cost.
        dictionary.set_default("threads", "1");
    }
    let config = DecoderConfig {
        name: options.decoder(info.kind).map(str::to_owned),
        options: dictionary,
        time_base: Some(info.time_base),
        frame_rate: info
            .average_frame_rate
            .filter(|_| info.kind == MediaKind::Video),
        skip_frame: options.skip_frame,
    };
    Decoder::open(&info.parameters, &config).map_err(|error| {
        let name = Stream::name_of(info, url);
        ModuleError::new(format!("{name} cannot be decoded")).with_source(error)
    })
}

fn settings(port: usize, options: &Options, starts_alone: bool) -> Settings {
    Settings {
        port,
        autorotate: options.autorotate,
        fps: options.fps,
        limit: options.limit(PORTS[port]),
        may_skip_all: options.skips_many(),
        starts_alone,
    }
}

/// Entries of `dec_params` that neither the input nor any decoder took.
fn unused_options(source: &Source, streams: &[Stream], options: &Options) -> Vec<String> {
    let decoders: Vec<_> = streams.iter().map(Stream::decoder).collect();
    let left = source
        .demuxer()
        .unused_options()
        .iter()
        .filter_map(|option| {
            let in_decoder = |decoder: &&Decoder| {
                let unused = decoder.unused_options();
                unused
                    .iter()
                    .find(|unused| unused.name == option.name)
                    .cloned()
            };
            let others = decoders
                .iter()
                .map(in_decoder)
                .collect::<Option<Vec<_>>>()?;
            let near = others.into_iter().find_map(|other| other.suggestion);
            let near = option.suggestion.clone().or(near);
            Some((option.name.clone(), near))
        });
    let names: Vec<&str> = decoders.iter().map(|decoder| decoder.name()).collect();
    let message = |(name, near): (String, Option<String>)| {
        let hint = near
            .map(|near| format!("; did you mean '{near}'?"))
            .unwrap_or_default();
        let (url, decoders) = (&options.input_path, names.join(", "));
        format!(
            "dec_params: neither the input '{url}' nor its decoders ({decoders}) know an option '{name}'{hint}"
        )
    };
    left.map(message).collect()
}
