//! Cases G, O and P: the life of nodes, errors, observers.
//!
//! Not applicable:
//! * G03 an error of an observer: observers are streams that the application reads, and have no
//!   status. One that goes away lets the graph go on (tests of the engine).
//! * G14 an offset set in `process`: a promise is asked for once, after `open`.
//! * G16 headers: there are none; what a stream carries is in its packets.
//! * G17 a packet before the start: the streams to be fed exist only once the graph runs.
//! * G20 error callbacks: whoever waits, adds or reads learns of the error.
//! * P01 to P09 side packets: there are none; constants are options. The positions before and after
//!   the stream, which P04, P05 and P09 send to, are in G18.
//!
//! Differs on purpose:
//! * G05, G06: a graph is planned again for another run. A run has one error, its first; later ones
//!   are logged.
//! * G07: a cancel ends a pause.
//! * G10: a node in the middle that is done ends its inputs; whoever feeds only it is stopped. The
//!   run ends as finished.
//! * G12, G13: a time that there is not (in `open`, at the end, of a source) is `None`.
//! * G17, G18: a packet that can come no more is refused at the add.

use bmf_engine::Polled;

use crate::play::{Play, check, check_on, refused, totals};

#[test]
fn g01_step_by_step_and_many_at_once() {
    for workers in [1, 2, 4] {
        let mut play = Play::start("p = pass(a)\nx = pass(p)\nobserve x", workers).unwrap();
        for time in 0..100 {
            let step = format!("a {time}@{time}");
            assert_eq!(play.run(&step), format!("{step}: x=[{time}@{time}]"));
        }
        let many: Vec<String> = (100..200).map(|time| format!("{time}@{time}")).collect();
        let step = format!("a {}", many.join(" "));
        assert_eq!(play.run(&step), format!("{step}: x=[{}]", many.join(",")));
        assert_eq!(play.run("close a\nfinish"), "close a: -\nfinish: ok");
    }
}

