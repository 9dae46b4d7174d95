//! What all workers share: the queues, who sleeps, and whether anything may run.
//!
//! One mutex guards the pool, for all executors together: it is taken to publish work and to park,
//! not to run a step. Under one mutex the questions that concern everybody have plain answers.
//!
//! What steps seldom do is kept out of line here, so that what they do all the time can be inlined.
//!
//! # Parking
//!
//! A worker that finds nothing takes the mutex, looks once more at its executor's shared queue,
//! counts itself as sleeping and waits for its executor's condition variable. Whoever adds to a
//! shared queue does so under the same mutex and then notifies one sleeping worker of that
//! executor, so no entry is missed. A worker that takes an entry and leaves others behind notifies
//! the next one. There is no timeout.
//!
//! A worker that has been notified counts as sleeping until it has the mutex again; the entry that
//! it was notified for stands in the queue meanwhile, unless another worker was faster.
//!
//! # Quiet
//!
//! The pool is quiet when all workers of all executors sleep and all shared queues are empty:
//! nothing runs, and nothing can become ready except from outside. A worker on its way to sleep
//! that is the last one finds this out, and calls `on_quiet`, outside the mutex and still awake. The
//! flag `quiet` makes that once per such moment: set before the call, cleared as soon as there is
//! an entry in a shared queue, or one in the caller's own queue after it. So "the flag is set, and
//! all workers sleep" means that `on_quiet` has returned and left nothing to do.
//!
//! # Shutdown
//!
//! 1. Somebody calls [`Scheduler::shutdown`] (or [`Context::shutdown`] from a step).
//! 2. The flag is set under the mutex, and everybody who waits is notified.
//! 3. Each worker ends after its current step; what is ready is not run any more. This holds in a
//!    pause, too.
//! 4. [`Scheduler::join`] waits for the worker threads. A caller that knows a step to be stuck
//!    drops the scheduler instead: the stuck thread keeps the shared state alive and ends by
//!    itself should its step ever return.
//!
//! [`Scheduler::shutdown`]: crate::Scheduler::shutdown
//! [`Scheduler::join`]: crate::Scheduler::join

use crate::Context;
use crate::executor::{Executor, ExecutorId, Lane};
use crate::ready::{Priority, Ready, ReadyQueue};
use crate::slot::{OnWake, Wake};
use crate::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, lock, wait};
use crate::table::{SlotId, Table};

/// What to do when the pool is quiet.
pub(crate) type OnQuiet = Box<dyn Fn(&mut Context<'_>) + Send + Sync>;

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) executors: Vec<Executor>,
    pub(crate) on_quiet: OnQuiet,
    pub(crate) table: Table,
    pub(crate) pool: Mutex<Pool>,
    /// Those wait here who want all workers to stand still: for a pause, or for quiet.
    pub(crate) stillness: Condvar,
    /// Whether a worker must look at the pool before its next step, because of a pause or shutdown.
    /// A worker that reads an outdated value makes one step more; nobody relies on it not to.
    pub(crate) halt: AtomicBool,
}

/// What the mutex guards. An executor's lane has the executor's index.
#[derive(Default)]
pub(crate) struct Pool {
    pub(crate) lanes: Vec<Lane>,
    /// Whether the first lane stands for all, because one thread runs everything.
    pub(crate) merged: bool,
    /// One order for the entries of all lanes, so that it survives merging them.
    next_sequence: u64,
    /// Whether `on_quiet` has been called since something was last ready.
    pub(crate) quiet: bool,
    pub(crate) shut_down: bool,
    /// Pauses begun and not ended.
    pub(crate) pauses: usize,
    /// Whether all workers have been found standing still since then.
    pub(crate) paused: bool,
    /// Workers that a pause has stopped between two steps. Unlike sleeping ones they have, or may
    /// have, something in their own queues.
    pub(crate) halted: usize,
    /// Threads that wait for stillness.
    pub(crate) watchers: usize,
}

impl Shared {
    pub(crate) fn new(executors: Vec<Executor>, on_quiet: OnQuiet) -> Self {
        let lanes = executors.iter().map(|_| Lane::default()).collect();
        let pool = Pool {
            lanes,
            ..Pool::default()
        };
        Self {
            executors,
            on_quiet,
            table: Table::default(),
            pool: Mutex::new(pool),
            stillness: Condvar::new(),
            halt: AtomicBool::new(false),
        }
    }

