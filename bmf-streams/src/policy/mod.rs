//! Input policies: which packets of several inputs a node sees together. One file each. They hold
//! no queue and wake nobody.

mod barrier;
mod clocksync;
mod default;
mod early_close;
mod fixed_size;
mod framesync;
mod immediate;
mod mux;
mod options;
mod server;
mod settled;
mod syncset;
mod timestamp_align;

use bmf_core::config::{InputManager, InputManagerConfig};
use bmf_core::drive::DriveTask;
use bmf_core::{OptionIssue, Task};
use bmf_hmp::Bound;

use crate::{Awaited, InputPort};

pub use options::known_options;

/// How tasks are made of what the inputs hold.
///
/// # For implementers
///
/// `readiness` looks, `fill` takes; `fill` is only called after `Ready`, on the same inputs, and
/// must take at least one packet or signal then, or tell a time that it has not told before; else
/// the node would spin. A policy that drops does so in `readiness`, by
/// [`InputPort::discard_packet`]. What a policy does depends on the inputs alone, never on a clock,
/// so that a graph is reproducible.
pub trait InputPolicy: Send {
    /// Whether the inputs hold enough for a task.
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness;

    /// Moves packets into `task`, and the signals behind them; sets the time of the task where
    /// there is one. A policy that batches takes at most [`InputPort::allowance`] packets from a
    /// port.
    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task);

    /// Both at once: fills `task`, which has no time at first, if it finds enough.
    fn take(&mut self, inputs: &mut [InputPort], task: &mut Task) -> Readiness {
        let readiness = self.readiness(inputs);
        if readiness == Readiness::Ready {
            task.set_timestamp(None);
            self.fill(inputs, task);
        }
        readiness
    }

    /// Whether it goes by timestamps, so that by default each input must be in order of time, and a
    /// bound that rises is news.
    fn is_timed(&self) -> bool {
        true
    }

    /// The earliest time at which a task can still bring a packet on input `port`. A policy that
    /// gives packets at other times than their own, or again, must say so here.
    fn bound(&self, inputs: &[InputPort], port: usize) -> Bound {
        inputs[port].next_time()
    }

    /// Whether it sees to the ends of jobs. For a policy that does not, one that stands before the
    /// packets makes a task by itself, and one that follows a packet goes with that.
    fn takes_job_ends(&self) -> bool {
        false
    }

    /// Forgets what it knows of the streams, which begin anew.
    fn reset(&mut self);
}

/// What a policy finds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Readiness {
    /// Too little; this must come first.
    NotReady(Awaited),
    /// Enough for a task.
    Ready,
    /// Nothing will ever be ready any more: all inputs end here, and what they still hold is thrown
    /// away.
    Close,
}

/// What a policy is made for.
#[derive(Clone, Debug, Default)]
pub struct Purpose {
    /// Names of the input ports, by which options name them; their numbers serve as well.
    pub ports: Vec<String>,
    /// Whether there is a task also when no packet came but a bound rose. `framesync` and
    /// `clocksync` make none, since one input says when there is a task, nor do `server` and
    /// `barrier`, which do not go by time.
    pub bounds: bool,
}

/// The policy `immediate`.
pub fn immediate() -> Box<dyn InputPolicy> {
    Box::new(immediate::Immediate::new(false))
}

/// Makes a policy.
///
/// # Errors
/// When its options are unknown or do not fit.
pub fn build(
    config: &InputManagerConfig,
    purpose: &Purpose,
) -> Result<Box<dyn InputPolicy>, OptionIssue> {
    options::check_names(config)?;
    Ok(match config.manager {
        InputManager::Immediate => immediate::build(config, purpose)?,
        InputManager::Default => default::build(config, purpose)?,
        InputManager::Server => Box::new(server::Server),
        InputManager::FrameSync => framesync::build(config, purpose)?,
        InputManager::ClockSync => clocksync::build(config, purpose)?,
        InputManager::SyncSet => syncset::build(config, purpose)?,
        InputManager::TimestampAlign => timestamp_align::build(config, purpose)?,
        InputManager::Barrier => Box::new(barrier::Barrier),
        InputManager::FixedSize => fixed_size::build(config, purpose)?,
        InputManager::EarlyClose => Box::new(early_close::EarlyClose::new(purpose)),
        InputManager::Mux => Box::new(mux::Mux::new(purpose)),
    })
}

#[cfg(test)]
mod check;
