//! What joins nodes. Starts no thread, calls no module, knows no scheduler.
#![doc = include_str!("../README.md")]

mod inputs;
mod link;
mod outputs;
pub mod policy;

pub use inputs::{InputPort, Inputs};
pub use link::{Link, LinkReceiver, LinkSender, LinkStats, Peer, Wake};
pub use outputs::Outputs;
