//! What is done with one input.

use super::audio::AudioTrack;
use super::copy::CopyTrack;
use super::span::Span;
use super::video::VideoTrack;

/// What is done with one input.
pub(super) enum Track {
    /// It is not connected, or the container takes nothing of its kind.
    None,
    Video(Box<VideoTrack>),
    Audio(Box<AudioTrack>),
    Copy(CopyTrack),
}

impl Track {
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether nothing is wanted any more.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::None => false,
            Self::Video(track) => track.is_full(),
            Self::Audio(track) => track.is_full(),
            Self::Copy(track) => track.is_full(),
        }
    }

    /// Whether the stream is known, so that the output has it.
    pub(super) fn has_begun(&self) -> bool {
        match self {
            Self::None => false,
            Self::Video(track) => track.has_begun(),
            Self::Audio(track) => track.has_begun(),
            Self::Copy(track) => track.has_begun(),
        }
    }

    /// The part of the time axis that it covers.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::None => Span::default(),
            Self::Video(track) => track.span(),
            Self::Audio(track) => track.span(),
            Self::Copy(track) => track.span(),
        }
    }

    /// One phrase for a person; `None` if nothing was written.
    pub(super) fn summary(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Video(track) => track.summary(),
            Self::Audio(track) => track.summary(),
            Self::Copy(track) => track.summary(),
        }
    }
}
