//! Random graphs: what each sink receives is what plain vectors say, with one worker and with four,
//! whatever the queue limits; nothing hangs, everything is closed, nothing is left behind.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod support;

use std::collections::BTreeMap;

use bmf_core::config::InputManager;
use bmf_core::{Ending, Flow};
use bmf_engine::Port;
use proptest::prelude::*;
use support::{Lab, Script, value};

/// A node of a random graph. Numbers choose among what there is, modulo how much there is.
#[derive(Clone, Debug)]
enum Kind {
    /// So many packets, so many per task.
    Source(i64, i64),
    /// Each packet on each of so many outputs, which end after so many packets if that is said.
    Split(usize, Option<i64>),
    /// Every so many-th packet is dropped.
    Drop(i64),
    /// Each packet comes so many times.
    Burst(i64),
    /// Holds everything until its input has ended.
    Hold,
    /// So many inputs as they come.
    Merge(usize),
    /// So many inputs by their times, added up.
    Join(usize),
}

#[derive(Clone, Debug)]
struct Spec {
    kind: Kind,
    /// Which streams it takes.
    choice: Vec<usize>,
    limit: usize,
    batch: Option<usize>,
}

/// What a stream carries: times and values.
#[derive(Clone, Debug)]
struct Stream {
    port: Port,
    items: Vec<(i64, i64)>,
    /// The order is settled: no `Merge` stands before it, and times rise.
    ordered: bool,
    consumed: bool,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        2 => (0..40i64, 1..8i64).prop_map(|(count, batch)| Kind::Source(count, batch)),
        3 => (1..4usize, proptest::option::of(0..20i64))
            .prop_map(|(outputs, end)| Kind::Split(outputs, end)),
        2 => (1..5i64).prop_map(Kind::Drop),
        1 => (1..9i64).prop_map(Kind::Burst),
        1 => Just(Kind::Hold),
        2 => (1..4usize).prop_map(Kind::Merge),
        3 => (1..4usize).prop_map(Kind::Join),
    ]
}

fn spec() -> impl Strategy<Value = Spec> {
    let choice = proptest::collection::vec(0..100usize, 3);
    let batch = proptest::option::of(1..4usize);
    (kind(), choice, 1..8usize, batch).prop_map(|(kind, choice, limit, batch)| Spec {
        kind,
        choice,
        limit,
        batch,
    })
}

/// Builds the graph and what its sinks must receive: exactly that, or in any order.
struct Build {
    lab: Lab,
    streams: Vec<Stream>,
}

impl Build {
    fn new(specs: &[Spec]) -> Self {
        let mut build = Self {
            lab: Lab::new(),
            streams: Vec::new(),
        };
        for (index, spec) in specs.iter().enumerate() {
            build.add(&format!("n{index}"), spec);
        }
        build
    }

    /// The streams a node takes.
    fn take(&mut self, spec: &Spec, count: usize) -> Vec<Stream> {
        let of = self.streams.len();
        let chosen = spec.choice.iter().take(count).map(|choice| choice % of);
        let chosen: Vec<_> = chosen.collect();
        chosen
            .into_iter()
            .map(|index| {
                self.streams[index].consumed = true;
                self.streams[index].clone()
            })
            .collect()
    }

    fn node(&mut self, name: &str, spec: &Spec, inputs: &[Stream], script: Script, join: bool) {
        let outputs = match spec.kind {
            Kind::Split(outputs, _) => outputs,
            _ => 1,
        };
        let ports: Vec<_> = inputs.iter().map(|input| input.port.clone()).collect();
        let node = self.lab.add_with(name, &ports, outputs, script, |node| {
            let node = node.queue_length_limit(spec.limit);
            let node = match spec.batch {
                Some(batch) => node.batch(batch),
                None => node,
            };
            match join {
                true => node.input_manager(InputManager::Default),
                false => node,
            }
        });
        for output in 0..outputs {
            let (items, ordered) = expected(&spec.kind, output, inputs);
            self.streams.push(Stream {
                port: node.port(output.to_string()),
                items,
                ordered,
                consumed: false,
            });
        }
    }

