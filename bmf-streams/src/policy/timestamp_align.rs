//! `timestamp_align`: as `default`, after the times of all inputs have been shifted to those of one
//! of them, the base. For sources that each begin to count when they start.
//!
//! Until every other input has a packet, those of the base come alone and at once. Once all have
//! one, the packets that stand first count as simultaneous: each input is shifted by the difference,
//! for the rest of the run, and gives its packets at the base's times.
//!
//! Which packets meet first depends on when they arrive, by design. An input that ends without a
//! packet is not waited for. When the base ends before that, the others have nothing to be aligned
//! with: what they hold is thrown away and counted.

use bmf_core::config::InputManagerConfig;
use bmf_core::{OptionIssue, Task};
use bmf_hmp::{Bound, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::settled::{self, Settled};
use super::{InputPolicy, Purpose, Readiness, options};
use crate::InputPort;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    base: Option<Value>,
}

pub(super) fn build(
    config: &InputManagerConfig,
    purpose: &Purpose,
) -> Result<Box<dyn InputPolicy>, OptionIssue> {
    let config: Config = options::read(config)?;
    Ok(Box::new(Align {
        base: options::port_or_first(config.base.as_ref(), "base", purpose)?,
        bounds: purpose.bounds,
        shifts: None,
        told: None,
        next: None,
    }))
}

struct Align {
    base: usize,
    bounds: bool,
    /// By how many microseconds each input is shifted, once that is known.
    shifts: Option<Vec<i64>>,
    told: Option<Timestamp>,
    next: Option<Timestamp>,
}

/// The shifts, if all inputs stand at a packet. An input that is over needs none.
fn find_shifts(inputs: &[InputPort], base: Timestamp) -> Option<Vec<i64>> {
    let shift = |port: &InputPort| match port.packet() {
        Some(packet) => Some(base.checked_since(packet.timestamp()).unwrap_or(0)),
        None => port.is_over().then_some(0),
    };
    inputs.iter().map(shift).collect()
}

impl InputPolicy for Align {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        let Some(base) = inputs.get(self.base) else {
            return Readiness::Close;
        };
        if let (None, Some(packet)) = (&self.shifts, base.packet()) {
            self.shifts = find_shifts(inputs, packet.timestamp());
        }
        let settled = match &self.shifts {
            Some(shifts) => {
                let told = self.bounds.then_some(self.told);
                settled::look_shifted(inputs, shifts.iter().copied().enumerate(), told)
            }
            None => settled::look(inputs, std::iter::once(self.base), None),
        };
        match settled {
            Settled::At(time) => {
                self.next = Some(time);
                Readiness::Ready
            }
            Settled::Over => Readiness::Close,
            Settled::Waits(awaited) => Readiness::NotReady(awaited),
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        let Some(time) = self.next.take() else { return };
        self.told = self.told.max(Some(time));
        match &self.shifts {
            Some(shifts) => {
                settled::take_shifted(inputs, shifts.iter().copied().enumerate(), time, task);
            }
            None => settled::take(inputs, std::iter::once(self.base), time, task),
        }
    }

    fn bound(&self, inputs: &[InputPort], port: usize) -> Bound {
        match &self.shifts {
            Some(shifts) => settled::shifted(inputs[port].next_time(), shifts[port]),
            // The others begin together with a packet of the base that has not been given yet.
            None => inputs
                .get(self.base)
                .map_or(Bound::NOTHING, InputPort::next_time),
        }
    }

    fn reset(&mut self) {
        self.shifts = None;
        self.told = None;
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    // A packet given at another time than its own is written time=value; its value is its own time.

    #[test]
    fn a01_times_are_those_of_the_base() {
        let script = "a 101 | a 102 | b 1 | a 103 | a 104 | b 4 | eof";
        insta::assert_snapshot!(check("timestamp_align", script), @"
        101: a[101] b[]
        102: a[102] b[]
        103: a[103] b[103=1]
        104: a[104] b[]
        106: a[]eof b[106=4]eof
        ");
    }

    #[test]
    fn any_input_can_be_the_base() {
        let base = r#"{"name": "timestamp_align", "base": "b"}"#;
        insta::assert_snapshot!(check(base, "a 101 102 | b 1 2 | eof"), @"
        1: a[1=101] b[1]
        2: a[2=102] b[2]
        -: a[]eof b[]eof
        ");
    }

    #[test]
    fn an_input_without_packets_is_not_waited_for() {
        insta::assert_snapshot!(check("timestamp_align", "a 5 | b 1 | c eof | a 6 | b 2 | eof"), @"
        5: a[5] b[] c[]
        6: a[6] b[6=1] c[]eof
        7: a[]eof b[7=2]eof c[]eof
        ");
    }

    #[test]
    fn without_a_base_nothing_can_be_aligned() {
        insta::assert_snapshot!(check("timestamp_align", "b 1 2 | a eof"), @"
        -: a[]eof b[]eof
        b lost 2
        ");
    }
}
