//! The extension by which a kind of module says how several of its instances become one. A plugin that
//! lacks it is never asked.

use std::ffi::c_void;

use bmf_abi as abi;

/// What a host asks the `extension` of a [`ModuleType`](abi::ModuleType) for.
pub(crate) const ID: &str = "bmf.fuse.1";

/// The table behind [`ID`].
#[repr(C)]
#[derive(Copy, Clone)]
pub(crate) struct Fuse {
    /// `sizeof` of this struct.
    pub(crate) size: usize,
    /// Takes a JSON array with the options of instances that follow each other, and writes the options
    /// of the one that can stand for all of them, or `null`. `data` is that of the kind.
    pub(crate) fuse:
        unsafe extern "C" fn(data: *const c_void, chain: abi::Str, out: *const abi::Sink),
}
