//! Puts what the instances made in order.

use bmf_core::{Flow, Module, ModuleError, Signal, StreamItem, Task, TaskOutput};
use bmf_hmp::{Bound, Packet, Timestamp};

use super::{Made, MadeOutput, Turn};

/// Sends what the instances made, in the order in which it was handed out.
#[derive(Default)]
pub(crate) struct Collector {
    next_number: u64,
    /// Which instances keep packets back.
    holding: Vec<bool>,
    /// How far each output is: a promise below that says nothing.
    reached: Vec<Option<Bound>>,
}

impl Collector {
    /// The branch whose first entry is next.
    fn next_branch(&self, task: &Task) -> Option<usize> {
        let mut last_ones = None;
        for (branch, input) in task.inputs().iter().enumerate() {
            match input.packets.front().and_then(turn_of) {
                Some(Turn::First) => return Some(branch),
                Some(Turn::Number(number)) if number == self.next_number => return Some(branch),
                Some(Turn::Last) if last_ones.is_none() => last_ones = Some(branch),
                _ => {}
            }
        }
        // What was flushed at the end goes out when no number can come any more.
        let mut inputs = task.inputs().iter();
        let all_last = inputs.all(|input| match input.packets.front() {
            Some(packet) => turn_of(packet) == Some(Turn::Last),
            None => input.ended,
        });
        last_ones.filter(|_| all_last)
    }

    fn send(&mut self, task: &mut Task, branch: usize, made: Made) {
        self.holding.resize(task.inputs().len(), false);
        self.holding[branch] = made.holds;
        self.reached.resize(task.outputs().len(), None);
        self.next_number += u64::from(matches!(made.turn, Turn::Number(_)));
        let is_holding = self.holding.contains(&true);
        let outputs = task.outputs_mut().iter_mut().zip(&mut self.reached);
        for ((output, reached), made_output) in outputs.zip(made.outputs) {
            let MadeOutput {
                items,
                bound,
                promised,
            } = made_output;
            send_items(output, reached, items, made.more_ends_follow);
            if !is_holding {
                promise(output, reached, bound, promised);
            }
        }
    }
}

fn turn_of(packet: &Packet) -> Option<Turn> {
    packet.get::<Made>().map(|made| made.turn)
}

fn send_items(
    output: &mut TaskOutput,
    reached: &mut Option<Bound>,
    items: Vec<StreamItem>,
    more_ends_follow: bool,
) {
    for item in items {
        match item {
            StreamItem::Packet(packet) => {
                *reached = (*reached).max(Some(Bound::after(packet.timestamp())));
                output.push(packet);
            }
            StreamItem::Signal(Signal::Eof) => output.end(),
            // Each instance ends the job; the last one does so for all.
            StreamItem::Signal(Signal::EndOfJob) if more_ends_follow => {}
            StreamItem::Signal(Signal::EndOfJob) => output.end_job(),
        }
    }
}

/// Passes bounds on: the module's own words as they are, promises where they say more.
fn promise(
    output: &mut TaskOutput,
    reached: &mut Option<Bound>,
    bound: Option<Bound>,
    promised: Option<Bound>,
) {
    let promised = promised.filter(|&promised| Some(promised) > *reached);
    if let Some(bound) = bound.max(promised) {
        *reached = (*reached).max(Some(bound));
        output.set_bound(bound);
    }
}

impl Module for Collector {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        while let Some(branch) = self.next_branch(task) {
            let Some(packet) = task.pop(branch) else {
                break;
            };
            let made = packet.into_inner_or_clone::<Made>();
            let made = made.map_err(|_| ModuleError::new("not of a parallel node"))?;
            let is_done = made.done;
            self.send(task, branch, made);
            if is_done {
                return Ok(Flow::Done);
            }
        }
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        *self = Self::default();
        Ok(())
    }
}
