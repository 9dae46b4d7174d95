//! One input of a node, as its policy sees it: the next packet, or how long it must be waited for.

use std::collections::VecDeque;

use bmf_core::{Signal, StreamItem};
use bmf_hmp::{Bound, Packet, Timestamp};

use crate::{LinkReceiver, Wake};

/// One input, as its policy sees it.
#[derive(Debug)]
pub struct InputPort {
    pub(crate) receiver: Option<LinkReceiver>,
    ended: bool,
    /// Whether the end of a job was taken since the last task.
    job_ended: bool,
    /// Packets taken that the link has not been told of.
    taken: usize,
    allowance: usize,
    /// Boxed, since few policies hold packets and every step looks at the rest.
    held: Option<Box<Held>>,
    /// Whether the next packet was given already, ahead of its time.
    previewed: bool,
}

/// A packet that was taken to be given with one task or several.
#[derive(Debug)]
struct Held {
    packet: Packet,
    given: bool,
    /// Whether it was given ahead of its time at least.
    previewed: bool,
}

impl InputPort {
    /// `None`: nothing is connected; the port has ended from the start.
    pub(crate) fn new(receiver: Option<LinkReceiver>) -> Self {
        Self {
            ended: receiver.is_none(),
            receiver,
            job_ended: false,
            taken: 0,
            allowance: 0,
            held: None,
            previewed: false,
        }
    }

    /// Sets how many packets the next task may bring: the task's budget; or, if the module has left
    /// packets of earlier tasks, what is missing to the limit of the link. So a module that waits
    /// for another input holds back the producer of this one.
    #[inline(always)]
    pub(crate) fn allow(&mut self, left: usize, budget: usize) {
        self.allowance = budget;
        let Some(receiver) = &mut self.receiver else {
            return;
        };
        if left > 0 {
            // The budget is for what a task brings, not for what it holds: a module may need more
            // at once than one task brings.
            self.allowance = budget.min(receiver.link().limit().saturating_sub(left));
        }
        let is_full = self.allowance == 0;
        receiver.set_declined(is_full && matches!(receiver.peek(), Some(StreamItem::Packet(_))));
    }

    /// Most packets that the task being made may take from this port.
    pub fn allowance(&self) -> usize {
        self.allowance
    }

    /// Whether anything produces this input.
    pub fn is_connected(&self) -> bool {
        self.receiver.is_some()
    }

    /// The next packet.
    pub fn packet(&self) -> Option<&Packet> {
        match self.receiver.as_ref()?.peek()? {
            StreamItem::Packet(packet) => Some(packet),
            StreamItem::Signal(_) => None,
        }
    }

    /// All packets that wait, in order.
    pub fn packets(&self) -> impl Iterator<Item = &Packet> {
        let entries = self.receiver.iter().flat_map(LinkReceiver::entries);
        entries.filter_map(|item| match item {
            StreamItem::Packet(packet) => Some(packet),
            StreamItem::Signal(_) => None,
        })
    }

    /// The next signal, when no packet stands before it.
    pub fn signal(&self) -> Option<Signal> {
        match self.receiver.as_ref()?.peek()? {
            StreamItem::Packet(_) => None,
            StreamItem::Signal(signal) => Some(*signal),
        }
    }

    /// Whether the end of the stream has been taken (or nothing is connected).
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether nothing more will come: the end was taken, or is the next entry.
    pub fn is_exhausted(&self) -> bool {
        self.ended || self.signal() == Some(Signal::Eof)
    }

    /// Whether nothing more will come after the packets that wait.
    pub fn is_exhausted_behind(&self) -> bool {
        let receiver = self.receiver.as_ref();
        self.ended || receiver.is_some_and(|receiver| receiver.bound() == Bound::NOTHING)
    }

    /// Whether it has no packet and none will come, even where the end itself has not come yet.
    pub fn is_over(&self) -> bool {
        let receiver = self.receiver.as_ref();
        let has_entry = receiver.is_some_and(|receiver| receiver.peek().is_some());
        self.is_exhausted() || !has_entry && self.is_exhausted_behind()
    }

    /// The timestamp bound behind the packets that wait: what can come while there are none.
    pub fn bound(&self) -> Bound {
        match &self.receiver {
            Some(_) if self.signal() == Some(Signal::EndOfJob) => self.next_time(),
            Some(receiver) if !self.is_exhausted() => receiver.bound(),
            _ => Bound::NOTHING,
        }
    }

    /// The earliest time that this port can still bring: that of the next packet, or the bound.
    pub fn next_time(&self) -> Bound {
        match (self.packets().next(), &self.receiver) {
            (Some(packet), _) => Bound::at(packet.timestamp()),
            (None, Some(receiver)) if !self.is_exhausted() => receiver.bound(),
            (None, _) => Bound::NOTHING,
        }
    }

    /// Takes the next packet.
    #[inline]
    pub fn pop_packet(&mut self) -> Option<Packet> {
        self.packet()?;
        let Some(StreamItem::Packet(packet)) = self.receiver.as_mut()?.pop() else {
            return None;
        };
        self.previewed = false;
        self.taken += 1;
        Some(packet)
    }

    /// Whether one task may have any of what waits.
    #[inline]
    pub(crate) fn can_give(&self) -> bool {
        match self.receiver.as_ref().and_then(LinkReceiver::peek) {
            Some(StreamItem::Packet(_)) => self.allowance > 0,
            Some(StreamItem::Signal(_)) => true,
            None => false,
        }
    }

