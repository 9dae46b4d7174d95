//! What a module of a plugin wants done when it is interrupted: none of it may be done once the module
//! goes, while interrupts come at any time and from any thread.
//!
//! Actions run without the lock, since they are the plugin's; `running` counts them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use bmf_abi as abi;

/// The actions of one module.
#[derive(Default)]
pub(super) struct Actions {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Owned>,
    running: usize,
    is_raised: bool,
    has_ended: bool,
}

impl Actions {
    /// Runs `action` on an interrupt, or now if there was one.
    pub(super) fn add(&self, action: Owned) {
        let mut state = self.lock();
        if state.has_ended {
            drop(state);
            drop(action);
        } else if state.is_raised {
            self.run(state, vec![action]);
        } else {
            state.waiting.push(action);
        }
    }

    /// Interrupts.
    pub(super) fn raise(&self) {
        let mut state = self.lock();
        state.is_raised = true;
        let waiting = std::mem::take(&mut state.waiting);
        self.run(state, waiting);
    }

    /// Waits for what runs, and drops the rest.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        let waiting = std::mem::take(&mut state.waiting);
        let state = self.idle.wait_while(state, |state| state.running > 0);
        drop(state.unwrap_or_else(PoisonError::into_inner));
        drop(waiting);
    }

    fn run(&self, mut state: MutexGuard<'_, State>, actions: Vec<Owned>) {
        state.running += 1;
        drop(state);
        actions.into_iter().for_each(Owned::run);
        let mut state = self.lock();
        state.running -= 1;
        if state.running == 0 {
            self.idle.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An action of a plugin, whose data go when this does.
pub(super) struct Owned(abi::Action);

// SAFETY: actions are run and dropped on any thread, by the contract.
unsafe impl Send for Owned {}

impl Owned {
    /// # Safety
    /// `action` is the caller's to give away, and can be run and dropped as long as this is there.
    pub(super) unsafe fn new(action: abi::Action) -> Self {
        Self(action)
    }

    fn run(self) {
        // SAFETY: the plugin's own data; once, since this consumes the action.
        unsafe { (self.0.run)(self.0.data) };
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the plugin's own data; once.
        unsafe { (self.0.drop)(self.0.data) };
    }
}
