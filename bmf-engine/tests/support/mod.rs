//! A graph of test modules, each written as closures in the test that needs it. Every packet and
//! every call of `open` and `close` is counted, whatever the test is about.
#![allow(dead_code, reason = "each test file uses its part of this")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bmf_core::config::InputManager;
use bmf_core::{
    Diagnostics, Ending, Flow, Module, ModuleContext, ModuleDescriptor, ModuleError, ModuleFactory,
    OptionIssue, Options, PortKind, PortSpec, Ports, Task,
};
use bmf_engine::{Graph, GraphBuilder, GraphPlan, LinkOutcome, Node, NodeOutcome, NodeRef};
use bmf_engine::{Outcome, Port, RunError, RunOptions};
use bmf_hmp::{Packet, Payload, Timestamp};
use bmf_modules::Registry;

/// A run that takes so long hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A graph that is being put together, with its modules.
pub(crate) struct Lab {
    builder: GraphBuilder,
    registry: Registry,
    pub(crate) log: Log,
}

/// What the modules of a graph saw. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<LogShared>);

#[derive(Default)]
struct LogShared {
    received: Mutex<BTreeMap<String, Vec<(usize, i64)>>>,
    tasks: Mutex<BTreeMap<String, Vec<String>>>,
    calls: Mutex<Vec<String>>,
    alive: Arc<AtomicIsize>,
    made: AtomicUsize,
}

/// The payload of all test packets; counts those that are alive.
pub(crate) struct Item {
    pub(crate) value: i64,
    alive: Arc<AtomicIsize>,
}

impl Payload for Item {
    const TAG: &'static str = "test.item";
}

impl Drop for Item {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::AcqRel);
    }
}

type Open = dyn FnMut(&ModuleContext) -> Result<(), ModuleError> + Send;
type Process = dyn FnMut(&mut Task) -> Result<Flow, ModuleError> + Send;
type Close = dyn FnMut(Ending) -> Result<(), ModuleError> + Send;

/// A module as closures.
pub(crate) struct Script {
    open: Box<Open>,
    process: Box<Process>,
    close: Box<Close>,
    create: Result<(), &'static str>,
    sink: bool,
}

/// The module of a script, recording what is called.
struct Recorded {
    node: String,
    script: Script,
    log: Log,
}

struct Factory {
    descriptor: ModuleDescriptor,
    script: Mutex<Option<Script>>,
    log: Log,
}

/// A run that has ended.
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) log: Log,
}

impl Script {
    pub(crate) fn new(
        process: impl FnMut(&mut Task) -> Result<Flow, ModuleError> + Send + 'static,
    ) -> Self {
        Self {
            open: Box::new(|_| Ok(())),
            process: Box::new(process),
            close: Box::new(|_| Ok(())),
            create: Ok(()),
            sink: false,
        }
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
    pub(crate) fn sink(mut self) -> Self {
        self.sink = true;
        self
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
        self.log.call(format!("open {}", self.node));
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        (self.script.process)(task)
    }

    fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        self.log.call(format!("close {} {ending:?}", self.node));
        (self.script.close)(ending)
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
        let script = self.script.lock().unwrap().take();
        let script = script.expect("a test module is created once");
        script.create.map_err(ModuleError::new)?;
        Ok(Box::new(Recorded {
            node: self.descriptor.name.clone(),
            script,
            log: self.log.clone(),
        }))
    }
}

