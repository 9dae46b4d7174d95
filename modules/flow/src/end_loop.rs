//! `end_loop`: puts together what became of the items of a batch that `begin_loop` took apart.

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::begin_loop::BatchEnd;
use crate::value::to_json;

const BATCH_END: usize = 1;

/// Collects items until `batch_end` tells that the batch is over, and sends them as one packet at
/// the time at which the batch was due. Of a batch of which nothing is left nothing is sent, but
/// whoever joins the output with other streams need not wait for it.
///
/// `batch_end` comes from `begin_loop`; an integer, the time in microseconds, is taken too.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// What a batch becomes.
    output: Output,
}

/// The form of a batch.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Output {
    /// What it was before it was taken apart.
    #[default]
    Auto,
    /// A packet of packets.
    Packets,
    /// A JSON array. Its items must be JSON, text, integers or bools.
    Json,
}

pub(crate) struct EndLoop {
    options: Options,
    items: Vec<Packet>,
    batches: u64,
    unfinished: u64,
}

fn batch_end(packet: &Packet) -> Result<BatchEnd, ModuleError> {
    if let Some(&end) = packet.get::<BatchEnd>() {
        return Ok(end);
    }
    let time = packet.get::<i64>().map(|&micros| BatchEnd {
        time: Timestamp::from_micros(micros),
        is_json: false,
    });
    time.ok_or_else(|| {
        let message = format!(
            "the end of a batch comes from begin_loop or is a time, not {}",
            packet.tag()
        );
        ModuleError::new(message)
            .on_port("batch_end")
            .at(packet.timestamp())
    })
}

impl EndLoop {
    fn batch(&mut self, end: BatchEnd) -> Result<Packet, ModuleError> {
        let items = std::mem::take(&mut self.items).into_iter();
        let as_json = match self.options.output {
            Output::Auto => end.is_json,
            Output::Packets => false,
            Output::Json => true,
        };
        if !as_json {
            let items = items.map(|item| item.with_timestamp(end.time));
            return Ok(Packet::new(end.time, items.collect::<Vec<Packet>>()));
        }
        let values = items.map(|item| {
            to_json(&item).ok_or_else(|| {
                let message = format!("an item of type {} has no JSON form", item.tag());
                let hint = "set output = \"packets\", or send JSON to this node";
                ModuleError::new(message)
                    .on_port("item")
                    .at(item.timestamp())
                    .with_hint(hint)
            })
        });
        let values: Result<Vec<Value>, ModuleError> = values.collect();
        Ok(Packet::new(end.time, Value::Array(values?)))
    }
}

impl Module for EndLoop {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        self.items.extend(task.pop(0));
        if let Some(packet) = task.pop(BATCH_END) {
            let end = batch_end(&packet)?;
            if !self.items.is_empty() {
                let batch = self.batch(end)?;
                self.batches += 1;
                task.push(0, batch);
            }
            task.outputs_mut()[0].set_bound(Bound::after(end.time));
        }
        if task.inputs_ended() {
            self.unfinished += self.items.drain(..).count() as u64;
        }
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.items.clear();
        Ok(())
    }

    fn report(&self) -> Report {
        let counters = [
            ("batches", self.batches),
            ("dropped_without_batch_end", self.unfinished),
        ];
        Report {
            counters: counters.into(),
            ..Report::default()
        }
    }
}

impl ModuleType for EndLoop {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        let any = |name, docs| PortSpec::new(name, PortKind::Any, docs);
        Description::new("end_loop", env!("CARGO_PKG_VERSION"))
            .summary("Puts the items of a batch together again")
            .inputs([
                any("item", "what became of the items"),
                any("batch_end", "that a batch is over, from begin_loop"),
            ])
            .outputs([any("out", "batches")])
            .input_manager(InputManager::Default)
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options,
            items: Vec::new(),
            batches: 0,
            unfinished: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::begin_loop::BeginLoop;
    use crate::check::{Play, check};

