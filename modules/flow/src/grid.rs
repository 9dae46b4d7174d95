//! Points in time at equal distances: what resampling and thinning go by. Exact, for periods that
//! are fractions of a microsecond too.

use bmf_sdk::prelude::*;

/// Points at `base + k * num / den` microseconds, for every integer k.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Grid {
    base: i64,
    num: i64,
    den: i64,
}

impl Grid {
    /// Points from `base` on at a distance of `num / den` microseconds, both of which are positive.
    pub(crate) fn new(base: Timestamp, num: i64, den: i64) -> Self {
        Self {
            base: base.micros(),
            num: num.max(1),
            den: den.max(1),
        }
    }

    /// The number of the point nearest to `time`; of two equally near ones the later.
    pub(crate) fn index(self, time: Timestamp) -> i128 {
        let since = i128::from(time.micros()) - i128::from(self.base);
        let (num, den) = (i128::from(self.num), i128::from(self.den));
        (2 * since * den + num).div_euclid(2 * num)
    }

    /// The time of point `index`, to the nearest microsecond.
    ///
    /// # Errors
    /// When that is no time.
    pub(crate) fn time(self, index: i128) -> Result<Timestamp, ModuleError> {
        let (num, den) = (i128::from(self.num), i128::from(self.den));
        let since = index
            .checked_mul(2 * num)
            .map(|twice| (twice + den).div_euclid(2 * den));
        let micros = since.and_then(|since| since.checked_add(i128::from(self.base)));
        micros
            .and_then(|micros| i64::try_from(micros).ok())
            .map(Timestamp::from_micros)
            .filter(|time| time.is_time())
            .ok_or_else(|| ModuleError::new("the time no longer fits a timestamp"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_numbers_are_rounded_to_the_nearest() {
        let at = Timestamp::from_micros;
        let grid = Grid::new(at(2000), 1_000_000, 30);
        let points: Vec<i64> = (-1..4).map(|k| grid.time(k).unwrap().micros()).collect();
        assert_eq!(points, [-31_333, 2000, 35_333, 68_667, 102_000]);
        let numbers = [-14_667, -14_666, 18_666, 18_667, 102_000].map(|t| grid.index(at(t)));
        assert_eq!(numbers, [-1, 0, 0, 1, 3]);
    }

    #[test]
    fn what_is_no_time_is_an_error() {
        let grid = Grid::new(Timestamp::MIN, 1, 1_000_000);
        let last = grid.index(Timestamp::MAX);
        assert_eq!(grid.time(last).unwrap(), Timestamp::MAX);
        assert!(grid.time(last + 1_000_000).is_err());
        assert!(grid.time(i128::MAX).is_err());
    }
}
