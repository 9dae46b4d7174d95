//! The state of one scheduled thing, as one atomic word. Knows nothing of queues or threads.
//!
//! # Protocol
//!
//! A slot is in one of five phases:
//!
//! * *idle*: its last step found too little input. Only [`Wake::Input`] gets it going.
//! * *throttled*: its last step found an output full. Only [`Wake::Room`] gets it going; input may
//!   pile up meanwhile, which is what back-pressure means.
//! * *queued*: an entry for it stands in some ready queue. Usually one; [`Wake::Always`] adds another
//!   one, because the first may stand in the queue of a worker that is stuck in a step.
//! * *running*: exactly one worker is inside its `run`. Wake-ups that arrive now are remembered as
//!   two notification bits, one per kind.
//! * *done*: it never runs again.
//!
//! ```text
//!            wake(Input)             start                finish(Again | remembered wake)
//!   idle  ───────────────► queued ─────────► running ───────────────────────────► queued
//!   throttled ───────────► queued               ├── finish(Idle)      ──► idle
//!            wake(Room)                         ├── finish(Throttled) ──► throttled
//!                                               └── finish(Done)      ──► done
//! ```
//!
//! Who may do what: anybody may call `wake`, at any time, from any thread. Only the holder of a
//! queue entry calls `start`, and drops the entry if another holder was first; only the worker that
//! started calls `finish`. A transition returns what its caller must do now; nobody else will do it.
//!
//! Why no wake-up is lost: whoever changes what a step looks at (pushes a packet, frees room) does
//! so *before* `wake`; a step looks *after* `start`. All transitions are read-modify-write
//! operations with acquire and release, so they have one order: either the wake-up comes first,
//! and the step sees the change; or the step's `finish` comes first, and the wake-up finds the
//! slot idle or throttled and queues it; or it comes in between, and `finish` finds the bit.

use crate::sync::{AtomicU8, Ordering};

const IDLE: u8 = 0;
const QUEUED: u8 = 1;
const RUNNING: u8 = 2;
const THROTTLED: u8 = 3;
const DONE: u8 = 4;
const PHASE: u8 = 0b0111;
const NOTIFIED_INPUT: u8 = 0b0100_0000;
const NOTIFIED_ROOM: u8 = 0b1000_0000;

/// What one step found, told by [`Schedulable::run`](crate::Schedulable::run).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// There is more to do now.
    Again,
    /// Nothing to do until there is new input.
    Idle,
    /// Nothing may be done until an output has room.
    Throttled,
    /// Finished for ever.
    Done,
}

/// Why a slot is woken.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// There is new input: gets an idle slot going.
    Input,
    /// An output has room again: gets a throttled slot going.
    Room,
    /// Something outside changed, such as a cancellation: gets it going from either.
    Always,
}

/// Where a slot is, for reports. Outdated the moment it is read.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits for input.
    Idle,
    /// Waits for a worker.
    Queued,
    /// A worker is inside it.
    Running,
    /// Waits for room in an output.
    Throttled,
    /// Finished.
    Done,
}

impl Phase {
    /// Whether no step is under way or due: idle, throttled or done.
    pub fn is_rest(self) -> bool {
        matches!(self, Self::Idle | Self::Throttled | Self::Done)
    }
}

/// What the caller of [`State::wake`] must do.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum OnWake {
    /// Put the slot in a ready queue.
    Enqueue,
    /// Nothing: it is queued or running already, or waits for something else, or is done.
    Nothing,
}

/// What the worker must do after a step.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterRun {
    /// Put the slot in a ready queue.
    Enqueue,
    /// Leave it: somebody will wake it.
    Rest,
    /// Drop what was scheduled.
    Retire,
}

/// The state word.
#[derive(Debug)]
pub(crate) struct State(AtomicU8);

