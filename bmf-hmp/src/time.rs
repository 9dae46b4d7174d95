//! Media time: [`Timestamp`] in microseconds, [`Bound`] for what can still come, [`TimeBase`] for
//! ticks, [`Rational`] for rates and ratios.
//!
//! All conversions are exact or rounded as asked, computed in 128 bits, and checked: what does not
//! fit is `None`, never wrapped or saturated. Nothing here reads a clock.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Rational;

mod bound;

pub use bound::Bound;

/// A point in media time, in microseconds. Zero is wherever the stream's origin is; negative times
/// are ordinary (an encoder's priming samples, a seek into an edit list).
///
/// Two values are positions rather than times: [`PRE_STREAM`](Self::PRE_STREAM) is before every time
/// and [`POST_STREAM`](Self::POST_STREAM) after it. A packet there (a configuration, a summary) is
/// the only one of its stream.
#[derive(
    Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
#[repr(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// The position before every time.
    pub const PRE_STREAM: Self = Self(i64::MIN);
    /// The earliest time.
    pub const MIN: Self = Self(i64::MIN + 1);
    /// The latest time.
    pub const MAX: Self = Self(i64::MAX - 2);
    /// The position after every time.
    pub const POST_STREAM: Self = Self(i64::MAX - 1);

    /// The time `micros` microseconds after the origin.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the origin.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whether this is a time, not one of the two positions around it.
    pub const fn is_time(self) -> bool {
        Self::MIN.0 <= self.0 && self.0 <= Self::MAX.0
    }

    /// Whether a packet in a stream may have it: every time, and the two positions.
    pub const fn is_allowed_in_stream(self) -> bool {
        self.0 <= Self::POST_STREAM.0
    }

    /// `micros` later; `None` if that is no time.
    pub const fn checked_add(self, micros: i64) -> Option<Self> {
        match self.0.checked_add(micros) {
            Some(sum) if self.is_time() && Self(sum).is_time() => Some(Self(sum)),
            _ => None,
        }
    }

    /// `micros` earlier; `None` if that is no time.
    pub const fn checked_sub(self, micros: i64) -> Option<Self> {
        match self.0.checked_sub(micros) {
            Some(difference) if self.is_time() && Self(difference).is_time() => {
                Some(Self(difference))
            }
            _ => None,
        }
    }

    /// `micros` later (or earlier), at most [`MAX`](Self::MAX) and at least [`MIN`](Self::MIN). The
    /// two positions around all times stay where they are.
    #[must_use]
    pub const fn saturating_add(self, micros: i64) -> Self {
        if !self.is_time() {
            return self;
        }
        let sum = self.0.saturating_add(micros);
        if sum < Self::MIN.0 {
            Self::MIN
        } else if sum > Self::MAX.0 {
            Self::MAX
        } else {
            Self(sum)
        }
    }

    /// Microseconds from `earlier` to `self`; `None` if that cannot be written, or if one of them
    /// is no time.
    pub const fn checked_since(self, earlier: Self) -> Option<i64> {
        if self.is_time() && earlier.is_time() {
            self.0.checked_sub(earlier.0)
        } else {
            None
        }
    }

    /// `ticks` of a time base as a time, rounded to the nearest microsecond.
    pub fn from_ticks(ticks: i64, time_base: TimeBase) -> Option<Self> {
        time_base.rescale(ticks, TimeBase::MICROS).map(Self)
    }

    /// This time in ticks, rounded to the nearest.
    pub fn to_ticks(self, time_base: TimeBase) -> Option<i64> {
        TimeBase::MICROS.rescale(self.0, time_base)
    }

    /// Seconds since the origin, for display and estimates: a float cannot hold every microsecond.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// Seconds with six decimals and a unit: `1.040000s`; or the name of a position.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::PRE_STREAM => return f.write_str("before the stream"),
            Self::POST_STREAM => return f.write_str("after the stream"),
            _ => {}
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        write!(
            f,
            "{sign}{}.{:06}s",
            magnitude / 1_000_000,
            magnitude % 1_000_000
        )
    }
}

