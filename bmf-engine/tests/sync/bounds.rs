//! Cases B: bounds that travel without packets, and those that modules set.
//!
//! Differs on purpose:
//! * B11: there is no empty packet; a bound just after T says the same.
//! * B16: a promise of the application that is lower than an earlier one changes nothing and is no
//!   error. One of a module is an error (S25).

use crate::play::{check, totals};

#[test]
fn b01_through_a_chain_to_a_merge() {
    let graph = "
        g = valve(in,allow)
        p = pass(g)
        s = shift[0](p)
        m = merge2(in,s)";
    let script = "
        in 1@1
        allow T@1
        allow T@2
        in 2@2
        in 3@3
        allow F@3
        in 4@4
        allow F@4
        allow T@5
        in 5@5
        in 6@6
        allow F@6
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 1@1: -
    allow T@1: g=[1@1] | p=[1@1] | s=[1@1] | m=[1@1]
    allow T@2: -
    in 2@2: g=[2@2] | p=[2@2] | s=[2@2] | m=[2@2]
    in 3@3: -
    allow F@3: m=[3@3]
    in 4@4: -
    allow F@4: m=[4@4]
    allow T@5: -
    in 5@5: g=[5@5] | p=[5@5] | s=[5@5] | m=[5@5]
    in 6@6: -
    allow F@6: m=[6@6]
    end: ok
    ");
}

