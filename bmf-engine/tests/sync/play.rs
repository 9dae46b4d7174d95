//! Scripts: what a test does to a graph, a line for each step, and what it sees.
//!
//! ```text
//! a 1@1 2@2      adds packets to the stream `a`
//! a ->6          promises that nothing before 6 follows
//! try a 1@1      adds a packet only if there is room
//! close a        ends the stream
//! job a          ends a job on it
//! end            ends all streams and waits for the end of the run
//! finish         waits for the end of the run without ending anything
//! release s 2    lets the node `s` of kind `sem` through twice
//! entered s 2    waits until it has begun two calls
//! until x 2      waits until two packets have come on the observed stream `x`, in all
//! failed a       waits until the run has failed, which who feeds `a` is told
//! pause, resume, cancel, stop, flush, waiting
//! ```
//!
//! After each line the graph works off what it can, unless the line ends with `no wait`; then the
//! line is shown with what is new on the observed streams, and what test nodes have logged.

use std::time::Instant;

use bmf_core::{Diagnostics, Ending};
use bmf_engine::{
    AddError, Graph, GraphInput, GraphOutput, GraphPlan, Outcome, Polled, RunOptions,
};
use bmf_hmp::{Bound, Packet, Timestamp};

use crate::bench::{Bench, DEADLINE};
use crate::{graph, nodes, text};

/// A graph under test.
pub(crate) struct Play {
    pub(crate) bench: Bench,
    graph: Option<Graph>,
    inputs: Vec<GraphInput>,
    pub(crate) observed: Vec<Observed>,
    paused: bool,
    /// Whether the observed streams are left unread.
    pub(crate) silent: bool,
    /// How the run ended.
    ending: String,
}

pub(crate) struct Observed {
    pub(crate) output: GraphOutput,
    with_bounds: bool,
    /// What was read and not shown yet.
    early: Vec<String>,
    /// All that was ever read.
    pub(crate) all: Vec<String>,
    /// How far it was seen: the time of the last packet, or of the last empty time.
    seen: Option<Timestamp>,
}

/// Plays a script on a graph with one, two and four workers, which must make no difference, and
/// shows what came out.
pub(crate) fn check(graph: &str, script: &str) -> String {
    check_on(&[1, 2, 4], graph, script)
}

/// The same with other numbers of workers; 0 is one worker in a reproducible order.
pub(crate) fn check_on(workers: &[usize], graph: &str, script: &str) -> String {
    let mut shown: Option<String> = None;
    for &count in workers {
        let now = Play::start(graph, count)
            .unwrap_or_else(|refused| panic!("{refused}"))
            .run(script);
        match &shown {
            None => shown = Some(now),
            Some(before) => assert_eq!(*before, now, "with {count} workers"),
        }
    }
    shown.unwrap_or_default()
}

/// Plays a script in which it does not matter what is seen when: shows all that came on each
/// stream, and how the run ended.
pub(crate) fn totals(workers: &[usize], graph: &str, script: &str) -> String {
    let mut shown: Option<String> = None;
    for &count in workers {
        let mut play = Play::start(graph, count).unwrap_or_else(|refused| panic!("{refused}"));
        play.run(script);
        let all = play
            .observed
            .iter()
            .map(|observed| format!("{}=[{}]\n", observed.output.name(), observed.all.join(",")));
        let now = all.collect::<String>() + &play.ending;
        match &shown {
            None => shown = Some(now),
            Some(before) => assert_eq!(*before, now, "with {count} workers"),
        }
    }
    shown.unwrap_or_default()
}

/// Why a graph is refused.
pub(crate) fn refused(graph: &str) -> String {
    match Play::start(graph, 1) {
        Ok(_) => "accepted".to_owned(),
        Err(refused) => refused,
    }
}

