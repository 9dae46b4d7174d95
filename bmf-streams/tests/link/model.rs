//! A link against a model of it without cleverness: bounds, drops, bytes, wake-ups.

use std::collections::VecDeque;
use std::sync::Arc;

use bmf_core::config::{OnFull, TimeOrder};
use bmf_core::{Signal, StreamItem};
use bmf_hmp::{Bound, Packet, Timestamp};
use bmf_streams::{Budget, Dropped, LinkReceiver, LinkSender, LinkSettings, Wake};
use proptest::prelude::*;

use super::{PRODUCER, link};

/// Something that one of the ends does.
#[derive(Clone, Debug)]
enum Op {
    /// Packets: how much later than the last one, and how many bytes.
    Send(Vec<(i64, usize)>),
    /// A bound so much later than the last packet.
    Advance(i64),
    Job,
    End,
    Refill,
    Pop(usize),
    Taken,
    Pause,
    Raise,
    Close,
    Reset,
}

fn op() -> impl Strategy<Value = Op> {
    let packet = || (-3..9_i64, 0..30_usize);
    prop_oneof![
        12 => proptest::collection::vec(packet(), 0..6).prop_map(Op::Send),
        3 => (0..20_i64).prop_map(Op::Advance),
        1 => Just(Op::Job),
        1 => Just(Op::End),
        10 => Just(Op::Refill),
        10 => (1..5_usize).prop_map(Op::Pop),
        8 => Just(Op::Taken),
        6 => Just(Op::Pause),
        1 => Just(Op::Raise),
        1 => Just(Op::Close),
        1 => Just(Op::Reset),
    ]
}

fn settings() -> impl Strategy<Value = LinkSettings> {
    let on_full = proptest::sample::select(OnFull::ALL.map(|(_, on_full)| on_full).to_vec());
    let order = proptest::sample::select(TimeOrder::ALL.map(|(_, order)| order).to_vec());
    let bytes = proptest::option::of(1..90_usize);
    let budget = proptest::option::of(1..90_usize);
    let settings = (1..8_usize, on_full, order, bytes, budget, any::<bool>()).prop_map(
        |(limit, on_full, order, bytes, budget, bounds)| LinkSettings {
            on_full,
            order,
            bytes,
            bounds,
            budget: budget.map(|bytes| Arc::new(Budget::new(bytes))),
            ..LinkSettings::new(limit)
        },
    );
    // Half of the links are the simplest there are.
    prop_oneof![
        settings,
        (1..8_usize).prop_map(|limit| LinkSettings {
            bounds: false,
            ..LinkSettings::new(limit)
        })
    ]
}

/// What a link carries, as the model sees it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Entry {
    Packet { time: i64, bytes: usize },
    Job,
    End,
}

impl Entry {
    fn bytes(&self) -> usize {
        match self {
            Self::Packet { bytes, .. } => *bytes,
            Self::Job | Self::End => 0,
        }
    }

    fn is_packet(&self) -> bool {
        matches!(self, Self::Packet { .. })
    }

    fn of(item: &StreamItem) -> Self {
        match item {
            StreamItem::Packet(packet) => Self::Packet {
                time: packet.timestamp().micros(),
                bytes: packet.bytes(),
            },
            StreamItem::Signal(Signal::EndOfJob) => Self::Job,
            StreamItem::Signal(Signal::Eof) => Self::End,
        }
    }

    fn item(self) -> StreamItem {
        match self {
            Self::Packet { time, bytes } => {
                let time = Timestamp::from_micros(time);
                StreamItem::Packet(Packet::new(time, vec![0_u8; bytes]))
            }
            Self::Job => StreamItem::Signal(Signal::EndOfJob),
            Self::End => StreamItem::Signal(Signal::Eof),
        }
    }
}

fn packets(entries: &VecDeque<Entry>) -> usize {
    entries.iter().filter(|entry| entry.is_packet()).count()
}

fn bytes(entries: &VecDeque<Entry>) -> usize {
    entries.iter().map(Entry::bytes).sum()
}

/// What a link does.
struct Model {
    sender: LinkSender,
    receiver: LinkReceiver,
    settings: LinkSettings,
    limit: usize,
    byte_limit: usize,
    last: i64,
    bound: Bound,
    seen_bound: Bound,
    queue: VecDeque<Entry>,
    buffer: VecDeque<Entry>,
    /// Popped, and not told to be taken.
    popped: VecDeque<Entry>,
    sent: u64,
    taken: u64,
    dropped: Dropped,
    ended: bool,
    closed: bool,
    /// The producer has found no room, and has not been woken since.
    waits: bool,
    /// A source has found the budget used up, and has not been woken since.
    waits_for_budget: bool,
}

impl Model {
    fn new(settings: LinkSettings) -> Self {
        let (sender, receiver) = link(&settings);
        receiver.want_bounds();
        let limit = match settings.on_full {
            OnFull::Latest => 1,
            _ => settings.limit,
        };
        Self {
            sender,
            receiver,
            limit,
            byte_limit: settings.bytes.unwrap_or(usize::MAX),
            settings,
            last: 0,
            bound: Bound::START,
            seen_bound: Bound::START,
            queue: VecDeque::new(),
            buffer: VecDeque::new(),
            popped: VecDeque::new(),
            sent: 0,
            taken: 0,
            dropped: Dropped::default(),
            ended: false,
            closed: false,
            waits: false,
            waits_for_budget: false,
        }
    }

