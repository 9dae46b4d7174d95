//! The memory that all links of a graph may hold together. Counts bytes; makes nobody wait.
//!
//! # Protocol
//!
//! Senders add what they send, receivers give it back when they take it. A source asks
//! [`Budget::must_wait`] before each step. If the budget is used up it says so in `wanted` and looks
//! again; whoever gives bytes back subtracts them and then looks at `wanted`. The second look, too,
//! is a read-modify-write of `used`, so one of the two comes first: either the source sees the bytes
//! given back, or the giver sees what the source did before, that somebody waits, and owes a
//! wake-up.

use crate::sync::{AtomicBool, AtomicUsize, Ordering};

/// A budget of bytes, shared by the links of a graph.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    peak: AtomicUsize,
    wanted: AtomicBool,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            used: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            wanted: AtomicBool::new(false),
        }
    }

    /// How many bytes there are in all.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that wait in links now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Most bytes that ever waited.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Whether nothing is left.
    pub fn is_used_up(&self) -> bool {
        self.used() >= self.limit
    }

    /// Whether a source must wait. If so, it will be woken when there is something left again.
    #[must_use]
    pub fn must_wait(&self) -> bool {
        if !self.is_used_up() {
            return false;
        }
        self.wanted.store(true, Ordering::Relaxed);
        self.used.fetch_add(0, Ordering::AcqRel) >= self.limit
    }

    pub(crate) fn take(&self, bytes: usize) {
        let used = self.used.fetch_add(bytes, Ordering::AcqRel) + bytes;
        self.peak.fetch_max(used, Ordering::Relaxed);
    }

    /// Returns whether the sources must be woken.
    #[must_use]
    pub(crate) fn give_back(&self, bytes: usize) -> bool {
        let left = self.used.fetch_sub(bytes, Ordering::AcqRel) - bytes;
        left < self.limit
            && self.wanted.load(Ordering::Relaxed)
            && self.wanted.swap(false, Ordering::Relaxed)
    }
}
