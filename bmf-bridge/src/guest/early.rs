//! Sending in the middle of a call: what a module's task holds goes to the host's task, and from there
//! on its way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use bmf_abi as abi;
use bmf_core::drive::EarlyFlush;
use bmf_core::{ModuleError, TaskOutput};

use super::mirror;
use crate::told::Told;

/// The host's task while it is lent, and to which thread.
pub(super) struct Link {
    api: &'static abi::TaskApi,
    lent: Mutex<Option<Lent>>,
}

#[derive(Copy, Clone)]
struct Lent {
    task: *mut abi::Task,
    to: ThreadId,
}

// SAFETY: the pointer is used only by the thread that it was lent to.
unsafe impl Send for Lent {}

/// The module's end of the link, in its task.
struct Early(Arc<Link>);

impl Link {
    pub(super) fn new(api: &'static abi::TaskApi) -> Self {
        let lent = Mutex::default();
        Self { api, lent }
    }

    pub(super) fn early_flush(self: &Arc<Self>) -> Box<dyn EarlyFlush> {
        Box::new(Early(Arc::clone(self)))
    }

    /// The task can be used by this thread, until it is taken back.
    pub(super) fn lend(&self, task: *mut abi::Task) {
        let to = thread::current().id();
        *self.lock() = Some(Lent { task, to });
    }

    pub(super) fn take_back(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Lent>> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EarlyFlush for Early {
    fn flush(&mut self, outputs: &mut [TaskOutput]) -> Result<(), ModuleError> {
        let link = &self.0;
        // A module can take its task out of the call, even to another thread.
        let here = |lent: &Lent| lent.to == thread::current().id();
        let Some(Lent { task, .. }) = (*link.lock()).filter(here) else {
            return Err(ModuleError::new("outputs can be flushed only in `process`"));
        };
        let mut told = Told::default();
        // SAFETY: the task was lent to a call on this thread that has not returned, since otherwise it
        // would have been taken back.
        let code = unsafe {
            mirror::send(link.api, task, outputs);
            told.listen(|sink| (link.api.flush_outputs)(task, sink))
        };
        told.outcome(code).map(|_| ())
    }
}
