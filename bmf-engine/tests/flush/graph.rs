//! `Graph::flush`: what is thrown away, what goes on, what is refused.

use std::sync::{Arc, Mutex};

use bmf_core::{Ending, Flow, ModuleError, Promise};
use bmf_engine::{AddError, Polled, RunError};
use bmf_hmp::Bound;

use crate::support::{Lab, Log, Script, until, value};
use crate::{WORKERS, add, at, late, seekable};

#[test]
fn sources_go_on_from_where_they_are_sent() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = seekable(&mut lab, "source");
        let pass = lab.pass("pass", source);
        lab.collect("sink", &[pass]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        until("packets arrive", || log.count("sink") >= 20);
        let mut begins = vec![0];
        for seek in [5000, 3, 1_000_000] {
            graph.flush(Some(at(seek))).unwrap();
            let before = log.count("sink");
            until("packets arrive", || log.count("sink") >= before + 20);
            begins.push(seek);
        }
        graph.flush(None).unwrap();
        graph.control().stop();
        let outcome = graph.wait();
        assert_eq!(outcome.result.unwrap(), Ending::Stopped);
        let received = log.received("sink", 0);
        let jumps = received.windows(2).filter(|pair| pair[1] != pair[0] + 1);
        let jumps: Vec<i64> = jumps.map(|pair| pair[1]).collect();
        // The last flush leaves a gap at most.
        assert_eq!(jumps[..3], begins[1..], "{jumps:?}");
        // What was sent was received or is counted.
        for link in &outcome.links {
            let lost = link.dropped.total();
            assert_eq!(link.dropped.flushed, lost, "{link:?}");
        }
        let flushed: u64 = outcome.links.iter().map(|link| link.dropped.flushed).sum();
        let arrived = u64::try_from(received.len()).unwrap();
        assert_eq!(u64::try_from(log.made()).unwrap(), arrived + flushed);
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
        log.assert_clean();
    }
}

/// `a` and `b` are joined by time.
fn joined() -> Lab {
    let mut lab = Lab::new();
    let [a, b] = ["a", "b"].map(|name| lab.builder().graph_input(name));
    let script = Script::pass().promise(Promise::Offset(0));
    let pass = lab.add("pass", &[a], 1, script);
    lab.join("join", &[pass.into(), b]);
    lab
}

#[test]
fn queues_bounds_and_policies_begin_anew() {
    for workers in WORKERS {
        let lab = joined();
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
        add(&a, &log, [10, 20, 30]);
        add(&b, &log, [10]);
        b.set_bound(Bound::at(at(15))).unwrap();
        assert!(graph.wait_idle(late()));
        assert_eq!(log.joined("join"), "10 [10] [10]");
        graph.flush(None).unwrap();
        // Earlier times than before are in order again, and 20 and 30 are gone.
        add(&a, &log, [1, 2]);
        add(&b, &log, [2]);
        assert!(graph.wait_idle(late()));
        assert_eq!(log.joined("join"), "10 [10] [10]\n1 [1] []\n2 [2] [2]");
        let error = b.add(log.packet(2)).unwrap_err();
        assert!(matches!(error, AddError::Time { .. }), "{error}");
        drop((a, b));
        let outcome = graph.wait();
        assert_eq!(outcome.result.unwrap(), Ending::Finished);
        let dropped = outcome.links.iter().map(|link| link.dropped.flushed);
        assert_eq!(dropped.sum::<u64>(), 2);
        log.assert_clean();
    }
}

