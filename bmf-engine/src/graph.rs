//! A running graph: made from a plan, started, watched, ended. The steps themselves are in `node`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bmf_core::config::GraphMode;
use bmf_core::{Ending, ModuleContext, ModuleDescriptor, PortKind, Task};
use bmf_scheduler::{Config, Priority, Scheduler, Wake};
use bmf_streams::{Inputs, Link, LinkReceiver, LinkSender, Outputs, Peer, policy};

use crate::node::Node;
use crate::outcome::{During, Place};
use crate::shared::{Counts, NodeInfo, Phase, Shared, lock};
use crate::waiting;
use crate::{GraphPlan, LinkOutcome, NodeOutcome, Outcome, PlannedNode, RunError};

/// How a graph is run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Worker threads; `None`: as many as there are cores. One worker runs everything in one
    /// reproducible order.
    pub workers: Option<usize>,
    /// Fail when nothing has moved for so long, naming what is stuck. Overrides the graph's
    /// `time_out`.
    pub time_out: Option<Duration>,
}

/// A graph that is running. Dropping it cancels it.
pub struct Graph {
    shared: Arc<Shared>,
    scheduler: Arc<Scheduler>,
    plan: GraphPlan,
    time_out: Option<Duration>,
    started: Instant,
    joined: bool,
}

/// Controls a running graph from anywhere: another thread, a signal handler's thread.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
    scheduler: Arc<Scheduler>,
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
    /// Creates the modules and starts the graph.
    ///
    /// # Errors
    /// When a module refuses its options (which `check` should have found), when the graph is of a
    /// mode that an application must drive, or when threads are refused.
    pub fn start(self, options: &RunOptions) -> Result<Graph, RunError> {
        let mode = self.config.mode;
        if mode != GraphMode::Normal {
            let text = format!(
                "a graph of mode {} is driven by an application that feeds or reads its streams; \
                 only graphs of mode Normal run by themselves",
                mode.name()
            );
            return Err(RunError::Unsupported(text));
        }
        self.dump()?;
        let (shared, nodes) = assemble(&self)?;
        let shared = Arc::new(shared);
        let workers = options
            .workers
            .map_or_else(available_cores, |count| count.max(1));
        let quiet = Arc::clone(&shared);
        let scheduler = Arc::new(Scheduler::new(Config {
            workers,
            name: "bmf".to_owned(),
            on_quiet: Box::new(move |context| waiting::on_quiet(&quiet, context)),
        }));
        add_to(&scheduler, &shared, nodes, &self.nodes);
        let configured = Some(self.config.option.time_out).filter(|seconds| *seconds > 0.0);
        let configured = configured.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let graph = Graph {
            time_out: options.time_out.or(configured),
            started: Instant::now(),
            joined: false,
            plan: self,
            shared,
            scheduler,
        };
        graph.wake_sources();
        if let Err(error) = graph.scheduler.start() {
            // Whatever has opened already is closed by this thread.
            graph.control().cancel();
            graph.scheduler.run_here();
            return Err(RunError::System {
                what: "cannot start the worker threads".to_owned(),
                error,
            });
        }
        Ok(graph)
    }

    /// Runs the graph to its end: [`start`](Self::start) and [`Graph::wait`].
    ///
    /// # Errors
    /// Those of `start`; what happens during the run is in the outcome.
    pub fn run(self, options: &RunOptions) -> Result<Outcome, RunError> {
        Ok(self.start(options)?.wait())
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
    /// Waits for the end and tells what happened. With a time-out, a node that is stuck inside its
    /// module is left behind: its thread cannot be ended, everything else is closed.
    pub fn wait(mut self) -> Outcome {
        waiting::until_finished(&self.shared, &self.scheduler, self.time_out);
        self.end()
    }

    /// The same, calling `tick` about every `interval` while the graph runs.
    pub fn wait_with(mut self, interval: Duration, mut tick: impl FnMut(&Progress)) -> Outcome {
        let mut watch = waiting::Watch::new(&self.shared, self.time_out);
        while !watch.wait(&self.shared, &self.scheduler, Some(interval)) {
            tick(&self.progress());
        }
        self.end()
    }

    /// A handle to stop or cancel it with.
    pub fn control(&self) -> Control {
        Control {
            shared: Arc::clone(&self.shared),
            scheduler: Arc::clone(&self.scheduler),
        }
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let nodes = &self.shared.nodes;
        let sinks = || nodes.iter().filter(|node| node.outputs.is_empty());
        let counted = sinks().flat_map(|node| &node.counted);
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

    /// Nodes open after their producers, so the sources begin.
    fn wake_sources(&self) {
        for (index, node) in self.shared.nodes.iter().enumerate() {
            if node.unopened_producers.load(Ordering::Relaxed) == 0 {
                self.scheduler.wake(self.shared.slot(index), Wake::Input);
            }
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
        let name = |peer: Peer| self.shared.nodes[peer.0 as usize].name.clone();
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
            }
        };
        let nodes = self.shared.nodes.iter();
        nodes
            .flat_map(|node| node.outputs.iter().map(outcome))
            .collect()
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if !self.joined {
            self.control().cancel();
            waiting::until_finished(&self.shared, &self.scheduler, self.time_out);
            let _ = self.end();
        }
    }
}

