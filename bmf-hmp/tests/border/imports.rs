//! Who makes something of a payload, how often, and when it goes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use bmf_hmp::{Buffer, Packet, PixelFormat, Plane, Timestamp, VideoFrame};

use crate::twin::{add_other_import, twin, twin_of};

/// A picture of one plane that counts its release.
fn counted_frame() -> (VideoFrame, Arc<AtomicUsize>) {
    let released = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&released);
    let buffer = Buffer::with_release(vec![0; 64], move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let planes = [Plane::new(buffer, 8)];
    let frame = VideoFrame::from_planes(PixelFormat::Gray, 8, 8, planes).unwrap();
    (frame, released)
}

#[test]
fn a_packet_is_as_small_as_in_c() {
    assert_eq!(size_of::<Packet>(), size_of::<bmf_abi::Packet>());
    assert_eq!(size_of::<Option<Packet>>(), size_of::<Packet>());
}

#[test]
fn a_packet_that_comes_back_is_the_same_object() {
    let packet = Packet::new(Timestamp::from_micros(5), "there".to_owned());
    let address = packet.get::<String>().unwrap() as *const String;
    let raw = packet.as_raw();
    let mut packet = packet;
    for _ in 0..2 {
        let passed = packet.into_raw();
        assert_eq!((passed.timestamp, passed.payload), (5, raw.payload));
        // SAFETY: passed above.
        packet = unsafe { Packet::from_raw(passed) }.unwrap();
    }
    // SAFETY: lent by `packet`.
    let other = unsafe { Packet::clone_raw(&packet.as_raw()) }.unwrap();
    assert!(other.shares_payload(&packet) && packet.ref_count() == 2);
    assert!(std::ptr::eq(other.get::<String>().unwrap(), address));
    drop(other);
    assert_eq!(packet.into_inner::<String>().unwrap(), "there");
}

#[test]
fn an_import_is_made_once_and_lives_as_long_as_the_payload() {
    let (frame, released) = counted_frame();
    let (packet, watch) = twin(Packet::new(Timestamp::ZERO, frame));
    let later = packet.with_timestamp(Timestamp::from_micros(1));
    let first = packet.get::<VideoFrame>().unwrap();
    let asked = watch.views();
    assert!(std::ptr::eq(first, later.get::<VideoFrame>().unwrap()));
    assert!(later.is::<VideoFrame>() && watch.views() == asked);
    let kept = first.clone();
    drop(packet);
    assert_eq!(watch.destroyed(), 0);
    drop(later);
    assert_eq!((watch.destroyed(), released.load(Ordering::SeqCst)), (1, 0));
    drop(kept);
    assert_eq!(released.load(Ordering::SeqCst), 1);
}

#[test]
fn threads_that_ask_at_once_get_the_same() {
    for _ in 0..50 {
        let (frame, released) = counted_frame();
        let (packet, watch) = twin(Packet::new(Timestamp::ZERO, frame));
        let barrier = Barrier::new(8);
        let ask = || {
            barrier.wait();
            let mine = packet.clone();
            mine.get::<VideoFrame>().unwrap() as *const VideoFrame as usize
        };
        let found = std::thread::scope(|scope| {
            let threads = [(); 8].map(|()| scope.spawn(ask));
            threads.map(|thread| thread.join().unwrap())
        });
        assert!(found.iter().all(|address| *address == found[0]));
        assert_eq!(released.load(Ordering::SeqCst), 0);
        drop(packet);
        assert_eq!((watch.destroyed(), released.load(Ordering::SeqCst)), (1, 1));
    }
}

#[test]
fn the_last_of_several_threads_frees() {
    for _ in 0..50 {
        let (frame, released) = counted_frame();
        let (packet, watch) = twin(Packet::new(Timestamp::ZERO, frame));
        let packets = [(); 4].map(|()| packet.clone());
        drop(packet);
        std::thread::scope(|scope| {
            for packet in packets {
                scope.spawn(move || {
                    let packet = packet.into_inner::<VideoFrame>();
                    packet.map_or_else(|packet| packet.is::<VideoFrame>(), |_| true)
                });
            }
        });
        assert_eq!((watch.destroyed(), released.load(Ordering::SeqCst)), (1, 1));
    }
}

#[test]
fn a_frame_that_is_taken_out_is_written_in_place() {
    for asks_first in [false, true] {
        let (frame, released) = counted_frame();
        let address = frame.planes()[0].buffer().as_ptr();
        let (packet, watch) = twin(Packet::new(Timestamp::ZERO, frame));
        if asks_first {
            assert!(packet.is::<VideoFrame>());
        }
        let mut frame = packet.into_inner::<VideoFrame>().unwrap();
        assert_eq!(watch.destroyed(), 1);
        assert_eq!(frame.plane_mut(0).unwrap().0.as_ptr(), address);
        let sent = Packet::new(Timestamp::ZERO, frame);
        assert_eq!(released.load(Ordering::SeqCst), 0);
        drop(sent);
        assert_eq!(released.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_shared_frame_stays_where_it_is() {
    let (frame, _) = counted_frame();
    let address = frame.planes()[0].buffer().as_ptr();
    let packet = twin_of(frame);
    let other = packet.clone();
    let packet = packet.into_inner::<VideoFrame>().unwrap_err();
    let mut frame = packet.into_inner_or_clone::<VideoFrame>().unwrap();
    assert_eq!(frame.planes()[0].buffer().as_ptr(), address);
    frame.plane_mut(0).unwrap().0[0] = 1;
    let original = other.into_inner_or_clone::<VideoFrame>().unwrap();
    assert_eq!(
        (frame.row(0, 0).unwrap()[0], original.row(0, 0).unwrap()[0]),
        (1, 0)
    );
    assert_eq!(original.planes()[0].buffer().as_ptr(), address);
    assert!(original.planes()[0].buffer().is_unique());
}

#[test]
fn imports_of_others_are_left_alone_and_go_with_the_payload() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let (local, foreign) = (Packet::new(Timestamp::ZERO, 1_i64), twin_of(2_i64));
    for packet in [&local, &foreign] {
        add_other_import(packet, &dropped);
    }
    assert_eq!((local.get(), foreign.get()), (Some(&1_i64), Some(&2_i64)));
    add_other_import(&foreign, &dropped);
    assert_eq!(foreign.get(), Some(&2_i64));
    assert_eq!(local.into_inner::<i64>().unwrap(), 1);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert_eq!(foreign.into_inner::<i64>().unwrap(), 2);
    assert_eq!(dropped.load(Ordering::SeqCst), 3);
    let local = Packet::new(Timestamp::ZERO, 1_i64);
    add_other_import(&local, &dropped);
    drop(local);
    assert_eq!(dropped.load(Ordering::SeqCst), 4);
}
