//! Which instance gets what, and how much waits meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bmf_core::config::{Distribution, InputManager};
use bmf_core::{Ending, Flow, Promise};
use bmf_engine::Outcome;

use crate::support::{Lab, Log, Script, spin, until, value};
use crate::{distributed, numbers, parallel};

/// Passes packets on, and remembers which.
fn noting(log: &Log, name: &str, number: usize) -> Script {
    let (log, name) = (log.clone(), name.to_owned());
    Script::each(move |task, _, packet| {
        log.receive(&name, number, value(&packet));
        task.push(0, packet);
        Ok(Flow::Wait)
    })
}

#[test]
fn packets_go_round_whatever_the_threads_do() {
    for workers in [1, 2, 4] {
        for batch in [1, 3, 20] {
            let mut lab = Lab::new();
            let source = lab.source("source", 100, batch);
            let log = lab.log.clone();
            let node = parallel(&mut lab, "node", &[source], 1, 3, |number| {
                noting(&log, "node", number)
            });
            lab.collect("sink", &[node.into()]);
            let run = lab.run(workers).expect(Ending::Finished);
            for number in 0..3 {
                let share: Vec<i64> = (0..100).filter(|n| n % 3 == number).collect();
                let number = usize::try_from(number).unwrap();
                assert_eq!(run.log.received("node", number), share);
            }
        }
    }
}

/// Bounds, which come as often as threads happen to bring them, take nobody's turn.
#[test]
fn packets_go_round_whatever_the_bounds_do() {
    for workers in [1, 2, 4, 4, 4] {
        let mut lab = Lab::new();
        let source = lab.source("source", 200, 1);
        let thin = Script::each(|task, _, packet| {
            if value(&packet) % 5 == 0 {
                task.push(0, packet);
            }
            Ok(Flow::Wait)
        });
        let thin = lab.add("thin", &[source], 1, thin.promise(Promise::Offset(0)));
        let log = lab.log.clone();
        let node = parallel(&mut lab, "node", &[thin.into()], 1, 3, |number| {
            noting(&log, "node", number).promise(Promise::Offset(0))
        });
        lab.join("join", &[node.into(), thin.into()]);
        let run = lab.run(workers).expect(Ending::Finished);
        for number in 0..3 {
            let share: Vec<i64> = (0..40).filter(|n| n % 3 == number).map(|n| n * 5).collect();
            let number = usize::try_from(number).unwrap();
            assert_eq!(run.log.received("node", number), share);
        }
    }
}

#[test]
fn every_instance_of_a_sink_gets_its_share() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let source = lab.source("source", 50, 1);
        let log = lab.log.clone();
        parallel(&mut lab, "sink", &[source], 0, 4, |number| {
            noting(&log, "sink", number).sink()
        });
        let run = lab.run(workers).expect(Ending::Finished);
        let mut all: Vec<i64> = (0..4).flat_map(|n| run.log.received("sink", n)).collect();
        assert_eq!(all.len(), 50);
        all.sort_unstable();
        assert_eq!(all, numbers(50));
        assert_eq!(
            run.log.received("sink", 1),
            (0..50).skip(1).step_by(4).collect::<Vec<_>>()
        );
    }
}

/// The first packet keeps its instance busy until the others have worked on so many.
fn with_a_slow_one(lab: &mut Lab, distribution: Distribution, others: usize) {
    let source = lab.source("source", 500, 1);
    let worked = Arc::new(AtomicUsize::new(0));
    let node = distributed(lab, ("node", distribution), &[source], 1, 3, |_| {
        let worked = Arc::clone(&worked);
        let script = Script::each(move |task, _, packet| {
            if value(&packet) == 0 {
                until("the others work", || {
                    worked.load(Ordering::Acquire) >= others
                });
            }
            worked.fetch_add(1, Ordering::AcqRel);
            task.push(0, packet);
            Ok(Flow::Wait)
        });
        script.describe(|descriptor| descriptor.may_block = true)
    });
    lab.collect("sink", &[node.into()]);
}

fn check_peaks(outcome: &Outcome) {
    for link in &outcome.links {
        assert!(link.peak <= 5 && link.raised == 0, "{link:?}");
    }
}

#[test]
fn nothing_piles_up_behind_a_slow_instance() {
    for workers in [2, 4] {
        for distribution in [Distribution::RoundRobin, Distribution::LeastLoaded] {
            let mut lab = Lab::new();
            with_a_slow_one(&mut lab, distribution, 8);
            let run = lab.run(workers).expect(Ending::Finished);
            assert_eq!(run.log.received("sink", 0), numbers(500));
            check_peaks(&run.outcome);
        }
    }
}

