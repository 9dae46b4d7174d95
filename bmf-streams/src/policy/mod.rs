//! Input policies: which packets of several inputs a node sees together. One file each. They hold
//! no queue and wake nobody.

mod default;
mod immediate;

use bmf_core::Task;
use bmf_core::config::InputManager;

use crate::InputPort;

/// How tasks are made of what the inputs hold.
///
/// # For implementers
///
/// `readiness` looks, `fill` takes; `fill` is only called after `Ready`, on the same inputs, and
/// must take at least one packet or signal then, or a node would spin.
pub trait InputPolicy: Send {
    /// Whether the inputs hold enough for a task.
    fn readiness(&mut self, inputs: &[InputPort]) -> Readiness;

    /// Moves packets into `task`, and the signals behind them. A policy that batches takes at most
    /// [`InputPort::allowance`] packets from a port.
    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task);
}

/// What a policy finds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Readiness {
    /// Too little; more input must come first.
    NotReady,
    /// Enough for a task.
    Ready,
}

/// The policy `immediate`.
pub fn immediate() -> Box<dyn InputPolicy> {
    Box::new(immediate::Immediate)
}

/// The policy for BMF's input manager; `None` while bmf has none of that name.
pub fn for_manager(manager: InputManager) -> Option<Box<dyn InputPolicy>> {
    match manager {
        InputManager::Immediate => Some(immediate()),
        InputManager::Default => Some(Box::new(default::Default)),
        InputManager::Server | InputManager::FrameSync | InputManager::ClockSync => None,
    }
}

#[cfg(test)]
mod check;
