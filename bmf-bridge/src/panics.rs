//! What is told of a panic, on both sides. Catches none itself but where it is to be logged.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic says. A value that is no text is not dropped, since that could panic in turn.
pub(crate) fn message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast::<String>().map(|text| *text);
    let text = text.or_else(|panic| panic.downcast::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|panic| {
        std::mem::forget(panic);
        "(no message)".to_owned()
    })
}

/// What `action` returns, or `otherwise` if it panics, which is logged: for calls that have no way to
/// tell.
pub(crate) fn contained<R>(what: &str, otherwise: R, action: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|panic| {
        log::error!("{what} panicked: {}", message(panic));
        otherwise
    })
}
