//! Which stretches of the input are wanted, and which part of a frame lies in one.
//!
//! Pure arithmetic on times; seeking and decoding are done elsewhere. The rules are those of FFmpeg's
//! command line (`-ss`, `-to` and its `trim` filters), but for lists of stretches, which it lacks.

use std::ops::Range;

use bmf_sdk::hmp::TimeBase;

/// One stretch of the input. Times are microseconds after the start of the input.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Where it begins; `None` takes the input as it comes, also what lies before its start.
    pub(crate) from: Option<i64>,
    /// Where it ends.
    pub(crate) until: Until,
    /// Where it goes in the output.
    pub(crate) placed_at: i64,
}

impl Segment {
    /// All of the input.
    pub(crate) const WHOLE: Self = Self {
        from: None,
        until: Until::End,
        placed_at: 0,
    };
}

/// The end of a [`Segment`], in microseconds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The end of the input.
    End,
    /// So long after the first frame that was kept, as FFmpeg's `-t` and `-to`.
    Lasting(i64),
    /// So long after `from`, so that the next stretch can follow without overlap.
    Exactly(i64),
}

/// The stretches that options ask for, in order; at least one. All times are in seconds; `pairs`
/// has precedence.
pub(crate) fn segments(start: Option<f64>, end: f64, pairs: &[f64]) -> Vec<Segment> {
    let mut placed_at = 0;
    let segments = pairs.chunks_exact(2).map(|pair| {
        let (from, until) = (micros(pair[0]), micros(pair[1]));
        let segment = Segment {
            from: Some(from),
            until: Until::Exactly(until - from),
            placed_at,
        };
        placed_at += until - from;
        segment
    });
    let segments: Vec<Segment> = segments.collect();
    if !segments.is_empty() {
        return segments;
    }
    let from = start.map(micros);
    let until = match end > 0.0 {
        true => Until::Lasting(micros(end) - from.unwrap_or(0)),
        false => Until::End,
    };
    vec![Segment {
        from,
        until,
        ..Segment::WHOLE
    }]
}

/// What is left of a list of stretches from `time` of the output on. `begin` says where in the output
/// a stretch begins; with `keeps_times` that is where it begins in the input.
pub(crate) fn rest(
    segments: &[Segment],
    time: i64,
    begin: impl Fn(&Segment) -> i64,
    keeps_times: bool,
) -> Vec<Segment> {
    let left = segments.iter().filter_map(|segment| {
        let skipped = time.saturating_sub(begin(segment));
        if skipped <= 0 {
            return Some(*segment);
        }
        let until = match segment.until {
            Until::End => Until::End,
            Until::Lasting(length) | Until::Exactly(length) if length > skipped => {
                Until::Exactly(length - skipped)
            }
            Until::Lasting(_) | Until::Exactly(_) => return None,
        };
        let placed_at = match keeps_times {
            true => segment.placed_at,
            false => segment.placed_at.saturating_add(skipped),
        };
        Some(Segment {
            from: Some(segment.from.unwrap_or(0).saturating_add(skipped)),
            until,
            placed_at,
        })
    });
    left.collect()
}

/// How long the output will be if the input lasts `input` microseconds.
pub(crate) fn length(segments: &[Segment], input: Option<i64>) -> Option<i64> {
    segments.iter().try_fold(0, |sum: i64, segment| {
        let rest = input.map(|input| (input - segment.from.unwrap_or(0)).max(0));
        let length = match segment.until {
            Until::End => rest?,
            Until::Lasting(length) | Until::Exactly(length) => length.min(rest.unwrap_or(i64::MAX)),
        };
        sum.checked_add(length)
    })
}

fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

/// A [`Segment`] as one stream sees it: in ticks, and with the first frame that was kept.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    time_base: TimeBase,
    from: Option<i64>,
    until: Until,
    shift: i64,
    first: Option<i64>,
}

