//! `resampler`: makes a stream of a fixed rate by repeating and dropping packets. Looks at times
//! only; no picture is blended.

use bmf_sdk::hmp::Rational;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::grid::Grid;
use crate::retime::repace;

/// Most packets that one call makes of a gap.
const BURST: usize = 64;

/// Makes a stream of a fixed rate: for each point of a grid it sends the nearest packet, and in
/// gaps it repeats the latest one. The grid begins at the first packet. Pictures and sound get the
/// new times; pictures also the rate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Packets per second: 25, `30000/1001`.
    #[schemars(with = "String")]
    frame_rate: Rational,
    /// A point of the grid in microseconds, where the first packet should not be one.
    base_timestamp: Option<i64>,
    /// Nothing is sent before this time, in microseconds.
    start_time: Option<i64>,
    /// Nothing is sent at this time or later, in microseconds.
    end_time: Option<i64>,
    /// Whether the last packet is sent where its point lies behind it.
    flush_last: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            frame_rate: Rational::new(25, 1),
            base_timestamp: None,
            start_time: None,
            end_time: None,
            flush_last: true,
        }
    }
}

pub(crate) struct Resampler {
    options: Options,
    grid: Option<Grid>,
    last: Option<Last>,
    /// The point that comes next.
    next: i128,
    repeated: u64,
    dropped: u64,
}

/// The latest packet.
struct Last {
    packet: Packet,
    index: i128,
    sent: u64,
}

impl Resampler {
    fn grid_from(&self, base: Timestamp) -> Grid {
        let rate = self.options.frame_rate;
        Grid::new(base, i64::from(rate.den) * 1_000_000, i64::from(rate.num))
    }

    /// Sends the latest packet for the next point.
    fn send(&mut self, grid: Grid, task: &mut Task) -> Result<(), ModuleError> {
        let time = grid.time(self.next)?;
        self.next += 1;
        let start = self.options.start_time.map(Timestamp::from_micros);
        let is_outside = start.is_some_and(|start| time < start) || self.ends_before(time);
        if let Some(last) = self.last.as_mut().filter(|_| !is_outside) {
            last.sent += 1;
            task.push(0, repace(&last.packet, time, self.options.frame_rate));
        }
        Ok(())
    }

    fn ends_before(&self, time: Timestamp) -> bool {
        let end = self.options.end_time.map(Timestamp::from_micros);
        end.is_some_and(|end| time >= end)
    }

    /// Whether all points that are still to come lie behind `end_time`.
    fn is_over(&self) -> Result<bool, ModuleError> {
        match self.grid.filter(|_| self.last.is_some()) {
            Some(grid) => Ok(self.ends_before(grid.time(self.next)?)),
            None => Ok(false),
        }
    }

    /// Makes `packet` the latest one, and sends it or the one before it if that decides the next
    /// point.
    fn take(&mut self, grid: Grid, packet: Packet, task: &mut Task) -> Result<(), ModuleError> {
        let (time, index) = (packet.timestamp(), grid.index(packet.timestamp()));
        let is_first = self.last.is_none();
        if is_first {
            self.next = index;
        }
        let point = grid.time(self.next)?;
        let decides = index == self.next && time >= point;
        let before = self.last.as_ref().filter(|last| last.index == index);
        let is_nearer = before.is_some_and(|last| {
            point.checked_since(last.packet.timestamp()) < time.checked_since(point)
        });
        if decides && is_nearer {
            self.send(grid, task)?;
        }
        self.replace(Some(Last {
            packet,
            index,
            sent: 0,
        }));
        if decides && !is_nearer {
            self.send(grid, task)?;
        }
        Ok(())
    }

    fn replace(&mut self, new: Option<Last>) {
        if let Some(last) = std::mem::replace(&mut self.last, new) {
            self.dropped += u64::from(last.sent == 0);
            self.repeated += last.sent.saturating_sub(1);
        }
    }

    /// The earliest time that can still be sent.
    fn bound(&self, input: Bound) -> Result<Bound, ModuleError> {
        let Some(grid) = self.grid else {
            return Ok(input);
        };
        match input.earliest() {
            _ if self.last.is_some() => Ok(Bound::at(grid.time(self.next)?)),
            Some(time) if time.is_time() => Ok(Bound::at(grid.time(grid.index(time))?)),
            _ => Ok(input),
        }
    }
}

