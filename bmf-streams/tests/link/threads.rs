//! A link between two threads: no wake-up is lost, and no bound overtakes a packet.

use std::sync::mpsc;
use std::time::Duration;

use bmf_core::{Signal, StreamItem};
use bmf_hmp::{Bound, Packet, Timestamp};
use bmf_streams::{LinkReceiver, LinkSender, LinkSettings, Wake};

use super::link;

/// Whoever waits that long waits in vain.
const DEADLINE: Duration = Duration::from_secs(60);

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

/// What a thread is woken by, and how it wakes the other one, which may have gone.
struct Bell {
    woken: mpsc::Receiver<()>,
    other: mpsc::Sender<()>,
}

impl Bell {
    fn pair() -> (Self, Self) {
        let (here, from_here) = mpsc::channel();
        let (there, from_there) = mpsc::channel();
        let bell = |woken, other| Self { woken, other };
        (bell(from_there, here), bell(from_here, there))
    }

    fn wait(&self, what: &str) {
        let woken = self.woken.recv_timeout(DEADLINE);
        woken.unwrap_or_else(|_| panic!("the wake-up for {what} was lost"));
    }

    fn ring(&self) -> impl FnMut(Wake) {
        |_| {
            let _ = self.other.send(());
        }
    }
}

fn packets(range: std::ops::Range<i64>) -> impl Iterator<Item = StreamItem> {
    range.map(|t| StreamItem::Packet(Packet::new(Timestamp::from_micros(t), t)))
}

/// Sends so many packets in batches, never while the link is full; then the end.
fn produce(sender: &LinkSender, packets_to_send: i64, bell: &Bell) {
    let mut dice = Dice(7);
    let mut next = 0;
    while next < packets_to_send {
        if sender.link().room() == 0 {
            bell.wait("room");
            continue;
        }
        let end = packets_to_send.min(next + 1 + i64::try_from(dice.roll(4)).unwrap());
        sender
            .send(packets(next..end), Bound::START, &mut bell.ring())
            .unwrap();
        next = end;
    }
    sender.end(&mut bell.ring());
}

/// Takes everything until the end, in pieces, and looks at the bounds meanwhile.
fn consume(receiver: &mut LinkReceiver, bell: &Bell) -> i64 {
    let mut dice = Dice(11);
    let mut next = 0;
    let mut wake = bell.ring();
    loop {
        receiver.refill(&mut wake);
        let mut taken = 0;
        for _ in 0..=dice.roll(5) {
            match receiver.pop() {
                Some(StreamItem::Packet(packet)) => {
                    assert_eq!(packet.get::<i64>(), Some(&next));
                    next += 1;
                    taken += 1;
                }
                Some(StreamItem::Signal(Signal::Eof)) => {
                    receiver.taken(taken, &mut wake);
                    return next;
                }
                Some(StreamItem::Signal(Signal::EndOfJob)) => panic!("there are no jobs"),
                None => {
                    let settled = receiver.bound();
                    let expected = Bound::at(Timestamp::from_micros(next));
                    assert!(settled <= expected, "a bound has overtaken packets");
                    break;
                }
            }
        }
        receiver.taken(taken, &mut wake);
        if !receiver.has_more() {
            bell.wait("input");
        }
    }
}

#[test]
fn no_wake_up_is_lost_between_two_threads() {
    const PACKETS: i64 = 100_000;
    for limit in [1, 2, 3, 5, 8] {
        let (sender, mut receiver) = link(&LinkSettings::new(limit));
        let (at_producer, at_consumer) = Bell::pair();
        let producer = std::thread::spawn(move || produce(&sender, PACKETS, &at_producer));
        assert_eq!(consume(&mut receiver, &at_consumer), PACKETS);
        producer.join().unwrap();
        let stats = receiver.link().stats();
        assert_eq!(stats.packets, PACKETS.unsigned_abs());
        // A batch of at most four starts while one more fits.
        assert!(stats.peak < limit + 4, "{stats:?}");
    }
}

#[test]
fn no_wake_up_for_bytes_is_lost_between_two_threads() {
    const PACKETS: i64 = 50_000;
    let settings = LinkSettings {
        bytes: Some(3 * size_of::<i64>()),
        ..LinkSettings::new(100)
    };
    let (sender, mut receiver) = link(&settings);
    let (at_producer, at_consumer) = Bell::pair();
    let producer = std::thread::spawn(move || produce(&sender, PACKETS, &at_producer));
    assert_eq!(consume(&mut receiver, &at_consumer), PACKETS);
    producer.join().unwrap();
    assert_eq!(receiver.link().stats().waiting_bytes, Some(0));
}

#[test]
fn closing_reaches_a_producer_that_waits() {
    for round in 0..200 {
        let (sender, mut receiver) = link(&LinkSettings::new(2));
        let (at_producer, at_consumer) = Bell::pair();
        let producer = std::thread::spawn(move || produce(&sender, 5_000, &at_producer));
        at_consumer.wait("input");
        for _ in 0..round {
            receiver.refill(&mut at_consumer.ring());
            let packets = usize::from(receiver.pop().is_some());
            receiver.taken(packets, &mut at_consumer.ring());
        }
        receiver.close(&mut at_consumer.ring());
        producer.join().unwrap();
    }
}
