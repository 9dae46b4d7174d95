//! `packet_thinner`: lets at most one packet per period pass.

use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::grid::Grid;
use crate::retime::retime;

/// Lets at most one packet per period pass and drops the others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Length of a period in microseconds.
    period: i64,
    /// Which packet of a period passes.
    mode: Mode,
    /// Whether `sync` moves packets to the points that they are nearest to.
    restamp: bool,
    /// Packets before this time, in microseconds, are dropped. `sync` counts periods from here.
    start_time: Option<i64>,
    /// Packets at this time or later, in microseconds, are dropped.
    end_time: Option<i64>,
}

/// Which packets pass.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Each that is at least a period later than the one that passed before.
    #[default]
    Async,
    /// That which is nearest to each multiple of the period after `start_time`, or after 0.
    Sync,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            period: 1_000_000,
            mode: Mode::Async,
            restamp: false,
            start_time: None,
            end_time: None,
        }
    }
}

pub(crate) struct PacketThinner {
    options: Options,
    grid: Grid,
    /// When the next packet may pass (`async`).
    next: Bound,
    /// The nearest packet so far of a point (`sync`).
    nearest: Option<(i128, Packet)>,
    /// The last point that has its packet (`sync`).
    settled: Option<i128>,
    too_early: u64,
    outside: u64,
}

impl PacketThinner {
    fn is_outside(&self, time: Timestamp) -> bool {
        let starts_later = |start| time < Timestamp::from_micros(start);
        self.options.start_time.is_some_and(starts_later) || self.is_over(time)
    }

    fn is_over(&self, time: Timestamp) -> bool {
        let end = self.options.end_time.map(Timestamp::from_micros);
        end.is_some_and(|end| time >= end)
    }

    fn take_async(&mut self, packet: Packet, task: &mut Task) {
        let time = packet.timestamp();
        if !self.next.admits(time) {
            self.too_early += 1;
            return;
        }
        self.next = match time.checked_add(self.options.period) {
            Some(next) => Bound::at(next),
            None => Bound::NOTHING,
        };
        task.push(0, packet);
    }

    fn take_sync(&mut self, packet: Packet, task: &mut Task) -> Result<(), ModuleError> {
        let index = self.grid.index(packet.timestamp());
        self.settle_before(index, task)?;
        if self.settled.is_some_and(|settled| settled >= index) {
            self.too_early += 1;
            return Ok(());
        }
        let point = self.grid.time(index)?;
        let distance = |packet: &Packet| packet.timestamp().micros().abs_diff(point.micros());
        let is_nearer = |other: &(i128, Packet)| distance(&packet) < distance(&other.1);
        let replaces = self.nearest.as_ref().is_none_or(is_nearer);
        self.too_early += u64::from(!replaces || self.nearest.is_some());
        let is_behind = packet.timestamp() >= point;
        if replaces {
            self.nearest = Some((index, packet));
        }
        if is_behind {
            // Those that follow are further away.
            self.settle_before(index + 1, task)?;
        }
        Ok(())
    }

    /// Sends the packet of a point before `index`.
    fn settle_before(&mut self, index: i128, task: &mut Task) -> Result<(), ModuleError> {
        if let Some((point, packet)) = self.nearest.take_if(|(point, _)| *point < index) {
            self.settled = Some(point);
            let packet = match self.options.restamp {
                true => retime(&packet, self.grid.time(point)?),
                false => packet,
            };
            task.push(0, packet);
        }
        Ok(())
    }

    /// The earliest time that can still be sent when the input brings nothing before `input`.
    fn bound(&self, input: Bound) -> Result<Bound, ModuleError> {
        let Some(time) = input.earliest().filter(|time| time.is_time()) else {
            return Ok(input);
        };
        match (self.options.mode, &self.nearest) {
            (Mode::Async, _) => Ok(input.max(self.next)),
            (Mode::Sync, Some((point, _))) if self.options.restamp => {
                Ok(Bound::at(self.grid.time(*point)?))
            }
            (Mode::Sync, Some((_, packet))) => Ok(Bound::at(packet.timestamp())),
            (Mode::Sync, None) if self.options.restamp => {
                let free = self.settled.map_or(i128::MIN, |settled| settled + 1);
                let point = self.grid.index(time).max(free);
                Ok(Bound::at(self.grid.time(point)?))
            }
            (Mode::Sync, None) => Ok(input),
        }
    }
}

