//! `value_or_default`: at every tick, the packet of that time, or a fixed value.

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::value::packet_of;

const TICK: usize = 1;
const FLAG: usize = 1;

/// Sends one packet for each packet of `tick`: that of `in` of the same time, or, where there is
/// none, the default. Packets of `in` at other times are dropped.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// What is sent where `in` has nothing: true and false, integers and text as such, anything
    /// else as JSON.
    default: Value,
}

pub(crate) struct ValueOrDefault {
    options: Options,
    defaults: u64,
    dropped: u64,
}

impl Module for ValueOrDefault {
    fn promise(&self) -> Promise {
        Promise::Offset(0)
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let packet = task.pop(0);
        let Some(tick) = task.pop(TICK) else {
            self.dropped += u64::from(packet.is_some());
            return Ok(Flow::Wait);
        };
        let packet = packet.unwrap_or_else(|| {
            self.defaults += 1;
            task.push(FLAG, Packet::new(tick.timestamp(), true));
            packet_of(tick.timestamp(), &self.options.default)
        });
        task.push(0, packet);
        Ok(Flow::Wait)
    }

    fn report(&self) -> Report {
        let counters = [
            ("defaults", self.defaults),
            ("dropped_without_tick", self.dropped),
        ];
        Report {
            counters: counters.into(),
            ..Report::default()
        }
    }
}

impl ModuleType for ValueOrDefault {
    type Options = Options;

    fn describe() -> Description {
        Description::new("value_or_default", env!("CARGO_PKG_VERSION"))
            .summary("At every tick, the packet of that time or a fixed value")
            .inputs([
                PortSpec::new("in", PortKind::Any, "any packets"),
                PortSpec::new("tick", PortKind::Any, "when there must be a value"),
            ])
            .outputs([
                PortSpec::new("out", PortKind::Any, "a value for each tick"),
                PortSpec::new("flag", PortKind::Any, "true for each default").optional(),
            ])
            .input_manager(InputManager::Default)
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options,
            defaults: 0,
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
    fn k18_ticks_without_a_value_get_the_default() {
        insta::assert_snapshot!(check::<ValueOrDefault>(json!({"default": "d"}), "in tick | out flag",
            "in 1@0 2@2 3@4 4@6 5@8 6@9 7@12 8@33 9@54 10@232 tick 0@1 0@2 0@5 0@8 0@12 0@33 0@231 | end"), @r#"
        out "d"@1 2@2 "d"@5 5@8 7@12 8@33 "d"@231, flag true@1 true@5 true@231
        done
        defaults 3, dropped_without_tick 6
        "#);
    }

    #[test]
    fn a_default_has_the_plainest_type() {
        let one = |default| {
            check::<ValueOrDefault>(
                json!({ "default": default }),
                "in tick | out",
                "tick 0@1 in ->2",
            )
        };
        insta::assert_snapshot!(one(json!(7)), @"
        out 7@1
        defaults 1
        ");
        insta::assert_snapshot!(one(json!({"a": [1]})), @r#"
        out {"a":[1]}@1
        defaults 1
        "#);
        insta::assert_snapshot!(one(Value::Null), @"
        out null@1
        defaults 1
        ");
    }
}
