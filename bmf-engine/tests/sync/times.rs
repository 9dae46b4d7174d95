//! Cases T and S: timestamps, one queue, and the bounds of outputs.
//!
//! T01, T02, S21 and S22 at the ends of time are unit tests of `bmf-hmp` (`time/bound.rs`) too; the
//! queue itself has those of `bmf-streams`.
//!
//! S09 and S10, packets beside all times, are in G18.
//!
//! Not applicable:
//! * S05, S06 taking the packet of a time from a queue, and that backwards: policies look at the
//!   first packet and its bound, and never ask for a time.
//! * S12 streams have no declared payload; a module says what it cannot take (N11).
//! * S26 headers: there are none.
//!
//! Differs on purpose:
//! * T01: the time before the position after the stream is the last one. T02: arithmetic on the two
//!   positions around all times leaves them where they are, or is `None`.
//! * S01, S07: a consumer is woken by each batch, and a producer at half the limit; being woken twice
//!   is being woken once.
//! * S04: a node that has looked at a time does not forbid its producer to send it; only packets and
//!   promises move a bound.
//! * S24: after the packet before the stream nothing can follow, so its consumer ends.

use bmf_engine::Polled;
use bmf_hmp::Timestamp;

use crate::play::{Play, check, totals};

#[test]
fn t02_times_saturate() {
    let sum = |time: Timestamp, micros| time.saturating_add(micros);
    assert_eq!(sum(Timestamp::MIN, -1), Timestamp::MIN);
    assert_eq!(sum(Timestamp::MAX, 1), Timestamp::MAX);
    assert_eq!(sum(sum(Timestamp::MAX, -5), 10), Timestamp::MAX);
    assert_eq!(sum(Timestamp::MIN, 0), Timestamp::MIN);
    assert_eq!(sum(Timestamp::MAX, 0), Timestamp::MAX);
    assert_eq!(sum(Timestamp::MAX, i64::MIN), Timestamp::from_micros(-3));
    assert_eq!(sum(Timestamp::PRE_STREAM, 5), Timestamp::PRE_STREAM);
    assert_eq!(Timestamp::POST_STREAM.checked_add(-5), None);
}

#[test]
fn t03_times_that_a_stream_can_have() {
    let alone = |time: &str| check("x = pass(a)", &format!("a 1@{time}\nend"));
    for time in ["pre", "min", "-5", "0", "max", "post"] {
        assert_eq!(
            alone(time),
            format!("a 1@{time}: x=[1@{time}]\nend: ok"),
            "{time}"
        );
    }
    insta::assert_snapshot!(alone("9223372036854775807"), @r#"
    a 1@9223372036854775807: 1@9223372036854775807: stream "a", which 'x' takes: 9223372036854775807 is no time that a packet can have
    end: ok
    "#);
}

#[test]
fn s02_back_in_time_within_one_batch() {
    let graph = "
        s = act(a)
        x = pass(s)
        observe x";
    for workers in [1, 2, 4] {
        // What came before it in the batch was sent; it may have passed before the run failed.
        let seen = totals(&[workers], graph, "a 20,10,30@0\nfinish");
        let error = seen.lines().last().unwrap_or_default();
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @r#"error: node 0 's' (act): stream "s" to node 1 'x' (pass): a packet at 0.000010s goes back in time: the earliest that could come was 0.000021s"#);
        }
    }
}

