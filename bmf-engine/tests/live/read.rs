//! Streams that the application reads.

use std::time::Duration;

use bmf_core::config::{GraphMode, LinkConfig};
use bmf_core::{Ending, Flow, ModuleError};
use bmf_engine::Polled;
use bmf_hmp::{Bound, Timestamp};

use crate::support::{DEADLINE, Lab, Script, until, value};
use crate::{Signal, WORKERS, late, numbers};

/// `in -> pass -> (out)`.
fn loopback() -> (Lab, String) {
    let mut lab = Lab::new();
    let input = lab.builder().graph_input("in");
    let pass = lab.pass("pass", input);
    let name = lab.builder().graph_output(pass);
    (lab, name)
}

#[test]
fn packets_come_back_one_by_one() {
    for workers in WORKERS {
        let (lab, name) = loopback();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let (input, output) = (
            graph.take_input("in").unwrap(),
            graph.take_output(&name).unwrap(),
        );
        assert_eq!(output.name(), "pass.0");
        assert!(matches!(output.try_next(), Polled::Nothing));
        assert!(matches!(
            output.next_within(Duration::ZERO),
            Polled::Nothing
        ));
        for number in 0..100 {
            input.add(log.packet(number)).unwrap();
            assert_eq!(value(&output.next().unwrap()), number);
        }
        input.end_job().unwrap();
        input.add(log.packet(100)).unwrap();
        match output.next_within(DEADLINE) {
            Polled::Packet(packet) => assert_eq!(value(&packet), 100),
            polled => panic!("{polled:?}"),
        }
        assert!(matches!(output.try_next(), Polled::Nothing));
        input.end();
        assert!(matches!(output.next_within(DEADLINE), Polled::Ended));
        assert!(matches!(output.try_next(), Polled::Ended));
        assert!(output.next().is_none());
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        log.assert_clean();
    }
}

#[test]
fn a_reader_gets_all_that_a_source_sends() {
    for workers in WORKERS {
        for limit in 1..=9 {
            let mut lab = Lab::new();
            let source = lab.source("source", 1000, 7);
            let link = LinkConfig {
                queue_length_limit: Some(limit),
                ..LinkConfig::default()
            };
            let name = lab.builder().graph_output_with(source, link);
            let log = lab.log.clone();
            let plan = lab.plan();
            assert_eq!(plan.config().mode, GraphMode::Generator);
            let mut graph = plan.start(&crate::support::options(workers)).unwrap();
            let output = graph.take_output(&name).unwrap();
            let values: Vec<i64> = (&output).map(|packet| value(&packet)).collect();
            assert_eq!(values, numbers(1000));
            drop(output);
            let outcome = graph.wait();
            assert_eq!(outcome.result.unwrap(), Ending::Finished);
            assert!(outcome.links[0].peak < limit + 7);
            log.assert_clean();
        }
    }
}

/// The last packets and the end of the run come at about the same time.
#[test]
fn the_end_of_the_run_overtakes_no_packet() {
    for workers in WORKERS {
        for _ in 0..100 {
            let mut lab = Lab::new();
            let source = lab.source("source", 3, 1);
            let name = lab.builder().graph_output(source);
            let mut graph = lab.start(workers);
            let output = graph.take_output(&name).unwrap();
            let mut values = Vec::new();
            loop {
                match output.try_next() {
                    Polled::Packet(packet) => values.push(value(&packet)),
                    Polled::Nothing => std::thread::yield_now(),
                    Polled::JobEnded => panic!("there are no jobs"),
                    Polled::Ended => break,
                }
            }
            assert_eq!(values, [0, 1, 2]);
            drop(output);
            assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        }
    }
}

#[test]
fn several_outputs_are_read_by_themselves() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = lab.source("source", 100, 1);
        let script = Script::each(|task, _, packet| {
            let port = usize::try_from(value(&packet) % 2).unwrap();
            task.push(port, packet);
            Ok(Flow::Wait)
        });
        let halves = lab.add("halves", std::slice::from_ref(&source), 2, script);
        let names = [halves.port("a"), halves.port("b"), source]
            .map(|port| lab.builder().graph_output(port));
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let outputs = names.map(|name| graph.take_output(&name).unwrap());
        std::thread::scope(|scope| {
            let read = outputs.each_ref().map(|output| {
                scope.spawn(move || output.map(|packet| value(&packet)).collect::<Vec<_>>())
            });
            let [evens, odds, all] = read.map(|thread| thread.join().unwrap());
            assert_eq!(evens, (0..100).step_by(2).collect::<Vec<_>>());
            assert_eq!(odds, (0..100).skip(1).step_by(2).collect::<Vec<_>>());
            assert_eq!(all, numbers(100));
        });
        drop(outputs);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        log.assert_clean();
    }
}

