//! The border, with both halves in one program: what crosses, what does not change by it, and what is
//! made of plugins that do not keep to the contract.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(unsafe_code, reason = "tables are made by hand")]

mod crossing;
mod hostile;
mod interrupts;
mod media;
mod panics;
mod same;
mod script;
