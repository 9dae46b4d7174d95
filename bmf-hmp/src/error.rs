//! [`FrameError`]: why a frame cannot be made from what was given.

use crate::{Device, PixelFormat};

/// Why a video or audio frame could not be made, cropped or cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Width, height, sample count or channel count of zero where none can be.
    #[error("a frame of {what} 0 cannot exist: give at least 1")]
    Empty {
        /// The quantity that is zero.
        what: &'static str,
    },
    /// The size of the frame overflows the address space.
    #[error("a {format} frame of {width}x{height} is too large to address")]
    TooLarge {
        /// The frame's format.
        format: PixelFormat,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The allocator refused.
    #[error("out of memory: no {bytes} bytes for a frame")]
    OutOfMemory {
        /// The size asked for.
        bytes: usize,
    },
    /// More or fewer planes than the format has.
    #[error("{format} has {expected} plane(s), but {given} were given")]
    PlaneCount {
        /// The format's name.
        format: &'static str,
        /// How many planes the format has.
        expected: usize,
        /// How many were given.
        given: usize,
    },
    /// Rows that would overlap.
    #[error(
        "plane {plane} of a {format} frame needs rows of {row_bytes} bytes, but its stride is {stride}"
    )]
    StrideTooSmall {
        /// The plane's index.
        plane: usize,
        /// The frame's format.
        format: PixelFormat,
        /// Bytes from one row to the next, as given.
        stride: isize,
        /// Bytes in a row.
        row_bytes: usize,
    },
    /// A plane that ends before its last row does.
    #[error("plane {plane} of a {format} frame needs {needed} bytes, but its buffer has {given}")]
    PlaneTooSmall {
        /// The plane's index.
        plane: usize,
        /// The format's name.
        format: &'static str,
        /// The least number of bytes.
        needed: usize,
        /// The number of bytes given.
        given: usize,
    },
    /// Planes on more than one device.
    #[error(
        "plane {plane} is on {other}, but plane 0 is on {first}: copy all planes to one device first"
    )]
    MixedDevices {
        /// The first plane that differs.
        plane: usize,
        /// Where it is.
        other: Device,
        /// Where plane 0 is.
        first: Device,
    },
    /// An operation of the CPU on memory it cannot read.
    #[error("the frame is on {device}: copy it to the cpu first")]
    NotOnCpu {
        /// Where it is.
        device: Device,
    },
    /// A crop that is empty or leaves the picture.
    #[error(
        "crop {width}x{height}+{x}+{y} does not lie within a picture of {frame_width}x{frame_height}"
    )]
    CropOutside {
        /// Left edge of the crop.
        x: u32,
        /// Top edge of the crop.
        y: u32,
        /// Width of the crop.
        width: u32,
        /// Height of the crop.
        height: u32,
        /// Width of the picture.
        frame_width: u32,
        /// Height of the picture.
        frame_height: u32,
    },
    /// A crop that starts between two samples of a subsampled plane, or within a byte.
    #[error(
        "crop offset {x},{y} in a {format} frame: x must be a multiple of {step_x}, y of {step_y}"
    )]
    CropUnaligned {
        /// The frame's format.
        format: PixelFormat,
        /// Left edge of the crop.
        x: u32,
        /// Top edge of the crop.
        y: u32,
        /// What `x` must be a multiple of.
        step_x: u32,
        /// What `y` must be a multiple of.
        step_y: u32,
    },
    /// A range of samples that leaves the frame.
    #[error("samples {start}..{end} do not lie within a frame of {samples} samples")]
    SamplesOutside {
        /// The first sample.
        start: usize,
        /// The sample after the last.
        end: usize,
        /// How many samples per channel the frame has.
        samples: usize,
    },
    /// The size of an audio frame overflows the address space.
    #[error("an audio frame of {samples} samples in {channels} channels is too large to address")]
    TooManySamples {
        /// Samples per channel.
        samples: usize,
        /// How many channels.
        channels: usize,
    },
}
