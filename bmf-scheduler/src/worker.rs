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
//! have taken no time for hours and then wait for a network. What such a step itself wakes before its
//! long part it hands over by [`Context::hand_over`]. Work of middling size is published when
//! it has kept the others waiting for [`DEBT_NS`] in sum. Light work is never published: another core
//! could not finish it sooner. An executor's only worker publishes nothing.
//!
//! So everything ready is either in a worker's own queue, and that worker is in a short step; or
//! it is in its executor's shared queue, where every worker of the executor looks first for
//! something better than its own. A worker's own queue holds slots of its executor only; what a step
//! wakes in another one goes to the shared queue there. The contract that follows for steps: a step
//! must not wait for another slot's progress.
//!
//! Where a worker goes when it finds nothing is told in `pool`.
//!
//! [`Schedulable::may_block`]: crate::Schedulable::may_block

use crate::context::Context;
use crate::executor::{ExecutorId, Home};
use crate::pool::Shared;
use crate::ready::ReadyQueue;
use crate::slot::{AfterRun, Step};
use crate::sync::{Arc, Ordering, lock};
use crate::table::Slot;

/// A step at least this long is worth waking another worker for what waits behind it.
pub(crate) const LONG_STEP_NS: u32 = 10_000;
/// A step at least this long is worth its two clock readings, and counts as debt.
pub(crate) const MIDDLING_STEP_NS: u32 = 1_500;
/// Publish once middling steps have kept other ready slots waiting this long in sum.
const DEBT_NS: u32 = 60_000;
/// Light steps are timed once in this many, to notice when they become heavy.
pub(crate) const SAMPLE_EVERY: u64 = 16;
/// How often a worker looks at the shared queue before it parks: a few microseconds.
const SPINS: u32 = if cfg!(loom) { 0 } else { 100 };

/// One worker's own part. Not shared.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    slots: Vec<Arc<Slot>>,
    ready: ReadyQueue,
    debt_ns: u32,
    /// Whose shared queue it serves.
    lane: usize,
    /// Whose slots it runs.
    home: Home,
    /// Whether there is anybody to publish for.
    publishes: bool,
    /// How many workers the executor had before it.
    number: usize,
}

impl Worker {
    /// The worker counts from now on; its end is when it is dropped.
    pub(crate) fn new(shared: Arc<Shared>, executor: ExecutorId) -> Self {
        let mut pool = lock(&shared.pool);
        let lane = pool.lane_of(executor);
        let home = if pool.merged {
            Home::ANYWHERE
        } else {
            Home::of(executor)
        };
        let number = pool.lanes[lane].created;
        pool.lanes[lane].created += 1;
        pool.lanes[lane].workers += 1;
        drop(pool);
        Self {
            publishes: home != Home::ANYWHERE && shared.executors[lane].workers > 1,
            shared,
            slots: Vec::new(),
            ready: ReadyQueue::default(),
            debt_ns: 0,
            lane,
            home,
            number,
        }
    }

    pub(crate) fn thread_name(&self) -> String {
        let prefix = &self.shared.executors[self.lane].thread_prefix;
        format!("{prefix}-{}", self.number)
    }

    /// Runs until the pool shuts down.
    pub(crate) fn run_until_shutdown(&mut self) {
        loop {
            if self.shared.halt.load(Ordering::Relaxed) && self.halt() {
                return;
            }
            match self.next() {
                Some(slot) => self.step(slot),
                None => self.rest(),
            }
        }
    }

    /// The best ready slot. Among equals the shared queue comes first: what stands there has
    /// waited longer, and a worker that is never out of its own work must not starve it.
    fn next(&mut self) -> Option<u32> {
        let lane = self.lane;
        if self.shared.executors[lane]
            .published
            .load(Ordering::Relaxed)
            > 0
        {
            let mut pool = lock(&self.shared.pool);
            let shared_ready = &mut pool.lanes[lane].ready;
            if shared_ready.best() >= self.ready.best() {
                let ready = shared_ready.pop();
                self.shared.note_published(&mut pool, lane);
                return ready.map(|ready| ready.slot);
            }
        }
        self.ready.pop().map(|ready| ready.slot)
    }

