//! From encoded packets to the file: streams are announced, packets wait until all of them are
//! known, then the container is written.

use std::path::Path;

use bmf_ffmpeg::{
    AvPacket, CodecParameters, Dict, Error, Interrupt, Muxer, OutputConfig, StreamConfig,
};
use bmf_sdk::hmp::TimeBase;
use bmf_sdk::prelude::*;

use super::choice::Target;
use super::place::check_unread;
use crate::local::local_path;

/// Streams in the order in which they stand in the file.
pub(super) const VIDEO: usize = 0;
pub(super) const AUDIO: usize = 1;

/// An output that may not have begun.
pub(super) struct Output {
    target: Target,
    options: Dict,
    metadata: Dict,
    interrupt: Interrupt,
    slots: [Slot; 2],
    /// Whether a stream cannot be encoded: nothing is written then.
    is_refused: bool,
    /// Packets that came before the header could be written.
    early: Vec<(usize, AvPacket, TimeBase)>,
    muxer: Option<Muxer>,
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

impl Output {
    /// An output of the streams that `expected` says, in the order of the constants above.
    pub(super) fn new(target: Target, options: Dict, metadata: Dict, expected: [bool; 2]) -> Self {
        Self {
            target,
            options,
            metadata,
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
            muxer: None,
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
        local_path(&self.target.url).is_none()
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
        check_unread(&self.target.url)?;
        let config = OutputConfig {
            format: Some(self.target.muxer.name.clone()),
            options: self.options.clone(),
            interrupt: self.interrupt.clone(),
        };
        let mut muxer = Muxer::create(&self.target.url, &config)?;
        for (key, value) in self.metadata.pairs() {
            muxer.set_metadata(&key, &value);
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
        for (stream, packet, unit) in std::mem::take(&mut self.early) {
            self.packet(stream, packet, unit)?;
        }
        Ok(())
    }

    /// A file that was created and never got its header is of no use to anybody.
    fn remove(&self) {
        if let Some(path) = local_path(&self.target.url)
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
        // What was written twice (headers are completed at the end) counts once in the file.
        let file = local_path(&self.target.url).and_then(|path: &Path| path.metadata().ok());
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
