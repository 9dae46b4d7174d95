//! Builds, validates and runs graphs. Knows no codec and loads no library.
#![doc = include_str!("../README.md")]

mod builder;
mod graph;
mod node;
mod outcome;
mod plan;
pub mod read;
mod shared;
mod waiting;

pub use bmf_core::Diagnostics;
pub use bmf_modules::Registry;
pub use builder::{GraphBuilder, Node, NodeRef, Port};
pub use graph::{Control, Graph, Progress, RunOptions};
pub use outcome::{During, LinkOutcome, NodeOutcome, Outcome, Place, RunError};
pub use plan::{GraphPlan, PlannedNode, PlannedStream};
