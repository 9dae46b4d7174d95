//! Streams that the application feeds.

use bmf_core::config::{InputManager, LinkConfig, OnFull};
use bmf_core::{Ending, Flow, ModuleError};
use bmf_engine::{AddError, RunError};
use bmf_hmp::{Bound, Timestamp};

use crate::support::{Lab, Script, until, value};
use crate::{Held, Signal, WORKERS, late, numbers, simple};

#[test]
fn what_is_added_arrives_in_order() {
    for workers in WORKERS {
        let lab = simple();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        assert!(graph.take_input("out").is_none() && graph.take_output("in").is_none());
        let input = graph.take_input("in").unwrap();
        assert!(graph.take_input("in").is_none(), "it has been taken");
        assert_eq!(input.name(), "in");
        for number in 0..500 {
            input.add(log.packet(number)).unwrap();
        }
        input.end();
        input.end();
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(log.received("sink", 0), numbers(500));
        log.assert_clean();
        let error = input.add(log.packet(1)).unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @r#"stream "in" has ended"#);
        }
    }
}

#[test]
fn streams_that_nobody_takes_end_by_themselves() {
    for workers in WORKERS {
        let lab = simple();
        let log = lab.log.clone();
        assert_eq!(lab.start(workers).wait().result.unwrap(), Ending::Finished);
        log.assert_clean();
        let lab = simple();
        let refused = lab
            .plan()
            .run(&crate::support::options(workers))
            .unwrap_err();
        assert!(matches!(refused, RunError::Unsupported(_)), "{refused}");
    }
}

#[test]
fn add_waits_for_room_and_goes_on() {
    for workers in WORKERS {
        let held = Held::start(workers, 2);
        let (input, log) = (&held.input, &held.log);
        input.add(log.packet(0)).unwrap();
        held.entered.wait("the sink is inside");
        input.add(log.packet(1)).unwrap();
        input.add(log.packet(2)).unwrap();
        let Err(AddError::Full {
            waiting,
            packet,
            stream,
        }) = input.try_add(log.packet(3))
        else {
            panic!("there is room");
        };
        assert_eq!((waiting, value(&packet), stream.as_str()), (2, 3, "in"));
        drop(packet);
        std::thread::scope(|scope| {
            let blocked = scope.spawn(|| input.add(log.packet(3)));
            held.let_go.give();
            blocked.join().unwrap().unwrap();
        });
        drop(held.input);
        assert_eq!(held.graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(held.log.received("sink", 0), numbers(4));
        held.log.assert_clean();
    }
}

#[test]
fn several_threads_may_add() {
    for workers in WORKERS {
        let held = Held::start(workers, 3);
        let (input, log) = (&held.input, &held.log);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|number| input.add(log.packet(number)).unwrap()));
            }
            held.let_go.give();
        });
        drop(held.input);
        let outcome = held.graph.wait();
        assert_eq!(outcome.result.unwrap(), Ending::Finished);
        assert!(outcome.links[0].peak <= 3, "{:?}", outcome.links[0]);
        assert_eq!(held.log.count("sink"), 200);
    }
}

#[test]
fn add_unlimited_asks_nobody() {
    for workers in WORKERS {
        let held = Held::start(workers, 2);
        for number in 0..100 {
            held.input.add_unlimited(held.log.packet(number)).unwrap();
        }
        held.let_go.give();
        held.input.end();
        let outcome = held.graph.wait();
        assert_eq!(outcome.result.unwrap(), Ending::Finished);
        assert!(outcome.links[0].peak >= 90);
        assert_eq!(held.log.received("sink", 0), numbers(100));
    }
}

/// A graph whose `fails` fails at value 5.
fn failing() -> Lab {
    let mut lab = Lab::new();
    let input = lab.builder().graph_input("in");
    let script = Script::each(|task, _, packet| {
        if value(&packet) == 5 {
            return Err(ModuleError::new("does not like fives"));
        }
        task.push(0, packet);
        Ok(Flow::Wait)
    });
    // One by one, so that the message names the time.
    let fails = lab.add_with("fails", &[input], 1, script, |node| node.batch(1));
    lab.collect("sink", &[fails.into()]);
    lab
}

