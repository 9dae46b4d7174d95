//! Hands what arrives to the instances.

use std::collections::VecDeque;

use bmf_core::config::Distribution;
use bmf_core::drive::DriveOutput;
use bmf_core::{Flow, Module, ModuleError, Task, TaskInput};
use bmf_hmp::{Bound, Packet, Timestamp};
use smallvec::SmallVec;

use super::{NO_TIME, Unit, UnitInput};

/// Hands what arrives to one instance after the other, or to the one with the most room.
pub(crate) struct Distributor {
    distribution: Distribution,
    /// Whether packets are handed out one by one, since nothing says that they belong together.
    one_by_one: bool,
    next_number: u64,
    next_branch: usize,
}

impl Distributor {
    pub(crate) fn new(distribution: Distribution, one_by_one: bool) -> Self {
        Self {
            distribution,
            one_by_one,
            next_number: 0,
            next_branch: 0,
        }
    }

    fn branch(&self, task: &Task) -> usize {
        let branches = task.outputs().len();
        let in_turn = (0..branches).map(|step| (self.next_branch + step) % branches);
        let choice = match self.distribution {
            Distribution::RoundRobin => in_turn.into_iter().next(),
            // Of equals the last wins in `max_by_key`, and the first is to win.
            Distribution::LeastLoaded => in_turn
                .rev()
                .max_by_key(|&branch| task.outputs()[branch].room()),
        };
        choice.unwrap_or(0)
    }

    /// Hands packets to the instance whose turn it is.
    fn send(&mut self, task: &mut Task, timestamp: Timestamp, unit: Unit) {
        let branch = self.branch(task);
        self.next_branch = (branch + 1) % task.outputs().len();
        self.send_to(task, branch, timestamp, unit);
    }

    fn send_to(&mut self, task: &mut Task, branch: usize, timestamp: Timestamp, mut unit: Unit) {
        unit.number = self.next_number;
        self.next_number += 1;
        let output = &mut task.outputs_mut()[branch];
        output.set_room(output.room().saturating_sub(1));
        output.push(Packet::new(timestamp, unit));
    }

    fn send_one_by_one(&mut self, task: &mut Task) -> bool {
        let mut sent = false;
        for port in 0..task.inputs().len() {
            while let Some(packet) = task.pop(port) {
                let time = packet.timestamp();
                let mut unit = unit_of(task);
                unit.inputs[port].packets.push_back(packet);
                self.send(task, time, unit);
                sent = true;
            }
        }
        sent
    }

    fn send_together(&mut self, task: &mut Task) -> bool {
        let take = |input: &mut TaskInput| std::mem::take(&mut input.packets);
        let packets: SmallVec<[_; 2]> = task.inputs_mut().iter_mut().map(take).collect();
        let mut firsts = packets.iter().filter_map(VecDeque::front);
        let Some(time) = firsts.next().map(Packet::timestamp) else {
            return false;
        };
        let mut unit = unit_of(task);
        for (input, packets) in unit.inputs.iter_mut().zip(packets) {
            input.packets = packets;
        }
        self.send(task, time, unit);
        true
    }

    /// The end of a job concerns every instance. The next job goes round like the first.
    fn send_job_ends(&mut self, task: &mut Task) {
        let branches = task.outputs().len();
        self.next_branch = 0;
        for branch in 0..branches {
            let mut unit = unit_of(task);
            for (input, from) in unit.inputs.iter_mut().zip(task.inputs()) {
                input.job_ended = from.job_ended;
            }
            unit.more_ends_follow = branch + 1 < branches;
            self.send_to(task, branch, NO_TIME, unit);
        }
    }
}

/// A unit without packets, with the state of the inputs as it is. Once all have ended, the
/// instances learn of it by the ends of their own inputs.
fn unit_of(task: &Task) -> Unit {
    let all_ended = task.inputs().iter().all(|input| input.ended);
    let input = |input: &TaskInput| UnitInput {
        packets: VecDeque::new(),
        ended: input.ended && input.packets.is_empty() && !(all_ended && input.is_connected()),
        job_ended: false,
        bound: match input.packets.front() {
            Some(packet) => Bound::at(packet.timestamp()),
            None => input.bound(),
        },
    };
    Unit {
        number: 0,
        timestamp: task.timestamp(),
        inputs: task.inputs().iter().map(input).collect(),
        more_ends_follow: false,
    }
}

impl Module for Distributor {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let mut sent = match self.one_by_one {
            true => self.send_one_by_one(task),
            false => self.send_together(task),
        };
        if task.inputs().iter().any(|input| input.job_ended) {
            self.send_job_ends(task);
            sent = true;
        }
        if !sent && !task.inputs_ended() {
            // Only a bound has risen, or one of several inputs has ended. That is nobody's turn: who
            // gets which packet must not depend on how often it happens.
            let branch = self.branch(task);
            self.send_to(task, branch, NO_TIME, unit_of(task));
        }
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.next_number = 0;
        self.next_branch = 0;
        Ok(())
    }
}
