//! `immediate`: whatever is there, at once. No relation between inputs is kept.
//!
//! With `timed` it is MediaPipe's policy of that name: each input by itself is in order of time, one
//! task holds one time, and inputs that are ready at the same time share a task.

use bmf_core::config::InputManagerConfig;
use bmf_core::drive::DriveTask;
use bmf_core::{OptionIssue, Task};
use bmf_hmp::{Bound, Timestamp};
use serde::Deserialize;
use smallvec::SmallVec;

use super::settled::{self, Settled};
use super::{InputPolicy, Purpose, Readiness, options};
use crate::{Awaited, InputPort};

/// Options of `immediate`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    /// One task per time instead of all that is there.
    timed: bool,
}

pub(super) fn build(
    config: &InputManagerConfig,
    purpose: &Purpose,
) -> Result<Box<dyn InputPolicy>, OptionIssue> {
    let config: Config = options::read(config)?;
    Ok(if config.timed {
        Box::new(Timed::new(purpose.bounds))
    } else {
        Box::new(Immediate::new(purpose.bounds))
    })
}

/// BMF's `immediate`: a node runs as soon as any input holds a packet or has ended, and gets all
/// that is there.
pub(super) struct Immediate {
    bounds: bool,
    /// What was told of each input, where bounds are wanted.
    told: SmallVec<[Bound; 2]>,
}

impl Immediate {
    pub(super) fn new(bounds: bool) -> Self {
        Self {
            bounds,
            told: SmallVec::new(),
        }
    }

    fn note_told(&mut self, inputs: &[InputPort]) {
        self.told.clear();
        self.told.extend(inputs.iter().map(InputPort::next_time));
    }

    fn has_new_bound(&self, inputs: &[InputPort]) -> bool {
        let told = self
            .told
            .iter()
            .copied()
            .chain(std::iter::repeat(Bound::START));
        let is_new = |(port, told): (&InputPort, Bound)| {
            port.packet().is_none() && !port.is_exhausted() && port.bound() > told
        };
        inputs.iter().zip(told).any(is_new)
    }
}

impl InputPolicy for Immediate {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        if inputs.iter().any(InputPort::can_give) || (self.bounds && self.has_new_bound(inputs)) {
            Readiness::Ready
        } else {
            Readiness::NotReady(Awaited::ANYTHING)
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        give_all(inputs, task);
        if self.bounds {
            self.note_told(inputs);
        }
    }

    /// There is enough if there is anything to take, so one walk does for both.
    fn take(&mut self, inputs: &mut [InputPort], task: &mut Task) -> Readiness {
        let is_told = self.bounds && self.has_new_bound(inputs);
        if !give_all(inputs, task) && !is_told {
            return Readiness::NotReady(Awaited::ANYTHING);
        }
        if self.bounds {
            self.note_told(inputs);
        }
        task.set_timestamp(None);
        Readiness::Ready
    }

    fn is_timed(&self) -> bool {
        self.bounds
    }

    fn takes_job_ends(&self) -> bool {
        true
    }

    fn reset(&mut self) {
        self.told.clear();
    }
}

/// Gives the task what is there. Returns whether that is anything.
#[inline(always)]
fn give_all(inputs: &mut [InputPort], task: &mut Task) -> bool {
    let mut found = false;
    for (port, input) in inputs.iter_mut().zip(task.inputs_mut()) {
        found |= port.give(&mut input.packets);
    }
    found
}

/// Each input by itself, the earliest time first.
struct Timed {
    bounds: bool,
    /// The latest time told of each input.
    told: SmallVec<[Option<Timestamp>; 2]>,
    next: Option<Timestamp>,
}

impl Timed {
    fn new(bounds: bool) -> Self {
        Self {
            bounds,
            told: SmallVec::new(),
            next: None,
        }
    }

    fn look(&self, inputs: &[InputPort], port: usize) -> Settled {
        let told = self.bounds.then(|| self.told[port]);
        settled::look(inputs, std::iter::once(port), told)
    }
}

impl InputPolicy for Timed {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        self.told.resize(inputs.len(), None);
        let mut all_over = true;
        for port in 0..inputs.len() {
            match self.look(inputs, port) {
                Settled::At(time) if self.next.is_none_or(|next| time < next) => {
                    self.next = Some(time);
                }
                Settled::Over => continue,
                Settled::At(_) | Settled::Waits(_) => {}
            }
            all_over = false;
        }
        match self.next {
            Some(_) => Readiness::Ready,
            None if all_over => Readiness::Close,
            None => Readiness::NotReady(Awaited::ANYTHING),
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        let Some(time) = self.next.take() else { return };
        for port in 0..inputs.len() {
            if self.look(inputs, port) == Settled::At(time) {
                settled::take(inputs, std::iter::once(port), time, task);
                self.told[port] = Some(time);
            }
        }
    }

    fn reset(&mut self) {
        self.told.clear();
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    #[test]
    fn any_packet_and_any_end_makes_a_task() {
        insta::assert_snapshot!(check("immediate", "a 10 | b 20 eof | a 30 40 eof"), @"
        -: a[10] b[]
        -: a[] b[20]eof
        -: a[30 40]eof b[]eof
        ");
    }

    #[test]
    fn a_budget_cuts_the_batch_but_loses_nothing() {
        insta::assert_snapshot!(check("immediate budget=2", "a 1 2 3 4 5 eof"), @"
        -: a[1 2] b[]
        -: a[3 4] b[]
        -: a[5]eof b[]
        ");
    }

    #[test]
    fn an_end_without_packets_is_told() {
        insta::assert_snapshot!(check("immediate", "a eof | b eof"), @"
        -: a[]eof b[]
        -: a[]eof b[]eof
        ");
    }

    #[test]
    fn the_end_of_a_job_ends_the_batch() {
        insta::assert_snapshot!(check("immediate", "a 1 2 job 3 job job 4 eof"), @"
        -: a[1 2]job b[]
        -: a[3]job b[]
        -: a[]job b[]
        -: a[4]eof b[]
        ");
    }

    #[test]
    fn bounds_are_told_once_where_the_module_wants_them() {
        insta::assert_snapshot!(check("immediate bounds", "a >5 | a 7 | b >3 | b >3 | eof"), @"
        -: a[] b[]
        -: a[7] b[]
        -: a[] b[]
        -: a[]eof b[]eof
        ");
    }

    #[test]
    fn i07_equal_times_share_a_task_when_timed() {
        let timed = r#"{"name": "immediate", "timed": true}"#;
        insta::assert_snapshot!(check(timed, "a 10 30 40 | b 10 30 | eof"), @"
        10: a[10] b[]
        30: a[30] b[]
        40: a[40] b[]
        10: a[] b[10]
        30: a[] b[30]
        -: a[]eof b[]eof
        ");
    }
}
