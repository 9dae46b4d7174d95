//! One edge of the graph: a bounded queue between one output and one input. Decides when either
//! side must be woken; waking is the caller's job.
//!
//! # Protocol
//!
//! The sender appends whole batches under the mutex; the receiver moves everything that is there
//! into a buffer of its own, also under the mutex, and works on that buffer without it.
//!
//! `waiting` counts the packets that were sent and have not gone into a task yet, on both sides of
//! the mutex. It is what the limit is about:
//!
//! * At `limit` packets (the high watermark) the link is *full*, and its producer must not start
//!   another step. The step that filled it may have overshot: a step is never cut in two.
//! * When the receiver takes packets and `waiting` falls to half the limit or below (the low
//!   watermark), the producer is owed a wake-up for room. Half, so that a producer is woken for
//!   several packets, not for each.
//!
//! `waiting` changes under the mutex only. The sender holds it anyway. The receiver counts what it
//! takes as `unsettled`, which only it writes, and *settles* that, takes it off `waiting`, the next
//! time it holds the mutex, or at once if that brings what it knows of to the low watermark; so in
//! steady flow taking packets costs nothing. What really waits is the difference. Whoever reads
//! both without the mutex may see a count that is too high, never one that is too low: `waiting` is
//! read first, and falls only after `unsettled` has.
//!
//! Whoever settles looks whether `waiting` itself crossed the low watermark, and then owes the
//! producer its wake-up. That comes once the receiver takes what there is: a producer that waits has
//! seen the limit reached, so `waiting` is there or above; the send that brought it there has woken
//! the receiver, so the receiver will see it too. A receiver that leaves packets in the link, because
//! its consumer waits for another one, may stay above the low watermark although there is room: it
//! says so by [`LinkReceiver::pause`].
//!
//! The wake-up for room is not lost: a producer that found the link full says so to its scheduler
//! after it looked, the receiver settles before it wakes, and the scheduler's slot orders the two
//! (see `bmf-scheduler/src/slot.rs`).
//!
//! Shutdown from the receiving side: [`LinkReceiver::close`] sets `closed` under the mutex, throws
//! away what is queued, and owes the producer a wake-up; from then on batches sent are thrown away.
//! From the sending side the end is an ordinary signal in the queue.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bmf_core::{Signal, StreamItem};

/// Which node stands at an end of a link, in the caller's own numbering.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer(pub u32);

/// Somebody the caller must wake now.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Wake {
    /// A consumer: it has new input.
    Input(Peer),
    /// A producer: an output of it has room again.
    Room(Peer),
    /// A producer: an output of it is not consumed any more.
    Closed(Peer),
}

/// An edge of the graph, seen from outside both ends: for reports and for raising its limit.
#[derive(Debug)]
pub struct Link {
    stream: Arc<str>,
    producer: Peer,
    consumer: Peer,
    queue: Mutex<VecDeque<StreamItem>>,
    /// Entries in `queue`, to look at without the mutex.
    queued: AtomicUsize,
    /// Written under the mutex of `queue` only.
    waiting: AtomicUsize,
    /// Packets taken that have not been taken off `waiting` yet. Written by the receiver only.
    unsettled: AtomicUsize,
    limit: AtomicUsize,
    /// Whether the end of the stream was sent. Written by the sender only.
    ended: AtomicBool,
    closed: AtomicBool,
    declined: AtomicBool,
    sent: AtomicU64,
    peak: AtomicUsize,
    raised: AtomicU64,
}

/// What a link has seen so far.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LinkStats {
    /// Packets sent.
    pub packets: u64,
    /// Packets that wait now.
    pub waiting: usize,
    /// Most packets that ever waited.
    pub peak: usize,
    /// The limit now.
    pub limit: usize,
    /// How often the limit was raised to free a graph that had blocked itself.
    pub raised: u64,
}

/// The producer's end. Only one step at a time uses it.
#[derive(Debug)]
pub struct LinkSender {
    link: Arc<Link>,
}

/// The consumer's end. Only one step at a time uses it.
#[derive(Debug)]
pub struct LinkReceiver {
    link: Arc<Link>,
    buffer: VecDeque<StreamItem>,
    /// `waiting` when it was last looked at under the mutex.
    seen: usize,
    /// Whether the link was full when last looked at, and its producer was not woken since.
    was_full: bool,
}