#[test]
fn g02_a_node_that_fails() {
    let script = "
        a 8@8
        a 9@9
        a 10@10
        close a
        finish";
    insta::assert_snapshot!(check("x = fail[9](a)", script), @"
    a 8@8: x=[8@8]
    a 9@9: -
    a 10@10: 10@10: node 0 'x' (fail), port 0, at 0.000009s: this is M
    close a: -
    finish: error: node 0 'x' (fail), port 0, at 0.000009s: this is M
    ");
}

#[test]
fn g04_an_error_stops_other_work() {
    let graph = "
        x = fail[9](a)
        y = sem(b) queue=2
        observe x y";
    let script = "
        b 1@1 no wait
        entered y 1 no wait
        b 2@2 no wait
        a 9@9 no wait
        failed a no wait
        release y 9
        finish";
    // What was at work when the run failed is let through: its node is interrupted.
    insta::assert_snapshot!(totals(&[2, 4], graph, script), @"
    x=[]
    y=[1@1]
    error: node 0 'x' (fail), port 0, at 0.000009s: this is M
    ");
}

#[test]
fn g05_the_same_graph_can_be_run_again() {
    for at in [9, -1] {
        for time in [9, 5, 5] {
            let seen = check_on(
                &[1, 2],
                &format!("d = delay1(a)\nx = fail[{at}](d)\nobserve x"),
                &format!("wait\na {time}@{time}\na 1@20\nend"),
            );
            let fails = at == -1 || time + 1 == at;
            assert_eq!(seen.contains("error: "), fails, "{seen}");
        }
    }
}

#[test]
fn g06_the_first_error_counts() {
    let graph = "
        x = fail[1](a)
        y = fail[2](x)";
    let script = "
        a 2@2
        a 1@3
        finish";
    insta::assert_snapshot!(check(graph, script), @"
    a 2@2: x=[2@2]
    a 1@3: 1@3: node 1 'y' (fail), port 0, at 0.000002s: this is M
    finish: error: node 1 'y' (fail), port 0, at 0.000002s: this is M
    ");
}

#[test]
fn g07_cancel_with_open_inputs() {
    let script = "
        a 1@1
        cancel
        a 2@2
        finish";
    insta::assert_snapshot!(check("x,y = pass(a,b)", script), @"
    a 1@1: -
    cancel: -
    a 2@2: 2@2: the run was cancelled
    finish: error: the run was cancelled | a lost 1: consumer_ended
    ");
}

#[test]
fn g07_cancel_in_a_pause() {
    let script = "
        a 1@1
        pause
        a 2@2
        cancel
        finish";
    insta::assert_snapshot!(check("x = pass(a)", script), @"
    a 1@1: x=[1@1]
    pause: -
    a 2@2: -
    cancel: -
    finish: error: the run was cancelled | a lost 1: consumer_ended
    ");
}

#[test]
fn g07_a_graph_that_is_dropped_ends() {
    for workers in [1, 2, 4] {
        let mut play = Play::start("x,y = pass(a,b)", workers).unwrap();
        play.run("a 1@1");
        drop(play);
    }
}

#[test]
fn g08_a_node_ends_in_a_pause() {
    let script = "
        a 1@1
        pause
        a 2@2
        close a
        resume
        finish";
    insta::assert_snapshot!(check("x = trace(a)", script), @"
    a 1@1: x=[1@1] | x open | x start 0 None | x 1
    pause: -
    a 2@2: -
    close a: -
    resume: x=[2@2] | x 2 | x close Finished
    finish: ok
    ");
}

#[test]
fn g10_a_node_in_the_middle_that_is_done() {
    let graph = "
        s = src[1000]()
        x = stop[2](s)
        y = pass(x)
        observe y";
    insta::assert_snapshot!(totals(&[1, 2, 4], graph, "finish"), @"
    y=[0@0,1@1,2@2]
    ok
    ");
}

#[test]
fn g11_a_slow_sink_gets_all_of_a_fast_source() {
    let graph = "
        s = src[10,10]()
        x = sem(s)
        y = trace(x)
        observe y";
    let script = "
        entered x 1 no wait
        release x 10 no wait
        finish";
    insta::assert_snapshot!(totals(&[1, 2, 4], graph, script), @"
    y=[0@0,1@1,2@2,3@3,4@4,5@5,6@6,7@7,8@8,9@9]
    ok
    ");
}

#[test]
fn g12_the_time_of_each_call() {
    let script = "
        a 5@5
        a 7@7
        end";
    insta::assert_snapshot!(check("x = trace(a)", script), @"
    a 5@5: x=[5@5] | x open | x start 0 None | x 5
    a 7@7: x=[7@7] | x 7
    end: x end | x close Finished | ok
    ");
}

#[test]
fn g12_the_last_call_when_the_end_stops_the_graph() {
    let graph = "
        x = trace(a)
        y = stop[7](x)
        observe y";
    let script = "
        a 5@5
        a 7@7
        finish";
    insta::assert_snapshot!(check(graph, script), @"
    a 5@5: y=[5@5] | x open | x start 0 None | x 5
    a 7@7: y=[7@7] | x 7 | x close Stopped
    finish: ok
    ");
}

#[test]
fn g13_no_input_is_seen_before_the_first_task() {
    let graph = "
        d = delay1(a)
        x = trace(d)
        observe x";
    insta::assert_snapshot!(check(graph, "wait\nend"), @"
    wait: x=[0@0] | x open | x start 0 None | x 0
    end: x end | x close Finished | ok
    ");
}

#[test]
fn g15_packets_are_released() {
    for workers in [1, 2, 4] {
        let mut play = Play::start("p = pass(a)\nx = pass(p)\nobserve x", workers).unwrap();
        let packet = crate::text::packet("1@1");
        play.input("a").add(packet.clone()).unwrap();
        assert_eq!(play.run("wait"), "wait: x=[1@1]");
        assert_eq!(packet.ref_count(), 1);
    }
}

#[test]
fn g17_a_stream_that_was_closed() {
    let script = "
        close a
        close a
        a 1@1
        finish";
    insta::assert_snapshot!(check("x = pass(a)", script), @r#"
    close a: -
    close a: -
    a 1@1: 1@1: stream "a" has ended
    finish: ok
    "#);
}

#[test]
fn g18_s09_s10_before_and_after_the_stream() {
    let graph = "
        x = pass(a)
        observe bounds x";
    let alone = |time: &str| check(graph, &format!("a 1@{time}\na 2@0\nend"));
    insta::assert_snapshot!(alone("pre"), @r#"
    a 1@pre: x=[1@pre]
    a 2@0: 2@0: stream "a" has ended
    end: ok
    "#);
    insta::assert_snapshot!(alone("post"), @r#"
    a 1@post: x=[1@post]
    a 2@0: 2@0: stream "a" has ended
    end: ok
    "#);
    insta::assert_snapshot!(alone("min"), @"
    a 1@min: x=[1@min]
    a 2@0: x=[2@0]
    end: ok
    ");
    insta::assert_snapshot!(alone("max"), @r#"
    a 1@max: x=[1@max]
    a 2@0: 2@0: stream "a" has ended
    end: ok
    "#);
    insta::assert_snapshot!(check(graph, "a 1@0 2@post\nend"), @r#"
    a 1@0 2@post: 2@post: stream "a", which 'x' takes: a packet after the stream must be the only one of its stream | x=[1@0]
    end: ok
    "#);
}

#[test]
fn o01_inner_streams_can_be_observed() {
    let graph = "
        s = src[10]()
        p,_ = pass(s,s)
        x = pass(p)
        observe s p x";
    insta::assert_snapshot!(totals(&[1, 2, 4], graph, "finish"), @"
    s=[0@0,1@1,2@2,3@3,4@4,5@5,6@6,7@7,8@8,9@9]
    p=[0@0,1@1,2@2,3@3,4@4,5@5,6@6,7@7,8@8,9@9]
    x=[0@0,1@1,2@2,3@3,4@4,5@5,6@6,7@7,8@8,9@9]
    ok
    ");
    insta::assert_snapshot!(refused("x = pass(a)\nobserve y"), @r#"
    error: the graph's output stream "y" is not produced by any node
    error: node 0 'x' (pass): nobody consumes what it produces
      help: connect an output to another node: an encoder, or null_sink
    "#);
}

#[test]
fn o02_two_readers_in_turn() {
    let graph = "
        s = src[1000]()
        x = pass(s)
        observe queue=3 s x";
    let packets: Vec<String> = (0..1000).map(|time| format!("{time}@{time}")).collect();
    let packets = packets.join(",");
    let seen = totals(&[1, 2, 4], graph, "finish");
    assert_eq!(seen, format!("s=[{packets}]\nx=[{packets}]\nok"));
}

#[test]
fn o05_a_reader_of_a_graph_that_fails() {
    for workers in [1, 2, 4] {
        let play = Play::start("x = fail[2](a)", workers).unwrap();
        for time in 1..=2 {
            play.input("a")
                .add(crate::text::packet(&format!("{time}@{time}")))
                .unwrap();
        }
        let output = &play.observed[0].output;
        assert_eq!(
            output.next().map(|packet| packet.timestamp().micros()),
            Some(1)
        );
        assert!(output.next().is_none());
        assert!(matches!(output.try_next(), Polled::Ended));
    }
}
