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

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bmf_core::{Ending, ModuleContext, Report};
use bmf_hmp::Timestamp;
use bmf_scheduler::{Context, Scheduler, SlotId, Wake};
use bmf_streams::Link;

use crate::RunError;

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
    pub(crate) nodes: Vec<NodeInfo>,
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
    /// Whether its module may wait for the outside world.
    pub(crate) may_block: bool,
    pub(crate) context: ModuleContext,
    pub(crate) outputs: Vec<Arc<Link>>,
    pub(crate) inputs: Vec<Arc<Link>>,
    /// The inputs whose packets progress counts: those of pictures, if there are any, else all.
    pub(crate) counted: Vec<Arc<Link>>,
    pub(crate) counts: Counts,
    /// Producers that have not opened yet. A node opens after all of them, so that a missing input
    /// file is found before any output file is touched.
    pub(crate) unopened_producers: AtomicUsize,
    pub(crate) report: Mutex<Option<Report>>,
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
        let time = time.micros();
        let latest = self.latest.load(Ordering::Relaxed);
        if latest == i64::MIN {
            self.first.store(time, Ordering::Relaxed);
        }
        if time > latest {
            self.latest.store(time, Ordering::Relaxed);
        }
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
    pub(crate) fn new(nodes: Vec<NodeInfo>) -> Self {
        Self {
            left: AtomicUsize::new(nodes.len()),
            nodes,
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
        }
    }

    pub(crate) fn nodes_left(&self) -> usize {
        self.left.load(Ordering::Acquire)
    }

    /// The lock and the condition that the last node's end notifies.
    pub(crate) fn finished(&self) -> (&Mutex<bool>, &Condvar) {
        (&self.finished, &self.on_finished)
    }

    pub(crate) fn wake_all(&self, scheduler: &Scheduler) {
        for index in 0..self.nodes.len() {
            scheduler.wake(self.slot(index), Wake::Always);
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
