//! [`contained`]: what is called from another library must not unwind into it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `action` returns, or `otherwise` if it panics, which is logged.
pub(crate) fn contained<R>(what: &str, otherwise: R, action: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|panic| {
        match message(&*panic) {
            Some(message) => log::error!("{what} panicked: {message}"),
            None => {
                log::error!("{what} panicked");
                // Dropping a value of an unknown type may panic in turn.
                std::mem::forget(panic);
            }
        }
        otherwise
    })
}

fn message(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
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
    }
}
