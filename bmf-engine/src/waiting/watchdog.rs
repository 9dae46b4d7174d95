//! The user's time-out: a thread that fails a run in which nothing has moved for that long, naming
//! what is stuck. A graph that waits for the application, or is paused, is not stuck; so the time
//! counts from when it was first seen at work. It is seen a few times per time-out.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bmf_scheduler::Scheduler;

use super::WaitReport;
use crate::RunError;
use crate::shared::{Phase, Shared, lock};

/// So often per time-out the watchdog looks.
const LOOKS: u32 = 4;

/// Starts the watchdog. It ends with the run.
pub(crate) fn watch(
    shared: &Arc<Shared>,
    scheduler: &Arc<Scheduler>,
    time_out: Duration,
) -> std::io::Result<()> {
    let mut watchdog = Watchdog {
        shared: Arc::clone(shared),
        scheduler: Arc::clone(scheduler),
        time_out,
        progress: shared.progress(),
        since: None,
    };
    let thread = std::thread::Builder::new().name("bmf-watchdog".to_owned());
    thread.spawn(move || watchdog.run()).map(drop)
}

struct Watchdog {
    shared: Arc<Shared>,
    scheduler: Arc<Scheduler>,
    time_out: Duration,
    progress: u64,
    /// Since when it is seen at work without getting on.
    since: Option<Instant>,
}

impl Watchdog {
    /// Whether nothing is expected to happen by itself. Where all nodes are at rest the graph waits
    /// for the application: one that is stuck finds that out by itself. But where the application
    /// waits for memory that the queues hold, each may wait for the other.
    fn is_idle(&self) -> bool {
        let mut nodes = 0..self.shared.nodes.len();
        let mut rests = || nodes.all(|index| self.phase_of(index).is_rest());
        self.shared.is_paused() || (!self.shared.is_memory_awaited() && rests())
    }

    fn phase_of(&self, index: usize) -> bmf_scheduler::Phase {
        self.scheduler.stats(self.shared.slot(index)).phase
    }

    fn run(&mut self) {
        let shared = Arc::clone(&self.shared);
        let (finished, condition) = shared.finished();
        let mut ended = lock(finished);
        while !*ended && shared.phase() != Phase::Aborting {
            // A time-out beyond the end of the clock is none.
            let Some(next_look) = Instant::now().checked_add(self.time_out / LOOKS) else {
                return;
            };
            while !*ended && shared.phase() != Phase::Aborting {
                let left = next_look.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                let waited = condition.wait_timeout(ended, left);
                ended = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            drop(ended);
            self.look();
            ended = lock(finished);
        }
    }

    /// Fails the run if it has been at work for all of the time-out and nothing has moved.
    fn look(&mut self) {
        let (now, progress) = (Instant::now(), self.shared.progress());
        if progress != self.progress || self.is_idle() {
            self.progress = progress;
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.time_out {
            return;
        }
        let shared = &self.shared;
        let phase_of = |index| self.phase_of(index);
        shared.fail(RunError::TimeOut {
            seconds: self.time_out.as_secs_f64(),
            report: WaitReport::new(shared, phase_of),
        });
        shared.wake_all(&self.scheduler.waker());
    }
}
