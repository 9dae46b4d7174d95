//! Writes the views of payloads in the form of the contract, where other libraries ask for them.

use std::ffi::c_void;

use bmf_abi as abi;

use super::Packet;
use super::view::{View, ViewKind};
use crate::border;

/// What a payload answers.
type Views<'a, 'v> = &'a dyn Fn(ViewKind) -> Option<View<'v>>;

/// The answer to a question, if it is of the right kind.
macro_rules! ask {
    ($views:expr, $kind:ident) => {
        match $views(ViewKind::$kind)? {
            View::$kind(shown) => shown,
            _ => return None,
        }
    };
}

/// Writes the view of a kind to `out`; false if there is none, or if `out` cannot take it.
///
/// # Safety
/// `out` is null or points to what the contract says for `kind`, with its `size` set. It is used no
/// longer than what the views borrow.
pub(super) unsafe fn write(views: Views<'_, '_>, kind: u32, out: *mut c_void) -> bool {
    // SAFETY: the caller's promise.
    unsafe { try_write(views, kind, out) }.is_some()
}

/// # Safety
/// As for [`write`].
unsafe fn try_write(views: Views<'_, '_>, kind: u32, out: *mut c_void) -> Option<()> {
    // SAFETY: for all of these, the caller's promise.
    unsafe {
        match kind {
            abi::VideoView::KIND => put(out, border::video_view(ask!(views, Video))),
            abi::AudioView::KIND => put(out, border::audio_view(ask!(views, Audio))?),
            abi::EncodedView::KIND => put(out, border::encoded_view(ask!(views, Encoded))?),
            abi::TensorView::KIND => put(out, border::tensor_view(ask!(views, Tensor))?),
            abi::BytesView::KIND => put(out, bytes_view(ask!(views, Bytes))),
            abi::BytesView::TEXT => write_text(out, &ask!(views, Text)),
            abi::BytesView::INT => {
                let int = ask!(views, Int);
                aligned::<i64>(out)?.write(int);
                Some(())
            }
            abi::PacketsView::KIND => put(out, packets_view(ask!(views, Packets))),
            abi::PlaneView::KIND => {
                let asked = sized::<abi::PlaneView>(out)?.read();
                let plane = plane_of(views, asked.index)?;
                put(out, abi::PlaneView { plane, ..asked })
            }
            abi::PlaneView::METADATA => write_metadata(views, out),
            _ => None,
        }
    }
}

fn bytes_view(bytes: &[u8]) -> abi::BytesView {
    abi::BytesView {
        size: size_of::<abi::BytesView>(),
        data: bytes.as_ptr(),
        len: bytes.len(),
    }
}

fn packets_view(packets: &[Packet]) -> abi::PacketsView {
    abi::PacketsView {
        size: size_of::<abi::PacketsView>(),
        // Laid out alike, as checked where `Packet` is declared.
        packets: packets.as_ptr().cast(),
        len: packets.len(),
    }
}

fn plane_of(views: Views<'_, '_>, index: usize) -> Option<abi::Plane> {
    if let Some(View::Video(frame)) = views(ViewKind::Video) {
        let plane = frame.plane(index)?;
        return Some(plane.buffer().as_plane(plane.stride()));
    }
    let frame = ask!(views, Audio);
    let plane = frame
        .planes()
        .get(index)
        .filter(|_| frame.device().is_cpu());
    Some(plane?.as_plane(0))
}

/// # Safety
/// `out` is null or points to a `Sink`.
unsafe fn write_text(out: *mut c_void, text: &str) -> Option<()> {
    // SAFETY: the caller's promise.
    let sink = unsafe { aligned::<abi::Sink>(out)?.read() };
    // SAFETY: a sink takes any text for the time of the call.
    unsafe { (sink.write)(sink.target, abi::Str::new(text)) };
    Some(())
}

/// # Safety
/// `out` is null or points to a `PairSink`.
unsafe fn write_metadata(views: Views<'_, '_>, out: *mut c_void) -> Option<()> {
    let metadata = if let Some(View::Video(frame)) = views(ViewKind::Video) {
        &frame.metadata
    } else {
        &ask!(views, Audio).metadata
    };
    // SAFETY: the caller's promise.
    let sink = unsafe { aligned::<abi::PairSink>(out)?.read() };
    for (key, value) in metadata.as_deref().into_iter().flatten() {
        // SAFETY: a sink takes any text for the time of the call.
        unsafe { (sink.write)(sink.target, abi::Str::new(key), abi::Str::new(value)) };
    }
    Some(())
}

/// Writes a view, all of which start with their size, if its reader has room for it.
///
/// # Safety
/// `out` is null or points to a view of this kind, with its `size` set.
unsafe fn put<V>(out: *mut c_void, view: V) -> Option<()> {
    // SAFETY: the caller's promise, and there is room.
    unsafe { sized::<V>(out)?.write(view) };
    Some(())
}

/// # Safety
/// `out` is null or points to something that starts with its `size`.
unsafe fn sized<V>(out: *mut c_void) -> Option<*mut V> {
    let view = aligned::<V>(out)?;
    // SAFETY: the caller's promise.
    let size = unsafe { view.cast::<usize>().read() };
    (size >= size_of::<V>()).then_some(view)
}

fn aligned<V>(out: *mut c_void) -> Option<*mut V> {
    let out = out.cast::<V>();
    (!out.is_null() && out.is_aligned()).then_some(out)
}