#[test]
fn a_reader_that_goes_away_holds_nobody_up() {
    for workers in WORKERS {
        for packets in [0, 1, 10] {
            let mut lab = Lab::new();
            let source = lab.source("source", 200, 1);
            lab.collect("sink", std::slice::from_ref(&source));
            let name = lab.builder().graph_output(source);
            let log = lab.log.clone();
            let mut graph = lab.start(workers);
            let output = graph.take_output(&name).unwrap();
            for number in 0..packets {
                assert_eq!(value(&output.next().unwrap()), number);
            }
            drop(output);
            assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
            assert_eq!(log.received("sink", 0), numbers(200));
            log.assert_clean();
        }
    }
}

#[test]
fn a_source_that_only_the_application_read_is_stopped_when_it_goes_away() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = lab.endless("source");
        let name = lab.builder().graph_output(source);
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let output = graph.take_output(&name).unwrap();
        assert_eq!(value(&output.next().unwrap()), 0);
        drop(output);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(log.calls(), "close source Stopped\nopen source");
        // And one that was never taken.
        let mut lab = Lab::new();
        let source = lab.endless("source");
        lab.builder().graph_output(source);
        assert_eq!(lab.start(workers).wait().result.unwrap(), Ending::Finished);
    }
}

#[test]
fn a_reader_that_waits_learns_of_a_failure() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let go = Signal::default();
        let (log, may_fail) = (lab.log.clone(), go.clone());
        let mut sent = 0;
        let script = Script::new(move |task| {
            if sent == 3 {
                may_fail.wait("it may fail");
                return Err(ModuleError::new("lost the signal"));
            }
            task.push(0, log.packet(sent));
            sent += 1;
            Ok(Flow::More)
        });
        let source = lab.add("source", &[], 1, script);
        let name = lab.builder().graph_output(source);
        let mut graph = lab.start(workers);
        let output = graph.take_output(&name).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| (&output).count());
            go.give();
            assert_eq!(reader.join().unwrap(), 3, "what was sent is read");
        });
        graph.wait().result.unwrap_err();
        assert!(matches!(output.try_next(), Polled::Ended));
    }
}

#[test]
fn a_reader_sees_bounds() {
    for workers in WORKERS {
        let (lab, name) = loopback();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let (input, output) = (
            graph.take_input("in").unwrap(),
            graph.take_output(&name).unwrap(),
        );
        assert_eq!(output.bound(), Bound::START);
        input.add(log.packet(10)).unwrap();
        assert!(graph.wait_idle(late()));
        assert_eq!(value(&output.next().unwrap()), 10);
        assert!(matches!(output.try_next(), Polled::Nothing));
        assert_eq!(output.bound(), Bound::after(Timestamp::from_micros(10)));
        drop((input, output));
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
    }
}

/// MediaPipe's case Q10: what the application does not read is never given more room.
#[test]
fn a_slow_reader_holds_the_graph_up() {
    for workers in WORKERS {
        let (lab, name) = loopback();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let (input, output) = (
            graph.take_input("in").unwrap(),
            graph.take_output(&name).unwrap(),
        );
        let mut added = 0;
        while input.try_add(log.packet(added)).is_ok() {
            added += 1;
            assert!(graph.wait_idle(late()));
        }
        // Five before the node, five behind it.
        assert_eq!(added, 10);
        for number in 0..5 {
            assert_eq!(value(&output.next().unwrap()), number);
        }
        assert!(graph.wait_idle(late()));
        input.try_add(log.packet(added)).unwrap();
        drop(input);
        let rest: Vec<i64> = (&output).map(|packet| value(&packet)).collect();
        assert_eq!(rest, (5..11).collect::<Vec<_>>());
        drop(output);
        let outcome = graph.wait();
        assert_eq!(outcome.result.unwrap(), Ending::Finished);
        assert!(outcome.links.iter().all(|link| link.raised == 0));
        until("all is gone", || log.alive() == 0);
    }
}
