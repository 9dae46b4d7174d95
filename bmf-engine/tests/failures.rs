//! Graphs that fail: what the error says, that every module is closed as it should be, and that
//! nothing is left behind.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bmf_core::{Ending, Flow, ModuleError};
use bmf_engine::{Outcome, Port, RunError, RunOptions};
use support::{DEADLINE, Lab, Log, Script, until, value};

const WORKERS: [usize; 3] = [1, 2, 8];

/// Enough runs to meet rare interleavings.
const REPEAT: usize = 30;

/// `source -> pass -> bad -> after -> sink`, with `bad` as given.
fn bad_chain(bad: Script) -> Lab {
    let mut lab = Lab::new();
    let source = lab.source("source", 300, 1);
    let pass = lab.pass("pass", source);
    let bad = lab.add_with("bad", &[pass], 1, bad, |node| node.batch(1));
    let after = lab.pass("after", bad);
    lab.collect("sink", &[after]);
    lab
}

/// Runs such a chain many times; its message and its calls, which must be the same each time.
fn check_bad(bad: impl Fn() -> Script) -> String {
    let mut results = Vec::new();
    for workers in WORKERS {
        for _ in 0..REPEAT {
            let run = bad_chain(bad()).run(workers);
            let error = run.expect_error();
            let mut result = format!("{error}\n{}", run.log.calls());
            if let Some(hint) = run.outcome.result.as_ref().unwrap_err().hint() {
                result += &format!("\nhint: {hint}");
            }
            results.push(result);
        }
    }
    results.dedup();
    assert_eq!(results.len(), 1, "{results:#?}");
    results.remove(0)
}

fn pass_until(last: i64, mut then: impl FnMut() -> ModuleError + Send + 'static) -> Script {
    Script::each(move |task, port, packet| {
        if value(&packet) == last {
            return Err(then());
        }
        task.push(port, packet);
        Ok(Flow::Wait)
    })
}

#[test]
fn an_error_names_node_port_time_and_cause() {
    let bad = || {
        pass_until(100, || {
            let cause = std::io::Error::other("disk on fire");
            ModuleError::new("cannot scale the picture")
                .with_source(cause)
                .with_hint("use water")
        })
    };
    insta::assert_snapshot!(check_bad(bad), @"
    node 2 'bad' (bad), port a, at 0.000100s: cannot scale the picture: disk on fire
    close after Failed
    close bad Failed
    close pass Failed
    close sink Failed
    close source Failed
    open after
    open bad
    open pass
    open sink
    open source
    hint: use water
    ");
}

#[test]
fn a_module_knows_port_and_time_better() {
    let bad = || {
        pass_until(100, || {
            ModuleError::new("no room on the disk")
                .on_port("subtitles")
                .at(bmf_hmp::Timestamp::from_micros(7))
        })
    };
    let text = check_bad(bad);
    insta::assert_snapshot!(text.lines().next().unwrap(), @"node 2 'bad' (bad), port subtitles, at 0.000007s: no room on the disk");
}

#[test]
fn a_panic_is_an_error_of_its_node() {
    let bad = || pass_until(100, || panic!("index out of bounds: {}", 7));
    insta::assert_snapshot!(check_bad(bad), @"
    node 2 'bad' (bad), port a, at 0.000100s: the module panicked: index out of bounds: 7
    close after Failed
    close bad Failed
    close pass Failed
    close sink Failed
    close source Failed
    open after
    open bad
    open pass
    open sink
    open source
    hint: this is a defect of the module; report it
    ");
    let bad = || pass_until(100, || std::panic::panic_any(7));
    insta::assert_snapshot!(check_bad(bad).lines().next().unwrap(), @"node 2 'bad' (bad), port a, at 0.000100s: the module panicked: (no message)");
}

#[test]
fn a_node_that_does_not_open_keeps_those_behind_it_shut() {
    let bad = || Script::pass().on_open(|_| Err(ModuleError::new("cannot open \"in.mp4\"")));
    insta::assert_snapshot!(check_bad(bad), @r#"
    node 2 'bad' (bad): cannot open "in.mp4"
    close pass Failed
    close source Failed
    open pass
    open source
    "#);
    let bad = || Script::pass().on_open(|_| panic!("oh"));
    insta::assert_snapshot!(check_bad(bad), @"
    node 2 'bad' (bad): the module panicked: oh
    close pass Failed
    close source Failed
    open pass
    open source
    hint: this is a defect of the module; report it
    ");
}

#[test]
fn an_error_on_closing_fails_a_graph_that_was_fine() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = lab.source("source", 20, 1);
        let sink = lab.collector("sink");
        let sink = sink.on_close(|_| Err(ModuleError::new("cannot write the index")));
        lab.add("sink", &[source], 0, sink);
        let run = lab.run(workers);
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.expect_error(), @"node 1 'sink' (sink): cannot write the index");
        }
        assert_eq!(run.log.received("sink", 0).len(), 20);
    }
}

