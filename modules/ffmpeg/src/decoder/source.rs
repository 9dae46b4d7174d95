//! The input file: opened, described in messages, positioned. It reads packets and puts them on no
//! time line itself.

use std::ops::RangeInclusive;

use bmf_ffmpeg::{Demuxer, InputConfig, Interrupt, Read, StreamInfo};
use bmf_sdk::hmp::{MediaKind, Timestamp};
use bmf_sdk::prelude::*;

use super::live::{self, Next, Reconnect, Recovery};
use super::options::Options;
use super::pacing::{Clock, SLICE, WallClock};
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
    /// How it was opened, to open it again.
    config: InputConfig,
    /// Which of its options are not the user's.
    added: Vec<&'static str>,
    recovery: Option<Recovery>,
    /// How often the input begins again; `None` for ever.
    laps: Option<u64>,
    /// How often it still does.
    laps_left: Option<u64>,
    /// Whether a packet was read since it began (again).
    has_read: bool,
    clock: WallClock,
    /// What the user should know of lost connections.
    warnings: Vec<String>,
}

/// What ends all waits for inputs when the graph wants to end; one is enough for a node.
pub(crate) fn interrupt_of(context: &ModuleContext) -> Interrupt {
    let interrupt = Interrupt::new();
    let trigger = interrupt.clone();
    context.on_interrupt(move || trigger.trigger());
    interrupt
}

/// What reading gave.
pub(crate) enum Item {
    Packet(bmf_ffmpeg::AvPacket),
    /// A live input has nothing yet, and has been waited for a little.
    Again,
    /// The connection was lost and is made again: the streams begin anew.
    Reopened,
    /// The input has ended and begins again.
    Lap,
    /// The end, or where reading fails, with the reason.
    End(Option<bmf_ffmpeg::Error>),
}

impl Source {
    /// Opens the input that the options name.
    ///
    /// # Errors
    /// If there is no such input, it cannot be read, or it is no media.
    pub(crate) fn open(options: &Options, interrupt: Interrupt) -> Result<Self, ModuleError> {
        let mut config = InputConfig {
            options: options.input_dictionary(),
            interrupt,
            ..InputConfig::default()
        };
        let url = &options.input_path;
        let added = live::add_defaults(url, &mut config.options);
        let demuxer = Demuxer::open(url, &config)?;
        let policy = match demuxer.duration().is_some_and(|length| length > 0) {
            true => None,
            false => options.reconnect.or_else(|| Reconnect::by_default(url)),
        };
        let is_refused = policy.is_none() && options.reconnect.is_some_and(|it| it.attempts > 0);
        let laps = u64::try_from(options.stream_loop).ok();
        let mut source = Self {
            added,
            recovery: policy.map(Recovery::new),
            laps,
            laps_left: laps,
            ..Self::of(demuxer, config, options)
        };
        if is_refused {
            source.warn(format!(
                "reconnect: '{url}' says how long it is, so it is not live and is read once"
            ));
        }
        Ok(source)
    }

    /// Opens what `bytes` give. It can be read once, from beginning to end.
    ///
    /// # Errors
    /// If it is no media.
    pub(crate) fn open_bytes(
        name: &str,
        bytes: impl std::io::Read + Send + 'static,
        options: &Options,
        interrupt: Interrupt,
    ) -> Result<Self, bmf_ffmpeg::Error> {
        let config = InputConfig {
            options: options.input_dictionary(),
            interrupt,
            ..InputConfig::default()
        };
        let demuxer = Demuxer::open_reader(name, bytes, &config)?;
        Ok(Self::of(demuxer, config, options))
    }