impl Play {
    pub(crate) fn start(graph: &str, workers: usize) -> Result<Self, String> {
        let bench = Bench::default();
        let text = graph::read(graph);
        let names = |streams: &[bmf_core::config::StreamConfig]| -> Vec<String> {
            streams.iter().map(|stream| stream.name.clone()).collect()
        };
        let inputs = names(&text.config.inputs);
        let outputs = names(&text.config.outputs);
        let registry = nodes::registry(&bench);
        let plan = GraphPlan::new(text.config, &registry, false, Diagnostics::default());
        let plan = plan.map_err(|found| found.to_string())?;
        let options = RunOptions {
            workers: Some(workers.max(1)),
            inline: workers == 0,
            time_out: Some(DEADLINE),
        };
        let mut graph = plan.start(&options).map_err(|error| error.to_string())?;
        let inputs = inputs
            .iter()
            .map(|name| graph.take_input(name).unwrap())
            .collect();
        let observed = outputs.iter().map(|name| Observed {
            output: graph.take_output(name).unwrap(),
            with_bounds: text.with_bounds.contains(name),
            early: Vec::new(),
            all: Vec::new(),
            seen: None,
        });
        Ok(Self {
            bench,
            inputs,
            observed: observed.collect(),
            paused: false,
            silent: false,
            ending: "not ended".to_owned(),
            graph: Some(graph),
        })
    }

    /// Plays a script; shows each line with what came of it.
    pub(crate) fn run(&mut self, script: &str) -> String {
        let lines = script
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        lines
            .map(|line| self.line(line))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn line(&mut self, line: &str) -> String {
        let (command, waits) = match line.strip_suffix("no wait") {
            Some(command) => (command.trim(), false),
            None => (line, true),
        };
        let mut said = self.command(command);
        if waits && !self.paused {
            self.wait_idle();
        }
        said.extend(self.news(waits));
        said.extend(self.bench.take_log());
        if said.is_empty() {
            said.push("-".to_owned());
        }
        format!("{line}: {}", said.join(" | "))
    }

    fn command(&mut self, command: &str) -> Vec<String> {
        let mut words = command.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let control = self.graph.as_ref().map(Graph::control);
        match (verb, rest.as_slice()) {
            ("end", _) => {
                self.inputs.iter().for_each(GraphInput::end);
                return self.finish();
            }
            ("finish", _) => return self.finish(),
            ("close", names) => names.iter().for_each(|name| self.input(name).end()),
            ("job", names) => {
                for name in names {
                    self.input(name).end_job().unwrap();
                }
            }
            ("release", [node, count]) => self.bench.release(node, count.parse().unwrap()),
            ("entered", [node, count]) => self.bench.until_entered(node, count.parse().unwrap()),
            ("until", [name, count]) => {
                let mut observed = self.observed.iter_mut();
                let observed = observed.find(|observed| observed.output.name() == *name);
                observed.unwrap().until(count.parse().unwrap());
            }
            ("failed", [name]) => self.until_failed(name),
            ("pause", _) => {
                self.graph().pause();
                self.paused = true;
            }
            ("resume" | "cancel" | "stop", _) => {
                match (verb, control) {
                    ("cancel", Some(control)) => control.cancel(),
                    ("stop", Some(control)) => control.stop(),
                    _ => self.graph().resume(),
                }
                self.paused = false;
            }
            ("flush", _) => self.graph().flush(None).unwrap(),
            ("waiting", _) => return vec![self.graph().waiting().to_string()],
            ("wait", _) => {}
            ("try", [name, packets @ ..]) => return self.add(name, packets, GraphInput::try_add),
            (name, packets) => return self.add(name, packets, GraphInput::add),
        }
        Vec::new()
    }

    /// Adds packets and bounds; tells what was refused.
    fn add(
        &self,
        name: &str,
        items: &[&str],
        add: impl Fn(&GraphInput, Packet) -> Result<(), AddError>,
    ) -> Vec<String> {
        let input = self.input(name);
        let mut refused = Vec::new();
        for item in items {
            let added = match item.strip_prefix("->") {
                Some(bound) => input.set_bound(text::bound(bound)),
                None => add(input, text::packet(item)),
            };
            refused.extend(added.err().map(|error| format!("{item}: {error}")));
        }
        refused
    }

    /// Waits until the run has failed, which who feeds the stream is told.
    fn until_failed(&self, name: &str) {
        let deadline = Instant::now() + DEADLINE;
        while self.input(name).set_bound(Bound::START).is_ok() {
            assert!(Instant::now() < deadline, "the run does not fail");
            std::thread::yield_now();
        }
    }

    pub(crate) fn input(&self, name: &str) -> &GraphInput {
        let found = self.inputs.iter().find(|input| input.name() == name);
        found.unwrap_or_else(|| panic!("no stream {name} to be fed"))
    }

    fn graph(&self) -> &Graph {
        self.graph.as_ref().expect("the run has not ended")
    }

    /// Waits until the graph has nothing to do.
    pub(crate) fn wait_idle(&self) {
        if let Some(graph) = &self.graph
            && !graph.wait_idle(Some(Instant::now() + DEADLINE))
        {
            panic!("the graph does not come to rest: {}", graph.waiting());
        }
    }

    /// What has come on the observed streams since the last time.
    fn news(&mut self, at_rest: bool) -> Vec<String> {
        if self.silent {
            return Vec::new();
        }
        let observed = self.observed.iter_mut();
        observed
            .filter_map(|observed| observed.news(at_rest))
            .collect()
    }

    /// Waits for the end of the run, reading on.
    fn finish(&mut self) -> Vec<String> {
        let mut read: Vec<Vec<String>> = vec![Vec::new(); self.observed.len()];
        loop {
            self.wait_idle();
            let finished = self.graph().control().is_finished();
            let before: usize = read.iter().map(Vec::len).sum();
            for (observed, read) in self.observed.iter_mut().zip(&mut read) {
                read.extend(observed.read(true));
            }
            if finished {
                break;
            }
            // Reading may have made room.
            if before == read.iter().map(Vec::len).sum::<usize>() {
                let waiting = self.graph().waiting();
                return vec![format!("the run does not end: {waiting}")];
            }
        }
        let mut said: Vec<String> = self
            .observed
            .iter()
            .zip(&read)
            .filter_map(|(o, r)| o.show(r))
            .collect();
        said.extend(self.bench.take_log());
        if let Some(graph) = self.graph.take() {
            let outcome = graph.wait();
            self.ending = show_ending(&outcome);
            said.push(self.ending.clone());
            said.extend(show_drops(&outcome));
        }
        said
    }
}

impl Observed {
    fn news(&mut self, at_rest: bool) -> Option<String> {
        let read = self.read(at_rest);
        self.show(&read)
    }

