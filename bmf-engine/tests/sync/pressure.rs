//! Cases Q: back-pressure, and graphs that block themselves.
//!
//! Not applicable:
//! * Q04 the state of throttling between two runs: a graph runs once; planned again it is new.
//! * Q03 -1 for "no limit": a limit is a number here; `add_unlimited` passes it by.
//!
//! Differs on purpose:
//! * Nodes in between are throttled too, not only sources: no queue grows past its limit but by what
//!   one call of `process` sends (Q13).
//! * Q05: what the application feeds is not blocked by itself: a full stream whose consumer waits for
//!   another one of the application is given room when nothing moves, or with on_deadlock = "fail"
//!   fails the run, naming who waits for whom. Adds fail from then on.
//! * Q07: a loop of wake-ups cannot be seen from outside; that adds return and nothing is lost can.
//! * Q09: of a node at work the packet in hand does not count against the limit of its input.

use crate::play::{Play, check, check_on, totals};

#[test]
fn q01_a_blocking_add_waits_for_room() {
    let graph = "
        graph queue=10
        p = pass(a)
        o = pass(p)
        observe o";
    let packets: Vec<String> = (0..20).map(|time| format!("{time}@{time}")).collect();
    let script = format!("a {} no wait\nend", packets.join(" "));
    let seen = totals(&[1, 2, 4], graph, &script);
    assert_eq!(seen, format!("o=[{}]\nok", packets.join(",")));
}

