//! The two counted objects: memory, and what a packet carries. Both sides of a border hold the same
//! object; the header at its start is all that they share.
//!
//! # Counting
//!
//! `refs` starts at 1. Whoever wants to keep an object adds 1 (relaxed). Whoever lets go subtracts 1
//! (release); who finds that it was the last makes an acquire fence, then
//!
//! * of a payload, frees the list of [`Import`]s, each by its own `drop`;
//! * calls `destroy` of the vtable, which frees the object with the allocator that made it.
//!
//! An object is immutable while more than one reference exists.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, AtomicUsize};

use crate::text::Str;

/// Keeps memory alive. Which bytes of it are meant stands beside the reference
/// ([`Plane`](crate::Plane)).
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Buffer {
    /// References to it.
    pub refs: AtomicUsize,
    /// Its maker's functions.
    pub vtable: *const BufferVtable,
}

/// What the maker of a [`Buffer`] does for it. May be called from any thread.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct BufferVtable {
    /// `sizeof` of this struct.
    pub size: usize,
    /// Frees the memory and the object.
    pub destroy: unsafe extern "C" fn(*mut Buffer),
    /// Whether the memory may be written by who holds the only reference: nobody refers to it from
    /// outside (a decoder's list of references, a file mapping). 0 is no; anything else is yes, and
    /// stays so until a reference is added.
    pub is_unique: unsafe extern "C" fn(*const Buffer) -> i32,
    /// Growth: a table for this memory, or null.
    pub extension: Option<unsafe extern "C" fn(*const Buffer, id: Str) -> *const c_void>,
}

/// What a packet carries, whatever that is. Its maker's own data follow the header.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Payload {
    /// References to it.
    pub refs: AtomicUsize,
    /// Its maker's functions.
    pub vtable: *const PayloadVtable,
    /// What readers in other libraries have made of its views; null at first.
    #[cfg_attr(feature = "rust", sabi(unsafe_opaque_field))]
    pub imports: AtomicPtr<Import>,
}

/// What the maker of a [`Payload`] does for it. May be called from any thread, several at a time.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct PayloadVtable {
    /// `sizeof` of this struct.
    pub size: usize,
    /// The name of what it is: `bmf.video_frame`, or one with its maker's own prefix. Valid for ever.
    pub tag: Str,
    /// The library that made it, as the address of anything in it. Only code of that library may
    /// look behind the header.
    pub image: *const c_void,
    /// Frees the object.
    pub destroy: unsafe extern "C" fn(*mut Payload),
    /// Bytes of memory it holds, for queue limits and memory budgets.
    pub bytes: unsafe extern "C" fn(*const Payload) -> usize,
    /// Fills in the view of this `kind` ([`VideoView::KIND`](crate::VideoView::KIND) and its like),
    /// whose `size` its reader has set; 0 if there is none. What a view points to lives as long
    /// as the payload.
    pub view: unsafe extern "C" fn(*const Payload, kind: u32, out: *mut c_void) -> i32,
    /// Growth: a table for this payload, or null.
    pub extension: Option<unsafe extern "C" fn(*const Payload, id: Str) -> *const c_void>,
}

// SAFETY: immutable once made, and only points to what lives for ever.
unsafe impl Sync for PayloadVtable {}
// SAFETY: as above.
unsafe impl Send for PayloadVtable {}

/// What a reader has made of a payload of another library, kept with it so that it is made once.
/// A list to which anyone may add in front, by compare and exchange, and from which nobody takes
/// until the payload goes.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Import {
    /// The next one.
    pub next: *mut Import,
    /// The library that made it, which alone may look behind this header.
    pub image: *const c_void,
    /// Frees it.
    pub drop: unsafe extern "C" fn(*mut Import),
}

/// A time in microseconds, and one reference to a payload. The same as what travels on streams.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Packet {
    /// When the payload is due.
    pub timestamp: i64,
    /// Never null in a packet that is passed.
    pub payload: *mut Payload,
}
