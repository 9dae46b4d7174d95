//! The plan: a graph that has been validated whole, every stream resolved to its producer and its
//! consumers. Creates and opens no module.

mod nodes;
mod order;
mod streams;

use std::sync::Arc;

use bmf_core::config::{GraphConfig, GraphMode, InputManager, NodeConfig};
use bmf_core::{Diagnostic, Diagnostics, ModuleFactory};
use bmf_modules::Registry;

/// BMF's limit for the packets that wait on an input.
const DEFAULT_QUEUE_LENGTH: usize = 5;

/// A validated graph. After this, configuration errors cannot occur.
pub struct GraphPlan {
    pub(crate) config: GraphConfig,
    pub(crate) nodes: Vec<PlannedNode>,
    pub(crate) streams: Vec<PlannedStream>,
    warnings: Diagnostics,
    strict: bool,
}

/// One node of a plan.
pub struct PlannedNode {
    pub(crate) config: NodeConfig,
    pub(crate) factory: Arc<dyn ModuleFactory>,
    /// Input ports: the stream that feeds each, as an index into the plan's streams.
    pub(crate) inputs: Vec<Option<usize>>,
    /// How many output ports there are.
    pub(crate) outputs: usize,
    pub(crate) input_manager: InputManager,
    /// Links to the farthest sink below; 0 for a sink.
    pub(crate) hops_to_sink: u32,
}

/// One stream of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStream {
    /// Its name.
    pub name: String,
    /// The node and the output port it comes from, both by index; `None`: the application.
    pub producer: Option<(usize, usize)>,
    /// The nodes and input ports it goes to, both by index.
    pub consumers: Vec<(usize, usize)>,
}

impl GraphPlan {
    /// Validates `config` against the modules there are. Every error of the graph is found, not
    /// only the first. Under `strict`, warnings are errors.
    ///
    /// `earlier` are the warnings from reading the graph, which are kept in front.
    ///
    /// # Errors
    /// All diagnostics, at least one of which is an error.
    pub fn new(
        config: GraphConfig,
        registry: &Registry,
        strict: bool,
        earlier: Diagnostics,
    ) -> Result<Self, Diagnostics> {
        let mut found = Diagnostics::new(config.source.clone());
        found.items = earlier.items;
        check_graph(&config, &mut found);
        let factories = nodes::check(&config, registry, &mut found);
        let wiring = streams::resolve(&config, &factories, &mut found);
        order::check(&config, &wiring, &mut found);
        if strict {
            found.escalate();
        }
        found.sort();
        if found.has_errors() {
            return Err(found);
        }
        let hops = order::hops_to_sink(&wiring);
        let nodes = config.nodes.iter().zip(factories).zip(&wiring.inputs);
        let nodes = nodes.zip(&wiring.outputs).zip(hops);
        let nodes = nodes
            .filter_map(|((((config, factory), inputs), &outputs), hops_to_sink)| {
                let factory = factory?;
                let needed = factory.descriptor().input_manager;
                Some(PlannedNode {
                    input_manager: config.input_manager.or(needed).unwrap_or_default(),
                    config: config.clone(),
                    factory,
                    inputs: inputs.clone(),
                    outputs,
                    hops_to_sink,
                })
            })
            .collect();
        Ok(Self {
            config,
            nodes,
            streams: wiring.streams,
            warnings: found,
            strict,
        })
    }

    /// The graph this is the plan of.
    pub fn config(&self) -> &GraphConfig {
        &self.config
    }

    /// What is doubtful about the graph.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// The streams, each with its producer and its consumers.
    pub fn streams(&self) -> &[PlannedStream] {
        &self.streams
    }

    /// The nodes, in the order of the description.
    pub fn nodes(&self) -> &[PlannedNode] {
        &self.nodes
    }

    /// Whether doubtful things are errors.
    pub fn is_strict(&self) -> bool {
        self.strict
    }
}

impl PlannedNode {
    /// The node as described.
    pub fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// Most packets that wait on each of its inputs.
    pub(crate) fn queue_length(&self, graph: &GraphConfig) -> usize {
        let node = self.config.queue_length_limit;
        node.or(graph.option.queue_length_limit)
            .unwrap_or(DEFAULT_QUEUE_LENGTH)
    }
}

/// What concerns the graph as a whole.
fn check_graph(config: &GraphConfig, found: &mut Diagnostics) {
    if config.nodes.is_empty() {
        found.push(Diagnostic::error("the graph has no nodes"));
    }
    if config.option.scheduler_count == Some(0) {
        found.push(Diagnostic::error(
            "scheduler_count is 0; there must be at least one",
        ));
    }
    if config.mode == GraphMode::Normal {
        for stream in config.inputs.iter().chain(&config.outputs) {
            found.push(
                Diagnostic::warning(format!(
                    "stream \"{}\" of the graph is not used in mode Normal",
                    stream.name
                ))
                .at(stream.span),
            );
        }
    }
}

impl std::fmt::Debug for GraphPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self
            .nodes
            .iter()
            .map(|node| node.config.to_string())
            .collect();
        f.debug_struct("GraphPlan")
            .field("nodes", &names)
            .field("streams", &self.streams)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
