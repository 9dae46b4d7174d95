//! `Task::flush_outputs`: packets that leave before `process` returns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bmf_core::config::{LinkConfig, TimeOrder};
use bmf_core::{Ending, Flow};
use bmf_engine::Polled;

use crate::support::{Lab, Script, until, value};
use crate::{WORKERS, add};

fn early(script: Script) -> Script {
    script.describe(|descriptor| descriptor.flushes_early = true)
}

#[test]
fn packets_arrive_before_the_call_returns() {
    for workers in [2, 4] {
        let mut lab = Lab::new();
        let arrived = Arc::new(AtomicUsize::new(0));
        let (log, seen) = (lab.log.clone(), Arc::clone(&arrived));
        let script = Script::new(move |task| {
            for number in 0..3 {
                task.push(0, log.packet(number));
                task.flush_outputs()?;
                let count = usize::try_from(number).unwrap() + 1;
                until("it arrives", || seen.load(Ordering::Acquire) == count);
            }
            task.push(0, log.packet(3));
            Ok(Flow::Done)
        });
        let source = lab.add("source", &[], 1, early(script));
        let sink = Script::each(move |_, _, _| {
            arrived.fetch_add(1, Ordering::AcqRel);
            Ok(Flow::Wait)
        });
        lab.add("sink", &[source.into()], 0, sink.sink());
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.node("sink").packets_in, 4);
        assert_eq!(run.node("source").packets_out, 4);
    }
}

/// One worker cannot run the consumer meanwhile; what the application reads is there all the same.
#[test]
fn the_application_reads_before_the_call_returns() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let read = Arc::new(AtomicUsize::new(0));
        let (log, seen) = (lab.log.clone(), Arc::clone(&read));
        let script = Script::each(move |task, _, packet| {
            let first = value(&packet);
            for number in first..first + 5 {
                task.push(0, log.packet(number));
                task.flush_outputs()?;
                let count = usize::try_from(number + 1).unwrap();
                until("it is read", || seen.load(Ordering::Acquire) == count);
            }
            Ok(Flow::Wait)
        });
        let node = lab.add("node", &[input], 1, early(script));
        let name = lab.builder().graph_output(node);
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let (input, output) = (
            graph.take_input("in").unwrap(),
            graph.take_output(&name).unwrap(),
        );
        add(&input, &log, [0, 5]);
        drop(input);
        for number in 0..10 {
            assert_eq!(value(&output.next().unwrap()), number);
            read.fetch_add(1, Ordering::AcqRel);
        }
        assert!(output.next().is_none());
        assert!(matches!(output.try_next(), Polled::Ended));
        drop(output);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        log.assert_clean();
    }
}

/// Limits do not hold such packets up.
#[test]
fn early_packets_pass_the_limits() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let log = lab.log.clone();
        let script = Script::new(move |task| {
            for number in 0..100 {
                task.push(0, log.packet(number));
                task.flush_outputs()?;
            }
            task.outputs_mut()[0].end();
            task.flush_outputs()?;
            Ok(Flow::Done)
        });
        let source = lab.add("source", &[], 1, early(script));
        lab.collect("sink", &[source.into()]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), (0..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_module_that_does_not_say_so_sends_at_the_end() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let log = lab.log.clone();
        let script = Script::new(move |task| {
            for number in 0..3 {
                task.push(0, log.packet(number));
                task.flush_outputs()?;
            }
            assert_eq!(task.outputs()[0].items().len(), 3);
            Ok(Flow::Done)
        });
        let source = lab.add("source", &[], 1, script);
        lab.collect("sink", &[source.into()]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), [0, 1, 2]);
    }
}

/// The module may look at the error or not: the run fails, naming both ends.
#[test]
fn an_early_packet_back_in_time_fails_the_run() {
    for workers in WORKERS {
        for looks in [true, false] {
            let mut lab = Lab::new();
            let log = lab.log.clone();
            let script = Script::new(move |task| {
                task.push(0, log.packet(10));
                task.flush_outputs()?;
                task.push(0, log.packet(9));
                let refused = task.flush_outputs();
                assert!(refused.is_err());
                if looks {
                    refused?;
                }
                Ok(Flow::Done)
            });
            let source = lab.add("source", &[], 1, early(script));
            let in_order = LinkConfig {
                time_order: Some(TimeOrder::Error),
                ..LinkConfig::default()
            };
            let sink = lab.collector("sink");
            lab.add_with("sink", &[], 0, sink, |node| {
                node.input_with(source, in_order)
            });
            let run = lab.run(workers);
            insta::allow_duplicates! {
                insta::assert_snapshot!(run.expect_error(), @r#"node 0 'source' (source): stream "source.0" to node 1 'sink' (sink): a packet at 0.000009s goes back in time: the earliest that could come was 0.000011s"#);
            }
        }
    }
}

#[test]
fn a_module_that_panics_after_a_flush_ends_the_run() {
    for workers in WORKERS {
        let mut lab = Lab::new();
        let log = lab.log.clone();
        let script = Script::new(move |task| {
            task.push(0, log.packet(1));
            task.flush_outputs()?;
            task.push(0, log.packet(2));
            panic!("lost it");
        });
        let source = lab.add("source", &[], 1, early(script));
        lab.collect("sink", &[source.into()]);
        let run = lab.run(workers);
        let error = run.expect_error();
        assert!(error.contains("lost it"), "{error}");
    }
}
