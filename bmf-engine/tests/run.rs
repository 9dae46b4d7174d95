//! Graphs that go well: what arrives, in which order, and what the outcome says of it.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod support;

use bmf_core::config::InputManager;
use bmf_core::{Ending, Flow};
use support::{Lab, Run, Script, value};

/// Enough runs to meet rare interleavings, few enough for a debug build.
const REPEAT: usize = 60;

fn numbers(count: i64) -> Vec<i64> {
    (0..count).collect()
}

/// Runs the same graph many times with 1, 2 and 8 workers.
fn repeat(mut build: impl FnMut() -> Lab, mut check: impl FnMut(Run)) {
    for workers in [1, 2, 8] {
        for _ in 0..REPEAT {
            check(build().run(workers).expect(Ending::Finished));
        }
    }
}

#[test]
fn chain_keeps_order_and_counts() {
    let build = || {
        let mut lab = Lab::new();
        let mut at = lab.source("source", 300, 3);
        for name in ["first", "second", "third"] {
            at = lab.pass(name, at);
        }
        lab.collect("sink", &[at]);
        lab
    };
    repeat(build, |run| {
        assert_eq!(run.log.received("sink", 0), numbers(300));
        assert_eq!(run.log.made(), 300);
        assert_eq!(run.node("source").packets_out, 300);
        assert_eq!(run.node("second").packets_in, 300);
        assert_eq!(run.node("sink").packets_in, 300);
        assert!(run.outcome.links.iter().all(|link| link.packets == 300));
        assert!(run.outcome.links.iter().all(|link| link.raised == 0));
    });
}

#[test]
fn diamond_delivers_both_ways_in_order() {
    let build = || {
        let mut lab = Lab::new();
        let source = lab.source("source", 200, 1);
        let left = lab.pass("left", source.clone());
        let right = lab.pass("right", source);
        lab.collect("sink", &[left, right]);
        lab
    };
    repeat(build, |run| {
        assert_eq!(run.log.received("sink", 0), numbers(200));
        assert_eq!(run.log.received("sink", 1), numbers(200));
    });
}

#[test]
fn fan_out_gives_every_consumer_the_same_packets() {
    let build = || {
        let mut lab = Lab::new();
        let source = lab.source("source", 100, 7);
        for index in 0..5 {
            lab.collect(&format!("sink{index}"), std::slice::from_ref(&source));
        }
        lab
    };
    repeat(build, |run| {
        for index in 0..5 {
            let received = run.log.received(&format!("sink{index}"), 0);
            assert_eq!(received, numbers(100));
        }
        assert_eq!(run.log.made(), 100);
    });
}

#[test]
fn fan_in_keeps_the_order_of_each_input() {
    let build = || {
        let mut lab = Lab::new();
        let inputs: Vec<_> = (1..=4)
            .map(|index| lab.source(&format!("source{index}"), index * 40, index))
            .collect();
        lab.collect("sink", &inputs);
        lab
    };
    repeat(build, |run| {
        for port in 0..4 {
            let expected = numbers((port as i64 + 1) * 40);
            assert_eq!(run.log.received("sink", port), expected);
        }
    });
}

#[test]
fn one_stream_may_feed_two_inputs_of_a_node() {
    let build = || {
        let mut lab = Lab::new();
        let source = lab.source("source", 50, 2);
        lab.join("sink", &[source.clone(), source]);
        lab
    };
    repeat(build, |run| {
        let joined = run.log.joined("sink");
        let expected: Vec<_> = (0..50).map(|t| format!("{t} [{t}] [{t}]")).collect();
        assert_eq!(joined, expected.join("\n"));
    });
}

/// Sources with these times joined by `default`, with several queue limits and worker counts: the
/// result must be the same each time.
fn join(sources: &[&[i64]]) -> String {
    let mut results = Vec::new();
    for workers in [1, 2, 8] {
        for limit in [1, 2, 5] {
            for _ in 0..10 {
                let mut lab = Lab::new();
                lab.builder().option_mut().queue_length_limit = Some(limit);
                let inputs: Vec<_> = sources
                    .iter()
                    .enumerate()
                    .map(|(index, times)| {
                        lab.source_of(&format!("source{index}"), times.to_vec(), 1)
                    })
                    .collect();
                lab.join("sink", &inputs);
                let run = lab.run(workers).expect(Ending::Finished);
                let joined = run.log.joined("sink");
                // Whether the end comes with the last packet or after it depends on arrival.
                results.push(joined.lines().filter(|line| !line.starts_with("end")).fold(
                    String::new(),
                    |text, line| match text.is_empty() {
                        true => line.to_owned(),
                        false => text + "\n" + line,
                    },
                ));
            }
        }
    }
    results.dedup();
    assert_eq!(results.len(), 1, "{results:#?}");
    results.remove(0)
}

