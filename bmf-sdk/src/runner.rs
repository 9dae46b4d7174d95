//! Runs one module without a graph, for its tests. Keeps the engine's contract: `open` once,
//! `process` while there is work, `close` once.

use bmf_core::{
    Ending, Flow, Module, ModuleContext, ModuleError, Options, Report, StreamItem, Task,
};
use bmf_core::{ModuleFactory, Signal};
use bmf_hmp::Packet;
use serde_json::Value;

use crate::{ModuleType, factory};

/// A module with its ports in hand.
pub struct ModuleRunner {
    module: Box<dyn Module>,
    context: ModuleContext,
    task: Task,
    outputs: Vec<Vec<Packet>>,
    ended: Vec<bool>,
    opened: bool,
    done: bool,
}

impl ModuleRunner {
    /// A runner for `M` with these options and all its ports connected; a module with any number
    /// of ports gets one on that side.
    ///
    /// # Errors
    /// When the options do not fit.
    pub fn of<M: ModuleType>(options: Value) -> Result<Self, ModuleError> {
        let factory = factory::<M>();
        let descriptor = factory.descriptor();
        let ports = |ports: &bmf_core::Ports| match ports {
            bmf_core::Ports::Fixed(ports) => ports.len(),
            bmf_core::Ports::Any { min, .. } => (*min).max(1),
        };
        let (inputs, outputs) = (ports(&descriptor.inputs), ports(&descriptor.outputs));
        Self::with_ports(&*factory, options, inputs, outputs)
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
        let options = Options::from_value(options)
            .ok_or_else(|| ModuleError::new("options must be a JSON object"))?;
        if let Some(issue) = factory.check(&options).into_iter().next() {
            return Err(issue.into());
        }
        let (connected_in, connected_out) = (vec![true; inputs], vec![true; outputs]);
        let name = &factory.descriptor().name;
        Ok(Self {
            module: factory.create(&options)?,
            context: ModuleContext::new(name, false, &connected_in, &connected_out),
            task: Task::new(&connected_in, &connected_out),
            outputs: (0..outputs).map(|_| Vec::new()).collect(),
            ended: vec![false; outputs],
            opened: false,
            done: false,
        })
    }

    /// What the module is told of its surroundings, for instance to interrupt it.
    pub fn context(&self) -> &ModuleContext {
        &self.context
    }

    /// Gives the module a packet with its next task.
    pub fn push(&mut self, port: usize, packet: Packet) {
        self.task.inputs_mut()[port].packets.push_back(packet);
    }

    /// Ends an input.
    pub fn end(&mut self, port: usize) {
        self.task.inputs_mut()[port].ended = true;
    }

    /// Ends all inputs.
    pub fn end_all(&mut self) {
        for input in self.task.inputs_mut() {
            input.ended = true;
        }
    }

    /// One call of `process` (after `open`, the first time). Returns what the module wants.
    ///
    /// # Errors
    /// The module's.
    pub fn step(&mut self) -> Result<Flow, ModuleError> {
        if !self.opened {
            self.module.open(&self.context)?;
            self.opened = true;
        }
        let flow = self.module.process(&mut self.task)?;
        for (port, output) in self.task.outputs_mut().iter_mut().enumerate() {
            for item in output.items_mut().drain(..) {
                match item {
                    StreamItem::Packet(packet) => self.outputs[port].push(packet),
                    StreamItem::Signal(Signal::Eof) => self.ended[port] = true,
                }
            }
        }
        self.done |= flow == Flow::Done;
        Ok(flow)
    }

    /// Steps until the module waits for input or is done.
    ///
    /// # Errors
    /// The module's.
    pub fn run(&mut self) -> Result<Flow, ModuleError> {
        loop {
            match self.step()? {
                Flow::More => {}
                flow => return Ok(flow),
            }
        }
    }

    /// What the module has sent on an output since it was last asked.
    pub fn take(&mut self, port: usize) -> Vec<Packet> {
        std::mem::take(&mut self.outputs[port])
    }

    /// Whether the module has ended an output, or is done.
    pub fn is_ended(&self, port: usize) -> bool {
        self.done || self.ended[port]
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
}
