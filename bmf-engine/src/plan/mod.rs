//! The plan: a graph that has been validated whole, every stream resolved to its producer and its
//! consumers. Creates and opens no module.

mod merge;
mod nodes;
mod order;
mod parallel;
mod streams;

pub(crate) use nodes::{input_names, module_options};

use std::collections::HashSet;
use std::sync::Arc;

use bmf_core::config::{
    Distribution, GraphConfig, GraphMode, InputManagerConfig, LinkConfig, NodeConfig,
};
use bmf_core::{Diagnostic, Diagnostics, ModuleFactory};
use bmf_modules::Registry;

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
    pub(crate) input_manager: InputManagerConfig,
    /// Links to the farthest sink below; 0 for a sink. Back edges do not count.
    pub(crate) hops_to_sink: u32,
    pub(crate) part: Part,
    /// Which inputs and outputs of the node of the description are connected.
    pub(crate) connected: (Vec<bool>, Vec<bool>),
}

/// What of a node of the description this is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// What hands the input of a parallel node to its instances.
    Distributor(Distribution),
    /// One instance of a parallel node's module.
    Instance,
    /// What puts the output of the instances in order again.
    Collector,
}

/// One stream of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStream {
    /// Its name.
    pub name: String,
    /// The node and the output port it comes from, both by index; `None`: the application.
    pub producer: Option<(usize, usize)>,
    /// Where it goes.
    pub consumers: Vec<PlannedLink>,
    /// Set where the application reads it: the settings of its link.
    pub application: Option<LinkConfig>,
    /// Settings given where it is produced.
    pub(crate) link: LinkConfig,
}

/// One link of a stream: from its producer to an input.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PlannedLink {
    /// The node it goes to, by index.
    pub node: usize,
    /// The input port, by index.
    pub port: usize,
    /// Its settings, as given with the stream where it is produced and where it is consumed.
    pub settings: LinkConfig,
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
        let mut connected = wiring.connected();
        let nodes = config.nodes.iter().zip(factories).zip(&wiring.inputs);
        let nodes = nodes.zip(&wiring.outputs).zip(hops);
        let nodes = nodes
            .filter_map(|((((config, factory), inputs), &outputs), hops_to_sink)| {
                let factory = factory?;
                Some(PlannedNode {
                    input_manager: nodes::input_manager(config, &*factory),
                    config: config.clone(),
                    factory,
                    inputs: inputs.clone(),
                    outputs,
                    hops_to_sink,
                    part: Part::Whole,
                    connected: connected.pop_front()?,
                })
            })
            .collect();
        let (nodes, streams) = match config.option.optimize_graph {
            Some(false) => (nodes, wiring.streams),
            _ => merge::neighbours(nodes, wiring.streams),
        };
        let (nodes, streams) = parallel::expand(nodes, streams);
        Ok(Self {
            config,
            nodes,
            streams,
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

    /// The nodes, in the order of the description. Neighbours that run as one are one.
    pub fn nodes(&self) -> &[PlannedNode] {
        &self.nodes
    }

    /// Whether doubtful things are errors.
    pub fn is_strict(&self) -> bool {
        self.strict
    }
}

impl PlannedNode {
    /// The node as described. Of a parallel node each part has a name and a number of its own.
    pub fn config(&self) -> &NodeConfig {
        &self.config
    }
}

/// What concerns the graph as a whole. What a reader of text has checked already may come from code.
fn check_graph(config: &GraphConfig, found: &mut Diagnostics) {
    let option = &config.option;
    if config.nodes.is_empty() {
        found.push(Diagnostic::error("the graph has no nodes"));
    }
    if option.scheduler_count == Some(0) {
        found.push(Diagnostic::error(
            "scheduler_count is 0; there must be at least one",
        ));
    }
    if let Some(count) = option.scheduler_count.filter(|&count| count > MOST_WORKERS) {
        found.push(Diagnostic::error(format!(
            "scheduler_count is {count}; at most {MOST_WORKERS} are possible"
        )));
    }
    let limits = [option.queue_bytes_limit, option.memory_budget];
    if option.queue_length_limit == Some(0) || limits.contains(&Some(0)) {
        found.push(Diagnostic::error(
            "a limit of the graph is 0; nothing could ever wait",
        ));
    }
    check_executors(config, found);
    for stream in config.inputs.iter().chain(&config.outputs) {
        if nodes::has_no_room(&stream.link) {
            let message = format!("stream \"{}\": a queue limit is 0", stream.name);
            found.push(Diagnostic::error(message).at(stream.span));
        }
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

/// More workers of one executor than this are a mistake.
pub(crate) const MOST_WORKERS: usize = 1024;

fn check_executors(config: &GraphConfig, found: &mut Diagnostics) {
    let mut names = HashSet::new();
    for executor in &config.option.executors {
        if executor.name.is_empty() {
            found.push(Diagnostic::error("an executor has no name"));
        } else if !names.insert(executor.name.as_str()) {
            let message = format!("two executors are called \"{}\"", executor.name);
            found.push(Diagnostic::error(message));
        }
        if !(1..=MOST_WORKERS).contains(&executor.workers) {
            found.push(Diagnostic::error(format!(
                "executor \"{}\" has {} workers; 1 to {MOST_WORKERS} are possible",
                executor.name, executor.workers
            )));
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
