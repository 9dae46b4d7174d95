//! Modules as closures.

use std::collections::VecDeque;
use std::sync::Mutex;

use bmf_core::{
    Ending, Flow, Module, ModuleContext, ModuleDescriptor, ModuleError, ModuleFactory, OptionIssue,
    Options, Ports, Promise, Task,
};
use bmf_hmp::{Packet, Timestamp};

use super::Log;

type Open = dyn FnMut(&ModuleContext) -> Result<(), ModuleError> + Send;
type Start = dyn FnMut(&mut Task) -> Result<(), ModuleError> + Send;
type Process = dyn FnMut(&mut Task) -> Result<Flow, ModuleError> + Send;
type Flush = dyn FnMut(Option<Timestamp>) -> Result<(), ModuleError> + Send;
type Close = dyn FnMut(Ending) -> Result<(), ModuleError> + Send;
type Describe = dyn Fn(&mut ModuleDescriptor) + Send;

/// A module as closures.
pub(crate) struct Script {
    open: Box<Open>,
    start: Box<Start>,
    process: Box<Process>,
    flush: Box<Flush>,
    close: Box<Close>,
    create: Result<(), &'static str>,
    promise: Promise,
    describe: Box<Describe>,
}

/// The module of a script, recording what is called.
struct Recorded {
    node: String,
    script: Script,
    log: Log,
}

pub(super) struct Factory {
    descriptor: ModuleDescriptor,
    scripts: Mutex<VecDeque<Script>>,
    log: Log,
}

impl Script {
    pub(crate) fn new(
        process: impl FnMut(&mut Task) -> Result<Flow, ModuleError> + Send + 'static,
    ) -> Self {
        Self {
            open: Box::new(|_| Ok(())),
            start: Box::new(|_| Ok(())),
            process: Box::new(process),
            flush: Box::new(|_| Ok(())),
            close: Box::new(|_| Ok(())),
            create: Ok(()),
            promise: Promise::None,
            describe: Box::new(|_| {}),
        }
    }

    pub(crate) fn on_start(
        mut self,
        start: impl FnMut(&mut Task) -> Result<(), ModuleError> + Send + 'static,
    ) -> Self {
        self.start = Box::new(start);
        self
    }

    pub(crate) fn on_flush(
        mut self,
        flush: impl FnMut(Option<Timestamp>) -> Result<(), ModuleError> + Send + 'static,
    ) -> Self {
        self.flush = Box::new(flush);
        self
    }

    pub(crate) fn promise(mut self, promise: Promise) -> Self {
        self.promise = promise;
        self
    }

    /// What its module says of itself.
    pub(crate) fn describe(
        mut self,
        describe: impl Fn(&mut ModuleDescriptor) + Send + 'static,
    ) -> Self {
        let before = self.describe;
        self.describe = Box::new(move |descriptor| {
            before(descriptor);
            describe(descriptor);
        });
        self
    }

    pub(crate) fn on_open(
        mut self,
        open: impl FnMut(&ModuleContext) -> Result<(), ModuleError> + Send + 'static,
    ) -> Self {
        self.open = Box::new(open);
        self
    }

    pub(crate) fn on_close(
        mut self,
        close: impl FnMut(Ending) -> Result<(), ModuleError> + Send + 'static,
    ) -> Self {
        self.close = Box::new(close);
        self
    }

    pub(crate) fn refuse(mut self, why: &'static str) -> Self {
        self.create = Err(why);
        self
    }

    /// Its process, for a script around it.
    pub(crate) fn process_mut(&mut self) -> &mut Process {
        &mut *self.process
    }

    /// Works although nobody consumes its outputs.
    pub(crate) fn sink(self) -> Self {
        self.describe(|descriptor| descriptor.is_sink = true)
    }

    /// Takes packets one by one: `each` gets the port and the packet.
    pub(crate) fn each(
        mut each: impl FnMut(&mut Task, usize, Packet) -> Result<Flow, ModuleError> + Send + 'static,
    ) -> Self {
        Self::new(move |task| {
            for port in 0..task.inputs().len() {
                while let Some(packet) = task.pop(port) {
                    if each(task, port, packet)? == Flow::Done {
                        return Ok(Flow::Done);
                    }
                }
            }
            Ok(Flow::Wait)
        })
    }

    /// Sends what arrives on input i on output i.
    pub(crate) fn pass() -> Self {
        Self::each(|task, port, packet| {
            task.push(port, packet);
            Ok(Flow::Wait)
        })
    }

    /// Takes everything.
    pub(crate) fn drain() -> Self {
        Self::each(|_, _, _| Ok(Flow::Wait)).sink()
    }
}

impl Module for Recorded {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        (self.script.open)(context)?;
        context.node().clone_into(&mut self.node);
        self.log.call(format!("open {}", self.node));
        Ok(())
    }

    fn start(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        (self.script.start)(task)
    }

    fn promise(&self) -> Promise {
        self.script.promise
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        (self.script.process)(task)
    }

    fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        (self.script.flush)(seek)
    }

    fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        self.log.call(format!("close {} {ending:?}", self.node));
        (self.script.close)(ending)
    }
}

impl Factory {
    /// A module with these ports. The first script describes it.
    pub(super) fn new(
        name: &str,
        (inputs, outputs): (Ports, Ports),
        scripts: Vec<Script>,
        log: &Log,
    ) -> Self {
        let mut descriptor = ModuleDescriptor {
            name: name.to_owned(),
            inputs,
            outputs,
            ..ModuleDescriptor::default()
        };
        (scripts[0].describe)(&mut descriptor);
        Self {
            descriptor,
            scripts: Mutex::new(scripts.into()),
            log: log.clone(),
        }
    }
}

impl ModuleFactory for Factory {
    fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    fn check(&self, _: &Options) -> Vec<OptionIssue> {
        Vec::new()
    }

    fn create(&self, _: &Options) -> Result<Box<dyn Module>, ModuleError> {
        let script = self.scripts.lock().unwrap().pop_front();
        let script = script.expect("a test module is created once for each script");
        script.create.map_err(ModuleError::new)?;
        Ok(Box::new(Recorded {
            node: self.descriptor.name.clone(),
            script,
            log: self.log.clone(),
        }))
    }
}
