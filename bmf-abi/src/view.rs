//! Plain pictures of what payloads hold: pointers into them, nothing copied. Which views a payload
//! has goes with its tag:
//!
//! | tag | views |
//! |---|---|
//! | `bmf.video_frame` | [`VideoView`], [`PlaneView`], metadata into a [`PairSink`](crate::PairSink) |
//! | `bmf.audio_frame` | [`AudioView`], [`PlaneView`], metadata |
//! | `bmf.encoded_packet` | [`EncodedView`] |
//! | `bmf.tensor` | [`TensorView`] |
//! | `bmf.bytes`, `bmf.text` | [`BytesView`] |
//! | `bmf.json` | [`TEXT`](BytesView::TEXT) into a [`Sink`](crate::Sink) |
//! | `bmf.int`, `bmf.bool` | [`INT`](BytesView::INT): an `i64` |
//! | `bmf.packets` | [`PacketsView`] |
//!
//! A reader sets `size` before it asks. Ticks that are not known are [`NONE`](crate::NONE); where no
//! tick is known, the time base does not count. Sound and encoded data are in main memory.

use crate::object::{Buffer, Packet};
use crate::text::Str;

/// A fraction. 0/1 stands for what is not known.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Rational {
    /// Numerator.
    pub num: i32,
    /// Denominator, never 0.
    pub den: i32,
}

/// A window into memory, and what keeps it alive. One of no bytes may be all null.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Plane {
    /// The lowest address, on the device. Read only, unless it came from a function that says
    /// otherwise.
    pub data: *mut u8,
    /// Bytes in the window.
    pub len: usize,
    /// Valid bytes behind the window, which vector code may read.
    pub slack: usize,
    /// Bytes from one row to the next below; negative where the picture is stored upside down (then
    /// the first row is the one at the highest address). 0 for what has no rows.
    pub stride: isize,
    /// Borrowed. Add a reference to keep the memory longer than what the window was taken from.
    pub buffer: *mut Buffer,
}

/// A decoded picture.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct VideoView {
    /// `sizeof` of this struct.
    pub size: usize,
    /// FFmpeg's name of the pixel format, such as `yuv420p`. Valid for ever.
    pub format: Str,
    /// In pixels, at least 1.
    pub width: u32,
    /// In pixels, at least 1.
    pub height: u32,
    /// How many of `planes` are used.
    pub plane_count: u32,
    /// Where the pixels are: [`CPU`](Self::CPU) or [`CUDA`](Self::CUDA).
    pub device_kind: u32,
    /// Which device of that kind.
    pub device_index: u32,
    /// Any of [`KEY_FRAME`](Self::KEY_FRAME), [`INTERLACED`](Self::INTERLACED),
    /// [`TOP_FIELD_FIRST`](Self::TOP_FIELD_FIRST).
    pub flags: u32,
    /// When to show it, in ticks, or `NONE`.
    pub pts: i64,
    /// How long, in ticks; 0 if not known.
    pub duration: i64,
    /// The length of a tick in seconds.
    pub time_base: Rational,
    /// Pictures per second, or 0/1.
    pub frame_rate: Rational,
    /// Width of a pixel over its height, or 0/1.
    pub sample_aspect_ratio: Rational,
    /// Code points of ITU-T H.273; 2 is unspecified.
    pub color_primaries: u32,
    /// As above.
    pub color_transfer: u32,
    /// As above.
    pub color_matrix: u32,
    /// [`RANGE_LIMITED`](Self::RANGE_LIMITED), [`RANGE_FULL`](Self::RANGE_FULL) or 0.
    pub color_range: u32,
    /// 0 unspecified, 1 left, 2 centre, 3 top left, 4 top, 5 bottom left, 6 bottom.
    pub chroma_location: u32,
    /// Padding, 0.
    pub reserved: u32,
    /// The planes, in the format's order.
    pub planes: [Plane; 4],
}

