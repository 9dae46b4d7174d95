//! `demux`: sends each packet to the output that a control input names.

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::value::as_index;

const CONTROL: usize = 1;

/// Sends each packet of `in` to the output that the control packet of the same time names, by its
/// number from 0. The control is an integer, a bool (false is 0), or JSON or text of one of them.
/// The other outputs tell at once that they have nothing at that time.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Whether a control packet counts until the next one. Otherwise, and before the first one, a
    /// packet without control at its time is dropped.
    hold: bool,
}

pub(crate) struct Demux {
    options: Options,
    held: Option<usize>,
    dropped: u64,
}

impl Module for Demux {
    fn promise(&self) -> Promise {
        Promise::Offset(0)
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let count = task.outputs().len();
        if let Some(control) = task.pop(CONTROL) {
            self.held = Some(as_index(&control, count, "control")?);
        } else if !self.options.hold {
            self.held = None;
        }
        if let Some(packet) = task.pop(0) {
            match self.held {
                Some(port) => task.push(port, packet),
                None => self.dropped += 1,
            }
        }
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.held = None;
        Ok(())
    }

    fn report(&self) -> Report {
        Report {
            counters: [("dropped_without_control", self.dropped)].into(),
            ..Report::default()
        }
    }
}

impl ModuleType for Demux {
    type Options = Options;

    fn describe() -> Description {
        let each = PortSpec::new("out", PortKind::Any, "the packets that control sends here");
        Description::new("demux", env!("CARGO_PKG_VERSION"))
            .summary("Sends each packet to the output that control names")
            .inputs([
                PortSpec::new("in", PortKind::Any, "any packets"),
                PortSpec::new("control", PortKind::Any, "the number of an output"),
            ])
            .any_outputs(1, None, each)
            .input_manager(InputManager::Default)
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options,
            held: None,
            dropped: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::check;

    #[test]
    fn packets_go_where_control_says() {
        let script = "in 10@1 control 1@1 | control 0@2 in 20@2 | in 30@3 control ->4 | end";
        insta::assert_snapshot!(check::<Demux>(json!({}), "in control | 0 1", script), @"
        0 ->2, 1 10@1
        0 20@2, 1 ->3
        0 ->4, 1 ->4
        done
        dropped_without_control 1
        ");
        insta::assert_snapshot!(check::<Demux>(json!({"hold": true}), "in control | 0 1", script), @"
        0 ->2, 1 10@1
        0 20@2, 1 ->3
        0 30@3, 1 ->4
        done
        ");
    }

    #[test]
    fn an_output_that_does_not_exist_is_an_error() {
        insta::assert_snapshot!(check::<Demux>(json!({}), "in control | 0 1", "in 1@1 control 2@1"), @"error: control: 2 is not an index from 0 to 1");
    }
}
