//! Input from FIFOs, which can keep a reader waiting for ever.
//!
//! FFmpeg's own file protocol blocks in `open` and `read` where no interrupt
//! reaches it. So such files are opened here without blocking and waited for
//! together with the [`Interrupt`]: whichever happens first ends the wait. It
//! cannot seek and does not buffer beyond what FFmpeg asks for.

use std::ffi::{c_int, c_void};
use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::interrupt::Interrupt;
use crate::sys;

const BUFFER: usize = 32 * 1024;

/// An `AVIOContext` that reads a FIFO. Must outlive the format context using it.
#[derive(Debug)]
pub(crate) struct PipeInput {
    context: NonNull<sys::AVIOContext>,
    /// What `context` calls back with; from a box, freed in `drop`.
    source: NonNull<Source>,
}

// SAFETY: used through `&mut` of its owner only; the context has no thread
// affinity.
unsafe impl Send for PipeInput {}

#[derive(Debug)]
struct Source {
    file: File,
    wake: Arc<PipeReader>,
}

impl PipeInput {
    /// Opens `url` here if it is a local FIFO or standard input from a pipe;
    /// `None` if FFmpeg should open it itself.
    pub(crate) fn open(url: &str, interrupt: &Interrupt) -> Option<io::Result<Self>> {
        let path = match url {
            "-" | "pipe:" | "pipe:0" => Path::new("/dev/stdin"),
            _ => Path::new(url.strip_prefix("file:").unwrap_or(url)),
        };
        let is_fifo = path.metadata().ok()?.file_type().is_fifo();
        is_fifo.then(|| Self::open_path(path, interrupt))
    }

    fn open_path(path: &Path, interrupt: &Interrupt) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?;
        let source = NonNull::from(Box::leak(Box::new(Source {
            file,
            wake: interrupt.wake_end()?,
        })));
        // SAFETY: the buffer comes from FFmpeg's allocator as required; the
        // callback gets the source, which lives as long as the context.
        let context = unsafe {
            let buffer = sys::av_malloc(BUFFER);
            sys::avio_alloc_context(
                buffer.cast(),
                sys::int(BUFFER),
                0,
                source.as_ptr().cast(),
                Some(on_read),
                None,
                None,
            )
        };
        let context =
            NonNull::new(context).unwrap_or_else(|| sys::out_of_memory::<sys::AVIOContext>());
        Ok(Self { context, source })
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::AVIOContext {
        self.context.as_ptr()
    }
}

impl Drop for PipeInput {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: FFmpeg may have replaced the buffer, so the context's own
        // pointer is the one to free; nobody uses the context any more, and with
        // it the source, which came from a box.
        unsafe {
            sys::av_freep((&raw mut (*context).buffer).cast());
            sys::avio_context_free(&mut context);
            drop(Box::from_raw(self.source.as_ptr()));
        }
    }
}

impl Source {
    /// Waits until the file has data or has ended (no writer left), or until
    /// the interrupt is triggered, and reads.
    fn read(&mut self, buffer: &mut [u8]) -> c_int {
        loop {
            match self.wait() {
                Ok(false) => return sys::AVERROR_EXIT,
                Ok(true) => {}
                Err(error) => return code_of(&error),
            }
            match self.file.read(buffer) {
                Ok(0) => return sys::AVERROR_EOF,
                Ok(length) => return sys::int(length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return code_of(&error),
            }
        }
    }

    /// `false` if the interrupt ended the wait.
    fn wait(&self) -> io::Result<bool> {
        let entry = |fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        let mut fds = [entry(self.file.as_raw_fd()), entry(self.wake.as_raw_fd())];
        loop {
            // SAFETY: two valid entries with open descriptors. No time limit:
            // data, the last writer's leaving or the interrupt end the wait.
            let count = unsafe { libc::poll(fds.as_mut_ptr(), 2, -1) };
            if count >= 0 {
                return Ok(fds[1].revents == 0);
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

/// FFmpeg's code for a system error.
pub(crate) fn code_of(error: &io::Error) -> c_int {
    -error.raw_os_error().unwrap_or(libc::EIO)
}

unsafe extern "C" fn on_read(source: *mut c_void, buffer: *mut u8, size: c_int) -> c_int {
    // SAFETY: `source` is the box given to the context, used by one thread at a
    // time as the context is; FFmpeg provides `size` writable bytes.
    let (source, buffer) = unsafe {
        (
            &mut *source.cast::<Source>(),
            std::slice::from_raw_parts_mut(buffer, sys::size(size)),
        )
    };
    source.read(buffer)
}
