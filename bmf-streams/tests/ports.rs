//! The two sides of a node: what is sent reaches all consumers, what arrives becomes tasks.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

use bmf_core::Task;
use bmf_hmp::{Packet, Timestamp};
use bmf_streams::{Inputs, Link, LinkReceiver, LinkSender, Outputs, Peer, Wake, policy};

fn packet(number: i64) -> Packet {
    Packet::new(Timestamp::from_micros(number), number)
}

/// Links from node 0 to the nodes 1, 2, …, each with this limit.
fn links<const N: usize>(limit: usize) -> ([LinkSender; N], [LinkReceiver; N]) {
    let mut consumer = 0;
    let links: [_; N] = std::array::from_fn(|_| {
        consumer += 1;
        Link::new("stream", Peer(0), Peer(consumer), limit)
    });
    let mut receivers = Vec::new();
    let senders = links.map(|(sender, receiver)| {
        receivers.push(receiver);
        sender
    });
    (senders, receivers.try_into().unwrap())
}

fn propagate(outputs: &mut Outputs, task: &mut Task) -> Vec<Wake> {
    let mut wakes = Vec::new();
    outputs.propagate(task, &mut |wake| wakes.push(wake));
    wakes
}

fn values(receiver: &mut LinkReceiver) -> String {
    let _ = receiver.refill();
    let items = std::iter::from_fn(|| receiver.pop());
    let names = items.map(|item| match item {
        bmf_core::StreamItem::Packet(packet) => packet.get::<i64>().unwrap().to_string(),
        bmf_core::StreamItem::Signal(_) => "eof".to_owned(),
    });
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_consumer_of_a_port_gets_the_same_packets() {
    let ([a1, a2, b], [mut at_1, mut at_2, mut at_3]) = links(9);
    let mut outputs = Outputs::new(vec![vec![a1, a2], vec![], vec![b]]);
    let mut task = Task::new(&[], &[true, false, true]);
    let shared = packet(1);
    task.push(0, shared.clone());
    task.push(0, packet(2));
    task.push(1, packet(3));
    task.push(2, packet(4));
    task.outputs_mut()[2].end();
    let wakes = propagate(&mut outputs, &mut task);
    assert_eq!(wakes, [1, 2, 3].map(|node| Wake::Input(Peer(node))));
    assert_eq!(shared.ref_count(), 3, "shared, not copied");
    assert!(propagate(&mut outputs, &mut task).is_empty());
    // What has ended already is not ended again.
    outputs.end_all(&mut |_| {});
    assert_eq!(values(&mut at_1), "1 2 eof");
    assert_eq!(values(&mut at_2), "1 2 eof");
    assert_eq!(values(&mut at_3), "4 eof");
}

#[test]
fn the_fullest_open_consumer_decides_about_room() {
    let ([a, b, c], [_at_a, mut at_b, _at_c]) = links(5);
    let fill = |sender: &LinkSender, count| {
        let items = (0..count).map(|number| bmf_core::StreamItem::Packet(packet(number)));
        let _ = sender.send(items);
    };
    fill(&a, 2);
    fill(&b, 5);
    let mut outputs = Outputs::new(vec![vec![a, b], vec![c]]);
    assert_eq!(outputs.room(), 0);
    let _ = at_b.close();
    assert_eq!(outputs.room(), 3);
    // After its end a port needs no room.
    let mut task = Task::new(&[], &[true, true]);
    task.outputs_mut()[0].end();
    let _ = propagate(&mut outputs, &mut task);
    assert_eq!(outputs.room(), 5);
}

#[test]
fn a_node_is_abandoned_when_its_last_consumer_leaves() {
    let ([a, b], [mut at_a, mut at_b]) = links(5);
    let outputs = Outputs::new(vec![vec![a], vec![b]]);
    let _ = at_a.close();
    assert!(!outputs.is_abandoned());
    let _ = at_b.close();
    assert!(outputs.is_abandoned());
    assert_eq!(outputs.room(), usize::MAX);
    // Who never had a consumer is a sink.
    assert!(!Outputs::new(vec![vec![]]).is_abandoned());
}

#[test]
fn inputs_tell_their_producers_of_room_and_of_the_end() {
    let (a, a_in) = Link::new("a", Peer(1), Peer(9), 2);
    let (b, b_in) = Link::new("b", Peer(2), Peer(9), 2);
    let receivers = vec![Some(a_in), None, Some(b_in)];
    let mut inputs = Inputs::new(receivers, policy::immediate());
    let mut task = Task::new(&[true, false, true], &[]);
    let poll = |inputs: &mut Inputs, task: &mut Task, budget| {
        let mut wakes = Vec::new();
        let has_task = inputs.poll_task(task, budget, &mut |wake| wakes.push(wake));
        (has_task, wakes)
    };
    assert_eq!(poll(&mut inputs, &mut task, 9), (false, vec![]));
    assert!(task.inputs()[1].ended && !task.inputs()[0].ended);

    let items =
        |range: std::ops::Range<i64>| range.map(|t| bmf_core::StreamItem::Packet(packet(t)));
    let _ = a.send(items(0..4));
    let first = poll(&mut inputs, &mut task, 2);
    assert_eq!(first, (true, vec![]), "still above half of the limit");
    assert!(inputs.have_more());
    task.inputs_mut()[0].packets.clear();
    let second = poll(&mut inputs, &mut task, 2);
    assert_eq!(second, (true, vec![Wake::Room(Peer(1))]));
    assert!(!inputs.have_more());

    // What the module leaves counts against the limit, until that is raised.
    let _ = a.send(items(4..6));
    assert_eq!(poll(&mut inputs, &mut task, 2), (false, vec![]));
    assert!(a.link().is_declined());
    let _ = a.link().raise_limit();
    assert!(poll(&mut inputs, &mut task, 2).0);
    assert_eq!(task.inputs()[0].packets.len(), 3);
    task.inputs_mut()[0].packets.clear();
    assert!(poll(&mut inputs, &mut task, 2).0);
    assert!(!a.link().is_declined());

    let _ = a.end();
    assert!(poll(&mut inputs, &mut task, 0).0);
    assert!(task.inputs()[0].ended && !inputs.all_ended());
    let _ = b.send(items(0..1));
    let mut wakes = Vec::new();
    inputs.close(&mut |wake| wakes.push(wake));
    assert_eq!(wakes, [1, 2].map(|node| Wake::Closed(Peer(node))));
    assert!(inputs.all_ended() && !inputs.have_more());
}

/// The producer of `a` has found its link full. The consumer takes what it can join and then waits
/// for `b`, above the low watermark of `a`, but with room there.
#[test]
fn a_consumer_that_waits_for_another_input_gives_room_back() {
    let (a, at_a) = Link::new("a", Peer(0), Peer(2), 5);
    let (b, at_b) = Link::new("b", Peer(1), Peer(2), 5);
    let policy = policy::for_manager(bmf_core::config::InputManager::Default).unwrap();
    let mut inputs = Inputs::new(vec![Some(at_a), Some(at_b)], policy);
    let send = |link: &LinkSender, number| {
        let item = bmf_core::StreamItem::Packet(packet(number));
        assert!(link.send(std::iter::once(item)).is_some());
    };
    (0..5).for_each(|number| send(&a, number));
    send(&b, 0);
    assert_eq!(a.link().room(), 0);
    let mut task = Task::new(&[true, true], &[]);
    let mut wakes = Vec::new();
    assert!(inputs.poll_task(&mut task, 9, &mut |wake| wakes.push(wake)));
    assert!(!inputs.poll_task(&mut task, 9, &mut |wake| wakes.push(wake)));
    assert_eq!(wakes, [Wake::Room(Peer(0))]);
    assert_eq!(a.link().room(), 1);
    // Once is enough.
    assert!(!inputs.poll_task(&mut task, 9, &mut |wake| wakes.push(wake)));
    assert_eq!(wakes.len(), 1);
}