#[test]
fn add_after_a_failure_tells_of_it() {
    for workers in WORKERS {
        let lab = failing();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        for number in 0..6 {
            input.add(log.packet(number)).unwrap();
        }
        let control = graph.control();
        until("the run ends", || control.is_finished());
        let error = input.add(log.packet(6)).unwrap_err().to_string();
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"node 0 'fails' (fails), port a, at 0.000005s: does not like fives");
        }
        for result in [
            input.try_add(log.packet(6)),
            input.add_unlimited(log.packet(6)),
            input.set_bound(Bound::NOTHING),
            input.end_job(),
        ] {
            assert_eq!(result.unwrap_err().to_string(), error);
        }
        assert_eq!(graph.wait().result.unwrap_err().to_string(), error);
        // Also once the graph is gone.
        let later = input.add(log.packet(6)).unwrap_err().to_string();
        assert!(
            later.contains("fives") || later.contains("failed"),
            "{later}"
        );
        log.assert_clean();
    }
}

#[test]
fn a_thread_that_waits_for_room_learns_of_a_failure() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        lab.builder().option_mut().queue_length_limit = Some(1);
        let input = lab.builder().graph_input("in");
        let (entered, let_go) = (Signal::default(), Signal::default());
        let (inside, free) = (entered.clone(), let_go.clone());
        let script = Script::new(move |_| {
            inside.give();
            free.wait("the module may fail");
            Err(ModuleError::new("out of luck"))
        });
        lab.add_with("fails", &[input], 0, script.sink(), |node| node.batch(1));
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        input.add(log.packet(0)).unwrap();
        entered.wait("the module is inside");
        input.add(log.packet(1)).unwrap();
        std::thread::scope(|scope| {
            let blocked = scope.spawn(|| input.add(log.packet(2)));
            let_go.give();
            let error = blocked.join().unwrap().unwrap_err().to_string();
            assert!(error.ends_with("out of luck"), "{error}");
        });
        graph.wait().result.unwrap_err();
    }
}

#[test]
fn a_thread_that_waits_for_room_learns_of_the_end() {
    for workers in WORKERS {
        for how in ["cancel", "stop", "done", "drop"] {
            let mut lab = Lab::new();
            lab.builder().option_mut().queue_length_limit = Some(1);
            let input = lab.builder().graph_input("in");
            let (entered, let_go) = (Signal::default(), Signal::default());
            let (inside, free) = (entered.clone(), let_go.clone());
            let script = Script::new(move |task| {
                task.pop(0);
                inside.give();
                free.wait("the module may go on");
                Ok(if how == "done" {
                    Flow::Done
                } else {
                    Flow::Wait
                })
            });
            lab.add_with("sink", &[input], 0, script.sink(), |node| node.batch(1));
            let log = lab.log.clone();
            let mut graph = lab.start(workers);
            let input = graph.take_input("in").unwrap();
            input.add(log.packet(0)).unwrap();
            entered.wait("the module is inside");
            input.add(log.packet(1)).unwrap();
            std::thread::scope(|scope| {
                let blocked = scope.spawn(|| {
                    let mut result = Ok(());
                    for number in 2.. {
                        result = input.add(log.packet(number));
                        if result.is_err() {
                            break;
                        }
                    }
                    result
                });
                let control = graph.control();
                match how {
                    "cancel" => control.cancel(),
                    "stop" => control.stop(),
                    "drop" => control.cancel(),
                    _ => {}
                }
                let_go.give();
                let error = blocked.join().unwrap().unwrap_err();
                match how {
                    "cancel" | "drop" => assert!(matches!(error, AddError::Failed(_)), "{error}"),
                    _ => assert!(matches!(error, AddError::Ended { .. }), "{error}"),
                }
            });
            match how {
                "drop" => drop(graph),
                _ => drop(graph.wait()),
            }
            log.assert_clean();
        }
    }
}

