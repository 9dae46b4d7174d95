//! From encoded packets to a container: streams are announced, packets wait until all of them are
//! known, then the container is written, into its file or into memory.

use std::path::Path;

use bmf_ffmpeg::{
    AvPacket, Chapter, CodecParameters, Dict, Error, Interrupt, Muxer, OutputConfig, Piece,
    StreamConfig,
};
use bmf_sdk::hmp::TimeBase;
use bmf_sdk::prelude::*;

use super::choice::Target;
use super::output::STREAMS;
use super::place::check_unread;
use crate::local::local_path;

/// Bytes of packets that may wait for a stream that has not begun. As much as the `ffmpeg` command
/// keeps before it looks at the number of packets.
const WAITING: usize = 50 << 20;

/// Tags that tell when and by what a file was made, and so belong to no other one.
const OF_THE_FILE: [&str; 4] = [
    "creation_time",
    "company_name",
    "product_name",
    "product_version",
];

/// What a container is made with.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) target: Target,
    /// Options of container and protocol.
    pub(super) options: Dict,
    pub(super) metadata: Dict,
    pub(super) chapters: Vec<Chapter>,
    /// Bytes of a piece, for one in memory.
    pub(super) in_memory: Option<usize>,
}

/// A container that may not have begun.
pub(super) struct Container {
    plan: Plan,
    interrupt: Interrupt,
    slots: [Slot; STREAMS],
    /// Whether a stream cannot be encoded: nothing is written then.
    is_refused: bool,
    /// Packets that came before the header could be written, and how many bytes they hold.
    early: Vec<(usize, AvPacket, TimeBase)>,
    early_bytes: usize,
    muxer: Option<Muxer>,
    /// What was written into memory when the container was completed.
    last_pieces: Vec<Piece>,
    done: Option<Done>,
}

/// What is known about a stream.
enum Slot {
    /// There is no such stream.
    Absent,
    /// Its encoder is not open yet.
    Expected,
    /// Its encoder is open.
    Announced(Box<(CodecParameters, StreamConfig)>),
    /// It is in the file, at this index.
    Written(usize),
}

/// What became of the file.
#[derive(Copy, Clone, Default)]
pub(super) struct Done {
    pub(super) bytes: Option<u64>,
    pub(super) corrected_timestamps: u64,
}

impl Container {
    /// A container of the streams that `expected` says.
    pub(super) fn new(plan: Plan, expected: [bool; STREAMS]) -> Self {
        Self {
            plan,
            interrupt: Interrupt::new(),
            slots: expected.map(|expected| {
                if expected {
                    Slot::Expected
                } else {
                    Slot::Absent
                }
            }),
            is_refused: false,
            early: Vec::new(),
            early_bytes: 0,
            muxer: None,
            last_pieces: Vec::new(),
            done: None,
        }
    }

    /// Lets the end of the graph end a wait for the network. Files keep being written: they are
    /// completed on every way out.
    pub(super) fn listen_to(&self, context: &ModuleContext) {
        if self.is_remote() {
            let interrupt = self.interrupt.clone();
            context.on_interrupt(move || interrupt.trigger());
        }
    }

    /// Whether it goes to a place that the end of the graph cuts off.
    pub(super) fn is_remote(&self) -> bool {
        self.plan.in_memory.is_none() && local_path(&self.plan.target.url).is_none()
    }

    /// Whether more of a stream would only wait here, because another one has not begun.
    pub(super) fn is_enough(&self, stream: usize) -> bool {
        self.early_bytes > WAITING && !matches!(self.slots[stream], Slot::Expected)
    }

    /// A stream's encoder is open.
    pub(super) fn announce(
        &mut self,
        stream: usize,
        parameters: CodecParameters,
        config: StreamConfig,
    ) -> Result<(), ModuleError> {
        self.slots[stream] = Slot::Announced(Box::new((parameters, config)));
        self.begin_if_complete()
    }

    /// An encoder cannot be opened. What the other one made is of no use alone, and must not
    /// replace an older file.
    pub(super) fn refuse(&mut self) {
        self.is_refused = true;
    }

    /// A stream has ended without a frame.
    pub(super) fn give_up(&mut self, stream: usize) -> Result<(), ModuleError> {
        if matches!(self.slots[stream], Slot::Expected) {
            self.slots[stream] = Slot::Absent;
            self.begin_if_complete()?;
        }
        Ok(())
    }

    /// Takes a packet whose times are in `unit`.
    pub(super) fn packet(
        &mut self,
        stream: usize,
        packet: AvPacket,
        unit: TimeBase,
    ) -> Result<(), ModuleError> {
        match (&mut self.muxer, &self.slots[stream]) {
            (Some(muxer), &Slot::Written(index)) => Ok(muxer.write(index, packet, unit)?),
            _ => {
                self.early_bytes += packet.data().len();
                self.early.push((stream, packet, unit));
                Ok(())
            }
        }
    }

