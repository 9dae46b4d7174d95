//! [`VideoFrame`]: a picture as planes of shared buffers, with the timing and colour that belong to it.
//!
//! Frames share pixels. Moving, cloning and cropping copy none; writing copies a plane once, and only
//! if someone else holds it. Nothing here converts a pixel.

mod plane;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::extension::Extension;
use crate::{
    Buffer, BufferPool, ColorDescription, Device, Foreign, FrameError, ImportError, Payload,
    PixelFormat, Rational, TimeBase, Timestamp, View, ViewKind,
};

use plane::{PlaneShape, shapes};

pub use plane::Plane;

/// The planes of a frame for writing: the bytes of each from its first row, and its stride.
pub type PlanesMut<'a> = SmallVec<[(&'a mut [u8], isize); 4]>;

/// A picture.
///
/// Format, size and planes are fixed when it is made; the public fields may be changed at will. A
/// clone shares the pixels.
///
/// ```
/// use bmf_hmp::{PixelFormat, VideoFrame};
///
/// let mut frame = VideoFrame::zeroed(PixelFormat::Yuv420p, 64, 48)?;
/// let (luma, stride) = frame.plane_mut(0).unwrap();
/// luma[2 * stride as usize + 3] = 200;
///
/// let corner = frame.crop(2, 2, 16, 16)?;
/// assert_eq!(corner.row(0, 0).unwrap()[1], 200);
/// assert!(corner.planes()[0].buffer().shares_storage(frame.planes()[0].buffer()));
/// # Ok::<(), bmf_hmp::FrameError>(())
/// ```
#[derive(Clone)]
pub struct VideoFrame {
    format: PixelFormat,
    width: u32,
    height: u32,
    planes: SmallVec<[Plane; 4]>,
    extension: Extension,
    /// When to show it, in ticks of `time_base`.
    pub pts: Option<i64>,
    /// How long to show it, in ticks of `time_base`; 0 if unknown.
    pub duration: i64,
    /// The unit of `pts` and `duration`.
    pub time_base: TimeBase,
    /// The nominal rate of the stream it is from.
    pub frame_rate: Option<Rational>,
    /// Width over height of a pixel; 0/1 if unknown.
    pub sample_aspect_ratio: Rational,
    /// What its numbers mean as colours.
    pub color: ColorDescription,
    /// Whether it was decoded without reference to others.
    pub key_frame: bool,
    /// Whether its rows belong to two points in time.
    pub interlaced: bool,
    /// Of the two, whether the even rows come first.
    pub top_field_first: bool,
    /// Whatever else is known about it.
    pub metadata: Option<Arc<BTreeMap<String, String>>>,
}

impl Payload for VideoFrame {
    const TAG: &'static str = "bmf.video_frame";

    fn bytes(&self) -> usize {
        Self::bytes(self)
    }

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        (kind == ViewKind::Video).then_some(View::Video(self))
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        foreign.video()
    }
}

impl VideoFrame {
    /// A frame in memory from a pool, one buffer per plane, rows aligned to [`ALIGNMENT`](crate::ALIGNMENT) bytes. Its
    /// pixels are whatever the last user left there.
    ///
    /// # Errors
    /// If a side is 0, the size cannot be addressed, or memory is exhausted.
    pub fn alloc(
        format: PixelFormat,
        width: u32,
        height: u32,
        pool: &BufferPool,
    ) -> Result<Self, FrameError> {
        Self::alloc_with(format, width, height, |len| pool.try_get(len))
    }

    /// A frame of zero bytes (which is not black in most formats), one buffer per plane.
    ///
    /// # Errors
    /// If a side is 0, the size cannot be addressed, or memory is exhausted.
    pub fn zeroed(format: PixelFormat, width: u32, height: u32) -> Result<Self, FrameError> {
        Self::alloc_with(format, width, height, Buffer::try_zeroed)
    }

    fn alloc_with(
        format: PixelFormat,
        width: u32,
        height: u32,
        mut memory: impl FnMut(usize) -> Option<Buffer>,
    ) -> Result<Self, FrameError> {
        check_size(format, width, height)?;
        let planes = shapes(format.descriptor(), width, height)
            .map(|shape| {
                let (stride, bytes) = shape.allocation().ok_or(FrameError::TooLarge {
                    format,
                    width,
                    height,
                })?;
                let mut buffer = memory(bytes).ok_or(FrameError::OutOfMemory { bytes })?;
                buffer.truncate(stride * shape.rows);
                Ok(Plane::new(buffer, stride as isize))
            })
            .collect::<Result<_, FrameError>>()?;
        Ok(Self::assemble(format, width, height, planes))
    }