impl Link {
    /// An edge for the stream called `stream` that is full at `limit` packets (at least one).
    #[expect(
        clippy::new_ret_no_self,
        reason = "a link is only ever used through its two ends"
    )]
    pub fn new(
        stream: impl Into<Arc<str>>,
        producer: Peer,
        consumer: Peer,
        limit: usize,
    ) -> (LinkSender, LinkReceiver) {
        let link = Arc::new(Self {
            stream: stream.into(),
            producer,
            consumer,
            queue: Mutex::new(VecDeque::new()),
            queued: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            unsettled: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit.max(1)),
            ended: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            declined: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            peak: AtomicUsize::new(0),
            raised: AtomicU64::new(0),
        });
        let receiver = LinkReceiver {
            link: Arc::clone(&link),
            buffer: VecDeque::new(),
            seen: 0,
            was_full: false,
        };
        (LinkSender { link }, receiver)
    }

    /// The stream's name.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The node that sends.
    pub fn producer(&self) -> Peer {
        self.producer
    }

    /// The node that receives.
    pub fn consumer(&self) -> Peer {
        self.consumer
    }

    /// Whether its producer must not start another step.
    pub fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// How many packets may still be sent. There is no limit once it is closed, for it swallows all,
    /// and none once it has ended, for nothing follows: its producer need not wait for it.
    pub fn room(&self) -> usize {
        if self.is_closed() || self.ended.load(Ordering::Acquire) {
            return usize::MAX;
        }
        let limit = self.limit.load(Ordering::Relaxed);
        limit.saturating_sub(self.waiting())
    }

    /// What has been sent and not taken; too high for a moment while the receiver settles.
    fn waiting(&self) -> usize {
        let waiting = self.waiting.load(Ordering::Acquire);
        waiting.saturating_sub(self.unsettled.load(Ordering::Relaxed))
    }

    /// Whether its consumer takes nothing any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Most packets that may wait before the link is full.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Whether packets wait here that the consumer's task has no place for, because its module has
    /// left as many of earlier ones as the limit allows.
    pub fn is_declined(&self) -> bool {
        self.declined.load(Ordering::Acquire)
    }

    /// Raises the limit so that one more packet fits, and counts that. Returns the producer, which
    /// is owed a wake-up; so is the consumer of a declined link.
    pub fn raise_limit(&self) -> Wake {
        let limit = self.limit().max(self.waiting()) + 1;
        self.limit.store(limit, Ordering::Release);
        self.raised.fetch_add(1, Ordering::Relaxed);
        Wake::Room(self.producer)
    }

    /// What it has seen so far.
    pub fn stats(&self) -> LinkStats {
        LinkStats {
            packets: self.sent.load(Ordering::Relaxed),
            waiting: self.waiting(),
            peak: self.peak.load(Ordering::Relaxed),
            limit: self.limit.load(Ordering::Relaxed),
            raised: self.raised.load(Ordering::Relaxed),
        }
    }

    fn low_watermark(&self) -> usize {
        self.limit.load(Ordering::Relaxed) / 2
    }

    /// Takes what is unsettled off `waiting`. Returns what is left, and the producer if it is owed
    /// a wake-up. For the receiver; the guard proves that it holds the mutex.
    fn settle(&self, _: &MutexGuard<'_, VecDeque<StreamItem>>) -> (usize, Option<Wake>) {
        let before = self.waiting.load(Ordering::Relaxed);
        let waiting = before.saturating_sub(self.unsettled.load(Ordering::Relaxed));
        self.unsettled.store(0, Ordering::Relaxed);
        self.waiting.store(waiting, Ordering::Release);
        let low = self.low_watermark();
        let crossed = before > low && waiting <= low;
        (waiting, crossed.then_some(Wake::Room(self.producer)))
    }

    /// The queue is valid between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, VecDeque<StreamItem>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LinkSender {
    /// The edge itself.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Sends a batch, in order. Returns whom to wake; nobody if the batch was empty or the consumer
    /// takes nothing any more.
    pub fn send(&self, items: impl Iterator<Item = StreamItem>) -> Option<Wake> {
        let link = &*self.link;
        let packets;
        {
            let mut queue = link.lock();
            if link.closed.load(Ordering::Relaxed) {
                return None;
            }
            let before = queue.len();
            let mut signals = 0;
            queue.extend(items.inspect(|item| {
                signals += usize::from(matches!(item, StreamItem::Signal(_)));
            }));
            if queue.len() == before {
                return None;
            }
            packets = queue.len() - before - signals;
            if signals > 0 {
                link.ended.store(true, Ordering::Release);
            }
            let waiting = link.waiting.load(Ordering::Relaxed) + packets;
            link.waiting.store(waiting, Ordering::Release);
            link.queued.store(queue.len(), Ordering::Release);
            let waiting = link.waiting();
            if waiting > link.peak.load(Ordering::Relaxed) {
                link.peak.store(waiting, Ordering::Relaxed);
            }
        }
        // Only the producer writes this, so no read-modify-write is needed.
        let sent = link.sent.load(Ordering::Relaxed) + packets as u64;
        link.sent.store(sent, Ordering::Relaxed);
        Some(Wake::Input(link.consumer))
    }

    /// Sends the end of the stream.
    pub fn end(&self) -> Option<Wake> {
        self.send(std::iter::once(StreamItem::Signal(Signal::Eof)))
    }
}

