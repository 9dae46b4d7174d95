//! A decoder at work on one input: the streams that come of it, and the segments still to come.
//!
//! [`Session::open`] happens once; [`Session::step`] is called until it is over.

use std::collections::VecDeque;
use std::path::Path;

use bmf_ffmpeg::AvPacket;
use bmf_sdk::prelude::*;

use super::choose::Chosen;
use super::input::Input;
use super::lane::Lane;
use super::options::Options;
use super::pacing::{Pacer, WallClock};
use super::place::{Place, Put};
use super::pushed::unreadable;
use super::source::{Item, Source};
use super::timeline::Timeline;
use super::unused;
use super::window::{self, Segment};
use crate::local::local_path;

/// How many packets are read in one call of which nothing comes. Others may need the worker, and nobody
/// can stop a source in the middle of a call.
const PATIENCE: usize = 100;

pub(crate) struct Session {
    input: Input,
    /// For messages.
    url: String,
    timeline: Timeline,
    lanes: Vec<Lane>,
    /// Connected outputs for which the input has nothing.
    missing: Vec<usize>,
    /// Outputs from which nothing (more) comes; ended with the next step.
    ending: Vec<usize>,
    /// All segments.
    list: Vec<Segment>,
    /// After the one being read.
    segments: VecDeque<Segment>,
    /// Where this input stands among several; outputs then stay open for the next one.
    place: Option<Place>,
    put: Put,
    /// By how much the joints of copied stretches have moved what follows, in microseconds.
    moved: i64,
    /// Holds reading back, if that is wanted.
    pacer: Option<Pacer>,
    warnings: Vec<String>,
    is_announced: bool,
    /// How many frames or packets are sent in one step.
    at_once: u64,
    jumps: u64,
    has_read_all: bool,
}

/// How far a session has come.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// There is more to come.
    More,
    /// More bytes must be pushed in first.
    Hungry,
    /// All that was wanted is sent.
    Over,
}

impl Session {
    /// Opens decoders, and goes to the beginning of the first segment. `place` is behind the inputs
    /// before this, if there are several.
    ///
    /// # Errors
    /// If a decoder cannot be opened, no wanted stream exists, or, when the graph is strict, an
    /// option in `dec_params` is unknown to all of them.
    pub(crate) fn open(
        mut input: Input,
        options: &Options,
        context: &ModuleContext,
        place: Option<Place>,
    ) -> Result<Self, ModuleError> {
        if !input.can_seek() {
            check_once(options)?;
        }
        let source = input.source()?;
        let mut list = window::segments(options.start_time, options.end_time, &options.durations);
        if place.is_none() {
            tell_duration(source, options, &list, context);
        }
        let begin = source.demuxer().start_time().map_or(0, Timestamp::micros);
        let behind = place.clone().unwrap_or_default();
        let put = behind.put(&mut list, begin, options);
        let mut segments = VecDeque::from(list.clone());
        let first = segments.pop_front().unwrap_or(Segment::WHOLE);

        let chosen = Chosen::of(source, options, context)?;
        let lanes = chosen.open(source, options, &first, &behind)?;
        source.discard_others();
        let mut session = Self {
            at_once: at_once(source.demuxer().url(), &lanes),
            timeline: source.timeline(&first),
            url: source.demuxer().url().to_owned(),
            lanes,
            ending: match place {
                Some(_) => Vec::new(),
                None => chosen.missing.clone(),
            },
            missing: chosen.missing,
            list,
            segments,
            place,
            put,
            moved: 0,
            pacer: options
                .pace()
                .map(|rate| Pacer::new(rate, Box::new(WallClock::new()))),
            warnings: Vec::new(),
            is_announced: false,
            jumps: 0,
            has_read_all: false,
            input,
        };
        session.check_unused(options, context)?;
        session.begin(&first);
        Ok(session)
    }

