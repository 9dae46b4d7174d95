//! Makes everything of a running graph out of its plan: modules, links, nodes. Runs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bmf_core::config::{InputManager, LinkConfig, OnFull, TimeOrder};
use bmf_core::{Module, ModuleContext, PortKind, Task};
use bmf_scheduler::{Priority, Scheduler};
use bmf_streams::policy::{self, InputPolicy, Purpose};
use bmf_streams::{Budget, Inputs, Link, LinkReceiver, LinkSender, LinkSettings, Outputs, Peer};

use crate::executors::Executors;
use crate::live::{Feed, Gate, Tap};
use crate::node::Node;
use crate::outcome::{During, Place};
use crate::panics;
use crate::parallel::{Collector, Distributor, Instance};
use crate::plan::{Part, module_options};
use crate::shared::{Counts, InLink, NodeInfo, Outside, Shared};
use crate::{GraphPlan, PlannedNode, RunError};

/// BMF's limit for the packets that wait on an input.
const DEFAULT_QUEUE_LENGTH: usize = 5;

/// A graph that has not been started.
pub(crate) struct Assembled {
    pub(crate) shared: Shared,
    pub(crate) nodes: Vec<Unshared>,
    /// What the application feeds, by stream: with a sender for each consumer.
    pub(crate) inputs: Vec<(String, Vec<LinkSender>)>,
    /// What the application reads, by stream.
    pub(crate) outputs: Vec<(String, LinkReceiver)>,
}

/// Everything of a node but what it shares, which exists only once all nodes do.
pub(crate) struct Unshared {
    module: Box<dyn Module>,
    inputs: Inputs,
    outputs: Outputs,
    task: Task,
    batch: usize,
}

/// Creates the modules and everything around them.
pub(crate) fn assemble(plan: &GraphPlan, executors: usize) -> Result<Assembled, RunError> {
    let budget = plan.config.option.memory_budget.map(to_usize);
    let budget = budget.map(|bytes| Arc::new(Budget::new(bytes)));
    let needs_bounds = needs_bounds(plan);
    let mut ends = Ends::new(plan);
    ends.link_up(plan, &needs_bounds, budget.as_ref());
    let mut infos = Vec::with_capacity(plan.nodes.len());
    let mut nodes = Vec::with_capacity(plan.nodes.len());
    let of_nodes = ends.senders.into_iter().zip(ends.receivers);
    for (index, (senders, receivers)) in of_nodes.enumerate() {
        let planned = &plan.nodes[index];
        let policy = policy_of(planned, needs_bounds[index]);
        let assembled = assemble_node(plan, planned, senders, receivers, policy);
        let (mut info, node) = assembled.inspect_err(|_| discard(&mut nodes))?;
        info.is_told_of_bounds = is_told_of_bounds(planned, needs_bounds[index]);
        infos.push(info);
        nodes.push(node);
    }
    let gates = ends.inputs.len() + ends.outputs.len();
    let gates = (0..gates).map(|_| Arc::new(Gate::default())).collect();
    let on_deadlock = plan.config.option.on_deadlock;
    Ok(Assembled {
        shared: Shared::new(infos, gates, budget, on_deadlock, executors),
        nodes,
        inputs: ends.inputs,
        outputs: ends.outputs,
    })
}

/// The two ends of all links, by node and port; and those that the application holds.
struct Ends {
    senders: Vec<Vec<Vec<LinkSender>>>,
    receivers: Vec<Vec<Option<LinkReceiver>>>,
    inputs: Vec<(String, Vec<LinkSender>)>,
    outputs: Vec<(String, LinkReceiver)>,
}

