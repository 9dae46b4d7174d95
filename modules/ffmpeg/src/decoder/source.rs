//! The input file: opened, described in messages, positioned. It reads packets and puts them on no
//! time line itself.

use std::ops::RangeInclusive;

use bmf_ffmpeg::{Demuxer, InputConfig, Interrupt, Read, StreamInfo};
use bmf_sdk::hmp::{MediaKind, Timestamp};
use bmf_sdk::prelude::*;

use super::options::Options;
use super::timeline::Timeline;
use super::window::Segment;

/// Decoding times lie before presentation times by at most this, FFmpeg assumes when it seeks: three
/// frames of 23 per second.
const REORDERING: i64 = 3 * 1_000_000 / 23;

/// An open input.
pub(crate) struct Source {
    demuxer: Demuxer,
    /// Of the container, in microseconds.
    start: i64,
    keep_times: bool,
    /// Streams that are decoded.
    used: Vec<usize>,
}

/// What reading gave.
pub(crate) enum Item {
    Packet(bmf_ffmpeg::AvPacket),
    /// A live input has nothing yet.
    Again,
    /// The end, or where reading fails, with the reason.
    End(Option<bmf_ffmpeg::Error>),
}

impl Source {
    /// Opens the input that the options name.
    ///
    /// # Errors
    /// If there is no such input, it cannot be read, or it is no media.
    pub(crate) fn open(options: &Options, context: &ModuleContext) -> Result<Self, ModuleError> {
        let interrupt = Interrupt::new();
        let trigger = interrupt.clone();
        context.on_interrupt(move || trigger.trigger());
        let config = InputConfig {
            options: options.dictionary(),
            interrupt,
            ..InputConfig::default()
        };
        let demuxer = Demuxer::open(&options.input_path, &config)?;
        Ok(Self {
            start: demuxer.start_time().map_or(0, Timestamp::micros),
            keep_times: options.copyts,
            used: Vec::new(),
            demuxer,
        })
    }

    /// The container, for what it knows.
    pub(crate) fn demuxer(&self) -> &Demuxer {
        &self.demuxer
    }

    /// Chooses the stream of a kind: `wanted`, or the best one. `None` if there is none.
    ///
    /// # Errors
    /// If the one wanted does not exist or is of another kind.
    pub(crate) fn choose(
        &mut self,
        kind: MediaKind,
        wanted: Option<usize>,
    ) -> Result<Option<StreamInfo>, ModuleError> {
        let related = self.used.first().copied();
        let Some(index) = self.demuxer.best_stream(kind, wanted, related)? else {
            return Ok(None);
        };
        self.used.push(index);
        Ok(self.demuxer.streams().get(index).cloned())
    }

    /// Reads no stream but the chosen ones from now on.
    pub(crate) fn discard_others(&mut self) {
        for index in 0..self.demuxer.streams().len() {
            self.demuxer.set_discard(index, !self.used.contains(&index));
        }
    }

    /// Whether frames keep the container's times.
    pub(crate) fn keeps_times(&self) -> bool {
        self.keep_times
    }

    /// Where a segment begins on the frames' time line, in microseconds.
    pub(crate) fn origin(&self, segment: &Segment) -> i64 {
        match self.keep_times {
            true => segment.from.unwrap_or(0).saturating_add(self.start),
            false => 0,
        }
    }

    /// The time line for packets of a segment.
    pub(crate) fn timeline(&self, segment: &Segment) -> Timeline {
        if self.keep_times {
            return Timeline::untouched();
        }
        let may_jump = self.demuxer.may_be_discontinuous();
        let start = match segment.from.unwrap_or(0) {
            0 if may_jump => self.start.max(self.first_used().unwrap_or(self.start)),
            from => from.saturating_add(self.start),
        };
        Timeline::new(start.saturating_neg(), may_jump)
    }

    /// The container's start may be that of a stream which is not decoded.
    fn first_used(&self) -> Option<i64> {
        let streams = self
            .used
            .iter()
            .filter_map(|&index| self.demuxer.streams().get(index));
        let starts = streams
            .filter_map(|stream| Timestamp::from_ticks(stream.start_time?, stream.time_base));
        starts.map(Timestamp::micros).min()
    }

    /// Goes to a key frame at or before the beginning of a segment.
    ///
    /// # Errors
    /// If the input cannot be positioned.
    pub(crate) fn seek(&mut self, segment: &Segment) -> Result<(), ModuleError> {
        let mut target = segment.from.unwrap_or(0).saturating_add(self.start);
        let is_reordered = |stream: &StreamInfo| stream.parameters.video_delay() > 0;
        if !self.demuxer.seeks_to_pts() && self.demuxer.streams().iter().any(is_reordered) {
            target = target.saturating_sub(REORDERING);
        }
        let target = Timestamp::from_micros(target);
        // Where FFmpeg goes depends on which streams it may choose from; the command discards none
        // at that time.
        for index in 0..self.demuxer.streams().len() {
            self.demuxer.set_discard(index, false);
        }
        let sought = self
            .demuxer
            .seek(target, RangeInclusive::new(Timestamp::MIN, target));
        self.discard_others();
        Ok(sought?)
    }

    /// The next packet of any stream.
    ///
    /// # Errors
    /// If the graph is ending. A failing read is the end of the input instead.
    pub(crate) fn read(&mut self) -> Result<Item, ModuleError> {
        match self.demuxer.read() {
            Ok(Read::Packet(packet)) => Ok(Item::Packet(packet)),
            Ok(Read::Again) => Ok(Item::Again),
            Ok(Read::End) => Ok(Item::End(None)),
            Err(error) if error.is_interrupted() => Err(error.into()),
            Err(error) => Ok(Item::End(Some(error))),
        }
    }

    /// What is in the input, for messages: `0: video h264, 1: audio aac`.
    pub(crate) fn contents(&self) -> String {
        let streams = self.demuxer.streams().iter().map(|stream| {
            let kind = format!("{:?}", stream.kind).to_lowercase();
            format!(
                "{}: {kind} {}",
                stream.index,
                stream.parameters.codec_name()
            )
        });
        let streams: Vec<String> = streams.collect();
        match streams.is_empty() {
            true => "nothing".to_owned(),
            false => streams.join(", "),
        }
    }
}
