//! One stream of the input on its way to an output: decoded, or passed on as it is.

use bmf_ffmpeg::{AvPacket, Decoder, StreamInfo};
use bmf_sdk::prelude::*;

use super::copy::Copied;
use super::stream::{Counts, Stream};
use super::timeline::{Timeline, Track};
use super::window::Segment;

pub(crate) enum Lane {
    Decoded(Box<Stream>),
    Copied(Box<Copied>),
}

/// Calls the same method of whichever it is.
macro_rules! of {
    ($lane:expr, $stream:ident => $call:expr) => {
        match $lane {
            Lane::Decoded($stream) => $call,
            Lane::Copied($stream) => $call,
        }
    };
}

impl Lane {
    /// The output port.
    pub(crate) fn port(&self) -> usize {
        of!(self, stream => stream.port())
    }

    /// Its place in the container.
    pub(crate) fn index(&self) -> usize {
        of!(self, stream => stream.index())
    }

    /// What it has met so far.
    pub(crate) fn counts(&self) -> Counts {
        of!(self, stream => stream.counts())
    }

    /// Whether its limit is reached.
    pub(crate) fn is_full(&self) -> bool {
        of!(self, stream => stream.is_full())
    }

    /// Whether packets of the current segment are still of use.
    pub(crate) fn wants_more(&self) -> bool {
        of!(self, stream => stream.wants_more())
    }

    /// Whether it is passed on as it is.
    pub(crate) fn is_copied(&self) -> bool {
        matches!(self, Self::Copied(_))
    }

    /// What decodes it, if anything does.
    pub(crate) fn decoder(&self) -> Option<&Decoder> {
        match self {
            Self::Decoded(stream) => Some(stream.decoder()),
            Self::Copied(_) => None,
        }
    }

    /// Where the packets of a copied stream end, in microseconds of decoding time.
    pub(crate) fn floor(&self) -> Option<i64> {
        match self {
            Self::Decoded(_) => None,
            Self::Copied(stream) => stream.floor(),
        }
    }

    /// Where it stands on the time line.
    pub(crate) fn track(&self) -> &Track {
        of!(self, stream => stream.track())
    }

    /// What the user should know of how it is decoded.
    pub(crate) fn warning(&self) -> Option<String> {
        match self {
            Self::Decoded(stream) => stream.warning(),
            Self::Copied(_) => None,
        }
    }

    /// The input begins again: what is still inside is sent, and what comes next follows.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub(crate) fn lap(&mut self, output: &mut TaskOutput) -> Result<(), ModuleError> {
        match self {
            Self::Decoded(stream) => stream.lap(output),
            Self::Copied(_) => Ok(()),
        }
    }

    /// The input was opened again, and the stream is described by `info` now.
    ///
    /// # Errors
    /// If what is still inside cannot be sent, or the stream cannot be decoded as it is now.
    pub(crate) fn renew(
        &mut self,
        info: &StreamInfo,
        output: &mut TaskOutput,
    ) -> Result<(), ModuleError> {
        match self {
            Self::Decoded(stream) => stream.renew(info, output),
            Self::Copied(stream) => {
                stream.renew(info);
                Ok(())
            }
        }
    }

    /// Gets ready for another segment, whose packets come next.
    pub(crate) fn restart(&mut self, segment: &Segment, origin: i64) {
        of!(self, stream => stream.restart(segment, origin));
    }

    /// What comes next need not follow what was sent.
    pub(crate) fn forget(&mut self) {
        of!(self, stream => stream.forget());
    }

    /// Wants nothing more of the current segment.
    pub(crate) fn skip(&mut self) {
        of!(self, stream => stream.skip());
    }

    /// Tells what the stream is, if that could otherwise take long.
    pub(crate) fn announce(&mut self, output: &mut TaskOutput) {
        if let Self::Copied(stream) = self {
            stream.announce(output);
        }
    }

    /// Takes a packet; what becomes of it goes to `output`. `moved` is how far joints have moved
    /// copied streams.
    ///
    /// # Errors
    /// If nothing can be made of it.
    pub(crate) fn feed(
        &mut self,
        packet: AvPacket,
        timeline: &mut Timeline,
        moved: &mut i64,
        output: &mut TaskOutput,
    ) -> Result<(), ModuleError> {
        match self {
            Self::Decoded(stream) => stream.feed(packet, timeline, output),
            Self::Copied(stream) => stream.feed(packet, timeline, moved, output),
        }
    }

    /// Sends what is still inside: all packets are read.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub(crate) fn drain(&mut self, output: &mut TaskOutput) -> Result<(), ModuleError> {
        match self {
            Self::Decoded(stream) => stream.drain(output),
            Self::Copied(stream) => {
                stream.skip();
                Ok(())
            }
        }
    }

    /// Why not a single frame came out of a stream that has ended, if that is so.
    ///
    /// # Errors
    /// Names the stream and the decoder's last complaint.
    pub(crate) fn check_decoded(&self) -> Result<(), ModuleError> {
        match self {
            Self::Decoded(stream) => stream.check_decoded(),
            Self::Copied(_) => Ok(()),
        }
    }
}
