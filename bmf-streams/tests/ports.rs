//! What arrives becomes tasks, and producers are told of room, bounds and ends.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

use bmf_core::config::{InputManager, TimeOrder};
use bmf_core::{Signal, StreamItem, Task};
use bmf_hmp::{Bound, Packet, Timestamp};
use bmf_streams::policy::{self, InputPolicy, Purpose};
use bmf_streams::{Awaited, Inputs, Link, LinkSender, LinkSettings, Peer, Poll, Wake};

const NOTHING: Poll = Poll::Nothing(Awaited::ANYTHING);

fn packet(number: i64) -> StreamItem {
    StreamItem::Packet(Packet::new(Timestamp::from_micros(number), number))
}

fn send(link: &LinkSender, items: impl Iterator<Item = StreamItem>) {
    link.send(items, Bound::START, &mut |_| {}).unwrap();
}

fn at(micros: i64) -> Bound {
    Bound::at(Timestamp::from_micros(micros))
}

fn policy_of(manager: InputManager, ports: &[&str]) -> Box<dyn InputPolicy> {
    let purpose = Purpose {
        ports: ports.iter().map(|&name| name.to_owned()).collect(),
        bounds: false,
    };
    policy::build(&manager.into(), &purpose).unwrap()
}

/// A node with the inputs `a` and `b`, from the nodes 0 and 1, whose queues hold five packets.
fn node(manager: InputManager) -> (LinkSender, LinkSender, Inputs) {
    let policy = policy_of(manager, &["a", "b"]);
    let settings = LinkSettings {
        order: match policy.is_timed() {
            true => TimeOrder::Error,
            false => TimeOrder::Any,
        },
        ..LinkSettings::new(5)
    };
    let (a, at_a) = Link::new("a", Peer(0), Peer(2), &settings);
    let (b, at_b) = Link::new("b", Peer(1), Peer(2), &settings);
    (a, b, Inputs::new(vec![Some(at_a), Some(at_b)], policy))
}

fn poll(inputs: &mut Inputs, task: &mut Task, budget: usize) -> (Poll, Vec<Wake>) {
    let mut wakes = Vec::new();
    let found = inputs.poll_task(task, budget, &mut |wake| wakes.push(wake));
    (found, wakes)
}

#[test]
fn inputs_tell_their_producers_of_room_and_of_the_end() {
    let settings = LinkSettings::new(2);
    let (a, a_in) = Link::new("a", Peer(1), Peer(9), &settings);
    let (b, b_in) = Link::new("b", Peer(2), Peer(9), &settings);
    let receivers = vec![Some(a_in), None, Some(b_in)];
    let mut inputs = Inputs::new(receivers, policy::immediate());
    let mut task = Task::new(&[true, false, true], &[]);
    assert_eq!(poll(&mut inputs, &mut task, 9), (NOTHING, vec![]));
    assert!(task.inputs()[1].ended && !task.inputs()[0].ended);

    send(&a, (0..4).map(packet));
    let first = poll(&mut inputs, &mut task, 2);
    assert_eq!(first, (Poll::Task, vec![]), "still above half of the limit");
    assert!(inputs.have_more());
    task.inputs_mut()[0].packets.clear();
    let second = poll(&mut inputs, &mut task, 2);
    assert_eq!(second, (Poll::Task, vec![Wake::Room(Peer(1))]));
    assert!(!inputs.have_more());

    // What the module leaves counts against the limit, until that is raised.
    send(&a, (4..6).map(packet));
    assert_eq!(poll(&mut inputs, &mut task, 2).0, NOTHING);
    assert!(a.link().is_declined());
    let _ = a.link().raise_limit();
    assert_eq!(poll(&mut inputs, &mut task, 2).0, Poll::Task);
    assert_eq!(task.inputs()[0].packets.len(), 3);
    task.inputs_mut()[0].packets.clear();
    assert_eq!(poll(&mut inputs, &mut task, 2).0, Poll::Task);
    assert!(!a.link().is_declined());

    a.end(&mut |_| {});
    assert_eq!(poll(&mut inputs, &mut task, 0).0, Poll::Task);
    assert!(task.inputs()[0].ended && !inputs.all_ended());
    send(&b, (0..1).map(packet));
    let mut wakes = Vec::new();
    inputs.close(&mut |wake| wakes.push(wake));
    assert_eq!(wakes, [1, 2].map(|node| Wake::Closed(Peer(node))));
    assert!(inputs.all_ended() && !inputs.have_more());
}

/// The producer of `a` has found its link full. The consumer takes what it can join and then waits
/// for `b`, above the low watermark of `a`, but with room there.
#[test]
fn a_consumer_that_waits_for_another_input_gives_room_back() {
    let (a, b, mut inputs) = node(InputManager::Default);
    send(&a, (0..5).map(packet));
    send(&b, (0..1).map(packet));
    assert_eq!(a.link().room(), 0);
    let mut task = Task::new(&[true, true], &[]);
    assert_eq!(poll(&mut inputs, &mut task, 9), (Poll::Task, vec![]));
    let waits = Poll::Nothing(Awaited {
        port: Some(1),
        settled: Some(Timestamp::from_micros(1)),
    });
    let woken = poll(&mut inputs, &mut task, 9);
    assert_eq!(woken, (waits, vec![Wake::Room(Peer(0))]));
    assert_eq!(a.link().room(), 1);
    assert_eq!(
        poll(&mut inputs, &mut task, 9),
        (waits, vec![]),
        "once is enough"
    );
}