    /// Wakes a slot; if that makes it ready, it goes to its executor's shared queue.
    #[inline(never)]
    pub(crate) fn wake(&self, id: SlotId, wake: Wake) {
        let slot = self.table.get(id);
        if slot.state.wake(wake) == OnWake::Enqueue {
            let mut pool = lock(&self.pool);
            let lane = pool.lane_of(slot.executor);
            pool.push(lane, id.0, slot.priority);
            self.note_published(&mut pool, lane);
        }
    }

    /// Moves a worker's own queue to the shared one.
    #[inline(never)]
    pub(crate) fn publish(&self, lane: usize, own: &mut ReadyQueue) {
        let mut pool = lock(&self.pool);
        while let Some(ready) = own.pop() {
            pool.push(lane, ready.slot, ready.priority);
        }
        self.note_published(&mut pool, lane);
    }

    /// To be called after every change of a shared queue, with the mutex held: tells those who
    /// look without the mutex, and wakes one worker if there is something to do. That worker wakes
    /// the next one if more is left. In a pause nobody is woken; its end wakes all.
    pub(crate) fn note_published(&self, pool: &mut Pool, lane: usize) {
        let executor = &self.executors[lane];
        let entries = pool.lanes[lane].ready.len();
        executor.published.store(entries, Ordering::Relaxed);
        if entries > 0 {
            pool.quiet = false;
            if pool.lanes[lane].sleeping > 0 && pool.pauses == 0 {
                executor.wakeup.notify_one();
            }
        }
    }

    /// Waits as a worker that has just been counted as sleeping or halted.
    pub(crate) fn park<'a>(&self, pool: MutexGuard<'a, Pool>, lane: usize) -> MutexGuard<'a, Pool> {
        self.note_stillness(&pool);
        wait(&self.executors[lane].wakeup, pool)
    }

    /// To be called with the mutex held when a worker is awake no more.
    pub(crate) fn note_stillness(&self, pool: &Pool) {
        if pool.watchers > 0 && pool.awake() == 0 {
            self.stillness.notify_all();
        }
    }

    /// Makes all workers look at the pool again.
    pub(crate) fn notify_workers(&self) {
        for executor in &self.executors {
            executor.wakeup.notify_all();
        }
    }

    pub(crate) fn shutdown(&self) {
        let mut pool = lock(&self.pool);
        pool.shut_down = true;
        self.halt.store(true, Ordering::Relaxed);
        self.notify_workers();
        self.stillness.notify_all();
    }

    /// From now on the first lane stands for all: for one thread that runs everything.
    pub(crate) fn merge(&self) {
        let mut pool = lock(&self.pool);
        pool.merged = true;
        let (first, others) = pool.lanes.split_at_mut(1);
        for lane in others {
            while let Some(ready) = lane.ready.pop() {
                first[0].ready.insert(ready);
            }
        }
        for lane in 0..pool.lanes.len() {
            self.note_published(&mut pool, lane);
        }
    }
}

impl Pool {
    /// The lane whose workers run an executor's slots.
    pub(crate) fn lane_of(&self, executor: ExecutorId) -> usize {
        if self.merged { 0 } else { executor.index() }
    }

    fn push(&mut self, lane: usize, slot: u32, priority: Priority) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.lanes[lane].ready.insert(Ready {
            priority,
            sequence,
            slot,
        });
    }

    /// Whether a worker of a lane has reason not to sleep: an entry, or shutdown.
    pub(crate) fn is_called(&self, lane: usize) -> bool {
        self.shut_down || !self.lanes[lane].ready.is_empty()
    }

    /// Workers that run a step, look for one, or call `on_quiet`.
    pub(crate) fn awake(&self) -> usize {
        let awake = |lane: &Lane| lane.workers - lane.sleeping;
        self.lanes.iter().map(awake).sum::<usize>() - self.halted
    }

    /// Whether a worker about to fall asleep is the one to call `on_quiet`.
    pub(crate) fn becomes_quiet(&self) -> bool {
        !self.quiet && self.may_be_quiet() && self.awake() == 1
    }

    /// Whether `on_quiet` has been called and left nothing to do.
    pub(crate) fn stays_quiet(&self) -> bool {
        self.quiet && self.may_be_quiet() && self.awake() == 0
    }

    fn may_be_quiet(&self) -> bool {
        let nothing_ready = self.lanes.iter().all(|lane| lane.ready.is_empty());
        nothing_ready && self.pauses == 0 && self.halted == 0
    }
}
