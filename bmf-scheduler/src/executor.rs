//! Executors: named groups of workers inside one scheduler. What they share, and when all of them
//! together are quiet, is in `pool`.
//!
//! Each slot belongs to one executor and runs only on its workers. Two uses:
//!
//! * An executor with one worker is a *serial queue*: its slots never run at the same time.
//! * What blocks for long, in an executor of its own, takes no worker away from the rest.
//!
//! A hop from one executor to another costs the pool's mutex and often the wake-up of a parked
//! thread, where a hop inside costs neither; so executors are for what needs them.

use crate::ready::ReadyQueue;
use crate::sync::{AtomicUsize, Condvar};

/// How an executor beside the default one is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorConfig {
    /// Part of the names of its threads.
    pub name: String,
    /// How many worker threads it gets; at least one.
    pub workers: usize,
}

/// Names an executor of one scheduler.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExecutorId(pub(crate) u32);

impl ExecutorId {
    /// The one that every scheduler has.
    pub const DEFAULT: Self = Self(0);

    /// The one at `index`: 0 is the default one, `n` the n-th of
    /// [`Config::executors`](crate::Config::executors).
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// Its index, as in [`new`](Self::new).
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Whose slots a worker runs. Compared at every wake-up, so it is one word.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(crate) struct Home(u32);

impl Home {
    /// Those of all executors.
    pub(crate) const ANYWHERE: Self = Self(u32::MAX);

    pub(crate) fn of(executor: ExecutorId) -> Self {
        Self(executor.0)
    }

    pub(crate) fn runs(self, executor: ExecutorId) -> bool {
        self.0 == executor.0 || self == Self::ANYWHERE
    }
}

/// The part of an executor that is used without the pool's mutex.
pub(crate) struct Executor {
    /// What stands before the number in the names of its threads.
    pub(crate) thread_prefix: String,
    pub(crate) workers: usize,
    /// Its workers wait here: for something to run, for the end of a pause, for shutdown.
    pub(crate) wakeup: Condvar,
    /// Length of its shared queue, to look at without the mutex.
    pub(crate) published: AtomicUsize,
}

impl Executor {
    pub(crate) fn new(thread_prefix: String, workers: usize) -> Self {
        Self {
            thread_prefix,
            workers: workers.max(1),
            wakeup: Condvar::new(),
            published: AtomicUsize::new(0),
        }
    }
}

/// The part of an executor that the pool's mutex guards.
#[derive(Default)]
pub(crate) struct Lane {
    pub(crate) ready: ReadyQueue,
    /// Workers that live, counted from before their thread runs: a pool is neither quiet nor paused
    /// while one of its workers still starts.
    pub(crate) workers: usize,
    /// Those of them that wait with nothing in their own queue.
    pub(crate) sleeping: usize,
    /// Workers made so far, for the names of their threads.
    pub(crate) created: usize,
}
