//! [`Plane`]: rows in a buffer, and the arithmetic of how large they have to be.
//!
//! A plane by itself does not know how many rows it has; the frame's format and size tell.

use crate::{ALIGNMENT, Buffer, FrameError, PixelDescriptor, PixelFormat};

/// Rows are allocated in multiples of this, and [`ALIGNMENT`] bytes beyond the last: codecs and
/// vectorised filters work on whole blocks and read past the edge.
const ROW_PADDING: usize = 32;

/// The rows of one plane.
#[derive(Clone, Debug)]
pub struct Plane {
    pub(super) buffer: Buffer,
    pub(super) stride: isize,
}

impl Plane {
    /// Rows in a buffer, `stride` bytes apart. With a negative stride the buffer still starts at the
    /// lowest address, where the last row is.
    pub fn new(buffer: Buffer, stride: isize) -> Self {
        Self { buffer, stride }
    }

    /// All bytes, from the lowest address; `None` when they are not in CPU memory. They may end with
    /// the last pixel or go on to the end of its stride or beyond.
    pub fn data(&self) -> Option<&[u8]> {
        self.buffer.as_slice()
    }

    /// Bytes from one row to the next below. Negative if the picture is stored upside down, as after
    /// FFmpeg's `vflip`: [`VideoFrame::row`](crate::VideoFrame::row) finds the right row in either case.
    pub fn stride(&self) -> isize {
        self.stride
    }

    /// The memory.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// Takes the memory out.
    pub fn into_buffer(self) -> Buffer {
        self.buffer
    }

    /// Where row `y` of `rows` starts in the buffer.
    pub(super) fn row_start(&self, y: usize, rows: usize) -> usize {
        let from_lowest = if self.stride < 0 { rows - 1 - y } else { y };
        from_lowest * self.stride.unsigned_abs()
    }
}

/// The size of one plane of a picture.
#[derive(Copy, Clone)]
pub(super) struct PlaneShape {
    pub(super) rows: usize,
    pub(super) row_bytes: usize,
}

pub(super) fn shapes(
    descriptor: &PixelDescriptor,
    width: u32,
    height: u32,
) -> impl Iterator<Item = PlaneShape> {
    (0..usize::from(descriptor.planes)).map(move |plane| PlaneShape {
        rows: descriptor.plane_height(plane, height),
        row_bytes: descriptor.row_bytes(plane, width),
    })
}

impl PlaneShape {
    /// The stride and the bytes to allocate, padding included.
    pub(super) fn allocation(self) -> Option<(usize, usize)> {
        let stride = self.row_bytes.checked_next_multiple_of(ALIGNMENT)?;
        let rows = self.rows.checked_next_multiple_of(ROW_PADDING)?;
        Some((stride, stride.checked_mul(rows)?.checked_add(ALIGNMENT)?))
    }

    /// Bytes from the start of the first row to the end of the last.
    pub(super) fn span(self, stride: usize) -> usize {
        stride
            .saturating_mul(self.rows - 1)
            .saturating_add(self.row_bytes)
    }

    pub(super) fn check(
        self,
        format: PixelFormat,
        plane: usize,
        given: &Plane,
    ) -> Result<(), FrameError> {
        let (stride, row_bytes) = (given.stride, self.row_bytes);
        if self.rows > 1 && stride.unsigned_abs() < row_bytes {
            return Err(FrameError::StrideTooSmall {
                plane,
                format,
                stride,
                row_bytes,
            });
        }
        let (needed, given) = (self.span(stride.unsigned_abs()), given.buffer.len());
        if given < needed {
            return Err(FrameError::PlaneTooSmall {
                plane,
                format: format.name(),
                needed,
                given,
            });
        }
        Ok(())
    }

    /// A plane of its own with the same rows, the right way up.
    pub(super) fn copy_of(self, plane: &Plane) -> Option<Plane> {
        let (stride, bytes) = self.allocation()?;
        let mut buffer = Buffer::try_zeroed(bytes)?;
        buffer.truncate(stride * self.rows);
        let mut copy = Plane::new(buffer, stride as isize);
        self.copy(plane, &mut copy)?;
        Some(copy)
    }

    pub(super) fn copy(self, from: &Plane, to: &mut Plane) -> Option<()> {
        let source = from.data()?;
        let stride = to.stride.unsigned_abs();
        let target = to.buffer.get_mut()?;
        for y in 0..self.rows {
            let start = from.row_start(y, self.rows);
            let row = &source[start..start + self.row_bytes];
            target[y * stride..][..self.row_bytes].copy_from_slice(row);
        }
        Some(())
    }
}
