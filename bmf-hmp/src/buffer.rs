//! [`Buffer`]: a window into shared bytes, on any device, that knows how to give them back.
//!
//! Cloning and slicing touch one reference count and no byte. What keeps the bytes alive may belong to
//! another library ([`storage`]). Nothing here knows of pixels or samples, or moves bytes between
//! devices.
//!
//! Who may touch the bytes:
//!
//! 1. Anyone holding a `Buffer` may read them, as long as they are CPU memory.
//! 2. Nobody writes while more than one `Buffer` shares the storage, or while its owner says that
//!    someone outside (a decoder's reference list, say) still reads it.
//! 3. A sole holder may write through [`Buffer::get_mut`]. `&mut Buffer` then keeps others from
//!    appearing, because a new holder can only be cloned from an existing one.

mod region;
mod storage;

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::ptr::NonNull;
use std::slice;
use std::sync::{Mutex, PoisonError};

use bmf_abi as abi;

use crate::Device;

use storage::Storage;

pub(crate) use region::{Region, out_of_memory};
pub(crate) use storage::MAX_REFS;

/// The alignment in bytes of all memory this crate allocates: a cache line, and the widest vector
/// register in use.
pub const ALIGNMENT: usize = 64;

/// Keeps memory of another library alive. Dropping the owner releases the memory.
///
/// # Safety
/// If [`is_unique`](Self::is_unique) returns `true`, the memory may be written, nobody but this owner
/// refers to it, and that stays so until this owner is used to create another reference.
pub unsafe trait BufferOwner: Send + Sync {
    /// Whether the memory is writable and nobody outside the buffers of this owner can see it.
    fn is_unique(&self) -> bool;
}

/// A window into shared, reference-counted bytes.
///
/// The storage is released exactly once, when the last `Buffer` that shares it is dropped, on the
/// thread that drops it. Buffers can be sent and shared between threads.
///
/// ```
/// use bmf_hmp::Buffer;
///
/// let mut whole = Buffer::from_vec(vec![1, 2, 3, 4]);
/// let tail = whole.slice(2..);
/// assert_eq!(tail.as_slice(), Some(&[3, 4][..]));
/// assert!(whole.get_mut().is_none()); // shared with `tail`
/// whole.make_mut()[3] = 9; // copied, once
/// assert_eq!(tail.as_slice(), Some(&[3, 4][..]));
/// ```
#[derive(Clone)]
pub struct Buffer {
    ptr: NonNull<u8>,
    len: usize,
    /// Valid bytes of the storage behind the window.
    slack: usize,
    device: Device,
    storage: Storage,
}

