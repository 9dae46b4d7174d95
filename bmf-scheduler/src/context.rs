//! What a step sees of the scheduler, and what a scheduler sees of what it runs. Has no state.

use std::any::Any;

use crate::executor::Home;
use crate::pool::Shared;
use crate::ready::ReadyQueue;
use crate::slot::{OnWake, Phase, Step, Wake};
use crate::sync::Arc;
use crate::table::{Slot, SlotId};
use crate::waker::Waker;

/// Something that runs in steps. `Any`, so that
/// [`Scheduler::visit`](crate::Scheduler::visit) can give its owner the type back.
pub trait Schedulable: Send + Any {
    /// Runs one step. On one worker at a time, so `&mut self` is honest.
    ///
    /// Must not panic (the worker would be lost) and must not wait for another slot's progress, nor
    /// for anything that needs the pool to stand still (a pause, quiet, the end of the workers).
    /// Before it returns [`Step::Idle`] or [`Step::Throttled`] it must have looked at its inputs
    /// or outputs within this very step.
    fn run(&mut self, context: &mut Context<'_>) -> Step;

    /// Whether a step may wait for the outside world: a file, a socket. Asked once, when the slot
    /// is added. What else is ready on its worker is then handed over before each step.
    fn may_block(&self) -> bool {
        false
    }
}

/// What a step can do to the scheduler it runs on.
pub struct Context<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) slots: &'a [Arc<Slot>],
    pub(crate) ready: &'a mut ReadyQueue,
    /// Whose slots this worker runs.
    pub(crate) home: Home,
    /// Set where the step is expected to be long: the shared queue that others take from.
    pub(crate) hand_over_to: Option<usize>,
}

impl Context<'_> {
    /// Wakes another slot (or this one). One of the same executor runs on this worker next, unless
    /// something is nearer to the sinks; one of another executor may begin at once.
    #[inline]
    pub fn wake(&mut self, id: SlotId, wake: Wake) {
        match self.slots.get(id.index()) {
            Some(slot) if self.home.runs(slot.executor) => {
                if slot.state.wake(wake) == OnWake::Enqueue {
                    self.ready.push(id.0, slot.priority);
                }
            }
            // Of another executor, or added since this worker last looked at the table.
            _ => self.shared.wake(id, wake),
        }
    }

    /// Says that the long part of the step begins: what it has woken so far need not wait for its
    /// end, if it is expected to be long and there are other workers.
    #[inline]
    pub fn hand_over(&mut self) {
        if let Some(lane) = self.hand_over_to
            && !self.ready.is_empty()
        {
            self.shared.publish(lane, self.ready);
        }
    }

    /// To wake others in the middle of a long step: what [`wake`](Self::wake) wakes may have to
    /// wait for the end of this one.
    pub fn waker(&self) -> Waker {
        Waker::new(self.shared)
    }

    /// Where a slot is. Certain for those that do not run while the pool is quiet.
    pub fn phase(&self, id: SlotId) -> Phase {
        self.read(id, |slot| slot.state.phase())
    }

    /// How many steps of a slot have ended; one that is under way is not counted yet. See
    /// [`at_rest`](Self::at_rest) for how to look at several slots.
    pub fn runs(&self, id: SlotId) -> u64 {
        self.read(id, Slot::runs)
    }

    /// How many steps of a slot have ended, if it is at rest: idle, throttled or done. If this is
    /// asked of some slots, and then of all of them again, and each answers the same number both
    /// times, then all of them were at rest at once: from the last question of the first round to
    /// the first question of the second.
    ///
    /// With [`runs`](Self::runs) and [`phase`](Self::phase) the same holds if the first round reads
    /// `runs` before `phase`, and the second one `phase` before `runs`.
    pub fn at_rest(&self, id: SlotId) -> Option<u64> {
        self.read(id, Slot::at_rest)
    }

    /// Ends all workers after their current step. What is ready is not run any more.
    pub fn shutdown(&mut self) {
        self.shared.shutdown();
    }

    fn read<T>(&self, id: SlotId, what: impl FnOnce(&Slot) -> T) -> T {
        match self.slots.get(id.index()) {
            Some(slot) => what(slot),
            // Added since this worker last looked at the table.
            None => what(&self.shared.table.get(id)),
        }
    }
}
