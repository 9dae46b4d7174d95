//! Cases D: the policy `default`.
//!
//! Differs on purpose:
//! * D08: there is one call of `process` without packets, at the end, in which modules flush.
//! * D11: a packet that goes back in time is refused at the add itself, and the run goes on.

use crate::play::{check, totals};

#[test]
fn d01_waits_for_both() {
    let script = "
        a 1@1
        b 2@2
        a 3@2
        end";
    insta::assert_snapshot!(check("x,y = pass(a,b)", script), @"
    a 1@1: -
    b 2@2: x=[1@1]
    a 3@2: x=[3@2] | y=[2@2]
    end: ok
    ");
}

#[test]
fn d02_a_bound_is_enough() {
    let script = "
        a 9@1
        b ->1
        b ->2
        end";
    insta::assert_snapshot!(check("x,y = pass(a,b)", script), @"
    a 9@1: -
    b ->1: -
    b ->2: x=[9@1]
    end: ok
    ");
}

#[test]
fn d03_three_streams_settle_together() {
    let graph = "
        x,y,z = pass(a,b,c)
        observe bounds x y z";
    let script = "
        a 1@1
        b ->2
        c ->2
        c 1@2
        a ->3
        b ->3
        b 1@3
        a ->4
        c ->4
        end";
    insta::assert_snapshot!(check(graph, script), @"
    a 1@1: -
    b ->2: -
    c ->2: x=[1@1] | y=[∅@1] | z=[∅@1]
    c 1@2: -
    a ->3: -
    b ->3: x=[∅@2] | y=[∅@2] | z=[1@2]
    b 1@3: -
    a ->4: -
    c ->4: x=[∅@3] | y=[1@3] | z=[∅@3]
    end: ok
    ");
}

#[test]
fn d04_one_stream_runs_ahead() {
    let graph = "
        x,y = pass(a,b)
        observe x
        observe bounds y";
    let script = "
        a 1@1 2@2 3@3
        b ->2
        b 9@3
        end";
    insta::assert_snapshot!(check(graph, script), @"
    a 1@1 2@2 3@3: -
    b ->2: x=[1@1] | y=[∅@1]
    b 9@3: x=[2@2,3@3] | y=[9@3]
    end: ok
    ");
}

#[test]
fn d05_the_end_of_one_releases_the_other() {
    let script = "
        a 1@1
        close b
        a 2@5
        end";
    insta::assert_snapshot!(check("x,y = pass(a,b)", script), @"
    a 1@1: -
    close b: x=[1@1]
    a 2@5: x=[2@5]
    end: ok
    ");
}

#[test]
fn d06_a_stream_that_has_ended_still_counts_in_time() {
    let script = "
        a 1@1
        close a
        b 2@2
        end";
    insta::assert_snapshot!(check("x,y = pass(a,b)", script), @"
    a 1@1: -
    close a: -
    b 2@2: x=[1@1] | y=[2@2]
    end: ok
    ");
}

#[test]
fn d07_the_end_flushes() {
    let script = "
        a 0@0 1@1 2@2
        end";
    insta::assert_snapshot!(check("x,y = pass(a,b)", script), @"
    a 0@0 1@1 2@2: -
    end: x=[0@0,1@1,2@2] | ok
    ");
}

#[test]
fn d08_no_packets_at_all() {
    let script = "
        wait
        end";
    insta::assert_snapshot!(check("x = trace(a)", script), @"
    wait: x open | x start 0 None
    end: x end | x close Finished | ok
    ");
}

#[test]
fn d11_back_in_time() {
    let script = "
        a 1@10 2@10 3@9
        a 4@11
        end";
    insta::assert_snapshot!(check("x = pass(a)", script), @r#"
    a 1@10 2@10 3@9: 2@10: stream "a", which 'x' takes: a packet at 0.000010s goes back in time: the earliest that could come was 0.000011s | 3@9: stream "a", which 'x' takes: a packet at 0.000009s goes back in time: the earliest that could come was 0.000011s | x=[1@10]
    a 4@11: x=[4@11]
    end: ok
    "#);
}

#[test]
fn d11_back_in_time_in_the_graph_names_both_ends() {
    let script = "
        a 10@0
        a 9@1
        finish";
    let graph = "
        s = act(a)
        x = pass(s)";
    insta::assert_snapshot!(check(graph, script), @r#"
    a 10@0: s=[10@10] | x=[10@10]
    a 9@1: -
    finish: error: node 0 's' (act): stream "s" to node 1 'x' (pass): a packet at 0.000009s goes back in time: the earliest that could come was 0.000011s
    "#);
}

#[test]
fn d12_batches() {
    let script = "
        a 1@1
        a 2@2
        a 3@3
        a 4@4
        a 5@5
        end";
    let graph = r#"x = pass(a) default{"batch_size":2}"#;
    insta::assert_snapshot!(check(graph, script), @"
    a 1@1: -
    a 2@2: x=[1@1,2@2]
    a 3@3: -
    a 4@4: x=[3@3,4@4]
    a 5@5: -
    end: x=[5@5] | ok
    ");
}

#[test]
fn d12_an_open_batch_promises_nothing() {
    let graph = r#"
        x = pass(a) default{"batch_size":2}
        observe bounds x"#;
    let script = "
        a 1@1
        a ->5
        a 6@6
        end";
    insta::assert_snapshot!(check(graph, script), @"
    a 1@1: x=[∅@0]
    a ->5: -
    a 6@6: x=[1@1,6@6]
    end: ok
    ");
}

/// C09 for this policy: a hundred runs of a small graph are alike.
#[test]
fn c09_d_runs_are_alike() {
    let graph = "
        x,y = pass(a,b)
        s = shift[1](x)
        m = mstr(s,y,b)
        observe m";
    let script = "
        a 1@1 no wait
        b 2@2 no wait
        a 3@2 4@7 no wait
        b ->5 9@9 no wait
        a 8@8 no wait
        end";
    let workers: Vec<usize> = [1, 2, 4, 8].into_iter().cycle().take(100).collect();
    insta::assert_snapshot!(totals(&workers, graph, script), @"
    m=[2 1 2 2@2,3 3 empty empty@3,8 4 empty empty@8,9 8 9 9@9]
    ok
    ");
}
