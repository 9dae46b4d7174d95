//! [`AudioFrame`]: a stretch of sound as shared buffers.
//!
//! Cloning and cutting copy no sample. Nothing here resamples or mixes.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::extension::Extension;
use crate::{
    ALIGNMENT, Buffer, BufferPool, ChannelLayout, Device, Element, Foreign, FrameError,
    ImportError, Payload, ScalarType, TimeBase, Timestamp, View, ViewKind,
};

/// What a sample is, apart from how channels are arranged. In this machine's byte order.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleFormat {
    /// Unsigned, 8 bits; silence is 128.
    U8,
    /// Signed, 16 bits.
    S16,
    /// Signed, 32 bits.
    S32,
    /// Signed, 64 bits.
    S64,
    /// Single precision, full scale is 1.
    #[serde(rename = "flt")]
    F32,
    /// Double precision, full scale is 1.
    #[serde(rename = "dbl")]
    F64,
}

impl SampleFormat {
    const NAMES: [(Self, &str, &str); 6] = [
        (Self::U8, "u8", "u8p"),
        (Self::S16, "s16", "s16p"),
        (Self::S32, "s32", "s32p"),
        (Self::S64, "s64", "s64p"),
        (Self::F32, "flt", "fltp"),
        (Self::F64, "dbl", "dblp"),
    ];

    /// Bytes per sample.
    pub const fn bytes(self) -> usize {
        self.scalar().bytes()
    }

    /// The type of the numbers.
    pub const fn scalar(self) -> ScalarType {
        match self {
            Self::U8 => ScalarType::U8,
            Self::S16 => ScalarType::I16,
            Self::S32 => ScalarType::I32,
            Self::S64 => ScalarType::I64,
            Self::F32 => ScalarType::F32,
            Self::F64 => ScalarType::F64,
        }
    }

    /// FFmpeg's name: `fltp` if planar, else `flt`.
    pub fn name(self, planar: bool) -> &'static str {
        let (_, interleaved_name, planar_name) = Self::NAMES[self as usize];
        if planar {
            planar_name
        } else {
            interleaved_name
        }
    }

    /// The format of FFmpeg's name, and whether it is planar.
    pub fn from_name(name: &str) -> Option<(Self, bool)> {
        let found = Self::NAMES
            .iter()
            .find(|(_, a, b)| *a == name || *b == name);
        found.map(|&(format, _, planar_name)| (format, planar_name == name))
    }

    const fn silence(self) -> u8 {
        match self {
            Self::U8 => 0x80,
            _ => 0,
        }
    }
}

/// What an [`AudioFrame`] consists of.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct AudioFormat {
    /// What a sample is.
    pub sample: SampleFormat,
    /// Whether each channel has a plane of its own; if not, they take turns in one.
    pub planar: bool,
    /// What the channels are for.
    pub layout: ChannelLayout,
    /// Samples per second and channel.
    pub sample_rate: u32,
}

impl AudioFormat {
    /// How many planes a frame has.
    pub fn planes(self) -> usize {
        if self.planar {
            self.layout.channels() as usize
        } else {
            1
        }
    }

    /// Bytes in a plane of `samples` samples per channel.
    fn plane_bytes(self, samples: usize) -> Option<usize> {
        samples
            .checked_mul(self.frame_bytes())
            .filter(|&bytes| bytes <= isize::MAX as usize)
    }

    /// Bytes in a plane from one sample of a channel to the next.
    fn frame_bytes(self) -> usize {
        let in_turn = if self.planar {
            1
        } else {
            self.layout.channels() as usize
        };
        self.sample.bytes() * in_turn
    }
}

/// `fltp 48000 Hz stereo`.
impl fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} Hz {}",
            self.sample.name(self.planar),
            self.sample_rate,
            self.layout
        )
    }
}

/// A stretch of sound.
///
/// Format, length and planes are fixed when it is made; the public fields may be changed at will. A
/// clone shares the samples.
///
/// ```
/// use bmf_hmp::{AudioFormat, AudioFrame, ChannelLayout, SampleFormat};
///
/// let format = AudioFormat {
///     sample: SampleFormat::F32,
///     planar: true,
///     layout: ChannelLayout::STEREO,
///     sample_rate: 48_000,
/// };
/// let mut frame = AudioFrame::zeroed(format, 1024)?;
/// frame.samples_of_mut::<f32>(1).unwrap()[1000] = 0.5;
/// let end = frame.slice(1000..1024)?; // shares the samples
/// assert_eq!(end.samples_of::<f32>(1).unwrap()[0], 0.5);
/// # Ok::<(), bmf_hmp::FrameError>(())
/// ```
#[derive(Clone)]
pub struct AudioFrame {
    format: AudioFormat,
    samples: usize,
    planes: SmallVec<[Buffer; 8]>,
    extension: Extension,
    /// When to play its first sample, in ticks of `time_base`.
    pub pts: Option<i64>,
    /// How long it is, in ticks of `time_base`; 0 if unknown.
    pub duration: i64,
    /// The unit of `pts` and `duration`.
    pub time_base: TimeBase,
    /// Whatever else is known about it.
    pub metadata: Option<Arc<BTreeMap<String, String>>>,
}

