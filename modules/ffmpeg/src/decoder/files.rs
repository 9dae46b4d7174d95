//! Files that are named by packets, read one after the other. What a packet can say is in
//! [`list`](super::list).

use std::collections::VecDeque;
use std::sync::Arc;

use bmf_ffmpeg::Interrupt;
use bmf_sdk::prelude::*;

use super::fed::{Given, Next, add, end_job};
use super::input::Input;
use super::list;
use super::options::Options;
use super::place::Place;
use super::session::{Session, Stage};
use super::source::{Source, interrupt_of};
use crate::local::Reading;

pub(crate) struct Files {
    options: Arc<Options>,
    context: ModuleContext,
    /// Of all files.
    interrupt: Interrupt,
    /// Still to be read.
    queue: VecDeque<Options>,
    open: Option<Box<Session>>,
    place: Place,
    /// Of the files before.
    told: Report,
    /// Kept to the end: an output may begin only when all is read.
    reading: Vec<Reading>,
}

impl Files {
    pub(crate) fn new(options: &Arc<Options>, context: &ModuleContext) -> Self {
        Self {
            options: Arc::clone(options),
            context: context.clone(),
            interrupt: interrupt_of(context),
            queue: VecDeque::new(),
            open: None,
            place: Place::default(),
            told: Report::default(),
            reading: Vec::new(),
        }
    }

    pub(crate) fn step(&mut self, given: &mut Given, task: &mut Task) -> Result<Flow, ModuleError> {
        loop {
            if let Some(session) = &mut self.open {
                if session.step(task)? != Stage::Over {
                    return Ok(Flow::More);
                }
                self.place = session.behind();
                add(&mut self.told, session.report());
                let is_full = session.is_full();
                self.open = None;
                if is_full {
                    return Ok(Flow::Done);
                }
            } else if let Some(options) = self.queue.pop_front() {
                self.open(&options)?;
            } else {
                match given.take(task) {
                    Some(Next::Packet(packet)) => {
                        self.queue.extend(list::entries(&packet, &self.options)?);
                    }
                    Some(Next::JobEnd) => {
                        self.place = self.place.next_job();
                        end_job(task);
                    }
                    None if given.has_ended() => return Ok(Flow::Done),
                    None => return Ok(Flow::Wait),
                }
            }
        }
    }

    fn open(&mut self, options: &Options) -> Result<(), ModuleError> {
        let source = Source::open(options, self.interrupt.clone())?;
        self.reading.extend(Reading::of(&options.input_path));
        let input = Input::File(Box::new(source));
        let place = Some(self.place.clone());
        let session = Session::open(input, options, &self.context, place)?;
        self.open = Some(Box::new(session));
        Ok(())
    }

    pub(crate) fn report(&self) -> Report {
        let mut report = self.told.clone();
        if let Some(session) = &self.open {
            add(&mut report, session.report());
        }
        report
    }
}