impl VideoView {
    /// The `kind` to ask a payload for.
    pub const KIND: u32 = 1;
    /// Pixels in main memory.
    pub const CPU: u32 = 0;
    /// Pixels in the memory of an NVIDIA GPU, complete on every stream of that device.
    pub const CUDA: u32 = 1;
    /// Decoding can start here.
    pub const KEY_FRAME: u32 = 1;
    /// Two fields, woven.
    pub const INTERLACED: u32 = 2;
    /// The field to show first is the top one.
    pub const TOP_FIELD_FIRST: u32 = 4;
    /// Luma from 16 to 235, chroma from 16 to 240; of more bits, as many times that.
    pub const RANGE_LIMITED: u32 = 1;
    /// All values count.
    pub const RANGE_FULL: u32 = 2;
}

/// Decoded sound. Samples lie at addresses that are multiples of their size.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct AudioView {
    /// `sizeof` of this struct.
    pub size: usize,
    /// FFmpeg's name of the sample format: `s16`, or `fltp` where each channel has a plane of its
    /// own. Valid for ever.
    pub format: Str,
    /// Samples per channel.
    pub samples: u64,
    /// Samples per second.
    pub sample_rate: u32,
    /// How many channels.
    pub channels: u32,
    /// Which ones, as FFmpeg's bit mask; 0 if that is not known.
    pub channel_mask: u64,
    /// How many planes there are: `channels`, or 1. [`PlaneView`] has each.
    pub plane_count: u32,
    /// Padding, 0.
    pub reserved: u32,
    /// When to play it, in ticks, or `NONE`.
    pub pts: i64,
    /// How long, in ticks; 0 if not known.
    pub duration: i64,
    /// The length of a tick in seconds.
    pub time_base: Rational,
    /// The first planes.
    pub planes: [Plane; 8],
}

impl AudioView {
    /// The `kind` to ask a payload for.
    pub const KIND: u32 = 2;
}

/// A piece of an encoded stream.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct EncodedView {
    /// `sizeof` of this struct.
    pub size: usize,
    /// The bytes.
    pub data: Plane,
    /// When to show what is in it, in ticks, or `NONE`.
    pub pts: i64,
    /// When to decode it, in ticks, or `NONE`.
    pub dts: i64,
    /// How long it lasts, in ticks; 0 if not known.
    pub duration: i64,
    /// The length of a tick in seconds.
    pub time_base: Rational,
    /// What the stream carries: [`VIDEO`](Self::VIDEO), [`AUDIO`](Self::AUDIO),
    /// [`SUBTITLE`](Self::SUBTITLE) or [`DATA`](Self::DATA).
    pub media: u32,
    /// Which stream of its file.
    pub stream_index: u32,
    /// Whether decoding can start here: 0 or 1.
    pub key_frame: u32,
    /// Padding, 0.
    pub reserved: u32,
}

impl EncodedView {
    /// The `kind` to ask a payload for.
    pub const KIND: u32 = 3;
    /// Pictures.
    pub const VIDEO: u32 = 0;
    /// Sound.
    pub const AUDIO: u32 = 1;
    /// Subtitles.
    pub const SUBTITLE: u32 = 2;
    /// Anything else.
    pub const DATA: u32 = 3;
}

/// An array of numbers. Each lies at an address that is a multiple of its size.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct TensorView {
    /// `sizeof` of this struct.
    pub size: usize,
    /// The memory, from the first element on; its `stride` is 0. Along dimensions with a negative
    /// stride elements lie before it.
    pub data: Plane,
    /// `u8 i8 u16 i16 i32 i64 f16 f32 f64`. Valid for ever.
    pub scalar: Str,
    /// Where it is, as in [`VideoView`].
    pub device_kind: u32,
    /// Which device of that kind.
    pub device_index: u32,
    /// How many dimensions.
    pub dimensions: usize,
    /// The size of each dimension.
    pub shape: *const usize,
    /// Elements from one index to the next, of each dimension.
    pub strides: *const isize,
}

impl TensorView {
    /// The `kind` to ask a payload for.
    pub const KIND: u32 = 4;
}

/// Bytes, or UTF-8.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct BytesView {
    /// `sizeof` of this struct.
    pub size: usize,
    /// The first byte.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}

