//! A running graph: started from a plan, watched, ended. What it is made of is put together in
//! `assemble`; the steps themselves are in `node`, pausing and stopping in `control`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bmf_core::Ending;
use bmf_core::config::GraphMode;
use bmf_scheduler::{Config, Scheduler};
use bmf_streams::{Link, Peer};

use crate::assemble::{Assembled, add_to, assemble, ends};
use crate::executors::Executors;
use crate::live::{Feed, GraphInput, GraphOutput, Tap};
use crate::plan::MOST_WORKERS;
use crate::shared::{Outside, Phase, Shared, lock};
use crate::waiting::{self, WaitReport};
use crate::{GraphPlan, LinkOutcome, NodeOutcome, Outcome, RunError};

/// How a graph is run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Worker threads of the default executor, 1024 at most; `None`: as many as there are cores.
    pub workers: Option<usize>,
    /// Run everything on one worker, in one reproducible order; executors are left aside.
    pub inline: bool,
    /// Fail when nothing has moved for so long, naming what is stuck. Overrides the graph's
    /// `time_out`.
    pub time_out: Option<Duration>,
}

/// A graph that is running. Dropping it cancels it.
pub struct Graph {
    pub(crate) shared: Arc<Shared>,
    pub(crate) scheduler: Arc<Scheduler>,
    plan: GraphPlan,
    /// What has not been taken.
    inputs: Vec<GraphInput>,
    outputs: Vec<GraphOutput>,
    /// What it shares with them, taken or not.
    pub(crate) feeds: Arc<[Arc<Feed>]>,
    pub(crate) taps: Vec<Arc<Tap>>,
    started: Instant,
    joined: bool,
}

/// How far a graph has come.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Media time that all sinks have passed, counted from their first packets.
    pub position: Option<Duration>,
    /// Length of the longest source, where sources know it.
    pub duration: Option<Duration>,
    /// Packets that have reached the sink input that has received most: of those that take
    /// pictures, where there are any.
    pub packets: u64,
    /// Links that are full just now.
    pub full_links: usize,
}

impl GraphPlan {
    /// Creates the modules and starts the graph. Streams that the application feeds or reads are
    /// then in the graph's hands: [`Graph::take_input`], [`Graph::take_output`].
    ///
    /// # Errors
    /// When a module refuses its options (which `check` should have found), or when threads are
    /// refused.
    pub fn start(self, options: &RunOptions) -> Result<Graph, RunError> {
        self.dump()?;
        let executors = Executors::new(&self, options.inline);
        let assembled = assemble(&self, executors.configs.len())?;
        let Assembled {
            shared,
            nodes,
            inputs,
            outputs,
        } = assembled;
        let shared = Arc::new(shared);
        let workers = if options.inline {
            1
        } else {
            options
                .workers
                .unwrap_or_else(available_cores)
                .clamp(1, MOST_WORKERS)
        };
        let quiet = Arc::clone(&shared);
        let scheduler = Arc::new(Scheduler::new(Config {
            workers,
            name: "bmf".to_owned(),
            executors: executors.configs.clone(),
            on_quiet: Box::new(move |context| waiting::on_quiet(&quiet, context)),
        }));
        add_to(&scheduler, &shared, nodes, &self, &executors);
        let configured = Some(self.config.option.time_out).filter(|seconds| *seconds > 0.0);
        let configured = configured.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let outside = Outside {
            shared: Arc::clone(&shared),
            waker: scheduler.waker(),
        };
        let (feeds, taps) = ends(inputs, outputs, &outside);
        let graph = Graph {
            started: Instant::now(),
            joined: false,
            plan: self,
            inputs: feeds.iter().cloned().map(GraphInput::new).collect(),
            outputs: taps.iter().cloned().map(GraphOutput::new).collect(),
            feeds: feeds.into(),
            taps,
            shared,
            scheduler,
        };
        graph.start_threads(options.time_out.or(configured))?;
        Ok(graph)
    }

