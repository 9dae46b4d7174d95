//! loom models of the link and the budget: two threads, each with a bell that keeps one ring, as the
//! scheduler's slots do. loom runs each model through every interleaving that its preemption bound
//! allows; a wake-up that is lost leaves a thread waiting, which loom reports as a deadlock.

use std::sync::Arc;

use bmf_core::config::OnFull;
use bmf_core::{Signal, StreamItem};
use bmf_hmp::{Bound, Packet, Timestamp};
use loom::sync::{Condvar, Mutex};

use crate::{Budget, Link, LinkReceiver, LinkSender, LinkSettings, Peer, Wake};

/// Wakes one thread; keeps one ring until that waits.
#[derive(Clone)]
struct Bell(Arc<(Mutex<bool>, Condvar)>);

impl Bell {
    fn new() -> Self {
        Self(Arc::new((Mutex::new(false), Condvar::new())))
    }

    fn ring(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.0.0.lock().unwrap();
        while !*rung {
            rung = self.0.1.wait(rung).unwrap();
        }
        *rung = false;
    }
}

/// Who is woken by what.
#[derive(Clone)]
struct Bells {
    input: Bell,
    room: Bell,
    budget: Bell,
}

impl Bells {
    fn new() -> Self {
        Self {
            input: Bell::new(),
            room: Bell::new(),
            budget: Bell::new(),
        }
    }

    fn waker(&self) -> impl FnMut(Wake) {
        |wake| match wake {
            Wake::Input(_) => self.input.ring(),
            Wake::Room(_) | Wake::Closed(_) => self.room.ring(),
            Wake::Budget => self.budget.ring(),
        }
    }
}

/// A packet of eight bytes.
fn packet(time: i64) -> StreamItem {
    StreamItem::Packet(Packet::new(Timestamp::from_micros(time), time))
}

fn at(time: i64) -> Bound {
    Bound::at(Timestamp::from_micros(time))
}

/// Sends the packets one by one, each when there is room, then the end.
fn produce(sender: &LinkSender, packets: std::ops::Range<i64>, bells: &Bells) {
    let mut wake = bells.waker();
    for time in packets {
        while sender.link().room() == 0 {
            bells.room.wait();
        }
        let item = packet(time);
        if sender.link().tracks_bounds() {
            let items = std::iter::once(item);
            sender.send(items, Bound::START, &mut wake).unwrap();
        } else {
            sender.send_plain(|queue| queue.push_back(item), 1, false, &mut wake);
        }
    }
    sender.end(&mut wake);
}

/// Takes entries in steps of at most `most` until the end; returns how many packets came.
fn consume(receiver: &mut LinkReceiver, most: usize, bells: &Bells) -> i64 {
    let mut wake = bells.waker();
    let mut next = 0;
    loop {
        receiver.refill(&mut wake);
        let mut taken = 0;
        for _ in 0..most {
            match receiver.pop() {
                Some(StreamItem::Packet(packet)) => {
                    assert_eq!(packet.get::<i64>(), Some(&next), "lost or out of order");
                    next += 1;
                    taken += 1;
                }
                Some(StreamItem::Signal(Signal::Eof)) => {
                    receiver.taken(taken, &mut wake);
                    return next;
                }
                Some(StreamItem::Signal(Signal::EndOfJob)) => {}
                None => break,
            }
        }
        receiver.taken(taken, &mut wake);
        if !receiver.has_more() {
            receiver.pause().map(&mut wake);
            bells.input.wait();
        }
    }
}

/// Runs a producer of so many packets against a consumer that takes at most `most` at a time, in
/// every interleaving. Packets that were sent come, or are counted.
fn check(settings: &LinkSettings, packets: i64, most: usize) {
    let settings = settings.clone();
    loom::model(move || {
        let (sender, mut receiver) = Link::new("stream", Peer(0), Peer(1), &settings);
        let bells = Bells::new();
        let producer = {
            let bells = bells.clone();
            loom::thread::spawn(move || produce(&sender, 0..packets, &bells))
        };
        assert_eq!(consume(&mut receiver, most, &bells), packets);
        producer.join().unwrap();
        let stats = receiver.link().stats();
        assert_eq!((stats.waiting, stats.dropped.total()), (0, 0));
    });
}

#[test]
fn loom_no_wake_up_is_lost_on_a_link_of_one() {
    check(&LinkSettings::new(1), 3, 1);
}

#[test]
fn loom_no_wake_up_is_lost_on_a_link_of_two() {
    check(&LinkSettings::new(2), 3, 1);
}

#[test]
fn loom_no_wake_up_for_bytes_is_lost() {
    let settings = LinkSettings {
        bytes: Some(8),
        ..LinkSettings::new(9)
    };
    check(&settings, 2, 1);
}

/// A link that need not look at each packet.
#[test]
fn loom_no_wake_up_is_lost_on_a_plain_link() {
    let settings = LinkSettings {
        bounds: false,
        ..LinkSettings::new(1)
    };
    check(&settings, 3, 9);
}

