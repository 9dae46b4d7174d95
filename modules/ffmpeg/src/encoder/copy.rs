//! Streams that arrive encoded: their packets go into the output as they are, as `ffmpeg -c copy` lets
//! them.

use bmf_ffmpeg::{CodecParameters, EncodedStream, format_to_av, packet_to_av};
use bmf_sdk::hmp::{EncodedPacket, MediaKind, Rational, TimeBase, Timestamp};
use bmf_sdk::prelude::*;

use super::choice::Target;
use super::copy_settings::CopySettings;
use super::output::Output;
use super::span::Span;

/// A stream that is copied.
pub(super) struct CopyTrack {
    settings: CopySettings,
    stream: usize,
    kind: MediaKind,
    /// Whether the container has frame rates only, and no times between them.
    by_rate: bool,
    parameters: Option<CodecParameters>,
    /// Whether a packet from which decoding can start has come.
    has_started: bool,
    packets: u64,
    /// How many came before one from which decoding can start.
    left_out: u64,
    span: Span,
}

impl CopyTrack {
    pub(super) fn new(
        settings: CopySettings,
        stream: usize,
        kind: MediaKind,
        target: &Target,
    ) -> Self {
        Self {
            settings,
            stream,
            kind,
            by_rate: target.muxer.name == "avi",
            parameters: None,
            has_started: false,
            packets: 0,
            left_out: 0,
            span: Span::default(),
        }
    }

    /// Takes a packet; `origin` is the time, in microseconds, at which the output begins. One without
    /// data only tells what the stream is.
    pub(super) fn packet(
        &mut self,
        packet: &EncodedPacket,
        origin: i64,
        output: &mut Output,
    ) -> Result<(), ModuleError> {
        if self.parameters.is_none() {
            self.begin(packet, output)?;
        }
        let unit = packet.time_base;
        // What comes before cannot be decoded.
        self.has_started |= packet.key_frame;
        if packet.data.is_empty() {
            return Ok(());
        }
        if !self.has_started {
            self.left_out += 1;
            return Ok(());
        }
        let mut copy = packet_to_av(packet)?;
        let start = TimeBase::MICROS.rescale(origin, unit).unwrap_or(0);
        let dts = packet.dts.or(packet.pts);
        let dts = dts.and_then(|dts| dts.checked_sub(start));
        copy.set_dts(dts);
        copy.set_pts(packet.pts.and_then(|pts| pts.checked_sub(start)));
        if let Some(time) = copy.pts().or(dts) {
            let end = time.saturating_add(packet.duration);
            self.span.add(time, end, unit);
        }
        self.packets += 1;
        output.packet(self.stream, copy, unit)
    }

    fn begin(&mut self, packet: &EncodedPacket, output: &mut Output) -> Result<(), ModuleError> {
        let format = packet.format.as_ref().ok_or_else(|| {
            let error = ModuleError::new("an encoded packet does not say what its stream is");
            error.with_hint(
                "connect an output of a decoder with \"video_codec\" or \"audio_codec\" at \"copy\"; \
                 bytes of a file must go through a decoder",
            )
        })?;
        if format.kind != self.kind {
            let message = format!(
                "packets of {} arrived on the {} input",
                format.kind, self.kind
            );
            let hint = format!("connect them to the input \"{}\"", format.kind);
            return Err(ModuleError::new(message).with_hint(hint));
        }
        let unit = packet.time_base;
        let EncodedStream {
            parameters,
            mut config,
        } = format_to_av(format, unit)?;
        config.time_base = unit;
        config.is_copied = true;
        // Half a picture is enough to tell where fields and pictures that are left out lie.
        let half = |rate: Rational| TimeBase::new(rate.den, rate.num.checked_mul(2)?);
        if self.by_rate
            && let Some(half) = config.frame_rate.and_then(half)
        {
            config.time_base = half;
        }
        config.tag = self.settings.tag.or(config.tag);
        self.settings.tags.apply(&mut config);
        self.parameters = Some(parameters.clone());
        output.announce(self.stream, parameters, config)
    }

    /// Nothing follows.
    pub(super) fn finish(&self, output: &mut Output) -> Result<(), ModuleError> {
        match self.parameters {
            None => output.give_up(self.stream),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.settings
            .at_most
            .is_some_and(|most| self.packets >= most)
    }

    pub(super) fn has_begun(&self) -> bool {
        self.parameters.is_some()
    }

    pub(super) fn packets(&self) -> u64 {
        self.packets
    }

    /// How many packets came, if none of them could be written.
    pub(super) fn all_left_out(&self) -> Option<u64> {
        (self.packets == 0 && self.left_out > 0).then_some(self.left_out)
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// `h264 1280x720 copied`; `None` if nothing was.
    pub(super) fn summary(&self) -> Option<String> {
        let parameters = self.parameters.as_ref()?;
        let codec = parameters.codec_name();
        Some(match self.kind {
            MediaKind::Video => {
                let (width, height) = (parameters.width(), parameters.height());
                format!("{codec} {width}x{height} copied")
            }
            MediaKind::Audio => format!("{codec} {} Hz copied", parameters.sample_rate()),
            MediaKind::Subtitle | MediaKind::Data => format!("{codec} copied"),
        })
    }
}

/// The time of an encoded packet.
pub(super) fn start_of(packet: &Packet) -> Option<Timestamp> {
    let packet = packet.get::<EncodedPacket>()?;
    Timestamp::from_ticks(packet.dts.or(packet.pts)?, packet.time_base)
}
