//! The same packet at another time. Frames carry times of their own, which encoders and filters go
//! by, so those move along; pixels and samples are shared.

use bmf_sdk::hmp::{AudioFrame, Rational, TimeBase, VideoFrame};
use bmf_sdk::prelude::*;

/// `packet` at `time`. A frame gets its times in microseconds: its old unit may not hold the new
/// time.
pub(crate) fn retime(packet: &Packet, time: Timestamp) -> Packet {
    if let Some(frame) = packet.get::<VideoFrame>() {
        let mut frame = frame.clone();
        frame.pts = Some(time.micros());
        let duration = frame.time_base.rescale(frame.duration, TimeBase::MICROS);
        frame.duration = duration.unwrap_or(0);
        frame.time_base = TimeBase::MICROS;
        return Packet::new(time, frame);
    }
    if let Some(frame) = packet.get::<AudioFrame>() {
        let mut frame = frame.clone();
        frame.pts = Some(time.micros());
        let duration = frame.time_base.rescale(frame.duration, TimeBase::MICROS);
        frame.duration = duration.unwrap_or(0);
        frame.time_base = TimeBase::MICROS;
        return Packet::new(time, frame);
    }
    packet.with_timestamp(time)
}

/// `packet` at `time` as one of a stream of `rate` packets per second: pictures are told so.
pub(crate) fn repace(packet: &Packet, time: Timestamp, rate: Rational) -> Packet {
    match retime(packet, time).into_inner::<VideoFrame>() {
        Ok(mut frame) => {
            frame.frame_rate = Some(rate);
            frame.duration = i64::from(rate.den) * 1_000_000 / i64::from(rate.num.max(1));
            Packet::new(time, frame)
        }
        Err(packet) => packet,
    }
}

#[cfg(test)]
mod tests {
    use bmf_sdk::hmp::PixelFormat;

    use super::*;

    #[test]
    fn a_picture_takes_the_new_time_and_keeps_its_pixels() {
        let mut frame = VideoFrame::zeroed(PixelFormat::Gray, 4, 4).unwrap();
        frame.time_base = TimeBase::new(1, 25).unwrap();
        frame.pts = Some(3);
        frame.duration = 1;
        let packet = Packet::new(Timestamp::from_micros(120_000), frame);
        let packet = repace(
            &packet,
            Timestamp::from_micros(133_333),
            Rational::new(30, 1),
        );
        let moved = packet.get::<VideoFrame>().unwrap();
        assert_eq!(moved.timestamp(), Some(packet.timestamp()));
        assert_eq!(
            (moved.duration, moved.frame_rate),
            (33_333, Some(Rational::new(30, 1)))
        );
        let other = retime(&packet, Timestamp::ZERO);
        let other = other.get::<VideoFrame>().unwrap();
        assert!(
            other.planes()[0]
                .buffer()
                .ptr_eq(moved.planes()[0].buffer())
        );
    }
}
