//! [`Bound`]: what can still arrive on a stream. Pure arithmetic; streams keep and move bounds.

use std::fmt;

use super::Timestamp;

/// The lowest timestamp that can still arrive on a stream.
///
/// A timestamp below the bound is *settled*: whatever there was to come at it has come. A packet at
/// T moves the bound to just after T; a producer may move it further without a packet.
///
/// ```
/// use bmf_hmp::{Bound, Timestamp};
///
/// let bound = Bound::after(Timestamp::from_micros(20));
/// assert!(!bound.admits(Timestamp::from_micros(20)));
/// assert_eq!(bound.earliest(), Some(Timestamp::from_micros(21)));
/// assert_eq!(Bound::after(Timestamp::MAX), Bound::NOTHING);
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bound(i64);

impl Bound {
    /// Anything can come: where every stream begins.
    pub const START: Self = Self(Timestamp::PRE_STREAM.0);
    /// Nothing can come any more, although the stream may not have been closed yet.
    pub const NOTHING: Self = Self(i64::MAX);

    /// `time` itself can still come, nothing before it.
    pub const fn at(time: Timestamp) -> Self {
        Self(time.0)
    }

    /// Nothing up to and including `time` can come. Nothing follows a packet before the stream or
    /// one after it, each of which is the only one of its stream; nor anything after the last time.
    pub const fn after(time: Timestamp) -> Self {
        if time.0 == Timestamp::PRE_STREAM.0 || time.0 >= Timestamp::MAX.0 {
            Self::NOTHING
        } else {
            Self(time.0 + 1)
        }
    }

    /// A bound as [`to_raw`](Self::to_raw) wrote it.
    pub const fn from_raw(raw: i64) -> Self {
        Self(raw)
    }

    /// As one number, in the order of bounds; for atomics.
    pub const fn to_raw(self) -> i64 {
        self.0
    }

    /// Whether a packet at `time` can still come.
    pub const fn admits(self, time: Timestamp) -> bool {
        self.0 <= time.0
    }

    /// The earliest time that can still come; `None` if nothing can.
    pub const fn earliest(self) -> Option<Timestamp> {
        if self.0 == Self::NOTHING.0 {
            None
        } else {
            Some(Timestamp(self.0))
        }
    }

    /// The latest time that is settled; `None` if no time of the stream is.
    pub const fn settled(self) -> Option<Timestamp> {
        if self.0 > Timestamp::MAX.0 {
            Some(Timestamp::MAX)
        } else if self.0 <= Timestamp::MIN.0 {
            None
        } else {
            Some(Timestamp(self.0 - 1))
        }
    }

    /// The bound of an output whose packets come `micros` later (or earlier) than those of the
    /// input. An input from which nothing comes any more leaves room for a packet after the stream;
    /// an input that has not begun says nothing.
    #[must_use]
    pub const fn shifted(self, micros: i64) -> Self {
        if self.0 == Self::START.0 {
            self
        } else if self.0 > Timestamp::MAX.0 {
            if micros >= 0 {
                Self(Timestamp::POST_STREAM.0)
            } else {
                Self::after(Timestamp::MAX.saturating_add(micros))
            }
        } else {
            Self(Timestamp(self.0).saturating_add(micros).0)
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.earliest() {
            Some(time) => time.fmt(f),
            None => f.write_str("nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    // T01 and S21 to S24 of the behaviour cases. Differs on purpose: the time before POST_STREAM is
    // MAX, and a bound that nothing can pass is NOTHING for PRE_STREAM, MAX and POST_STREAM alike.
    #[test]
    fn t01_next_and_previous() {
        let next = [
            (Timestamp::PRE_STREAM, Bound::NOTHING),
            (Timestamp::MIN, Bound::at(at(i64::MIN + 2))),
            (at(1000), Bound::at(at(1001))),
            (Timestamp::MAX, Bound::NOTHING),
            (Timestamp::POST_STREAM, Bound::NOTHING),
        ];
        for (time, bound) in next {
            assert_eq!(Bound::after(time), bound, "{time}");
        }
        let settled = [
            (Bound::START, None),
            (Bound::at(Timestamp::MIN), None),
            (Bound::at(at(5)), Some(at(4))),
            (Bound::at(Timestamp::POST_STREAM), Some(Timestamp::MAX)),
            (Bound::NOTHING, Some(Timestamp::MAX)),
        ];
        for (bound, time) in settled {
            assert_eq!(bound.settled(), time, "{bound}");
        }
    }

    #[test]
    fn s21_s22_offsets() {
        let after = |micros| Bound::after(at(micros));
        assert_eq!(after(0).shifted(0), Bound::at(at(1)));
        assert_eq!(after(0).shifted(-10), Bound::at(at(-9)));
        assert_eq!(Bound::NOTHING.shifted(0), Bound::at(Timestamp::POST_STREAM));
        assert_eq!(
            Bound::NOTHING.shifted(-10),
            Bound::at(Timestamp::MAX.saturating_add(-9))
        );
        assert_eq!(Bound::START.shifted(5), Bound::START);
        assert_eq!(
            Bound::at(Timestamp::MAX).shifted(7),
            Bound::at(Timestamp::MAX)
        );
    }
}
