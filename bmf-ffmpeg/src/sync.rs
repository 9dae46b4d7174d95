//! Paces video frames for an encoder: which to repeat, which to drop.
//!
//! An encoder with a constant frame rate wants one frame per tick of its time
//! base, whatever times the frames have. A [`FrameSync`] decides, for each frame
//! that arrives, how often the one before is to be repeated and how often the
//! new one is to be given. The thresholds are those of the ffmpeg command line
//! (5.1), so that the same input gives the same frames.
//!
//! It is pure arithmetic: it holds no frame, knows no FFmpeg and reads no clock.
//! Its caller keeps the last frame it was told about, for repeating.
//!
//! All times are in ticks of the encoder's time base. A frame covers the span
//! from `pts` to `pts + duration`; the *lead* of a frame is how far its start
//! lies ahead of the next tick to be filled, its *reach* how far its end does.

use bmf_hmp::{Rational, TimeBase};

/// How output times follow input times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FrameRateMode {
    /// One frame per tick, by repeating and dropping.
    #[default]
    Constant,
    /// The same, but the time before the first frame is not filled. Right for
    /// inputs of one stream, which nothing else has to start with.
    ConstantFromFirst,
    /// Frames keep their times; of frames that fall on the same tick, one stays.
    Variable,
    /// Every frame at its own time, whatever that is.
    Passthrough,
    /// As passthrough, but the caller leaves out the times when writing, for
    /// the container to make new ones.
    DropTimestamps,
}

impl FrameRateMode {
    /// The mode that the command line's `-vsync auto` stands for.
    ///
    /// `variable_rate` and `no_timestamps` are what the container allows
    /// ([`Muxer`](crate::Muxer) has them), `single_stream` says whether the
    /// input has no other stream, `copy_ts` whether input times are kept.
    pub fn automatic(
        format: &str,
        variable_rate: bool,
        no_timestamps: bool,
        single_stream: bool,
        copy_ts: bool,
    ) -> Self {
        // AVI claims a constant rate but can leave frames out.
        match (format, variable_rate, no_timestamps) {
            ("avi", _, _) => Self::Variable,
            (_, true, true) => Self::Passthrough,
            (_, true, false) => Self::Variable,
            _ if single_stream || copy_ts => Self::ConstantFromFirst,
            _ => Self::Constant,
        }
    }
}

/// What to do on arrival of a frame: first repeat the previous one, then give
/// the new one, each time with the next tick as its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct Plan {
    /// How often to give the previous frame once more.
    pub repeat_previous: u64,
    /// How often to give the new frame; more than once fills a gap after it.
    pub emit: u64,
    /// Time of the first frame given; each further one is a tick later.
    pub pts: i64,
}

impl Plan {
    /// Whether the new frame is not given now. (It may yet be given as the
    /// previous one of the next plan.)
    pub fn is_drop(&self) -> bool {
        self.emit == 0
    }
}

/// The pacing of one video stream.
///
/// ```
/// use bmf_ffmpeg::{FrameRateMode, FrameSync};
///
/// let mut sync = FrameSync::new(FrameRateMode::Constant);
/// assert_eq!(sync.frame(0.0, 1.0).emit, 1);
/// // Frames for ticks 1 and 2 are missing: their neighbours fill the gap.
/// let plan = sync.frame(3.0, 1.0);
/// assert_eq!((plan.repeat_previous, plan.emit, plan.pts), (1, 2, 1));
/// ```
#[derive(Debug, Clone)]
pub struct FrameSync {
    mode: FrameRateMode,
    /// The tick to be filled next.
    next: i64,
    given: u64,
    /// How often the previous frame was repeated at each of the last arrivals,
    /// latest first.
    repeats: [u64; 3],
    has_previous: bool,
    /// The previous frame has not been given at all so far.
    previous_pending: bool,
    drop_threshold: Option<f64>,
    duplicated: u64,
    dropped: u64,
}

