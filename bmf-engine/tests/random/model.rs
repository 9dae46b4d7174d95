//! What each stream of a graph carries, worked out with plain vectors.
//!
//! What is known of a stream is a number of *lanes*: sequences whose packets keep their order while
//! those of different lanes may come in any order. A merge makes lanes; the packets say which one
//! they belong to.

use std::collections::BTreeMap;

use bmf_core::config::{OnFull, TimeOrder};

use crate::case::{Kind, Policy, Promising, Row, Spec, Wire};
use crate::framesync;

/// How well a lane is known.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// Exactly these packets.
    Exact,
    /// Some of them, in that order.
    Part,
    /// At some of these times, in that order; the values are not known.
    Times,
    /// Nothing is known.
    Unknown,
}

#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) rows: Vec<Row>,
    pub(crate) how: How,
}

#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) lanes: Vec<Lane>,
    /// Whether its bound is nothing but what follows from its packets.
    pub(crate) plain: bool,
}

/// What was received: lane, time, value.
pub(crate) type Got = (u32, i64, i64);

impl Lane {
    pub(crate) fn exact(rows: Vec<Row>) -> Self {
        let how = How::Exact;
        Self { rows, how }
    }

    fn unknown() -> Self {
        let (rows, how) = (Vec::new(), How::Unknown);
        Self { rows, how }
    }

    fn at_most(&self, how: How) -> Self {
        Self {
            rows: self.rows.clone(),
            how: self.how.max(how),
        }
    }
}

impl Stream {
    fn of(lane: Lane, plain: bool) -> Self {
        Self {
            lanes: vec![lane],
            plain,
        }
    }

    /// Whether its packets and their order are known.
    pub(crate) fn is_exact(&self) -> bool {
        matches!(&self.lanes[..], [lane] if lane.how == How::Exact)
    }

    /// Whether its times rise, whatever is missing.
    pub(crate) fn is_sorted(&self) -> bool {
        let [lane] = &self.lanes[..] else {
            return false;
        };
        lane.how != How::Unknown && lane.rows.is_sorted_by(|(a, _), (b, _)| a < b)
    }

    pub(crate) fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.rows.len()).sum()
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.lanes[0].rows
    }

    fn how(&self) -> How {
        self.lanes
            .iter()
            .map(|lane| lane.how)
            .max()
            .unwrap_or(How::Exact)
    }

    fn map(&self, plain: bool, lane: impl FnMut(&Lane) -> Lane) -> Self {
        Self {
            lanes: self.lanes.iter().map(lane).collect(),
            plain,
        }
    }
}

/// What of a stream reaches its consumer through a link.
pub(crate) fn through(wire: &Wire, stream: &Stream) -> Stream {
    let mut stream = stream.clone();
    if let Some(order @ (TimeOrder::Drop | TimeOrder::Clamp)) = wire.order
        && stream.is_exact()
    {
        let rows = in_order(&stream.lanes[0].rows, order);
        stream.lanes = vec![Lane::exact(rows)];
    }
    match wire.on_full {
        None | Some(OnFull::Block) => stream,
        Some(_) => stream.map(stream.plain, |lane| lane.at_most(How::Part)),
    }
}

fn in_order(rows: &[Row], order: TimeOrder) -> Vec<Row> {
    let mut bound = i64::MIN;
    let mut kept = Vec::new();
    for &(time, value) in rows {
        let time = match order {
            TimeOrder::Clamp => time.max(bound),
            _ => time,
        };
        if time >= bound {
            kept.push((time, value));
            bound = time + 1;
        }
    }
    kept
}

/// What a join makes of the packets of one time.
pub(crate) fn row(values: impl IntoIterator<Item = Option<i64>>) -> i64 {
    values.into_iter().fold(1, |sum: i64, value| {
        let value = value.map_or(7, |value| value.wrapping_mul(2).wrapping_add(1));
        sum.wrapping_mul(31).wrapping_add(value)
    })
}

