//! What all nodes of a running graph share: the run's phase, its first error, and what is counted.
//! Runs nothing itself.
//!
//! # How a run ends
//!
//! ```text
//! running ──► (all nodes done)                             finished
//! running ──► stopping: sources end, the rest drains  ──►  finished, as stopped
//! any     ──► aborting: every node closes at its next step ──► failed or cancelled
//! ```
//!
//! A phase only moves forward. Whoever moves it wakes every node. `failure` is set once, by the
//! first error, before the phase moves. Every node closes its module itself, in a step of its own,
//! and then counts itself down; the last one ends the scheduler. So `close` never runs beside
//! `process`. Once the run is aborting, whoever waits for it gives the nodes a deadline, starts a
//! worker in place of one that may be stuck, and at last leaves a stuck node behind (see `waiting`).

use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Duration;

use bmf_core::config::OnDeadlock;
use bmf_core::{Ending, ModuleContext, Report};
use bmf_hmp::Timestamp;
use bmf_scheduler::{Context, SlotId, Wake, Waker};
use bmf_streams::{Awaited, Budget, Link, Peer};

use crate::RunError;
use crate::live::Gate;

/// Where a run is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    Running = 0,
    Stopping = 1,
    Aborting = 2,
}

/// What all nodes of a graph share.
pub(crate) struct Shared {
    pub(crate) nodes: Vec<Arc<NodeInfo>>,
    /// Where the application waits, for each stream that it feeds or reads. Their links know them
    /// by numbers after those of the nodes.
    gates: Vec<Arc<Gate>>,
    pub(crate) budget: Option<Arc<Budget>>,
    pub(crate) on_deadlock: OnDeadlock,
    /// Executors beside the default one.
    pub(crate) executors: usize,
    /// Whether the application has paused the graph. Held while that changes.
    paused: Mutex<bool>,
    pub(crate) slots: OnceLock<Vec<SlotId>>,
    phase: AtomicU8,
    left: AtomicUsize,
    failure: Mutex<Option<RunError>>,
    finished: Mutex<bool>,
    on_finished: Condvar,
}

/// What is known of a node from outside its steps.
pub(crate) struct NodeInfo {
    /// As messages name it.
    pub(crate) label: String,
    pub(crate) name: String,
    pub(crate) is_source: bool,
    pub(crate) is_sink: bool,
    /// Whether the application feeds one of its inputs.
    pub(crate) is_fed: bool,
    /// Whether others must not wait for the end of a step: its module may wait for the outside world,
    /// or sends in the middle of a call.
    pub(crate) may_block: bool,
    /// Whether room in one output is enough.
    pub(crate) any_room: bool,
    /// Whether its module is told how much room each output has.
    pub(crate) is_told_room: bool,
    /// Whether it has ended as soon as one of its consumers takes nothing any more.
    pub(crate) needs_all: bool,
    /// Whether its module sends in the middle of a call.
    pub(crate) flushes_early: bool,
    /// How many outputs its module may have at most.
    pub(crate) most_outputs: Option<usize>,
    /// Whether bounds alone make tasks.
    pub(crate) is_told_of_bounds: bool,
    /// Whether its input policy does.
    pub(crate) goes_by_time: bool,
    pub(crate) context: ModuleContext,
    pub(crate) outputs: Vec<Arc<Link>>,
    pub(crate) inputs: Vec<InLink>,
    /// Names of the input ports, for messages.
    pub(crate) input_names: Vec<String>,
    /// The inputs whose packets progress counts, if nothing goes on from this node: those of
    /// pictures, if there are any, else all.
    pub(crate) counted: Vec<Arc<Link>>,
    pub(crate) counts: Counts,
    /// Producers that have not opened yet. A node opens after all of them, so that a missing input
    /// file is found before any output file is touched.
    pub(crate) unopened_producers: AtomicUsize,
    /// Whether its consumers need not wait for it any more to open.
    pub(crate) announced: AtomicBool,
    /// What its input policy waited for when it last found too little.
    pub(crate) awaited: AwaitedCell,
    pub(crate) report: Mutex<Option<Report>>,
}

