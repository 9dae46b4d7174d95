//! The primitives of [`handover`](super::handover), which its model replaces by loom's.

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
