//! The rule behind all policies that go by time: what a set of inputs can give at its earliest
//! settled time. Takes nothing.
//!
//! A time is settled on an input when nothing at or before it can still come: the bound behind the
//! packets that wait is above it. A set of inputs is ready at T, the time of its earliest packet,
//! when T is settled on all those that hold no packet.

use bmf_core::Task;
use bmf_core::drive::DriveTask;
use bmf_hmp::{Bound, Timestamp};

use crate::{Awaited, InputPort};

/// What a set of inputs can give.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// The packets at this time, in some or all inputs; with bounds, perhaps in none.
    At(Timestamp),
    /// Nothing, ever.
    Over,
    /// Nothing yet.
    Waits(Awaited),
}

/// Looks at the inputs with the given numbers. `told` is given where bounds alone make a task too:
/// the latest time that was told.
pub(super) fn look(
    inputs: &[InputPort],
    ports: impl Iterator<Item = usize>,
    told: Option<Option<Timestamp>>,
) -> Settled {
    look_shifted(inputs, ports.map(|port| (port, 0)), told)
}

/// As [`look`], where each input's times count so many microseconds later.
pub(super) fn look_shifted(
    inputs: &[InputPort],
    ports: impl Iterator<Item = (usize, i64)>,
    told: Option<Option<Timestamp>>,
) -> Settled {
    let mut lowest = (Bound::NOTHING, None);
    let mut earliest: Option<(Timestamp, usize)> = None;
    for (index, shift) in ports {
        let port = &inputs[index];
        match port.packet() {
            Some(packet) => {
                let time = packet.timestamp().saturating_add(shift);
                if earliest.is_none_or(|(other, _)| time < other) {
                    earliest = Some((time, index));
                }
            }
            None => {
                let bound = shifted(port.bound(), shift);
                if bound < lowest.0 || lowest.1.is_none() && bound < Bound::NOTHING {
                    lowest = (bound, Some(index));
                }
            }
        }
    }
    let (bound, waits_for) = lowest;
    let awaited = |settled| {
        Settled::Waits(Awaited {
            port: waits_for,
            settled,
        })
    };
    match (earliest, told) {
        (None, _) if bound == Bound::NOTHING => Settled::Over,
        (Some((time, index)), _) if !bound.admits(time) => {
            if inputs[index].allowance() == 0 {
                awaited(Some(time))
            } else {
                Settled::At(time)
            }
        }
        // Without bounds as tasks, or where the packet comes after what is settled anyway.
        (earliest, Some(told)) => match bound.settled() {
            Some(time) if Some(time) > told => Settled::At(time),
            _ => awaited(earliest.map(|(time, _)| time)),
        },
        (earliest, None) => awaited(earliest.map(|(time, _)| time)),
    }
}

/// A bound of a stream whose packets are given so many microseconds later.
pub(super) fn shifted(bound: Bound, micros: i64) -> Bound {
    if micros == 0 || bound == Bound::NOTHING {
        bound
    } else {
        bound.shifted(micros)
    }
}

/// Moves the packets at `time` into the task, and the signals that follow them.
pub(super) fn take(
    inputs: &mut [InputPort],
    ports: impl Iterator<Item = usize>,
    time: Timestamp,
    task: &mut Task,
) {
    take_shifted(inputs, ports.map(|port| (port, 0)), time, task);
}

/// As [`take`], where each input's times count so many microseconds later.
pub(super) fn take_shifted(
    inputs: &mut [InputPort],
    ports: impl Iterator<Item = (usize, i64)>,
    time: Timestamp,
    task: &mut Task,
) {
    task.set_timestamp(Some(time));
    for (index, shift) in ports {
        let port = &mut inputs[index];
        let is_due = |due: Timestamp| due.saturating_add(shift) == time;
        if port
            .packet()
            .is_some_and(|packet| is_due(packet.timestamp()))
            && let Some(packet) = port.pop_packet()
        {
            let packet = match shift {
                0 => packet,
                _ => packet.with_timestamp(time),
            };
            task.inputs_mut()[index].packets.push_back(packet);
        }
        port.pop_signals();
    }
}
