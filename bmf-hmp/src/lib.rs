//! Heterogeneous memory: buffers, frames, tensors and packets that are shared instead of copied.
#![doc = include_str!("../README.md")]
#![expect(
    unsafe_code,
    reason = "memory and payloads are shared with other libraries: buffer, packet, border"
)]

// From the bytes up; each module rests on those above it.

mod buffer;
mod device;
mod pool;

mod element;
mod tensor;

mod rational;
mod time;

mod color;
mod pixel;

mod error;
mod extension;
mod video;

mod audio;
mod channel_layout;

mod encoded;
mod packet;

pub mod border;
pub mod panics;

pub use audio::{AudioFormat, AudioFrame, SampleFormat};
pub use buffer::{ALIGNMENT, Buffer, BufferOwner};
pub use channel_layout::{ChannelLayout, ParseChannelLayoutError};
pub use color::{
    ChromaLocation, ColorDescription, ColorMatrix, ColorPrimaries, ColorRange, ColorTransfer,
};
pub use device::{Device, ParseDeviceError};
pub use element::{Element, ParseScalarTypeError, ScalarType};
pub use encoded::{EncodedFormat, EncodedPacket, MediaKind, ParseMediaKindError};
pub use error::FrameError;
pub use packet::{Foreign, ImportError, Packet, Payload, View, ViewKind};
pub use pixel::{Component, ParsePixelFormatError, PixelDescriptor, PixelFlags, PixelFormat};
pub use pool::{BufferPool, PoolLimits, PoolStats};
pub use rational::{ParseRationalError, Rational};
pub use tensor::{Tensor, TensorError};
pub use time::{Bound, InvalidTimeBase, Rounding, TimeBase, Timestamp};
pub use video::{Plane, PlanesMut, VideoFrame};
