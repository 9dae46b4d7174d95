//! `round_robin`: deals packets out to several outputs, one after the other, without synchronising
//! anything. `split` does that for branches which `assemble` joins again.

use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Sends packet i to output i modulo the number of outputs. The last output tells for each packet
/// the number of the one it went to, which is what a `mux` behind the branches needs as its control.
/// The other outputs tell at once that they have nothing at that time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Whether the last output tells where packets went; otherwise it is one like the others.
    select: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { select: true }
    }
}

pub(crate) struct RoundRobin {
    options: Options,
    next: usize,
}

impl RoundRobin {
    fn branches(&self, outputs: usize) -> usize {
        outputs.saturating_sub(usize::from(self.options.select))
    }
}

impl Module for RoundRobin {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        if self.branches(context.connected_outputs().len()) == 0 {
            let message = "the only output is the one that tells where packets went";
            let hint = "add outputs before it, or set select = false";
            return Err(ModuleError::new(message).with_hint(hint));
        }
        Ok(())
    }

    fn promise(&self) -> Promise {
        Promise::Offset(0)
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let outputs = task.outputs().len();
        let branches = self.branches(outputs).max(1);
        while let Some(packet) = task.pop(0) {
            if self.options.select {
                let select = Packet::new(packet.timestamp(), self.next as i64);
                task.push(outputs - 1, select);
            }
            task.push(self.next, packet);
            self.next = (self.next + 1) % branches;
        }
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.next = 0;
        Ok(())
    }
}

impl ModuleType for RoundRobin {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        let docs = "every nth packet; the last output: the number of the output of each packet";
        Description::new("round_robin", env!("CARGO_PKG_VERSION"))
            .summary("Deals packets out to its outputs, one after the other")
            .inputs([PortSpec::new("in", PortKind::Any, "any packets")])
            .any_outputs(1, None, PortSpec::new("out", PortKind::Any, docs))
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self { options, next: 0 })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::{Play, check};
    use crate::mux::Mux;

    #[test]
    fn packets_are_dealt_out_in_turn() {
        insta::assert_snapshot!(check::<RoundRobin>(json!({}), "in | 0 1 2",
            "in 10@1 | in 20@2 30@3 | in ->9 | end"), @"
        0 10@1, 1 ->2, 2 0@1
        0 30@3, 1 20@2 ->4, 2 1@2 0@3
        0 ->9, 1 ->9, 2 ->9
        done
        ");
        insta::assert_snapshot!(check::<RoundRobin>(json!({"select": false}), "in | 0 1",
            "in 10@1 20@2 30@3 | end"), @"
        0 10@1 30@3, 1 20@2 ->4
        done
        ");
        insta::assert_snapshot!(check::<RoundRobin>(json!({}), "in | 0", "in 10@1"), @"error: the only output is the one that tells where packets went");
    }

    // Here without threads: both modules step by step.
    #[test]
    fn m04_five_branches_and_a_mux_keep_the_order() {
        let mut deal = Play::new::<RoundRobin>(json!({}), "in | 0 1 2 3 4 5")
            .unwrap()
            .runner;
        let mut join = Play::new::<Mux>(json!({}), "0 1 2 3 4 5 | out")
            .unwrap()
            .runner;
        let mut values = Vec::new();
        for i in 0..2000 {
            deal.push(0, Packet::new(Timestamp::from_micros(i), i));
            let _ = deal.run().unwrap();
            // The branches bring theirs in bursts.
            if i % 7 != 6 && i != 1999 {
                continue;
            }
            for port in (0..6).rev() {
                for packet in deal.take(port) {
                    join.push(port, packet);
                }
                join.bound(port, deal.output_bound(port));
            }
            let _ = join.run().unwrap();
            values.extend(join.take(0).iter().filter_map(|p| p.get::<i64>().copied()));
        }
        assert!(values.into_iter().eq(0..2000));
    }
}