    fn check_unused(
        &mut self,
        options: &Options,
        context: &ModuleContext,
    ) -> Result<(), ModuleError> {
        let source = self.input.source()?;
        let decoders = self.lanes.iter().filter_map(Lane::decoder);
        let unused = unused::messages(source, &decoders.collect::<Vec<_>>(), options);
        if context.is_strict() && !unused.is_empty() {
            return Err(ModuleError::new(unused.join("; ")));
        }
        unused.into_iter().for_each(|warning| self.warn(warning));
        Ok(())
    }

    /// Goes to the beginning of the first segment. The cut is as exact without that; it only takes
    /// longer.
    fn begin(&mut self, first: &Segment) {
        if let Some(from) = first.from
            && self.input.can_seek()
            && let Err(error) = self.input.seek(first)
            && from > 0
        {
            log::warn!(target: "bmf_module_ffmpeg", "{error}; reading from the start instead");
        }
    }

    /// Reads until there is at least one frame or packet more, or nothing left; not for long if nothing
    /// comes of it.
    ///
    /// # Errors
    /// If the graph is ending, or a stream gave packets but not a single frame.
    pub(crate) fn step(&mut self, task: &mut Task) -> Result<Stage, ModuleError> {
        for port in self.ending.drain(..) {
            end(task, port);
        }
        if !std::mem::replace(&mut self.is_announced, true) {
            self.announce(task);
        }
        let before = self.sent();
        for _ in 0..PATIENCE {
            if !self.is_wanted(task) {
                return Ok(match self.next_segment(task)? {
                    true => Stage::More,
                    false => Stage::Over,
                });
            }
            if self.sent() >= before.saturating_add(self.at_once) {
                return Ok(Stage::More);
            }
            if !self.is_due() {
                return Ok(Stage::More);
            }
            let Some(item) = self.input.read()? else {
                return Ok(Stage::Hungry);
            };
            match item {
                Item::Packet(packet) => self.feed(packet, task)?,
                Item::Again => return Ok(Stage::More),
                Item::Lap => self.begin_again(task)?,
                Item::Reopened => self.go_on(task)?,
                Item::End(reason) => self.end_of_input(reason, task)?,
            }
        }
        Ok(Stage::More)
    }

    fn announce(&mut self, task: &mut Task) {
        for lane in &mut self.lanes {
            if let Some(output) = task.outputs_mut().get_mut(lane.port()) {
                lane.announce(output);
            }
        }
    }

    /// Gives a hungry session bytes; `None`: there are no more.
    ///
    /// # Errors
    /// If the graph is ending.
    pub(crate) fn push(&mut self, bytes: Option<Packet>) -> Result<(), ModuleError> {
        match &mut self.input {
            Input::Pushed(pushed) => pushed.feed(bytes),
            Input::File(_) => Ok(()),
        }
    }

    /// The place for the next input.
    pub(crate) fn behind(&self) -> Place {
        let place = self.place.clone().unwrap_or_default();
        place.behind(self.put, &self.lanes)
    }

    /// Whether the input has come to its end.
    pub(crate) fn has_read_all(&self) -> bool {
        self.has_read_all
    }

    /// Whether every output has as much as was asked for, so that another input would be of no use.
    pub(crate) fn is_full(&self) -> bool {
        self.missing.is_empty() && self.lanes.iter().all(Lane::is_full)
    }

