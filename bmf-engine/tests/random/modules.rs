//! The modules of the nodes, as closures around what their kind says.

use std::sync::Arc;

use bmf_core::drive::DriveOutput;
use bmf_core::{Flow, ModuleError, Promise, Task};
use bmf_hmp::{Bound, Packet, Timestamp};

use crate::bench::{Bench, item};
use crate::case::{Feed, Kind, Merging, Policy, Promising, Spec};
use crate::model;

type Process = dyn FnMut(&mut Task) -> Result<Flow, ModuleError> + Send;
type Start = dyn FnMut(&mut Task) + Send;

/// What a module does.
pub(crate) struct Behaviour {
    pub(crate) promise: Promise,
    pub(crate) start: Option<Box<Start>>,
    pub(crate) process: Box<Process>,
}

impl Behaviour {
    fn new(process: impl FnMut(&mut Task) -> Result<Flow, ModuleError> + Send + 'static) -> Self {
        Self {
            promise: Promise::None,
            start: None,
            process: Box::new(process),
        }
    }

    /// Takes packets one by one: `each` gets the port and the packet.
    fn each(mut each: impl FnMut(&mut Task, usize, Packet) + Send + 'static) -> Self {
        Self::new(move |task| {
            for port in 0..task.inputs().len() {
                while let Some(packet) = task.pop(port) {
                    each(task, port, packet);
                }
            }
            Ok(Flow::Wait)
        })
    }
}

/// The module of a node.
pub(crate) fn behaviour(spec: &Spec, bench: &Arc<Bench>) -> Behaviour {
    let mut behaviour = of_kind(spec, bench);
    match spec.promise {
        Promising::Nothing => {}
        Promising::Promise => {
            behaviour.promise = match spec.kind {
                Kind::Pass => Promise::PerPort,
                _ => Promise::Offset(spec.kind.offset()),
            }
        }
        Promising::Calls => {
            let (kind, mut process) = (spec.kind.clone(), behaviour.process);
            behaviour.process = Box::new(move |task| {
                let flow = process(task)?;
                tell_bounds(&kind, task);
                Ok(flow)
            });
        }
    }
    behaviour
}

fn of_kind(spec: &Spec, bench: &Arc<Bench>) -> Behaviour {
    let bench = Arc::clone(bench);
    match spec.kind.clone() {
        Kind::Source(feed) => source(feed, bench),
        Kind::Pass => Behaviour::each(|task, port, packet| task.push(port, packet)),
        Kind::Shift(micros) => Behaviour::each(move |task, _, packet| {
            let time = packet.timestamp().saturating_add(micros);
            task.push(0, packet.with_timestamp(time));
        }),
        Kind::Filter(by) => Behaviour::each(move |task, _, packet| {
            if item(&packet).value % by != 0 {
                task.push(0, packet);
            }
        }),
        Kind::Burst {
            times,
            jumbled,
            early,
        } => burst(times, jumbled, early, bench),
        Kind::Hold { inside: false } => hold_on_input(),
        Kind::Hold { inside: true } => hold_inside(),
        Kind::Split { ends } => split(ends),
        Kind::Demux { any_room, .. } => demux(any_room),
        Kind::Merge { manager, offsets } => merge(manager, offsets, bench),
        Kind::Join(policy) => join(policy, bench),
        Kind::RunningSum { .. } => join(Policy::EarlyClose, bench),
        Kind::Previous { .. } => join(Policy::Default { batch_size: 1 }, bench),
        Kind::Gate => gate(),
        Kind::Mux { .. } => Behaviour::new(|task| {
            for port in 0..task.inputs().len() - 1 {
                while let Some(packet) = task.pop(port) {
                    task.push(0, packet);
                }
            }
            let control = task.inputs().len() - 1;
            while task.pop(control).is_some() {}
            Ok(Flow::Wait)
        }),
        Kind::Limiter { .. } => Behaviour::each(|task, _, packet| task.push(0, packet)),
        Kind::Echo => Behaviour::each(move |task, port, packet| {
            let of = item(&packet);
            let lane = match port {
                0 => of.lane * model::ROUNDS,
                _ => of.lane,
            };
            task.push(0, bench.packet(packet.timestamp().micros(), of.value, lane));
        }),
        Kind::Return => Behaviour::each(move |task, _, packet| {
            let of = item(&packet);
            if model::goes_round(of.value, of.lane % model::ROUNDS) {
                let time = packet.timestamp().micros();
                task.push(0, bench.packet(time, of.value, of.lane + 1));
            }
        }),
        Kind::Delay { times } => delay(times, bench),
        Kind::Control(rows) => control(rows),
        Kind::Sink { until, .. } => sink(spec.id, until, bench),
        Kind::Fed(_) | Kind::Read { .. } => unreachable!("the application does this"),
    }
}

