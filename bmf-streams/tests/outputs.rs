//! What a node sends reaches all its consumers, with the bounds behind it.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

use bmf_core::config::TimeOrder;
use bmf_core::{Signal, StreamItem, Task};
use bmf_hmp::{Bound, Packet, Timestamp};
use bmf_streams::{Link, LinkReceiver, LinkSender, LinkSettings, Outputs, Peer, SendError, Wake};

fn packet(number: i64) -> Packet {
    Packet::new(Timestamp::from_micros(number), number)
}

fn at(micros: i64) -> Bound {
    Bound::at(Timestamp::from_micros(micros))
}

fn in_order(order: TimeOrder) -> LinkSettings {
    LinkSettings {
        order,
        ..LinkSettings::new(9)
    }
}

/// Links from node 0 to the nodes 1, 2, …, with these settings.
fn links<const N: usize>(settings: [LinkSettings; N]) -> ([LinkSender; N], [LinkReceiver; N]) {
    let mut consumer = 0;
    let mut receivers = Vec::new();
    let senders = settings.map(|settings| {
        consumer += 1;
        let (sender, receiver) = Link::new("stream", Peer(0), Peer(consumer), &settings);
        receivers.push(receiver);
        sender
    });
    (senders, receivers.try_into().unwrap())
}

fn limits<const N: usize>(limit: usize) -> [LinkSettings; N] {
    std::array::from_fn(|_| LinkSettings::new(limit))
}

fn propagate(outputs: &mut Outputs, task: &mut Task) -> Result<Vec<Wake>, Box<SendError>> {
    let mut wakes = Vec::new();
    outputs.propagate(task.outputs_mut(), &mut |wake| wakes.push(wake))?;
    Ok(wakes)
}