    fn waiting(&self) -> usize {
        [&self.queue, &self.buffer, &self.popped]
            .map(packets)
            .iter()
            .sum()
    }

    fn waiting_bytes(&self) -> usize {
        [&self.queue, &self.buffer, &self.popped]
            .map(bytes)
            .iter()
            .sum()
    }

    fn room(&self) -> usize {
        if self.settings.on_full != OnFull::Block || self.closed || self.ended {
            return usize::MAX;
        }
        if self.waiting_bytes() >= self.byte_limit {
            return 0;
        }
        self.limit.saturating_sub(self.waiting())
    }

    fn keeps_bound(&self) -> bool {
        self.settings.bounds
    }

    fn used_up(&self) -> bool {
        let budget = self.settings.budget.as_ref();
        budget.is_some_and(|budget| self.waiting_bytes() >= budget.limit())
    }

    /// Who was woken looks again.
    fn woken(&mut self, wakes: &[Wake]) {
        for wake in wakes {
            match wake {
                Wake::Room(peer) | Wake::Closed(peer) => {
                    assert_eq!(*peer, PRODUCER);
                    self.waits = false;
                }
                Wake::Budget => self.waits_for_budget = false,
                Wake::Input(_) => {}
            }
        }
        self.waits |= self.sender.link().room() == 0;
        let budget = self.settings.budget.as_ref();
        self.waits_for_budget |= budget.is_some_and(|budget| budget.must_wait());
    }

    /// The model's `send` of one packet; false: it is refused.
    fn push(&mut self, time: i64, size: usize) -> bool {
        let mut time = Timestamp::from_micros(time);
        let order = self.settings.order;
        if order != TimeOrder::Any && !self.bound.admits(time) {
            match order {
                TimeOrder::Error => return false,
                TimeOrder::Clamp => time = self.bound.earliest().unwrap(),
                TimeOrder::Drop | TimeOrder::Any => {
                    self.sent += 1;
                    self.dropped.backwards += 1;
                    return true;
                }
            }
        }
        self.sent += 1;
        self.bound = self.bound.max(Bound::after(time));
        let is_full = self.waiting() >= self.limit || self.waiting_bytes() >= self.byte_limit;
        if self.settings.on_full == OnFull::DropNewest && is_full {
            self.dropped.full += 1;
        } else {
            self.queue.push_back(Entry::Packet {
                time: time.micros(),
                bytes: size,
            });
        }
        true
    }

    fn send(&mut self, what: &[(i64, usize)], wake: &mut dyn FnMut(Wake)) {
        let mut items = Vec::new();
        for (later, bytes) in what {
            self.last += later;
            items.push(Entry::Packet {
                time: self.last,
                bytes: *bytes,
            });
        }
        let sent = self
            .sender
            .send(items.iter().map(|entry| entry.item()), Bound::START, wake);
        if self.closed || self.ended {
            self.sent += items.len() as u64;
            self.dropped.consumer_ended += items.len() as u64;
            assert_eq!(sent, Ok(()));
            return;
        }
        let mut is_refused = false;
        for item in items {
            let Entry::Packet { time, bytes } = item else {
                continue;
            };
            is_refused |= !self.push(time, bytes);
            if is_refused {
                break;
            }
        }
        assert_eq!(sent.is_err(), is_refused);
        Self::drop_oldest(
            &self.settings,
            (self.limit, self.byte_limit),
            &mut self.queue,
            &mut self.dropped,
        );
    }

    fn drop_oldest(
        settings: &LinkSettings,
        (limit, byte_limit): (usize, usize),
        entries: &mut VecDeque<Entry>,
        dropped: &mut Dropped,
    ) {
        if !matches!(settings.on_full, OnFull::DropOldest | OnFull::Latest) {
            return;
        }
        while packets(entries) > 1 && (packets(entries) > limit || bytes(entries) > byte_limit) {
            let oldest = entries.iter().position(Entry::is_packet);
            entries.remove(oldest.unwrap());
            dropped.full += 1;
        }
    }

    fn refill(&mut self, wake: &mut dyn FnMut(Wake)) {
        self.receiver.refill(wake);
        if self.settings.order != TimeOrder::Any {
            for entry in &self.queue {
                if let Entry::Packet { time, .. } = entry {
                    let time = Timestamp::from_micros(*time);
                    assert!(
                        self.seen_bound.admits(time),
                        "a bound has overtaken a packet"
                    );
                }
            }
        }
        self.buffer.append(&mut self.queue);
        Self::drop_oldest(
            &self.settings,
            (self.limit, self.byte_limit),
            &mut self.buffer,
            &mut self.dropped,
        );
        self.seen_bound = self.bound;
    }

    fn pop(&mut self) -> bool {
        let item = self.receiver.pop();
        let expected = self.buffer.pop_front();
        assert_eq!(item.as_ref().map(Entry::of), expected);
        self.popped.extend(expected);
        item.is_some()
    }

