//! The consumer's end of a link: a buffer of its own, and what it owes the producer.

use std::collections::VecDeque;
use std::sync::Arc;

use bmf_core::StreamItem;
use bmf_core::config::OnFull;
use bmf_hmp::{Bound, Packet};

use super::settings::DropCounts;
use super::{Link, Wake};
use crate::sync::Ordering;

/// The consumer's end. Only one step at a time uses it.
#[derive(Debug)]
pub struct LinkReceiver {
    link: Arc<Link>,
    buffer: VecDeque<StreamItem>,
    /// The bound behind what is in `buffer`, or a lower one.
    bound: Bound,
    /// `waiting` when it was last looked at under the mutex.
    seen: usize,
    /// Bytes taken that have not been told to the link.
    taken_bytes: usize,
    /// Whether the link was full when last looked at, and its producer was not woken since.
    was_full: bool,
}

impl LinkReceiver {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self {
            link,
            buffer: VecDeque::new(),
            bound: Bound::START,
            seen: 0,
            taken_bytes: 0,
            was_full: false,
        }
    }

    /// The edge itself.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Says that the consumer wants to be woken when the bound rises, too.
    pub fn want_bounds(&self) {
        self.link.wants_bounds.swap(true, Ordering::AcqRel);
    }

    /// Moves what was sent into the receiver's own buffer. Frees no room: that is
    /// [`taken`](Self::taken). `wake` is told whom to wake.
    #[inline]
    pub fn refill(&mut self, wake: &mut dyn FnMut(Wake)) {
        // Before the queue: see the protocol.
        self.bound = self.link.bound();
        if self.link.queued.load(Ordering::Acquire) > 0 {
            self.take_over(wake);
        }
    }

    fn take_over(&mut self, wake: &mut dyn FnMut(Wake)) {
        let link = &*self.link;
        let mut queue = link.lock();
        if self.buffer.is_empty() {
            std::mem::swap(&mut *queue, &mut self.buffer);
        } else {
            self.buffer.append(&mut queue);
        }
        link.queued.store(0, Ordering::Relaxed);
        // The sender moves it under the mutex too, when it sends; so this is not behind what came.
        self.bound = link.bound();
        self.was_full |= link.waiting.load(Ordering::Relaxed) >= link.limit();
        let (waiting, owed) = link.settle(&queue);
        self.was_full &= owed.is_none();
        self.seen = waiting;
        if link.plain {
            drop(queue);
            owed.map(wake);
            return;
        }
        let (packets, budget) = link.drop_excess(&mut self.buffer, &mut self.seen);
        drop(queue);
        owed.map(&mut *wake);
        budget.map(wake);
        // Outside the mutex, for that may call into the makers of payloads.
        drop(packets);
    }

    /// Tells that the consumer waits for another input and takes no more for now. Returns the
    /// producer if that has found the link full and there is room: it would wait for the low
    /// watermark in vain.
    pub fn pause(&mut self) -> Option<Wake> {
        let link = &*self.link;
        if !self.was_full && link.unsettled.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let queue = link.lock();
        self.was_full |= link.waiting.load(Ordering::Relaxed) >= link.limit();
        // Who waits has seen it full, whichever watermark is crossed now.
        let (waiting, _) = link.settle(&queue);
        self.seen = waiting;
        if !self.was_full || waiting >= link.limit() {
            return None;
        }
        self.was_full = false;
        Some(Wake::Room(link.producer))
    }

    /// The next entry, as of the last [`refill`](Self::refill).
    pub fn peek(&self) -> Option<&StreamItem> {
        self.buffer.front()
    }

    /// All entries, as of the last [`refill`](Self::refill).
    pub fn entries(&self) -> impl Iterator<Item = &StreamItem> {
        self.buffer.iter()
    }

    /// The bound behind those entries.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// Takes the next entry. The caller owes a [`taken`](Self::taken) for the packets it took.
    pub fn pop(&mut self) -> Option<StreamItem> {
        let item = self.buffer.pop_front();
        if let (false, Some(StreamItem::Packet(packet))) = (self.link.plain, &item) {
            self.taken_bytes += self.link.bytes_of(packet);
        }
        item
    }

    /// Counts packets that were popped but reach no task.
    pub(crate) fn discarded(&self, packets: usize) {
        DropCounts::add(&self.link.dropped.by_policy, packets);
    }

    /// Tells whether packets wait here that no task has a place for.
    pub(crate) fn set_declined(&self, declined: bool) {
        // Only the receiver writes this.
        if self.link.declined.load(Ordering::Relaxed) != declined {
            self.link.declined.store(declined, Ordering::Release);
        }
    }

    /// Whether anything has been sent that was not popped yet.
    pub fn has_more(&self) -> bool {
        !self.buffer.is_empty() || self.link.queued.load(Ordering::Acquire) > 0
    }

    /// Tells that `packets` packets have left the link. `wake` is told whom to wake.
    #[inline]
    pub fn taken(&mut self, packets: usize, wake: &mut dyn FnMut(Wake)) {
        if packets > 0 {
            self.count_taken(packets, wake);
        }
    }

    fn count_taken(&mut self, packets: usize, wake: &mut dyn FnMut(Wake)) {
        let link = &*self.link;
        if let Some(bytes) = &link.bytes {
            let freed = bytes.remove(std::mem::take(&mut self.taken_bytes));
            if freed.room && link.on_full == OnFull::Block {
                wake(Wake::Room(link.producer));
            }
            freed.budget().map(&mut *wake);
        }
        let unsettled = link.unsettled.load(Ordering::Relaxed) + packets;
        link.unsettled.store(unsettled, Ordering::Relaxed);
        let low = link.low_watermark();
        if self.seen <= low || self.seen.saturating_sub(unsettled) > low {
            return;
        }
        let owed = {
            let queue = link.lock();
            self.was_full |= link.waiting.load(Ordering::Relaxed) >= link.limit();
            let (waiting, owed) = link.settle(&queue);
            self.seen = waiting;
            owed
        };
        self.was_full &= owed.is_none();
        owed.map(wake);
    }

    /// Takes nothing any more: throws away what waits and what is still sent. The producer may be
    /// waiting for room or have nobody left to work for, so it is woken.
    pub fn close(&mut self, wake: &mut dyn FnMut(Wake)) {
        let link = &*self.link;
        let queued = {
            let mut queue = link.lock();
            link.closed.store(true, Ordering::Release);
            link.queued.store(0, Ordering::Relaxed);
            link.unsettled.store(0, Ordering::Relaxed);
            link.waiting.store(0, Ordering::Release);
            std::mem::take(&mut *queue)
        };
        let buffered = std::mem::take(&mut self.buffer);
        // Payloads are dropped outside the mutex: that may call into their makers.
        let thrown_away = buffered.into_iter().chain(queued).filter_map(packet);
        DropCounts::add(&link.dropped.consumer_ended, thrown_away.count());
        self.taken_bytes = 0;
        if let Some(bytes) = &link.bytes {
            bytes.clear().budget().map(&mut *wake);
        }
        wake(Wake::Closed(link.producer));
    }

    /// Begins anew: throws away what waits, and forgets bound and end. Only while neither end is in
    /// a step.
    pub fn reset(&mut self, wake: &mut dyn FnMut(Wake)) {
        let link = &*self.link;
        let queued = {
            let mut queue = link.lock();
            link.queued.store(0, Ordering::Relaxed);
            link.unsettled.store(0, Ordering::Relaxed);
            link.waiting.store(0, Ordering::Release);
            link.bound.store(Bound::START.to_raw(), Ordering::Release);
            link.ended.store(false, Ordering::Release);
            link.declined.store(false, Ordering::Release);
            let sent = link.sent.load(Ordering::Relaxed);
            link.sent_before.store(sent, Ordering::Relaxed);
            std::mem::take(&mut *queue)
        };
        let buffered = std::mem::take(&mut self.buffer);
        let thrown_away = buffered.into_iter().chain(queued).filter_map(packet);
        DropCounts::add(&link.dropped.flushed, thrown_away.count());
        self.bound = Bound::START;
        self.seen = 0;
        self.taken_bytes = 0;
        self.was_full = false;
        if let Some(bytes) = &link.bytes {
            bytes.clear().budget().map(&mut *wake);
        }
        wake(Wake::Room(link.producer));
    }
}

fn packet(item: StreamItem) -> Option<Packet> {
    match item {
        StreamItem::Packet(packet) => Some(packet),
        StreamItem::Signal(_) => None,
    }
}

impl Drop for LinkReceiver {
    fn drop(&mut self) {
        // A receiver that goes away without `close` (its graph is being dropped) must not leave
        // payloads behind in a queue that only the sender keeps alive.
        if !self.link.is_closed() {
            self.close(&mut |_| {});
        }
    }
}
