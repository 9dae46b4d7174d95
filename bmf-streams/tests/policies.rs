//! What holds for every input policy, whatever arrives.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

use std::collections::{BTreeSet, VecDeque};

use bmf_core::config::{InputManager, TimeOrder};
use bmf_core::{StreamItem, Task};
use bmf_hmp::{Bound, Packet, Timestamp};
use bmf_streams::policy::{self, Purpose};
use bmf_streams::{Inputs, Link, LinkSender, LinkSettings, Peer, Poll};
use proptest::prelude::*;

const PORTS: usize = 3;

/// What a node got: for each task its time, and of each input the times and values of its packets.
type Tasks = Vec<(Option<Timestamp>, [Vec<(i64, i64)>; PORTS])>;

/// A node with that policy, in front of it links that hold all there is.
struct Node {
    manager: InputManager,
    senders: Vec<LinkSender>,
    inputs: Inputs,
    task: Task,
    tasks: Tasks,
    ended: [bool; PORTS],
}

impl Node {
    fn new(manager: InputManager) -> Self {
        let purpose = Purpose {
            ports: (0..PORTS).map(|port| port.to_string()).collect(),
            bounds: false,
        };
        let policy = policy::build(&manager.into(), &purpose).unwrap();
        let settings = LinkSettings {
            order: match policy.is_timed() {
                true => TimeOrder::Error,
                false => TimeOrder::Any,
            },
            ..LinkSettings::new(usize::MAX)
        };
        let links = (0..PORTS).map(|port| Link::new(port.to_string(), Peer(0), Peer(1), &settings));
        let (senders, receivers) = links.map(|(sender, at)| (sender, Some(at))).unzip();
        Self {
            manager,
            senders,
            inputs: Inputs::new(receivers, policy),
            task: Task::new(&[true; PORTS], &[]),
            tasks: Vec::new(),
            ended: [false; PORTS],
        }
    }

    fn send(&self, port: usize, time: i64) {
        // The last input may be a control input: a value says which of the others counts.
        let value = match (self.manager, port) {
            (InputManager::Mux, 2) => time % 2,
            _ => time,
        };
        let packet = Packet::new(Timestamp::from_micros(time), value);
        let item = std::iter::once(StreamItem::Packet(packet));
        self.senders[port]
            .send(item, Bound::START, &mut |_| {})
            .unwrap();
    }

    /// Polls until nothing is ready; each task brings something.
    fn poll(&mut self) {
        while !self.inputs.all_ended()
            && self.inputs.poll_task(&mut self.task, 4, &mut |_| {}) == Poll::Task
        {
            let mut news = false;
            let mut given: [Vec<_>; PORTS] = Default::default();
            for (port, input) in self.task.inputs_mut().iter_mut().enumerate() {
                let packets = input.packets.drain(..);
                given[port].extend(packets.map(|packet| {
                    let value = packet.get::<i64>().copied();
                    (packet.timestamp().micros(), value.unwrap())
                }));
                news |= !given[port].is_empty() || input.ended != self.ended[port];
                self.ended[port] = input.ended;
            }
            // A tick is news by itself.
            assert!(
                news || self.manager == InputManager::ClockSync,
                "an empty task"
            );
            self.tasks.push((self.task.timestamp(), given));
        }
    }
}

/// Sends these times on each input, in an order of arrival that `turns` decides, and all ends.
fn run(manager: InputManager, times: &[Vec<i64>; PORTS], turns: &[usize]) -> Node {
    let mut node = Node::new(manager);
    let mut waiting = times.clone().map(VecDeque::from);
    let in_turn = turns.iter().copied().chain((0..PORTS).cycle());
    for port in in_turn {
        if waiting.iter().all(VecDeque::is_empty) {
            break;
        }
        if let Some(time) = waiting[port].pop_front() {
            node.send(port, time);
            node.poll();
        }
    }
    for sender in &node.senders {
        sender.end(&mut |_| {});
    }
    node.poll();
    assert!(node.inputs.all_ended(), "{manager:?} never ends");
    node
}

/// Strictly ascending times for each input.
fn times() -> impl Strategy<Value = [Vec<i64>; PORTS]> {
    let stream = || {
        proptest::collection::vec(1..8_i64, 0..12).prop_map(|steps| {
            let mut time = 0;
            let times = steps.into_iter().map(|step| {
                time += step;
                time
            });
            times.collect::<Vec<_>>()
        })
    };
    [stream(), stream(), stream()]
}

fn turns() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..PORTS, 0..36)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_sent_is_given_or_counted(times in times(), turns in turns()) {
        for (name, manager) in InputManager::ALL {
            let node = run(manager, &times, &turns);
            for (port, sender) in node.senders.iter().enumerate() {
                let stats = sender.link().stats();
                prop_assert_eq!(stats.waiting, 0);
                if manager == InputManager::ClockSync && port == 0 || manager == InputManager::Mux && port == 2 {
                    continue;
                }
                let given = node.tasks.iter().flat_map(|(_, given)| &given[port]);
                let given: BTreeSet<i64> = given.map(|(_, value)| *value).collect();
                let accounted = given.len() as u64 + stats.dropped.by_policy;
                prop_assert_eq!(stats.packets, accounted, "{} port {}", name, port);
            }
        }
    }

    #[test]
    fn a_task_is_later_than_the_one_before(times in times(), turns in turns()) {
        for (name, manager) in InputManager::ALL {
            if matches!(manager, InputManager::Immediate | InputManager::Server | InputManager::Barrier) {
                continue;
            }
            let node = run(manager, &times, &turns);
            let all: Vec<_> = node.tasks.iter().filter_map(|(time, _)| *time).collect();
            prop_assert!(all.is_sorted_by(|one, next| one < next), "{}: {:?}", name, all);
            for (time, given) in &node.tasks {
                let packets = given.iter().flatten();
                let given: BTreeSet<_> = packets.map(|(time, _)| *time).collect();
                let time: BTreeSet<_> = time.iter().map(|time| time.micros()).collect();
                prop_assert!(given.is_subset(&time), "{name}: packets at another time than the task's");
            }
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        times in times(),
        turns in turns(),
        other_turns in turns(),
    ) {
        let in_time = [InputManager::Default, InputManager::FrameSync, InputManager::SyncSet, InputManager::EarlyClose, InputManager::Mux];
        for manager in in_time {
            let tasks = |turns: &[usize]| {
                let tasks = run(manager, &times, turns).tasks;
                // Ends may come with the last packets or after them.
                let with_packets = |(_, given): &(_, [Vec<_>; PORTS])| !given.iter().all(Vec::is_empty);
                tasks.into_iter().filter(with_packets).collect::<Vec<_>>()
            };
            prop_assert_eq!(tasks(&turns), tasks(&other_turns), "{:?}", manager);
        }
    }
}
