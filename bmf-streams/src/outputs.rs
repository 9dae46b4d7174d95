//! The output side of a node: hands what a task leaves on its outputs to all who consume them, and
//! the timestamp bounds behind it.

use std::collections::VecDeque;
use std::sync::Arc;

use bmf_core::config::TimeOrder;
use bmf_core::drive::DriveOutput;
use bmf_core::{Signal, StreamItem, Task, TaskOutput};
use bmf_hmp::Bound;
use smallvec::SmallVec;
use thiserror::Error;

use crate::link::behind;
use crate::{Link, LinkSender, Peer, TimeError, Wake};

/// All outputs of one node.
#[derive(Debug)]
pub struct Outputs {
    ports: Box<[OutputPort]>,
}

#[derive(Debug)]
struct OutputPort {
    links: SmallVec<[LinkSender; 1]>,
    /// Whether one of them keeps a bound.
    tracks_bounds: bool,
    /// Whether all of them take packets without a look at them.
    is_plain: bool,
    /// What was promised to all links.
    bound: Bound,
    ended: bool,
}

/// A packet, or a promise, that a link refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("stream \"{stream}\": {error}")]
pub struct SendError {
    /// The output port.
    pub port: usize,
    /// The stream.
    pub stream: String,
    /// Whose input refused it.
    pub consumer: Peer,
    /// Why.
    pub error: TimeError,
}

impl Outputs {
    /// Outputs in port order, each with the links of its consumers.
    pub fn new(ports: Vec<Vec<LinkSender>>) -> Self {
        let port = |links: Vec<LinkSender>| OutputPort {
            tracks_bounds: links.iter().any(|sender| sender.link().tracks_bounds()),
            is_plain: links.iter().all(|sender| sender.link().is_plain()),
            links: links.into(),
            bound: Bound::START,
            ended: false,
        };
        Self {
            ports: ports.into_iter().map(port).collect(),
        }
    }

    /// How many packets every consumer still has room for; 0 means that the node must wait.
    #[inline]
    pub fn room(&self) -> usize {
        let rooms = self.ports.iter().map(OutputPort::room);
        rooms.fold(usize::MAX, usize::min)
    }

    /// How many packets the output with most room can take, for nodes that choose among their
    /// outputs. Tells each output of `task` its own.
    pub fn most_room(&self, task: &mut Task) -> usize {
        let mut most = 0;
        for (port, output) in self.ports.iter().zip(task.outputs_mut()) {
            let room = port.room();
            output.set_room(room);
            if output.is_open() {
                most = most.max(room);
            }
        }
        if self
            .ports
            .iter()
            .all(|port| port.ended || port.links.is_empty())
        {
            return usize::MAX;
        }
        most
    }

    /// Whether there are consumers and none of them takes anything any more: the node works for
    /// nobody.
    pub fn is_abandoned(&self) -> bool {
        let mut links = self.links().peekable();
        links.peek().is_some() && links.all(|link| link.is_closed())
    }

    /// Sends what `outputs` hold: each batch is cloned for all consumers of its port but the last,
    /// which gets the packets themselves; behind it the bound that the module has set or that
    /// follows from the packets. `wake` is told whom to wake, once per link. Returns how many packets
    /// there were.
    ///
    /// # Errors
    /// When a packet goes back in time on a link that is declared to be in order. The other outputs
    /// keep what they hold.
    #[inline]
    pub fn propagate(
        &mut self,
        outputs: &mut [TaskOutput],
        wake: &mut impl FnMut(Wake),
    ) -> Result<usize, Box<SendError>> {
        let mut packets = 0;
        for (index, (port, output)) in self.ports.iter_mut().zip(outputs).enumerate() {
            let explicit = output.take_bound().filter(|_| !port.is_plain);
            if output.items().is_empty() && explicit.is_none() {
                continue;
            }
            if port.is_plain {
                packets += port.send_plain(output.items_mut(), wake);
                continue;
            }
            packets += packets_in(output.items());
            let sent = match explicit {
                Some(bound) => port.promise(bound),
                None => Ok(()),
            };
            let sent = sent.and_then(|()| port.send(output.items_mut(), wake));
            sent.map_err(|(consumer, error)| port.refused(index, consumer, error))?;
        }
        Ok(packets)
    }

    /// Raises the bound of output `port`, unless it is there already.
    pub fn advance(&mut self, port: usize, bound: Bound, wake: &mut dyn FnMut(Wake)) {
        let Some(port) = self.ports.get_mut(port) else {
            return;
        };
        if port.bound < bound && !port.ended {
            port.bound = bound;
            let links = port.links.iter();
            links.filter_map(|link| link.advance(bound)).for_each(wake);
        }
    }

    /// Raises the bounds of all outputs.
    pub fn advance_all(&mut self, bound: Bound, wake: &mut dyn FnMut(Wake)) {
        for port in 0..self.ports.len() {
            self.advance(port, bound, wake);
        }
    }

