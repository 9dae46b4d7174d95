//! Where nodes run: named executors, BMF's serial queues, one thread for all.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bmf_core::config::ExecutorConfig;
use bmf_core::{Ending, Flow};
use bmf_engine::{Node, RunOptions};
use support::{DEADLINE, Lab, Script, until, value};

fn executors(lab: &mut Lab, executors: &[(&str, usize)]) {
    let configs = executors.iter().map(|&(name, workers)| ExecutorConfig {
        name: name.to_owned(),
        workers,
    });
    lab.builder().option_mut().executors = configs.collect();
}

/// The threads that ran something.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<BTreeSet<String>>>);

impl Threads {
    fn note(&self) {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("?").to_owned();
        self.0.lock().unwrap().insert(name);
    }

    /// Their names without numbers.
    fn kinds(&self) -> Vec<String> {
        let names = self.0.lock().unwrap();
        let kinds = names.iter().map(|name| {
            let (kind, number) = name.rsplit_once('-').unwrap();
            assert!(number.parse::<usize>().is_ok(), "{name}");
            kind.to_owned()
        });
        kinds.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Passes packets on, noting the threads.
fn noting(threads: &Threads) -> Script {
    let (opens, runs, closes) = (threads.clone(), threads.clone(), threads.clone());
    let script = Script::each(move |task, port, packet| {
        runs.note();
        task.push(port, packet);
        Ok(Flow::Wait)
    });
    let script = script.on_open(move |_| {
        opens.note();
        Ok(())
    });
    script.on_close(move |_| {
        closes.note();
        Ok(())
    })
}

#[test]
fn nodes_run_on_the_threads_of_their_executor() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        executors(&mut lab, &[("io", 1), ("gpu", 3)]);
        let mut port = lab.source("source", 200, 3);
        let noted = [
            ("a", Some("io")),
            ("b", Some("gpu")),
            ("c", None),
            ("d", Some("io")),
        ];
        let noted = noted.map(|(name, executor)| {
            let threads = Threads::default();
            let settings = |node: Node| match executor {
                Some(executor) => node.executor(executor),
                None => node,
            };
            port = lab
                .add_with(name, &[port.clone()], 1, noting(&threads), settings)
                .into();
            threads
        });
        lab.collect("sink", &[port.clone()]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), (0..200).collect::<Vec<_>>());
        let kinds = noted.map(|threads| threads.kinds().join(" "));
        assert_eq!(kinds, ["bmf-io", "bmf-gpu", "bmf", "bmf-io"]);
    }
}

/// Nodes on one queue never run at the same time; those of different queues may.
#[test]
fn serial_queues_run_one_node_at_a_time() {
    for workers in [2, 4] {
        let mut lab = Lab::new();
        lab.builder().option_mut().scheduler_count = Some(2);
        let source = lab.source("source", 300, 1);
        let inside = [0, 1].map(|_| Arc::new(AtomicUsize::new(0)));
        let mut ports = Vec::new();
        for (name, queue) in [("a", 0), ("b", 1), ("c", 0), ("d", 1), ("e", 0)] {
            let inside = Arc::clone(&inside[queue]);
            let threads = Threads::default();
            let script = Script::each(move |task, port, packet| {
                threads.note();
                assert_eq!(threads.kinds(), [format!("bmf-queue{queue}")]);
                assert_eq!(inside.fetch_add(1, Ordering::AcqRel), 0, "one at a time");
                support::spin(std::time::Duration::from_micros(3));
                inside.fetch_sub(1, Ordering::AcqRel);
                task.push(port, packet);
                Ok(Flow::Wait)
            });
            let node = lab.add(name, std::slice::from_ref(&source), 1, script);
            lab.set_scheduler(name, queue);
            ports.push(node.into());
        }
        lab.collect("sink", &ports);
        let run = lab.run(workers).expect(Ending::Finished);
        for port in 0..5 {
            assert_eq!(run.log.received("sink", port).len(), 300);
        }
    }
}

/// Without `scheduler_count` the numbers of queues mean nothing.
#[test]
fn queues_are_only_used_where_they_are_counted() {
    let mut lab = Lab::new();
    let source = lab.source("source", 10, 1);
    let threads = Threads::default();
    let node = lab.add("node", &[source], 1, noting(&threads));
    lab.set_scheduler("node", 7);
    lab.collect("sink", &[node.into()]);
    lab.run(2).expect(Ending::Finished);
    assert_eq!(threads.kinds(), ["bmf"]);
}

