//! The plugin's half: Rust modules as tables of the contract. Runs in the plugin library; knows of its
//! host nothing but the table that it was given.
//!
//! Each function of a table catches panics, and tells of them where the contract has a place for it:
//! through its `ErrorSink`, or in the answer that it writes (`crate::answer`).
//!
//! `entry` is the library, `kind` a kind of module, `instance` a module. The instance keeps what a
//! Rust module expects to be around it: a [`Task`](bmf_core::Task) (`mirror`) and a
//! [`ModuleContext`](bmf_core::ModuleContext) (`surroundings`) of this image, which are brought in
//! line with the host's at every call.

mod early;
mod entry;
mod guard;
mod instance;
mod kind;
mod logging;
mod mirror;
mod surroundings;

pub use bmf_abi as abi;

pub use entry::{About, Exported, enter};

pub(crate) use instance::export as export_module;
pub(crate) use kind::Kind;
