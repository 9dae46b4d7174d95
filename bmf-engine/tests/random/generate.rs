//! A case out of a seed. Knows of each stream what it carries, so that nodes get only inputs whose
//! outcome can be told.

use bmf_core::config::{Distribution, OnDeadlock, OnFull, ParallelConfig, TimeOrder};

use crate::case::{
    Case, Feed, FeedStep, ITEM_BYTES, Kind, Merging, Policy, Promising, Row, Settings, Spec, Wire,
};
use crate::model::{self, Stream};
use crate::rng::Rng;

/// Streams do not grow beyond this by bursts and merges.
const LONGEST: usize = 150;

/// The case that belongs to a seed.
pub(crate) fn case(seed: u64) -> Case {
    let mut rng = Rng::new(seed);
    let settings = settings(&mut rng);
    let most = rng.pick(&[6, 12, 30]);
    let nodes = rng.within(1, most);
    let mut making = Making {
        rng,
        case: Case {
            seed,
            settings,
            nodes: Vec::new(),
        },
        streams: Vec::new(),
    };
    while making.case.nodes.len() < nodes {
        making.add_something();
    }
    making.add_sinks();
    making.case
}

fn settings(rng: &mut Rng) -> Settings {
    let live = rng.chance(20);
    // Who feeds a graph that has used up its memory waits; nobody but the application can help that.
    let budgets: &[u64] = match live {
        true => &[1 << 40],
        false => &[1 << 40, 40 * ITEM_BYTES, 8 * ITEM_BYTES],
    };
    Settings {
        workers: rng.within(1, 4),
        queue_length_limit: rng.maybe(60, |rng| rng.within(1, 5)),
        memory_budget: rng.maybe(15, |rng| rng.pick(budgets)),
        on_deadlock: match rng.chance(4) {
            true => OnDeadlock::Fail,
            false => OnDeadlock::Relax,
        },
        executors: match rng.chance(20) {
            true => (0..rng.within(1, 2)).map(|_| rng.within(1, 2)).collect(),
            false => Vec::new(),
        },
        scheduler_count: rng.maybe(10, |rng| rng.within(1, 3)),
        live,
        one_by_one: rng.chance(30),
        pauses: match rng.chance(5) {
            true => rng.within(1, 20),
            false => 0,
        },
    }
}

struct Making {
    rng: Rng,
    case: Case,
    streams: Vec<Made>,
}

/// A stream that is there.
struct Made {
    node: usize,
    port: usize,
    stream: Stream,
    consumed: bool,
}

/// What a node needs of an input.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Need {
    /// Whatever it is.
    Any,
    /// Its times rise.
    Timed,
    /// It is known.
    Exact,
    /// It is known, and its times rise.
    TimedExact,
}

impl Making {
    fn add_something(&mut self) {
        let has_room = self.streams.iter().any(|made| made.stream.len() <= LONGEST);
        if !has_room || self.rng.chance(18) {
            return self.add_source();
        }
        match self.rng.below(20) {
            0 | 1 => self.add_pass(),
            2 => {
                let micros = self.rng.number(-3, 9);
                self.add_simple(Kind::Shift(micros));
            }
            3 | 4 => {
                let by = self.rng.number(1, 5);
                self.add_simple(Kind::Filter(by));
            }
            5 => self.add_burst(),
            6 => {
                let inside = self.rng.chance(50);
                self.add_quiet(Kind::Hold { inside });
            }
            7 | 8 => self.add_split(),
            9 => self.add_demux(),
            10 | 11 => self.add_merge(),
            12..=15 => self.add_join(),
            16 => {
                let inputs = self.choose(2, Need::Timed);
                self.add(Kind::Gate, inputs, true, true);
            }
            17 => self.add_mux(),
            _ => self.add_loop(),
        }
    }

