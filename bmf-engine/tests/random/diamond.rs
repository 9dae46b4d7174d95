//! Twenty diamonds in a row: the work grows with the packets, not with the paths, of which there are
//! a million.

use bmf_core::Ending;
use bmf_core::config::OnDeadlock;
use bmf_engine::Outcome;

use crate::bench::Bench;
use crate::case::{Case, Feed, FeedStep, Kind, Policy, Promising, Settings, Spec, Wire};
use crate::run;

const LEVELS: usize = 20;

fn spec(id: usize, kind: Kind, inputs: &[(usize, usize)], promise: Promising) -> Spec {
    let wire = |&(node, port): &(usize, usize)| Wire {
        node,
        port,
        limit: None,
        on_full: None,
        order: None,
    };
    Spec {
        id,
        kind,
        inputs: inputs.iter().map(wire).collect(),
        promise,
        limit: None,
        bytes: None,
        batch: None,
        executor: None,
        scheduler: None,
        parallel: None,
        lag: 0,
    }
}

/// Each level: the packets split to two nodes, of which the second keeps a few; joined again.
fn diamonds(packets: usize, promise: Promising, workers: usize) -> Case {
    let items = (0..packets as i64).map(|time| (time, time));
    let one = FeedStep {
        packets: 1,
        bound: false,
    };
    let feed = Feed {
        items: items.collect(),
        steps: vec![one; packets],
    };
    let mut nodes = vec![spec(0, Kind::Source(feed), &[], Promising::Nothing)];
    let mut last = 0;
    for _ in 0..LEVELS {
        let id = nodes.len();
        nodes.push(spec(id, Kind::Pass, &[(last, 0)], promise));
        nodes.push(spec(id + 1, Kind::Filter(3), &[(last, 0)], promise));
        let join = Kind::Join(Policy::Default { batch_size: 1 });
        nodes.push(spec(id + 2, join, &[(id, 0), (id + 1, 0)], promise));
        last = id + 2;
    }
    let sink = Kind::Sink {
        until: None,
        timed: false,
    };
    nodes.push(spec(nodes.len(), sink, &[(last, 0)], Promising::Nothing));
    Case {
        seed: 0,
        settings: Settings {
            workers,
            queue_length_limit: None,
            memory_budget: None,
            on_deadlock: OnDeadlock::Relax,
            executors: Vec::new(),
            scheduler_count: None,
            live: false,
            one_by_one: false,
            pauses: 0,
        },
        nodes,
    }
}

fn play(case: &Case, inline: bool) -> Outcome {
    let ended = run::run(case, inline, Bench::new(None)).unwrap().unwrap();
    assert_eq!(ended.outcome.result.as_ref().unwrap(), &Ending::Finished);
    let again = run::run(case, inline, Bench::new(None)).unwrap().unwrap();
    run::check(case, again).unwrap();
    ended.outcome
}

fn tasks(outcome: &Outcome) -> u64 {
    outcome.nodes.iter().map(|node| node.tasks).sum()
}

#[test]
fn the_steps_of_twenty_diamonds_grow_with_the_packets() {
    for promise in [Promising::Nothing, Promising::Promise, Promising::Calls] {
        for (inline, workers) in [(true, 1), (false, 2), (false, 4)] {
            let [once, twice] = [150, 300].map(|packets| {
                let outcome = play(&diamonds(packets, promise, workers), inline);
                let most = outcome.nodes.iter().map(|node| node.tasks).max().unwrap();
                // A task per packet, one per bound, and the end.
                assert!(
                    most <= 2 * packets as u64 + 2,
                    "{promise:?} {workers}: {most}"
                );
                tasks(&outcome)
            });
            assert!(
                twice <= 2 * once + once / 2,
                "{promise:?} {workers}: {once}, {twice}"
            );
        }
    }
}
