//! The pool: its slots, the shared ready queue, and its workers from start to join.
//!
//! # Shutdown
//!
//! 1. Somebody calls [`Scheduler::shutdown`] (or [`Context::shutdown`] from a step).
//! 2. The flag is set under the pool's mutex and every sleeping worker is notified.
//! 3. Each worker ends after its current step; what is ready is not run any more.
//! 4. [`Scheduler::join`] waits for the worker threads. A caller that knows a step to be stuck
//!    drops the scheduler instead: the stuck thread keeps the shared state alive and ends by
//!    itself should its step ever return.

use crate::ready::{Priority, ReadyQueue};
use crate::slot::{OnWake, Phase, State, Wake};
use crate::sync::{
    Arc, AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Condvar, Mutex, Ordering, lock, thread,
};
use crate::worker::{Context, LONG_STEP_NS, Schedulable, Worker};

/// What to do when the pool is quiet.
type OnQuiet = Box<dyn Fn(&mut Context<'_>) + Send + Sync>;

/// How a pool is set up.
pub struct Config {
    /// How many worker threads [`Scheduler::start`] starts; at least one.
    pub workers: usize,
    /// Name of the worker threads.
    pub name: String,
    /// Called by the last worker to run out of work: nothing is ready, nothing runs. It may wake
    /// slots. Called once for each such moment.
    pub on_quiet: OnQuiet,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: 1,
            name: "bmf".to_owned(),
            on_quiet: Box::new(|_| {}),
        }
    }
}

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

/// A pool of workers and what they run. All methods may be called from any thread.
pub struct Scheduler {
    shared: Arc<Shared>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
    name: String,
}

/// One scheduled thing.
pub(crate) struct Slot {
    pub(crate) state: State,
    pub(crate) priority: Priority,
    pub(crate) may_block: bool,
    /// Uncontended: only the worker that has started the slot locks it.
    pub(crate) task: Mutex<Option<Box<dyn Schedulable>>>,
    /// Estimate of what one step costs.
    pub(crate) cost_ns: AtomicU32,
    pub(crate) runs: AtomicU64,
    pub(crate) busy_ns: AtomicU64,
}

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) workers: usize,
    pub(crate) on_quiet: OnQuiet,
    pub(crate) pool: Mutex<Pool>,
    pub(crate) wakeup: Condvar,
    /// Length of the shared queue, to look at without the mutex.
    pub(crate) published: AtomicUsize,
    shut_down: AtomicBool,
    slots: Mutex<Vec<Arc<Slot>>>,
}

/// What the pool's mutex guards.
#[derive(Default)]
pub(crate) struct Pool {
    pub(crate) ready: ReadyQueue,
    pub(crate) sleeping: usize,
    pub(crate) running_workers: usize,
    /// Whether `on_quiet` has been called since something was last ready.
    pub(crate) quiet: bool,
    pub(crate) shut_down: bool,
}

impl Scheduler {
    /// A pool without slots. Nothing runs before [`start`](Self::start) or
    /// [`run_here`](Self::run_here).
    pub fn new(config: Config) -> Self {
        Self {
            shared: Arc::new(Shared {
                workers: config.workers.max(1),
                on_quiet: config.on_quiet,
                pool: Mutex::new(Pool::default()),
                wakeup: Condvar::new(),
                published: AtomicUsize::new(0),
                shut_down: AtomicBool::new(false),
                slots: Mutex::new(Vec::new()),
            }),
            threads: Mutex::new(Vec::new()),
            name: config.name,
        }
    }

    /// Adds something to run; it runs once it is woken.
    pub fn add(&self, task: Box<dyn Schedulable>, priority: Priority) -> SlotId {
        let mut slots = lock(&self.shared.slots);
        let id = SlotId(u32::try_from(slots.len()).expect("fewer than 2^32 slots"));
        slots.push(Arc::new(Slot {
            state: State::new(),
            priority,
            may_block: task.may_block(),
            task: Mutex::new(Some(task)),
            cost_ns: AtomicU32::new(LONG_STEP_NS),
            runs: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
        }));
        id
    }

    /// Wakes a slot from outside the workers. Steps use [`Context::wake`].
    pub fn wake(&self, id: SlotId, wake: Wake) {
        self.shared.wake(id, wake);
    }

