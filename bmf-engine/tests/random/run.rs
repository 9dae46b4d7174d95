//! Runs a case once, with the application's part in it, and checks what must hold of any run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use bmf_core::Ending;
use bmf_core::config::OnDeadlock;
use bmf_engine::{
    AddError, Graph, GraphInput, GraphOutput, LinkOutcome, NodeOutcome, Outcome, Polled, RunError,
    RunOptions,
};

use crate::bench::Bench;
use crate::build::{Reading, build, spin};
use crate::case::{Case, Feed, Kind, Policy};
use crate::model::{self, Got, Stream};
use crate::modules::bound_behind;
use crate::rng::Rng;

/// When nothing moves for so long, the run hangs.
pub(crate) const TIME_OUT: Duration = Duration::from_secs(30);

/// A run that has ended.
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) bench: Arc<Bench>,
    /// Packets that the application has read, by stream.
    read: BTreeMap<String, u64>,
}

/// Runs a case; `None` if there is nothing to run.
pub(crate) fn run(case: &Case, inline: bool, bench: Arc<Bench>) -> Result<Option<Ended>, String> {
    let Some(built) = build(case, &bench) else {
        return Ok(None);
    };
    let options = RunOptions {
        workers: Some(case.settings.workers),
        inline,
        time_out: Some(TIME_OUT),
    };
    let mut graph = built
        .plan
        .start(&options)
        .map_err(|error| error.to_string())?;
    if let Some(fault) = bench.fault() {
        fault.set_control(graph.control());
    }
    let feeds = built.feeds.into_iter();
    let feeds = feeds.filter_map(|(name, feed)| Some((graph.take_input(&name)?, feed)));
    let feeds: Vec<_> = feeds.collect();
    let reads = built.reads.into_iter().map(|reading| {
        let output = graph.take_output(&reading.stream);
        (output.expect("a stream that is read"), reading)
    });
    let reads: Vec<_> = reads.collect();
    let read = drive(&graph, case, &bench, feeds, reads)?;
    wait_for_the_end(&graph)?;
    let outcome = graph.wait();
    Ok(Some(Ended {
        outcome,
        bench,
        read,
    }))
}

/// Does the application's part: feeds and reads, a thread each, and pauses the graph now and then.
fn drive(
    graph: &Graph,
    case: &Case,
    bench: &Arc<Bench>,
    feeds: Vec<(GraphInput, Feed)>,
    reads: Vec<(GraphOutput, Reading)>,
) -> Result<BTreeMap<String, u64>, String> {
    let (tell, told) = mpsc::channel();
    let seed = case.seed;
    let hangs = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let feeds = feeds.into_iter();
        let threads = match case.settings.one_by_one {
            true => vec![feeds.collect()],
            false => feeds.map(|feed| vec![feed]).collect::<Vec<_>>(),
        };
        for feeds in threads {
            let (tell, bench) = (tell.clone(), Arc::clone(bench));
            scope.spawn(move || {
                let mut feeds = feeds.into_iter();
                let fed = feeds.try_for_each(|(input, feed)| self::feed(&input, feed, &bench));
                let _ = tell.send(fed.map(|()| None));
            });
        }
        for (output, reading) in reads {
            let (tell, bench, hangs) = (tell.clone(), Arc::clone(bench), &hangs);
            scope.spawn(move || {
                let count = read(&output, &reading, &bench, seed, hangs);
                drop(output);
                let _ = tell.send(Ok(Some((reading.stream, count))));
            });
        }
        drop(tell);
        for _ in 0..case.settings.pauses {
            graph.pause();
            spin(Duration::from_micros(20));
            graph.resume();
        }
        let result = collect(&told, graph);
        if result.is_err() {
            hangs.store(true, Ordering::Release);
            graph.control().cancel();
        }
        result
    })
}

/// Waits until nothing moves any more, which must be the end: the application has done its part.
fn wait_for_the_end(graph: &Graph) -> Result<(), String> {
    let deadline = Instant::now() + TIME_OUT;
    let is_idle = graph.wait_idle(Some(deadline));
    if !is_idle || graph.control().is_finished() {
        // What goes on moving is ended by the time-out of the run, or by the guard.
        return Ok(());
    }
    Err(format!("the run hangs: {}", graph.waiting()))
}

type Told = Result<Option<(String, u64)>, String>;

/// Waits for the application's threads.
fn collect(told: &Receiver<Told>, graph: &Graph) -> Result<BTreeMap<String, u64>, String> {
    let mut counts = BTreeMap::new();
    loop {
        match told.recv_timeout(TIME_OUT) {
            Ok(told) => counts.extend(told?),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(counts),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                return Err(format!(
                    "the application waits in vain: {}",
                    graph.waiting()
                ));
            }
        }
    }
}

fn feed(input: &GraphInput, feed: Feed, bench: &Arc<Bench>) -> Result<(), String> {
    let mut items = feed.items.into_iter().peekable();
    for step in feed.steps {
        let mut last = None;
        for (time, value) in items.by_ref().take(step.packets) {
            last = Some(time);
            match input.add(bench.packet(time, value, 0)) {
                Ok(()) => {}
                // Whoever took it has had enough, or the run has failed, which its outcome tells.
                Err(AddError::Ended { .. } | AddError::Failed(_)) => return Ok(()),
                Err(error) => return Err(error.to_string()),
            }
        }
        if step.packets == 0 {
            std::thread::yield_now();
        }
        if step.bound {
            let next = items.peek().map(|row| row.0);
            let _ = input.set_bound(bound_behind(next, last));
        }
    }
    input.end();
    Ok(())
}