/// What a node sends when it receives `inputs`.
pub(crate) fn outputs(spec: &Spec, inputs: &[Stream]) -> Vec<Stream> {
    let plain = spec.promise == Promising::Nothing;
    let each = |each: &dyn Fn(Row) -> Vec<Row>| {
        let rows = |lane: &Lane| lane.rows.iter().flat_map(|&row| each(row)).collect();
        vec![inputs[0].map(plain, |lane| Lane {
            rows: rows(lane),
            how: lane.how,
        })]
    };
    match &spec.kind {
        Kind::Source(feed) | Kind::Fed(feed) => {
            let plain = !feed.steps.iter().any(|step| step.bound);
            vec![Stream::of(Lane::exact(feed.items.clone()), plain)]
        }
        Kind::Pass => inputs
            .iter()
            .map(|input| input.map(plain, Lane::clone))
            .collect(),
        Kind::Shift(micros) => each(&|(time, value)| vec![(time + micros, value)]),
        Kind::Filter(by) => {
            let keeps = |&(_, value): &Row| value % by != 0;
            vec![inputs[0].map(plain, |lane| match lane.how {
                How::Times => lane.clone(),
                how => Lane {
                    rows: lane.rows.iter().copied().filter(keeps).collect(),
                    how,
                },
            })]
        }
        Kind::Burst { times, jumbled, .. } => each(&|row| burst(row, *times, *jumbled)),
        Kind::Hold { .. } => each(&|row| vec![row]),
        Kind::Split { ends } => {
            let end = |end: &Option<usize>| split(&inputs[0], *end, plain);
            ends.iter().map(end).collect()
        }
        Kind::Demux { outputs, .. } => {
            let part = |output| demux(&inputs[0], output, *outputs, plain);
            (0..*outputs).map(part).collect()
        }
        Kind::Merge { .. } => {
            let lanes = inputs.iter().flat_map(|input| input.lanes.iter().cloned());
            vec![Stream {
                lanes: lanes.collect(),
                plain,
            }]
        }
        Kind::Join(policy) => vec![Stream {
            lanes: join(policy, inputs),
            plain,
        }],
        Kind::Gate => vec![Stream::of(gate(&inputs[0], &inputs[1]), plain)],
        Kind::Mux { control } => vec![Stream::of(mux(inputs, control), plain)],
        Kind::RunningSum { .. } => vec![Stream::of(chain(inputs[0].rows(), Some(0)), plain)],
        Kind::Previous { .. } => vec![Stream::of(chain(inputs[0].rows(), None), plain)],
        Kind::Limiter { .. } => vec![inputs[0].map(plain, |lane| lane.at_most(How::Part))],
        Kind::Echo => vec![Stream {
            lanes: inputs[0].lanes.iter().flat_map(echo).collect(),
            plain,
        }],
        Kind::Sink { .. } | Kind::Read { .. } => Vec::new(),
        Kind::Delay { .. } | Kind::Control(_) | Kind::Return => {
            unreachable!("these are parts of other kinds")
        }
    }
}

pub(crate) fn burst((time, value): Row, times: i64, jumbled: bool) -> Vec<Row> {
    let number = |number| match jumbled {
        true => (time * times + (number * 7) % times - times, value + number),
        false => (time * times + number, value + number),
    };
    (0..times).map(number).collect()
}

fn split(input: &Stream, end: Option<usize>, plain: bool) -> Stream {
    let Some(end) = end else {
        return input.map(plain, Lane::clone);
    };
    if input.is_exact() {
        let rows = input.rows().iter().take(end).copied();
        return Stream::of(Lane::exact(rows.collect()), plain);
    }
    input.map(plain, |lane| lane.at_most(How::Part))
}

fn demux(input: &Stream, output: usize, of: usize, plain: bool) -> Stream {
    if input.is_exact() {
        let rows = input.rows().iter().skip(output).step_by(of).copied();
        return Stream::of(Lane::exact(rows.collect()), plain);
    }
    input.map(plain, |lane| lane.at_most(How::Part))
}

fn join(policy: &Policy, inputs: &[Stream]) -> Vec<Lane> {
    let how = inputs.iter().map(Stream::how).max().unwrap_or(How::Exact);
    let all: Vec<_> = (0..inputs.len()).collect();
    let whole = |inputs: &[Stream], ports: &[usize]| Lane {
        rows: in_time(inputs, ports),
        how: match inputs.iter().map(Stream::how).max() {
            None | Some(How::Exact) => How::Exact,
            Some(_) => How::Times,
        },
    };
    let lane = match policy {
        _ if how == How::Unknown => Lane::unknown(),
        Policy::ClockSync | Policy::TimestampAlign => Lane::unknown(),
        Policy::Default { .. } => whole(inputs, &all),
        Policy::FixedSize { .. } => whole(inputs, &all).at_most(How::Part),
        Policy::EarlyClose => early_close(inputs, whole(inputs, &all)),
        Policy::SyncSet { sets } => {
            let of_set = |set: &Vec<usize>| Lane {
                rows: in_time(inputs, set),
                how: match set.iter().map(|&port| inputs[port].how()).max() {
                    None | Some(How::Exact) => How::Exact,
                    Some(_) => How::Times,
                },
            };
            return sets.iter().map(of_set).collect();
        }
        Policy::Barrier => Lane::exact(barrier(inputs)),
        Policy::FrameSync {
            primary,
            before,
            at_end,
        } => {
            let inputs: Vec<_> = inputs.iter().map(Stream::rows).collect();
            Lane::exact(framesync::rows(&inputs, *primary, before, at_end))
        }
    };
    vec![lane]
}

