//! `framesync`: one input sets the pace; each of its packets makes a task at its time, which holds,
//! of each other input, the newest packet at or before that time, again if nothing newer is. Packets
//! that are repeated are given at the task's time; their payloads are shared, not copied.
//!
//! Options:
//!
//! * `primary`: the input that sets the pace, at first; the first one unless given.
//! * `before`: what stands for an input that begins later than the task. `"first"`, the default: its
//!   first packet, which is waited for. `"empty"`: nothing. `"drop"`: there is no task before all
//!   inputs have begun; packets of the primary input before that are dropped and counted.
//! * `at_end`: what happens once the last packet of an input was given. `"repeat"`, the default: it
//!   goes on being given. `"end"`: the node ends. `"empty"`: the input has ended.
//!
//! When the input that sets the pace has ended, the next one that has not takes over. When all have,
//! the node ends.
//!
//! A task waits until its time is settled on every input: so it is the same whatever arrives first.
//! With `"end"` and `"empty"` a bound settles nothing, since the end may still come at an earlier
//! time.
//!
//! BMF's own, like FFmpeg's code that it follows, needs the next packet of every input and does not
//! know bounds; and it changes the times of packets that other nodes share.

use bmf_core::config::InputManagerConfig;
use bmf_core::drive::DriveTask;
use bmf_core::{OptionIssue, Task};
use bmf_hmp::{Bound, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{InputPolicy, Purpose, Readiness, options};
use crate::{Awaited, InputPort};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    primary: Option<Value>,
    before: Before,
    at_end: AtEnd,
}

#[derive(Copy, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Before {
    #[default]
    First,
    Empty,
    Drop,
}

#[derive(Copy, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AtEnd {
    #[default]
    Repeat,
    End,
    Empty,
}

pub(super) fn build(
    config: &InputManagerConfig,
    purpose: &Purpose,
) -> Result<Box<dyn InputPolicy>, OptionIssue> {
    let config: Config = options::read(config)?;
    let primary = options::port_or_first(config.primary.as_ref(), "primary", purpose)?;
    Ok(Box::new(FrameSync {
        primary,
        before: config.before,
        at_end: config.at_end,
        pace: primary,
        next: None,
    }))
}

struct FrameSync {
    primary: usize,
    before: Before,
    at_end: AtEnd,
    /// The input that sets the pace now.
    pace: usize,
    /// What `readiness` has found.
    next: Option<Timestamp>,
}

/// What another input can give to a task.
enum Other {
    /// Its packet, or nothing.
    Known,
    /// It has not begun yet.
    Begins,
    Waits(Awaited),
}

/// Whether an input has given all it had.
fn is_spent(port: &InputPort) -> bool {
    port.is_connected() && port.is_over() && !port.is_holding_news()
}

impl FrameSync {
    /// Finds the input that sets the pace: the one that did, or the next that has not ended.
    fn find_pace(&mut self, inputs: &[InputPort]) -> bool {
        let ports = inputs.len();
        let from_here = (0..ports).map(|step| (self.pace + step) % ports);
        match from_here.into_iter().find(|&port| !inputs[port].is_over()) {
            Some(pace) => self.pace = pace,
            None => return false,
        }
        true
    }

    /// What the inputs that do not set the pace can give at `time`.
    fn look_at_others(&self, inputs: &mut [InputPort], time: Timestamp) -> Other {
        let is_other = |index: usize, port: &InputPort| index != self.pace && port.is_connected();
        // All of them, whatever is found: none is to fill up with what will not be given.
        for (index, port) in inputs.iter_mut().enumerate() {
            if is_other(index, port) {
                port.hold(time);
            }
        }
        let mut all = Other::Known;
        for (index, port) in inputs.iter().enumerate() {
            if !is_other(index, port) {
                continue;
            }
            match self.look_at(index, port, time) {
                Other::Known => {}
                Other::Begins => all = Other::Begins,
                waits @ Other::Waits(_) => return waits,
            }
        }
        all
    }

    fn look_at(&self, index: usize, port: &InputPort, time: Timestamp) -> Other {
        let waits = |settled| {
            Other::Waits(Awaited {
                port: Some(index),
                settled,
            })
        };
        let begins = !port.is_holding() && !port.is_over();
        if port.packet().is_none() && !port.is_over() {
            if begins && self.before != Before::Empty {
                return waits(None);
            }
            if self.at_end != AtEnd::Repeat || port.bound().admits(time) {
                return waits(Some(time));
            }
        }
        match begins {
            true => Other::Begins,
            false => Other::Known,
        }
    }

