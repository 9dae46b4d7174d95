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

/// Files may be sent for years; what later ones have to tell is in the log.
const MOST_WARNINGS: usize = 1000;

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

/// What arrives, in order. Packets stay with the engine until they are wanted, so that it sees how many
/// wait; where jobs end, which it says only once, is kept here.
#[derive(Default)]
pub(crate) struct Given {
    /// Before each end of a job that is still to come: how many of the packets that wait.
    job_ends: VecDeque<usize>,
    /// Whether nothing arrives any more.
    has_ended: bool,
}

/// What comes next.
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
            self.job_ends.push_back(input.packets.len());
        }
        self.has_ended = input.ended;
    }

    /// Takes what comes next.
    pub(crate) fn take(&mut self, task: &mut Task) -> Option<Next> {
        if self.take_job_end() {
            return Some(Next::JobEnd);
        }
        let packet = task.pop(0)?;
        self.job_ends.iter_mut().for_each(|before| *before -= 1);
        Some(Next::Packet(packet))
    }

    /// Takes the end of a job, if that is what comes next.
    fn take_job_end(&mut self) -> bool {
        let is_next = self.job_ends.front() == Some(&0);
        if is_next {
            self.job_ends.pop_front();
        }
        is_next
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
            while self.given.take_job_end() {
                end_job(task);
            }
            let first = task.inputs().first();
            let Some(first) = first.and_then(|input| input.packets.front()) else {
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
    let room = MOST_WARNINGS.saturating_sub(total.warnings.len());
    total.warnings.extend(other.warnings.into_iter().take(room));
}

/// Says on all outputs that what follows is another job's.
pub(crate) fn end_job(task: &mut Task) {
    task.outputs_mut().iter_mut().for_each(TaskOutput::end_job);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a task of numbered packets; `|` is the end of a job.
    fn taken(given: &mut Given, task: &mut Task, most: usize) -> String {
        let next = |_| match given.take(task)? {
            Next::Packet(packet) => packet.get::<i64>().map(i64::to_string),
            Next::JobEnd => Some("|".to_owned()),
        };
        let all: Vec<String> = (0..most).map_while(next).collect();
        all.join(" ")
    }

    fn arrive(given: &mut Given, task: &mut Task, numbers: &[i64], job_ended: bool) {
        let input = &mut task.inputs_mut()[0];
        let packets = numbers.iter().map(|&n| Packet::new(Timestamp::ZERO, n));
        input.packets.extend(packets);
        input.job_ended = job_ended;
        given.look(task);
    }

    #[test]
    fn jobs_end_in_their_place_and_packets_stay_with_the_engine() {
        let mut given = Given::default();
        let mut task = Task::new(&[true], &[true]);
        arrive(&mut given, &mut task, &[1, 2], true);
        assert_eq!(taken(&mut given, &mut task, 1), "1");
        arrive(&mut given, &mut task, &[3], true);
        arrive(&mut given, &mut task, &[], true);
        arrive(&mut given, &mut task, &[4], false);
        // As many as the engine counts when it decides whether others may send more.
        assert_eq!(task.inputs()[0].packets.len(), 3);
        assert_eq!(taken(&mut given, &mut task, 9), "2 | 3 | | 4");
        assert!(!given.has_ended());
    }

    #[test]
    fn a_job_without_packets_ends_at_once() {
        let context = ModuleContext::new("node", false, &[true], &[true]);
        let mut fed = Fed::new(Arc::default(), &context);
        let mut task = Task::new(&[true], &[true]);
        task.inputs_mut()[0].job_ended = true;
        assert_eq!(fed.step(&mut task).unwrap(), Flow::Wait);
        assert_eq!(task.outputs()[0].items().len(), 1);
    }

    #[test]
    fn warnings_of_files_without_end_are_not_kept_without_end() {
        let mut total = Report::default();
        for _ in 0..2 * MOST_WARNINGS {
            let warnings = vec!["the file is damaged".to_owned()];
            add(
                &mut total,
                Report {
                    warnings,
                    ..Report::default()
                },
            );
        }
        assert_eq!(total.warnings.len(), MOST_WARNINGS);
    }
}
