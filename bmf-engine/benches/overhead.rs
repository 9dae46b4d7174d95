//! What the engine costs per packet and hop: modules that do nothing, packets that hold an integer.
//! Every case runs several times, in turn with all others; printed is the median.
//!
//! `cargo bench -p bmf-engine --bench overhead [-- --json] [FILTER]`, where a filter is the start of
//! a line of the output, such as `"chain 16"`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run should end")]
#![expect(clippy::print_stdout, reason = "its results")]

use std::sync::Arc;
use std::time::Instant;

use bmf_core::Diagnostics;
use bmf_core::config::{GraphConfig, InputManager};
use bmf_engine::{GraphBuilder, GraphPlan, Node, RunOptions};
use bmf_modules::Registry;
use bmf_sdk::prelude::*;
use bmf_sdk::schemars::JsonSchema;
use bmf_sdk::serde::Deserialize;

/// Runs per case.
const RUNS: usize = 7;
/// Packet hops per run, so that each case takes about as long.
const PACKET_HOPS: u64 = 2_000_000;

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "bmf_sdk::serde")]
#[schemars(crate = "bmf_sdk::schemars")]
struct SourceOptions {
    packets: u64,
    batch: u64,
}

/// Sends integers, `batch` per task.
struct Source {
    next: u64,
    options: SourceOptions,
}

impl Module for Source {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let end = (self.next + self.options.batch).min(self.options.packets);
        for number in self.next..end {
            let number = number.cast_signed();
            task.push(0, Packet::new(Timestamp::from_micros(number), number));
        }
        self.next = end;
        let done = self.next == self.options.packets;
        Ok(if done { Flow::Done } else { Flow::More })
    }
}

impl ModuleType for Source {
    type Options = SourceOptions;

    fn describe() -> Description {
        let port = PortSpec::new("out", PortKind::Any, "integers");
        Description::new("source", "0").any_outputs(1, None, port)
    }

    fn new(options: SourceOptions) -> Result<Self, ModuleError> {
        Ok(Self { next: 0, options })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "bmf_sdk::serde")]
#[schemars(crate = "bmf_sdk::schemars")]
struct NoOptions {}

/// Takes packets and sends nothing but the bound that follows from them.
struct Silent;

impl Module for Silent {
    fn promise(&self) -> Promise {
        Promise::Offset(0)
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        while task.pop(0).is_some() {}
        Ok(Flow::Wait)
    }
}

impl ModuleType for Silent {
    type Options = NoOptions;

    fn describe() -> Description {
        Description::new("silent", "0")
            .inputs([PortSpec::new("in", PortKind::Any, "anything")])
            .outputs([PortSpec::new("out", PortKind::Any, "nothing")])
    }

    fn new(_: NoOptions) -> Result<Self, ModuleError> {
        Ok(Self)
    }
}

#[derive(Clone, Copy)]
struct Case {
    bench: &'static str,
    hops: u64,
    batch: u64,
    workers: usize,
}

impl Case {
    fn name(self) -> String {
        let Self {
            bench,
            hops,
            batch,
            workers,
        } = self;
        format!("{bench} {hops} hops, batch {batch}, {workers} workers")
    }

    fn packets(self) -> u64 {
        PACKET_HOPS / self.hops
    }

    fn source(self) -> Node {
        Node::new("source")
            .option("packets", self.packets())
            .option("batch", self.batch)
    }

    fn node(self, module: &str) -> Node {
        // One task carries at most a batch, and the queue holds two of them (BMF's 5 at least).
        let limit = usize::try_from(self.batch * 2).unwrap().max(5);
        Node::new(module)
            .batch(usize::try_from(self.batch).unwrap())
            .queue_length_limit(limit)
    }

