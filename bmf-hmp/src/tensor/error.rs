//! [`TensorError`]: why there is no such tensor, or no such view of one.

use crate::{Device, ScalarType};

/// Why there is no such tensor, or no such view of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The elements do not lie within the buffer.
    #[error("a {dtype} tensor of shape {shape:?} does not fit into a buffer of {bytes} bytes")]
    OutOfBuffer {
        /// The type of the elements.
        dtype: ScalarType,
        /// The shape asked for.
        shape: Vec<usize>,
        /// The size of the buffer.
        bytes: usize,
    },
    /// The shape has more elements than can be addressed, or than there is memory for.
    #[error("a {dtype} tensor of shape {shape:?} is too large for this machine")]
    TooLarge {
        /// The type of the elements.
        dtype: ScalarType,
        /// The shape asked for.
        shape: Vec<usize>,
    },
    /// Shape and strides of different lengths.
    #[error("{shape} dimensions with {strides} strides: give one stride per dimension")]
    StrideCount {
        /// How many dimensions.
        shape: usize,
        /// How many strides.
        strides: usize,
    },
    /// An axis the tensor does not have.
    #[error("axis {axis} of a tensor with {dimensions} dimension(s)")]
    NoSuchAxis {
        /// The axis.
        axis: usize,
        /// How many dimensions there are.
        dimensions: usize,
    },
    /// A position or range outside an axis.
    #[error("{start}..{end} is not within axis {axis}, which has {size}")]
    OutOfAxis {
        /// The axis.
        axis: usize,
        /// The first position.
        start: usize,
        /// The position after the last.
        end: usize,
        /// How many positions the axis has.
        size: usize,
    },
    /// Axes that are no permutation.
    #[error("{0:?} does not name each axis once")]
    NotAPermutation(Vec<usize>),
    /// A shape with another number of elements.
    #[error("shape {to:?} has another number of elements than {from:?}")]
    SizeChanges {
        /// The shape there is.
        from: Vec<usize>,
        /// The shape asked for.
        to: Vec<usize>,
    },
    /// The elements do not follow each other in memory.
    #[error(
        "the elements of this view do not follow each other in memory: call contiguous() first"
    )]
    NotContiguous,
    /// The elements are of another type.
    #[error("the elements are {actual}, not {asked}")]
    WrongType {
        /// What they are.
        actual: ScalarType,
        /// What was asked for.
        asked: ScalarType,
    },
    /// The address of the first element is no multiple of its size.
    #[error("the elements are not aligned for {0}: copy them into a new tensor")]
    Misaligned(ScalarType),
    /// The elements are where the CPU cannot read them.
    #[error("the tensor is on {0}: copy it to the cpu first")]
    NotOnCpu(Device),
}
