//! The producer's end of a link: what is sent, in which order of time, and what is dropped when there
//! is no room.

use std::collections::VecDeque;
use std::sync::Arc;

use bmf_core::config::{OnFull, TimeOrder};
use bmf_core::{Signal, StreamItem};
use bmf_hmp::{Bound, Packet, Timestamp};
use thiserror::Error;

use super::settings::DropCounts;
use super::{Link, Packets, Wake};
use crate::sync::Ordering;

/// The producer's end. Only one step at a time uses it.
#[derive(Debug)]
pub struct LinkSender {
    link: Arc<Link>,
}

/// A packet, or a promise, that a link declared to be in order refused.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimeError {
    /// A packet is earlier than what can still come.
    #[error("a packet at {timestamp} goes back in time: the earliest that could come was {bound}")]
    Backwards {
        /// The packet's time.
        timestamp: Timestamp,
        /// The lowest time that was still possible.
        bound: Bound,
    },
    /// A promise is lower than an earlier one.
    #[error("the promise that nothing comes before {promised} takes back that of {bound}")]
    Promise {
        /// The promise.
        promised: Bound,
        /// The earlier one.
        bound: Bound,
    },
    /// A packet after the stream is not the only one.
    #[error("a packet after the stream must be the only one of its stream")]
    NotAlone,
    /// The packet's time is none that a stream can have.
    #[error("{micros} is no time that a packet can have")]
    NoTime {
        /// The packet's time, in microseconds.
        micros: i64,
    },
}

/// What a batch has come to so far.
struct Batch {
    /// Packets taken over, the dropped ones included.
    sent: usize,
    /// Packets put into the queue, and their bytes.
    queued: usize,
    bytes: usize,
    bound: Bound,
    signals: bool,
    ended: bool,
    /// Dropped outside the mutex, since that may call into the makers of payloads.
    dropped: Packets,
}

impl LinkSender {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// The edge itself.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Sends a batch, in order, and the bound behind it. `wake` is told whom to wake: nobody if
    /// nothing was sent or the consumer takes nothing any more.
    ///
    /// # Errors
    /// When the link is declared to be in order and a packet is not. What came before it was sent.
    pub fn send(
        &self,
        items: impl Iterator<Item = StreamItem>,
        bound: Bound,
        wake: &mut dyn FnMut(Wake),
    ) -> Result<(), TimeError> {
        let link = &*self.link;
        let before = link.bound();
        let mut batch = Batch::new(before);
        let (result, owed) = {
            let mut queue = link.lock();
            if link.closed.load(Ordering::Relaxed) || link.is_ended() {
                drop(queue);
                let packets = items.filter(|item| matches!(item, StreamItem::Packet(_)));
                self.swallow(packets.count());
                return Ok(());
            }
            let result = batch.fill(link, &mut queue, items);
            let owed = self.account(&mut batch, &mut queue);
            batch.bound = batch.bound.max(bound);
            if batch.bound != before {
                // After the queue: the bound must not overtake a packet.
                link.bound.store(batch.bound.to_raw(), Ordering::Release);
            }
            (result, owed)
        };
        if batch.queued > 0 || batch.signals || (batch.bound != before && link.are_bounds_wanted())
        {
            wake(Wake::Input(link.consumer));
        }
        owed.map(wake);
        result
    }

    /// A batch for a link that need not look at each packet: `fill` puts it into the queue, `packets`
    /// of which are packets; `ended` says whether it holds the end of the stream. The same as in
    /// [`send`](Self::send) but for times, bytes and drops.
    #[inline]
    pub(crate) fn send_plain(
        &self,
        fill: impl FnOnce(&mut VecDeque<StreamItem>),
        packets: usize,
        ended: bool,
        wake: &mut impl FnMut(Wake),
    ) {
        let link = &*self.link;
        {
            let mut queue = link.lock();
            if link.closed.load(Ordering::Relaxed) || link.is_ended() {
                return self.swallow(packets);
            }
            fill(&mut queue);
            if ended {
                link.ended.store(true, Ordering::Release);
                link.bound.store(Bound::NOTHING.to_raw(), Ordering::Release);
            }
            self.count_sent(packets);
            self.count_waiting(packets);
            link.queued.store(queue.len(), Ordering::Release);
        }
        wake(Wake::Input(link.consumer));
    }

