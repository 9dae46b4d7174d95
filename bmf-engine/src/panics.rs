//! Panics of modules as texts. What becomes of them is decided elsewhere.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `call` returns, or what its panic says.
pub(crate) fn caught<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(message)
}

/// What a panic says. A value that is no text is not dropped, since that could panic in turn.
pub(crate) fn message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast::<String>().map(|text| *text);
    let text = text.or_else(|panic| panic.downcast::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|panic| {
        std::mem::forget(panic);
        "(no message)".to_owned()
    })
}
