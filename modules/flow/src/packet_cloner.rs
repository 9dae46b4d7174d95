//! `packet_cloner`: repeats the latest packets of slow streams at the times of a fast one.

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::retime::retime;

/// At the time of each packet of the last input, the tick, sends on output i the latest packet of
/// input i. Before the first packet of an input its output has nothing.
///
/// With the policy `default`, which it asks for, "latest" goes by times: a tick waits until no input
/// can bring an earlier packet any more. With `immediate` it goes by what is there: no tick waits,
/// and a packet may be repeated at a time before its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Whether nothing is sent before every input has had a packet.
    wait_for_all: bool,
}

pub(crate) struct PacketCloner {
    options: Options,
    latest: Vec<Option<Packet>>,
}

impl PacketCloner {
    fn tick(&self, task: &mut Task, time: Timestamp) {
        if self.options.wait_for_all && self.latest.iter().any(Option::is_none) {
            return;
        }
        for (port, latest) in self.latest.iter().enumerate() {
            if let Some(packet) = latest {
                task.push(port, retime(packet, time));
            }
        }
    }
}

impl Module for PacketCloner {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        let data = context.connected_inputs().len().saturating_sub(1);
        self.latest = vec![None; data];
        Ok(())
    }

    /// Goes through all there is in the order of times; where times are equal, data before the tick.
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let tick = self.latest.len();
        loop {
            let inputs = task.inputs().iter().enumerate();
            let heads = inputs.filter_map(|(port, input)| {
                let packet = input.packets.front()?;
                Some((packet.timestamp(), port))
            });
            let Some((time, port)) = heads.min() else {
                break;
            };
            let packet = task.pop(port);
            match self.latest.get_mut(port) {
                Some(latest) => *latest = packet,
                None => self.tick(task, time),
            }
        }
        let input = &task.inputs()[tick];
        if input.ended {
            return Ok(Flow::Done);
        }
        let bound = input.bound();
        for output in task.outputs_mut() {
            output.set_bound(bound);
        }
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.latest.fill(None);
        Ok(())
    }
}

impl ModuleType for PacketCloner {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        let each = PortSpec::new("in", PortKind::Any, "any packets; the last input: the tick");
        let docs = "the latest packet of the input of the same number, at each tick";
        Description::new("packet_cloner", env!("CARGO_PKG_VERSION"))
            .summary("Repeats the latest packets of its inputs at each tick, the last input")
            .any_inputs(2, None, each)
            .any_outputs(1, None, PortSpec::new("out", PortKind::Any, docs))
            .input_manager(InputManager::Default)
            .wants_bounds()
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options,
            latest: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::{check, check_with};

    #[test]
    fn k11_ticks_wait_until_the_latest_packet_is_known() {
        insta::assert_snapshot!(check::<PacketCloner>(json!({}), "0 1 | 0",
            "0 1@5000 | 1 0@10000 0@10001 0@10002 | 0 2@15000 | end"), @"
        -
        0 ->10000
        0 1@10000 1@10001 1@10002
        done
        ");
    }

    #[test]
    fn k11_immediate_takes_what_is_there() {
        insta::assert_snapshot!(check_with::<PacketCloner>(InputManager::Immediate, json!({}), "0 1 | 0",
            "0 1@10000 1 0@10000 | 1 0@15000 | 0 2@10001 | 1 0@20000 | 0 3@30000 | 1 0@25000 | 1 end"), @"
        0 1@10000
        0 1@15000
        -
        0 2@20000
        -
        0 3@25000
        done
        ");
    }

    #[test]
    fn inputs_without_a_packet_may_hold_back_the_others() {
        let script = "0 1@1 2 0@1 | 2 0@5 1 2@4 | end";
        insta::assert_snapshot!(check::<PacketCloner>(json!({}), "0 1 2 | 0 1", script), @"
        -
        0 1@1 ->5, 1 ->5
        0 1@5, 1 2@5, done
        ");
        insta::assert_snapshot!(check::<PacketCloner>(json!({"wait_for_all": true}), "0 1 2 | 0 1", script), @"
        -
        0 ->5, 1 ->5
        0 1@5, 1 2@5, done
        ");
    }
}