    fn of(demuxer: Demuxer, config: InputConfig, options: &Options) -> Self {
        Self {
            start: demuxer.start_time().map_or(0, Timestamp::micros),
            keep_times: options.copyts,
            used: Vec::new(),
            demuxer,
            config,
            added: Vec::new(),
            recovery: None,
            laps: Some(0),
            laps_left: Some(0),
            has_read: false,
            clock: WallClock::new(),
            warnings: Vec::new(),
        }
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

    /// Whether the input begins again when it has ended.
    pub(crate) fn is_repeated(&self) -> bool {
        self.laps != Some(0)
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
        let start = match segment.from.unwrap_or(0) {
            0 => self.start(),
            from => from.saturating_add(self.start),
        };
        Timeline::new(start.saturating_neg(), self.demuxer.may_be_discontinuous())
    }

    /// Where the frames of the whole input begin on its own time line, in microseconds.
    pub(crate) fn start(&self) -> i64 {
        match self.demuxer.may_be_discontinuous() {
            true => self.start.max(self.first_used().unwrap_or(self.start)),
            false => self.start,
        }
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

    /// Goes to a key frame at or before the beginning of a segment. An input that is repeated begins
    /// from its start: how long it is, is known when it was read.
    ///
    /// # Errors
    /// If the input cannot be positioned.
    pub(crate) fn seek(&mut self, segment: &Segment) -> Result<(), ModuleError> {
        self.laps_left = self.laps;
        let from = segment.from.filter(|_| !self.is_repeated());
        let mut target = from.unwrap_or(0).saturating_add(self.start);
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
        if self.recovery.as_ref().is_some_and(Recovery::is_lost) {
            return self.reconnect();
        }
        match self.demuxer.read() {
            Ok(Read::Packet(packet)) => {
                self.has_read = true;
                if let Some(recovery) = &mut self.recovery {
                    recovery.arrived();
                }
                Ok(Item::Packet(packet))
            }
            Ok(Read::Again) => {
                self.clock.wait(SLICE);
                Ok(Item::Again)
            }
            Ok(Read::End) => Ok(self.ended(None)),
            Err(error) if error.is_interrupted() => Err(error.into()),
            Err(error) => Ok(self.ended(Some(error))),
        }
    }

    /// What follows an end: the same input once more, another connection, or nothing.
    fn ended(&mut self, reason: Option<bmf_ffmpeg::Error>) -> Item {
        // What is empty would begin again for ever.
        if self.laps_left != Some(0) && self.has_read && self.rewind() {
            self.has_read = false;
            self.laps_left = self.laps_left.map(|left| left - 1);
            if let Some(reason) = reason {
                self.warn(format!("{reason}; beginning again there"));
            }
            return Item::Lap;
        }
        let Some(recovery) = &mut self.recovery else {
            return Item::End(reason);
        };
        let url = self.demuxer.url();
        let cause = match &reason {
            Some(error) => error.to_string(),
            None => format!("'{url}' was ended by the other side"),
        };
        if recovery.lost() {
            self.warn(format!("{cause}; connecting again"));
            return Item::Again;
        }
        if reason.is_none() {
            self.warn(cause);
        }
        Item::End(reason)
    }

    /// Goes back to the start. It is no error to fail: some inputs have no way back.
    fn rewind(&mut self) -> bool {
        let start = Timestamp::from_micros(self.start);
        let range = RangeInclusive::new(Timestamp::MIN, start);
        match self.demuxer.seek(start, range) {
            Ok(()) => true,
            Err(error) => {
                self.warn(format!("{error}; it cannot begin again"));
                self.laps_left = Some(0);
                false
            }
        }
    }

    /// One more step on the way back to a lost input.
    fn reconnect(&mut self) -> Result<Item, ModuleError> {
        let Some(recovery) = &mut self.recovery else {
            return Ok(Item::End(None));
        };
        if recovery.next() == Next::Wait {
            self.clock.wait(SLICE);
            return Ok(Item::Again);
        }
        let before: Vec<StreamInfo> = self.demuxer.streams().to_vec();
        match self.demuxer.reopen(&self.config) {
            Ok(()) => {
                recovery.regained();
                self.start = self.demuxer.start_time().map_or(0, Timestamp::micros);
                self.check_same(&before)?;
                self.discard_others();
                Ok(Item::Reopened)
            }
            Err(error) if error.is_interrupted() => Err(error.into()),
            Err(_) if recovery.lost() => Ok(Item::Again),
            Err(error) => Ok(Item::End(Some(error))),
        }
    }

    /// After another connection the streams in use must be what they were.
    fn check_same(&self, before: &[StreamInfo]) -> Result<(), ModuleError> {
        for &index in &self.used {
            let codec = |streams: &[StreamInfo]| {
                let stream = streams.get(index)?;
                let codec = stream.parameters.codec_name();
                Some((stream.kind, codec, stream.time_base))
            };
            if codec(before) != codec(self.demuxer.streams()) {
                let url = self.demuxer.url();
                let contents = self.contents();
                return Err(ModuleError::new(format!(
                    "stream {index} of '{url}' is another one since the connection was made again: there is {contents} now"
                )));
            }
        }
        Ok(())
    }

    fn warn(&mut self, warning: String) {
        log::warn!(target: "bmf_module_ffmpeg", "{warning}");
        // An input may be read for years.
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Whether an option was given to the input without the user.
    pub(crate) fn has_added(&self, name: &str) -> bool {
        self.added.contains(&name)
    }

    /// What the user should know of lost connections.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// How often the connection was made again.
    pub(crate) fn reconnections(&self) -> u64 {
        self.recovery.as_ref().map_or(0, Recovery::made)
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
