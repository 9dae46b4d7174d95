//! [`Tensor`]: numbers in any number of dimensions, in a shared buffer.
//!
//! Views (part, transpose, reverse, reshape) share the buffer and move no number. No arithmetic.

mod error;

use std::fmt;
use std::ops::Range;

use smallvec::SmallVec;

use crate::{Buffer, Device, Element, Foreign, ImportError, Payload, ScalarType, View, ViewKind};

pub use error::TensorError;

type Dims<T> = SmallVec<[T; 6]>;

/// Numbers of one type in a rectangle of any number of dimensions; the last varies fastest when it is
/// contiguous. No dimensions make a single number. A clone shares the numbers.
///
/// ```
/// use bmf_hmp::Tensor;
///
/// let rows = Tensor::from_elements(&[1_i32, 2, 3, 4, 5, 6], &[2, 3])?;
/// let columns = rows.transpose(0, 1)?; // moves nothing
/// assert_eq!(columns.shape(), [3, 2]);
/// assert_eq!(columns.to_vec::<i32>()?, [1, 4, 2, 5, 3, 6]);
/// assert_eq!(columns.select(0, 2)?.get::<i32>(&[1]), Some(6));
/// # Ok::<(), bmf_hmp::TensorError>(())
/// ```
#[derive(Clone)]
pub struct Tensor {
    buffer: Buffer,
    dtype: ScalarType,
    shape: Dims<usize>,
    strides: Dims<isize>,
    /// Where the first element is, in elements from the start of the buffer.
    offset: usize,
}

impl Payload for Tensor {
    const TAG: &'static str = "bmf.tensor";

    fn bytes(&self) -> usize {
        self.buffer().len()
    }

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        (kind == ViewKind::Tensor).then_some(View::Tensor(self))
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        foreign.tensor()
    }
}

impl Tensor {
    /// A contiguous tensor at the start of a buffer, which is shared, not copied.
    ///
    /// # Errors
    /// If the buffer is too small.
    pub fn from_buffer(
        buffer: Buffer,
        dtype: ScalarType,
        shape: &[usize],
    ) -> Result<Self, TensorError> {
        let strides =
            contiguous_strides(shape).ok_or_else(|| out_of_buffer(&buffer, dtype, shape))?;
        Self::from_strided(buffer, dtype, shape, &strides, 0)
    }

    /// A tensor laid out anyhow in a buffer, which is shared, not copied. `offset` is the place of the
    /// first element, `strides` the distances from one position of each axis to the next, all counted
    /// in elements.
    ///
    /// # Errors
    /// If there is not one stride per dimension, or an element would lie outside the buffer.
    pub fn from_strided(
        buffer: Buffer,
        dtype: ScalarType,
        shape: &[usize],
        strides: &[isize],
        offset: usize,
    ) -> Result<Self, TensorError> {
        if shape.len() != strides.len() {
            return Err(TensorError::StrideCount {
                shape: shape.len(),
                strides: strides.len(),
            });
        }
        if element_count(shape).is_none_or(|count| count > isize::MAX as usize) {
            // Only strides of 0 can fit so many into a buffer.
            return Err(TensorError::TooLarge {
                dtype,
                shape: shape.to_vec(),
            });
        }
        let capacity = buffer.len() / dtype.bytes();
        let fits = extent(shape, strides, offset)
            .is_some_and(|(lowest, end)| lowest >= 0 && end <= capacity as i128);
        if !fits {
            return Err(out_of_buffer(&buffer, dtype, shape));
        }
        Ok(Self {
            buffer,
            dtype,
            shape: shape.into(),
            strides: strides.into(),
            offset,
        })
    }

