//! `flow_limiter`: lets only so many packets be under way at once and drops what comes too fast.
//! Measures nothing: what is under way it knows from a stream that comes back.

use std::collections::VecDeque;

use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

const MAIN: usize = 0;
const FINISHED: usize = 1;
/// The first auxiliary input. Its output has the same number.
const AUX: usize = 2;
const ALLOW: usize = 1;

/// How many auxiliary streams there can be.
const MOST_AUX: usize = 8;

/// Keeps a slow part of a graph up to date: lets only so many packets be under way in it at once and
/// drops the oldest of those that wait. `finished` is a stream from the end of that part; a packet
/// or a time bound there says that everything up to its time is no longer under way. The link behind
/// `out` should hold `max_in_flight` packets, else it is what limits, by waiting.
///
/// The auxiliary inputs belong to the main one: their packets pass if the last decision about a
/// packet of `in` at or before their time was to let it pass (or if there was none yet).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Most packets under way.
    max_in_flight: usize,
    /// Most packets that wait. With 0 a packet that cannot go at once is dropped.
    max_in_queue: usize,
    /// A packet is given up for lost when another one comes that is so many microseconds later; 0:
    /// never.
    in_flight_timeout: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_in_flight: 1,
            max_in_queue: 0,
            in_flight_timeout: 0,
        }
    }
}

pub(crate) struct FlowLimiter {
    options: Options,
    /// Kept here, not on the input: there a full queue would hold the producer up.
    queue: VecDeque<Packet>,
    in_flight: VecDeque<Timestamp>,
    /// What was decided, by time; as far back as an auxiliary input may still ask.
    decisions: VecDeque<(Timestamp, bool)>,
    dropped: u64,
    dropped_aux: u64,
    lost: u64,
}

impl FlowLimiter {
    /// Takes what has come back.
    fn finish(&mut self, task: &mut Task) {
        let Some(input) = task.inputs_mut().get_mut(FINISHED) else {
            return;
        };
        let last = input.packets.drain(..).map(|packet| packet.timestamp());
        let (last, bound) = (last.max(), input.bound());
        self.in_flight
            .retain(|&time| Some(time) > last && bound.admits(time));
    }

    /// Gives up what has been under way for too long when a packet at `now` comes.
    fn give_up(&mut self, now: Timestamp) {
        let timeout = self.options.in_flight_timeout;
        let is_lost = |&time: &Timestamp| {
            let since = now.checked_since(time);
            timeout > 0 && since.is_some_and(|since| since > timeout)
        };
        while self.in_flight.front().is_some_and(is_lost) {
            self.in_flight.pop_front();
            self.lost += 1;
        }
    }

    /// Lets packets pass while there is room, then drops those that may not wait.
    fn decide(&mut self, task: &mut Task) {
        while self.in_flight.len() < self.options.max_in_flight {
            let Some(packet) = self.queue.pop_front() else {
                return;
            };
            self.in_flight.push_back(packet.timestamp());
            self.tell(packet.timestamp(), true, task);
            task.push(MAIN, packet);
        }
        while self.queue.len() > self.options.max_in_queue {
            if let Some(packet) = self.queue.pop_front() {
                self.dropped += 1;
                self.tell(packet.timestamp(), false, task);
            }
        }
    }

    fn tell(&mut self, time: Timestamp, allow: bool, task: &mut Task) {
        self.decisions.push_back((time, allow));
        task.push(ALLOW, Packet::new(time, allow));
    }

    /// Whether an auxiliary packet at `time` passes.
    fn passes(&self, time: Timestamp) -> bool {
        let before = self.decisions.iter().rev().find(|(at, _)| *at <= time);
        before.is_none_or(|&(_, allow)| allow)
    }

    /// Handles an auxiliary stream as far as the main one is decided. Returns the earliest time that
    /// it may still ask about.
    fn auxiliary(&mut self, task: &mut Task, port: usize, decided: Bound) -> Bound {
        while let Some(packet) = task.inputs()[port].packets.front()
            && !decided.admits(packet.timestamp())
        {
            match task.pop(port) {
                Some(packet) if self.passes(packet.timestamp()) => task.push(port, packet),
                _ => self.dropped_aux += 1,
            }
        }
        let input = &task.inputs()[port];
        let next = match input.packets.front() {
            Some(packet) => Bound::at(packet.timestamp()),
            None => input.bound(),
        };
        let is_over = input.ended && input.packets.is_empty();
        announce(task, port, next, is_over);
        next
    }

