//! What may wait: limits of graphs, nodes and links, in packets and in bytes; the memory budget; what
//! is dropped, and what is done to packets that go back in time.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bmf_core::config::{LinkConfig, OnFull, TimeOrder};
use bmf_core::{Ending, Flow};
use bmf_engine::RunError;
use support::{ITEM_BYTES, Lab, Run, Script, until, value};

const WORKERS: [usize; 3] = [1, 2, 4];
const BYTES: u64 = ITEM_BYTES as u64;

fn numbers(count: i64) -> Vec<i64> {
    (0..count).collect()
}

fn packets(limit: usize) -> LinkConfig {
    LinkConfig {
        queue_length_limit: Some(limit),
        ..LinkConfig::default()
    }
}

fn bytes(limit: u64) -> LinkConfig {
    LinkConfig {
        queue_length_limit: Some(1000),
        queue_bytes_limit: Some(limit),
        ..LinkConfig::default()
    }
}

/// `source > slow > sink`, where the source sends one by one.
fn run(workers: usize, graph: impl FnOnce(&mut Lab), link: LinkConfig, node: Option<u64>) -> Run {
    let mut lab = Lab::new();
    graph(&mut lab);
    let source = lab.source("source", 200, 1);
    let slow = Script::each(|task, port, packet| {
        support::spin(std::time::Duration::from_micros(5));
        task.push(port, packet);
        Ok(Flow::Wait)
    });
    let slow = lab.add_with("slow", &[], 1, slow, |described| {
        let described = described.input_with(source, link).batch(1);
        match node {
            Some(limit) => described.queue_bytes_limit(limit),
            None => described,
        }
    });
    lab.collect("sink", &[slow.into()]);
    let run = lab.run(workers).expect(Ending::Finished);
    assert_eq!(run.log.received("sink", 0), numbers(200));
    run
}

#[test]
fn the_nearest_limit_in_packets_counts() {
    for workers in WORKERS {
        let graph = |lab: &mut Lab| lab.builder().option_mut().queue_length_limit = Some(3);
        let run_of = |link| run(workers, graph, link, None);
        let outcome = run_of(packets(9));
        assert!(outcome.link("source", "slow").peak <= 9);
        assert_eq!(outcome.link("source", "slow").limit, 9);
        assert_eq!(outcome.link("slow", "sink").limit, 3);
        let outcome = run_of(LinkConfig::default());
        assert!(outcome.link("source", "slow").peak <= 3);
    }
}

#[test]
fn the_nearest_limit_in_bytes_counts() {
    for workers in WORKERS {
        let graph = |lab: &mut Lab| lab.builder().option_mut().queue_bytes_limit = Some(2 * BYTES);
        // Bytes are looked at before a step, so the last packet goes in whole.
        let peak = |link, node| run(workers, graph, link, node).link("source", "slow").peak;
        assert!(peak(bytes(4 * BYTES), None) <= 4);
        assert!(peak(packets(1000), Some(3 * BYTES)) <= 3);
        assert!(peak(packets(1000), None) <= 2);
        // At least one packet always may wait.
        assert_eq!(peak(bytes(1), None), 1);
    }
}

#[test]
fn sources_wait_for_the_memory_budget_and_go_on() {
    for workers in WORKERS {
        for budget in [1, 3 * BYTES, 10 * BYTES] {
            let mut lab = Lab::new();
            lab.builder().option_mut().memory_budget = Some(budget);
            lab.builder().option_mut().queue_length_limit = Some(1000);
            let most = Arc::new(AtomicUsize::new(0));
            let log = lab.log.clone();
            let mut ends = Vec::new();
            for name in ["one", "two"] {
                let source = lab.source(name, 300, 1);
                ends.push(lab.pass(&format!("pass_{name}"), source));
            }
            let seen = Arc::clone(&most);
            let sink = Script::each(move |_, port, packet| {
                seen.fetch_max(log.alive().unsigned_abs(), Ordering::AcqRel);
                log.receive("sink", port, value(&packet));
                Ok(Flow::Wait)
            });
            lab.add("sink", &ends, 0, sink.sink());
            let run = lab.run(workers).expect(Ending::Finished);
            assert_eq!(run.log.received("sink", 0), numbers(300));
            assert_eq!(run.log.received("sink", 1), numbers(300));
            // Beside what waits: a task of each node, and a packet in the hands of each source.
            let budget = usize::try_from(budget / BYTES).unwrap().max(1);
            let most = most.load(Ordering::Acquire);
            assert!(most <= 6 * budget + 4, "{most} packets at once");
        }
    }
}

/// A source that sends so many packets on its first output, then as many on its second, to a join.
fn halves(lab: &mut Lab, count: i64) {
    let log = lab.log.clone();
    let mut next = 0;
    let script = Script::new(move |task| {
        task.push(usize::from(next >= count), log.packet(next % count));
        next += 1;
        Ok(if next == 2 * count {
            Flow::Done
        } else {
            Flow::More
        })
    });
    let source = lab.add("halves", &[], 2, script);
    lab.join("join", &[source.port("a"), source.port("b")]);
}

