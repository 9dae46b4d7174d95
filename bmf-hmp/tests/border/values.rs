//! Values of other libraries that are not frames, and types of a module's own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use bmf_hmp::{Foreign, ImportError, Packet, Payload, Timestamp, VideoFrame, View, ViewKind};
use serde_json::{Value, json};

use crate::twin::{tagged, twin, twin_of};

fn check<T: Payload + Clone + PartialEq + std::fmt::Debug>(value: T) {
    let packet = twin_of(value.clone());
    assert_eq!(packet.get::<T>(), Some(&value));
    assert_eq!(packet.tag(), T::TAG);
    assert_eq!(packet.bytes(), value.bytes());
    assert_eq!(packet.into_inner::<T>().unwrap(), value);
}

#[test]
fn values_are_equal() {
    check("grüß dich".to_owned());
    check(String::new());
    check(vec![0_u8, 255, 7]);
    check(Vec::<u8>::new());
    check(json!({"a": [1, 2.5, null, "\u{0}"], "b": {}}));
    check(Value::Null);
    check(i64::MIN);
    check(true);
    check(false);
}

#[test]
fn a_tag_is_asked_for_by_name_and_only_that() {
    let packet = twin_of("7".to_owned());
    assert!(packet.is::<String>() && !packet.is::<Vec<u8>>() && !packet.is::<VideoFrame>());
    let packet = tagged(b"bmf.bytes", Packet::new(Timestamp::ZERO, "7".to_owned()));
    assert_eq!(packet.get::<Vec<u8>>(), Some(&b"7".to_vec()));
    assert!(!packet.is::<String>());
}

#[test]
fn a_tag_that_is_no_text_harms_nobody() {
    for (tag, shown) in [(&b"\xff\xfe"[..], "?"), (b"", ""), (b"my.own", "my.own")] {
        let packet = tagged(tag, Packet::new(Timestamp::ZERO, 1_i64));
        assert_eq!(packet.tag(), shown);
        assert!(!packet.is::<i64>());
    }
}

#[test]
fn packets_are_shared_wherever_they_are_from() {
    let (own, (other, watch)) = (
        Packet::new(Timestamp::from_micros(1), 1_i64),
        twin(Packet::new(Timestamp::from_micros(2), "two".to_owned())),
    );
    let batch = vec![own.clone(), other.clone()];
    let local = Packet::new(Timestamp::ZERO, batch.clone());
    let packet = twin_of(batch);
    assert_eq!((own.ref_count(), other.ref_count()), (3, 3));
    for packet in [&local, &packet] {
        let read = packet.get::<Vec<Packet>>().unwrap();
        assert!(read[0].shares_payload(&own) && read[1].shares_payload(&other));
        assert_eq!(read[1].timestamp(), Timestamp::from_micros(2));
        assert_eq!(read[0].get::<i64>(), Some(&1));
        assert_eq!(read[1].get::<String>().map(String::as_str), Some("two"));
    }
    assert_eq!((own.ref_count(), other.ref_count()), (4, 4));
    drop((local, packet));
    assert_eq!((own.ref_count(), other.ref_count()), (1, 1));
    drop(other);
    assert_eq!(watch.destroyed(), 1);
}

/// A type that can be seen in several ways, and read.
#[derive(Clone, Debug, PartialEq)]
struct Score(i64);

impl Payload for Score {
    const TAG: &'static str = "test.score";

    fn view(&self, kind: ViewKind) -> Option<View<'_>> {
        match kind {
            ViewKind::Int => Some(View::Int(self.0)),
            ViewKind::Text => Some(View::Text(self.0.to_string().into())),
            // Not what was asked for.
            ViewKind::Bytes => Some(View::Int(self.0)),
            _ => None,
        }
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        assert_eq!(foreign.tag(), Self::TAG);
        assert!(foreign.bytes().is_err() && foreign.video().is_err());
        assert_eq!(foreign.text()?, foreign.int()?.to_string());
        foreign.int().map(Score)
    }
}

#[test]
fn a_type_of_its_own_is_read_as_it_says() {
    check(Score(3));
}

/// A type that nobody else can see.
struct Secret;

static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);

impl Payload for Secret {
    const TAG: &'static str = "test.secret";
}

#[test]
fn a_type_without_views_only_passes_through() {
    let packet = twin_of(Secret);
    assert_eq!(packet.tag(), "test.secret");
    assert!(packet.get::<Secret>().is_none());
    assert!(packet.into_inner::<Secret>().is_err());
}

/// A type that is never read.
#[derive(Debug)]
struct Hopeless;

impl Payload for Hopeless {
    const TAG: &'static str = "test.hopeless";

    fn import(_: &Foreign<'_>) -> Result<Self, ImportError> {
        ATTEMPTS.fetch_add(1, Ordering::SeqCst);
        Err(ImportError::new("not today"))
    }
}

#[test]
fn what_failed_is_not_tried_again() {
    let packet = twin_of(Hopeless);
    let packet = packet.into_inner::<Hopeless>().unwrap_err();
    assert!(!packet.is::<Hopeless>() && packet.get::<Hopeless>().is_none());
    assert!(packet.into_inner::<Hopeless>().is_err());
    assert_eq!(ATTEMPTS.load(Ordering::SeqCst), 1);
}

/// A type whose code panics wherever it can.
struct Panicking;

impl Payload for Panicking {
    const TAG: &'static str = "test.panicking";

    fn bytes(&self) -> usize {
        panic!("bytes")
    }

    fn view(&self, _: ViewKind) -> Option<View<'_>> {
        panic!("view")
    }

    fn import(foreign: &Foreign<'_>) -> Result<Self, ImportError> {
        assert!(foreign.int().is_err(), "the panic of the view came through");
        panic!("import")
    }
}

impl Drop for Panicking {
    fn drop(&mut self) {
        panic!("drop")
    }
}

#[test]
fn a_panic_stays_on_its_side() {
    let (packet, watch) = twin(Packet::new(Timestamp::ZERO, Panicking));
    assert_eq!(packet.bytes(), 0);
    let read = catch_unwind(AssertUnwindSafe(|| packet.is::<Panicking>()));
    let panic = read.unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"import"));
    drop(packet);
    assert_eq!(watch.destroyed(), 1);
}