#[test]
fn stop_ends_what_the_application_feeds() {
    for workers in WORKERS {
        let lab = simple();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        for number in 0..100 {
            input.add(log.packet(number)).unwrap();
        }
        graph.control().stop();
        let error = input.add(log.packet(100)).unwrap_err();
        assert!(matches!(error, AddError::Ended { .. }), "{error}");
        assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
        assert_eq!(log.received("sink", 0), numbers(100));
        log.assert_clean();
    }
}

/// A stream with two consumers, one of which goes by time.
fn timed() -> Lab {
    let mut lab = Lab::new();
    let [a, b] = ["a", "b"].map(|name| lab.builder().graph_input(name));
    lab.join("join", &[a.clone(), b]);
    lab.collect("sink", &[a]);
    lab
}

#[test]
fn a_packet_back_in_time_is_refused_by_name() {
    for workers in WORKERS {
        let lab = timed();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
        a.add(log.packet(10)).unwrap();
        let wrong = [
            a.add(log.packet(10)),
            a.try_add(log.packet(-3)),
            a.add_unlimited(log.packet(i64::MAX)),
        ];
        let wrong = wrong.map(|result| result.unwrap_err().to_string());
        insta::allow_duplicates! {
            insta::assert_snapshot!(wrong.join("\n"), @r#"
            stream "a", which 'join' takes: a packet at 0.000010s goes back in time: the earliest that could come was 0.000011s
            stream "a", which 'join' takes: a packet at -0.000003s goes back in time: the earliest that could come was 0.000011s
            stream "a", which 'join' takes: 9223372036854775807 is no time that a packet can have
            "#);
        }
        a.set_bound(Bound::at(Timestamp::from_micros(30))).unwrap();
        a.set_bound(Bound::at(Timestamp::from_micros(5))).unwrap();
        let error = a.add(log.packet(29)).unwrap_err();
        assert!(matches!(error, AddError::Time { .. }));
        a.add(log.packet(30)).unwrap();
        // Nobody got what was refused, and the graph goes on.
        drop((a, b));
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(log.received("sink", 0), [10, 30]);
        assert!(log.joined("join").starts_with("10 [10] []\n30 [30] []"));
        log.assert_clean();
    }
}

#[test]
fn a_bound_settles_a_time_without_a_packet() {
    for workers in WORKERS {
        let lab = timed();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
        a.add(log.packet(10)).unwrap();
        assert!(graph.wait_idle(late()));
        assert_eq!(log.joined("join"), "");
        b.set_bound(Bound::at(Timestamp::from_micros(10))).unwrap();
        assert!(graph.wait_idle(late()));
        assert_eq!(log.joined("join"), "");
        b.set_bound(Bound::after(Timestamp::from_micros(10)))
            .unwrap();
        assert!(graph.wait_idle(late()));
        assert_eq!(log.joined("join"), "10 [10] []");
        drop((a, b));
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
    }
}

/// MediaPipe's case Q09: the limit is that of the stream, not of the graph.
#[test]
fn a_stream_has_its_own_limit() {
    for workers in [2, 4] {
        let mut lab = Lab::new();
        let port = lab.builder().graph_input("in");
        let one = LinkConfig {
            queue_length_limit: Some(1),
            ..LinkConfig::default()
        };
        let (entered, let_go) = (Signal::default(), Signal::default());
        let (inside, free) = (entered.clone(), let_go.clone());
        let sink = Script::each(move |_, _, _| {
            inside.give();
            free.wait("the sink is let go");
            Ok(Flow::Wait)
        });
        lab.add_with("sink", &[], 0, sink.sink(), |node| {
            node.input_with(port, one).batch(1)
        });
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        input.try_add(log.packet(0)).unwrap();
        entered.wait("the sink is inside");
        input.try_add(log.packet(1)).unwrap();
        for _ in 0..19 {
            assert!(matches!(
                input.try_add(log.packet(2)),
                Err(AddError::Full { .. })
            ));
        }
        let_go.give();
        assert!(graph.wait_idle(late()));
        input.try_add(log.packet(2)).unwrap();
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        log.assert_clean();
    }
}

/// A stream that drops always has room.
#[test]
fn a_stream_that_drops_never_waits() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let port = lab.builder().graph_input("in");
        let newest = LinkConfig {
            on_full: Some(OnFull::Latest),
            ..LinkConfig::default()
        };
        let (entered, let_go) = (Signal::default(), Signal::default());
        let (inside, free, log) = (entered.clone(), let_go.clone(), lab.log.clone());
        let sink = Script::each(move |_, port, packet| {
            inside.give();
            free.wait("the sink is let go");
            log.receive("sink", port, value(&packet));
            Ok(Flow::Wait)
        });
        lab.add_with("sink", &[], 0, sink.sink(), |node| {
            node.input_with(port, newest)
        });
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        input.add(log.packet(0)).unwrap();
        entered.wait("the sink is inside");
        for number in 1..50 {
            input.add(log.packet(number)).unwrap();
        }
        let_go.give();
        drop(input);
        let outcome = graph.wait();
        assert_eq!(outcome.result.unwrap(), Ending::Finished);
        assert_eq!(log.received("sink", 0), [0, 49]);
        assert_eq!(outcome.links[0].dropped.full, 48);
        log.assert_clean();
    }
}