#[test]
fn q02_an_add_that_does_not_wait_is_refused() {
    let graph = "
        graph queue=1
        o = sem(a)";
    let script = "
        try a 1@1 no wait
        entered o 1 no wait
        try a 2@2 3@3 4@4 no wait
        release o 2
        try a 5@5 no wait
        release o 1
        end";
    insta::assert_snapshot!(check(graph, script), @r#"
    try a 1@1 no wait: -
    entered o 1 no wait: -
    try a 2@2 3@3 4@4 no wait: 3@3: stream "a" is full: 1 packets wait | 4@4: stream "a" is full: 1 packets wait
    release o 2: o=[1@1,2@2]
    try a 5@5 no wait: -
    release o 1: o=[5@5]
    end: ok
    "#);
}

#[test]
fn q03_without_a_limit() {
    let mut play = Play::start("graph queue=1\no = sem(a)", 2).unwrap();
    for time in 0..10 {
        play.input("a")
            .add_unlimited(crate::text::packet(&format!("{time}@{time}")))
            .unwrap();
    }
    insta::assert_snapshot!(play.run("release o 10\nend"), @"
    release o 10: o=[0@0,1@1,2@2,3@3,4@4,5@5,6@6,7@7,8@8,9@9]
    end: ok
    ");
}

#[test]
fn q05_a_deadlock_is_reported() {
    for limit in [2, 1] {
        let graph = format!(
            "
            graph queue={limit} on_deadlock=fail
            x,y = pass(a,b)"
        );
        let script = "
            a 1@1
            a 2@2
            try a 3@3
            finish";
        let seen = check(&graph, script);
        match limit {
            2 => insta::assert_snapshot!(seen, @r#"
            a 1@1: -
            a 2@2: -
            try a 3@3: 3@3: the graph has blocked itself: on_deadlock is "fail": node 0 'x' (pass) waits for the application to send on "b" (needs 0.000001s settled, the next may come at before the stream), 2 packets wait meanwhile
            finish: error: the graph has blocked itself: on_deadlock is "fail": node 0 'x' (pass) waits for the application to send on "b" (needs 0.000001s settled, the next may come at before the stream), 2 packets wait meanwhile | a lost 2: consumer_ended
            "#),
            _ => insta::assert_snapshot!(seen, @r#"
            a 1@1: -
            a 2@2: 2@2: the graph has blocked itself: on_deadlock is "fail": node 0 'x' (pass) waits for the application to send on "b" (needs 0.000001s settled, the next may come at before the stream), 1 packets wait meanwhile
            try a 3@3: 3@3: the graph has blocked itself: on_deadlock is "fail": node 0 'x' (pass) waits for the application to send on "b" (needs 0.000001s settled, the next may come at before the stream), 1 packets wait meanwhile
            finish: error: the graph has blocked itself: on_deadlock is "fail": node 0 'x' (pass) waits for the application to send on "b" (needs 0.000001s settled, the next may come at before the stream), 1 packets wait meanwhile | a lost 1: consumer_ended
            "#),
        }
    }
}

#[test]
fn q06_a_deadlock_is_relaxed() {
    let graph = "
        graph queue=2
        x,y = pass(a,b)";
    let script = "
        a 1@1 2@2
        a 3@3 4@4 5@5 6@6
        b 9@6
        end";
    insta::assert_snapshot!(check(graph, script), @"
    a 1@1 2@2: -
    a 3@3 4@4 5@5 6@6: -
    b 9@6: x=[1@1,2@2,3@3,4@4,5@5,6@6] | y=[9@6]
    end: ok
    ");
}

#[test]
fn q07_a_branch_that_sends_nothing_for_long() {
    let graph = "
        graph queue=1
        d = dec101(in)
        m = mstr(d,in)
        observe m";
    let packets: Vec<String> = (0..202).map(|time| format!("{time}@{time}")).collect();
    let script = format!("in {} no wait\nend", packets.join(" "));
    let seen = totals(&[1, 2, 4], graph, &script);
    let expected: Vec<_> = (0..202)
        .map(|time| match time % 101 {
            0 => format!("{time} {time} {time}@{time}"),
            _ => format!("{time} empty {time}@{time}"),
        })
        .collect();
    assert_eq!(seen, format!("m=[{}]\nok", expected.join(",")));
}

#[test]
fn q07_pause_and_resume_of_a_graph_at_rest() {
    let graph = "
        d = dec101(in)
        m = mstr(d,in)
        observe m";
    let script = "
        in 0@0 1@1
        pause
        in 2@2
        resume
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 0@0 1@1: m=[0 0 0@0]
    pause: -
    in 2@2: -
    resume: -
    end: m=[1 empty 1@1,2 empty 2@2] | ok
    ");
}

#[test]
fn q09_a_limit_of_one_input() {
    let graph = "
        o = sem(in queue=1)
        b = sem(other)
        observe o b";
    // The second semaphore is held all the time, so that the graph never comes to rest.
    let mut script = "other 0@0 no wait\nentered b 1 no wait\n".to_owned();
    for round in 1..20 {
        let (first, second, third) = (10 * round, 10 * round + 1, 10 * round + 2);
        script += &format!(
            "try in 0@{first} no wait
            entered o {} no wait
            try in 0@{second} no wait
            try in 0@{third} no wait
            release o 2 no wait
            entered o {} no wait
            until o {} no wait\n",
            2 * round - 1,
            2 * round,
            2 * round,
        );
    }
    script += "release b 1\nend";
    for workers in [2, 4] {
        let seen = check_on(&[workers], graph, &script);
        let refused = seen
            .lines()
            .filter(|line| line.contains("is full: 1 packets wait"));
        assert_eq!(refused.count(), 19, "{seen}");
        assert!(seen.ends_with("ok"), "{seen}");
    }
}

#[test]
fn q10_a_reader_holds_the_graph_up() {
    let graph = "
        graph queue=5
        x = pass(a)
        observe queue=5 x";
    let mut play = Play::start(graph, 2).unwrap();
    play.silent = true;
    for time in 0..10 {
        play.run(&format!("try a {time}@{time}"));
    }
    // Five wait for the reader, five for the node.
    insta::assert_snapshot!(play.run("try a 10@10"), @r#"try a 10@10: 10@10: stream "a" is full: 5 packets wait"#);
    play.silent = false;
    play.run("wait\nwait\ntry a 10@10\nend");
    let seen = play.observed[0].all.join(" ");
    insta::assert_snapshot!(seen, @"0@0 1@1 2@2 3@3 4@4 5@5 6@6 7@7 8@8 9@9 10@10");
}

#[test]
fn q11_readers_of_any_size() {
    let expected: Vec<String> = (0..1000).map(|time| format!("{time}@{time}")).collect();
    for size in 1..10 {
        let graph = format!("x = src[1000]()\nobserve queue={size} x");
        let seen = totals(&[1, 2], &graph, "finish");
        assert_eq!(
            seen,
            format!("x=[{}]\nok", expected.join(",")),
            "size {size}"
        );
    }
}

const BRANCHES: &str = "
    graph queue=2
    s = src[10]()
    fast = pass(s)
    slow = sem(s)
    observe fast slow";

#[test]
fn q13_a_slow_branch_loses_nothing() {
    let script = "
        entered slow 1 no wait
        release slow 10 no wait
        finish";
    insta::assert_snapshot!(totals(&[2, 4], BRANCHES, script), @"
    fast=[0@0,1@1,2@2,3@3,4@4,5@5,6@6,7@7,8@8,9@9]
    slow=[0@0,1@1,2@2,3@3,4@4,5@5,6@6,7@7,8@8,9@9]
    ok
    ");
}

/// One packet is at work in the slow branch and two wait for it: the fast one has all three.
#[test]
fn q13_a_slow_branch_does_not_hold_up_the_fast_one() {
    let script = "
        entered slow 1 no wait
        until fast 3 no wait
        release slow 10 no wait
        finish";
    insta::assert_snapshot!(totals(&[2, 4], BRANCHES, script), @"
    fast=[0@0,1@1,2@2,3@3,4@4,5@5,6@6,7@7,8@8,9@9]
    slow=[0@0,1@1,2@2,3@3,4@4,5@5,6@6,7@7,8@8,9@9]
    ok
    ");
}
