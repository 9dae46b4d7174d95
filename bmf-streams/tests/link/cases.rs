//! The behaviour cases of a queue, by the letters under which MediaPipe's users rely on them, and
//! what is ours beside them. What is different here:
//!
//! * S01: every batch wakes its consumer, not only the first into an empty queue; the scheduler
//!   makes one step of several wake-ups.
//! * S03, the part about a bound behind packets: the consumer of a link that wants bounds is woken
//!   for each of them; what it then sees is the same.
//! * S04, the part about lower bounds: a link passes over them, since a node may have several
//!   reasons to promise; a module that takes a promise back is told at its output (S25). And taking
//!   packets never moves the bound: a policy takes nothing that is not settled.
//! * S05, S06: a link has no notion of taking at a time; the policies have (D01 to D08).
//! * S12: types of payloads are checked where the graph is, and by the modules; a link carries any.

use bmf_core::StreamItem;
use bmf_hmp::{Bound, Packet, Timestamp};
use bmf_streams::LinkSettings;

use super::link;
use super::script::check;

#[test]
fn s01_a_batch_wakes_once_and_an_empty_one_not_at_all() {
    insta::assert_snapshot!(check("", "send | send 10 20 | send 30 | take 9 | send 60 70"), @"
    send:
    send 10 20: +input
    send 30: +input
    take 9: 10 20 30
    send 60 70: +input
    ");
}

#[test]
fn s02_a_batch_that_goes_back_in_time_ends_there() {
    insta::assert_snapshot!(check("order=error", "send 20 10 30 | take 9 | send 20 | look"), @"
    send 20 10 30: a packet at 0.000010s goes back in time: the earliest that could come was 0.000021s +input
    take 9: 20
    send 20: a packet at 0.000020s goes back in time: the earliest that could come was 0.000021s
    look: room 9, head nothing, bound 21
    ");
}

#[test]
fn s03_bounds_stay_behind_packets() {
    let script = "send 10 20 | bound 30 | bound 50 | take 1 | look | take 1 | look | bound 60 \
                  | bound 60 | refill | look | send 90 | take 1 | look | end | take 1 | look";
    insta::assert_snapshot!(check("order=error wants_bounds", script), @"
    send 10 20: +input
    bound 30: +input
    bound 50: +input
    take 1: 10
    look: room 8, head 20, bound 50
    take 1: 20
    look: room 9, head nothing, bound 50
    bound 60: +input
    bound 60:
    refill:
    look: room 9, head nothing, bound 60
    send 90: +input
    take 1: 90
    look: room 9, head nothing, bound 91
    end: +input
    take 1: eof
    look: room any, head nothing, bound nothing
    ");
}

#[test]
fn s03_nobody_is_woken_for_bounds_that_nobody_wants() {
    insta::assert_snapshot!(check("", "bound 30 | refill | look"), @"
    bound 30:
    refill:
    look: room 9, head nothing, bound 30
    ");
}

#[test]
fn s04_what_was_promised_not_to_come_is_refused() {
    let script = "send 10 20 | bound 50 | bound 40 | send 30 | take 9 | look | send 110 130";
    insta::assert_snapshot!(check("order=error", script), @"
    send 10 20: +input
    bound 50:
    bound 40:
    send 30: a packet at 0.000030s goes back in time: the earliest that could come was 0.000050s
    take 9: 10 20
    look: room 9, head nothing, bound 50
    send 110 130: +input
    ");
}

#[test]
fn s07_full_and_not_full_any_more() {
    insta::assert_snapshot!(check("limit=2", "send 1 2 3 | look | take 9 | look | send 4 5 | look"), @"
    send 1 2 3: +input
    look: room 0, head nothing, bound pre
    take 9: 1 2 3 +room
    look: room 2, head nothing, bound 4
    send 4 5: +input
    look: room 0, head nothing, bound 4
    ");
}

#[test]
fn s08_a_packet_is_released_when_it_is_taken() {
    let (sender, mut receiver) = link(&LinkSettings::new(3));
    let kept: Vec<_> = (0..3)
        .map(|time| Packet::new(Timestamp::from_micros(time), time))
        .collect();
    let items = kept.iter().cloned().map(StreamItem::Packet);
    sender.send(items, Bound::START, &mut |_| {}).unwrap();
    receiver.refill(&mut |_| {});
    for taken in 1..=3 {
        drop(receiver.pop());
        receiver.taken(1, &mut |_| {});
        let alive = kept.iter().filter(|packet| packet.ref_count() > 1).count();
        assert_eq!(alive, 3 - taken);
    }
}

#[test]
fn s09_s10_a_packet_before_or_after_the_stream_is_alone() {
    insta::assert_snapshot!(check("order=error", "send pre | send 10 | take 9 | look"), @"
    send pre: +input
    send 10: a packet at 0.000010s goes back in time: the earliest that could come was nothing
    take 9: pre
    look: room 9, head nothing, bound nothing
    ");
    insta::assert_snapshot!(check("order=error", "send 10 post | take 9"), @"
    send 10 post: a packet after the stream must be the only one of its stream +input
    take 9: 10
    ");
    insta::assert_snapshot!(check("order=error", "send post | send 10"), @"
    send post: +input
    send 10: a packet at 0.000010s goes back in time: the earliest that could come was nothing
    ");
    insta::assert_snapshot!(check("order=error", "send 10 | reset | send post | take 9"), @"
    send 10: +input
    reset: +room
    send post: +input
    take 9: post
    ");
}

#[test]
fn s11_without_order_all_pass() {
    insta::assert_snapshot!(check("order=any", "send pre 10 post 5 | bound 3 | take 9 | look"), @"
    send pre 10 post 5: +input
    bound 3:
    take 9: pre 10 post 5
    look: room 9, head nothing, bound 9223372036854775805
    ");
}

#[test]
fn t02_times_saturate() {
    let add = |time: Timestamp, micros| time.saturating_add(micros);
    assert_eq!(add(Timestamp::MIN, -1), Timestamp::MIN);
    assert_eq!(add(Timestamp::MAX, 1), Timestamp::MAX);
    assert_eq!(add(add(Timestamp::MAX, -5), 10), Timestamp::MAX);
    assert_eq!(add(Timestamp::PRE_STREAM, 7), Timestamp::PRE_STREAM);
    assert_eq!(Bound::START.shifted(-7), Bound::START);
}

#[test]
fn t03_times_a_stream_can_have() {
    for time in ["pre", "min", "-5", "0", "max", "post"] {
        let expected = format!("send {time}: +input\n");
        assert_eq!(check("order=error", &format!("send {time}")), expected);
    }
    insta::assert_snapshot!(check("order=error", "send done"), @"send done: 9223372036854775807 is no time that a packet can have");
}

#[test]
fn packets_back_in_time_are_dropped_where_that_is_declared() {
    insta::assert_snapshot!(check("order=drop", "send 10 5 20 | bound 30 | send 25 30 | take 9 | stats"), @"
    send 10 5 20: +input
    bound 30:
    send 25 30: +input
    take 9: 10 20 30
    stats: 5 sent, 0 wait, peak 3, 2 backwards
    ");
}

#[test]
fn packets_back_in_time_are_moved_where_that_is_declared() {
    insta::assert_snapshot!(check("order=clamp", "send 10 5 5 20 | bound 30 | send 25 30 | take 9 | stats"), @"
    send 10 5 5 20: +input
    bound 30:
    send 25 30: +input
    take 9: 10 11 12 20 30 31 +room
    stats: 6 sent, 0 wait, peak 6
    ");
    insta::assert_snapshot!(check("order=clamp", "send max 5 | take 9 | stats"), @"
    send max 5: +input
    take 9: 9223372036854775805
    stats: 2 sent, 0 wait, peak 1, 1 backwards
    ");
}

#[test]
fn nothing_follows_the_end() {
    let script = "send 1 2 | look | end | look | send 3 | take 9 | stats";
    insta::assert_snapshot!(check("limit=2", script), @"
    send 1 2: +input
    look: room 0, head nothing, bound pre
    end: +input
    look: room any, head nothing, bound pre
    send 3:
    take 9: 1 2 eof +room
    stats: 3 sent, 0 wait, peak 2, 1 consumer_ended
    ");
    insta::assert_snapshot!(check("", "send 1 eof 2 | refill | look"), @"
    send 1 eof 2: +input
    refill:
    look: room any, head 1, bound nothing
    ");
}

#[test]
fn the_end_of_a_job_keeps_its_place() {
    insta::assert_snapshot!(check("", "send 1 job 2 | send job | take 9"), @"
    send 1 job 2: +input
    send job: +input
    take 9: 1 job 2 job
    ");
}

#[test]
fn a_closed_link_swallows_and_counts() {
    let script = "send 1 | refill | send 2 3 | close | look | send 4 | bound 9 | end | stats";
    insta::assert_snapshot!(check("limit=2", script), @"
    send 1: +input
    refill:
    send 2 3: +input
    close: +closed
    look: room any, head nothing, bound 2
    send 4:
    bound 9:
    end:
    stats: 4 sent, 0 wait, peak 3, 4 consumer_ended
    ");
}

#[test]
fn a_closed_link_keeps_no_packet() {
    let (sender, mut receiver) = link(&LinkSettings::new(2));
    let kept = Packet::new(Timestamp::ZERO, 1_i64);
    let send = || {
        let item = StreamItem::Packet(kept.clone());
        sender
            .send(std::iter::once(item), Bound::START, &mut |_| {})
            .unwrap();
    };
    send();
    receiver.refill(&mut |_| {});
    send();
    assert_eq!(kept.ref_count(), 3);
    receiver.close(&mut |_| {});
    send();
    assert_eq!(kept.ref_count(), 1);
}

#[test]
fn a_dropped_receiver_leaves_nothing_behind() {
    let (sender, receiver) = link(&LinkSettings::new(2));
    let kept = Packet::new(Timestamp::ZERO, 1_i64);
    let item = StreamItem::Packet(kept.clone());
    sender
        .send(std::iter::once(item), Bound::START, &mut |_| {})
        .unwrap();
    drop(receiver);
    assert_eq!(kept.ref_count(), 1);
    assert!(sender.link().is_closed());
}

#[test]
fn a_reset_link_begins_anew() {
    let script = "send 10 20 | refill | send 30 | end | reset | look | stats | send 1 | take 9";
    insta::assert_snapshot!(check("order=error", script), @"
    send 10 20: +input
    refill:
    send 30: +input
    end: +input
    reset: +room
    look: room 9, head nothing, bound pre
    stats: 3 sent, 0 wait, peak 3, 3 flushed
    send 1: +input
    take 9: 1
    ");
}
