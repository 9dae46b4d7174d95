//! [`Storage`]: a counted reference to what keeps memory alive, perhaps in another library.
//!
//! It is the `Buffer` of the contract, [`bmf_abi::Buffer`]: a count and a table of functions, behind
//! which the maker keeps what it likes. Nothing but the header is read here unless it was made here.
//!
//! Any thread may hold, add and drop references. Adding one is a relaxed addition, since whoever adds
//! has one already. Dropping one is a release, so that the use of the memory comes before it; whoever
//! drops the last one acquires what all others released, and calls the maker's `destroy`, which frees
//! the object with the allocator that made it. Who holds the only reference and has asked the maker
//! ([`Storage::is_unique`]) may write, until it adds another one.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use bmf_abi as abi;

use super::BufferOwner;
use crate::panics::contained;

/// More references than this come from a leak in a loop: the next step would be a count of zero.
pub(crate) const MAX_REFS: usize = isize::MAX as usize;

/// One reference.
pub(super) struct Storage(NonNull<abi::Buffer>);

// SAFETY: owners made here are `Send + Sync`, and the contract demands the same of others'.
unsafe impl Send for Storage {}
// SAFETY: as above.
unsafe impl Sync for Storage {}

/// What stands behind the header of those made here.
#[repr(C)]
struct Owned<O> {
    header: abi::Buffer,
    owner: O,
}

impl<O: BufferOwner + 'static> Owned<O> {
    const VTABLE: &'static abi::BufferVtable = &abi::BufferVtable {
        size: size_of::<abi::BufferVtable>(),
        destroy: destroy::<O>,
        is_unique: is_unique::<O>,
        extension: None,
    };
}

/// # Safety
/// `buffer` is the header of an `Owned<O>` without references.
unsafe extern "C" fn destroy<O>(buffer: *mut abi::Buffer) {
    // SAFETY: made by `Storage::pinned` out of a box of this type; nobody refers to it any more.
    let owned = unsafe { Box::from_raw(buffer.cast::<Owned<O>>()) };
    contained("the release of a buffer", (), || drop(owned));
}

/// # Safety
/// `buffer` is the header of an `Owned<O>`.
unsafe extern "C" fn is_unique<O: BufferOwner>(buffer: *const abi::Buffer) -> i32 {
    // SAFETY: the caller's promise; owners are only read until they are destroyed.
    let owned = unsafe { &*buffer.cast::<Owned<O>>() };
    contained("the owner of a buffer", false, || owned.owner.is_unique()).into()
}

/// Whether a table has what it must have.
///
/// # Safety
/// `vtable` is null, or what starts with a size of its own.
unsafe fn is_whole(vtable: *const abi::BufferVtable) -> bool {
    if vtable.is_null() || !vtable.is_aligned() {
        return false;
    }
    // SAFETY: the size comes first in a table of any age, and what is read is not beyond it. Functions
    // are looked at as addresses, before they are taken to be functions.
    unsafe {
        if (&raw const (*vtable).size).read() < size_of::<abi::BufferVtable>() {
            return false;
        }
        let destroy = (&raw const (*vtable).destroy).cast::<usize>().read();
        let is_unique = (&raw const (*vtable).is_unique).cast::<usize>().read();
        destroy != 0 && is_unique != 0
    }
}

impl Storage {
    pub(super) fn new<O: BufferOwner + 'static>(owner: O) -> Self {
        Self::pinned(owner).0
    }

    /// Also tells where the owner is now, and stays as long as there are references.
    pub(super) fn pinned<O: BufferOwner + 'static>(owner: O) -> (Self, NonNull<O>) {
        let object = Box::into_raw(Box::new(Owned {
            header: abi::Buffer {
                refs: AtomicUsize::new(1),
                vtable: Owned::<O>::VTABLE,
            },
            owner,
        }));
        // SAFETY: a box is never null, and a field of it neither.
        unsafe {
            let owner = NonNull::new_unchecked(&raw mut (*object).owner);
            (Self(NonNull::new_unchecked(object.cast())), owner)
        }
    }

    /// Another reference; `None` where the pointer is null or what it points to is not of this
    /// contract.
    ///
    /// # Safety
    /// `buffer` is null, or somebody keeps a reference to it during the call.
    pub(super) unsafe fn share(buffer: *mut abi::Buffer) -> Option<Self> {
        let buffer = NonNull::new(buffer).filter(|buffer| buffer.is_aligned())?;
        // SAFETY: alive, by the caller's promise; as the object, so its table.
        if !unsafe { is_whole(buffer.as_ref().vtable) } {
            return None;
        }
        // Not this one's reference to drop.
        let lent = std::mem::ManuallyDrop::new(Self(buffer));
        Some(Self::clone(&lent))
    }

    pub(super) fn as_raw(&self) -> *mut abi::Buffer {
        self.0.as_ptr()
    }

    fn header(&self) -> &abi::Buffer {
        // SAFETY: this is a reference to it; only its count is ever changed.
        unsafe { self.0.as_ref() }
    }

    fn vtable(&self) -> &abi::BufferVtable {
        // SAFETY: set by the maker, and lives as long as the object.
        unsafe { &*self.header().vtable }
    }

    /// Whether this is the only reference, and the maker knows of nobody else. If so, everything that
    /// others did with the memory has been done.
    pub(super) fn is_unique(&self) -> bool {
        let only = self.header().refs.load(Ordering::Acquire) == 1;
        // SAFETY: the object's own function, and the object is alive.
        only && unsafe { (self.vtable().is_unique)(self.as_raw()) } != 0
    }

    #[inline(never)]
    fn destroy(&mut self) {
        fence(Ordering::Acquire);
        // SAFETY: that was the last reference, so nobody can reach the object any more, and what others
        // did with it comes before the fence.
        unsafe { (self.vtable().destroy)(self.as_raw()) };
    }
}

impl Clone for Storage {
    #[inline]
    fn clone(&self) -> Self {
        let before = self.header().refs.fetch_add(1, Ordering::Relaxed);
        if before > MAX_REFS {
            std::process::abort();
        }
        Self(self.0)
    }
}

impl Drop for Storage {
    #[inline]
    fn drop(&mut self) {
        if self.header().refs.fetch_sub(1, Ordering::Release) == 1 {
            self.destroy();
        }
    }
}

impl PartialEq for Storage {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
