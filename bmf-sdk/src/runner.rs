//! Runs one module without a graph, for its tests. Keeps the engine's contract: `open` and `start`
//! once, `process` while there is work, `close` once. Knows the input policies `immediate`,
//! `default` and `mux` in their plainest form, and no queue limits.
//!
//! The module is behind the border that is between a host and a plugin, in this process.

use bmf_bridge::in_process;
use bmf_core::config::InputManager;
use bmf_core::drive::{DriveOutput, DriveTask};
use bmf_core::{
    Ending, Flow, Module, ModuleContext, ModuleError, ModuleFactory, Options, Ports, Promise,
    Report, Signal, StreamItem, Task,
};
use bmf_hmp::{Bound, Packet, Timestamp};
use serde_json::Value;

use crate::{ModuleType, factory};

mod sources;

use sources::Sources;

/// A module with its ports in hand.
///
/// ```
/// # use bmf_sdk::prelude::*;
/// # use bmf_sdk::{ModuleFactory, ModuleRunner, serde_json::json};
/// fn what_comes_of_five(module: &dyn ModuleFactory) -> Result<Vec<Packet>, ModuleError> {
///     let mut runner = ModuleRunner::with_ports(module, json!({}), 1, 1)?;
///     runner.push(0, Packet::new(Timestamp::from_micros(40), 5_i64));
///     runner.bound(0, Bound::at(Timestamp::from_micros(100)));
///     runner.end(0);
///     runner.run()?;
///     Ok(runner.take(0))
/// }
/// ```
pub struct ModuleRunner {
    module: Box<dyn Module>,
    context: ModuleContext,
    task: Task,
    any_room: bool,
    any_order: bool,
    promise: Promise,
    inputs: Sources,
    outputs: Vec<Sent>,
    output_names: Ports,
    opened: bool,
    more: bool,
    done: bool,
}

/// What has come of an output.
struct Sent {
    packets: Vec<Packet>,
    /// What follows from the packets and from promises.
    bound: Bound,
    /// What was promised beside the packets.
    promised: Bound,
    ended: bool,
}

impl ModuleRunner {
    /// A runner for `M` with these options and all its ports connected; a module with any number
    /// of ports gets one on that side.
    ///
    /// # Errors
    /// When the options do not fit.
    pub fn of<M: ModuleType>(options: Value) -> Result<Self, ModuleError> {
        let factory = in_process::factory(factory::<M>());
        let factory = factory.map_err(|unfit| ModuleError::new(unfit.to_string()))?;
        let descriptor = factory.descriptor();
        let ports = |ports: &Ports| match ports {
            Ports::Fixed(ports) => ports.len(),
            Ports::Any { min, .. } => (*min).max(1),
        };
        let (inputs, outputs) = (ports(&descriptor.inputs), ports(&descriptor.outputs));
        Self::around(
            &*factory,
            options,
            &vec![true; inputs],
            &vec![true; outputs],
            |module| module,
        )
    }

