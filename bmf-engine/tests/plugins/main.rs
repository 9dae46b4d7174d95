//! Modules out of real libraries in graphs: what is not copied on the way through them, and that a
//! program survives whatever they do wrong.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

#[path = "../support/mod.rs"]
mod support;

mod faults;
mod kit;
mod memory;
mod same_bytes;

/// These tests run under valgrind too, which takes its time.
const WORKERS: [usize; 2] = [1, 3];