/// A join that waits for its other input must not block the thread that would feed that one next.
#[test]
fn one_thread_may_feed_two_inputs_one_after_the_other() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let [a, b] = ["a", "b"].map(|name| lab.builder().graph_input(name));
        let first = lab.pass("first", a);
        let scripted = lab.collector("sink");
        lab.add_with("sink", &[first, b], 0, scripted, |node| {
            node.input_manager(InputManager::Default)
        });
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
        for number in 0..100 {
            a.add(log.packet(number)).unwrap();
        }
        for number in 0..100 {
            b.add(log.packet(number)).unwrap();
        }
        drop((a, b));
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(log.received("sink", 0), numbers(100));
        assert_eq!(log.received("sink", 1), numbers(100));
        log.assert_clean();
    }
}

#[test]
fn add_waits_for_the_memory_budget() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        lab.builder().option_mut().memory_budget = Some(300);
        let input = lab.builder().graph_input("in");
        let name = lab.builder().graph_output(input);
        let log = lab.log.clone();
        let other = lab.builder().graph_input("other");
        lab.collect("sink", &[other]);
        let mut graph = lab.start(workers);
        let (input, output) = (
            graph.take_input("in").unwrap(),
            graph.take_output(&name).unwrap(),
        );
        for number in 0..3 {
            input.try_add(log.packet(number)).unwrap();
        }
        assert!(matches!(
            input.try_add(log.packet(3)),
            Err(AddError::Full { .. })
        ));
        std::thread::scope(|scope| {
            let blocked = scope.spawn(|| input.add(log.packet(3)));
            assert_eq!(value(&output.next().unwrap()), 0);
            blocked.join().unwrap().unwrap();
        });
        drop(input);
        let rest: Vec<i64> = (&output).map(|packet| value(&packet)).collect();
        assert_eq!(rest, [1, 2, 3]);
        drop(output);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
    }
}

/// A graph with a live source is never quiet, so the node that waits looks itself.
#[test]
fn a_live_source_elsewhere_does_not_hold_up_an_add() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let [a, b] = ["a", "b"].map(|name| lab.builder().graph_input(name));
        lab.join("join", &[a, b]);
        let live = lab.endless("live");
        lab.add("elsewhere", &[live], 0, Script::drain());
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
        for input in [&a, &b] {
            for time in 0..20 {
                input.add(log.packet(time)).unwrap();
            }
        }
        drop((a, b));
        until("all has come", || log.joined("join").lines().count() == 20);
        graph.control().cancel();
        assert!(matches!(graph.wait().result, Err(RunError::Cancelled)));
    }
}