    /// A runner for any module, with so many connected ports.
    ///
    /// # Errors
    /// When the options do not fit.
    pub fn with_ports(
        factory: &dyn ModuleFactory,
        options: Value,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, ModuleError> {
        Self::with_connected(factory, options, &vec![true; inputs], &vec![true; outputs])
    }

    /// A runner for any module; the flags say which of its ports are connected.
    ///
    /// # Errors
    /// When the options do not fit.
    pub fn with_connected(
        factory: &dyn ModuleFactory,
        options: Value,
        inputs: &[bool],
        outputs: &[bool],
    ) -> Result<Self, ModuleError> {
        let flushes_early = factory.descriptor().flushes_early;
        Self::around(factory, options, inputs, outputs, |module| {
            in_process::module(module, flushes_early)
        })
    }

    /// A runner for a module that `cross` takes across the border, where the factory has not.
    fn around(
        factory: &dyn ModuleFactory,
        options: Value,
        inputs: &[bool],
        outputs: &[bool],
        cross: impl FnOnce(Box<dyn Module>) -> Box<dyn Module>,
    ) -> Result<Self, ModuleError> {
        let options = Options::from_value(options)
            .ok_or_else(|| ModuleError::new("options must be a JSON object"))?;
        if let Some(issue) = factory.check(&options).into_iter().next() {
            return Err(issue.into());
        }
        let descriptor = factory.descriptor();
        let manager = descriptor.input_manager.as_ref();
        let manager = manager.map_or(InputManager::Immediate, |config| config.manager);
        let mut task = Task::new(inputs, outputs);
        for output in task.outputs_mut() {
            output.set_room(usize::MAX);
        }
        let sent = |_: &bool| Sent {
            packets: Vec::new(),
            bound: Bound::START,
            promised: Bound::START,
            ended: false,
        };
        Ok(Self {
            module: cross(factory.create(&options)?),
            context: ModuleContext::new(&descriptor.name, false, inputs, outputs),
            task,
            any_room: descriptor.any_room,
            any_order: false,
            promise: Promise::None,
            inputs: Sources::new(inputs, manager, descriptor.wants_bounds),
            outputs: outputs.iter().map(sent).collect(),
            output_names: descriptor.outputs.clone(),
            opened: false,
            more: false,
            done: false,
        })
    }

    /// Uses another input policy than the one the module asks for, as graphs may.
    #[must_use]
    pub fn input_manager(mut self, manager: InputManager) -> Self {
        self.inputs.manager = manager;
        self
    }

    /// Lets the module send packets that it has promised not to send, as links do whose
    /// `time_order` is `any`.
    #[must_use]
    pub fn any_order(mut self) -> Self {
        self.any_order = true;
        self
    }

    /// What the module is told of its surroundings, for instance to interrupt it.
    pub fn context(&self) -> &ModuleContext {
        &self.context
    }

    /// Gives an input a packet. It comes with the next task, or when the input policy lets it.
    pub fn push(&mut self, port: usize, packet: Packet) {
        self.bound(port, Bound::after(packet.timestamp()));
        self.inputs.port(port).waiting.push_back(packet);
    }

    /// Raises the timestamp bound of an input.
    pub fn bound(&mut self, port: usize, bound: Bound) {
        let known = &mut self.inputs.port(port).bound;
        *known = (*known).max(Some(bound));
    }

    /// Ends an input.
    pub fn end(&mut self, port: usize) {
        self.inputs.port(port).ended = true;
    }

    /// Ends all inputs.
    pub fn end_all(&mut self) {
        self.inputs.end_all();
    }

    /// Sets how many packets an output takes. It sinks with what is sent.
    pub fn set_room(&mut self, port: usize, room: usize) {
        self.task.outputs_mut()[port].set_room(room);
    }

    /// How many packets the module has left on an input.
    pub fn left(&self, port: usize) -> usize {
        self.task.inputs()[port].packets.len()
    }

    /// One call of `process` (after `open` and `start`, the first time), unless the input policy
    /// has no task yet, or the module is done. Returns what the module wants.
    ///
    /// # Errors
    /// The module's; or that it sent what it had promised not to send.
    pub fn step(&mut self) -> Result<Flow, ModuleError> {
        self.open()?;
        if self.done {
            return Ok(Flow::Done);
        }
        if !self.inputs.fill(&mut self.task) && !std::mem::take(&mut self.more) {
            self.propagate();
            return Ok(Flow::Wait);
        }
        let flow = self.module.process(&mut self.task)?;
        self.more = flow == Flow::More;
        if let Some((port, _)) = self.task.take_stray() {
            // As the engine does; the runner may have fewer outputs than the module.
            if self
                .output_names
                .limits()
                .1
                .is_some_and(|most| port >= most)
            {
                let message = format!(
                    "the module has sent a packet to output {port}, which it does not have"
                );
                return Err(ModuleError::new(message));
            }
        }
        self.collect()?;
        // A module that chooses among its outputs may still wait for room on one.
        let waits_for_room = self.any_room && !self.task.inputs_ended();
        let is_last = flow == Flow::Wait && self.inputs.are_over() && !waits_for_room;
        self.done |= flow == Flow::Done || is_last;
        self.propagate();
        Ok(flow)
    }

    /// Steps until the module waits for input or is done.
    ///
    /// # Errors
    /// The module's.
    pub fn run(&mut self) -> Result<Flow, ModuleError> {
        self.open()?;
        loop {
            match self.step()? {
                Flow::More => {}
                Flow::Wait if !self.done && self.inputs.next_time().is_some() => {}
                flow => return Ok(flow),
            }
        }
    }

    /// What the module has sent on an output since it was last asked.
    pub fn take(&mut self, port: usize) -> Vec<Packet> {
        std::mem::take(&mut self.outputs[port].packets)
    }

    /// The earliest time at which an output can still bring a packet: after its packets, and as its
    /// module has promised, by [`TaskOutput::set_bound`](bmf_core::TaskOutput::set_bound) or by
    /// [`Module::promise`].
    pub fn output_bound(&self, port: usize) -> Bound {
        self.outputs[port].bound
    }

    /// Whether the module has ended an output, or is done.
    pub fn is_ended(&self, port: usize) -> bool {
        self.done || self.outputs[port].ended
    }

    /// Whether the module is done: it said so, or its inputs have ended and it waits.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Throws away what waits and what was promised, as after a seek, and tells the module.
    ///
    /// # Errors
    /// The module's.
    pub fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        self.inputs.clear();
        for input in self.task.inputs_mut() {
            input.packets.clear();
        }
        for sent in &mut self.outputs {
            (sent.bound, sent.promised) = (Bound::START, Bound::START);
        }
        self.module.flush(seek)?;
        if self.opened {
            self.module.start(&mut self.task)?;
            self.collect()?;
        }
        Ok(())
    }

