//! From the container's timestamps to the decoder's: the start of the input becomes zero, and jumps
//! in formats that may jump (MPEG-TS after a splice) are closed.
//!
//! The rules and their constants are those of FFmpeg's command line. Nothing here reads a file.
//! Wraps of the container's counters are undone by its demuxer, before this.

use bmf_sdk::hmp::{Rational, TimeBase};

use super::laps::{Lap, Length};
use super::pacing::Progress;

/// A jump by more than this is no late packet but another time line.
const JUMP: i64 = 10_000_000;
/// How far a time may lie behind what was decoded already.
const BEHIND: i64 = 100_000;
/// In formats that never jump, a time so far off is nonsense.
const NONSENSE: i64 = 3600 * 30 * 1_000_000;

/// The times of a packet, in ticks of its stream.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) pts: Option<i64>,
    pub(crate) dts: Option<i64>,
    /// 0 if unknown.
    pub(crate) duration: i64,
}

impl Times {
    fn shift(&mut self, ticks: i64) {
        self.pts = self.pts.and_then(|pts| pts.checked_add(ticks));
        self.dts = self.dts.and_then(|dts| dts.checked_add(ticks));
    }
}

/// The time line of one input.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    offset: i64,
    may_jump: bool,
    keep: bool,
    last: Option<i64>,
    jumps: u64,
    /// What was read before the input began again; see [`laps`](super::laps).
    lap: Lap,
    /// Where all that was read ends.
    end: Option<i64>,
}

/// What one stream is expected to continue with, in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    time_base: TimeBase,
    is_picture: bool,
    /// How long a frame is, where packets do not say.
    frame: Option<i64>,
    now: Moment,
    next_dts: Option<i64>,
    next_pts: i64,
    /// Where the first packet stood.
    first: Option<i64>,
    length: Length,
}

#[derive(Copy, Clone, Debug)]
struct Moment {
    dts: i64,
    pts: i64,
}

impl Timeline {
    /// `offset` in microseconds is added to all times. `may_jump` is what the format says of itself.
    pub(crate) fn new(offset: i64, may_jump: bool) -> Self {
        Self {
            offset,
            may_jump,
            keep: false,
            last: None,
            jumps: 0,
            lap: Lap::default(),
            end: None,
        }
    }

    /// A time line that changes nothing.
    pub(crate) fn untouched() -> Self {
        Self {
            keep: true,
            ..Self::new(0, false)
        }
    }

    /// How many jumps were closed.
    pub(crate) fn jumps(&self) -> u64 {
        self.jumps
    }

    /// The input begins again: what is read next follows what `tracks` have come to.
    pub(crate) fn lap<'a>(&mut self, tracks: impl Iterator<Item = &'a Track> + Clone) {
        self.lap = Lap::of(tracks.map(|track| &track.length)).unwrap_or(self.lap);
    }

    /// The input was opened again, and begins at `start` microseconds now: that is where all that was
    /// read ends, so no stream goes back.
    pub(crate) fn splice(&mut self, start: i64) {
        if let Some(end) = self.end {
            let lap = self.lap.ticks(TimeBase::MICROS);
            self.offset = end.saturating_sub(start).saturating_sub(lap);
        }
    }

    /// Puts a packet on the time line.
    pub(crate) fn place(&mut self, track: &mut Track, times: &mut Times) {
        if !self.keep {
            times.shift(track.ticks(self.offset));
        }
        times.shift(self.lap.ticks(track.time_base));
        track.length.packet(times.pts);
        if !self.keep {
            if let Some(dts) = track.micros(times.dts) {
                self.mend(track, times, dts);
            }
            self.last = track.micros(times.dts).or(self.last);
        }
        self.end = self.end.max(track.end_of(times));
        track.advance(times);
    }

    fn mend(&mut self, track: &Track, times: &mut Times, dts: i64) {
        let Some(expected) = track.next_dts.or(self.last.filter(|_| self.may_jump)) else {
            return;
        };
        let delta = dts.saturating_sub(expected);
        let is_far = delta.saturating_abs() > JUMP;
        let is_behind = track.next_dts.is_some()
            && dts.saturating_add(BEHIND) < track.now.pts.max(track.now.dts);
        if self.may_jump {
            if is_far || is_behind {
                self.offset = self.offset.saturating_sub(delta);
                self.jumps += 1;
                times.shift(track.ticks(delta).saturating_neg());
            }
            return;
        }
        let is_nonsense = |time: i64| time.saturating_sub(expected).saturating_abs() > NONSENSE;
        if track.micros(times.pts).is_some_and(is_nonsense) {
            times.pts = None;
        }
        if is_nonsense(dts) {
            times.dts = None;
        }
    }
}

