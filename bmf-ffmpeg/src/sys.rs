//! The border to FFmpeg's C libraries: integer-typed enum access and C strings.
//!
//! The generated bindings turn C enums into Rust enums, and a value that the
//! headers did not know (a newer library at run time, a corrupt file) would be
//! undefined behaviour the moment it is read. So enum fields are read and
//! written as integers here, and functions that take or return an enum are
//! declared once more with integers. This file makes no decision; it holds no
//! state.

use std::ffi::{CStr, CString, c_char, c_int, c_uint};

use ffmpeg_next::ffi;

pub(crate) use ffmpeg_next::ffi::*;

unsafe extern "C" {
    pub(crate) fn av_get_pix_fmt_name(format: c_int) -> *const c_char;
    pub(crate) fn av_get_pix_fmt(name: *const c_char) -> c_int;
    pub(crate) fn av_pix_fmt_desc_get(format: c_int) -> *const AVPixFmtDescriptor;
    pub(crate) fn av_pix_fmt_count_planes(format: c_int) -> c_int;
    pub(crate) fn av_get_sample_fmt_name(format: c_int) -> *const c_char;
    pub(crate) fn av_get_sample_fmt(name: *const c_char) -> c_int;
    pub(crate) fn av_sample_fmt_is_planar(format: c_int) -> c_int;
    pub(crate) fn av_get_bytes_per_sample(format: c_int) -> c_int;
    pub(crate) fn av_get_picture_type_char(kind: c_int) -> c_char;
    pub(crate) fn av_frame_side_data_name(kind: c_int) -> *const c_char;
    pub(crate) fn avcodec_get_name(id: c_uint) -> *const c_char;
    pub(crate) fn avcodec_descriptor_get(id: c_uint) -> *const AVCodecDescriptor;
    pub(crate) fn avcodec_profile_name(id: c_uint, profile: c_int) -> *const c_char;
    pub(crate) fn avcodec_find_decoder(id: c_uint) -> *const AVCodec;
    pub(crate) fn avcodec_find_encoder(id: c_uint) -> *const AVCodec;
    pub(crate) fn av_codec_get_id(tables: *const *const AVCodecTag, tag: c_uint) -> c_uint;
    pub(crate) fn av_codec_get_tag2(
        tables: *const *const AVCodecTag,
        id: c_uint,
        tag: *mut c_uint,
    ) -> c_int;
    pub(crate) fn av_guess_codec(
        format: *const AVOutputFormat,
        short_name: *const c_char,
        url: *const c_char,
        mime_type: *const c_char,
        kind: c_int,
    ) -> c_uint;
    pub(crate) fn avfilter_pad_get_type(pads: *const AVFilterPad, index: c_int) -> c_int;
    pub(crate) fn av_find_best_stream(
        context: *mut AVFormatContext,
        kind: c_int,
        wanted: c_int,
        related: c_int,
        decoder: *mut *const AVCodec,
        flags: c_int,
    ) -> c_int;
    pub(crate) fn av_stream_get_side_data(
        stream: *const AVStream,
        kind: c_int,
        size: *mut usize,
    ) -> *mut u8;
    pub(crate) fn av_stream_new_side_data(
        stream: *mut AVStream,
        kind: c_int,
        size: usize,
    ) -> *mut u8;
    pub(crate) fn av_packet_get_side_data(
        packet: *const AVPacket,
        kind: c_int,
        size: *mut usize,
    ) -> *mut u8;
    pub(crate) fn av_packet_new_side_data(
        packet: *mut AVPacket,
        kind: c_int,
        size: usize,
    ) -> *mut u8;
    pub(crate) fn av_hwdevice_find_type_by_name(name: *const c_char) -> c_int;
    pub(crate) fn av_hwdevice_get_type_name(kind: c_int) -> *const c_char;
    pub(crate) fn av_hwdevice_iterate_types(previous: c_int) -> c_int;
    pub(crate) fn av_hwdevice_ctx_create(
        device: *mut *mut AVBufferRef,
        kind: c_int,
        name: *const c_char,
        options: *mut AVDictionary,
        flags: c_int,
    ) -> c_int;
}

/// `AVMEDIA_TYPE_*` as integers.
pub(crate) const MEDIA_VIDEO: c_int = ffi::AVMediaType::AVMEDIA_TYPE_VIDEO as c_int;
pub(crate) const MEDIA_AUDIO: c_int = ffi::AVMediaType::AVMEDIA_TYPE_AUDIO as c_int;
pub(crate) const MEDIA_SUBTITLE: c_int = ffi::AVMediaType::AVMEDIA_TYPE_SUBTITLE as c_int;

/// `AVERROR(EAGAIN)`: not now, the other side has to act first.
pub(crate) const AGAIN: c_int = -libc::EAGAIN;

/// Reads an enum-typed field behind a raw pointer as the integer C stores.
/// Must stand in an `unsafe` block: the pointer must be valid for reads.
macro_rules! get_enum {
    ($pointer:expr, $($field:ident).+) => {
        std::ptr::addr_of!((*$pointer).$($field).+).cast::<std::ffi::c_int>().read()
    };
}

/// Writes an enum-typed field behind a raw pointer as an integer. Must stand in
/// an `unsafe` block: the pointer must be valid for writes.
macro_rules! set_enum {
    ($pointer:expr, $($field:ident).+, $value:expr) => {
        std::ptr::addr_of_mut!((*$pointer).$($field).+)
            .cast::<std::ffi::c_int>()
            .write($value)
    };
}

pub(crate) use {get_enum, set_enum};

/// The text of a C string that lives for ever or outlives the call; empty for
/// null.
///
/// # Safety
///
/// `text` is null or points to a NUL-terminated string that is not changed
/// during the call.
pub(crate) unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for a NUL-terminated string.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// A C string of what stands before the first NUL.
///
/// FFmpeg would stop reading there anyway; names with a NUL inside exist in no
/// format, so nothing valid is lost.
pub(crate) fn c_string(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).expect("the NUL was cut off")
}

/// Turns FFmpeg's "no timestamp" into `None`.
pub(crate) fn known_ts(ts: i64) -> Option<i64> {
    (ts != AV_NOPTS_VALUE).then_some(ts)
}

/// Ends the process the way Rust's own allocations do.
pub(crate) fn out_of_memory<T>() -> ! {
    std::alloc::handle_alloc_error(std::alloc::Layout::new::<T>())
}

/// A C length or size that is never negative in valid structures.
pub(crate) fn size(value: c_int) -> usize {
    usize::try_from(value).unwrap_or(0)
}

/// A Rust length for a C `int`; saturates, which no real picture or packet
/// reaches.
pub(crate) fn int(value: impl TryInto<c_int>) -> c_int {
    value.try_into().unwrap_or(c_int::MAX)
}