/// A link and the input port it leads to.
pub(crate) struct InLink {
    pub(crate) port: usize,
    pub(crate) link: Arc<Link>,
}

/// An [`Awaited`] that the node writes and reports read. A report of a running graph may see one
/// half of it newer than the other.
pub(crate) struct AwaitedCell {
    port: AtomicU32,
    settled: AtomicI64,
}

impl Default for AwaitedCell {
    fn default() -> Self {
        Self {
            port: AtomicU32::new(u32::MAX),
            settled: AtomicI64::new(i64::MAX),
        }
    }
}

impl AwaitedCell {
    pub(crate) fn set(&self, awaited: Awaited) {
        let port = awaited.port.and_then(|port| u32::try_from(port).ok());
        self.port.store(port.unwrap_or(u32::MAX), Ordering::Relaxed);
        // No packet can have the time `i64::MAX`.
        let settled = awaited.settled.map_or(i64::MAX, Timestamp::micros);
        self.settled.store(settled, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Awaited {
        let port = Some(self.port.load(Ordering::Relaxed));
        let settled = Some(self.settled.load(Ordering::Relaxed));
        Awaited {
            port: port
                .filter(|&port| port != u32::MAX)
                .map(|port| port as usize),
            settled: settled
                .filter(|&micros| micros != i64::MAX)
                .map(Timestamp::from_micros),
        }
    }
}

/// A graph as the application's threads see it.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) shared: Arc<Shared>,
    pub(crate) waker: Waker,
}

impl Outside {
    /// Wakes whom a link names.
    pub(crate) fn wake(&self, wake: bmf_streams::Wake) {
        self.shared
            .dispatch(wake, |slot, wake| self.waker.wake(slot, wake));
    }

    /// Has the graph look whether it can give room to a full link, should it be at rest: what is
    /// added in front of a node that waits for room gets nobody going.
    pub(crate) fn ask_for_room(&self, link: &Link) {
        if let Some(gate) = self.shared.gate_at(link.producer()) {
            gate.ask();
        }
        if let Some(consumer) = self.shared.node_at(link.consumer()) {
            let slot = self.shared.slot(consumer);
            self.waker.wake(slot, Wake::Input);
            self.waker.wake(slot, Wake::Room);
        }
    }

    pub(crate) fn name_of(&self, peer: Peer) -> String {
        self.shared.name_of(peer).to_owned()
    }

    pub(crate) fn budget_is_used_up(&self) -> bool {
        self.shared
            .budget
            .as_ref()
            .is_some_and(|budget| budget.must_wait())
    }

    /// Why the run has failed, if it has.
    pub(crate) fn failure(&self) -> Option<String> {
        self.shared.failure_text()
    }

    /// Whether no node will send anything any more.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.nodes_left() == 0 || self.shared.phase() == Phase::Aborting
    }
}

/// Counts of one node. Written by its step only, so plain stores suffice.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) tasks: AtomicU64,
    pub(crate) packets_in: AtomicU64,
    pub(crate) packets_out: AtomicU64,
    /// First and latest packet time taken (or sent, by a source), in microseconds; `MIN` before the
    /// first packet.
    first: AtomicI64,
    latest: AtomicI64,
}

impl Counts {
    pub(crate) fn new() -> Self {
        Self {
            first: AtomicI64::new(i64::MIN),
            latest: AtomicI64::new(i64::MIN),
            ..Self::default()
        }
    }

    pub(crate) fn add(counter: &AtomicU64, count: usize) {
        let value = counter.load(Ordering::Relaxed) + count as u64;
        counter.store(value, Ordering::Relaxed);
    }

    pub(crate) fn set_position(&self, time: Timestamp) {
        if !time.is_time() {
            return;
        }
        let time = time.micros();
        let latest = self.latest.load(Ordering::Relaxed);
        if latest == i64::MIN {
            self.first.store(time, Ordering::Relaxed);
        }
        if time > latest {
            self.latest.store(time, Ordering::Relaxed);
        }
    }

