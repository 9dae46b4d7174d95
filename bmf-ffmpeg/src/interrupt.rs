//! Ends a blocked read or write from another thread.
//!
//! FFmpeg asks a callback while it waits for network input; that callback reads
//! one flag. Local pipes are waited for in the kernel, where nobody asks; for
//! them ([`pipe`](crate::pipe)) the interrupt also holds the writing end of a
//! wake-up pipe, and closing it is the event that ends the wait. Nothing polls.

use std::ffi::{c_int, c_void};
use std::io::{PipeReader, PipeWriter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::sys;

/// A switch that ends the blocking operations of everything opened with it.
///
/// Clones are the same switch. It cannot be reset: what was interrupted is to
/// be closed.
///
/// ```
/// let interrupt = bmf_ffmpeg::Interrupt::new();
/// let other = interrupt.clone();
/// other.trigger();
/// assert!(interrupt.is_triggered());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Written under the lock, read without it by FFmpeg's callback.
    triggered: AtomicBool,
    /// Both ends of the wake-up pipe, made when the first pipe is opened.
    /// Triggering drops the writing end.
    wake: Mutex<Option<(Arc<PipeReader>, Option<PipeWriter>)>>,
}

impl Interrupt {
    /// A switch that has not been triggered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all waits now, and all later ones at once. Callable from any thread.
    pub fn trigger(&self) {
        let mut wake = self.0.wake.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.triggered.store(true, Ordering::Relaxed);
        if let Some((_, writer)) = wake.as_mut() {
            *writer = None;
        }
    }

    /// Whether it has been triggered.
    pub fn is_triggered(&self) -> bool {
        self.0.triggered.load(Ordering::Relaxed)
    }

    /// Something that becomes readable (at its end) when this is triggered.
    pub(crate) fn wake_end(&self) -> std::io::Result<Arc<PipeReader>> {
        let mut wake = self.0.wake.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((reader, _)) = wake.as_ref() {
            return Ok(Arc::clone(reader));
        }
        let (reader, writer) = std::io::pipe()?;
        let reader = Arc::new(reader);
        let writer = (!self.is_triggered()).then_some(writer);
        *wake = Some((Arc::clone(&reader), writer));
        Ok(reader)
    }

    /// The callback for FFmpeg. The caller keeps a clone of `self` as long as
    /// FFmpeg may call it.
    pub(crate) fn callback(&self) -> sys::AVIOInterruptCB {
        let flag: *const AtomicBool = &raw const self.0.triggered;
        sys::AVIOInterruptCB {
            callback: Some(ask),
            opaque: flag.cast_mut().cast(),
        }
    }
}

unsafe extern "C" fn ask(flag: *mut c_void) -> c_int {
    // SAFETY: `flag` is what `callback` put there, kept alive by the owner of
    // the FFmpeg context; it is atomic and never written otherwise.
    unsafe { &*flag.cast::<AtomicBool>() }
        .load(Ordering::Relaxed)
        .into()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_wake_end_ends_before_and_after() {
        let interrupt = Interrupt::new();
        let early = interrupt.wake_end().unwrap();
        interrupt.trigger();
        assert_eq!((&*early).read(&mut [0]).unwrap(), 0);

        let interrupt = Interrupt::new();
        interrupt.trigger();
        let late = interrupt.wake_end().unwrap();
        assert_eq!((&*late).read(&mut [0]).unwrap(), 0);
    }
}