    /// A contiguous tensor of zeros in memory of its own.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn zeros(dtype: ScalarType, shape: &[usize]) -> Result<Self, TensorError> {
        let too_large = || TensorError::TooLarge {
            dtype,
            shape: shape.to_vec(),
        };
        let bytes = element_count(shape).and_then(|count| count.checked_mul(dtype.bytes()));
        let buffer = bytes.and_then(Buffer::try_zeroed).ok_or_else(too_large)?;
        Self::from_buffer(buffer, dtype, shape)
    }

    /// A contiguous tensor with a copy of `elements`.
    ///
    /// # Errors
    /// If their number is not that of the shape.
    pub fn from_elements<T: Element>(elements: &[T], shape: &[usize]) -> Result<Self, TensorError> {
        if element_count(shape) != Some(elements.len()) {
            let (from, to) = (vec![elements.len()], shape.to_vec());
            return Err(TensorError::SizeChanges { from, to });
        }
        let buffer = Buffer::copy_from_slice(bytemuck::cast_slice(elements));
        Self::from_buffer(buffer, T::TYPE, shape)
    }

    /// The size of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The distance from one position of each axis to the next, in elements.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// The type of the elements.
    pub fn dtype(&self) -> ScalarType {
        self.dtype
    }

    /// Where the elements are.
    pub fn device(&self) -> Device {
        self.buffer.device()
    }

    /// The memory.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// Where the first element is, in elements from the start of the buffer.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        if self.is_empty() {
            0
        } else {
            self.shape.iter().product()
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// The element at a position; `None` if there is no such position, if the elements are no `T`, or
    /// if they are not in CPU memory.
    pub fn get<T: Element>(&self, position: &[usize]) -> Option<T> {
        let inside = position.len() == self.shape.len()
            && position.iter().zip(&self.shape).all(|(at, size)| at < size);
        if !inside || T::TYPE != self.dtype {
            return None;
        }
        let place = self.place(position);
        let bytes = self.buffer.as_slice()?.get(place * size_of::<T>()..)?;
        Some(bytemuck::pod_read_unaligned(&bytes[..size_of::<T>()]))
    }

    /// Whether the elements follow each other in memory, the last axis varying fastest.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1_isize;
        self.is_empty()
            || self
                .shape
                .iter()
                .zip(&self.strides)
                .rev()
                .all(|(&size, &stride)| {
                    // An axis with one position has no distances.
                    let follows = size == 1 || stride == expected;
                    expected = expected.saturating_mul(size as isize);
                    follows
                })
    }

    /// This tensor if it is contiguous, else a contiguous copy.
    ///
    /// # Errors
    /// If it has to be copied, and the elements are not in CPU memory, or memory is exhausted.
    pub fn contiguous(&self) -> Result<Self, TensorError> {
        if self.is_contiguous() {
            return Ok(self.clone());
        }
        let source = self
            .buffer
            .as_slice()
            .ok_or(TensorError::NotOnCpu(self.device()))?;
        let mut copy = Self::zeros(self.dtype, &self.shape)?;
        let size = self.dtype.bytes();
        let target = copy.buffer.make_mut().chunks_exact_mut(size);
        for (to, place) in target.zip(self.places()) {
            to.copy_from_slice(&source[place * size..][..size]);
        }
        Ok(copy)
    }

    /// The elements.
    ///
    /// # Errors
    /// If they are of another type, not in CPU memory, not contiguous, or not aligned.
    pub fn as_slice<T: Element>(&self) -> Result<&[T], TensorError> {
        let range = self.contiguous_bytes::<T>()?;
        let bytes = self
            .buffer
            .as_slice()
            .ok_or(TensorError::NotOnCpu(self.device()))?;
        bytemuck::try_cast_slice(&bytes[range]).map_err(|_| TensorError::Misaligned(T::TYPE))
    }

    /// The elements for writing. They are copied first, once, if anyone else holds them.
    ///
    /// # Errors
    /// As for [`as_slice`](Self::as_slice).
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T], TensorError> {
        let range = self.contiguous_bytes::<T>()?;
        let device = self.device();
        // What other views show of the buffer is not worth a copy.
        self.buffer = self.buffer.slice(range);
        self.offset = 0;
        let bytes = self
            .buffer
            .try_make_mut()
            .ok_or(TensorError::NotOnCpu(device))?;
        bytemuck::try_cast_slice_mut(bytes).map_err(|_| TensorError::Misaligned(T::TYPE))
    }

    /// A copy of the elements, the last axis varying fastest.
    ///
    /// # Errors
    /// If they are of another type, or not in CPU memory.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>, TensorError> {
        self.check_type::<T>()?;
        let bytes = self
            .buffer
            .as_slice()
            .ok_or(TensorError::NotOnCpu(self.device()))?;
        let size = size_of::<T>();
        let read = |place: usize| bytemuck::pod_read_unaligned(&bytes[place * size..][..size]);
        Ok(self.places().map(read).collect())
    }

    fn check_type<T: Element>(&self) -> Result<(), TensorError> {
        if T::TYPE == self.dtype {
            Ok(())
        } else {
            Err(TensorError::WrongType {
                actual: self.dtype,
                asked: T::TYPE,
            })
        }
    }

    fn contiguous_bytes<T: Element>(&self) -> Result<Range<usize>, TensorError> {
        self.check_type::<T>()?;
        if !self.is_contiguous() {
            return Err(TensorError::NotContiguous);
        }
        let start = if self.is_empty() {
            0
        } else {
            self.offset * size_of::<T>()
        };
        Ok(start..start + self.len() * size_of::<T>())
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// If the number of elements differs, or if they are not contiguous.
    pub fn reshape(&self, shape: &[usize]) -> Result<Self, TensorError> {
        if element_count(shape) != Some(self.len()) {
            let (from, to) = (self.shape.to_vec(), shape.to_vec());
            return Err(TensorError::SizeChanges { from, to });
        }
        if !self.is_contiguous() {
            return Err(TensorError::NotContiguous);
        }
        let too_large = || TensorError::TooLarge {
            dtype: self.dtype,
            shape: shape.to_vec(),
        };
        let strides = contiguous_strides(shape).ok_or_else(too_large)?;
        Ok(Self {
            shape: shape.into(),
            strides,
            ..self.clone()
        })
    }

    /// The part of the tensor that lies within a range of one axis.
    ///
    /// # Errors
    /// If there is no such axis, or the range leaves it.
    pub fn slice(&self, axis: usize, range: Range<usize>) -> Result<Self, TensorError> {
        let (size, Range { start, end }) = (self.size(axis)?, range);
        if start > end || end > size {
            return Err(TensorError::OutOfAxis {
                axis,
                start,
                end,
                size,
            });
        }
        let mut part = self.clone();
        part.shape[axis] = end - start;
        if !part.is_empty() {
            part.offset = part
                .offset
                .wrapping_add_signed(start as isize * part.strides[axis]);
        }
        Ok(part)
    }

    /// The part of the tensor at one position of an axis, without that axis.
    ///
    /// # Errors
    /// If there is no such axis, or no such position.
    pub fn select(&self, axis: usize, position: usize) -> Result<Self, TensorError> {
        let mut part = self.slice(axis, position..position.saturating_add(1))?;
        part.shape.remove(axis);
        part.strides.remove(axis);
        Ok(part)
    }

    /// The tensor with an axis reversed.
    ///
    /// # Errors
    /// If there is no such axis.
    pub fn flip(&self, axis: usize) -> Result<Self, TensorError> {
        let size = self.size(axis)?;
        let mut flipped = self.clone();
        let stride = flipped.strides[axis];
        if !self.is_empty() {
            flipped.offset = flipped
                .offset
                .wrapping_add_signed((size - 1) as isize * stride);
        }
        flipped.strides[axis] = stride.wrapping_neg();
        Ok(flipped)
    }

    /// The tensor with two axes exchanged.
    ///
    /// # Errors
    /// If there is no such axis.
    pub fn transpose(&self, axis: usize, other: usize) -> Result<Self, TensorError> {
        self.size(axis)?;
        self.size(other)?;
        let mut transposed = self.clone();
        transposed.shape.swap(axis, other);
        transposed.strides.swap(axis, other);
        Ok(transposed)
    }

    /// The tensor with its axes in another order: axis `n` of the result is axis `axes[n]` of this.
    ///
    /// # Errors
    /// If `axes` does not name each axis once.
    pub fn permute(&self, axes: &[usize]) -> Result<Self, TensorError> {
        let mut sorted: Dims<usize> = axes.into();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..self.shape.len()) {
            return Err(TensorError::NotAPermutation(axes.to_vec()));
        }
        let shape = axes.iter().map(|&axis| self.shape[axis]).collect();
        let strides = axes.iter().map(|&axis| self.strides[axis]).collect();
        Ok(Self {
            shape,
            strides,
            ..self.clone()
        })
    }

    fn size(&self, axis: usize) -> Result<usize, TensorError> {
        let dimensions = self.shape.len();
        self.shape
            .get(axis)
            .copied()
            .ok_or(TensorError::NoSuchAxis { axis, dimensions })
    }

    /// Where the element at a position lies, in elements from the start of the buffer.
    fn place(&self, position: &[usize]) -> usize {
        let steps = position.iter().zip(&self.strides);
        steps.fold(self.offset, |place, (&at, &stride)| {
            place.wrapping_add_signed(at as isize * stride)
        })
    }

    /// The places of all elements, the last axis varying fastest.
    fn places(&self) -> impl Iterator<Item = usize> {
        let mut position: Dims<usize> = SmallVec::from_elem(0, self.shape.len());
        (0..self.len()).map(move |_| {
            let place = self.place(&position);
            for (at, &size) in position.iter_mut().zip(&self.shape).rev() {
                *at += 1;
                if *at < size {
                    break;
                }
                *at = 0;
            }
            place
        })
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Tensor({} {:?} on {})",
            self.dtype,
            &self.shape[..],
            self.device()
        )
    }
}

