//! The library as a whole, and the one symbol it exports.

use std::ffi::c_void;

use crate::host::Host;
use crate::module::ModuleType;
use crate::text::{ErrorSink, Str};

/// A plugin library exports one function whose name starts with this, with the major version in it,
/// and goes on with a name of the library's own, so that several can be linked into one program.
/// A library without such a symbol is not a plugin, and one with another number is for another
/// contract: both are seen without running any of its code.
pub const ENTRY_PREFIX: &str = "bmf_plugin_v1_";

/// The exported function. Called once per library and process, before anything else; `host` lives as
/// long as the process, and so must the result. Null: the plugin refuses this host, or cannot be used
/// here; why was told to `error`.
pub type Entry = unsafe extern "C" fn(host: *const Host, error: *const ErrorSink) -> *const Plugin;

/// A plugin library.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Plugin {
    /// `sizeof` of this struct.
    pub size: usize,
    /// The plugin's [`VERSION_MAJOR`](crate::VERSION_MAJOR).
    pub version_major: u32,
    /// The plugin's [`VERSION_MINOR`](crate::VERSION_MINOR).
    pub version_minor: u32,
    /// Its name.
    pub name: Str,
    /// Its version.
    pub version: Str,
    /// With what it was built: compiler and kit, for messages.
    pub built_with: Str,
    /// [`PANIC_ABORTS`](Self::PANIC_ABORTS) or 0.
    pub flags: u32,
    /// Which of several libraries with a module of the same name is used: the one with the highest
    /// number. 0 is usual.
    pub rank: i32,
    /// How many modules.
    pub module_count: usize,
    /// The modules.
    pub modules: *const *const ModuleType,
    /// Growth: a table, or null. May be null itself.
    pub extension: Option<unsafe extern "C" fn(id: Str) -> *const c_void>,
}

// SAFETY: immutable once made; its function may be called from any thread.
unsafe impl Sync for Plugin {}
// SAFETY: as above.
unsafe impl Send for Plugin {}

impl Plugin {
    /// A panic in the plugin ends the process: it was built with `panic = "abort"`.
    pub const PANIC_ABORTS: u32 = 1;
}