// SAFETY: the bytes are shared under the rules at the top of this file, which hold on any thread,
// and the storage is `Send + Sync`.
unsafe impl Send for Buffer {}
// SAFETY: as above; `&Buffer` only reads.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// `len` zero bytes, aligned to [`ALIGNMENT`]. Aborts when memory is exhausted, as `vec!` does.
    ///
    /// # Panics
    /// If `len` exceeds `isize::MAX`.
    pub fn zeroed(len: usize) -> Self {
        let region = Region::zeroed(len).unwrap_or_else(|| out_of_memory(len));
        Self::from_region(region, len, drop)
    }

    /// `len` zero bytes, aligned to [`ALIGNMENT`]; `None` when memory is exhausted.
    pub fn try_zeroed(len: usize) -> Option<Self> {
        Region::zeroed(len).map(|region| Self::from_region(region, len, drop))
    }

    /// Takes over a vector without copying it.
    pub fn from_vec(vec: Vec<u8>) -> Self {
        Self::with_release(vec, drop)
    }

    /// Takes over a vector without copying it, and hands it to `release` when the last holder is gone.
    pub fn with_release(mut vec: Vec<u8>, release: impl FnOnce(Vec<u8>) + Send + 'static) -> Self {
        let (ptr, len) = (vec.as_mut_ptr(), vec.len());
        let ptr = NonNull::new(ptr).expect("a vector's pointer is never null");
        // SAFETY: the vector's heap block is initialised, stays where it is while the closure holds
        // the vector, and nobody else can reach it before `release` is called.
        unsafe { Self::from_raw(ptr, len, Device::Cpu, move || release(vec)) }
    }

    /// A copy of `bytes`.
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        let mut copy = Self::zeroed(bytes.len());
        if let Some(target) = copy.get_mut() {
            target.copy_from_slice(bytes);
        }
        copy
    }

    /// Shares bytes that someone else owns, without copying them: a memory map, a string, an
    /// `Arc<[u8]>`. They are never written: [`get_mut`](Self::get_mut) returns `None`.
    pub fn from_read_only<T: AsRef<[u8]> + Send + Sync + 'static>(owner: T) -> Self {
        let (storage, owner) = Storage::pinned(ReadOnly(owner));
        // SAFETY: the storage keeps it there, and nobody changes it. The window stays valid for as
        // long: from here on nobody can reach the owner but to drop it.
        let bytes = unsafe { owner.as_ref() }.0.as_ref();
        let (ptr, len) = (NonNull::from(bytes).cast(), bytes.len());
        Self {
            ptr,
            len,
            slack: 0,
            device: Device::Cpu,
            storage,
        }
    }

    /// Wraps memory that an owner keeps alive.
    ///
    /// # Safety
    /// From now until `owner` is dropped,
    /// - the `len` bytes at `ptr` are valid, initialised if `device` is the CPU, and at most
    ///   `isize::MAX` many;
    /// - nobody writes to them except through the returned buffer.
    pub unsafe fn from_owner(
        ptr: NonNull<u8>,
        len: usize,
        device: Device,
        owner: impl BufferOwner + 'static,
    ) -> Self {
        Self {
            ptr,
            len,
            slack: 0,
            device,
            storage: Storage::new(owner),
        }
    }

    /// Wraps memory that the buffer then has for itself, until `release` is called, exactly once, on
    /// the thread that drops the last holder.
    ///
    /// # Safety
    /// Until `release` is called,
    /// - the `len` bytes at `ptr` are valid for reads and writes, initialised if `device` is the CPU,
    ///   and at most `isize::MAX` many;
    /// - nobody else reads or writes them.
    pub unsafe fn from_raw(
        ptr: NonNull<u8>,
        len: usize,
        device: Device,
        release: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self {
            ptr,
            len,
            slack: 0,
            device,
            storage: Storage::new(Release(Mutex::new(Some(release)))),
        }
    }

    /// The first `len` bytes of a region, which goes to `release` when the last holder is gone.
    pub(crate) fn from_region(
        region: Region,
        len: usize,
        release: impl FnOnce(Region) + Send + 'static,
    ) -> Self {
        assert!(
            len <= region.len(),
            "a buffer of {len} bytes in a region of {}",
            region.len()
        );
        let slack = region.len() - len;
        // SAFETY: a region is initialised memory with one owner, which the closure now is; `len` is
        // within it.
        let buffer =
            unsafe { Self::from_raw(region.ptr, len, Device::Cpu, move || release(region)) };
        Self { slack, ..buffer }
    }

    /// How many bytes the window shows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the window shows nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the bytes are.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The address of the first byte, on [`device`](Self::device). It stays valid while any holder of
    /// the storage lives. Writing through it is sound only under the rules for
    /// [`get_mut`](Self::get_mut).
    pub fn as_ptr(&self) -> *const u8 {
        self.ptr.as_ptr()
    }

    /// The bytes; `None` when they are not in CPU memory.
    pub fn as_slice(&self) -> Option<&[u8]> {
        if !self.device.is_cpu() {
            return None;
        }
        // SAFETY: the constructors guarantee `len` initialised bytes at `ptr` while the owner lives,
        // slicing only narrows, and nobody writes while `self` is borrowed (rule 3).
        Some(unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len) })
    }

    /// A window into this window; the storage is shared.
    ///
    /// # Panics
    /// If the range does not lie within the window. [`try_slice`](Self::try_slice) returns `None`.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let bounds = (range.start_bound().cloned(), range.end_bound().cloned());
        self.try_slice(bounds)
            .unwrap_or_else(|| panic!("range {bounds:?} is outside a buffer of {} bytes", self.len))
    }

    /// A window into this window; `None` if the range does not lie within it. The storage is shared.
    pub fn try_slice(&self, range: impl RangeBounds<usize>) -> Option<Self> {
        let (start, len) = self.resolve(range)?;
        let ptr = NonNull::new(self.ptr.as_ptr().wrapping_add(start))?;
        Some(Self {
            ptr,
            len,
            slack: self.slack + (self.len - start - len),
            device: self.device,
            storage: self.storage.clone(),
        })
    }

    /// The window as other libraries see it, which borrows: it is valid as long as this buffer, or
    /// for longer with a reference added to its `buffer`. `stride` is passed on.
    pub fn as_plane(&self, stride: isize) -> abi::Plane {
        abi::Plane {
            data: self.ptr.as_ptr(),
            len: self.len,
            slack: self.slack,
            stride,
            buffer: self.storage.as_raw(),
        }
    }

    /// The window that another library shows; the storage is shared. `None` if it shows nothing that
    /// can be kept: no memory, or no storage of this contract.
    ///
    /// # Safety
    /// Where they are not null, `plane.buffer` is alive during the call, and as long as it is,
    /// - the `len + slack` bytes at `plane.data` are valid, and initialised if `device` is the CPU;
    /// - nobody writes to them while there is more than one reference to `plane.buffer`.
    pub unsafe fn from_plane(plane: &abi::Plane, device: Device) -> Option<Self> {
        let end = plane.len.checked_add(plane.slack)?;
        if end > isize::MAX as usize {
            return None;
        }
        let ptr = match NonNull::new(plane.data) {
            Some(ptr) => ptr,
            None if end == 0 => NonNull::dangling(),
            None => return None,
        };
        // SAFETY: alive, by the caller's promise, which is also that of `Self`.
        let storage = unsafe { Storage::share(plane.buffer) }?;
        Some(Self {
            ptr,
            len: plane.len,
            slack: plane.slack,
            device,
            storage,
        })
    }

    fn resolve(&self, range: impl RangeBounds<usize>) -> Option<(usize, usize)> {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&before) => before.checked_add(1)?,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.checked_add(1)?,
            Bound::Excluded(&end) => end,
            Bound::Unbounded => self.len,
        };
        (start <= end && end <= self.len).then(|| (start, end - start))
    }

    /// Shows only the first `len` bytes from now on; no effect if there are no more.
    pub fn truncate(&mut self, len: usize) {
        self.slack += self.len.saturating_sub(len);
        self.len = self.len.min(len);
    }

    /// How many bytes behind the window may still be read through [`as_ptr`](Self::as_ptr). Vector
    /// code of other libraries reads a little past the end of its input.
    pub fn slack(&self) -> usize {
        self.slack
    }

    /// Whether this is the only holder of its storage, inside and outside of this crate. Another
    /// thread that drops its share makes this true at any time; nobody can make it false while you
    /// hold the only one.
    pub fn is_unique(&self) -> bool {
        self.storage.is_unique()
    }

    /// The bytes for writing; `None` when the storage is shared, read-only, or not in CPU memory.
    pub fn get_mut(&mut self) -> Option<&mut [u8]> {
        if !self.device.is_cpu() || !self.storage.is_unique() {
            return None;
        }
        // SAFETY:
        // - `len` initialised, valid bytes: as in `as_slice`.
        // - Writable and exclusive: no other `Buffer` shares the storage, its owner vouches for
        //   everyone else, and `&mut self` keeps it so for the lifetime of the slice.
        Some(unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) })
    }

    /// The bytes for writing. If they cannot be written in place, they are first copied, once, and
    /// this buffer lets go of the old storage.
    ///
    /// # Panics
    /// If the bytes are not in CPU memory. [`try_make_mut`](Self::try_make_mut) returns `None`.
    pub fn make_mut(&mut self) -> &mut [u8] {
        let device = self.device;
        self.try_make_mut()
            .unwrap_or_else(|| panic!("a buffer on {device} is not for the CPU to write"))
    }

    /// Like [`make_mut`](Self::make_mut); `None` when the bytes are not in CPU memory.
    pub fn try_make_mut(&mut self) -> Option<&mut [u8]> {
        if self.get_mut().is_none() {
            *self = Self::copy_from_slice(self.as_slice()?);
        }
        self.get_mut()
    }

    /// Whether two buffers show the same window of the same storage.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.ptr == other.ptr && self.len == other.len && self.shares_storage(other)
    }

    /// Whether two buffers keep the same storage alive, whatever they show of it.
    pub fn shares_storage(&self, other: &Self) -> bool {
        self.storage == other.storage
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(vec: Vec<u8>) -> Self {
        Self::from_vec(vec)
    }
}

/// An empty buffer.
impl Default for Buffer {
    fn default() -> Self {
        Self::zeroed(0)
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes on {})", self.len, self.device)
    }
}

/// Bytes of some other owner, to be read only.
struct ReadOnly<T>(T);

// SAFETY: never unique, so nothing is promised.
unsafe impl<T: Send + Sync> BufferOwner for ReadOnly<T> {
    fn is_unique(&self) -> bool {
        false
    }
}

/// Memory with no other owner, and how to give it back. The mutex is never contended; it spares the
/// callback from having to be `Sync`.
struct Release<F: FnOnce() + Send>(Mutex<Option<F>>);

// SAFETY: made only by `Buffer::from_raw`, whose caller gives the memory away for writing.
unsafe impl<F: FnOnce() + Send> BufferOwner for Release<F> {
    fn is_unique(&self) -> bool {
        true
    }
}

impl<F: FnOnce() + Send> Drop for Release<F> {
    fn drop(&mut self) {
        let release = self
            .0
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(release) = release {
            release();
        }
    }
}

#[cfg(test)]
mod tests;
