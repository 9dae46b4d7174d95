//! The real program, run in folders of its own; whole outputs are compared. What modules make of
//! media is tested in their crates.

#![cfg(feature = "static")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod util;

mod c_plugins;
mod check;
mod graph;
mod inspect;
mod interrupt;
#[path = "../../../bmf-modules/tests/discovery/kit.rs"]
mod kit;
mod media;
mod modules;
mod plugins;
mod probe;
mod run;
