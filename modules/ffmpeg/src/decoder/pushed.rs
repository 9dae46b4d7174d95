//! A container whose bytes are pushed in: FFmpeg's demuxer on a thread of its own, which is asked for
//! packets and fed with bytes in turns; see [`handover`](super::handover).
//!
//! The container travels: while a packet is read it is on the thread, otherwise here, where it can be
//! asked for its streams. Its reader sees the bytes once, from the first to the last.

use std::io::{self, Read};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use bmf_ffmpeg::{Error, Interrupt};
use bmf_sdk::hmp::EncodedPacket;
use bmf_sdk::prelude::*;

use super::handover::{Reply, Turns};
use super::options::Options;
use super::source::{Item, Source};

enum Job {
    Open { name: String, options: Arc<Options> },
    Read(Box<Source>),
}

enum Answer {
    Opened(Result<Box<Source>, Error>),
    Read(Box<Source>, Result<Item, ModuleError>),
}

type Exchange = Turns<Job, Packet, Answer>;

/// The thread. Ends, and is waited for, when this is dropped.
pub(crate) struct Demuxing {
    turns: Arc<Exchange>,
    thread: Option<JoinHandle<()>>,
}

impl Demuxing {
    /// Starts the thread. It gives up when the graph wants to end.
    ///
    /// # Errors
    /// If the system has no more threads.
    pub(crate) fn start(context: &ModuleContext) -> Result<Arc<Self>, ModuleError> {
        let turns = Arc::new(Exchange::new());
        let interrupt = Interrupt::new();
        context.on_interrupt({
            let (interrupt, turns) = (interrupt.clone(), Arc::clone(&turns));
            move || {
                interrupt.trigger();
                turns.close();
            }
        });
        let worker = Arc::clone(&turns);
        let thread = Builder::new()
            .name(format!("{} demuxer", context.node()))
            .spawn(move || work(&worker, &interrupt))
            .map_err(|error| {
                ModuleError::new("cannot start a thread to read what is pushed in")
                    .with_source(error)
            })?;
        Ok(Arc::new(Self {
            turns,
            thread: Some(thread),
        }))
    }
}

impl Demuxing {
    /// Lets the thread give up whatever it does.
    pub(crate) fn close(&self) {
        self.turns.close();
    }
}

impl Drop for Demuxing {
    fn drop(&mut self) {
        self.close();
        if let Some(thread) = self.thread.take() {
            // Its panic was printed; nobody waits for what it did.
            let _ = thread.join();
        }
    }
}

/// Closes the exchange when the thread ends, even by a panic.
struct Closing<'a>(&'a Exchange);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn work(turns: &Arc<Exchange>, interrupt: &Interrupt) {
    let _closing = Closing(turns);
    while let Some(job) = turns.next_job() {
        let answer = match job {
            Job::Open { name, options } => {
                let bytes = Bytes::new(Arc::clone(turns));
                let source = Source::open_bytes(&name, bytes, &options, interrupt.clone());
                Answer::Opened(source.map(Box::new))
            }
            Job::Read(mut source) => {
                let item = source.read();
                Answer::Read(source, item)
            }
        };
        turns.answer(answer);
    }
}

/// What the demuxer reads: the chunks of one file, in order.
struct Bytes {
    turns: Arc<Exchange>,
    chunk: Option<Packet>,
    /// How much of the chunk is read.
    position: usize,
    has_ended: bool,
}

impl Bytes {
    fn new(turns: Arc<Exchange>) -> Self {
        Self {
            turns,
            chunk: None,
            position: 0,
            has_ended: false,
        }
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let chunk = self.chunk.as_ref().and_then(bytes_of).unwrap_or_default();
            let rest = &chunk[self.position..];
            if !rest.is_empty() {
                let length = rest.len().min(buffer.len());
                buffer[..length].copy_from_slice(&rest[..length]);
                self.position += length;
                return Ok(length);
            }
            if self.has_ended {
                return Ok(0);
            }
            let next = self.turns.next_chunk();
            self.chunk = next.ok_or(io::ErrorKind::Interrupted)?;
            self.has_ended = self.chunk.is_none();
            self.position = 0;
        }
    }
}

