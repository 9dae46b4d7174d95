//! One stream that is passed on without decoding: which of its packets, and at which times. The rules
//! are those of `ffmpeg -c copy` for its input options `-ss`, `-t` and `-to`: a stretch begins with
//! the key frame that seeking found, at a time before zero if need be, and ends by decoding time.
//! What the command's muxers change in packets is the encoder's part.

use std::sync::Arc;

use bmf_ffmpeg::{
    AvPacket, EncodedStream, StreamConfig, StreamInfo, format_from_av, packet_from_av,
};
use bmf_sdk::hmp::{Buffer, EncodedFormat, EncodedPacket, MediaKind, TimeBase};
use bmf_sdk::prelude::*;

use super::stream::Counts;
use super::timeline::{Timeline, Times, Track};
use super::window::{Segment, Until};

/// A stream passed on as it is.
pub(crate) struct Copied {
    port: usize,
    info: StreamInfo,
    format: Arc<EncodedFormat>,
    track: Track,
    limit: Option<u64>,
    /// Where the segment goes, and where it ends, in microseconds.
    placed_at: i64,
    end: Option<i64>,
    /// Whether a packet of the current segment was sent; the first one must be a key frame.
    has_begun: bool,
    is_first_packet: bool,
    is_past: bool,
    /// Before this, in microseconds, lies what was sent already; `None` where nothing was.
    floor: Option<i64>,
    /// Of the packet sent last; what streams go by never goes back.
    last: Option<Timestamp>,
    counts: Counts,
}

impl Copied {
    /// A stream at the beginning of `segment`, which is at `origin` microseconds on the time line
    /// of its packets. Nothing is sent before `floor`.
    pub(crate) fn new(
        (port, info): &(usize, StreamInfo),
        limit: Option<u64>,
        segment: &Segment,
        origin: i64,
        floor: Option<i64>,
    ) -> Self {
        Self {
            port: *port,
            format: Arc::new(describe(info)),
            track: track_of(info),
            limit,
            placed_at: segment.placed_at,
            end: end_of(segment, origin),
            has_begun: false,
            is_first_packet: true,
            is_past: false,
            floor,
            last: None,
            counts: Counts::default(),
            info: info.clone(),
        }
    }

    pub(crate) fn port(&self) -> usize {
        self.port
    }