    fn add(&mut self, name: &str, spec: &Spec) {
        let source = |count: i64, batch: i64| Spec {
            kind: Kind::Source(count, batch),
            ..spec.clone()
        };
        if self.streams.is_empty() && !matches!(spec.kind, Kind::Source(..)) {
            return self.add(name, &source(20, 1));
        }
        let log = self.lab.log.clone();
        match spec.kind {
            Kind::Source(count, batch) => {
                let mut next = 0;
                let script = Script::new(move |task| {
                    for _ in 0..batch.min(count - next) {
                        task.push(0, log.packet(next));
                        next += 1;
                    }
                    Ok(if next == count {
                        Flow::Done
                    } else {
                        Flow::More
                    })
                });
                self.node(name, spec, &[], script, false);
            }
            Kind::Split(outputs, end) => {
                let inputs = self.take(spec, 1);
                let mut seen = 0;
                // Which packets come before the end depends on their order.
                if end.is_some() && !inputs[0].ordered {
                    let kind = Kind::Split(outputs, None);
                    return self.add(
                        name,
                        &Spec {
                            kind,
                            ..spec.clone()
                        },
                    );
                }
                let script = Script::each(move |task, _, packet| {
                    if Some(seen) == end {
                        task.outputs_mut()[0].end();
                    }
                    seen += 1;
                    for output in 0..outputs {
                        task.push(output, packet.clone());
                    }
                    Ok(Flow::Wait)
                });
                self.node(name, spec, &inputs, script, false);
            }
            Kind::Drop(every) => {
                let inputs = self.take(spec, 1);
                let script = Script::each(move |task, port, packet| {
                    if value(&packet) % every != 0 {
                        task.push(port, packet);
                    }
                    Ok(Flow::Wait)
                });
                self.node(name, spec, &inputs, script, false);
            }
            Kind::Burst(times) => {
                let inputs = self.take(spec, 1);
                let script = Script::each(move |task, _, packet| {
                    let time = packet.timestamp().micros();
                    for number in 0..times {
                        let time = time * times + number;
                        task.push(0, log.packet_of(time, value(&packet)));
                    }
                    Ok(Flow::Wait)
                });
                self.node(name, spec, &inputs, script, false);
            }
            Kind::Hold => {
                let inputs = self.take(spec, 1);
                let script = Script::new(|task| {
                    if !task.inputs()[0].ended {
                        return Ok(Flow::Wait);
                    }
                    match task.pop(0) {
                        Some(packet) => task.push(0, packet),
                        None => return Ok(Flow::Done),
                    }
                    Ok(Flow::More)
                });
                self.node(name, spec, &inputs, script, false);
            }
            Kind::Merge(count) => {
                let inputs = self.take(spec, count);
                let script = Script::each(|task, _, packet| {
                    task.push(0, packet);
                    Ok(Flow::Wait)
                });
                self.node(name, spec, &inputs, script, false);
            }
            Kind::Join(count) => {
                let inputs = self.take(spec, count);
                if inputs.iter().any(|input| !input.ordered) {
                    // By time only what has its order; else what comes out is a matter of luck.
                    let kind = Kind::Merge(count);
                    return self.add(
                        name,
                        &Spec {
                            kind,
                            ..spec.clone()
                        },
                    );
                }
                let script = Script::new(move |task| {
                    let Some(time) = task.timestamp() else {
                        return Ok(Flow::Wait);
                    };
                    let inputs = task.inputs_mut().iter_mut();
                    let packets = inputs.flat_map(|input| input.packets.drain(..));
                    let sum = packets.map(|packet| value(&packet)).sum();
                    task.push(0, log.packet_of(time.micros(), sum));
                    Ok(Flow::Wait)
                });
                self.node(name, spec, &inputs, script, true);
            }
        }
    }

    /// Puts a sink behind every stream that has none; returns what each must receive.
    fn finish(mut self) -> (Lab, Vec<(String, bool, Vec<i64>)>) {
        let mut sinks = Vec::new();
        for (index, stream) in self.streams.iter().enumerate() {
            if stream.consumed {
                continue;
            }
            let name = format!("sink{index}");
            self.lab.collect(&name, std::slice::from_ref(&stream.port));
            let values = stream.items.iter().map(|&(_, value)| value).collect();
            sinks.push((name, stream.ordered, values));
        }
        (self.lab, sinks)
    }
}

/// What an output carries, by plain vectors, and whether its order is settled.
fn expected(kind: &Kind, output: usize, inputs: &[Stream]) -> (Vec<(i64, i64)>, bool) {
    let items = || inputs[0].items.iter().copied();
    let ordered = inputs.iter().all(|input| input.ordered);
    match *kind {
        Kind::Source(count, _) => ((0..count).map(|time| (time, time)).collect(), true),
        Kind::Split(_, Some(end)) if output == 0 => {
            let end = usize::try_from(end).unwrap();
            (items().take(end).collect(), ordered)
        }
        Kind::Split(..) | Kind::Hold => (items().collect(), ordered),
        Kind::Drop(every) => (
            items().filter(|(_, value)| value % every != 0).collect(),
            ordered,
        ),
        Kind::Burst(times) => {
            let burst =
                |(time, value)| (0..times).map(move |number| (time * times + number, value));
            (items().flat_map(burst).collect(), ordered)
        }
        Kind::Merge(_) => {
            let all = inputs.iter().flat_map(|input| input.items.clone());
            (all.collect(), ordered && inputs.len() == 1)
        }
        Kind::Join(_) => {
            let mut by_time = BTreeMap::new();
            for (time, value) in inputs.iter().flat_map(|input| input.items.clone()) {
                *by_time.entry(time).or_insert(0) += value;
            }
            (by_time.into_iter().collect(), true)
        }
    }
}

/// Runs a graph and compares what arrived.
fn check(specs: &[Spec], workers: usize) -> Result<(), TestCaseError> {
    let (lab, sinks) = Build::new(specs).finish();
    let run = lab.run(workers);
    let ending = run.outcome.result.as_ref().map_err(ToString::to_string);
    prop_assert_eq!(ending, Ok(&Ending::Finished));
    run.log.assert_clean();
    prop_assert!(run.outcome.nodes.iter().all(|node| node.closed));
    for (name, ordered, mut wanted) in sinks {
        let mut received = run.log.received(&name, 0);
        if !ordered {
            wanted.sort_unstable();
            received.sort_unstable();
        }
        prop_assert_eq!(received, wanted, "{} with {} workers", name, workers);
    }
    // Who ends its only output early has nobody to work for, and takes no more.
    let early_end = |spec: &Spec| matches!(spec.kind, Kind::Split(_, Some(_)));
    if specs.iter().any(early_end) {
        return Ok(());
    }
    for node in &run.outcome.nodes {
        let inputs = run.outcome.links.iter();
        let inputs = inputs.filter(|link| link.consumer == node.name);
        let sent: u64 = inputs.map(|link| link.packets).sum();
        prop_assert_eq!(
            node.packets_in,
            sent,
            "{} took all that was sent",
            &node.name
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]


    #[test]
    fn every_sink_receives_what_it_should(specs in proptest::collection::vec(spec(), 2..13)) {
        for workers in [1, 4] {
            check(&specs, workers)?;
        }
    }
}
