//! Outputs one after the other, where the input comes in jobs: each has its own file, or is a stream of
//! its own.

use std::collections::VecDeque;
use std::path::Path;

use bmf_sdk::prelude::*;

use super::options::Options;
use super::output::STREAMS;
use super::work::{Progress, Work};

/// The outputs of a module, of which one is being written.
pub(super) struct Jobs {
    options: Options,
    context: ModuleContext,
    /// How many outputs have been opened.
    opened: u64,
    work: Option<Box<Work>>,
    ends: [JobEnds; STREAMS],
    /// What the finished ones had to tell.
    report: Report,
}

/// Where jobs end on an input, among the packets that wait there: behind how many of them.
pub(super) struct JobEnds(VecDeque<usize>);

impl JobEnds {
    /// Whether the packets that wait, if any, are the next job's.
    pub(super) fn is_here(&self) -> bool {
        self.0.front() == Some(&0)
    }

    /// A packet has been taken.
    pub(super) fn take_packet(&mut self) {
        self.0.iter_mut().for_each(|waiting| *waiting -= 1);
    }

    /// The job is over.
    pub(super) fn pass(&mut self) {
        self.0.pop_front();
    }
}

impl Jobs {
    /// Opens the first output.
    pub(super) fn open(options: &Options, context: &ModuleContext) -> Result<Self, ModuleError> {
        let mut jobs = Self {
            options: options.clone(),
            context: context.clone(),
            opened: 0,
            work: None,
            ends: [const { JobEnds(VecDeque::new()) }; STREAMS],
            report: Report::default(),
        };
        jobs.work = Some(Box::new(jobs.open_next()?));
        Ok(jobs)
    }

    fn open_next(&mut self) -> Result<Work, ModuleError> {
        let mut options = self.options.clone();
        if options.output_prefix.is_some() {
            options.output_path = options.path_of_job(self.opened);
            let parent = options.output_path.as_deref().map(Path::new);
            if let Some(parent) = parent.and_then(Path::parent) {
                std::fs::create_dir_all(parent).map_err(|error| {
                    let path = parent.display();
                    ModuleError::new(format!("cannot create the directory \"{path}\": {error}"))
                })?;
            }
        }
        self.opened += 1;
        Work::open(&options, &self.context)
    }

    pub(super) fn step(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let counts = self.work.as_ref().is_none_or(|work| work.is_job);
        for (input, ends) in task.inputs().iter().zip(&mut self.ends) {
            if counts && input.job_ended {
                ends.0.push_back(input.packets.len());
            }
        }
        loop {
            if self.work.is_none() {
                if task.inputs_ended() {
                    return Ok(Flow::Done);
                }
                let is_idle = task.inputs().iter().all(|input| input.packets.is_empty());
                if is_idle && !self.ends.iter().any(JobEnds::is_here) {
                    return Ok(Flow::Wait);
                }
                self.work = Some(Box::new(self.open_next()?));
            }
            let Some(work) = &mut self.work else {
                return Ok(Flow::Wait);
            };
            match work.step(task, &mut self.ends)? {
                Progress::Waits => return Ok(Flow::Wait),
                Progress::Done => return Ok(Flow::Done),
                Progress::JobDone => {
                    add(&mut self.report, work.report());
                    self.work = None;
                    task.outputs_mut().iter_mut().for_each(TaskOutput::end_job);
                }
            }
        }
    }

    /// The packets that waited are gone.
    pub(super) fn forget_waiting(&mut self) {
        self.ends.iter_mut().for_each(|ends| ends.0.clear());
    }

    pub(super) fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        match &mut self.work {
            Some(work) => work.close(ending),
            None => Ok(()),
        }
    }

    pub(super) fn report(&self) -> Report {
        let mut report = self.report.clone();
        if let Some(work) = &self.work {
            add(&mut report, work.report());
        }
        report
    }
}

/// Counts add up; the rest is listed.
fn add(report: &mut Report, more: Report) {
    let before = std::mem::take(&mut report.counters);
    let sum = more
        .counters
        .iter()
        .map(|(name, count)| (name.to_owned(), count + before.get(name).unwrap_or(0)));
    report.counters = sum.collect();
    report.outputs.extend(more.outputs);
    report.warnings.extend(more.warnings);
}