    fn begin_if_complete(&mut self) -> Result<(), ModuleError> {
        let is_open = |slot: &Slot| matches!(slot, Slot::Expected);
        if self.slots.iter().any(is_open) {
            Ok(())
        } else {
            self.begin()
        }
    }

    /// Creates the file and writes the header, with the streams that are known.
    fn begin(&mut self) -> Result<(), ModuleError> {
        if self.muxer.is_some()
            || self.is_refused
            || !self
                .slots
                .iter()
                .any(|slot| matches!(slot, Slot::Announced(_)))
        {
            return Ok(());
        }
        let mut muxer = self.create()?;
        for (key, value) in self.metadata().pairs() {
            muxer.set_metadata(&key, &value);
        }
        for chapter in &self.plan.chapters {
            muxer.add_chapter(chapter);
        }
        for slot in &mut self.slots {
            if let Slot::Announced(stream) = slot {
                *slot = Slot::Written(muxer.add_stream(&stream.0, &stream.1)?);
            }
        }
        match muxer.write_header() {
            Ok(unused) => unused.iter().for_each(|unused| log::debug!("{unused}")),
            Err(error) => {
                drop(muxer);
                self.remove();
                return Err(error.into());
            }
        }
        self.muxer = Some(muxer);
        self.early_bytes = 0;
        for (stream, packet, unit) in std::mem::take(&mut self.early) {
            self.packet(stream, packet, unit)?;
        }
        Ok(())
    }

    /// The tags of the file: those of the options, and of the file that the first copied stream is
    /// from.
    fn metadata(&self) -> Dict {
        let mut metadata = self.plan.metadata.clone();
        let inherited = self.slots.iter().find_map(|slot| match slot {
            Slot::Announced(stream) if stream.1.is_copied => Some(&stream.1.container_metadata),
            _ => None,
        });
        let inherited = inherited.into_iter().flatten();
        for (key, value) in inherited.filter(|(key, _)| !OF_THE_FILE.contains(&key.as_str())) {
            metadata.set_default(key, value);
        }
        metadata
    }

    fn create(&self) -> Result<Muxer, ModuleError> {
        let Plan {
            target, options, ..
        } = &self.plan;
        let config = OutputConfig {
            format: Some(target.muxer.name.clone()),
            options: options.clone(),
            interrupt: self.interrupt.clone(),
        };
        if let Some(buffer) = self.plan.in_memory {
            return Ok(Muxer::create_in_memory(&target.url, &config, buffer)?);
        }
        check_unread(&target.url)?;
        Ok(Muxer::create(&target.url, &config)?)
    }

    /// What was written into memory since the last call.
    pub(super) fn take_pieces(&mut self, all: bool) -> Vec<Piece> {
        self.muxer.as_mut().map_or_else(
            || std::mem::take(&mut self.last_pieces),
            |muxer| muxer.take_pieces(all),
        )
    }

    /// A file that was created and never got its header is of no use to anybody.
    fn remove(&self) {
        if self.plan.in_memory.is_none()
            // What stands there under that name is not this run's then.
            && !self.plan.target.muxer.opens_own_files
            && let Some(path) = local_path(&self.plan.target.url)
            && path.metadata().is_ok_and(|found| found.is_file())
            && let Err(error) = std::fs::remove_file(path)
        {
            log::warn!(
                "cannot remove \"{}\", which has no content: {error}",
                path.display()
            );
        }
    }

    /// Completes the file. Returns whether there is one.
    ///
    /// # Errors
    /// The first thing that failed; the file is closed in any case.
    pub(super) fn finish(&mut self) -> Result<bool, ModuleError> {
        if self.done.is_none() {
            self.begin()?;
        }
        let Some(mut muxer) = self.muxer.take() else {
            return Ok(self.done.is_some());
        };
        let written = muxer
            .finish()
            .map_err(|error: Error| ModuleError::from(error))?;
        self.last_pieces = muxer.take_pieces(false);
        // What was written twice (headers are completed at the end) counts once in the file.
        let file = local_path(&self.plan.target.url)
            .filter(|_| self.plan.in_memory.is_none())
            .and_then(|path: &Path| path.metadata().ok());
        let size = file
            .filter(|found| found.is_file())
            .map(|found| found.len());
        let bytes = size.or(Some(written.bytes)).filter(|&bytes| bytes > 0);
        self.done = Some(Done {
            bytes,
            corrected_timestamps: written.corrected_timestamps,
        });
        Ok(true)
    }

    /// Whether the file has been created.
    pub(super) fn has_begun(&self) -> bool {
        self.muxer.is_some() || self.done.is_some()
    }

    /// What became of the file, if it is complete.
    pub(super) fn done(&self) -> Option<Done> {
        self.done
    }
}
