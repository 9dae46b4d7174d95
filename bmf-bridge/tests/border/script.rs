//! A module that does what a script says and writes down what it sees, and a driver that does the same
//! with any module of it. What one of them writes must not depend on the border.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use bmf_core::drive::{DriveInput, DriveOutput, DriveTask, EarlyFlush};
use bmf_core::{
    Ending, Flow, Module, ModuleContext, ModuleError, Promise, Report, Signal, StreamItem, Task,
    TaskOutput,
};
use bmf_hmp::{Bound, Packet, Timestamp};

/// What was seen, by module and driver, in order.
pub(crate) type Seen = Arc<Mutex<Vec<String>>>;

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) fn packet(micros: i64) -> Packet {
    Packet::new(at(micros), micros)
}

/// One thing that the module does in a call.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Takes a packet from an input and sends it on an output.
    Pass(usize, usize),
    /// Takes a packet from an input and keeps it for later.
    Keep(usize),
    /// Sends what it has kept.
    SendKept(usize),
    Send(usize, i64),
    /// Puts a packet of its own in front of an input.
    PutBack(usize, i64),
    SetBound(usize, i64),
    EndJob(usize),
    End(usize),
    Flush,
    SetDuration(i64),
    Fail(bool),
    Panic,
}

/// One call, and what the driver does before it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) packets: Vec<(usize, i64)>,
    pub(crate) ended: Option<usize>,
    pub(crate) job_ended: Option<usize>,
    pub(crate) bound: Option<(usize, i64)>,
    pub(crate) time: Option<i64>,
    pub(crate) room: usize,
    /// The stream begins anew, from this position.
    pub(crate) flush: Option<Option<i64>>,
    pub(crate) deeds: Vec<Deed>,
    pub(crate) flow: Flow,
}

pub(crate) struct Scripted {
    pub(crate) seen: Seen,
    pub(crate) steps: std::vec::IntoIter<Step>,
    pub(crate) kept: Vec<Packet>,
    pub(crate) context: Option<ModuleContext>,
}

impl Scripted {
    pub(crate) fn new(steps: &[Step], seen: &Seen) -> Self {
        Self {
            seen: Arc::clone(seen),
            steps: Vec::from(steps).into_iter(),
            kept: Vec::new(),
            context: None,
        }
    }

    fn note(&self, what: String) {
        self.seen.lock().unwrap().push(what);
    }

    fn note_task(&self, call: &str, task: &Task) {
        let inputs = task.inputs().iter().map(|input| {
            let times: Vec<i64> = input
                .packets
                .iter()
                .map(|p| p.timestamp().micros())
                .collect();
            let flags = (input.is_connected(), input.ended, input.job_ended);
            format!("{times:?} {flags:?} {}", input.bound())
        });
        let outputs = task.outputs().iter().map(|output| {
            format!(
                "{} {} {}",
                output.is_connected(),
                output.is_open(),
                output.room()
            )
        });
        let (inputs, outputs): (Vec<_>, Vec<_>) = (inputs.collect(), outputs.collect());
        let time = task.timestamp();
        self.note(format!(
            "module {call} at {time:?}: {inputs:?} -> {outputs:?}"
        ));
    }

    fn done(&mut self, deed: Deed, task: &mut Task) -> Result<(), ModuleError> {
        match deed {
            Deed::Pass(from, to) => {
                if let Some(packet) = task.pop(from) {
                    task.push(to, packet);
                }
            }
            Deed::Keep(from) => self.kept.extend(task.pop(from)),
            Deed::SendKept(to) => {
                for packet in self.kept.drain(..) {
                    task.push(to, packet);
                }
            }
            Deed::Send(to, time) => task.push(to, packet(time)),
            Deed::PutBack(from, time) => {
                task.inputs_mut()[from].packets.push_front(packet(time));
            }
            Deed::SetBound(to, time) => task.outputs_mut()[to].set_bound(Bound::at(at(time))),
            Deed::EndJob(to) => task.outputs_mut()[to].end_job(),
            Deed::End(to) => task.outputs_mut()[to].end(),
            Deed::Flush => task.flush_outputs()?,
            Deed::SetDuration(micros) => self.context.as_ref().unwrap().set_duration(micros),
            Deed::Fail(true) => {
                let error = ModuleError::new("it failed")
                    .with_hint("do not")
                    .on_port("in");
                let cause = std::io::Error::other("on fire");
                return Err(error.at(at(7)).with_source(cause));
            }
            Deed::Fail(false) => return Err(ModuleError::new("it failed")),
            Deed::Panic => panic!("it panicked {}", 5),
        }
        Ok(())
    }
}

