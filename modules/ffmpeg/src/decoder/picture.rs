//! From the decoder's pictures to packets: timestamp, window, rate, aspect ratio, rotation.

use bmf_ffmpeg::{AvFrame, StreamInfo, video_from_av};
use bmf_sdk::hmp::{Rational, TimeBase};
use bmf_sdk::prelude::*;

use super::hardware::Download;
use super::retime::Retimer;
use super::rotate::{self, Rotator};
use super::stream::{Made, Settings};
use super::tags::Tags;
use super::window::{Cut, Place};

/// What makes packets of one stream's pictures.
pub(crate) struct Pictures {
    cut: Cut,
    retimer: Option<Retimer>,
    rotator: Option<Rotator>,
    time_base: TimeBase,
    frame_rate: Option<Rational>,
    /// The container's pixel aspect ratio, which outranks the codec's.
    aspect: Option<Rational>,
    /// Ticks between pictures without timestamps.
    step: i64,
    /// Where the next picture is if it does not say.
    next: i64,
    /// What is said with every picture.
    tags: Tags,
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
        let retimer = settings.extract;
        let retimer = retimer.and_then(|rate| Retimer::new(rate, info.guessed_frame_rate));
        Self {
            cut,
            retimer,
            rotator,
            time_base: info.time_base,
            frame_rate: info.guessed_frame_rate,
            aspect,
            step: (1.0 / (fps * info.time_base.as_f64())).round().max(1.0) as i64,
            next: 0,
            tags: settings.tags.clone(),
        }
    }

    /// Takes over from the pictures of the segment before.
    pub(crate) fn follow(&mut self, before: &mut Self) {
        self.retimer = before.retimer.take();
        self.tags.follow(&before.tags);
    }

    /// What comes next need not follow what was made.
    pub(crate) fn forget(&mut self) {
        if let Some(retimer) = &mut self.retimer {
            retimer.reset();
        }
    }

    /// What is said with every picture.
    pub(crate) fn tags(&mut self) -> &mut Tags {
        &mut self.tags
    }

    /// The packet of a picture, brought from a device if need be.
    ///
    /// # Errors
    /// If it cannot be copied from the device or turned, or is in a format that frames cannot have.
    pub(crate) fn make(
        &mut self,
        mut frame: AvFrame,
        download: Option<&mut Download>,
    ) -> Result<Made, ModuleError> {
        let decoded_at = frame.best_effort_timestamp().unwrap_or(self.next);
        let duration = frame.duration();
        let step = if duration > 0 { duration } else { self.step };
        self.next = decoded_at.saturating_add(step);
        let pts = match self.cut.picture(decoded_at) {
            Place::Before => return Ok(Made::Nothing),
            Place::After => return Ok(Made::End),
            Place::Inside(_, pts) => pts,
        };
        let Some(time) = self.time(pts, duration) else {
            return Ok(Made::Nothing);
        };
        // Only now is it known to be wanted.
        if let Some(download) = download {
            frame = download.picture(frame)?;
        }
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
        let mut frame = video_from_av(frame, time.unit, time.rate)?;
        (frame.pts, frame.duration) = (Some(time.pts), time.duration);
        self.tags
            .put(&mut frame.metadata, decoded_at, self.time_base);
        let timestamp = frame.timestamp().ok_or_else(out_of_range)?;
        Ok(Made::Packet {
            packet: Packet::new(timestamp, frame),
            is_damaged,
        })
    }

    /// When a picture is shown; `None` if it is left out.
    fn time(&mut self, pts: i64, duration: i64) -> Option<Time> {
        let Some(retimer) = &mut self.retimer else {
            return Some(Time {
                pts,
                duration,
                unit: self.time_base,
                rate: self.frame_rate,
            });
        };
        Some(Time {
            pts: retimer.place(pts, duration, self.time_base)?,
            duration: 1,
            unit: retimer.unit(),
            rate: Some(retimer.rate()),
        })
    }
}

/// When and how long a picture is shown.
struct Time {
    pts: i64,
    duration: i64,
    unit: TimeBase,
    rate: Option<Rational>,
}

/// A file with such times is damaged beyond use.
pub(crate) fn out_of_range() -> ModuleError {
    ModuleError::new("a frame's time is beyond what a timestamp can hold")
        .with_hint("the file's timestamps are damaged")
}