/// Where a frame lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before the stretch.
    Before,
    /// In it: which samples of it (for a picture `0..1`), and the time of the first in the output.
    Inside(Range<usize>, i64),
    /// After its end; what follows is, too.
    After,
}

impl Cut {
    /// `origin` is where the stretch begins on the frames' time line, in microseconds.
    pub(crate) fn new(segment: &Segment, origin: i64, time_base: TimeBase) -> Self {
        let ticks = |micros| TimeBase::MICROS.rescale(micros, time_base);
        let shift = ticks(segment.placed_at).unwrap_or(0);
        let until = match segment.until {
            Until::End => Until::End,
            Until::Lasting(length) => ticks(length).map_or(Until::End, Until::Lasting),
            // From the difference of both ends: rounding must not add up over a list.
            Until::Exactly(length) => ticks(segment.placed_at.saturating_add(length))
                .map_or(Until::End, |end| Until::Exactly(end - shift)),
        };
        Self {
            time_base,
            from: segment.from.and_then(|_| ticks(origin)),
            until,
            shift,
            first: None,
        }
    }

    /// The same in another unit, in the middle of a stretch.
    pub(crate) fn in_time_base(&self, segment: &Segment, origin: i64, unit: TimeBase) -> Self {
        let first = self
            .first
            .and_then(|first| self.time_base.rescale(first, unit));
        Self {
            first,
            ..Self::new(segment, origin, unit)
        }
    }

    /// The unit of all times given to it.
    pub(crate) fn time_base(&self) -> TimeBase {
        self.time_base
    }

    /// A picture is kept whole or not at all: what counts is when it begins.
    pub(crate) fn picture(&mut self, pts: i64) -> Place {
        if self.from.is_some_and(|from| pts < from) {
            return Place::Before;
        }
        let first = *self.first.get_or_insert(pts);
        match self.end(first) {
            Some(end) if pts >= end => Place::After,
            _ => self.inside(0..1, pts),
        }
    }

    /// Of sound whose time base is a sample, just the samples inside are kept.
    pub(crate) fn sound(&mut self, pts: i64, samples: usize) -> Place {
        let length = i64::try_from(samples).unwrap_or(i64::MAX);
        let begin = self.from.map_or(0, |from| from.saturating_sub(pts).max(0));
        if begin >= length {
            return Place::Before;
        }
        // Unlike for pictures, a late first sample does not make the end later.
        let first = *self.first.get_or_insert(self.from.unwrap_or(pts));
        let end = match self.end(first) {
            Some(end) if end <= pts.saturating_add(begin) => return Place::After,
            Some(end) => end.saturating_sub(pts).min(length),
            None => length,
        };
        self.inside(begin as usize..end as usize, pts.saturating_add(begin))
    }

    fn end(&self, first: i64) -> Option<i64> {
        match self.until {
            Until::End => None,
            Until::Lasting(length) => Some(first.saturating_add(length)),
            Until::Exactly(length) => Some(self.from.unwrap_or(0).saturating_add(length)),
        }
    }