#[test]
fn default_joins_by_time_whatever_the_arrival() {
    // The letters are those of the behaviour cases that MediaPipe's users rely on.
    let d01 = join(&[&[1, 3], &[2]]);
    insta::assert_snapshot!(d01, @"
    1 [1] []
    2 [] [2]
    3 [3] []
    ");
    let d03 = join(&[&[1], &[2], &[1, 3]]);
    insta::assert_snapshot!(d03, @"
    1 [1] [] [1]
    2 [] [2] []
    3 [] [] [3]
    ");
    let d04 = join(&[&[1, 2, 3], &[3, 9]]);
    insta::assert_snapshot!(d04, @"
    1 [1] []
    2 [2] []
    3 [3] [3]
    9 [] [9]
    ");
    let d05 = join(&[&[1, 5], &[]]);
    insta::assert_snapshot!(d05, @"
    1 [1] []
    5 [5] []
    ");
    let d06 = join(&[&[1], &[2]]);
    insta::assert_snapshot!(d06, @"
    1 [1] []
    2 [] [2]
    ");
    let d07 = join(&[&[0, 1, 2], &[]]);
    insta::assert_snapshot!(d07, @"
    0 [0] []
    1 [1] []
    2 [2] []
    ");
    let d08 = join(&[&[], &[]]);
    insta::assert_snapshot!(d08, @"");
}

#[test]
fn many_packets_through_a_chain_of_four() {
    let mut lab = Lab::new();
    let mut at = lab.source("source", 100_000, 10);
    for name in ["first", "second"] {
        at = lab.pass(name, at);
    }
    lab.add("sink", &[at], 0, Script::drain());
    let run = lab.run(2).expect(Ending::Finished);
    assert_eq!(run.node("sink").packets_in, 100_000);
    assert_eq!(run.log.made(), 100_000);
}

#[test]
fn an_early_end_of_one_output_reaches_its_consumer_first() {
    for workers in [1, 2, 8] {
        let mut lab = Lab::new();
        let source = lab.source("source", 40, 1);
        let mut seen = 0;
        let script = Script::each(move |task, _, packet| {
            seen += 1;
            task.push(0, packet.clone());
            task.push(1, packet);
            if seen == 10 {
                task.outputs_mut()[0].end();
            }
            Ok(Flow::Wait)
        });
        let split = lab.add("split", &[source], 2, script);
        lab.collect("short", &[split.port("a")]);
        lab.collect("long", &[split.port("b")]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("short", 0), numbers(10));
        assert_eq!(run.log.received("long", 0), numbers(40));
        assert_eq!(run.node("split").packets_in, 40);
        assert_eq!(run.node("split").packets_out, 50);
    }
}

#[test]
fn a_filter_may_drop_and_a_flush_may_take_its_time() {
    let build = || {
        let mut lab = Lab::new();
        let source = lab.source("source", 90, 4);
        let mut kept = std::collections::VecDeque::new();
        let mut silent = 0;
        let hold = Script::new(move |task| {
            while let Some(packet) = task.pop(0) {
                if value(&packet) % 3 == 0 {
                    kept.push_back(packet);
                }
            }
            if !task.inputs_ended() {
                return Ok(Flow::Wait);
            }
            // Gives nothing for a while, then one packet per call.
            silent += 1;
            if silent < 20 {
                return Ok(Flow::More);
            }
            match kept.pop_front() {
                Some(packet) => task.push(0, packet),
                None => return Ok(Flow::Done),
            }
            Ok(Flow::More)
        });
        let hold = lab.add("hold", &[source], 1, hold);
        lab.collect("sink", &[hold.into()]);
        lab
    };
    repeat(build, |run| {
        let expected: Vec<_> = (0..90).step_by(3).collect();
        assert_eq!(run.log.received("sink", 0), expected);
    });
}

#[test]
fn a_source_that_waits_is_done() {
    let mut lab = Lab::new();
    let log = lab.log.clone();
    let source = Script::new(move |task| {
        task.push(0, log.packet(1));
        Ok(Flow::Wait)
    });
    let source = lab.add("source", &[], 1, source);
    lab.collect("sink", &[source.into()]);
    let run = lab.run(2).expect(Ending::Finished);
    assert_eq!(run.log.received("sink", 0), [1]);
}

#[test]
fn a_node_may_be_done_before_its_inputs() {
    let build = || {
        let mut lab = Lab::new();
        let source = lab.source("source", 1000, 1);
        let mut left = 10;
        let take = Script::each(move |task, port, packet| {
            task.push(port, packet);
            left -= 1;
            Ok(if left == 0 { Flow::Done } else { Flow::Wait })
        });
        let take = lab.add("take", &[source], 1, take);
        lab.collect("sink", &[take.into()]);
        lab
    };
    repeat(build, |run| {
        assert_eq!(run.log.received("sink", 0), numbers(10));
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.log.calls(), @"
            close sink Finished
            close source Stopped
            close take Finished
            open sink
            open source
            open take
            ");
        }
    });
}

#[test]
fn a_sink_that_has_enough_ends_an_endless_source() {
    for workers in [1, 2, 8] {
        let mut lab = Lab::new();
        let source = lab.endless("source");
        let pass = lab.pass("pass", source);
        let mut left = 30;
        let sink = Script::each(move |_, _, _| {
            left -= 1;
            Ok(if left == 0 { Flow::Done } else { Flow::Wait })
        });
        lab.add("sink", &[pass], 0, sink.sink());
        lab.run(workers).expect(Ending::Finished);
    }
}

#[test]
fn one_of_two_consumers_may_leave() {
    for workers in [1, 2, 8] {
        let mut lab = Lab::new();
        let source = lab.source("source", 500, 1);
        let pass = lab.pass("pass", source);
        let early = Script::each(|_, _, _| Ok(Flow::Done));
        lab.add("early", std::slice::from_ref(&pass), 0, early.sink());
        lab.collect("sink", &[pass]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), numbers(500));
    }
}

#[test]
fn a_sink_with_an_output_goes_on_when_nobody_listens_any_more() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let source = lab.source("source", 300, 1);
        let mut collects = lab.collector("writer");
        let writes = Script::new(move |task| {
            let packet = task.inputs()[0].packets.front().cloned();
            packet.into_iter().for_each(|packet| task.push(0, packet));
            (collects.process_mut())(task)
        });
        let writer = lab.add("writer", &[source], 1, writes.sink());
        let early = Script::each(|_, _, _| Ok(Flow::Done));
        lab.add("early", &[writer.into()], 0, early.sink());
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("writer", 0), numbers(300));
    }
}

#[test]
fn nodes_without_connected_inputs_run_as_sources() {
    for workers in [1, 4] {
        let mut lab = Lab::new();
        for name in ["one", "two", "three"] {
            let script = lab.collector(name);
            lab.add_with(name, &[], 0, script, |node| node.no_input().no_input());
        }
        let run = lab.run(workers).expect(Ending::Finished);
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.log.calls(), @"
            close one Finished
            close three Finished
            close two Finished
            open one
            open three
            open two
            ");
        }
    }
}