    fn feed(&mut self, jumbled: bool) -> Feed {
        let rng = &mut self.rng;
        let most = rng.pick(&[3, 20, 60]);
        let count = rng.within(0, most);
        let mut time = rng.number(-3, 3);
        let gap = rng.pick(&[1, 1, 3, 40]);
        let mut items: Vec<Row> = Vec::new();
        for _ in 0..count {
            items.push((time, rng.number(0, 9999)));
            time += match jumbled {
                true => rng.number(-2, 3),
                false => rng.number(1, gap),
            };
        }
        let (bounds, pauses) = match jumbled {
            true => (0, rng.pick(&[0, 30])),
            false => (rng.pick(&[0, 0, 30, 90]), rng.pick(&[0, 0, 30])),
        };
        let batch = rng.pick(&[1, 1, 2, 8]);
        let mut steps = Vec::new();
        let mut left = count;
        while left > 0 || rng.chance(pauses) {
            let packets = match rng.chance(pauses) {
                true => 0,
                false => rng.within(1, batch).min(left),
            };
            left -= packets;
            let bound = rng.chance(bounds);
            steps.push(FeedStep { packets, bound });
        }
        Feed { items, steps }
    }

    fn add_source(&mut self) {
        let jumbled = self.rng.chance(10);
        let feed = self.feed(jumbled);
        let kind = match self.case.settings.live && self.rng.chance(50) {
            true => Kind::Fed(feed),
            false => Kind::Source(feed),
        };
        self.add(kind, Vec::new(), false, false);
    }

    fn add_pass(&mut self) {
        let count = self.rng.within(1, 3);
        let inputs = self.choose(count, Need::Any);
        self.add(Kind::Pass, inputs, true, true);
    }

    fn add_simple(&mut self, kind: Kind) {
        let inputs = self.choose(1, Need::Any);
        self.add(kind, inputs, true, true);
    }

    fn add_quiet(&mut self, kind: Kind) {
        let inputs = self.choose(1, Need::Any);
        self.add(kind, inputs, false, false);
    }

    fn add_burst(&mut self) {
        let kind = Kind::Burst {
            times: self.rng.number(0, 8),
            jumbled: self.rng.chance(20),
            early: self.rng.chance(20),
        };
        let inputs = self.choose(1, Need::Any);
        self.add(kind, inputs, false, true);
    }

    fn add_split(&mut self) {
        let outputs = self.rng.within(1, 4);
        let some_end = self.rng.chance(30);
        let rng = &mut self.rng;
        let ends = (0..outputs).map(|_| match some_end {
            true => rng.maybe(60, |rng| rng.below(20)),
            false => None,
        });
        let ends = ends.collect();
        let inputs = self.choose(1, Need::Any);
        self.add(Kind::Split { ends }, inputs, true, !some_end);
    }

    fn add_demux(&mut self) {
        let kind = Kind::Demux {
            outputs: self.rng.within(2, 4),
            any_room: self.rng.chance(60),
        };
        let inputs = self.choose(1, Need::Any);
        self.add(kind, inputs, true, false);
    }

    fn add_merge(&mut self) {
        let manager = self.rng.pick(&[
            Merging::Immediate,
            Merging::Immediate,
            Merging::Timed,
            Merging::Server,
        ]);
        let count = self.rng.within(1, 4);
        let inputs = self.choose(
            count,
            match manager {
                Merging::Immediate => Need::Any,
                Merging::Timed | Merging::Server => Need::Timed,
            },
        );
        let mut offset = 0;
        let offsets = inputs.iter().map(|wire| {
            let lanes = self.stream(wire).lanes.len();
            offset += lanes as u32;
            offset - lanes as u32
        });
        let kind = Kind::Merge {
            manager,
            offsets: offsets.collect(),
        };
        self.add(kind, inputs, false, manager != Merging::Server);
    }

    fn add_join(&mut self) {
        let count = self.rng.within(1, 4);
        let rng = &mut self.rng;
        let (policy, need) = match rng.below(16) {
            0..=4 => (Policy::Default { batch_size: 1 }, Need::Timed),
            5 | 6 => {
                let batch_size = rng.within(2, 5);
                (Policy::Default { batch_size }, Need::Timed)
            }
            7 | 8 => (Policy::EarlyClose, Need::Timed),
            9 => (sync_set(rng, count), Need::Timed),
            10 => (Policy::Barrier, Need::Exact),
            11 => (fixed_size(rng), Need::Timed),
            12..=14 => (frame_sync(rng, count), Need::TimedExact),
            _ if rng.chance(50) => (Policy::ClockSync, Need::Timed),
            _ => (Policy::TimestampAlign, Need::Timed),
        };
        // Only where rows come in order of time can anything be promised.
        let promises = matches!(
            policy,
            Policy::Default { .. } | Policy::EarlyClose | Policy::FixedSize { .. }
        );
        let inputs = self.choose(count, need);
        self.add(Kind::Join(policy), inputs, promises, true);
    }