    /// Forgets decisions that nobody can ask about any more: all but the last one before `time`.
    fn forget(&mut self, time: Bound) {
        let is_past = |decision: Option<&(Timestamp, bool)>| {
            decision.is_some_and(|(at, _)| Bound::at(*at) <= time)
        };
        while is_past(self.decisions.get(1)) {
            self.decisions.pop_front();
        }
    }
}

/// Tells when the next packet of an output can come.
fn announce(task: &mut Task, port: usize, bound: Bound, is_over: bool) {
    if let Some(output) = task.outputs_mut().get_mut(port) {
        match is_over {
            true => output.end(),
            false => output.set_bound(bound),
        }
    }
}

impl Module for FlowLimiter {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        if context.connected_inputs().get(FINISHED) == Some(&true) {
            return Ok(());
        }
        let hint = "connect it with the end of what is to be limited";
        Err(ModuleError::new("input \"finished\" must be connected")
            .on_port("finished")
            .with_hint(hint))
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        self.finish(task);
        self.decide(task);
        while let Some(packet) = task.pop(MAIN) {
            self.give_up(packet.timestamp());
            self.queue.push_back(packet);
            self.decide(task);
        }
        let main = &task.inputs()[MAIN];
        let decided = match self.queue.front() {
            Some(packet) => Bound::at(packet.timestamp()),
            None => main.bound(),
        };
        let mut is_over = main.ended && self.queue.is_empty();
        announce(task, MAIN, decided, is_over);
        announce(task, ALLOW, decided, is_over);
        let mut asked = decided;
        for port in AUX..task.inputs().len() {
            asked = asked.min(self.auxiliary(task, port, decided));
            let input = &task.inputs()[port];
            is_over &= input.ended && input.packets.is_empty();
        }
        self.forget(asked);
        Ok(if is_over { Flow::Done } else { Flow::Wait })
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.queue.clear();
        self.in_flight.clear();
        self.decisions.clear();
        Ok(())
    }

    fn report(&self) -> Report {
        let counters = [
            ("dropped", self.dropped),
            ("dropped_auxiliary", self.dropped_aux),
            ("given_up_for_lost", self.lost),
        ];
        Report {
            counters: counters.into(),
            ..Report::default()
        }
    }
}

impl ModuleType for FlowLimiter {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        let any = |name: &str, docs| PortSpec::new(name, PortKind::Any, docs);
        let aux = |docs| {
            let names = (0..MOST_AUX).map(|number| format!("aux{number}"));
            names.map(move |name| any(&name, docs).optional())
        };
        let inputs = [
            any("in", "what is to be limited"),
            any("finished", "what comes out at the end").back_edge(),
        ];
        let outputs = [
            any("out", "the packets that pass"),
            any("allow", "for each packet of `in`, whether it passes").optional(),
        ];
        let inputs = inputs.into_iter().chain(aux("belongs to `in`"));
        let outputs = outputs
            .into_iter()
            .chain(aux("what passes of the input of that name"));
        Description::new("flow_limiter", env!("CARGO_PKG_VERSION"))
            .summary("Lets only so many packets be under way at once")
            .inputs(inputs.collect::<Vec<_>>())
            .outputs(outputs.collect::<Vec<_>>())
            .wants_bounds()
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        let mut issues = Vec::new();
        if options.max_in_flight == 0 {
            let message = "with 0 nothing would ever pass";
            issues.push(OptionIssue::invalid("max_in_flight", message));
        }
        if options.in_flight_timeout < 0 {
            let message = "must be 0 or more microseconds";
            issues.push(OptionIssue::invalid("in_flight_timeout", message));
        }
        issues
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options,
            queue: VecDeque::new(),
            in_flight: VecDeque::new(),
            decisions: VecDeque::new(),
            dropped: 0,
            dropped_aux: 0,
            lost: 0,
        })
    }
}

#[cfg(test)]
mod tests;
