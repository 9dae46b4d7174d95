//! Runs the module on the units of one branch.

use std::sync::atomic::Ordering;

use bmf_core::drive::{DriveInput, DriveOutput, DriveTask};
use bmf_core::{Ending, Flow, Module, ModuleContext, ModuleError, Promise, Report, Task};
use bmf_hmp::{Bound, Packet, Timestamp};
use smallvec::SmallVec;

use super::{Made, MadeOutput, NO_TIME, Turn, Unit};

/// One instance of the module of a parallel node.
pub(crate) struct Instance {
    module: Box<dyn Module>,
    /// What the module sees.
    task: Task,
    wants_bounds: bool,
    promise: Promise,
    context: Option<ModuleContext>,
    /// The time of the latest unit.
    latest: Timestamp,
}

impl Instance {
    /// `task` has the ports of the whole node.
    pub(crate) fn new(module: Box<dyn Module>, mut task: Task, wants_bounds: bool) -> Self {
        // What it makes of one unit leaves the instance whole.
        task.outputs_mut()
            .iter_mut()
            .for_each(|output| output.set_room(usize::MAX));
        Self {
            module,
            task,
            wants_bounds,
            promise: Promise::None,
            context: None,
            latest: NO_TIME,
        }
    }

    fn on_unit(&mut self, unit: Unit) -> Result<Made, ModuleError> {
        let mut is_news = self.wants_bounds;
        let mut bounds: SmallVec<[Bound; 2]> = SmallVec::new();
        for (input, from) in self.task.inputs_mut().iter_mut().zip(unit.inputs) {
            is_news |= !from.packets.is_empty() || from.job_ended || from.ended != input.ended;
            input.packets.extend(from.packets);
            input.ended = from.ended;
            input.job_ended = from.job_ended;
            input.set_bound(from.bound);
            bounds.push(from.bound);
        }
        self.task.set_timestamp(unit.timestamp);
        let done = is_news && self.process()? == Flow::Done;
        let made = self.made(Turn::Number(unit.number), &bounds);
        Ok(Made {
            done,
            more_ends_follow: unit.more_ends_follow,
            ..made
        })
    }

    /// Calls the module until it waits. Between two calls it may be told to give up.
    fn process(&mut self) -> Result<Flow, ModuleError> {
        loop {
            let flow = self.module.process(&mut self.task)?;
            self.task
                .inputs_mut()
                .iter_mut()
                .for_each(|input| input.job_ended = false);
            let interrupt = self.context.as_ref().map(ModuleContext::interrupt);
            let interrupted = interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Acquire));
            if flow != Flow::More || interrupted {
                return Ok(flow);
            }
        }
    }

    /// Passes a packet for an output that there is not on to where that is found.
    fn lose_no_stray(&mut self, task: &mut Task) {
        if let Some((port, packet)) = self.task.take_stray() {
            task.push(port, packet);
        }
    }

    /// Sends what belongs to no unit, if there is anything.
    fn send(&mut self, turn: Turn, task: &mut Task) {
        let made = self.made(turn, &[]);
        let says_something =
            |output: &MadeOutput| !output.items.is_empty() || output.bound.is_some();
        if made.outputs.iter().any(says_something) {
            task.push(0, Packet::new(self.latest, made));
        }
    }

    /// What the module has left on its outputs. `bounds` are those of its inputs.
    fn made(&mut self, turn: Turn, bounds: &[Bound]) -> Made {
        let holds = self
            .task
            .inputs()
            .iter()
            .any(|input| !input.packets.is_empty());
        let lowest = bounds.iter().min().copied();
        let promise = self.promise;
        let promised = |port: usize| match promise {
            _ if holds => None,
            Promise::None => None,
            Promise::Offset(micros) => lowest.map(|bound| bound.shifted(micros)),
            Promise::PerPort => bounds.get(port).map(|bound| bound.shifted(0)),
        };
        let outputs = self.task.outputs_mut().iter_mut().enumerate();
        Made {
            turn,
            outputs: outputs
                .map(|(port, output)| MadeOutput {
                    bound: output.take_bound(),
                    promised: promised(port),
                    items: std::mem::take(output.items_mut()),
                })
                .collect(),
            holds,
            done: false,
            more_ends_follow: false,
        }
    }
}

impl Module for Instance {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        self.module.open(context)?;
        self.promise = self.module.promise();
        self.context = Some(context.clone());
        Ok(())
    }

    fn start(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        self.module.start(&mut self.task)?;
        self.send(Turn::First, task);
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        while let Some(packet) = task.pop(0) {
            self.latest = packet.timestamp();
            let unit = packet.into_inner_or_clone::<Unit>();
            let unit = unit.map_err(|_| ModuleError::new("not a unit of a parallel node"))?;
            let made = self.on_unit(unit).map_err(|error| {
                let time = error
                    .timestamp()
                    .or(Some(self.latest))
                    .filter(|time| time.is_time());
                error.at(time)
            })?;
            let done = made.done;
            self.lose_no_stray(task);
            task.push(0, Packet::new(self.latest, made));
            if done {
                return Ok(Flow::Done);
            }
        }
        if task.inputs_ended() {
            for input in self.task.inputs_mut() {
                input.ended = true;
            }
            self.task.set_timestamp(None);
            let _ = self.process()?;
            self.lose_no_stray(task);
            self.send(Turn::Last, task);
            return Ok(Flow::Done);
        }
        Ok(Flow::Wait)
    }

    fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        self.module.close(ending)
    }

    fn report(&self) -> Report {
        self.module.report()
    }

    fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        for input in self.task.inputs_mut() {
            input.packets.clear();
            input.ended = !input.is_connected();
        }
        for output in self.task.outputs_mut() {
            output.items_mut().clear();
            output.reopen();
        }
        self.latest = NO_TIME;
        self.module.flush(seek)
    }
}
