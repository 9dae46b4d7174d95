//! The nouns all of bmf shares. Starts no thread, opens no file, knows no codec.
#![doc = include_str!("../README.md")]

pub mod config;
mod descriptor;
pub mod diagnostic;
mod error;
mod module;
mod options;
mod report;
mod signal;
mod suggest;
mod task;

pub use descriptor::{
    ModuleDescriptor, ModuleFactory, PortKind, PortSpec, Ports, Sharing, Shorthand, ShorthandArg,
};
pub use diagnostic::{Diagnostic, Diagnostics, Severity, SourceText, Span};
pub use error::ModuleError;
pub use module::{Ending, Flow, Module, ModuleContext, Promise};
pub use options::{IssueKind, OptionIssue, Options};
pub use report::{Counters, OutputFile, Report};
pub use signal::{Signal, StreamItem};
pub use suggest::nearest;
pub use task::{Task, TaskInput, TaskOutput, drive};