#[test]
fn what_the_application_reads_begins_anew() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let pass = lab.pass("pass", input);
        let name = lab.builder().graph_output(pass);
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let (input, output) = (
            graph.take_input("in").unwrap(),
            graph.take_output(&name).unwrap(),
        );
        add(&input, &log, 10..18);
        assert!(graph.wait_idle(late()));
        assert_eq!(value(&output.next().unwrap()), 10);
        graph.flush(None).unwrap();
        assert_eq!(output.bound(), Bound::START);
        assert!(matches!(output.try_next(), Polled::Nothing));
        add(&input, &log, 0..5);
        for time in 0..5 {
            assert_eq!(value(&output.next().unwrap()), time);
        }
        // A reader that waits meanwhile goes on waiting.
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| output.next());
            graph.flush(None).unwrap();
            add(&input, &log, [7]);
            assert_eq!(value(&reader.join().unwrap().unwrap()), 7);
        });
        drop(input);
        assert!(output.next().is_none());
        drop(output);
        let outcome = graph.wait();
        assert_eq!(outcome.result.unwrap(), Ending::Finished);
        let flushed = outcome.links.iter().map(|link| link.dropped.flushed);
        assert_eq!(flushed.sum::<u64>(), 7);
        log.assert_clean();
    }
}

/// A stream that has ended stays so, also if its end was still under way.
#[test]
fn a_stream_that_was_ended_stays_ended() {
    for workers in WORKERS {
        for paused in [true, false] {
            let lab = joined();
            let log = lab.log.clone();
            let mut graph = lab.start(workers);
            let [a, b] = ["a", "b"].map(|name| graph.take_input(name).unwrap());
            assert!(graph.wait_idle(late()));
            if paused {
                graph.pause();
            }
            add(&b, &log, [1, 2, 3]);
            b.end();
            graph.flush(None).unwrap();
            let error = b.add(log.packet(4)).unwrap_err();
            assert!(matches!(error, AddError::Ended { .. }), "{error}");
            add(&a, &log, [1, 2]);
            drop(a);
            let outcome = graph.wait();
            assert_eq!(outcome.result.unwrap(), Ending::Finished);
            let joined = log.joined("join");
            assert!(joined.starts_with("1 [1] []\n2 [2] []"), "{joined}");
            log.assert_clean();
        }
    }
}

#[test]
fn a_paused_graph_stays_paused() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = seekable(&mut lab, "source");
        lab.collect("sink", &[source]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        until("packets arrive", || log.count("sink") >= 20);
        graph.pause();
        let before = log.count("sink");
        graph.flush(Some(at(700))).unwrap();
        graph.flush(Some(at(900))).unwrap();
        std::thread::yield_now();
        assert_eq!(log.count("sink"), before);
        graph.resume();
        until("packets arrive", || log.count("sink") > before);
        graph.control().stop();
        graph.wait().result.unwrap();
        assert_eq!(log.received("sink", 0)[before], 900);
    }
}

#[test]
fn a_node_that_has_ended_cannot_begin_anew() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let short = lab.source("short", 3, 1);
        let input = lab.builder().graph_input("in");
        lab.collect("sink", &[short, input]);
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        until("the source has ended", || {
            log.calls().contains("close short")
        });
        assert!(graph.wait_idle(late()));
        add(&input, &log, [1]);
        let error = graph.flush(Some(at(0))).unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"node 0 'short' (short) has ended; a graph can be flushed only while all its nodes run");
        }
        // Nothing was changed.
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(log.received("sink", 1), [1]);
    }
}

#[test]
fn a_module_that_cannot_go_on_ends_the_run() {
    for workers in WORKERS {
        for panics in [true, false] {
            let mut lab = Lab::new();
            let source = seekable(&mut lab, "source");
            let script = Script::pass().on_flush(move |_| match panics {
                true => panic!("cannot"),
                false => Err(ModuleError::new("cannot go back")),
            });
            let tape = lab.add("tape", &[source], 1, script);
            lab.collect("sink", &[tape.into()]);
            let log = lab.log.clone();
            let graph = lab.start(workers);
            until("packets arrive", || log.count("sink") >= 1);
            let refused = graph.flush(Some(at(3))).unwrap_err().to_string();
            assert!(
                refused.contains("'tape' (tape)") && refused.contains("cannot"),
                "{refused}"
            );
            let result = graph.wait().result;
            match panics {
                true => assert!(matches!(result, Err(RunError::Panic { .. })), "{result:?}"),
                false => assert!(matches!(result, Err(RunError::Module { .. })), "{result:?}"),
            }
            log.assert_clean();
        }
    }
}

