//! Where the packets of a session come from: a file that is read when it is asked, or bytes that are
//! pushed in.

use bmf_sdk::prelude::*;

use super::pushed::Pushed;
use super::source::{Item, Source};
use super::window::Segment;

pub(crate) enum Input {
    File(Box<Source>),
    Pushed(Box<Pushed>),
}

impl Input {
    /// The container. Bytes that are pushed in are looked at only between two packets.
    ///
    /// # Errors
    /// If the next packet is waited for.
    pub(crate) fn source(&mut self) -> Result<&mut Source, ModuleError> {
        match self {
            Self::File(source) => Ok(source),
            Self::Pushed(pushed) => pushed.source(),
        }
    }

    /// The next packet of any stream. `None` if more bytes must be pushed in first.
    ///
    /// # Errors
    /// If the graph is ending. A failing read is the end of the input instead.
    pub(crate) fn read(&mut self) -> Result<Option<Item>, ModuleError> {
        match self {
            Self::File(source) => source.read().map(Some),
            Self::Pushed(pushed) => pushed.read(),
        }
    }

    /// What the user should know of lost connections.
    pub(crate) fn warnings(&self) -> &[String] {
        match self {
            Self::File(source) => source.warnings(),
            Self::Pushed(_) => &[],
        }
    }

    /// How often a lost connection was made again.
    pub(crate) fn reconnections(&self) -> u64 {
        match self {
            Self::File(source) => source.reconnections(),
            Self::Pushed(_) => 0,
        }
    }

    /// Whether it can be read from another place than where it is.
    pub(crate) fn can_seek(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Goes to a key frame at or before the beginning of a segment.
    ///
    /// # Errors
    /// If the input cannot be positioned.
    pub(crate) fn seek(&mut self, segment: &Segment) -> Result<(), ModuleError> {
        match self {
            Self::File(source) => source.seek(segment),
            Self::Pushed(_) => Err(ModuleError::new(
                "bytes that are pushed in cannot be read from another position",
            )
            .with_hint("set input_path to read a file")),
        }
    }
}