    /// Starts the worker threads.
    ///
    /// # Errors
    /// When the system refuses a thread; those started before keep running.
    #[cfg(not(loom))]
    pub fn start(&self) -> std::io::Result<()> {
        (0..self.shared.workers).try_for_each(|_| self.add_worker())
    }

    /// Starts one worker thread more, to stand in for one that is stuck in a step. It runs what
    /// [`Wake::Always`] wakes; what else is ready in the queue of the stuck one stays there.
    ///
    /// # Errors
    /// When the system refuses the thread.
    #[cfg(not(loom))]
    pub fn add_worker(&self) -> std::io::Result<()> {
        let mut threads = lock(&self.threads);
        let mut worker = self.new_worker();
        let handle = thread::Builder::new()
            .name(format!("{}-{}", self.name, threads.len()))
            .spawn(move || worker.run_until_shutdown())
            .inspect_err(|_| lock(&self.shared.pool).running_workers -= 1)?;
        threads.push(handle);
        Ok(())
    }

    /// The same with loom's threads, which have no names and are never refused.
    #[cfg(loom)]
    pub fn start(&self) -> std::io::Result<()> {
        let mut workers: Vec<_> = (0..self.shared.workers)
            .map(|_| self.new_worker())
            .collect();
        for mut worker in workers.drain(..) {
            let handle = thread::spawn(move || worker.run_until_shutdown());
            lock(&self.threads).push(handle);
        }
        Ok(())
    }

    /// Runs on the calling thread until [`shutdown`](Self::shutdown): one worker, one order of
    /// steps. The oracle for the parallel run, and the executor for debugging.
    pub fn run_here(&self) {
        self.new_worker().run_until_shutdown();
    }

    /// Ends all workers after their current step. Idempotent; returns at once.
    pub fn shutdown(&self) {
        self.shared.shutdown();
    }

    /// Shuts down and waits for the worker threads. Must not be called from a step.
    pub fn join(&self) {
        self.shutdown();
        self.join_when_shut_down();
    }

    /// Waits until somebody has shut the pool down and its worker threads have ended.
    pub fn join_when_shut_down(&self) {
        let threads: Vec<_> = lock(&self.threads).drain(..).collect();
        for thread in threads {
            // A step that panics against its contract has ended its worker; the others go on.
            let _ = thread.join();
        }
    }

    /// What a slot has done so far.
    pub fn stats(&self, id: SlotId) -> SlotStats {
        let slots = lock(&self.shared.slots);
        let slot = &slots[id.index()];
        SlotStats {
            phase: slot.state.phase(),
            runs: slot.runs.load(Ordering::Relaxed),
            busy_ns: slot.busy_ns.load(Ordering::Relaxed),
        }
    }

    /// Counted before its thread runs: a pool is not quiet while one of its workers still starts.
    fn new_worker(&self) -> Worker {
        lock(&self.shared.pool).running_workers += 1;
        Worker::new(Arc::clone(&self.shared))
    }
}

impl Shared {
    /// Wakes a slot; if that makes it ready, it goes to the shared queue.
    pub(crate) fn wake(&self, id: SlotId, wake: Wake) {
        let slot = {
            let slots = lock(&self.slots);
            Arc::clone(&slots[id.index()])
        };
        if slot.state.wake(wake) == OnWake::Enqueue {
            let mut pool = lock(&self.pool);
            pool.ready.push(id.0, slot.priority);
            self.note_published(&mut pool);
        }
    }

    /// To be called after every change of the shared queue, with its mutex held: tells those who
    /// look without the mutex, and wakes one worker if there is something to do. That worker wakes
    /// the next one if more is left.
    pub(crate) fn note_published(&self, pool: &mut Pool) {
        self.published.store(pool.ready.len(), Ordering::Relaxed);
        if !pool.ready.is_empty() {
            pool.quiet = false;
            if pool.sleeping > 0 {
                self.wakeup.notify_one();
            }
        }
    }

    pub(crate) fn shutdown(&self) {
        let mut pool = lock(&self.pool);
        pool.shut_down = true;
        self.shut_down.store(true, Ordering::Relaxed);
        self.wakeup.notify_all();
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::Relaxed)
    }

    /// The slots there are now.
    pub(crate) fn slots(&self) -> Vec<Arc<Slot>> {
        lock(&self.slots).clone()
    }
}
