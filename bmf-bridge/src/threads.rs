//! The extension by which a module learns how many threads it may take for itself. A host that lacks
//! it leaves the choice to the module.

use bmf_abi as abi;

/// What a plugin asks the `extension` of a [`Host`](abi::Host) for.
pub(crate) const ID: &str = "bmf.context.threads.1";

/// The table behind [`ID`].
#[repr(C)]
#[derive(Copy, Clone)]
pub(crate) struct ThreadsApi {
    /// `sizeof` of this struct.
    pub(crate) size: usize,
    /// The [`code`](bmf_core::config::Threads::code) of the policy.
    pub(crate) threads: unsafe extern "C" fn(*const abi::Context) -> i32,
}
