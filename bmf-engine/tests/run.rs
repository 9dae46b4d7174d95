//! Graphs that go well: what arrives, in which order, and what the outcome says of it.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bmf_core::config::InputManager;
use bmf_core::{Ending, Flow};
use support::{Lab, Run, Script, spin, value};

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
fn a_burst_is_never_cut_and_a_slow_sink_bounds_the_queues() {
    for workers in [1, 2, 8] {
        let mut lab = Lab::new();
        let source = lab.source("source", 60, 1);
        let log = lab.log.clone();
        let burst = Script::each(move |task, _, packet| {
            let first = value(&packet) * 10;
            for number in first..first + 10 {
                task.push(0, log.packet(number));
            }
            Ok(Flow::Wait)
        });
        let burst = lab.add_with("burst", &[source], 1, burst, |node| node.batch(1));
        let slow = Script::each(|_, _, _| {
            spin(Duration::from_micros(20));
            Ok(Flow::Wait)
        });
        lab.add("slow", &[burst.into()], 0, slow.sink());
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.node("slow").packets_in, 600);
        assert!(run.link("source", "burst").peak <= 5);
        assert!(run.link("burst", "slow").peak <= 4 + 10);
        assert_eq!(run.link("burst", "slow").raised, 0);
    }
}

#[test]
fn queue_limits_bound_each_link_whatever_its_speed() {
    for workers in [1, 2, 8] {
        for limit in [1, 2, 3, 7] {
            let mut lab = Lab::new();
            lab.builder().option_mut().queue_length_limit = Some(limit);
            let source = lab.source("source", 200, 1);
            let fast = lab.pass("fast", source);
            let slow = Script::each(|task, port, packet| {
                spin(Duration::from_micros(value(&packet).unsigned_abs() % 7));
                task.push(port, packet);
                Ok(Flow::Wait)
            });
            let slow = lab.add("slow", &[fast], 1, slow);
            lab.collect("sink", &[slow.into()]);
            let run = lab.run(workers).expect(Ending::Finished);
            assert_eq!(run.log.received("sink", 0), numbers(200));
            for link in &run.outcome.links {
                assert!(link.peak <= limit, "{link:?}");
            }
        }
    }
}

#[test]
fn batch_limits_what_a_task_carries() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let source = lab.source("source", 100, 25);
        let largest = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&largest);
        let sink = Script::new(move |task| {
            let input = &mut task.inputs_mut()[0].packets;
            seen.fetch_max(input.len(), Ordering::Relaxed);
            input.clear();
            Ok(Flow::Wait)
        });
        lab.add_with("sink", &[source], 0, sink.sink(), |node| {
            node.batch(3).queue_length_limit(50)
        });
        let run = lab.run(workers).expect(Ending::Finished);
        assert!(largest.load(Ordering::Relaxed) <= 3);
        assert_eq!(run.node("sink").packets_in, 100);
        assert!(run.node("sink").tasks >= 34);
    }
}

/// A source that sends 50 packets on its first output, then 50 on its second.
fn two_halves(lab: &mut Lab) -> (bmf_engine::Port, bmf_engine::Port) {
    let log = lab.log.clone();
    let mut next = 0;
    let script = Script::new(move |task| {
        task.push(usize::from(next >= 50), log.packet(next % 50));
        next += 1;
        Ok(if next == 100 { Flow::Done } else { Flow::More })
    });
    let source = lab.add("halves", &[], 2, script);
    (source.port("a"), source.port("b"))
}

#[test]
fn a_graph_that_blocks_itself_is_given_room() {
    for workers in [1, 2, 8] {
        let mut lab = Lab::new();
        let (a, b) = two_halves(&mut lab);
        lab.join("sink", &[a, b]);
        let run = lab.run(workers).expect(Ending::Finished);
        let expected: Vec<_> = (0..50).map(|t| format!("{t} [{t}] [{t}]")).collect();
        let joined = run.log.joined("sink");
        assert!(joined.starts_with(&expected.join("\n")), "{joined}");
        let [a, b] = &run.outcome.links[..] else {
            panic!("two links");
        };
        assert!(a.raised > 0 && a.limit <= 51, "{a:?}");
        assert_eq!((b.raised, b.limit), (0, 5));
    }
}

#[test]
fn only_links_on_the_blocking_path_are_given_room() {
    for workers in [1, 2, 8] {
        let mut lab = Lab::new();
        let source = lab.source("source", 100, 1);
        let before = lab.pass("before", source);
        let halves = Script::each(|task, _, packet| {
            let number = value(&packet);
            let half = packet.with_timestamp(bmf_hmp::Timestamp::from_micros(number % 50));
            task.push(usize::from(number >= 50), half);
            Ok(Flow::Wait)
        });
        let halves = lab.add("halves", &[before], 2, halves);
        lab.join("sink", &[halves.port("a"), halves.port("b")]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.joined("sink").lines().next().unwrap(), "0 [0] [50]");
        assert!(run.outcome.links.iter().any(|link| link.raised > 0));
        for (producer, consumer) in [("source", "before"), ("before", "halves")] {
            let link = run.link(producer, consumer);
            assert_eq!((link.raised, link.limit), (0, 5), "{link:?}");
        }
    }
}

