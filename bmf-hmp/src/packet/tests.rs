//! Tests of packets within one library.

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
