//! Rationals and time bases to and from FFmpeg's `AVRational`.
//!
//! FFmpeg writes "unknown" as 0/0, 0/1 or 1/0, depending on the field; here it
//! is `None`, or 0/1 where the field's Rust type says so.

use bmf_hmp::{Rational, TimeBase};

use crate::sys::AVRational;

/// A rate or ratio; `None` unless positive.
pub(crate) fn known(value: AVRational) -> Option<Rational> {
    (value.num > 0 && value.den > 0).then(|| Rational::new(value.num, value.den))
}

/// A sample aspect ratio; 0/1 if unknown.
pub(crate) fn aspect(value: AVRational) -> Rational {
    known(value).unwrap_or(Rational::ZERO)
}

/// A time base; `None` if unset.
pub(crate) fn time_base(value: AVRational) -> Option<TimeBase> {
    TimeBase::new(value.num, value.den)
}

/// For FFmpeg's fields.
pub(crate) fn av(value: Rational) -> AVRational {
    AVRational {
        num: value.num,
        den: value.den,
    }
}

/// For FFmpeg's rate fields, which take 0/1 as unknown.
pub(crate) fn av_or_unknown(value: Option<Rational>) -> AVRational {
    value.map_or(AVRational { num: 0, den: 1 }, av)
}

/// For FFmpeg's time base fields.
pub(crate) fn av_time_base(value: TimeBase) -> AVRational {
    AVRational {
        num: value.num(),
        den: value.den(),
    }
}
