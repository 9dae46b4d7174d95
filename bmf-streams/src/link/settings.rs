//! What a link is told when it is made, and what it tells: limits, drops, statistics.

use std::sync::Arc;

use bmf_core::config::{OnFull, TimeOrder};
use bmf_hmp::Bound;

use crate::sync::{AtomicU64, AtomicUsize, Ordering};
use crate::{Budget, Wake};

/// How a link behaves.
#[derive(Clone, Debug)]
pub struct LinkSettings {
    /// Most packets that wait; at least one.
    pub limit: usize,
    /// Most bytes that wait. A packet is let in whole, so the sum may overshoot by what one step
    /// sends.
    pub bytes: Option<usize>,
    /// What happens to a packet for which there is no room.
    pub on_full: OnFull,
    /// What happens to a packet that goes back in time.
    pub order: TimeOrder,
    /// Whether it closes a loop.
    pub back_edge: bool,
    /// Whether anybody further down needs timestamp bounds. Where nobody does, keeping them would
    /// cost for nothing: [`Link::bound`](super::Link::bound) stays where it begins.
    pub bounds: bool,
    /// The memory budget that its packets count against.
    pub budget: Option<Arc<Budget>>,
}

impl LinkSettings {
    /// A link that is full at `limit` packets and takes them in any order of time.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: None,
            on_full: OnFull::Block,
            order: TimeOrder::Any,
            back_edge: false,
            bounds: true,
            budget: None,
        }
    }

    /// Whether a packet is sent without a look at its time or its size.
    pub(super) fn is_plain(&self) -> bool {
        self.order == TimeOrder::Any
            && self.on_full == OnFull::Block
            && !self.bounds
            && self.bytes.is_none()
            && self.budget.is_none()
    }

    pub(super) fn effective_limit(&self) -> usize {
        match self.on_full {
            OnFull::Latest => 1,
            _ => self.limit.max(1),
        }
    }
}

/// What a link has seen so far.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LinkStats {
    /// Packets sent: those that were taken, that wait, and that were dropped.
    pub packets: u64,
    /// Packets that wait now.
    pub waiting: usize,
    /// Bytes that wait now, where the link counts them.
    pub waiting_bytes: Option<usize>,
    /// Most packets that ever waited.
    pub peak: usize,
    /// The limit now.
    pub limit: usize,
    /// How often the limit was raised to free a graph that had blocked itself.
    pub raised: u64,
    /// The lowest timestamp that can still be sent.
    pub bound: Bound,
    /// Packets that were sent and never reached the consumer's module.
    pub dropped: Dropped,
}

/// Packets dropped on a link, by reason.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// There was no room, and the link is declared to drop then.
    pub full: u64,
    /// They went back in time, and the link is declared to drop those.
    pub backwards: u64,
    /// The consumer's input policy discarded them.
    pub by_policy: u64,
    /// The consumer had ended.
    pub consumer_ended: u64,
    /// The graph was flushed.
    pub flushed: u64,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.reasons().iter().map(|(_, count)| count).sum()
    }

    /// Each reason by name.
    pub fn reasons(&self) -> [(&'static str, u64); 5] {
        [
            ("full", self.full),
            ("backwards", self.backwards),
            ("by_policy", self.by_policy),
            ("consumer_ended", self.consumer_ended),
            ("flushed", self.flushed),
        ]
    }
}

#[derive(Debug, Default)]
pub(super) struct DropCounts {
    pub(super) full: AtomicU64,
    pub(super) backwards: AtomicU64,
    pub(super) by_policy: AtomicU64,
    pub(super) consumer_ended: AtomicU64,
    pub(super) flushed: AtomicU64,
}

impl DropCounts {
    pub(super) fn add(counter: &AtomicU64, packets: usize) {
        if packets > 0 {
            counter.fetch_add(packets as u64, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Dropped {
        Dropped {
            full: self.full.load(Ordering::Relaxed),
            backwards: self.backwards.load(Ordering::Relaxed),
            by_policy: self.by_policy.load(Ordering::Relaxed),
            consumer_ended: self.consumer_ended.load(Ordering::Relaxed),
            flushed: self.flushed.load(Ordering::Relaxed),
        }
    }
}

/// The bytes that wait in a link, for links that count them.
#[derive(Debug)]
pub(super) struct Bytes {
    waiting: AtomicUsize,
    limit: AtomicUsize,
    budget: Option<Arc<Budget>>,
}

impl Bytes {
    pub(super) fn new(settings: &LinkSettings) -> Option<Self> {
        if settings.bytes.is_none() && settings.budget.is_none() {
            return None;
        }
        Some(Self {
            waiting: AtomicUsize::new(0),
            limit: AtomicUsize::new(settings.bytes.unwrap_or(usize::MAX).max(1)),
            budget: settings.budget.clone(),
        })
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting() >= self.limit()
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// The limit of this link, if it has one of its own.
    pub(super) fn own_limit(&self) -> Option<usize> {
        Some(self.limit()).filter(|limit| *limit < usize::MAX)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    pub(super) fn raise_limit(&self) {
        let limit = self.limit.load(Ordering::Relaxed);
        let next = limit.max(self.waiting().saturating_add(1));
        self.limit.store(next, Ordering::Release);
    }

    pub(super) fn add(&self, bytes: usize) {
        self.waiting.fetch_add(bytes, Ordering::AcqRel);
        if let Some(budget) = &self.budget {
            budget.take(bytes);
        }
    }

    /// Takes bytes off; tells `owed` whether the link was full and is not any more, and whether the
    /// budget's waiters must be woken.
    pub(super) fn remove(&self, bytes: usize) -> Freed {
        if bytes == 0 {
            return Freed::default();
        }
        let before = self.waiting.fetch_sub(bytes, Ordering::AcqRel);
        let limit = self.limit.load(Ordering::Relaxed);
        let budget = self.budget.as_ref();
        Freed {
            room: before >= limit && before - bytes < limit,
            budget: budget.is_some_and(|budget| budget.give_back(bytes)),
        }
    }

    /// Takes off all bytes.
    pub(super) fn clear(&self) -> Freed {
        self.remove(self.waiting())
    }
}

/// What became possible when bytes were taken off.
#[derive(Copy, Clone, Debug, Default)]
#[must_use]
pub(super) struct Freed {
    pub(super) room: bool,
    budget: bool,
}

impl Freed {
    /// The wake-up that is owed for the budget.
    pub(super) fn budget(self) -> Option<Wake> {
        self.budget.then_some(Wake::Budget)
    }
}
