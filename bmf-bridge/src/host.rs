//! The host's half: what plugins are given ([`table`]), and their tables as modules ([`open`]).
//!
//! Nothing that a plugin writes, returns or reports is trusted further than the contract makes it
//! necessary: pointers are, contents are not. A panic that a plugin tells of goes on as one, so that
//! whoever runs modules sees it as that of a module of its own image.

mod context;
mod kind;
mod library;
mod media;
mod module;
mod table;
mod task;

pub use library::{Library, Refused, Unfit, open};
pub use table::table;

pub(crate) use kind::ImportedKind;
pub(crate) use module::ImportedModule;
