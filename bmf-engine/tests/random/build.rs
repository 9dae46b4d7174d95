//! Makes a graph, and the modules it names, of a case.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bmf_core::config::{ExecutorConfig, GraphConfig, LinkConfig};
use bmf_core::{
    Diagnostics, Ending, Flow, Module, ModuleContext, ModuleDescriptor, ModuleError, ModuleFactory,
    OptionIssue, Options, PortKind, PortSpec, Ports, Promise, Report, Task,
};
use bmf_engine::{GraphBuilder, GraphPlan, Node, NodeRef, Port};
use bmf_modules::Registry;

use crate::bench::{Bench, Call, Calls};
use crate::case::{Case, Feed, Kind, Promising, Spec, Wire};
use crate::modules::{Behaviour, behaviour};
use crate::rng::Rng;

/// A graph that can be started.
pub(crate) struct Built {
    pub(crate) plan: GraphPlan,
    pub(crate) feeds: Vec<(String, Feed)>,
    pub(crate) reads: Vec<Reading>,
}

/// A stream that the application reads.
pub(crate) struct Reading {
    pub(crate) stream: String,
    pub(crate) sink: usize,
    pub(crate) until: Option<usize>,
    pub(crate) lag: usize,
}

/// Builds the graph; `None` if it has no nodes.
pub(crate) fn build(case: &Case, bench: &Arc<Bench>) -> Option<Built> {
    let mut building = Building {
        case,
        bench,
        graph: GraphBuilder::new(),
        registry: Registry::new(),
        ports: HashMap::new(),
        queues: HashMap::new(),
        feeds: Vec::new(),
        reads: Vec::new(),
    };
    building.set_options();
    for module in bmf_module_flow::modules() {
        let bench = Arc::clone(bench);
        building.registry.add(Arc::new(Watched { module, bench }));
    }
    for spec in &case.nodes {
        building.add(spec);
    }
    building.drain();
    let mut config = building.graph.build();
    if config.nodes.is_empty() {
        return None;
    }
    set_queues(&mut config, &building.queues);
    let plan = GraphPlan::new(config, &building.registry, false, Diagnostics::default());
    Some(Built {
        plan: plan.unwrap_or_else(|found| panic!("{found}")),
        feeds: building.feeds,
        reads: building.reads,
    })
}

struct Building<'a> {
    case: &'a Case,
    bench: &'a Arc<Bench>,
    graph: GraphBuilder,
    registry: Registry,
    /// The streams, by node and port of the case.
    ports: HashMap<(usize, usize), Port>,
    /// BMF's serial queue of each node, by its name.
    queues: HashMap<String, usize>,
    feeds: Vec<(String, Feed)>,
    reads: Vec<Reading>,
}

fn set_queues(config: &mut GraphConfig, queues: &HashMap<String, usize>) {
    for node in &mut config.nodes {
        node.scheduler = queues.get(&node.name).copied();
    }
}

