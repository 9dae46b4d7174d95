//! `presence`: tells whether there was a packet.

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Sends true at the time of each packet, and false whenever it turns out that nothing came: one
/// packet for each step in which the input's time moves on, at the last time of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Options {}

pub(crate) struct Presence;

impl Module for Presence {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let packet = task.pop(0);
        let time = packet.as_ref().map(Packet::timestamp).or(task.timestamp());
        // That an input has nothing at the end of all times goes without saying.
        if let Some(time) = time
            && (packet.is_some() || time < Timestamp::MAX)
        {
            task.push(0, Packet::new(time, packet.is_some()));
        }
        Ok(Flow::Wait)
    }
}

impl ModuleType for Presence {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        Description::new("presence", env!("CARGO_PKG_VERSION"))
            .summary("Tells whether there was a packet")
            .inputs([PortSpec::new("in", PortKind::Any, "any packets")])
            .outputs([PortSpec::new("out", PortKind::Any, "true or false")])
            .input_manager(InputManager::Default)
            .wants_bounds()
    }

    fn new(Options {}: Options) -> Result<Self, ModuleError> {
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::check;

    #[test]
    fn k19_one_answer_for_each_step_in_time() {
        insta::assert_snapshot!(check::<Presence>(json!({}), "in | out",
            "in 7@1 | in ->6 | in 7@10 | in ->max | end"), @"
        out true@1
        out false@5
        out true@10
        out false@9223372036854775804
        done
        ");
        insta::assert_snapshot!(check::<Presence>(json!({}), "in | out", "in 7@max | end"), @"
        out true@max
        done
        ");
    }
}
