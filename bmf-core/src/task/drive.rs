//! What those do to a task who drive a module: the engine, the border of a plugin, a test without a
//! graph. Modules have no use for it.
//!
//! ```
//! use bmf_core::drive::{DriveOutput, DriveTask};
//! use bmf_core::{Task, TaskOutput};
//! use bmf_hmp::Timestamp;
//!
//! /// Makes a task ready for a call of `process`.
//! fn prepare(task: &mut Task, time: Timestamp, room: usize) {
//!     task.set_timestamp(Some(time));
//!     task.outputs_mut().iter_mut().for_each(|output| output.set_room(room));
//! }
//! ```

use std::any::Any;

use bmf_hmp::{Bound, Packet, Timestamp};

use super::{Task, TaskInput, TaskOutput};
use crate::{ModuleError, StreamItem};

/// Sends what a task holds while its module is still at work: what stands behind
/// [`Task::flush_outputs`].
pub trait EarlyFlush: Send + Any {
    /// Takes everything from the outputs and sends it.
    ///
    /// # Errors
    /// When a packet may not be sent, such as one that goes back in time.
    fn flush(&mut self, outputs: &mut [TaskOutput]) -> Result<(), ModuleError>;
}

/// For the task as a whole.
pub trait DriveTask {
    /// Sets the time the task is for.
    fn set_timestamp(&mut self, timestamp: Option<Timestamp>);

    /// Sets what [`Task::flush_outputs`] uses; returns what it has used until now.
    fn set_early(&mut self, early: Option<Box<dyn EarlyFlush>>) -> Option<Box<dyn EarlyFlush>>;

    /// Takes the packet that the module has sent to an output it does not have: a mistake of its
    /// author.
    fn take_stray(&mut self) -> Option<(usize, Packet)>;
}

/// For an input.
pub trait DriveInput {
    /// Sets [`TaskInput::bound`].
    fn set_bound(&mut self, bound: Bound);
}

/// For an output.
pub trait DriveOutput {
    /// Takes the promise of the last call.
    fn take_bound(&mut self) -> Option<Bound>;

    /// Sets [`TaskOutput::room`].
    fn set_room(&mut self, room: usize);

    /// What the module has sent, in order, to be taken.
    fn items_mut(&mut self) -> &mut Vec<StreamItem>;

    /// Takes back a [`TaskOutput::end`]: the stream begins anew.
    fn reopen(&mut self);
}

impl DriveTask for Task {
    #[inline]
    fn set_timestamp(&mut self, timestamp: Option<Timestamp>) {
        self.timestamp = timestamp;
    }

    fn set_early(&mut self, early: Option<Box<dyn EarlyFlush>>) -> Option<Box<dyn EarlyFlush>> {
        std::mem::replace(&mut self.early, early)
    }

    #[inline]
    fn take_stray(&mut self) -> Option<(usize, Packet)> {
        self.stray.take()
    }
}

impl DriveInput for TaskInput {
    #[inline]
    fn set_bound(&mut self, bound: Bound) {
        self.bound = Some(bound);
    }
}

impl DriveOutput for TaskOutput {
    #[inline]
    fn take_bound(&mut self) -> Option<Bound> {
        self.bound.take()
    }

    #[inline]
    fn set_room(&mut self, room: usize) {
        self.room = room;
    }

    #[inline]
    fn items_mut(&mut self) -> &mut Vec<StreamItem> {
        &mut self.items
    }

    fn reopen(&mut self) {
        self.ended = false;
        self.bound = None;
    }
}
