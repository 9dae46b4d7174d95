//! The test nodes of the behaviour cases. "Offset d" is the promise of that name; a node takes at
//! most one packet from each input per task.

use bmf_core::{Flow, ModuleError, Task};
use bmf_hmp::{Bound, Packet, Timestamp};

use crate::nodes::{Behaviour, Kind, Setup, kind};
use crate::text::{self, show_value};

pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        kind("pass", |_| pass().offset(0)),
        kind("gate2", |_| gate()),
        kind("valve", |_| valve()),
        kind("even", |_| even()),
        kind("sum", |_| sum()),
        kind("merge2", |_| merge()),
        kind("mstr", |_| mstr()),
        kind("shift", |setup| shift(setup.args[0]).offset(setup.args[0])),
        kind("future3", |_| shift(3)),
        kind("silent0", |_| Behaviour::at_each(|_, _| {}).offset(0)),
        kind("bound1", |_| Behaviour::at_each(raise)),
        kind("delay1", |_| delay(1)),
        kind("delay20", |_| delay(20).offset(20)),
        kind("delay_min", |_| delay_min()),
        kind("tsprobe", |_| tsprobe()),
        kind("bprobe", |_| bprobe()).timed().wants_bounds(),
        kind("ipass", |_| ipass()).timed().wants_bounds(),
        kind("last", |_| last()),
        kind("src", source),
        kind("dec101", |_| decimate(101)),
        kind("sumclose", |_| sumclose()).timed().wants_bounds(),
        kind("sem", semaphore).may_block(),
        kind("pair", |_| pair()),
        kind("act", act),
        kind("max10000", |_| explicit().offset(0)),
        kind("alternate", |_| alternate()),
        kind("trace", trace),
        kind("fail", fail),
        kind("stop", stop),
        kind("plus", |setup| plus(setup.args.first().copied()).offset(0)),
    ]
}

/// Number `port` of the time at hand.
fn number(task: &Task, port: usize) -> Option<i64> {
    let packet = task.inputs().get(port)?.packets.front()?;
    packet.get::<i64>().copied()
}

fn is_true(packet: Option<Packet>) -> bool {
    packet.and_then(|packet| packet.get::<bool>().copied()) == Some(true)
}

fn raise(task: &mut Task, time: Timestamp) {
    task.outputs_mut()[0].set_bound(Bound::after(time));
}

/// The time that the packet of an input carries; of an empty one, how far that input is settled.
fn carried(task: &Task, port: usize) -> Option<Timestamp> {
    let input = &task.inputs()[port];
    match input.packets.front() {
        Some(packet) => Some(packet.timestamp()),
        None => input.bound().settled(),
    }
}

fn later(packet: &Packet, micros: i64) -> Packet {
    packet.with_timestamp(packet.timestamp().saturating_add(micros))
}

fn pass() -> Behaviour {
    Behaviour::new(|task| {
        for port in 0..task.inputs().len() {
            while let Some(packet) = task.pop(port) {
                task.push(port, packet);
            }
        }
        Ok(Flow::Wait)
    })
}

fn gate() -> Behaviour {
    Behaviour::at_each(|task, _| {
        let packet = task.pop(0);
        let allow = is_true(task.pop(1));
        if let Some(packet) = packet.filter(|_| allow) {
            task.push(0, packet);
        }
    })
    .offset(0)
}

fn valve() -> Behaviour {
    Behaviour::at_each(|task, time| {
        let packet = task.pop(0);
        match packet.filter(|_| is_true(task.pop(1))) {
            Some(packet) => task.push(0, packet),
            None => raise(task, time),
        }
    })
}

fn even() -> Behaviour {
    Behaviour::at_each(|task, time| {
        let is_even = number(task, 0).is_some_and(|number| number % 2 == 0);
        match task.pop(0).filter(|_| is_even) {
            Some(packet) => task.push(0, packet),
            None => raise(task, time),
        }
    })
}

fn sum() -> Behaviour {
    Behaviour::new(|task| {
        let numbers: Vec<_> = (0..task.inputs().len())
            .map(|port| number(task, port))
            .collect();
        if numbers.iter().all(Option::is_none) {
            return Ok(Flow::Wait);
        }
        let sum: Option<i64> = numbers.into_iter().sum();
        let sum = sum.ok_or_else(|| ModuleError::new("an input has no packet"))?;
        let packets: Vec<_> = (0..task.inputs().len())
            .filter_map(|port| task.pop(port))
            .collect();
        task.push(0, Packet::new(packets[0].timestamp(), sum));
        Ok(Flow::Wait)
    })
    .offset(0)
}

