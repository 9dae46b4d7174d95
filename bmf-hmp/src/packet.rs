//! [`Packet`]: what travels on a stream. A timestamp and a shared, immutable payload of any named type.
//!
//! The payload may have been made by another library: then it is read by way of what it shows of itself,
//! and shares its memory. A packet knows nothing of streams, queues or nodes, and it never carries
//! control: end of stream and the like travel beside packets, not as timestamps with a secret meaning.

mod export;
mod foreign;
mod imports;
mod object;
mod standard;
mod view;

use std::fmt;
use std::mem::{ManuallyDrop, offset_of};

use bmf_abi as abi;

use crate::Timestamp;

use object::Object;

pub use foreign::{Foreign, ImportError};
pub use view::{View, ViewKind};

/// A type that can travel in a [`Packet`].
///
/// `TAG` names the type wherever a Rust type cannot: in logs, in error messages, at the border of a
/// plugin. Tags of this crate start with `bmf.`; choose your own prefix for your own types. Within one
/// library, two types with one tag do no harm (access is checked by type, not by tag).
///
/// ```
/// use bmf_hmp::{Packet, Payload, Timestamp};
///
/// #[derive(Debug, PartialEq)]
/// struct Score(f32);
/// impl Payload for Score {
///     const TAG: &'static str = "example.score";
/// }
///
/// let packet = Packet::new(Timestamp::ZERO, Score(0.5));
/// assert_eq!(packet.get::<Score>(), Some(&Score(0.5)));
/// assert_eq!(packet.tag(), "example.score");
/// ```
///
/// Between libraries, such a packet passes through and comes back as it was, but nobody else can look
/// into it. [`view`](Self::view) lets others see it, [`import`](Self::import) makes a value of what
/// another library shows under the same tag:
///
/// ```
/// use bmf_hmp::{Foreign, ImportError, Payload, View, ViewKind};
///
/// struct Label(String);
/// impl Payload for Label {
///     const TAG: &'static str = "example.label";
///
///     fn view(&self, kind: ViewKind) -> Option<View<'_>> {
///         (kind == ViewKind::Text).then(|| View::Text(self.0.as_str().into()))
///     }
///
///     fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
///         foreign.text().map(Label)
///     }
/// }
/// ```
pub trait Payload: Send + Sync + 'static {
    /// The name of the type, unique among the types that meet in a graph.
    const TAG: &'static str;

    /// Bytes of memory that the payload holds, for queue limits and memory budgets: what it points
    /// to counts too.
    fn bytes(&self) -> usize {
        size_of_val(self)
    }

    /// How the payload looks to other libraries; `None` if it does not have this kind of looks. Must
    /// always show the same.
    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        let _ = kind;
        None
    }

    /// Makes a value of a payload with this tag that another library has made. Done once for all
    /// packets that share the payload.
    ///
    /// # Errors
    /// If that is not possible. To this library it is then a payload of no type; the error is logged.
    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError>
    where
        Self: Sized,
    {
        let _ = foreign;
        Err(ImportError::new("there is no import for this type"))
    }
}

/// A timestamp and a shared payload.
///
/// Cloning costs one atomic increment, whatever the payload. A payload is immutable while it is
/// shared; who wants to change it takes it out with [`into_inner`](Self::into_inner) or
/// [`into_inner_or_clone`](Self::into_inner_or_clone) and wraps the result in a new packet.
///
/// It is the packet of the plugin contract ([`bmf_abi::Packet`]): a packet that crosses to another
/// library and back is the same object.
#[derive(Clone)]
#[repr(C)]
pub struct Packet {
    timestamp: Timestamp,
    payload: Object,
}

// A slice of packets is shown to other libraries as it is.
const _: () = {
    assert!(size_of::<Packet>() == size_of::<abi::Packet>());
    assert!(align_of::<Packet>() == align_of::<abi::Packet>());
    assert!(offset_of!(Packet, timestamp) == offset_of!(abi::Packet, timestamp));
    assert!(offset_of!(Packet, payload) == offset_of!(abi::Packet, payload));
};

impl Packet {
    /// Wraps a payload.
    pub fn new<T: Payload>(timestamp: Timestamp, payload: T) -> Self {
        let payload = Object::new(payload);
        Self { timestamp, payload }
    }

