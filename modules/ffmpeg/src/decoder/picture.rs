//! From the decoder's pictures to packets: timestamp, window, aspect ratio, rotation.

use std::collections::BTreeMap;
use std::sync::Arc;

use bmf_ffmpeg::{AvFrame, StreamInfo, video_from_av};
use bmf_sdk::hmp::{Rational, TimeBase};
use bmf_sdk::prelude::*;

use super::rotate::{self, Rotator};
use super::stream::{Made, Settings};
use super::window::{Cut, Place};
use crate::media::STARTS_ALONE;

/// What makes packets of one stream's pictures.
pub(crate) struct Pictures {
    cut: Cut,
    rotator: Option<Rotator>,
    time_base: TimeBase,
    frame_rate: Option<Rational>,
    /// The container's pixel aspect ratio, which outranks the codec's.
    aspect: Option<Rational>,
    /// Ticks between pictures without timestamps.
    step: i64,
    /// Where the next picture is if it does not say.
    next: i64,
    /// What is said to the encoder with every picture.
    hints: Option<Arc<BTreeMap<String, String>>>,
}

impl Pictures {
    pub(crate) fn new(info: &StreamInfo, cut: Cut, settings: &Settings) -> Self {
        let matrix = info.display_matrix.filter(|_| settings.autorotate);
        let rotator = matrix
            .and_then(rotate::filters)
            .map(|filters| Rotator::new(filters, info.time_base, info.guessed_frame_rate));
        let guessed = info.guessed_frame_rate.map(Rational::as_f64);
        let fps = settings.fps.or(guessed).unwrap_or(25.0);
        // A codec's own ratio is repeated in the container's description unless that says otherwise.
        let aspect = Some(info.sample_aspect_ratio)
            .filter(|&ratio| ratio.num > 0 && ratio != info.parameters.sample_aspect_ratio());
        let hints = settings
            .starts_alone
            .then(|| Arc::new(BTreeMap::from([(STARTS_ALONE.to_owned(), "1".to_owned())])));
        Self {
            cut,
            rotator,
            time_base: info.time_base,
            frame_rate: info.guessed_frame_rate,
            aspect,
            step: (1.0 / (fps * info.time_base.as_f64())).round().max(1.0) as i64,
            next: 0,
            hints,
        }
    }

    /// The packet of a picture.
    ///
    /// # Errors
    /// If it cannot be turned, or is in a format that frames cannot have.
    pub(crate) fn make(&mut self, mut frame: AvFrame) -> Result<Made, ModuleError> {
        let pts = frame.best_effort_timestamp().unwrap_or(self.next);
        let duration = frame.duration();
        let step = if duration > 0 { duration } else { self.step };
        self.next = pts.saturating_add(step);
        let pts = match self.cut.picture(pts) {
            Place::Before => return Ok(Made::Nothing),
            Place::After => return Ok(Made::End),
            Place::Inside(_, pts) => pts,
        };
        frame.set_pts(Some(pts));
        if let Some(aspect) = self.aspect {
            frame.set_sample_aspect_ratio(aspect);
        }
        let frame = match &mut self.rotator {
            Some(rotator) => rotator.turn(frame)?,
            None => Some(frame),
        };
        let Some(frame) = frame else {
            return Ok(Made::Nothing);
        };
        let is_damaged = frame.is_damaged();
        let mut frame = video_from_av(frame, self.time_base, self.frame_rate)?;
        frame.duration = duration;
        if let Some(hints) = &self.hints {
            match &mut frame.metadata {
                None => frame.metadata = Some(hints.clone()),
                Some(own) => Arc::make_mut(own).extend(
                    hints
                        .iter()
                        .map(|(key, value)| (key.clone(), value.clone())),
                ),
            }
        }
        let timestamp = frame.timestamp().ok_or_else(out_of_range)?;
        Ok(Made::Packet {
            packet: Packet::new(timestamp, frame),
            is_damaged,
        })
    }
}

/// A file with such times is damaged beyond use.
pub(crate) fn out_of_range() -> ModuleError {
    ModuleError::new("a frame's time is beyond what a timestamp can hold")
        .with_hint("the file's timestamps are damaged")
}
