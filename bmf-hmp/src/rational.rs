//! [`Rational`]: a small fraction for frame rates and aspect ratios, written and read as people do.
//!
//! No arithmetic beyond what rates and ratios need; ticks are converted by [`TimeBase`](crate::TimeBase).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A fraction of two 32-bit integers, kept as written.
///
/// `==` compares the two numbers, not the value: `2/4 != 1/2`; see [`reduced`](Self::reduced) and
/// [`compare`](Self::compare). A zero denominator is allowed in memory, since media files contain it,
/// and reported by [`is_valid`](Self::is_valid).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rational {
    /// The numerator.
    pub num: i32,
    /// The denominator.
    pub den: i32,
}

impl Rational {
    /// `0/1`: for an aspect ratio, "unknown".
    pub const ZERO: Self = Self { num: 0, den: 1 };

    /// `num/den`, as given.
    pub const fn new(num: i32, den: i32) -> Self {
        Self { num, den }
    }

    /// Whether the denominator is not zero.
    pub const fn is_valid(self) -> bool {
        self.den != 0
    }

    /// The value as a float; infinite or NaN when the denominator is zero.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// `den/num`.
    pub const fn inverse(self) -> Self {
        Self {
            num: self.den,
            den: self.num,
        }
    }

    /// In lowest terms with a positive denominator. An invalid fraction is returned as it is, as is
    /// one whose reduced form does not fit (`i32::MIN` over a negative number).
    #[must_use]
    pub fn reduced(self) -> Self {
        if !self.is_valid() {
            return self;
        }
        let sign = i64::from(self.den.signum());
        let (num, den) = (i64::from(self.num) * sign, i64::from(self.den) * sign);
        let divisor = greatest_common_divisor(i128::from(num), i128::from(den)) as i64;
        match (i32::try_from(num / divisor), i32::try_from(den / divisor)) {
            (Ok(num), Ok(den)) => Self { num, den },
            _ => self,
        }
    }

    /// Compares values; `None` when one is invalid.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        if !self.is_valid() || !other.is_valid() {
            return None;
        }
        let sign = i64::from(self.den.signum() * other.den.signum());
        let left = i64::from(self.num) * i64::from(other.den) * sign;
        let right = i64::from(other.num) * i64::from(self.den) * sign;
        Some(left.cmp(&right))
    }

    /// The fraction nearest to `value` with numerator and denominator at most `limit`; `None` when
    /// `value` is not finite or too large.
    ///
    /// ```
    /// use bmf_hmp::Rational;
    /// assert_eq!(Rational::approximate(29.97, 100_000), Some(Rational::new(2997, 100)));
    /// assert_eq!(Rational::approximate(23.976_023_976, 100_000), Some(Rational::new(24000, 1001)));
    /// ```
    pub fn approximate(value: f64, limit: i32) -> Option<Self> {
        const SCALE: f64 = (1_i64 << 52) as f64;
        if !value.is_finite() || limit < 1 || value.abs() > f64::from(limit) {
            return None;
        }
        // Exact for all values down to 2^-52; below, nothing nearer than 0 can be expressed anyway.
        nearest_fraction((value * SCALE) as i128, SCALE as i128, i128::from(limit))
    }
}

/// The fraction nearest to `num/den` (`den > 0`) whose terms are at most `limit`, by continued fractions.
fn nearest_fraction(num: i128, den: i128, limit: i128) -> Option<Rational> {
    let (sign, mut rest, mut divisor) = (num.signum(), num.abs(), den);
    let target = (rest, divisor);
    let (mut before, mut last) = ((0, 1), (1, 0));
    while divisor != 0 {
        let whole = rest / divisor;
        let next = (whole * last.0 + before.0, whole * last.1 + before.1);
        if next.0 > limit || next.1 > limit {
            last = best_within(before, last, target, limit);
            break;
        }
        (before, last) = (last, next);
        (rest, divisor) = (divisor, rest % divisor);
    }
    let (num, den) = last;
    (den != 0).then(|| Rational::new((sign * num) as i32, den as i32))
}

/// The nearer to `target` of the convergent `last` and the largest fraction between it and the next
/// convergent that stays within `limit`.
fn best_within(
    before: (i128, i128),
    last: (i128, i128),
    target: (i128, i128),
    limit: i128,
) -> (i128, i128) {
    let room = |before: i128, last: i128| {
        if last == 0 {
            i128::MAX
        } else {
            (limit - before) / last
        }
    };
    let steps = room(before.0, last.0).min(room(before.1, last.1));
    let between = (steps * last.0 + before.0, steps * last.1 + before.1);
    let distance =
        |f: (i128, i128)| (f.0 as f64 / f.1 as f64 - target.0 as f64 / target.1 as f64).abs();
    if between.1 != 0 && distance(between) < distance(last) {
        between
    } else {
        last
    }
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    if b == 0 {
        a.abs().max(1)
    } else {
        greatest_common_divisor(b, a % b)
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

/// A text that is no fraction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97")]
pub struct ParseRationalError(String);

/// Reads `30000/1001`, `16:9`, `30000,1001`, `25` and `29.97`. Fractions are kept as written, decimals
/// become exact fractions in lowest terms (`2997/100`), or the nearest that fits.
impl FromStr for Rational {
    type Err = ParseRationalError;

    fn from_str(text: &str) -> Result<Self, ParseRationalError> {
        let trimmed = text.trim();
        let parsed = match trimmed.split_once(['/', ':', ',']) {
            Some((num, den)) => parse_pair(num, den),
            None => parse_decimal(trimmed),
        };
        parsed.ok_or_else(|| ParseRationalError(text.to_owned()))
    }
}

fn parse_pair(num: &str, den: &str) -> Option<Rational> {
    let rational = Rational::new(num.trim().parse().ok()?, den.trim().parse().ok()?);
    rational.is_valid().then_some(rational)
}

fn parse_decimal(text: &str) -> Option<Rational> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    // 27 digits are more than a 32-bit fraction can tell apart, and keep the product within 128 bits.
    if !all_digits(whole) || !all_digits(fraction) || whole.len() + fraction.len() > 27 {
        return None;
    }
    let num: i128 = format!("{whole}{fraction}").parse().ok()?;
    let den = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    if num / den > i128::from(i32::MAX) {
        return None;
    }
    nearest_fraction(sign * num, den, i128::from(i32::MAX))
}

/// As text, like [`Display`](fmt::Display).
impl Serialize for Rational {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From text, like [`FromStr`], or from a number.
impl<'de> Deserialize<'de> for Rational {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RationalVisitor)
    }
}

struct RationalVisitor;

impl serde::de::Visitor<'_> for RationalVisitor {
    type Value = Rational;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fraction such as \"30000/1001\", 25 or 29.97")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Rational, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Rational, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Rational, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Rational, E> {
        // A float prints as the shortest decimal that reads back, which is what was typed.
        self.visit_str(&value.to_string())
    }
}

#[cfg(test)]
mod tests;
