//! A graph of test modules, each written as closures in the test that needs it. Every packet and
//! every call of `open` and `close` is counted, whatever the test is about.
#![allow(dead_code, reason = "each test file uses its part of this")]

mod log;
mod script;

use std::time::{Duration, Instant};

use bmf_core::config::{GraphConfig, InputManager};
use bmf_core::{Diagnostics, Ending, Flow, PortKind, PortSpec, Ports};
use bmf_engine::{Graph, GraphBuilder, GraphPlan, LinkOutcome, Node, NodeOutcome, NodeRef};
use bmf_engine::{Outcome, Port, RunError, RunOptions};
use bmf_hmp::Packet;
use bmf_modules::Registry;

#[allow(unused_imports, reason = "each test file uses its part of this")]
pub(crate) use log::{ITEM_BYTES, Item, Log};
pub(crate) use script::Script;

/// A run that takes so long hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A graph that is being put together, with its modules.
pub(crate) struct Lab {
    builder: GraphBuilder,
    registry: Registry,
    /// BMF's serial queues, by node.
    queues: Vec<(String, usize)>,
    pub(crate) log: Log,
}

/// A run that has ended.
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) log: Log,
}

/// Ports of a test module: `a`, `b`, …
fn ports(count: usize) -> Ports {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let port = |name: &&str| PortSpec::new(name, PortKind::Any, "").optional();
    Ports::Fixed(names[..count].iter().map(port).collect())
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(Registry::new())
    }

    /// A lab whose graphs may also use what is in `registry`, to which its test modules are added.
    pub(crate) fn with(registry: Registry) -> Self {
        Self {
            builder: GraphBuilder::new(),
            registry,
            queues: Vec::new(),
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
        self.add_many(name, inputs, outputs, vec![script], settings)
    }

    /// A node whose module is created once for each script: one that runs in parallel.
    pub(crate) fn add_many(
        &mut self,
        name: &str,
        inputs: &[Port],
        outputs: usize,
        scripts: Vec<Script>,
        settings: impl FnOnce(Node) -> Node,
    ) -> NodeRef {
        let inputs_there = match inputs.len() {
            0 => Ports::Any {
                min: 0,
                max: None,
                each: PortSpec::new("in", PortKind::Any, ""),
            },
            count => ports(count),
        };
        let factory =
            script::Factory::new(name, (inputs_there, ports(outputs)), scripts, &self.log);
        self.registry.add(std::sync::Arc::new(factory));
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
                // The ends may come with the last packets, or alone.
                None => return Ok(Flow::Wait),
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

    /// Has a node run on one of BMF's serial queues.
    pub(crate) fn set_scheduler(&mut self, node: &str, queue: usize) {
        self.queues.push((node.to_owned(), queue));
    }

    pub(crate) fn builder(&mut self) -> &mut GraphBuilder {
        &mut self.builder
    }

    pub(crate) fn plan(self) -> GraphPlan {
        self.try_plan().unwrap_or_else(|found| panic!("{found}"))
    }

    /// What the plan says of a graph that was built with this lab and changed since.
    pub(crate) fn check(&self, config: GraphConfig) -> String {
        match GraphPlan::new(config, &self.registry, false, Diagnostics::default()) {
            Ok(_) => "accepted".to_owned(),
            Err(found) => found.to_string(),
        }
    }

    pub(crate) fn try_plan(self) -> Result<GraphPlan, Diagnostics> {
        let mut config = self.builder.build();
        for (name, queue) in self.queues {
            let mut nodes = config.nodes.iter_mut();
            let node = nodes.find(|node| node.name == name);
            node.expect("a known node").scheduler = Some(queue);
        }
        GraphPlan::new(config, &self.registry, false, Diagnostics::default())
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
        inline: false,
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