    /// Runs the graph to its end: [`start`](Self::start) and [`Graph::wait`].
    ///
    /// # Errors
    /// Those of `start`, and when the graph has streams that an application must feed or read. What
    /// happens during the run is in the outcome.
    pub fn run(self, options: &RunOptions) -> Result<Outcome, RunError> {
        self.check_self_driven()?;
        Ok(self.start(options)?.wait())
    }

    /// Whether the graph runs by itself.
    ///
    /// # Errors
    /// When it is of a mode in which an application feeds or reads some of its streams.
    pub fn check_self_driven(&self) -> Result<(), RunError> {
        if self.config.mode == GraphMode::Normal {
            return Ok(());
        }
        Err(RunError::Unsupported(format!(
            "a graph of mode {} is driven by an application that feeds or reads its streams; only \
             graphs of mode Normal run by themselves",
            self.config.mode.name()
        )))
    }

    /// Writes the graph next to the caller if it asks for that with BMF's `dump_graph`.
    fn dump(&self) -> Result<(), RunError> {
        let option = &self.config.option;
        if !option.dump_graph {
            return Ok(());
        }
        let name = option.graph_name.as_deref().unwrap_or("graph");
        let path = format!("{name}.json");
        let is_source = self
            .config
            .source
            .as_ref()
            .is_some_and(|source| *source.name == *path);
        if is_source || name.contains(['/', '\\']) {
            return Err(RunError::Unsupported(format!(
                "dump_graph does not write \"{path}\": it is the graph itself, or not beside it"
            )));
        }
        let text = format!("{:#}\n", crate::read::to_json(&self.config));
        std::fs::write(&path, text).map_err(|error| RunError::System {
            what: format!("cannot write \"{path}\", which the graph asks for with dump_graph"),
            error,
        })
    }
}

impl Graph {
    /// Starts the workers, and the watchdog where there is a time-out.
    fn start_threads(&self, time_out: Option<Duration>) -> Result<(), RunError> {
        let refused = |error| RunError::System {
            what: "cannot start the worker threads".to_owned(),
            error,
        };
        if let Some(time_out) = time_out {
            waiting::watch(&self.shared, &self.scheduler, time_out).map_err(refused)?;
        }
        if let Err(error) = self.scheduler.start() {
            // Whatever has opened already is closed by this thread.
            self.control().cancel();
            self.scheduler.run_here();
            return Err(refused(error));
        }
        Ok(())
    }

    /// A stream that the application feeds, by name. Each can be taken once; those that are not
    /// taken end when the graph is waited for.
    pub fn take_input(&mut self, stream: &str) -> Option<GraphInput> {
        let index = self
            .inputs
            .iter()
            .position(|input| input.name() == stream)?;
        Some(self.inputs.remove(index))
    }

    /// A stream that the application reads, by name. Each can be taken once; those that are not
    /// taken are not read, and nothing waits for them, once the graph is waited for.
    pub fn take_output(&mut self, stream: &str) -> Option<GraphOutput> {
        let index = self
            .outputs
            .iter()
            .position(|output| output.name() == stream)?;
        Some(self.outputs.remove(index))
    }

    /// Waits for the end and tells what happened; a pause ends with that. A node that is stuck inside its module when the
    /// run is failed or cancelled is left behind: its thread cannot be ended, everything else is
    /// closed.
    pub fn wait(mut self) -> Outcome {
        self.let_go();
        waiting::until_finished(&self.shared, &self.scheduler);
        self.end()
    }

    /// The same, calling `tick` about every `interval` while the graph runs.
    pub fn wait_with(mut self, interval: Duration, mut tick: impl FnMut(&Progress)) -> Outcome {
        self.let_go();
        let mut watch = waiting::Watch::new(&self.shared);
        while !watch.wait(&self.shared, &self.scheduler, Some(interval)) {
            tick(&self.progress());
        }
        self.end()
    }

    /// Nobody will feed or read what has not been taken, nor end a pause.
    fn let_go(&mut self) {
        self.inputs.clear();
        self.outputs.clear();
        self.resume();
    }

