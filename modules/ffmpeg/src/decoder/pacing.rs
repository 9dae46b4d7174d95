//! `re`: reading no faster than the media plays.
//!
//! A source may wait in its call, but its worker then serves nobody else. So waits are cut into
//! slices: after each the source returns to the scheduler, which runs what is more urgent first, or
//! ends the graph. The clock can be replaced, so that tests wait for nothing.

use std::time::{Duration, Instant};

/// How long a call waits at most, in microseconds. What FFmpeg's command line waits, too.
pub(crate) const SLICE: i64 = 10_000;

/// Something that tells the time and lets it pass.
pub(crate) trait Clock: Send {
    /// Microseconds since some moment.
    fn now(&self) -> i64;
    /// Returns after so many microseconds.
    fn wait(&mut self, micros: i64);
}

/// The clock of the computer.
pub(crate) struct WallClock(Instant);

impl WallClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for WallClock {
    fn now(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    fn wait(&mut self, micros: i64) {
        std::thread::sleep(Duration::from_micros(micros.max(0).unsigned_abs()));
    }
}

/// How far a stream has been read, in microseconds.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) first: i64,
    pub(crate) now: i64,
}

/// Holds reading back.
pub(crate) struct Pacer {
    /// How many times as fast as the media plays.
    rate: f64,
    clock: Box<dyn Clock>,
    /// When reading began.
    begun: Option<i64>,
}

impl Pacer {
    pub(crate) fn new(rate: f64, clock: Box<dyn Clock>) -> Self {
        Self {
            rate,
            clock,
            begun: None,
        }
    }

    /// Starts anew, as after a seek.
    pub(crate) fn reset(&mut self) {
        self.begun = None;
    }

    /// Whether more may be read now, of streams that have come so far. If not, waits for one slice at
    /// most; then ask again.
    pub(crate) fn is_due(&mut self, streams: impl Iterator<Item = Progress>) -> bool {
        let now = self.clock.now();
        let elapsed = now.saturating_sub(*self.begun.get_or_insert(now));
        let played = (elapsed as f64 * self.rate) as i64;
        let ahead = streams
            .map(|stream| {
                stream
                    .now
                    .saturating_sub(stream.first)
                    .saturating_sub(played)
            })
            .max();
        match ahead {
            Some(ahead) if ahead > 0 => {
                let left = (ahead as f64 / self.rate) as i64;
                self.clock.wait(left.clamp(1, SLICE));
                false
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// Time passes only by waiting.
    struct Patience(Arc<AtomicI64>);

    impl Clock for Patience {
        fn now(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }

        fn wait(&mut self, micros: i64) {
            assert!(micros <= SLICE);
            self.0.fetch_add(micros, Ordering::Relaxed);
        }
    }

    /// Reads packets of 40 ms up to `seconds` and returns how long that takes, in milliseconds.
    fn check(rate: f64, seconds: i64) -> i64 {
        let time = Arc::new(AtomicI64::new(777));
        let mut pacer = Pacer::new(rate, Box::new(Patience(Arc::clone(&time))));
        let first = 1_400_000;
        for now in (first..=first + seconds * 1_000_000).step_by(40_000) {
            while !pacer.is_due([Progress { first, now }].into_iter()) {}
        }
        (time.load(Ordering::Relaxed) - 777) / 1000
    }

    #[test]
    fn ten_seconds_of_media_take_ten_seconds() {
        assert_eq!(check(1.0, 10), 10_000);
        assert_eq!(check(2.0, 10), 5_000);
    }

    #[test]
    fn who_is_late_does_not_wait() {
        let time = Arc::new(AtomicI64::new(0));
        let mut pacer = Pacer::new(1.0, Box::new(Patience(Arc::clone(&time))));
        assert!(pacer.is_due(std::iter::empty()));
        time.store(5_000_000, Ordering::Relaxed);
        let stream = Progress {
            first: 0,
            now: 4_999_000,
        };
        assert!(pacer.is_due([stream].into_iter()));
        assert_eq!(time.load(Ordering::Relaxed), 5_000_000);
        pacer.reset();
        assert!(!pacer.is_due([stream].into_iter()));
    }
}
