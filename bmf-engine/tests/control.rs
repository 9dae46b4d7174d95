//! Graphs that are controlled while they run: stopped, cancelled, dropped, watched.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bmf_core::{Ending, Flow, ModuleError};
use bmf_engine::{Graph, Progress, RunError, RunOptions};
use support::{Lab, Log, Script, until, value};

const WORKERS: [usize; 3] = [1, 2, 8];

/// `source -> pass -> sink` with a source that never ends.
fn endless() -> (Lab, Log) {
    let mut lab = Lab::new();
    let source = lab.endless("source");
    let pass = lab.pass("pass", source);
    lab.collect("sink", &[pass]);
    let log = lab.log.clone();
    (lab, log)
}

#[test]
fn stop_ends_the_sources_and_lets_everything_arrive() {
    for workers in WORKERS {
        for packets in [0, 1, 500] {
            let (lab, log) = endless();
            let graph = lab.start(workers);
            until("packets arrive", || log.count("sink") >= packets);
            graph.control().stop();
            graph.control().stop();
            let outcome = graph.wait();
            assert_eq!(outcome.result.unwrap(), Ending::Stopped);
            let sent = i64::try_from(log.made()).unwrap();
            assert_eq!(log.received("sink", 0), (0..sent).collect::<Vec<_>>());
            log.assert_clean();
        }
        let (lab, log) = endless();
        let graph = lab.start(workers);
        until("a packet arrives", || log.count("sink") >= 1);
        graph.control().stop();
        graph.wait().result.unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(log.calls(), @"
            close pass Finished
            close sink Finished
            close source Stopped
            open pass
            open sink
            open source
            ");
        }
    }
}

#[test]
fn stop_reaches_a_throttled_source() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = lab.endless("source");
        let gate = Arc::new(AtomicBool::new(false));
        let opened = Arc::clone(&gate);
        let sink = Script::each(move |_, _, _| {
            until("the gate opens", || opened.load(Ordering::Acquire));
            Ok(Flow::Wait)
        });
        lab.add("sink", &[source], 0, sink.sink());
        let log = lab.log.clone();
        let graph = lab.start(workers);
        until("the sink is inside its module", || log.made() > 0);
        graph.control().stop();
        gate.store(true, Ordering::Release);
        assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
        log.assert_clean();
    }
}

#[test]
fn cancel_ends_everything_at_once() {
    for workers in WORKERS {
        for packets in [0, 1, 500] {
            let (lab, log) = endless();
            let graph = lab.start(workers);
            until("packets arrive", || log.count("sink") >= packets);
            let control = graph.control();
            std::thread::spawn(move || control.cancel()).join().unwrap();
            let error = graph.wait().result.unwrap_err();
            assert!(matches!(error, RunError::Cancelled), "{error}");
            assert!(!log.calls().contains("Finished"), "{}", log.calls());
            assert!(!log.calls().contains("Failed"), "{}", log.calls());
            log.assert_clean();
        }
    }
}

#[test]
fn a_stop_after_a_cancel_changes_nothing() {
    for workers in WORKERS {
        let (lab, log) = endless();
        let graph = lab.start(workers);
        until("a packet arrives", || log.count("sink") >= 1);
        graph.control().cancel();
        graph.control().stop();
        let error = graph.wait().result.unwrap_err();
        assert!(matches!(error, RunError::Cancelled));
        log.assert_clean();
    }
}

#[test]
fn control_after_the_end_changes_nothing() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = lab.source("source", 10, 1);
        lab.collect("sink", &[source]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        let control = graph.control();
        until("the graph has ended", || control.is_finished());
        control.stop();
        control.cancel();
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        control.cancel();
        log.assert_clean();
    }
}

#[test]
fn dropping_a_running_graph_ends_it() {
    for workers in WORKERS {
        for packets in [0, 100] {
            let (lab, log) = endless();
            let graph: Graph = lab.start(workers);
            until("packets arrive", || log.count("sink") >= packets);
            drop(graph);
            log.assert_clean();
        }
    }
}

#[test]
fn stop_ends_a_source_that_is_still_opening() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let opening = Arc::new(AtomicBool::new(false));
        let begun = Arc::clone(&opening);
        // A connection that is not answered, given up when it is interrupted.
        let source = Script::new(|_| Ok(Flow::Done)).on_open(move |context| {
            begun.store(true, Ordering::Release);
            until("the interrupt", || {
                context.interrupt().load(Ordering::Acquire)
            });
            Err(ModuleError::new("interrupted"))
        });
        let source = lab.add("source", &[], 1, source);
        lab.collect("sink", &[source.into()]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        until("the source opens", || opening.load(Ordering::Acquire));
        graph.control().stop();
        assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
        insta::allow_duplicates! {
            insta::assert_snapshot!(log.calls(), @"
            close sink Finished
            open sink
            ");
        }
        log.assert_clean();
    }
}

