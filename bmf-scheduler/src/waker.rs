//! Waking slots from anywhere, at once. Owns nothing: a waker may be kept in what is scheduled.

use crate::pool::Shared;
use crate::slot::Wake;
use crate::sync::{Arc, Weak, downgrade};
use crate::table::SlotId;

/// Wakes slots through the shared queues, from any thread. Does not keep its scheduler alive; once
/// that is gone, it does nothing.
#[derive(Clone)]
pub struct Waker(Weak<Shared>);

impl Waker {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self(downgrade(shared))
    }

    /// Wakes a slot, as [`Scheduler::wake`](crate::Scheduler::wake) does: if that makes it ready, a
    /// sleeping worker of its executor is woken for it.
    ///
    /// # Panics
    /// If the scheduler has no such slot.
    pub fn wake(&self, id: SlotId, wake: Wake) {
        if let Some(shared) = self.0.upgrade() {
            shared.wake(id, wake);
        }
    }
}
