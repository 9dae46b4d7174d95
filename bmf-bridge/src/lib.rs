//! Both halves of the border between a host and its plugins.
#![doc = include_str!("../README.md")]
#![expect(
    unsafe_code,
    reason = "the border is of raw pointers and C functions; both of its faces are safe"
)]

mod answer;
mod fuse;
mod tell;
mod text;
mod threads;
mod told;

pub mod guest;
pub mod host;
pub mod in_process;