    /// Counts what is sent to a consumer that takes nothing any more, or after the end.
    fn swallow(&self, packets: usize) {
        self.count_sent(packets);
        DropCounts::add(&self.link.dropped.consumer_ended, packets);
    }

    /// Promises that nothing before `bound` will be sent. Takes no lock.
    pub fn advance(&self, bound: Bound) -> Option<Wake> {
        let link = &*self.link;
        if bound <= Bound::from_raw(link.bound.load(Ordering::Relaxed)) {
            return None;
        }
        link.bound.store(bound.to_raw(), Ordering::Release);
        let wanted = link.are_bounds_wanted() && !link.is_closed();
        wanted.then_some(Wake::Input(link.consumer))
    }

    /// Sends the end of the stream.
    pub fn end(&self, wake: &mut dyn FnMut(Wake)) {
        let end = std::iter::once(StreamItem::Signal(Signal::Eof));
        let sent = self.send(end, Bound::NOTHING, wake);
        debug_assert_eq!(sent, Ok(()), "an end has no time");
    }

    /// Counts a batch, and drops what is too much for the link, while the mutex is held. Returns
    /// whom to wake for what was dropped.
    fn account(&self, batch: &mut Batch, queue: &mut VecDeque<StreamItem>) -> Option<Wake> {
        let link = &*self.link;
        if batch.ended {
            link.ended.store(true, Ordering::Release);
        }
        self.count_sent(batch.sent);
        if batch.queued == 0 {
            link.queued.store(queue.len(), Ordering::Release);
            return None;
        }
        let waiting = link.waiting.load(Ordering::Relaxed) + batch.queued;
        link.waiting.store(waiting, Ordering::Release);
        if let Some(bytes) = &link.bytes {
            bytes.add(batch.bytes);
        }
        let excess = link.take_excess(queue);
        let owed = link.forget(&excess);
        batch.dropped.extend(excess);
        link.queued.store(queue.len(), Ordering::Release);
        self.note_peak(link.waiting());
        owed
    }

    /// For a holder of the mutex.
    fn count_waiting(&self, packets: usize) {
        let link = &*self.link;
        let waiting = link.waiting.load(Ordering::Relaxed) + packets;
        link.waiting.store(waiting, Ordering::Release);
        self.note_peak(waiting.saturating_sub(link.unsettled.load(Ordering::Relaxed)));
    }

    #[inline]
    fn note_peak(&self, waiting: usize) {
        if waiting > self.link.peak.load(Ordering::Relaxed) {
            self.link.peak.store(waiting, Ordering::Relaxed);
        }
    }

    fn count_sent(&self, packets: usize) {
        // Only the producer writes this, so no read-modify-write is needed.
        let sent = self.link.sent.load(Ordering::Relaxed) + packets as u64;
        self.link.sent.store(sent, Ordering::Relaxed);
    }
}

impl Link {
    /// Whether it will take a packet at that time, should it be sent now. For the holder of the
    /// sender.
    ///
    /// # Errors
    /// What is wrong with the time.
    pub fn check_time(&self, timestamp: Timestamp) -> Result<(), TimeError> {
        if self.order != TimeOrder::Error || self.is_closed() || self.is_ended() {
            return Ok(());
        }
        check_alone(timestamp, self.sent_since_reset())?;
        let bound = self.bound();
        if bound.admits(timestamp) {
            return Ok(());
        }
        Err(TimeError::Backwards { timestamp, bound })
    }