/// Ports of a test module: `a`, `b`, …
fn ports(count: usize) -> Ports {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let port = |name: &&str| PortSpec::new(name, PortKind::Any, "").optional();
    Ports::Fixed(names[..count].iter().map(port).collect())
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self {
            builder: GraphBuilder::new(),
            registry: Registry::new(),
            log: Log::default(),
        }
    }

    /// Adds a node (called like its module) with so many outputs; without inputs it is a source.
    pub(crate) fn add(
        &mut self,
        name: &str,
        inputs: &[Port],
        outputs: usize,
        script: Script,
    ) -> NodeRef {
        self.add_with(name, inputs, outputs, script, |node| node)
    }

    /// The same, with settings.
    pub(crate) fn add_with(
        &mut self,
        name: &str,
        inputs: &[Port],
        outputs: usize,
        script: Script,
        settings: impl FnOnce(Node) -> Node,
    ) -> NodeRef {
        let descriptor = ModuleDescriptor {
            name: name.to_owned(),
            version: "0".to_owned(),
            summary: String::new(),
            docs: String::new(),
            inputs: match inputs.len() {
                0 => Ports::Any {
                    min: 0,
                    max: None,
                    each: PortSpec::new("in", PortKind::Any, ""),
                },
                count => ports(count),
            },
            outputs: ports(outputs),
            is_sink: script.sink,
            may_block: false,
            options: bmf_sdk::serde_json::Value::Null,
            input_manager: None,
        };
        self.registry.add(Arc::new(Factory {
            descriptor,
            script: Mutex::new(Some(script)),
            log: self.log.clone(),
        }));
        let node = Node::new(name).name(name);
        let node = inputs.iter().cloned().fold(node, Node::input);
        self.builder.add(settings(node))
    }

    /// A source of the packets 0 to `count - 1`, with their numbers for times, `batch` per task.
    pub(crate) fn source(&mut self, name: &str, count: i64, batch: i64) -> Port {
        let times: Vec<i64> = (0..count).collect();
        self.source_of(name, times, batch)
    }

    /// A source of packets with these times and values.
    pub(crate) fn source_of(&mut self, name: &str, times: Vec<i64>, batch: i64) -> Port {
        let log = self.log.clone();
        let mut next = 0;
        let script = Script::new(move |task| {
            for _ in 0..batch {
                let Some(&time) = times.get(next) else { break };
                task.push(0, log.packet(time));
                next += 1;
            }
            Ok(match next == times.len() {
                true => Flow::Done,
                false => Flow::More,
            })
        });
        self.add(name, &[], 1, script).into()
    }

    /// A source that never ends by itself.
    pub(crate) fn endless(&mut self, name: &str) -> Port {
        let log = self.log.clone();
        let mut next = 0;
        let script = Script::new(move |task| {
            task.push(0, log.packet(next));
            next += 1;
            Ok(Flow::More)
        });
        self.add(name, &[], 1, script).into()
    }

    pub(crate) fn pass(&mut self, name: &str, input: impl Into<Port>) -> Port {
        self.add(name, &[input.into()], 1, Script::pass()).into()
    }

    /// Remembers all values by port.
    pub(crate) fn collect(&mut self, name: &str, inputs: &[Port]) -> NodeRef {
        let script = self.collector(name);
        self.add(name, inputs, 0, script)
    }

    pub(crate) fn collector(&self, name: &str) -> Script {
        let (log, name) = (self.log.clone(), name.to_owned());
        let script = Script::each(move |_, port, packet| {
            log.receive(&name, port, value(&packet));
            Ok(Flow::Wait)
        });
        script.sink()
    }

    /// A sink with the input manager `default` that remembers what came together.
    pub(crate) fn join(&mut self, name: &str, inputs: &[Port]) -> NodeRef {
        let (log, key) = (self.log.clone(), name.to_owned());
        let script = Script::new(move |task| {
            let mut line = match task.timestamp() {
                Some(time) => time.micros().to_string(),
                None => "end".to_owned(),
            };
            for input in task.inputs_mut() {
                let values: Vec<_> = input
                    .packets
                    .drain(..)
                    .map(|packet| value(&packet).to_string())
                    .collect();
                line += &format!(" [{}]", values.join(" "));
            }
            log.task(&key, line);
            Ok(Flow::Wait)
        });
        self.add_with(name, inputs, 0, script.sink(), |node| {
            node.input_manager(InputManager::Default)
        })
    }

    pub(crate) fn builder(&mut self) -> &mut GraphBuilder {
        &mut self.builder
    }

    pub(crate) fn plan(self) -> GraphPlan {
        let config = self.builder.build();
        let plan = GraphPlan::new(config, &self.registry, false, Diagnostics::default());
        plan.unwrap_or_else(|found| panic!("{found}"))
    }

    pub(crate) fn start(self, workers: usize) -> Graph {
        self.try_start(workers).unwrap()
    }

    pub(crate) fn try_start(self, workers: usize) -> Result<Graph, RunError> {
        self.plan().start(&options(workers))
    }

    pub(crate) fn run(self, workers: usize) -> Run {
        let log = self.log.clone();
        let outcome = self.start(workers).wait();
        Run { outcome, log }
    }
}

/// So many workers, and a deadline that makes a failure of a hang.
pub(crate) fn options(workers: usize) -> RunOptions {
    RunOptions {
        workers: Some(workers),
        time_out: Some(DEADLINE),
    }
}

/// The value of a test packet.
pub(crate) fn value(packet: &Packet) -> i64 {
    packet.get::<Item>().expect("a test packet").value
}

/// Waits for something that another thread will do soon.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