    /// The media time begins anew.
    pub(crate) fn reset_position(&self) {
        self.first.store(i64::MIN, Ordering::Relaxed);
        self.latest.store(i64::MIN, Ordering::Relaxed);
    }

    /// Media time from the first packet to the latest.
    pub(crate) fn position(&self) -> Option<Duration> {
        let first = self.first.load(Ordering::Relaxed);
        let latest = self.latest.load(Ordering::Relaxed);
        let micros = latest.checked_sub(first).filter(|_| first != i64::MIN)?;
        Some(Duration::from_micros(micros.max(0).unsigned_abs()))
    }
}

impl Shared {
    pub(crate) fn new(
        nodes: Vec<NodeInfo>,
        gates: Vec<Arc<Gate>>,
        budget: Option<Arc<Budget>>,
        on_deadlock: OnDeadlock,
        executors: usize,
    ) -> Self {
        Self {
            left: AtomicUsize::new(nodes.len()),
            nodes: nodes.into_iter().map(Arc::new).collect(),
            gates,
            budget,
            on_deadlock,
            executors,
            paused: Mutex::new(false),
            slots: OnceLock::new(),
            phase: AtomicU8::new(Phase::Running as u8),
            failure: Mutex::new(None),
            finished: Mutex::new(false),
            on_finished: Condvar::new(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Stopping,
            _ => Phase::Aborting,
        }
    }

    /// The slot of a node, which has the same index in the scheduler's table as in the graph.
    pub(crate) fn slot(&self, node: usize) -> SlotId {
        self.slots
            .get()
            .expect("slots are set before the first step")[node]
    }

    /// Whether the memory budget is used up and a thread of the application waits for the graph.
    pub(crate) fn is_memory_awaited(&self) -> bool {
        let is_used_up = self
            .budget
            .as_ref()
            .is_some_and(|budget| budget.is_used_up());
        is_used_up && self.gates.iter().any(|gate| gate.is_waited_at())
    }

    /// The slot of the node at an end of a link; `None`: the application.
    #[inline]
    pub(crate) fn slot_of(&self, peer: Peer) -> Option<SlotId> {
        self.slots.get()?.get(peer.0 as usize).copied()
    }

    /// Whether the graph is paused; to be held while that changes.
    pub(crate) fn paused(&self) -> MutexGuard<'_, bool> {
        lock(&self.paused)
    }

    /// Whether the graph is paused. While that changes it is not: a pause waits for the calls of
    /// modules that are under way, which may be stuck.
    pub(crate) fn is_paused(&self) -> bool {
        match self.paused.try_lock() {
            Ok(paused) => *paused,
            Err(TryLockError::Poisoned(paused)) => *paused.into_inner(),
            Err(TryLockError::WouldBlock) => false,
        }
    }

    /// The gate of the application's `index`-th stream: first those it feeds, then those it reads.
    pub(crate) fn gate(&self, index: usize) -> &Arc<Gate> {
        &self.gates[index]
    }

    /// The node at an end of a link; `None`: the application.
    pub(crate) fn node_at(&self, peer: Peer) -> Option<usize> {
        Some(peer.0 as usize).filter(|&index| index < self.nodes.len())
    }

    /// Who stands at an end of a link, for messages.
    pub(crate) fn name_of(&self, peer: Peer) -> &str {
        match self.node_at(peer) {
            Some(node) => &self.nodes[node].name,
            None => "the application",
        }
    }

    /// The same, in full.
    pub(crate) fn label_of(&self, peer: Peer) -> String {
        match self.node_at(peer) {
            Some(node) => self.nodes[node].label.clone(),
            None => "the application".to_owned(),
        }
    }