    /// A loop in which `work` makes something of each item, or nothing; one line for each part.
    fn looped(work: fn(&Packet) -> Option<Packet>, options: Value, script: &str) -> String {
        let mut begin = Play::new::<BeginLoop>(json!({}), "in | 0 1").unwrap();
        let mut end = Play::new::<EndLoop>(options, "item batch_end | out").unwrap();
        let mut lines = Vec::new();
        for part in script.split('|') {
            begin.feed(part);
            if let Err(error) = begin.runner.run() {
                return error.to_string();
            }
            let items = begin.runner.take(0);
            for packet in items.iter().filter_map(work) {
                end.runner.push(0, packet);
            }
            for packet in begin.runner.take(1) {
                end.runner.push(1, packet);
            }
            for port in 0..2 {
                end.runner.bound(port, begin.runner.output_bound(port));
            }
            if begin.runner.is_done() {
                end.runner.end_all();
            }
            lines.push(end.part(""));
        }
        lines.join("\n")
    }

    fn plus_one(packet: &Packet) -> Option<Packet> {
        let number = packet.get::<i64>()? + 1;
        Some(Packet::new(packet.timestamp(), number))
    }

    #[test]
    fn k16_what_was_taken_apart_is_put_together() {
        insta::assert_snapshot!(looped(plus_one, json!({}), "in {0,1}@0 | in {}@1 | in {2,3}@2 | in ->9 | end"), @"
        out {1,2}@0
        out ->2
        out {3,4}@2
        out ->9
        done
        ");
    }

    #[test]
    fn k16_two_that_read_the_same_items_see_them_unchanged() {
        let numbers: Vec<Packet> = (0..3).map(|n| Packet::new(Timestamp::ZERO, n)).collect();
        let batch = Packet::new(Timestamp::ZERO, numbers);
        let mut begin = Play::new::<BeginLoop>(json!({}), "in | 0 1")
            .unwrap()
            .runner;
        begin.push(0, batch.clone());
        let _ = begin.run().unwrap();
        let items = begin.take(0);
        let changed: Vec<i64> = items
            .iter()
            .map(|item| item.clone().into_inner_or_clone::<i64>().unwrap() + 1)
            .collect();
        assert_eq!(changed, [1, 2, 3]);
        let kept: Vec<i64> = items
            .iter()
            .filter_map(|item| item.get().copied())
            .collect();
        assert_eq!(kept, [0, 1, 2]);
    }

    #[test]
    fn items_may_be_dropped_on_the_way() {
        let odd = |packet: &Packet| {
            let is_odd = packet.get::<i64>()? % 2 == 1;
            is_odd.then(|| packet.clone())
        };
        insta::assert_snapshot!(looped(odd, json!({}), "in {1,2,3}@5 | in {2,4}@6 | in {5}@7 | end"), @"
        out {1,3}@5
        out ->7
        out {5}@7
        done
        ");
    }

    #[test]
    fn json_stays_json() {
        let pass = |packet: &Packet| Some(packet.clone());
        insta::assert_snapshot!(looped(pass, json!({}), r#"in [1,"a",{"b":null}]@3 | end"#), @r#"
        out [1,"a",{"b":null}]@3
        done
        "#);
        insta::assert_snapshot!(looped(pass, json!({"output": "packets"}), "in [1,2]@3 | end"), @"
        out {1,2}@3
        done
        ");
        insta::assert_snapshot!(looped(pass, json!({"output": "json"}), "in {1,2}@3 | end"), @"
        out [1,2]@3
        done
        ");
        let bytes = |packet: &Packet| Some(Packet::new(packet.timestamp(), vec![0_u8]));
        insta::assert_snapshot!(looped(bytes, json!({}), "in [1]@3 | end"), @"
        error: item: an item of type bmf.bytes has no JSON form
        done
        ");
    }

    #[test]
    fn other_ends_of_batches() {
        insta::assert_snapshot!(check::<EndLoop>(json!({}), "item batch_end | out",
            "item 1@0 2@1 batch_end 70@1 | item 3@2 batch_end ->3 | end"), @"
        out {1,2}@70
        -
        done
        batches 1, dropped_without_batch_end 1
        ");
        insta::assert_snapshot!(check::<EndLoop>(json!({}), "item batch_end | out", r#"item 1@0 batch_end "x"@0"#), @"error: batch_end: the end of a batch comes from begin_loop or is a time, not bmf.text");
    }
}
