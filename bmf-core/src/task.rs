//! One unit of work: what arrived for a node, and what the node sends. Tasks are reused from step
//! to step, so neither side allocates once the queues have grown to their working size.

pub mod drive;

use std::collections::VecDeque;
use std::fmt;

use bmf_hmp::{Bound, Packet, Timestamp};
use smallvec::SmallVec;

use crate::{ModuleError, Signal, StreamItem};

use drive::EarlyFlush;

/// What a module is given in one call of [`Module::process`](crate::Module::process).
///
/// A task carries everything that is ready, not one packet: locks, calls and wake-ups are paid per
/// task. Packets that a module leaves on an input are offered again with the next task.
#[derive(Default)]
pub struct Task {
    timestamp: Option<Timestamp>,
    inputs: SmallVec<[TaskInput; 2]>,
    outputs: SmallVec<[TaskOutput; 2]>,
    early: Option<Box<dyn EarlyFlush>>,
    /// A packet for an output that there is not.
    stray: Option<(usize, Packet)>,
}

/// What one input port delivers with a task.
#[derive(Debug, Default)]
pub struct TaskInput {
    /// Packets in stream order; the module pops from the front.
    pub packets: VecDeque<Packet>,
    /// True when nothing more will arrive on this port after `packets`.
    pub ended: bool,
    /// True when a job ends on this port after `packets`; said with one task only.
    pub job_ended: bool,
    bound: Option<Bound>,
    connected: bool,
}

/// Where a module leaves what it sends on one output port.
#[derive(Debug, Default)]
pub struct TaskOutput {
    items: Vec<StreamItem>,
    bound: Option<Bound>,
    room: usize,
    connected: bool,
    ended: bool,
}

impl Task {
    /// A task for a node with these ports; each flag says whether the port is connected.
    pub fn new(inputs: &[bool], outputs: &[bool]) -> Self {
        let input = |&connected: &bool| TaskInput {
            connected,
            ended: !connected,
            ..TaskInput::default()
        };
        let output = |&connected: &bool| TaskOutput {
            connected,
            ..TaskOutput::default()
        };
        Self {
            timestamp: None,
            inputs: inputs.iter().map(input).collect(),
            outputs: outputs.iter().map(output).collect(),
            early: None,
            stray: None,
        }
    }

    /// The time this task is for, where the input policy defines one (synchronising policies do;
    /// `immediate` does not).
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// The input ports, by index.
    pub fn inputs(&self) -> &[TaskInput] {
        &self.inputs
    }

    /// The input ports, by index.
    pub fn inputs_mut(&mut self) -> &mut [TaskInput] {
        &mut self.inputs
    }

    /// The output ports, by index.
    pub fn outputs(&self) -> &[TaskOutput] {
        &self.outputs
    }

    /// The output ports, by index.
    pub fn outputs_mut(&mut self) -> &mut [TaskOutput] {
        &mut self.outputs
    }

    /// The next packet of input `port`; `None` when there is none now or no such port.
    pub fn pop(&mut self, port: usize) -> Option<Packet> {
        self.inputs.get_mut(port)?.packets.pop_front()
    }

    /// Sends `packet` on output `port`. A port that nobody consumes swallows it; one that the module
    /// does not have makes the call fail.
    pub fn push(&mut self, port: usize, packet: Packet) {
        match self.outputs.get_mut(port) {
            Some(output) => output.push(packet),
            None => self.stray = Some((port, packet)),
        }
    }

    /// Sends what is on the outputs now, instead of when `process` returns. For long calls whose
    /// first packets are of use before the last; the module's descriptor must say
    /// `flushes_early`, or this does nothing. Queue limits do not hold it up: flush a few packets,
    /// not all of a file.
    ///
    /// # Errors
    /// When a packet may not be sent, such as one that goes back in time.
    pub fn flush_outputs(&mut self) -> Result<(), ModuleError> {
        match &mut self.early {
            Some(early) => early.flush(&mut self.outputs),
            None => Ok(()),
        }
    }

    /// True when every input port has ended and delivered all it had.
    pub fn inputs_ended(&self) -> bool {
        self.inputs
            .iter()
            .all(|input| input.ended && input.packets.is_empty())
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("timestamp", &self.timestamp)
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

impl TaskInput {
    /// Whether anything produces this input. An unconnected port is `ended` from the start.
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// The earliest time at which another packet can come after those in `packets`. A time below
    /// it at which no packet came is *settled* as empty.
    pub fn bound(&self) -> Bound {
        if self.ended {
            Bound::NOTHING
        } else {
            self.bound.unwrap_or(Bound::START)
        }
    }
}

impl TaskOutput {
    /// Whether anybody consumes this output: work for an unconnected one can be skipped.
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// Whether the output still accepts packets.
    pub fn is_open(&self) -> bool {
        self.connected && !self.ended
    }

    /// Promises that nothing earlier than `bound` will be sent on this output, so that whoever
    /// waits for it need not. A packet moves the bound to just after itself without a word; only
    /// the last promise of a call counts, and none after [`end`](Self::end).
    pub fn set_bound(&mut self, bound: Bound) {
        if !self.ended {
            self.bound = Some(bound);
        }
    }

    /// How many packets its consumers still take; kept up to date for modules that say `any_room`.
    pub fn room(&self) -> usize {
        self.room
    }

    /// Sends a packet. Dropped when nobody consumes the port; a packet after [`end`](Self::end) is
    /// dropped too.
    #[inline]
    pub fn push(&mut self, packet: Packet) {
        if !self.is_open() {
            return;
        }
        // In two places, so that in the usual one the packet need not be where growing could drop it:
        // it goes from registers to the vector, not by way of the stack.
        if self.items.len() == self.items.capacity() {
            return self.push_growing(packet);
        }
        self.items.push(StreamItem::Packet(packet));
    }

    #[cold]
    #[inline(never)]
    fn push_growing(&mut self, packet: Packet) {
        self.items.push(StreamItem::Packet(packet));
    }

    /// Ends a job on this output: what follows is the next one's.
    pub fn end_job(&mut self) {
        if self.is_open() {
            self.items.push(StreamItem::Signal(Signal::EndOfJob));
        }
    }

    /// Ends this output before the node itself is done, so that its consumers need not wait.
    pub fn end(&mut self) {
        if self.is_open() {
            self.items.push(StreamItem::Signal(Signal::Eof));
        }
        self.ended = true;
    }

    /// What the module has sent and propagation has not taken yet.
    pub fn items(&self) -> &[StreamItem] {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::drive::DriveTask;
    use super::*;

    fn packet(t: i64) -> Packet {
        Packet::new(Timestamp::from_micros(t), t)
    }

    #[test]
    fn unconnected_ports_end_at_once_and_swallow() {
        let mut task = Task::new(&[false], &[false, true]);
        assert!(task.inputs_ended());
        task.push(0, packet(1));
        task.push(1, packet(1));
        task.push(7, packet(1));
        assert!(task.take_stray().is_some_and(|(port, _)| port == 7));
        assert_eq!(task.outputs()[0].items().len(), 0);
        assert_eq!(task.outputs()[1].items().len(), 1);
    }

    #[test]
    fn nothing_follows_the_end_of_an_output() {
        let mut task = Task::new(&[], &[true]);
        task.push(0, packet(1));
        task.outputs_mut()[0].end();
        task.push(0, packet(2));
        task.outputs_mut()[0].end();
        assert!(matches!(
            task.outputs()[0].items(),
            [StreamItem::Packet(_), StreamItem::Signal(Signal::Eof)]
        ));
    }
}