#[test]
fn a_panic_on_closing_is_an_error() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let source = lab.source("source", 20, 1);
        let pass = Script::pass().on_close(|_| panic!("oh"));
        let pass = lab.add("pass", &[source], 1, pass);
        lab.collect("sink", &[pass.into()]);
        let run = lab.run(workers);
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.expect_error(), @"node 1 'pass' (pass): the module panicked: oh");
        }
    }
}

#[test]
fn an_error_on_closing_after_an_error_does_not_hide_it() {
    let bad = || {
        let bad = pass_until(10, || ModuleError::new("first"));
        bad.on_close(|_| Err(ModuleError::new("second")))
    };
    insta::assert_snapshot!(check_bad(bad).lines().next().unwrap(), @"node 2 'bad' (bad), port a, at 0.000010s: first");
}

#[test]
fn a_module_that_cannot_be_made_fails_the_start() {
    let mut lab = Lab::new();
    let source = lab.source("source", 1, 1);
    let bad = Script::drain().refuse("no such codec");
    lab.add("sink", &[source], 0, bad);
    let log = lab.log.clone();
    let Err(error) = lab.try_start(2) else {
        panic!("it started");
    };
    insta::assert_snapshot!(error, @"node 1 'sink' (sink): no such codec");
    assert_eq!(log.calls(), "");
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_module_that_panics_when_it_is_dropped_hangs_nobody() {
    let bad = || {
        let grenade = Grenade;
        Script::each(move |task, port, packet| {
            let _ = &grenade;
            task.push(port, packet);
            Ok(Flow::Wait)
        })
    };
    for workers in WORKERS {
        for _ in 0..REPEAT {
            let run = bad_chain(bad()).run(workers);
            // Whether the nodes behind it are done before that is a matter of luck.
            let expected = "node 2 'bad' (bad): the module panicked: dropped";
            assert_eq!(run.expect_error(), expected);
        }
    }
}

#[test]
fn of_two_errors_one_is_told() {
    for workers in WORKERS {
        for _ in 0..REPEAT {
            let mut lab = Lab::new();
            let source = lab.source("source", 100, 1);
            for name in ["left", "right"] {
                let bad = pass_until(50, || ModuleError::new("broken"));
                let inputs = std::slice::from_ref(&source);
                let bad = lab.add_with(name, inputs, 1, bad, |node| node.batch(1));
                lab.collect(&format!("{name}_sink"), &[bad.into()]);
            }
            let run = lab.run(workers);
            let error = run.expect_error();
            assert!(error.ends_with("port a, at 0.000050s: broken"), "{error}");
        }
    }
}

#[test]
fn whoever_gives_up_because_another_failed_is_closed_as_failed() {
    for workers in [2, 8] {
        let mut lab = Lab::new();
        let interrupted = Arc::new(AtomicBool::new(false));
        let (tell, told) = mpsc::channel();
        // A source that waits for the outside world until it is interrupted.
        let waits = Script::new({
            let interrupted = Arc::clone(&interrupted);
            move |_| {
                tell.send(()).unwrap();
                until("the interrupt", || interrupted.load(Ordering::Acquire));
                Err(ModuleError::new("interrupted"))
            }
        });
        let waits = waits.on_open(move |context| {
            let interrupted = Arc::clone(&interrupted);
            context.on_interrupt(move || interrupted.store(true, Ordering::Release));
            Ok(())
        });
        let waits = lab.add("waits", &[], 1, waits);
        lab.collect("sink", &[waits.into()]);
        let fails = Script::new(move |_| {
            told.recv_timeout(DEADLINE).unwrap();
            Err(ModuleError::new("broken"))
        });
        let fails = lab.add("fails", &[], 1, fails);
        lab.collect("other_sink", &[fails.into()]);
        let run = lab.run(workers);
        let error = run.expect_error();
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"node 2 'fails' (fails): broken");
            insta::assert_snapshot!(run.log.calls(), @"
            close fails Failed
            close other_sink Failed
            close sink Failed
            close waits Failed
            open fails
            open other_sink
            open sink
            open waits
            ");
        }
    }
}

