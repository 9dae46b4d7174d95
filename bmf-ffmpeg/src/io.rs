//! Input from anything that Rust can read: FFmpeg calls back for bytes.
//!
//! It cannot seek, and does not buffer beyond what FFmpeg asks for.

use std::ffi::{c_int, c_void};
use std::fmt;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use crate::sys;

const BUFFER: usize = 32 * 1024;

/// What FFmpeg reads from.
type Reader = Box<dyn Read + Send>;

/// An `AVIOContext` that reads from a [`Read`]. Must outlive the format context using it.
pub(crate) struct ReadContext {
    context: NonNull<sys::AVIOContext>,
    /// What `context` calls back with; from a box, freed in `drop`.
    reader: NonNull<Reader>,
}

// SAFETY: used through `&mut` of its owner only; the context has no thread
// affinity, and the reader can be sent.
unsafe impl Send for ReadContext {}

impl ReadContext {
    pub(crate) fn new(reader: Reader) -> Self {
        let reader = NonNull::from(Box::leak(Box::new(reader)));
        // SAFETY: the buffer comes from FFmpeg's allocator as required; the
        // callback gets the reader, which lives as long as the context.
        let context = unsafe {
            let buffer = sys::av_malloc(BUFFER);
            sys::avio_alloc_context(
                buffer.cast(),
                sys::int(BUFFER),
                0,
                reader.as_ptr().cast(),
                Some(on_read),
                None,
                None,
            )
        };
        let context =
            NonNull::new(context).unwrap_or_else(|| sys::out_of_memory::<sys::AVIOContext>());
        Self { context, reader }
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::AVIOContext {
        self.context.as_ptr()
    }
}

impl Drop for ReadContext {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: FFmpeg may have replaced the buffer, so the context's own
        // pointer is the one to free; nobody uses the context any more, and with
        // it the reader, which came from a box.
        unsafe {
            sys::av_freep((&raw mut (*context).buffer).cast());
            sys::avio_context_free(&mut context);
            drop(Box::from_raw(self.reader.as_ptr()));
        }
    }
}

impl fmt::Debug for ReadContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadContext")
    }
}

/// FFmpeg's code for a system error.
pub(crate) fn code_of(error: &io::Error) -> c_int {
    -error.raw_os_error().unwrap_or(libc::EIO)
}

/// Reads; what fails because it was interrupted means that reading is to end, as nothing else
/// interrupts it.
fn read(reader: &mut Reader, buffer: &mut [u8]) -> c_int {
    match reader.read(buffer) {
        Ok(0) => sys::AVERROR_EOF,
        Ok(length) => sys::int(length),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => sys::AVERROR_EXIT,
        Err(error) => code_of(&error),
    }
}

unsafe extern "C" fn on_read(reader: *mut c_void, buffer: *mut u8, size: c_int) -> c_int {
    // SAFETY: `reader` is the box given to the context, used by one thread at a
    // time as the context is; FFmpeg provides `size` writable bytes.
    let (reader, buffer) = unsafe {
        (
            &mut *reader.cast::<Reader>(),
            std::slice::from_raw_parts_mut(buffer, sys::size(size)),
        )
    };
    // A panic must not cross C's frames.
    catch_unwind(AssertUnwindSafe(|| read(reader, buffer))).unwrap_or(-libc::EIO)
}
