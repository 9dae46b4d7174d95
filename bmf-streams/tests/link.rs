//! A link against a naive model, and against a second thread.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::Duration;

use bmf_core::{Signal, StreamItem};
use bmf_hmp::{Packet, Timestamp};
use bmf_streams::{Link, LinkReceiver, LinkSender, Peer, Wake};
use proptest::prelude::*;

const PRODUCER: Peer = Peer(1);
const CONSUMER: Peer = Peer(2);

/// Whoever waits that long waits in vain.
const DEADLINE: Duration = Duration::from_secs(60);

fn link(limit: usize) -> (LinkSender, LinkReceiver) {
    Link::new("stream", PRODUCER, CONSUMER, limit)
}

fn packet(number: i64) -> StreamItem {
    StreamItem::Packet(Packet::new(Timestamp::from_micros(number), number))
}

fn number(item: &StreamItem) -> Option<i64> {
    match item {
        StreamItem::Packet(packet) => packet.get::<i64>().copied(),
        StreamItem::Signal(Signal::Eof) => None,
    }
}

#[test]
fn a_batch_wakes_once_and_an_empty_one_not_at_all() {
    let (sender, receiver) = link(5);
    assert_eq!(sender.send(std::iter::empty()), None);
    assert!(!receiver.has_more());
    let batch = (0..3).map(packet);
    assert_eq!(sender.send(batch), Some(Wake::Input(CONSUMER)));
    assert!(receiver.has_more());
    assert_eq!(sender.link().room(), 2);
}

#[test]
fn a_full_link_owes_a_wake_up_at_half_its_limit() {
    let (sender, mut receiver) = link(6);
    let _ = sender.send((0..6).map(packet));
    assert!(sender.link().is_full());
    assert_eq!(receiver.refill(), None);
    let wakes: Vec<_> = (0..6)
        .map(|_| {
            receiver.pop().unwrap();
            receiver.taken(1).is_some()
        })
        .collect();
    assert_eq!(wakes, [false, false, true, false, false, false]);
    assert_eq!(sender.link().room(), 6);
}

#[test]
fn what_was_taken_is_room_at_once() {
    let (sender, mut receiver) = link(6);
    let _ = sender.send((0..6).map(packet));
    let _ = receiver.refill();
    receiver.pop().unwrap();
    assert_eq!(receiver.taken(1), None);
    assert_eq!(sender.link().room(), 1);
    assert_eq!(sender.link().stats().waiting, 5);
}

#[test]
fn a_batch_may_exceed_the_limit_and_is_the_peak() {
    let (sender, mut receiver) = link(2);
    let _ = sender.send((0..9).map(packet));
    assert_eq!(sender.link().room(), 0);
    let _ = receiver.refill();
    for _ in 0..9 {
        receiver.pop().unwrap();
    }
    assert_eq!(receiver.taken(9), Some(Wake::Room(PRODUCER)));
    let stats = sender.link().stats();
    assert_eq!((stats.packets, stats.waiting, stats.peak), (9, 0, 9));
}

#[test]
fn a_limit_of_none_is_a_limit_of_one() {
    let (sender, _receiver) = link(0);
    assert_eq!(sender.link().room(), 1);
}

#[test]
fn a_closed_link_swallows_and_has_room() {
    let (sender, mut receiver) = link(2);
    let kept = Packet::new(Timestamp::ZERO, 1_i64);
    let _ = sender.send(std::iter::once(StreamItem::Packet(kept.clone())));
    let _ = receiver.refill();
    let _ = sender.send(std::iter::once(StreamItem::Packet(kept.clone())));
    assert_eq!(kept.ref_count(), 3);
    assert_eq!(receiver.close(), Wake::Closed(PRODUCER));
    assert_eq!(
        kept.ref_count(),
        1,
        "both the queue and the buffer are emptied"
    );
    assert_eq!(
        sender.send(std::iter::once(StreamItem::Packet(kept.clone()))),
        None
    );
    assert_eq!(sender.end(), None);
    assert_eq!(kept.ref_count(), 1);
    assert_eq!(sender.link().room(), usize::MAX);
    assert!(sender.link().is_closed() && !sender.link().is_full());
}

#[test]
fn a_dropped_receiver_leaves_nothing_behind() {
    let (sender, receiver) = link(2);
    let kept = Packet::new(Timestamp::ZERO, 1_i64);
    let _ = sender.send(std::iter::once(StreamItem::Packet(kept.clone())));
    drop(receiver);
    assert_eq!(kept.ref_count(), 1);
    assert!(sender.link().is_closed());
}

