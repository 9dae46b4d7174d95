//! [`Extension`]: a slot in a frame for what the frame was made from.
//!
//! The frame neither knows nor reads what is in it.

use std::any::Any;
use std::sync::Arc;

/// An optional shared value of a type only its user knows.
///
/// The value is an `Arc<T>` in an `Arc`, so that a reference to the inner one can be lent out.
#[derive(Clone, Default)]
pub(crate) struct Extension(Option<Arc<dyn Any + Send + Sync>>);

impl Extension {
    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<&Arc<T>> {
        self.0.as_deref()?.downcast_ref()
    }

    pub(crate) fn set<T: Any + Send + Sync>(&mut self, value: Arc<T>) {
        self.0 = Some(Arc::new(value));
    }

    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}
