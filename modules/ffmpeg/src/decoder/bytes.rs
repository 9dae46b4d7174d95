//! Files whose bytes are pushed in, one after the other: an empty packet ends one, and so does the end
//! of the input.

use std::sync::Arc;

use bmf_sdk::hmp::EncodedPacket;
use bmf_sdk::prelude::*;

use super::fed::{Given, Next, add, end_job, unexpected};
use super::input::Input;
use super::options::Options;
use super::place::Place;
use super::pushed::{Demuxing, Opening, bytes_of};
use super::session::{Session, Stage};

pub(crate) struct Bytes {
    options: Arc<Options>,
    context: ModuleContext,
    demuxing: Arc<Demuxing>,
    file: File,
    /// How many files have begun.
    count: usize,
    /// How many bytes of the file have come.
    position: u64,
    place: Place,
    /// Of the files before.
    told: Report,
    job_has_ended: bool,
}

/// Where the file stands that is being pushed.
enum File {
    /// None has begun.
    Awaited,
    Opening(Opening),
    Open(Box<Session>),
    /// All that was wanted of it is sent.
    Skipped,
}

/// What there is to feed.
enum Meal {
    Nothing,
    Bytes(Packet),
    FileEnd,
}

impl Bytes {
    /// # Errors
    /// If the thread that reads them does not start.
    pub(crate) fn new(
        options: &Arc<Options>,
        context: &ModuleContext,
    ) -> Result<Self, ModuleError> {
        Ok(Self {
            options: Arc::clone(options),
            context: context.clone(),
            demuxing: Demuxing::start(context)?,
            file: File::Awaited,
            count: 0,
            position: 0,
            place: Place::default(),
            told: Report::default(),
            job_has_ended: false,
        })
    }

    pub(crate) fn step(&mut self, given: &mut Given, task: &mut Task) -> Result<Flow, ModuleError> {
        loop {
            if let File::Open(session) = &mut self.file {
                match session.step(task)? {
                    Stage::More => return Ok(Flow::More),
                    Stage::Hungry => {}
                    Stage::Over if self.close_file() => return Ok(Flow::Done),
                    Stage::Over => {}
                }
            }
            if std::mem::take(&mut self.job_has_ended) {
                self.place = self.place.next_job();
                end_job(task);
            }
            match self.next_meal(given, task)? {
                Meal::Nothing if given.has_ended() => return Ok(Flow::Done),
                Meal::Nothing => return Ok(Flow::Wait),
                Meal::Bytes(bytes) => self.feed(Some(bytes))?,
                Meal::FileEnd => self.feed(None)?,
            }
        }
    }

    fn next_meal(&mut self, given: &mut Given, task: &mut Task) -> Result<Meal, ModuleError> {
        match given.take(task) {
            Some(Next::JobEnd) => {
                self.job_has_ended = true;
                self.position = 0;
                Ok(Meal::FileEnd)
            }
            Some(Next::Packet(packet)) => self.meal(packet),
            None if given.has_ended() && self.is_reading() => Ok(Meal::FileEnd),
            None => Ok(Meal::Nothing),
        }
    }

    fn meal(&mut self, packet: Packet) -> Result<Meal, ModuleError> {
        let Some(bytes) = bytes_of(&packet) else {
            return Err(unexpected(&packet, "bytes of a file"));
        };
        if bytes.is_empty() {
            self.position = 0;
            return Ok(Meal::FileEnd);
        }
        let offset = packet
            .get::<EncodedPacket>()
            .and_then(|packet| packet.offset);
        if let Some(offset) = offset.filter(|&offset| offset != self.position) {
            let position = self.position;
            return Err(ModuleError::new(format!(
                "bytes for offset {offset} of a file came at offset {position}"
            ))
            .with_hint("write a format that is never gone back in: mpegts, or a fragmented mp4")
            .on_port("in"));
        }
        self.position += bytes.len() as u64;
        Ok(Meal::Bytes(packet))
    }

    fn is_reading(&self) -> bool {
        matches!(self.file, File::Opening(_) | File::Open(_))
    }

    /// Takes bytes; `None`: the file ends.
    fn feed(&mut self, bytes: Option<Packet>) -> Result<(), ModuleError> {
        match (&mut self.file, bytes) {
            (File::Awaited | File::Skipped, None) => self.file = File::Awaited,
            (File::Skipped, Some(_)) => {}
            (File::Awaited, Some(bytes)) => {
                self.count += 1;
                let name = format!("pushed file {}", self.count);
                let options = Arc::clone(&self.options);
                let opening = Opening::begin(Arc::clone(&self.demuxing), name, options)?;
                self.open(opening, Some(bytes))?;
            }
            (File::Opening(_), bytes) => {
                if let File::Opening(opening) = std::mem::replace(&mut self.file, File::Awaited) {
                    self.open(opening, bytes)?;
                }
            }
            (File::Open(session), bytes) => session.push(bytes)?,
        }
        Ok(())
    }

    fn open(&mut self, opening: Opening, bytes: Option<Packet>) -> Result<(), ModuleError> {
        self.file = match opening.feed(bytes)? {
            None => File::Opening(opening),
            Some(pushed) => {
                let input = Input::Pushed(Box::new(pushed));
                let place = Some(self.place.clone());
                let session = Session::open(input, &self.options, &self.context, place)?;
                File::Open(Box::new(session))
            }
        };
        Ok(())
    }

    /// Has done with the file. Returns whether all outputs have what was asked for.
    fn close_file(&mut self) -> bool {
        let File::Open(session) = std::mem::replace(&mut self.file, File::Skipped) else {
            return false;
        };
        if session.has_read_all() {
            self.file = File::Awaited;
        }
        self.place = session.behind();
        add(&mut self.told, session.report());
        session.is_full()
    }

    pub(crate) fn report(&self) -> Report {
        let mut report = self.told.clone();
        if let File::Open(session) = &self.file {
            add(&mut report, session.report());
        }
        report
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.demuxing.close();
    }
}