impl Track {
    /// A stream before its first packet. `frame` is how long a picture is if its packets do not
    /// say; by `delay` pictures decoding runs ahead.
    pub(crate) fn pictures(time_base: TimeBase, frame: Option<i64>, delay: u32) -> Self {
        let begin = frame.map_or(0, |frame| {
            frame.saturating_mul(delay.into()).saturating_neg()
        });
        Self {
            time_base,
            is_picture: true,
            frame,
            now: Moment { dts: begin, pts: 0 },
            next_dts: None,
            next_pts: 0,
            first: None,
            length: Length::new(time_base),
        }
    }

    /// At a frame rate that the container gives as the mean of all.
    pub(crate) fn at_rate(mut self, rate: Option<Rational>) -> Self {
        self.length.set_rate(rate);
        self
    }

    /// How far it has been read; `None` before the first packet.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let first = self.first?;
        Some(Progress {
            first,
            now: self.now.dts,
        })
    }

    /// A stream before its first packet.
    pub(crate) fn sound(time_base: TimeBase) -> Self {
        Self {
            is_picture: false,
            ..Self::pictures(time_base, None, 0)
        }
    }

    /// Where decoding stands: the time of a frame that has none itself.
    pub(crate) fn running(&self) -> i64 {
        self.now.dts
    }

    /// What is read next is from another connection.
    pub(crate) fn rejoin(&mut self) {
        self.next_dts = None;
    }

    /// Where a packet ends, in microseconds.
    fn end_of(&self, times: &Times) -> Option<i64> {
        let begin = self.micros(times.pts.or(times.dts))?;
        let length = self
            .micros(Some(times.duration))
            .filter(|&length| length > 0);
        Some(begin.saturating_add(length.or(self.frame).unwrap_or(0)))
    }

    fn ticks(&self, micros: i64) -> i64 {
        TimeBase::MICROS
            .rescale(micros, self.time_base)
            .unwrap_or(0)
    }

    fn micros(&self, ticks: Option<i64>) -> Option<i64> {
        self.time_base.rescale(ticks?, TimeBase::MICROS)
    }

    fn advance(&mut self, times: &Times) {
        let mut next = self.next_dts.unwrap_or(self.now.dts);
        if let Some(dts) = self.micros(times.dts) {
            next = dts;
            if !self.is_picture {
                self.next_pts = dts;
            }
        }
        self.now = Moment {
            dts: next,
            pts: self.next_pts,
        };
        self.first.get_or_insert(next);
        self.next_dts = Some(next);
        if self.is_picture {
            let duration = self
                .micros(Some(times.duration))
                .filter(|&duration| duration > 0);
            self.next_dts = duration
                .or(self.frame)
                .map(|length| next.saturating_add(length));
        }
    }

    /// A picture came out of the decoder; its time and duration in ticks.
    pub(crate) fn decoded_picture(&mut self, pts: Option<i64>, duration: i64) {
        let pts = self.micros(pts).unwrap_or(self.next_pts);
        let length = self.micros(Some(duration)).filter(|&length| length > 0);
        self.next_pts = pts.saturating_add(length.or(self.frame).unwrap_or(0));
        self.catch_up();
    }

    /// Sound came out of the decoder: so many samples at so many per second.
    pub(crate) fn decoded_sound(&mut self, samples: usize, rate: u32) {
        self.length.sound(samples, rate);
        let micros = samples as i64 * 1_000_000 / i64::from(rate.max(1));
        self.next_pts = self.next_pts.saturating_add(micros);
        self.next_dts = self.next_dts.map(|next| next.saturating_add(micros));
        self.catch_up();
    }

    /// A packet was passed on as it is: it stands at `begin` and lasts so many microseconds.
    pub(crate) fn passed(&mut self, begin: i64, length: i64) {
        self.now = Moment {
            dts: begin,
            pts: begin,
        };
        self.next_pts = begin.saturating_add(length);
        self.next_dts = Some(self.next_pts);
    }

    fn catch_up(&mut self) {
        self.now = Moment {
            dts: self.next_dts.unwrap_or(self.now.dts),
            pts: self.next_pts,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLIS: Option<TimeBase> = TimeBase::new(1, 1000);

    /// Packets of 40 ms with these times, each decoded at once; what their times become.
    fn check(timeline: &mut Timeline, track: &mut Track, millis: &[i64]) -> String {
        let show = |&dts: &i64| {
            let mut times = Times {
                pts: Some(dts),
                dts: Some(dts),
                duration: 40,
            };
            timeline.place(track, &mut times);
            track.decoded_picture(times.pts, 40);
            times.pts.map_or("-".to_owned(), |pts| pts.to_string())
        };
        millis.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    fn pictures() -> Track {
        Track::pictures(MILLIS.unwrap(), Some(40_000), 2)
    }

    #[test]
    fn the_start_becomes_zero() {
        let mut timeline = Timeline::new(-1_400_000, true);
        insta::assert_snapshot!(check(&mut timeline, &mut pictures(), &[1400, 1440, 1500]), @"0 40 100");
        insta::assert_snapshot!(check(&mut Timeline::untouched(), &mut pictures(), &[1400, 99_000_000]), @"1400 99000000");
    }

    #[test]
    fn jumps_are_closed_for_all_streams() {
        let mut timeline = Timeline::new(0, true);
        let (mut one, mut other) = (pictures(), pictures());
        insta::assert_snapshot!(check(&mut timeline, &mut one, &[0, 40, 11_000, 11_040]), @"0 40 80 120");
        insta::assert_snapshot!(check(&mut timeline, &mut other, &[11_000, 11_040]), @"80 120");
        // 9 s forward is a gap, any step back is not.
        insta::assert_snapshot!(check(&mut timeline, &mut one, &[20_000, 20_040, 19_000]), @"9080 9120 9160");
        assert_eq!(timeline.jumps(), 2);
    }

    #[test]
    fn a_stream_that_begins_elsewhere_joins_the_others() {
        let mut timeline = Timeline::new(0, true);
        check(&mut timeline, &mut pictures(), &[0, 40]);
        insta::assert_snapshot!(check(&mut timeline, &mut pictures(), &[100_000]), @"40");
    }

    #[test]
    fn formats_that_do_not_jump_are_believed_unless_absurd() {
        let mut timeline = Timeline::new(0, false);
        let day = 24 * 3_600_000;
        insta::assert_snapshot!(check(&mut timeline, &mut pictures(), &[0, day, 40]), @"0 86400000 40");
        insta::assert_snapshot!(check(&mut timeline, &mut pictures(), &[0, 2 * day, 80]), @"0 - 80");
    }

    #[test]
    fn what_is_opened_again_follows_what_was_read() {
        let mut timeline = Timeline::new(-1_400_000, false);
        let (mut one, mut other) = (pictures(), pictures());
        insta::assert_snapshot!(check(&mut timeline, &mut one, &[1400, 1440]), @"0 40");
        check(&mut timeline, &mut other, &[1450]);
        timeline.splice(9_000_000_000);
        one.rejoin();
        other.rejoin();
        insta::assert_snapshot!(check(&mut timeline, &mut one, &[9_000_010, 9_000_050]), @"100 140");
        insta::assert_snapshot!(check(&mut timeline, &mut other, &[9_000_000]), @"90");
    }

    #[test]
    fn what_begins_again_follows_the_longest() {
        let mut timeline = Timeline::new(-1_400_000, false);
        let (mut one, mut other) = (pictures(), pictures());
        insta::assert_snapshot!(check(&mut timeline, &mut one, &[1400, 1440, 1480]), @"0 40 80");
        insta::assert_snapshot!(check(&mut timeline, &mut other, &[1400, 1440]), @"0 40");
        for expected in ["81 121 161", "162 202 242"] {
            timeline.lap([&one, &other].into_iter());
            assert_eq!(
                check(&mut timeline, &mut one, &[1400, 1440, 1480]),
                expected
            );
            check(&mut timeline, &mut other, &[1400, 1440]);
        }
    }

    #[test]
    fn sound_goes_on_where_it_ended() {
        let mut timeline = Timeline::new(0, false);
        let mut track = Track::sound(MILLIS.unwrap());
        timeline.place(
            &mut track,
            &mut Times {
                dts: Some(500),
                ..Times::default()
            },
        );
        track.decoded_sound(960, 48_000);
        track.decoded_sound(960, 48_000);
        assert_eq!(track.running(), 540_000);
        timeline.place(&mut track, &mut Times::default());
        assert_eq!(track.running(), 540_000);
    }
}
