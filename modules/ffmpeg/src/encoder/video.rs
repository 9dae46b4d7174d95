//! Pictures: converted, paced, encoded.

use bmf_ffmpeg::{
    AvFrame, Encoder, EncoderInput, Fed, FrameRateMode, FrameSync, Plan, Pulled, SideData,
    StreamConfig, Uploader, VideoParams, encoder_ticks, frame_ticks, video_to_av,
};
use bmf_sdk::hmp::{Rational, TimeBase, Timestamp, VideoFrame};
use bmf_sdk::prelude::*;

use super::coder::{self, Extras};
use super::converter::Converter;
use super::frame_log::FrameLog;
use super::key_frames::{KeyFrames, Segments};
use super::output::{Output, VIDEO};
use super::passes::{PassLog, Passes};
use super::quality::Quality;
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
    segments: Segments,
    frame_log: Option<FrameLog>,
    frames_in: u64,
    frames_out: u64,
    span: Span,
}

/// An open encoder and its clock.
struct Coder {
    /// `None`: pictures leave as they are.
    maker: Option<Box<Maker>>,
    sync: FrameSync,
    rate: Rational,
    unit: TimeBase,
    /// Time of the next picture, in `unit`.
    next: i64,
    key_frames: KeyFrames,
    /// Whether the next picture encoded must be a key frame.
    must_be_key: bool,
}

/// What makes packets of pictures.
struct Maker {
    encoder: Encoder,
    uploader: Option<Uploader>,
    log: Option<PassLog>,
    quality: Quality,
}

impl VideoTrack {
    /// `frame_log` notes what becomes of each picture.
    pub(super) fn new(settings: PictureSettings, frame_log: Option<FrameLog>) -> Self {
        Self {
            converter: Converter::new(settings.size, settings.formats.clone()),
            settings,
            coder: None,
            previous: None,
            segments: Segments::default(),
            frame_log,
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
        let unit = self.settings.in_time_base.unwrap_or(frame.time_base);
        let (pts, duration, rate) = (frame.pts, frame.duration, frame.frame_rate);
        let note = |key: &str| frame.metadata.as_ref().and_then(|notes| notes.get(key));
        let starts_alone = note(STARTS_ALONE).is_some();
        let begins_segment = self.segments.begins(note("sn").map(String::as_str));
        let number = note("inputFrmOrder").cloned();
        let number = number.unwrap_or_else(|| self.frames_in.to_string());
        self.frames_in += 1;
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
        self.begin(&plan);
        self.repeat_previous(plan.repeat_previous, true, output)?;
        if let Some(coder) = &mut self.coder {
            coder.must_be_key |= begins_segment;
        }
        if let Some(log) = &mut self.frame_log {
            log.begin(number)?;
        }
        self.previous = Some(picture);
        self.repeat_previous(plan.emit, plan.repeat_previous == 0, output)
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, output: &mut Output) -> Result<(), ModuleError> {
        let Some(coder) = &mut self.coder else {
            return output.give_up(VIDEO);
        };
        let plan = coder.sync.finish();
        self.begin(&plan);
        self.repeat_previous(plan.repeat_previous, true, output)?;
        let lacking = self
            .settings
            .at_least
            .min(self.settings.at_most)
            .saturating_sub(self.frames_out);
        self.repeat_previous(lacking, false, output)?;
        self.previous = None;
        if let Some(log) = &mut self.frame_log {
            log.finish()?;
        }
        let Some(coder) = &mut self.coder else {
            return Ok(());
        };
        coder.finish(output)
    }

    /// Lets time go on to what the pacing wants.
    fn begin(&mut self, plan: &Plan) {
        if let Some(coder) = &mut self.coder
            && plan.repeat_previous + plan.emit > 0
        {
            coder.next = plan.pts;
        }
    }

    /// Encodes the last picture so often. `is_first` is whether it is the first that is encoded since
    /// a picture came.
    fn repeat_previous(
        &mut self,
        times: u64,
        is_first: bool,
        output: &mut Output,
    ) -> Result<(), ModuleError> {
        let (Some(coder), Some(picture)) = (&mut self.coder, &mut self.previous) else {
            return Ok(());
        };
        let times = times.min(self.settings.at_most - self.frames_out);
        for index in 0..times {
            let is_key = is_first && index == 0 && picture.is_key_frame();
            coder.encode(picture, is_key, output)?;
            self.frames_out += 1;
            self.span.add(coder.next - 1, coder.next, coder.unit);
        }
        if let Some(log) = &mut self.frame_log {
            log.count(times);
        }
        Ok(())
    }

    /// Makes ready for pictures like `frame`.
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
        let maker = match output.takes_frames() {
            true => None,
            false => Some(Box::new(self.open_encoder(frame, rate, unit, output)?)),
        };
        let mode = match starts_alone {
            true => self.settings.mode_alone,
            false => self.settings.mode,
        };
        Ok(Coder {
            maker,
            sync: FrameSync::new(mode),
            rate,
            unit,
            next: 0,
            key_frames: KeyFrames::new(&self.settings.key_frames, unit)?,
            must_be_key: false,
        })
    }

