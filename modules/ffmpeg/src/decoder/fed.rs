//! A decoder with an input: what the first packet is says what all are. Files that are named are read
//! by [`files`](super::files), bytes of files by [`bytes`](super::bytes), packets of a stream by
//! [`raw`](super::raw).

use std::collections::VecDeque;
use std::sync::Arc;

use bmf_sdk::hmp::EncodedPacket;
use bmf_sdk::prelude::*;
use serde_json::Value;

use super::bytes::Bytes;
use super::files::Files;
use super::options::Options;
use super::raw::Raw;

/// A decoder that works on what it is sent.
pub(crate) struct Fed {
    options: Arc<Options>,
    context: ModuleContext,
    given: Given,
    work: Option<Work>,
}

enum Work {
    Files(Files),
    Bytes(Bytes),
    Raw(Box<Raw>),
}

/// What arrives, in order. Packets stay with the engine until they are wanted, but for those before
/// the end of a job, which the engine says only once.
#[derive(Default)]
pub(crate) struct Given {
    kept: VecDeque<Next>,
    /// Whether nothing arrives any more.
    has_ended: bool,
}

/// What comes next.
#[derive(Clone)]
pub(crate) enum Next {
    Packet(Packet),
    /// What follows is another job's.
    JobEnd,
}

impl Given {
    /// Looks what has come with a task.
    fn look(&mut self, task: &mut Task) {
        let Some(input) = task.inputs_mut().first_mut() else {
            self.has_ended = true;
            return;
        };
        if input.job_ended {
            input.job_ended = false;
            self.kept.extend(input.packets.drain(..).map(Next::Packet));
            self.kept.push_back(Next::JobEnd);
        }
        self.has_ended = input.ended;
    }

    /// Takes what comes next.
    pub(crate) fn take(&mut self, task: &mut Task) -> Option<Next> {
        let kept = self.kept.pop_front();
        kept.or_else(|| task.pop(0).map(Next::Packet))
    }

    fn peek<'a>(&'a self, task: &'a Task) -> Option<&'a Packet> {
        let kept = self.kept.iter().find_map(|next| match next {
            Next::Packet(packet) => Some(packet),
            Next::JobEnd => None,
        });
        kept.or_else(|| task.inputs().first()?.packets.front())
    }

    /// Whether nothing will come any more, where nothing is there now.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl Fed {
    pub(crate) fn new(options: Arc<Options>, context: &ModuleContext) -> Self {
        Self {
            options,
            context: context.clone(),
            given: Given::default(),
            work: None,
        }
    }

    /// Works until there is at least one frame more, or nothing to work on.
    ///
    /// # Errors
    /// If what was sent cannot be decoded, or the graph is ending.
    pub(crate) fn step(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        self.given.look(task);
        if self.work.is_none() {
            let Some(first) = self.given.peek(task) else {
                return Ok(if self.given.has_ended() {
                    Flow::Done
                } else {
                    Flow::Wait
                });
            };
            self.work = Some(Work::of(first, &self.options, &self.context)?);
        }
        match &mut self.work {
            Some(Work::Files(files)) => files.step(&mut self.given, task),
            Some(Work::Bytes(bytes)) => bytes.step(&mut self.given, task),
            Some(Work::Raw(raw)) => raw.step(&mut self.given, task),
            None => Ok(Flow::Wait),
        }
    }

    /// Forgets what was begun: the next packet is the first one again.
    ///
    /// # Errors
    /// If another position is asked for, which what is sent does not have.
    pub(crate) fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        if seek.is_some() {
            let error = ModuleError::new("what is sent to a decoder has no positions to go to");
            return Err(error.with_hint("seek where it comes from, or set input_path"));
        }
        self.work = None;
        self.given = Given::default();
        Ok(())
    }

    pub(crate) fn report(&self) -> Report {
        match &self.work {
            Some(Work::Files(files)) => files.report(),
            Some(Work::Bytes(bytes)) => bytes.report(),
            Some(Work::Raw(raw)) => raw.report(),
            None => Report::default(),
        }
    }
}

impl Work {
    fn of(
        first: &Packet,
        options: &Arc<Options>,
        context: &ModuleContext,
    ) -> Result<Self, ModuleError> {
        if first.is::<Value>() || first.is::<String>() {
            return Ok(Self::Files(Files::new(options, context)));
        }
        let encoded = first.get::<EncodedPacket>();
        if options.push_raw_stream || encoded.is_some_and(|packet| packet.format.is_some()) {
            return Ok(Self::Raw(Box::new(Raw::new(options, context))));
        }
        if encoded.is_some() || first.is::<Vec<u8>>() {
            return Ok(Self::Bytes(Bytes::new(options, context)?));
        }
        Err(unexpected(
            first,
            "bytes, packets of a stream, or names of files",
        ))
    }
}

/// The error for a packet of another kind than `wanted`.
pub(crate) fn unexpected(packet: &Packet, wanted: &str) -> ModuleError {
    ModuleError::new(format!("a packet holds {}, not {wanted}", packet.tag())).on_port("in")
}

/// Adds what another input has to tell.
pub(crate) fn add(total: &mut Report, other: Report) {
    let names = total.counters.iter().chain(other.counters.iter());
    let mut sums: Vec<(String, u64)> = Vec::new();
    for (name, count) in names {
        match sums.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += count,
            None => sums.push((name.to_owned(), count)),
        }
    }
    total.counters = sums.into_iter().collect();
    total.warnings.extend(other.warnings);
}

/// Says on all outputs that what follows is another job's.
pub(crate) fn end_job(task: &mut Task) {
    task.outputs_mut().iter_mut().for_each(TaskOutput::end_job);
}
