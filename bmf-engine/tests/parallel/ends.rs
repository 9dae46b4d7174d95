//! How parallel nodes end: by themselves, by an error, from outside; and where jobs end.

use bmf_core::{Ending, Flow, ModuleError};
use bmf_engine::{Polled, RunError};

use crate::support::{Lab, Script, until, value};
use crate::{numbers, parallel};

/// Fails at one value by `how`.
fn failing(at: i64, how: fn() -> ModuleError) -> Script {
    Script::each(move |task, _, packet| {
        if value(&packet) == at {
            return Err(how());
        }
        task.push(0, packet);
        Ok(Flow::Wait)
    })
}

#[test]
fn an_error_names_the_instance_and_the_time() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let source = lab.source("source", 100, 5);
        let node = parallel(&mut lab, "scale", &[source], 1, 3, |_| {
            failing(40, || ModuleError::new("no such size"))
        });
        lab.collect("sink", &[node.into()]);
        let run = lab.run(workers);
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.expect_error(), @"node 1 'scale#2' (scale), port a, at 0.000040s: no such size");
        }
        let received = run.log.received("sink", 0);
        assert_eq!(received, numbers(i64::try_from(received.len()).unwrap()));
        assert!(received.len() <= 40);
    }
}

#[test]
fn a_panic_names_the_instance() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let source = lab.source("source", 100, 1);
        let node = parallel(&mut lab, "scale", &[source], 1, 2, |_| {
            failing(1, || panic!("out of cheese"))
        });
        lab.collect("sink", &[node.into()]);
        let run = lab.run(workers);
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.expect_error(), @"node 1 'scale#2' (scale), port a, at 0.000001s: the module panicked: out of cheese");
        }
    }
}

#[test]
fn an_instance_that_fails_at_its_end_fails_the_run() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let source = lab.source("source", 5, 1);
        let node = parallel(&mut lab, "node", &[source], 1, 2, |number| {
            Script::new(move |task| {
                while task.pop(0).is_some() {}
                if number == 1 && task.inputs_ended() {
                    return Err(ModuleError::new("cannot finish"));
                }
                Ok(Flow::Wait)
            })
        });
        lab.collect("sink", &[node.into()]);
        let run = lab.run(workers);
        let error = run.expect_error();
        assert!(
            error.contains("'node#2'") && error.contains("cannot finish"),
            "{error}"
        );
    }
}

#[test]
fn an_instance_that_cannot_open_fails_the_run() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let source = lab.source("source", 5, 1);
        let node = parallel(&mut lab, "node", &[source], 1, 3, |number| {
            Script::pass().on_open(move |_| match number {
                1 => Err(ModuleError::new("no device")),
                _ => Ok(()),
            })
        });
        lab.collect("sink", &[node.into()]);
        let run = lab.run(workers);
        let error = run.expect_error();
        assert!(
            error.contains("'node#2'") && error.contains("no device"),
            "{error}"
        );
    }
}

/// Says that it is done at one value, after sending it.
fn done_at(at: i64) -> Script {
    Script::each(move |task, _, packet| {
        let number = value(&packet);
        task.push(0, packet);
        Ok(if number == at { Flow::Done } else { Flow::Wait })
    })
}

#[test]
fn a_module_that_is_done_ends_the_node_in_its_place() {
    for workers in [1, 2, 4] {
        for at in [0, 1, 5, 17] {
            let mut lab = Lab::new();
            let source = lab.endless("source");
            let node = parallel(&mut lab, "node", &[source], 1, 3, |_| done_at(at));
            lab.collect("sink", &[node.into()]);
            let run = lab.run(workers).expect(Ending::Finished);
            assert_eq!(run.log.received("sink", 0), numbers(at + 1));
        }
    }
}

