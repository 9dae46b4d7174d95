//! What a module author imports. Holds no engine: a module sees tasks and nothing else.
#![doc = include_str!("../README.md")]

mod export;
mod module_type;
mod runner;

// For what `#[options]` makes, which names this crate as authors do.
#[cfg(test)]
extern crate self as bmf_sdk;

pub use bmf_core::{IssueKind, ModuleFactory, Options, config, nearest};
pub use bmf_sdk_macros::options;
pub use module_type::{Description, ModuleType, factory};
pub use runner::ModuleRunner;
pub use {bmf_hmp as hmp, log, schemars, serde, serde_json};

#[doc(hidden)]
pub use export::__private;

/// All that most modules need.
pub mod prelude {
    pub use bmf_core::config::InputManager;
    pub use bmf_core::{
        Counters, Ending, Flow, Module, ModuleContext, ModuleError, OptionIssue, OutputFile,
        PortKind, PortSpec, Ports, Promise, Report, Sharing, Shorthand, ShorthandArg, Task,
        TaskOutput,
    };
    pub use bmf_hmp::{Bound, Packet, Payload, Timestamp};

    pub use crate::{Description, ModuleType, export_module, factory, options};
}
