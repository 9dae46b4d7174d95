//! One edge of the graph: a bounded queue between one output and one input, and the timestamp bound
//! behind it. Decides when either side must be woken; waking is the caller's job.
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
//! The limit in bytes, where there is one, is simpler: sender and receiver both change the sum at
//! once, and the producer is woken when the sum falls below the limit.
//!
//! The timestamp bound is one atomic that only the sender writes, after it has queued what came
//! before the bound; the receiver reads it before it looks into the queue. So a bound never
//! overtakes a packet. It is owed a wake-up only where the consumer has said that it cares.
//!
//! A link that drops when it is full never holds up its producer. The sender keeps the queue within
//! the limits, and the receiver its own buffer, so at most twice as much waits for a moment. Signals
//! are never dropped.
//!
//! Nothing is lost without a word: what was sent is what was taken, what is counted as dropped, and
//! what waits.
//!
//! Shutdown from the receiving side: [`LinkReceiver::close`] sets `closed` under the mutex, throws
//! away what is queued, and owes the producer a wake-up; from then on batches sent are thrown away.
//! From the sending side the end is an ordinary signal in the queue.

mod receiver;
mod sender;
mod settings;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use bmf_core::config::{OnFull, TimeOrder};
use bmf_core::{Signal, StreamItem};
use bmf_hmp::{Bound, Packet};
use smallvec::SmallVec;

use crate::sync::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering};

pub use receiver::LinkReceiver;
pub(crate) use sender::behind;
pub use sender::{LinkSender, TimeError};
pub use settings::{Dropped, LinkSettings, LinkStats};

use settings::{Bytes, DropCounts};

/// Packets on their way out.
type Packets = SmallVec<[Packet; 1]>;

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
    /// All sources: the memory budget is not used up any more.
    Budget,
}

/// An edge of the graph, seen from outside both ends: for reports and for raising its limit.
#[derive(Debug)]
pub struct Link {
    stream: Arc<str>,
    producer: Peer,
    consumer: Peer,
    on_full: OnFull,
    order: TimeOrder,
    back_edge: bool,
    tracks_bounds: bool,
    /// Whether a packet is sent without a look at it.
    plain: bool,
    queue: Mutex<VecDeque<StreamItem>>,
    /// Entries in `queue`, to look at without the mutex.
    queued: AtomicUsize,
    /// Written under the mutex of `queue` only.
    waiting: AtomicUsize,
    /// Packets taken that have not been taken off `waiting` yet. Written by the receiver only.
    unsettled: AtomicUsize,
    limit: AtomicUsize,
    /// Boxed like `dropped`: both are rarely used, and links that are should share few cache lines.
    bytes: Option<Box<Bytes>>,
    /// Written by the sender only.
    bound: AtomicI64,
    wants_bounds: AtomicBool,
    /// Whether the end of the stream was sent. Written by the sender only.
    ended: AtomicBool,
    closed: AtomicBool,
    declined: AtomicBool,
    /// Written by the sender only.
    sent: AtomicU64,
    /// `sent` at the last reset.
    sent_before: AtomicU64,
    peak: AtomicUsize,
    raised: AtomicU64,
    dropped: Box<DropCounts>,
}