/// The packets of equal times together. Ports that are not named count as empty.
fn in_time(inputs: &[Stream], ports: &[usize]) -> Vec<Row> {
    let mut by_time: BTreeMap<i64, Vec<Option<i64>>> = BTreeMap::new();
    for &port in ports {
        for &(time, value) in inputs[port].rows() {
            let values = by_time
                .entry(time)
                .or_insert_with(|| vec![None; inputs.len()]);
            values[port] = Some(value);
        }
    }
    let rows = by_time.into_iter();
    rows.map(|(time, values)| (time, row(values))).collect()
}

/// All up to the last time of the input that ends first. What comes after it may come as well, where
/// a bound was ahead of the end.
fn early_close(inputs: &[Stream], mut lane: Lane) -> Lane {
    if !inputs.iter().all(|input| input.plain) {
        return lane.at_most(How::Part);
    }
    if lane.how == How::Exact {
        let last = |input: &Stream| input.rows().last().map(|&(time, _)| time);
        let end = inputs.iter().map(last).min().flatten();
        lane.rows.retain(|&(time, _)| Some(time) <= end);
    }
    lane
}

fn barrier(inputs: &[Stream]) -> Vec<Row> {
    let count = inputs.iter().map(Stream::len).min().unwrap_or(0);
    let one = |number: usize| {
        let values = inputs.iter().map(|input| Some(input.rows()[number].1));
        (inputs[0].rows()[number].0, row(values))
    };
    (0..count).map(one).collect()
}

fn gate(data: &Stream, control: &Stream) -> Lane {
    let how = data.how().max(control.how());
    let odd = |value: i64| value % 2 != 0;
    let opens = |at: i64| {
        let mut rows = control.rows().iter();
        rows.any(|&(time, value)| time == at && (odd(value) || control.how() == How::Times))
    };
    let rows = data.rows().iter().copied().filter(|&(time, _)| opens(time));
    Lane {
        rows: rows.collect(),
        how: match (data.how(), how) {
            (How::Times, _) => How::Times,
            (_, How::Exact) => How::Exact,
            _ => How::Part,
        },
    }
}

fn mux(inputs: &[Stream], control: &[Row]) -> Lane {
    let named = |&(time, number): &Row| {
        let input = inputs.get(usize::try_from(number).ok()?)?;
        let mut rows = input.rows().iter();
        rows.find(|&&(at, _)| at == time).copied()
    };
    Lane::exact(control.iter().filter_map(named).collect())
}

/// Each value joined with what was made of the one before.
fn chain(rows: &[Row], first: Option<i64>) -> Lane {
    let mut last = first;
    let rows = rows.iter().map(|&(time, value)| {
        let made = row([Some(value), last]);
        last = Some(made);
        (time, made)
    });
    Lane::exact(rows.collect())
}

/// How often a packet may go round a loop, and once more.
pub(crate) const ROUNDS: u32 = 4;

/// Whether a packet that has gone round so often does so again.
pub(crate) fn goes_round(value: i64, rounds: u32) -> bool {
    rounds + 1 < ROUNDS && value % i64::from(rounds + 2) == 0
}

fn echo(lane: &Lane) -> Vec<Lane> {
    let mut lanes = vec![lane.clone()];
    for rounds in 0..ROUNDS - 1 {
        let mut next = lanes[rounds as usize].clone();
        if next.how != How::Times {
            next.rows.retain(|&(_, value)| goes_round(value, rounds));
        }
        lanes.push(next);
    }
    lanes
}

/// What is wrong with what came of a stream; `in_order`: whether its order was seen.
pub(crate) fn differs(
    stream: &Stream,
    got: &[Got],
    until: Option<usize>,
    in_order: bool,
) -> Option<String> {
    let lanes = stream.lanes.len();
    if let Some(stray) = got
        .iter()
        .find(|(lane, ..)| lanes > 1 && *lane as usize >= lanes)
    {
        return Some(format!("{stray:?} is of no lane"));
    }
    for (number, lane) in stream.lanes.iter().enumerate() {
        let got = got
            .iter()
            .filter(|(at, ..)| *at as usize == number || lanes == 1);
        let mut got: Vec<Row> = got.map(|&(_, time, value)| (time, value)).collect();
        let mut wanted = lane.rows.clone();
        wanted.truncate(until.unwrap_or(usize::MAX));
        if !in_order {
            got.sort_unstable();
            wanted.sort_unstable();
        }
        let fits = match lane.how {
            How::Exact => got == wanted,
            How::Part => is_part(&got, &wanted),
            How::Times => {
                let times =
                    |rows: &[Row]| rows.iter().map(|&(time, _)| (time, 0)).collect::<Vec<_>>();
                is_part(&times(&got), &times(&wanted))
            }
            How::Unknown => true,
        };
        if !fits {
            return Some(format!(
                "lane {number}: {:?} was to be\n  {wanted:?}\nbut is\n  {got:?}",
                lane.how
            ));
        }
    }
    None
}

/// Whether `part` is left of `whole` when some are taken out.
fn is_part(part: &[Row], whole: &[Row]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|row| whole.any(|other| other == row))
}
