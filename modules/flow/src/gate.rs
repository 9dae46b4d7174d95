//! `gate`: lets packets through or drops them, as a control input or an option says.

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::value::as_switch;

const CONTROL: usize = 1;
const STATE: usize = 1;

/// Lets the packets of `in` through while it is open. A control packet opens or closes it for the
/// packet of the same time; it is a bool, an integer 0 or 1, or JSON or text of one of them.
/// Whoever joins the output with other streams need not wait for what was dropped.
///
/// Without a connected control the option `allow` decides: with `false` the output ends before it
/// has begun.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Whether packets pass where `control` is not connected.
    allow: bool,
    /// Whether `control` means the opposite: true closes.
    invert: bool,
    /// What happens at a time at which `control` has no packet.
    missing: Missing,
    /// Whether the gate is open before the first packet, for `state`: a change from it is told.
    /// Without it the first state is not told.
    initial: Option<bool>,
}

/// What a gate does without a control packet.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Missing {
    /// It is closed.
    #[default]
    Block,
    /// It is open.
    Pass,
    /// It stays as it was (at first as `initial` says, else closed).
    Hold,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allow: true,
            invert: false,
            missing: Missing::Block,
            initial: None,
        }
    }
}

pub(crate) struct Gate {
    options: Options,
    has_control: bool,
    state: Option<bool>,
    dropped: u64,
}

impl Gate {
    /// Whether nothing will ever pass.
    fn is_shut(&self) -> bool {
        !self.has_control && !self.options.allow
    }

    fn is_open(&self, control: Option<&Packet>) -> Result<bool, ModuleError> {
        if !self.has_control {
            return Ok(true);
        }
        match (control, self.options.missing) {
            (Some(packet), _) => Ok(as_switch(packet, "control")? != self.options.invert),
            (None, Missing::Block) => Ok(false),
            (None, Missing::Pass) => Ok(true),
            (None, Missing::Hold) => Ok(self.state.unwrap_or(false)),
        }
    }
}

impl Module for Gate {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        self.has_control = context.connected_inputs().get(CONTROL) == Some(&true);
        Ok(())
    }

    fn promise(&self) -> Promise {
        Promise::Offset(0)
    }

    fn start(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        if self.is_shut() {
            task.outputs_mut().iter_mut().for_each(TaskOutput::end);
        }
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        if self.is_shut() {
            return Ok(Flow::Done);
        }
        let Some(time) = task.timestamp() else {
            return Ok(Flow::Wait);
        };
        let control = task.pop(CONTROL);
        let is_open = self.is_open(control.as_ref())?;
        if self.state.is_some_and(|state| state != is_open) {
            task.push(STATE, Packet::new(time, is_open));
        }
        self.state = Some(is_open);
        match task.pop(0) {
            Some(packet) if is_open => task.push(0, packet),
            dropped => self.dropped += u64::from(dropped.is_some()),
        }
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.state = self.options.initial;
        Ok(())
    }

    fn report(&self) -> Report {
        Report {
            counters: [("dropped_closed", self.dropped)].into(),
            ..Report::default()
        }
    }
}

impl ModuleType for Gate {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        Description::new("gate", env!("CARGO_PKG_VERSION"))
            .summary("Lets packets through or drops them")
            .inputs([
                PortSpec::new("in", PortKind::Any, "any packets"),
                PortSpec::new("control", PortKind::Any, "whether they pass").optional(),
            ])
            .outputs([
                PortSpec::new("out", PortKind::Any, "the packets that pass"),
                PortSpec::new("state", PortKind::Any, "a bool for each change").optional(),
            ])
            .input_manager(InputManager::Default)
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            state: options.initial,
            options,
            has_control: false,
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
    fn control_decides_for_packets_of_its_time() {
        insta::assert_snapshot!(check::<Gate>(json!({}), "in control | out state",
            "in 1@1 | control true@1 | in 2@2 control false@2 | in 3@3 control ->4 | control 1@4 in 4@4 | end"), @"
        -
        out 1@1, state ->2
        out ->3, state false@2
        out ->4, state ->4
        out 4@4, state true@4
        done
        dropped_closed 2
        ");
    }

    #[test]
    fn k23_a_gate_that_is_shut_for_good_ends_its_output() {
        insta::assert_snapshot!(check::<Gate>(json!({"allow": false}), "in | out", "| in 1@1"), @"
        out end
        out ->1, left 1 on in, done
        ");
        insta::assert_snapshot!(check::<Gate>(json!({"allow": true}), "in | out", "in 1@1 | end"), @"
        out 1@1
        done
        ");
    }

    #[test]
    fn missing_control_passes_or_holds() {
        let script = "in 1@1 control ->2 | in 2@2 control true@2 | in 3@3 control ->4 | control false@4 | in 5@5 control ->6 | end";
        insta::assert_snapshot!(check::<Gate>(json!({"missing": "pass"}), "in control | out", script), @"
        out 1@1
        out 2@2
        out 3@3
        -
        out 5@5
        done
        ");
        insta::assert_snapshot!(check::<Gate>(json!({"missing": "hold", "initial": false}), "in control | out state", script), @"
        out ->2, state ->2
        out 2@2, state true@2
        out 3@3, state ->4
        -
        out ->6, state false@4 ->6
        done
        dropped_closed 2
        ");
        insta::assert_snapshot!(check::<Gate>(json!({"missing": "hold", "invert": true}), "in control | out", script), @"
        out ->2
        out ->3
        out ->4
        -
        out 5@5
        done
        dropped_closed 3
        ");
    }

    #[test]
    fn a_wrong_control_names_its_port() {
        insta::assert_snapshot!(check::<Gate>(json!({}), "in control | out", "in 1@1 control 7@1"), @"error: control: 7 is not true or false, or 1 or 0");
    }
}