    /// A chain has `hops` links, and so have its variants: in `timed` the sink goes by time, so that
    /// every link keeps a bound; in `bounds` the first node swallows the packets, and only bounds
    /// travel. The others have as many branches as half the hops, joined by the sink.
    fn graph(self) -> GraphConfig {
        let mut graph = GraphBuilder::new();
        let source = graph.add(self.source());
        let mut sink = self.node("null_sink");
        if self.bench != "fan" && self.bench != "join immediate" && self.bench != "chain" {
            sink = sink.input_manager(InputManager::Default);
        }
        if matches!(self.bench, "chain" | "timed" | "bounds") {
            let mut last = source;
            for hop in 1..self.hops {
                let silent = self.bench == "bounds" && hop == 1;
                let module = if silent { "silent" } else { "pass_through" };
                last = graph.add(self.node(module).input(last));
            }
            graph.add(sink.input(last));
        } else {
            for _ in 0..self.hops / 2 {
                let branch = graph.add(self.node("pass_through").input(source));
                sink = sink.input(branch);
            }
            graph.add(sink);
        }
        graph.build()
    }

    /// Packets that the sink receives.
    fn expected(self) -> u64 {
        match self.bench {
            "chain" | "timed" => self.packets(),
            "bounds" => 0,
            _ => self.packets() * self.hops / 2,
        }
    }

    /// Wall nanoseconds per packet and hop.
    fn run(self, registry: &Registry) -> f64 {
        let plan = GraphPlan::new(self.graph(), registry, true, Diagnostics::default()).unwrap();
        let options = RunOptions {
            workers: Some(self.workers),
            ..RunOptions::default()
        };
        let start = Instant::now();
        let outcome = plan.run(&options).unwrap();
        let elapsed = start.elapsed();
        outcome.result.unwrap();
        let arrived = outcome.nodes.last().unwrap().packets_in;
        assert_eq!(arrived, self.expected(), "packets were lost");
        elapsed.as_nanos() as f64 / (self.packets() * self.hops) as f64
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for workers in [1, 2] {
        for batch in [1, 10] {
            for hops in [1, 4, 16] {
                cases.push(Case {
                    bench: "chain",
                    hops,
                    batch,
                    workers,
                });
            }
        }
        for batch in [1, 10] {
            cases.push(Case {
                bench: "fan",
                hops: 8,
                batch,
                workers,
            });
        }
        for (bench, hops) in [
            ("join immediate", 4),
            ("join default", 4),
            ("timed", 16),
            ("bounds", 16),
        ] {
            cases.push(Case {
                bench,
                hops,
                batch: 1,
                workers,
            });
        }
    }
    cases
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let json = args.iter().any(|arg| arg == "--json");
    let registry = Registry::new();
    registry.add(factory::<Source>());
    registry.add(factory::<Silent>());
    for module in bmf_module_basic::modules() {
        registry.add(Arc::clone(&module));
    }
    let filter = args.iter().find(|arg| !arg.starts_with("--"));
    let wanted = |case: &Case| filter.is_none_or(|filter| case.name().starts_with(filter));
    let cases: Vec<Case> = cases().into_iter().filter(wanted).collect();
    let mut results = vec![Vec::with_capacity(RUNS); cases.len()];
    for _ in 0..RUNS {
        for (case, results) in cases.iter().zip(&mut results) {
            results.push(case.run(&registry));
        }
    }
    let mut lines = Vec::new();
    for (case, mut results) in cases.into_iter().zip(results) {
        results.sort_by(f64::total_cmp);
        let median = results[RUNS / 2];
        let Case {
            bench,
            hops,
            batch,
            workers,
        } = case;
        lines.push(if json {
            format!(
                "{{\"bench\": \"{bench}\", \"hops\": {hops}, \"batch\": {batch}, \
                 \"workers\": {workers}, \"ns_per_packet_hop\": {median:.1}}}"
            )
        } else {
            format!("{:35} {median:7.1} ns", case.name())
        });
    }
    if json {
        println!("[{}]", lines.join(",\n "));
    } else {
        println!("{}", lines.join("\n"));
    }
}
