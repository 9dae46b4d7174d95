//! `begin_loop`: takes batches apart, so that the nodes behind it see one item at a time. `end_loop`
//! puts them together again.

use bmf_sdk::config::InputManager;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The first copied input and output minus one: copied input i is 1 + i, its output 2 + i.
const CLONE_IN: usize = 1;
const CLONE_OUT: usize = 2;
const ITEM: usize = 0;
const BATCH_END: usize = 1;

/// How many inputs can be copied for each item.
const MOST_CLONES: usize = 8;

/// Sends the items of a batch one by one. A batch is a packet of packets, or a JSON array, whose
/// items become JSON packets. Items have times of their own, counted 0, 1, 2 and so on through all
/// batches; `batch_end` tells with the last item of a batch when the batch was due, which is what
/// `end_loop` needs to undo all this. What arrives on the `clone` inputs with a batch is repeated
/// for each of its items.
///
/// Between this node and `end_loop` keep to these times: drop items if you like, but change no time.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Options {}

/// The last item of a batch has been sent.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchEnd {
    /// When the batch was due.
    pub(crate) time: Timestamp,
    /// Whether it was a JSON array.
    pub(crate) is_json: bool,
}

impl Payload for BatchEnd {
    const TAG: &'static str = "bmf.batch_end";
}

#[derive(Default)]
pub(crate) struct BeginLoop {
    /// The next time of an item.
    next: i64,
    batches: u64,
    items: u64,
}

/// The items of a batch, and whether it was JSON.
fn items(batch: &Packet) -> Result<(Vec<Packet>, bool), ModuleError> {
    if let Some(packets) = batch.get::<Vec<Packet>>() {
        return Ok((packets.clone(), false));
    }
    if let Some(Value::Array(values)) = batch.get::<Value>() {
        let items = values.iter().cloned();
        let items = items.map(|value| Packet::new(Timestamp::ZERO, value));
        return Ok((items.collect(), true));
    }
    let message = format!(
        "a batch is a packet of packets or a JSON array, not {}",
        batch.tag()
    );
    Err(ModuleError::new(message)
        .on_port("in")
        .at(batch.timestamp()))
}

impl Module for BeginLoop {
    /// A time without a batch is passed on as one without items: it, too, uses up a time.
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let Some(time) = task.timestamp() else {
            return Ok(Flow::Wait);
        };
        let (items, is_json) = match task.pop(0) {
            Some(batch) => {
                self.batches += 1;
                items(&batch)?
            }
            None => (Vec::new(), false),
        };
        let clones: Vec<Option<Packet>> = (CLONE_IN..task.inputs().len())
            .map(|port| task.pop(port))
            .collect();
        self.items += items.len() as u64;
        let mut last = Timestamp::from_micros(self.next);
        for (number, item) in (self.next..).zip(&items) {
            last = Timestamp::from_micros(number);
            task.push(ITEM, item.with_timestamp(last));
            for (port, clone) in clones.iter().enumerate() {
                if let Some(packet) = clone {
                    task.push(CLONE_OUT + port, packet.with_timestamp(last));
                }
            }
        }
        task.push(BATCH_END, Packet::new(last, BatchEnd { time, is_json }));
        self.next = last.micros() + 1;
        for output in task.outputs_mut() {
            output.set_bound(Bound::after(last));
        }
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.next = 0;
        Ok(())
    }

    fn report(&self) -> Report {
        Report {
            counters: [("batches", self.batches), ("items", self.items)].into(),
            ..Report::default()
        }
    }
}

impl ModuleType for BeginLoop {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        let any = |name: &str, docs| PortSpec::new(name, PortKind::Any, docs);
        let clones = |docs| {
            let names = (0..MOST_CLONES).map(|number| format!("clone{number}"));
            names.map(move |name| any(&name, docs).optional())
        };
        let outputs = [
            any("item", "the items, at times 0, 1, 2…"),
            any("batch_end", "that a batch is over, with its last item"),
        ];
        let inputs = std::iter::once(any("in", "batches")).chain(clones("what goes with a batch"));
        let outputs = outputs
            .into_iter()
            .chain(clones("what goes with a batch, for each item"));
        Description::new("begin_loop", env!("CARGO_PKG_VERSION"))
            .summary("Takes batches apart into items")
            .inputs(inputs.collect::<Vec<_>>())
            .outputs(outputs.collect::<Vec<_>>())
            .input_manager(InputManager::Default)
            .wants_bounds()
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
    fn k16_items_get_times_of_their_own() {
        insta::assert_snapshot!(check::<BeginLoop>(json!({}), "in | item batch_end",
            "in {7,8,9}@0 | in {}@1 | in ->3 | in {5}@3 | end"), @"
        item 7@0 8@1 9@2, batch_end bmf.batch_end@2
        item ->4, batch_end bmf.batch_end@3
        item ->5, batch_end bmf.batch_end@4
        item 5@5, batch_end bmf.batch_end@5
        done
        batches 3, items 4
        ");
    }

    #[test]
    fn k16_a_clone_is_repeated_for_each_item() {
        insta::assert_snapshot!(check::<BeginLoop>(json!({}), "in clone0 clone1 | item batch_end clone0 clone1",
            "in {7,8}@0 clone0 50@0 clone1 ->1 | in {9}@1 clone0 ->2 clone1 60@1 | end"), @"
        item 7@0 8@1, batch_end bmf.batch_end@1, clone0 50@0 50@1, clone1 ->2
        item 9@2, batch_end bmf.batch_end@2, clone0 ->3, clone1 60@2
        done
        batches 2, items 3
        ");
    }

    #[test]
    fn json_arrays_are_batches_too() {
        insta::assert_snapshot!(check::<BeginLoop>(json!({}), "in | item batch_end", r#"in [1,{"a":2},[]]@5 | end"#), @r#"
        item 1@0 {"a":2}@1 []@2, batch_end bmf.batch_end@2
        done
        batches 1, items 3
        "#);
        insta::assert_snapshot!(check::<BeginLoop>(json!({}), "in | item batch_end", "in 5@5"), @"error: in: a batch is a packet of packets or a JSON array, not bmf.int");
    }
}
