//! Graphs that block themselves: how they are freed, when they fail, and what is said of them; and
//! loops.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bmf_core::config::{InputManager, LinkConfig, OnDeadlock};
use bmf_core::{Ending, Flow};
use bmf_engine::RunError;
use support::{Lab, Script, until, value};

const WORKERS: [usize; 3] = [1, 2, 4];

fn numbers(count: i64) -> Vec<i64> {
    (0..count).collect()
}

/// A source that sends 50 packets on its first output, then 50 on its second, to a join.
fn halves(lab: &mut Lab) {
    let log = lab.log.clone();
    let mut next = 0;
    let script = Script::new(move |task| {
        task.push(usize::from(next >= 50), log.packet(next % 50));
        next += 1;
        Ok(if next == 100 { Flow::Done } else { Flow::More })
    });
    let source = lab.add("halves", &[], 2, script);
    lab.join("join", &[source.port("a"), source.port("b")]);
}

#[test]
fn a_blocked_graph_may_be_told_to_fail() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        lab.builder().option_mut().on_deadlock = OnDeadlock::Fail;
        halves(&mut lab);
        let run = lab.run(workers);
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.expect_error(), @r#"the graph has blocked itself: on_deadlock is "fail": node 0 'halves' (halves) waits for 'join' to take from "halves.a"; node 1 'join' (join) waits for 'halves' to send on "halves.b" (needs 0.000000s settled, the next may come at before the stream), 5 packets wait meanwhile"#);
            let error = run.outcome.result.unwrap_err();
            insta::assert_snapshot!(error.hint().unwrap(), @"give the full queues a higher queue_length_limit, or the graph a larger memory_budget");
            let report = error.waiting().unwrap();
            assert!(!report.is_empty());
            insta::assert_snapshot!(format!("{:#}", report.to_json()), @r#"
            {
              "nodes": [
                {
                  "stream": "halves.a",
                  "peer": "join",
                  "waiting": 5,
                  "waiting_bytes": null,
                  "limit": 5,
                  "sent": 5,
                  "dropped": 0,
                  "bound_us": 5,
                  "node": "node 0 'halves' (halves)",
                  "waits_for": "room",
                  "holds": 0
                },
                {
                  "stream": "halves.b",
                  "peer": "halves",
                  "waiting": 0,
                  "waiting_bytes": null,
                  "limit": 5,
                  "sent": 0,
                  "dropped": 0,
                  "bound_us": null,
                  "port": "b",
                  "settled_us": 0,
                  "node": "node 1 'join' (join)",
                  "waits_for": "input",
                  "holds": 5
                }
              ]
            }
            "#);
        }
    }
}

/// A part that has blocked itself is freed although a source elsewhere never rests.
#[test]
fn a_blocked_part_is_freed_while_the_rest_runs() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        halves(&mut lab);
        let live = lab.endless("live");
        lab.collect("elsewhere", &[live]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        until("the blocked part gets through", || {
            log.joined("join").lines().count() >= 50
        });
        graph.control().stop();
        let outcome = graph.wait();
        assert_eq!(outcome.result.unwrap(), Ending::Stopped);
        let links = outcome.links.iter();
        let raised: Vec<_> = links
            .filter(|link| link.raised > 0)
            .map(|link| link.consumer.as_str())
            .collect();
        assert_eq!(raised, ["join"]);
        log.assert_clean();
    }
}

/// The same by `on_deadlock = fail`.
#[test]
fn a_blocked_part_fails_while_the_rest_runs() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        lab.builder().option_mut().on_deadlock = OnDeadlock::Fail;
        halves(&mut lab);
        let live = lab.endless("live");
        lab.collect("elsewhere", &[live]);
        let run = lab.run(workers);
        let error = run.expect_error();
        assert!(error.contains("has blocked itself"), "{error}");
    }
}

