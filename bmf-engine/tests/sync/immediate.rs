//! Cases I: the policy `immediate`, as BMF has it (all that is there, whatever its times) and with
//! `timed` as MediaPipe has it.
//!
//! Differs on purpose:
//! * I02: with `timed` the end of one of several inputs makes no task of its own; with plain
//!   `immediate` it does.
//! * I03: the last call is one of `process`, without a time, in which modules flush.
//! * I08: an offset with `immediate` is no error by itself, for the bounds of the outputs follow the
//!   slowest input, not the time of the task. Times that do go back are an error where the consumer
//!   goes by time, naming both ends; that the input manager of the producer is the cause is not said.

use crate::play::{check, totals};

const TIMED: &str = "x,y,z = trace(a,b,c) timed";

#[test]
fn i01_any_packet_is_a_task() {
    let script = "
        wait
        a 1@10
        end";
    insta::assert_snapshot!(check(TIMED, script), @"
    wait: x open | x start 0 None
    a 1@10: x=[1@10] | x 10
    end: x end | x close Finished | ok
    ");
}

#[test]
fn i02_an_end_makes_a_task_with_plain_immediate() {
    let script = "
        wait
        a 1@10
        wait
        close b
        a ->200
        close a
        end";
    insta::assert_snapshot!(check("x,y,z = trace(a,b,c) immediate", script), @"
    wait: x open | x start 0 None
    a 1@10: x=[1@10] | x untimed
    wait: -
    close b: x untimed
    a ->200: -
    close a: x untimed
    end: x end | x close Finished | ok
    ");
    insta::assert_snapshot!(check(TIMED, script), @"
    wait: x open | x start 0 None
    a 1@10: x=[1@10] | x 10
    wait: -
    close b: -
    a ->200: -
    close a: -
    end: x end | x close Finished | ok
    ");
}

#[test]
fn i03_nothing_left_after_the_last_time() {
    let script = "
        wait
        a 1@10
        a ->end
        b ->end
        c ->end
        end";
    insta::assert_snapshot!(check(TIMED, script), @"
    wait: x open | x start 0 None
    a 1@10: x=[1@10] | x 10
    a ->end: -
    b ->end: -
    c ->end: x end | x close Finished
    end: ok
    ");
}

#[test]
fn i07_equal_times_share_a_task() {
    let graph = "m = mstr(a,b,c) timed";
    let script = "
        pause
        a 10@10 30@30 40@40
        b 10@10
        c 10@10 30@30
        resume
        end";
    insta::assert_snapshot!(totals(&[1, 2, 4], graph, script), @"
    m=[10 10 10 10@10,30 30 empty 30@30,40 40 empty empty@40]
    ok
    ");
    let script = "
        pause
        a 10@10 30@30 40@40
        b 10@10 30@30
        c 10@10 30@30 40@40
        close b
        resume
        end";
    insta::assert_snapshot!(totals(&[1, 2, 4], graph, script), @"
    m=[10 10 10 10@10,30 30 30 30@30,40 40 empty 40@40]
    ok
    ");
}

#[test]
fn i08_an_offset_promises_no_more_than_all_inputs_allow() {
    let graph = "
        x,y = pass(a,b) timed
        o = pass(y)
        observe x o";
    let script = "
        a 0@0
        a 1@1
        b 2@0
        end";
    insta::assert_snapshot!(check(graph, script), @"
    a 0@0: x=[0@0]
    a 1@1: x=[1@1]
    b 2@0: o=[2@0]
    end: ok
    ");
}

#[test]
fn i08_times_that_go_back_are_an_error_where_order_counts() {
    let graph = "
        m = mstr(a,b) timed
        o = pass(m)
        observe m o";
    let script = "
        a 0@0
        a 1@1
        b 2@0
        finish";
    insta::assert_snapshot!(check(graph, script), @r#"
    a 0@0: m=[0 0 empty@0] | o=[0 0 empty@0]
    a 1@1: m=[1 1 empty@1] | o=[1 1 empty@1]
    b 2@0: -
    finish: error: node 0 'm' (mstr): stream "m" to node 1 'o' (pass): a packet at 0.000000s goes back in time: the earliest that could come was 0.000002s
    "#);
}

#[test]
fn i08_and_none_where_it_does_not() {
    let script = "
        a 0@0
        a 1@1
        b 2@0
        end";
    insta::assert_snapshot!(check("m = mstr(a,b) timed", script), @"
    a 0@0: m=[0 0 empty@0]
    a 1@1: m=[1 1 empty@1]
    b 2@0: m=[0 empty 2@0]
    end: ok
    ");
}

#[test]
fn i09_in_order_of_time_all_is_well() {
    let graph = "
        x,y = pass(a,b) timed
        o,p = pass(x,y)
        observe o p";
    let script = "
        a 0@0
        b 1@1
        a 2@2
        end";
    insta::assert_snapshot!(check(graph, script), @"
    a 0@0: -
    b 1@1: o=[0@0]
    a 2@2: p=[1@1]
    end: o=[2@2] | ok
    ");
}

/// A module that is told of bounds sees the end of the last one as that of all times.
#[test]
fn i10_a_sum_is_told_when_nothing_can_follow() {
    let script = "
        a 1@1
        a 2@2
        a ->end
        end";
    insta::assert_snapshot!(check("s = sumclose(a)", script), @"
    a 1@1: -
    a 2@2: -
    a ->end: s=[3@max]
    end: ok
    ");
    insta::assert_snapshot!(check("s = sumclose(a)", "a 1@1 2@max\nend"), @"
    a 1@1 2@max: s=[3@max]
    end: ok
    ");
    insta::assert_snapshot!(check("s = sumclose(a)", "end"), @"end: ok");
}