fn merge() -> Behaviour {
    Behaviour::at_each(|task, _| {
        let packets: Vec<_> = (0..task.inputs().len())
            .filter_map(|port| task.pop(port))
            .collect();
        if let Some(packet) = packets.into_iter().next() {
            task.push(0, packet);
        }
    })
    .offset(0)
}

fn values(task: &mut Task, empty: &str, between: &str) -> String {
    let packets = (0..task.inputs().len()).map(|port| task.pop(port));
    let show =
        |packet: Option<Packet>| packet.map_or(empty.to_owned(), |packet| show_value(&packet));
    packets.map(show).collect::<Vec<_>>().join(between)
}

fn mstr() -> Behaviour {
    Behaviour::at_each(|task, time| {
        let text = format!("{} {}", text::show_time(time), values(task, "empty", " "));
        task.push(0, Packet::new(time, text));
    })
}

fn pair() -> Behaviour {
    Behaviour::at_each(|task, time| {
        let text = format!("({})", values(task, "∅", ","));
        task.push(0, Packet::new(time, text));
    })
    .offset(0)
}

fn shift(micros: i64) -> Behaviour {
    Behaviour::at_each(move |task, _| {
        if let Some(packet) = task.pop(0) {
            task.push(0, later(&packet, micros));
        }
    })
}

fn delay(micros: i64) -> Behaviour {
    shift(micros).on_start(|task| task.push(0, Packet::new(Timestamp::ZERO, 0_i64)))
}

fn delay_min() -> Behaviour {
    pass().on_start(|task| task.push(0, Packet::new(Timestamp::MIN, 0_i64)))
}

fn tsprobe() -> Behaviour {
    Behaviour::at_each(|task, time| {
        for port in 0..task.inputs().len() {
            let carried = carried(task, port).map_or(i64::MIN, Timestamp::micros);
            task.pop(port);
            task.push(port, Packet::new(time, carried));
        }
    })
}

fn bprobe() -> Behaviour {
    let mut bounds: Vec<Bound> = Vec::new();
    Behaviour::at_each(move |task, time| {
        bounds.resize(task.inputs().len(), Bound::START);
        for (port, bound) in bounds.iter_mut().enumerate() {
            if carried(task, port) == Some(time) && bound.admits(time) {
                task.push(port, Packet::new(time, time.micros()));
                *bound = Bound::after(time);
            }
            task.pop(port);
        }
    })
}

fn ipass() -> Behaviour {
    Behaviour::at_each(|task, _| {
        for port in 0..task.inputs().len() {
            match task.pop(port) {
                Some(packet) => task.push(port, packet),
                None => {
                    let bound = carried(task, port).map_or(Bound::START, Bound::after);
                    task.outputs_mut()[port].set_bound(bound);
                }
            }
        }
    })
}

fn last() -> Behaviour {
    let mut last = None;
    Behaviour::new(move |task| {
        if let Some(packet) = task.pop(0) {
            task.outputs_mut()[0].set_bound(Bound::at(packet.timestamp()));
            last = Some(packet);
        }
        if task.inputs_ended() {
            last.take()
                .into_iter()
                .for_each(|packet| task.push(0, packet));
        }
        Ok(Flow::Wait)
    })
}

/// So many packets, so many per call (one unless given).
fn source(setup: &Setup) -> Behaviour {
    let count = setup.args[0];
    let batch = setup.args.get(1).copied().unwrap_or(1);
    let mut next = 0;
    Behaviour::new(move |task| {
        for _ in 0..batch.min(count - next) {
            task.push(0, Packet::new(Timestamp::from_micros(next), next));
            next += 1;
        }
        Ok(if next == count {
            Flow::Done
        } else {
            Flow::More
        })
    })
}

fn decimate(by: i64) -> Behaviour {
    let mut seen = 0;
    Behaviour::at_each(move |task, _| {
        let packet = task.pop(0);
        if let Some(packet) = packet.filter(|_| seen % by == 0) {
            task.push(0, packet);
        }
        seen += 1;
    })
}

fn sumclose() -> Behaviour {
    let mut sum = None;
    Behaviour::new(move |task| {
        if let Some(value) = number(task, 0) {
            sum = Some(sum.unwrap_or(0) + value);
            task.pop(0);
        }
        if task.inputs()[0].bound() != Bound::NOTHING {
            return Ok(Flow::Wait);
        }
        if let Some(sum) = sum.take() {
            task.push(0, Packet::new(Timestamp::MAX, sum));
        }
        Ok(Flow::Done)
    })
}

