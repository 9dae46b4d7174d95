//! Runs what says it is ready. Sees no packet, starts no thread unless told to.
#![doc = include_str!("../README.md")]

mod ready;
mod scheduler;
mod slot;
mod sync;
mod worker;

#[cfg(all(test, loom))]
mod loom_tests;

pub use ready::Priority;
pub use scheduler::{Config, Scheduler, SlotId, SlotStats};
pub use slot::{Phase, Step, Wake};
pub use worker::{Context, Schedulable};