impl Building<'_> {
    fn set_options(&mut self) {
        let settings = &self.case.settings;
        let option = self.graph.option_mut();
        option.queue_length_limit = settings.queue_length_limit;
        option.memory_budget = settings.memory_budget;
        option.on_deadlock = settings.on_deadlock;
        option.scheduler_count = settings.scheduler_count;
        let executors = settings.executors.iter().enumerate();
        option.executors = executors
            .map(|(index, &workers)| ExecutorConfig {
                name: format!("executor{index}"),
                workers,
            })
            .collect();
    }

    fn add(&mut self, spec: &Spec) {
        let wires = &spec.inputs;
        match &spec.kind {
            Kind::Fed(feed) => {
                let name = format!("n{}", spec.id);
                let port = self.graph.graph_input(name.clone());
                self.feeds.push((name, feed.clone()));
                self.ports.insert((spec.id, 0), port);
            }
            Kind::Read { until } => {
                let from = self.port(&wires[0]);
                let stream = self.graph.graph_output_with(from, wires[0].link());
                self.reads.push(Reading {
                    stream,
                    sink: spec.id,
                    until: *until,
                    lag: spec.lag,
                });
            }
            Kind::Mux { control } => {
                let of_control = self.part(spec, Kind::Control(control.clone()));
                let of_control = self.node(&of_control, "control", Vec::new());
                let mut inputs = self.inputs(spec);
                inputs.push((of_control.into(), LinkConfig::default()));
                let mux = self.node(spec, "mux", inputs);
                self.made(spec, mux);
            }
            Kind::RunningSum { times } => self.add_running_sum(spec, times),
            Kind::Echo => {
                let echo = self.node(spec, "echo", self.inputs(spec));
                let back = self.part(spec, Kind::Return);
                let back = self.node(&back, "back", vec![(echo.into(), LinkConfig::default())]);
                self.graph.loop_back(back, echo, 1);
                self.made(spec, echo);
            }
            Kind::Previous { passes } => self.add_previous(spec, *passes),
            Kind::Limiter {
                in_flight,
                in_queue,
            } => self.add_limiter(spec, *in_flight, *in_queue),
            _ => {
                let node = self.node(spec, "", self.inputs(spec));
                self.made(spec, node);
            }
        }
    }

    fn add_running_sum(&mut self, spec: &Spec, times: &[i64]) {
        let sum = self.node(spec, "sum", self.inputs(spec));
        let times = times.to_vec();
        let delay = self.part(spec, Kind::Delay { times });
        let delay = self.node(&delay, "delay", vec![(sum.into(), LinkConfig::default())]);
        self.graph.loop_back(delay, sum, 1);
        self.made(spec, sum);
    }

    fn add_previous(&mut self, spec: &Spec, passes: usize) {
        let main = self.inputs(spec).remove(0);
        let previous = Node::new("previous_loopback").name(format!("n{}.previous", spec.id));
        let previous = self.graph.add(previous.input_with(main.0.clone(), main.1));
        let inputs = vec![main, (previous.into(), LinkConfig::default())];
        let join = self.node(spec, "join", inputs);
        let mut last = join;
        for number in 0..passes {
            let pass = Spec {
                promise: spec.promise,
                ..self.part(spec, Kind::Pass)
            };
            let inputs = vec![(last.into(), LinkConfig::default())];
            last = self.node(&pass, &format!("pass{number}"), inputs);
        }
        self.graph.loop_back(last, previous, 1);
        self.made(spec, join);
    }

    fn add_limiter(&mut self, spec: &Spec, in_flight: usize, in_queue: usize) {
        let (main, link) = self.inputs(spec).remove(0);
        let limiter = Node::new("flow_limiter")
            .name(format!("n{}.limiter", spec.id))
            .option("max_in_flight", in_flight)
            .option("max_in_queue", in_queue)
            .input_with(main, link);
        let limiter = self.graph.add(limiter);
        let link = LinkConfig {
            queue_length_limit: Some(in_flight),
            ..LinkConfig::default()
        };
        let work = self.node(spec, "work", vec![(limiter.into(), link)]);
        self.graph.loop_back(work, limiter, 1);
        self.made(spec, work);
    }

    /// Takes what nobody else takes, where nodes have been left out.
    fn drain(&mut self) {
        let wires = self.case.nodes.iter().flat_map(|spec| &spec.inputs);
        let taken: Vec<_> = wires.map(|wire| (wire.node, wire.port)).collect();
        for spec in &self.case.nodes {
            for port in 0..spec.kind.outputs(spec.inputs.len()) {
                if taken.contains(&(spec.id, port)) {
                    continue;
                }
                let kind = Kind::Sink {
                    until: None,
                    timed: false,
                };
                let sink = self.part(spec, kind);
                let from = self.ports[&(spec.id, port)].clone();
                let inputs = vec![(from, LinkConfig::default())];
                self.node(&sink, &format!("drain{port}"), inputs);
            }
        }
    }

    fn port(&self, wire: &Wire) -> Port {
        self.ports[&(wire.node, wire.port)].clone()
    }

    fn inputs(&self, spec: &Spec) -> Vec<(Port, LinkConfig)> {
        let wires = spec.inputs.iter();
        wires.map(|wire| (self.port(wire), wire.link())).collect()
    }

    /// A node that belongs to another one.
    fn part(&self, spec: &Spec, kind: Kind) -> Spec {
        Spec {
            kind,
            inputs: Vec::new(),
            promise: Promising::Nothing,
            parallel: None,
            ..spec.clone()
        }
    }

    fn made(&mut self, spec: &Spec, node: NodeRef) {
        for port in 0..spec.kind.outputs(spec.inputs.len()) {
            self.ports
                .insert((spec.id, port), node.port(port.to_string()));
        }
    }

    fn node(&mut self, spec: &Spec, part: &str, inputs: Vec<(Port, LinkConfig)>) -> NodeRef {
        let name = match part {
            "" => format!("n{}", spec.id),
            part => format!("n{}.{part}", spec.id),
        };
        self.registry.add(Arc::new(Factory {
            descriptor: descriptor(&name, spec),
            spec: spec.clone(),
            seed: Rng::new(self.case.seed ^ spec.id as u64).next(),
            bench: Arc::clone(self.bench),
        }));
        let mut node = Node::new(name.clone()).name(name.clone());
        for (port, link) in inputs {
            node = node.input_with(port, link);
        }
        if let Some(manager) = spec.kind.manager() {
            node = node.input_manager(manager);
        }
        if let Some(parallel) = spec.parallel {
            node = node.parallel_with(parallel);
        }
        if let Some(limit) = spec.limit {
            node = node.queue_length_limit(limit);
        }
        if let Some(bytes) = spec.bytes {
            node = node.queue_bytes_limit(bytes);
        }
        if let Some(batch) = spec.batch {
            node = node.batch(batch);
        }
        if let Some(executor) = spec.executor {
            node = node.executor(format!("executor{executor}"));
        }
        if let Some(queue) = spec.scheduler {
            self.queues.insert(name, queue);
        }
        self.graph.add(node)
    }
}

