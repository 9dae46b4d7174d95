//! [`EncodedPacket`]: a piece of an encoded stream, between demuxer and decoder, encoder and muxer.
//!
//! Opaque bytes with their timing, and what their stream is ([`EncodedFormat`]); nothing here parses
//! a codec.

use std::any::Any;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::extension::Extension;
use crate::{Buffer, Foreign, ImportError, Payload, Rational, TimeBase, Timestamp, View, ViewKind};

/// What kind of thing a stream carries.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles.
    Subtitle,
    /// Anything else: timecodes, attachments.
    Data,
}

impl MediaKind {
    /// FFmpeg's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Subtitle => "subtitle",
            Self::Data => "data",
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no kind of media.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no kind of media: use video, audio, subtitle or data")]
pub struct ParseMediaKindError(String);

impl FromStr for MediaKind {
    type Err = ParseMediaKindError;

    fn from_str(name: &str) -> Result<Self, ParseMediaKindError> {
        let kinds = [Self::Video, Self::Audio, Self::Subtitle, Self::Data];
        let kind = kinds.into_iter().find(|kind| kind.name() == name);
        kind.ok_or_else(|| ParseMediaKindError(name.to_owned()))
    }
}

/// A piece of an encoded stream. A clone shares the bytes.
#[derive(Clone)]
pub struct EncodedPacket {
    /// The bytes.
    pub data: Buffer,
    /// When to show what is in it, in ticks of `time_base`.
    pub pts: Option<i64>,
    /// When to decode it, in ticks of `time_base`.
    pub dts: Option<i64>,
    /// How long what is in it lasts, in ticks of `time_base`; 0 if unknown.
    pub duration: i64,
    /// The unit of the times.
    pub time_base: TimeBase,
    /// What the stream carries.
    pub kind: MediaKind,
    /// Which stream of the file it belongs to, from 0.
    pub stream_index: u32,
    /// Whether decoding can start here.
    pub key_frame: bool,
    /// Where in the file the bytes go, for a piece of a file that a muxer writes: most follow what
    /// came before, but headers are completed at the end. `None` for anything else.
    pub offset: Option<u64>,
    /// What the packets of its stream have in common: what a decoder or a muxer is told before the
    /// first packet. `None` if it is not known, as in a bare byte stream. Does not cross to another
    /// library.
    pub format: Option<Arc<EncodedFormat>>,
    extension: Extension,
}

/// What a decoder or a muxer must know of a stream beside its packets.
#[derive(Clone)]
#[non_exhaustive]
pub struct EncodedFormat {
    /// What the stream carries.
    pub kind: MediaKind,
    /// FFmpeg's name of the codec: `h264`, `aac`.
    pub codec: String,
    /// Headers that are not repeated in the packets (FFmpeg's extradata).
    pub extradata: Buffer,
    /// Width and height of pictures in pixels; 0 for others.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Pictures per second, if that is known.
    pub frame_rate: Option<Rational>,
    /// Samples per second and channels of sound; 0 for others.
    pub sample_rate: u32,
    /// See `sample_rate`.
    pub channels: u32,
    extension: Extension,
}

impl EncodedFormat {
    /// A stream of which only the codec is known.
    pub fn new(kind: MediaKind, codec: &str) -> Self {
        Self {
            kind,
            codec: codec.to_owned(),
            extradata: Buffer::default(),
            width: 0,
            height: 0,
            frame_rate: None,
            sample_rate: 0,
            channels: 0,
            extension: Extension::default(),
        }
    }

    /// What it was made from, if that is a `T`: a demuxer's own description, say. Whoever changes a
    /// field lets go of it.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<&Arc<T>> {
        self.extension.get()
    }

    /// Keeps what it was made from.
    pub fn set_extension<T: Any + Send + Sync>(&mut self, value: Arc<T>) {
        self.extension.set(value);
    }

    /// Lets go of the extension.
    pub fn clear_extension(&mut self) {
        self.extension.clear();
    }
}

impl fmt::Debug for EncodedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodedFormat({} {}", self.kind, self.codec)?;
        match self.kind {
            MediaKind::Video => write!(f, " {}x{})", self.width, self.height),
            MediaKind::Audio => write!(f, " {} Hz, {} channels)", self.sample_rate, self.channels),
            MediaKind::Subtitle | MediaKind::Data => f.write_str(")"),
        }
    }
}

impl Payload for EncodedPacket {
    const TAG: &'static str = "bmf.encoded_packet";

    fn bytes(&self) -> usize {
        self.data.len()
    }

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        (kind == ViewKind::Encoded).then_some(View::Encoded(self))
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        foreign.encoded()
    }
}

impl EncodedPacket {
    /// A packet of stream 0 without times.
    pub fn new(data: Buffer, kind: MediaKind, time_base: TimeBase) -> Self {
        Self {
            data,
            pts: None,
            dts: None,
            duration: 0,
            time_base,
            kind,
            stream_index: 0,
            key_frame: false,
            offset: None,
            format: None,
            extension: Extension::default(),
        }
    }

    /// When to show what is in it, or if that is not known, when to decode it. `None` if neither is
    /// known, or if it is out of range.
    pub fn timestamp(&self) -> Option<Timestamp> {
        Timestamp::from_ticks(self.pts.or(self.dts)?, self.time_base)
    }

    /// What the packet was made from, if it is a `T`: a demuxer's own packet, say.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<&Arc<T>> {
        self.extension.get()
    }

    /// Keeps what the packet was made from.
    pub fn set_extension<T: Any + Send + Sync>(&mut self, value: Arc<T>) {
        self.extension.set(value);
    }

    /// Lets go of the extension.
    pub fn clear_extension(&mut self) {
        self.extension.clear();
    }
}

impl fmt::Debug for EncodedPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tick = |ticks: Option<i64>| ticks.map_or_else(|| "none".to_owned(), |t| t.to_string());
        write!(
            f,
            "EncodedPacket({} stream {}, {} bytes, pts {}, dts {} x {}{})",
            self.kind,
            self.stream_index,
            self.data.len(),
            tick(self.pts),
            tick(self.dts),
            self.time_base,
            if self.key_frame { ", key" } else { "" },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timestamp_is_pts_else_dts() {
        let time_base = TimeBase::new(1, 90_000).unwrap();
        let mut packet =
            EncodedPacket::new(Buffer::from_vec(vec![0; 7]), MediaKind::Video, time_base);
        assert_eq!(packet.timestamp(), None);
        packet.dts = Some(90_000);
        assert_eq!(packet.timestamp(), Some(Timestamp::from_micros(1_000_000)));
        packet.pts = Some(93_003);
        packet.key_frame = true;
        assert_eq!(packet.timestamp(), Some(Timestamp::from_micros(1_033_367)));
        insta::assert_snapshot!(format!("{packet:?}"), @"EncodedPacket(video stream 0, 7 bytes, pts 93003, dts 90000 x 1/90000, key)");
    }

    #[test]
    fn an_extension_is_found_by_its_type_and_shared_by_clones() {
        let mut packet = EncodedPacket::new(Buffer::default(), MediaKind::Data, TimeBase::MICROS);
        let origin = Arc::new("origin");
        packet.set_extension(Arc::clone(&origin));
        let clone = packet.clone();
        assert!(
            clone
                .extension::<&str>()
                .is_some_and(|found| Arc::ptr_eq(found, &origin))
        );
        assert!(clone.extension::<u32>().is_none());
        packet.clear_extension();
        assert!(packet.extension::<&str>().is_none() && clone.extension::<&str>().is_some());
    }
}