impl Control {
    /// Ends the sources and lets everything that is under way reach the sinks: outputs are
    /// complete up to here. The run ends as `Ok(Ending::Stopped)`; one that has ended stays as it is.
    pub fn stop(&self) {
        if self.is_finished() {
            return;
        }
        self.shared.enter(Phase::Stopping);
        self.shared.wake_all(&self.scheduler);
    }

    /// Ends every node after its current step; what is under way is dropped, outputs are closed as
    /// well as possible. The run ends with [`RunError::Cancelled`]; one that has ended stays as it is.
    pub fn cancel(&self) {
        if self.is_finished() {
            return;
        }
        self.shared.fail(RunError::Cancelled);
        self.shared.wake_all(&self.scheduler);
    }

    /// Whether all nodes have come to their end.
    pub fn is_finished(&self) -> bool {
        self.shared.nodes_left() == 0
    }
}

fn available_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The two ends of all links, by node and port.
struct Ends {
    senders: Vec<Vec<Vec<LinkSender>>>,
    receivers: Vec<Vec<Option<LinkReceiver>>>,
}

/// Makes the links of a plan.
fn link_up(plan: &GraphPlan) -> Ends {
    let nodes = plan.nodes.iter();
    let mut ends = Ends {
        senders: nodes
            .clone()
            .map(|node| (0..node.outputs).map(|_| Vec::new()).collect())
            .collect(),
        receivers: nodes
            .map(|node| node.inputs.iter().map(|_| None).collect())
            .collect(),
    };
    for stream in &plan.streams {
        let Some((producer, output)) = stream.producer else {
            continue;
        };
        let name: Arc<str> = stream.name.as_str().into();
        for &(consumer, input) in &stream.consumers {
            let limit = plan.nodes[consumer].queue_length(&plan.config);
            let (from, to) = (peer(producer), peer(consumer));
            let (sender, receiver) = Link::new(Arc::clone(&name), from, to, limit);
            ends.senders[producer][output].push(sender);
            ends.receivers[consumer][input] = Some(receiver);
        }
    }
    ends
}

fn peer(index: usize) -> Peer {
    Peer(u32::try_from(index).expect("node ids are u32, so there are fewer nodes"))
}

/// Everything of a node but what it shares, which exists only once all nodes do.
struct Unshared {
    module: Box<dyn bmf_core::Module>,
    inputs: Inputs,
    outputs: Outputs,
    task: Task,
    batch: usize,
    input_names: Vec<String>,
}

/// Creates the modules and everything around them.
fn assemble(plan: &GraphPlan) -> Result<(Shared, Vec<Unshared>), RunError> {
    let ends = link_up(plan);
    let mut infos = Vec::with_capacity(plan.nodes.len());
    let mut nodes = Vec::with_capacity(plan.nodes.len());
    let ends = ends.senders.into_iter().zip(ends.receivers);
    for (planned, (senders, receivers)) in plan.nodes.iter().zip(ends) {
        let (info, node) = assemble_node(plan, planned, senders, receivers)?;
        infos.push(info);
        nodes.push(node);
    }
    Ok((Shared::new(infos), nodes))
}