    /// Closes the module and returns its report.
    ///
    /// # Errors
    /// The module's.
    pub fn close(mut self, ending: Ending) -> Result<Report, ModuleError> {
        if self.opened {
            self.module.close(ending)?;
        }
        Ok(self.module.report())
    }

    fn open(&mut self) -> Result<(), ModuleError> {
        if self.opened {
            return Ok(());
        }
        self.module.open(&self.context)?;
        self.opened = true;
        self.promise = self.module.promise();
        self.module.start(&mut self.task)?;
        self.collect()
    }

    /// Takes what the module has left on its outputs.
    fn collect(&mut self) -> Result<(), ModuleError> {
        for (port, output) in self.task.outputs_mut().iter_mut().enumerate() {
            let sent = &mut self.outputs[port];
            let explicit = output.take_bound();
            for item in std::mem::take(output.items_mut()) {
                let packet = match item {
                    StreamItem::Packet(packet) => packet,
                    StreamItem::Signal(Signal::Eof) => {
                        sent.ended = true;
                        continue;
                    }
                    StreamItem::Signal(Signal::EndOfJob) => continue,
                };
                let (time, promised) = (packet.timestamp(), sent.promised);
                if !promised.admits(time) && !self.any_order {
                    let message = format!("sent {time}, but had promised {promised} or later");
                    let name = self.output_names.name_of(port);
                    return Err(ModuleError::new(message).on_port(name));
                }
                sent.bound = sent.bound.max(Bound::after(time));
                sent.packets.push(packet);
                output.set_room(output.room().saturating_sub(1));
            }
            if let Some(bound) = explicit {
                if bound < sent.bound {
                    let known = sent.bound;
                    let message = format!("promised {bound} or later after {known} or later");
                    let name = self.output_names.name_of(port);
                    return Err(ModuleError::new(message).on_port(name));
                }
                sent.promise(bound);
            }
        }
        Ok(())
    }

    /// Takes bounds from the inputs to the outputs as the module has promised.
    fn propagate(&mut self) {
        if self.more || self.inputs.are_over() || self.inputs.next_time().is_some() {
            return;
        }
        let times = self.inputs.times(&self.task);
        match self.promise {
            Promise::None => {}
            Promise::Offset(micros) => {
                let bound = times.min().unwrap_or(Bound::START).shifted(micros);
                self.outputs.iter_mut().for_each(|sent| sent.promise(bound));
            }
            Promise::PerPort => {
                for (sent, bound) in self.outputs.iter_mut().zip(times) {
                    sent.promise(bound.shifted(0));
                }
            }
        }
    }
}

impl Sent {
    fn promise(&mut self, bound: Bound) {
        self.promised = self.promised.max(bound);
        self.bound = self.bound.max(bound);
    }
}

#[cfg(test)]
mod tests;
