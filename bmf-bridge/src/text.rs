//! Text that crosses: what the other side lends, and what is written for it. Trusts pointers as far as
//! it must, and no contents.

use std::borrow::Cow;
use std::ffi::c_void;

use bmf_abi as abi;

/// The bytes of a text; none where they cannot be.
///
/// # Safety
/// `text.ptr` is null, or points to `text.len` bytes that stay as they are for `'a`.
pub(crate) unsafe fn bytes<'a>(text: abi::Str) -> &'a [u8] {
    if text.ptr.is_null() || text.len > isize::MAX as usize {
        return &[];
    }
    // SAFETY: not null and of a possible length; the rest is the caller's promise.
    unsafe { std::slice::from_raw_parts(text.ptr.cast(), text.len) }
}

/// A text, with what is not UTF-8 in it replaced.
///
/// # Safety
/// As for [`bytes`].
pub(crate) unsafe fn lossy<'a>(text: abi::Str) -> Cow<'a, str> {
    // SAFETY: the caller's promise.
    String::from_utf8_lossy(unsafe { bytes(text) })
}

/// Writes a text for the caller, if there is where to.
///
/// # Safety
/// `sink` is null or a sink of the contract that can be used now.
pub(crate) unsafe fn write(sink: *const abi::Sink, text: &str) {
    // SAFETY: the caller's promise.
    if let Some(sink) = unsafe { sink.as_ref() } {
        // SAFETY: as above; the text is lent for the call.
        unsafe { (sink.write)(sink.target, abi::Str::new(text)) };
    }
}

/// What `call` writes into the sink that it is given.
pub(crate) fn collect(call: impl FnOnce(*const abi::Sink)) -> Vec<u8> {
    unsafe extern "C" fn write(target: *mut c_void, text: abi::Str) {
        // SAFETY: the vector below, which only this call has; the text is lent for the call.
        let (written, text) = unsafe { (&mut *target.cast::<Vec<u8>>(), bytes(text)) };
        written.extend_from_slice(text);
    }
    let mut written = Vec::new();
    let target = (&raw mut written).cast();
    call(&abi::Sink { target, write });
    written
}
