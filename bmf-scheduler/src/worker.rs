//! One worker: takes the best ready slot, runs one step, puts what the step woke where it belongs.
//!
//! # Locality
//!
//! What a step wakes goes into the worker's own queue, without any lock, and the worker goes on
//! with it: its packet is in this core's cache, and handing it to another core costs more than
//! many steps do (0.3 to 4 µs on a small machine, 16 to 20 µs if that core's thread is parked).
//!
//! Parallelism goes where modules are heavy. Each slot carries an estimate of what a step costs.
//! Before a worker starts a step that is long ([`LONG_STEP_NS`]), it *publishes* its own queue:
//! everything in it moves to the shared one, and a parked worker is woken for it. A slot that has
//! not run yet counts as long, and so does one that may block ([`Schedulable::may_block`]): it may
//! have taken no time for hours and then wait for a network. Work of middling size is published when it has kept the others
//! waiting for [`DEBT_NS`] in sum. Light work is never published: another core could not finish it
//! sooner.
//!
//! So everything ready is either in a worker's own queue, and that worker is in a short step; or
//! it is in the shared queue, where every worker looks first for something better than its own.
//! The contract that follows for steps: a step must not wait for another slot's progress.
//!
//! # Parking
//!
//! A worker that finds nothing looks at the shared queue for a moment, then takes the pool's
//! mutex, looks again, counts itself as sleeping and waits for the condition variable. Whoever
//! adds to the shared queue does so under the same mutex and then notifies, so no entry is missed.
//! There is no timeout. The last worker to fall asleep finds the pool *quiet*: nothing is ready and
//! nothing runs, so nothing can become ready except from outside. It calls the pool's `on_quiet`,
//! once per such moment, outside the mutex.

use crate::ready::ReadyQueue;
use crate::scheduler::{Shared, Slot, SlotId};
use crate::slot::{AfterRun, OnWake, Phase, Step, Wake};
use crate::sync::{Arc, Ordering, lock};

/// A step at least this long is worth waking another worker for what waits behind it.
pub(crate) const LONG_STEP_NS: u32 = 10_000;
/// A step at least this long is worth its two clock readings, and counts as debt.
const MIDDLING_STEP_NS: u32 = 1_500;
/// Publish once middling steps have kept other ready slots waiting this long in sum.
const DEBT_NS: u32 = 60_000;
/// Light steps are timed once in this many, to notice when they become heavy.
const SAMPLE_EVERY: u64 = 16;
/// How often a worker looks at the shared queue before it parks: a few microseconds.
const SPINS: u32 = if cfg!(loom) { 0 } else { 100 };

/// Something that runs in steps.
pub trait Schedulable: Send {
    /// Runs one step. On one worker at a time, so `&mut self` is honest.
    ///
    /// Must not panic (the worker would be lost) and must not wait for another slot's progress.
    /// Before it returns [`Step::Idle`] or [`Step::Throttled`] it must have looked at its inputs
    /// or outputs within this very step.
    fn run(&mut self, context: &mut Context<'_>) -> Step;

    /// Whether a step may wait for the outside world: a file, a socket. Asked once, when the slot
    /// is added. What else is ready on its worker is then handed over before each step.
    fn may_block(&self) -> bool {
        false
    }
}

/// What a step can do to the scheduler it runs on.
pub struct Context<'a> {
    shared: &'a Shared,
    slots: &'a [Arc<Slot>],
    ready: &'a mut ReadyQueue,
}

impl Context<'_> {
    /// Wakes another slot (or this one); it runs on this worker next, unless something is nearer
    /// to the sinks.
    pub fn wake(&mut self, id: SlotId, wake: Wake) {
        match self.slots.get(id.index()) {
            Some(slot) => {
                if slot.state.wake(wake) == OnWake::Enqueue {
                    self.ready.push(id.0, slot.priority);
                }
            }
            // Added since this worker last looked at the table.
            None => self.shared.wake(id, wake),
        }
    }

    /// Where a slot is. Certain for those that do not run while the pool is quiet.
    pub fn phase(&self, id: SlotId) -> Phase {
        match self.slots.get(id.index()) {
            Some(slot) => slot.state.phase(),
            // Added since this worker last looked at the table.
            None => self.shared.slots()[id.index()].state.phase(),
        }
    }

    /// Ends all workers after their current step. What is ready is not run any more.
    pub fn shutdown(&mut self) {
        self.shared.shutdown();
    }
}

