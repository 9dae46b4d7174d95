//! The contract between a node and the code it runs. How modules are found is not told here.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bmf_hmp::Timestamp;

use crate::config::Threads;
use crate::{ModuleError, Report, Task};

/// The code of a node: decode, scale, detect, encode.
///
/// # For users of modules
///
/// The engine calls `open` once, `process` as often as there is work, `close` once. All calls come
/// one at a time, so `&mut self` is honest, but they may come from different threads.
///
/// # For implementers
///
/// * Open files and devices in `open`, not in the constructor: a graph is validated whole before
///   its first module opens anything.
/// * An `Err` or a panic ends the graph, with the node's name in the message.
/// * After an `Ok` of `open`, `close` is called exactly once, whatever happened in between.
/// * Do not wait in `process` for something that another node of the same graph must do first;
///   return [`Flow::Wait`] instead. Waiting for the outside world (a file, a socket) is fine in a
///   source, and in a module whose descriptor says `may_block`.
pub trait Module: Send {
    /// Prepares the module. Called once, before any `process`.
    ///
    /// # Errors
    /// Whatever keeps the module from starting; the graph fails with it.
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        let _ = context;
        Ok(())
    }

    /// Sends what must be there before the first input, such as the first packet of a loop. Called
    /// once after `open`, and again after each `flush`; the inputs of `task` are empty.
    ///
    /// # Errors
    /// Whatever keeps the module from starting; the graph fails with it.
    fn start(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        let _ = task;
        Ok(())
    }

    /// What the module promises about the times of its outputs. Asked at most once, after `open`. With a
    /// promise, timestamp bounds go from inputs to outputs without a call of `process`, so that a
    /// node further down need not wait for packets that will never come.
    fn promise(&self) -> Promise {
        Promise::None
    }

    /// Forgets what was taken and not sent: what comes next is from another position. A source goes
    /// on from `seek`, if one is given; one that cannot returns an error. Called between two calls
    /// of `process`, never after the module is done.
    ///
    /// # Errors
    /// When the module cannot go on; the graph fails with it.
    fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        let _ = seek;
        Ok(())
    }

    /// Handles one task: takes packets from its inputs, leaves packets on its outputs.
    ///
    /// When all inputs have ended ([`Task::inputs_ended`]) this is the call to flush.
    ///
    /// # Errors
    /// Whatever the module cannot go on from; the graph fails with it.
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError>;

    /// Releases what `open` took. On [`Ending::Stopped`] and [`Ending::Failed`] finish partial
    /// outputs as well as possible, so that they stay readable.
    ///
    /// # Errors
    /// What went wrong while finishing; it fails a graph that was fine until then.
    fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        let _ = ending;
        Ok(())
    }

    /// Counters, files written and warnings. Read once, after `close`.
    fn report(&self) -> Report {
        Report::default()
    }
}

/// What a module promises about the times of the packets it sends.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Promise {
    /// Nothing; it sends explicit bounds where it can.
    #[default]
    None,
    /// What it makes of input at T is so many microseconds later or more (negative: earlier), on
    /// all outputs.
    Offset(i64),
    /// What it sends on output i comes from input i and keeps its time.
    PerPort,
}

/// What a module wants after a call of [`Module::process`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// Call again when there is new input. Where no input can come any more (a source, or all
    /// inputs ended) this means the same as `Done`, so no module can hang its graph by forgetting
    /// to say so.
    Wait,
    /// Call again even without new input: a source with more to give, or a flush in parts.
    More,
    /// Finished: all outputs end, no further call but `close`.
    Done,
}

/// How a node came to its end.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The module said it was done, or its inputs ended.
    Finished,
    /// The graph was cancelled, or nobody consumes this node any more.
    Stopped,
    /// This node or another one failed.
    Failed,
}

/// What a module knows of its surroundings. Cheap to clone; a module may keep it.
#[derive(Clone, Debug)]
pub struct ModuleContext {
    shared: Arc<ContextShared>,
}

#[derive(Debug)]
struct ContextShared {
    node: String,
    strict: bool,
    inputs: Vec<bool>,
    outputs: Vec<bool>,
    interrupt: Arc<AtomicBool>,
    /// Run once, when `interrupt` becomes true, which happens under this lock.
    interrupt_actions: Mutex<Vec<InterruptAction>>,
    duration: AtomicI64,
    threads: OnceLock<Threads>,
}