impl Module for PacketThinner {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let mut is_over = false;
        while let Some(packet) = task.pop(0) {
            let time = packet.timestamp();
            is_over |= self.is_over(time);
            if self.is_outside(time) {
                self.outside += 1;
            } else if !time.is_time() {
                task.push(0, packet);
            } else if self.options.mode == Mode::Async {
                self.take_async(packet, task);
            } else {
                let taken = self.take_sync(packet, task);
                taken.map_err(|error| error.at(time))?;
            }
        }
        let input = &task.inputs()[0];
        let (ended, bound) = (input.ended, input.bound());
        if ended || is_over {
            self.settle_before(i128::MAX, task)?;
            return Ok(Flow::Done);
        }
        if let Some(time) = bound.earliest().filter(|time| time.is_time()) {
            self.settle_before(self.grid.index(time), task)?;
        }
        let bound = self.bound(bound)?;
        task.outputs_mut()[0].set_bound(bound);
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.next = Bound::START;
        (self.nearest, self.settled) = (None, None);
        Ok(())
    }

    fn report(&self) -> Report {
        let counters = [
            ("dropped_in_period", self.too_early),
            ("dropped_outside", self.outside),
        ];
        Report {
            counters: counters.into(),
            ..Report::default()
        }
    }
}

impl ModuleType for PacketThinner {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        Description::new("packet_thinner", env!("CARGO_PKG_VERSION"))
            .summary("Lets at most one packet per period pass")
            .inputs([PortSpec::new("in", PortKind::Any, "any packets")])
            .outputs([PortSpec::new("out", PortKind::Any, "the packets that pass")])
            .wants_bounds()
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        let mut issues = Vec::new();
        if options.period <= 0 {
            let message = format!(
                "{} is no length of time: it must be positive",
                options.period
            );
            issues.push(OptionIssue::invalid("period", message));
        }
        if options.restamp && options.mode == Mode::Async {
            let message = "only mode = \"sync\" has points to move packets to";
            issues.push(OptionIssue::invalid("restamp", message));
        }
        issues
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        let base = Timestamp::from_micros(options.start_time.unwrap_or(0));
        Ok(Self {
            grid: Grid::new(base, options.period, 1),
            options,
            next: Bound::START,
            nearest: None,
            settled: None,
            too_early: 0,
            outside: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::check;

    const SCRIPT: &str =
        "in 0@0 1@40 2@90 | in 3@100 4@130 5@180 6@220 | in ->300 | in 7@301 | end";

    fn thin(options: Value, script: &str) -> String {
        check::<PacketThinner>(options, "in | out", script)
    }

    #[test]
    fn async_goes_by_the_packet_that_passed_before() {
        insta::assert_snapshot!(thin(json!({"period": 100}), SCRIPT), @"
        out 0@0 ->100
        out 3@100 6@220 ->320
        -
        -
        done
        dropped_in_period 5
        ");
    }

    #[test]
    fn sync_goes_by_points_in_time() {
        insta::assert_snapshot!(thin(json!({"period": 100, "mode": "sync"}), SCRIPT), @"
        out 0@0 ->90
        out 3@100 5@180 ->221
        out ->300
        out 7@301
        done
        dropped_in_period 4
        ");
        insta::assert_snapshot!(thin(json!({"period": 100, "mode": "sync", "restamp": true}), SCRIPT), @"
        out 0@0 ->100
        out 3@100 5@200 ->300
        -
        out 7@300 ->400
        done
        dropped_in_period 4
        ");
    }

    #[test]
    fn what_is_outside_is_dropped_and_the_end_is_the_end() {
        let options = json!({"period": 100, "start_time": 40, "end_time": 220});
        insta::assert_snapshot!(thin(options, SCRIPT), @"
        out 1@40 ->140
        out 5@180, done
        done
        done
        done
        dropped_in_period 3, dropped_outside 2
        ");
    }

    #[test]
    fn wrong_options_are_refused() {
        insta::assert_snapshot!(thin(json!({"period": 0}), ""), @"0 is no length of time: it must be positive");
        insta::assert_snapshot!(thin(json!({"restamp": true}), ""), @r#"only mode = "sync" has points to move packets to"#);
    }
}
