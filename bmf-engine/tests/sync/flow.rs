//! Cases K: the modules that steer packets, in graphs.
//!
//! Not applicable:
//! * K03, K04 times at which a worker is slow: they need a clock that stands still. What they show,
//!   that packets which do not come back are given up, is a test of the module itself; here K03 is
//!   played with the times of packets only.
//! * K07 on one thread without a pause: which packet is released when depends on the scheduler. In
//!   lock-step all pass.
//! * K21 `PacketSequencer`, K22 the container that switches graphs: there are no such modules. A mux
//!   whose control comes now and then is a `packet_cloner` and a `mux`, here in K22.
//!
//! Differs on purpose:
//! * K19: an answer for each step in time, so also one after the last packet where the input tells
//!   of it.
//! * K23: there are no side packets; a gate without a control input goes by its option.

use crate::play::{check, totals};

const LIMITER: &str = "
    out,allow = flow_limiter(in,w) ";

fn limiter(options: &str) -> String {
    format!("{LIMITER}{options}\nw = sem(out)\nobserve w allow")
}

#[test]
fn k01_what_comes_too_fast_is_dropped() {
    let graph = limiter(r#"{"max_in_flight":1,"max_in_queue":1}"#);
    let mut script = "in 0@0 no wait\nentered w 1 no wait\nuntil allow 1 no wait\n".to_owned();
    for round in 0..9 {
        script += &format!(
            "in 0@{} no wait
            in 0@{} no wait
            until allow {} no wait
            release w 1 no wait
            entered w {} no wait
            until allow {} no wait\n",
            10 * round + 5,
            10 * round + 10,
            2 * round + 2,
            round + 2,
            2 * round + 3,
        );
    }
    script += "release w 1 no wait\nend";
    // One worker would be held by the semaphore.
    insta::assert_snapshot!(totals(&[2, 4], &graph, &script), @"
    w=[0@0,0@10,0@20,0@30,0@40,0@50,0@60,0@70,0@80,0@90]
    allow=[T@0,F@5,T@10,F@15,T@20,F@25,T@30,F@35,T@40,F@45,T@50,F@55,T@60,F@65,T@70,F@75,T@80,F@85,T@90]
    ok
    ");
}

#[test]
fn k03_packets_that_never_come_back_are_given_up() {
    // Of every second packet neither packet nor bound comes back.
    let graph = r#"
        out,allow = flow_limiter(in,w) {"max_in_flight":1,"in_flight_timeout":100}
        w = dec101(out)
        observe out"#;
    let packets: Vec<String> = (0..21)
        .map(|step| format!("in {step}@{}", 30 * step))
        .collect();
    let seen = totals(&[1, 2, 4], graph, &format!("{}\nend", packets.join("\n")));
    insta::assert_snapshot!(seen, @"
    out=[0@0,1@30,5@150,9@270,13@390,17@510]
    ok
    ");
}

#[test]
fn k06_auxiliary_streams_follow_the_main_one() {
    let graph = "
        out,allow,aux0 = flow_limiter(in,w,aux)
        w = sem(out)
        observe bounds w aux0
        observe allow";
    let script = "
        aux 1@10 no wait
        in 2@20 no wait
        entered w 1 no wait
        aux 2@20 3@30 no wait
        in 4@40 no wait
        until allow 2 no wait
        release w 1
        aux 4@40 5@50
        in 6@60 no wait
        entered w 2 no wait
        aux 6@60 7@70 no wait
        in 8@80 no wait
        until allow 4 no wait
        release w 1
        aux 8@80 9@90
        end";
    let seen = totals(&[2, 4], graph, script);
    insta::assert_snapshot!(seen, @"
    w=[2@20,∅@40,6@60,∅@80]
    aux0=[1@10,2@20,3@30,∅@49,6@60,7@70,∅@89]
    allow=[T@20,F@40,T@60,F@80]
    ok
    ");
}

#[test]
fn k07_in_lock_step_all_pass() {
    for options in [(1, 0), (1, 1), (2, 0), (2, 1)] {
        let graph = format!(
            r#"
            out,allow = flow_limiter(in,w) {{"max_in_flight":{},"max_in_queue":{}}}
            w = pass(out)
            observe w allow"#,
            options.0, options.1
        );
        let packets: Vec<String> = (0..8)
            .map(|step| format!("in {step}@{}", 10 * step))
            .collect();
        insta::allow_duplicates! {
            insta::assert_snapshot!(totals(&[1, 2, 4], &graph, &format!("{}\nend", packets.join("\n"))), @"
            w=[0@0,1@10,2@20,3@30,4@40,5@50,6@60,7@70]
            allow=[T@0,T@10,T@20,T@30,T@40,T@50,T@60,T@70]
            ok
            ");
        }
    }
}

#[test]
fn k11_the_latest_packets_at_each_tick() {
    let script = "
        in1 1@5000
        tick 0@10000 0@10001 0@10002
        in2 2@15000
        in1 ->15000
        end";
    insta::assert_snapshot!(check("o1,o2 = packet_cloner(in1,in2,tick)", script), @"
    in1 1@5000: -
    tick 0@10000 0@10001 0@10002: -
    in2 2@15000: -
    in1 ->15000: o1=[1@10000,1@10001,1@10002]
    end: ok
    ");
    let script = "
        in1 1@10000
        tick 0@10000
        tick 0@15000
        in1 2@10001
        tick 0@20000
        in1 3@30000
        tick 0@25000
        end";
    insta::assert_snapshot!(check("o1 = packet_cloner(in1,tick) timed", script), @"
    in1 1@10000: -
    tick 0@10000: o1=[1@10000]
    tick 0@15000: o1=[1@15000]
    in1 2@10001: -
    tick 0@20000: o1=[2@20000]
    in1 3@30000: -
    tick 0@25000: o1=[3@25000]
    end: ok
    ");
}

#[test]
fn k13_packets_move_by_places() {
    let packets: Vec<String> = (0..10).map(|time| format!("{time}@{time}")).collect();
    let script = format!("in {}\nend", packets.join(" "));
    let shift = |offset: i64| {
        let graph = format!("o = sequence_shift(in) {{\"offset\":{offset}}}");
        totals(&[1, 2], &graph, &script)
    };
    insta::assert_snapshot!(shift(3), @"
    o=[0@3,1@4,2@5,3@6,4@7,5@8,6@9]
    ok
    ");
    insta::assert_snapshot!(shift(-2), @"
    o=[2@0,3@1,4@2,5@3,6@4,7@5,8@6,9@7]
    ok
    ");
    insta::assert_snapshot!(shift(0), @"
    o=[0@0,1@1,2@2,3@3,4@4,5@5,6@6,7@7,8@8,9@9]
    ok
    ");
}

#[test]
fn k15_thirty_per_second() {
    let graph = r#"o = resampler(in) {"frame_rate":"30"}"#;
    let play = |times: &[i64]| {
        let packets: Vec<String> = times.iter().map(|time| format!("{time}@{time}")).collect();
        totals(&[1, 2], graph, &format!("in {}\nend", packets.join(" ")))
    };
    insta::assert_snapshot!(play(&[0, 16666]), @"
    o=[0@0]
    ok
    ");
    insta::assert_snapshot!(play(&[0, 16667]), @"
    o=[0@0,16667@33333]
    ok
    ");
    insta::assert_snapshot!(play(&[0, 49999]), @"
    o=[0@0,49999@33333]
    ok
    ");
    insta::assert_snapshot!(play(&[0, 50000]), @"
    o=[0@0,0@33333,50000@66667]
    ok
    ");
    insta::assert_snapshot!(play(&[2000, 118_666]), @"
    o=[2000@2000,2000@35333,2000@68667,118666@102000]
    ok
    ");
    insta::assert_snapshot!(play(&[-77]), @"
    o=[-77@-77]
    ok
    ");
}

#[test]
fn k16_batches_are_taken_apart_and_put_together() {
    let graph = "
        item,end = begin_loop(in)
        more = plus(item)
        out = end_loop(more,end)
        observe item
        observe bounds out";
    let script = "
        in [0,1]@0
        in []@1
        in [2,3]@2
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in [0,1]@0: item=[0@0,1@1] | out=[[1,2]@0]
    in []@1: out=[∅@1]
    in [2,3]@2: item=[2@3,3@4] | out=[[3,4]@2]
    end: ok
    ");
}

#[test]
fn k16_items_have_times_of_their_own() {
    let graph = "
        item,_ = begin_loop(in)
        observe bounds item";
    let script = "
        in [7,8,9]@0
        in []@1
        in ->3
        in [5]@3
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in [7,8,9]@0: item=[7@0,8@1,9@2]
    in []@1: item=[∅@3]
    in ->3: item=[∅@4]
    in [5]@3: item=[5@5]
    end: ok
    ");
}

#[test]
fn k16_two_consumers_and_a_clone() {
    let graph = "
        item,end,clone0 = begin_loop(in,c)
        s = sum(item,clone0)
        t = sum(item)
        out = end_loop(s,end)
        same = end_loop(t,end)
        observe out same";
    let script = "
        in [1,2]@0
        c 100@0
        in [3]@1
        c 200@1
        end";
    insta::assert_snapshot!(check(graph, script), @"
    in [1,2]@0: -
    c 100@0: out=[[101,102]@0] | same=[[1,2]@0]
    in [3]@1: -
    c 200@1: out=[[203]@1] | same=[[3]@1]
    end: ok
    ");
}

#[test]
fn k17_only_common_times_pass() {
    let graph = "x,y = inner_join(a,b)";
    let script = "
        a 0@0 1@1 2@2 3@3 4@4 6@6
        b 0@0 2@2 4@4 5@5 6@6
        end";
    insta::assert_snapshot!(totals(&[1, 2, 4], graph, script), @"
    x=[0@0,2@2,4@4,6@6]
    y=[0@0,2@2,4@4,6@6]
    ok
    ");
    let script = "
        a 0@0 2@2
        b 1@1 3@3
        end";
    insta::assert_snapshot!(totals(&[1, 2, 4], graph, script), @"
    x=[]
    y=[]
    ok
    ");
}

#[test]
fn k18_ticks_without_a_value_get_the_default() {
    let graph = r#"o,flag = value_or_default(in,tick) {"default":"d"}"#;
    let script = "
        tick 0@1 0@2 0@5 0@8 0@12 0@33 0@231
        in 1@0 2@2 3@4 4@6 5@8 6@9 7@12 8@33 9@54 10@232
        end";
    insta::assert_snapshot!(totals(&[1, 2, 4], graph, script), @"
    o=[d@1,2@2,d@5,5@8,7@12,8@33,d@231]
    flag=[T@1,T@5,T@231]
    ok
    ");
}

#[test]
fn k19_one_answer_for_each_step_in_time() {
    let script = "
        in 7@1
        in ->6
        in 8@10
        end";
    insta::assert_snapshot!(check("o = presence(in)", script), @"
    in 7@1: o=[T@1]
    in ->6: o=[F@5]
    in 8@10: o=[T@10]
    end: ok
    ");
}

#[test]
fn k20_the_first_input_goes_first() {
    let script = "
        a 1@1 4@5
        b 2@1 3@2
        end";
    insta::assert_snapshot!(totals(&[1, 2, 4], "o = merge(a,b)", script), @"
    o=[1@1,3@2,4@5]
    ok
    ");
}

/// A selection that holds until the next one: no frame passes before it is known which counts.
#[test]
fn k22_a_mux_whose_selection_holds() {
    let graph = "
        clock = merge(c0,c1)
        held = packet_cloner(select,clock)
        o = mux(c0,c1,held)
        observe o";
    let script = "
        select 0@0
        c0 10@10
        c1 ->11
        select 1@11
        select ->21
        c0 15@15
        c1 15@15
        c0 ->21
        c1 20@20
        select 0@21
        select ->31
        c0 30@30
        c1 ->31
        end";
    insta::assert_snapshot!(check(graph, script), @"
    select 0@0: -
    c0 10@10: -
    c1 ->11: -
    select 1@11: o=[10@10]
    select ->21: -
    c0 15@15: -
    c1 15@15: o=[15@15]
    c0 ->21: -
    c1 20@20: o=[20@20]
    select 0@21: -
    select ->31: -
    c0 30@30: -
    c1 ->31: o=[30@30]
    end: ok | c0 lost 1: by_policy
    ");
}

#[test]
fn k23_a_gate_that_is_shut_holds_nobody_up() {
    let graph = r#"
        g = gate(a) {"allow":false}
        m = mstr(g,a)
        observe m"#;
    let script = "
        wait
        a 1@1
        a 2@2
        end";
    insta::assert_snapshot!(check(graph, script), @"
    wait: -
    a 1@1: m=[1 empty 1@1]
    a 2@2: m=[2 empty 2@2]
    end: ok | a lost 1: consumer_ended
    ");
}
