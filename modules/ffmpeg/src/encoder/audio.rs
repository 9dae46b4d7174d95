//! Sound: converted to what the encoder takes, cut to its frame size, encoded.

use bmf_ffmpeg::{
    AudioInput, AudioParams, AvFrame, Encoder, EncoderInput, Error, Fed, FilterGraph, FilterInput,
    GraphConfig, Pulled, StreamConfig, audio_to_av,
};
use bmf_sdk::hmp::{AudioFrame, TimeBase, Timestamp};
use bmf_sdk::prelude::*;

use super::coder::{self, Extras};
use super::output::{AUDIO, Output};
use super::settings::SoundSettings;
use super::span::Span;
use crate::media::end_of;

/// The sound of an output.
///
/// Two small graphs do the work where there is any: `converter` is made anew when the format of
/// the frames changes, `framer` collects samples across such changes, for an encoder accepts a
/// short frame at the very end only.
pub(super) struct AudioTrack {
    settings: SoundSettings,
    converter: Option<Converter>,
    coder: Option<Coder>,
    frames_in: u64,
    packets: u64,
    span: Span,
}

/// A graph that converts frames of one format.
struct Converter {
    graph: FilterGraph,
    unit: TimeBase,
    /// Where its last frame ended, in `unit`.
    end: Option<i64>,
}

/// An open encoder.
struct Coder {
    /// `None`: frames leave as they are.
    encoder: Option<Encoder>,
    framer: Option<FilterGraph>,
    input: AudioInput,
    unit: TimeBase,
    /// Where the last frame ended, in `unit`: the time of one that has none.
    next: i64,
    /// Where the last frame that came in ended, in `unit`.
    end: Option<i64>,
}

impl AudioTrack {
    pub(super) fn new(settings: SoundSettings) -> Self {
        Self {
            settings,
            converter: None,
            coder: None,
            frames_in: 0,
            packets: 0,
            span: Span::default(),
        }
    }

    /// Whether no sound is wanted any more.
    pub(super) fn is_full(&self) -> bool {
        self.packets >= self.settings.at_most
    }

    /// Takes a frame; `origin` is the time, in microseconds, at which the output begins.
    pub(super) fn frame(
        &mut self,
        frame: AudioFrame,
        origin: i64,
        output: &mut Output,
    ) -> Result<(), ModuleError> {
        self.frames_in += 1;
        let frame = audio_to_av(frame)?;
        let unit = frame.time_base().unwrap_or(TimeBase::MICROS);
        let input = FilterInput::from_frame(&frame, unit, None)?;
        let is_same = self
            .converter
            .as_ref()
            .is_some_and(|converter| converter.fits(&frame, unit));
        if !is_same {
            self.flush_converter(origin, output)?;
            if !self.fits(&input) {
                self.converter = Some(self.build_converter(input, unit)?);
            }
        }
        let Some(converter) = &mut self.converter else {
            return self.converted(frame, origin, output);
        };
        converter.end = end_of(&frame, 0, None, unit).or(converter.end);
        let _: Fed = converter.graph.push(0, frame)?;
        self.pull_converted(origin, output)
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, origin: i64, output: &mut Output) -> Result<(), ModuleError> {
        self.flush_converter(origin, output)?;
        let Some(coder) = &mut self.coder else {
            return output.give_up(AUDIO);
        };
        if let Some(framer) = &mut coder.framer {
            let _: Fed = framer.finish(0, coder.end)?;
        }
        self.encode_framed(output)?;
        let Some(coder) = &mut self.coder else {
            return Ok(());
        };
        if let Some(encoder) = &mut coder.encoder {
            let _: Fed = encoder.finish()?;
        }
        self.drain(output)
    }

    /// Whether sound of this format goes into the encoder as it is.
    fn fits(&self, input: &FilterInput) -> bool {
        let FilterInput::Audio(sound) = input else {
            return false;
        };
        if let Some(coder) = &self.coder {
            let open = &coder.input;
            return (sound.sample_fmt, sound.sample_rate) == (open.sample_fmt, open.sample_rate)
                && sound.layout == open.layout;
        }
        let settings = &self.settings;
        within(&settings.formats, &sound.sample_fmt)
            && within(&settings.rates, &sound.sample_rate)
            && within(&settings.layouts, &sound.layout)
            && sound.layout.mask().is_some()
    }