    fn taken(&mut self, wake: &mut dyn FnMut(Wake)) {
        let told = packets(&self.popped);
        self.popped.clear();
        self.taken += told as u64;
        self.receiver.taken(told, wake);
    }

    fn pause(&mut self, wake: &mut dyn FnMut(Wake)) {
        self.receiver.pause().map(wake);
    }

    fn signal(&mut self, entry: Entry, wake: &mut dyn FnMut(Wake)) {
        let sent = self
            .sender
            .send(std::iter::once(entry.item()), Bound::START, wake);
        assert_eq!(sent, Ok(()));
        if !self.closed && !self.ended {
            self.queue.push_back(entry);
            if entry == Entry::End {
                // Who ends a stream does not wait for room in it.
                self.waits = false;
                self.ended = true;
                self.bound = Bound::NOTHING;
            }
        }
    }

    /// All that waits is thrown away; what was popped counts as taken.
    fn throw_away(&mut self) -> u64 {
        self.taken += packets(&self.popped) as u64;
        let thrown = packets(&self.queue) + packets(&self.buffer);
        self.queue.clear();
        self.buffer.clear();
        self.popped.clear();
        thrown as u64
    }

    fn apply(&mut self, op: &Op) {
        let mut wakes = Vec::new();
        let mut wake = |wake| wakes.push(wake);
        match op {
            Op::Send(what) => self.send(what, &mut wake),
            Op::Advance(_) if !self.keeps_bound() => {}
            Op::Advance(later) => {
                let bound = Bound::at(Timestamp::from_micros(self.last + later));
                let is_news = bound > self.bound && !self.closed;
                let woken = self.sender.advance(bound);
                assert!(self.closed || woken.is_some() == is_news);
                self.bound = self.bound.max(bound);
            }
            Op::Job => self.signal(Entry::Job, &mut wake),
            Op::End => self.signal(Entry::End, &mut wake),
            Op::Raise => {
                self.limit = self.limit.max(self.waiting()) + 1;
                if self.settings.bytes.is_some() {
                    self.byte_limit = self.byte_limit.max(self.waiting_bytes() + 1);
                }
                let raised = self.sender.link().raise_limit();
                wake(raised);
            }
            _ if self.closed => {}
            Op::Refill => self.refill(&mut wake),
            Op::Pop(count) => {
                for _ in 0..*count {
                    self.pop();
                }
            }
            Op::Taken => self.taken(&mut wake),
            Op::Pause => self.pause(&mut wake),
            Op::Close => {
                self.receiver.close(&mut wake);
                self.dropped.consumer_ended += self.throw_away();
                self.closed = true;
            }
            Op::Reset => {
                self.receiver.reset(&mut wake);
                self.dropped.flushed += self.throw_away();
                self.bound = Bound::START;
                self.seen_bound = Bound::START;
                self.ended = false;
            }
        }
        self.woken(&wakes);
        if matches!(op, Op::Pause) {
            self.check_nobody_waits_in_vain();
        }
    }

    fn check(&self) {
        let link = self.sender.link();
        let stats = link.stats();
        assert_eq!(link.room(), self.room());
        assert_eq!(stats.dropped, self.dropped);
        assert_eq!(stats.waiting, self.waiting());
        assert_eq!(stats.packets, self.sent);
        let accounted = self.taken + stats.dropped.total() + stats.waiting as u64;
        assert_eq!(self.sent, accounted, "nothing is lost without a word");
        assert!(stats.peak >= self.waiting());
        if let Some(bytes) = stats.waiting_bytes {
            assert_eq!(bytes, self.waiting_bytes());
        }
        if let Some(budget) = &self.settings.budget {
            assert_eq!(budget.used(), self.waiting_bytes());
            assert!(
                self.used_up() || !self.waits_for_budget,
                "a source sleeps on"
            );
        }
        if !self.closed {
            if self.keeps_bound() {
                assert_eq!(link.bound(), self.bound);
                assert_eq!(self.receiver.bound(), self.seen_bound);
            }
            let more = !self.buffer.is_empty() || !self.queue.is_empty();
            assert_eq!(self.receiver.has_more(), more);
            let entries: Vec<_> = self.receiver.entries().map(Entry::of).collect();
            assert_eq!(entries, self.buffer.iter().copied().collect::<Vec<_>>());
        }
    }

    fn check_nobody_waits_in_vain(&self) {
        assert!(
            !self.waits || self.room() == 0,
            "the wake-up for room was lost"
        );
    }

    /// The receiver takes all there is.
    fn drain(&mut self) {
        if self.closed {
            return;
        }
        self.apply(&Op::Refill);
        while self.pop() {}
        self.apply(&Op::Taken);
        self.check_nobody_waits_in_vain();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_link_does_what_its_model_does(
        settings in settings(),
        ops in proptest::collection::vec(op(), 0..120),
    ) {
        let mut model = Model::new(settings);
        for op in &ops {
            model.apply(op);
            model.check();
        }
        model.drain();
        model.check();
    }
}
