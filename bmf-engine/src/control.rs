//! What is done to a running graph from outside: paused, flushed, stopped, cancelled.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bmf_hmp::Timestamp;
use bmf_scheduler::{Scheduler, SlotId};

use crate::live::Feed;
use crate::node::Node;
use crate::shared::{Phase, Shared};
use crate::{Graph, RunError};

/// A pause waits for the calls of modules that are under way. If one is stuck and the run is
/// stopped or cancelled, the pause is given up after so long.
const PAUSE_LOOK: Duration = Duration::from_millis(100);

/// Controls a running graph from anywhere: another thread, a signal handler's thread.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
    scheduler: Arc<Scheduler>,
    feeds: Arc<[Arc<Feed>]>,
}

impl Graph {
    /// A handle to stop or cancel it with.
    pub fn control(&self) -> Control {
        Control {
            shared: Arc::clone(&self.shared),
            scheduler: Arc::clone(&self.scheduler),
            feeds: Arc::clone(&self.feeds),
        }
    }

    /// Waits until all that was added has been worked off, as far as that is possible without the
    /// application: no node runs or is about to. Returns false if that was not so by the deadline.
    /// With a source that never ends this may never be; a paused graph is not idle.
    pub fn wait_idle(&self, deadline: Option<Instant>) -> bool {
        self.scheduler.wait_quiet(deadline)
    }

    /// Stops all nodes between two steps. What the application adds meanwhile is kept. Waits for
    /// the calls of modules that are under way. Pausing twice is pausing once; a run that has
    /// failed, was cancelled or is being stopped is not paused.
    pub fn pause(&self) {
        let mut paused = self.shared.paused();
        if !*paused {
            *paused = self.stand_still();
        }
    }

    /// Ends a pause.
    pub fn resume(&self) {
        let mut paused = self.shared.paused();
        if std::mem::replace(&mut *paused, false) {
            self.scheduler.resume();
        }
    }

    /// Throws away everything under way and begins anew: queues, timestamp bounds and what modules
    /// hold. Modules stay open. With `seek`, sources go on from there; a source that cannot makes
    /// the run fail. A stream that the application has ended stays so. A paused graph stays paused.
    ///
    /// # Errors
    /// When a node has ended already: it cannot begin anew. Nothing is changed then.
    pub fn flush(&self, seek: Option<Timestamp>) -> Result<(), RunError> {
        // One at a time, and not while a pause begins or ends.
        let mut paused = self.shared.paused();
        let result = match self.stand_still() {
            true => {
                let result = self.check_flush().map(|()| self.flush_paused(seek));
                self.shared.wake_all(&self.scheduler.waker());
                self.shared.open_gates();
                self.scheduler.resume();
                result
            }
            false => Err(RunError::Unsupported(
                "the graph is being stopped; it cannot be flushed".to_owned(),
            )),
        };
        if self.shared.phase() == Phase::Aborting && std::mem::take(&mut *paused) {
            // It could not end.
            self.scheduler.resume();
        }
        match self.shared.failure_text() {
            Some(failure) => Err(RunError::Unsupported(format!(
                "the graph cannot be flushed: {failure}"
            ))),
            None => result,
        }
    }

    /// Halts the workers until `resume` of the scheduler. False: the run is being stopped or aborted,
    /// and must not be held up.
    fn stand_still(&self) -> bool {
        while self.shared.phase() == Phase::Running {
            if self.scheduler.pause_within(PAUSE_LOOK) {
                if self.shared.phase() == Phase::Running {
                    return true;
                }
                self.scheduler.resume();
            }
        }
        false
    }

    fn slots(&self) -> impl Iterator<Item = SlotId> {
        (0..self.shared.nodes.len()).map(|index| self.shared.slot(index))
    }

    fn check_flush(&self) -> Result<(), RunError> {
        let is_done = |slot| self.scheduler.stats(slot).phase == bmf_scheduler::Phase::Done;
        let Some(index) = self.slots().position(is_done) else {
            return Ok(());
        };
        let node = &self.shared.nodes[index].label;
        Err(RunError::Unsupported(format!(
            "{node} has ended; a graph can be flushed only while all its nodes run"
        )))
    }

    /// All streams first, then the modules, which may send something to begin with.
    fn flush_paused(&self, seek: Option<Timestamp>) {
        let feeds: Vec<_> = self.feeds.iter().map(|feed| feed.hold()).collect();
        self.slots().for_each(|slot| self.visit(slot, Node::renew));
        self.taps.iter().for_each(|tap| tap.renew());
        feeds.iter().for_each(|senders| senders.renew());
        drop(feeds);
        for slot in self.slots() {
            self.visit(slot, |node| {
                // A failed flush ends the run, like any other failure of a module.
                if let Err(error) = node.flush(seek) {
                    self.shared.fail(error);
                }
            });
        }
    }

    fn visit(&self, slot: SlotId, f: impl FnOnce(&mut Node)) {
        self.scheduler.visit(slot, |task| {
            let task: &mut dyn Any = task;
            task.downcast_mut::<Node>().map(f)
        });
    }
}

impl Control {
    /// Ends the sources, and the streams that the application feeds, and lets everything that is
    /// under way reach the sinks: outputs are complete up to here. The run ends as
    /// `Ok(Ending::Stopped)`; one that has ended stays as it is.
    pub fn stop(&self) {
        if self.is_finished() {
            return;
        }
        self.shared.enter(Phase::Stopping);
        self.feeds.iter().for_each(|feed| feed.end());
        self.shared.wake_all(&self.scheduler.waker());
        self.go_on();
    }

    /// Ends every node after its current step; what is under way is dropped, outputs are closed as
    /// well as possible. The run ends with [`RunError::Cancelled`]; one that has ended stays as it is.
    pub fn cancel(&self) {
        if self.is_finished() {
            return;
        }
        self.shared.fail(RunError::Cancelled);
        self.shared.wake_all(&self.scheduler.waker());
        self.go_on();
    }

    /// A graph that is paused could not end.
    fn go_on(&self) {
        let mut paused = self.shared.paused();
        if std::mem::replace(&mut *paused, false) {
            self.scheduler.resume();
        }
    }

    /// Whether all nodes have come to their end.
    pub fn is_finished(&self) -> bool {
        self.shared.nodes_left() == 0
    }
}