impl Payload for AudioFrame {
    const TAG: &'static str = "bmf.audio_frame";

    fn bytes(&self) -> usize {
        Self::bytes(self)
    }

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        (kind == ViewKind::Audio).then_some(View::Audio(self))
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        foreign.audio()
    }
}

impl AudioFrame {
    /// A frame in memory from a pool, one buffer per plane. Its samples are whatever the last user
    /// left there.
    ///
    /// # Errors
    /// If the sample rate is 0, the size cannot be addressed, or memory is exhausted.
    pub fn alloc(
        format: AudioFormat,
        samples: usize,
        pool: &BufferPool,
    ) -> Result<Self, FrameError> {
        Self::alloc_with(format, samples, |len| pool.try_get(len))
    }

    /// A frame of zero bytes: silence, except in `u8`, for which see [`silence`](Self::silence).
    ///
    /// # Errors
    /// If the sample rate is 0, the size cannot be addressed, or memory is exhausted.
    pub fn zeroed(format: AudioFormat, samples: usize) -> Result<Self, FrameError> {
        Self::alloc_with(format, samples, Buffer::try_zeroed)
    }

    /// A frame of silence.
    ///
    /// # Errors
    /// If the sample rate is 0, the size cannot be addressed, or memory is exhausted.
    pub fn silence(format: AudioFormat, samples: usize) -> Result<Self, FrameError> {
        let silence = format.sample.silence();
        Self::alloc_with(format, samples, |len| {
            let mut buffer = Buffer::try_zeroed(len)?;
            if silence != 0 {
                buffer.get_mut()?.fill(silence);
            }
            Some(buffer)
        })
    }

    fn alloc_with(
        format: AudioFormat,
        samples: usize,
        mut memory: impl FnMut(usize) -> Option<Buffer>,
    ) -> Result<Self, FrameError> {
        // Vectorised code reads past the last sample.
        let bytes = check_size(format, samples)?;
        let padded = bytes.saturating_add(ALIGNMENT);
        let planes = (0..format.planes())
            .map(|_| {
                let mut buffer = memory(padded).ok_or(FrameError::OutOfMemory { bytes })?;
                buffer.truncate(bytes);
                Ok(buffer)
            })
            .collect::<Result<_, FrameError>>()?;
        Ok(Self::assemble(format, samples, planes))
    }

    /// A frame of given planes, which are shared, not copied.
    ///
    /// # Errors
    /// If the sample rate is 0, the number of planes is not that of the format, a plane is too short,
    /// or the planes are on several devices.
    pub fn from_planes(
        format: AudioFormat,
        samples: usize,
        planes: impl IntoIterator<Item = Buffer>,
    ) -> Result<Self, FrameError> {
        let needed = check_size(format, samples)?;
        let planes: SmallVec<[Buffer; 8]> = planes.into_iter().collect();
        let name = format.sample.name(format.planar);
        if planes.len() != format.planes() {
            let (expected, given) = (format.planes(), planes.len());
            return Err(FrameError::PlaneCount {
                format: name,
                expected,
                given,
            });
        }
        let first = planes[0].device();
        for (plane, buffer) in planes.iter().enumerate() {
            let (given, other) = (buffer.len(), buffer.device());
            if given < needed {
                return Err(FrameError::PlaneTooSmall {
                    plane,
                    format: name,
                    needed,
                    given,
                });
            }
            if other != first {
                return Err(FrameError::MixedDevices {
                    plane,
                    other,
                    first,
                });
            }
        }
        Ok(Self::assemble(format, samples, planes))
    }

    fn assemble(format: AudioFormat, samples: usize, planes: SmallVec<[Buffer; 8]>) -> Self {
        Self {
            format,
            samples,
            planes,
            extension: Extension::default(),
            pts: None,
            duration: 0,
            time_base: TimeBase::MICROS,
            metadata: None,
        }
    }

    /// Samples, channels and rate.
    pub fn format(&self) -> AudioFormat {
        self.format
    }

    /// What a sample is.
    pub fn sample_format(&self) -> SampleFormat {
        self.format.sample
    }

    /// Whether each channel has a plane of its own.
    pub fn is_planar(&self) -> bool {
        self.format.planar
    }

    /// What the channels are for.
    pub fn layout(&self) -> ChannelLayout {
        self.format.layout
    }

    /// How many channels, at least 1.
    pub fn channels(&self) -> usize {
        self.format.layout.channels() as usize
    }

    /// How many samples each channel has.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Samples per second and channel.
    pub fn sample_rate(&self) -> u32 {
        self.format.sample_rate
    }

    /// Where the samples are.
    pub fn device(&self) -> Device {
        self.planes[0].device()
    }

    /// The memory: a buffer per channel if planar, else a single one. A buffer may be longer than its
    /// samples.
    pub fn planes(&self) -> &[Buffer] {
        &self.planes
    }

