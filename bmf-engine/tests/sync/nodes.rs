//! What makes ordinary modules of test nodes. The nodes themselves are in `kinds`.

use std::sync::Arc;

use bmf_core::config::{InputManager, InputManagerConfig};
use bmf_core::{
    Ending, Flow, Module, ModuleContext, ModuleDescriptor, ModuleError, ModuleFactory, OptionIssue,
    Options, PortKind, PortSpec, Ports, Promise, Task,
};
use bmf_hmp::Timestamp;
use bmf_modules::Registry;
use serde_json::json;

use crate::bench::Bench;
use crate::kinds::kinds;

/// What a node was given in the graph's text.
pub(crate) struct Setup {
    pub(crate) node: String,
    pub(crate) args: Vec<i64>,
    pub(crate) bench: Bench,
}

type Open = dyn FnMut(&ModuleContext) -> Result<(), ModuleError> + Send;
pub(crate) type Process = dyn FnMut(&mut Task) -> Result<Flow, ModuleError> + Send;

/// A module as closures.
pub(crate) struct Behaviour {
    promise: Promise,
    open: Box<Open>,
    start: Box<dyn FnMut(&mut Task) + Send>,
    pub(crate) process: Box<Process>,
    close: Box<dyn FnMut(Ending) + Send>,
}

/// One kind of node.
pub(crate) struct Kind {
    name: &'static str,
    manager: InputManagerConfig,
    wants_bounds: bool,
    may_block: bool,
    make: fn(&Setup) -> Behaviour,
}

struct Factory {
    descriptor: ModuleDescriptor,
    make: fn(&Setup) -> Behaviour,
    bench: Bench,
}

/// The policy that takes each input by itself in order of time.
pub(crate) fn timed() -> InputManagerConfig {
    InputManagerConfig {
        manager: InputManager::Immediate,
        options: Options::from_value(json!({ "timed": true })).unwrap(),
    }
}

/// All kinds of nodes, and the modules of the workspace that steer packets.
pub(crate) fn registry(bench: &Bench) -> Registry {
    let registry = Registry::new();
    for kind in kinds() {
        let port = || Ports::Any {
            min: 0,
            max: None,
            each: PortSpec::new("port", PortKind::Any, "").optional(),
        };
        registry.add(Arc::new(Factory {
            descriptor: ModuleDescriptor {
                name: kind.name.to_owned(),
                inputs: port(),
                outputs: port(),
                may_block: kind.may_block,
                wants_bounds: kind.wants_bounds,
                input_manager: Some(kind.manager),
                ..ModuleDescriptor::default()
            },
            make: kind.make,
            bench: bench.clone(),
        }));
    }
    for module in bmf_module_flow::modules() {
        registry.add(module);
    }
    registry
}

impl ModuleFactory for Factory {
    fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    fn check(&self, _: &Options) -> Vec<OptionIssue> {
        Vec::new()
    }

    fn create(&self, options: &Options) -> Result<Box<dyn Module>, ModuleError> {
        let args = options.get("args").and_then(|args| args.as_array());
        let args = args
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_i64);
        let node = options.get("node").and_then(|node| node.as_str());
        Ok(Box::new((self.make)(&Setup {
            node: node.unwrap_or_default().to_owned(),
            args: args.collect(),
            bench: self.bench.clone(),
        })))
    }
}

impl Module for Behaviour {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        (self.open)(context)
    }

    fn start(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        (self.start)(task);
        Ok(())
    }

    fn promise(&self) -> Promise {
        self.promise
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        (self.process)(task)
    }

    fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        (self.close)(ending);
        Ok(())
    }
}

impl Behaviour {
    /// A node without a promise.
    pub(crate) fn new(
        process: impl FnMut(&mut Task) -> Result<Flow, ModuleError> + Send + 'static,
    ) -> Self {
        Self {
            promise: Promise::None,
            open: Box::new(|_| Ok(())),
            start: Box::new(|_| {}),
            process: Box::new(process),
            close: Box::new(|_| {}),
        }
    }

    /// A node without a promise that does something at each time it is told of. What it leaves on
    /// its inputs is gone.
    pub(crate) fn at_each(mut each: impl FnMut(&mut Task, Timestamp) + Send + 'static) -> Self {
        Self::new(move |task| {
            if let Some(time) = task.timestamp() {
                each(task, time);
                task.inputs_mut()
                    .iter_mut()
                    .for_each(|input| input.packets.clear());
            }
            Ok(Flow::Wait)
        })
    }

    pub(crate) fn offset(mut self, micros: i64) -> Self {
        self.promise = Promise::Offset(micros);
        self
    }

    pub(crate) fn on_open(
        mut self,
        open: impl FnMut(&ModuleContext) -> Result<(), ModuleError> + Send + 'static,
    ) -> Self {
        self.open = Box::new(open);
        self
    }

    pub(crate) fn on_start(mut self, start: impl FnMut(&mut Task) + Send + 'static) -> Self {
        self.start = Box::new(start);
        self
    }

    pub(crate) fn on_close(mut self, close: impl FnMut(Ending) + Send + 'static) -> Self {
        self.close = Box::new(close);
        self
    }
}

pub(crate) fn kind(name: &'static str, make: fn(&Setup) -> Behaviour) -> Kind {
    Kind {
        name,
        manager: InputManager::Default.into(),
        wants_bounds: false,
        may_block: false,
        make,
    }
}

impl Kind {
    pub(crate) fn timed(mut self) -> Self {
        self.manager = timed();
        self
    }

    pub(crate) fn may_block(mut self) -> Self {
        self.may_block = true;
        self
    }

    pub(crate) fn wants_bounds(mut self) -> Self {
        self.wants_bounds = true;
        self
    }
}