/// The bytes that a packet holds; `None` if it holds something else.
pub(crate) fn bytes_of(packet: &Packet) -> Option<&[u8]> {
    match packet.get::<EncodedPacket>() {
        Some(packet) => packet.data.as_slice(),
        None => packet.get::<Vec<u8>>().map(Vec::as_slice),
    }
}

/// A container that is being opened.
pub(crate) struct Opening {
    demuxing: Arc<Demuxing>,
}

impl Opening {
    /// Begins to open a container. It is hungry now.
    ///
    /// # Errors
    /// If the graph is ending.
    pub(crate) fn begin(
        demuxing: Arc<Demuxing>,
        name: String,
        options: Arc<Options>,
    ) -> Result<Self, ModuleError> {
        match demuxing.turns.ask(Job::Open { name, options }) {
            Reply::Hungry => Ok(Self { demuxing }),
            _ => Err(gone()),
        }
    }

    /// Feeds it; `None`: there are no more bytes. The container, once it is open.
    ///
    /// # Errors
    /// If the bytes are no media that FFmpeg knows, or the graph is ending.
    pub(crate) fn feed(&self, bytes: Option<Packet>) -> Result<Option<Pushed>, ModuleError> {
        match self.demuxing.turns.feed(bytes) {
            Reply::Hungry => Ok(None),
            Reply::Answer(Answer::Opened(Ok(source))) => Ok(Some(Pushed {
                demuxing: Arc::clone(&self.demuxing),
                source: Some(source),
                next: None,
            })),
            Reply::Answer(Answer::Opened(Err(error))) => Err(unreadable(error)),
            _ => Err(gone()),
        }
    }
}

/// A container that is read while its bytes are pushed in.
pub(crate) struct Pushed {
    demuxing: Arc<Demuxing>,
    /// Here between two packets; with the thread while that is hungry.
    source: Option<Box<Source>>,
    /// What feeding gave.
    next: Option<Item>,
}

impl Pushed {
    pub(crate) fn source(&mut self) -> Result<&mut Source, ModuleError> {
        let source = self.source.as_deref_mut();
        source.ok_or_else(|| ModuleError::new("the next packet of what is pushed in is waited for"))
    }

    pub(crate) fn read(&mut self) -> Result<Option<Item>, ModuleError> {
        if let Some(item) = self.next.take() {
            return Ok(Some(item));
        }
        match self.source.take() {
            Some(source) => {
                let reply = self.demuxing.turns.ask(Job::Read(source));
                self.take(reply)
            }
            None => Ok(None),
        }
    }

    /// Goes on reading, with more bytes; `None`: there are no more.
    ///
    /// # Errors
    /// If the graph is ending.
    pub(crate) fn feed(&mut self, bytes: Option<Packet>) -> Result<(), ModuleError> {
        let reply = self.demuxing.turns.feed(bytes);
        self.next = self.take(reply)?;
        Ok(())
    }

    fn take(&mut self, reply: Reply<Answer>) -> Result<Option<Item>, ModuleError> {
        match reply {
            Reply::Hungry => Ok(None),
            Reply::Answer(Answer::Read(source, item)) => {
                self.source = Some(source);
                item.map(Some)
            }
            _ => Err(gone()),
        }
    }
}

/// Whoever gives up a container in the middle of a packet must have it back first: the thread is for
/// the next one, too.
impl Drop for Pushed {
    fn drop(&mut self) {
        while self.source.is_none() && self.feed(None).is_ok() {}
    }
}

fn gone() -> ModuleError {
    ModuleError::new("reading what is pushed in was stopped")
}

/// Why nothing could be made of the bytes.
pub(crate) fn unreadable(error: Error) -> ModuleError {
    ModuleError::from(error).with_hint(
        "push a whole file from its beginning; an mp4 must have its index in front (movflags \
         faststart) or be fragmented",
    )
}
