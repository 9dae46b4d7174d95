//! `null_sink`: takes everything and drops it.

use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Drops every packet. Useful to measure what comes before it, or to run a graph for its effects.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Options {}

#[derive(Default)]
pub(crate) struct NullSink {
    packets: u64,
}

impl Module for NullSink {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        for input in task.inputs_mut() {
            self.packets += input.packets.len() as u64;
            input.packets.clear();
        }
        Ok(Flow::Wait)
    }

    fn report(&self) -> Report {
        Report {
            counters: [("packets", self.packets)].into(),
            ..Report::default()
        }
    }
}

impl ModuleType for NullSink {
    type Options = Options;

    fn describe() -> Description {
        Description::new("null_sink", env!("CARGO_PKG_VERSION"))
            .summary("Drops every packet")
            .any_inputs(1, None, PortSpec::new("in", PortKind::Any, "any packets"))
            .sink()
    }

    fn new(Options {}: Options) -> Result<Self, ModuleError> {
        Ok(Self::default())
    }
}

#[cfg(test)]
mod tests {
    use bmf_sdk::ModuleRunner;
    use serde_json::json;

    use super::*;

    #[test]
    fn packets_are_counted_and_dropped() {
        let mut runner = ModuleRunner::of::<NullSink>(json!({})).unwrap();
        let packet = Packet::new(Timestamp::ZERO, 1_i64);
        runner.push(0, packet.clone());
        let _ = runner.run().unwrap();
        assert_eq!(packet.ref_count(), 1);
        let report = runner.close(Ending::Finished).unwrap();
        assert_eq!(report.counters.get("packets"), Some(1));
    }
}