    fn add_mux(&mut self) {
        let count = self.rng.within(1, 3);
        let inputs = self.choose(count, Need::TimedExact);
        let feed = self.feed(false);
        let number = |(time, value): Row| (time, value % (count as i64 + 1));
        let control = feed.items.into_iter().map(number).collect();
        self.add(Kind::Mux { control }, inputs, true, false);
    }

    fn add_loop(&mut self) {
        if self.rng.chance(25) {
            return self.add_quiet(Kind::Echo);
        }
        let inputs = self.choose(1, Need::TimedExact);
        let kind = match self.rng.below(3) {
            0 => {
                let stream = self.stream(&inputs[0]);
                let times = stream.rows().iter().map(|&(time, _)| time);
                Kind::RunningSum {
                    times: times.collect(),
                }
            }
            1 => Kind::Previous {
                passes: self.rng.below(3),
            },
            _ => Kind::Limiter {
                in_flight: self.rng.within(1, 3),
                in_queue: self.rng.below(3),
            },
        };
        self.add(kind, inputs, true, false);
    }

    /// Something to take each stream that nobody takes.
    fn add_sinks(&mut self) {
        for index in 0..self.streams.len() {
            if self.streams[index].consumed {
                continue;
            }
            let mut wire = self.wire(index, true);
            let stream = model::through(&wire, &self.streams[index].stream);
            let until = self
                .rng
                .maybe(8, |rng| rng.below(30))
                .filter(|_| stream.is_exact());
            let timed = stream.is_sorted() && self.rng.chance(20);
            // A stream that no node makes or takes ends when the nodes do.
            let is_fed = matches!(self.case.nodes[wire.node].kind, Kind::Fed(_));
            let kind = match self.case.settings.live && !is_fed && self.rng.chance(50) {
                true => Kind::Read { until },
                false => Kind::Sink { until, timed },
            };
            if wire.order == Some(TimeOrder::Error) && !stream.is_sorted() {
                wire.order = None;
            }
            let parallel = until.is_none() && matches!(kind, Kind::Sink { .. });
            self.add(kind, vec![wire], false, parallel);
        }
    }

    /// Adds a node that may promise something, and may be parallel.
    fn add(&mut self, kind: Kind, inputs: Vec<Wire>, promises: bool, parallel: bool) {
        let received: Vec<_> = inputs.iter().map(|wire| self.stream(wire)).collect();
        let is_sorted = received.iter().all(Stream::is_sorted);
        // What leaves out packets may bring times in order that go back; a promise would not fit.
        let is_known_unsorted = |stream: &Stream| stream.lanes.len() == 1 && !stream.is_sorted();
        let promises = promises && !received.iter().any(is_known_unsorted);
        let rng = &mut self.rng;
        let id = self.case.nodes.len();
        let promise = match rng.below(4) {
            0 if promises && is_sorted => Promising::Calls,
            0..=2 if promises => Promising::Promise,
            _ => Promising::Nothing,
        };
        let spec = Spec {
            id,
            kind,
            inputs,
            promise,
            limit: rng.maybe(30, |rng| rng.within(1, 5)),
            bytes: rng.maybe(6, |rng| ITEM_BYTES * rng.within(1, 5) as u64),
            batch: rng.maybe(25, |rng| rng.within(1, 4)),
            executor: match self.case.settings.executors.len() {
                0 => None,
                count => rng.maybe(50, |rng| rng.below(count)),
            },
            scheduler: self
                .case
                .settings
                .scheduler_count
                .map(|count| rng.below(count)),
            parallel: rng.maybe(20, parallel_config).filter(|_| parallel),
            lag: rng.pick(&[0, 0, 0, 5, 40]),
        };
        for (port, stream) in model::outputs(&spec, &received).into_iter().enumerate() {
            self.streams.push(Made {
                node: id,
                port,
                stream,
                consumed: false,
            });
        }
        self.case.nodes.push(spec);
    }

