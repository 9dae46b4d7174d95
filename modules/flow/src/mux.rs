//! `mux`: joins streams into one by taking each packet from the input that a control input names.

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::value::{as_index, refuse};

/// Takes from the input that control names, by its number from 0. The last input is the control, of
/// integers (or bools: false is 0): for each of its packets the packet of the same time passes from
/// the input that it names, if there is one. What the others have at that time or before is dropped, so an input that is not
/// chosen holds nobody up.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Options {}

#[derive(Default)]
pub(crate) struct Mux {
    dropped: u64,
}

impl Module for Mux {
    fn promise(&self) -> Promise {
        Promise::Offset(0)
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let control = task.inputs().len().saturating_sub(1);
        if let Some(packet) = task.pop(control) {
            let port = control.to_string();
            // The policy goes by the control too, and knows these two only.
            if !packet.is::<i64>() && !packet.is::<bool>() {
                return Err(refuse(&packet, &port, "an integer or a bool"));
            }
            let chosen = as_index(&packet, control, &port)?;
            if let Some(packet) = task.pop(chosen) {
                task.push(0, packet);
            }
        }
        // The policy keeps these back; a graph may have chosen another one.
        for input in &mut task.inputs_mut()[..control] {
            self.dropped += input.packets.len() as u64;
            input.packets.clear();
        }
        Ok(Flow::Wait)
    }

    fn report(&self) -> Report {
        Report {
            counters: [("dropped_not_chosen", self.dropped)].into(),
            ..Report::default()
        }
    }
}

impl ModuleType for Mux {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        let each = PortSpec::new("in", PortKind::Any, "any packets; the last input: control");
        Description::new("mux", env!("CARGO_PKG_VERSION"))
            .summary("Takes each packet from the input that control, the last input, names")
            .any_inputs(2, None, each)
            .outputs([PortSpec::new("out", PortKind::Any, "the chosen packets")])
            .input_manager(InputManager::Mux)
    }

    fn new(Options {}: Options) -> Result<Self, ModuleError> {
        Ok(Self::default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::{check, check_with};

    // The bound behind each control packet is what lets a node that joins control and output go on
    // where the chosen input has nothing.
    #[test]
    fn m01_control_before_data() {
        insta::assert_snapshot!(check::<Mux>(json!({}), "0 1 2 | out",
            "2 0@1 | 0 1000@2 | 1 900@1 800@4 | 2 0@2 | 2 1@3 | 2 1@4 | end"), @"
        -
        -
        out ->1
        out 1000@2
        -
        out 800@4
        done
        ");
        insta::assert_snapshot!(check::<Mux>(json!({}), "0 1 2 | out",
            "2 0@1 0@2 1@3 1@4 0 1000@2 1 900@1 800@4 | end"), @"
        out 1000@2 800@4
        done
        ");
    }

    #[test]
    fn m02_what_is_not_chosen_holds_nobody_up() {
        insta::assert_snapshot!(check::<Mux>(json!({}), "0 1 2 | out",
            "2 0@2 0 7@2 | 1 1@1 2@2 | 2 1@3 1 3@3 | end"), @"
        out 7@2
        -
        out 3@3
        done
        ");
    }

    #[test]
    fn other_policies_drop_what_is_not_chosen_here() {
        insta::assert_snapshot!(check_with::<Mux>(InputManager::Default, json!({}), "0 1 2 | out",
            "2 0@1 0 10@1 1 11@1 | 2 1@2 0 20@2 1 21@2 | end"), @"
        out 10@1
        out 21@2
        done
        dropped_not_chosen 2
        ");
    }

    #[test]
    fn an_input_that_does_not_exist_is_an_error() {
        insta::assert_snapshot!(check::<Mux>(json!({}), "0 1 2 | out", "2 2@1 0 1@1 1 1@1"), @"error: 2: 2 is not an index from 0 to 1");
        insta::assert_snapshot!(check::<Mux>(json!({}), "0 1 2 | out", r#"2 "1"@1 0 1@1 1 1@1"#), @r#"error: 2: "1" is not an integer or a bool"#);
    }
}
