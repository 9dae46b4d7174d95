//! Builds, validates and runs graphs. Knows no codec and loads no library.
#![doc = include_str!("../README.md")]

mod assemble;
mod builder;
mod control;
mod executors;
mod graph;
mod live;
mod node;
mod outcome;
mod parallel;
mod plan;
pub mod read;
mod shared;
mod waiting;

use bmf_hmp::panics;

pub use bmf_core::Diagnostics;
pub use bmf_modules::Registry;
pub use bmf_streams::policy::known_options as input_manager_options;
pub use bmf_streams::{Dropped, LinkStats, TimeError};
pub use builder::{GraphBuilder, Node, NodeRef, Port};
pub use control::Control;
pub use graph::{Graph, Progress, RunOptions};
pub use live::{AddError, GraphInput, GraphOutput, Polled};
pub use outcome::{During, LinkOutcome, NodeOutcome, Outcome, Place, RunError};
pub use plan::{GraphPlan, PlannedLink, PlannedNode, PlannedStream};
pub use waiting::{LinkWait, NodeWait, WaitReport, Waits};