    fn open_encoder(
        &self,
        frame: &AvFrame,
        rate: Rational,
        unit: TimeBase,
        output: &mut Output,
    ) -> Result<Maker, ModuleError> {
        let settings = &self.settings;
        let uploader = self.open_uploader(frame).inspect_err(|_| output.refuse())?;
        let pix_fmt = uploader.as_ref().map(Uploader::format).or(frame.pix_fmt());
        let pix_fmt = pix_fmt.ok_or_else(|| ModuleError::new("the picture has no pixel format"))?;
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
        let passes = settings.passes.as_ref();
        let extras = Extras {
            notes: passes.map(Passes::notes).transpose()?.flatten(),
            uploader: uploader.as_ref(),
        };
        let encoder = coder::open(&settings.encoder, &settings.common, input, unit, extras)
            .inspect_err(|_| output.refuse())?;
        // Before the output begins, so that none is replaced if the notes cannot be written.
        let log = passes.map(Passes::log).transpose()?.flatten();
        let mut stream = StreamConfig::new(unit);
        stream.frame_rate = Some(rate);
        stream.sample_aspect_ratio = Some(sample_aspect_ratio);
        stream.side_data = SideData::of_frame(frame);
        stream.tag = settings.common.tag;
        settings.common.tags.apply(&mut stream);
        output.announce(VIDEO, encoder.parameters(), stream)?;
        Ok(Maker {
            encoder,
            uploader,
            log,
            quality: Quality::default(),
        })
    }

    /// The device, if the encoder takes pictures only there.
    fn open_uploader(&self, frame: &AvFrame) -> Result<Option<Uploader>, ModuleError> {
        let (Some((format, device)), Some(from)) = (&self.settings.device, frame.pix_fmt()) else {
            return Ok(None);
        };
        let size = (frame.width(), frame.height());
        let uploader = Uploader::open(*format, from, size, device.as_deref());
        uploader.map(Some).map_err(|error| {
            let encoder = &self.settings.encoder.name;
            ModuleError::new(format!("cannot encode with {encoder}: {error}"))
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
        let parameters = coder.maker.as_ref()?.encoder.parameters();
        let rate = match coder.rate.reduced() {
            Rational { num, den: 1 } => num.to_string(),
            rate => format!("{:.2}", rate.as_f64()),
        };
        let (codec, frames) = (&self.settings.encoder.codec, self.frames_out);
        let (width, height) = (parameters.width(), parameters.height());
        let quality = self.quality().map_or_else(String::new, |(planes, all)| {
            let planes: Vec<String> = planes.iter().map(|plane| format!("{plane:.2}")).collect();
            format!(" psnr {all:.2} dB ({})", planes.join(", "))
        });
        Some(format!(
            "{codec} {width}x{height} {rate} fps {frames} frames{quality}"
        ))
    }

    /// The signal-to-noise ratio in decibels, of each plane and of all, if the encoder measures it.
    pub(super) fn quality(&self) -> Option<(Vec<f64>, f64)> {
        let maker = self.coder.as_ref()?.maker.as_ref()?;
        let parameters = maker.encoder.parameters();
        maker.quality.decibels(
            parameters.width(),
            parameters.height(),
            parameters.pix_fmt()?,
        )
    }

    /// The encoder, if it was asked to measure its pictures and has not.
    pub(super) fn does_not_measure(&self) -> Option<&str> {
        let is_asked = self.settings.measures && self.frames_out > 0;
        (is_asked && self.quality().is_none()).then_some(&self.settings.encoder.name)
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

    /// `is_key` is whether the source had a key frame there.
    fn encode(
        &mut self,
        picture: &mut AvFrame,
        is_key: bool,
        output: &mut Output,
    ) -> Result<(), ModuleError> {
        let is_forced = self.key_frames.is_forced(self.next, is_key);
        let is_forced = std::mem::take(&mut self.must_be_key) || is_forced;
        picture.set_pts(Some(self.next));
        picture.set_time_base(self.unit);
        self.next += 1;
        let Some(maker) = &self.maker else {
            return output.frame(VIDEO, picture.share()?, self.unit, Some(self.rate));
        };
        let upload = |uploader: &Uploader| uploader.upload(picture);
        let mut on_device = maker.uploader.as_ref().map(upload).transpose()?;
        let picture = on_device.as_mut().unwrap_or(picture);
        while let Some(maker) = &mut self.maker
            && maker.encoder.send(picture, is_forced)? == Fed::Full
        {
            self.drain(output)?;
        }
        self.drain(output)
    }

    fn finish(&mut self, output: &mut Output) -> Result<(), ModuleError> {
        if let Some(maker) = &mut self.maker {
            let _: Fed = maker.encoder.finish()?;
        }
        self.drain(output)
    }

    fn drain(&mut self, output: &mut Output) -> Result<(), ModuleError> {
        let Some(maker) = &mut self.maker else {
            return Ok(());
        };
        let Maker {
            encoder,
            log,
            quality,
            ..
        } = &mut **maker;
        loop {
            let pulled = encoder.receive()?;
            if let (Some(log), Pulled::Ready(_) | Pulled::Ended) = (&mut *log, &pulled) {
                log.note(encoder)?;
            }
            let Pulled::Ready(mut packet) = pulled else {
                return Ok(());
            };
            quality.add(&packet);
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
    }
}

/// The time of a packet of pictures, as its frame says it.
pub(super) fn start_of(packet: &Packet) -> Option<Timestamp> {
    packet.get::<VideoFrame>()?.timestamp()
}
