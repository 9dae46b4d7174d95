//! `inner_join`: passes packets only at times at which every input has one.

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Sends input i on to output i, but only packets of times at which all inputs have one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Options {}

#[derive(Default)]
pub(crate) struct InnerJoin {
    dropped: u64,
}

impl Module for InnerJoin {
    fn promise(&self) -> Promise {
        Promise::Offset(0)
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let is_complete = task.inputs().iter().all(|input| !input.packets.is_empty());
        for port in 0..task.inputs().len() {
            match task.pop(port) {
                Some(packet) if is_complete => task.push(port, packet),
                dropped => self.dropped += u64::from(dropped.is_some()),
            }
        }
        Ok(Flow::Wait)
    }

    fn report(&self) -> Report {
        Report {
            counters: [("dropped_incomplete", self.dropped)].into(),
            ..Report::default()
        }
    }
}

impl ModuleType for InnerJoin {
    type Options = Options;

    fn describe() -> Description {
        let docs = "the packets of the input of the same number";
        Description::new("inner_join", env!("CARGO_PKG_VERSION"))
            .summary("Passes packets only at times at which every input has one")
            .any_inputs(2, None, PortSpec::new("in", PortKind::Any, "any packets"))
            .any_outputs(1, None, PortSpec::new("out", PortKind::Any, docs))
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
    fn k17_only_common_times_pass() {
        insta::assert_snapshot!(check::<InnerJoin>(json!({}), "0 1 | 0 1",
            "0 0@0 1@1 2@2 3@3 4@4 6@6 1 10@0 12@2 14@4 15@5 16@6 | end"), @"
        0 0@0 2@2 4@4 6@6, 1 10@0 12@2 14@4 16@6
        done
        dropped_incomplete 3
        ");
        insta::assert_snapshot!(check::<InnerJoin>(json!({}), "0 1 | 0 1",
            "0 0@0 2@2 | 1 11@1 13@3 | end"), @"
        -
        0 ->3, 1 ->3
        done
        dropped_incomplete 4
        ");
    }
}
