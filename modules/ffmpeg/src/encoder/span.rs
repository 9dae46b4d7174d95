//! The part of the time axis that a stream covers, for reports.

use bmf_sdk::hmp::{TimeBase, Timestamp};

/// First start and last end, in microseconds.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Span(Option<(i64, i64)>);

impl Span {
    /// Extends it by what lasts from `start` to `end`.
    pub(super) fn add(&mut self, start: i64, end: i64, unit: TimeBase) {
        let micros = |ticks| Timestamp::from_ticks(ticks, unit).map(Timestamp::micros);
        if let (Some(start), Some(end)) = (micros(start), micros(end)) {
            self.join(Self(Some((start, end))));
        }
    }

    /// Extends it by another one.
    pub(super) fn join(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }

    /// Its length in microseconds.
    pub(super) fn length(self) -> Option<i64> {
        self.0.map(|(start, end)| end.saturating_sub(start))
    }
}
