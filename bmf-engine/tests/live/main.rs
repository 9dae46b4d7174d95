//! Graphs that an application feeds and reads while they run.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

#[path = "../support/mod.rs"]
mod support;

mod feed;
mod idle;
mod pause;
mod read;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bmf_core::Flow;
use bmf_engine::{Graph, GraphInput};
use support::{DEADLINE, Lab, Log, Script, until, value};

const WORKERS: [usize; 3] = [1, 2, 4];

/// Something that happens once, for threads that wait for each other.
#[derive(Clone, Default)]
pub(crate) struct Signal(Arc<AtomicBool>);

impl Signal {
    pub(crate) fn give(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_given(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn wait(&self, what: &str) {
        until(what, || self.is_given());
    }
}

/// `in -> sink`, where the sink stays inside its module until it is let go.
pub(crate) struct Held {
    pub(crate) graph: Graph,
    pub(crate) input: GraphInput,
    pub(crate) log: Log,
    pub(crate) entered: Signal,
    pub(crate) let_go: Signal,
}

impl Held {
    pub(crate) fn start(workers: usize, limit: usize) -> Self {
        let mut lab = Lab::new();
        lab.builder().option_mut().queue_length_limit = Some(limit);
        let port = lab.builder().graph_input("in");
        let (entered, let_go) = (Signal::default(), Signal::default());
        let (inside, free, log) = (entered.clone(), let_go.clone(), lab.log.clone());
        let sink = Script::each(move |_, port, packet| {
            inside.give();
            free.wait("the sink is let go");
            log.receive("sink", port, value(&packet));
            Ok(Flow::Wait)
        });
        lab.add_with("sink", &[port], 0, sink.sink(), |node| node.batch(1));
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        Self {
            graph,
            input,
            log,
            entered,
            let_go,
        }
    }
}

/// `in -> pass -> sink`.
pub(crate) fn simple() -> Lab {
    let mut lab = Lab::new();
    let input = lab.builder().graph_input("in");
    let pass = lab.pass("pass", input);
    lab.collect("sink", &[pass]);
    lab
}

/// A moment that comes only if something hangs.
pub(crate) fn late() -> Option<Instant> {
    Some(Instant::now() + DEADLINE)
}

pub(crate) fn numbers(count: i64) -> Vec<i64> {
    (0..count).collect()
}
