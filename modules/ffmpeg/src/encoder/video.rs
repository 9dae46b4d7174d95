//! Pictures: converted, paced, encoded.

use bmf_ffmpeg::{
    AvFrame, Encoder, EncoderInput, Fed, FrameRateMode, FrameSync, Plan, Pulled, StreamConfig,
    VideoParams, encoder_ticks, frame_ticks, video_to_av,
};
use bmf_sdk::hmp::{Rational, TimeBase, Timestamp, VideoFrame};
use bmf_sdk::prelude::*;

use super::coder;
use super::converter::Converter;
use super::output::{Output, VIDEO};
use super::settings::PictureSettings;
use super::span::Span;
use crate::media::STARTS_ALONE;

/// The pictures of an output.
pub(super) struct VideoTrack {
    settings: PictureSettings,
    converter: Converter,
    coder: Option<Coder>,
    /// The last picture that arrived, for repeating.
    previous: Option<AvFrame>,
    frames_in: u64,
    frames_out: u64,
    span: Span,
}

/// An open encoder and its clock.
struct Coder {
    encoder: Encoder,
    sync: FrameSync,
    rate: Rational,
    unit: TimeBase,
    /// Time of the next picture, in `unit`.
    next: i64,
}

impl VideoTrack {
    pub(super) fn new(settings: PictureSettings) -> Self {
        Self {
            converter: Converter::new(settings.size, settings.formats.clone()),
            settings,
            coder: None,
            previous: None,
            frames_in: 0,
            frames_out: 0,
            span: Span::default(),
        }
    }

    /// Whether no picture is wanted any more.
    pub(super) fn is_full(&self) -> bool {
        self.frames_out >= self.settings.at_most
    }

    /// Takes a picture; `origin` is the time, in microseconds, at which the output begins.
    pub(super) fn frame(
        &mut self,
        frame: VideoFrame,
        origin: i64,
        output: &mut Output,
    ) -> Result<(), ModuleError> {
        self.frames_in += 1;
        let unit = self.settings.in_time_base.unwrap_or(frame.time_base);
        let (pts, duration, rate) = (frame.pts, frame.duration, frame.frame_rate);
        let starts_alone = frame
            .metadata
            .as_ref()
            .is_some_and(|metadata| metadata.contains_key(STARTS_ALONE));
        let picture = self.converter.convert(video_to_av(frame)?, unit, rate)?;
        if self.coder.is_none() {
            self.coder = Some(self.open(&picture, rate, starts_alone, output)?);
        }
        let Some(coder) = &mut self.coder else {
            return Ok(());
        };
        let start = pts.and_then(|pts| encoder_ticks(pts, unit, coder.unit, origin));
        let plan = coder.sync.frame(
            start.unwrap_or(f64::NAN),
            coder.length(duration, unit, rate),
        );
        self.give(plan, Some(picture), output)
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, output: &mut Output) -> Result<(), ModuleError> {
        let Some(coder) = &mut self.coder else {
            return output.give_up(VIDEO);
        };
        let plan = coder.sync.finish();
        self.give(plan, None, output)?;
        let lacking = self
            .settings
            .at_least
            .min(self.settings.at_most)
            .saturating_sub(self.frames_out);
        self.repeat_previous(lacking, output)?;
        self.previous = None;
        let Some(coder) = &mut self.coder else {
            return Ok(());
        };
        let _: Fed = coder.encoder.finish()?;
        coder.drain(output)
    }

    /// Encodes what the pacing wants of the previous picture and of a new one.
    fn give(
        &mut self,
        plan: Plan,
        new: Option<AvFrame>,
        output: &mut Output,
    ) -> Result<(), ModuleError> {
        if let Some(coder) = &mut self.coder
            && plan.repeat_previous + plan.emit > 0
        {
            coder.next = plan.pts;
        }
        self.repeat_previous(plan.repeat_previous, output)?;
        if new.is_some() {
            self.previous = new;
            self.repeat_previous(plan.emit, output)?;
        }
        Ok(())
    }

    fn repeat_previous(&mut self, times: u64, output: &mut Output) -> Result<(), ModuleError> {
        let (Some(coder), Some(picture)) = (&mut self.coder, &mut self.previous) else {
            return Ok(());
        };
        for _ in 0..times.min(self.settings.at_most - self.frames_out) {
            coder.encode(picture, output)?;
            self.frames_out += 1;
            self.span.add(coder.next - 1, coder.next, coder.unit);
        }
        Ok(())
    }