fn semaphore(setup: &Setup) -> Behaviour {
    let (bench, node) = (setup.bench.clone(), setup.node.clone());
    let mut forward = pass().process;
    let freed = (bench.clone(), node.clone());
    Behaviour::new(move |task| {
        if task.inputs().iter().any(|input| !input.packets.is_empty()) {
            bench.acquire(&node);
        }
        forward(task)
    })
    .offset(0)
    .on_open(move |context| {
        let (bench, node) = freed.clone();
        context.on_interrupt(move || bench.open(&node));
        Ok(())
    })
}

/// Does what the text of its packets says: `10` sends a packet then, `>10` sets a bound, `end` ends
/// the output. With an argument it has that offset; with a second one it sends a packet at that
/// time before all.
fn act(setup: &Setup) -> Behaviour {
    let behaviour = Behaviour::at_each(|task, _| {
        let script = task.pop(0).map(|packet| show_value(&packet));
        for word in script.iter().flat_map(|script| script.split(',')) {
            match word.strip_prefix('>') {
                Some(bound) => task.outputs_mut()[0].set_bound(Bound::at(text::time(bound))),
                None if word == "end" => task.outputs_mut()[0].end(),
                None if word == "none" => {}
                None => task.push(0, Packet::new(text::time(word), text::time(word).micros())),
            }
        }
    });
    let first = setup.args.get(1).copied();
    let behaviour = behaviour.on_start(move |task| {
        if let Some(first) = first {
            task.push(0, Packet::new(Timestamp::from_micros(first), first));
        }
    });
    match setup.args.first() {
        Some(&micros) => behaviour.offset(micros),
        None => behaviour,
    }
}

fn explicit() -> Behaviour {
    Behaviour::at_each(|task, time| {
        if time.micros() % 20 == 0 {
            task.outputs_mut()[0].set_bound(Bound::at(Timestamp::from_micros(10_000)));
        }
    })
}

/// A source: at the even tens packets, at the odd ones bounds.
fn alternate() -> Behaviour {
    let mut step = 0;
    Behaviour::new(move |task| {
        let time = Timestamp::from_micros(10 * step);
        if step % 2 == 0 {
            task.push(0, Packet::new(time, step / 2));
        } else {
            raise(task, time);
        }
        step += 1;
        Ok(if step > 200 { Flow::Done } else { Flow::More })
    })
}

/// Passes packets on and logs every call.
fn trace(setup: &Setup) -> Behaviour {
    let (bench, node) = (setup.bench.clone(), setup.node.clone());
    let log = move |text: String| bench.log(format!("{node} {text}"));
    let (opened, started, closed) = (log.clone(), log.clone(), log.clone());
    let mut forward = pass().process;
    let process = move |task: &mut Task| {
        log(match task.timestamp() {
            Some(time) => text::show_time(time),
            None if task.inputs_ended() => "end".to_owned(),
            None => "untimed".to_owned(),
        });
        forward(task)
    };
    Behaviour::new(process)
        .offset(0)
        .on_open(move |_| {
            opened("open".to_owned());
            Ok(())
        })
        .on_start(move |task| {
            let inputs = task.inputs().iter();
            let visible: usize = inputs.map(|input| input.packets.len()).sum();
            started(format!("start {visible} {:?}", task.timestamp()));
        })
        .on_close(move |ending| closed(format!("close {ending:?}")))
}

/// Passes packets on until the given time, at which it fails; at time -1 in `open`.
fn fail(setup: &Setup) -> Behaviour {
    let (at, node) = (setup.args[0], setup.node.clone());
    let mut forward = pass().process;
    Behaviour::new(move |task| {
        if task.timestamp() == Some(Timestamp::from_micros(at)) {
            return Err(ModuleError::new("this is M"));
        }
        forward(task)
    })
    .offset(0)
    .on_open(move |_| match at {
        -1 => Err(ModuleError::new(format!("{node} does not open"))),
        _ => Ok(()),
    })
}

/// Passes packets on up to the given time, with which it is done.
fn stop(setup: &Setup) -> Behaviour {
    let at = Timestamp::from_micros(setup.args[0]);
    let mut forward = pass().process;
    Behaviour::new(move |task| {
        let flow = forward(task)?;
        Ok(if task.timestamp() == Some(at) {
            Flow::Done
        } else {
            flow
        })
    })
    .offset(0)
}

/// Adds one; with an argument, nothing is left at times that it divides.
fn plus(drop: Option<i64>) -> Behaviour {
    Behaviour::at_each(move |task, time| {
        let is_dropped = drop.is_some_and(|drop| time.micros() % drop == 0);
        if let Some(value) = number(task, 0).filter(|_| !is_dropped) {
            task.push(0, Packet::new(time, value + 1));
        }
    })
}