fn out_of_buffer(buffer: &Buffer, dtype: ScalarType, shape: &[usize]) -> TensorError {
    TensorError::OutOfBuffer {
        dtype,
        shape: shape.to_vec(),
        bytes: buffer.len(),
    }
}

fn element_count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .try_fold(1_usize, |count, &size| count.checked_mul(size))
}

fn contiguous_strides(shape: &[usize]) -> Option<Dims<isize>> {
    let mut strides: Dims<isize> = SmallVec::from_elem(1, shape.len());
    let mut next = 1_isize;
    for (stride, &size) in strides.iter_mut().zip(shape).rev() {
        *stride = next;
        next = next.checked_mul(isize::try_from(size.max(1)).ok()?)?;
    }
    Some(strides)
}

/// The lowest place of an element, and the place after the highest. `None` on overflow.
fn extent(shape: &[usize], strides: &[isize], offset: usize) -> Option<(i128, i128)> {
    if shape.contains(&0) {
        return Some((0, 0));
    }
    let first = offset as i128;
    let mut bounds = (first, first);
    for (&size, &stride) in shape.iter().zip(strides) {
        let reach = (size as i128 - 1).checked_mul(stride as i128)?;
        let bound = if reach < 0 {
            &mut bounds.0
        } else {
            &mut bounds.1
        };
        *bound = bound.checked_add(reach)?;
    }
    Some((bounds.0, bounds.1.checked_add(1)?))
}

#[cfg(test)]
mod tests;