#[test]
fn nobody_waits_for_room_after_the_end() {
    let (sender, mut receiver) = link(2);
    let _ = sender.send((0..2).map(packet));
    assert!(sender.link().is_full());
    assert_eq!(sender.end(), Some(Wake::Input(CONSUMER)));
    assert!(!sender.link().is_full());
    assert_eq!(sender.link().stats().waiting, 2, "an end is no packet");
    let _ = receiver.refill();
    let items = std::iter::from_fn(|| receiver.pop());
    let items: Vec<_> = items.map(|item| number(&item)).collect();
    assert_eq!(items, [Some(0), Some(1), None]);
}

#[test]
fn raising_a_limit_makes_room_for_one() {
    let (sender, _receiver) = link(3);
    let _ = sender.send((0..3).map(packet));
    assert_eq!(sender.link().raise_limit(), Wake::Room(PRODUCER));
    assert_eq!(sender.link().room(), 1);
    let stats = sender.link().stats();
    assert_eq!((stats.limit, stats.raised), (4, 1));
    // Also where a burst is far above the limit.
    let _ = sender.send((0..9).map(packet));
    let _ = sender.link().raise_limit();
    assert_eq!(sender.link().room(), 1);
    assert_eq!(sender.link().limit(), 13);
}

/// Something that one of the ends does.
#[derive(Clone, Debug)]
enum Op {
    Send(usize),
    End,
    /// The producer looks whether it may go on.
    Look,
    Refill,
    Pop(usize),
    Taken(usize),
    Raise,
    Close,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..9usize).prop_map(Op::Send),
        1 => Just(Op::End),
        6 => Just(Op::Look),
        5 => Just(Op::Refill),
        5 => (1..5usize).prop_map(Op::Pop),
        5 => (0..5usize).prop_map(Op::Taken),
        1 => Just(Op::Raise),
        1 => Just(Op::Close),
    ]
}

/// What a link does, without cleverness.
struct Model {
    sender: LinkSender,
    receiver: LinkReceiver,
    limit: usize,
    next: i64,
    sent: VecDeque<StreamItem>,
    buffered: VecDeque<StreamItem>,
    /// Packets sent that the receiver has not told to have taken.
    waiting: usize,
    popped: usize,
    ended: bool,
    closed: bool,
    /// The producer has found no room, and has not been woken since.
    waits: bool,
}

impl Model {
    fn new(limit: usize) -> Self {
        let (sender, receiver) = link(limit);
        Self {
            sender,
            receiver,
            limit,
            next: 0,
            sent: VecDeque::new(),
            buffered: VecDeque::new(),
            waiting: 0,
            popped: 0,
            ended: false,
            closed: false,
            waits: false,
        }
    }

    fn room(&self) -> usize {
        match self.closed || self.ended {
            true => usize::MAX,
            false => self.limit.saturating_sub(self.waiting),
        }
    }

    fn woken(&mut self, wake: Option<Wake>) {
        match wake {
            Some(Wake::Room(peer) | Wake::Closed(peer)) => {
                assert_eq!(peer, PRODUCER);
                self.waits = false;
            }
            Some(Wake::Input(_)) => panic!("a receiver does not wake itself"),
            None => {}
        }
    }

    fn send(&mut self, items: Vec<StreamItem>, packets: usize) {
        let sends = !items.is_empty() && !self.closed;
        let wake = self.sender.send(items.iter().cloned());
        assert_eq!(wake, sends.then_some(Wake::Input(CONSUMER)));
        if sends {
            self.waiting += packets;
            self.sent.extend(items);
        }
    }

    fn refill(&mut self) {
        let wake = self.receiver.refill();
        self.woken(wake);
        self.buffered.append(&mut self.sent);
    }

    fn pop(&mut self) -> bool {
        let item = self.receiver.pop();
        let expected = self.buffered.pop_front();
        assert_eq!(item.as_ref().map(number), expected.as_ref().map(number));
        let is_packet = matches!(item, Some(StreamItem::Packet(_)));
        self.popped += usize::from(is_packet);
        item.is_some()
    }