/// A frame may lie this far before its tick unnoticed, and this much of it may
/// be missing.
const SLACK: f64 = 0.6;
/// A constant rate repeats and drops only beyond this: a little more than a
/// tick, as times of containers are rounded.
const DRIFT: f64 = 1.1;
/// More repetitions at once (30 hours at 30 frames per second) are a broken
/// timestamp, not a gap.
const ABSURD_GAP: u64 = 3600 * 30 * 30;

impl FrameSync {
    /// Starts at tick 0.
    pub fn new(mode: FrameRateMode) -> Self {
        Self {
            mode,
            next: 0,
            given: 0,
            repeats: [0; 3],
            has_previous: false,
            previous_pending: false,
            drop_threshold: None,
            duplicated: 0,
            dropped: 0,
        }
    }

    /// With a constant rate, also drops frames whose reach is below this (the
    /// command line's `-frame_drop_threshold`).
    pub fn with_drop_threshold(mut self, threshold: f64) -> Self {
        self.drop_threshold = Some(threshold);
        self
    }

    /// The mode it was made with.
    pub fn mode(&self) -> FrameRateMode {
        self.mode
    }

    /// The tick that the next frame given will get.
    pub fn next_pts(&self) -> i64 {
        self.next
    }

    /// Frames given beyond those that arrived.
    pub fn duplicated(&self) -> u64 {
        self.duplicated
    }

    /// Frames that arrived and were not given.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Decides about a frame that starts at `pts` and lasts `duration` ticks.
    ///
    /// Times that are not finite count as "right on time".
    pub fn frame(&mut self, pts: f64, duration: f64) -> Plan {
        let (pts, lead, duration) = self.measure(pts, duration);
        let reach = lead + duration;
        let (repeats, total) = match self.mode {
            FrameRateMode::Constant => self.constant(lead, reach),
            FrameRateMode::ConstantFromFirst => {
                if self.given == 0 && lead >= 0.5 {
                    self.next = nearest(pts);
                    self.constant(0.0, duration)
                } else {
                    self.constant(lead, reach)
                }
            }
            FrameRateMode::Variable if reach <= -SLACK => (0, 0),
            FrameRateMode::Variable => {
                if reach > SLACK {
                    self.next = nearest(pts);
                }
                (0, 1)
            }
            FrameRateMode::Passthrough | FrameRateMode::DropTimestamps => {
                self.next = nearest(pts);
                (0, 1)
            }
        };
        self.conclude(repeats, total)
    }

    /// Decides about the end: how often the last frame is to be repeated, so
    /// that it lasts as long as those before it did.
    pub fn finish(&mut self) -> Plan {
        let mut recent = self.repeats;
        recent.sort_unstable();
        let repeat = match recent[1] {
            repeat if self.has_previous && repeat <= ABSURD_GAP => repeat,
            _ => 0,
        };
        let lost = u64::from(self.previous_pending && repeat == 0);
        self.dropped += lost;
        self.duplicated += repeat - u64::from(self.previous_pending && repeat > 0);
        self.previous_pending = false;
        self.give(repeat, 0)
    }

    /// The frame's time, lead and duration; a frame that starts a little early but
    /// ends late enough is moved to its tick.
    fn measure(&self, pts: f64, duration: f64) -> (f64, f64, f64) {
        let tick = self.next as f64;
        let duration = if duration.is_finite() { duration } else { 1.0 };
        if !pts.is_finite() {
            return (tick, 0.0, duration);
        }
        let lead = pts - tick;
        let reach = lead + duration;
        let keeps_time = matches!(
            self.mode,
            FrameRateMode::Passthrough | FrameRateMode::DropTimestamps
        );
        if lead < 0.0 && reach > 0.0 && !keeps_time {
            (tick, 0.0, reach)
        } else {
            (pts, lead, duration)
        }
    }

