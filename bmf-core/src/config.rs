//! The graph as its author describes it: one model for JSON, TOML, the shell one-liner and code.
//! Reading text is the engine's business; whether the graph makes sense is the plan's.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Options, SourceText, Span};

mod flow;
mod manager;
mod threads;

pub use flow::{
    Distribution, ExecutorConfig, LinkConfig, OnDeadlock, OnFull, ParallelConfig, TimeOrder,
};
pub use manager::{InputManager, InputManagerConfig};
pub use threads::Threads;

/// A graph, before validation.
#[derive(Clone, Debug, Default)]
pub struct GraphConfig {
    /// Where it was read from; spans point into it.
    pub source: Option<SourceText>,
    /// How the graph is driven.
    pub mode: GraphMode,
    /// Settings of the whole graph.
    pub option: GraphOptions,
    /// Streams that the application feeds (modes `Server`, `Generator`, `Pushdata`, `Subgraph`).
    pub inputs: Vec<StreamConfig>,
    /// Streams that the application reads.
    pub outputs: Vec<StreamConfig>,
    /// The nodes, in the order of the description.
    pub nodes: Vec<NodeConfig>,
}

/// How a graph is driven: BMF's modes.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum GraphMode {
    /// Runs by itself from its sources to its sinks.
    #[default]
    Normal,
    /// Serves jobs that the application pushes.
    Server,
    /// The application pulls packets from its output streams.
    Generator,
    /// Part of another graph.
    Subgraph,
    /// The application pushes packets.
    Pushdata,
}

impl GraphMode {
    /// All modes with BMF's spelling.
    pub const ALL: [(&'static str, Self); 5] = [
        ("Normal", Self::Normal),
        ("Server", Self::Server),
        ("Generator", Self::Generator),
        ("Subgraph", Self::Subgraph),
        ("Pushdata", Self::Pushdata),
    ];

    /// The mode called `name`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|&(_, mode)| mode)
    }

    /// BMF's spelling.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|&&(_, mode)| mode == self)
            .map_or("Normal", |&(name, _)| name)
    }
}

/// Settings of the whole graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphOptions {
    /// How many serial queues there are for `scheduler` of a node to choose from (BMF). Where it is
    /// not given, `scheduler` is left aside and all nodes run on the default executor.
    pub scheduler_count: Option<usize>,
    /// Groups of worker threads beside the default one, for `executor` of a node.
    pub executors: Vec<ExecutorConfig>,
    /// Seconds without any progress after which the graph fails, naming what is stuck. 0 is off.
    pub time_out: f64,
    /// Whether the graph is written to a file when it starts (BMF).
    pub dump_graph: bool,
    /// Name of the graph, used for the dump.
    pub graph_name: Option<String>,
    /// Queue limit, in packets, of every link that does not set its own.
    pub queue_length_limit: Option<usize>,
    /// Queue limit, in bytes, of every link that does not set its own.
    pub queue_bytes_limit: Option<u64>,
    /// Most bytes that wait in all links together; sources pause while they do.
    pub memory_budget: Option<u64>,
    /// What happens when the graph has blocked itself.
    pub on_deadlock: OnDeadlock,
    /// Whether neighbours that one instance of their module can stand for run as one node; `None`:
    /// they do.
    pub optimize_graph: Option<bool>,
    /// How many threads codecs and filters may take for themselves.
    pub threads: Threads,
    /// Keys that the engine has no use for but BMF's builders write (`user_id`, `hungry_check`…).
    pub other: Options,
}

/// One node.
#[derive(Clone, Debug, Default)]
pub struct NodeConfig {
    /// BMF's number, unique in the graph.
    pub id: u32,
    /// Name in messages, statistics and `--set`: the alias, the TOML key, or made from the module.
    pub name: String,
    /// The alias by which dynamic updates find the node.
    pub alias: Option<String>,
    /// What runs in it.
    pub module: ModuleRef,
    /// Input streams, by port index.
    pub inputs: Vec<StreamConfig>,
    /// Output streams.
    pub outputs: Vec<StreamConfig>,
    /// The module's options.
    pub option: Options,
    /// BMF's serial queue number.
    pub scheduler: Option<usize>,
    /// Name of the executor that runs it; `None`: the default one.
    pub executor: Option<String>,
    /// Several instances of the module (BMF: `dist_nums` among the module's options).
    pub parallel: Option<ParallelConfig>,
    /// How inputs are put together into tasks; `None`: what the module asks for, else `immediate`.
    pub input_manager: Option<InputManagerConfig>,
    /// Most packets that wait on each input of this node.
    pub queue_length_limit: Option<usize>,
    /// Most bytes that wait on each input of this node.
    pub queue_bytes_limit: Option<u64>,
    /// Most packets that one task carries; `None`: all that are ready.
    pub batch: Option<usize>,
    /// BMF's pre-allocated module instance; only bindings can give one.
    pub premodule_id: Option<i32>,
    /// BMF's callbacks, as (key, id); only bindings can give them.
    pub callback_binding: Vec<(i64, i64)>,
    /// Where the parts of this node stand in the source.
    pub spans: NodeSpans,
}

/// Which module a node runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleRef {
    /// Its name.
    pub name: String,
    /// BMF's module type: empty, `c++`, `python` or `go`.
    pub kind: String,
    /// Explicit library or directory.
    pub path: String,
    /// Explicit entry point.
    pub entry: String,
}

/// One end of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamConfig {
    /// The stream's name; producer and consumers agree on it. Empty: deliberately not connected.
    pub name: String,
    /// The port it belongs to, by name (BMF's `notify`: `video` in `video:stream`).
    pub port: Option<String>,
    /// Another name for applications.
    pub alias: Option<String>,
    /// Settings of its links.
    pub link: LinkConfig,
    /// Where it stands in the source.
    pub span: Option<Span>,
}

impl StreamConfig {
    /// The stream called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The stream `name` at the port called `port`.
    pub fn on_port(port: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            port: Some(port.into()),
            ..Self::default()
        }
    }

    /// BMF's spelling: `port:name` or `name`.
    pub fn identifier(&self) -> String {
        match &self.port {
            Some(port) => format!("{port}:{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Where the parts of a node stand in the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSpans {
    /// The node as a whole.
    pub node: Option<Span>,
    /// Its id or its name.
    pub id: Option<Span>,
    /// The module's name.
    pub module: Option<Span>,
    /// The scheduler index, or the executor's name.
    pub scheduler: Option<Span>,
    /// The input manager.
    pub input_manager: Option<Span>,
    /// The number of instances.
    pub parallel: Option<Span>,
    /// Option keys and values, by dotted path: (key, value).
    pub option: BTreeMap<String, (Span, Span)>,
}

/// `node 3 'scale' (c_ffmpeg_filter)`: how messages name a node.
impl fmt::Display for NodeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} '{}' ({})", self.id, self.name, self.module.name)
    }
}
