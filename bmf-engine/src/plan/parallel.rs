//! Makes several nodes of one that is to run in parallel: what hands out its input, the instances of
//! its module, and what puts their output in order again. The modules of these nodes are in
//! `crate::parallel`.
//!
//! ```text
//!                 ┌► scale#1 ─┐
//! in ► scale.split├► scale#2 ─┤scale.join ► out
//!                 └► scale#3 ─┘
//! ```
//!
//! The distributor keeps the node's inputs and its input policy, so that what the node would have
//! seen in one task goes to one instance; the collector keeps its outputs. A node without outputs
//! has no collector.

use std::sync::Arc;

use bmf_core::config::{InputManager, InputManagerConfig, LinkConfig, NodeConfig, ParallelConfig};

use super::{Part, PlannedLink, PlannedNode, PlannedStream, nodes};

/// Replaces every parallel node. The nodes before keep their places: a distributor stands where its
/// node stood, the other parts follow at the end.
pub(super) fn expand(
    nodes: Vec<PlannedNode>,
    streams: Vec<PlannedStream>,
) -> (Vec<PlannedNode>, Vec<PlannedStream>) {
    let mut expansion = Expansion { nodes, streams };
    for index in 0..expansion.nodes.len() {
        let parallel = nodes::parallel(&expansion.nodes[index].config);
        if let Ok(Some(parallel)) = parallel {
            expansion.replace(index, parallel);
        }
    }
    (expansion.nodes, expansion.streams)
}

struct Expansion {
    nodes: Vec<PlannedNode>,
    streams: Vec<PlannedStream>,
}

impl Expansion {
    fn replace(&mut self, index: usize, parallel: ParallelConfig) {
        let whole = &self.nodes[index];
        let (config, outputs) = (whole.config.clone(), whole.outputs);
        let hops = whole.hops_to_sink;
        let distributor = &mut self.nodes[index];
        distributor.config = named(&config, format!("{}.split", config.name));
        distributor.part = Part::Distributor(parallel.distribution);
        distributor.outputs = parallel.instances;
        distributor.hops_to_sink = hops.saturating_add(2);
        let collector = (outputs > 0).then(|| {
            let name = format!("{}.join", config.name);
            self.add(index, named(&config, name), Part::Collector, hops, outputs)
        });
        if let Some(collector) = collector {
            for stream in &mut self.streams {
                if let Some((producer, _)) = &mut stream.producer
                    && *producer == index
                {
                    *producer = collector;
                }
            }
        }
        for number in 0..parallel.instances {
            let name = format!("{}#{}", config.name, number + 1);
            let ports = usize::from(collector.is_some());
            let config = named(&config, name);
            let instance = self.add(index, config, Part::Instance, hops.saturating_add(1), ports);
            self.connect((index, number), (instance, 0));
            if let Some(collector) = collector {
                self.connect((instance, 0), (collector, number));
            }
        }
    }

    /// Adds a part of the node at `index`.
    fn add(
        &mut self,
        index: usize,
        config: NodeConfig,
        part: Part,
        hops_to_sink: u32,
        outputs: usize,
    ) -> usize {
        let factory = Arc::clone(&self.nodes[index].factory);
        let connected = self.nodes[index].connected.clone();
        self.nodes.push(PlannedNode {
            config,
            factory,
            inputs: Vec::new(),
            outputs,
            input_manager: InputManagerConfig::from(InputManager::Immediate),
            hops_to_sink,
            part,
            connected,
        });
        self.nodes.len() - 1
    }

    fn connect(&mut self, from: (usize, usize), to: (usize, usize)) {
        let stream = self.streams.len();
        let name = |node: usize| &self.nodes[node].config.name;
        self.streams.push(PlannedStream {
            name: format!("{} to {}", name(from.0), name(to.0)),
            producer: Some(from),
            consumers: vec![PlannedLink {
                node: to.0,
                port: to.1,
                settings: LinkConfig::default(),
            }],
            application: None,
            link: LinkConfig::default(),
        });
        debug_assert_eq!(
            self.nodes[to.0].inputs.len(),
            to.1,
            "ports are added in order"
        );
        self.nodes[to.0].inputs.push(Some(stream));
    }
}

fn named(config: &NodeConfig, name: String) -> NodeConfig {
    NodeConfig {
        name,
        ..config.clone()
    }
}
