//! Frames and other payloads for plugins in languages that have no `bmf-hmp`: the functions of
//! [`MediaApi`](abi::MediaApi).

mod change;
mod make;
mod pixels;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use bmf_abi as abi;
use bmf_hmp::{BufferPool, Packet, Timestamp, panics};

use crate::tell;

pub(super) static API: abi::MediaApi = abi::MediaApi {
    size: size_of::<abi::MediaApi>(),
    buffer: make::buffer,
    video: make::video,
    video_for_writing: change::video_for_writing,
    audio: make::audio,
    audio_for_writing: change::audio_for_writing,
    encoded: make::encoded,
    tensor: make::tensor,
    bytes: make::bytes,
    integer: make::integer,
    set_metadata: change::set_metadata,
    pixel_format: pixels::pixel_format,
};

/// Memory of which these plugins get theirs.
static POOL: LazyLock<BufferPool> = LazyLock::new(BufferPool::default);

/// Runs `action`, whose error is a message.
///
/// # Safety
/// `error` is a sink that can be used now.
unsafe fn coded(error: *const abi::ErrorSink, action: impl FnOnce() -> Result<(), String>) -> i32 {
    let result = catch_unwind(AssertUnwindSafe(action));
    // SAFETY: the caller's promise.
    unsafe {
        match result {
            Ok(Ok(())) => abi::OK,
            Ok(Err(message)) => tell::message(error, &message),
            Err(panic) => tell::message(error, &panics::message(panic)),
        }
    }
}

/// Gives a packet to the plugin.
///
/// # Safety
/// `out` is for this.
unsafe fn give<T: bmf_hmp::Payload>(timestamp: i64, payload: T, out: *mut abi::Packet) {
    let packet = Packet::new(Timestamp::from_micros(timestamp), payload);
    // SAFETY: the caller's promise.
    unsafe { out.write(packet.into_raw()) };
}

/// A view that a plugin has filled in.
///
/// # Safety
/// `view` is null, or starts with its size, and is there for `'a`.
unsafe fn view<'a, T>(view: *const T) -> Result<&'a T, String> {
    // SAFETY: the caller's promise; only the size is read before it is known.
    let whole = !view.is_null()
        && view.is_aligned()
        && unsafe { view.cast::<usize>().read() } >= size_of::<T>();
    match whole {
        // SAFETY: as large as it must be.
        true => Ok(unsafe { &*view }),
        false => Err("the view that describes it is too small".to_owned()),
    }
}
