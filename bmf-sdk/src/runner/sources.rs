//! What has been given to a module's inputs, and the input policies that make tasks of it: plain
//! copies of those that engines have, to test modules with.

use std::collections::VecDeque;

use bmf_core::Task;
use bmf_core::config::InputManager;
use bmf_core::drive::{DriveInput, DriveTask};
use bmf_hmp::{Bound, Packet, Timestamp};

/// All inputs of the module.
pub(super) struct Sources {
    ports: Vec<Source>,
    pub(super) manager: InputManager,
    wants_bounds: bool,
    /// The time of the last task, where tasks have one.
    last: Option<Timestamp>,
}

/// What has been given to an input and is in no task yet.
#[derive(Default)]
pub(super) struct Source {
    pub(super) waiting: VecDeque<Packet>,
    pub(super) bound: Option<Bound>,
    pub(super) ended: bool,
}

impl Sources {
    /// Inputs, of which each flag says whether it is connected.
    pub(super) fn new(connected: &[bool], manager: InputManager, wants_bounds: bool) -> Self {
        let source = |&connected: &bool| Source {
            ended: !connected,
            ..Source::default()
        };
        Self {
            ports: connected.iter().map(source).collect(),
            manager,
            wants_bounds,
            last: None,
        }
    }

    pub(super) fn port(&mut self, port: usize) -> &mut Source {
        &mut self.ports[port]
    }

    pub(super) fn end_all(&mut self) {
        self.ports.iter_mut().for_each(|source| source.ended = true);
    }

    /// Forgets what waits and what was said about times.
    pub(super) fn clear(&mut self) {
        for source in &mut self.ports {
            source.waiting.clear();
            source.bound = None;
        }
        self.last = None;
    }

    /// Whether nothing waits and nothing can come.
    pub(super) fn are_over(&self) -> bool {
        let mut ports = self.ports.iter();
        ports.all(|source| source.ended && source.waiting.is_empty())
    }

    /// The earliest time of each input, with what the module has left in `task`.
    pub(super) fn times(&self, task: &Task) -> impl Iterator<Item = Bound> {
        let left = task.inputs().iter().map(|input| input.packets.front());
        let left: Vec<Option<Timestamp>> = left.map(|front| front.map(Packet::timestamp)).collect();
        let ports = self.ports.iter().zip(left);
        ports.map(|(source, left)| left.map_or_else(|| source.next_time(), Bound::at))
    }

    /// Puts together the next task. Returns whether there is one.
    pub(super) fn fill(&mut self, task: &mut Task) -> bool {
        let synced = self.is_synced();
        let time = self.next_time();
        let is_end = self.are_over() && !task.inputs_ended();
        if synced && time.is_none() && !is_end {
            return false;
        }
        task.set_timestamp(time);
        self.last = time.or(self.last);
        let (count, selected) = (self.ports.len(), self.selected());
        let inputs = task.inputs_mut().iter_mut();
        for (port, (source, input)) in self.ports.iter_mut().zip(inputs).enumerate() {
            let is_left_out = selected.is_some_and(|chosen| port != chosen && port + 1 != count);
            if !synced {
                input.packets.append(&mut source.waiting);
            } else if let Some(packet) = source.waiting.front()
                && Some(packet.timestamp()) == time
                && !is_left_out
            {
                input.packets.extend(source.waiting.pop_front());
            }
            input.ended = source.ended && source.waiting.is_empty();
            input.set_bound(source.next_time());
        }
        true
    }

    fn is_synced(&self) -> bool {
        self.manager != InputManager::Immediate && !self.ports.is_empty()
    }

    /// The time of the next task, where tasks have one.
    pub(super) fn next_time(&mut self) -> Option<Timestamp> {
        match self.manager {
            _ if !self.is_synced() => None,
            InputManager::Mux => self.next_selection(),
            _ => self.next_settled(),
        }
    }

    /// The earliest time of a packet that no other input can precede; for a module that wants
    /// bounds, also the latest time that is settled on all inputs.
    fn next_settled(&self) -> Option<Timestamp> {
        let heads = self
            .ports
            .iter()
            .filter_map(|source| source.waiting.front());
        let packet = heads.map(Packet::timestamp).min();
        let empty = self.ports.iter().filter(|source| source.waiting.is_empty());
        let bound = empty.map(Source::next_time).min();
        let bound = bound.unwrap_or(Bound::NOTHING);
        let packet = packet.filter(|&time| !bound.admits(time));
        let settled = bound
            .earliest()
            .filter(|time| time.is_time() && self.wants_bounds && packet.is_none())
            .and_then(|_| bound.settled());
        packet.or(settled).filter(|&time| Some(time) > self.last)
    }

    /// The time of the next control packet whose data has come, or can come no more. Older data is
    /// dropped.
    fn next_selection(&mut self) -> Option<Timestamp> {
        let selected = self.selected();
        let (control, data) = self.ports.split_last_mut()?;
        let time = control.waiting.front()?.timestamp();
        for source in &mut *data {
            while matches!(source.waiting.front(), Some(packet) if packet.timestamp() < time) {
                source.waiting.pop_front();
            }
        }
        let is_there =
            |source: &Source| !source.waiting.is_empty() || !source.next_time().admits(time);
        let selected = selected.and_then(|port| data.get(port));
        selected.is_none_or(is_there).then_some(time)
    }

    /// The input that the next control packet names.
    fn selected(&self) -> Option<usize> {
        let control = self.ports.last()?.waiting.front();
        let control = control.filter(|_| self.manager == InputManager::Mux)?;
        let index = control.get::<i64>().copied();
        let index = index.or_else(|| control.get::<bool>().map(|&on| i64::from(on)));
        usize::try_from(index?).ok()
    }
}

impl Source {
    /// The earliest time at which the next packet comes or can come.
    fn next_time(&self) -> Bound {
        match self.waiting.front() {
            Some(packet) => Bound::at(packet.timestamp()),
            None if self.ended => Bound::NOTHING,
            None => self.bound.unwrap_or(Bound::START),
        }
    }
}
