//! `sequence_shift`: pairs packets with the times of their neighbours.

use std::collections::VecDeque;

use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::retime::retime;

/// Sends each packet at the time of the packet `offset` places after it, or before it if `offset` is
/// negative. Packets for which there is no such neighbour (the last or the first ones) are dropped.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// How many places; 0 changes nothing.
    offset: i64,
}

#[derive(Default)]
pub(crate) struct SequenceShift {
    offset: i64,
    /// Packets that wait for a later time.
    packets: VecDeque<Packet>,
    /// Times that wait for a later packet.
    times: VecDeque<Timestamp>,
    dropped: u64,
}

impl SequenceShift {
    fn take(&mut self, packet: Packet) -> Option<Packet> {
        let time = packet.timestamp();
        if self.offset == 0 {
            return Some(packet);
        }
        let distance = usize::try_from(self.offset.unsigned_abs()).unwrap_or(usize::MAX);
        if self.offset > 0 {
            self.packets.push_back(packet);
            let is_due = self.packets.len() > distance;
            return is_due.then(|| self.packets.pop_front().map(|packet| retime(&packet, time)))?;
        }
        self.times.push_back(time);
        if self.times.len() > distance {
            return self.times.pop_front().map(|time| retime(&packet, time));
        }
        self.dropped += 1;
        None
    }
}

impl Module for SequenceShift {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        while let Some(packet) = task.pop(0) {
            if let Some(shifted) = self.take(packet) {
                task.push(0, shifted);
            }
        }
        let input = &task.inputs()[0];
        if input.ended {
            self.dropped += self.packets.drain(..).count() as u64;
            return Ok(Flow::Done);
        }
        let bound = match self.times.front() {
            Some(&time) => Bound::at(time),
            None => input.bound(),
        };
        task.outputs_mut()[0].set_bound(bound);
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.packets.clear();
        self.times.clear();
        Ok(())
    }

    fn report(&self) -> Report {
        Report {
            counters: [("dropped_without_neighbour", self.dropped)].into(),
            ..Report::default()
        }
    }
}

impl ModuleType for SequenceShift {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        Description::new("sequence_shift", env!("CARGO_PKG_VERSION"))
            .summary("Sends each packet at the time of a later or earlier one")
            .inputs([PortSpec::new("in", PortKind::Any, "any packets")])
            .outputs([PortSpec::new(
                "out",
                PortKind::Any,
                "the same at other times",
            )])
            .wants_bounds()
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            offset: options.offset,
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::check;

    #[test]
    fn k13_packets_move_by_places() {
        let shift = |offset| {
            check::<SequenceShift>(
                json!({ "offset": offset }),
                "in | out",
                "in 0@0 1@1 2@2 3@3 4@4 5@5 | in 6@6 7@7 8@8 9@9 | in ->20 | end",
            )
        };
        insta::assert_snapshot!(shift(3), @"
        out 0@3 1@4 2@5
        out 3@6 4@7 5@8 6@9
        out ->20
        done
        dropped_without_neighbour 3
        ");
        insta::assert_snapshot!(shift(-2), @"
        out 2@0 3@1 4@2 5@3
        out 6@4 7@5 8@6 9@7
        -
        done
        dropped_without_neighbour 2
        ");
        insta::assert_snapshot!(shift(0), @"
        out 0@0 1@1 2@2 3@3 4@4 5@5
        out 6@6 7@7 8@8 9@9
        out ->20
        done
        ");
    }

    #[test]
    fn bounds_move_as_far_as_they_can() {
        insta::assert_snapshot!(check::<SequenceShift>(json!({"offset": -1}), "in | out",
            "in ->5 | in 1@5 | in ->9 | in 2@10 | end"), @"
        out ->5
        -
        -
        out 2@5 ->10
        done
        dropped_without_neighbour 1
        ");
    }
}