/// One worker's own part. Not shared.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    slots: Vec<Arc<Slot>>,
    ready: ReadyQueue,
    debt_ns: u32,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            slots: Vec::new(),
            ready: ReadyQueue::default(),
            debt_ns: 0,
        }
    }

    /// Runs until the pool shuts down.
    pub(crate) fn run_until_shutdown(&mut self) {
        while !self.shared.is_shut_down() {
            match self.next() {
                Some(slot) => self.step(slot),
                None => self.rest(),
            }
        }
    }

    /// The best ready slot. Among equals the shared queue comes first: what stands there has
    /// waited longer, and a worker that is never out of its own work must not starve it.
    fn next(&mut self) -> Option<u32> {
        if self.shared.published.load(Ordering::Relaxed) > 0 {
            let mut pool = lock(&self.shared.pool);
            if pool.ready.best() >= self.ready.best() {
                let slot = pool.ready.pop();
                self.shared.note_published(&mut pool);
                return slot;
            }
        }
        self.ready.pop()
    }

    fn step(&mut self, index: u32) {
        if index as usize >= self.slots.len() {
            self.slots = self.shared.slots();
        }
        let slot = &self.slots[index as usize];
        if !slot.state.start() {
            return;
        }
        let cost = slot.cost_ns.load(Ordering::Relaxed);
        if self.shared.workers > 1 {
            let expected = if slot.may_block {
                cost.max(LONG_STEP_NS)
            } else {
                cost
            };
            self.debt_ns = publish_before(expected, self.debt_ns, &mut self.ready, &self.shared);
        }
        let runs = slot.runs.load(Ordering::Relaxed);
        let timer =
            (cost >= MIDDLING_STEP_NS || runs.is_multiple_of(SAMPLE_EVERY)).then(Timer::start);
        let mut context = Context {
            shared: &self.shared,
            slots: &self.slots,
            ready: &mut self.ready,
        };
        let mut task = lock(&slot.task);
        let step = task
            .as_mut()
            .map_or(Step::Done, |task| task.run(&mut context));
        if let Some(timer) = timer {
            slot.note_time(cost, timer.elapsed_ns());
        }
        // Only the worker that runs the slot writes this, so no read-modify-write is needed.
        slot.runs.store(runs + 1, Ordering::Relaxed);
        let retired = if step == Step::Done {
            task.take()
        } else {
            None
        };
        drop(task);
        match slot.state.finish(step) {
            AfterRun::Enqueue => self.ready.push(index, slot.priority),
            AfterRun::Rest => {}
            AfterRun::Retire => drop(retired),
        }
    }

    /// Waits until there is something in the shared queue, or the pool shuts down, or `on_quiet`
    /// has put something into the worker's own queue.
    fn rest(&mut self) {
        for _ in 0..SPINS {
            if self.shared.published.load(Ordering::Relaxed) > 0 {
                return;
            }
            std::hint::spin_loop();
        }
        let shared = Arc::clone(&self.shared);
        let mut pool = lock(&shared.pool);
        while pool.ready.is_empty() && !pool.shut_down {
            if pool.sleeping + 1 == pool.running_workers && !pool.quiet {
                pool.quiet = true;
                drop(pool);
                self.report_quiet();
                pool = lock(&shared.pool);
                if !self.ready.is_empty() {
                    pool.quiet = false;
                    return;
                }
                continue;
            }
            pool.sleeping += 1;
            pool = shared
                .wakeup
                .wait(pool)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            pool.sleeping -= 1;
        }
    }

    fn report_quiet(&mut self) {
        self.slots = self.shared.slots();
        let mut context = Context {
            shared: &self.shared,
            slots: &self.slots,
            ready: &mut self.ready,
        };
        (self.shared.on_quiet)(&mut context);
    }
}

/// Hands the worker's own queue to the others if the coming step would keep it waiting too long.
/// Returns the debt to carry on.
fn publish_before(cost: u32, debt: u32, ready: &mut ReadyQueue, shared: &Shared) -> u32 {
    if ready.is_empty() {
        return 0;
    }
    let debt = match cost {
        0..MIDDLING_STEP_NS => return debt,
        _ => debt.saturating_add(cost),
    };
    if cost < LONG_STEP_NS && debt < DEBT_NS {
        return debt;
    }
    let mut pool = lock(&shared.pool);
    ready.drain_into(&mut pool.ready);
    shared.note_published(&mut pool);
    0
}

/// Time of one step. loom has no clock; there every step takes no time.
struct Timer(#[cfg(not(loom))] std::time::Instant);

impl Timer {
    #[cfg(not(loom))]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    #[cfg(not(loom))]
    fn elapsed_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    #[cfg(loom)]
    fn start() -> Self {
        Self()
    }

    #[cfg(loom)]
    fn elapsed_ns(&self) -> u64 {
        0
    }
}

impl Slot {
    /// Learns from one timed step: rises by a quarter of the difference (one preempted step does
    /// not make a light slot heavy), falls by an eighth.
    fn note_time(&self, cost: u32, elapsed: u64) {
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