    fn inside(&self, range: Range<usize>, pts: i64) -> Place {
        Place::Inside(range, pts.saturating_add(self.shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(den: i32) -> TimeBase {
        TimeBase::new(1, den).unwrap()
    }

    fn pictures(segment: &Segment, origin: i64, pts: &[i64]) -> String {
        let mut cut = Cut::new(segment, origin, unit(1000));
        let show = |&pts: &i64| match cut.picture(pts) {
            Place::Before => "-".to_owned(),
            Place::Inside(_, pts) => pts.to_string(),
            Place::After => "|".to_owned(),
        };
        pts.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_end_counts_from_the_first_picture_kept() {
        let [segment] = segments(Some(1.0), 1.1, &[])[..] else {
            panic!("one stretch");
        };
        insta::assert_snapshot!(pictures(&segment, 0, &[-40, -10, 30, 70, 110, 129, 130]), @"- - 30 70 110 129 |");
        let [segment] = segments(None, 0.1, &[])[..] else {
            panic!("one stretch");
        };
        insta::assert_snapshot!(pictures(&segment, 0, &[-40, 0, 59, 60]), @"-40 0 59 |");
    }

    #[test]
    fn stretches_follow_each_other_exactly() {
        let list = segments(Some(9.0), 9.0, &[1.0, 1.1, 3.0, 3.05]);
        insta::assert_snapshot!(pictures(&list[0], 0, &[-1, 30, 99, 100]), @"- 30 99 |");
        insta::assert_snapshot!(pictures(&list[1], 0, &[0, 49, 50]), @"100 149 |");
        assert_eq!(length(&list, None), Some(150_000));
        assert_eq!(length(&list, Some(3_020_000)), Some(120_000));
    }

    fn left(segments: &[Segment], time: i64) -> String {
        let show = |segment: &Segment| {
            let until = match segment.until {
                Until::End => "end".to_owned(),
                Until::Lasting(length) => format!("~{length}"),
                Until::Exactly(length) => length.to_string(),
            };
            let from = segment.from.map_or("-".to_owned(), |from| from.to_string());
            format!("{from} for {until} at {}", segment.placed_at)
        };
        let left = rest(segments, time, |segment| segment.placed_at, false);
        left.iter().map(show).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_place_in_the_output_is_found_in_the_list() {
        let whole = segments(None, 0.0, &[]);
        insta::assert_snapshot!(left(&whole, 0), @"- for end at 0");
        insta::assert_snapshot!(left(&whole, -5), @"- for end at 0");
        insta::assert_snapshot!(left(&whole, 500), @"500 for end at 500");
        let window = segments(Some(1.0), 3.0, &[]);
        insta::assert_snapshot!(left(&window, 500_000), @"1500000 for 1500000 at 500000");
        insta::assert_snapshot!(left(&window, 2_000_000), @"");
        let list = segments(None, 0.0, &[1.0, 2.0, 5.0, 7.0]);
        insta::assert_snapshot!(left(&list, 0), @"1000000 for 1000000 at 0, 5000000 for 2000000 at 1000000");
        insta::assert_snapshot!(left(&list, 1_250_000), @"5250000 for 1750000 at 1250000");
        insta::assert_snapshot!(left(&list, 3_000_000), @"");
    }

    #[test]
    fn kept_timestamps_shift_the_window_instead() {
        let segment = segments(Some(1.0), 0.0, &[])[0];
        insta::assert_snapshot!(pictures(&segment, 1_500_000, &[1499, 1500, 9000]), @"- 1500 9000");
    }

    #[test]
    fn sound_that_begins_late_does_not_end_late() {
        let segment = segments(Some(0.5), 0.51, &[])[0];
        let mut cut = Cut::new(&segment, 0, unit(48_000));
        assert_eq!(cut.sound(200, 1024), Place::Inside(0..280, 200));
    }

    #[test]
    fn sound_is_cut_to_the_sample() {
        let segment = segments(Some(0.0), 0.003, &[])[0];
        let mut cut = Cut::new(&segment, 0, unit(48_000));
        let places = [(-1500, 1024), (-476, 1024), (548, 1024)];
        let places = places.map(|(pts, samples)| cut.sound(pts, samples));
        assert_eq!(places[0], Place::Before);
        assert_eq!(places[1], Place::Inside(476..620, 0));
        assert_eq!(places[2], Place::After);
    }

    #[test]
    fn pieces_of_sound_add_up_over_a_list() {
        // 1/3 of a millisecond is no whole number of samples.
        let seconds: Vec<f64> = (0..60)
            .map(|n| f64::from(n) / 3000.0 + f64::from(n / 2))
            .collect();
        let mut next = 0;
        for segment in segments(None, 0.0, &seconds) {
            let mut cut = Cut::new(&segment, 0, unit(44_100));
            let Place::Inside(range, pts) = cut.sound(0, 1024) else {
                panic!("nothing kept");
            };
            assert_eq!(pts, next);
            next += range.len() as i64;
        }
        assert_eq!(next, 441);
    }
}
