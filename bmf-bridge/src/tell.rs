//! Telling the other side why a call failed: the writing end of an [`ErrorSink`](abi::ErrorSink).

use bmf_abi as abi;
use bmf_core::ModuleError;

/// Tells of an error; the code to return.
///
/// # Safety
/// `sink` is null or a sink of the contract that can be used now.
#[cold]
pub(crate) unsafe fn error(sink: *const abi::ErrorSink, error: &ModuleError) -> i32 {
    let text = error.to_string();
    let info = abi::ErrorInfo {
        message: abi::Str::new(&text),
        hint: abi::Str::new(error.hint().unwrap_or_default()),
        port: abi::Str::new(error.port().unwrap_or_default()),
        timestamp: error.timestamp().map_or(abi::NONE, |time| time.micros()),
        ..nothing()
    };
    // SAFETY: the caller's promise.
    unsafe { report(sink, &info) };
    abi::FAILED
}

/// Tells of an error that is only a message; the code to return.
///
/// # Safety
/// As for [`error`].
#[cold]
pub(crate) unsafe fn message(sink: *const abi::ErrorSink, text: &str) -> i32 {
    let message = abi::Str::new(text);
    // SAFETY: the caller's promise.
    unsafe {
        report(
            sink,
            &abi::ErrorInfo {
                message,
                ..nothing()
            },
        )
    };
    abi::FAILED
}

/// Tells of a panic; the code to return.
///
/// # Safety
/// As for [`error`].
#[cold]
pub(crate) unsafe fn panic(sink: *const abi::ErrorSink, text: &str) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { message(sink, text) };
    abi::PANICKED
}

fn nothing() -> abi::ErrorInfo {
    abi::ErrorInfo {
        size: size_of::<abi::ErrorInfo>(),
        message: abi::Str::EMPTY,
        hint: abi::Str::EMPTY,
        port: abi::Str::EMPTY,
        timestamp: abi::NONE,
    }
}

unsafe fn report(sink: *const abi::ErrorSink, info: &abi::ErrorInfo) {
    // SAFETY: the caller's promise.
    if let Some(sink) = unsafe { sink.as_ref() } {
        // SAFETY: as above; all texts are lent for the call.
        unsafe { (sink.report)(sink.target, info) };
    }
}