    /// How many outputs there are.
    pub fn len(&self) -> usize {
        self.ports.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }

    /// Ends every output that has not ended yet.
    pub fn end_all(&mut self, wake: &mut dyn FnMut(Wake)) {
        for port in self.ports.iter_mut().filter(|port| !port.ended) {
            port.ended = true;
            port.links.iter().for_each(|sender| sender.end(wake));
        }
    }

    /// Begins anew: no output has ended, nothing is promised. The links are reset from their other
    /// ends.
    pub fn reset(&mut self) {
        for port in &mut self.ports {
            port.ended = false;
            port.bound = Bound::START;
        }
    }

    /// All links, port by port.
    pub fn links(&self) -> impl Iterator<Item = &Arc<Link>> {
        self.ports
            .iter()
            .flat_map(|port| port.links.iter().map(LinkSender::link))
    }
}

impl OutputPort {
    /// How many packets all of its consumers have room for.
    #[inline]
    fn room(&self) -> usize {
        let rooms = self.links.iter().map(|sender| sender.link().room());
        rooms.fold(usize::MAX, usize::min)
    }

    fn stream(&self) -> String {
        let first = self.links.first();
        first.map_or_else(String::new, |sender| sender.link().stream().to_owned())
    }

    #[cold]
    fn refused(&self, port: usize, consumer: Peer, error: TimeError) -> Box<SendError> {
        Box::new(SendError {
            port,
            stream: self.stream(),
            consumer,
            error,
        })
    }

    /// Sends to all links, which refuse nothing; leaves nothing in `items`. Returns how many packets
    /// there were.
    #[inline]
    fn send_plain(&mut self, items: &mut Vec<StreamItem>, wake: &mut impl FnMut(Wake)) -> usize {
        let packets = packets_in(items);
        let ended = matches!(items.last(), Some(StreamItem::Signal(Signal::Eof)));
        self.ended |= ended;
        if let Some((last, others)) = self.links.split_last() {
            for sender in others {
                let fill = |queue: &mut VecDeque<_>| queue.extend(items.iter().cloned());
                sender.send_plain(fill, packets, ended, wake);
            }
            let fill = |queue: &mut VecDeque<_>| match items.len() {
                // Nearly every batch of a chain; it needs no loop.
                1 => queue.extend(items.pop()),
                _ => queue.extend(items.drain(..)),
            };
            last.send_plain(fill, packets, ended, wake);
        }
        items.clear();
        packets
    }

    /// Takes over a module's promise. One that takes an earlier one back is an error where a link
    /// is declared to be in order, and is passed over where none is.
    fn promise(&mut self, promised: Bound) -> Result<(), (Peer, TimeError)> {
        if promised < self.bound {
            let strict = |sender: &&LinkSender| sender.link().order() == TimeOrder::Error;
            if let Some(sender) = self.links.iter().find(strict) {
                let bound = self.bound;
                let error = TimeError::Promise { promised, bound };
                return Err((sender.link().consumer(), error));
            }
        }
        self.bound = self.bound.max(promised);
        Ok(())
    }

    /// Sends to all links; leaves nothing in `items`.
    fn send(
        &mut self,
        items: &mut Vec<StreamItem>,
        wake: &mut dyn FnMut(Wake),
    ) -> Result<(), (Peer, TimeError)> {
        if items.is_empty() {
            let links = self.links.iter();
            links
                .filter_map(|link| link.advance(self.bound))
                .for_each(wake);
            return Ok(());
        }
        self.ended |= matches!(items.last(), Some(StreamItem::Signal(Signal::Eof)));
        // Not what the links make of it: one that moves packets in time promises only for itself.
        if self.tracks_bounds {
            let reached = items.iter().map(bound_behind).max();
            self.bound = self.bound.max(reached.unwrap_or(Bound::START));
        }
        let Some((last, others)) = self.links.split_last() else {
            items.clear();
            return Ok(());
        };
        let refused = |sender: &LinkSender| {
            let consumer = sender.link().consumer();
            move |error| (consumer, error)
        };
        for sender in others {
            let sent = sender.send(items.iter().cloned(), self.bound, wake);
            sent.map_err(refused(sender))?;
        }
        let sent = last.send(items.drain(..), self.bound, wake);
        sent.map_err(refused(last))
    }
}

fn packets_in(items: &[StreamItem]) -> usize {
    let is_packet = |item: &&StreamItem| matches!(item, StreamItem::Packet(_));
    items.iter().filter(is_packet).count()
}

/// What can still come after an entry of a stream; links that are in order of time know better.
fn bound_behind(item: &StreamItem) -> Bound {
    match item {
        StreamItem::Packet(packet) => behind(packet.timestamp()),
        StreamItem::Signal(Signal::Eof) => Bound::NOTHING,
        StreamItem::Signal(Signal::EndOfJob) => Bound::START,
    }
}