/// A source that waits for its own sink elsewhere is no deadlock.
#[test]
fn a_slow_sink_is_no_deadlock() {
    for workers in [2, 4] {
        let mut lab = Lab::new();
        lab.builder().option_mut().on_deadlock = OnDeadlock::Fail;
        let (source, live) = (lab.source("source", 100, 1), lab.endless("live"));
        let gate = Arc::new(AtomicBool::new(false));
        let opened = Arc::clone(&gate);
        let slow = Script::each(move |_, _, _| {
            until("the gate opens", || opened.load(Ordering::Acquire));
            Ok(Flow::Wait)
        });
        let slow = slow
            .sink()
            .describe(|descriptor| descriptor.may_block = true);
        lab.add("slow", &[source], 0, slow);
        lab.collect("fast", &[live]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        until("much has arrived elsewhere", || log.count("fast") > 2000);
        gate.store(true, Ordering::Release);
        graph.control().stop();
        assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
        log.assert_clean();
    }
}

/// A reader that takes one packet at a time leaves queues between full and the low watermark.
#[test]
fn queues_between_the_watermarks_get_stuck_nowhere() {
    for workers in WORKERS {
        for limit in [2, 5, 8] {
            let mut lab = Lab::new();
            lab.builder().option_mut().queue_length_limit = Some(limit);
            let source = lab.source("source", 60, 1);
            let first = lab.pass("first", source);
            let second = lab.pass("second", first);
            let one = LinkConfig {
                queue_length_limit: Some(1),
                ..LinkConfig::default()
            };
            let name = lab.builder().graph_output_with(second, one);
            let log = lab.log.clone();
            let mut graph = lab.start(workers);
            let output = graph.take_output(&name).unwrap();
            for number in 0..60 {
                assert!(graph.wait_idle(None));
                assert_eq!(value(&output.next().unwrap()), number);
            }
            assert!(output.next().is_none());
            drop(output);
            let outcome = graph.wait();
            assert_eq!(outcome.result.unwrap(), Ending::Finished);
            assert!(outcome.links.iter().all(|link| link.raised == 0));
            log.assert_clean();
        }
    }
}

/// `source > limit > work`, with a back edge from `work` to `limit`, which lets one packet at a time
/// into the loop: `permits` to begin with.
fn loop_of(lab: &mut Lab, count: i64, permits: i64) {
    let source = lab.source("source", count, 1);
    let mut free = permits;
    let limit = Script::new(move |task| {
        while task.pop(1).is_some() {
            free += 1;
        }
        while free > 0 {
            let Some(packet) = task.pop(0) else { break };
            task.push(0, packet);
            free -= 1;
        }
        Ok(Flow::Wait)
    });
    let limit = lab.add("limit", &[source.clone(), source], 1, limit);
    let work = lab.pass("work", limit);
    lab.builder().loop_back(work.clone(), limit, 1);
    lab.collect("sink", &[work]);
}

#[test]
fn a_loop_ends_by_itself() {
    for workers in WORKERS {
        for permits in [1, 3] {
            for count in [0, 1, 100] {
                let mut lab = Lab::new();
                loop_of(&mut lab, count, permits);
                let run = lab.run(workers).expect(Ending::Finished);
                assert_eq!(run.log.received("sink", 0), numbers(count));
            }
        }
    }
}

/// Nothing begins a loop whose first node puts packets together by their times.
#[test]
fn a_loop_that_never_starts_is_stuck() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = lab.source("source", 10, 1);
        let add = Script::pass();
        let add = lab.add_with("add", &[source.clone(), source], 1, add, |node| {
            node.input_manager(InputManager::Default)
        });
        let back = lab.pass("back", add);
        lab.builder().loop_back(back, add, 1);
        let run = lab.run(workers);
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.expect_error(), @r#"the graph is stuck: node 1 'add' (add) waits for 'back' to send on "back.0" (needs 0.000000s settled, the next may come at before the stream), 10 packets wait meanwhile; node 2 'back' (back) waits for 'add' to send on "add.0""#);
        }
        let Err(error) = &run.outcome.result else {
            panic!("it has failed");
        };
        assert!(matches!(error, RunError::Stuck { .. }), "{error}");
        assert_eq!(run.link("source", "add").dropped.consumer_ended, 10);
    }
}

/// A loop that is declared, with a first packet from `start`.
#[test]
fn a_loop_gets_going_by_its_first_packet() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = lab.source("source", 40, 1);
        // Adds what came back, one packet for one.
        let log = lab.log.clone();
        let add = Script::new(move |task| {
            while task.inputs().iter().all(|input| !input.packets.is_empty()) {
                let [one, sum] = [0, 1].map(|port| value(&task.pop(port).unwrap()));
                task.push(0, log.packet_of(one, one + sum));
            }
            let has_all = task.inputs()[0].ended && task.inputs()[0].packets.is_empty();
            Ok(if has_all { Flow::Done } else { Flow::Wait })
        });
        let add = lab.add("add", &[source.clone(), source], 1, add);
        let log = lab.log.clone();
        let delay = Script::pass().on_start(move |task| {
            task.push(0, log.packet_of(-1, 0));
            Ok(())
        });
        let delay = lab.add("delay", &[add.into()], 1, delay);
        lab.builder().loop_back(delay, add, 1);
        lab.collect("sink", &[add.into()]);
        let run = lab.run(workers).expect(Ending::Finished);
        let sums: Vec<i64> = (0..40).map(|n| n * (n + 1) / 2).collect();
        assert_eq!(run.log.received("sink", 0), sums);
    }
}

#[test]
fn a_loop_that_is_not_declared_is_refused() {
    let mut lab = Lab::new();
    loop_of(&mut lab, 1, 1);
    let mut graph = std::mem::take(lab.builder()).build();
    let input = &mut graph.nodes[1].inputs[1];
    assert!(std::mem::take(&mut input.link.back_edge));
    let found = lab.check(graph);
    insta::assert_snapshot!(found, @"
    error: the graph has a cycle: 'limit' -> 'work' -> 'limit'
      help: a loop is possible where the input that closes it says back_edge = true
    ");
}