#[test]
fn stop_ends_a_source_that_waits_for_the_outside_world() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let interrupted = Arc::new(AtomicBool::new(false));
        let log = lab.log.clone();
        let mut sent = false;
        let waits = Script::new({
            let interrupted = Arc::clone(&interrupted);
            move |task| {
                if !std::mem::replace(&mut sent, true) {
                    task.push(0, log.packet(1));
                    return Ok(Flow::More);
                }
                until("the interrupt", || interrupted.load(Ordering::Acquire));
                Err(ModuleError::new("interrupted"))
            }
        });
        let waits = waits.on_open(move |context| {
            let interrupted = Arc::clone(&interrupted);
            context.on_interrupt(move || interrupted.store(true, Ordering::Release));
            Ok(())
        });
        let source = lab.add("source", &[], 1, waits);
        lab.collect("sink", &[source.into()]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        until("the packet is sent", || log.made() == 1);
        graph.control().stop();
        assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
        assert_eq!(log.received("sink", 0), [1]);
        log.assert_clean();
    }
}

#[test]
fn producers_open_before_their_consumers() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = lab.source("a", 5, 1);
        let left = lab.pass("b", source.clone());
        let right = lab.pass("c", left.clone());
        lab.collect("d", &[source, left, right]);
        let run = lab.run(workers).expect(Ending::Finished);
        let calls = run.log.calls_in_order();
        let opened = calls.iter().filter(|call| call.starts_with("open"));
        assert_eq!(
            opened.collect::<Vec<_>>(),
            ["open a", "open b", "open c", "open d"]
        );
    }
}

#[test]
fn progress_tells_time_and_packets() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let log = lab.log.clone();
        let mut next = 0;
        let source = Script::new(move |task| {
            task.push(0, log.packet(next * 1000));
            next += 1;
            Ok(Flow::More)
        });
        let source = source.on_open(|context| {
            context.set_duration(2_000_000);
            Ok(())
        });
        let source = lab.add("source", &[], 1, source);
        lab.collect("sink", &[source.into()]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        let control = graph.control();
        let mut last = Progress::default();
        let outcome = graph.wait_with(Duration::ZERO, |progress| {
            assert!(progress.position >= last.position, "time runs backwards");
            // A packet a millisecond. One task's packets are counted before their times are.
            let position = progress.position.unwrap_or_default();
            let counted = Duration::from_millis(progress.packets);
            assert!(position + Duration::from_millis(16) >= counted);
            last = *progress;
            if progress.packets >= 200 {
                assert_eq!(progress.duration, Some(Duration::from_secs(2)));
                assert!(progress.full_links <= 1);
                control.stop();
            }
        });
        assert_eq!(outcome.result.unwrap(), Ending::Stopped);
        assert!(outcome.nodes[1].packets_in >= 200);
        log.assert_clean();
    }
}

#[test]
fn many_graphs_run_beside_each_other() {
    let graphs: Vec<_> = (0..20)
        .map(|index| {
            let mut lab = Lab::new();
            let source = lab.source("source", 100 + index, 1);
            let pass = lab.pass("pass", source);
            lab.collect("sink", &[pass]);
            (lab.log.clone(), lab.start(2))
        })
        .collect();
    for (index, (log, graph)) in graphs.into_iter().enumerate() {
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(log.received("sink", 0).len(), 100 + index);
        log.assert_clean();
    }
}

#[test]
fn a_time_out_does_not_disturb_a_stop() {
    // The source has stopped; the sink takes its time with what is left.
    let mut lab = Lab::new();
    let source = lab.endless("source");
    let slow = Script::each(|_, _, packet| {
        support::spin(Duration::from_micros(value(&packet).unsigned_abs().min(50)));
        Ok(Flow::Wait)
    });
    lab.add("slow", &[source], 0, slow.sink());
    let options = RunOptions {
        workers: Some(2),
        time_out: Some(Duration::from_secs(5)),
        ..RunOptions::default()
    };
    let log = lab.log.clone();
    let graph = lab.plan().start(&options).unwrap();
    until("packets are made", || log.made() > 100);
    graph.control().stop();
    assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
    log.assert_clean();
}