    /// Moves what one of the other inputs gives at `time` into the task.
    fn give(&self, port: &mut InputPort, time: Timestamp, task: &mut Task, index: usize) {
        let is_last = self.at_end == AtEnd::Empty && port.is_over();
        let packet = if is_last && !port.is_holding_news() {
            None
        } else if port.is_holding() || self.before != Before::First {
            port.give_held(time)
        } else {
            port.preview(time)
        };
        task.inputs_mut()[index].packets.extend(packet);
        if is_last {
            port.release();
            port.pop_signals();
        }
    }

    /// Moves the packet that makes the task into it, and keeps it where it may be repeated: when the
    /// input ends and another one goes on.
    fn give_pace(&self, inputs: &mut [InputPort], task: &mut Task) {
        let goes_on = |(index, port): (usize, &InputPort)| index != self.pace && !port.is_over();
        let is_kept = self.at_end == AtEnd::Repeat && inputs.iter().enumerate().any(goes_on);
        let port = &mut inputs[self.pace];
        let Some(packet) = port.pop_packet() else {
            return;
        };
        match is_kept {
            true => port.hold_given(packet.clone()),
            false => port.release(),
        }
        task.inputs_mut()[self.pace].packets.push_back(packet);
        if self.at_end == AtEnd::Empty {
            port.pop_signals();
        }
    }
}

impl InputPolicy for FrameSync {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        loop {
            if self.at_end == AtEnd::End && inputs.iter().any(is_spent) || !self.find_pace(inputs) {
                return Readiness::Close;
            }
            let pace = &inputs[self.pace];
            let time = pace.packet().map(|packet| packet.timestamp());
            let Some(time) = time.filter(|_| pace.allowance() > 0) else {
                return Readiness::NotReady(Awaited {
                    port: Some(self.pace),
                    settled: None,
                });
            };
            match self.look_at_others(inputs, time) {
                Other::Waits(awaited) => return Readiness::NotReady(awaited),
                Other::Begins if self.before == Before::Drop => {
                    inputs[self.pace].discard_packet();
                }
                Other::Begins | Other::Known => {
                    self.next = Some(time);
                    return Readiness::Ready;
                }
            }
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        let Some(time) = self.next.take() else { return };
        task.set_timestamp(Some(time));
        self.give_pace(inputs, task);
        for (index, port) in inputs.iter_mut().enumerate() {
            if index != self.pace {
                self.give(port, time, task, index);
            }
        }
        if inputs.iter().all(InputPort::is_over) {
            inputs.iter_mut().for_each(InputPort::pop_signals);
        }
    }

    fn bound(&self, inputs: &[InputPort], port: usize) -> Bound {
        let has_ended = |port: &InputPort| self.at_end == AtEnd::Empty && port.is_over();
        match inputs.get(self.pace) {
            _ if has_ended(&inputs[port]) => Bound::NOTHING,
            Some(pace) if pace.packet().is_some() || self.at_end == AtEnd::End => pace.next_time(),
            // Should that input end, the next task is at the next packet of any other.
            _ => {
                let bounds = inputs.iter().map(InputPort::next_time);
                bounds.min().unwrap_or(Bound::NOTHING)
            }
        }
    }