    fn show(&self, read: &[String]) -> Option<String> {
        (!read.is_empty()).then(|| format!("{}=[{}]", self.output.name(), read.join(",")))
    }

    /// Waits until so many packets have come in all.
    fn until(&mut self, count: usize) {
        while self.all.len() + self.early.len() < count {
            match self.output.next_within(DEADLINE) {
                Polled::Packet(packet) => self.early.push(text::show(&packet)),
                other => panic!("{}: {other:?} instead of a packet", self.output.name()),
            }
        }
    }

    fn read(&mut self, at_rest: bool) -> Vec<String> {
        let mut read = std::mem::take(&mut self.early);
        read.extend(self.read_new(at_rest));
        self.all.extend_from_slice(&read);
        read
    }

    fn read_new(&mut self, at_rest: bool) -> Vec<String> {
        let mut read = Vec::new();
        loop {
            match self.output.try_next() {
                Polled::Packet(packet) => {
                    self.seen = Some(packet.timestamp());
                    read.push(text::show(&packet));
                }
                Polled::JobEnded => read.push("job".to_owned()),
                Polled::Ended => return read,
                Polled::Nothing => break,
            }
        }
        let settled = self.output.bound().settled();
        let settled = settled.filter(|_| self.with_bounds && at_rest);
        if settled > self.seen {
            self.seen = settled;
            read.extend(settled.map(|time| format!("∅@{}", text::show_time(time))));
        }
        read
    }
}

fn show_ending(outcome: &Outcome) -> String {
    match &outcome.result {
        Ok(Ending::Finished) => "ok".to_owned(),
        Ok(ending) => format!("{ending:?}").to_lowercase(),
        Err(error) => format!("error: {error}"),
    }
}

/// What was lost in a run.
fn show_drops(outcome: &Outcome) -> Vec<String> {
    let mut drops = Vec::new();
    for link in &outcome.links {
        let reasons = link.dropped.reasons().into_iter();
        let reasons = reasons.filter(|(_, count)| *count > 0);
        drops.extend(reasons.map(|(why, count)| format!("{} lost {count}: {why}", link.stream)));
    }
    drops
}
