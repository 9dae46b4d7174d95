//! Cases F, A, R, E, M and X: the policies `fixed_size`, `timestamp_align`, `barrier`,
//! `early_close` and `mux`; and the renewal of each.
//!
//! Not applicable:
//! * F01 on one thread, where what is first in line depends on when a node prepares its input: here
//!   a task is made when its node runs, and not before.
//!
//! Differs on purpose:
//! * F05, A01: what a policy drops is counted on the link.
//! * X01: a graph is not run twice; `flush` begins anew in the same run.

use crate::play::{Play, check, check_on, totals};

fn fixed_size(options: &str) -> String {
    format!("x = sem(a) fixed_size{{{options}}}")
}

const LARGER: &str = r#""trigger_queue_size":4,"target_queue_size":2"#;
const ALL: &str = r#""fixed_min_size":true"#;

#[test]
fn f01_the_newest_are_kept() {
    let script = "
        pause
        a 0@0 1@1 2@2 3@3 4@4 5@5 6@6 7@7 8@8 9@9
        release x 9
        resume no wait
        end";
    insta::assert_snapshot!(totals(&[1, 2, 4], &fixed_size(""), script), @"
    x=[9@9]
    ok
    ");
    insta::assert_snapshot!(totals(&[1, 2, 4], &fixed_size(LARGER), script), @"
    x=[8@8,9@9]
    ok
    ");
}

#[test]
fn f01_what_is_at_work_is_not_dropped() {
    let script = "
        a 0@0 no wait
        entered x 1 no wait
        a 1@1 2@2 3@3 4@4 5@5 6@6 7@7 8@8 9@9 no wait
        release x 9 no wait
        end";
    insta::assert_snapshot!(totals(&[1, 2, 4], &fixed_size(""), script), @"
    x=[0@0,9@9]
    ok
    ");
}

#[test]
fn f02_a_slow_node_gets_the_newest_of_each_burst() {
    let mut script = "a 0@0 no wait\nentered x 1 no wait\n".to_owned();
    for call in 0..10 {
        let burst = (10 * call).max(1)..10 * (call + 1);
        let burst: Vec<String> = burst.map(|time| format!("{time}@{time}")).collect();
        script += &format!(
            "a {} no wait\nrelease x 1 no wait\nentered x {} no wait\n",
            burst.join(" "),
            call + 2
        );
    }
    script += "release x 1 no wait\nend";
    for options in ["", ALL] {
        let seen = totals(&[1, 2, 4], &fixed_size(options), &script);
        insta::allow_duplicates! {
            insta::assert_snapshot!(seen, @"
            x=[0@0,9@9,19@19,29@29,39@39,49@49,59@59,69@69,79@79,89@89,99@99]
            ok
            ");
        }
    }
}

#[test]
fn f03_dropping_makes_room() {
    let graph = "
        graph queue=10
        s = src[100,10]()
        x = pass(s) fixed_size
        observe x";
    for workers in [1, 2, 4] {
        let seen = totals(&[workers], graph, "finish");
        assert!(seen.contains("99@99]\nok"), "{seen}");
    }
}

#[test]
fn f05_rows_stay_together() {
    let graph = r#"x,y,z = pass(a,b,c) fixed_size{"trigger_queue_size":3,"target_queue_size":1}"#;
    for workers in [1, 2, 4] {
        let mut play = Play::start(graph, workers).unwrap();
        std::thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                let input = play.input(name);
                scope.spawn(move || {
                    for time in 0..50 {
                        let packet = crate::text::packet(&format!("{time}@{time}"));
                        input.add(packet).unwrap();
                    }
                });
            }
        });
        let seen = play.run("end");
        let rows: Vec<_> = seen
            .split(" | ")
            .filter_map(|part| part.split_once('['))
            .collect();
        assert_eq!(rows.len(), 3, "{seen}");
        assert!(rows.iter().all(|(_, row)| *row == rows[0].1), "{seen}");
        assert!(rows[0].1.ends_with("49@49]"), "{seen}");
    }
}

#[test]
fn a01_the_first_packets_count_as_simultaneous() {
    let script = "
        camera 1@101
        camera 2@102
        video 1@1
        camera 3@103
        camera 4@104
        video 4@4
        end";
    let graph = r#"v,c = pass(video,camera) timestamp_align{"base":1}"#;
    insta::assert_snapshot!(check(graph, script), @"
    camera 1@101: c=[1@101]
    camera 2@102: c=[2@102]
    video 1@1: -
    camera 3@103: v=[1@103] | c=[3@103]
    camera 4@104: -
    video 4@4: c=[4@104]
    end: v=[4@106] | ok
    ");
}

#[test]
fn r01_one_of_each_whatever_the_times() {
    let script = "
        a 1@10 2@30 3@20
        b 1@0
        c 1@0 2@0
        c 3@0
        b 2@1
        close b
        end";
    insta::assert_snapshot!(check("x,y,z = pass(a,b,c) barrier", script), @"
    a 1@10 2@30 3@20: -
    b 1@0: -
    c 1@0 2@0: x=[1@10] | y=[1@0] | z=[1@0]
    c 3@0: -
    b 2@1: x=[2@30] | y=[2@1] | z=[2@0]
    close b: -
    end: ok | a lost 1: by_policy | c lost 1: by_policy
    ");
}

#[test]
fn e01_the_first_end_is_the_end() {
    let script = "
        a 1@1 2@2
        close b
        a 3@3
        end";
    insta::assert_snapshot!(check("x,y = pass(a,b) early_close", script), @r#"
    a 1@1 2@2: -
    close b: -
    a 3@3: 3@3: stream "a" has ended
    end: ok | a lost 2: by_policy
    "#);
    let graph = "
        s = src[5]()
        p = pass(s)
        x,y = pass(p,b) early_close
        observe x y";
    let script = "
        wait
        close b
        finish";
    insta::assert_snapshot!(check(graph, script), @"
    wait: -
    close b: -
    finish: ok | p lost 5: by_policy
    ");
}

const MUX: &str = "
    o = mux(in0,in1,select)
    p = pair(select,o)
    observe p";

#[test]
fn m01_control_before_data() {
    let script = "
        select 0@1
        in0 1000@2
        in1 900@1 800@4
        select 0@2
        select 1@3
        select 1@4
        end";
    insta::assert_snapshot!(check(MUX, script), @"
    select 0@1: -
    in0 1000@2: p=[(0,∅)@1]
    in1 900@1 800@4: -
    select 0@2: p=[(0,1000)@2]
    select 1@3: p=[(1,∅)@3]
    select 1@4: p=[(1,800)@4]
    end: ok | in1 lost 1: by_policy
    ");
}

#[test]
fn m01_all_at_once() {
    let script = "
        select 0@1 0@2 1@3 1@4 no wait
        in0 1000@2 no wait
        in1 900@1 800@4 no wait
        end";
    insta::assert_snapshot!(totals(&[1, 2, 4], MUX, script), @"
    p=[(0,∅)@1,(0,1000)@2,(1,∅)@3,(1,800)@4]
    ok
    ");
}

#[test]
fn m02_what_is_not_selected_neither_blocks_nor_fills_up() {
    let graph = format!("graph queue=2 on_deadlock=fail\n{MUX}");
    let script = "
        select 0@2
        in0 7@2
        in1 1@1
        in1 1@2
        select 0@3
        in0 8@3
        end";
    insta::assert_snapshot!(check(&graph, script), @"
    select 0@2: -
    in0 7@2: p=[(0,7)@2]
    in1 1@1: -
    in1 1@2: -
    select 0@3: -
    in0 8@3: p=[(0,8)@3]
    end: ok | in1 lost 2: by_policy
    ");
}

#[test]
fn m04_five_branches_and_a_mux_keep_the_order() {
    let graph = "
        s = src[2000]()
        a,b,c,d,e,select = round_robin(s)
        a2 = pass(a)
        b2 = pass(b)
        c2 = pass(c)
        d2 = pass(d)
        e2 = pass(e)
        o = mux(a2,b2,c2,d2,e2,select)
        observe o";
    let expected: Vec<String> = (0..2000).map(|time| format!("{time}@{time}")).collect();
    let seen = totals(&[1, 2, 4], graph, "finish");
    assert_eq!(seen, format!("o=[{}]\nok", expected.join(",")));
}

#[test]
fn x01_each_policy_begins_anew() {
    for policy in [
        "default",
        "immediate",
        "timed",
        r#"syncset{"sets":[[0]]}"#,
        "fixed_size",
        "timestamp_align",
        "barrier",
        "early_close",
        "mux",
        "framesync",
        "clocksync",
        "server",
    ] {
        // Of a mux the last input is the control, of clocksync the first the clock.
        let graph = format!("x,y = pass(a,b) {policy}");
        let script = "
            wait
            b 0@2000
            a 5@2000
            flush
            b 0@1000
            a 6@1000
            b 0@1001
            a 7@1001";
        let seen = check_on(&[1, 2], &graph, script);
        let of_run = |run: &str| run.matches("x=[").count() + run.matches("y=[").count();
        let (first, second) = seen.split_once("flush").unwrap();
        assert!(of_run(first) > 0 && of_run(second) > 0, "{policy}: {seen}");
        assert!(!second.contains("2000"), "{policy}: {seen}");
    }
}
