//! Panics of modules as texts. What becomes of them is decided elsewhere.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `call` returns, or what its panic says.
pub(crate) fn caught<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(message)
}

/// What a panic says. Its value is not dropped, since that could panic in turn.
pub(crate) fn message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|&text| text.to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    std::mem::forget(panic);
    text.unwrap_or_else(|| "(no message)".to_owned())
}