    fn reset(&mut self) {
        self.pace = self.primary;
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    // A packet given at another time than its own is written time=value; its value is its own time.

    #[test]
    fn the_newest_packet_of_the_others_is_repeated() {
        insta::assert_snapshot!(check("framesync", "a 0 10 20 30 | b 0 15 | b 40 | eof"), @"
        0: a[0] b[0]
        10: a[10] b[10=0]
        20: a[20] b[20=15]
        30: a[30] b[30=15]
        40: a[40=30]eof b[40]eof
        ");
    }

    #[test]
    fn nothing_is_given_before_it_is_settled() {
        insta::assert_snapshot!(check("framesync", "a 10 | b 5 | b >10 | b >11 | a 20 | b 20 | eof"), @"
        10: a[10] b[10=5]
        20: a[20] b[20]
        -: a[]eof b[]eof
        ");
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        // Only whether an end comes with the last task or after it does.
        let tasks = |script| {
            let tasks = check("framesync", script).replace("eof", "");
            tasks.replace("-: a[] b[]\n", "")
        };
        let expected = tasks("a 0 10 20 | b 0 3 12 | eof");
        insta::assert_snapshot!(expected, @"
        0: a[0] b[0]
        10: a[10] b[10=3]
        20: a[20] b[20=12]
        ");
        for script in [
            "b 0 3 12 | a 0 10 20 | eof",
            "a 0 | b 0 | a 10 | b 3 | a 20 | b 12 | b eof | a eof",
            "b 0 | b 3 | a 0 | a 10 | b 12 eof | a 20 eof",
        ] {
            assert_eq!(tasks(script), expected, "{script}");
        }
    }

    #[test]
    fn a_later_beginning() {
        let script = "a 0 10 20 30 | b 15 | b 40 | eof";
        insta::assert_snapshot!(check("framesync", script), @"
        0: a[0] b[0=15]
        10: a[10] b[10=15]
        20: a[20] b[20=15]
        30: a[30] b[30=15]
        40: a[40=30]eof b[40]eof
        ");
        let empty = r#"{"name": "framesync", "before": "empty"}"#;
        insta::assert_snapshot!(check(empty, script), @"
        0: a[0] b[]
        10: a[10] b[]
        20: a[20] b[20=15]
        30: a[30] b[30=15]
        40: a[40=30]eof b[40]eof
        ");
        let drop = r#"{"name": "framesync", "before": "drop"}"#;
        insta::assert_snapshot!(check(drop, script), @"
        20: a[20] b[20=15]
        30: a[30] b[30=15]
        40: a[40=30]eof b[40]eof
        a lost 2
        ");
    }

    #[test]
    fn what_an_end_means() {
        let script = "a 0 10 20 | b 0 eof | a 30 eof";
        insta::assert_snapshot!(check("framesync", script), @"
        0: a[0] b[0]
        10: a[10] b[10=0]
        20: a[20] b[20=0]
        30: a[30]eof b[30=0]eof
        ");
        let end = r#"{"name": "framesync", "at_end": "end"}"#;
        insta::assert_snapshot!(check(end, script), @"
        0: a[0] b[0]
        -: a[]eof b[]eof
        a lost 2
        ");
        let empty = r#"{"name": "framesync", "at_end": "empty"}"#;
        insta::assert_snapshot!(check(empty, script), @"
        0: a[0] b[0]eof
        10: a[10] b[]eof
        20: a[20] b[]eof
        30: a[30]eof b[]eof
        ");
    }

    #[test]
    fn the_last_packet_of_an_input_is_given_in_any_case() {
        let script = "a 0 10 20 | b 0 7 eof | a 30 eof";
        let end = r#"{"name": "framesync", "at_end": "end"}"#;
        insta::assert_snapshot!(check(end, script), @"
        0: a[0] b[0]
        10: a[10] b[10=7]
        -: a[]eof b[]eof
        a lost 1
        ");
    }

    #[test]
    fn another_input_takes_over_when_the_first_has_ended() {
        let script = "a 0 10 eof | b 0 5 20 | c 0 25 | b 30 eof | c 35 eof";
        insta::assert_snapshot!(check("framesync", script), @"
        0: a[0] b[0] c[0]
        10: a[10] b[10=5] c[10=0]
        20: a[20=10] b[20] c[20=0]
        30: a[30=10] b[30] c[30=25]
        35: a[35=10]eof b[35=30]eof c[35]eof
        ");
        let empty = r#"{"name": "framesync", "at_end": "empty"}"#;
        insta::assert_snapshot!(check(empty, script), @"
        0: a[0] b[0] c[0]
        10: a[10]eof b[10=5] c[10=0]
        20: a[]eof b[20] c[20=0]
        30: a[]eof b[30]eof c[30=25]
        35: a[]eof b[]eof c[35]eof
        ");
    }

    #[test]
    fn any_input_can_set_the_pace() {
        let primary = r#"{"name": "framesync", "primary": "b"}"#;
        insta::assert_snapshot!(check(primary, "a 0 10 20 30 | b 5 25 | eof"), @"
        5: a[5=0] b[5]
        25: a[25=20] b[25]
        30: a[30]eof b[30=25]eof
        a lost 1
        ");
    }

    #[test]
    fn an_input_without_packets_is_not_waited_for() {
        insta::assert_snapshot!(check("framesync", "a 0 10 | b eof | a 20 eof"), @"
        0: a[0] b[]
        10: a[10] b[]
        20: a[20]eof b[]eof
        ");
    }
}
