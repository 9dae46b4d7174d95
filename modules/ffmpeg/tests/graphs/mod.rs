//! Whole graphs on the real engine: given packets go in, what arrives at each sink comes out.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "helpers of several tests, each of which uses its part"
)]

use std::sync::{Arc, Mutex};

use bmf_core::ModuleDescriptor;
use bmf_core::config::LinkConfig;
use bmf_engine::{Diagnostics, GraphBuilder, GraphPlan, Node, Outcome, Port, Registry, RunOptions};
use bmf_sdk::hmp::Packet;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::Value;
use bmf_sdk::{ModuleFactory, Options};

/// A graph that is being put together.
pub struct Lab {
    pub graph: GraphBuilder,
    pub registry: Registry,
    sinks: Vec<Arc<Mutex<Vec<Packet>>>>,
}

/// What a run has come to.
pub struct Ran {
    /// By sink, in the order in which they were added.
    pub sinks: Vec<Vec<Packet>>,
    pub outcome: Outcome,
    /// The nodes that ran.
    pub nodes: Vec<String>,
}

impl Lab {
    pub fn new() -> Self {
        let registry = Registry::new();
        for module in bmf_module_ffmpeg::modules() {
            registry.add(module);
        }
        Self {
            graph: GraphBuilder::new(),
            registry,
            sinks: Vec::new(),
        }
    }

    pub fn merging(mut self, merged: bool) -> Self {
        self.graph.option_mut().optimize_graph = Some(merged);
        self
    }

    /// A source of these packets, a few at a time.
    pub fn feed(&mut self, packets: &[Packet]) -> Port {
        let mut left: Vec<Packet> = packets.iter().rev().cloned().collect();
        let work = move |task: &mut Task| {
            for _ in 0..3 {
                match left.pop() {
                    Some(packet) => task.push(0, packet),
                    None => return Ok(Flow::Done),
                }
            }
            Ok(Flow::More)
        };
        self.add(&[], 1, work).unwrap()
    }

    /// A node of the test's own: the port of its output, if it has one.
    pub fn add(
        &mut self,
        inputs: &[Port],
        outputs: usize,
        work: impl FnMut(&mut Task) -> Result<Flow, ModuleError> + Send + 'static,
    ) -> Option<Port> {
        let inputs = inputs
            .iter()
            .map(|port| (port.clone(), LinkConfig::default()));
        self.add_own(inputs.collect(), outputs, false, work)
    }

    /// A sink behind a link of this kind, which may wait for the world outside.
    pub fn add_waiting(
        &mut self,
        from: Port,
        link: LinkConfig,
        work: impl FnMut(&mut Task) -> Result<Flow, ModuleError> + Send + 'static,
    ) {
        self.add_own(vec![(from, link)], 0, true, work);
    }

    fn add_own(
        &mut self,
        inputs: Vec<(Port, LinkConfig)>,
        outputs: usize,
        may_block: bool,
        work: impl FnMut(&mut Task) -> Result<Flow, ModuleError> + Send + 'static,
    ) -> Option<Port> {
        let name = format!("test{}", self.graph.clone().build().nodes.len());
        let ports = |count: usize| {
            let port = |index: usize| PortSpec::new(&format!("{index}"), PortKind::Any, "");
            Ports::Fixed((0..count).map(port).collect())
        };
        self.registry.add(Arc::new(Own {
            descriptor: ModuleDescriptor {
                name: name.clone(),
                inputs: ports(inputs.len()),
                outputs: ports(outputs),
                is_sink: outputs == 0,
                may_block,
                ..ModuleDescriptor::default()
            },
            work: Mutex::new(Some(Box::new(work))),
        }));
        let node = inputs
            .into_iter()
            .fold(Node::new(name), |node, (from, link)| {
                node.input_with(from, link)
            });
        let node = self.graph.add(node);
        (outputs > 0).then(|| node.into())
    }

    /// A sink that keeps what arrives.
    pub fn collect(&mut self, from: impl Into<Port>) {
        let kept = Arc::new(Mutex::new(Vec::new()));
        self.sinks.push(Arc::clone(&kept));
        self.add(&[from.into()], 0, move |task| {
            kept.lock()
                .unwrap()
                .extend(task.inputs_mut()[0].packets.drain(..));
            Ok(Flow::Wait)
        });
    }

    /// A filter node.
    pub fn filter(&mut self, options: Value, inputs: &[Port]) -> Port {
        let node = Node::new("c_ffmpeg_filter").options(Options::from_value(options).unwrap());
        let node = inputs.iter().cloned().fold(node, Node::input);
        self.graph.add(node).into()
    }

    pub fn plan(&mut self) -> Result<GraphPlan, Diagnostics> {
        let graph = std::mem::take(&mut self.graph).build();
        GraphPlan::new(graph, &self.registry, false, Diagnostics::default())
    }

    pub fn run(mut self, options: &RunOptions) -> Ran {
        let plan = self.plan().unwrap_or_else(|found| panic!("{found}"));
        let nodes = plan.nodes().iter();
        let nodes = nodes.map(|node| node.config().name.clone()).collect();
        let outcome = plan.run(options).unwrap();
        let take = |kept: &Arc<Mutex<Vec<Packet>>>| std::mem::take(&mut *kept.lock().unwrap());
        Ran {
            sinks: self.sinks.iter().map(take).collect(),
            outcome,
            nodes,
        }
    }
}

type Work = Box<dyn FnMut(&mut Task) -> Result<Flow, ModuleError> + Send>;

/// A module that is made once.
struct Own {
    descriptor: ModuleDescriptor,
    work: Mutex<Option<Work>>,
}

impl ModuleFactory for Own {
    fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    fn check(&self, _: &Options) -> Vec<OptionIssue> {
        Vec::new()
    }

    fn create(&self, _: &Options) -> Result<Box<dyn Module>, ModuleError> {
        let work = self.work.lock().unwrap().take();
        Ok(Box::new(Made(work.expect("it is made once"))))
    }
}

struct Made(Work);

impl Module for Made {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        (self.0)(task)
    }
}