#[test]
fn a_sink_that_is_done_ends_the_node() {
    for workers in [1, 2, 4] {
        for distribution in [
            bmf_core::config::Distribution::RoundRobin,
            bmf_core::config::Distribution::LeastLoaded,
        ] {
            let mut lab = Lab::new();
            let source = lab.endless("source");
            let node = ("sink", distribution);
            crate::distributed(&mut lab, node, &[source], 0, 3, |_| done_at(20).sink());
            let run = lab.run(workers).expect(Ending::Finished);
            assert!(run.log.calls().contains("Finished"));
        }
    }
}

#[test]
fn a_parallel_node_without_a_consumer_ends() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let source = lab.endless("source");
        let node = parallel(&mut lab, "node", &[source], 1, 3, |_| Script::pass());
        let log = lab.log.clone();
        let sink = Script::each(move |_, _, packet| {
            log.receive("sink", 0, value(&packet));
            Ok(if value(&packet) == 9 {
                Flow::Done
            } else {
                Flow::Wait
            })
        });
        lab.add("sink", &[node.into()], 0, sink.sink());
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), numbers(10));
    }
}

#[test]
fn stop_lets_everything_arrive() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let source = lab.endless("source");
        let node = parallel(&mut lab, "node", &[source], 1, 3, |_| Script::pass());
        lab.collect("sink", &[node.into()]);
        let log = lab.log.clone();
        let graph = lab.start(workers);
        until("packets arrive", || log.count("sink") >= 50);
        graph.control().stop();
        assert_eq!(graph.wait().result.unwrap(), Ending::Stopped);
        assert_eq!(
            log.received("sink", 0),
            numbers(i64::try_from(log.made()).unwrap())
        );
        log.assert_clean();
    }
}

#[test]
fn cancel_closes_every_instance_once() {
    for workers in [1, 2, 4] {
        for packets in [0, 1, 100] {
            let mut lab = Lab::new();
            let source = lab.endless("source");
            let node = parallel(&mut lab, "node", &[source], 1, 4, |_| Script::pass());
            lab.collect("sink", &[node.into()]);
            let log = lab.log.clone();
            let graph = lab.start(workers);
            until("packets arrive", || log.count("sink") >= packets);
            graph.control().cancel();
            let error = graph.wait().result.unwrap_err();
            assert!(matches!(error, RunError::Cancelled), "{error}");
            log.assert_clean();
        }
    }
}

/// The end of a job reaches every instance after what was handed out before, and leaves once.
#[test]
fn jobs_end_once() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let input = lab.builder().graph_input("in");
        let log = lab.log.clone();
        let node = parallel(&mut lab, "node", &[input], 1, 3, |_| {
            let log = log.clone();
            let mut held = 0;
            Script::new(move |task| {
                while let Some(packet) = task.pop(0) {
                    held += 1;
                    task.push(0, packet);
                }
                if task.inputs()[0].job_ended {
                    task.push(0, log.packet(-std::mem::take(&mut held)));
                    task.outputs_mut()[0].end_job();
                }
                Ok(Flow::Wait)
            })
        });
        let name = lab.builder().graph_output(node);
        let log = lab.log.clone();
        let mut graph = lab.start(workers);
        let (input, output) = (
            graph.take_input("in").unwrap(),
            graph.take_output(&name).unwrap(),
        );
        let mut seen = String::new();
        for count in [4, 0, 2] {
            for number in 0..count {
                input.add(log.packet(number)).unwrap();
            }
            input.end_job().unwrap();
            loop {
                match output.next_within(crate::support::DEADLINE) {
                    Polled::Packet(packet) => seen += &format!("{} ", value(&packet)),
                    Polled::JobEnded => break seen += "job ",
                    polled => panic!("{polled:?}"),
                }
            }
        }
        insta::allow_duplicates! {
            insta::assert_snapshot!(seen, @"0 1 2 3 -2 -1 -1 job 0 0 0 job 0 1 -1 -1 0 job");
        }
        drop((input, output));
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        log.assert_clean();
    }
}