/// A script that passes so many packets on and then waits until it is released.
fn stall_after(packets: i64, released: mpsc::Receiver<()>) -> Script {
    Script::each(move |task, port, packet| {
        if value(&packet) == packets {
            // Ends when the test drops its sender.
            let _ = released.recv();
        }
        task.push(port, packet);
        Ok(Flow::Wait)
    })
}

/// `source -> pass -> stall -> sink` with a time-out; what `stall` was given before it stalls.
fn run_stalled(workers: usize, packets: i64) -> (Outcome, Log, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel();
    let mut lab = Lab::new();
    let source = lab.endless("source");
    let pass = lab.pass("pass", source);
    let stall = stall_after(packets, released);
    let stall = lab.add_with("stall", &[pass], 1, stall, |node| node.batch(1));
    lab.collect("sink", &[stall.into()]);
    let log = lab.log.clone();
    let options = RunOptions {
        workers: Some(workers),
        time_out: Some(Duration::from_millis(100)),
        ..RunOptions::default()
    };
    let outcome = lab.plan().start(&options).unwrap().wait();
    (outcome, log, release)
}

#[test]
fn a_stalled_module_is_left_behind_and_all_else_is_closed() {
    for workers in [1, 2] {
        // At once, when nothing is known of its speed; and after many fast steps.
        for packets in [0, 20_000] {
            let (outcome, log, release) = run_stalled(workers, packets);
            let error = outcome.result.unwrap_err();
            assert!(matches!(error, RunError::TimeOut { .. }));
            let error = error.to_string();
            let expected =
                "no progress for 0.1 s: node 2 'stall' (stall) is inside its module; node 0 ";
            assert!(error.starts_with(expected), "{error}");
            let closed = outcome.nodes.iter().map(|node| node.closed);
            assert_eq!(closed.collect::<Vec<_>>(), [true, true, false, true]);
            let calls = log.calls();
            let count = |what| calls.matches(what).count();
            assert_eq!(count("open"), count("close") + 1, "{calls}");
            assert_eq!(count("Failed"), count("close"), "{calls}");
            drop(release);
            until("the stalled thread ends", || log.alive() == 0);
        }
    }
}

#[test]
fn a_stalled_source_does_not_hold_another_one() {
    for workers in [2, 8] {
        for packets in [0, 20_000] {
            let (release, released) = mpsc::channel::<()>();
            let mut lab = Lab::new();
            let log = lab.log.clone();
            let mut next = 0;
            let stalls = Script::new(move |task| {
                if next == packets {
                    let _ = released.recv();
                }
                task.push(0, log.packet(next));
                next += 1;
                Ok(Flow::More)
            });
            let stalls = lab.add("stalls", &[], 1, stalls);
            lab.add("first_sink", &[stalls.into()], 0, Script::drain());
            let goes_on = lab.source("goes_on", packets + 30_000, 1);
            lab.collect("sink", &[goes_on]);
            let log = lab.log.clone();
            let graph = lab.start(workers);
            let wanted = usize::try_from(packets + 30_000).unwrap();
            until("the other source is done", || log.count("sink") == wanted);
            graph.control().stop();
            drop(release);
            graph.wait().result.unwrap();
            log.assert_clean();
        }
    }
}