    /// Opens the encoder for pictures like `frame`.
    fn open(
        &self,
        frame: &AvFrame,
        rate: Option<Rational>,
        starts_alone: bool,
        output: &mut Output,
    ) -> Result<Coder, ModuleError> {
        let rate = self.rate(rate);
        let unit = TimeBase::new(rate.den, rate.num)
            .ok_or_else(|| ModuleError::new(format!("a frame rate of {rate} cannot be encoded")))?;
        let pix_fmt = frame
            .pix_fmt()
            .ok_or_else(|| ModuleError::new("the picture has no pixel format"))?;
        let sample_aspect_ratio = frame.sample_aspect_ratio();
        let input = EncoderInput::Video(VideoParams {
            width: frame.width(),
            height: frame.height(),
            pix_fmt,
            sample_aspect_ratio,
            frame_rate: Some(rate),
            color: frame.color(),
            top_field_first: frame.is_interlaced().then(|| frame.is_top_field_first()),
        });
        let encoder = coder::open(&self.settings.encoder, &self.settings.common, input, unit)
            .inspect_err(|_| output.refuse())?;
        let mut stream = StreamConfig::new(unit);
        stream.frame_rate = Some(rate);
        stream.sample_aspect_ratio = Some(sample_aspect_ratio);
        stream.tag = self.settings.common.tag;
        output.announce(VIDEO, encoder.parameters(), stream)?;
        let mode = match starts_alone {
            true => self.settings.mode_alone,
            false => self.settings.mode,
        };
        Ok(Coder {
            encoder,
            sync: FrameSync::new(mode),
            rate,
            unit,
            next: 0,
        })
    }

    /// The rate to encode at, for frames that say theirs.
    fn rate(&self, frames: Option<Rational>) -> Rational {
        let settings = &self.settings;
        let mut rate = settings.rate.or(frames).unwrap_or(Rational::new(25, 1));
        if let (None, Some(most)) = (settings.rate, settings.max_rate)
            && rate.as_f64() > most.as_f64()
        {
            rate = most;
        }
        let distance = |other: &&Rational| (other.as_f64() - rate.as_f64()).abs();
        let mut nearest = settings.encoder.frame_rates.iter();
        if let Some(first) = nearest.next() {
            rate = *nearest.fold(first, |best, other| {
                if distance(&other) < distance(&best) {
                    other
                } else {
                    best
                }
            });
        }
        match settings.encoder.codec.as_str() {
            // MPEG-4 stores the rate in 16 bits.
            "mpeg4" if rate.num > 65_535 || rate.den > 65_535 => {
                Rational::approximate(rate.as_f64(), 65_535).unwrap_or(rate)
            }
            _ => rate,
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.coder.is_some()
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// `h264 1280x720 25 fps 300 frames`; `None` if nothing was encoded.
    pub(super) fn summary(&self) -> Option<String> {
        let coder = self.coder.as_ref()?;
        let parameters = coder.encoder.parameters();
        let rate = match coder.rate.reduced() {
            Rational { num, den: 1 } => num.to_string(),
            rate => format!("{:.2}", rate.as_f64()),
        };
        let (codec, frames) = (&self.settings.encoder.codec, self.frames_out);
        Some(format!(
            "{codec} {}x{} {rate} fps {frames} frames",
            parameters.width(),
            parameters.height()
        ))
    }

    /// Frames in, out, dropped and duplicated.
    pub(super) fn counts(&self) -> [u64; 4] {
        let sync = self
            .coder
            .as_ref()
            .map(|coder| (coder.sync.dropped(), coder.sync.duplicated()));
        let (dropped, duplicated) = sync.unwrap_or_default();
        [self.frames_in, self.frames_out, dropped, duplicated]
    }
}

impl Coder {
    /// How long a picture lasts, in ticks of the encoder: what it says itself, in whole ticks, else
    /// what its rate says, but at most one tick.
    fn length(&self, duration: i64, unit: TimeBase, rate: Option<Rational>) -> f64 {
        let own = (duration as f64 * unit.as_f64() / self.unit.as_f64()).round_ties_even();
        if own > 0.0 {
            own
        } else {
            frame_ticks(rate, self.unit).min(1.0)
        }
    }

    fn encode(&mut self, picture: &mut AvFrame, output: &mut Output) -> Result<(), ModuleError> {
        picture.set_pts(Some(self.next));
        picture.set_time_base(self.unit);
        self.next += 1;
        while self.encoder.send(picture, false)? == Fed::Full {
            self.drain(output)?;
        }
        self.drain(output)
    }

    fn drain(&mut self, output: &mut Output) -> Result<(), ModuleError> {
        while let Pulled::Ready(mut packet) = self.encoder.receive()? {
            match self.sync.mode() {
                FrameRateMode::Constant | FrameRateMode::ConstantFromFirst => {
                    packet.set_duration(1)
                }
                FrameRateMode::DropTimestamps => {
                    packet.set_pts(None);
                    packet.set_dts(None);
                }
                FrameRateMode::Variable | FrameRateMode::Passthrough => {}
            }
            output.packet(VIDEO, packet, self.unit)?;
        }
        Ok(())
    }
}

/// The time of a packet of pictures, as its frame says it.
pub(super) fn start_of(packet: &Packet) -> Option<Timestamp> {
    packet.get::<VideoFrame>()?.timestamp()
}
