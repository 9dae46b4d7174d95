//! Standing still: pauses, visits, and waiting for quiet. From outside; no step may do any of it.
//!
//! # Protocol
//!
//! A pause is a count in the pool, guarded by its mutex; whoever raises it also raises the `halt`
//! flag, which workers read between two steps. A worker that sees the flag takes the mutex, counts
//! itself as *halted* and waits, with its own queue as it is. One that sleeps need not wake up.
//!
//! The one who pauses waits until no worker is awake: all sleep or are halted. To begin a step, any
//! of them must have the mutex first, and with it sees the flag. So does a worker that is added in a
//! pause, for it has been counted under the mutex. A worker that is still awake may read an outdated
//! flag, but that only means that it makes one step more, and is waited for.
//!
//! Wake-ups in a pause change states and queues as ever, but notify nobody. The end of the last
//! pause notifies all workers, and they look at everything again: halted ones go on, sleeping ones
//! find what has come, and if there is nothing, the last one finds the pool quiet. No quiet is
//! found in a pause.
//!
//! Shutdown wins: `shut_down` is looked at before the count, and wakes all.

use std::time::{Duration, Instant};

use crate::Scheduler;
use crate::context::Schedulable;
use crate::pool::{Pool, Shared};
use crate::sync::{MutexGuard, Ordering, lock, wait_until};
use crate::table::SlotId;

/// Pausing. None of it may be called from a step or from `on_quiet`: they would wait for themselves.
impl Scheduler {
    /// Stops all workers between two steps: once this returns, no step runs (nor `on_quiet`), and
    /// none begins until [`resume`](Self::resume). What the steps wrote is visible to the caller.
    /// Wake-ups are kept.
    ///
    /// Waits for the steps that run now, so one that blocks for ever blocks this too; see
    /// [`pause_within`](Self::pause_within). Pauses are counted: each needs a `resume` of its own.
    pub fn pause(&self) {
        self.pause_until(None);
    }

    /// The same, but gives up if steps still run after `time`. Returns whether the pool is paused
    /// (by this call); if not, there is nothing to resume.
    #[must_use]
    pub fn pause_within(&self, time: Duration) -> bool {
        // A moment beyond the end of the clock is none.
        self.pause_until(Instant::now().checked_add(time))
    }

    /// Ends one pause; with the last one, workers go on. Without a pause it does nothing.
    pub fn resume(&self) {
        let mut pool = lock(&self.shared.pool);
        if pool.pauses > 0 {
            self.shared.end_pause(&mut pool);
        }
    }

    /// Lets `f` at what a slot runs, in a pause; wake the slot if that changes what its next step
    /// finds. Other threads may visit other slots meanwhile. A `resume` takes effect after `f`.
    ///
    /// `None` if the pool is not paused, or the slot is done. `f` must not visit the same slot.
    ///
    /// # Panics
    /// If the scheduler has no such slot.
    ///
    /// ```
    /// use std::any::Any;
    ///
    /// use bmf_scheduler::{Config, Context, Priority, Schedulable, Scheduler, Step};
    ///
    /// struct Volume(f32);
    ///
    /// impl Schedulable for Volume {
    ///     fn run(&mut self, _: &mut Context<'_>) -> Step {
    ///         Step::Idle
    ///     }
    /// }
    ///
    /// let scheduler = Scheduler::new(Config::default());
    /// let slot = scheduler.add(Box::new(Volume(1.0)), Priority::SOURCE);
    /// scheduler.pause();
    /// let before = scheduler.visit(slot, |task| {
    ///     let task: &mut dyn Any = task;
    ///     let volume = task.downcast_mut::<Volume>()?;
    ///     Some(std::mem::replace(&mut volume.0, 0.5))
    /// });
    /// scheduler.resume();
    /// assert_eq!(before, Some(Some(1.0)));
    /// ```
    pub fn visit<T>(&self, id: SlotId, f: impl FnOnce(&mut dyn Schedulable) -> T) -> Option<T> {
        let _pause = Visit::begin(&self.shared)?;
        let slot = self.shared.table.get(id);
        let mut task = lock(&slot.task);
        task.as_mut().map(|task| f(task.as_mut()))
    }

    /// Waits until the pool is quiet: all executors idle, nothing ready, and `on_quiet` has been
    /// called for this moment and made nothing ready. Or until it is shut down. Returns false if
    /// neither was so by the deadline.
    ///
    /// What was woken before the call is worked off when this returns true. A paused pool is not
    /// quiet until it is resumed, nor is one that has not been started.
    #[must_use]
    pub fn wait_quiet(&self, deadline: Option<Instant>) -> bool {
        let pool = lock(&self.shared.pool);
        let ended = |pool: &Pool| pool.shut_down || pool.stays_quiet();
        self.shared.watch(pool, deadline, ended).1
    }

    fn pause_until(&self, deadline: Option<Instant>) -> bool {
        let mut pool = lock(&self.shared.pool);
        pool.pauses += 1;
        self.shared.halt.store(true, Ordering::Relaxed);
        let still = |pool: &Pool| pool.awake() == 0;
        let (mut pool, paused) = self.shared.watch(pool, deadline, still);
        if paused {
            pool.paused = true;
        } else {
            self.shared.end_pause(&mut pool);
        }
        paused
    }
}

impl Shared {
    /// Waits for a condition that only stillness (or shutdown) brings about. Returns whether it
    /// holds.
    fn watch<'a>(
        &self,
        mut pool: MutexGuard<'a, Pool>,
        deadline: Option<Instant>,
        condition: impl Fn(&Pool) -> bool,
    ) -> (MutexGuard<'a, Pool>, bool) {
        pool.watchers += 1;
        let mut passed = false;
        while !condition(&pool) && !passed {
            (pool, passed) = wait_until(&self.stillness, pool, deadline);
        }
        pool.watchers -= 1;
        let holds = condition(&pool);
        (pool, holds)
    }

    /// Takes one pause back.
    fn end_pause(&self, pool: &mut Pool) {
        pool.pauses = pool.pauses.saturating_sub(1);
        if pool.pauses == 0 {
            pool.paused = false;
            self.halt.store(pool.shut_down, Ordering::Relaxed);
            // Also for those who wait for quiet: the last worker to fall asleep again tells them.
            self.notify_workers();
        }
    }
}

/// A visit prolongs the pause it happens in, also if the visitor panics.
struct Visit<'a>(&'a Shared);

impl<'a> Visit<'a> {
    fn begin(shared: &'a Shared) -> Option<Self> {
        let mut pool = lock(&shared.pool);
        pool.paused.then(|| {
            pool.pauses += 1;
            Self(shared)
        })
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.end_pause(&mut lock(&self.0.pool));
    }
}