#[test]
fn the_least_loaded_instances_get_more() {
    // So many that in turns the slow one would have had as many waiting as it may.
    let mut lab = Lab::new();
    with_a_slow_one(&mut lab, Distribution::LeastLoaded, 16);
    let run = lab.run(4).expect(Ending::Finished);
    assert_eq!(run.log.received("sink", 0), numbers(500));
    let shares = ["node#1", "node#2", "node#3"].map(|name| run.node(name).packets_in);
    assert_eq!(shares.iter().sum::<u64>(), 500);
    check_peaks(&run.outcome);
}

/// What takes long is run by as many threads as there are instances.
#[test]
fn two_instances_work_at_the_same_time() {
    let mut lab = Lab::new();
    let source = lab.source("source", 100, 1);
    let [inside, most] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let node = parallel(&mut lab, "node", &[source], 1, 2, |_| {
        let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
        Script::each(move |task, _, packet| {
            most.fetch_max(inside.fetch_add(1, Ordering::AcqRel) + 1, Ordering::AcqRel);
            spin(Duration::from_millis(1));
            inside.fetch_sub(1, Ordering::AcqRel);
            task.push(0, packet);
            Ok(Flow::Wait)
        })
    });
    lab.collect("sink", &[node.into()]);
    let run = lab.run(2).expect(Ending::Finished);
    assert_eq!(run.log.received("sink", 0), numbers(100));
    assert_eq!(most.load(Ordering::Acquire), 2);
}

/// Such a module looks at the room of its outputs before it sends.
#[test]
fn a_module_that_asks_for_room_has_it() {
    for workers in [1, 2] {
        let mut lab = Lab::new();
        let source = lab.source("source", 50, 5);
        let node = parallel(&mut lab, "node", &[source], 1, 2, |_| {
            let script = Script::new(|task| {
                while task.outputs()[0].room() > 0 {
                    let Some(packet) = task.pop(0) else { break };
                    task.push(0, packet);
                }
                Ok(Flow::Wait)
            });
            script.describe(|descriptor| descriptor.any_room = true)
        });
        lab.collect("sink", &[node.into()]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), numbers(50));
    }
}

#[test]
fn parts_have_names_of_their_own() {
    let mut lab = Lab::new();
    let source = lab.source("source", 10, 1);
    let node = parallel(&mut lab, "scale", &[source], 1, 2, |_| Script::pass());
    lab.join("sink", &[node.into()]);
    let run = lab.run(2).expect(Ending::Finished);
    let mut text = String::new();
    for node in &run.outcome.nodes {
        text += &format!("{} ({}) {} in\n", node.name, node.module, node.packets_in);
    }
    for link in &run.outcome.links {
        let (stream, from, to) = (&link.stream, &link.producer, &link.consumer);
        text += &format!("{stream}: {from} > {to}, {}\n", link.packets);
    }
    insta::assert_snapshot!(text, @"
    source (source) 0 in
    scale.split (scale) 10 in
    sink (sink) 10 in
    scale.join (scale) 10 in
    scale#1 (scale) 5 in
    scale#2 (scale) 5 in
    source.0: source > scale.split, 10
    scale.split to scale#1: scale.split > scale#1, 5
    scale.split to scale#2: scale.split > scale#2, 5
    scale.0: scale.join > sink, 10
    scale#1 to scale.join: scale#1 > scale.join, 5
    scale#2 to scale.join: scale#2 > scale.join, 5
    ");
    insta::assert_snapshot!(run.log.calls(), @"
    close scale#1 Finished
    close scale#2 Finished
    close sink Finished
    close source Finished
    open scale#1
    open scale#2
    open sink
    open source
    ");
}

/// Two inputs, each in its own time, are shared out packet by packet.
#[test]
fn packets_of_two_inputs_are_shared_out_one_by_one() {
    for workers in [1, 2, 4] {
        let mut lab = Lab::new();
        let one = lab.source("one", 40, 1);
        let other = lab.source("other", 25, 1);
        let log = lab.log.clone();
        let scripts = (0..3).map(|number| {
            let log = log.clone();
            Script::each(move |task, port, packet| {
                log.receive("node", number, 0);
                task.push(port, packet);
                Ok(Flow::Wait)
            })
        });
        let node = lab.add_many("node", &[one, other], 2, scripts.collect(), |node| {
            node.parallel(3).input_manager(InputManager::Immediate)
        });
        lab.collect("sink", &[node.port("a"), node.port("b")]);
        let run = lab.run(workers).expect(Ending::Finished);
        assert_eq!(run.log.received("sink", 0), numbers(40));
        assert_eq!(run.log.received("sink", 1), numbers(25));
        let shares = [0, 1, 2].map(|number| run.log.received("node", number).len());
        assert_eq!(shares, [22, 22, 21]);
    }
}
