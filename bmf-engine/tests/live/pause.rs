//! Pausing and resuming.

use bmf_core::{Ending, Flow, ModuleError};
use bmf_engine::RunError;

use crate::support::{Lab, Script, until};
use crate::{Held, Signal, WORKERS, late, numbers, simple};

#[test]
fn what_is_added_in_a_pause_is_kept() {
    for workers in WORKERS {
        let lab = simple();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        assert!(graph.wait_idle(late()));
        // When nothing runs this returns at once.
        graph.pause();
        graph.pause();
        for number in 0..3 {
            input.add(log.packet(number)).unwrap();
        }
        let full = (0..)
            .find(|_| input.try_add(log.packet(3)).is_err())
            .unwrap();
        assert_eq!(full, 2, "the limit holds in a pause");
        assert_eq!(log.count("sink"), 0);
        graph.resume();
        assert!(graph.wait_idle(late()));
        assert_eq!(log.count("sink"), 5);
        graph.resume();
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        log.assert_clean();
    }
}

#[test]
fn a_pause_waits_for_calls_under_way() {
    for workers in WORKERS {
        let held = Held::start(workers, 5);
        for number in 0..5 {
            held.input.add(held.log.packet(number)).unwrap();
        }
        held.entered.wait("the sink is inside");
        std::thread::scope(|scope| {
            let pause = scope.spawn(|| held.graph.pause());
            held.let_go.give();
            pause.join().unwrap();
        });
        let count = held.log.count("sink");
        for _ in 0..1000 {
            assert_eq!(held.log.count("sink"), count, "nothing runs in a pause");
        }
        held.graph.resume();
        drop(held.input);
        assert_eq!(held.graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(held.log.received("sink", 0), numbers(5));
    }
}

#[test]
fn a_source_stands_still_in_a_pause() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = lab.endless("source");
        lab.collect("sink", &[source]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        let mut last = 0;
        for _ in 0..20 {
            until("packets arrive", || log.count("sink") > last);
            graph.pause();
            last = log.count("sink");
            for _ in 0..100 {
                std::thread::yield_now();
                assert_eq!(log.count("sink"), last);
            }
            graph.resume();
        }
        graph.control().stop();
        assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
        log.assert_clean();
    }
}

#[test]
fn pauses_of_several_threads_do_not_get_in_each_others_way() {
    for workers in WORKERS {
        let lab = simple();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        graph.pause();
                        graph.resume();
                    }
                });
            }
            scope.spawn(|| (0..200).for_each(|number| input.add(log.packet(number)).unwrap()));
        });
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(log.received("sink", 0), numbers(200));
        log.assert_clean();
    }
}

#[test]
fn a_paused_graph_can_be_ended() {
    for workers in WORKERS {
        for how in ["cancel", "stop", "wait", "drop", "cancel pause", "fail"] {
            let lab = simple();
            let log = lab.log.clone();
            let mut graph = lab.start(workers);
            let input = graph.take_input("in").unwrap();
            for number in 0..4 {
                input.add(log.packet(number)).unwrap();
            }
            graph.pause();
            match how {
                "cancel" => graph.control().cancel(),
                "stop" => graph.control().stop(),
                "cancel pause" => {
                    graph.control().cancel();
                    graph.pause();
                }
                _ => {}
            }
            drop(input);
            if how == "drop" {
                drop(graph);
            } else {
                match (how, graph.wait().result) {
                    ("cancel" | "cancel pause", Err(RunError::Cancelled)) => {}
                    ("stop", Ok(Ending::Stopped)) => {}
                    ("wait" | "fail", Ok(Ending::Finished)) => {}
                    (how, result) => panic!("{how}: {result:?}"),
                }
            }
            log.assert_clean();
        }
    }
}

/// A module that gives up when it is interrupted, and only then.
#[test]
fn cancel_ends_a_pause_that_waits() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let (entered, interrupted) = (Signal::default(), Signal::default());
        let (inside, gives_up) = (entered.clone(), interrupted.clone());
        let waits = Script::each(move |_, _, _| {
            inside.give();
            gives_up.wait("the interrupt");
            Err::<Flow, _>(ModuleError::new("interrupted"))
        });
        let waits = waits.on_open(move |context| {
            let interrupted = interrupted.clone();
            context.on_interrupt(move || interrupted.give());
            Ok(())
        });
        lab.add("waits", &[input], 0, waits.sink());
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        input.add(log.packet(0)).unwrap();
        entered.wait("the module is inside");
        let control = graph.control();
        std::thread::scope(|scope| {
            let pause = scope.spawn(|| graph.pause());
            let cancel = scope.spawn(|| control.cancel());
            cancel.join().unwrap();
            pause.join().unwrap();
        });
        assert!(matches!(graph.wait().result, Err(RunError::Cancelled)));
        drop(input);
        log.assert_clean();
    }
}

/// A module that does not give up at all: neither cancelling nor the pause waits for it.
#[test]
fn a_module_that_is_stuck_holds_neither_pause_nor_cancel() {
    let held = Held::start(2, 5);
    held.input.add(held.log.packet(0)).unwrap();
    held.entered.wait("the sink is inside");
    let control = held.graph.control();
    std::thread::scope(|scope| {
        let pause = scope.spawn(|| held.graph.pause());
        control.cancel();
        pause.join().unwrap();
    });
    held.let_go.give();
    assert!(matches!(held.graph.wait().result, Err(RunError::Cancelled)));
}
