//! Timestamp bounds go through a parallel node as through any other.

use std::time::Instant;

use bmf_core::config::InputManager;
use bmf_core::{Ending, Flow, Promise};
use bmf_hmp::{Bound, Timestamp};

use crate::parallel;
use crate::support::{DEADLINE, Lab, Script, value};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// Lets even values through.
fn even() -> Script {
    Script::each(|task, _, packet| {
        if value(&packet) % 2 == 0 {
            task.push(0, packet);
        }
        Ok(Flow::Wait)
    })
}

#[test]
fn what_is_dropped_under_a_promise_holds_nobody_up() {
    for workers in [1, 2, 4] {
        for instances in [2, 3] {
            let mut lab = Lab::new();
            let input = lab.builder().graph_input("in");
            let node = parallel(
                &mut lab,
                "even",
                std::slice::from_ref(&input),
                1,
                instances,
                |_| even().promise(Promise::Offset(0)),
            );
            lab.join("join", &[node.into(), input]);
            let log = lab.log.clone();
            let mut graph = lab.start(workers);
            let input = graph.take_input("in").unwrap();
            let mut expected = Vec::new();
            for number in 1..8 {
                input.add(log.packet(number)).unwrap();
                assert!(graph.wait_idle(Some(Instant::now() + DEADLINE)));
                expected.push(match number % 2 {
                    0 => format!("{number} [{number}] [{number}]"),
                    _ => format!("{number} [] [{number}]"),
                });
                assert_eq!(log.joined("join"), expected.join("\n"));
            }
            // A bound alone gets through, too.
            input.set_bound(Bound::at(at(20))).unwrap();
            assert!(graph.wait_idle(Some(Instant::now() + DEADLINE)));
            drop(input);
            assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
            log.assert_clean();
        }
    }
}

#[test]
fn a_bound_of_the_application_passes() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let [a, b] = ["a", "b"].map(|name| lab.builder().graph_input(name));
        let node = parallel(&mut lab, "pass", &[a], 1, 2, |_| {
            Script::pass().promise(Promise::Offset(0))
        });
        lab.join("join", &[node.into(), b]);
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
        b.add(log.packet(10)).unwrap();
        assert!(graph.wait_idle(Some(Instant::now() + DEADLINE)));
        assert_eq!(log.joined("join"), "");
        a.set_bound(Bound::at(at(11))).unwrap();
        assert!(graph.wait_idle(Some(Instant::now() + DEADLINE)));
        assert_eq!(log.joined("join"), "10 [] [10]");
        drop((a, b));
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
    }
}

/// Such packets are later than the promise says, which is no more than a lower limit.
#[test]
fn a_promise_is_only_a_lower_limit() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let source = lab.source("source", 40, 1);
        let log = lab.log.clone();
        let node = parallel(
            &mut lab,
            "later",
            std::slice::from_ref(&source),
            1,
            3,
            |_| {
                let log = log.clone();
                let script = Script::each(move |task, _, packet| {
                    let number = value(&packet);
                    task.push(0, log.packet_of(number + 100, number));
                    Ok(Flow::Wait)
                });
                script.promise(Promise::Offset(0))
            },
        );
        lab.join("join", &[node.into(), source]);
        let run = lab.run(workers).expect(Ending::Finished);
        let joined = run.log.joined("join");
        assert_eq!(joined.lines().next().unwrap(), "0 [] [0]");
        assert!(joined.contains("100 [0] []\n101 [1] []"), "{joined}");
    }
}

/// The module itself says how far it is.
#[test]
fn explicit_bounds_come_in_order() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let node = parallel(
            &mut lab,
            "quiet",
            std::slice::from_ref(&input),
            1,
            2,
            |_| {
                Script::each(|task, _, packet| {
                    task.outputs_mut()[0].set_bound(Bound::after(packet.timestamp()));
                    Ok(Flow::Wait)
                })
            },
        );
        lab.join("join", &[node.into(), input]);
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        for number in 0..6 {
            input.add(log.packet(number)).unwrap();
        }
        assert!(graph.wait_idle(Some(Instant::now() + DEADLINE)));
        assert_eq!(log.joined("join").lines().count(), 6);
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
    }
}

/// An instance that keeps a packet back may still send it: until then bounds say nothing.
#[test]
fn an_instance_that_keeps_packets_holds_the_bound_back() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let node = parallel(
            &mut lab,
            "pairs",
            std::slice::from_ref(&input),
            1,
            2,
            |_| {
                let script = Script::new(|task| {
                    while task.inputs()[0].packets.len() >= 2 || task.inputs()[0].ended {
                        let Some(packet) = task.pop(0) else { break };
                        task.push(0, packet);
                        task.pop(0);
                    }
                    Ok(Flow::Wait)
                });
                script.promise(Promise::Offset(0))
            },
        );
        lab.join("join", &[node.into(), input]);
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        let shown = [(0, 0), (1, 0), (2, 1), (3, 4)];
        for (number, lines) in shown {
            input.add(log.packet(number)).unwrap();
            assert!(graph.wait_idle(Some(Instant::now() + DEADLINE)));
            assert_eq!(
                log.joined("join").lines().count(),
                lines,
                "{}",
                log.joined("join")
            );
        }
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        log.assert_clean();
    }
}

#[test]
fn a_parallel_module_may_want_bounds() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let log = lab.log.clone();
        let scripts = (0..2).map(|_| {
            let log = log.clone();
            let script = Script::new(move |task| {
                let time = task.timestamp().map(Timestamp::micros);
                let bound = task.inputs()[0].bound();
                while task.pop(0).is_some() {}
                log.task("seen", format!("{time:?} {bound}"));
                Ok(Flow::Wait)
            });
            script
                .sink()
                .describe(|descriptor| descriptor.wants_bounds = true)
        });
        lab.add_many("node", &[input], 0, scripts.collect(), |node| {
            node.parallel(2).input_manager(InputManager::Default)
        });
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        input.add(log.packet(5)).unwrap();
        assert!(graph.wait_idle(Some(Instant::now() + DEADLINE)));
        input.set_bound(Bound::at(at(9))).unwrap();
        assert!(graph.wait_idle(Some(Instant::now() + DEADLINE)));
        assert_eq!(log.joined("seen"), "Some(5) 0.000006s\nSome(8) 0.000009s");
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
    }
}
