//! Cases L: loops.
//!
//! Differs on purpose:
//! * L06: a loop that can never start fails the run as stuck, naming who waits for whom and how many
//!   packets wait, as soon as nothing can move any more; no packet is lost with status ok.
//! * A loop from which nothing comes any more is ended by the engine, so that no policy is needed
//!   for that; `early_close` is still there for a node that is to end at once.

use crate::play::{check, refused, totals};

#[test]
fn l01_a_cycle_must_be_declared() {
    let graph = "
        x,_ = pass(a,y)
        y = pass(x)";
    insta::assert_snapshot!(refused(graph), @"
    error: the graph has a cycle: 'x' -> 'y' -> 'x'
      help: a loop is possible where the input that closes it says back_edge = true
    ");
    insta::assert_snapshot!(refused("x,y = pass(a,y)"), @"
    error: the graph has a cycle: 'x' -> 'x'
      help: a loop is possible where the input that closes it says back_edge = true
    ");
    insta::assert_snapshot!(refused("x,y = pass(a,y back)"), @"accepted");
}

#[test]
fn l02_a_running_sum() {
    let graph = "
        ints = src[6]()
        s = sum(ints,old back) early_close
        old = delay1(s)
        observe s";
    insta::assert_snapshot!(totals(&[1, 2, 4], graph, "finish"), @"
    s=[0@0,1@1,3@2,6@3,10@4,15@5]
    ok
    ");
}

/// The same without a policy that ends it.
#[test]
fn l02_a_loop_ends_when_nothing_is_left_in_it() {
    let graph = "
        s,back = pass(ints,old back)
        old = delay1(s)
        observe s back";
    let script = "
        ints 1@0
        ints 2@1
        ints 3@2
        end";
    insta::assert_snapshot!(check(graph, script), @"
    ints 1@0: s=[1@0] | back=[0@0]
    ints 2@1: s=[2@1] | back=[1@1]
    ints 3@2: s=[3@2] | back=[2@2]
    end: back=[3@3] | ok
    ");
}

#[test]
fn l02_a_loop_with_an_offset() {
    let graph = "
        s = sum(ints,old back) early_close
        old = delay20(s)
        observe s old";
    let script = "
        ints 1@0
        ints 2@20
        ints 3@40
        end";
    insta::assert_snapshot!(check(graph, script), @"
    ints 1@0: s=[1@0] | old=[0@0,1@20]
    ints 2@20: s=[3@20] | old=[3@40]
    ints 3@40: s=[6@40] | old=[6@60]
    end: ok | old lost 1: by_policy
    ");
}

#[test]
fn l05_an_untimed_cycle() {
    let graph = "
        s = sum(ints,old back) barrier
        old = delay_min(s)
        observe s";
    let script = "
        ints 1@0
        ints 2@1
        ints 3@2 4@3 5@4
        end";
    insta::assert_snapshot!(check(graph, script), @"
    ints 1@0: s=[1@0]
    ints 2@1: s=[3@1]
    ints 3@2 4@3 5@4: s=[6@2,10@3,15@4]
    end: ok | old lost 1: by_policy
    ");
}

#[test]
fn l06_a_loop_that_can_never_start() {
    let graph = "
        x,_ = pass(a,y back)
        y = pass(x)";
    let script = "
        wait
        a 1@1
        a 2@2
        finish";
    insta::assert_snapshot!(check(graph, script), @r#"
    wait: -
    a 1@1: -
    a 2@2: 2@2: the graph is stuck: node 0 'x' (pass) waits for 'y' to send on "y" (needs 0.000001s settled, the next may come at before the stream), 1 packets wait meanwhile; node 1 'y' (pass) waits for 'x' to send on "x"
    finish: error: the graph is stuck: node 0 'x' (pass) waits for 'y' to send on "y" (needs 0.000001s settled, the next may come at before the stream), 1 packets wait meanwhile; node 1 'y' (pass) waits for 'x' to send on "x" | a lost 1: consumer_ended
    "#);
}

/// Packets that come after a bound must not find a loop that was ended meanwhile.
#[test]
fn l06_a_bound_does_not_end_a_loop() {
    let graph = "
        x,_ = pass(a,y back)
        y = pass(x)";
    let script = "
        a ->1
        a 1@1
        finish";
    insta::assert_snapshot!(check(graph, script), @r#"
    a ->1: -
    a 1@1: -
    finish: error: the graph is stuck: node 0 'x' (pass) waits for 'y' to send on "y" (needs 0.000001s settled, the next may come at before the stream), 1 packets wait meanwhile; node 1 'y' (pass) waits for 'x' to send on "x" | a lost 1: consumer_ended
    "#);
}

const LOOPBACK: &str = "
    prev = previous_loopback(in,out)
    out,prev2 = pass(in,prev)
    p = pair(out,prev2)
    observe p";

#[test]
fn l07_each_packet_meets_the_one_before() {
    let script = "
        in 1@1
        in 2@2
        in 5@5
        in 15@15
        end";
    insta::assert_snapshot!(check(LOOPBACK, script), @"
    in 1@1: p=[(1,∅)@1]
    in 2@2: p=[(2,1)@2]
    in 5@5: p=[(5,2)@5]
    in 15@15: p=[(15,5)@15]
    end: ok
    ");
}

#[test]
fn l07_all_at_once() {
    let script = "
        in 1@1 2@2 5@5 15@15 no wait
        end";
    let seen = totals(&[1, 2, 4], LOOPBACK, script);
    insta::assert_snapshot!(seen, @"
    p=[(1,∅)@1,(2,1)@2,(5,2)@5,(15,5)@15]
    ok
    ");
}

#[test]
fn l08_a_time_that_the_loop_skips_is_waited_for_no_longer() {
    let graph = "
        prev = previous_loopback(in,e)
        out,prev2 = pass(in,prev)
        e = even(out)
        p = pair(out,prev2)
        observe p";
    let script = "
        in 1@1
        in 2@2
        in 3@3
        in 4@4
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 1@1: p=[(1,∅)@1]
    in 2@2: p=[(2,∅)@2]
    in 3@3: p=[(3,2)@3]
    in 4@4: p=[(4,∅)@4]
    end: ok
    ");
}

#[test]
fn l09_the_first_and_the_last_time() {
    insta::assert_snapshot!(totals(&[1, 2, 4], LOOPBACK, "in 1@max\nend"), @"
    p=[(1,∅)@max]
    ok
    ");
    insta::assert_snapshot!(totals(&[1, 2, 4], LOOPBACK, "in 1@min\nin 2@max\nend"), @"
    p=[(1,∅)@min,(2,1)@max]
    ok
    ");
}

#[test]
fn l10_a_loop_that_feeds_itself_only() {
    let graph = "
        prev = previous_loopback(in,prev)
        out,prev2 = pass(in,prev)
        p = pair(out,prev2)
        observe p";
    let packets: Vec<String> = (1..=50).map(|time| format!("in {time}@{time}")).collect();
    let seen = check(graph, &packets.join("\n"));
    let expected = (1..=50).map(|time| format!("in {time}@{time}: p=[({time},∅)@{time}]"));
    assert_eq!(seen, expected.collect::<Vec<_>>().join("\n"));
}

#[test]
fn c09_l_runs_are_alike() {
    let graph = "
        s = sum(ints,old back) early_close
        old = delay1(s)
        m = mstr(s,old,ints)
        observe s m";
    let script = "
        ints 1@0 2@1 3@2 no wait
        ints 4@3 5@4 no wait
        end";
    let workers: Vec<usize> = [1, 2, 4, 8].into_iter().cycle().take(100).collect();
    insta::assert_snapshot!(totals(&workers, graph, script), @"
    s=[1@0,3@1,6@2,10@3,15@4]
    m=[0 1 0 1@0,1 3 1 2@1,2 6 3 3@2,3 10 6 4@3,4 15 10 5@4,5 empty 15 empty@5]
    ok
    ");
}
