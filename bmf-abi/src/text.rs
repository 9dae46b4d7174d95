//! Text that is lent, and where a callee writes what its caller wants to know.

use std::ffi::{c_char, c_void};

/// Borrowed UTF-8 without a final zero. A null pointer with length 0 is the empty text.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Str {
    /// The first byte.
    pub ptr: *const c_char,
    /// How many bytes.
    pub len: usize,
}

// SAFETY: borrowed, immutable bytes; whoever makes one vouches for their life.
unsafe impl Send for Str {}
// SAFETY: as above.
unsafe impl Sync for Str {}

impl Str {
    /// The empty text.
    pub const EMPTY: Self = Self {
        ptr: std::ptr::null(),
        len: 0,
    };

    /// Lends a text. The caller makes sure that it outlives the use.
    pub const fn new(text: &str) -> Self {
        Self {
            ptr: text.as_ptr().cast(),
            len: text.len(),
        }
    }
}

/// Where a callee writes text for its caller, in any number of pieces. Lent for one call, used from
/// the thread of that call.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Sink {
    /// Passed to `write`.
    pub target: *mut c_void,
    /// Takes a copy of `text`.
    pub write: unsafe extern "C" fn(target: *mut c_void, text: Str),
}

/// Where a callee writes pairs of texts, such as metadata. As [`Sink`].
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct PairSink {
    /// Passed to `write`.
    pub target: *mut c_void,
    /// Takes copies of both.
    pub write: unsafe extern "C" fn(target: *mut c_void, key: Str, value: Str),
}

/// Why something failed.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct ErrorInfo {
    /// `sizeof` of this struct.
    pub size: usize,
    /// What happened, to which file or stream, with its causes.
    pub message: Str,
    /// What the user can do; may be empty.
    pub hint: Str,
    /// The port it happened on; may be empty.
    pub port: Str,
    /// The time of the packet it happened at, in microseconds, or [`NONE`](crate::NONE).
    pub timestamp: i64,
}

/// Where a callee tells why it failed, before it returns [`FAILED`](crate::FAILED) or
/// [`PANICKED`](crate::PANICKED). The last report counts. As [`Sink`].
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct ErrorSink {
    /// Passed to `report`.
    pub target: *mut c_void,
    /// Takes copies of all texts.
    pub report: unsafe extern "C" fn(target: *mut c_void, error: *const ErrorInfo),
}
