//! `stream_loop`: how long the input was when it begins again. The rule is that of FFmpeg's command
//! line: the longest stream counts, from its first time to its last and the length of a frame; where
//! there is sound, pictures do not count, as it is not known how long the last one is shown.

use bmf_sdk::hmp::{Rational, TimeBase};

/// How long all that was read is together.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Lap {
    ticks: i64,
    unit: TimeBase,
}

impl Default for Lap {
    fn default() -> Self {
        Self {
            ticks: 0,
            unit: TimeBase::MICROS,
        }
    }
}

/// How long one stream is so far.
#[derive(Clone, Debug)]
pub(crate) struct Length {
    unit: TimeBase,
    range: Option<(i64, i64)>,
    rate: Option<Rational>,
    /// The last frame of sound: samples, and how many of them are a second.
    sound: Option<(usize, u32)>,
}

impl Lap {
    /// That of streams in one input.
    pub(crate) fn of<'a>(streams: impl Iterator<Item = &'a Length> + Clone) -> Option<Self> {
        let has_sound = streams.clone().any(|stream| stream.sound.is_some());
        let laps = streams
            .filter(|stream| !has_sound || stream.sound.is_some())
            .map(Length::lap);
        laps.reduce(|longest, lap| {
            if longest.is_shorter(&lap) {
                lap
            } else {
                longest
            }
        })
    }

    fn is_shorter(&self, other: &Self) -> bool {
        let compared = |lap: &Self| i128::from(lap.ticks) * i128::from(lap.unit.num());
        compared(self) * i128::from(other.unit.den())
            < compared(other) * i128::from(self.unit.den())
    }

    /// In another unit.
    pub(crate) fn ticks(&self, unit: TimeBase) -> i64 {
        self.unit.rescale(self.ticks, unit).unwrap_or(0)
    }
}

impl Length {
    pub(crate) fn new(unit: TimeBase) -> Self {
        Self {
            unit,
            range: None,
            rate: None,
            sound: None,
        }
    }

    /// The frame rate that the container gives.
    pub(crate) fn set_rate(&mut self, rate: Option<Rational>) {
        self.rate = rate;
    }

    /// A packet was read.
    pub(crate) fn packet(&mut self, pts: Option<i64>) {
        let Some(pts) = pts else { return };
        let (first, last) = self.range.unwrap_or((pts, pts));
        self.range = Some((first.min(pts), last.max(pts)));
    }

    /// Sound was decoded.
    pub(crate) fn sound(&mut self, samples: usize, rate: u32) {
        self.sound = Some((samples, rate));
    }

    fn lap(&self) -> Lap {
        let frame = match (self.sound, self.rate) {
            (Some((samples, rate)), _) => {
                let unit = i32::try_from(rate)
                    .ok()
                    .and_then(|rate| TimeBase::new(1, rate));
                unit.and_then(|unit| unit.rescale(samples as i64, self.unit))
            }
            (None, Some(rate)) => {
                TimeBase::new(rate.den, rate.num).and_then(|unit| unit.rescale(1, self.unit))
            }
            (None, None) => Some(1),
        };
        let (first, last) = self.range.unwrap_or((0, 0));
        Lap {
            ticks: frame
                .unwrap_or(0)
                .saturating_add(last.saturating_sub(first)),
            unit: self.unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(times: &[i64], rate: Option<Rational>, sound: Option<(usize, u32)>) -> Length {
        let mut length = Length::new(TimeBase::new(1, 1000).unwrap());
        length.set_rate(rate);
        times.iter().for_each(|&time| length.packet(Some(time)));
        if let Some((samples, rate)) = sound {
            length.sound(samples, rate);
        }
        length
    }

    fn check(streams: &[Length]) -> String {
        let lap = Lap::of(streams.iter());
        lap.map_or("-".to_owned(), |lap| lap.ticks.to_string())
    }

    #[test]
    fn sound_decides_if_there_is_some() {
        let rate = Some(Rational::new(25, 1));
        let pictures = length(&[-80, 40, 0, 9960], rate, None);
        let short = length(&[0, 500], rate, None);
        let sound = length(&[0, 976], None, Some((1152, 48_000)));
        insta::assert_snapshot!(check(&[pictures.clone(), short.clone()]), @"10080");
        insta::assert_snapshot!(check(&[short, pictures, sound]), @"1000");
        insta::assert_snapshot!(check(&[length(&[7], None, None)]), @"1");
        insta::assert_snapshot!(check(&[]), @"-");
    }
}