/// Promises call by call what a `Promise` would promise.
fn tell_bounds(kind: &Kind, task: &mut Task) {
    let bounds: Vec<Bound> = task
        .inputs()
        .iter()
        .map(|input| match input.packets.front() {
            Some(packet) => Bound::at(packet.timestamp()),
            None => input.bound(),
        })
        .collect();
    let lowest = bounds.iter().min().copied().unwrap_or(Bound::NOTHING);
    for (port, output) in task.outputs_mut().iter_mut().enumerate() {
        output.set_bound(match kind {
            Kind::Pass => bounds[port].shifted(0),
            kind => lowest.shifted(kind.offset()),
        });
    }
}

fn source(feed: Feed, bench: Arc<Bench>) -> Behaviour {
    let mut items = feed.items.into_iter().peekable();
    let mut steps = feed.steps.into_iter();
    Behaviour::new(move |task| {
        let Some(step) = steps.next() else {
            return Ok(Flow::Done);
        };
        let mut last = None;
        for (time, value) in items.by_ref().take(step.packets) {
            task.push(0, bench.packet(time, value, 0));
            last = Some(time);
        }
        if step.bound {
            task.outputs_mut()[0].set_bound(bound_behind(items.peek().map(|row| row.0), last));
        }
        Ok(Flow::More)
    })
}

/// What a source promises when it knows what comes next, and what it has just sent.
pub(crate) fn bound_behind(next: Option<i64>, last: Option<i64>) -> Bound {
    match (next, last) {
        (Some(next), _) => Bound::at(Timestamp::from_micros(next)),
        (None, Some(last)) => Bound::at(Timestamp::from_micros(last + 5)),
        (None, None) => Bound::NOTHING,
    }
}

fn burst(times: i64, jumbled: bool, early: bool, bench: Arc<Bench>) -> Behaviour {
    Behaviour::new(move |task| {
        while let Some(packet) = task.pop(0) {
            let of = item(&packet);
            let row = (packet.timestamp().micros(), of.value);
            for (time, value) in model::burst(row, times, jumbled) {
                task.push(0, bench.packet(time, value, of.lane));
            }
            if early {
                task.flush_outputs()?;
            }
        }
        Ok(Flow::Wait)
    })
}

fn hold_on_input() -> Behaviour {
    Behaviour::new(|task| {
        if !task.inputs()[0].ended {
            return Ok(Flow::Wait);
        }
        match task.pop(0) {
            Some(packet) => task.push(0, packet),
            None => return Ok(Flow::Done),
        }
        Ok(Flow::More)
    })
}

fn hold_inside() -> Behaviour {
    let mut held = Vec::new();
    Behaviour::new(move |task| {
        held.extend(task.inputs_mut()[0].packets.drain(..));
        if task.inputs_ended() {
            held.drain(..).for_each(|packet| task.push(0, packet));
        }
        Ok(Flow::Wait)
    })
}

fn split(ends: Vec<Option<usize>>) -> Behaviour {
    let mut seen = 0;
    Behaviour::new(move |task| {
        while let Some(packet) = task.pop(0) {
            for (port, end) in ends.iter().enumerate() {
                if *end == Some(seen) {
                    task.outputs_mut()[port].end();
                }
                task.push(port, packet.clone());
            }
            seen += 1;
        }
        let all_ended = ends.iter().all(|end| end.is_some_and(|end| end < seen));
        Ok(match all_ended {
            true => Flow::Done,
            false => Flow::Wait,
        })
    })
}