    pub(crate) fn index(&self) -> usize {
        self.info.index
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Where what was sent ends, in microseconds of decoding time.
    pub(crate) fn floor(&self) -> Option<i64> {
        self.floor
    }

    /// Whether its limit of packets is reached.
    pub(crate) fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.counts.sent >= limit)
    }

    /// Whether packets of the current segment are still of use.
    pub(crate) fn wants_more(&self) -> bool {
        !self.is_past && !self.is_full()
    }

    /// Gets ready for another segment, whose packets come next.
    pub(crate) fn restart(&mut self, segment: &Segment, origin: i64) {
        self.track = track_of(&self.info);
        self.placed_at = segment.placed_at;
        self.end = end_of(segment, origin);
        self.is_first_packet = true;
        self.has_begun = false;
        self.is_past = false;
    }

    /// Where it stands on the time line.
    pub(crate) fn track(&self) -> &Track {
        &self.track
    }

    /// The input was opened again, and the stream is described by `info` now.
    pub(crate) fn renew(&mut self, info: &StreamInfo) {
        self.format = Arc::new(describe(info));
        self.info = info.clone();
        self.track.rejoin();
        self.has_begun = false;
    }

    /// Forgets what was sent: what comes next is from another position.
    pub(crate) fn forget(&mut self) {
        (self.floor, self.last) = (None, None);
    }

    /// Wants nothing more of the current segment.
    pub(crate) fn skip(&mut self) {
        self.is_past = true;
    }

    /// Tells what the stream is, with a packet without data, so that nobody has to wait for its first
    /// words to know.
    pub(crate) fn announce(&mut self, output: &mut TaskOutput) {
        let is_first = self.last.is_none() && self.floor.is_none();
        if self.info.kind != MediaKind::Subtitle || !is_first || !output.is_open() {
            return;
        }
        let nothing = Buffer::default();
        let mut packet = EncodedPacket::new(nothing, self.info.kind, self.info.time_base);
        packet.stream_index = self.info.index as u32;
        packet.format = Some(Arc::clone(&self.format));
        let time = Timestamp::from_micros(self.placed_at);
        self.last = Some(time);
        output.push(Packet::new(time, packet));
    }

    /// Passes a packet on, if it is wanted. `moved` is how far earlier joints have moved all
    /// streams; the first packet of a segment may move them further.
    ///
    /// # Errors
    /// If its time cannot be told.
    pub(crate) fn feed(
        &mut self,
        mut packet: AvPacket,
        timeline: &mut Timeline,
        moved: &mut i64,
        output: &mut TaskOutput,
    ) -> Result<(), ModuleError> {
        let mut times = Times {
            pts: packet.pts(),
            dts: packet.dts(),
            duration: packet.duration(),
        };
        timeline.place(&mut self.track, &mut times);
        let running = self.advance(&times);
        if !self.wants_more() || !output.is_open() {
            return Ok(());
        }
        self.counts.packets += 1;
        self.counts.corrupt_packets += u64::from(packet.is_corrupt());
        if !self.has_begun && !packet.is_key() {
            return Ok(());
        }
        if self.end.is_some_and(|end| running >= end) {
            self.is_past = true;
            return Ok(());
        }
        let shift = self.join(running, moved);
        self.has_begun = true;
        let dts = times.dts.unwrap_or_else(|| self.ticks(running));
        let pts = match (self.info.kind, times.dts) {
            // Sound is shown when it is decoded.
            (MediaKind::Audio, Some(dts)) => Some(dts),
            _ => times.pts,
        };
        let shift = self.ticks(shift);
        packet.set_dts(dts.checked_add(shift));
        packet.set_pts(pts.and_then(|pts| pts.checked_add(shift)));
        self.send(packet, output)
    }

    /// Where the packet stands, in microseconds; what comes next is expected behind it.
    fn advance(&mut self, times: &Times) -> i64 {
        let parameters = &self.info.parameters;
        let mut running = self.track.running();
        if std::mem::take(&mut self.is_first_packet) && times.dts.is_none() {
            let lead = self.picture().unwrap_or(0) * i64::from(parameters.video_delay());
            let begin = times.pts.and_then(|pts| self.micros(pts)).unwrap_or(0);
            running = running.saturating_add(begin).saturating_sub(lead);
        }
        let said = || self.micros(times.duration).filter(|&length| length > 0);
        let length = match self.info.kind {
            MediaKind::Video => said().or(self.picture()),
            MediaKind::Audio => match i64::from(parameters.sample_rate()) {
                0 => said(),
                rate => Some(i64::from(parameters.frame_size()) * 1_000_000 / rate),
            },
            MediaKind::Subtitle | MediaKind::Data => None,
        };
        self.track.passed(running, length.unwrap_or(0));
        running
    }

    /// By how much packets are shifted, in microseconds. A stretch that begins before what was sent
    /// (with the key frame that its first picture needs) moves all that follows, of all streams.
    fn join(&self, running: i64, moved: &mut i64) -> i64 {
        let shift = self.placed_at.saturating_add(*moved);
        let begin = running.saturating_add(shift);
        let late = self.floor.map_or(0, |floor| floor.saturating_sub(begin));
        if self.has_begun || late <= 0 {
            return shift;
        }
        *moved = moved.saturating_add(late);
        shift.saturating_add(late)
    }

    fn send(&mut self, packet: AvPacket, output: &mut TaskOutput) -> Result<(), ModuleError> {
        let unit = self.info.time_base;
        let mut packet = packet_from_av(packet, self.info.kind, unit);
        packet.format = Some(Arc::clone(&self.format));
        let dts = packet.dts.and_then(|dts| Timestamp::from_ticks(dts, unit));
        let timestamp = dts.ok_or_else(super::picture::out_of_range)?;
        let timestamp = self.last.map_or(timestamp, |last| last.max(timestamp));
        self.last = Some(timestamp);
        let length = self.micros(packet.duration).unwrap_or(0);
        self.floor = timestamp.checked_add(length).map(Timestamp::micros);
        self.counts.sent += 1;
        self.counts.end = self.counts.end.max(end_of_packet(&packet));
        output.push(Packet::new(timestamp, packet));
        Ok(())
    }

    /// How long a picture is, in microseconds, as far as the container says.
    fn picture(&self) -> Option<i64> {
        let rate = self.info.average_frame_rate?;
        Some(1_000_000 * i64::from(rate.den) / i64::from(rate.num.max(1)))
    }

    fn micros(&self, ticks: i64) -> Option<i64> {
        self.info.time_base.rescale(ticks, TimeBase::MICROS)
    }

    fn ticks(&self, micros: i64) -> i64 {
        let unit = self.info.time_base;
        TimeBase::MICROS.rescale(micros, unit).unwrap_or(0)
    }
}

fn track_of(info: &StreamInfo) -> Track {
    Track::sound(info.time_base).at_rate(info.average_frame_rate)
}

/// Where the packets of a segment end on their time line, in microseconds.
fn end_of(segment: &Segment, origin: i64) -> Option<i64> {
    match segment.until {
        Until::End => None,
        Until::Lasting(length) | Until::Exactly(length) => Some(origin.saturating_add(length)),
    }
}

/// What a muxer, or another decoder, must know of the stream.
fn describe(info: &StreamInfo) -> EncodedFormat {
    format_from_av(EncodedStream {
        parameters: info.parameters.clone(),
        config: StreamConfig::of_input(info),
    })
}

/// When what is in a packet ends, in microseconds.
pub(crate) fn end_of_packet(packet: &EncodedPacket) -> Option<i64> {
    let time = packet.pts.or(packet.dts)?;
    let end = time.checked_add(packet.duration.max(0))?;
    packet.time_base.rescale(end, TimeBase::MICROS)
}