    /// Whether the consumer is to be woken for a bound, which has been stored. Both sides change one
    /// word, so that one of them sees the other: either this is true, or the consumer, which says
    /// what it wants before it looks, sees the bound.
    fn are_bounds_wanted(&self) -> bool {
        self.wants_bounds.fetch_or(false, Ordering::AcqRel)
    }
}

/// Whether a packet may have the time, after so many others.
fn check_alone(timestamp: Timestamp, sent: u64) -> Result<(), TimeError> {
    if !timestamp.is_allowed_in_stream() {
        let micros = timestamp.micros();
        return Err(TimeError::NoTime { micros });
    }
    if timestamp == Timestamp::POST_STREAM && sent > 0 {
        return Err(TimeError::NotAlone);
    }
    Ok(())
}

/// The bound behind a packet where any time may follow: one before or after the stream, or at its last
/// time, says nothing of those to come.
pub(crate) fn behind(timestamp: Timestamp) -> Bound {
    if timestamp == Timestamp::PRE_STREAM {
        Bound::START
    } else {
        Bound::after(timestamp).min(Bound::at(Timestamp::MAX))
    }
}

impl Batch {
    fn new(bound: Bound) -> Self {
        Self {
            sent: 0,
            queued: 0,
            bytes: 0,
            bound,
            signals: false,
            ended: false,
            dropped: Packets::new(),
        }
    }

    /// Puts the items into the queue, in order.
    fn fill(
        &mut self,
        link: &Link,
        queue: &mut VecDeque<StreamItem>,
        items: impl Iterator<Item = StreamItem>,
    ) -> Result<(), TimeError> {
        for item in items {
            let packet = match item {
                StreamItem::Packet(packet) => packet,
                StreamItem::Signal(signal) => {
                    self.signals = true;
                    if signal == Signal::Eof {
                        self.ended = true;
                        self.bound = Bound::NOTHING;
                    }
                    queue.push_back(item);
                    continue;
                }
            };
            let packet = self.in_order(link, packet)?;
            self.sent += 1;
            let Some(packet) = packet else {
                continue;
            };
            if !self.has_room(link) {
                DropCounts::add(&link.dropped.full, 1);
                self.dropped.push(packet);
                continue;
            }
            self.queued += 1;
            self.bytes += link.bytes_of(&packet);
            queue.push_back(StreamItem::Packet(packet));
        }
        Ok(())
    }

    /// Whether a link that drops the newest has room for one more; the others always have.
    fn has_room(&self, link: &Link) -> bool {
        if link.on_full != OnFull::DropNewest {
            return true;
        }
        let bytes = link.bytes.as_ref();
        link.waiting() + self.queued < link.limit()
            && bytes.is_none_or(|bytes| bytes.waiting() + self.bytes < bytes.limit())
    }

    /// Moves the bound past the packet, if its time is in order; else does what was declared.
    fn in_order(&mut self, link: &Link, packet: Packet) -> Result<Option<Packet>, TimeError> {
        let timestamp = packet.timestamp();
        if link.order == TimeOrder::Any {
            self.bound = self.bound.max(behind(timestamp));
            return Ok(Some(packet));
        }
        check_alone(timestamp, self.sent as u64 + link.sent_since_reset())?;
        if self.bound.admits(timestamp) {
            self.bound = Bound::after(timestamp);
            return Ok(Some(packet));
        }
        match (link.order, self.bound.earliest()) {
            (TimeOrder::Clamp, Some(earliest)) => {
                self.bound = Bound::after(earliest);
                Ok(Some(packet.with_timestamp(earliest)))
            }
            (TimeOrder::Drop | TimeOrder::Clamp, _) => {
                DropCounts::add(&link.dropped.backwards, 1);
                self.dropped.push(packet);
                Ok(None)
            }
            (TimeOrder::Error | TimeOrder::Any, _) => Err(TimeError::Backwards {
                timestamp,
                bound: self.bound,
            }),
        }
    }
}