/// How long a tick is, in seconds: a positive fraction.
///
/// The fraction is kept as written, not reduced: `1001/30000` and `2002/60000` are one duration but
/// different values to `==`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Rational", into = "Rational")]
pub struct TimeBase {
    num: i32,
    den: i32,
}

impl TimeBase {
    /// A microsecond.
    pub const MICROS: Self = Self {
        num: 1,
        den: 1_000_000,
    };

    /// `num/den` seconds; `None` unless both are positive.
    pub const fn new(num: i32, den: i32) -> Option<Self> {
        if num > 0 && den > 0 {
            Some(Self { num, den })
        } else {
            None
        }
    }

    /// The numerator, at least one.
    pub const fn num(self) -> i32 {
        self.num
    }

    /// The denominator, at least one.
    pub const fn den(self) -> i32 {
        self.den
    }

    /// The fraction as a number.
    pub const fn rational(self) -> Rational {
        Rational::new(self.num, self.den)
    }

    /// Seconds per tick.
    pub fn as_f64(self) -> f64 {
        self.rational().as_f64()
    }

    /// Converts ticks of this base into ticks of another, to the nearest.
    pub fn rescale(self, ticks: i64, to: Self) -> Option<i64> {
        self.rescale_rounded(ticks, to, Rounding::Nearest)
    }

    /// Converts ticks of this base into ticks of another.
    ///
    /// Where the result fits, it is that of FFmpeg's `av_rescale_q_rnd`; where it does not, `None`.
    ///
    /// ```
    /// use bmf_hmp::{Rounding, TimeBase};
    ///
    /// let (frames, millis) = (TimeBase::new(1, 24).unwrap(), TimeBase::new(1, 1000).unwrap());
    /// assert_eq!(frames.rescale(1, millis), Some(42));
    /// assert_eq!(frames.rescale_rounded(1, millis, Rounding::Down), Some(41));
    /// assert_eq!(frames.rescale(i64::MAX, millis), None);
    /// ```
    pub fn rescale_rounded(self, ticks: i64, to: Self, rounding: Rounding) -> Option<i64> {
        // At most 2^63 * 2^62: no overflow in 128 bits.
        let dividend = i128::from(ticks) * i128::from(self.num) * i128::from(to.den);
        let divisor = i128::from(self.den) * i128::from(to.num);
        i64::try_from(rounding.divide(dividend, divisor)).ok()
    }
}

impl fmt::Display for TimeBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rational().fmt(f)
    }
}

impl From<TimeBase> for Rational {
    fn from(time_base: TimeBase) -> Self {
        time_base.rational()
    }
}

/// A fraction that is no time base: not positive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no time base: numerator and denominator must be positive, as in 1/90000")]
pub struct InvalidTimeBase(Rational);

impl TryFrom<Rational> for TimeBase {
    type Error = InvalidTimeBase;

    fn try_from(value: Rational) -> Result<Self, InvalidTimeBase> {
        Self::new(value.num, value.den).ok_or(InvalidTimeBase(value))
    }
}

/// What to do with the part of a tick that does not fit.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// Towards zero.
    Zero,
    /// Away from zero.
    Away,
    /// Towards minus infinity.
    Down,
    /// Towards plus infinity.
    Up,
    /// To the nearest, ties away from zero: FFmpeg's `AV_ROUND_NEAR_INF`.
    Nearest,
}

impl Rounding {
    fn divide(self, dividend: i128, divisor: i128) -> i128 {
        let (quotient, rest) = (dividend / divisor, dividend % divisor);
        if rest == 0 {
            return quotient;
        }
        let away = match self {
            Self::Zero => false,
            Self::Away => true,
            Self::Down => dividend < 0,
            Self::Up => dividend > 0,
            Self::Nearest => rest.abs() * 2 >= divisor,
        };
        if away {
            quotient + dividend.signum()
        } else {
            quotient
        }
    }
}

#[cfg(test)]
mod tests;
