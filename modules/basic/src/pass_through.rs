//! `pass_through`: input i goes to output i, unchanged and uncopied.

use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Sends every packet on: what arrives on input i leaves on output i. An output ends when its
/// input has ended.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Options {}

pub(crate) struct PassThrough;

impl Module for PassThrough {
    fn promise(&self) -> Promise {
        Promise::PerPort
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        for port in 0..task.inputs().len() {
            while let Some(packet) = task.pop(port) {
                task.push(port, packet);
            }
            if task.inputs()[port].ended
                && let Some(output) = task.outputs_mut().get_mut(port)
            {
                output.end();
            }
        }
        Ok(Flow::Wait)
    }
}

impl ModuleType for PassThrough {
    type Options = Options;

    fn describe() -> Description {
        Description::new("pass_through", env!("CARGO_PKG_VERSION"))
            .summary("Sends input i on to output i, unchanged")
            .any_inputs(1, None, PortSpec::new("in", PortKind::Any, "any packets"))
            .any_outputs(
                1,
                None,
                PortSpec::new("out", PortKind::Any, "the same packets"),
            )
    }

    fn new(Options {}: Options) -> Result<Self, ModuleError> {
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use bmf_sdk::ModuleRunner;
    use serde_json::json;

    use super::*;

    #[test]
    fn packets_pass_as_the_same_objects() {
        let mut runner = ModuleRunner::of::<PassThrough>(json!({})).unwrap();
        let packet = Packet::new(Timestamp::ZERO, 1_i64);
        runner.push(0, packet.clone());
        runner.end(0);
        assert_eq!(runner.run().unwrap(), Flow::Wait);
        let passed = runner.take(0);
        assert!(std::ptr::eq(
            passed[0].get::<i64>().unwrap(),
            packet.get::<i64>().unwrap()
        ));
        assert!(runner.is_ended(0));
    }
}