fn descriptor(name: &str, spec: &Spec) -> ModuleDescriptor {
    let ports = || Ports::Any {
        min: 0,
        max: None,
        each: PortSpec::new("port", PortKind::Any, "").optional(),
    };
    ModuleDescriptor {
        name: name.to_owned(),
        inputs: ports(),
        outputs: ports(),
        is_sink: spec.kind.is_sink(),
        wants_bounds: spec.promise == Promising::Calls,
        any_room: matches!(spec.kind, Kind::Demux { any_room: true, .. }),
        flushes_early: matches!(spec.kind, Kind::Burst { early: true, .. }),
        ..ModuleDescriptor::default()
    }
}

struct Factory {
    descriptor: ModuleDescriptor,
    spec: Spec,
    seed: u64,
    bench: Arc<Bench>,
}

impl ModuleFactory for Factory {
    fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    fn check(&self, _: &Options) -> Vec<OptionIssue> {
        Vec::new()
    }

    fn create(&self, _: &Options) -> Result<Box<dyn Module>, ModuleError> {
        Ok(Box::new(Probe {
            behaviour: behaviour(&self.spec, &self.bench),
            rng: Rng::new(self.seed),
            lag: self.spec.lag,
            calls: self.bench.new_module(&self.descriptor.name),
            bench: Arc::clone(&self.bench),
        }))
    }
}

/// A test module; tells the bench of every call.
struct Probe {
    behaviour: Behaviour,
    rng: Rng,
    lag: usize,
    calls: Arc<Calls>,
    bench: Arc<Bench>,
}

impl Module for Probe {
    fn open(&mut self, _: &ModuleContext) -> Result<(), ModuleError> {
        self.bench.may_go_wrong(Call::Open)?;
        self.calls.opened.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn start(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        self.bench.may_go_wrong(Call::Start)?;
        if let Some(start) = &mut self.behaviour.start {
            start(task);
        }
        Ok(())
    }

    fn promise(&self) -> Promise {
        self.behaviour.promise
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        self.bench.may_go_wrong(Call::Process)?;
        if self.rng.chance(self.lag) {
            spin(Duration::from_micros(self.rng.next() % 20));
        }
        (self.behaviour.process)(task)
    }

    fn close(&mut self, _: Ending) -> Result<(), ModuleError> {
        self.calls.closed.fetch_add(1, Ordering::AcqRel);
        self.bench.may_go_wrong(Call::Close)
    }
}

/// Keeps its core busy for that long.
pub(crate) fn spin(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

/// A module of the workspace, watched.
struct Watched {
    module: Arc<dyn ModuleFactory>,
    bench: Arc<Bench>,
}

impl ModuleFactory for Watched {
    fn descriptor(&self) -> &ModuleDescriptor {
        self.module.descriptor()
    }

    fn check(&self, options: &Options) -> Vec<OptionIssue> {
        self.module.check(options)
    }

    fn create(&self, options: &Options) -> Result<Box<dyn Module>, ModuleError> {
        Ok(Box::new(WatchedModule {
            module: self.module.create(options)?,
            calls: self.bench.new_module(&self.descriptor().name),
        }))
    }
}

struct WatchedModule {
    module: Box<dyn Module>,
    calls: Arc<Calls>,
}

impl Module for WatchedModule {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        self.module.open(context)?;
        self.calls.opened.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn promise(&self) -> Promise {
        self.module.promise()
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        self.module.process(task)
    }

    fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        self.calls.closed.fetch_add(1, Ordering::AcqRel);
        self.module.close(ending)
    }

    fn report(&self) -> Report {
        self.module.report()
    }
}
