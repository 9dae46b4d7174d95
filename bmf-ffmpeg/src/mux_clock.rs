//! Makes timestamps that a container can store: decoding times that rise.
//!
//! Muxers refuse a packet whose decoding time does not rise, or lies after its
//! presentation time, and one such packet (from a damaged source, or from
//! joined files) would cost the whole output. So small sins are corrected, as
//! the command line does, and counted. Pure arithmetic; it knows no FFmpeg.

/// What a container demands of decoding times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Each greater than the one before.
    Strict,
    /// None smaller than the one before.
    NonDecreasing,
    /// The container stores no timestamps.
    Any,
}

/// The timestamps of one output stream.
#[derive(Debug)]
pub(crate) struct MuxClock {
    order: Order,
    last: Option<i64>,
    pub(crate) corrected: u64,
}

impl MuxClock {
    pub(crate) fn new(order: Order) -> Self {
        Self {
            order,
            last: None,
            corrected: 0,
        }
    }

    /// Presentation and decoding time to be written, both in the stream's time
    /// base.
    pub(crate) fn next(
        &mut self,
        pts: Option<i64>,
        dts: Option<i64>,
    ) -> (Option<i64>, Option<i64>) {
        let gap = match self.order {
            Order::Strict => 1,
            Order::NonDecreasing => 0,
            Order::Any => return (pts, dts),
        };
        let (mut new_pts, mut new_dts) = (pts, dts);
        if let (Some(p), Some(d)) = (pts, dts)
            && d > p
        {
            // The one in the middle of the two claims and the earliest legal time.
            let floor = self.last.map_or(p.min(d), |last| last.saturating_add(1));
            let middle = p.max(d).min(floor).max(p.min(d));
            (new_pts, new_dts) = (Some(middle), Some(middle));
        }
        if let (Some(d), Some(last)) = (new_dts, self.last) {
            let floor = last.saturating_add(gap);
            if d < floor {
                new_dts = Some(floor);
                new_pts = new_pts.map(|p| if p >= d { p.max(floor) } else { p });
            }
        }
        self.last = new_dts.or(self.last);
        self.corrected += u64::from((new_pts, new_dts) != (pts, dts));
        (new_pts, new_dts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "pts/dts" pairs in, pairs out; `-` is unknown.
    fn check(order: Order, input: &str) -> String {
        let mut clock = MuxClock::new(order);
        let show = |ts: Option<i64>| ts.map_or("-".into(), |ts| ts.to_string());
        let out: Vec<String> = input
            .split(' ')
            .map(|pair| {
                let (pts, dts) = pair.split_once('/').unwrap();
                let (pts, dts) = clock.next(pts.parse().ok(), dts.parse().ok());
                format!("{}/{}", show(pts), show(dts))
            })
            .collect();
        format!("{} ({})", out.join(" "), clock.corrected)
    }

    #[test]
    fn good_times_pass_and_bad_ones_move_the_least() {
        let input = "0/-2 4/-1 2/0 2/0 1/5 9/3 -/- 10/4";
        insta::assert_snapshot!(check(Order::Strict, input), @"0/-2 4/-1 2/0 2/1 2/2 9/3 -/- 10/4 (2)");
        insta::assert_snapshot!(check(Order::NonDecreasing, input), @"0/-2 4/-1 2/0 2/0 1/1 9/3 -/- 10/4 (1)");
        insta::assert_snapshot!(check(Order::Any, input), @"0/-2 4/-1 2/0 2/0 1/5 9/3 -/- 10/4 (0)");
    }

    #[test]
    fn a_repeated_time_goes_on_by_one() {
        insta::assert_snapshot!(check(Order::Strict, "5/5 5/5 5/5 3/3 20/20"), @"5/5 6/6 7/7 8/8 20/20 (3)");
    }
}