    /// A frame of given planes, which are shared, not copied.
    ///
    /// # Errors
    /// If a side is 0, the number of planes is not that of the format, a plane is too small for the
    /// picture, its rows overlap, or the planes are on several devices.
    pub fn from_planes(
        format: PixelFormat,
        width: u32,
        height: u32,
        planes: impl IntoIterator<Item = Plane>,
    ) -> Result<Self, FrameError> {
        check_size(format, width, height)?;
        let planes: SmallVec<[Plane; 4]> = planes.into_iter().collect();
        let expected = usize::from(format.descriptor().planes);
        if planes.len() != expected {
            return Err(FrameError::PlaneCount {
                format: format.name(),
                expected,
                given: planes.len(),
            });
        }
        let first = planes[0].buffer.device();
        for (index, shape) in shapes(format.descriptor(), width, height).enumerate() {
            let plane = &planes[index];
            shape.check(format, index, plane)?;
            let other = plane.buffer.device();
            if other != first {
                return Err(FrameError::MixedDevices {
                    plane: index,
                    other,
                    first,
                });
            }
        }
        Ok(Self::assemble(format, width, height, planes))
    }

    fn assemble(
        format: PixelFormat,
        width: u32,
        height: u32,
        planes: SmallVec<[Plane; 4]>,
    ) -> Self {
        Self {
            format,
            width,
            height,
            planes,
            extension: Extension::default(),
            pts: None,
            duration: 0,
            time_base: TimeBase::MICROS,
            frame_rate: None,
            sample_aspect_ratio: Rational::ZERO,
            color: ColorDescription::default(),
            key_frame: false,
            interlaced: false,
            top_field_first: false,
            metadata: None,
        }
    }

    /// How the pixels lie in memory.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Where the pixels are.
    pub fn device(&self) -> Device {
        self.planes[0].buffer.device()
    }

    /// The planes, as many as the format has.
    pub fn planes(&self) -> &[Plane] {
        &self.planes
    }

    /// One plane; `None` if the format has no such plane.
    pub fn plane(&self, index: usize) -> Option<&Plane> {
        self.planes.get(index)
    }

    /// The pixels of one row of a plane, from the top; `None` if there is no such row, or if it is
    /// not in CPU memory.
    pub fn row(&self, plane: usize, y: usize) -> Option<&[u8]> {
        let shape = self.shape(plane)?;
        let plane = &self.planes[plane];
        if y >= shape.rows {
            return None;
        }
        let start = plane.row_start(y, shape.rows);
        plane.data()?.get(start..start + shape.row_bytes)
    }

    /// The rows of a plane, from the top. None if there is no such plane in CPU memory.
    pub fn rows(&self, plane: usize) -> impl Iterator<Item = &[u8]> {
        (0..).map_while(move |y| self.row(plane, y))
    }