/// Two packets are there when the producer comes with more, up to a fifth. The consumer takes one
/// and then waits for something else, which comes after all packets: its pause gives back the room
/// above the low watermark, whatever it has seen before.
fn check_pause(before: fn(&mut LinkReceiver, &mut dyn FnMut(Wake))) {
    loom::model(move || {
        let settings = LinkSettings::new(4);
        let (sender, mut receiver) = Link::new("stream", Peer(0), Peer(1), &settings);
        let (bells, other) = (Bells::new(), Bell::new());
        let first = (0..2).map(packet);
        sender
            .send(first, Bound::START, &mut bells.waker())
            .unwrap();
        receiver.refill(&mut bells.waker());
        let producer = {
            let (bells, other) = (bells.clone(), other.clone());
            loom::thread::spawn(move || {
                let second = (2..4).map(packet);
                sender
                    .send(second, Bound::START, &mut bells.waker())
                    .unwrap();
                produce(&sender, 4..5, &bells);
                other.ring();
            })
        };
        assert!(receiver.pop().is_some());
        receiver.taken(1, &mut bells.waker());
        before(&mut receiver, &mut bells.waker());
        receiver.pause().map(bells.waker());
        // A consumer that was woken looks, and waits again.
        while receiver.link().stats().packets < 5 {
            bells.input.wait();
            receiver.refill(&mut bells.waker());
            receiver.pause().map(bells.waker());
        }
        other.wait();
        producer.join().unwrap();
    });
}

#[test]
fn loom_a_pause_gives_room_back() {
    check_pause(|_, _| {});
}

#[test]
fn loom_a_pause_after_a_look_gives_room_back() {
    check_pause(LinkReceiver::refill);
}

/// What waits is never seen as less than it is, so that a limit holds.
#[test]
fn loom_room_is_never_overestimated() {
    loom::model(|| {
        let settings = LinkSettings::new(4);
        let (sender, mut receiver) = Link::new("stream", Peer(0), Peer(1), &settings);
        let packets = (0..3).map(packet);
        sender.send(packets, Bound::START, &mut |_| {}).unwrap();
        let producer = loom::thread::spawn(move || assert!(sender.link().room() <= 2));
        receiver.refill(&mut |_| {});
        assert!(receiver.pop().is_some());
        receiver.taken(1, &mut |_| {});
        let _ = receiver.pause();
        producer.join().unwrap();
        assert_eq!(receiver.link().room(), 2);
    });
}

/// A bound never overtakes a packet, and who wants bounds hears of the last one.
#[test]
fn loom_a_bound_stays_behind_packets() {
    loom::model(|| {
        let settings = LinkSettings::new(9);
        let (sender, mut receiver) = Link::new("stream", Peer(0), Peer(1), &settings);
        receiver.want_bounds();
        let bells = Bells::new();
        let producer = {
            let bells = bells.clone();
            loom::thread::spawn(move || {
                let mut wake = bells.waker();
                let item = std::iter::once(packet(10));
                sender.send(item, Bound::START, &mut wake).unwrap();
                sender.advance(at(20)).map(&mut wake);
                // A batch that only moves the bound.
                sender.send(std::iter::empty(), at(30), &mut wake).unwrap();
            })
        };
        let mut came = 0;
        loop {
            receiver.refill(&mut bells.waker());
            while receiver.pop().is_some() {
                came += 1;
            }
            assert!(came == 1 || receiver.bound() <= at(10), "overtaken");
            assert!(came == 0 || receiver.bound() > at(10), "behind its packet");
            if receiver.bound() == at(30) {
                break;
            }
            bells.input.wait();
        }
        producer.join().unwrap();
    });
}

/// The last ring for a bound: nothing comes after it.
#[test]
fn loom_a_promise_alone_is_heard() {
    loom::model(|| {
        let settings = LinkSettings::new(9);
        let (sender, mut receiver) = Link::new("stream", Peer(0), Peer(1), &settings);
        let bells = Bells::new();
        let producer = {
            let bells = bells.clone();
            loom::thread::spawn(move || {
                sender.advance(at(20)).map(bells.waker());
            })
        };
        // Beside the promise: a node says so when it opens, and its producer runs already.
        receiver.want_bounds();
        loop {
            receiver.refill(&mut |_| {});
            if receiver.bound() == at(20) {
                break;
            }
            bells.input.wait();
        }
        producer.join().unwrap();
    });
}

/// A source waits for a budget that two consumers give back.
#[test]
fn loom_who_waits_for_the_budget_is_woken() {
    loom::model(|| {
        let budget = Arc::new(Budget::new(10));
        budget.take(16);
        let bell = Bell::new();
        let givers: Vec<_> = (0..2)
            .map(|_| {
                let (budget, bell) = (Arc::clone(&budget), bell.clone());
                loom::thread::spawn(move || {
                    if budget.give_back(8) {
                        bell.ring();
                    }
                })
            })
            .collect();
        while budget.must_wait() {
            bell.wait();
        }
        for giver in givers {
            giver.join().unwrap();
        }
        assert_eq!(budget.used(), 0);
    });
}

