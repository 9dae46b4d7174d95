//! From the decoder's sound to packets: timestamps exact to the sample, window, channel layout.

use bmf_ffmpeg::{AudioClock, AvFrame, audio_from_av};
use bmf_sdk::hmp::{AudioFormat, AudioFrame, ChannelLayout, TimeBase};
use bmf_sdk::prelude::*;

use super::picture::out_of_range;
use super::stream::Made;
use super::tags::Tags;
use super::timeline::Times;
use super::window::{Cut, Place, Segment};

/// What makes packets of one stream's sound.
pub(crate) struct Sound {
    clock: AudioClock,
    /// The unit of the packets' times.
    time_base: TimeBase,
    segment: Segment,
    origin: i64,
    /// In samples; made when the first frame tells the sample rate.
    cut: Option<Cut>,
    /// What is said with every frame.
    tags: Tags,
}

impl Sound {
    /// `origin` is where the segment begins on the frames' time line, in microseconds.
    pub(crate) fn new(time_base: TimeBase, segment: Segment, origin: i64, tags: Tags) -> Self {
        Self {
            clock: AudioClock::new(),
            time_base,
            segment,
            origin,
            cut: None,
            tags,
        }
    }

    /// What is said with every frame.
    pub(crate) fn tags(&mut self) -> &mut Tags {
        &mut self.tags
    }

    /// The packet of a frame. `packet` has the times of the packet just decoded, for its first
    /// frame only; `running` is where decoding stands, in microseconds, for frames that do not say.
    ///
    /// # Errors
    /// If the sound is in a format that frames cannot have.
    pub(crate) fn make(
        &mut self,
        frame: AvFrame,
        packet: Option<Times>,
        running: i64,
    ) -> Result<Made, ModuleError> {
        let samples = frame.samples();
        let unit = i32::try_from(frame.sample_rate())
            .ok()
            .and_then(|rate| TimeBase::new(1, rate));
        let Some(unit) = unit.filter(|_| samples > 0) else {
            return Ok(Made::Nothing);
        };
        let pts = self.stamp(&frame, packet, running);
        let range = match self.cut(unit).sound(pts, samples) {
            Place::Before => return Ok(Made::Nothing),
            Place::After => return Ok(Made::End),
            Place::Inside(range, pts) => (range, pts),
        };
        let (range, pts) = range;
        let is_damaged = frame.is_damaged();
        let decoded_at = frame.pts();
        let mut frame = with_layout(audio_from_av(frame, unit)?)?;
        if range != (0..samples) {
            frame = frame.slice(range)?;
        }
        frame.pts = Some(pts);
        frame.duration = i64::try_from(frame.samples()).unwrap_or(0);
        if let Some(decoded_at) = decoded_at {
            self.tags
                .put(&mut frame.metadata, decoded_at, self.time_base);
        }
        let timestamp = frame.timestamp().ok_or_else(out_of_range)?;
        Ok(Made::Packet {
            packet: Packet::new(timestamp, frame),
            is_damaged,
        })
    }

    /// When a frame begins, in samples.
    fn stamp(&mut self, frame: &AvFrame, packet: Option<Times>, running: i64) -> i64 {
        let own = frame.pts().or(packet.and_then(|packet| packet.pts));
        let (time, unit) = match own {
            Some(pts) => (pts, self.time_base),
            None => (running, TimeBase::MICROS),
        };
        if let Some(packet) = packet {
            self.clock.packet(packet.pts, packet.duration);
        }
        let stamp = self
            .clock
            .stamp(time, unit, frame.samples(), frame.sample_rate());
        stamp.or(self.clock.end()).unwrap_or(0)
    }

    fn cut(&mut self, unit: TimeBase) -> &mut Cut {
        let cut = match self.cut.take() {
            Some(cut) if cut.time_base() == unit => cut,
            // The sample rate has changed within the stream.
            Some(cut) => cut.in_time_base(&self.segment, self.origin, unit),
            None => Cut::new(&self.segment, self.origin, unit),
        };
        self.cut.insert(cut)
    }
}

/// Many containers tell only how many channels there are; they mean the usual ones.
fn with_layout(frame: AudioFrame) -> Result<AudioFrame, ModuleError> {
    let layout = frame.layout();
    let usual = ChannelLayout::default_for(layout.channels()).filter(|_| layout.mask().is_none());
    let Some(usual) = usual.filter(|usual| usual.mask().is_some()) else {
        return Ok(frame);
    };
    let format = AudioFormat {
        layout: usual,
        ..frame.format()
    };
    let planes = frame.planes().iter().cloned();
    let mut named = AudioFrame::from_planes(format, frame.samples(), planes)?;
    named.copy_properties(&frame);
    Ok(named)
}