    fn taken(&mut self, packets: usize) {
        self.popped -= packets;
        self.waiting -= packets;
        let wake = self.receiver.taken(packets);
        self.woken(wake);
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Send(packets) if !self.ended => {
                let count = i64::try_from(packets).unwrap();
                let items = (self.next..self.next + count).map(packet).collect();
                self.next += count;
                self.send(items, packets);
            }
            Op::End if !self.ended => {
                self.send(vec![StreamItem::Signal(Signal::Eof)], 0);
                self.ended |= !self.closed;
            }
            Op::Look => self.waits |= self.sender.link().room() == 0,
            Op::Refill if !self.closed => self.refill(),
            Op::Pop(count) if !self.closed => {
                for _ in 0..count {
                    self.pop();
                }
            }
            Op::Taken(count) if !self.closed => self.taken(count.min(self.popped)),
            Op::Raise => {
                self.limit = self.limit.max(self.waiting) + 1;
                let wake = self.sender.link().raise_limit();
                self.woken(Some(wake));
            }
            Op::Close if !self.closed => {
                let wake = self.receiver.close();
                self.woken(Some(wake));
                self.closed = true;
                self.buffered.clear();
                self.sent.clear();
            }
            _ => {}
        }
    }

    fn check(&self) {
        let link = self.sender.link();
        assert_eq!(link.room(), self.room());
        assert_eq!(link.is_full(), self.room() == 0);
        let more = !self.buffered.is_empty() || !self.sent.is_empty();
        assert_eq!(self.receiver.has_more(), more);
        assert_eq!(
            self.receiver.peek().map(number),
            self.buffered.front().map(number)
        );
        if !self.closed {
            assert_eq!(link.stats().waiting, self.waiting);
            assert!(link.stats().peak >= self.waiting);
        }
    }

    /// The receiver takes all there is: whoever waited for room is woken.
    fn drain(&mut self) {
        if self.closed {
            return;
        }
        self.refill();
        while self.pop() {}
        self.taken(self.popped);
        assert!(!self.waits || self.ended, "the wake-up for room was lost");
        assert_eq!(self.sender.link().room(), self.room());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_link_does_what_its_model_does(
        limit in 1..8usize,
        ops in proptest::collection::vec(op(), 0..120),
    ) {
        let mut model = Model::new(limit);
        for op in &ops {
            model.apply(op);
            model.check();
        }
        model.drain();
        model.check();
    }
}

/// A small generator of numbers: the same ones each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides).unwrap()
    }
}

/// Sends so many packets in batches, never while the link is full; then the end.
fn produce(
    sender: &LinkSender,
    packets: i64,
    woken: &mpsc::Receiver<()>,
    input: &mpsc::Sender<()>,
) {
    let mut dice = Dice(7);
    let mut next = 0;
    while next < packets {
        if sender.link().room() == 0 {
            woken
                .recv_timeout(DEADLINE)
                .expect("the wake-up for room was lost");
            continue;
        }
        let end = packets.min(next + 1 + i64::try_from(dice.roll(4)).unwrap());
        if sender.send((next..end).map(packet)).is_some() {
            input.send(()).unwrap();
        }
        next = end;
    }
    if sender.end().is_some() {
        input.send(()).unwrap();
    }
}

/// Takes everything until the end, in pieces.
fn consume(
    receiver: &mut LinkReceiver,
    woken: &mpsc::Receiver<()>,
    room: &mpsc::Sender<()>,
) -> i64 {
    let mut dice = Dice(11);
    let mut next = 0;
    loop {
        if receiver.refill().is_some() {
            let _ = room.send(());
        }
        let mut taken = 0;
        for _ in 0..=dice.roll(5) {
            match receiver.pop() {
                Some(StreamItem::Packet(packet)) => {
                    assert_eq!(packet.get::<i64>(), Some(&next));
                    next += 1;
                    taken += 1;
                }
                Some(StreamItem::Signal(Signal::Eof)) => return next,
                None => break,
            }
        }
        if receiver.taken(taken).is_some() {
            let _ = room.send(());
        }
        if !receiver.has_more() {
            woken
                .recv_timeout(DEADLINE)
                .expect("the wake-up for input was lost");
        }
    }
}

#[test]
fn no_wake_up_is_lost_between_two_threads() {
    const PACKETS: i64 = 100_000;
    for limit in [1, 2, 3, 5, 8] {
        let (sender, mut receiver) = link(limit);
        let (input, has_input) = mpsc::channel();
        let (room, has_room) = mpsc::channel();
        let producer = std::thread::spawn(move || produce(&sender, PACKETS, &has_room, &input));
        assert_eq!(consume(&mut receiver, &has_input, &room), PACKETS);
        producer.join().unwrap();
        let stats = receiver.link().stats();
        assert_eq!(stats.packets, PACKETS.unsigned_abs());
        // A batch of at most four starts while one more fits.
        assert!(stats.peak < limit + 4, "{stats:?}");
    }
}

#[test]
fn closing_reaches_a_producer_that_waits() {
    for round in 0..200 {
        let (sender, mut receiver) = link(2);
        let (input, has_input) = mpsc::channel();
        let (room, has_room) = mpsc::channel();
        let producer = std::thread::spawn(move || produce(&sender, 5_000, &has_room, &input));
        has_input.recv_timeout(DEADLINE).unwrap();
        for _ in 0..round {
            if receiver.refill().is_some() {
                room.send(()).unwrap();
            }
            let packets = usize::from(receiver.pop().is_some());
            if receiver.taken(packets).is_some() {
                room.send(()).unwrap();
            }
        }
        assert_eq!(receiver.close(), Wake::Closed(PRODUCER));
        room.send(()).unwrap();
        producer.join().unwrap();
    }
}
