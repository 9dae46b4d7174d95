//! How near encoded pictures come to what was given, as the encoder measures it.

use bmf_ffmpeg::{AvPacket, PixFmt};
use bmf_sdk::hmp::PixelFormat;

/// Sums of squared differences over all pictures, by plane.
#[derive(Clone, Debug, Default)]
pub(super) struct Quality {
    sums: Vec<f64>,
    pictures: u64,
}

impl Quality {
    pub(super) fn add(&mut self, packet: &AvPacket) {
        let Some(sums) = packet.squared_errors() else {
            return;
        };
        self.sums.resize(self.sums.len().max(sums.len()), 0.0);
        for (total, sum) in self.sums.iter_mut().zip(sums) {
            *total += sum as f64;
        }
        self.pictures += 1;
    }

    /// The peak signal-to-noise ratio in decibels of each plane, and of all of them together; `None`
    /// if the encoder has not measured any.
    pub(super) fn decibels(
        &self,
        width: u32,
        height: u32,
        format: PixFmt,
    ) -> Option<(Vec<f64>, f64)> {
        let descriptor = PixelFormat::from_name(format.name())?.descriptor();
        let peak = f64::from((1_u32 << descriptor.bit_depth) - 1);
        let samples = |plane: usize| {
            let size =
                descriptor.plane_width(plane, width) * descriptor.plane_height(plane, height);
            size as f64 * self.pictures as f64
        };
        let decibels = |sum: f64, samples: f64| -10.0 * (sum / (samples * peak * peak)).log10();
        if self.pictures == 0 {
            return None;
        }
        // There may be numbers for planes that the format does not have.
        let measured = self.sums.iter().enumerate();
        let measured: Vec<(f64, f64)> = measured
            .map(|(plane, &sum)| (sum, samples(plane)))
            .filter(|(_, samples)| *samples > 0.0)
            .collect();
        let planes = measured
            .iter()
            .map(|&(sum, samples)| decibels(sum, samples));
        let sum = |of: fn(&(f64, f64)) -> f64| measured.iter().map(of).sum();
        Some((
            planes.collect(),
            decibels(sum(|plane| plane.0), sum(|plane| plane.1)),
        ))
    }
}