/// Keeps its core busy for that long.
pub(crate) fn spin(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

impl Log {
    /// A packet with this time and value.
    pub(crate) fn packet(&self, time: i64) -> Packet {
        self.packet_of(time, time)
    }

    pub(crate) fn packet_of(&self, time: i64, value: i64) -> Packet {
        let alive = Arc::clone(&self.0.alive);
        alive.fetch_add(1, Ordering::AcqRel);
        self.0.made.fetch_add(1, Ordering::AcqRel);
        Packet::new(Timestamp::from_micros(time), Item { value, alive })
    }

    pub(crate) fn call(&self, text: String) {
        self.0.calls.lock().unwrap().push(text);
    }

    pub(crate) fn receive(&self, node: &str, port: usize, value: i64) {
        let mut received = self.0.received.lock().unwrap();
        match received.get_mut(node) {
            Some(values) => values.push((port, value)),
            None => drop(received.insert(node.to_owned(), vec![(port, value)])),
        }
    }

    pub(crate) fn task(&self, node: &str, line: String) {
        let mut tasks = self.0.tasks.lock().unwrap();
        tasks.entry(node.to_owned()).or_default().push(line);
    }

    /// Packets that exist now.
    pub(crate) fn alive(&self) -> isize {
        self.0.alive.load(Ordering::Acquire)
    }

    /// Packets ever made.
    pub(crate) fn made(&self) -> usize {
        self.0.made.load(Ordering::Acquire)
    }

    /// What a collecting sink received on a port.
    pub(crate) fn received(&self, node: &str, port: usize) -> Vec<i64> {
        let received = self.0.received.lock().unwrap();
        let values = received.get(node).into_iter().flatten();
        values
            .filter(|(at, _)| *at == port)
            .map(|(_, value)| *value)
            .collect()
    }

    /// How many packets a collecting sink has received.
    pub(crate) fn count(&self, node: &str) -> usize {
        self.0
            .received
            .lock()
            .unwrap()
            .get(node)
            .map_or(0, Vec::len)
    }

    /// The tasks of a `join`, one per line.
    pub(crate) fn joined(&self, node: &str) -> String {
        let tasks = self.0.tasks.lock().unwrap();
        tasks
            .get(node)
            .map(|lines| lines.join("\n"))
            .unwrap_or_default()
    }

    /// All `open`s and `close`s, sorted.
    pub(crate) fn calls(&self) -> String {
        let mut calls = self.0.calls.lock().unwrap().clone();
        calls.sort();
        calls.join("\n")
    }

    /// The `open`s and `close`s in the order in which they happened.
    pub(crate) fn calls_in_order(&self) -> Vec<String> {
        self.0.calls.lock().unwrap().clone()
    }

    /// Every module that was opened was closed, once, afterwards; no packet is left.
    pub(crate) fn assert_clean(&self) {
        let calls = self.calls_in_order();
        for call in &calls {
            let node = call.split(' ').nth(1).unwrap();
            let of_node = |call: &&String| call.split(' ').nth(1) == Some(node);
            let calls: Vec<_> = calls.iter().filter(of_node).collect();
            assert_eq!(calls.len(), 2, "{calls:?}");
            assert!(calls[0].starts_with("open"), "{calls:?}");
            assert!(calls[1].starts_with("close"), "{calls:?}");
        }
        assert_eq!(self.alive(), 0, "packets were leaked");
    }
}

impl Run {
    /// The run went well, and left nothing behind.
    pub(crate) fn expect(self, ending: Ending) -> Self {
        match &self.outcome.result {
            Ok(how) => assert_eq!(*how, ending),
            Err(error) => panic!("{error}"),
        }
        self.log.assert_clean();
        assert!(self.outcome.nodes.iter().all(|node| node.closed));
        self
    }

    /// The run failed, but left nothing behind. Returns the message.
    pub(crate) fn expect_error(&self) -> String {
        let error = self.outcome.result.as_ref().unwrap_err().to_string();
        self.log.assert_clean();
        assert!(self.outcome.nodes.iter().all(|node| node.closed));
        error
    }

    pub(crate) fn node(&self, name: &str) -> &NodeOutcome {
        let mut nodes = self.outcome.nodes.iter();
        nodes.find(|node| node.name == name).expect("a known node")
    }

    pub(crate) fn link(&self, producer: &str, consumer: &str) -> &LinkOutcome {
        let mut links = self.outcome.links.iter();
        let link = links.find(|link| link.producer == producer && link.consumer == consumer);
        link.expect("a known link")
    }
}
