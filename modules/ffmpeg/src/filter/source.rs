//! One input pad of a graph: what flows into it and how far.

use bmf_ffmpeg::{AudioInput, AvFrame, Error, FilterInput, Layout, PixFmt, SampleFmt, VideoInput};
use bmf_sdk::hmp::{MediaKind, Rational, TimeBase};

use crate::media::end_of;

/// One input pad.
pub(super) struct Source {
    pub(super) kind: MediaKind,
    /// The port of the node that feeds it.
    pub(super) port: usize,
    /// The format the graph was, or will be, configured for; known from the first frame.
    pub(super) input: Option<FilterInput>,
    /// Where its last frame ended, in the unit of `input`.
    pub(super) end: Option<i64>,
    /// Whether the graph has been told that nothing follows.
    pub(super) finished: bool,
}

impl Source {
    pub(super) fn new(kind: MediaKind, port: usize) -> Self {
        Self {
            kind,
            port,
            input: None,
            end: None,
            finished: false,
        }
    }

    /// The unit of the times that the graph is given here.
    pub(super) fn time_base(&self) -> TimeBase {
        match &self.input {
            Some(FilterInput::Video(video)) => video.time_base,
            Some(FilterInput::Audio(audio)) => audio.time_base,
            None => TimeBase::MICROS,
        }
    }

    /// Brings a frame's times into the unit of this source, and notes where it ends. A frame
    /// without a time begins where the last one ended.
    pub(super) fn adopt(&mut self, frame: &mut AvFrame, rate: Option<Rational>) {
        let unit = self.time_base();
        let from = frame.time_base().unwrap_or(unit);
        let pts = frame
            .pts()
            .and_then(|pts| from.rescale(pts, unit))
            .or(self.end);
        frame.set_pts(pts);
        frame.set_duration(from.rescale(frame.duration(), unit).unwrap_or(0));
        frame.set_time_base(unit);
        self.end = end_of(frame, frame.duration(), rate, unit);
    }

    /// Takes over the format of a frame that differs from those before it.
    pub(super) fn change_format(
        &mut self,
        frame: &AvFrame,
        rate: Option<Rational>,
    ) -> Result<(), Error> {
        self.input = Some(FilterInput::from_frame(frame, self.time_base(), rate)?);
        Ok(())
    }
}

/// The highest of the rates that are known of the inputs.
pub(super) fn highest_rate(sources: &[Source]) -> Option<Rational> {
    let rates = sources.iter().filter_map(|source| match &source.input {
        Some(FilterInput::Video(video)) => video.frame_rate,
        _ => None,
    });
    rates.max_by(|one, other| one.as_f64().total_cmp(&other.as_f64()))
}

/// A format for a stream that ended before its first frame: that of another stream of its kind, so
/// that filters which want equal inputs are content, or a usual one.
pub(super) fn stand_in(kind: MediaKind, others: &[Source]) -> Result<FilterInput, Error> {
    let mut known = others.iter().filter_map(|source| source.input.as_ref());
    if let Some(input) = known.find(|input| input.kind() == kind) {
        return Ok(input.clone());
    }
    Ok(match kind {
        MediaKind::Audio => FilterInput::Audio(AudioInput {
            sample_rate: 44_100,
            sample_fmt: SampleFmt::from_name("fltp")?,
            layout: Layout::default_for(2),
            time_base: TimeBase::MICROS,
        }),
        _ => FilterInput::Video(VideoInput {
            width: 1280,
            height: 720,
            pix_fmt: PixFmt::from_name("yuv420p")?,
            time_base: TimeBase::MICROS,
            sample_aspect_ratio: Rational::new(1, 1),
            frame_rate: Some(Rational::new(30, 1)),
        }),
    })
}