fn demux(any_room: bool) -> Behaviour {
    let mut next = 0;
    Behaviour::new(move |task| {
        while !task.inputs()[0].packets.is_empty() {
            let output = &mut task.outputs_mut()[next];
            let room = output.room();
            if any_room && output.is_open() && room == 0 {
                break;
            }
            output.set_room(room.saturating_sub(1));
            if let Some(packet) = task.pop(0) {
                task.push(next, packet);
            }
            next = (next + 1) % task.outputs().len();
        }
        Ok(Flow::Wait)
    })
}

fn merge(manager: Merging, offsets: Vec<u32>, bench: Arc<Bench>) -> Behaviour {
    Behaviour::new(move |task| {
        for (port, offset) in offsets.iter().enumerate() {
            while let Some(packet) = task.pop(port) {
                let time = packet.timestamp();
                if manager == Merging::Timed && task.timestamp() != Some(time) {
                    let at = task.timestamp();
                    let text = format!("a packet at {time} in a task for {at:?}");
                    return Err(ModuleError::new(text));
                }
                let of = item(&packet);
                let lane = offset + of.lane;
                task.push(0, bench.packet(time.micros(), of.value, lane));
            }
        }
        Ok(Flow::Wait)
    })
}

fn join(policy: Policy, bench: Arc<Bench>) -> Behaviour {
    let lane_of = move |port: usize| match &policy {
        Policy::SyncSet { sets } => sets.iter().position(|set| set.contains(&port)).unwrap_or(0),
        _ => 0,
    };
    Behaviour::new(move |task| {
        let ports = 0..task.inputs().len();
        let packets: Vec<_> = ports.map(|port| task.pop(port)).collect();
        if task.inputs().iter().any(|input| !input.packets.is_empty()) {
            return Err(ModuleError::new("more than one packet of an input"));
        }
        let firsts = packets.iter().enumerate();
        let first = firsts
            .filter_map(|(port, packet)| Some((port, packet.as_ref()?)))
            .next();
        let Some((port, first)) = first else {
            return Ok(Flow::Wait);
        };
        let time = task.timestamp().unwrap_or(first.timestamp());
        let times = packets.iter().flatten().map(Packet::timestamp);
        if task.timestamp().is_some() && times.clone().any(|other| other != time) {
            let times: Vec<_> = times.collect();
            return Err(ModuleError::new(format!("{times:?} in a task for {time}")));
        }
        let values = packets
            .iter()
            .map(|packet| packet.as_ref().map(|packet| item(packet).value));
        let value = model::row(values);
        let lane = u32::try_from(lane_of(port)).unwrap();
        task.push(0, bench.packet(time.micros(), value, lane));
        Ok(Flow::Wait)
    })
}

fn gate() -> Behaviour {
    Behaviour::new(|task| {
        let (data, control) = (task.pop(0), task.pop(1));
        let opens = control.is_some_and(|packet| item(&packet).value % 2 != 0);
        if let Some(packet) = data.filter(|_| opens) {
            task.push(0, packet);
        }
        Ok(Flow::Wait)
    })
}

fn delay(times: Vec<i64>, bench: Arc<Bench>) -> Behaviour {
    let first = times.first().copied();
    let mut later = times.into_iter().skip(1);
    let of_start = Arc::clone(&bench);
    let mut behaviour = Behaviour::each(move |task, _, packet| {
        if let Some(time) = later.next() {
            task.push(0, bench.packet(time, item(&packet).value, 0));
        }
    });
    behaviour.start = Some(Box::new(move |task| {
        if let Some(time) = first {
            task.push(0, of_start.packet(time, 0, 0));
        }
    }));
    behaviour
}

fn control(rows: Vec<(i64, i64)>) -> Behaviour {
    let mut rows = rows.into_iter();
    Behaviour::new(move |task| {
        let Some((time, number)) = rows.next() else {
            return Ok(Flow::Done);
        };
        task.push(0, Packet::new(Timestamp::from_micros(time), number));
        Ok(Flow::More)
    })
}

fn sink(id: usize, until: Option<usize>, bench: Arc<Bench>) -> Behaviour {
    let mut left = until;
    Behaviour::new(move |task| {
        while left != Some(0) {
            let Some(packet) = task.pop(0) else {
                return Ok(Flow::Wait);
            };
            bench.receive(id, &packet);
            left = left.map(|left| left - 1);
        }
        Ok(Flow::Done)
    })
}
