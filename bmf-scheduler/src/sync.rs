//! The synchronisation primitives in use, which loom replaces by its own when it models the crate.

use std::sync::PoisonError;
use std::time::Instant;

#[cfg(not(loom))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    sync::{Arc, Condvar, Mutex, MutexGuard, Weak},
    thread,
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
};

/// loom has no weak references. A model drops whoever holds this one, so a strong one does.
#[cfg(loom)]
pub(crate) struct Weak<T>(Arc<T>);

#[cfg(loom)]
impl<T> Clone for Weak<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(loom)]
impl<T> Weak<T> {
    pub(crate) fn upgrade(&self) -> Option<Arc<T>> {
        Some(Arc::clone(&self.0))
    }
}

pub(crate) fn downgrade<T>(shared: &Arc<T>) -> Weak<T> {
    #[cfg(loom)]
    return Weak(Arc::clone(shared));
    #[cfg(not(loom))]
    Arc::downgrade(shared)
}

/// Locks, whether or not another thread panicked while holding the lock: all data behind the
/// crate's mutexes is valid between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition
        .wait(guard)
        .unwrap_or_else(PoisonError::into_inner)
}

/// Waits until notified or until the deadline; returns whether the deadline has passed.
pub(crate) fn wait_until<'a, T>(
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> (MutexGuard<'a, T>, bool) {
    let Some(deadline) = deadline else {
        return (wait(condition, guard), false);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return (guard, true);
    }
    let waited = condition.wait_timeout(guard, left);
    (waited.unwrap_or_else(PoisonError::into_inner).0, false)
}

/// Starts a thread. loom's threads have no names and are never refused.
pub(crate) fn spawn(
    name: String,
    run: impl FnOnce() + Send + 'static,
) -> std::io::Result<thread::JoinHandle<()>> {
    #[cfg(loom)]
    {
        drop(name);
        Ok(thread::spawn(run))
    }
    #[cfg(not(loom))]
    thread::Builder::new().name(name).spawn(run)
}

/// Holds threads back until all of them have been started, or until one was refused. In loom's
/// models it stands open, for there none is.
#[derive(Clone)]
pub(crate) struct Gate(#[cfg(not(loom))] Arc<std::sync::OnceLock<bool>>);

#[cfg(not(loom))]
impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn open(&self, run: bool) {
        let _ = self.0.set(run);
    }

    /// Returns whether to run.
    pub(crate) fn pass(&self) -> bool {
        *self.0.wait()
    }
}

#[cfg(loom)]
impl Gate {
    pub(crate) fn new() -> Self {
        Self()
    }

    pub(crate) fn open(&self, _: bool) {}

    pub(crate) fn pass(&self) -> bool {
        true
    }
}