#[test]
fn a_graph_that_needs_more_memory_than_it_may_fails() {
    for workers in WORKERS {
        for limit in [5, 1000] {
            let mut lab = Lab::new();
            lab.builder().option_mut().memory_budget = Some(20 * BYTES);
            lab.builder().option_mut().queue_length_limit = Some(limit);
            halves(&mut lab, 50);
            let run = lab.run(workers);
            let error = run.expect_error();
            assert!(
                matches!(run.outcome.result, Err(RunError::Deadlock { .. })),
                "{error}"
            );
            if limit == 1000 {
                insta::allow_duplicates! {
                    insta::assert_snapshot!(error, @r#"the graph has blocked itself: its memory budget is used up: node 0 'halves' (halves) waits for the memory budget; node 1 'join' (join) waits for 'halves' to send on "halves.b" (needs 0.000000s settled, the next may come at before the stream), 20 packets wait meanwhile; 2000 of 2000 bytes wait in queues"#);
                }
            }
            assert!(
                error.contains("2000 of 2000 bytes wait in queues"),
                "{error}"
            );
            // With enough of it all is well.
            let mut lab = Lab::new();
            lab.builder().option_mut().memory_budget = Some(60 * BYTES);
            lab.builder().option_mut().queue_length_limit = Some(limit);
            halves(&mut lab, 50);
            let run = lab.run(workers).expect(Ending::Finished);
            assert!(run.log.joined("join").starts_with("0 [0] [0]\n1 [1] [1]"));
        }
    }
}

/// What a sink receives that is held until ten packets are sent; how many were sent, and dropped.
fn dropped(workers: usize, link: LinkConfig) -> (Vec<i64>, u64, u64) {
    let mut lab = Lab::new();
    let port = lab.builder().graph_input("in");
    let [entered, let_go] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let (inside, free, log) = (Arc::clone(&entered), Arc::clone(&let_go), lab.log.clone());
    let sink = Script::each(move |_, port, packet| {
        inside.fetch_add(1, Ordering::AcqRel);
        until("the sink is let go", || free.load(Ordering::Acquire) > 0);
        log.receive("sink", port, value(&packet));
        Ok(Flow::Wait)
    });
    lab.add_with("sink", &[], 0, sink.sink(), |node| {
        node.input_with(port, link)
    });
    let log = lab.log.clone();
    let mut graph = lab.start(workers);
    let input = graph.take_input("in").unwrap();
    input.add(log.packet(0)).unwrap();
    until("the sink is inside", || entered.load(Ordering::Acquire) > 0);
    for number in 1..10 {
        input.add_unlimited(log.packet(number)).unwrap();
    }
    let_go.fetch_add(1, Ordering::AcqRel);
    drop(input);
    let outcome = graph.wait();
    assert_eq!(outcome.result.unwrap(), Ending::Finished);
    log.assert_clean();
    let link = &outcome.links[0];
    assert_eq!(link.dropped.total(), link.dropped.full);
    (log.received("sink", 0), link.packets, link.dropped.full)
}

#[test]
fn links_drop_what_they_are_told_to() {
    for workers in WORKERS {
        let of = |on_full, limit| {
            let link = LinkConfig {
                on_full: Some(on_full),
                ..packets(limit)
            };
            dropped(workers, link)
        };
        assert_eq!(of(OnFull::DropOldest, 3), (vec![0, 7, 8, 9], 10, 6));
        assert_eq!(of(OnFull::DropNewest, 3), (vec![0, 1, 2, 3], 10, 6));
        assert_eq!(of(OnFull::Latest, 3), (vec![0, 9], 10, 8));
        assert_eq!(of(OnFull::Block, 3), (numbers(10), 10, 0));
        let of = |on_full| {
            let link = LinkConfig {
                on_full: Some(on_full),
                ..bytes(2 * BYTES)
            };
            dropped(workers, link)
        };
        assert_eq!(of(OnFull::DropOldest), (vec![0, 8, 9], 10, 7));
        assert_eq!(of(OnFull::DropNewest), (vec![0, 1, 2], 10, 7));
    }
}

#[test]
fn a_link_that_drops_never_holds_its_producer_up() {
    for workers in WORKERS {
        for on_full in [OnFull::DropOldest, OnFull::DropNewest, OnFull::Latest] {
            let mut lab = Lab::new();
            let source = lab.source("source", 1000, 1);
            let link = LinkConfig {
                on_full: Some(on_full),
                ..packets(2)
            };
            let sink = lab.collector("sink");
            lab.add_with("sink", &[], 0, sink, |node| {
                node.input_with(source.clone(), link)
            });
            lab.collect("all", &[source]);
            let run = lab.run(workers).expect(Ending::Finished);
            assert_eq!(run.log.received("all", 0), numbers(1000));
            let link = run.link("source", "sink");
            let received = run.log.received("sink", 0);
            assert!(received.is_sorted());
            let received = u64::try_from(received.len()).unwrap();
            assert_eq!(received + link.dropped.full, 1000);
        }
    }
}

/// Packets at these times, to a sink with this order.
fn in_order(workers: usize, order: Option<TimeOrder>) -> Run {
    let mut lab = Lab::new();
    let source = lab.source_of("source", vec![1, 5, 3, 6, 5, 7], 2);
    let link = LinkConfig {
        time_order: order,
        ..LinkConfig::default()
    };
    let log = lab.log.clone();
    let sink = Script::each(move |_, port, packet| {
        log.receive("sink", port, value(&packet));
        log.receive("sink", 1, packet.timestamp().micros());
        Ok(Flow::Wait)
    });
    lab.add_with("sink", &[], 0, sink.sink(), |node| {
        node.input_with(source, link)
    });
    lab.run(workers)
}

#[test]
fn packets_that_go_back_in_time_are_treated_as_declared() {
    for workers in WORKERS {
        for order in [None, Some(TimeOrder::Any)] {
            let run = in_order(workers, order).expect(Ending::Finished);
            assert_eq!(run.log.received("sink", 0), [1, 5, 3, 6, 5, 7]);
        }
        let run = in_order(workers, Some(TimeOrder::Drop)).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), [1, 5, 6, 7]);
        assert_eq!(run.link("source", "sink").dropped.backwards, 2);
        let run = in_order(workers, Some(TimeOrder::Clamp)).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), [1, 5, 3, 6, 5, 7]);
        assert_eq!(run.log.received("sink", 1), [1, 5, 6, 7, 8, 9]);
        assert_eq!(run.link("source", "sink").dropped.total(), 0);
        let run = in_order(workers, Some(TimeOrder::Error));
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.expect_error(), @r#"node 0 'source' (source): stream "source.0" to node 1 'sink' (sink): a packet at 0.000003s goes back in time: the earliest that could come was 0.000006s"#);
            let hint = run.outcome.result.unwrap_err().hint().unwrap();
            insta::assert_snapshot!(hint, @r#"if that is meant to happen, declare time_order = "drop", "clamp" or "any" on that input"#);
        }
    }
}

