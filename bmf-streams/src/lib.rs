//! What joins nodes. Starts no thread, calls no module, knows no scheduler.
#![doc = include_str!("../README.md")]

mod budget;
mod inputs;
mod link;
#[cfg(all(test, loom))]
mod loom_tests;
mod outputs;
pub mod policy;
mod port;
mod sync;

pub use budget::Budget;
pub use inputs::{Awaited, Inputs, Poll};
pub use link::{
    Dropped, Link, LinkReceiver, LinkSender, LinkSettings, LinkStats, Peer, TimeError, Wake,
};
pub use outputs::{Outputs, SendError};
pub use port::InputPort;