struct InterruptAction(Box<dyn FnOnce() + Send>);

impl fmt::Debug for InterruptAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InterruptAction")
    }
}

impl ModuleContext {
    /// A context for the node called `node`; the flags say which ports are connected.
    pub fn new(node: &str, strict: bool, inputs: &[bool], outputs: &[bool]) -> Self {
        Self {
            shared: Arc::new(ContextShared {
                node: node.to_owned(),
                strict,
                inputs: inputs.to_vec(),
                outputs: outputs.to_vec(),
                interrupt: Arc::new(AtomicBool::new(false)),
                interrupt_actions: Mutex::default(),
                duration: AtomicI64::new(-1),
                threads: OnceLock::new(),
            }),
        }
    }

    /// The node's name, for messages.
    pub fn node(&self) -> &str {
        &self.shared.node
    }

    /// Whether the user asked that doubtful input be an error instead of a warning.
    pub fn is_strict(&self) -> bool {
        self.shared.strict
    }

    /// Which input ports somebody produces.
    pub fn connected_inputs(&self) -> &[bool] {
        &self.shared.inputs
    }

    /// Which output ports somebody consumes.
    pub fn connected_outputs(&self) -> &[bool] {
        &self.shared.outputs
    }

    /// Becomes true when the graph wants to end: whatever blocks on the outside world should give
    /// up then. Handed out as an `Arc` because FFmpeg's interrupt callback outlives calls.
    pub fn interrupt(&self) -> &Arc<AtomicBool> {
        &self.shared.interrupt
    }

    /// Runs `action` when the graph wants to end, or now if it does already. For waits that cannot
    /// watch a flag, such as a read from a pipe: the action ends the wait. It is called from
    /// another thread and must neither block nor call back into this context.
    pub fn on_interrupt(&self, action: impl FnOnce() + Send + 'static) {
        let actions = &self.shared.interrupt_actions;
        let mut actions = actions.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.interrupt.load(Ordering::Acquire) {
            drop(actions);
            action();
        } else {
            actions.push(InterruptAction(Box::new(action)));
        }
    }

    /// Makes [`interrupt`](Self::interrupt) true and runs what was left with
    /// [`on_interrupt`](Self::on_interrupt). Called by whoever drives the module.
    pub fn raise_interrupt(&self) {
        let actions = &self.shared.interrupt_actions;
        let mut actions = actions.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.interrupt.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut *actions);
        drop(actions);
        waiting.into_iter().for_each(|action| (action.0)());
    }

    /// How many threads the graph lets the module take for its own work.
    pub fn threads(&self) -> Threads {
        self.shared.threads.get().copied().unwrap_or_default()
    }

    /// Says what [`threads`](Self::threads) is. Called by whoever drives the module, before it is
    /// opened; later calls change nothing.
    pub fn set_threads(&self, threads: Threads) {
        let _ = self.shared.threads.set(threads);
    }

    /// Tells how long the media of a source is, in microseconds, for progress displays.
    pub fn set_duration(&self, micros: i64) {
        self.shared.duration.store(micros, Ordering::Relaxed);
    }

    /// What [`set_duration`](Self::set_duration) was told.
    pub fn duration(&self) -> Option<i64> {
        Some(self.shared.duration.load(Ordering::Relaxed)).filter(|&micros| micros >= 0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn interrupt_actions_run_once_early_or_late() {
        let context = ModuleContext::new("node", false, &[], &[]);
        let runs = Arc::new(AtomicU32::new(0));
        let count = || {
            let runs = Arc::clone(&runs);
            move || {
                runs.fetch_add(1, Ordering::Relaxed);
            }
        };
        context.on_interrupt(count());
        assert_eq!(runs.load(Ordering::Relaxed), 0);
        context.raise_interrupt();
        context.raise_interrupt();
        context.on_interrupt(count());
        assert_eq!(runs.load(Ordering::Relaxed), 2);
        assert!(context.interrupt().load(Ordering::Acquire));
    }
}