    fn build_converter(&self, input: FilterInput, unit: TimeBase) -> Result<Converter, Error> {
        let settings = &self.settings;
        let wishes = match &self.coder {
            Some(coder) => [
                wish("sample_fmts", &[coder.input.sample_fmt]),
                wish("sample_rates", &[coder.input.sample_rate]),
                wish("channel_layouts", std::slice::from_ref(&coder.input.layout)),
            ],
            None => [
                wish("sample_fmts", &settings.formats),
                wish("sample_rates", &settings.rates),
                wish("channel_layouts", &settings.layouts),
            ],
        };
        let wishes: Vec<String> = wishes.into_iter().flatten().collect();
        let description = if wishes.is_empty() {
            "anull".to_owned()
        } else {
            format!("aformat={}", wishes.join(":"))
        };
        let inputs = vec![(None, input)];
        let graph = FilterGraph::new(&GraphConfig {
            description,
            inputs,
            ..GraphConfig::default()
        })?;
        Ok(Converter {
            graph,
            unit,
            end: None,
        })
    }

    /// Takes the samples out that a resampler still holds.
    fn flush_converter(&mut self, origin: i64, output: &mut Output) -> Result<(), ModuleError> {
        if let Some(converter) = &mut self.converter {
            let _: Fed = converter.graph.finish(0, converter.end)?;
            self.pull_converted(origin, output)?;
            self.converter = None;
        }
        Ok(())
    }

    fn pull_converted(&mut self, origin: i64, output: &mut Output) -> Result<(), ModuleError> {
        while let Some(converter) = &mut self.converter
            && let Pulled::Ready(frame) = converter.graph.pull(0)?
        {
            self.converted(frame, origin, output)?;
        }
        Ok(())
    }

    /// Takes a frame that has the encoder's format; the first one opens it.
    fn converted(
        &mut self,
        mut frame: AvFrame,
        origin: i64,
        output: &mut Output,
    ) -> Result<(), ModuleError> {
        if self.coder.is_none() {
            self.coder = Some(self.open(&frame, output)?);
        }
        let Some(coder) = &mut self.coder else {
            return Ok(());
        };
        coder.place(&mut frame, origin);
        match &mut coder.framer {
            Some(framer) => {
                let _: Fed = framer.push(0, frame)?;
                self.encode_framed(output)
            }
            None => self.encode(frame, output),
        }
    }

    fn encode_framed(&mut self, output: &mut Output) -> Result<(), ModuleError> {
        while let Some(framer) = self.coder.as_mut().and_then(|coder| coder.framer.as_mut())
            && let Pulled::Ready(frame) = framer.pull(0)?
        {
            self.encode(frame, output)?;
        }
        Ok(())
    }

    fn encode(&mut self, mut frame: AvFrame, output: &mut Output) -> Result<(), ModuleError> {
        let Some(coder) = &self.coder else {
            return Ok(());
        };
        let unit = coder.unit;
        if let Some(start) = frame.pts() {
            let end = start.saturating_add_unsigned(frame.samples() as u64);
            self.span.add(start, end, unit);
        }
        if coder.encoder.is_none() {
            if !self.is_full() {
                self.packets += 1;
                output.frame(AUDIO, frame, unit, None)?;
            }
            return Ok(());
        }
        while let Some(encoder) = self.encoder()
            && encoder.send(&mut frame, false)? == Fed::Full
        {
            self.drain(output)?;
        }
        self.drain(output)
    }

    fn encoder(&mut self) -> Option<&mut Encoder> {
        self.coder.as_mut()?.encoder.as_mut()
    }

    fn drain(&mut self, output: &mut Output) -> Result<(), ModuleError> {
        while let Some(encoder) = self.encoder()
            && let Pulled::Ready(packet) = encoder.receive()?
        {
            let unit = encoder.time_base();
            if !self.is_full() {
                self.packets += 1;
                output.packet(AUDIO, packet, unit)?;
            }
        }
        Ok(())
    }

