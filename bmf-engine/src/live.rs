//! Where an application meets a running graph: streams that it feeds, and streams that it reads.
//! Safe to use from any thread.
//!
//! Both stand at the end of ordinary links, so limits and back-pressure hold as between nodes. A
//! node that frees room, or sends, wakes whoever waits here through a [`Gate`]; so does the end of
//! the run.
//!
//! The graph keeps hold of both, to end what is fed when it is stopped and to begin anew when it is
//! flushed; it does that under the same locks.

mod input;
mod output;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use bmf_hmp::Packet;
use bmf_streams::TimeError;
use thiserror::Error;

use crate::shared::lock;

pub(crate) use input::Feed;
pub use input::GraphInput;
pub(crate) use output::Tap;
pub use output::{GraphOutput, Polled};

/// Where a thread of the application waits for the graph. The count makes a wake-up that comes just
/// before the wait one that ends it.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
    /// Whether somebody has found no room and nobody has looked why since.
    asked: AtomicBool,
}

#[derive(Debug, Default)]
struct GateState {
    count: u64,
    /// Threads that wait.
    waiting: usize,
}

impl Gate {
    pub(crate) fn open(&self) {
        let mut state = lock(&self.state);
        state.count += 1;
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Whether a thread waits here.
    pub(crate) fn is_waited_at(&self) -> bool {
        lock(&self.state).waiting > 0
    }

    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::Release);
    }

    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed) && self.asked.swap(false, Ordering::AcqRel)
    }

    fn count(&self) -> u64 {
        lock(&self.state).count
    }

    /// Waits until the gate has been opened since it was at `count`. False: the deadline came first.
    fn wait(&self, count: u64, deadline: Option<Instant>) -> bool {
        let mut state = lock(&self.state);
        state.waiting += 1;
        let mut is_late = false;
        while state.count == count && !is_late {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            is_late = left.is_some_and(|left| left.is_zero());
            state = match left {
                _ if is_late => state,
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.waiting -= 1;
        !is_late
    }
}

/// Why a packet was not added to a graph.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AddError {
    /// There is no room now.
    #[error("stream \"{stream}\" is full: {waiting} packets wait")]
    Full {
        /// The stream.
        stream: String,
        /// How many packets wait on its fullest link.
        waiting: usize,
        /// The packet, for another try.
        packet: Packet,
    },
    /// The packet goes back in time. The graph is not affected.
    #[error("stream \"{stream}\", which '{consumer}' takes: {error}")]
    Time {
        /// The stream.
        stream: String,
        /// The node that takes it.
        consumer: String,
        /// What is wrong with its time.
        error: TimeError,
    },
    /// The stream has been ended, or nobody takes it any more.
    #[error("stream \"{stream}\" has ended")]
    Ended {
        /// The stream.
        stream: String,
    },
    /// The run has failed or was cancelled.
    #[error("{0}")]
    Failed(String),
}