#[test]
fn an_unknown_executor_is_refused() {
    let refused = |declared: &[(&str, usize)], name: &str| {
        let mut lab = Lab::new();
        executors(&mut lab, declared);
        let source = lab.source("source", 1, 1);
        let sink = lab.collector("sink");
        lab.add_with("sink", &[source], 0, sink, |node| node.executor(name));
        match lab.try_plan() {
            Ok(_) => "accepted".to_owned(),
            Err(found) => found.to_string(),
        }
    };
    insta::assert_snapshot!(refused(&[("network", 1)], "netwrok"), @r#"
    error: node 1 'sink' (sink): there is no executor "netwrok"
      help: did you mean "network"?
    "#);
    insta::assert_snapshot!(refused(&[], "io"), @r#"
    error: node 1 'sink' (sink): there is no executor "io"
      help: declare it: option.executors = { "io" = 2 }
    "#);
    insta::assert_snapshot!(refused(&[("io", 0)], "io"), @r#"error: executor "io" has 0 workers; 1 to 1024 are possible"#);
    insta::assert_snapshot!(refused(&[("io", 1), ("io", 2)], "io"), @r#"error: two executors are called "io""#);
    insta::assert_snapshot!(refused(&[("", 1)], ""), @"error: an executor has no name");
    insta::assert_snapshot!(refused(&[("io", 100_000)], "io"), @r#"error: executor "io" has 100000 workers; 1 to 1024 are possible"#);
}

/// All workers of one executor are stuck; what runs on others goes on.
#[test]
fn an_executor_that_is_blocked_holds_up_no_other() {
    for blocked_workers in [1, 2] {
        let mut lab = Lab::new();
        executors(&mut lab, &[("slow", blocked_workers)]);
        let gate = Arc::new(std::sync::atomic::AtomicBool::new(false));
        for number in 0..3 {
            let name = format!("waits{number}");
            let opened = Arc::clone(&gate);
            let waits = Script::new(move |_| {
                until("the gate opens", || opened.load(Ordering::Acquire));
                Ok(Flow::Done)
            });
            lab.add_with(&name, &[], 0, waits.sink(), |node| node.executor("slow"));
        }
        let source = lab.source("source", 500, 1);
        let pass = lab.pass("pass", source);
        lab.collect("sink", &[pass]);
        let log = lab.log.clone();
        let graph = lab.start(1);
        until("all has arrived elsewhere", || log.count("sink") == 500);
        gate.store(true, Ordering::Release);
        assert_eq!(graph.wait().result.unwrap(), Ending::Finished);
        log.assert_clean();
    }
}

/// The instances of a parallel node share one executor.
#[test]
fn parallel_instances_run_where_their_node_does() {
    let mut lab = Lab::new();
    executors(&mut lab, &[("gpu", 2)]);
    let source = lab.source("source", 100, 1);
    let threads = Threads::default();
    let scripts = (0..4).map(|_| noting(&threads)).collect();
    let node = lab.add_many("node", &[source], 1, scripts, |node| {
        node.parallel(4).executor("gpu")
    });
    lab.collect("sink", &[node.into()]);
    let run = lab.run(1).expect(Ending::Finished);
    assert_eq!(run.log.received("sink", 0), (0..100).collect::<Vec<_>>());
    assert_eq!(threads.kinds(), ["bmf-gpu"]);
}

#[test]
fn inline_leaves_executors_aside() {
    let mut orders = Vec::new();
    for _ in 0..3 {
        let mut lab = Lab::new();
        executors(&mut lab, &[("io", 2), ("gpu", 3)]);
        let mut port = lab.source("source", 50, 4);
        let threads = Threads::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        for (name, executor) in [("a", "io"), ("b", "gpu"), ("c", "io")] {
            let (threads, order) = (threads.clone(), Arc::clone(&order));
            let script = Script::each(move |task, port, packet| {
                threads.note();
                order.lock().unwrap().push((name, value(&packet)));
                task.push(port, packet);
                Ok(Flow::Wait)
            });
            let node = lab.add_with(name, &[port], 1, script, |node| node.executor(executor));
            port = node.into();
        }
        lab.collect("sink", &[port]);
        let options = RunOptions {
            workers: Some(8),
            inline: true,
            time_out: Some(DEADLINE),
        };
        let outcome = lab.plan().run(&options).unwrap();
        assert_eq!(outcome.result.unwrap(), Ending::Finished);
        assert_eq!(threads.0.lock().unwrap().len(), 1);
        orders.push(order.lock().unwrap().clone());
    }
    assert!(orders.windows(2).all(|pair| pair[0] == pair[1]));
}