impl BytesView {
    /// The `kind` to ask a payload for.
    pub const KIND: u32 = 5;
    /// The `kind` to ask for to have JSON written into a [`Sink`](crate::Sink).
    pub const TEXT: u32 = 6;
    /// The `kind` to ask for to have an `i64` filled in; 0 or 1 for a truth value.
    pub const INT: u32 = 7;
}

/// Several packets as one.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct PacketsView {
    /// `sizeof` of this struct.
    pub size: usize,
    /// The first one; all are borrowed.
    pub packets: *const Packet,
    /// How many.
    pub len: usize,
}

impl PacketsView {
    /// The `kind` to ask a payload for.
    pub const KIND: u32 = 8;
}

/// One plane of a picture or of sound.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct PlaneView {
    /// `sizeof` of this struct.
    pub size: usize,
    /// Which one; the reader sets it.
    pub index: usize,
    /// Filled in.
    pub plane: Plane,
}

impl PlaneView {
    /// The `kind` to ask a payload for.
    pub const KIND: u32 = 9;
    /// The `kind` to ask for to have metadata written into a [`PairSink`](crate::PairSink).
    pub const METADATA: u32 = 10;
}

/// The bytes of a plane: groups of `bits`, each for a block of pixels whose sides are powers of two.
/// Blocks at the right and lower edge may reach beyond the picture. Of a palette all are 0.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct PixelPlane {
    /// Bits of a group.
    pub bits: u8,
    /// The width of a block is 2 to the power of this.
    pub log2_width: u8,
    /// The height of a block is 2 to the power of this.
    pub log2_height: u8,
    /// Padding, 0.
    pub reserved: u8,
}

/// Where the samples of a component lie. Sample `n` of a row is the word of `word` bytes at byte `n *
/// step + offset`, shifted right by `shift`, of which the low `depth` bits count. In formats of
/// [`BITSTREAM`](PixelFormat::BITSTREAM) `step` is in bits, and `shift` counts within a pixel's.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct PixelComponent {
    /// The plane it is in.
    pub plane: u8,
    /// Bytes from one sample to the next.
    pub step: u8,
    /// Bytes before the first sample.
    pub offset: u8,
    /// Bytes in the word that holds a sample.
    pub word: u8,
    /// Bits below the sample.
    pub shift: u8,
    /// Bits of the sample.
    pub depth: u8,
    /// Padding, 0.
    pub reserved: [u8; 2],
}

/// Where the samples of a pixel format lie.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct PixelFormat {
    /// `sizeof` of this struct.
    pub size: usize,
    /// FFmpeg's name. Valid for ever.
    pub name: Str,
    /// How many of `planes` are used.
    pub plane_count: u32,
    /// How many of `components` are used.
    pub component_count: u32,
    /// Bits per sample of the deepest component.
    pub depth: u32,
    /// Any of [`ALPHA`](Self::ALPHA), [`RGB`](Self::RGB) and so on.
    pub flags: u32,
    /// The bytes of each plane.
    pub planes: [PixelPlane; 4],
    /// Luma, blue difference, red difference; or red, green, blue; then alpha.
    pub components: [PixelComponent; 4],
}

impl PixelFormat {
    /// One component is opacity.
    pub const ALPHA: u32 = 1;
    /// The colours are red, green and blue, not luma and chroma.
    pub const RGB: u32 = 2;
    /// Luma and chroma use the full range whatever the picture's `color_range` says.
    pub const FULL_RANGE: u32 = 4;
    /// Pixels are smaller than a byte, the first in the high bits.
    pub const BITSTREAM: u32 = 8;
    /// Samples are indices into plane 1: 256 native-endian words `0xAARRGGBB`, one row.
    pub const PALETTE: u32 = 16;
    /// Samples are IEEE floats.
    pub const FLOAT: u32 = 32;
    /// Words of more than a byte have their high byte first.
    pub const BIG_ENDIAN: u32 = 64;
    /// Each pixel has one of three colours, by its place in a 2x2 pattern.
    pub const BAYER: u32 = 128;
    /// The colours are CIE X, Y and Z.
    pub const XYZ: u32 = 256;
}
