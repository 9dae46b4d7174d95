//! The input side of a node: its links, and the policy that makes tasks of what they hold.

use bmf_core::{Signal, StreamItem, Task};
use bmf_hmp::{Packet, Timestamp};
use smallvec::SmallVec;

use crate::policy::{InputPolicy, Readiness};
use crate::{LinkReceiver, Wake};

/// All inputs of one node.
pub struct Inputs {
    ports: SmallVec<[InputPort; 2]>,
    policy: Box<dyn InputPolicy>,
}

/// One input, as its policy sees it.
#[derive(Debug)]
pub struct InputPort {
    receiver: Option<LinkReceiver>,
    ended: bool,
    last: Option<Timestamp>,
    taken: usize,
    allowance: usize,
}

impl Inputs {
    /// Inputs in port order; `None` is a port that nothing is connected to, which has ended from
    /// the start.
    pub fn new(receivers: Vec<Option<LinkReceiver>>, policy: Box<dyn InputPolicy>) -> Self {
        let port = |receiver: Option<LinkReceiver>| InputPort {
            ended: receiver.is_none(),
            receiver,
            last: None,
            taken: 0,
            allowance: 0,
        };
        Self {
            ports: receivers.into_iter().map(port).collect(),
            policy,
        }
    }

    /// Fills `task` if the policy finds enough, with at most `budget` packets (at least one) per
    /// port. Returns whether there is a task; `wake` is told which producers have room again.
    pub fn poll_task(
        &mut self,
        task: &mut Task,
        budget: usize,
        wake: &mut dyn FnMut(Wake),
    ) -> bool {
        for port in &mut self.ports {
            let receiver = port.receiver.as_mut();
            if let Some(owed) = receiver.and_then(LinkReceiver::refill) {
                wake(owed);
            }
        }
        for (port, input) in self.ports.iter_mut().zip(task.inputs()) {
            port.allow(input.packets.len(), budget.max(1));
        }
        if self.policy.readiness(&self.ports) == Readiness::NotReady {
            let receivers = self
                .ports
                .iter_mut()
                .filter_map(|port| port.receiver.as_mut());
            receivers.filter_map(LinkReceiver::pause).for_each(wake);
            return false;
        }
        task.set_timestamp(None);
        self.policy.fill(&mut self.ports, task);
        for (port, input) in self.ports.iter_mut().zip(task.inputs_mut()) {
            input.ended = port.ended;
            let taken = std::mem::take(&mut port.taken);
            let owed = port.receiver.as_mut().and_then(|link| link.taken(taken));
            if let Some(owed) = owed {
                wake(owed);
            }
        }
        true
    }

    /// Whether anything has arrived that no task has taken yet.
    pub fn have_more(&self) -> bool {
        let mut receivers = self.ports.iter().filter_map(|port| port.receiver.as_ref());
        receivers.any(LinkReceiver::has_more)
    }

    /// Whether nothing will ever arrive any more.
    pub fn all_ended(&self) -> bool {
        self.ports.iter().all(|port| port.ended)
    }

    /// Takes nothing any more; all producers are owed a wake-up.
    pub fn close(&mut self, wake: &mut dyn FnMut(Wake)) {
        for port in &mut self.ports {
            if let Some(receiver) = &mut port.receiver {
                wake(receiver.close());
            }
            port.ended = true;
        }
    }
}

impl InputPort {
    /// Sets how many packets the next task may bring: the task's budget; or, if the module has left
    /// packets of earlier tasks, what is missing to the limit of the link. So a module that waits
    /// for another input holds back the producer of this one.
    fn allow(&mut self, left: usize, budget: usize) {
        let has_packet = self.packet().is_some();
        self.allowance = budget;
        let Some(receiver) = &mut self.receiver else {
            return;
        };
        if left > 0 {
            // The budget is for what a task brings, not for what it holds: a module may need more
            // at once than one task brings.
            self.allowance = budget.min(receiver.link().limit().saturating_sub(left));
        }
        receiver.set_declined(has_packet && self.allowance == 0);
    }

    /// Most packets that the task being made may take from this port.
    pub fn allowance(&self) -> usize {
        self.allowance
    }

    /// The next packet.
    pub fn packet(&self) -> Option<&Packet> {
        match self.receiver.as_ref()?.peek()? {
            StreamItem::Packet(packet) => Some(packet),
            StreamItem::Signal(_) => None,
        }
    }

    /// The next signal, when no packet stands before it.
    pub fn signal(&self) -> Option<Signal> {
        match self.receiver.as_ref()?.peek()? {
            StreamItem::Packet(_) => None,
            StreamItem::Signal(signal) => Some(*signal),
        }
    }

    /// Whether the end of the stream has been taken (or nothing is connected).
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether nothing more will come: the end was taken, or is the next entry.
    pub fn is_exhausted(&self) -> bool {
        self.ended || self.signal() == Some(Signal::Eof)
    }

    /// The timestamp bound: the lowest timestamp that can still arrive after what was taken. A
    /// packet at T moves it to T+1. Only meaningful while the port holds no packet.
    pub fn bound(&self) -> Timestamp {
        match self.last {
            Some(last) => last.checked_add(1).unwrap_or(Timestamp::MAX),
            None => Timestamp::MIN,
        }
    }

    /// Takes the next packet.
    pub fn pop_packet(&mut self) -> Option<Packet> {
        self.packet()?;
        let Some(StreamItem::Packet(packet)) = self.receiver.as_mut()?.pop() else {
            return None;
        };
        self.last = self.last.max(Some(packet.timestamp()));
        self.taken += 1;
        Some(packet)
    }

    /// Takes the next signal, when no packet stands before it.
    pub fn pop_signal(&mut self) -> Option<Signal> {
        let signal = self.signal()?;
        self.receiver.as_mut()?.pop();
        if signal == Signal::Eof {
            self.ended = true;
        }
        Some(signal)
    }
}