    /// Repetitions of the previous frame and frames in total, at a constant rate.
    fn constant(&self, lead: f64, reach: f64) -> (u64, u64) {
        let below_threshold = self
            .drop_threshold
            .is_some_and(|threshold| reach < threshold);
        if (below_threshold && self.given > 0) || reach < -DRIFT {
            (0, 0)
        } else if reach > DRIFT {
            let repeats = if lead > DRIFT { count(lead - SLACK) } else { 0 };
            (repeats, count(reach))
        } else {
            (0, 1)
        }
    }

    /// Books a decision and makes the plan.
    fn conclude(&mut self, repeats: u64, total: u64) -> Plan {
        let repeats = repeats.min(total);
        self.repeats = [repeats, self.repeats[0], self.repeats[1]];
        // What was pending and is not repeated now is lost for good.
        if self.previous_pending && repeats == 0 {
            self.dropped += 1;
        }
        let first_time =
            u64::from(repeats > 0 && self.previous_pending) + u64::from(total > repeats);
        let duplicates = total.saturating_sub(first_time);
        if duplicates > ABSURD_GAP {
            self.dropped += 1;
            self.previous_pending = false;
            self.has_previous = true;
            return self.give(0, 0);
        }
        self.duplicated += duplicates;
        self.previous_pending = total == repeats;
        let repeats = if self.has_previous { repeats } else { 0 };
        self.has_previous = true;
        self.give(repeats, total - repeats)
    }

    fn give(&mut self, repeat_previous: u64, emit: u64) -> Plan {
        let plan = Plan {
            repeat_previous,
            emit,
            pts: self.next,
        };
        self.given += repeat_previous + emit;
        self.next = self.next.saturating_add_unsigned(repeat_previous + emit);
        plan
    }
}

fn nearest(ticks: f64) -> i64 {
    ticks.round_ties_even() as i64
}

fn count(ticks: f64) -> u64 {
    ticks.round_ties_even() as u64
}

/// A timestamp as a fraction of encoder ticks, for [`FrameSync::frame`].
///
/// `origin` (microseconds) is subtracted, usually the start of the output. The
/// result is kept off exact halves by a hair, so that times which fall between
/// two ticks go the same way on every machine.
pub fn encoder_ticks(pts: i64, from: TimeBase, to: TimeBase, origin: i64) -> Option<f64> {
    // As many extra bits of resolution as fit beside the denominator.
    let extra_bits = 29_u32.saturating_sub(to.den().ilog2()).min(16);
    let fine = TimeBase::new(to.num(), to.den().checked_shl(extra_bits)?)?;
    let start = TimeBase::MICROS.rescale(origin, fine)?;
    let ticks = from.rescale(pts, fine)?.checked_sub(start)? as f64 / f64::from(1 << extra_bits);
    let hair = 1.0 / f64::from(1 << 17);
    Some(match ticks {
        ticks if ticks > 0.0 => ticks + hair,
        ticks if ticks < 0.0 => ticks - hair,
        ticks => ticks,
    })
}