#[test]
fn s03_a_bound_stands_behind_the_packets() {
    let mut play = Play::start("x = pass(a)", 2).unwrap();
    play.silent = true;
    play.run("a 10@10 20@20 30@30\na ->30 ->40 ->50");
    // What waits is seen once the reader has looked.
    let output = &play.observed[0].output;
    let mut bounds = Vec::new();
    while matches!(output.try_next(), Polled::Packet(_)) {
        bounds.push(output.bound().to_string());
    }
    assert_eq!(bounds, ["0.000020s", "0.000030s", "0.000050s"]);
    play.silent = false;
    insta::assert_snapshot!(play.run("a ->60 ->70 ->80\na 90@90\nclose a\nfinish"), @"
    a ->60 ->70 ->80: -
    a 90@90: x=[90@90]
    close a: -
    finish: ok
    ");
}

#[test]
fn s04_bounds_do_not_go_back() {
    let graph = "
        x = pass(a)
        observe bounds x";
    let script = "
        a 10@10 20@20
        a ->50
        a ->40
        a 30@30
        a 110@110
        a ->151
        a 130@130
        end";
    insta::assert_snapshot!(check(graph, script), @r#"
    a 10@10 20@20: x=[10@10,20@20]
    a ->50: x=[∅@49]
    a ->40: -
    a 30@30: 30@30: stream "a", which 'x' takes: a packet at 0.000030s goes back in time: the earliest that could come was 0.000050s
    a 110@110: x=[110@110]
    a ->151: x=[∅@150]
    a 130@130: 130@130: stream "a", which 'x' takes: a packet at 0.000130s goes back in time: the earliest that could come was 0.000151s
    end: ok
    "#);
}

#[test]
fn s08_each_packet_is_freed_when_it_has_been_read() {
    let mut play = Play::start("x = pass(a)", 2).unwrap();
    play.silent = true;
    let packets: Vec<_> = (1..=3)
        .map(|time| crate::text::packet(&format!("0@{time}")))
        .collect();
    for packet in &packets {
        play.input("a").add(packet.clone()).unwrap();
    }
    play.wait_idle();
    let alive = || {
        packets
            .iter()
            .filter(|packet| packet.ref_count() > 1)
            .count()
    };
    for left in (0..3).rev() {
        assert_eq!(alive(), left + 1);
        assert!(matches!(
            play.observed[0].output.try_next(),
            Polled::Packet(_)
        ));
        assert_eq!(alive(), left);
    }
}

const UNORDERED: &str = "
    a 1@pre
    a 2@10
    a 3@post
    a 4@5
    a 5@1 6@max
    a ->4 ->2
    a 7@0
    end";

#[test]
fn s11_without_order_all_is_taken() {
    insta::assert_snapshot!(check("x = pass(a) immediate", UNORDERED), @"
    a 1@pre: x=[1@pre]
    a 2@10: x=[2@10]
    a 3@post: x=[3@post]
    a 4@5: x=[4@5]
    a 5@1 6@max: x=[5@1,6@max]
    a ->4 ->2: -
    a 7@0: x=[7@0]
    end: ok
    ");
}

#[test]
fn s11_a_barrier_takes_all_too() {
    let script = "
        a 1@max
        b 1@0
        b 2@1
        a 2@5
        end";
    insta::assert_snapshot!(check("x,y = pass(a,b) barrier", script), @"
    a 1@max: -
    b 1@0: x=[1@max] | y=[1@0]
    b 2@1: -
    a 2@5: x=[2@5] | y=[2@1]
    end: ok
    ");
}

/// Runs one call of a node, with the given arguments, that does what the packet says; shows what
/// that comes to with the bound behind it.
fn after(args: &str, packet: &str) -> String {
    let graph = format!("x = act{args}(a)\nobserve bounds x");
    let seen = check(&graph, &format!("wait\na {packet}"));
    let seen = seen
        .lines()
        .map(|line| line.split_once(": ").unwrap().1.to_owned());
    seen.collect::<Vec<_>>().join(" then ")
}

#[test]
fn s20_bounds_without_an_offset() {
    for (packet, seen) in [
        ("none@0", "-"),
        ("10@0", "x=[10@10]"),
        ("10,20@0", "x=[10@10,20@20]"),
        ("10,20,>100@0", "x=[10@10,20@20,∅@99]"),
        ("end@0", "-"),
    ] {
        assert_eq!(after("", packet), format!("- then {seen}"), "{packet}");
    }
}

#[test]
fn s21_s22_bounds_with_an_offset() {
    for (args, packet, seen) in [
        ("[0]", "none@0", "x=[∅@0]"),
        ("[0]", "10@0", "x=[10@10]"),
        ("[0]", "10,20,>100@0", "x=[10@10,20@20,∅@99]"),
        ("[-10]", "none@0", "x=[∅@-10]"),
        ("[-10]", "10@0", "x=[10@10]"),
        ("[-10]", "10,20,>100@0", "x=[10@10,20@20,∅@99]"),
        ("[5]", "none@0", "x=[∅@5]"),
    ] {
        assert_eq!(
            after(args, packet),
            format!("- then {seen}"),
            "{args} {packet}"
        );
    }
}

#[test]
fn s23_s24_bounds_before_the_first_call_and_before_the_stream() {
    assert_eq!(after("[0,20]", "none@0"), "x=[20@20] then -");
    assert_eq!(after("[0,20]", "30@25"), "x=[20@20] then x=[30@30]");
    assert_eq!(after("[0,20]", "none@25"), "x=[20@20] then x=[∅@25]");
    for args in ["", "[0]"] {
        assert_eq!(after(args, "none@pre"), "- then -");
        assert_eq!(after(args, "20@pre"), "- then x=[20@20]");
    }
}

#[test]
fn s25_a_promise_that_is_taken_back() {
    let graph = "
        s = act(a)
        x = pass(s)
        observe x";
    insta::assert_snapshot!(check(graph, "a >50@0\na >40@1\nfinish"), @r#"
    a >50@0: -
    a >40@1: -
    finish: error: node 0 's' (act): stream "s" to node 1 'x' (pass): the promise that nothing comes before 0.000040s takes back that of 0.000050s
    "#);
    insta::assert_snapshot!(check(graph, "a >50@0\na 40@1\nfinish"), @r#"
    a >50@0: -
    a 40@1: -
    finish: error: node 0 's' (act): stream "s" to node 1 'x' (pass): a packet at 0.000040s goes back in time: the earliest that could come was 0.000050s
    "#);
    // Within one call only the last promise counts.
    insta::assert_snapshot!(check(graph, "a >50,>40@0\na 40@1\nend"), @"
    a >50,>40@0: -
    a 40@1: x=[40@40]
    end: ok
    ");
}