/// A seek that comes before a source is open counts, too.
#[test]
fn a_graph_may_be_flushed_before_its_modules_are_open() {
    for workers in WORKERS {
        for _ in 0..10 {
            let mut lab = Lab::new();
            let source = seekable(&mut lab, "source");
            let opened = Arc::new(Mutex::new(false));
            let (opens, flushes) = (Arc::clone(&opened), Arc::clone(&opened));
            let script = Script::pass().on_open(move |_| {
                *opens.lock().unwrap() = true;
                Ok(())
            });
            let script = script.on_flush(move |_| match *flushes.lock().unwrap() {
                true => Ok(()),
                false => Err(ModuleError::new("flushed before it was open")),
            });
            let pass = lab.add("pass", &[source], 1, script);
            lab.collect("sink", &[pass.into()]);
            let log = lab.log.clone();
            let graph = lab.start(workers);
            graph.flush(Some(at(1_000_000))).unwrap();
            let sought = |log: &Log| log.received("sink", 0).contains(&1_000_000);
            until("what was sought arrives", || sought(&log));
            graph.control().stop();
            assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
            log.assert_clean();
        }
    }
}

/// What a module sends at its start is sent again: a loop would not get going otherwise.
#[test]
fn starts_are_sent_again() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let log = lab.log.clone();
        let script = Script::pass().on_start(move |task| {
            task.push(0, log.packet(-1));
            Ok(())
        });
        let first = lab.add("first", &[input], 1, script);
        lab.collect("sink", &[first.into()]);
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        add(&input, &log, [1, 2]);
        assert!(graph.wait_idle(late()));
        graph.flush(None).unwrap();
        add(&input, &log, [1]);
        assert!(graph.wait_idle(late()));
        assert_eq!(log.received("sink", 0), [-1, 1, 2, -1, 1]);
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        log.assert_clean();
    }
}

/// Packets that a module has left in its task are thrown away as well.
#[test]
fn what_modules_left_is_thrown_away() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let log = lab.log.clone();
        let pairs = Script::new(move |task| {
            while task.inputs()[0].packets.len() >= 2 {
                for _ in 0..2 {
                    let packet = task.pop(0).unwrap();
                    log.receive("pairs", 0, value(&packet));
                }
            }
            Ok(Flow::Wait)
        });
        lab.add("pairs", &[input], 0, pairs.sink());
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let input = graph.take_input("in").unwrap();
        add(&input, &log, [1, 2, 3]);
        assert!(graph.wait_idle(late()));
        graph.flush(None).unwrap();
        assert_eq!(log.alive(), 0);
        add(&input, &log, [4, 5]);
        drop(input);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        assert_eq!(log.received("pairs", 0), [1, 2, 4, 5]);
    }
}

#[test]
fn a_run_that_was_cancelled_is_not_flushed() {
    let mut lab = Lab::new();
    let source = seekable(&mut lab, "source");
    lab.collect("sink", &[source]);
    let graph = lab.start(2);
    graph.control().cancel();
    graph.flush(None).unwrap_err();
    assert!(matches!(graph.wait().result, Err(RunError::Cancelled)));
}

#[test]
fn flushes_of_several_threads_come_one_after_the_other() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = seekable(&mut lab, "source");
        let pass = lab.pass("pass", source);
        lab.join("join", &[pass]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        std::thread::scope(|scope| {
            for seek in [100, 200, 300] {
                let graph = &graph;
                scope.spawn(move || {
                    for _ in 0..20 {
                        graph.flush(Some(at(seek))).unwrap();
                        graph.pause();
                        graph.resume();
                    }
                });
            }
        });
        graph.control().stop();
        assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
        log.assert_clean();
    }
}