/// A source waits for a budget that one link uses up; the consumer takes, drops or closes.
fn check_budget(on_full: OnFull, give_back: fn(&mut LinkReceiver, &mut dyn FnMut(Wake))) {
    loom::model(move || {
        let budget = Arc::new(Budget::new(17));
        let settings = LinkSettings {
            on_full,
            budget: Some(Arc::clone(&budget)),
            ..LinkSettings::new(2)
        };
        let (sender, mut receiver) = Link::new("stream", Peer(0), Peer(1), &settings);
        let bells = Bells::new();
        receiver.refill(&mut |_| {});
        let first = (0..2).map(packet);
        sender.send(first, Bound::START, &mut |_| {}).unwrap();
        receiver.refill(&mut |_| {});
        let second = (2..4).map(packet);
        sender.send(second, Bound::START, &mut |_| {}).unwrap();
        let source = {
            let bells = bells.clone();
            loom::thread::spawn(move || {
                while budget.must_wait() {
                    bells.budget.wait();
                }
            })
        };
        give_back(&mut receiver, &mut bells.waker());
        source.join().unwrap();
    });
}

#[test]
fn loom_taking_gives_the_budget_back() {
    check_budget(OnFull::Block, |receiver, wake| {
        receiver.refill(wake);
        for _ in 0..3 {
            receiver.pop();
            receiver.taken(1, wake);
        }
    });
}

#[test]
fn loom_dropping_gives_the_budget_back() {
    // Four packets wait; with one taken that is still too much, with one dropped it is not.
    check_budget(OnFull::DropOldest, |receiver, wake| {
        receiver.pop();
        receiver.taken(1, wake);
        receiver.refill(wake);
    });
}

#[test]
fn loom_closing_gives_the_budget_back() {
    check_budget(OnFull::Block, |receiver, wake| receiver.close(wake));
}

/// A sender goes over the budget for a moment, until it has dropped what is too much. A source that
/// looks in that moment is woken.
#[test]
fn loom_dropping_while_sending_gives_the_budget_back() {
    loom::model(|| {
        let budget = Arc::new(Budget::new(9));
        let settings = LinkSettings {
            on_full: OnFull::Latest,
            budget: Some(Arc::clone(&budget)),
            ..LinkSettings::new(1)
        };
        let (sender, _receiver) = Link::new("stream", Peer(0), Peer(1), &settings);
        let bells = Bells::new();
        let send = move |time, wake: &mut dyn FnMut(Wake)| {
            let item = std::iter::once(packet(time));
            sender.send(item, Bound::START, wake).unwrap();
        };
        send(0, &mut |_| {});
        let source = {
            let bells = bells.clone();
            loom::thread::spawn(move || {
                while budget.must_wait() {
                    bells.budget.wait();
                }
            })
        };
        send(1, &mut bells.waker());
        source.join().unwrap();
    });
}

/// The consumer leaves while the producer is anywhere: the producer does not wait for it, no packet
/// stays behind, and all are counted.
#[test]
fn loom_closing_reaches_the_producer() {
    loom::model(|| {
        let settings = LinkSettings::new(1);
        let (sender, mut receiver) = Link::new("stream", Peer(0), Peer(1), &settings);
        let bells = Bells::new();
        let kept = Packet::new(Timestamp::ZERO, 0_i64);
        let producer = {
            let (bells, kept) = (bells.clone(), kept.clone());
            loom::thread::spawn(move || {
                for _ in 0..3 {
                    while sender.link().room() == 0 {
                        bells.room.wait();
                    }
                    let item = std::iter::once(StreamItem::Packet(kept.clone()));
                    sender.send(item, Bound::START, &mut |_| {}).unwrap();
                }
                sender
            })
        };
        receiver.refill(&mut bells.waker());
        let taken = u64::from(receiver.pop().is_some());
        receiver.taken(usize::from(taken > 0), &mut bells.waker());
        receiver.close(&mut bells.waker());
        let sender = producer.join().unwrap();
        let stats = sender.link().stats();
        assert_eq!((stats.packets, stats.waiting), (3, 0));
        assert_eq!(taken + stats.dropped.consumer_ended, 3);
        assert_eq!(kept.ref_count(), 1);
    });
}

/// A link that drops the oldest: what came and what is counted is what was sent.
#[test]
fn loom_what_is_dropped_is_counted() {
    loom::model(|| {
        let settings = LinkSettings {
            on_full: OnFull::Latest,
            ..LinkSettings::new(1)
        };
        let (sender, mut receiver) = Link::new("stream", Peer(0), Peer(1), &settings);
        let producer = loom::thread::spawn(move || {
            for time in 0..3 {
                let item = std::iter::once(packet(time));
                sender.send(item, Bound::START, &mut |_| {}).unwrap();
            }
        });
        let mut came = 0;
        for _ in 0..2 {
            receiver.refill(&mut |_| {});
            let packets = usize::from(receiver.pop().is_some());
            receiver.taken(packets, &mut |_| {});
            came += packets as u64;
        }
        producer.join().unwrap();
        receiver.refill(&mut |_| {});
        let stats = receiver.link().stats();
        assert_eq!(stats.packets, 3);
        assert_eq!(came + stats.dropped.full + stats.waiting as u64, 3);
    });
}