    /// The bytes of a plane that are samples; `None` if there is no such plane in CPU memory.
    pub fn plane(&self, index: usize) -> Option<&[u8]> {
        self.planes
            .get(index)?
            .as_slice()?
            .get(..self.plane_bytes())
    }

    /// The bytes of a plane for writing; `None` if there is no such plane in CPU memory. They are
    /// copied first, once, if anyone else holds them. The extension is dropped.
    pub fn plane_mut(&mut self, index: usize) -> Option<&mut [u8]> {
        self.extension.clear();
        let bytes = self.plane_bytes();
        self.planes.get_mut(index)?.try_make_mut()?.get_mut(..bytes)
    }

    /// The samples of a plane as numbers; `None` if there is no such plane in CPU memory, if `T` is
    /// not the format's type, or if the memory is not aligned for it.
    pub fn samples_of<T: Element>(&self, plane: usize) -> Option<&[T]> {
        let bytes = self.plane(plane).filter(|_| self.is_of::<T>())?;
        bytemuck::try_cast_slice(bytes).ok()
    }

    /// The samples of a plane for writing, under the conditions of both
    /// [`samples_of`](Self::samples_of) and [`plane_mut`](Self::plane_mut).
    pub fn samples_of_mut<T: Element>(&mut self, plane: usize) -> Option<&mut [T]> {
        if !self.is_of::<T>() {
            return None;
        }
        bytemuck::try_cast_slice_mut(self.plane_mut(plane)?).ok()
    }

    fn is_of<T: Element>(&self) -> bool {
        T::TYPE == self.format.sample.scalar()
    }

    /// A stretch of the sound. Shares the samples; `pts` and `duration` are moved along if they are
    /// known, to the nearest tick; the extension is dropped.
    ///
    /// # Errors
    /// If the range leaves the frame.
    pub fn slice(&self, range: Range<usize>) -> Result<Self, FrameError> {
        let Range { start, end } = range;
        if start > end || end > self.samples {
            return Err(FrameError::SamplesOutside {
                start,
                end,
                samples: self.samples,
            });
        }
        let step = self.format.frame_bytes();
        let planes = self
            .planes
            .iter()
            .map(|plane| plane.slice(start * step..end * step))
            .collect();
        let mut part = Self::assemble(self.format, end - start, planes);
        let (from, to) = (self.ticks(start), self.ticks(end));
        part.pts = self
            .pts
            .zip(from)
            .and_then(|(pts, from)| pts.checked_add(from));
        part.duration = from.zip(to).map_or(0, |(from, to)| to - from);
        part.time_base = self.time_base;
        part.metadata.clone_from(&self.metadata);
        Ok(part)
    }

    /// How long a number of samples lasts, in ticks of the time base.
    fn ticks(&self, samples: usize) -> Option<i64> {
        let rate = i32::try_from(self.format.sample_rate).ok()?;
        TimeBase::new(1, rate)?.rescale(i64::try_from(samples).ok()?, self.time_base)
    }

    /// Takes over timing and metadata from another frame.
    pub fn copy_properties(&mut self, from: &Self) {
        self.pts = from.pts;
        self.duration = from.duration;
        self.time_base = from.time_base;
        self.metadata.clone_from(&from.metadata);
    }

    /// When to play its first sample; `None` if that is not known, or out of range.
    pub fn timestamp(&self) -> Option<Timestamp> {
        Timestamp::from_ticks(self.pts?, self.time_base)
    }

    /// How many bytes its samples are.
    pub fn bytes(&self) -> usize {
        self.plane_bytes() * self.planes.len()
    }

    fn plane_bytes(&self) -> usize {
        self.samples * self.format.frame_bytes()
    }

    /// What the frame was made from, if it is a `T`: a decoder's own frame, say.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<&Arc<T>> {
        self.extension.get()
    }

    /// Keeps what the frame was made from. [`slice`](Self::slice) and [`plane_mut`](Self::plane_mut)
    /// drop it.
    pub fn set_extension<T: Any + Send + Sync>(&mut self, value: Arc<T>) {
        self.extension.set(value);
    }

    /// Lets go of the extension.
    pub fn clear_extension(&mut self) {
        self.extension.clear();
    }
}

impl fmt::Debug for AudioFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "AudioFrame({}, {} samples on {}",
            self.format,
            self.samples,
            self.device()
        )?;
        match self.pts {
            Some(pts) => write!(f, ", pts {pts} x {})", self.time_base),
            None => f.write_str(", no pts)"),
        }
    }
}

/// The bytes of a plane, if all planes together can be addressed.
fn check_size(format: AudioFormat, samples: usize) -> Result<usize, FrameError> {
    if format.sample_rate == 0 {
        return Err(FrameError::Empty {
            what: "sample rate",
        });
    }
    let channels = format.layout.channels() as usize;
    let bytes = format.plane_bytes(samples);
    let whole = bytes.and_then(|bytes| bytes.checked_mul(format.planes()));
    match (bytes, whole) {
        (Some(bytes), Some(whole)) if whole <= isize::MAX as usize => Ok(bytes),
        _ => Err(FrameError::TooManySamples { samples, channels }),
    }
}

#[cfg(test)]
mod tests;
