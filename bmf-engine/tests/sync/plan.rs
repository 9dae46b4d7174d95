//! Cases N and C: what is refused before anything runs; and the order in which things run.
//!
//! Not applicable:
//! * N03 types of streams: a stream has no declared type. N06 gaps between tags: inputs go by their
//!   order, `""` leaves one out. N07 names of streams: any text. N09, N10 subgraphs: a graph
//!   description has no subgraphs of its own.
//! * C03, C04, C05 source layers: there are none. Sources run side by side, within the limits.
//!
//! Differs on purpose:
//! * N08: a back edge that closes no loop is no reason for a warning; which input it is on is said
//!   with the input itself.
//! * C01, C02: the order within one thread is that of distance to the sinks, then of the graph: of
//!   two branches the one defined first runs first.
//! * C08: of executors only undeclared names are errors; there are no reserved names, and no objects
//!   to be set. C09 is with the policies.

use crate::play::{check, check_on, refused, totals};

#[test]
fn n01_n02_streams_have_one_producer() {
    insta::assert_snapshot!(refused("x = pass(a)\nobserve y"), @r#"
    error: the graph's output stream "y" is not produced by any node
    error: node 0 'x' (pass): nobody consumes what it produces
      help: connect an output to another node: an encoder, or null_sink
    "#);
    insta::assert_snapshot!(refused("x = pass(a)\ny,x = pass(a,b)"), @r#"
    error: node 1 'y' (pass): stream "x" is produced by node 0 'x' (pass) too
      help: a stream has one producer; give one of them another name
    "#);
}

#[test]
fn n04_n05_modules_and_their_ports() {
    insta::assert_snapshot!(refused("x = poss(a)"), @r#"
    error: node 0 'x' (poss): there is no module "poss"
      help: did you mean "pass"?
    "#);
    insta::assert_snapshot!(refused("x = gate()"), @r#"error: node 0 'x' (gate): input port "in" must be connected"#);
    insta::assert_snapshot!(refused("x = gate(a,b,c)"), @"error: node 0 'x' (gate) has 3 inputs, but takes at most 2");
    insta::assert_snapshot!(refused("x,y,z = gate(a,b)"), @r#"
    error: node 0 'x' (gate): there is no output port "2"
      help: its output ports are out, state
    error: the graph's output stream "z" is not produced by any node
    "#);
}

#[test]
fn n08_a_back_edge_that_closes_no_loop() {
    let graph = "
        s = src[3]()
        x = pass(s back)
        observe x";
    insta::assert_snapshot!(totals(&[1, 2, 4], graph, "finish"), @"
    x=[0@0,1@1,2@2]
    ok
    ");
}

#[test]
fn n11_a_payload_of_the_wrong_type() {
    let script = "
        a 1@1
        control maybe@1
        finish";
    insta::assert_snapshot!(check("x = gate(a,control)", script), @r#"
    a 1@1: -
    control maybe@1: -
    finish: error: node 0 'x' (gate), port control, at 0.000001s: "maybe" is not true or false, or 1 or 0
    "#);
}

#[test]
fn c01_depth_first_on_one_thread() {
    let graph = "
        x = trace(a)
        y = trace(x)
        z = trace(y)
        observe z";
    let script = "
        wait
        pause
        a 0@0 1@1 2@2
        resume";
    insta::assert_snapshot!(check_on(&[0], graph, script), @"
    wait: x open | x start 0 None | y open | y start 0 None | z open | z start 0 None
    pause: -
    a 0@0 1@1 2@2: -
    resume: z=[0@0,1@1,2@2] | x 0 | y 0 | z 0 | x 1 | y 1 | z 1 | x 2 | y 2 | z 2
    ");
}

#[test]
fn c02_fan_out_on_one_thread() {
    let graph = "
        x = trace(a)
        y = trace(x)
        z = trace(x)
        observe y z";
    let script = "
        wait
        pause
        a 0@0 1@1
        resume";
    insta::assert_snapshot!(check_on(&[0], graph, script), @"
    wait: x open | x start 0 None | y open | y start 0 None | z open | z start 0 None
    pause: -
    a 0@0 1@1: -
    resume: y=[0@0,1@1] | z=[0@0,1@1] | x 0 | y 0 | z 0 | x 1 | y 1 | z 1
    ");
}

#[test]
fn c06_parallel_nodes_keep_the_order() {
    let graph = "
        p = plus[4](a) parallel=5
        q = plus[4](p) parallel=5
        observe q";
    let packets: Vec<String> = (0..100).map(|time| format!("{time}@{time}")).collect();
    let script = format!("a {} no wait\nend", packets.join(" "));
    let expected: Vec<String> = (0..100)
        .filter(|time| time % 4 != 0)
        .map(|time| format!("{}@{time}", time + 2))
        .collect();
    for _ in 0..2 {
        let seen = totals(&[1, 2, 5], graph, &script);
        assert_eq!(seen, format!("q=[{}]\nok", expected.join(",")));
    }
}

/// Bounds of what is dropped pass a parallel node too.
#[test]
fn c06_parallel_nodes_pass_bounds_on() {
    let graph = "
        p = plus[4](a) parallel=3
        m = mstr(p,a)
        observe m";
    let script = "
        a 3@3
        a 4@4
        a 5@5
        end";
    insta::assert_snapshot!(check(graph, script), @"
    a 3@3: m=[3 4 3@3]
    a 4@4: m=[4 empty 4@4]
    a 5@5: m=[5 6 5@5]
    end: ok
    ");
}

#[test]
fn c08_executors() {
    insta::assert_snapshot!(refused("x = pass(a) executor=io"), @r#"
    error: node 0 'x' (pass): there is no executor "io"
      help: declare it: option.executors = { "io" = 2 }
    "#);
    let graph = "
        graph executors=io:1,work:2
        x = pass(a) executor=io
        y = pass(x) executor=work";
    insta::assert_snapshot!(check(graph, "a 1@1 2@2\nend"), @"
    a 1@1 2@2: x=[1@1,2@2] | y=[1@1,2@2]
    end: ok
    ");
}