impl Module for Scripted {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        let (node, strict) = (context.node(), context.is_strict());
        let ports = (context.connected_inputs(), context.connected_outputs());
        self.note(format!("module open: {node} {strict} {ports:?}"));
        self.context = Some(context.clone());
        Ok(())
    }

    fn start(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        self.note_task("start", task);
        task.push(0, packet(i64::MIN));
        Ok(())
    }

    fn promise(&self) -> Promise {
        Promise::Offset(-3)
    }

    fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        self.note(format!("module flush: {seek:?}"));
        self.kept.clear();
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        self.note_task("process", task);
        let step = self.steps.next().unwrap();
        for deed in step.deeds {
            self.done(deed, task)?;
        }
        Ok(step.flow)
    }

    fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        self.note(format!("module close: {ending:?}"));
        Err(ModuleError::new("closed badly"))
    }

    fn report(&self) -> Report {
        Report {
            counters: [("kept", self.kept.len() as u64)].into(),
            warnings: vec!["w".to_owned()],
            ..Report::default()
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.note("module dropped".to_owned());
    }
}

/// What a task's outputs hold, which is then taken.
fn taken(outputs: &mut [TaskOutput]) -> String {
    let texts = outputs.iter_mut().map(|output| {
        let bound = output.take_bound().map(|bound| bound.to_string());
        let items = output.items_mut().drain(..).map(|item| match item {
            StreamItem::Packet(packet) => packet.timestamp().to_string(),
            StreamItem::Signal(Signal::EndOfJob) => "job".to_owned(),
            StreamItem::Signal(Signal::Eof) => "end".to_owned(),
        });
        let items: Vec<String> = items.collect();
        format!("{items:?} {bound:?} {}", output.is_open())
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// Takes what is flushed, up to a packet that it refuses.
struct Early(Seen);

impl EarlyFlush for Early {
    fn flush(&mut self, outputs: &mut [TaskOutput]) -> Result<(), ModuleError> {
        let taken = taken(outputs);
        let refused = taken.contains("0.000013s");
        self.0.lock().unwrap().push(format!("host flush: {taken}"));
        match refused {
            true => Err(ModuleError::new("13 is refused").on_port("out")),
            false => Ok(()),
        }
    }
}

/// Runs a module through all its calls.
pub(crate) fn drive(mut module: Box<dyn Module>, steps: &[Step], seen: &Seen) {
    let note = |what: String| seen.lock().unwrap().push(what);
    let (inputs, outputs) = ([true, false], [true, true, false]);
    let context = ModuleContext::new("node", true, &inputs, &outputs);
    let mut task = Task::new(&inputs, &outputs);
    note(format!("host open: {:?}", module.open(&context).is_ok()));
    note(format!("host promise: {:?}", module.promise()));
    note(format!("host start: {:?}", module.start(&mut task).is_ok()));
    note(format!("host: {}", taken(task.outputs_mut())));
    for step in steps {
        prepare(&mut task, step, &mut *module);
        task.set_early(Some(Box::new(Early(Arc::clone(seen)))));
        let result = catch_unwind(AssertUnwindSafe(|| module.process(&mut task)));
        note(match result {
            Ok(Ok(flow)) => format!("host process: {flow:?}"),
            Ok(Err(error)) => {
                let more = (error.hint(), error.port(), error.timestamp());
                format!("host process: {error}: {more:?}")
            }
            Err(panic) => format!("host process panicked: {}", message(&*panic)),
        });
        let left = task.inputs().iter().map(|input| &input.packets);
        let left: Vec<_> = left.collect();
        note(format!(
            "host left: {left:?}, duration {:?}",
            context.duration()
        ));
        note(format!("host: {}", taken(task.outputs_mut())));
    }
    let closed = module.close(Ending::Stopped).unwrap_err();
    note(format!(
        "host close: {closed}, report {:?}",
        module.report()
    ));
    drop(module);
}

/// What a panic says.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.unwrap_or_else(|| panic.downcast_ref::<String>().map_or("?", String::as_str))
}

/// What happens between two calls.
fn prepare(task: &mut Task, step: &Step, module: &mut dyn Module) {
    if let Some(seek) = step.flush {
        for input in task.inputs_mut() {
            input.packets.clear();
            input.ended = !input.is_connected();
        }
        for output in task.outputs_mut() {
            output.reopen();
        }
        module.flush(seek.map(at)).unwrap();
        module.start(task).unwrap();
        for output in task.outputs_mut() {
            output.items_mut().clear();
        }
    }
    task.set_timestamp(step.time.map(at));
    for output in task.outputs_mut() {
        output.set_room(step.room);
    }
    for (port, input) in task.inputs_mut().iter_mut().enumerate() {
        let times = step.packets.iter().filter(|(to, _)| *to == port);
        input.packets.extend(times.map(|&(_, time)| packet(time)));
        input.ended |= step.ended == Some(port);
        input.job_ended = step.job_ended == Some(port);
        if let Some((_, time)) = step.bound.filter(|(to, _)| *to == port) {
            input.set_bound(Bound::at(at(time)));
        }
    }
}
