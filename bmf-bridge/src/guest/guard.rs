//! Around each function of a table: panics end here, and errors are told.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bmf_abi as abi;
use bmf_core::ModuleError;
use bmf_hmp::panics;

use crate::tell;

thread_local! {
    /// Whether this thread is in a call of the host, to which panics are told.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether what panics on this thread now is told to the host.
pub(super) fn is_guarded() -> bool {
    GUARDED.get()
}

/// Runs `action`, which becomes a code of the contract.
///
/// # Safety
/// `sink` is null or a sink of the contract that can be used now.
#[inline]
pub(super) unsafe fn coded(
    sink: *const abi::ErrorSink,
    action: impl FnOnce() -> Result<i32, ModuleError>,
) -> i32 {
    match caught(action) {
        Ok(Ok(code)) => code,
        // SAFETY: the caller's promise.
        Ok(Err(error)) => unsafe { fail(sink, error) },
        // SAFETY: as above.
        Err(panic) => unsafe { tell::panic(sink, &panics::message(panic)) },
    }
}

/// Runs `action` and catches its panic.
#[inline]
pub(super) fn caught<R>(action: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    // Calls can be nested: a host may drop a packet of this library while it is in one.
    let before = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(action));
    GUARDED.set(before);
    result
}

#[cold]
unsafe fn fail(sink: *const abi::ErrorSink, error: ModuleError) -> i32 {
    // Errors have sources of the module's own types, which may panic when they are asked or dropped.
    let told = caught(|| {
        // SAFETY: the caller's promise.
        let code = unsafe { tell::error(sink, &error) };
        drop(error);
        code
    });
    // SAFETY: as above.
    told.unwrap_or_else(|panic| unsafe { tell::panic(sink, &panics::message(panic)) })
}
