//! Back-pressure: what bounds queues and tasks, and how a graph that blocks itself is freed.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bmf_core::{Ending, Flow};
use support::{Lab, Script, spin, value};

fn numbers(count: i64) -> Vec<i64> {
    (0..count).collect()
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
