//! Output into memory: what a muxer writes is kept as pieces, each with its place in the file, for
//! somebody else to store or send.
//!
//! A muxer may go back, as to complete a header; the pieces say so by their offsets. Nothing can be
//! read back.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use crate::sys;

/// Bytes that a muxer has written, and where in the file they belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Distance from the beginning of the file.
    pub offset: u64,
    /// The bytes.
    pub data: Vec<u8>,
}

/// An `AVIOContext` that writes into memory. Must outlive the format context using it.
#[derive(Debug)]
pub(crate) struct MemoryOutput {
    context: NonNull<sys::AVIOContext>,
    /// What `context` calls back with; from a box, freed in `drop`.
    target: NonNull<Target>,
}

// SAFETY: used through `&mut` of its owner only; the context has no thread affinity.
unsafe impl Send for MemoryOutput {}

#[derive(Debug, Default)]
struct Target {
    position: u64,
    /// Where the file ends so far.
    end: u64,
    pieces: Vec<Piece>,
}

impl MemoryOutput {
    /// Pieces are mostly as long as the buffer.
    pub(crate) fn new(buffer: usize) -> Self {
        let target = NonNull::from(Box::leak(Box::<Target>::default()));
        // SAFETY: the buffer comes from FFmpeg's allocator, as it demands; the target lives as long
        // as the context.
        let context = unsafe {
            let memory = sys::av_malloc(buffer).cast::<u8>();
            if memory.is_null() {
                sys::out_of_memory::<u8>();
            }
            sys::avio_alloc_context(
                memory,
                sys::int(buffer),
                1,
                target.as_ptr().cast(),
                None,
                Some(write),
                Some(seek),
            )
        };
        let context =
            NonNull::new(context).unwrap_or_else(|| sys::out_of_memory::<sys::AVIOContext>());
        // SAFETY: the context is new. FFmpeg would otherwise empty the buffer after each packet.
        unsafe { (*context.as_ptr()).min_packet_size = sys::int(buffer) };
        Self { context, target }
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::AVIOContext {
        self.context.as_ptr()
    }

    /// What has come out of the buffer since the last call.
    pub(crate) fn take(&mut self) -> Vec<Piece> {
        // SAFETY: the target is ours, and FFmpeg writes to it only while it is called.
        std::mem::take(unsafe { &mut self.target.as_mut().pieces })
    }
}

impl Drop for MemoryOutput {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: context, its buffer (which FFmpeg may have replaced) and target are ours, and
        // nobody uses them any more.
        unsafe {
            sys::av_freep((&raw mut (*context).buffer).cast());
            sys::avio_context_free(&mut context);
            drop(Box::from_raw(self.target.as_ptr()));
        }
    }
}

impl Target {
    fn write(&mut self, bytes: &[u8]) {
        let offset = self.position;
        self.position += bytes.len() as u64;
        self.end = self.end.max(self.position);
        self.pieces.push(Piece {
            offset,
            data: bytes.to_vec(),
        });
    }

    /// The new position; `None` if there is no such place.
    fn seek(&mut self, offset: i64, whence: c_int) -> Option<u64> {
        let base = match whence {
            libc::SEEK_SET => 0,
            libc::SEEK_CUR => self.position,
            libc::SEEK_END => self.end,
            _ => return None,
        };
        self.position = base.checked_add_signed(offset)?;
        Some(self.position)
    }
}

unsafe extern "C" fn write(target: *mut c_void, bytes: *mut u8, length: c_int) -> c_int {
    if length > 0 {
        // SAFETY: the target that the context was made with, and FFmpeg's bytes of that length.
        unsafe {
            let bytes = std::slice::from_raw_parts(bytes.cast_const(), sys::size(length));
            (*target.cast::<Target>()).write(bytes);
        }
    }
    length
}

unsafe extern "C" fn seek(target: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: the target that the context was made with.
    let target = unsafe { &mut *target.cast::<Target>() };
    let position = match whence {
        sys::AVSEEK_SIZE => Some(target.end),
        whence => target.seek(offset, whence & !sys::AVSEEK_FORCE),
    };
    position
        .and_then(|position| i64::try_from(position).ok())
        .unwrap_or(-i64::from(libc::EINVAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_shows_in_the_offsets() {
        let mut output = MemoryOutput::new(8);
        // SAFETY: the context is open, texts end with a zero.
        unsafe {
            let context = output.as_ptr();
            sys::avio_write(context, b"0123456789".as_ptr(), 10);
            assert_eq!(sys::avio_seek(context, 2, libc::SEEK_SET), 2);
            sys::avio_write(context, b"ab".as_ptr(), 2);
            assert_eq!(sys::avio_seek(context, 10, libc::SEEK_SET), 10);
            sys::avio_write(context, b"c".as_ptr(), 1);
            sys::avio_flush(context);
            assert_eq!(sys::avio_size(context), 11);
        }
        let mut file = vec![0; 11];
        for Piece { offset, data } in output.take() {
            file[offset as usize..][..data.len()].copy_from_slice(&data);
        }
        assert_eq!(file, b"01ab456789c");
        assert!(output.take().is_empty());
    }
}