#[test]
fn room_above_the_low_watermark_is_found_without_raising_limits() {
    for workers in [1, 2, 8] {
        let mut lab = Lab::new();
        lab.builder().option_mut().queue_length_limit = Some(8);
        let log = lab.log.clone();
        let mut steps = 0;
        // Sends 12 on `a` and 7 on `b`, which leaves 5 on `a`: more than half of its limit, so its
        // producer is not woken, and too few on `b` to go on with.
        let script = Script::new(move |task| {
            steps += 1;
            let (a, b) = if steps == 1 {
                (0..12, 0..7)
            } else {
                (0..0, 7..12)
            };
            a.for_each(|time| task.push(0, log.packet(time)));
            b.for_each(|time| task.push(1, log.packet(time)));
            Ok(if steps == 2 { Flow::Done } else { Flow::More })
        });
        let source = lab.add("source", &[], 2, script);
        lab.join("sink", &[source.port("a"), source.port("b")]);
        let run = lab.run(workers).expect(Ending::Finished);
        let expected: Vec<_> = (0..12).map(|t| format!("{t} [{t}] [{t}]")).collect();
        assert!(run.log.joined("sink").starts_with(&expected.join("\n")));
        assert!(run.outcome.links.iter().all(|link| link.raised == 0));
    }
}

#[test]
fn an_output_that_has_ended_needs_no_room() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let log = lab.log.clone();
        let mut next = 0;
        // As many packets on `a` as fit, its end, then packets on `b`.
        let script = Script::new(move |task| {
            let port = usize::from(next >= 5);
            task.push(port, log.packet(if port == 0 { next } else { next - 5 }));
            next += 1;
            if next == 5 {
                task.outputs_mut()[0].end();
            }
            Ok(if next == 25 { Flow::Done } else { Flow::More })
        });
        let source = lab.add("source", &[], 2, script);
        lab.join("sink", &[source.port("a"), source.port("b")]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.joined("sink").lines().next().unwrap(), "0 [0] [0]");
        assert!(run.outcome.links.iter().all(|link| link.raised == 0));
    }
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
fn what_is_left_on_an_input_is_offered_again() {
    for workers in [1, 2, 8] {
        let mut lab = Lab::new();
        let source = lab.source("source", 100, 1);
        let (log, calls) = (lab.log.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&calls);
        // Takes packets in pairs only.
        let pairs = Script::new(move |task| {
            counted.fetch_add(1, Ordering::Relaxed);
            while task.inputs()[0].packets.len() >= 2 {
                for _ in 0..2 {
                    let packet = task.pop(0).unwrap();
                    log.receive("pairs", 0, value(&packet));
                }
            }
            Ok(Flow::Wait)
        });
        lab.add_with("pairs", &[source], 0, pairs.sink(), |node| node.batch(1));
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("pairs", 0), numbers(100));
        // Neither skipped nor called again and again: one packet per task, perhaps one for the end.
        let calls = calls.load(Ordering::Relaxed);
        assert!((100..=101).contains(&calls), "{calls}");
        assert_eq!(
            run.node("pairs").packets_in,
            100,
            "a packet is counted once"
        );
    }
}

#[test]
fn a_module_that_waits_for_its_other_input_does_not_hang() {
    for workers in [1, 2, 8] {
        let mut lab = Lab::new();
        let (a, b) = two_halves(&mut lab);
        let log = lab.log.clone();
        // Takes from `a` only as much as has come on `b`.
        let zip = Script::new(move |task| {
            while !task.inputs()[0].packets.is_empty() && !task.inputs()[1].packets.is_empty() {
                for port in 0..2 {
                    let packet = task.pop(port).unwrap();
                    log.receive("zip", port, value(&packet));
                }
            }
            Ok(Flow::Wait)
        });
        lab.add("zip", &[a, b], 0, zip.sink());
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("zip", 0), numbers(50));
        assert_eq!(run.log.received("zip", 1), numbers(50));
    }
}

#[test]
fn a_module_that_leaves_packets_holds_back_their_producer() {
    for workers in [1, 2, 8] {
        let mut lab = Lab::new();
        let fast = lab.source("fast", 1000, 1);
        let slow = lab.source("slow", 100, 1);
        let slow = lab.add("slower", &[slow], 1, {
            Script::each(|task, port, packet| {
                spin(Duration::from_micros(20));
                task.push(port, packet);
                Ok(Flow::Wait)
            })
        });
        let log = lab.log.clone();
        let most = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&most);
        // Takes pairs until one input has no more.
        let zip = Script::new(move |task| {
            seen.fetch_max(task.inputs()[0].packets.len(), Ordering::Relaxed);
            while !task.inputs().iter().any(|input| input.packets.is_empty()) {
                let values = [0, 1].map(|port| value(&task.pop(port).unwrap()));
                assert_eq!(values[0], values[1]);
                log.receive("zip", 0, values[0]);
            }
            let input = &task.inputs()[1];
            let is_over = input.ended && input.packets.is_empty();
            Ok(if is_over { Flow::Done } else { Flow::Wait })
        });
        lab.add("zip", &[fast, slow.into()], 0, zip.sink());
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("zip", 0), numbers(100));
        assert!(most.load(Ordering::Relaxed) <= 5, "no more than the limit");
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
