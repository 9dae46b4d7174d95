//! [`Region`]: a block of memory of this crate's own.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use super::ALIGNMENT;

/// A block of initialised memory from the global allocator, aligned to [`ALIGNMENT`], with one owner.
pub(crate) struct Region {
    pub(super) ptr: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a region is the only owner of its memory.
unsafe impl Send for Region {}

impl Region {
    /// `len` zero bytes; `None` if there is no such memory. An empty region has one byte.
    pub(crate) fn zeroed(len: usize) -> Option<Self> {
        let layout = Layout::from_size_align(len.max(1), ALIGNMENT).ok()?;
        // SAFETY: the size is not zero.
        let ptr = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { ptr, layout })
    }

    pub(crate) fn len(&self) -> usize {
        self.layout.size()
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this layout, and freed only here.
        unsafe { dealloc(self.ptr.as_ptr(), self.layout) };
    }
}

pub(crate) fn out_of_memory(len: usize) -> ! {
    match Layout::from_size_align(len, ALIGNMENT) {
        Ok(layout) => std::alloc::handle_alloc_error(layout),
        Err(_) => panic!("{len} bytes are more than a buffer can have"),
    }
}
