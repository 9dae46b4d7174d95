//! Where one file of several goes in the output, so that what comes of them follows each other. Times
//! only: what a file is, and what it is read from, is told elsewhere.

use bmf_sdk::hmp::{AudioFrame, EncodedPacket, TimeBase, VideoFrame};
use bmf_sdk::prelude::*;

use super::copy::end_of_packet;
use super::lane::Lane;
use super::options::Options;
use super::window::{Segment, Until};

/// What was sent before a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    previous: Option<Previous>,
    /// Frames or packets, by port.
    sent: [u64; 3],
    /// Where copied packets ended, by port, in microseconds of decoding time.
    floors: [Option<i64>; 3],
}

/// The file before, in microseconds.
#[derive(Clone, Debug)]
struct Previous {
    /// Where it began and ended on its own time line.
    begin: i64,
    end: i64,
    /// Where it ended in the output.
    placed_end: i64,
}

/// Where a file was put, in microseconds.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Put {
    /// Where it begins on its own time line.
    pub(crate) begin: i64,
    /// Where that is in the output.
    pub(crate) at: i64,
}

impl Place {
    /// The place at the beginning of another job, whose times begin anew. Limits hold for all jobs.
    pub(crate) fn next_job(&self) -> Self {
        Self {
            sent: self.sent,
            ..Self::default()
        }
    }

    /// How much was sent on a port.
    pub(crate) fn sent(&self, port: usize) -> u64 {
        self.sent[port]
    }

    /// Before this nothing may be sent on a port, in microseconds.
    pub(crate) fn floor(&self, port: usize) -> Option<i64> {
        self.floors[port]
    }

    /// Moves the segments of a file, whose own times begin at `begin`, to their place behind what was
    /// sent.
    ///
    /// Usually that is right behind it. A file whose own times go on where those of the file before
    /// ended, as those of a recording in pieces do, keeps its distance to it (up to
    /// `cut_off_time`), and what both have (up to `overlap_time`) is not sent twice.
    pub(crate) fn put(&self, segments: &mut [Segment], begin: i64, options: &Options) -> Put {
        let Some(previous) = &self.previous else {
            return Put { begin, at: 0 };
        };
        let end = previous.placed_end;
        let first = segments.first().copied().unwrap_or(Segment::WHOLE);
        let is_whole = segments.len() == 1 && first.from.is_none() && first.until == Until::End;
        let gap = begin.saturating_sub(previous.end);
        let (mut at, mut skipped) = (end, 0);
        if options.copyts {
            at = end
                .saturating_sub(begin.saturating_add(first.from.unwrap_or(0)))
                .max(0);
        } else if is_whole && (0..=micros(options.cut_off_time)).contains(&gap) {
            at = end.saturating_add(gap);
        } else if is_whole
            && gap < 0
            && begin > previous.begin
            && gap.saturating_neg() <= micros(options.overlap_time)
        {
            skipped = gap.saturating_neg();
        }
        for segment in segments.iter_mut() {
            // What a file has before its start would lie in the one before.
            segment.from = Some(segment.from.unwrap_or(0).saturating_add(skipped));
            segment.placed_at = segment.placed_at.saturating_add(at);
        }
        Put {
            begin: begin.saturating_add(skipped),
            at,
        }
    }

    /// The place behind a file.
    pub(crate) fn behind(&self, put: Put, lanes: &[Lane]) -> Self {
        let mut next = self.clone();
        for lane in lanes {
            let counts = lane.counts();
            next.sent[lane.port()] += counts.sent;
            next.floors[lane.port()] = lane.floor().or(next.floors[lane.port()]);
        }
        let ends = lanes.iter().filter_map(|lane| lane.counts().end);
        if let Some(placed_end) = ends.max() {
            next.previous = Some(Previous {
                begin: put.begin,
                end: put.begin.saturating_add(placed_end.saturating_sub(put.at)),
                placed_end,
            });
        }
        next
    }
}

fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

/// Where what is in a packet ends, in microseconds; a picture that does not say lasts `picture`.
pub(crate) fn end_of(packet: &Packet, picture: i64) -> Option<i64> {
    if let Some(frame) = packet.get::<VideoFrame>() {
        let begin = frame.time_base.rescale(frame.pts?, TimeBase::MICROS)?;
        let said = frame.time_base.rescale(frame.duration, TimeBase::MICROS);
        let by_rate = frame.frame_rate.filter(|rate| rate.num > 0);
        let by_rate = by_rate.map(|rate| 1_000_000 * i64::from(rate.den) / i64::from(rate.num));
        let length = said.filter(|&length| length > 0).or(by_rate);
        return begin.checked_add(length.unwrap_or(picture));
    }
    if let Some(frame) = packet.get::<AudioFrame>() {
        let end = frame.pts?.checked_add(frame.duration)?;
        return frame.time_base.rescale(end, TimeBase::MICROS);
    }
    packet.get::<EncodedPacket>().and_then(end_of_packet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::window::segments;

    /// A file of four seconds that began at `begin` was sent; where one goes that begins at `next`.
    fn check(begin: i64, next: i64, list: &[f64], start: Option<f64>) -> String {
        let place = Place {
            previous: Some(Previous {
                begin: begin * 1_000_000,
                end: (begin + 4) * 1_000_000,
                placed_end: 4_000_000,
            }),
            ..Place::default()
        };
        let mut segments = segments(start, 0.0, list);
        place.put(&mut segments, next * 1_000_000, &Options::default());
        let show = |segment: &Segment| {
            let from = segment.from.unwrap_or(-1);
            format!("{} at {}", from / 1_000_000, segment.placed_at / 1_000_000)
        };
        segments.iter().map(show).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn files_follow_each_other() {
        insta::assert_snapshot!(check(0, 0, &[], None), @"0 at 4");
        insta::assert_snapshot!(check(7, 1, &[], Some(2.0)), @"2 at 4");
        insta::assert_snapshot!(check(0, 0, &[1.0, 2.0, 3.0, 4.0], None), @"1 at 4, 3 at 5");
    }

    #[test]
    fn pieces_of_a_recording_keep_their_distance() {
        insta::assert_snapshot!(check(7, 11, &[], None), @"0 at 4");
        insta::assert_snapshot!(check(7, 13, &[], None), @"0 at 6");
        insta::assert_snapshot!(check(7, 9, &[], None), @"2 at 4");
        // Too far for the same recording.
        insta::assert_snapshot!(check(7, 22, &[], None), @"0 at 4");
    }
}