impl Ends {
    fn new(plan: &GraphPlan) -> Self {
        let nodes = plan.nodes.iter();
        Self {
            senders: nodes
                .clone()
                .map(|node| (0..node.outputs).map(|_| Vec::new()).collect())
                .collect(),
            receivers: nodes
                .map(|node| node.inputs.iter().map(|_| None).collect())
                .collect(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Makes the links. The application's ends have numbers after those of the nodes: first the
    /// streams it feeds, then those it reads.
    fn link_up(&mut self, plan: &GraphPlan, needs_bounds: &[bool], budget: Option<&Arc<Budget>>) {
        let fed = |stream: &&crate::PlannedStream| stream.producer.is_none();
        let mut next_output = plan.nodes.len() + plan.streams.iter().filter(fed).count();
        for stream in &plan.streams {
            let name: Arc<str> = stream.name.as_str().into();
            let from = match stream.producer {
                Some((node, _)) => node,
                None => plan.nodes.len() + self.inputs.len(),
            };
            let mut senders = Vec::new();
            for link in &stream.consumers {
                let node = &plan.nodes[link.node];
                let mut settings = settings(plan, Some(node), link.settings, budget);
                settings.bounds = needs_bounds[link.node];
                let (sender, receiver) =
                    Link::new(Arc::clone(&name), peer(from), peer(link.node), &settings);
                senders.push(sender);
                self.receivers[link.node][link.port] = Some(receiver);
            }
            if let Some(link) = stream.application {
                let settings = settings(plan, None, link, budget);
                let (from, to) = (peer(from), peer(next_output));
                let (sender, receiver) = Link::new(Arc::clone(&name), from, to, &settings);
                receiver.want_bounds();
                next_output += 1;
                senders.push(sender);
                self.outputs.push((stream.name.clone(), receiver));
            }
            match stream.producer {
                Some((node, port)) => self.senders[node][port].extend(senders),
                None => self.inputs.push((stream.name.clone(), senders)),
            }
        }
    }
}

/// Which nodes have use for timestamp bounds on their inputs: those that go by time, and those that
/// feed one, for they may pass bounds on. So do streams that the application reads.
fn needs_bounds(plan: &GraphPlan) -> Vec<bool> {
    let cares = |node: &PlannedNode| {
        let is_mine = matches!(node.part, Part::Whole | Part::Distributor(_));
        let wants = is_mine && node.factory.descriptor().wants_bounds;
        wants || policy_of(node, false).is_timed()
    };
    let mut needs: Vec<bool> = plan.nodes.iter().map(cares).collect();
    let mut producers: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for stream in &plan.streams {
        if let Some((producer, _)) = stream.producer {
            needs[producer] |= stream.application.is_some();
            stream
                .consumers
                .iter()
                .for_each(|link| producers[link.node].push(producer));
        }
    }
    let mut found: Vec<usize> = (0..needs.len()).filter(|&node| needs[node]).collect();
    while let Some(node) = found.pop() {
        for &producer in &producers[node] {
            if !std::mem::replace(&mut needs[producer], true) {
                found.push(producer);
            }
        }
    }
    needs
}

/// What holds for one link: its own settings, then those of its consumer, then the graph's.
fn settings(
    plan: &GraphPlan,
    consumer: Option<&PlannedNode>,
    link: LinkConfig,
    budget: Option<&Arc<Budget>>,
) -> LinkSettings {
    let node = consumer.map(|node| &node.config);
    let option = &plan.config.option;
    let packets = link
        .queue_length_limit
        .or(node.and_then(|node| node.queue_length_limit))
        .or(option.queue_length_limit);
    let bytes = link
        .queue_bytes_limit
        .or(node.and_then(|node| node.queue_bytes_limit))
        .or(option.queue_bytes_limit);
    let by_time = consumer.is_some_and(|node| policy_of(node, false).is_timed());
    let default_order = if by_time {
        TimeOrder::Error
    } else {
        TimeOrder::Any
    };
    LinkSettings {
        limit: packets.unwrap_or(DEFAULT_QUEUE_LENGTH),
        bytes: bytes.map(to_usize),
        on_full: link.on_full.unwrap_or(OnFull::Block),
        order: link.time_order.unwrap_or(default_order),
        back_edge: link.back_edge,
        bounds: true,
        budget: budget.cloned(),
    }
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn peer(index: usize) -> Peer {
    Peer(u32::try_from(index).expect("node ids are u32, so there are fewer nodes"))
}

/// Whether a node gets tasks for bounds alone. A distributor of a node that passes bounds on needs to
/// hear of them.
fn is_told_of_bounds(node: &PlannedNode, passes_bounds_on: bool) -> bool {
    let wants = node.factory.descriptor().wants_bounds;
    match node.part {
        Part::Whole => wants,
        Part::Distributor(_) => wants || passes_bounds_on,
        Part::Instance | Part::Collector => false,
    }
}

/// The input policy of a node.
fn policy_of(node: &PlannedNode, passes_bounds_on: bool) -> Box<dyn InputPolicy> {
    let purpose = Purpose {
        ports: crate::plan::input_names(&node.config, &*node.factory),
        bounds: is_told_of_bounds(node, passes_bounds_on),
    };
    policy::build(&node.input_manager, &purpose)
        .unwrap_or_else(|_| unreachable!("the plan has built this policy once already"))
}

fn assemble_node(
    plan: &GraphPlan,
    planned: &PlannedNode,
    senders: Vec<Vec<LinkSender>>,
    receivers: Vec<Option<LinkReceiver>>,
    policy: Box<dyn InputPolicy>,
) -> Result<(NodeInfo, Unshared), RunError> {
    let config = &planned.config;
    let connected_in: Vec<bool> = receivers.iter().map(Option::is_some).collect();
    let connected_out: Vec<bool> = senders.iter().map(|port| !port.is_empty()).collect();
    let module = create_module(planned)?;
    let mut info = node_info(plan, planned, &senders, &receivers);
    info.goes_by_time = policy.is_timed();
    let inputs = Inputs::new(receivers, policy);
    if info.goes_by_time {
        inputs.want_bounds();
    }
    let node = Unshared {
        module,
        task: Task::new(&connected_in, &connected_out),
        batch: config.batch.unwrap_or(usize::MAX).max(1),
        inputs,
        outputs: Outputs::new(senders),
    };
    Ok((info, node))
}

/// Drops the modules of a graph that does not come about, whose error is told already.
fn discard(nodes: &mut Vec<Unshared>) {
    for node in nodes.drain(..) {
        if let Err(message) = panics::caught(|| drop(node)) {
            log::error!("a module panicked when it was dropped: {message}");
        }
    }
}

fn create_module(planned: &PlannedNode) -> Result<Box<dyn Module>, RunError> {
    let at = || {
        Box::new(Place {
            node: planned.config.to_string(),
            during: During::Create,
            port: None,
            timestamp: None,
        })
    };
    let create = || {
        let options = module_options(&planned.config);
        match panics::caught(|| planned.factory.create(&options)) {
            Ok(Ok(module)) => Ok(module),
            Ok(Err(error)) => Err(RunError::Module { at: at(), error }),
            Err(message) => Err(RunError::Panic { at: at(), message }),
        }
    };
    Ok(match planned.part {
        Part::Whole => create()?,
        Part::Collector => Box::new(Collector::default()),
        Part::Distributor(distribution) => {
            let manager = &planned.input_manager;
            let timed = manager
                .options
                .get("timed")
                .and_then(|timed| timed.as_bool());
            let one_by_one = manager.manager == InputManager::Immediate && timed != Some(true);
            Box::new(Distributor::new(distribution, one_by_one))
        }
        Part::Instance => {
            let task = Task::new(&planned.connected.0, &planned.connected.1);
            let wants_bounds = planned.factory.descriptor().wants_bounds;
            Box::new(Instance::new(create()?, task, wants_bounds))
        }
    })
}

fn node_info(
    plan: &GraphPlan,
    planned: &PlannedNode,
    senders: &[Vec<LinkSender>],
    receivers: &[Option<LinkReceiver>],
) -> NodeInfo {
    let config = &planned.config;
    let descriptor = planned.factory.descriptor();
    let in_links = receivers.iter().enumerate().filter_map(|(port, receiver)| {
        let link = Arc::clone(receiver.as_ref()?.link());
        Some(InLink { port, link })
    });
    let inputs: Vec<InLink> = in_links.collect();
    let is_mine = matches!(planned.part, Part::Whole | Part::Instance);
    NodeInfo {
        label: config.to_string(),
        name: config.name.clone(),
        is_source: inputs.is_empty(),
        // The parts of a sink do not work for nobody: where no instance takes anything, it is over.
        is_sink: descriptor.is_sink && !matches!(planned.part, Part::Distributor(_)),
        is_fed: inputs.iter().any(|input| is_outside(plan, &input.link)),
        may_block: is_mine
            && (inputs.is_empty() || descriptor.may_block || descriptor.flushes_early),
        any_room: match planned.part {
            Part::Whole => descriptor.any_room,
            Part::Distributor(distribution) => {
                distribution == bmf_core::config::Distribution::LeastLoaded
            }
            Part::Instance | Part::Collector => false,
        },
        is_told_room: planned.part == Part::Collector,
        needs_all: matches!(planned.part, Part::Distributor(_)),
        flushes_early: planned.part == Part::Whole && descriptor.flushes_early,
        // The parts of a parallel node have outputs of their own.
        most_outputs: match planned.part {
            Part::Whole => descriptor.outputs.limits().1,
            Part::Instance => descriptor.outputs.limits().1.map(|most| most.max(1)),
            Part::Distributor(_) | Part::Collector => None,
        },
        is_told_of_bounds: false,
        goes_by_time: false,
        context: context(plan, planned),
        unopened_producers: AtomicUsize::new(count_openers(plan, &inputs)),
        announced: AtomicBool::new(false),
        outputs: senders
            .iter()
            .flatten()
            .map(|s| Arc::clone(s.link()))
            .collect(),
        counted: counted(planned, receivers),
        input_names: input_names(planned, receivers.len()),
        inputs,
        counts: Counts::new(),
        awaited: crate::shared::AwaitedCell::default(),
        report: std::sync::Mutex::new(None),
    }
}

fn context(plan: &GraphPlan, planned: &PlannedNode) -> ModuleContext {
    let (inputs, outputs) = &planned.connected;
    let name = &planned.config.name;
    let context = ModuleContext::new(name, plan.is_strict(), inputs, outputs);
    context.set_threads(plan.config().option.threads);
    context
}

/// Names of the input ports, where they are ports of the module.
fn input_names(planned: &PlannedNode, inputs: usize) -> Vec<String> {
    let has_ports = match planned.part {
        Part::Whole | Part::Distributor(_) => true,
        Part::Instance => planned.connected.0.len() == 1,
        Part::Collector => false,
    };
    let ports = if has_ports { inputs } else { 0 };
    let names = &planned.factory.descriptor().inputs;
    (0..ports).map(|port| names.name_of(port)).collect()
}

/// Whether the application feeds a link.
fn is_outside(plan: &GraphPlan, link: &Link) -> bool {
    link.producer().0 as usize >= plan.nodes.len()
}

/// A node opens after its producers: those in the graph, except where a loop is closed.
fn count_openers(plan: &GraphPlan, inputs: &[InLink]) -> usize {
    let opens_first =
        |input: &&InLink| !is_outside(plan, &input.link) && !input.link.is_back_edge();
    inputs.iter().filter(opens_first).count()
}

/// The inputs whose packets progress counts: those of nodes from which nothing goes on.
fn counted(planned: &PlannedNode, receivers: &[Option<LinkReceiver>]) -> Vec<Arc<Link>> {
    let is_mine = matches!(planned.part, Part::Whole | Part::Distributor(_));
    if !is_mine || planned.connected.1.contains(&true) {
        return Vec::new();
    }
    let descriptor = planned.factory.descriptor();
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
pub(crate) fn add_to(
    scheduler: &Scheduler,
    shared: &Arc<Shared>,
    nodes: Vec<Unshared>,
    plan: &GraphPlan,
    executors: &Executors,
) {
    let mut slots = Vec::with_capacity(nodes.len());
    for (index, (node, planned)) in nodes.into_iter().zip(&plan.nodes).enumerate() {
        let is_source = shared.nodes[index].is_source;
        let priority = if is_source {
            Priority::SOURCE
        } else {
            Priority::from_sink(planned.hops_to_sink)
        };
        let node = Node::new(
            index,
            Arc::clone(shared),
            node.module,
            (node.inputs, node.outputs),
            node.task,
            node.batch,
        );
        slots.push(scheduler.add_to(executors.of(planned), Box::new(node), priority));
    }
    let set = shared.slots.set(slots);
    debug_assert!(set.is_ok(), "a graph is added to one scheduler");
    // Nodes open after their producers, so the sources begin.
    for (index, node) in shared.nodes.iter().enumerate() {
        if node.unopened_producers.load(Ordering::Relaxed) == 0 {
            scheduler.wake(shared.slot(index), bmf_scheduler::Wake::Input);
        }
    }
}

/// The application's ends of its streams.
pub(crate) fn ends(
    inputs: Vec<(String, Vec<LinkSender>)>,
    outputs: Vec<(String, LinkReceiver)>,
    outside: &Outside,
) -> (Vec<Arc<Feed>>, Vec<Arc<Tap>>) {
    let count = inputs.len();
    let gate = |index: usize| Arc::clone(outside.shared.gate(index));
    let feeds = inputs
        .into_iter()
        .enumerate()
        .map(|(index, (stream, links))| {
            Arc::new(Feed::new(stream, links, gate(index), outside.clone()))
        });
    let taps = outputs
        .into_iter()
        .enumerate()
        .map(|(index, (stream, receiver))| {
            Arc::new(Tap::new(
                stream,
                receiver,
                gate(count + index),
                outside.clone(),
            ))
        });
    (feeds.collect(), taps.collect())
}
