//! Waiting for the application: that is neither being stuck nor hanging.

use std::time::{Duration, Instant};

use bmf_core::{Ending, Flow};
use bmf_engine::{Graph, RunError, RunOptions};

use crate::support::{Lab, Script, until, value};
use crate::{Signal, WORKERS, late, numbers, simple};

/// Starts a graph that may stand still for `time` only.
fn start(lab: Lab, workers: usize, time: Duration) -> Graph {
    let options = RunOptions {
        workers: Some(workers),
        time_out: Some(time),
        inline: false,
    };
    lab.plan().start(&options).unwrap()
}

/// Lets the watchdog look.
fn let_the_watchdog_look(time_out: Duration) {
    let end = Instant::now() + time_out * 2;
    until("some time has passed", || Instant::now() >= end);
}

/// Longer than threads are kept waiting on a busy machine.
const SHORT: Duration = Duration::from_millis(250);

#[test]
fn a_graph_that_waits_for_the_application_is_not_stuck() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let [a, b] = ["a", "b"].map(|name| lab.builder().graph_input(name));
        lab.join("join", &[a, b]);
        let log = lab.log.clone();
        let mut graph = start(lab, workers, SHORT);
        let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
        a.add(log.packet(1)).unwrap();
        assert!(graph.wait_idle(late()));
        let_the_watchdog_look(SHORT);
        b.add(log.packet(1)).unwrap();
        assert!(graph.wait_idle(late()));
        assert_eq!(log.joined("join"), "1 [1] [1]");
        let_the_watchdog_look(SHORT);
        drop((a, b));
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
    }
}

/// What is added to a graph that its reader holds up gets nobody going; that is no hang, either.
#[test]
fn a_slow_reader_is_no_hang() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let pass = lab.pass("pass", input);
        let name = lab.builder().graph_output(pass);
        let log = lab.log.clone();
        let mut graph = start(lab, workers, SHORT);
        let (input, output) = (
            graph.take_input("in").unwrap(),
            graph.take_output(&name).unwrap(),
        );
        for number in 0..5 {
            input.add(log.packet(number)).unwrap();
        }
        assert!(graph.wait_idle(late()));
        for number in 5..8 {
            input.add(log.packet(number)).unwrap();
        }
        let_the_watchdog_look(SHORT);
        drop(input);
        assert_eq!(
            (&output).map(|packet| value(&packet)).collect::<Vec<_>>(),
            numbers(8)
        );
        drop(output);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
    }
}

#[test]
fn a_paused_graph_is_no_hang() {
    for workers in [1, 2] {
        let lab = simple();
        let log = lab.log.clone();
        let mut graph = start(lab, workers, SHORT);
        let input = graph.take_input("in").unwrap();
        graph.pause();
        input.add(log.packet(0)).unwrap();
        let_the_watchdog_look(SHORT);
        assert_eq!(log.count("sink"), 0);
        graph.resume();
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(log.received("sink", 0), [0]);
    }
}

#[test]
fn a_module_that_hangs_is_found_in_a_live_graph() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let (entered, let_go) = (Signal::default(), Signal::default());
        let (inside, free) = (entered.clone(), let_go.clone());
        let hangs = Script::each(move |_, _, _| {
            inside.give();
            free.wait("the test is over");
            Ok(Flow::Wait)
        });
        lab.add("hangs", &[input], 0, hangs.sink());
        let log = lab.log.clone();
        let mut graph = start(lab, workers, Duration::from_millis(100));
        let input = graph.take_input("in").unwrap();
        input.add(log.packet(0)).unwrap();
        entered.wait("the module is inside");
        let error = loop {
            // The application goes on with what it does.
            if let Err(error) = input.try_add(log.packet(1)) {
                if matches!(error, bmf_engine::AddError::Full { .. }) {
                    std::thread::yield_now();
                    continue;
                }
                break error.to_string();
            }
        };
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"no progress for 0.1 s: node 0 'hangs' (hangs) is inside its module");
        }
        let_go.give();
        let result = graph.wait().result;
        assert!(
            matches!(result, Err(RunError::TimeOut { .. })),
            "{result:?}"
        );
    }
}

#[test]
fn wait_idle_means_that_all_was_worked_off() {
    for workers in WORKERS {
        let lab = simple();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        for round in 1..50 {
            input.add(log.packet(round)).unwrap();
            assert!(graph.wait_idle(late()));
            assert_eq!(log.count("sink"), usize::try_from(round).unwrap());
        }
        graph.pause();
        assert!(
            !graph.wait_idle(Some(Instant::now())),
            "a paused graph is not idle"
        );
        graph.resume();
        drop(input);
        let control = graph.control();
        until("the run ends", || control.is_finished());
        assert!(
            graph.wait_idle(None),
            "nor is there anything to do after the end"
        );
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
    }
}

#[test]
fn who_waits_for_the_application_can_be_asked() {
    let mut lab = Lab::new();
    let [a, b] = ["a", "b"].map(|name| lab.builder().graph_input(name));
    lab.join("join", &[a, b]);
    let log = lab.log.clone();
    let mut graph = lab.start(2);
    let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
    a.add(log.packet(7)).unwrap();
    assert!(graph.wait_idle(late()));
    insta::assert_snapshot!(graph.waiting(), @r#"node 0 'join' (join) waits for the application to send on "b" (needs 0.000007s settled, the next may come at before the stream), 1 packets wait meanwhile"#);
    drop((a, b));
    assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
}

/// Queues that nobody can drain hold all the memory, and the application waits for some: that is one.
#[test]
fn waiting_for_memory_that_the_queues_hold_is_a_hang() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let [a, b] = ["a", "b"].map(|name| lab.builder().graph_input(name));
        lab.join("join", &[a, b]);
        lab.builder().option_mut().memory_budget = Some(1);
        let log = lab.log.clone();
        let mut graph = start(lab, workers, SHORT);
        let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
        a.add(log.packet(1)).unwrap();
        let refused = a.add(log.packet(2)).unwrap_err().to_string();
        assert!(refused.contains("no progress for 0.25 s"), "{refused}");
        drop((a, b));
        let error = graph.wait().result.unwrap_err();
        assert!(matches!(error, RunError::TimeOut { .. }), "{error}");
    }
}