    /// Takes what one task may have: packets as far as they are allowed, and the signals behind them.
    /// Returns whether there was anything.
    #[inline(always)]
    pub(crate) fn give(&mut self, packets: &mut VecDeque<Packet>) -> bool {
        if !self.can_give() {
            return false;
        }
        for _ in 0..self.allowance {
            let Some(packet) = self.pop_packet() else {
                break;
            };
            packets.push_back(packet);
        }
        self.pop_signals();
        true
    }

    /// Throws the next packet away, which is counted. Returns whether there was one.
    pub fn discard_packet(&mut self) -> bool {
        let is_lost = !self.previewed;
        let popped = self.pop_packet().is_some();
        if let Some(receiver) = self.receiver.as_ref().filter(|_| popped && is_lost) {
            receiver.discarded(1);
        }
        popped
    }

    /// Takes the next signal, when no packet stands before it.
    #[inline]
    pub fn pop_signal(&mut self) -> Option<Signal> {
        let signal = self.signal()?;
        self.receiver.as_mut()?.pop();
        match signal {
            Signal::Eof => self.ended = true,
            Signal::EndOfJob => self.job_ended = true,
        }
        Some(signal)
    }

    /// Takes the signals that belong to one task: the end of a job, the end of the stream, or both.
    #[inline]
    pub fn pop_signals(&mut self) {
        if self.pop_signal() == Some(Signal::EndOfJob) && self.signal() == Some(Signal::Eof) {
            self.pop_signal();
        }
    }

    /// Takes the packets up to `time` and holds the newest, to be given as often as needed. Those
    /// that it replaces are dropped and counted, unless they were given.
    pub fn hold(&mut self, time: Timestamp) {
        let is_due = |packet: &Packet| packet.timestamp() <= time;
        while self.packet().is_some_and(is_due) {
            let previewed = self.previewed;
            let packet = self.pop_packet();
            self.release();
            self.held = packet.map(|packet| {
                Box::new(Held {
                    packet,
                    given: false,
                    previewed,
                })
            });
        }
    }

    /// Holds a packet that has been given already.
    pub fn hold_given(&mut self, packet: Packet) {
        self.release();
        self.held = Some(Box::new(Held {
            packet,
            given: true,
            previewed: false,
        }));
    }

    /// Whether it holds a packet.
    pub fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    /// Whether it holds a packet that was not given yet.
    pub fn is_holding_news(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !held.given)
    }

    /// The packet that it holds, at another time; the payload is shared.
    pub fn give_held(&mut self, at: Timestamp) -> Option<Packet> {
        let held = self.held.as_mut()?;
        held.given = true;
        Some(held.packet.with_timestamp(at))
    }

    /// The next packet, ahead of its time; it stays where it is.
    pub fn preview(&mut self, at: Timestamp) -> Option<Packet> {
        let packet = self.packet()?.with_timestamp(at);
        self.previewed = true;
        Some(packet)
    }

    /// Holds nothing any more; a packet that was never given is counted as dropped.
    pub fn release(&mut self) {
        let Some(held) = self.held.take() else { return };
        if let Some(receiver) = self
            .receiver
            .as_ref()
            .filter(|_| !held.given && !held.previewed)
        {
            receiver.discarded(1);
        }
    }

    /// Says that a job ends here with the next task.
    pub(crate) fn set_job_ended(&mut self) {
        self.job_ended = self.is_connected();
    }

    pub(crate) fn take_job_ended(&mut self) -> bool {
        std::mem::take(&mut self.job_ended)
    }

    /// Ends this input here, whatever it still holds; that is thrown away and counted.
    pub fn end(&mut self) {
        self.release();
        while self.discard_packet() || self.pop_signal().is_some() {}
        self.ended = true;
    }

    /// Gives the receiver its chance to take over what was sent.
    #[inline(always)]
    pub(crate) fn refill(&mut self, wake: &mut dyn FnMut(Wake)) {
        if self.previewed {
            self.refill_behind_preview(wake);
        } else if let Some(receiver) = &mut self.receiver {
            receiver.refill(wake);
        }
    }

    #[cold]
    fn refill_behind_preview(&mut self, wake: &mut dyn FnMut(Wake)) {
        let previewed = self.packet().cloned();
        if let Some(receiver) = &mut self.receiver {
            receiver.refill(wake);
        }
        // A link that drops may have dropped just that one.
        let is_there =
            |packet: &Packet| previewed.is_some_and(|previewed| packet.shares_payload(&previewed));
        self.previewed = self.packet().is_some_and(is_there);
    }

    /// Tells the link what was taken since the last time.
    #[inline(always)]
    pub(crate) fn settle(&mut self, wake: &mut dyn FnMut(Wake)) {
        let taken = std::mem::take(&mut self.taken);
        if let Some(receiver) = &mut self.receiver {
            receiver.taken(taken, wake);
        }
    }

    pub(crate) fn close(&mut self, wake: &mut dyn FnMut(Wake)) {
        self.release();
        if let Some(receiver) = &mut self.receiver {
            receiver.close(wake);
        }
        self.ended = true;
    }

    pub(crate) fn reset(&mut self, wake: &mut dyn FnMut(Wake)) {
        self.release();
        if let Some(receiver) = &mut self.receiver {
            receiver.reset(wake);
        }
        self.ended = self.receiver.is_none();
        self.job_ended = false;
        self.previewed = false;
        self.taken = 0;
    }
}