    /// When the payload is due.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The same payload, shared, at another time.
    pub fn with_timestamp(&self, timestamp: Timestamp) -> Self {
        let payload = self.payload.clone();
        Self { timestamp, payload }
    }

    /// The name of the payload's type: its [`Payload::TAG`].
    pub fn tag(&self) -> &'static str {
        text_of(self.payload.tag())
    }

    /// Bytes of memory that the payload holds. Packets that share it count it each.
    pub fn bytes(&self) -> usize {
        self.payload.bytes()
    }

    /// Whether [`get`](Self::get) has a `T`.
    pub fn is<T: Payload>(&self) -> bool {
        self.get::<T>().is_some()
    }

    /// The payload, if it is a `T`, or if another library made it under the same tag and it
    /// [can be read](Payload::import) as one. That is done once; others who ask get the same value.
    #[inline]
    pub fn get<T: Payload>(&self) -> Option<&T> {
        self.payload.local().or_else(|| self.payload.imported())
    }

    /// Takes the payload out without copying it. Of another library's frame, buffers that nobody else
    /// holds can then be written in place.
    ///
    /// # Errors
    /// Hands the packet back when its payload is no `T`, or when another packet shares it.
    pub fn into_inner<T: Payload>(self) -> Result<T, Self> {
        let Self { timestamp, payload } = self;
        let taken = payload.into_local().or_else(Object::into_imported);
        taken.map_err(|payload| Self { timestamp, payload })
    }

    /// Takes the payload out, cloning it if it is shared. For frames a clone copies no pixel.
    ///
    /// # Errors
    /// Hands the packet back when its payload is no `T`.
    pub fn into_inner_or_clone<T: Payload + Clone>(self) -> Result<T, Self> {
        self.into_inner()
            .or_else(|packet| packet.get().cloned().ok_or(packet))
    }

    /// How many packets share the payload at this moment; other threads may change it any time.
    pub fn ref_count(&self) -> usize {
        self.payload.refs()
    }

    /// Whether two packets share one payload (not merely equal ones).
    pub fn shares_payload(&self, other: &Self) -> bool {
        self.payload == other.payload
    }

    /// The packet as other libraries see it, which borrows: it is valid as long as this one.
    pub fn as_raw(&self) -> abi::Packet {
        abi::Packet {
            timestamp: self.timestamp.micros(),
            payload: self.payload.as_raw(),
        }
    }

    /// The packet in the form in which it is passed to other libraries, reference and all.
    pub fn into_raw(self) -> abi::Packet {
        ManuallyDrop::new(self).as_raw()
    }

    /// The packet that another library has passed. `None`, and the payload leaks, if it is null or not
    /// of this contract.
    ///
    /// # Safety
    /// `raw.payload` is null, or a reference to a payload of the contract which is the caller's to give
    /// away.
    #[inline]
    pub unsafe fn from_raw(raw: abi::Packet) -> Option<Self> {
        // SAFETY: the caller's promise.
        let payload = unsafe { Object::from_raw(raw.payload) }?;
        let timestamp = Timestamp::from_micros(raw.timestamp);
        Some(Self { timestamp, payload })
    }

    /// The same without a look at the payload, which may be in another core's cache.
    ///
    /// # Safety
    /// As for [`from_raw`](Self::from_raw), and it would not return `None`.
    #[inline]
    pub unsafe fn from_raw_unchecked(raw: abi::Packet) -> Self {
        // SAFETY: the same bytes, as asserted above; the rest is the caller's promise.
        unsafe { std::mem::transmute::<abi::Packet, Self>(raw) }
    }

    /// Another packet with the payload of one that another library has lent. `None` if it is null or
    /// not of this contract.
    ///
    /// # Safety
    /// `raw.payload` is null, or a payload of the contract to which somebody keeps a reference during
    /// the call.
    #[inline]
    pub unsafe fn clone_raw(raw: &abi::Packet) -> Option<Self> {
        // SAFETY: the caller's promise; this one is not dropped.
        let lent = ManuallyDrop::new(unsafe { Self::from_raw(*raw) }?);
        Some(Self::clone(&lent))
    }
}

/// The text of a tag, which another library may have made.
fn text_of(tag: &'static [u8]) -> &'static str {
    std::str::from_utf8(tag).unwrap_or("?")
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({} @ {})", self.tag(), self.timestamp)
    }
}

#[cfg(test)]
mod tests;
