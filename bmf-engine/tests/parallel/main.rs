//! Nodes that run as several instances of their module: order, sharing out, ends, bounds.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod ends;
mod order;
mod plan;
mod share;

use bmf_core::config::{Distribution, ParallelConfig};
use bmf_engine::{NodeRef, Port};
use support::{Lab, Script};

/// A node that runs as so many instances, each of which is made by `make` from its number.
pub(crate) fn parallel(
    lab: &mut Lab,
    name: &str,
    inputs: &[Port],
    outputs: usize,
    instances: usize,
    make: impl Fn(usize) -> Script,
) -> NodeRef {
    let distribution = Distribution::RoundRobin;
    distributed(lab, (name, distribution), inputs, outputs, instances, make)
}

/// The same with a distribution.
pub(crate) fn distributed(
    lab: &mut Lab,
    (name, distribution): (&str, Distribution),
    inputs: &[Port],
    outputs: usize,
    instances: usize,
    make: impl Fn(usize) -> Script,
) -> NodeRef {
    let scripts = (0..instances).map(make).collect();
    lab.add_many(name, inputs, outputs, scripts, |node| {
        node.parallel_with(ParallelConfig {
            instances,
            distribution,
        })
    })
}

pub(crate) fn numbers(count: i64) -> Vec<i64> {
    (0..count).collect()
}