#[test]
fn what_a_policy_throws_away_makes_room() {
    let (a, b, mut inputs) = node(InputManager::Mux);
    send(&a, (0..5).map(packet));
    assert_eq!(a.link().room(), 0);
    let control = Packet::new(Timestamp::from_micros(9), 0_i64);
    send(&b, std::iter::once(StreamItem::Packet(control)));
    let mut task = Task::new(&[true, true], &[]);
    let (found, wakes) = poll(&mut inputs, &mut task, 9);
    assert!(matches!(found, Poll::Nothing(_)));
    assert_eq!(wakes, [Wake::Room(Peer(0))]);
    assert_eq!(a.link().stats().dropped.by_policy, 5);
    assert_eq!(a.link().room(), 5);
}

#[test]
fn a_task_is_told_what_can_still_come() {
    let (a, b, mut inputs) = node(InputManager::Default);
    send(&a, [10, 40].into_iter().map(packet));
    let _ = b.advance(at(20));
    let mut task = Task::new(&[true, true], &[]);
    assert_eq!(poll(&mut inputs, &mut task, 9).0, Poll::Task);
    let bounds = |task: &Task| [0, 1].map(|port| task.inputs()[port].bound());
    assert_eq!(bounds(&task), [at(40), at(20)]);
    // The packet that the module has left still counts.
    assert_eq!(inputs.bound(&task), at(10));
    task.pop(0);
    assert_eq!(inputs.bound(&task), at(20));
    assert_eq!(
        [0, 1].map(|port| inputs.bound_of(port, &task)),
        [at(40), at(20)]
    );
}

/// Where packets are given at other times than their own, bounds are in those times too.
#[test]
fn bounds_are_those_of_the_tasks() {
    let (a, b, mut inputs) = node(InputManager::TimestampAlign);
    send(&a, [100].into_iter().map(packet));
    send(&b, [900, 950].into_iter().map(packet));
    let mut task = Task::new(&[true, true], &[]);
    assert_eq!(poll(&mut inputs, &mut task, 9).0, Poll::Task);
    let bounds = [0, 1].map(|port| task.inputs()[port].bound());
    assert_eq!(bounds, [at(101), at(150)]);

    let (a, b, mut inputs) = node(InputManager::FrameSync);
    send(&a, [100, 200].into_iter().map(packet));
    send(&b, [90, 950].into_iter().map(packet));
    let mut task = Task::new(&[true, true], &[]);
    assert_eq!(poll(&mut inputs, &mut task, 9).0, Poll::Task);
    let bounds = [0, 1].map(|port| task.inputs()[port].bound());
    assert_eq!(
        bounds,
        [at(200); 2],
        "the packet at 90 can come again at 200"
    );
}

#[test]
fn framesync_shares_what_it_repeats() {
    let (a, b, mut inputs) = node(InputManager::FrameSync);
    let logo = Packet::new(Timestamp::ZERO, 7_i64);
    send(&b, std::iter::once(StreamItem::Packet(logo.clone())));
    b.end(&mut |_| {});
    send(&a, [5, 6].into_iter().map(packet));
    for time in [5, 6] {
        let mut task = Task::new(&[true, true], &[]);
        assert_eq!(poll(&mut inputs, &mut task, 9).0, Poll::Task);
        let given = task.pop(1).unwrap();
        assert_eq!(given.timestamp(), Timestamp::from_micros(time));
        assert_eq!(logo.ref_count(), 3, "the logo, the one held, the one given");
    }
    assert_eq!(logo.timestamp(), Timestamp::ZERO);
    inputs.close(&mut |_| {});
    assert_eq!(logo.ref_count(), 1);
}

#[test]
fn the_end_of_a_job_is_said_once() {
    let (a, _b, mut inputs) = node(InputManager::Immediate);
    let mut task = Task::new(&[true, true], &[]);
    let job = StreamItem::Signal(Signal::EndOfJob);
    send(&a, [packet(1), job, packet(2)].into_iter());
    assert_eq!(poll(&mut inputs, &mut task, 9).0, Poll::Task);
    assert!(task.inputs()[0].job_ended && !task.inputs()[0].ended);
    assert_eq!(poll(&mut inputs, &mut task, 9).0, Poll::Task);
    assert!(!task.inputs()[0].job_ended);
}

// X01 of the behaviour cases: a second run on the same streams, at earlier times.
#[test]
fn x01_every_policy_can_begin_anew() {
    for (name, manager) in InputManager::ALL {
        let (a, b, mut inputs) = node(manager);
        for time in [2000, 1000] {
            let mut task = Task::new(&[true, true], &[]);
            let control = Packet::new(Timestamp::from_micros(time), 0_i64);
            send(&a, std::iter::once(packet(time)));
            send(&b, std::iter::once(StreamItem::Packet(control)));
            let jobs = [&a, &b]
                .into_iter()
                .filter(|_| manager == InputManager::Server);
            jobs.for_each(|link| send(link, std::iter::once(StreamItem::Signal(Signal::EndOfJob))));
            assert_eq!(poll(&mut inputs, &mut task, 9).0, Poll::Task, "{name}");
            let is_clock = usize::from(manager == InputManager::ClockSync);
            let given = task.pop(is_clock).unwrap();
            assert_eq!(given.timestamp(), Timestamp::from_micros(time), "{name}");
            inputs.reset(&mut |_| {});
            assert!(!inputs.have_more() && !inputs.all_ended(), "{name}");
        }
        let waiting = [&a, &b].map(|link| link.link().stats().waiting);
        assert_eq!(waiting, [0, 0], "{name}");
    }
}
