//! What a run ended in: success or the one error, and what every node and link did.

use std::fmt;
use std::time::Duration;

use bmf_core::{Ending, ModuleError, Report};
use bmf_hmp::Timestamp;
use bmf_streams::{Dropped, TimeError};
use thiserror::Error;

use crate::WaitReport;

/// Why a run failed. Names are resolved; `Display` is the whole causal chain in one sentence.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// A module returned an error.
    #[error("{at}: {error}")]
    Module {
        /// Where it happened.
        at: Box<Place>,
        /// The module's own error.
        error: ModuleError,
    },
    /// A module panicked.
    #[error("{at}: the module panicked: {message}")]
    Panic {
        /// Where it happened.
        at: Box<Place>,
        /// The panic's message.
        message: String,
    },
    /// A packet went back in time on a stream that is declared to be in order.
    #[error("{producer}: stream \"{stream}\" to {consumer}: {error}")]
    Time {
        /// The node that sent it.
        producer: String,
        /// The node that would have received it.
        consumer: String,
        /// The stream.
        stream: String,
        /// Both times.
        error: TimeError,
    },
    /// Nothing moved for as long as the time-out says.
    #[error("no progress for {} s: {report}", .seconds)]
    TimeOut {
        /// The limit, in seconds.
        seconds: f64,
        /// Who is stuck, who waits for whom.
        report: WaitReport,
    },
    /// Nothing can move any more although not all nodes are done.
    #[error("the graph is stuck: {report}")]
    Stuck {
        /// Who waits for whom.
        report: WaitReport,
    },
    /// The graph has blocked itself, and was told not to raise the limits of its queues, or may not.
    #[error("the graph has blocked itself: {why}: {report}")]
    Deadlock {
        /// Why the limits were not raised.
        why: &'static str,
        /// Who waits for whom.
        report: WaitReport,
    },
    /// The run was cancelled.
    #[error("the run was cancelled")]
    Cancelled,
    /// The run went through, but its warnings count as errors.
    #[error("{}", .warnings.join("; "))]
    Strict {
        /// The warnings.
        warnings: Vec<String>,
    },
    /// The graph cannot be driven in this way.
    #[error("{0}")]
    Unsupported(String),
    /// The system refused something the engine needs.
    #[error("{what}: {error}")]
    System {
        /// What was refused.
        what: String,
        /// By which error.
        error: std::io::Error,
    },
}

/// What a module was doing when it failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum During {
    /// Being created from its options.
    Create,
    /// Opening.
    Open,
    /// Processing a task.
    Process,
    /// Closing.
    Close,
    /// Forgetting what it holds.
    Flush,
}

/// Where in a run something happened. `Display` leaves out what is not known:
/// `node 3 'scale' (c_ffmpeg_filter), port video, at 1.280000s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The node, as messages name it.
    pub node: String,
    /// What its module was doing.
    pub during: During,
    /// The port, where known.
    pub port: Option<String>,
    /// The time of the packet, where known.
    pub timestamp: Option<Timestamp>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.node)?;
        if let Some(port) = &self.port {
            write!(f, ", port {port}")?;
        }
        if let Some(timestamp) = self.timestamp {
            write!(f, ", at {timestamp}")?;
        }
        Ok(())
    }
}

impl RunError {
    /// Who waited for whom, if the run failed because nothing moved.
    pub fn waiting(&self) -> Option<&WaitReport> {
        match self {
            Self::TimeOut { report, .. }
            | Self::Stuck { report }
            | Self::Deadlock { report, .. } => Some(report),
            _ => None,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Module { error, .. } => error.hint().map(str::to_owned),
            Self::Panic { .. } => Some("this is a defect of the module; report it".to_owned()),
            Self::Time { .. } => Some(
                "if that is meant to happen, declare time_order = \"drop\", \"clamp\" or \"any\" on \
                 that input"
                    .to_owned(),
            ),
            Self::Deadlock { .. } => Some(
                "give the full queues a higher queue_length_limit, or the graph a larger \
                 memory_budget"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Everything about a run that has ended. Whether it ended well is in `result`.
#[derive(Debug)]
#[must_use = "whether the run ended well is in `result`"]
pub struct Outcome {
    /// How it ended; `Ok(Stopped)` when somebody stopped it and all outputs were finished.
    pub result: Result<Ending, RunError>,
    /// Wall time from start to end.
    pub elapsed: Duration,
    /// The nodes, in the order of the description.
    pub nodes: Vec<NodeOutcome>,
    /// The links, producer by producer.
    pub links: Vec<LinkOutcome>,
}

/// What a node did.
#[derive(Clone, Debug)]
pub struct NodeOutcome {
    /// BMF's number.
    pub id: u32,
    /// The node's name.
    pub name: String,
    /// Its module.
    pub module: String,
    /// Calls of `process`.
    pub tasks: u64,
    /// Packets taken.
    pub packets_in: u64,
    /// Packets sent.
    pub packets_out: u64,
    /// Time spent in the node. Exact for long steps; short ones are sampled.
    pub busy: Duration,
    /// Whether the node came to its end; one that is stuck in its module does not.
    pub closed: bool,
    /// What the module told when it was closed.
    pub report: Report,
}

/// What a link did.
#[derive(Clone, Debug)]
pub struct LinkOutcome {
    /// The stream.
    pub stream: String,
    /// Name of the producing node.
    pub producer: String,
    /// Name of the consuming node.
    pub consumer: String,
    /// Packets sent.
    pub packets: u64,
    /// Most packets that waited at once.
    pub peak: usize,
    /// The limit at the end.
    pub limit: usize,
    /// How often the limit was raised to free a graph that had blocked itself.
    pub raised: u64,
    /// Packets that the consumer's module never saw, by reason.
    pub dropped: Dropped,
}

impl Outcome {
    /// What the modules warned of, each with its node's name.
    pub fn warnings(&self) -> Vec<String> {
        let of_node = |node: &NodeOutcome| {
            let name = node.name.clone();
            let warnings = node.report.warnings.clone().into_iter();
            warnings.map(move |warning| format!("{name}: {warning}"))
        };
        self.nodes.iter().flat_map(of_node).collect()
    }
}
