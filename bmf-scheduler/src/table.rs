//! The table of slots: what is scheduled, and what is counted about it. Runs nothing.
//!
//! # Looking at several slots at once
//!
//! Phases are outdated the moment they are read, and two slots are never read at the same moment.
//! Still one can find out that a set of slots was at rest (idle, throttled or done) *all at once*:
//! read every slot's step count and phase, then read all of them again. If each one is at rest
//! both times, with the same count, then none of them ran in between. [`Slot::at_rest`] is such a
//! reading, in an order that serves as the first and as the second.
//!
//! Why it holds: a step makes three stores, in this order: the state word becomes *running*
//! (`start`), the count is raised, the state word becomes something else (`finish`). Say a reader
//! found a slot at rest twice, but a step of it began after the first look at the state word and
//! ended before the second one.
//!
//! * Its `finish`, or a transition after it, is what the second look found. Transitions release and
//!   the look acquires, so the raised count is visible to whatever the reader reads *after* it.
//! * The first look found a state from before its `start`. The count is stored with release and
//!   read with acquire, so whoever had read the raised count *before* that look would also have
//!   seen that `start`: what was read before it is an older count.
//!
//! So the counts differ. Hence the count is read before the phase the first time, and after it the
//! second time. The count only grows, so an equal count at both ends means the same in between.

use crate::Schedulable;
use crate::executor::ExecutorId;
use crate::ready::Priority;
use crate::slot::{Phase, State};
use crate::sync::{Arc, AtomicU32, AtomicU64, Mutex, Ordering, lock};
use crate::worker::{LONG_STEP_NS, MIDDLING_STEP_NS, SAMPLE_EVERY};

/// Names a slot of one scheduler. Never used again for another one.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub(crate) u32);

impl SlotId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a slot has done so far.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SlotStats {
    /// Where it is now.
    pub phase: Phase,
    /// Steps run to their end.
    pub runs: u64,
    /// Time spent in steps. Exact for long steps; short ones are sampled.
    pub busy_ns: u64,
}

/// One scheduled thing.
pub(crate) struct Slot {
    pub(crate) state: State,
    pub(crate) priority: Priority,
    pub(crate) executor: ExecutorId,
    pub(crate) may_block: bool,
    /// Uncontended: locked by the worker that has started the slot, and by visitors while all
    /// workers stand still.
    pub(crate) task: Mutex<Option<Box<dyn Schedulable>>>,
    /// Estimate of what one step costs.
    pub(crate) cost_ns: AtomicU32,
    runs: AtomicU64,
    busy_ns: AtomicU64,
}

impl Slot {
    pub(crate) fn new(
        task: Box<dyn Schedulable>,
        priority: Priority,
        executor: ExecutorId,
    ) -> Self {
        Self {
            state: State::new(),
            priority,
            executor,
            may_block: task.may_block(),
            task: Mutex::new(Some(task)),
            cost_ns: AtomicU32::new(LONG_STEP_NS),
            runs: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
        }
    }

    /// Steps run to their end.
    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(Ordering::Acquire)
    }

    /// Counts a step, between the slot's start and finish. Only the worker that runs the slot
    /// writes the count, so no read-modify-write is needed.
    pub(crate) fn count_step(&self, runs_before: u64) {
        self.runs.store(runs_before + 1, Ordering::Release);
    }

    /// The step count, if the slot rests.
    pub(crate) fn at_rest(&self) -> Option<u64> {
        let before = self.runs();
        let phase = self.state.phase();
        let after = self.runs();
        (phase.is_rest() && before == after).then_some(after)
    }

    pub(crate) fn stats(&self) -> SlotStats {
        SlotStats {
            phase: self.state.phase(),
            runs: self.runs(),
            busy_ns: self.busy_ns.load(Ordering::Relaxed),
        }
    }

    /// Learns from one timed step: rises by a quarter of the difference (one preempted step does
    /// not make a light slot heavy), falls by an eighth.
    pub(crate) fn note_time(&self, cost: u32, elapsed: u64) {
        let sample = u32::try_from(elapsed).unwrap_or(u32::MAX);
        let next = if sample > cost {
            cost + (sample - cost) / 4
        } else {
            cost - (cost - sample).div_ceil(8)
        };
        self.cost_ns.store(next, Ordering::Relaxed);
        // A sampled step stands for the ones that were not timed.
        let weight = if cost >= MIDDLING_STEP_NS {
            1
        } else {
            SAMPLE_EVERY
        };
        let busy = self.busy_ns.load(Ordering::Relaxed);
        self.busy_ns.store(
            busy.saturating_add(elapsed.saturating_mul(weight)),
            Ordering::Relaxed,
        );
    }
}

/// All slots of a scheduler. Slots are added, never removed.
#[derive(Default)]
pub(crate) struct Table(Mutex<Vec<Arc<Slot>>>);

impl Table {
    pub(crate) fn add(&self, slot: Slot) -> SlotId {
        let mut slots = lock(&self.0);
        let id = SlotId(u32::try_from(slots.len()).expect("fewer than 2^32 slots"));
        slots.push(Arc::new(slot));
        id
    }

    /// The slots there are now.
    pub(crate) fn all(&self) -> Vec<Arc<Slot>> {
        lock(&self.0).clone()
    }

    pub(crate) fn get(&self, id: SlotId) -> Arc<Slot> {
        Arc::clone(&lock(&self.0)[id.index()])
    }
}
