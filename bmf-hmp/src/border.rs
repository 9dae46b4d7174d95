//! Frames in the form in which they cross to other libraries: the views of the contract ([`bmf_abi`]).
//!
//! For those who build a border. Modules, built in or not, use [`Packet`](crate::Packet) and see
//! nothing of this. What is read is checked as far as it can be; see the `# Safety` sections for what
//! has to be trusted. No byte is copied in either direction.

mod audio;
mod encoded;
mod tensor;
mod video;

use bmf_abi as abi;

use crate::{Buffer, Device, ImportError, Rational, TimeBase};

pub use audio::{audio_format, audio_frame, audio_view};
pub use encoded::{encoded_packet, encoded_view};
pub use tensor::{tensor, tensor_view};
pub use video::{video_frame, video_view};

/// What fills the places of planes that are not there.
const NO_PLANE: abi::Plane = abi::Plane {
    data: std::ptr::null_mut(),
    len: 0,
    slack: 0,
    stride: 0,
    buffer: std::ptr::null_mut(),
};

/// The elements at an address; none where there are none.
///
/// # Safety
/// If it is not null, `data` points to `len` elements that stay as they are for `'a`.
pub(crate) unsafe fn slice<'a, T>(data: *const T, len: usize) -> Result<&'a [T], ImportError> {
    let bytes = len.checked_mul(size_of::<T>());
    let possible = bytes.is_some_and(|bytes| bytes <= isize::MAX as usize);
    match len {
        0 => Ok(&[]),
        _ if data.is_null() => Err(ImportError::new(format!("{len} elements at no address"))),
        _ if !possible || !data.is_aligned() => {
            Err(ImportError::new(format!("{len} elements at {data:p}")))
        }
        // SAFETY: not null, aligned, not too many; the rest is the caller's promise.
        _ => Ok(unsafe { std::slice::from_raw_parts(data, len) }),
    }
}

/// A text, if it is one.
///
/// # Safety
/// If it is not null, `text.ptr` points to `text.len` bytes that stay as they are for `'a`.
pub(crate) unsafe fn text<'a>(text: abi::Str) -> Option<&'a str> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { slice(text.ptr.cast::<u8>(), text.len) };
    std::str::from_utf8(bytes.ok()?).ok()
}

/// The memory of a plane. Nothing needs no memory.
///
/// # Safety
/// As for [`Buffer::from_plane`].
unsafe fn buffer(plane: &abi::Plane, device: Device) -> Result<Buffer, ImportError> {
    if plane.buffer.is_null() && plane.len == 0 && device.is_cpu() {
        return Ok(Buffer::default());
    }
    // SAFETY: the caller's promise.
    let buffer = unsafe { Buffer::from_plane(plane, device) };
    buffer.ok_or(ImportError::new("one of its planes has no memory"))
}

/// Whether numbers of `size` bytes can lie at an address. Where there are none, any will do.
fn is_aligned(plane: &abi::Plane, size: usize) -> bool {
    plane.len == 0 || plane.data.addr().is_multiple_of(size)
}

fn device_codes(device: Device) -> (u32, u32) {
    match device {
        Device::Cpu => (abi::VideoView::CPU, 0),
        Device::Cuda(index) => (abi::VideoView::CUDA, index),
    }
}

fn device(kind: u32, index: u32) -> Result<Device, ImportError> {
    match kind {
        abi::VideoView::CPU => Ok(Device::Cpu),
        abi::VideoView::CUDA => Ok(Device::Cuda(index)),
        _ => Err(ImportError::new(format!(
            "there is no device of kind {kind}"
        ))),
    }
}

/// 0/1 for what is not known, or says nothing.
fn raw_rational(rational: Option<Rational>) -> abi::Rational {
    let known = rational.filter(|rational| rational.is_valid());
    let Rational { num, den } = known.unwrap_or(Rational::ZERO);
    abi::Rational { num, den }
}

fn rational(raw: abi::Rational) -> Option<Rational> {
    (raw.num != 0 && raw.den != 0).then(|| Rational::new(raw.num, raw.den))
}

/// A frame without times needs no ticks.
fn time_base(raw: abi::Rational, is_timed: bool) -> Result<TimeBase, ImportError> {
    match TimeBase::new(raw.num, raw.den) {
        Some(time_base) => Ok(time_base),
        None if !is_timed => Ok(TimeBase::MICROS),
        None => Err(ImportError::new(format!(
            "{}/{} is no time base",
            raw.num, raw.den
        ))),
    }
}

fn raw_ticks(ticks: Option<i64>) -> i64 {
    ticks.unwrap_or(abi::NONE)
}

fn ticks(raw: i64) -> Option<i64> {
    (raw != abi::NONE).then_some(raw)
}