    /// Who waits for whom now. Of a graph that runs this is a blurred picture.
    pub fn waiting(&self) -> WaitReport {
        let phase_of = |index| self.scheduler.stats(self.shared.slot(index)).phase;
        WaitReport::new(&self.shared, phase_of)
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let nodes = &self.shared.nodes;
        let sinks = || nodes.iter().filter(|node| node.outputs.is_empty());
        let counted = nodes.iter().flat_map(|node| &node.counted);
        let packets = counted.map(|link| link.stats()).map(|stats| {
            // What waits has not arrived yet.
            stats.packets.saturating_sub(stats.waiting as u64)
        });
        // Read first, so that what is read next is at least as far.
        let packets = packets.max().unwrap_or(0);
        let durations = nodes.iter().filter_map(|node| node.context.duration());
        Progress {
            position: sinks().filter_map(|node| node.counts.position()).min(),
            duration: durations
                .max()
                .map(|micros| Duration::from_micros(micros.unsigned_abs())),
            packets,
            full_links: nodes
                .iter()
                .flat_map(|node| &node.outputs)
                .filter(|link| link.is_full())
                .count(),
        }
    }

    /// Joins the workers, unless one is stuck, and collects what is known.
    fn end(&mut self) -> Outcome {
        self.joined = true;
        if self.shared.nodes_left() == 0 {
            self.scheduler.join();
        } else {
            self.scheduler.shutdown();
        }
        let nodes = self.node_outcomes();
        let stopped = self.shared.phase() == Phase::Stopping;
        let ending = if stopped {
            Ending::Stopped
        } else {
            Ending::Finished
        };
        let mut outcome = Outcome {
            result: self.shared.take_failure().map_or(Ok(ending), Err),
            elapsed: self.started.elapsed(),
            nodes,
            links: self.link_outcomes(),
        };
        let warnings = outcome.warnings();
        let finished = matches!(outcome.result, Ok(Ending::Finished));
        if self.plan.is_strict() && finished && !warnings.is_empty() {
            outcome.result = Err(RunError::Strict { warnings });
        }
        outcome
    }

    fn node_outcomes(&self) -> Vec<NodeOutcome> {
        let mut outcomes = Vec::with_capacity(self.shared.nodes.len());
        for (index, node) in self.shared.nodes.iter().enumerate() {
            let config = &self.plan.nodes[index].config;
            let stats = self.scheduler.stats(self.shared.slot(index));
            outcomes.push(NodeOutcome {
                id: config.id,
                name: node.name.clone(),
                module: config.module.name.clone(),
                tasks: node.counts.tasks.load(Ordering::Relaxed),
                packets_in: node.counts.packets_in.load(Ordering::Relaxed),
                packets_out: node.counts.packets_out.load(Ordering::Relaxed),
                busy: Duration::from_nanos(stats.busy_ns),
                closed: stats.phase == bmf_scheduler::Phase::Done,
                report: lock(&node.report).take().unwrap_or_default(),
            });
        }
        outcomes
    }

    fn link_outcomes(&self) -> Vec<LinkOutcome> {
        let name = |peer: Peer| self.shared.name_of(peer).to_owned();
        let outcome = |link: &Arc<Link>| {
            let stats = link.stats();
            LinkOutcome {
                stream: link.stream().to_owned(),
                producer: name(link.producer()),
                consumer: name(link.consumer()),
                packets: stats.packets,
                peak: stats.peak,
                limit: stats.limit,
                raised: stats.raised,
                dropped: stats.dropped,
            }
        };
        let is_fed = |link: &&Arc<Link>| self.shared.node_at(link.producer()).is_none();
        let nodes = || self.shared.nodes.iter();
        let fed = nodes().flat_map(|node| node.inputs.iter().map(|input| &input.link));
        let made = nodes().flat_map(|node| &node.outputs);
        fed.filter(is_fed).chain(made).map(outcome).collect()
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if !self.joined {
            self.control().cancel();
            waiting::until_finished(&self.shared, &self.scheduler);
            let _ = self.end();
        }
    }
}

fn available_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