#[test]
fn a_default_join_inside_a_graph_passes_on_in_order() {
    let build = || {
        let mut lab = Lab::new();
        let source = lab.source("source", 120, 1);
        let odd = Script::each(|task, port, packet| {
            if value(&packet) % 2 == 1 {
                task.push(port, packet);
            }
            Ok(Flow::Wait)
        });
        let odd = lab.add("odd", std::slice::from_ref(&source), 1, odd);
        let all = lab.pass("all", source);
        let log = lab.log.clone();
        let sum = Script::new(move |task| {
            let Some(time) = task.timestamp() else {
                return Ok(Flow::Wait);
            };
            let mut sum = 0;
            for port in 0..2 {
                sum += task.pop(port).map_or(0, |packet| value(&packet));
            }
            task.push(0, log.packet_of(time.micros(), sum));
            Ok(Flow::Wait)
        });
        let sum = lab.add_with("sum", &[all, odd.into()], 1, sum, |node| {
            node.input_manager(InputManager::Default)
        });
        lab.collect("sink", &[sum.into()]);
        lab
    };
    repeat(build, |run| {
        let expected: Vec<_> = (0..120)
            .map(|t| if t % 2 == 1 { 2 * t } else { t })
            .collect();
        assert_eq!(run.log.received("sink", 0), expected);
    });
}

#[test]
fn statistics_tell_what_happened() {
    let mut lab = Lab::new();
    let source = lab.source("source", 10, 2);
    let pass = lab.add("pass", &[source], 1, {
        // Ends its output itself, which is no packet.
        Script::new(|task| {
            while let Some(packet) = task.pop(0) {
                task.push(0, packet);
            }
            if task.inputs_ended() {
                task.outputs_mut()[0].end();
            }
            Ok(Flow::Wait)
        })
    });
    lab.add("sink", &[pass.into()], 0, Script::drain());
    let run = lab.run(1).expect(Ending::Finished);
    let mut text = String::new();
    for node in &run.outcome.nodes {
        let (tasks, inputs, outputs) = (node.tasks, node.packets_in, node.packets_out);
        text += &format!(
            "{} {}: {tasks} tasks, {inputs} in, {outputs} out\n",
            node.id, node.name
        );
    }
    for link in &run.outcome.links {
        let (packets, peak, limit) = (link.packets, link.peak, link.limit);
        let (stream, to) = (&link.stream, &link.consumer);
        text += &format!("{stream} -> {to}: {packets} packets, peak {peak} of {limit}\n");
    }
    insta::assert_snapshot!(text, @"
    0 source: 5 tasks, 0 in, 10 out
    1 pass: 5 tasks, 10 in, 10 out
    2 sink: 5 tasks, 10 in, 0 out
    source.0 -> pass: 10 packets, peak 2 of 5
    pass.0 -> sink: 10 packets, peak 2 of 5
    ");
}
