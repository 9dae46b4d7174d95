//! [`Packet`]: what travels on a stream. A timestamp and a shared, immutable payload of any named type.
//!
//! A packet knows nothing of streams, queues or nodes, and it never carries control: end of stream
//! and the like travel beside packets, not as timestamps with a secret meaning.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::Timestamp;

/// A type that can travel in a [`Packet`].
///
/// `TAG` names the type wherever a Rust type cannot: in logs, in error messages, at the border of a
/// plugin. Tags of this crate start with `bmf.`; choose your own prefix for your own types. Two types
/// with one tag do no harm to memory (access is checked by type, not by tag), only to messages.
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
pub trait Payload: Send + Sync + 'static {
    /// The name of the type, unique among the types that meet in a graph.
    const TAG: &'static str;

    /// Bytes of memory that the payload holds, for queue limits and memory budgets: what it points
    /// to counts too.
    fn bytes(&self) -> usize {
        size_of_val(self)
    }
}

impl Payload for serde_json::Value {
    const TAG: &'static str = "bmf.json";
}

impl Payload for String {
    const TAG: &'static str = "bmf.text";

    fn bytes(&self) -> usize {
        self.capacity()
    }
}

impl Payload for Vec<u8> {
    const TAG: &'static str = "bmf.bytes";

    fn bytes(&self) -> usize {
        self.capacity()
    }
}

impl Payload for i64 {
    const TAG: &'static str = "bmf.int";
}

impl Payload for bool {
    const TAG: &'static str = "bmf.bool";
}

/// Several packets as one: a batch.
impl Payload for Vec<Packet> {
    const TAG: &'static str = "bmf.packets";

    fn bytes(&self) -> usize {
        self.iter().map(Packet::bytes).sum()
    }
}

/// A payload whose type has been forgotten.
trait Erased: Any + Send + Sync {
    fn tag(&self) -> &'static str;
    fn payload_bytes(&self) -> usize;
}

impl<T: Payload> Erased for T {
    fn tag(&self) -> &'static str {
        T::TAG
    }

    fn payload_bytes(&self) -> usize {
        self.bytes()
    }
}

/// A timestamp and a shared payload.
///
/// Cloning costs one atomic increment, whatever the payload. A payload is immutable while it is
/// shared; who wants to change it takes it out with [`into_inner`](Self::into_inner) or
/// [`into_inner_or_clone`](Self::into_inner_or_clone) and wraps the result in a new packet.
#[derive(Clone)]
pub struct Packet {
    timestamp: Timestamp,
    payload: Arc<dyn Erased>,
}

impl Packet {
    /// Wraps a payload.
    pub fn new<T: Payload>(timestamp: Timestamp, payload: T) -> Self {
        Self {
            timestamp,
            payload: Arc::new(payload),
        }
    }

    /// When the payload is due.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The same payload, shared, at another time.
    pub fn with_timestamp(&self, timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            payload: Arc::clone(&self.payload),
        }
    }

    /// The name of the payload's type: its [`Payload::TAG`].
    pub fn tag(&self) -> &'static str {
        self.payload.tag()
    }

    /// Bytes of memory that the payload holds. Packets that share it count it each.
    pub fn bytes(&self) -> usize {
        self.payload.payload_bytes()
    }

    /// Whether the payload is a `T`.
    pub fn is<T: Payload>(&self) -> bool {
        self.any().is::<T>()
    }

    /// The payload, if it is a `T`.
    pub fn get<T: Payload>(&self) -> Option<&T> {
        self.any().downcast_ref()
    }

    /// Takes the payload out without copying it.
    ///
    /// # Errors
    /// Hands the packet back when its payload is no `T`, or when another packet shares it.
    pub fn into_inner<T: Payload>(self) -> Result<T, Self> {
        if !self.is::<T>() {
            return Err(self);
        }
        let timestamp = self.timestamp;
        Arc::try_unwrap(self.downcast::<T>()).map_err(|payload| Self { timestamp, payload })
    }

    /// Takes the payload out, cloning it if it is shared. For frames a clone copies no pixel.
    ///
    /// # Errors
    /// Hands the packet back when its payload is no `T`.
    pub fn into_inner_or_clone<T: Payload + Clone>(self) -> Result<T, Self> {
        if self.is::<T>() {
            Ok(Arc::unwrap_or_clone(self.downcast::<T>()))
        } else {
            Err(self)
        }
    }

    /// How many packets share the payload at this moment; other threads may change it any time.
    pub fn ref_count(&self) -> usize {
        Arc::strong_count(&self.payload)
    }

    /// Whether two packets share one payload (not merely equal ones).
    pub fn shares_payload(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.payload, &other.payload)
    }

    fn any(&self) -> &dyn Any {
        &*self.payload
    }

    fn downcast<T: Payload>(self) -> Arc<T> {
        let any: Arc<dyn Any + Send + Sync> = self.payload;
        any.downcast().expect("callers have checked the type")
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({} @ {})", self.tag(), self.timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn access_is_by_type() {
        let packet = Packet::new(at(1_040_000), "hello".to_owned());
        assert_eq!(packet.get::<String>().map(String::as_str), Some("hello"));
        assert_eq!(packet.get::<i64>(), None);
        assert!(packet.is::<String>() && !packet.is::<Vec<u8>>());
        insta::assert_snapshot!(format!("{packet:?}"), @"Packet(bmf.text @ 1.040000s)");
    }

    #[test]
    fn clones_and_retimed_packets_share_the_payload() {
        let packet = Packet::new(at(0), vec![1_u8, 2, 3]);
        let later = packet.with_timestamp(at(7));
        assert!(packet.shares_payload(&later) && packet.shares_payload(&packet.clone()));
        assert_eq!((later.timestamp(), packet.ref_count()), (at(7), 2));
    }

    #[test]
    fn a_payload_leaves_only_its_last_packet() {
        let packet = Packet::new(at(5), 42_i64);
        let other = packet.clone();
        let packet = packet.into_inner::<i64>().unwrap_err();
        drop(other);
        let packet = packet.into_inner::<String>().unwrap_err();
        assert_eq!(packet.timestamp(), at(5));
        assert_eq!(packet.into_inner::<i64>().unwrap(), 42);
    }

    #[test]
    fn a_shared_payload_can_be_cloned_out() {
        let packet = Packet::new(at(0), "a".to_owned());
        assert_eq!(packet.clone().into_inner_or_clone::<String>().unwrap(), "a");
        assert!(packet.clone().into_inner_or_clone::<i64>().is_err());
        assert_eq!(packet.get::<String>().map(String::as_str), Some("a"));
    }
}
