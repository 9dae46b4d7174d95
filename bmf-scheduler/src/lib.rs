//! Runs what says it is ready. Sees no packet, starts no thread unless told to.
#![doc = include_str!("../README.md")]

mod context;
mod executor;
mod pause;
mod pool;
mod ready;
mod scheduler;
mod slot;
mod sync;
mod table;
mod waker;
mod worker;

#[cfg(all(test, loom))]
mod loom_pause_tests;
#[cfg(all(test, loom))]
mod loom_pool_tests;
#[cfg(all(test, loom))]
mod loom_tests;

pub use context::{Context, Schedulable};
pub use executor::{ExecutorConfig, ExecutorId};
pub use ready::Priority;
pub use scheduler::{Config, Scheduler};
pub use slot::{Phase, Step, Wake};
pub use table::{SlotId, SlotStats};
pub use waker::Waker;
