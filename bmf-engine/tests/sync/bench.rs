//! What test nodes and tests share: a log of calls, and semaphores that hold nodes up until the test
//! says so. Nothing here measures time; deadlines only turn a hang into a failure.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Whoever waits that long waits in vain.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Clones share everything.
#[derive(Clone, Default)]
pub(crate) struct Bench(Arc<Shared>);

#[derive(Default)]
struct Shared {
    log: Mutex<Vec<String>>,
    semaphores: Mutex<BTreeMap<String, Semaphore>>,
    changed: Condvar,
}

#[derive(Default)]
struct Semaphore {
    permits: usize,
    entered: usize,
    open: bool,
}

impl Bench {
    pub(crate) fn log(&self, line: impl Into<String>) {
        self.0.log.lock().unwrap().push(line.into());
    }

    /// What was logged since the last time.
    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.log.lock().unwrap())
    }

    /// Waits for a permit of the node called `name`, which counts as having entered.
    pub(crate) fn acquire(&self, name: &str) {
        self.with(name, |semaphore| semaphore.entered += 1);
        self.wait(name, |semaphore| {
            let may_go = semaphore.open || semaphore.permits > 0;
            semaphore.permits -= usize::from(may_go && !semaphore.open);
            may_go
        });
    }

    pub(crate) fn release(&self, name: &str, permits: usize) {
        self.with(name, |semaphore| semaphore.permits += permits);
    }

    /// Holds nobody up any more.
    pub(crate) fn open(&self, name: &str) {
        self.with(name, |semaphore| semaphore.open = true);
    }

    /// Waits until the node has entered so often.
    pub(crate) fn until_entered(&self, name: &str, times: usize) {
        self.wait(name, |semaphore| semaphore.entered >= times);
    }

    fn with(&self, name: &str, change: impl FnOnce(&mut Semaphore)) {
        let mut semaphores = self.0.semaphores.lock().unwrap();
        change(semaphores.entry(name.to_owned()).or_default());
        self.0.changed.notify_all();
    }

    fn wait(&self, name: &str, mut condition: impl FnMut(&mut Semaphore) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        let mut semaphores = self.0.semaphores.lock().unwrap();
        while !condition(semaphores.entry(name.to_owned()).or_default()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited in vain for the semaphore of {name}"
            );
            semaphores = self.0.changed.wait_timeout(semaphores, left).unwrap().0;
        }
    }
}