    /// Opens the encoder for sound like `frame`.
    fn open(&self, frame: &AvFrame, output: &mut Output) -> Result<Coder, ModuleError> {
        let nothing = || ModuleError::new("the frame holds no sound");
        let sample_rate = frame.sample_rate();
        let sample_fmt = frame.sample_fmt().ok_or_else(nothing)?;
        let layout = frame.layout().ok_or_else(nothing)?;
        let unit = i32::try_from(sample_rate)
            .ok()
            .and_then(|rate| TimeBase::new(1, rate))
            .ok_or_else(nothing)?;
        let params = AudioParams {
            sample_rate,
            sample_fmt,
            layout: layout.clone(),
        };
        let encoder = match output.takes_frames() {
            true => None,
            false => Some(self.open_encoder(params, unit, output)?),
        };
        let input = AudioInput {
            sample_rate,
            sample_fmt,
            layout,
            time_base: unit,
        };
        let framer = encoder
            .as_ref()
            .and_then(Encoder::frame_size)
            .map(|samples| framer(&input, samples))
            .transpose()?;
        Ok(Coder {
            encoder,
            framer,
            input,
            unit,
            next: 0,
            end: None,
        })
    }

    fn open_encoder(
        &self,
        params: AudioParams,
        unit: TimeBase,
        output: &mut Output,
    ) -> Result<Encoder, ModuleError> {
        let common = &self.settings.common;
        let input = EncoderInput::Audio(params);
        let encoder = coder::open(
            &self.settings.encoder,
            common,
            input,
            unit,
            Extras::default(),
        )
        .inspect_err(|_| output.refuse())?;
        let mut stream = StreamConfig::new(unit);
        stream.tag = common.tag;
        common.tags.apply(&mut stream);
        output.announce(AUDIO, encoder.parameters(), stream)?;
        Ok(encoder)
    }

    pub(super) fn has_begun(&self) -> bool {
        self.coder.is_some()
    }

    pub(super) fn frames_in(&self) -> u64 {
        self.frames_in
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// `aac 48000 Hz stereo`; `None` if nothing was encoded.
    pub(super) fn summary(&self) -> Option<String> {
        let input = &self.coder.as_ref()?.input;
        Some(format!(
            "{} {} Hz {}",
            self.settings.encoder.codec, input.sample_rate, input.layout
        ))
    }
}

impl Converter {
    fn fits(&self, frame: &AvFrame, unit: TimeBase) -> bool {
        self.unit == unit && self.graph.accepts(0, frame)
    }
}

impl Coder {
    /// Brings a frame's time into the encoder's unit; without one it follows the last frame.
    fn place(&mut self, frame: &mut AvFrame, origin: i64) {
        let from = frame.time_base().unwrap_or(self.unit);
        let start = TimeBase::MICROS.rescale(origin, self.unit).unwrap_or(0);
        let pts = frame
            .pts()
            .and_then(|pts| from.rescale(pts, self.unit))
            .and_then(|pts| pts.checked_sub(start));
        let pts = pts.unwrap_or(self.next);
        frame.set_pts(Some(pts));
        frame.set_duration(0);
        frame.set_time_base(self.unit);
        self.next = pts.saturating_add_unsigned(frame.samples() as u64);
        self.end = Some(self.next);
    }
}

/// A graph that only cuts: its output gives frames of `samples` samples.
fn framer(input: &AudioInput, samples: u32) -> Result<FilterGraph, Error> {
    let mut graph = FilterGraph::new(&GraphConfig {
        description: "anull".to_owned(),
        inputs: vec![(None, FilterInput::Audio(input.clone()))],
        threads: Some(1),
        ..GraphConfig::default()
    })?;
    graph.set_frame_size(0, samples);
    Ok(graph)
}

fn within<T: PartialEq>(allowed: &[T], given: &T) -> bool {
    allowed.is_empty() || allowed.contains(given)
}

/// A parameter of `aformat`; none where anything will do.
fn wish<T: ToString>(key: &str, items: &[T]) -> Option<String> {
    let names: Vec<String> = items.iter().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| format!("{key}={}", names.join("|")))
}

/// The time of a packet of sound, as its frame says it.
pub(super) fn start_of(packet: &Packet) -> Option<Timestamp> {
    packet.get::<AudioFrame>()?.timestamp()
}
