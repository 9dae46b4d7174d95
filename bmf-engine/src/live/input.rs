//! The application's end of a stream that it feeds.

use std::sync::{Arc, Mutex, MutexGuard};

use bmf_core::{Signal, StreamItem};
use bmf_hmp::{Bound, Packet};
use bmf_streams::{Link, LinkSender};

use super::{AddError, Gate};
use crate::shared::{Outside, lock};

/// A stream that the application feeds. Dropping it ends the stream; so does stopping the graph.
pub struct GraphInput {
    feed: Arc<Feed>,
}

/// What the graph and the application share of it.
pub(crate) struct Feed {
    stream: String,
    senders: Mutex<Senders>,
    gate: Arc<Gate>,
    outside: Outside,
}

/// The sending ends of its links.
pub(crate) struct Senders {
    links: Vec<LinkSender>,
    ended: bool,
}

impl GraphInput {
    pub(crate) fn new(feed: Arc<Feed>) -> Self {
        Self { feed }
    }

    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.feed.stream
    }

    /// Adds a packet; waits while there is no room, or while the memory budget is used up.
    ///
    /// # Errors
    /// When the packet goes back in time, the stream has ended, or the run has failed; also if that
    /// happens while it waits.
    pub fn add(&self, packet: Packet) -> Result<(), AddError> {
        let mut packet = packet;
        loop {
            let seen = self.feed.gate.count();
            match self.try_add(packet) {
                Err(AddError::Full { packet: back, .. }) => packet = back,
                other => return other,
            }
            self.feed.gate.wait(seen, None);
        }
    }

    /// Adds a packet if there is room.
    ///
    /// # Errors
    /// [`AddError::Full`] with the packet when there is none; else as [`add`](Self::add).
    pub fn try_add(&self, packet: Packet) -> Result<(), AddError> {
        let feed = &*self.feed;
        let senders = feed.lock_open()?;
        let links = senders.links.iter().map(|sender| &**sender.link());
        let mut full = links.filter(|link| link.is_full()).peekable();
        if full.peek().is_some() || feed.outside.budget_is_used_up() {
            full.for_each(|link| feed.outside.ask_for_room(link));
            let waiting = senders
                .links
                .iter()
                .map(|sender| sender.link().stats().waiting);
            return Err(AddError::Full {
                stream: feed.stream.clone(),
                waiting: waiting.max().unwrap_or(0),
                packet,
            });
        }
        feed.send(&senders, packet)
    }

    /// Adds a packet whether there is room or not.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_unlimited(&self, packet: Packet) -> Result<(), AddError> {
        let senders = self.feed.lock_open()?;
        self.feed.send(&senders, packet)
    }

    /// Promises that nothing before `bound` will be added. A promise lower than what holds already
    /// changes nothing.
    ///
    /// # Errors
    /// When the stream has ended or the run has failed.
    pub fn set_bound(&self, bound: Bound) -> Result<(), AddError> {
        let senders = self.feed.lock_open()?;
        for sender in &senders.links {
            if let Some(wake) = sender.advance(bound) {
                self.feed.outside.wake(wake);
            }
        }
        Ok(())
    }

    /// Ends a job: what is added next belongs to another one. Its times may begin anew where no
    /// consumer goes by time (`server`, `immediate`, `barrier`).
    ///
    /// # Errors
    /// When the stream has ended or the run has failed.
    pub fn end_job(&self) -> Result<(), AddError> {
        let senders = self.feed.lock_open()?;
        for sender in &senders.links {
            let end = std::iter::once(StreamItem::Signal(Signal::EndOfJob));
            let mut wake = |wake| self.feed.outside.wake(wake);
            let sent = sender.send(end, Bound::START, &mut wake);
            debug_assert!(sent.is_ok(), "an end has no time");
        }
        Ok(())
    }

    /// Ends the stream; once is enough.
    pub fn end(&self) {
        self.feed.end();
    }
}

impl Drop for GraphInput {
    fn drop(&mut self) {
        self.feed.end();
    }
}

impl Feed {
    pub(crate) fn new(
        stream: String,
        links: Vec<LinkSender>,
        gate: Arc<Gate>,
        outside: Outside,
    ) -> Self {
        Self {
            stream,
            senders: Mutex::new(Senders {
                links,
                ended: false,
            }),
            gate,
            outside,
        }
    }

    /// Ends the stream, and what waits for room on it.
    pub(crate) fn end(&self) {
        let mut senders = lock(&self.senders);
        if !std::mem::replace(&mut senders.ended, true) {
            senders.end(&mut |wake| self.outside.wake(wake));
        }
        drop(senders);
        self.gate.open();
    }

    /// Keeps the application from adding while the graph is flushed.
    pub(crate) fn hold(&self) -> MutexGuard<'_, Senders> {
        lock(&self.senders)
    }

    fn lock_open(&self) -> Result<MutexGuard<'_, Senders>, AddError> {
        if let Some(failure) = self.outside.failure() {
            return Err(AddError::Failed(failure));
        }
        let senders = lock(&self.senders);
        let unwanted = senders.links.iter().all(|sender| sender.link().is_closed());
        if senders.ended || (unwanted && !senders.links.is_empty()) {
            let stream = self.stream.clone();
            return Err(AddError::Ended { stream });
        }
        Ok(senders)
    }

    /// Sends to all consumers, or, if one of them refuses the packet for its time, to none.
    fn send(&self, senders: &Senders, packet: Packet) -> Result<(), AddError> {
        let refused = |link: &Link, error| AddError::Time {
            stream: self.stream.clone(),
            consumer: self.outside.name_of(link.consumer()),
            error,
        };
        for sender in &senders.links {
            let checked = sender.link().check_time(packet.timestamp());
            checked.map_err(|error| refused(sender.link(), error))?;
        }
        let Some((last, others)) = senders.links.split_last() else {
            return Ok(());
        };
        let send = |sender: &LinkSender, packet| {
            let item = std::iter::once(StreamItem::Packet(packet));
            let sent = sender.send(item, Bound::START, &mut |wake| self.outside.wake(wake));
            sent.map_err(|error| refused(sender.link(), error))
        };
        others
            .iter()
            .try_for_each(|sender| send(sender, packet.clone()))?;
        send(last, packet)
    }
}

impl Senders {
    /// After the links have begun anew: a stream that has ended stays so.
    pub(crate) fn renew(&self) {
        if self.ended {
            self.end(&mut |_| {});
        }
    }

    fn end(&self, wake: &mut dyn FnMut(bmf_streams::Wake)) {
        self.links.iter().for_each(|sender| sender.end(wake));
    }
}
