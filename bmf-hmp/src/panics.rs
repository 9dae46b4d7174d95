//! Panics of code that others wrote, for those who run it and must not unwind with it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic says. A value that is no text is not dropped, since that could panic in turn.
pub fn message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast::<String>().map(|text| *text);
    let text = text.or_else(|panic| panic.downcast::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|panic| {
        std::mem::forget(panic);
        "(no message)".to_owned()
    })
}

/// What `call` returns, or what its panic says.
///
/// # Errors
/// If it panics.
pub fn caught<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(message)
}

/// What `action` returns, or `otherwise` if it panics, which is logged: for calls that have no way to
/// tell.
pub fn contained<R>(what: &str, otherwise: R, action: impl FnOnce() -> R) -> R {
    caught(action).unwrap_or_else(|message| {
        log::error!("{what} panicked: {message}");
        otherwise
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Malicious;

    impl Drop for Malicious {
        fn drop(&mut self) {
            panic!("again");
        }
    }

    #[test]
    fn a_panic_ends_here() {
        assert_eq!(contained("a test", 7, || panic!("expected {}", 1)), 7);
        let again = || std::panic::panic_any(Malicious);
        assert_eq!(contained("a test", 7, again), 7);
        assert_eq!(contained("a test", 7, || 8), 8);
        assert_eq!(caught(again), Err("(no message)".to_owned()));
        assert_eq!(caught(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
    }
}