impl LinkReceiver {
    /// The edge itself.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Moves what was sent into the receiver's own buffer. Frees no room: that is
    /// [`taken`](Self::taken). Returns the producer if it is still owed a wake-up.
    pub fn refill(&mut self) -> Option<Wake> {
        let link = &*self.link;
        if link.queued.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut queue = link.lock();
        if self.buffer.is_empty() {
            std::mem::swap(&mut *queue, &mut self.buffer);
        } else {
            self.buffer.append(&mut queue);
        }
        link.queued.store(0, Ordering::Relaxed);
        self.was_full |= link.waiting.load(Ordering::Relaxed) >= link.limit();
        let (waiting, owed) = link.settle(&queue);
        self.seen = waiting;
        self.was_full &= owed.is_none();
        owed
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
        let (waiting, owed) = link.settle(&queue);
        self.seen = waiting;
        if !self.was_full || waiting >= link.limit() {
            return owed;
        }
        self.was_full = false;
        Some(Wake::Room(link.producer))
    }

    /// The next entry, as of the last [`refill`](Self::refill).
    pub fn peek(&self) -> Option<&StreamItem> {
        self.buffer.front()
    }

    /// Takes the next entry. The caller owes a [`taken`](Self::taken) for the packets it took.
    pub fn pop(&mut self) -> Option<StreamItem> {
        self.buffer.pop_front()
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

    /// Tells that `packets` packets have left the link. Returns the producer if it is owed a
    /// wake-up.
    pub fn taken(&mut self, packets: usize) -> Option<Wake> {
        if packets == 0 {
            return None;
        }
        let link = &*self.link;
        let unsettled = link.unsettled.load(Ordering::Relaxed) + packets;
        link.unsettled.store(unsettled, Ordering::Relaxed);
        let low = link.low_watermark();
        if self.seen <= low || self.seen.saturating_sub(unsettled) > low {
            return None;
        }
        let queue = link.lock();
        self.was_full |= link.waiting.load(Ordering::Relaxed) >= link.limit();
        let (waiting, owed) = link.settle(&queue);
        self.seen = waiting;
        self.was_full &= owed.is_none();
        owed
    }

    /// Takes nothing any more: throws away what waits and what is still sent. Returns the producer,
    /// which may be waiting for room or have nobody left to work for.
    pub fn close(&mut self) -> Wake {
        let thrown_away = {
            let mut queue = self.link.lock();
            self.link.closed.store(true, Ordering::Release);
            self.link.queued.store(0, Ordering::Relaxed);
            std::mem::take(&mut *queue)
        };
        // Payloads are dropped outside the mutex: that may call into their makers.
        drop(thrown_away);
        self.buffer.clear();
        Wake::Closed(self.link.producer)
    }
}

impl Drop for LinkReceiver {
    fn drop(&mut self) {
        // A receiver that goes away without `close` (its graph is being dropped) must not leave
        // payloads behind in a queue that only the sender keeps alive.
        let _ = self.close();
    }
}
