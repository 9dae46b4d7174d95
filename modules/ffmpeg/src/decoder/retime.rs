//! `video_params.extract_frames`: which pictures are sent at a lower rate, and at which time. Pure
//! arithmetic; the rule is that of the encoder's `-fps_mode vfr`.

use bmf_ffmpeg::{FrameRateMode, FrameSync, encoder_ticks, frame_ticks};
use bmf_sdk::hmp::{Rational, TimeBase};

/// Puts pictures on a grid of so many per second.
#[derive(Clone, Debug)]
pub(crate) struct Retimer {
    rate: Rational,
    unit: TimeBase,
    /// Of the stream, for pictures that do not say how long they last.
    source_rate: Option<Rational>,
    sync: FrameSync,
}

impl Retimer {
    /// `None` if `rate` is not above 0.
    pub(crate) fn new(rate: Rational, source_rate: Option<Rational>) -> Option<Self> {
        Some(Self {
            rate,
            unit: TimeBase::new(rate.den, rate.num)?,
            source_rate,
            sync: FrameSync::new(FrameRateMode::Variable),
        })
    }

    /// The rate of the grid.
    pub(crate) fn rate(&self) -> Rational {
        self.rate
    }

    /// The unit of the grid.
    pub(crate) fn unit(&self) -> TimeBase {
        self.unit
    }

    /// Where a picture goes, in ticks of the grid; `None` if it is left out. `duration` is 0 if unknown.
    pub(crate) fn place(&mut self, pts: i64, duration: i64, from: TimeBase) -> Option<i64> {
        let start = encoder_ticks(pts, from, self.unit, 0).unwrap_or(f64::NAN);
        let own = (duration as f64 * from.as_f64() / self.unit.as_f64()).round_ties_even();
        let length = match own > 0.0 {
            true => own,
            false => frame_ticks(self.source_rate, self.unit),
        };
        let plan = self.sync.frame(start, length);
        (!plan.is_drop()).then_some(plan.pts)
    }

    /// Forgets which places are taken: what comes next need not follow.
    pub(crate) fn reset(&mut self) {
        self.sync = FrameSync::new(FrameRateMode::Variable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where pictures of a stream at 10 fps go that is sent at `fps`; times in tenths of a second.
    fn check(fps: i32, tenths: &[i64]) -> String {
        let tenth = TimeBase::new(1, 10).unwrap();
        let rate = Rational::new(10, 1);
        let mut retimer = Retimer::new(Rational::new(fps, 1), Some(rate)).unwrap();
        let show = |&pts: &i64| match retimer.place(pts, 1, tenth) {
            Some(tick) => tick.to_string(),
            None => "-".to_owned(),
        };
        tenths.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_picture_for_each_place() {
        insta::assert_snapshot!(check(2, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), @"0 1 - - - - 2 - - - -");
        insta::assert_snapshot!(check(2, &[0, 30, 31, 33]), @"0 6 7 -");
        insta::assert_snapshot!(check(10, &[0, 1, 2, 5, 6]), @"0 1 2 5 6");
    }

    #[test]
    fn places_are_taken_until_they_are_forgotten() {
        let tenth = TimeBase::new(1, 10).unwrap();
        let mut retimer = Retimer::new(Rational::new(1, 1), None).unwrap();
        assert_eq!(retimer.place(300, 1, tenth), Some(30));
        assert_eq!(retimer.place(300, 1, tenth), None);
        retimer.reset();
        assert_eq!(retimer.place(1, 1, tenth), Some(0));
    }
}
