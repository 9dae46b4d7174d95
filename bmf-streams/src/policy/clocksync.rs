//! `clocksync`: one input, the clock, gives ticks. Each tick makes a task; it holds, of each other
//! input, the newest packet that is due, again if nothing newer is. The ticks themselves are not
//! passed on: the clock's input stays empty.
//!
//! The first tick that finds a packet sets the zero point: it counts as the time of that packet (of
//! the first input that has one). From then on a task is for the tick's distance from the zero
//! point, and its packets are given at that time. Ticks before the zero point are thrown away.
//!
//! A tick waits for nobody, since it stands for a moment that passes. So what a task holds depends
//! on what has arrived, as with `immediate`. An input that has not begun is empty; one that has ended is empty
//! after its last packet was given.
//!
//! It ends with the clock, or when all others have ended and their last packets were given. BMF's
//! own only ends with the clock, waits for a second tick before it looks at the first, keeps all
//! packets that have ever come, and gives packets before they are due where those are nearer to the
//! tick.

use bmf_core::config::InputManagerConfig;
use bmf_core::drive::DriveTask;
use bmf_core::{OptionIssue, Task};
use bmf_hmp::{Bound, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{InputPolicy, Purpose, Readiness, options, settled};
use crate::{Awaited, InputPort};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    clock: Option<Value>,
}

pub(super) fn build(
    config: &InputManagerConfig,
    purpose: &Purpose,
) -> Result<Box<dyn InputPolicy>, OptionIssue> {
    let config: Config = options::read(config)?;
    Ok(Box::new(ClockSync {
        clock: options::port_or_first(config.clock.as_ref(), "clock", purpose)?,
        offset: None,
    }))
}

struct ClockSync {
    clock: usize,
    /// From the time of a tick to that of its task, once the zero point is set.
    offset: Option<i64>,
}

impl ClockSync {
    fn others<'a>(&self, inputs: &'a [InputPort]) -> impl Iterator<Item = &'a InputPort> {
        let clock = self.clock;
        let others = inputs.iter().enumerate();
        others
            .filter(move |(index, _)| *index != clock)
            .map(|(_, port)| port)
    }

    fn zero_point(&self, inputs: &[InputPort], tick: Timestamp) -> Option<i64> {
        let first = self.others(inputs).find_map(InputPort::packet)?;
        Some(first.timestamp().checked_since(tick).unwrap_or(0))
    }
}

impl InputPolicy for ClockSync {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        let is_done = |port: &InputPort| port.is_over() && !port.is_holding_news();
        if self.others(inputs).all(is_done) {
            return Readiness::Close;
        }
        loop {
            let Some(clock) = inputs.get(self.clock).filter(|clock| !clock.is_over()) else {
                return Readiness::Close;
            };
            let Some(tick) = clock.packet().map(|packet| packet.timestamp()) else {
                return Readiness::NotReady(Awaited {
                    port: Some(self.clock),
                    settled: None,
                });
            };
            self.offset = self.offset.or_else(|| self.zero_point(inputs, tick));
            if self.offset.is_some() {
                return Readiness::Ready;
            }
            inputs[self.clock].discard_packet();
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        let tick = inputs[self.clock].pop_packet();
        let (Some(tick), Some(offset)) = (tick, self.offset) else {
            return;
        };
        let time = tick.timestamp().saturating_add(offset);
        task.set_timestamp(Some(time));
        let others = inputs.iter_mut().zip(task.inputs_mut()).enumerate();
        for (index, (port, input)) in others {
            if index == self.clock {
                continue;
            }
            port.hold(time);
            if port.is_over() {
                if port.is_holding_news() {
                    input.packets.extend(port.give_held(time));
                }
                port.release();
                port.pop_signals();
            } else {
                input.packets.extend(port.give_held(time));
            }
        }
    }

    fn bound(&self, inputs: &[InputPort], port: usize) -> Bound {
        let clock = inputs
            .get(self.clock)
            .map_or(Bound::NOTHING, InputPort::next_time);
        match self.offset {
            _ if inputs[port].is_ended() => Bound::NOTHING,
            Some(offset) => settled::shifted(clock, offset),
            None => Bound::START,
        }
    }

    fn reset(&mut self) {
        self.offset = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    // A packet given at another time than its own is written time=value; its value is its own time.

    #[test]
    fn a_tick_takes_the_newest_packet_that_is_due() {
        let script = "b 100 133 166 | a 1000 1040 1080 | b 200 eof | a 1120 1160 | eof";
        insta::assert_snapshot!(check("clocksync", script), @"
        100: a[] b[100]
        140: a[] b[140=133]
        180: a[] b[180=166]
        220: a[] b[220=200]eof
        -: a[]eof b[]eof
        a lost 1
        ");
    }

    #[test]
    fn the_first_tick_that_finds_a_packet_is_the_zero_point() {
        insta::assert_snapshot!(check("clocksync", "a 0 40 | b 500 | a 80 | a 120 eof"), @"
        500: a[] b[500]
        540: a[] b[540=500]
        -: a[]eof b[]eof
        a lost 2
        ");
    }

    #[test]
    fn an_input_that_has_not_begun_is_empty() {
        insta::assert_snapshot!(check("clocksync", "b 0 | a 0 40 | c 45 | a 80 | b eof | c eof | a 120 160"), @"
        0: a[] b[0] c[]
        40: a[] b[40=0] c[]
        80: a[] b[80=0] c[80=45]
        -: a[]eof b[]eof c[]eof
        ");
    }

    #[test]
    fn any_input_can_be_the_clock() {
        let clock = r#"{"name": "clocksync", "clock": "b"}"#;
        insta::assert_snapshot!(check(clock, "a 7 8 | b 1 2 3 | eof"), @"
        7: a[7] b[]
        8: a[8] b[]
        9: a[9=8] b[]
        -: a[]eof b[]eof
        ");
    }

    #[test]
    fn ends_with_the_clock() {
        insta::assert_snapshot!(check("clocksync", "b 1 5 | a 1 eof"), @"
        1: a[] b[1]
        -: a[]eof b[]eof
        b lost 1
        ");
    }
}