    /// So many streams that fit; sources are added where there are none.
    fn choose(&mut self, count: usize, need: Need) -> Vec<Wire> {
        (0..count).map(|_| self.choose_one(need)).collect()
    }

    fn choose_one(&mut self, need: Need) -> Wire {
        let unconsumed = self.rng.chance(65);
        let fits = |made: &&Made| made.stream.len() <= LONGEST && need.fits(&made.stream);
        let mut found: Vec<usize> = Vec::new();
        for only_unconsumed in [unconsumed, false] {
            let streams = self.streams.iter().enumerate();
            let streams = streams.filter(|(_, made)| fits(made));
            let streams = streams.filter(|(_, made)| !only_unconsumed || !made.consumed);
            found = streams.map(|(index, _)| index).collect();
            if !found.is_empty() {
                break;
            }
        }
        if found.is_empty() {
            let feed = self.feed(false);
            self.add(Kind::Source(feed), Vec::new(), false, false);
            found.push(self.streams.len() - 1);
        }
        let index = self.rng.pick(&found);
        self.streams[index].consumed = true;
        let mut wire = self.wire(index, !need.is_exact());
        if need.is_timed() && !self.streams[index].stream.is_sorted() {
            wire.order = Some(self.rng.pick(&[TimeOrder::Drop, TimeOrder::Clamp]));
        }
        wire
    }

    fn wire(&mut self, index: usize, may_lose: bool) -> Wire {
        let made = &self.streams[index];
        let rng = &mut self.rng;
        let drops = [OnFull::DropOldest, OnFull::DropNewest, OnFull::Latest];
        let is_plain = made.stream.is_exact() && made.stream.plain;
        let mut orders = vec![];
        if made.stream.is_sorted() {
            orders.extend([TimeOrder::Error, TimeOrder::Any]);
        }
        if made.stream.is_sorted() || is_plain {
            orders.extend([TimeOrder::Drop, TimeOrder::Clamp]);
        }
        Wire {
            node: made.node,
            port: made.port,
            limit: rng.maybe(20, |rng| rng.within(1, 5)),
            on_full: rng.maybe(6, |rng| rng.pick(&drops)).filter(|_| may_lose),
            order: match orders.is_empty() {
                true => None,
                false => rng.maybe(10, |rng| rng.pick(&orders)),
            },
        }
    }

    fn stream(&self, wire: &Wire) -> Stream {
        let mut streams = self.streams.iter();
        let made = streams.find(|made| (made.node, made.port) == (wire.node, wire.port));
        model::through(
            wire,
            &made.expect("only streams that are there are taken").stream,
        )
    }
}

impl Need {
    fn is_timed(self) -> bool {
        matches!(self, Self::Timed | Self::TimedExact)
    }

    fn is_exact(self) -> bool {
        matches!(self, Self::Exact | Self::TimedExact)
    }

    fn fits(self, stream: &Stream) -> bool {
        // Times that go back can be put in order where nothing but packets tells of times.
        let can_be_sorted = stream.is_sorted() || (stream.is_exact() && stream.plain);
        (!self.is_timed() || can_be_sorted) && (!self.is_exact() || stream.is_exact())
    }
}

fn parallel_config(rng: &mut Rng) -> ParallelConfig {
    ParallelConfig {
        instances: rng.within(1, 4),
        distribution: rng.pick(&[Distribution::RoundRobin, Distribution::LeastLoaded]),
    }
}

fn sync_set(rng: &mut Rng, inputs: usize) -> Policy {
    let count = rng.within(1, inputs);
    let mut sets = vec![Vec::new(); count];
    for port in 0..inputs {
        sets[rng.below(count)].push(port);
    }
    sets.retain(|set| !set.is_empty());
    Policy::SyncSet { sets }
}

fn fixed_size(rng: &mut Rng) -> Policy {
    let trigger = rng.within(1, 4);
    Policy::FixedSize {
        trigger,
        target: rng.within(1, trigger),
        min: rng.chance(50),
    }
}

fn frame_sync(rng: &mut Rng, inputs: usize) -> Policy {
    Policy::FrameSync {
        primary: rng.below(inputs),
        before: rng.pick(&["first", "empty", "drop"]),
        at_end: rng.pick(&["repeat", "end", "empty"]),
    }
}
