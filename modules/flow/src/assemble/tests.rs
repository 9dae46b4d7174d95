//! `assemble` alone, and behind a `split` with branches that do what they like when they like.

use std::collections::VecDeque;

use bmf_sdk::ModuleRunner;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::check::{Play, check};
use crate::split::Split;

fn join(options: Value, script: &str) -> String {
    check::<Assemble>(options, "0 1 2 | out", script)
}

#[test]
fn the_earliest_packet_passes_when_nothing_can_precede_it() {
    insta::assert_snapshot!(join(json!({}), "0 1@1 | 1 2@2 3@5 | 2 ->4 | 0 ->9 | 2 ->5 | 2 ->6 | end"), @"
    left 1 on 0
    left 1 on 0, left 2 on 1
    out 1@1, left 2 on 1
    out 2@2 ->4, left 1 on 1
    out ->5, left 1 on 1
    out 3@5
    out ->nothing, done
    ");
}

#[test]
fn packets_of_one_time_stay_together() {
    insta::assert_snapshot!(join(json!({}), "1 10@5 11@5 12@5 0 1@5 2@5 | 2 ->6 | end"), @"
    left 2 on 0, left 3 on 1
    out 1@5 2@5 10@5 11@5 12@5
    out ->nothing, done
    ");
}

#[test]
fn a_branch_without_promises_delays_but_loses_nothing() {
    insta::assert_snapshot!(join(json!({}), "0 1@1 4@4 | 1 2@2 5@5 | 2 3@3 | 0 end | 1 end | 2 end"), @"
    left 2 on 0
    left 2 on 0, left 2 on 1
    out 1@1 2@2 3@3, left 1 on 0, left 1 on 1
    left 1 on 0, left 1 on 1
    left 1 on 0, left 1 on 1
    out 4@4 5@5 ->nothing, done
    ");
}

#[test]
fn turns_go_by_the_order_of_inputs() {
    let strict = || json!({"strict": true});
    insta::assert_snapshot!(join(strict(), "1 2@9 | 0 1@8 4@1 | 2 3@2 | 1 5@0 | 1 end | 2 6@3 | end"), @"
    left 1 on 1
    out 1@8 2@9, left 1 on 0
    out 3@2 4@1
    out 5@0
    -
    out 6@3
    done
    ");
    insta::assert_snapshot!(join(strict(), "0 end | 1 1@1 2@2 | 2 end | 1 end"), @"
    -
    out 1@1, left 1 on 1
    out 2@2
    done
    ");
}

// The output must allow it: `time_order = "any"`.
#[test]
fn late_packets_pass_and_are_counted() {
    let mut play = Play::new::<Assemble>(json!({}), "0 1 | out").unwrap();
    play.runner = play.runner.any_order();
    insta::assert_snapshot!(play.part("0 5@5 1 ->9"), @"out 5@5");
    insta::assert_snapshot!(play.part("0 3@3"), @"out 3@3");
    let report = play.runner.close(Ending::Finished).unwrap();
    assert_eq!(report.counters.get("late"), Some(1));
}

/// One branch: what `split` has sent it, and what it makes of a packet.
struct Branch {
    waiting: VecDeque<Packet>,
    bound: Bound,
    ended: bool,
}

/// A split with branches and an assemble behind it.
struct Fork {
    split: ModuleRunner,
    branches: Vec<Branch>,
    assemble: ModuleRunner,
    /// How many packets a branch makes of each: by its payload.
    copies: fn(i64) -> i64,
    /// Whether branches pass bounds on.
    promise: bool,
}

impl Fork {
    fn new(count: usize, options: Value, copies: fn(i64) -> i64, promise: bool) -> Self {
        let ports: Vec<String> = (0..count).map(|port| port.to_string()).collect();
        let ports = ports.join(" ");
        let assemble = json!({ "strict": options.get("strict") == Some(&json!(true)) });
        let branch = || Branch {
            waiting: VecDeque::new(),
            bound: Bound::START,
            ended: false,
        };
        Self {
            split: Play::new::<Split>(options, &format!("in | {ports}"))
                .unwrap()
                .runner,
            branches: (0..count).map(|_| branch()).collect(),
            assemble: Play::new::<Assemble>(assemble, &format!("{ports} | out"))
                .unwrap()
                .runner,
            copies,
            promise,
        }
    }

    /// Gives the split a packet, or the end of its input.
    fn feed(&mut self, packet: Option<Packet>) {
        match packet {
            Some(packet) => self.split.push(0, packet),
            None => self.split.end_all(),
        }
        let _ = self.split.run().unwrap();
        for (port, branch) in self.branches.iter_mut().enumerate() {
            branch.waiting.extend(self.split.take(port));
            branch.bound = self.split.output_bound(port);
            branch.ended = self.split.is_ended(port);
        }
    }

    /// Lets one branch handle one packet, or its end.
    fn work(&mut self, port: usize) {
        let branch = &mut self.branches[port];
        if let Some(packet) = branch.waiting.pop_front() {
            let value = *packet.get::<i64>().unwrap();
            for copy in 0..(self.copies)(value) {
                let packet = Packet::new(packet.timestamp(), value * 10 + copy);
                self.assemble.push(port, packet);
            }
        } else if branch.ended {
            self.assemble.end(port);
        }
        if self.promise {
            let next = branch.waiting.front();
            let bound = next.map_or(branch.bound, |packet| Bound::at(packet.timestamp()));
            self.assemble.bound(port, bound);
        }
        let _ = self.assemble.run().unwrap();
    }

    /// What comes out: packets of the given times, worked on in the order of `steps`, then all that
    /// is left. Also how many had come out before the end was told.
    fn run(mut self, times: &[i64], steps: &[usize]) -> (Vec<i64>, usize) {
        let packets = (0_i64..).zip(times);
        let mut packets = packets.map(|(n, &t)| Packet::new(Timestamp::from_micros(t), n));
        let count = self.branches.len();
        for &step in steps {
            match step % (count + 1) {
                0 => packets.next().into_iter().for_each(|p| self.feed(Some(p))),
                port => self.work(port - 1),
            }
        }
        packets.by_ref().for_each(|packet| self.feed(Some(packet)));
        for port in (0..count).cycle().take(count * (times.len() + 1)) {
            self.work(port);
        }
        let mut values = self.take();
        let before = values.len();
        self.feed(None);
        (0..count).for_each(|port| self.work(port));
        values.extend(self.take());
        assert!(self.assemble.is_done());
        (values, before)
    }

    fn take(&mut self) -> Vec<i64> {
        let packets = self.assemble.take(0);
        packets.iter().filter_map(|p| p.get().copied()).collect()
    }
}

/// What one thread would make of so many packets.
fn in_order(count: usize, copies: fn(i64) -> i64) -> Vec<i64> {
    let values = 0..count as i64;
    let made = values.flat_map(|value| (0..copies(value)).map(move |copy| value * 10 + copy));
    made.collect()
}

fn none_one_or_many(value: i64) -> i64 {
    value % 4
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn order_by_times_is_that_of_the_input(
        count in 1_usize..5,
        gaps in proptest::collection::vec(1_i64..50, 0..40),
        steps in proptest::collection::vec(0_usize..60, 0..120),
        promise: bool,
        least_loaded: bool,
    ) {
        let times: Vec<i64> = gaps.iter().scan(0, |t, gap| { *t += gap; Some(*t) }).collect();
        let distribution = if least_loaded { "least_loaded" } else { "round_robin" };
        let options = json!({ "distribution": distribution });
        let fork = Fork::new(count, options, none_one_or_many, promise);
        let (values, before) = fork.run(&times, &steps);
        prop_assert_eq!(&values, &in_order(times.len(), none_one_or_many));
        // With promises nothing has to wait for the end.
        prop_assert!(!promise || before == values.len());
    }

    #[test]
    fn order_by_turns_needs_no_times(
        count in 1_usize..5,
        times in proptest::collection::vec(-50_i64..50, 0..40),
        steps in proptest::collection::vec(0_usize..60, 0..120),
        promise: bool,
    ) {
        let fork = Fork::new(count, json!({ "strict": true }), |_| 1, promise);
        let (values, before) = fork.run(&times, &steps);
        prop_assert_eq!(&values, &in_order(times.len(), |_| 1));
        prop_assert_eq!(before, values.len());
    }
}
