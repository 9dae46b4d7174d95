//! What a link holds at most, in packets, bytes and all links together, and what happens then.

use super::script::check;

#[test]
fn a_full_link_owes_a_wake_up_at_half_its_limit() {
    let script = "send 1 2 3 4 5 6 | look | take 1 | take 1 | take 1 | take 1 | look";
    insta::assert_snapshot!(check("limit=6", script), @"
    send 1 2 3 4 5 6: +input
    look: room 0, head nothing, bound pre
    take 1: 1
    take 1: 2
    take 1: 3 +room
    take 1: 4
    look: room 4, head 5, bound 7
    ");
}

#[test]
fn what_was_taken_is_room_at_once() {
    insta::assert_snapshot!(check("limit=6", "send 1 2 3 4 5 6 | take 1 | look | stats"), @"
    send 1 2 3 4 5 6: +input
    take 1: 1
    look: room 1, head 2, bound 7
    stats: 6 sent, 5 wait, peak 6
    ");
}

#[test]
fn a_batch_may_exceed_the_limit_and_is_the_peak() {
    insta::assert_snapshot!(check("limit=2", "send 1 2 3 4 5 6 7 8 9 | look | take 9 | stats"), @"
    send 1 2 3 4 5 6 7 8 9: +input
    look: room 0, head nothing, bound pre
    take 9: 1 2 3 4 5 6 7 8 9 +room
    stats: 9 sent, 0 wait, peak 9
    ");
}

#[test]
fn a_limit_of_none_is_a_limit_of_one() {
    insta::assert_snapshot!(check("limit=0", "look | send 1 | look"), @"
    look: room 1, head nothing, bound pre
    send 1: +input
    look: room 0, head nothing, bound pre
    ");
}

#[test]
fn raising_a_limit_makes_room_for_one() {
    let script = "send 1 2 3 | raise | look | send 4 5 6 7 8 9 10 11 12 | raise | look";
    insta::assert_snapshot!(check("limit=3", script), @"
    send 1 2 3: +input
    raise: +room
    look: room 1, head nothing, bound pre
    send 4 5 6 7 8 9 10 11 12: +input
    raise: +room
    look: room 1, head nothing, bound pre
    ");
}

#[test]
fn a_consumer_that_pauses_gives_room_back() {
    let script = "send 1 2 3 4 5 | take 1 | pause | look | pause | send 6 | look | take 1 | pause";
    insta::assert_snapshot!(check("limit=5", script), @"
    send 1 2 3 4 5: +input
    take 1: 1
    pause: +room
    look: room 1, head 2, bound 6
    pause:
    send 6: +input
    look: room 0, head 2, bound 6
    take 1: 2
    pause: +room
    ");
}

#[test]
fn bytes_fill_a_link() {
    let script = "send 1:60 | look | send 2:60 | look | take 1 | look | take 1 | stats";
    insta::assert_snapshot!(check("bytes=100", script), @"
    send 1:60: +input
    look: room 8, head nothing, bound pre
    send 2:60: +input
    look: room 0, head nothing, bound pre
    take 1: 1 +room
    look: room 8, head 2, bound 3
    take 1: 2
    stats: 2 sent, 0 wait (0 bytes), peak 2
    ");
    insta::assert_snapshot!(check("bytes=100", "send 1:999 | look | raise | look | take 1"), @"
    send 1:999: +input
    look: room 0, head nothing, bound pre
    raise: +room
    look: room 9, head nothing, bound pre
    take 1: 1
    ");
}

#[test]
fn the_oldest_are_dropped_and_counted() {
    let script = "send 1 2 3 | send 4 5 | look | take 9 | stats";
    insta::assert_snapshot!(check("limit=3 on_full=drop_oldest", script), @"
    send 1 2 3: +input
    send 4 5: +input
    look: room any, head nothing, bound pre
    take 9: 3 4 5
    stats: 5 sent, 0 wait, peak 3, 2 full
    ");
    // On the receiver's side too.
    let script = "send 1 2 3 | refill | send 4 5 | take 9 | stats";
    insta::assert_snapshot!(check("limit=3 on_full=drop_oldest", script), @"
    send 1 2 3: +input
    refill:
    send 4 5: +input
    take 9: 3 4 5
    stats: 5 sent, 0 wait, peak 5, 2 full
    ");
}

#[test]
fn the_newest_are_dropped_and_counted() {
    let script = "send 1 2 3 4 | refill | send 5 | take 1 | send 6 7 | take 9 | stats";
    insta::assert_snapshot!(check("limit=3 on_full=drop_newest order=error", script), @"
    send 1 2 3 4: +input
    refill:
    send 5:
    take 1: 1
    send 6 7: +input
    take 9: 2 3 6
    stats: 7 sent, 0 wait, peak 3, 3 full
    ");
}

#[test]
fn only_the_latest_waits() {
    let script = "send 1 2 3 | send 4 | refill | send 5 | take 9 | end | take 9 | stats";
    insta::assert_snapshot!(check("limit=3 on_full=latest", script), @"
    send 1 2 3: +input
    send 4: +input
    refill:
    send 5: +input
    take 9: 5
    end: +input
    take 9: eof
    stats: 5 sent, 0 wait, peak 2, 4 full
    ");
}

#[test]
fn signals_are_never_dropped() {
    let script = "send 1 job 2 job 3 4 eof | take 9 | stats";
    insta::assert_snapshot!(check("limit=1 on_full=drop_oldest", script), @"
    send 1 job 2 job 3 4 eof: +input
    take 9: job job 4 eof
    stats: 4 sent, 0 wait, peak 1, 3 full
    ");
    insta::assert_snapshot!(check("on_full=latest", script), @"
    send 1 job 2 job 3 4 eof: +input
    take 9: job job 4 eof
    stats: 4 sent, 0 wait, peak 1, 3 full
    ");
    insta::assert_snapshot!(check("limit=1 on_full=drop_newest", script), @"
    send 1 job 2 job 3 4 eof: +input
    take 9: 1 job job eof
    stats: 4 sent, 0 wait, peak 1, 3 full
    ");
}

#[test]
fn bytes_count_where_packets_are_dropped() {
    let script = "send 1:40 2:40 3:40 4:10 | look | take 9 | send 5:500 | take 9 | stats";
    insta::assert_snapshot!(check("bytes=100 on_full=drop_oldest", script), @"
    send 1:40 2:40 3:40 4:10: +input
    look: room any, head nothing, bound pre
    take 9: 2 3 4
    send 5:500: +input
    take 9: 5
    stats: 5 sent, 0 wait (0 bytes), peak 3, 1 full
    ");
    insta::assert_snapshot!(check("bytes=100 on_full=drop_newest", script), @"
    send 1:40 2:40 3:40 4:10: +input
    look: room any, head nothing, bound pre
    take 9: 1 2 3
    send 5:500: +input
    take 9: 5
    stats: 5 sent, 0 wait (0 bytes), peak 3, 1 full
    ");
}

#[test]
fn what_drops_never_holds_up_its_producer() {
    for on_full in ["drop_oldest", "drop_newest", "latest"] {
        let found = check(&format!("limit=1 on_full={on_full}"), "send 1 2 3 | look");
        assert!(found.contains("look: room any"), "{found}");
    }
}

#[test]
fn a_budget_is_given_back_by_taking_dropping_and_closing() {
    let script = "send 1:60 2:60 | look | take 1 | look | send 3:60 | look | close | look | stats";
    insta::assert_snapshot!(check("budget=100", script), @"
    send 1:60 2:60: +input
    look: room 7, head nothing, bound pre budget used up
    take 1: 1 +budget
    look: room 8, head 2, bound 3
    send 3:60: +input
    look: room 7, head 2, bound 3 budget used up
    close: +budget +closed
    look: room any, head nothing, bound 3
    stats: 3 sent, 0 wait (0 bytes), peak 2, 2 consumer_ended
    ");
    let script = "send 1:60 | send 2:60 | look | send 3:10 | look | reset | stats";
    insta::assert_snapshot!(check("budget=100 on_full=latest", script), @"
    send 1:60: +input
    send 2:60: +input
    look: room any, head nothing, bound pre
    send 3:10: +input
    look: room any, head nothing, bound pre
    reset: +room
    stats: 3 sent, 0 wait (0 bytes), peak 1, 2 full, 1 flushed
    ");
}