    fn step(&mut self, index: u32) {
        if index as usize >= self.slots.len() {
            self.slots = self.shared.table.all();
        }
        let slot = &self.slots[index as usize];
        if !slot.state.start() {
            return;
        }
        let cost = slot.cost_ns.load(Ordering::Relaxed);
        let expected = if slot.may_block {
            cost.max(LONG_STEP_NS)
        } else {
            cost
        };
        if self.publishes {
            self.debt_ns = match debt_after(expected, self.debt_ns, &self.ready) {
                Some(debt) => debt,
                None => {
                    self.shared.publish(self.lane, &mut self.ready);
                    0
                }
            };
        }
        let runs = slot.runs();
        let timer =
            (cost >= MIDDLING_STEP_NS || runs.is_multiple_of(SAMPLE_EVERY)).then(Timer::start);
        let is_long = self.publishes && expected >= LONG_STEP_NS;
        let mut context = Context {
            shared: &self.shared,
            slots: &self.slots,
            ready: &mut self.ready,
            home: self.home,
            hand_over_to: is_long.then_some(self.lane),
        };
        let mut task = lock(&slot.task);
        let step = task
            .as_mut()
            .map_or(Step::Done, |task| task.run(&mut context));
        if let Some(timer) = timer {
            slot.note_time(cost, timer.elapsed_ns());
        }
        slot.count_step(runs);
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

    /// Waits for the end of a pause. Returns whether the pool is shut down.
    #[cold]
    fn halt(&mut self) -> bool {
        let mut pool = lock(&self.shared.pool);
        while pool.pauses > 0 && !pool.shut_down {
            pool.halted += 1;
            pool = self.shared.park(pool, self.lane);
            pool.halted -= 1;
        }
        pool.shut_down
    }

    /// Waits until there is something in the shared queue, or the pool shuts down, or `on_quiet`
    /// has put something into the worker's own queue.
    fn rest(&mut self) {
        for _ in 0..SPINS {
            if self.shared.executors[self.lane]
                .published
                .load(Ordering::Relaxed)
                > 0
            {
                return;
            }
            std::hint::spin_loop();
        }
        let shared = Arc::clone(&self.shared);
        let mut pool = lock(&shared.pool);
        while !pool.is_called(self.lane) {
            if pool.becomes_quiet() {
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
            pool.lanes[self.lane].sleeping += 1;
            pool = shared.park(pool, self.lane);
            pool.lanes[self.lane].sleeping -= 1;
        }
    }

    fn report_quiet(&mut self) {
        self.slots = self.shared.table.all();
        let mut context = Context {
            shared: &self.shared,
            slots: &self.slots,
            ready: &mut self.ready,
            home: self.home,
            hand_over_to: None,
        };
        (self.shared.on_quiet)(&mut context);
    }
}

impl Drop for Worker {
    /// The pool goes on without it: at the end, or after a step that panicked against its contract,
    /// or because the system refused the thread.
    fn drop(&mut self) {
        self.shared.publish(self.lane, &mut self.ready);
        let mut pool = lock(&self.shared.pool);
        pool.lanes[self.lane].workers -= 1;
        self.shared.note_stillness(&pool);
        if !pool.shut_down {
            // All others may be asleep: then one of them is now the last one.
            self.shared.notify_workers();
        }
    }
}

/// The debt to carry on if a step of that cost comes now. `None`: it would keep the worker's own
/// queue waiting too long.
fn debt_after(cost: u32, debt: u32, ready: &ReadyQueue) -> Option<u32> {
    if ready.is_empty() {
        return Some(0);
    }
    if cost < MIDDLING_STEP_NS {
        return Some(debt);
    }
    let debt = debt.saturating_add(cost);
    (cost < LONG_STEP_NS && debt < DEBT_NS).then_some(debt)
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
