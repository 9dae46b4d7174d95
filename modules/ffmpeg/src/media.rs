//! Packets as FFmpeg frames and back, for the filter and the encoder. No pixel is copied.

use bmf_ffmpeg::{AudioInput, AvFrame, Error, FilterInput, Layout, PixFmt, SampleFmt, VideoInput};
use bmf_ffmpeg::{audio_to_av, video_to_av};
use bmf_sdk::hmp::{AudioFrame, MediaKind, Rational, TimeBase, VideoFrame};
use bmf_sdk::prelude::*;

/// Metadata of pictures that nothing else has to start with: they are the only stream of their
/// input, or keep its times. An encoder at a constant rate then does not fill the time before the
/// first of them, as the `ffmpeg` command does not. Filters pass it on.
pub(crate) const STARTS_ALONE: &str = "bmf.starts_alone";

/// A decoded picture or block of sound taken out of a packet.
pub(crate) enum Media {
    Video(VideoFrame),
    Audio(AudioFrame),
}

impl Media {
    /// Takes the frame out; shares it if somebody else holds the packet too.
    ///
    /// # Errors
    /// When the packet holds something else.
    pub(crate) fn from_packet(packet: Packet) -> Result<Self, ModuleError> {
        let packet = match packet.into_inner_or_clone::<VideoFrame>() {
            Ok(frame) => return Ok(Self::Video(frame)),
            Err(packet) => packet,
        };
        match packet.into_inner_or_clone::<AudioFrame>() {
            Ok(frame) => Ok(Self::Audio(frame)),
            Err(packet) => Err(no_frame(&packet)),
        }
    }

    pub(crate) fn into_av(self) -> Result<AvFrame, Error> {
        match self {
            Self::Video(frame) => video_to_av(frame),
            Self::Audio(frame) => audio_to_av(frame),
        }
    }
}

/// What a filter graph must be told about a stream, by the frame in `packet`.
///
/// # Errors
/// When the packet holds no frame, or FFmpeg has no such format.
pub(crate) fn describe(packet: &Packet) -> Result<FilterInput, ModuleError> {
    if let Some(frame) = packet.get::<VideoFrame>() {
        return Ok(FilterInput::Video(VideoInput {
            width: frame.width(),
            height: frame.height(),
            pix_fmt: PixFmt::from_name(frame.format().name())?,
            time_base: frame.time_base,
            sample_aspect_ratio: frame.sample_aspect_ratio,
            frame_rate: frame.frame_rate,
        }));
    }
    if let Some(frame) = packet.get::<AudioFrame>() {
        let layout = frame.layout();
        let known = layout.mask().and_then(Layout::from_mask);
        return Ok(FilterInput::Audio(AudioInput {
            sample_rate: frame.sample_rate(),
            sample_fmt: SampleFmt::from_name(frame.sample_format().name(frame.is_planar()))?,
            layout: known.unwrap_or_else(|| Layout::unspecified(layout.channels())),
            time_base: frame.time_base,
        }));
    }
    Err(no_frame(packet))
}

fn no_frame(packet: &Packet) -> ModuleError {
    ModuleError::new(format!(
        "a packet holds {}, not a decoded frame",
        packet.tag()
    ))
    .with_hint("connect the output of a decoder or of a filter")
}

/// Where a frame ends, in `unit`: its time plus its duration, its samples, or one picture.
pub(crate) fn end_of(
    frame: &AvFrame,
    duration: i64,
    frame_rate: Option<Rational>,
    unit: TimeBase,
) -> Option<i64> {
    let pts = frame.pts()?;
    let length = if frame.is_audio() {
        let rate = TimeBase::new(1, i32::try_from(frame.sample_rate()).ok()?)?;
        rate.rescale(i64::try_from(frame.samples()).ok()?, unit)
    } else if duration > 0 {
        Some(duration)
    } else {
        frame_rate
            .and_then(|rate| TimeBase::new(rate.den, rate.num))
            .and_then(|picture| picture.rescale(1, unit))
    };
    pts.checked_add(length.unwrap_or(0))
}

/// "pictures" or "sound", for messages.
pub(crate) fn noun(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Video => "pictures",
        MediaKind::Audio => "sound",
        MediaKind::Subtitle => "subtitles",
        MediaKind::Data => "data",
    }
}
