//! The contract between a host and its plugins: `repr(C)` types and tables of functions, no logic.
#![doc = include_str!("../README.md")]
//!
//! # Rules
//!
//! * **Frozen.** No field is ever added, removed, moved or given another meaning within one
//!   [`VERSION_MAJOR`]. What is new is reached by an `extension` function: a name with a version goes
//!   in, a table or null comes out. Who finds null does without.
//! * Every table starts with its own `size` in bytes, so that a damaged or foreign one is recognised.
//! * **Text** is UTF-8, a pointer and a length, no final zero; it is borrowed for the call, or for the
//!   life of what it belongs to where that is said. What a callee wants to say at length it writes
//!   into a [`Sink`] of its caller; no memory changes hands.
//! * **Ownership.** [`Packet`] by value passes its reference on; by pointer it is borrowed, or filled
//!   in where the name is `out`. References are counted in the header, inline; the last one to go
//!   calls the maker's own `destroy`, on whatever thread that is.
//! * **Threads.** The calls to one [`Module`] come one at a time, from changing threads. Everything
//!   in [`Host`] may be called from any thread, except where a [`Task`] is passed: only in the call
//!   that lent it, only from the thread that makes it.
//! * **No unwinding.** Neither a Rust panic nor a C++ exception may leave a function of a table. Catch
//!   it and return [`PANICKED`] or [`FAILED`]; a function that writes JSON and returns nothing writes
//!   `{"panicked": "message"}`.
//! * **Yes and no.** Functions that plugins may have made answer with an `i32`, 0 for no; only those of
//!   the host answer with a `bool`.
//! * **JSON** may be of a newer minor version than its reader. Keys that the reader does not know are
//!   passed over. A kind of port that it does not know is `any`. An input manager that it does not
//!   know, or a value of another shape than it knows, makes that kind of module unusable, but not the
//!   others of its library.
//! * **GPU memory** that is passed on is complete: who wrote to it has waited for the device, so that
//!   readers need to wait for no stream of it. An extension may say otherwise, of what both its sides
//!   know.
//! * Libraries are never unloaded, so functions and statics of a plugin stay valid.

#![expect(
    unsafe_code,
    reason = "the contract is of raw pointers and C functions"
)]
#![cfg_attr(
    feature = "rust",
    allow(non_local_definitions, reason = "from the derives of abi_stable")
)]

mod host;
mod module;
mod object;
mod plugin;
mod text;
mod view;

#[cfg(feature = "rust")]
mod layout;

pub use host::{Action, ContextApi, Host, LogRecord, MediaApi, TaskApi, TaskInput, TaskOutput};
pub use module::{Context, Module, ModuleType, ModuleVtable, Promise, Task};
pub use object::{Buffer, BufferVtable, Import, Packet, Payload, PayloadVtable};
pub use plugin::{ENTRY_PREFIX, Entry, Plugin};
pub use text::{ErrorInfo, ErrorSink, PairSink, Sink, Str};
pub use view::{
    AudioView, BytesView, EncodedView, PacketsView, PixelComponent, PixelFormat, PixelPlane, Plane,
    PlaneView, Rational, TensorView, VideoView,
};

#[cfg(feature = "rust")]
pub use layout::{LAYOUT_EXTENSION, Root, RootRef, check_layout, compiled_layout};

/// Two sides with different numbers do not understand each other.
pub const VERSION_MAJOR: u32 = 1;
/// Grows with each extension that is listed; both sides understand each other whatever it is.
pub const VERSION_MINOR: u32 = 0;

/// No time, no tick: the value of an `i64` that is not there.
pub const NONE: i64 = i64::MIN;

/// Success.
pub const OK: i32 = 0;
/// The call failed; why was told to the [`ErrorSink`].
pub const FAILED: i32 = -1;
/// The code behind the call panicked; the message was told to the [`ErrorSink`].
pub const PANICKED: i32 = -2;