fn read(
    output: &GraphOutput,
    reading: &Reading,
    bench: &Bench,
    seed: u64,
    hangs: &AtomicBool,
) -> u64 {
    let mut rng = Rng::new(seed);
    let mut count = 0;
    while reading.until.is_none_or(|until| count < until as u64) && !hangs.load(Ordering::Acquire) {
        match output.next_within(TIME_OUT) {
            Polled::Packet(packet) => {
                bench.receive(reading.sink, &packet);
                count += 1;
                if rng.chance(reading.lag) {
                    spin(Duration::from_micros(rng.next() % 100));
                }
            }
            Polled::JobEnded | Polled::Nothing => {}
            Polled::Ended => break,
        }
    }
    count
}

/// Checks a run of which nothing was to go wrong.
pub(crate) fn check(case: &Case, ended: Ended) -> Result<(), String> {
    let Ended {
        outcome,
        bench,
        read,
    } = ended;
    if !ended_well(case, &outcome.result)? {
        return all_closed(outcome, &bench);
    }
    check_counts(case, &outcome, &read)?;
    all_closed(outcome, &bench)?;
    let received = bench.received();
    let streams = streams(case);
    for spec in &case.nodes {
        let (Kind::Sink { until, .. } | Kind::Read { until }) = spec.kind else {
            continue;
        };
        let stream = &streams[&(spec.inputs[0].node, spec.inputs[0].port)];
        let stream = model::through(&spec.inputs[0], stream);
        let got: &[Got] = received.get(spec.id).map_or(&[], Vec::as_slice);
        let in_order = spec.parallel.is_none();
        if let Some(difference) = model::differs(&stream, got, until, in_order) {
            return Err(format!("n{}: {difference}", spec.id));
        }
    }
    Ok(())
}

/// What each stream carries.
fn streams(case: &Case) -> BTreeMap<(usize, usize), Stream> {
    let mut streams: BTreeMap<(usize, usize), Stream> = BTreeMap::new();
    for spec in &case.nodes {
        let wires = spec.inputs.iter();
        let inputs: Vec<_> = wires
            .map(|wire| model::through(wire, &streams[&(wire.node, wire.port)]))
            .collect();
        for (port, stream) in model::outputs(spec, &inputs).into_iter().enumerate() {
            streams.insert((spec.id, port), stream);
        }
    }
    streams
}

/// Whether the run went through. A run that has blocked itself is fine where that is what the case
/// asks for.
fn ended_well(case: &Case, result: &Result<Ending, RunError>) -> Result<bool, String> {
    let settings = &case.settings;
    let small_budget = settings.memory_budget.is_some_and(|bytes| bytes < 1 << 30);
    match result {
        Ok(Ending::Finished) => Ok(true),
        Err(RunError::Deadlock { why, .. })
            if (small_budget && why.contains("budget"))
                || (settings.on_deadlock == OnDeadlock::Fail && why.contains("on_deadlock")) =>
        {
            Ok(false)
        }
        Ok(ending) => Err(format!("the run ended as {ending:?}")),
        Err(error) => Err(format!("the run failed: {error}")),
    }
}

/// Every node has closed, every module was opened and closed once, and no packet is left.
pub(crate) fn all_closed(outcome: Outcome, bench: &Bench) -> Result<(), String> {
    if let Some(node) = outcome.nodes.iter().find(|node| !node.closed) {
        return Err(format!("{} has not closed", node.name));
    }
    drop(outcome);
    bench.left_behind()
}

/// What was sent is what was taken and what was dropped.
fn check_counts(
    case: &Case,
    outcome: &Outcome,
    read: &BTreeMap<String, u64>,
) -> Result<(), String> {
    let arrived = |link: &LinkOutcome| link.packets - link.dropped.total();
    for node in &outcome.nodes {
        let inputs = outcome
            .links
            .iter()
            .filter(|link| link.consumer == node.name);
        let arrived: u64 = inputs.map(arrived).sum();
        if !takes_again(case, node) && arrived != node.packets_in {
            return Err(format!(
                "{} took {} packets of {arrived} that arrived",
                node.name, node.packets_in
            ));
        }
        let mut sent = BTreeMap::new();
        for link in outcome
            .links
            .iter()
            .filter(|link| link.producer == node.name)
        {
            let before = sent.insert(&link.stream, link.packets);
            if before.is_some_and(|before| before != link.packets) {
                return Err(format!(
                    "{}: not all of {} was sent to all",
                    node.name, link.stream
                ));
            }
        }
        let sent: u64 = sent.values().sum();
        if sent != node.packets_out {
            let out = node.packets_out;
            return Err(format!(
                "{} sent {out} packets, its links {sent}",
                node.name
            ));
        }
    }
    for link in outcome
        .links
        .iter()
        .filter(|link| link.consumer == "the application")
    {
        let read = read.get(&link.stream).copied().unwrap_or(0);
        if read != arrived(link) {
            return Err(format!("{link:?}: {read} packets were read"));
        }
    }
    Ok(())
}

/// Whether a node's policy gives packets more than once.
fn takes_again(case: &Case, node: &NodeOutcome) -> bool {
    let id = node.name.trim_start_matches('n').split(['.', '#']).next();
    let id = id.and_then(|id| id.parse::<usize>().ok());
    let spec = case.nodes.iter().find(|spec| Some(spec.id) == id);
    spec.is_some_and(|spec| {
        matches!(
            spec.kind,
            Kind::Join(Policy::ClockSync | Policy::FrameSync { .. })
        )
    })
}

/// Whether two runs in a reproducible order must be the same in everything.
pub(crate) fn is_reproducible(case: &Case) -> bool {
    !case.settings.live && case.settings.pauses == 0
}