/// How many encoder ticks a frame lasts at a frame rate; 0 if it is unknown.
pub fn frame_ticks(frame_rate: Option<Rational>, time_base: TimeBase) -> f64 {
    match frame_rate {
        Some(rate) if rate.num > 0 && rate.den > 0 => 1.0 / (rate.as_f64() * time_base.as_f64()),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames as "pts" or "pts+duration" (1 by default), `.` is the end. Out
    /// come the ticks given, by the letter of the frame they show.
    fn check(mode: FrameRateMode, input: &str) -> String {
        check_sync(FrameSync::new(mode), input)
    }

    fn check_sync(mut sync: FrameSync, input: &str) -> String {
        let mut lines = Vec::new();
        let mut previous = '-';
        for (letter, word) in ('a'..).zip(input.split(' ')) {
            let plan = if word == "." {
                sync.finish()
            } else {
                let (pts, duration) = word.split_once('+').unwrap_or((word, "1"));
                sync.frame(pts.parse().unwrap(), duration.parse().unwrap())
            };
            let shown = std::iter::repeat_n(previous, plan.repeat_previous as usize)
                .chain(std::iter::repeat_n(letter, plan.emit as usize));
            let ticks: Vec<String> = (plan.pts..)
                .zip(shown)
                .map(|(tick, of)| format!("{tick}{of}"))
                .collect();
            lines.push(if ticks.is_empty() {
                "/".to_owned()
            } else {
                ticks.join(" ")
            });
            previous = letter;
        }
        format!(
            "{} (dup {} drop {})",
            lines.join(" | "),
            sync.duplicated(),
            sync.dropped()
        )
    }

    #[test]
    fn a_regular_stream_passes_in_every_mode() {
        use FrameRateMode::*;
        for mode in [
            Constant,
            ConstantFromFirst,
            Variable,
            Passthrough,
            DropTimestamps,
        ] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(check(mode, "0 1 2 3 ."), @"0a | 1b | 2c | 3d | / (dup 0 drop 0)");
            }
        }
    }

    #[test]
    fn a_gap_is_filled_by_its_neighbours() {
        insta::assert_snapshot!(check(FrameRateMode::Constant, "0 1 5 6 ."), @"0a | 1b | 2b 3b 4c 5c | 6d | / (dup 3 drop 0)");
        insta::assert_snapshot!(check(FrameRateMode::Variable, "0 1 5 6 ."), @"0a | 1b | 5c | 6d | / (dup 0 drop 0)");
    }

    #[test]
    fn half_the_rate_doubles_each_frame_also_the_last() {
        insta::assert_snapshot!(check(FrameRateMode::Constant, "0+2 2+2 4+2 6+2 ."), @"0a 1a | 2b 3b | 4c 5c | 6d 7d | / (dup 4 drop 0)");
        insta::assert_snapshot!(check(FrameRateMode::Constant, "0+0 2+0 4+0 6+0 ."), @"0a | 1b | 2b 3c | 4c 5d | 6d (dup 3 drop 0)");
    }

    #[test]
    fn double_the_rate_drops_every_other_frame() {
        insta::assert_snapshot!(check(FrameRateMode::Constant, "0+.5 .5+.5 1+.5 1.5+.5 2+.5 2.5+.5 3+.5 3.5+.5 4+.5"), @"0a | 1b | 2c | 3d | / | 4f | / | 5h | / (dup 0 drop 2)");
        insta::assert_snapshot!(check(FrameRateMode::Variable, "0+.5 .5+.5 1+.5 1.5+.5 2+.5 2.5+.5 3+.5"), @"0a | 1b | 2c | / | 3e | / | 4g (dup 0 drop 2)");
    }

    #[test]
    fn the_time_before_the_first_frame() {
        insta::assert_snapshot!(check(FrameRateMode::Constant, "3 4"), @"0a 1a 2a 3a | 4b (dup 3 drop 0)");
        insta::assert_snapshot!(check(FrameRateMode::ConstantFromFirst, "3 4 7"), @"3a | 4b | 5b 6c 7c (dup 2 drop 0)");
        insta::assert_snapshot!(check(FrameRateMode::ConstantFromFirst, "0.4 1.4"), @"0a | 1b (dup 0 drop 0)");
        insta::assert_snapshot!(check(FrameRateMode::Passthrough, "3 4"), @"3a | 4b (dup 0 drop 0)");
    }

    #[test]
    fn late_and_early_frames() {
        insta::assert_snapshot!(check(FrameRateMode::Constant, "0 1 0 2 3"), @"0a | 1b | 2c | 3d | 4e (dup 0 drop 0)");
        insta::assert_snapshot!(check(FrameRateMode::Constant, "0 .7 1.6 2.5 3.9 5.05"), @"0a | 1b | 2c | 3d | 4e | 5f (dup 0 drop 0)");
        insta::assert_snapshot!(check(FrameRateMode::Variable, "0 1 -1 0 2"), @"0a | 1b | / | / | 2e (dup 0 drop 2)");
        insta::assert_snapshot!(check(FrameRateMode::Passthrough, "0 1 -1 0 2"), @"0a | 1b | -1c | 0d | 2e (dup 0 drop 0)");
    }

    #[test]
    fn a_threshold_drops_earlier() {
        let sync = FrameSync::new(FrameRateMode::Constant).with_drop_threshold(0.5);
        insta::assert_snapshot!(check_sync(sync, "0 1 1 2 3"), @"0a | 1b | / | 2d | 3e (dup 0 drop 1)");
    }

    #[test]
    fn absurd_gaps_and_times_are_survived() {
        insta::assert_snapshot!(check(FrameRateMode::Constant, "0 9e6 2e7 3e7 ."), @"0a | / | / | / | / (dup 0 drop 3)");
        insta::assert_snapshot!(check(FrameRateMode::Constant, "0 1 4e9 2 3 inf NaN"), @"0a | 1b | / | 2d | 3e | 4f | 5g (dup 0 drop 1)");
        let mut sync = FrameSync::new(FrameRateMode::Passthrough);
        assert_eq!(sync.frame(1e300, 1.0).pts, i64::MAX);
        assert_eq!(sync.frame(-1e300, f64::NAN).pts, i64::MIN);
    }

    #[test]
    fn automatic_mode_follows_the_container() {
        let mode = |format, variable, none, single, copy| {
            format!(
                "{:?}",
                FrameRateMode::automatic(format, variable, none, single, copy)
            )
        };
        let modes = [
            mode("avi", false, false, true, false),
            mode("mp4", true, false, true, false),
            mode("rawvideo", true, true, false, false),
            mode("mpegts", false, false, false, false),
            mode("mpegts", false, false, true, false),
            mode("mpegts", false, false, false, true),
        ];
        insta::assert_snapshot!(modes.join(" "), @"Variable Variable Passthrough Constant ConstantFromFirst ConstantFromFirst");
    }

    #[test]
    fn ticks_keep_off_halves() {
        let (millis, rate) = (
            TimeBase::new(1, 1000).unwrap(),
            TimeBase::new(1, 25).unwrap(),
        );
        let ticks = |pts, origin| encoder_ticks(pts, millis, rate, origin).unwrap();
        assert_eq!(ticks(0, 0), 0.0);
        assert!((ticks(40, 0) - 1.0).abs() < 1e-4 && ticks(20, 0) > 0.5);
        assert!((ticks(40, 40_000)).abs() < 1e-4 && ticks(-20, 0) < -0.5);
        assert_eq!(frame_ticks(Some(Rational::new(50, 1)), rate), 0.5);
        assert_eq!(frame_ticks(None, rate), 0.0);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

        /// At a constant rate there is one frame per tick, without gap or
        /// overlap, and as many frames as arrived, were made and were not lost.
        #[test]
        fn constant_rate_fills_every_tick(
            frames in proptest::collection::vec((-10.0..200.0_f64, 0.0..4.0_f64), 0..60),
            from_first: bool,
        ) {
            let mode = if from_first { FrameRateMode::ConstantFromFirst } else { FrameRateMode::Constant };
            let mut sync = FrameSync::new(mode);
            let (mut next, mut given) = (None, 0);
            let mut plans: Vec<Plan> = frames.iter().map(|(pts, duration)| sync.frame(*pts, *duration)).collect();
            plans.push(sync.finish());
            for plan in plans {
                let frames = plan.repeat_previous + plan.emit;
                if frames > 0 {
                    proptest::prop_assert_eq!(plan.pts, next.unwrap_or(plan.pts));
                    next = Some(plan.pts + frames as i64);
                }
                given += frames;
            }
            proptest::prop_assert_eq!(given + sync.dropped(), frames.len() as u64 + sync.duplicated());
        }
    }
}
