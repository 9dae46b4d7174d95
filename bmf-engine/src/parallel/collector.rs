//! Puts what the instances made in order.

use bmf_core::{Flow, Module, ModuleError, Signal, StreamItem, Task, TaskOutput};
use bmf_hmp::{Bound, Packet, Timestamp};

use super::{Made, MadeOutput, Turn};

/// Sends what the instances made, in the order in which it was handed out.
#[derive(Default)]
pub(crate) struct Collector {
    next_number: u64,
    /// Whether all that comes first has gone out.
    started: bool,
    /// Which instances keep packets back.
    holding: Vec<bool>,
    /// Bounds that were not passed on while an instance kept packets back, by output.
    put_off: Vec<PutOff>,
    /// How far each output is: a promise below that says nothing.
    reached: Vec<Option<Bound>>,
}

impl Collector {
    /// The branch whose first entry is next.
    fn next_branch(&self, task: &Task) -> Option<usize> {
        let turns = || {
            task.inputs()
                .iter()
                .map(|input| input.packets.front().and_then(turn_of))
        };
        let branch_of = |wanted| turns().position(|turn| turn == Some(wanted));
        // Instances open before the collector, so what they send first is there from the start.
        let next = match self.started {
            true => None,
            false => branch_of(Turn::First),
        };
        let next = next.or_else(|| branch_of(Turn::Number(self.next_number)));
        next.or_else(|| {
            // What was flushed at the end goes out when no number can come any more.
            let mut inputs = turns().zip(task.inputs());
            let all_last = inputs.all(|(turn, input)| match turn {
                Some(turn) => turn == Turn::Last,
                None => input.ended,
            });
            branch_of(Turn::Last).filter(|_| all_last)
        })
    }

    fn send(&mut self, task: &mut Task, branch: usize, made: Made) {
        self.holding.resize(task.inputs().len(), false);
        self.holding[branch] = made.holds;
        self.reached.resize(task.outputs().len(), None);
        if let Turn::Number(number) = made.turn {
            self.next_number = number + 1;
            self.started = true;
        }
        let is_holding = self.holding.contains(&true);
        self.put_off
            .resize_with(task.outputs().len(), PutOff::default);
        let outputs = task.outputs_mut().iter_mut().zip(&mut self.reached);
        let outputs = outputs.zip(&mut self.put_off).zip(made.outputs);
        for (((output, reached), put_off), made_output) in outputs {
            let MadeOutput {
                items,
                bound,
                promised,
            } = made_output;
            send_items(output, reached, items, made.more_ends_follow);
            // What is kept back may be earlier: bounds wait for it.
            put_off.bound = put_off.bound.max(bound);
            put_off.promised = put_off.promised.max(promised);
            if !is_holding {
                let PutOff { bound, promised } = std::mem::take(put_off);
                promise(output, reached, bound, promised);
            }
        }
    }
}

#[derive(Default)]
struct PutOff {
    bound: Option<Bound>,
    promised: Option<Bound>,
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
                if packet.timestamp() != Timestamp::PRE_STREAM {
                    *reached = (*reached).max(Some(Bound::after(packet.timestamp())));
                }
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
    /// Sends no more than there is room for, but what was made of one unit whole.
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let has_room =
            |output: &TaskOutput| !output.is_connected() || output.items().len() < output.room();
        while let Some(branch) = self.next_branch(task) {
            if !task.outputs().iter().all(has_room) {
                return Ok(Flow::More);
            }
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