    /// Passes a link's wish on: to the scheduler by `wake`, or to a gate.
    pub(crate) fn dispatch(&self, wish: bmf_streams::Wake, mut wake: impl FnMut(SlotId, Wake)) {
        let (peer, how) = match wish {
            bmf_streams::Wake::Input(peer) => (peer, Wake::Input),
            bmf_streams::Wake::Room(peer) => (peer, Wake::Room),
            bmf_streams::Wake::Closed(peer) => (peer, Wake::Always),
            bmf_streams::Wake::Budget => {
                let sources = self
                    .nodes
                    .iter()
                    .enumerate()
                    .filter(|(_, node)| node.is_source);
                sources.for_each(|(index, _)| wake(self.slot(index), Wake::Room));
                return self.open_gates();
            }
        };
        match self.node_at(peer) {
            Some(node) => wake(self.slot(node), how),
            None => self.gates[peer.0 as usize - self.nodes.len()].open(),
        }
    }

    /// Where the application waits at its end of a link.
    pub(crate) fn gate_at(&self, peer: Peer) -> Option<&Gate> {
        let index = (peer.0 as usize).checked_sub(self.nodes.len())?;
        self.gates.get(index).map(|gate| &**gate)
    }

    pub(crate) fn open_gates(&self) {
        self.gates.iter().for_each(|gate| gate.open());
    }

    /// The error, in words, if there is one.
    pub(crate) fn failure_text(&self) -> Option<String> {
        if self.phase() != Phase::Aborting {
            return None;
        }
        let failure = lock(&self.failure);
        let text = failure.as_ref().map(ToString::to_string);
        Some(text.unwrap_or_else(|| "the run has failed".to_owned()))
    }

    /// How a node that is closed now, without having come to its own end, has ended.
    pub(crate) fn forced_ending(&self) -> Ending {
        match &*lock(&self.failure) {
            None | Some(RunError::Cancelled) => Ending::Stopped,
            Some(_) => Ending::Failed,
        }
    }

    /// Records the first error and moves on to aborting. The caller wakes all nodes.
    pub(crate) fn fail(&self, error: RunError) {
        let mut failure = lock(&self.failure);
        if failure.is_none() {
            *failure = Some(error);
        } else {
            log::debug!("further error after the first: {error}");
        }
        drop(failure);
        self.enter(Phase::Aborting);
    }

    /// Moves the phase forward and lets blocking calls know. The caller wakes all nodes.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        for node in &self.nodes {
            if phase == Phase::Aborting || node.is_source {
                node.context.raise_interrupt();
            }
        }
        if phase == Phase::Aborting {
            // Whoever waits for the end gives the nodes a deadline from here on. The lock makes sure
            // that it is not just about to wait.
            drop(lock(&self.finished));
            self.on_finished.notify_all();
            self.open_gates();
        }
    }

    /// The error, once the run has ended.
    pub(crate) fn take_failure(&self) -> Option<RunError> {
        lock(&self.failure).take()
    }

    /// Counts a node that has closed; the last one ends the scheduler and the wait for the end.
    pub(crate) fn node_done(&self, context: &mut Context<'_>) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            context.shutdown();
            *lock(&self.finished) = true;
            self.on_finished.notify_all();
            self.open_gates();
        }
    }

    pub(crate) fn nodes_left(&self) -> usize {
        self.left.load(Ordering::Acquire)
    }

    /// The lock and the condition that the last node's end notifies.
    pub(crate) fn finished(&self) -> (&Mutex<bool>, &Condvar) {
        (&self.finished, &self.on_finished)
    }

    pub(crate) fn wake_all(&self, waker: &Waker) {
        for index in 0..self.nodes.len() {
            waker.wake(self.slot(index), Wake::Always);
        }
    }

    pub(crate) fn wake_all_from_step(&self, context: &mut Context<'_>) {
        for index in 0..self.nodes.len() {
            context.wake(self.slot(index), Wake::Always);
        }
    }

    /// A number that grows whenever anything moves.
    pub(crate) fn progress(&self) -> u64 {
        let done = self.nodes.len() - self.nodes_left();
        let counts = self.nodes.iter().map(|node| &node.counts);
        counts
            .map(|counts| {
                counts.packets_in.load(Ordering::Relaxed)
                    + counts.packets_out.load(Ordering::Relaxed)
            })
            .fold(done as u64, u64::wrapping_add)
    }
}

/// Locks, whether or not a thread panicked while holding the lock: what these locks guard is valid
/// between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
