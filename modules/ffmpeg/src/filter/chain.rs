//! Graphs one after the other in one node: what merged neighbours become.
//!
//! Each stage is what a node of its own would be, with its own configuration, its own times and its own
//! end, so that the frames are the same whether or not nodes are merged; `joined` tells which nodes
//! share a stage. What is saved is the way through queues and workers. Later stages go first: what is
//! under way leaves the node before new input is taken.

use std::collections::VecDeque;

use bmf_sdk::prelude::*;

use super::work::Work;

/// Most turns of stages in one call, so that a source without end of which nothing comes out leaves
/// room for others to work.
const MOST_TURNS: usize = 32;

/// The stages of a node; most nodes have one.
pub(super) struct Chain {
    stages: Vec<Stage>,
    /// What is between a stage and the next.
    pipes: Vec<Pipe>,
}

struct Stage {
    work: Work,
    wants_more: bool,
    done: bool,
}

/// What one stage has given and the next has not taken.
#[derive(Default)]
struct Pipe {
    waiting: VecDeque<Packet>,
    ended: bool,
}

/// Where a stage reads and writes: the ports of the node, or the pipes beside it.
pub(super) struct Ends<'a> {
    task: &'a mut Task,
    before: Option<&'a mut Pipe>,
    after: Option<&'a mut Pipe>,
}

impl Chain {
    pub(super) fn new(works: Vec<Work>) -> Self {
        let pipes = (1..works.len()).map(|_| Pipe::default()).collect();
        let stage = |work| Stage {
            work,
            wants_more: false,
            done: false,
        };
        Self {
            stages: works.into_iter().map(stage).collect(),
            pipes,
        }
    }

    pub(super) fn step(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let last = self.stages.len() - 1;
        for _ in 0..MOST_TURNS {
            let at = self.next();
            let flow = self.step_one(at, task)?;
            match flow {
                Flow::Done if at == last => return Ok(Flow::Done),
                Flow::More if at == last => return Ok(Flow::More),
                Flow::Wait if at == 0 && self.next() == 0 => return Ok(Flow::Wait),
                _ => {}
            }
        }
        Ok(Flow::More)
    }

    /// The last stage that has something to do; the first one is asked when there is none.
    fn next(&self) -> usize {
        let has_work = |&at: &usize| {
            let (stage, pipe) = (&self.stages[at], &self.pipes[at - 1]);
            !stage.done && (stage.wants_more || pipe.ended || !pipe.waiting.is_empty())
        };
        (1..self.stages.len()).rev().find(has_work).unwrap_or(0)
    }

    fn step_one(&mut self, at: usize, task: &mut Task) -> Result<Flow, ModuleError> {
        let stage = &mut self.stages[at];
        let (before, after) = self.pipes.split_at_mut(at);
        let mut ends = Ends {
            task,
            before: before.last_mut(),
            after: after.first_mut(),
        };
        let flow = stage.work.step(&mut ends)?;
        stage.wants_more = flow == Flow::More;
        stage.done = flow == Flow::Done;
        if let Some(pipe) = after.first_mut() {
            pipe.ended |= stage.done;
        }
        Ok(flow)
    }

    /// Begins anew, as before the first frame; only the counts go on.
    pub(super) fn flush(&mut self) {
        for stage in &mut self.stages {
            stage.work.flush();
            (stage.wants_more, stage.done) = (false, false);
        }
        self.pipes.fill_with(Pipe::default);
    }

    pub(super) fn release(&mut self) {
        for stage in &mut self.stages {
            stage.work.release();
        }
        self.pipes.fill_with(Pipe::default);
    }

    /// What went into the first stage and came out of the last one, and all there is to be said.
    pub(super) fn report(&self) -> Report {
        let works = || self.stages.iter().map(|stage| &stage.work);
        let count = |work: Option<&Work>, of: fn(&Work) -> u64| work.map_or(0, of);
        let changes = works().map(|work| work.rebuilds).sum();
        Report {
            counters: [
                ("frames_in", count(works().next(), |work| work.frames_in)),
                (
                    "frames_out",
                    count(works().next_back(), |work| work.frames_out),
                ),
                ("format_changes", changes),
            ]
            .into(),
            warnings: works().flat_map(|work| work.warnings.clone()).collect(),
            ..Report::default()
        }
    }
}

impl Ends<'_> {
    /// The next packet of an input.
    pub(super) fn front(&self, port: usize) -> Option<&Packet> {
        match &self.before {
            Some(pipe) => pipe.waiting.front(),
            None => self.task.inputs()[port].packets.front(),
        }
    }

    /// Whether nothing follows what waits at an input.
    pub(super) fn has_ended(&self, port: usize) -> bool {
        match &self.before {
            Some(pipe) => pipe.ended,
            None => self.task.inputs()[port].ended,
        }
    }

    pub(super) fn pop(&mut self, port: usize) -> Option<Packet> {
        match &mut self.before {
            Some(pipe) => pipe.waiting.pop_front(),
            None => self.task.pop(port),
        }
    }

    /// Whether somebody takes what is sent on an output. Of the outputs of a stage that has several,
    /// the first is the one that goes on.
    pub(super) fn is_open(&self, port: usize) -> bool {
        match self.after {
            Some(_) => port == 0,
            None => {
                let output = self.task.outputs().get(port);
                output.is_some_and(TaskOutput::is_open)
            }
        }
    }

    pub(super) fn push(&mut self, port: usize, packet: Packet) {
        match &mut self.after {
            Some(pipe) => pipe.waiting.push_back(packet),
            None => self.task.push(port, packet),
        }
    }

    /// Ends an output.
    pub(super) fn end(&mut self, port: usize) {
        match &mut self.after {
            Some(pipe) => pipe.ended |= port == 0,
            None => {
                if let Some(output) = self.task.outputs_mut().get_mut(port) {
                    output.end();
                }
            }
        }
    }
}
