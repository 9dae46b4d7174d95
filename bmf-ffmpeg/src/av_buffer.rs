//! Memory that FFmpeg and `bmf-hmp` share, without a copy in either direction.
//!
//! [`adopt`] makes a `Buffer` of a part of an `AVBufferRef`, [`lend`] the
//! reverse. Each side keeps the other's memory alive by one reference, and
//! either may write in place only while nobody else on both sides can see it.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use bmf_hmp::{Buffer, BufferOwner, Device};

use crate::error::Error;
use crate::sys;

/// A reference to one of FFmpeg's buffers, as a buffer's owner.
struct AvOwner(NonNull<sys::AVBufferRef>);

// SAFETY: references are counted atomically and may be dropped on any thread.
unsafe impl Send for AvOwner {}
// SAFETY: `is_unique` only reads.
unsafe impl Sync for AvOwner {}

// SAFETY: FFmpeg calls a buffer writable if it is not read-only and this is the
// only reference to it. Others could only be made from this one, which nobody
// else has.
unsafe impl BufferOwner for AvOwner {
    fn is_unique(&self) -> bool {
        // SAFETY: the reference is ours and valid.
        unsafe { sys::av_buffer_is_writable(self.0.as_ptr()) != 0 }
    }
}

impl Drop for AvOwner {
    fn drop(&mut self) {
        let mut reference = self.0.as_ptr();
        // SAFETY: ours, and not used again.
        unsafe { sys::av_buffer_unref(&mut reference) };
    }
}

/// A `Buffer` of at most `length` bytes at `start`, sharing the memory of
/// `reference`. It ends where that memory ends. `None` if `start` lies outside.
///
/// # Safety
///
/// `reference` is valid, and its memory is main memory that nobody writes while
/// more than one reference to it exists.
pub(crate) unsafe fn adopt(
    reference: *mut sys::AVBufferRef,
    start: *const u8,
    length: usize,
) -> Option<Buffer> {
    // SAFETY: the caller's promise.
    let (base, size) = unsafe { ((*reference).data.addr(), (*reference).size) };
    let offset = start.addr().checked_sub(base)?;
    let end = offset + length.min(size.checked_sub(offset)?);
    // SAFETY: the caller's promise.
    let pointer = NonNull::new(unsafe { (*reference).data })?;
    // SAFETY: the caller's promise.
    let own = unsafe { sys::av_buffer_ref(reference) };
    let own = NonNull::new(own).unwrap_or_else(|| sys::out_of_memory::<sys::AVBufferRef>());
    // SAFETY: these bytes are the memory that `own` keeps alive. FFmpeg's
    // allocations count as initialised: their bytes come from outside of Rust,
    // and every value is a valid `u8`. Writers check for a single reference.
    let whole = unsafe { Buffer::from_owner(pointer, size, Device::Cpu, AvOwner(own)) };
    whole.try_slice(offset..end)
}

/// An `AVBufferRef` that keeps `buffer` alive and gives access to its bytes.
/// FFmpeg may write to them only if nobody else holds them.
///
/// # Errors
///
/// If the bytes are not in main memory.
pub(crate) fn lend(buffer: Buffer) -> Result<NonNull<sys::AVBufferRef>, Error> {
    if !buffer.device().is_cpu() {
        return Err(not_on_cpu(&buffer.device()));
    }
    let flags = if buffer.is_unique() {
        0
    } else {
        sys::AV_BUFFER_FLAG_READONLY as c_int
    };
    let (pointer, length) = (buffer.as_ptr().cast_mut(), buffer.len());
    let boxed = Box::into_raw(Box::new(buffer));
    // SAFETY: the bytes stay valid until `release` frees the box, which FFmpeg
    // calls once, with the last reference. Without the read-only flag the box is
    // the only holder, so that writing is FFmpeg's right.
    let reference =
        unsafe { sys::av_buffer_create(pointer, length, Some(release), boxed.cast(), flags) };
    Ok(NonNull::new(reference).unwrap_or_else(|| sys::out_of_memory::<sys::AVBufferRef>()))
}

unsafe extern "C" fn release(buffer: *mut c_void, _data: *mut u8) {
    // SAFETY: `buffer` is the box that `lend` made; this is its only release.
    drop(unsafe { Box::from_raw(buffer.cast::<Buffer>()) });
}

/// The error for content that FFmpeg's software parts cannot reach.
pub(crate) fn not_on_cpu(device: &Device) -> Error {
    Error::new(
        "cannot hand a frame to ffmpeg",
        crate::error::ErrorKind::Unsupported,
        format!("its content is on {device}"),
    )
    .with_hint(Some("copy it to main memory first".into()))
}
