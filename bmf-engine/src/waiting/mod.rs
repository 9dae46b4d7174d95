//! Waiting for a graph to end. Freeing what has blocked itself is in `deadlock`, which loops have come
//! to their end in `loops`, the report of who waits for whom in `report`.
//!
//! The only timed waits of the engine are here and where an application gives a deadline of its own
//! (`live`), and where a pause looks whether the run was stopped meanwhile (`control`). They are
//! deadlines too: the user's time-out, which a watchdog thread keeps; the interval of a progress
//! display; and what an aborted run gives its nodes to close.

mod deadlock;
mod loops;
mod report;
mod watchdog;

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use bmf_scheduler::Scheduler;

pub(crate) use deadlock::{on_quiet, relax, relieve};
pub use report::{LinkWait, NodeWait, WaitReport, Waits};
pub(crate) use watchdog::watch;

use crate::executors::executor_id;
use crate::shared::{Phase, Shared, lock};

/// How long nodes get to close once the run is aborted, counted from the last thing that moved.
const CLOSING_GRACE: Duration = Duration::from_secs(3);

/// Waits for the end of the run.
pub(crate) fn until_finished(shared: &Shared, scheduler: &Scheduler) {
    let mut watch = Watch::new(shared);
    while !watch.wait(shared, scheduler, None) {}
}

/// Watches whether an aborted run closes.
pub(crate) struct Watch {
    progress: u64,
    /// Set once the run is aborted: when to leave stuck nodes behind.
    leave_at: Option<Instant>,
}

impl Watch {
    pub(crate) fn new(shared: &Shared) -> Self {
        Self {
            progress: shared.progress(),
            leave_at: None,
        }
    }

    /// Waits until the run has ended (true) or `interval` is over (false).
    pub(crate) fn wait(
        &mut self,
        shared: &Shared,
        scheduler: &Scheduler,
        interval: Option<Duration>,
    ) -> bool {
        let (finished, condition) = shared.finished();
        let interval_ends = interval.map(|interval| Instant::now() + interval);
        let mut ended = lock(finished);
        while !*ended {
            if self.leave_at.is_none() && shared.phase() == Phase::Aborting {
                drop(ended);
                self.begin_to_leave(shared, scheduler);
                ended = lock(finished);
                continue;
            }
            let deadline = [interval_ends, self.leave_at].into_iter().flatten().min();
            let Some(deadline) = deadline else {
                ended = condition
                    .wait(ended)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                if self.may_leave(shared) {
                    return true;
                }
                if interval_ends.is_some_and(|end| Instant::now() >= end) {
                    return false;
                }
            }
            ended = condition
                .wait_timeout(ended, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Whether what has not closed by now is left behind.
    fn may_leave(&mut self, shared: &Shared) -> bool {
        let now = Instant::now();
        let progress = shared.progress();
        if progress != self.progress {
            self.progress = progress;
            self.leave_at = self.leave_at.map(|_| now + CLOSING_GRACE);
        }
        self.leave_at.is_some_and(|leave_at| now >= leave_at)
    }

    /// The run is being aborted. A node that is stuck has taken its worker along, perhaps the only
    /// one of its executor, so each gets another one to close the other nodes.
    fn begin_to_leave(&mut self, shared: &Shared, scheduler: &Scheduler) {
        for executor in 0..=shared.executors {
            if let Err(error) = scheduler.add_worker_to(executor_id(executor)) {
                log::warn!("cannot start a thread to close the other nodes: {error}");
            }
        }
        shared.wake_all(&scheduler.waker());
        self.leave_at = Some(Instant::now() + CLOSING_GRACE);
    }
}