#[test]
fn a_waiting_node_is_told_from_a_ready_one() {
    // Fewer packets than the low watermark: the link has nothing to settle, yet `sink` is not ready.
    let (release, released) = mpsc::channel();
    let mut lab = Lab::new();
    let source = lab.source("source", 5, 1);
    let stall = stall_after(2, released);
    let stall = lab.add_with("stall", &[source], 1, stall, |node| node.batch(1));
    lab.collect("sink", &[stall.into()]);
    let log = lab.log.clone();
    let options = RunOptions {
        workers: Some(2),
        time_out: Some(Duration::from_millis(100)),
        ..RunOptions::default()
    };
    let outcome = lab.plan().start(&options).unwrap().wait();
    let error = outcome.result.unwrap_err().to_string();
    let expected = "; node 2 'sink' (sink) waits for 'stall' to send on \"stall.0\"";
    assert!(error.ends_with(expected), "{error}");
    drop(release);
    until("the stalled thread ends", || log.alive() == 0);
}

#[test]
fn the_time_out_of_the_graph_counts_and_a_moving_graph_has_none() {
    let (release, released) = mpsc::channel();
    let mut lab = Lab::new();
    lab.builder().option_mut().time_out = 0.1;
    let source = lab.source("source", 5, 1);
    lab.add("stall", &[source], 1, stall_after(0, released).sink());
    let log = lab.log.clone();
    let options = RunOptions {
        workers: Some(2),
        time_out: None,
        ..RunOptions::default()
    };
    let outcome = lab.plan().run(&options).unwrap();
    let error = outcome.result.unwrap_err().to_string();
    let stuck = "no progress for 0.1 s: node 1 'stall' (stall) is inside its module";
    assert!(error.starts_with(stuck), "{error}");
    drop(release);
    until("the stalled thread ends", || log.alive() == 0);

    // Longer than its time-out in sum, but it moves all the time.
    let mut lab = Lab::new();
    lab.builder().option_mut().time_out = 1.0;
    let source = lab.source("source", 150, 1);
    let slow = Script::each(|_, _, _| {
        support::spin(Duration::from_millis(10));
        Ok(Flow::Wait)
    });
    lab.add_with("slow", &[source], 0, slow.sink(), |node| node.batch(1));
    let outcome = lab.plan().run(&options).unwrap();
    assert_eq!(outcome.result.unwrap(), Ending::Finished);
}

#[test]
fn a_failure_does_not_wait_for_a_throttled_or_idle_node() {
    // `bad` fails while its producer has no room and its sibling no input.
    for workers in WORKERS {
        for _ in 0..REPEAT {
            let mut lab = Lab::new();
            let source: Port = lab.endless("source");
            let none = Script::each(|_, _, _| Ok(Flow::Wait));
            let none = lab.add("drops", std::slice::from_ref(&source), 1, none);
            let bad = lab.add(
                "bad",
                &[source],
                1,
                pass_until(40, || ModuleError::new("broken")),
            );
            lab.join("sink", &[none.into(), bad.into()]);
            let run = lab.run(workers);
            let error = run.expect_error();
            assert!(error.starts_with("node 2 'bad' (bad), port a"), "{error}");
        }
    }
}

#[test]
fn a_module_that_replaces_its_task_fails() {
    for early in [false, true] {
        let mut lab = Lab::new();
        let source = lab.source("source", 5, 1);
        let swap = Script::new(|task| {
            drop(std::mem::take(task));
            Ok(Flow::Wait)
        });
        let swap = swap.describe(move |descriptor| descriptor.flushes_early = early);
        let swap = lab.add("swap", &[source], 1, swap);
        lab.collect("sink", &[swap.into()]);
        let error = lab.run(2).expect_error();
        assert!(
            error.contains("'swap'") && error.contains("the module has replaced its task"),
            "{error}"
        );
    }
}

#[test]
fn a_packet_for_an_output_that_there_is_not_is_an_error() {
    let stray = || {
        Script::each(|task, _, packet| {
            // Late enough for those behind it to be open, or they would wait for room.
            task.push(if value(&packet) == 50 { 3 } else { 0 }, packet);
            Ok(Flow::Wait)
        })
    };
    insta::assert_snapshot!(check_bad(stray), @"
    node 2 'bad' (bad), port a, at 0.000050s: the module has sent a packet to output 3, but has only output 0
    close after Failed
    close bad Failed
    close pass Failed
    close sink Failed
    close source Failed
    open after
    open bad
    open pass
    open sink
    open source
    hint: this is a defect of the module; report it
    ");
}