impl Link {
    /// An edge for the stream called `stream`.
    #[expect(
        clippy::new_ret_no_self,
        reason = "a link is only ever used through its two ends"
    )]
    pub fn new(
        stream: impl Into<Arc<str>>,
        producer: Peer,
        consumer: Peer,
        settings: &LinkSettings,
    ) -> (LinkSender, LinkReceiver) {
        let link = Arc::new(Self {
            stream: stream.into(),
            producer,
            consumer,
            on_full: settings.on_full,
            order: settings.order,
            back_edge: settings.back_edge,
            tracks_bounds: settings.bounds,
            plain: settings.is_plain(),
            queue: Mutex::new(VecDeque::new()),
            queued: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            unsettled: AtomicUsize::new(0),
            limit: AtomicUsize::new(settings.effective_limit()),
            bytes: Bytes::new(settings).map(Box::new),
            bound: AtomicI64::new(Bound::START.to_raw()),
            wants_bounds: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            declined: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            sent_before: AtomicU64::new(0),
            peak: AtomicUsize::new(0),
            raised: AtomicU64::new(0),
            dropped: Box::default(),
        });
        let receiver = LinkReceiver::new(Arc::clone(&link));
        (LinkSender::new(link), receiver)
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

    /// What happens to a packet that goes back in time.
    pub fn order(&self) -> TimeOrder {
        self.order
    }

    /// Whether it was declared to close a loop.
    pub fn is_back_edge(&self) -> bool {
        self.back_edge
    }

    /// Whether it keeps a timestamp bound, because somebody further down needs it.
    pub fn tracks_bounds(&self) -> bool {
        self.tracks_bounds
    }

    /// Whether packets are sent without a look at their times and sizes: nobody needs either.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether its producer must not start another step.
    pub fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// How many packets may still be sent. There is no limit where packets are dropped instead; none
    /// once it is closed, for it swallows all; and none once it has ended, for nothing follows: its
    /// producer need not wait for it.
    pub fn room(&self) -> usize {
        if self.on_full != OnFull::Block || self.is_closed() || self.is_ended() {
            return usize::MAX;
        }
        if self.bytes.as_ref().is_some_and(|bytes| bytes.is_full()) {
            return 0;
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

    /// Whether the end of the stream was sent.
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Whether something was sent that its consumer has not looked at yet.
    pub fn has_unseen(&self) -> bool {
        !self.lock().is_empty()
    }

    /// The timestamp bound behind what was sent.
    pub fn bound(&self) -> Bound {
        Bound::from_raw(self.bound.load(Ordering::Acquire))
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
        if let Some(bytes) = &self.bytes {
            bytes.raise_limit();
        }
        self.raised.fetch_add(1, Ordering::Relaxed);
        Wake::Room(self.producer)
    }

    /// Ends the stream although its producer has not: for loops, each of whose nodes waits for the
    /// end of the one before. Only while the producer is at rest. The consumer is owed a wake-up.
    pub fn end_from_outside(&self) {
        let mut queue = self.lock();
        queue.push_back(StreamItem::Signal(Signal::Eof));
        self.ended.store(true, Ordering::Release);
        self.queued.store(queue.len(), Ordering::Release);
        self.bound.store(Bound::NOTHING.to_raw(), Ordering::Release);
    }

    /// What it has seen so far.
    pub fn stats(&self) -> LinkStats {
        LinkStats {
            packets: self.sent.load(Ordering::Relaxed),
            waiting: self.waiting(),
            waiting_bytes: self.bytes.as_ref().map(|bytes| bytes.waiting()),
            peak: self.peak.load(Ordering::Relaxed),
            limit: self.limit.load(Ordering::Relaxed),
            raised: self.raised.load(Ordering::Relaxed),
            bound: self.bound(),
            dropped: self.dropped.read(),
        }
    }

    /// Drops what is too much in the receiver's `buffer`; `seen` is what it knows of that waits.
    /// Returns what was dropped, and whom to wake. The mutex must be held.
    fn drop_excess(
        &self,
        buffer: &mut VecDeque<StreamItem>,
        seen: &mut usize,
    ) -> (Packets, Option<Wake>) {
        let dropped = self.take_excess(buffer);
        *seen = seen.saturating_sub(dropped.len());
        let owed = self.forget(&dropped);
        (dropped, owed)
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
        let crossed = before > low && waiting <= low && self.on_full == OnFull::Block;
        (waiting, crossed.then_some(Wake::Room(self.producer)))
    }

    /// Takes packets that will not be taken off the counts of what waits, and counts them as dropped
    /// for want of room. The mutex must be held. Returns whom to wake.
    fn forget(&self, packets: &[Packet]) -> Option<Wake> {
        if packets.is_empty() {
            return None;
        }
        DropCounts::add(&self.dropped.full, packets.len());
        let waiting = self.waiting.load(Ordering::Relaxed);
        let waiting = waiting.saturating_sub(packets.len());
        self.waiting.store(waiting, Ordering::Release);
        let bytes = self.bytes.as_ref()?;
        bytes
            .remove(packets.iter().map(Packet::bytes).sum())
            .budget()
    }

    /// Takes the oldest packets out of `items`, one side of a link that drops those, until the rest
    /// is within the limits; signals stay.
    fn take_excess(&self, items: &mut VecDeque<StreamItem>) -> Packets {
        let mut taken = Packets::new();
        let mut excess = self.excess(items);
        let mut signals: SmallVec<[StreamItem; 1]> = SmallVec::new();
        while excess > 0 {
            match items.pop_front() {
                Some(StreamItem::Packet(packet)) => {
                    taken.push(packet);
                    excess -= 1;
                }
                Some(signal) => signals.push(signal),
                None => break,
            }
        }
        for signal in signals.into_iter().rev() {
            items.push_front(signal);
        }
        taken
    }

    /// How many of the oldest packets are too many. One packet may always wait.
    fn excess(&self, items: &VecDeque<StreamItem>) -> usize {
        let bytes = self.bytes.as_ref().and_then(|bytes| bytes.own_limit());
        let drops = matches!(self.on_full, OnFull::DropOldest | OnFull::Latest);
        if !drops || items.len() <= 1 || (items.len() <= self.limit() && bytes.is_none()) {
            return 0;
        }
        let packets = items.iter().rev().filter_map(|item| match item {
            StreamItem::Packet(packet) => Some(packet),
            StreamItem::Signal(_) => None,
        });
        let total = packets.clone().count();
        let most_bytes = bytes.unwrap_or(usize::MAX);
        let mut sum = 0_usize;
        let fitting = packets.take(self.limit()).take_while(|packet| {
            sum = sum.saturating_add(self.bytes_of(packet));
            sum <= most_bytes
        });
        total - fitting.count().max(1).min(total)
    }

    /// Packets sent since the stream began anew. For the sender.
    fn sent_since_reset(&self) -> u64 {
        let sent = self.sent.load(Ordering::Relaxed);
        sent - self.sent_before.load(Ordering::Relaxed)
    }

    /// Bytes of `packet` as far as this link counts them.
    fn bytes_of(&self, packet: &Packet) -> usize {
        if self.bytes.is_some() {
            packet.bytes()
        } else {
            0
        }
    }

    /// The queue is valid between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, VecDeque<StreamItem>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
