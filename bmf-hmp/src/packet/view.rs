//! What a payload shows of itself to other libraries, in safe terms.

use std::borrow::Cow;

use crate::{AudioFrame, EncodedPacket, Packet, Tensor, VideoFrame};

/// How another library wants to see a payload.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ViewKind {
    /// As a picture.
    Video,
    /// As sound.
    Audio,
    /// As a piece of an encoded stream.
    Encoded,
    /// As an array of numbers.
    Tensor,
    /// As bytes where they are.
    Bytes,
    /// As text, usually JSON, written into the reader's memory.
    Text,
    /// As a number.
    Int,
    /// As several packets.
    Packets,
}

/// A payload, or a part of it, as another library sees it. Nothing is copied but texts and numbers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum View<'a> {
    /// For [`ViewKind::Video`].
    Video(&'a VideoFrame),
    /// For [`ViewKind::Audio`]. Only frames in CPU memory, with aligned samples, can be seen.
    Audio(&'a AudioFrame),
    /// For [`ViewKind::Encoded`]. Only bytes in CPU memory can be seen.
    Encoded(&'a EncodedPacket),
    /// For [`ViewKind::Tensor`]. Only aligned elements can be seen.
    Tensor(&'a Tensor),
    /// For [`ViewKind::Bytes`].
    Bytes(&'a [u8]),
    /// For [`ViewKind::Text`].
    Text(Cow<'a, str>),
    /// For [`ViewKind::Int`].
    Int(i64),
    /// For [`ViewKind::Packets`].
    Packets(&'a [Packet]),
}
