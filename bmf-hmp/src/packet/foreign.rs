//! [`Foreign`]: the payload of another library, as far as it shows itself.
//!
//! What it shows are claims. They are trusted as far as the contract has to be (a pointer that is not
//! null points to as much as is said), and no further: sizes, names, numbers and texts are checked, and
//! frames are made by the same constructors that check those of this library.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::Arc;

use bmf_abi as abi;

use super::object::Object;
use crate::{
    AudioFrame, EncodedPacket, FrameError, Packet, Tensor, TensorError, VideoFrame, border,
};

/// Why nothing can be made of another library's payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ImportError(Cow<'static, str>);

impl ImportError {
    /// What is wrong with it.
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self(what.into())
    }
}

impl From<FrameError> for ImportError {
    fn from(error: FrameError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<TensorError> for ImportError {
    fn from(error: TensorError) -> Self {
        Self::new(error.to_string())
    }
}

/// The payload of another library, for [`Payload::import`](crate::Payload::import).
///
/// Each function makes something of a view that the payload may have. Pixels, samples and other
/// memory are shared with it, not copied.
///
/// # Errors
/// All functions: if the payload has no such view, or if what it shows cannot be.
pub struct Foreign<'a>(&'a Object);

/// A view of the contract.
///
/// # Safety
/// Starts with its size, and is valid whatever bytes it has.
unsafe trait RawView: Sized {
    const KIND: u32;
    const WHAT: &'static str;
}

macro_rules! raw_views {
    ($($view:ident: $what:literal,)+) => {$(
        // SAFETY: the size, then numbers and pointers.
        unsafe impl RawView for abi::$view {
            const KIND: u32 = Self::KIND;
            const WHAT: &'static str = $what;
        }
    )+};
}

raw_views! {
    VideoView: "picture",
    AudioView: "sound",
    EncodedView: "encoded data",
    TensorView: "array",
    BytesView: "bytes",
    PacketsView: "packets",
    PlaneView: "plane",
}

impl<'a> Foreign<'a> {
    pub(super) fn new(payload: &'a Object) -> Self {
        Self(payload)
    }

    /// The name of its type.
    pub fn tag(&self) -> &'static str {
        super::text_of(self.0.tag())
    }

    /// A picture.
    #[expect(clippy::missing_errors_doc, reason = "said for all at the type")]
    pub fn video(&self) -> Result<VideoFrame, ImportError> {
        let view = self.view::<abi::VideoView>()?;
        // SAFETY: of a payload that is alive.
        let mut frame = unsafe { border::video_frame(&view) }?;
        frame.metadata = self.metadata();
        Ok(frame)
    }

    /// Sound.
    #[expect(clippy::missing_errors_doc, reason = "said for all at the type")]
    pub fn audio(&self) -> Result<AudioFrame, ImportError> {
        let view = self.view::<abi::AudioView>()?;
        // SAFETY: of a payload that is alive.
        let mut frame = unsafe { border::audio_frame(&view, &|index| self.plane(index)) }?;
        frame.metadata = self.metadata();
        Ok(frame)
    }

    /// A piece of an encoded stream.
    #[expect(clippy::missing_errors_doc, reason = "said for all at the type")]
    pub fn encoded(&self) -> Result<EncodedPacket, ImportError> {
        let view = self.view::<abi::EncodedView>()?;
        // SAFETY: of a payload that is alive.
        unsafe { border::encoded_packet(&view) }
    }

    /// An array.
    #[expect(clippy::missing_errors_doc, reason = "said for all at the type")]
    pub fn tensor(&self) -> Result<Tensor, ImportError> {
        let view = self.view::<abi::TensorView>()?;
        // SAFETY: of a payload that is alive.
        unsafe { border::tensor(&view) }
    }