fn assemble_node(
    plan: &GraphPlan,
    planned: &PlannedNode,
    senders: Vec<Vec<LinkSender>>,
    receivers: Vec<Option<LinkReceiver>>,
) -> Result<(NodeInfo, Unshared), RunError> {
    let config = &planned.config;
    let descriptor = planned.factory.descriptor();
    let created = planned.factory.create(&config.option);
    let module = created.map_err(|error| RunError::Module {
        at: Box::new(Place {
            node: config.to_string(),
            during: During::Create,
            port: None,
            timestamp: None,
        }),
        error,
    })?;
    let connected_in: Vec<bool> = receivers.iter().map(Option::is_some).collect();
    let connected_out: Vec<bool> = senders.iter().map(|port| !port.is_empty()).collect();
    let inputs: Vec<_> = receivers
        .iter()
        .flatten()
        .map(|r| Arc::clone(r.link()))
        .collect();
    let outputs: Vec<_> = senders
        .iter()
        .flatten()
        .map(|s| Arc::clone(s.link()))
        .collect();
    let policy = policy::for_manager(planned.input_manager);
    let policy = policy.expect("the plan refuses input managers that there are none of");
    let info = NodeInfo {
        label: config.to_string(),
        name: config.name.clone(),
        is_source: inputs.is_empty(),
        is_sink: descriptor.is_sink,
        may_block: inputs.is_empty() || descriptor.may_block,
        context: ModuleContext::new(
            &config.name,
            plan.is_strict(),
            &connected_in,
            &connected_out,
        ),
        unopened_producers: AtomicUsize::new(inputs.len()),
        outputs,
        counted: counted(&receivers, descriptor),
        inputs,
        counts: Counts::new(),
        report: std::sync::Mutex::new(None),
    };
    let node = Unshared {
        module,
        task: Task::new(&connected_in, &connected_out),
        batch: config.batch.unwrap_or(usize::MAX).max(1),
        input_names: (0..receivers.len())
            .map(|port| descriptor.inputs.name_of(port))
            .collect(),
        inputs: Inputs::new(receivers, policy),
        outputs: Outputs::new(senders),
    };
    Ok((info, node))
}

fn counted(receivers: &[Option<LinkReceiver>], descriptor: &ModuleDescriptor) -> Vec<Arc<Link>> {
    let takes_pictures = |port: usize| {
        let spec = descriptor.inputs.get(port);
        spec.is_some_and(|spec| spec.kind == PortKind::Video)
    };
    let links = |wanted: &dyn Fn(usize) -> bool| -> Vec<Arc<Link>> {
        let receivers = receivers.iter().enumerate();
        let receivers = receivers.filter(|(port, _)| wanted(*port));
        receivers
            .filter_map(|(_, receiver)| Some(Arc::clone(receiver.as_ref()?.link())))
            .collect()
    };
    let pictures = links(&takes_pictures);
    if pictures.is_empty() {
        links(&|_| true)
    } else {
        pictures
    }
}

/// Puts the nodes into the scheduler, in the order of the graph, so that indices agree.
fn add_to(
    scheduler: &Scheduler,
    shared: &Arc<Shared>,
    nodes: Vec<Unshared>,
    planned: &[PlannedNode],
) {
    let mut slots = Vec::with_capacity(nodes.len());
    for (index, (node, planned)) in nodes.into_iter().zip(planned).enumerate() {
        let is_source = shared.nodes[index].is_source;
        let priority = if is_source {
            Priority::SOURCE
        } else {
            Priority::from_sink(planned.hops_to_sink)
        };
        let node = Node {
            index,
            shared: Arc::clone(shared),
            module: node.module,
            inputs: node.inputs,
            outputs: node.outputs,
            task: node.task,
            batch: node.batch,
            input_names: node.input_names,
            opened: false,
            announced: false,
            // A source has no input that would get it going.
            more: is_source,
        };
        slots.push(scheduler.add(Box::new(node), priority));
    }
    let set = shared.slots.set(slots);
    debug_assert!(set.is_ok(), "a graph is added to one scheduler");
}
