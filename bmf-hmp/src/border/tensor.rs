//! Arrays as views, and views as arrays.

use bmf_abi as abi;

use super::{device, device_codes, is_aligned};
use crate::{ImportError, ScalarType, Tensor};

/// More dimensions than this are a damaged view.
const MAX_DIMENSIONS: usize = 64;

/// An array as other libraries see it; valid as long as it is neither changed nor dropped. Of an array
/// with reversed axes, the elements after the first lie before it. `None` if they are not aligned.
pub fn tensor_view(tensor: &Tensor) -> Option<abi::TensorView> {
    let buffer = tensor.buffer();
    let mut data = buffer.as_plane(0);
    // Where there are no elements, the first one may lie anywhere.
    let start = (tensor.offset().saturating_mul(tensor.dtype().bytes())).min(buffer.len());
    data.data = data.data.wrapping_add(start);
    data.len -= start;
    if !is_aligned(&data, tensor.dtype().bytes()) {
        return None;
    }
    let (device_kind, device_index) = device_codes(tensor.device());
    Some(abi::TensorView {
        size: size_of::<abi::TensorView>(),
        data,
        scalar: abi::Str::new(tensor.dtype().name()),
        device_kind,
        device_index,
        dimensions: tensor.shape().len(),
        shape: tensor.shape().as_ptr(),
        strides: tensor.strides().as_ptr(),
    })
}

/// The array that a view shows, sharing its elements.
///
/// # Errors
/// If there can be no such array: see [`Tensor::from_strided`]; if its type or its device is none; or
/// if its elements are not aligned.
///
/// # Safety
/// - The type's name is valid for ever, if its pointer is not null.
/// - Where they are not null, `shape` and `strides` have as many numbers as there are dimensions.
/// - `data` is what [`Buffer::from_plane`](crate::Buffer::from_plane) demands, and so are the bytes
///   before it in which elements lie by reason of negative strides.
pub unsafe fn tensor(view: &abi::TensorView) -> Result<Tensor, ImportError> {
    // SAFETY: the caller's promise.
    let dtype = unsafe { scalar(view.scalar) }?;
    if !is_aligned(&view.data, dtype.bytes()) {
        return Err(ImportError::new("its elements are not aligned"));
    }
    let device = device(view.device_kind, view.device_index)?;
    if view.dimensions > MAX_DIMENSIONS {
        let count = view.dimensions;
        return Err(ImportError::new(format!("it has {count} dimensions")));
    }
    // SAFETY: the caller's promise.
    let (shape, strides) = unsafe {
        let shape = super::slice(view.shape, view.dimensions)?;
        (shape, super::slice(view.strides, view.dimensions)?)
    };
    let before = before_first(shape, strides);
    let start = before.and_then(|elements| elements.checked_mul(dtype.bytes()));
    let end = start.and_then(|start| start.checked_add(view.data.len));
    let (Some(before), Some(start), Some(len)) = (before, start, end) else {
        return Err(ImportError::new(format!("strides of {strides:?}")));
    };
    let mut data = view.data;
    data.data = data.data.wrapping_sub(start);
    data.len = len;
    // SAFETY: the caller's promise, also for the bytes in front.
    let buffer = unsafe { super::buffer(&data, device) }?;
    let tensor = Tensor::from_strided(buffer, dtype, shape, strides, before)?;
    Ok(tensor)
}

/// How many elements' room there is before the first one, because of negative strides.
fn before_first(shape: &[usize], strides: &[isize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    let reversed = shape.iter().zip(strides).filter(|(_, stride)| **stride < 0);
    reversed
        .map(|(size, stride)| (size - 1).checked_mul(stride.unsigned_abs()))
        .try_fold(0_usize, |sum, reach| sum.checked_add(reach?))
}

/// # Safety
/// As for [`super::text`].
unsafe fn scalar(name: abi::Str) -> Result<ScalarType, ImportError> {
    // SAFETY: the caller's promise.
    let name = unsafe { super::text(name) };
    let name = name.ok_or(ImportError::new("its numbers have no type"))?;
    name.parse()
        .map_err(|_| ImportError::new(format!("'{name}' is no type of numbers")))
}