    /// Goes on with the first picture, and the first sample, at or after `seek` in the output (with the
    /// first that can be decoded, in a format without an index), or, if that is `None`, where it is.
    /// All outputs are open again.
    ///
    /// # Errors
    /// If the input cannot be positioned there.
    pub(crate) fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        self.lanes.iter_mut().for_each(Lane::forget);
        if let Some(time) = seek {
            let source = self.input.source()?;
            if source.is_repeated() && self.lanes.iter().any(Lane::is_copied) && time.micros() > 0 {
                let error = "packets of an input that is repeated cannot be positioned";
                return Err(ModuleError::new(error).with_hint("go to 0, or leave out stream_loop"));
            }
            let begin = |segment: &Segment| match source.keeps_times() {
                true => source.origin(segment),
                false => segment.placed_at,
            };
            let left = window::rest(&self.list, time.micros(), begin, source.keeps_times());
            self.segments = left.into();
            self.moved = 0;
            match self.segments.pop_front() {
                Some(segment) => self.enter(&segment)?,
                None => self.lanes.iter_mut().for_each(Lane::skip),
            }
        }
        let is_over = |lane: &&Lane| lane.is_full() || !lane.wants_more();
        let over = self.lanes.iter().filter(is_over).map(Lane::port);
        let over = over.filter(|_| self.segments.is_empty());
        self.ending = self.missing.iter().copied().chain(over).collect();
        Ok(())
    }

    fn feed(&mut self, packet: AvPacket, task: &mut Task) -> Result<(), ModuleError> {
        let index = packet.stream_index();
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.index() == index) else {
            return Ok(());
        };
        if let Some(output) = task.outputs_mut().get_mut(lane.port()) {
            lane.feed(packet, &mut self.timeline, &mut self.moved, output)?;
        }
        let is_over = lane.is_full() || (!lane.wants_more() && self.segments.is_empty());
        if is_over && self.place.is_none() {
            end(task, lane.port());
        }
        Ok(())
    }

    /// Whether it is time to read more; waits a little if not.
    fn is_due(&mut self) -> bool {
        let lanes = self.lanes.iter().filter(|lane| lane.counts().sent > 0);
        let progress = lanes.filter_map(|lane| lane.track().progress());
        let pacer = self.pacer.as_mut();
        pacer.is_none_or(|pacer| pacer.is_due(progress))
    }

    /// The input has ended and is read once more from its start.
    fn begin_again(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        for lane in &mut self.lanes {
            if let Some(output) = task.outputs_mut().get_mut(lane.port()) {
                lane.lap(output)?;
            }
        }
        self.timeline.lap(self.lanes.iter().map(Lane::track));
        Ok(())
    }

    /// The connection was lost and is made again.
    fn go_on(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        let source = self.input.source()?;
        let streams = source.demuxer().streams();
        for lane in &mut self.lanes {
            let (index, port) = (lane.index(), lane.port());
            if let (Some(info), Some(output)) =
                (streams.get(index), task.outputs_mut().get_mut(port))
            {
                lane.renew(info, output)?;
            }
        }
        self.timeline.splice(source.start());
        Ok(())
    }

    /// All packets are read: the decoders give what they hold.
    fn end_of_input(
        &mut self,
        reason: Option<bmf_ffmpeg::Error>,
        task: &mut Task,
    ) -> Result<(), ModuleError> {
        self.has_read_all = true;
        if let Some(reason) = reason {
            let has_packets = self.lanes.iter().any(|lane| lane.counts().packets > 0);
            if !self.input.can_seek() && !has_packets {
                return Err(unreadable(reason));
            }
            self.warn(format!("{reason}; ending there"));
            if self.input.source()?.demuxer().is_closed() {
                self.segments.clear();
            }
        }
        for lane in &mut self.lanes {
            if let Some(output) = task.outputs_mut().get_mut(lane.port()) {
                lane.drain(output)?;
            }
        }
        Ok(())
    }

    /// Whether any output waits for frames of the current segment.
    fn is_wanted(&self, task: &Task) -> bool {
        let is_open = |port: usize| task.outputs().get(port).is_some_and(TaskOutput::is_open);
        self.lanes
            .iter()
            .any(|lane| lane.wants_more() && is_open(lane.port()))
    }

    /// Goes on to the next segment; `false` if that was the last one.
    fn next_segment(&mut self, task: &Task) -> Result<bool, ModuleError> {
        let is_open = |port: usize| task.outputs().get(port).is_some_and(TaskOutput::is_open);
        let mut lanes = self.lanes.iter();
        if lanes.any(|lane| !lane.is_full() && is_open(lane.port()))
            && let Some(segment) = self.segments.pop_front()
        {
            self.enter(&segment)?;
            return Ok(true);
        }
        for lane in &self.lanes {
            lane.check_decoded()?;
        }
        Ok(false)
    }

    /// Goes to the beginning of a segment.
    fn enter(&mut self, segment: &Segment) -> Result<(), ModuleError> {
        self.input.seek(segment)?;
        self.jumps += self.timeline.jumps();
        let source = self.input.source()?;
        self.timeline = source.timeline(segment);
        let origin = source.origin(segment);
        for lane in &mut self.lanes {
            lane.restart(segment, origin);
        }
        if let Some(pacer) = &mut self.pacer {
            pacer.reset();
        }
        Ok(())
    }

    fn sent(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.counts().sent).sum()
    }

    fn warn(&mut self, warning: String) {
        log::warn!(target: "bmf_module_ffmpeg", "{warning}");
        self.warnings.push(warning);
    }

    /// Counts and warnings so far.
    pub(crate) fn report(&self) -> Report {
        let counts = || self.lanes.iter().map(Lane::counts);
        let sent = |port, is_copied| {
            let lanes = self.lanes.iter();
            let lanes = lanes.filter(|lane| lane.port() == port && lane.is_copied() == is_copied);
            lanes.map(|lane| lane.counts().sent).sum::<u64>()
        };
        let errors: u64 = counts().map(|counts| counts.errors).sum();
        let damaged: u64 = counts().map(|counts| counts.damaged).sum();
        let corrupt: u64 = counts().map(|counts| counts.corrupt_packets).sum();
        let url = &self.url;
        let mut warnings: Vec<String> = self.lanes.iter().filter_map(Lane::warning).collect();
        warnings.extend_from_slice(self.input.warnings());
        warnings.extend_from_slice(&self.warnings);
        let too_large = counts().map(|counts| counts.too_large).sum();
        let found = [
            (errors, "decode error"),
            (damaged, "damaged frame"),
            (corrupt, "corrupt packet"),
            (too_large, "too large picture"),
        ];
        for (count, what) in found.into_iter().filter(|&(count, _)| count > 0) {
            let plural = if count == 1 { "" } else { "s" };
            warnings.push(format!("{count} {what}{plural} in '{url}'"));
        }
        let counters = [
            ("frames_video", sent(0, false)),
            ("frames_audio", sent(1, false)),
            ("packets_video", sent(0, true)),
            ("packets_audio", sent(1, true)),
            ("packets_subtitle", sent(2, true)),
            ("decode_errors", errors),
            ("damaged_frames", damaged),
            ("corrupt_packets", corrupt),
            ("too_large", too_large),
            ("reconnections", self.input.reconnections()),
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

/// What cannot be had of an input that is read once, from its beginning to its end.
/// Packets of a file are sent several at once, which costs less; a step that decodes is work enough, and
/// what is live is not held back.
fn at_once(url: &str, lanes: &[Lane]) -> u64 {
    let is_file = local_path(url).is_some_and(Path::is_file);
    let copies = lanes.iter().all(|lane| matches!(lane, Lane::Copied(_)));
    if is_file && copies { 16 } else { 1 }
}

fn check_once(options: &Options) -> Result<(), ModuleError> {
    let message = match options.rereads() {
        _ if options.durations.len() > 2 => {
            "durations need an input that can be positioned".to_owned()
        }
        Some(key) => format!("{key} needs an input that can be read again"),
        None => return Ok(()),
    };
    Err(ModuleError::new(message).with_hint("set input_path to read a file"))
}

/// Tells how long the output will be, as far as that is known.
fn tell_duration(source: &Source, options: &Options, list: &[Segment], context: &ModuleContext) {
    let once = source.demuxer().duration();
    let length = once.and_then(|once| options.laps(once));
    if let Some(length) = window::length(list, length) {
        context.set_duration(length);
    }
}

fn end(task: &mut Task, port: usize) {
    if let Some(output) = task.outputs_mut().get_mut(port) {
        output.end();
    }
}
