//! `previous_loopback`: gives a node what a node further down made of the packet before. Closes
//! loops; keeps no packet but those that a loop has brought too early.

use std::collections::VecDeque;

use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::retime::retime;

const MAIN: usize = 0;
const LOOP: usize = 1;

/// For each packet of `in` sends, at its time, the packet of `loop` that has the time of the packet
/// of `in` before it. Where there is none (for the first packet, and where the loop has skipped
/// that time) it only tells that nothing comes, so that a node which joins `in` and the output goes
/// on. It waits for the loop as long as that may still bring one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Options {}

#[derive(Default)]
pub(crate) struct PreviousLoopback {
    previous: Option<Timestamp>,
    missing: u64,
    dropped: u64,
}

/// What a loop says about a time.
enum Answer {
    Packet(Packet),
    Nothing,
    NotYet,
}

impl PreviousLoopback {
    /// What the loop made of the packet at `time`. Packets before it are not asked for any more.
    fn answer(&mut self, task: &mut Task, time: Timestamp) -> Answer {
        let Some(input) = task.inputs_mut().get_mut(LOOP) else {
            return Answer::Nothing;
        };
        self.dropped += drop_before(&mut input.packets, time);
        match input.packets.front() {
            Some(packet) if packet.timestamp() == time => match input.packets.pop_front() {
                Some(packet) => Answer::Packet(packet),
                None => Answer::Nothing,
            },
            Some(_) => Answer::Nothing,
            None if input.bound().admits(time) => Answer::NotYet,
            None => Answer::Nothing,
        }
    }
}

/// Removes the packets before `time` and counts them.
fn drop_before(packets: &mut VecDeque<Packet>, time: Timestamp) -> u64 {
    let early = packets
        .iter()
        .take_while(|packet| packet.timestamp() < time);
    let count = early.count();
    packets.drain(..count);
    count as u64
}

impl Module for PreviousLoopback {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        while let Some(time) = task.inputs()[MAIN].packets.front().map(Packet::timestamp) {
            let answer = match self.previous {
                None => Answer::Nothing,
                Some(previous) => self.answer(task, previous),
            };
            match answer {
                Answer::NotYet => break,
                Answer::Packet(packet) => task.push(0, retime(&packet, time)),
                Answer::Nothing => self.missing += u64::from(self.previous.is_some()),
            }
            task.pop(MAIN);
            self.previous = Some(time);
        }
        let main = &task.inputs()[MAIN];
        let bound = match main.packets.front() {
            Some(packet) => Bound::at(packet.timestamp()),
            None if main.ended => return Ok(Flow::Done),
            None => main.bound(),
        };
        task.outputs_mut()[0].set_bound(bound);
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.previous = None;
        Ok(())
    }

    fn report(&self) -> Report {
        let counters = [
            ("without_previous", self.missing),
            ("dropped_from_loop", self.dropped),
        ];
        Report {
            counters: counters.into(),
            ..Report::default()
        }
    }
}

impl ModuleType for PreviousLoopback {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        Description::new("previous_loopback", env!("CARGO_PKG_VERSION"))
            .summary("Gives back what a loop made of the packet before")
            .inputs([
                PortSpec::new("in", PortKind::Any, "what goes into the loop"),
                PortSpec::new("loop", PortKind::Any, "what the loop made of it").back_edge(),
            ])
            .outputs([PortSpec::new(
                "out",
                PortKind::Any,
                "what the loop made of the packet before, at the time of this one",
            )])
            .wants_bounds()
    }

    fn new(Options {}: Options) -> Result<Self, ModuleError> {
        Ok(Self::default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::{Play, check, time_of};

    const PORTS: &str = "in loop | out";

    // The node in the loop is played by hand: it sends on what it gets, at once.
    #[test]
    fn l07_each_packet_meets_the_one_before() {
        insta::assert_snapshot!(check::<PreviousLoopback>(json!({}), PORTS,
            "in 1@1 | loop 1@1 | in 2@2 | loop 2@2 | in 3@5 | loop 3@5 | in 4@15 | loop 4@15 | in end"), @"
        out ->2
        left 1 on loop
        out 1@2
        left 1 on loop
        out 2@5
        left 1 on loop
        out 3@15
        left 1 on loop
        left 1 on loop, done
        ");
    }

    #[test]
    fn an_answer_or_a_bound_is_waited_for() {
        insta::assert_snapshot!(check::<PreviousLoopback>(json!({}), PORTS,
            "in 1@1 2@2 3@3 | loop 10@1 | loop ->3 | in ->9 | in end"), @"
        out ->2, left 2 on in
        out 10@2, left 1 on in
        out ->4
        out ->9
        done
        without_previous 1
        ");
        insta::assert_snapshot!(check::<PreviousLoopback>(json!({}), PORTS,
            "in 1@1 2@5 | loop 7@0 | loop 8@6 | in end"), @"
        out ->5, left 1 on in
        left 1 on in
        out ->6, left 1 on loop
        left 1 on loop, done
        without_previous 1, dropped_from_loop 1
        ");
    }

    #[test]
    fn l09_the_first_and_the_last_time_are_ordinary() {
        insta::assert_snapshot!(check::<PreviousLoopback>(json!({}), PORTS,
            "in 1@max | in end"), @"
        out ->nothing
        done
        ");
        insta::assert_snapshot!(check::<PreviousLoopback>(json!({}), PORTS,
            "in 1@min | loop 1@min | in 2@max | in end"), @"
        out ->-9223372036854775806
        left 1 on loop
        out 1@max
        done
        ");
    }

    // The loop here is the module's own output: only its bound comes round.
    #[test]
    fn l10_a_loop_that_never_brings_anything() {
        let mut play = Play::new::<PreviousLoopback>(json!({}), PORTS).unwrap();
        for i in 1..=50 {
            play.part(&format!("in {i}@{i}"));
            assert_eq!(play.runner.left(0), 0);
            let bound = play.runner.output_bound(0);
            assert_eq!(bound, Bound::after(time_of(&i.to_string())));
            play.runner.bound(1, bound);
        }
        assert_eq!(play.part("in end"), "done");
    }

    #[test]
    fn a_loop_that_has_ended_holds_nothing_up() {
        insta::assert_snapshot!(check::<PreviousLoopback>(json!({}), PORTS,
            "in 1@1 2@2 | loop end | in 3@3 | in end"), @"
        out ->2, left 1 on in
        out ->3
        out ->4
        done
        without_previous 2
        ");
    }
}
