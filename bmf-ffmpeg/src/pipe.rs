//! Input from FIFOs, which can keep a reader waiting for ever.
//!
//! FFmpeg's own file protocol blocks in `open` and `read` where no interrupt
//! reaches it. So such files are opened here without blocking and waited for
//! together with the [`Interrupt`]: whichever happens first ends the wait. It
//! cannot seek and does not buffer beyond what FFmpeg asks for.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use crate::interrupt::Interrupt;

/// What a FIFO is read with.
#[derive(Debug)]
pub(crate) struct PipeInput {
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
        Ok(Self {
            file,
            wake: interrupt.wake_end()?,
        })
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

impl Read for PipeInput {
    /// Waits until the file has data or has ended (no writer left), or until
    /// the interrupt is triggered, and reads.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.wait()? {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}