impl State {
    /// Idle.
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(IDLE))
    }

    /// Asks for a step.
    pub(crate) fn wake(&self, wake: Wake) -> OnWake {
        self.update(|state| {
            let (next, duty) = match (state & PHASE, wake) {
                (IDLE, Wake::Input | Wake::Always) | (THROTTLED, Wake::Room | Wake::Always) => {
                    (QUEUED, OnWake::Enqueue)
                }
                (QUEUED, Wake::Always) => (QUEUED, OnWake::Enqueue),
                (RUNNING, Wake::Input) => (state | NOTIFIED_INPUT, OnWake::Nothing),
                (RUNNING, Wake::Room) => (state | NOTIFIED_ROOM, OnWake::Nothing),
                (RUNNING, Wake::Always) => {
                    (state | NOTIFIED_INPUT | NOTIFIED_ROOM, OnWake::Nothing)
                }
                _ => (state, OnWake::Nothing),
            };
            (next, duty)
        })
    }

    /// Begins a step, unless the holder of another entry already has. Only for the holder of an
    /// entry.
    #[must_use]
    pub(crate) fn start(&self) -> bool {
        self.0
            .compare_exchange(QUEUED, RUNNING, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Ends a step. Only for the worker that started it.
    pub(crate) fn finish(&self, step: Step) -> AfterRun {
        self.update(|state| {
            debug_assert_eq!(state & PHASE, RUNNING, "only a running slot is finished");
            match step {
                Step::Again => (QUEUED, AfterRun::Enqueue),
                Step::Idle if state & NOTIFIED_INPUT != 0 => (QUEUED, AfterRun::Enqueue),
                Step::Throttled if state & NOTIFIED_ROOM != 0 => (QUEUED, AfterRun::Enqueue),
                Step::Idle => (IDLE, AfterRun::Rest),
                Step::Throttled => (THROTTLED, AfterRun::Rest),
                Step::Done => (DONE, AfterRun::Retire),
            }
        })
    }

    /// Where the slot is now. What its last step wrote is visible to who finds it at rest.
    pub(crate) fn phase(&self) -> Phase {
        match self.0.load(Ordering::Acquire) & PHASE {
            IDLE => Phase::Idle,
            QUEUED => Phase::Queued,
            RUNNING => Phase::Running,
            THROTTLED => Phase::Throttled,
            _ => Phase::Done,
        }
    }

    /// One read-modify-write, even where the value stays the same: that keeps all transitions in
    /// one order.
    fn update<T>(&self, transition: impl Fn(u8) -> (u8, T)) -> T {
        let mut current = self.0.load(Ordering::Relaxed);
        loop {
            let (next, duty) = transition(current);
            match self
                .0
                .compare_exchange_weak(current, next, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return duty,
                Err(actual) => current = actual,
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Plays a text such as `"input start idle"` and returns what each word returned.
    fn check(script: &str) -> String {
        let state = State::new();
        let mut out = Vec::new();
        for word in script.split_whitespace() {
            out.push(match word {
                "input" => format!("{:?}", state.wake(Wake::Input)),
                "room" => format!("{:?}", state.wake(Wake::Room)),
                "always" => format!("{:?}", state.wake(Wake::Always)),
                "start" => match state.start() {
                    true => format!("{:?}", state.phase()),
                    false => "stale".to_owned(),
                },
                "again" => format!("{:?}", state.finish(Step::Again)),
                "idle" => format!("{:?}", state.finish(Step::Idle)),
                "throttled" => format!("{:?}", state.finish(Step::Throttled)),
                "done" => format!("{:?}", state.finish(Step::Done)),
                other => panic!("unknown word {other}"),
            });
        }
        out.join(" ")
    }

    #[test]
    fn a_wake_during_a_step_is_remembered_by_kind() {
        assert_eq!(
            check("input input start input idle"),
            "Enqueue Nothing Running Nothing Enqueue"
        );
        assert_eq!(
            check("input start room idle"),
            "Enqueue Running Nothing Rest"
        );
        assert_eq!(
            check("input start input throttled input room"),
            "Enqueue Running Nothing Rest Nothing Enqueue"
        );
        assert_eq!(
            check("input start room throttled"),
            "Enqueue Running Nothing Enqueue"
        );
    }

    #[test]
    fn always_queues_again_and_one_entry_is_started() {
        assert_eq!(
            check("input always start start idle start input"),
            "Enqueue Enqueue Running stale Rest stale Enqueue"
        );
    }

    #[test]
    fn idle_ignores_room_and_done_ignores_all() {
        assert_eq!(check("room always"), "Nothing Enqueue");
        assert_eq!(
            check("input start done always"),
            "Enqueue Running Retire Nothing"
        );
        assert_eq!(
            check("input start always throttled start again"),
            "Enqueue Running Nothing Enqueue Running Enqueue"
        );
    }
}