    /// Bytes, where they are.
    #[expect(clippy::missing_errors_doc, reason = "said for all at the type")]
    pub fn bytes(&self) -> Result<&'a [u8], ImportError> {
        let view = self.view::<abi::BytesView>()?;
        // SAFETY: of a payload that is alive, and stays as it is.
        unsafe { border::slice(view.data, view.len) }
    }

    /// The text that the payload writes, such as JSON.
    #[expect(clippy::missing_errors_doc, reason = "said for all at the type")]
    pub fn text(&self) -> Result<String, ImportError> {
        let mut bytes = Vec::<u8>::new();
        let mut sink = abi::Sink {
            target: (&raw mut bytes).cast(),
            write: add_text,
        };
        // SAFETY: what is asked for with this kind.
        if !unsafe { self.ask(abi::BytesView::TEXT, (&raw mut sink).cast()) } {
            return Err(ImportError::new("it shows no text"));
        }
        String::from_utf8(bytes).map_err(|_| ImportError::new("its text is not UTF-8"))
    }

    /// A number.
    #[expect(clippy::missing_errors_doc, reason = "said for all at the type")]
    pub fn int(&self) -> Result<i64, ImportError> {
        let mut int = 0_i64;
        // SAFETY: what is asked for with this kind.
        let shown = unsafe { self.ask(abi::BytesView::INT, (&raw mut int).cast()) };
        shown
            .then_some(int)
            .ok_or(ImportError::new("it shows no number"))
    }

    /// The packets in it, each shared.
    #[expect(clippy::missing_errors_doc, reason = "said for all at the type")]
    pub fn packets(&self) -> Result<Vec<Packet>, ImportError> {
        let view = self.view::<abi::PacketsView>()?;
        // SAFETY: of a payload that is alive, and stays as it is.
        let packets = unsafe { border::slice(view.packets, view.len) }?;
        let packets = packets.iter().map(|raw| {
            // SAFETY: the payload keeps a reference to each.
            let packet = unsafe { Packet::clone_raw(raw) };
            packet.ok_or(ImportError::new("one of its packets has no payload"))
        });
        packets.collect()
    }

    fn plane(&self, index: usize) -> Option<abi::Plane> {
        let mut view = blank::<abi::PlaneView>();
        view.index = index;
        self.fill(&mut view).then_some(view.plane)
    }

    fn metadata(&self) -> Option<Arc<BTreeMap<String, String>>> {
        let mut pairs = BTreeMap::<String, String>::new();
        let mut sink = abi::PairSink {
            target: (&raw mut pairs).cast(),
            write: add_pair,
        };
        // SAFETY: what is asked for with this kind.
        unsafe { self.ask(abi::PlaneView::METADATA, (&raw mut sink).cast()) };
        (!pairs.is_empty()).then(|| Arc::new(pairs))
    }

    fn view<V: RawView>(&self) -> Result<V, ImportError> {
        let mut view = blank::<V>();
        if self.fill(&mut view) {
            Ok(view)
        } else {
            Err(ImportError::new(format!("it shows no {}", V::WHAT)))
        }
    }

    fn fill<V: RawView>(&self, view: &mut V) -> bool {
        // SAFETY: what is asked for with this kind.
        unsafe { self.ask(V::KIND, std::ptr::from_mut(view).cast()) }
    }

    /// # Safety
    /// `out` is what the contract says for `kind`.
    unsafe fn ask(&self, kind: u32, out: *mut c_void) -> bool {
        // SAFETY: the payload's own function, the payload is alive, and the caller's promise.
        unsafe { (self.0.vtable().view)(self.0.as_raw(), kind, out) != 0 }
    }
}

/// A view with nothing but its size.
fn blank<V: RawView>() -> V {
    let mut view = MaybeUninit::<V>::zeroed();
    // SAFETY: views start with their size, and zeros are as valid as any other bytes.
    unsafe {
        view.as_mut_ptr().cast::<usize>().write(size_of::<V>());
        view.assume_init()
    }
}

/// # Safety
/// `target` is that of the sink of [`Foreign::text`]; `text` is valid.
unsafe extern "C" fn add_text(target: *mut c_void, text: abi::Str) {
    // SAFETY: the caller's promise; the sink is used by one thread at a time.
    let bytes = unsafe { &mut *target.cast::<Vec<u8>>() };
    // SAFETY: the caller's promise.
    if let Ok(text) = unsafe { border::slice(text.ptr.cast::<u8>(), text.len) } {
        bytes.extend_from_slice(text);
    }
}

/// # Safety
/// `target` is that of the sink of [`Foreign::metadata`]; the texts are valid.
unsafe extern "C" fn add_pair(target: *mut c_void, key: abi::Str, value: abi::Str) {
    // SAFETY: the caller's promise; the sink is used by one thread at a time.
    let pairs = unsafe { &mut *target.cast::<BTreeMap<String, String>>() };
    // SAFETY: the caller's promise.
    let texts = unsafe { border::text(key).zip(border::text(value)) };
    if let Some((key, value)) = texts {
        pairs.insert(key.to_owned(), value.to_owned());
    }
}