#[test]
fn limits_of_nothing_are_refused() {
    let refused = |graph: fn(&mut Lab), link: LinkConfig| {
        let mut lab = Lab::new();
        graph(&mut lab);
        let source = lab.source("source", 1, 1);
        let sink = lab.collector("sink");
        lab.add_with("sink", &[], 0, sink, |node| node.input_with(source, link));
        match lab.try_plan() {
            Ok(_) => "accepted".to_owned(),
            Err(found) => found.to_string(),
        }
    };
    let none = LinkConfig::default();
    let mut said = vec![
        refused(|_| {}, packets(0)),
        refused(|_| {}, bytes(0)),
        refused(
            |lab| lab.builder().option_mut().memory_budget = Some(0),
            none,
        ),
        refused(
            |lab| lab.builder().option_mut().queue_bytes_limit = Some(0),
            none,
        ),
        refused(
            |lab| lab.builder().option_mut().queue_length_limit = Some(0),
            none,
        ),
    ];
    said.dedup();
    insta::assert_snapshot!(said.join("\n"), @"
    error: node 1 'sink' (sink): a queue limit is 0; nothing could ever wait
    error: a limit of the graph is 0; nothing could ever wait
    ");
}

/// A source that chooses among its outputs has a budget all the same.
#[test]
fn a_source_that_chooses_its_outputs_obeys_the_budget() {
    let mut lab = Lab::new();
    lab.builder().option_mut().memory_budget = Some(1000);
    let log = lab.log.clone();
    let mut next = 0;
    let source = Script::new(move |task| {
        task.push(0, log.packet(next));
        next += 1;
        Ok(if next == 1000 { Flow::Done } else { Flow::More })
    });
    let source = source.describe(|descriptor| descriptor.any_room = true);
    let source = lab.add("source", &[], 2, source);
    lab.add_with("sink", &[source.into()], 0, Script::drain(), |node| {
        node.queue_length_limit(10_000)
    });
    let run = lab.run(1).expect(Ending::Finished);
    assert!(
        run.link("source", "sink").peak <= 11,
        "packets are 100 bytes each"
    );
}

/// A module that chooses among its outputs may keep packets for another reason than room.
#[test]
fn a_module_that_keeps_packets_for_another_input_rests() {
    let mut lab = Lab::new();
    let [a, b] = ["a", "b"].map(|name| lab.builder().graph_input(name));
    let pair = Script::new(|task| {
        while task.inputs().iter().all(|input| !input.packets.is_empty()) {
            let packets = [task.pop(0), task.pop(1)];
            packets
                .into_iter()
                .flatten()
                .for_each(|packet| task.push(0, packet));
        }
        Ok(Flow::Wait)
    });
    let pair = pair.describe(|descriptor| descriptor.any_room = true);
    let pair = lab.add("pair", &[a, b], 1, pair);
    lab.collect("sink", &[pair.into()]);
    let log = lab.log.clone();
    let mut graph = lab.start(1);
    let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
    a.add(log.packet(1)).unwrap();
    assert!(graph.wait_idle(None));
    b.add(log.packet(2)).unwrap();
    assert!(graph.wait_idle(None));
    assert_eq!(log.received("sink", 0), [1, 2]);
    drop((a, b));
    assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
}
