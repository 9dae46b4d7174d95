//! The layer for Rust plugins: `abi_stable` compares every type of the contract, as the plugin was
//! compiled with it, with the host's. It carries nothing but the C table, and a plugin hands it out as
//! an extension, so the contract does not depend on it.

#![allow(dead_code, reason = "the derive makes a reader for each field")]

use std::ffi::c_void;
use std::sync::OnceLock;

use abi_stable::StableAbi;
use abi_stable::library::{AbiHeaderRef, LibHeader, RootModule};
use abi_stable::package_version_strings;
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::sabi_types::VersionStrings;

use crate::host::{Host, LogRecord};
use crate::object::Payload;
use crate::plugin::Plugin;
use crate::view::{
    AudioView, BytesView, EncodedView, PacketsView, PlaneView, TensorView, VideoView,
};

/// The extension of a [`Plugin`] under which Rust plugins give their [`LibHeader`].
pub const LAYOUT_EXTENSION: &str = "bmf.abi_stable.0.11";

/// What is compared: all types of the contract, by way of those that lead to the others.
/// Neither it nor [`Root`] ever grows: `abi_stable` has a host refuse plugins that know fewer fields than
/// itself. Tables of extensions are not compared; their names have a version.
#[repr(C)]
#[derive(Debug, StableAbi)]
struct Contract {
    plugin: Plugin,
    host: Host,
    log: LogRecord,
    payload: Payload,
    video: VideoView,
    audio: AudioView,
    encoded: EncodedView,
    tensor: TensorView,
    bytes: BytesView,
    packets: PacketsView,
    plane: PlaneView,
}

/// The root of a Rust plugin, in the sense of `abi_stable`. Its values say nothing, its type all.
#[repr(C)]
#[derive(Debug, StableAbi)]
#[sabi(kind(Prefix(prefix_ref = RootRef)))]
#[sabi(missing_field(panic))]
pub struct Root {
    #[sabi(last_prefix_field)]
    contract: Option<unsafe extern "C" fn(*const Contract)>,
}

impl RootModule for RootRef {
    abi_stable::declare_root_module_statics! {RootRef}
    const BASE_NAME: &'static str = "bmf";
    const NAME: &'static str = "bmf";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// The contract as this library was compiled with it: what a plugin gives as [`LAYOUT_EXTENSION`].
pub fn compiled_layout() -> *const c_void {
    static HEADER: OnceLock<LibHeader> = OnceLock::new();
    let make = || LibHeader::from_module(Root { contract: None }.leak_into_prefix());
    std::ptr::from_ref(HEADER.get_or_init(make)).cast()
}

/// Compares a plugin's contract with the host's.
///
/// # Errors
/// What differs, at length: up to some dozens of kilobytes.
///
/// # Safety
/// `layout` comes from [`compiled_layout`] of a library that is never unloaded.
pub unsafe fn check_layout(layout: *const c_void) -> Result<(), String> {
    // SAFETY: a reference to the header is what the plugin's pointer is, and `AbiHeaderRef` is
    // transparent; it checks that the rest is what this version of `abi_stable` expects.
    let header = unsafe { std::mem::transmute::<*const c_void, AbiHeaderRef>(layout) };
    let header = header.upgrade();
    let checked = header.and_then(LibHeader::ensure_layout::<RootRef>);
    checked.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_fits_itself() {
        // SAFETY: from this very program.
        assert_eq!(unsafe { check_layout(compiled_layout()) }, Ok(()));
    }
}
