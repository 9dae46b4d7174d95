//! `merge`: several streams become one; of packets of one time the first input's passes.

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Sends on the packets of all inputs in the order of their times. Where several inputs have a
/// packet of the same time, only that of the first of them passes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Options {}

#[derive(Default)]
pub(crate) struct Merge {
    dropped: u64,
}

impl Module for Merge {
    fn promise(&self) -> Promise {
        Promise::Offset(0)
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let inputs = task.inputs_mut().iter_mut();
        let mut packets = inputs.filter_map(|input| input.packets.pop_front());
        let first = packets.next();
        self.dropped += packets.count() as u64;
        if let Some(packet) = first {
            task.push(0, packet);
        }
        Ok(Flow::Wait)
    }

    fn report(&self) -> Report {
        Report {
            counters: [("dropped_same_time", self.dropped)].into(),
            ..Report::default()
        }
    }
}

impl ModuleType for Merge {
    type Options = Options;

    fn describe() -> Description {
        Description::new("merge", env!("CARGO_PKG_VERSION"))
            .summary("Makes one stream of several, in the order of times")
            .any_inputs(1, None, PortSpec::new("in", PortKind::Any, "any packets"))
            .outputs([PortSpec::new("out", PortKind::Any, "the packets of all")])
            .input_manager(InputManager::Default)
    }

    fn new(Options {}: Options) -> Result<Self, ModuleError> {
        Ok(Self::default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::check;

    #[test]
    fn k20_the_first_input_goes_first() {
        insta::assert_snapshot!(check::<Merge>(json!({}), "0 1 | out",
            "0 1@1 1 2@1 | 1 3@2 | 0 4@5 1 ->9 | 0 ->7 | end"), @"
        out 1@1
        -
        out 3@2 4@5
        out ->7
        done
        dropped_same_time 1
        ");
    }
}
