//! The application's end of a stream that it reads.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bmf_core::{Signal, StreamItem};
use bmf_hmp::{Bound, Packet};
use bmf_streams::{LinkReceiver, Wake};

use super::Gate;
use crate::shared::{Outside, lock};

/// What reading a stream of a graph gave.
#[derive(Clone, Debug)]
pub enum Polled {
    /// A packet.
    Packet(Packet),
    /// A job has ended; the packets of the next one follow.
    JobEnded,
    /// Nothing more will come: the stream has ended, or the run has.
    Ended,
    /// Nothing came in time.
    Nothing,
}

/// A stream that the application reads. Packets wait for it within the stream's limits and hold the
/// graph up; dropping it lets the graph go on without a reader.
pub struct GraphOutput {
    tap: Arc<Tap>,
}

/// What the graph and the application share of it.
pub(crate) struct Tap {
    stream: String,
    reader: Mutex<Reader>,
    gate: Arc<Gate>,
    outside: Outside,
}

struct Reader {
    receiver: LinkReceiver,
    ended: bool,
}

impl GraphOutput {
    pub(crate) fn new(tap: Arc<Tap>) -> Self {
        Self { tap }
    }

    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.tap.stream
    }

    /// The next packet, if it is there already.
    pub fn try_next(&self) -> Polled {
        self.tap.try_next()
    }

    /// Waits for the next packet, whatever its job; `None` once the stream or the run has ended.
    pub fn next(&self) -> Option<Packet> {
        loop {
            match self.next_until(None) {
                Polled::Packet(packet) => return Some(packet),
                Polled::JobEnded => {}
                Polled::Ended | Polled::Nothing => return None,
            }
        }
    }

    /// Waits for the next packet, at most for `time`.
    pub fn next_within(&self, time: Duration) -> Polled {
        // A deadline beyond the end of the clock is none.
        self.next_until(Instant::now().checked_add(time))
    }

    /// The timestamp bound behind what was read: nothing earlier will come.
    pub fn bound(&self) -> Bound {
        let reader = lock(&self.tap.reader);
        match reader.receiver.peek() {
            Some(StreamItem::Packet(packet)) => Bound::at(packet.timestamp()),
            _ => reader.receiver.bound(),
        }
    }

    fn next_until(&self, deadline: Option<Instant>) -> Polled {
        loop {
            let seen = self.tap.gate.count();
            match self.tap.try_next() {
                Polled::Nothing if self.tap.gate.wait(seen, deadline) => {}
                polled => return polled,
            }
        }
    }
}

impl Drop for GraphOutput {
    fn drop(&mut self) {
        let mut reader = lock(&self.tap.reader);
        let outside = &self.tap.outside;
        reader.receiver.close(&mut |wake| outside.wake(wake));
    }
}

/// All packets until the stream ends, waiting for each.
impl Iterator for &GraphOutput {
    type Item = Packet;

    fn next(&mut self) -> Option<Packet> {
        GraphOutput::next(self)
    }
}

impl Tap {
    pub(crate) fn new(
        stream: String,
        receiver: LinkReceiver,
        gate: Arc<Gate>,
        outside: Outside,
    ) -> Self {
        Self {
            stream,
            reader: Mutex::new(Reader {
                receiver,
                ended: false,
            }),
            gate,
            outside,
        }
    }

    fn try_next(&self) -> Polled {
        // Before the look at what has come: the last packet may come in between.
        let is_over = self.outside.is_over();
        let mut reader = lock(&self.reader);
        let mut wake = |wake: Wake| self.outside.wake(wake);
        reader.receiver.refill(&mut wake);
        loop {
            match reader.receiver.pop() {
                Some(StreamItem::Packet(packet)) => {
                    reader.receiver.taken(1, &mut wake);
                    return Polled::Packet(packet);
                }
                Some(StreamItem::Signal(Signal::Eof)) => reader.ended = true,
                Some(StreamItem::Signal(Signal::EndOfJob)) => return Polled::JobEnded,
                None if reader.ended || is_over => return Polled::Ended,
                None => {
                    reader.receiver.pause().map(&mut wake);
                    return Polled::Nothing;
                }
            }
        }
    }

    /// Throws away what waits; the stream begins anew. Only while the graph is paused.
    pub(crate) fn renew(&self) {
        let mut reader = lock(&self.reader);
        reader.receiver.reset(&mut |_| {});
        reader.ended = false;
    }
}
