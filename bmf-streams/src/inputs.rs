//! The input side of a node: its links, and the policy that makes tasks of what they hold.

use bmf_core::drive::{DriveInput, DriveTask};
use bmf_core::{Signal, Task};
use bmf_hmp::{Bound, Timestamp};

use crate::policy::{InputPolicy, Readiness};
use crate::{InputPort, LinkReceiver, Wake};

/// All inputs of one node.
pub struct Inputs {
    ports: Box<[InputPort]>,
    policy: Box<dyn InputPolicy>,
    /// Whether tasks are told the bounds of their inputs.
    bounds: bool,
    /// Whether the policy sees to the ends of jobs itself.
    policy_takes_job_ends: bool,
    /// Whether an input ended with the last task: a policy may have something to say to that.
    one_ended: bool,
}

/// What [`Inputs::poll_task`] found.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Poll {
    /// A task.
    Task,
    /// Too little for a task.
    Nothing(Awaited),
}

/// What an input policy waits for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The input from which something must come; `None`: any.
    pub port: Option<usize>,
    /// The time up to which that input must be settled; `None`: a packet, whatever its time.
    pub settled: Option<Timestamp>,
}

impl Awaited {
    /// Anything from any input.
    pub const ANYTHING: Self = Self {
        port: None,
        settled: None,
    };
}

impl Inputs {
    /// Inputs in port order; `None` is a port that nothing is connected to, which has ended from
    /// the start.
    pub fn new(receivers: Vec<Option<LinkReceiver>>, policy: Box<dyn InputPolicy>) -> Self {
        let mut links = receivers.iter().flatten().map(LinkReceiver::link);
        Self {
            bounds: links.any(|link| link.tracks_bounds()),
            ports: receivers.into_iter().map(InputPort::new).collect(),
            policy_takes_job_ends: policy.takes_job_ends(),
            one_ended: false,
            policy,
        }
    }

    /// Says that the consumer wants to be woken when a bound rises, too.
    pub fn want_bounds(&self) {
        let receivers = self.ports.iter().filter_map(|port| port.receiver.as_ref());
        receivers.for_each(LinkReceiver::want_bounds);
    }

    /// Fills `task` if the policy finds enough, with at most `budget` packets (at least one) per
    /// port. `wake` is told which producers have room again.
    pub fn poll_task(
        &mut self,
        task: &mut Task,
        budget: usize,
        wake: &mut dyn FnMut(Wake),
    ) -> Poll {
        self.one_ended = false;
        let budget = budget.max(1);
        for (port, input) in self.ports.iter_mut().zip(task.inputs_mut()) {
            port.refill(wake);
            port.allow(input.packets.len(), budget);
            input.job_ended = false;
        }
        if !self.policy_takes_job_ends && self.take_job_ends() {
            task.set_timestamp(None);
        } else {
            match self.policy.take(&mut self.ports, task) {
                Readiness::Ready => {}
                Readiness::NotReady(awaited) => {
                    self.pause(wake);
                    return Poll::Nothing(awaited);
                }
                Readiness::Close => {
                    task.set_timestamp(None);
                    self.ports.iter_mut().for_each(InputPort::end);
                }
            }
        }
        self.tell(task, wake);
        Poll::Task
    }

    /// Takes the ends of jobs that stand first, for policies that leave that to their caller. What
    /// stands behind them would not be seen otherwise.
    fn take_job_ends(&mut self) -> bool {
        let mut found = false;
        for port in &mut self.ports {
            if port.signal() == Some(Signal::EndOfJob) {
                port.pop_signals();
                found = true;
            }
        }
        found
    }

    /// Tells the task how its inputs stand, and the links what was taken.
    #[inline(always)]
    fn tell(&mut self, task: &mut Task, wake: &mut dyn FnMut(Wake)) {
        if self.bounds {
            self.tell_bounds(task);
        }
        for (port, input) in self.ports.iter_mut().zip(task.inputs_mut()) {
            self.one_ended |= port.is_ended() && !input.ended;
            input.ended = port.is_ended();
            input.job_ended = port.take_job_ended();
            port.settle(wake);
        }
    }

    fn tell_bounds(&self, task: &mut Task) {
        for (index, input) in task.inputs_mut().iter_mut().enumerate() {
            input.set_bound(self.bound_of_port(index));
        }
    }

    fn bound_of_port(&self, port: usize) -> Bound {
        match port < self.ports.len() {
            true => self.policy.bound(&self.ports, port),
            false => Bound::NOTHING,
        }
    }

    /// The consumer waits: producers that would wait in vain are woken.
    fn pause(&mut self, wake: &mut dyn FnMut(Wake)) {
        for port in &mut self.ports {
            // A policy may have discarded packets without making a task.
            port.settle(wake);
            let receiver = port.receiver.as_mut();
            receiver.and_then(LinkReceiver::pause).map(&mut *wake);
        }
    }

    /// The earliest time that can still come on any input, or that the module has left in `task`.
    pub fn bound(&self, task: &Task) -> Bound {
        let ports = 0..self.ports.len();
        let bounds = ports.map(|port| self.bound_of(port, task));
        bounds.min().unwrap_or(Bound::NOTHING)
    }

    /// The earliest time that can still come on one input, or that the module has left in `task`.
    pub fn bound_of(&self, port: usize, task: &Task) -> Bound {
        let left = task
            .inputs()
            .get(port)
            .and_then(|input| input.packets.front());
        match left {
            Some(packet) => Bound::at(packet.timestamp()),
            None => self.bound_of_port(port),
        }
    }

    /// How many inputs there are.
    pub fn len(&self) -> usize {
        self.ports.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }

    /// Whether anything has arrived that no task has taken yet, or an input has ended with the last
    /// task: there may be another task.
    pub fn have_more(&self) -> bool {
        let mut receivers = self.ports.iter().filter_map(|port| port.receiver.as_ref());
        self.one_ended || receivers.any(LinkReceiver::has_more)
    }

    /// Whether nothing will ever arrive any more.
    pub fn all_ended(&self) -> bool {
        self.ports.iter().all(InputPort::is_ended)
    }

    /// Takes nothing any more; all producers are owed a wake-up.
    pub fn close(&mut self, wake: &mut dyn FnMut(Wake)) {
        self.one_ended = false;
        self.ports.iter_mut().for_each(|port| port.close(wake));
    }

    /// Begins anew: what waits is thrown away and counted, bounds and ends are forgotten. Only
    /// while no producer is in a step.
    pub fn reset(&mut self, wake: &mut dyn FnMut(Wake)) {
        self.ports.iter_mut().for_each(|port| port.reset(wake));
        self.policy.reset();
        self.one_ended = false;
    }
}