impl Module for Resampler {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let mut sent = 0;
        while let Some(packet) = task.inputs()[0].packets.front() {
            let time = packet.timestamp();
            if !time.is_time() {
                // A packet beside all times, which is the only one of its stream.
                let packet = task.pop(0);
                packet.into_iter().for_each(|packet| task.push(0, packet));
                continue;
            }
            let grid = self.grid.unwrap_or_else(|| self.grid_from(time));
            self.grid = Some(grid);
            while self.last.is_some() && self.next < grid.index(time) {
                if self.is_over()? {
                    return Ok(Flow::Done);
                }
                if sent == BURST {
                    return Ok(Flow::More);
                }
                self.send(grid, task).map_err(|error| error.at(time))?;
                sent += 1;
            }
            if let Some(packet) = task.pop(0) {
                let taken = self.take(grid, packet, task);
                taken.map_err(|error| error.at(time))?;
            }
        }
        let input = &task.inputs()[0];
        if input.ended {
            let is_open = |last: &Last| last.index >= self.next;
            let is_owed = self.options.flush_last && self.last.as_ref().is_some_and(is_open);
            if let (Some(grid), true) = (self.grid, is_owed) {
                self.send(grid, task)?;
            }
            self.replace(None);
            return Ok(Flow::Done);
        }
        let bound = self.bound(input.bound())?;
        task.outputs_mut()[0].set_bound(bound);
        Ok(if self.is_over()? {
            Flow::Done
        } else {
            Flow::Wait
        })
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.replace(None);
        let base = self.options.base_timestamp.map(Timestamp::from_micros);
        self.grid = base.map(|base| self.grid_from(base));
        Ok(())
    }

    fn report(&self) -> Report {
        Report {
            counters: [("repeated", self.repeated), ("dropped", self.dropped)].into(),
            ..Report::default()
        }
    }
}

impl ModuleType for Resampler {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        Description::new("resampler", env!("CARGO_PKG_VERSION"))
            .summary("Makes a stream of a fixed rate by repeating and dropping packets")
            .inputs([PortSpec::new("in", PortKind::Any, "any packets")])
            .outputs([PortSpec::new(
                "out",
                PortKind::Any,
                "packets at equal distances",
            )])
            .wants_bounds()
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        let rate = options.frame_rate;
        if rate.num > 0 && rate.den > 0 {
            return Vec::new();
        }
        let message = format!("{rate} is not a rate");
        vec![OptionIssue::invalid("frame_rate", message)]
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        let mut module = Self {
            options,
            grid: None,
            last: None,
            next: 0,
            repeated: 0,
            dropped: 0,
        };
        module.flush(None)?;
        Ok(module)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::check;

    fn resample(options: Value, script: &str) -> String {
        check::<Resampler>(options, "in | out", script)
    }

    #[test]
    fn k15_thirty_per_second() {
        let thirty = |script| resample(json!({"frame_rate": "30"}), script);
        insta::assert_snapshot!(thirty("in 0@0 1@16666 | end"), @"
        out 0@0 ->33333
        done
        dropped 1
        ");
        insta::assert_snapshot!(thirty("in 0@0 1@16667 | end"), @"
        out 0@0 ->33333
        out 1@33333, done
        ");
        insta::assert_snapshot!(thirty("in 0@0 1@49999 | end"), @"
        out 0@0 1@33333 ->66667
        done
        ");
        insta::assert_snapshot!(thirty("in 0@0 1@50000 | end"), @"
        out 0@0 0@33333 ->66667
        out 1@66667, done
        repeated 1
        ");
        insta::assert_snapshot!(thirty("in 0@2000 1@118666 | end"), @"
        out 0@2000 0@35333 0@68667 1@102000 ->135333
        done
        repeated 2
        ");
        insta::assert_snapshot!(thirty("in 5@-77 | end"), @"
        out 5@-77 ->33256
        done
        ");
    }

    #[test]
    fn the_nearest_packet_of_a_point_is_sent() {
        let ten = |script| resample(json!({"frame_rate": "10"}), script);
        insta::assert_snapshot!(ten("in 0@0 1@60000 2@90000 3@120000 4@140000 | in 5@210000 | end"), @"
        out 0@0 2@100000 ->200000
        out 5@200000 ->300000
        done
        dropped 3
        ");
        insta::assert_snapshot!(ten("in 0@0 1@60000 2@90000 3@105000 | end"), @"
        out 0@0 3@100000 ->200000
        done
        dropped 2
        ");
    }

    #[test]
    fn the_grid_can_be_given_and_cut() {
        insta::assert_snapshot!(resample(json!({"frame_rate": "10", "base_timestamp": 30000}),
            "in ->5 | in 1@100000 | in 2@200000 | end"), @"
        out ->30000
        out ->130000
        out 1@130000 ->230000
        out 2@230000, done
        ");
        insta::assert_snapshot!(resample(json!({"frame_rate": "10", "start_time": 100000, "end_time": 300000}),
            "in 0@0 | in 4@400000 | in 9@900000"), @"
        out ->100000
        out 0@100000 0@200000, left 1 on in, done
        left 1 on in, done
        ");
        insta::assert_snapshot!(resample(json!({"frame_rate": "10", "flush_last": false}),
            "in 0@0 1@60000 | end"), @"
        out 0@0 ->100000
        done
        dropped 1
        ");
    }

    #[test]
    fn a_long_gap_is_filled_in_parts_and_nothing_comes_of_nonsense() {
        let hour = resample(json!({"frame_rate": "1"}), "in 0@0 1@3600000000 | end");
        let last = hour.split("3599000000 ").nth(1);
        insta::assert_snapshot!(last.unwrap(), @"
        1@3600000000 ->3601000000
        done
        repeated 3599
        ");
        insta::assert_snapshot!(resample(json!({"frame_rate": "0"}), ""), @"0/1 is not a rate");
        insta::assert_snapshot!(resample(json!({}), "in 1@pre | end"), @"
        out 1@pre
        done
        ");
    }
}
