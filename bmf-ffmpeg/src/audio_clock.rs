//! Sample-exact timestamps for decoded audio.
//!
//! Containers store times in units that are often coarser than a sample (a
//! millisecond in Matroska), so the start of each frame is only known up to
//! rounding. As long as a frame's time agrees with "where the last frame ended"
//! within that rounding, it begins exactly there; a real jump is followed. The
//! rule is FFmpeg's `av_rescale_delta`, applied as its command line does.

use bmf_hmp::TimeBase;

use crate::sys;
use crate::units;

/// The running time of one decoded audio stream.
///
/// ```
/// use bmf_ffmpeg::AudioClock;
/// use bmf_hmp::TimeBase;
///
/// let millis = TimeBase::new(1, 1000).unwrap();
/// let mut clock = AudioClock::new();
/// // 1024 samples at 44100 Hz are 23.2 ms; the container says 23.
/// assert_eq!(clock.stamp(0, millis, 1024, 44100), Some(0));
/// assert_eq!(clock.stamp(23, millis, 1024, 44100), Some(1024));
/// ```
#[derive(Debug, Clone)]
pub struct AudioClock {
    /// Where the last frame ended, in samples; FFmpeg's "none" if unknown.
    end: i64,
    previous_packet: Option<i64>,
}

impl AudioClock {
    /// Starts with the first frame it sees.
    pub fn new() -> Self {
        Self {
            end: sys::AV_NOPTS_VALUE,
            previous_packet: None,
        }
    }

    /// Notes a packet about to be decoded. If it begins later than the packet
    /// before ended, samples are missing, and the next frame starts anew.
    pub fn packet(&mut self, pts: Option<i64>, duration: i64) {
        if let (Some(pts), Some(previous)) = (pts, self.previous_packet)
            && duration > 0
            && pts
                .checked_sub(previous)
                .is_none_or(|distance| distance > duration)
        {
            self.reset();
        }
        self.previous_packet = pts;
    }

    /// The start of a frame of `samples` samples, in samples (1/`sample_rate`),
    /// from its timestamp in `time_base`. `None` if the rate is 0 or the frame
    /// is unreasonably long.
    pub fn stamp(
        &mut self,
        pts: i64,
        time_base: TimeBase,
        samples: usize,
        sample_rate: u32,
    ) -> Option<i64> {
        let unit = TimeBase::new(1, i32::try_from(sample_rate).ok()?)?;
        let samples = i32::try_from(samples).ok()?;
        if pts == sys::AV_NOPTS_VALUE {
            return None;
        }
        let (from, unit) = (units::av_time_base(time_base), units::av_time_base(unit));
        // SAFETY: pure arithmetic on valid rationals; `end` is ours.
        let start = unsafe { sys::av_rescale_delta(from, pts, unit, samples, &mut self.end, unit) };
        sys::known_ts(start)
    }

    /// Where the last frame ended, in samples.
    pub fn end(&self) -> Option<i64> {
        sys::known_ts(self.end)
    }

    /// Starts anew, for instance after a seek.
    pub fn reset(&mut self) {
        self.end = sys::AV_NOPTS_VALUE;
    }
}

impl Default for AudioClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts of 1024-sample frames at 44100 Hz from millisecond timestamps.
    fn check(millis: &[i64]) -> String {
        let time_base = TimeBase::new(1, 1000).unwrap();
        let mut clock = AudioClock::new();
        let starts = millis.iter().map(|&pts| {
            clock
                .stamp(pts, time_base, 1024, 44100)
                .unwrap()
                .to_string()
        });
        starts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rounding_is_smoothed_and_jumps_are_followed() {
        insta::assert_snapshot!(check(&[0, 23, 46, 70, 93]), @"0 1024 2048 3072 4096");
        insta::assert_snapshot!(check(&[0, 23, 500, 523]), @"0 1024 22050 23074");
    }

    #[test]
    fn a_gap_between_packets_starts_anew() {
        let time_base = TimeBase::new(1, 1000).unwrap();
        let mut clock = AudioClock::new();
        clock.packet(Some(0), 23);
        clock.stamp(0, time_base, 1024, 44100);
        clock.packet(Some(25), 23);
        assert_eq!(clock.end(), None);
        clock.packet(Some(48), 23);
        assert_eq!(clock.stamp(48, time_base, 1024, 44100), Some(2117));
    }

    #[test]
    fn nonsense_is_no_timestamp() {
        let mut clock = AudioClock::new();
        assert_eq!(clock.stamp(0, TimeBase::MICROS, 1024, 0), None);
        assert_eq!(clock.stamp(i64::MIN, TimeBase::MICROS, 1024, 48000), None);
    }
}