    /// All pixels without any padding, plane after plane: what FFmpeg's `rawvideo` has. `None` if
    /// they are not in CPU memory.
    pub fn to_packed_bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.bytes());
        for plane in 0..self.planes.len() {
            self.planes[plane].data()?;
            self.rows(plane)
                .for_each(|row| bytes.extend_from_slice(row));
        }
        Some(bytes)
    }

    /// A plane for writing, row `y` at byte `y * stride`; `None` if the format has no such plane, or
    /// if it is not in CPU memory.
    ///
    /// The plane is copied first, once, if anyone else holds it, if it is read-only, or if it is stored
    /// upside down. The extension is dropped, since it shows the pixels as they were.
    pub fn plane_mut(&mut self, index: usize) -> Option<(&mut [u8], isize)> {
        self.extension.clear();
        self.make_plane_mut(index)?;
        let plane = &mut self.planes[index];
        Some((plane.buffer.get_mut()?, plane.stride))
    }

    /// All planes for writing, under the conditions of [`plane_mut`](Self::plane_mut); `None` if they
    /// are not in CPU memory.
    pub fn planes_mut(&mut self) -> Option<PlanesMut<'_>> {
        self.extension.clear();
        for index in 0..self.planes.len() {
            self.make_plane_mut(index)?;
        }
        let slices = self.planes.iter_mut();
        slices
            .map(|plane| Some((plane.buffer.get_mut()?, plane.stride)))
            .collect()
    }

    fn make_plane_mut(&mut self, index: usize) -> Option<()> {
        let shape = self.shape(index)?;
        let plane = &mut self.planes[index];
        if plane.stride < 0 || plane.buffer.get_mut().is_none() {
            *plane = shape.copy_of(plane)?;
        }
        Some(())
    }

    /// The part of the picture that starts at `x`, `y`. Shares the pixels, with all properties but
    /// the extension.
    ///
    /// # Errors
    /// If the part is empty or leaves the picture, or if `x` or `y` is not a multiple of the format's
    /// [`crop_step`](crate::PixelDescriptor::crop_step): chroma would have to start between two samples.
    pub fn crop(&self, x: u32, y: u32, width: u32, height: u32) -> Result<Self, FrameError> {
        self.check_crop(x, y, width, height)?;
        let descriptor = self.format.descriptor();
        let wholes = shapes(descriptor, self.width, self.height);
        let parts = shapes(descriptor, width, height);
        let planes = wholes.zip(parts).enumerate().map(|(index, (whole, part))| {
            let (plane, top) = (&self.planes[index], descriptor.row_offset(index, y));
            // The lowest address is in the first row, or the last if the picture is upside down.
            let lowest = if plane.stride < 0 {
                top + part.rows - 1
            } else {
                top
            };
            let start = plane.row_start(lowest, whole.rows) + descriptor.byte_offset(index, x);
            let bytes = part.span(plane.stride.unsigned_abs());
            Plane::new(plane.buffer.slice(start..start + bytes), plane.stride)
        });
        let planes = planes.collect();
        let mut cropped = Self::assemble(self.format, width, height, planes);
        cropped.copy_properties(self);
        Ok(cropped)
    }

    fn check_crop(&self, x: u32, y: u32, width: u32, height: u32) -> Result<(), FrameError> {
        let fits = |start: u32, len: u32, whole: u32| {
            len > 0 && start.checked_add(len).is_some_and(|end| end <= whole)
        };
        if !fits(x, width, self.width) || !fits(y, height, self.height) {
            let (frame_width, frame_height) = (self.width, self.height);
            return Err(FrameError::CropOutside {
                x,
                y,
                width,
                height,
                frame_width,
                frame_height,
            });
        }
        let (step_x, step_y) = self.format.descriptor().crop_step();
        if !x.is_multiple_of(step_x) || !y.is_multiple_of(step_y) {
            return Err(FrameError::CropUnaligned {
                format: self.format,
                x,
                y,
                step_x,
                step_y,
            });
        }
        Ok(())
    }

    /// A frame of the same picture and properties, with pixels of its own in memory from a pool.
    ///
    /// # Errors
    /// If memory is exhausted, or the pixels are not in CPU memory.
    pub fn copy(&self, pool: &BufferPool) -> Result<Self, FrameError> {
        let mut copy = Self::alloc(self.format, self.width, self.height, pool)?;
        for (shape, (from, to)) in shapes(self.format.descriptor(), self.width, self.height)
            .zip(self.planes.iter().zip(&mut copy.planes))
        {
            shape.copy(from, to).ok_or(FrameError::NotOnCpu {
                device: self.device(),
            })?;
        }
        copy.copy_properties(self);
        Ok(copy)
    }

    /// Takes over everything but pixels, format, size and extension from another frame: its timing,
    /// colour, flags and metadata.
    pub fn copy_properties(&mut self, from: &Self) {
        self.pts = from.pts;
        self.duration = from.duration;
        self.time_base = from.time_base;
        self.frame_rate = from.frame_rate;
        self.sample_aspect_ratio = from.sample_aspect_ratio;
        self.color = from.color;
        self.key_frame = from.key_frame;
        self.interlaced = from.interlaced;
        self.top_field_first = from.top_field_first;
        self.metadata.clone_from(&from.metadata);
    }

    /// When to show it; `None` if that is not known, or out of range.
    pub fn timestamp(&self) -> Option<Timestamp> {
        Timestamp::from_ticks(self.pts?, self.time_base)
    }

    /// How many bytes its pixels are, padding not counted.
    pub fn bytes(&self) -> usize {
        let shapes = shapes(self.format.descriptor(), self.width, self.height);
        shapes.map(|shape| shape.rows * shape.row_bytes).sum()
    }

    /// What the frame was made from, if it is a `T`: a decoder's own frame, say.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<&Arc<T>> {
        self.extension.get()
    }

    /// Keeps what the frame was made from. [`crop`](Self::crop) and
    /// [`plane_mut`](Self::plane_mut) drop it.
    pub fn set_extension<T: Any + Send + Sync>(&mut self, value: Arc<T>) {
        self.extension.set(value);
    }

    /// Lets go of the extension.
    pub fn clear_extension(&mut self) {
        self.extension.clear();
    }

    fn shape(&self, plane: usize) -> Option<PlaneShape> {
        shapes(self.format.descriptor(), self.width, self.height).nth(plane)
    }
}

impl fmt::Debug for VideoFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "VideoFrame({} {}x{} on {}",
            self.format,
            self.width,
            self.height,
            self.device()
        )?;
        match self.pts {
            Some(pts) => write!(f, ", pts {pts} x {})", self.time_base),
            None => f.write_str(", no pts)"),
        }
    }
}

fn check_size(format: PixelFormat, width: u32, height: u32) -> Result<(), FrameError> {
    for (side, what) in [(width, "width"), (height, "height")] {
        if side == 0 {
            return Err(FrameError::Empty { what });
        }
    }
    let addressable = shapes(format.descriptor(), width, height)
        .map(|shape| shape.allocation().map(|(_, bytes)| bytes))
        .try_fold(0_usize, |sum, bytes| sum.checked_add(bytes?))
        .is_some_and(|bytes| bytes <= isize::MAX as usize);
    if addressable {
        Ok(())
    } else {
        Err(FrameError::TooLarge {
            format,
            width,
            height,
        })
    }
}

#[cfg(test)]
mod tests;