/// C09 for bounds: a hundred runs of this graph are alike.
#[test]
fn c09_b_runs_are_alike() {
    let graph = "
        g = valve(in,allow)
        p = pass(g)
        s = shift[0](p)
        m = mstr(in,s)
        observe m";
    let script = "
        in 1@1 2@2 3@3 no wait
        allow T@1 F@2 no wait
        allow F@3 T@4 no wait
        in ->4 no wait
        in 4@4
        end";
    let workers: Vec<usize> = [1, 2, 4, 8].into_iter().cycle().take(100).collect();
    insta::assert_snapshot!(totals(&workers, graph, script), @"
    m=[1 1 1@1,2 2 empty@2,3 3 empty@3,4 4 4@4]
    ok
    ");
}

/// The same with a node that decides by value.
#[test]
fn b01_what_is_dropped_by_hand_holds_nobody_up() {
    let graph = "
        e = even(in)
        _,o = pass(e,in)
        observe o";
    let script = "
        in 1@1
        in 2@2
        in 3@3
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 1@1: o=[1@1]
    in 2@2: o=[2@2]
    in 3@3: o=[3@3]
    end: ok
    ");
}

/// The same with a node that promises to keep times.
#[test]
fn b01_what_is_dropped_under_a_promise_holds_nobody_up() {
    let graph = "
        g = gate2(in,allow)
        _,o = pass(g,in)
        observe o";
    let script = "
        in 1@1 2@2
        allow T@1 F@2
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 1@1 2@2: -
    allow T@1 F@2: o=[1@1,2@2]
    end: ok
    ");
}

/// A bound at T, not after it, still lets T come.
#[test]
fn b02_a_bound_at_the_time_of_a_packet_keeps_it_open() {
    let graph = "
        l = last(in)
        _,o = pass(l,in)
        observe l o";
    let script = "
        in 1@1
        in 2@2
        in 3@3
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 1@1: -
    in 2@2: o=[1@1]
    in 3@3: o=[2@2]
    end: l=[3@3] | o=[3@3] | ok
    ");
}

#[test]
fn b03_a_silent_node_with_an_offset() {
    let graph = "
        b = silent0(in)
        _,o = pass(b,in)
        observe o";
    let script = "
        in 0@0
        in 10@10
        in 20@20
        in 30@30
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 0@0: o=[0@0]
    in 10@10: o=[10@10]
    in 20@20: o=[20@20]
    in 30@30: o=[30@30]
    end: ok
    ");
}

#[test]
fn b04_bounds_alone_call_nobody() {
    let graph = "
        f = future3(in)
        b = silent0(f)
        o = tsprobe(b)
        observe o";
    let script = "
        in 0@0
        in 10@10
        in 20@20
        in 30@30
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 0@0: -
    in 10@10: -
    in 20@20: -
    in 30@30: -
    end: ok
    ");
}

#[test]
fn b05_unless_the_module_asks_for_them() {
    for policy in [
        "default",
        "timed",
        r#"syncset{"sets":[[0]]}"#,
        r#"syncset{"sets":[]}"#,
    ] {
        let graph = format!(
            "
            f = future3(in)
            b = silent0(f)
            o = bprobe(b) {policy}
            observe o"
        );
        let script = "
            in 0@0
            in 10@10
            in 20@20
            in 30@30
            end";
        insta::allow_duplicates! {
            insta::assert_snapshot!(check(&graph, script), @"
            in 0@0: o=[3@3]
            in 10@10: o=[13@13]
            in 20@20: o=[23@23]
            in 30@30: o=[33@33]
            end: ok
            ");
        }
    }
}

#[test]
fn b07_bounds_pass_a_node_that_takes_things_as_they_come() {
    let graph = "
        b = bound1(in)
        b2 = pass(b) timed
        _,o = pass(b2,in)
        observe o";
    let script = "
        in 0@0
        in 10@10
        in 20@20
        in 30@30
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 0@0: o=[0@0]
    in 10@10: o=[10@10]
    in 20@20: o=[20@20]
    in 30@30: o=[30@30]
    end: ok
    ");
}

/// The same where the node is told of bounds and passes them on by itself.
#[test]
fn b08_bounds_pass_a_node_that_passes_them_on() {
    let graph = "
        b = bound1(in)
        b2,_ = ipass(b,other)
        _,o = pass(b2,in)
        observe o";
    let script = "
        in 0@0
        in 10@10
        other ->100
        in 20@20
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 0@0: o=[0@0]
    in 10@10: o=[10@10]
    other ->100: -
    in 20@20: o=[20@20]
    end: ok
    ");
}

#[test]
fn b09_a_packet_after_the_stream() {
    let script = "
        in 0@post
        end";
    insta::assert_snapshot!(check("o = bprobe(in)", script), @"
    in 0@post: o=[post@post]
    end: ok
    ");
}

#[test]
fn b10_an_explicit_bound_beats_the_offset() {
    let graph = "
        m = max10000(in)
        o = pass(m)
        observe bounds o";
    let script = "
        in 10@10
        in 20@20
        in 30@30
        in 40@40
        in 50@50
        in 60@60
        in 70@70
        in 80@80
        in 90@90
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 10@10: o=[∅@10]
    in 20@20: o=[∅@9999]
    in 30@30: -
    in 40@40: -
    in 50@50: -
    in 60@60: -
    in 70@70: -
    in 80@80: -
    in 90@90: -
    end: ok
    ");
}

#[test]
fn b11_a_bound_just_after_is_an_empty_packet() {
    let graph = "
        b = bound1(in)
        o = bprobe(b)
        observe o";
    let script = "
        in 1@10
        in 1@20
        in 1@30
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in 1@10: o=[10@10]
    in 1@20: o=[20@20]
    in 1@30: o=[30@30]
    end: ok
    ");
}

#[test]
fn b12_bounds_of_the_application() {
    let script = "
        in ->11
        in ->21
        in ->21
        in ->31
        in ->91
        end";
    insta::assert_snapshot!(check("o = bprobe(in)", script), @"
    in ->11: o=[10@10]
    in ->21: o=[20@20]
    in ->21: -
    in ->31: o=[30@30]
    in ->91: o=[90@90]
    end: ok
    ");
}

/// A bound that is sent with a packet is told after it.
#[test]
fn b13_a_bound_behind_a_packet() {
    let graph = "
        s = act(a)
        o = bprobe(s)
        observe o";
    let script = "
        a 10,>50@0
        a 60,70,>80@1
        end";
    insta::assert_snapshot!(check(graph, script), @"
    a 10,>50@0: o=[10@10,49@49]
    a 60,70,>80@1: o=[60@60,70@70,79@79]
    end: ok
    ");
}

#[test]
fn b15_the_least_of_several_bounds() {
    let graph = "
        x = pass(a,b)
        observe bounds x";
    let script = "
        a ->10
        b ->4
        b ->6
        end";
    insta::assert_snapshot!(check(graph, script), @"
    a ->10: -
    b ->4: x=[∅@3]
    b ->6: x=[∅@5]
    end: ok
    ");
}

#[test]
fn b16_bounds_without_packets() {
    let graph = "
        x = pass(a)
        observe bounds x";
    let script = "
        a ->6
        a ->10
        a 1@10
        a ->4
        a 2@10
        a 2@11
        end";
    insta::assert_snapshot!(check(graph, script), @r#"
    a ->6: x=[∅@5]
    a ->10: x=[∅@9]
    a 1@10: x=[1@10]
    a ->4: -
    a 2@10: 2@10: stream "a", which 'x' takes: a packet at 0.000010s goes back in time: the earliest that could come was 0.000011s
    a 2@11: x=[2@11]
    end: ok
    "#);
}

#[test]
fn b17_a_source_that_alternates_packets_and_bounds() {
    let graph = r#"
        s = alternate()
        p = pass(s) default{"batch_size":10}
        t = pass(p)
        observe t"#;
    let seen = check(graph, "finish");
    let (packets, end) = seen
        .trim_start_matches("finish: t=[")
        .split_once("] | ")
        .unwrap();
    let expected: Vec<_> = (0..=100).map(|k| format!("{k}@{}", 20 * k)).collect();
    assert_eq!(packets.split(',').collect::<Vec<_>>(), expected);
    assert_eq!(end, "ok");
}
