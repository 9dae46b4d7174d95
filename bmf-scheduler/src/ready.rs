//! The order in which ready slots run: nearest to the sinks first, sources last, first come first
//! served among equals.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// How early a ready slot runs.
///
/// Depth first follows from it: what a step has just fed stands nearer to the sinks than the step
/// itself, so it runs next, while its packet is in the cache; and memory stays low, because what
/// exists is used up before more is made.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u32);

impl Priority {
    /// Runs only when nothing else is ready.
    pub const SOURCE: Self = Self(0);

    /// `hops` away from the farthest sink that it feeds; a sink is 0 hops away.
    pub fn from_sink(hops: u32) -> Self {
        Self(u32::MAX - hops.min(u32::MAX - 1))
    }
}

/// A ready slot in a queue.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) priority: Priority,
    pub(crate) sequence: u64,
    pub(crate) slot: u32,
}

impl Ord for Ready {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.priority, other.sequence).cmp(&(other.priority, self.sequence))
    }
}

impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Ready slots in the order in which they run. Not shared: a worker has its own, and the pool has
/// one per executor behind its mutex.
///
/// In steady flow a step wakes one slot that is better than all others, and it is taken next: that
/// one stands in `next`, and the heap is not touched. If `next` is set, nothing in `rest` is better.
#[derive(Debug, Default)]
pub(crate) struct ReadyQueue {
    next: Option<Ready>,
    rest: BinaryHeap<Ready>,
    next_sequence: u64,
}

impl ReadyQueue {
    pub(crate) fn push(&mut self, slot: u32, priority: Priority) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.insert(Ready {
            priority,
            sequence,
            slot,
        });
    }

    /// Adds an entry that was numbered elsewhere. Not to be mixed with `push` in one queue.
    #[inline]
    pub(crate) fn insert(&mut self, mut ready: Ready) {
        match &mut self.next {
            Some(next) if ready > *next => std::mem::swap(next, &mut ready),
            Some(_) => {}
            None if self.rest.peek().is_none_or(|best| ready > *best) => {
                self.next = Some(ready);
                return;
            }
            None => {}
        }
        self.rest.push(ready);
    }

    pub(crate) fn pop(&mut self) -> Option<Ready> {
        self.next.take().or_else(|| self.rest.pop())
    }

    pub(crate) fn best(&self) -> Option<Priority> {
        let best = self.next.as_ref().or_else(|| self.rest.peek());
        best.map(|ready| ready.priority)
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.len() + usize::from(self.next.is_some())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn sinks_first_sources_last_fifo_among_equals() {
        let mut queue = ReadyQueue::default();
        queue.push(1, Priority::SOURCE);
        queue.push(2, Priority::from_sink(3));
        queue.push(3, Priority::SOURCE);
        queue.push(4, Priority::from_sink(0));
        queue.push(5, Priority::from_sink(3));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop())
            .map(|ready| ready.slot)
            .collect();
        assert_eq!(order, [4, 2, 5, 1, 3]);
    }
}