fn values(receiver: &mut LinkReceiver) -> String {
    receiver.refill(&mut |_| {});
    let items = std::iter::from_fn(|| receiver.pop());
    let names = items.map(|item| match item {
        StreamItem::Packet(packet) => packet.timestamp().micros().to_string(),
        StreamItem::Signal(Signal::Eof) => "eof".to_owned(),
        StreamItem::Signal(Signal::EndOfJob) => "job".to_owned(),
    });
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_consumer_of_a_port_gets_the_same_packets() {
    let plain = LinkSettings {
        bounds: false,
        ..LinkSettings::new(9)
    };
    for settings in [LinkSettings::new(9), plain] {
        check_every_consumer(&settings);
    }
}

fn check_every_consumer(settings: &LinkSettings) {
    let settings = std::array::from_fn(|_| settings.clone());
    let ([a1, a2, b], [mut at_1, mut at_2, mut at_3]) = links(settings);
    let mut outputs = Outputs::new(vec![vec![a1, a2], vec![], vec![b]]);
    let mut task = Task::new(&[], &[true, false, true]);
    let shared = packet(1);
    task.push(0, shared.clone());
    task.outputs_mut()[0].end_job();
    task.push(0, packet(2));
    task.push(1, packet(3));
    task.push(2, packet(4));
    task.outputs_mut()[2].end();
    let wakes = propagate(&mut outputs, &mut task).unwrap();
    assert_eq!(wakes, [1, 2, 3].map(|node| Wake::Input(Peer(node))));
    assert_eq!(shared.ref_count(), 3, "shared, not copied");
    assert_eq!(propagate(&mut outputs, &mut task), Ok(vec![]));
    // What has ended already is not ended again.
    outputs.end_all(&mut |_| {});
    assert_eq!(values(&mut at_1), "1 job 2 eof");
    assert_eq!(values(&mut at_2), "1 job 2 eof");
    assert_eq!(values(&mut at_3), "4 eof");
    let stats: Vec<_> = outputs.links().map(|link| link.stats()).collect();
    let counts = stats.iter().map(|stats| (stats.packets, stats.waiting));
    assert!(counts.eq([(2, 2), (2, 2), (1, 1)]), "popped, and not told");
}

#[test]
fn the_fullest_open_consumer_decides_about_room() {
    let ([a, b, c], [_at_a, mut at_b, _at_c]) = links(limits(5));
    let fill = |sender: &LinkSender, count| {
        let items = (0..count).map(|number| StreamItem::Packet(packet(number)));
        sender.send(items, Bound::START, &mut |_| {}).unwrap();
    };
    fill(&a, 2);
    fill(&b, 5);
    let mut outputs = Outputs::new(vec![vec![a, b], vec![c]]);
    assert_eq!(outputs.room(), 0);
    let mut task = Task::new(&[], &[true, true]);
    assert_eq!(outputs.most_room(&mut task), 5);
    assert_eq!(task.outputs()[0].room(), 0);
    at_b.close(&mut |_| {});
    assert_eq!(outputs.room(), 3);
    // After its end a port needs no room.
    task.outputs_mut()[0].end();
    propagate(&mut outputs, &mut task).unwrap();
    assert_eq!(outputs.room(), 5);
}

#[test]
fn a_node_is_abandoned_when_its_last_consumer_leaves() {
    let ([a, b], [mut at_a, mut at_b]) = links(limits(5));
    let outputs = Outputs::new(vec![vec![a], vec![b]]);
    at_a.close(&mut |_| {});
    assert!(!outputs.is_abandoned());
    at_b.close(&mut |_| {});
    assert!(outputs.is_abandoned());
    assert_eq!(outputs.room(), usize::MAX);
    // Who never had a consumer is a sink.
    assert!(!Outputs::new(vec![vec![]]).is_abandoned());
}

/// One output with one consumer that goes by time.
struct Sheet {
    outputs: Outputs,
    task: Task,
    receiver: LinkReceiver,
}

impl Sheet {
    fn new() -> Self {
        let ([sender], [receiver]) = links([in_order(TimeOrder::Error)]);
        Self {
            outputs: Outputs::new(vec![vec![sender]]),
            task: Task::new(&[], &[true]),
            receiver,
        }
    }

    /// One call of a node for a task at the time before `input`, which sends these, promises that,
    /// and has said that its outputs come `offset` later than its input. Returns the bound then.
    fn call(
        &mut self,
        input: Bound,
        offset: Option<i64>,
        send: &[i64],
        promise: Option<i64>,
    ) -> Result<Bound, Box<SendError>> {
        send.iter()
            .for_each(|&time| self.task.push(0, packet(time)));
        if let Some(bound) = promise {
            self.task.outputs_mut()[0].set_bound(at(bound));
        }
        propagate(&mut self.outputs, &mut self.task)?;
        if let Some(offset) = offset {
            self.outputs.advance_all(input.shifted(offset), &mut |_| {});
        }
        Ok(self.outputs.links().next().unwrap().bound())
    }

    /// One call of a new node.
    fn after(input: Bound, offset: Option<i64>, send: &[i64], promise: Option<i64>) -> Bound {
        Self::new().call(input, offset, send, promise).unwrap()
    }
}

const NOTHING_SENT: &[i64] = &[];

#[test]
fn s20_without_an_offset() {
    let input = at(1);
    assert_eq!(Sheet::after(input, None, NOTHING_SENT, None), Bound::START);
    assert_eq!(Sheet::after(input, None, &[10], None), at(11));
    assert_eq!(Sheet::after(input, None, &[10, 20], None), at(21));
    assert_eq!(Sheet::after(input, None, &[10, 20], Some(100)), at(100));
    assert_eq!(
        Sheet::after(Bound::NOTHING, None, &[10], Some(100)),
        at(100)
    );
    let mut sheet = Sheet::new();
    sheet.outputs.end_all(&mut |_| {});
    let link = sheet.outputs.links().next().unwrap();
    assert_eq!(link.bound(), Bound::NOTHING);
}

#[test]
fn s21_s22_with_an_offset() {
    let after_0 = Bound::after(Timestamp::ZERO);
    assert_eq!(Sheet::after(after_0, Some(0), NOTHING_SENT, None), at(1));
    assert_eq!(Sheet::after(after_0, Some(-10), NOTHING_SENT, None), at(-9));
    for offset in [0, -10] {
        assert_eq!(Sheet::after(after_0, Some(offset), &[10], None), at(11));
        assert_eq!(Sheet::after(after_0, Some(offset), &[20], None), at(21));
        assert_eq!(
            Sheet::after(after_0, Some(offset), &[20], Some(100)),
            at(100)
        );
    }
    // After the last input there is room for a packet after the stream.
    let post = Bound::at(Timestamp::POST_STREAM);
    assert_eq!(
        Sheet::after(Bound::NOTHING, Some(0), NOTHING_SENT, None),
        post
    );
    let last = Bound::at(Timestamp::MAX.saturating_add(-9));
    assert_eq!(
        Sheet::after(Bound::NOTHING, Some(-10), NOTHING_SENT, None),
        last
    );
}

// S24 differs on purpose: a packet before the stream is the only one of its stream, so behind it
// there is only room for one after the stream.
#[test]
fn s23_s24_before_the_first_input() {
    let sheet = |offset, send| Sheet::after(Bound::START, offset, send, None);
    assert_eq!(sheet(Some(0), NOTHING_SENT), Bound::START);
    assert_eq!(sheet(Some(0), &[20]), at(21));
    let after_pre = Bound::after(Timestamp::PRE_STREAM);
    let found = Sheet::after(after_pre, Some(0), NOTHING_SENT, None);
    assert_eq!(found, Bound::at(Timestamp::POST_STREAM));
}

#[test]
fn s25_a_promise_is_not_taken_back() {
    let mut sheet = Sheet::new();
    sheet.call(at(1), None, NOTHING_SENT, Some(50)).unwrap();
    let error = sheet.call(at(2), None, NOTHING_SENT, Some(40)).unwrap_err();
    insta::assert_snapshot!(error, @r#"stream "stream": the promise that nothing comes before 0.000040s takes back that of 0.000050s"#);
    assert_eq!((error.port, error.consumer), (0, Peer(1)));
}

// S26 does not apply: streams have no headers; what a consumer needs to know is in the packets.

#[test]
fn b10_a_promise_is_more_than_an_offset() {
    let mut sheet = Sheet::new();
    assert_eq!(
        sheet.call(at(21), Some(0), NOTHING_SENT, Some(10_000)),
        Ok(at(10_000))
    );
    assert_eq!(
        sheet.call(at(31), Some(0), NOTHING_SENT, None),
        Ok(at(10_000))
    );
}

#[test]
fn only_the_last_promise_of_a_call_counts() {
    let mut sheet = Sheet::new();
    sheet.task.outputs_mut()[0].set_bound(at(70));
    assert_eq!(sheet.call(at(1), None, NOTHING_SENT, Some(50)), Ok(at(50)));
}

#[test]
fn a_packet_back_in_time_names_stream_and_consumer() {
    let mut sheet = Sheet::new();
    sheet.call(at(1), None, &[20], None).unwrap();
    let error = sheet.call(at(1), None, &[10], None).unwrap_err();
    insta::assert_snapshot!(error, @r#"stream "stream": a packet at 0.000010s goes back in time: the earliest that could come was 0.000021s"#);
}

#[test]
fn where_nobody_goes_by_time_promises_may_be_taken_back() {
    let ([sender], [_receiver]) = links([in_order(TimeOrder::Any)]);
    let mut outputs = Outputs::new(vec![vec![sender]]);
    let mut task = Task::new(&[], &[true]);
    for bound in [50, 40] {
        task.outputs_mut()[0].set_bound(at(bound));
        propagate(&mut outputs, &mut task).unwrap();
    }
    assert_eq!(outputs.links().next().unwrap().bound(), at(50));
}

#[test]
fn what_one_link_makes_of_times_is_not_promised_to_the_others() {
    let orders = [TimeOrder::Any, TimeOrder::Clamp].map(in_order);
    let ([a, b], [mut at_a, mut at_b]) = links(orders);
    let mut outputs = Outputs::new(vec![vec![a, b]]);
    let mut task = Task::new(&[], &[true]);
    [10, 5, 5]
        .map(packet)
        .into_iter()
        .for_each(|packet| task.push(0, packet));
    propagate(&mut outputs, &mut task).unwrap();
    let bounds: Vec<_> = outputs.links().map(|link| link.bound()).collect();
    assert_eq!(bounds, [at(11), at(13)]);
    task.push(0, packet(11));
    propagate(&mut outputs, &mut task).unwrap();
    assert_eq!(outputs.links().next().unwrap().bound(), at(12));
    assert_eq!(values(&mut at_a), "10 5 5 11");
    assert_eq!(values(&mut at_b), "10 11 12 13");
}

#[test]
fn bounds_wake_only_who_wants_them() {
    let ([a, b], [at_a, _at_b]) = links(limits(9));
    at_a.want_bounds();
    let mut outputs = Outputs::new(vec![vec![a, b]]);
    let mut wakes = Vec::new();
    outputs.advance_all(at(5), &mut |wake| wakes.push(wake));
    outputs.advance_all(at(4), &mut |wake| wakes.push(wake));
    assert_eq!(wakes, [Wake::Input(Peer(1))]);
}

#[test]
fn outputs_that_are_reset_begin_anew() {
    let mut sheet = Sheet::new();
    sheet.call(at(1), None, &[20], Some(50)).unwrap();
    sheet.outputs.end_all(&mut |_| {});
    sheet.receiver.reset(&mut |_| {});
    sheet.outputs.reset();
    assert_eq!(sheet.call(at(1), None, &[10], None), Ok(at(11)));
}
