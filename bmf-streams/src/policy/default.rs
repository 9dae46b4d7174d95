//! `default`: packets of equal timestamp together, in ascending order, none dropped, whatever the
//! order of arrival between inputs.
//!
//! BMF's own throws as soon as one input has no packet at T, and forgets all but the last packet at
//! or before T.

use std::collections::BTreeSet;

use bmf_core::config::InputManagerConfig;
use bmf_core::{OptionIssue, Task};
use bmf_hmp::Timestamp;
use serde::Deserialize;

use super::settled::{self, Settled};
use super::{InputPolicy, Purpose, Readiness, options};
use crate::InputPort;

/// Options of `default`.
#[derive(Deserialize)]
#[serde(default)]
struct Config {
    /// So many tasks are made in a row, or none: a module that is costly to enter is entered less
    /// often. What is left when the inputs end comes in a smaller batch.
    batch_size: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { batch_size: 1 }
    }
}

pub(super) fn build(
    config: &InputManagerConfig,
    purpose: &Purpose,
) -> Result<Box<dyn InputPolicy>, OptionIssue> {
    let config: Config = options::read(config)?;
    if config.batch_size == 0 {
        return Err(OptionIssue::invalid("batch_size", "must be at least 1"));
    }
    Ok(Box::new(InTime::new(purpose, config.batch_size)))
}

pub(super) struct InTime {
    batch_size: usize,
    /// Tasks that the batch being given out still has.
    left_of_batch: usize,
    bounds: bool,
    /// The latest time that was told.
    told: Option<Timestamp>,
    /// What `readiness` has found.
    next: Option<Timestamp>,
}

impl InTime {
    pub(super) fn new(purpose: &Purpose, batch_size: usize) -> Self {
        Self {
            batch_size,
            left_of_batch: 0,
            bounds: purpose.bounds,
            told: None,
            next: None,
        }
    }

    /// Whether a whole batch waits, or all there will ever be.
    fn has_batch(&self, inputs: &[InputPort]) -> bool {
        if self.left_of_batch > 0 || inputs.iter().all(InputPort::is_exhausted_behind) {
            return true;
        }
        let settled = inputs.iter().map(InputPort::bound).min();
        let times: BTreeSet<_> = inputs
            .iter()
            .flat_map(InputPort::packets)
            .map(|packet| packet.timestamp())
            .filter(|time| settled.is_some_and(|bound| !bound.admits(*time)))
            .take(self.batch_size * inputs.len())
            .collect();
        times.len() >= self.batch_size
    }
}

impl InputPolicy for InTime {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        let told = self.bounds.then_some(self.told);
        match settled::look(inputs, 0..inputs.len(), told) {
            Settled::At(time) => {
                if self.batch_size > 1 && !self.has_batch(inputs) {
                    return Readiness::NotReady(crate::Awaited::ANYTHING);
                }
                self.next = Some(time);
                Readiness::Ready
            }
            Settled::Over => Readiness::Close,
            Settled::Waits(awaited) => Readiness::NotReady(awaited),
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        let Some(time) = self.next.take() else { return };
        if self.left_of_batch == 0 {
            self.left_of_batch = self.batch_size;
        }
        self.left_of_batch -= 1;
        self.told = self.told.max(Some(time));
        settled::take(inputs, 0..inputs.len(), time, task);
    }

    fn reset(&mut self) {
        self.left_of_batch = 0;
        self.told = None;
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    // The letters are those of the behaviour cases that MediaPipe's users rely on.

    #[test]
    fn d01_waits_for_both() {
        insta::assert_snapshot!(check("default", "a 1 | b 2 | a 3 | eof"), @"
        1: a[1] b[]
        2: a[] b[2]
        3: a[3]eof b[]eof
        ");
    }

    #[test]
    fn d02_d03_a_bound_is_enough() {
        insta::assert_snapshot!(check("default", "a 1 | b >1 | b >2 | b 3 | a >3 | a >4 | eof"), @"
        1: a[1] b[]
        3: a[] b[3]
        -: a[]eof b[]eof
        ");
    }

    #[test]
    fn d04_runs_ahead_in_order() {
        insta::assert_snapshot!(check("default", "a 1 2 3 | b 3 9 | eof"), @"
        1: a[1] b[]
        2: a[2] b[]
        3: a[3] b[3]
        9: a[]eof b[9]eof
        ");
    }

    #[test]
    fn d05_d06_an_end_releases_the_others() {
        insta::assert_snapshot!(check("default", "a 1 | b eof | a 5 eof"), @"
        1: a[1] b[]eof
        5: a[5]eof b[]eof
        ");
        insta::assert_snapshot!(check("default", "a 1 eof | b 2 eof"), @"
        1: a[1]eof b[]
        2: a[]eof b[2]eof
        ");
    }

    #[test]
    fn d08_ends_without_packets() {
        insta::assert_snapshot!(check("default", "a eof | b eof"), @"-: a[]eof b[]eof");
    }

    #[test]
    fn d12_batches_come_whole_and_are_flushed_at_the_end() {
        let batches = r#"{"name": "default", "batch_size": 2}"#;
        insta::assert_snapshot!(check(batches, "a 1 | b >9 | a 2 | a 3 | eof"), @"
        1: a[1] b[]
        2: a[2] b[]
        3: a[3]eof b[]eof
        ");
    }

    #[test]
    fn ends_of_jobs_are_told_in_their_place() {
        insta::assert_snapshot!(check("default", "a 1 job 2 | b 1 2 job | b job 3 | eof"), @"
        1: a[1]job b[1]
        2: a[2] b[2]job
        -: a[] b[]job
        3: a[]eof b[3]eof
        ");
    }

    #[test]
    fn bounds_are_tasks_where_the_module_wants_them() {
        insta::assert_snapshot!(check("default bounds", "a >5 | b >3 | b >9 | a 6 | eof"), @"
        2: a[] b[]
        4: a[] b[]
        6: a[6] b[]
        -: a[]eof b[]eof
        ");
    }
}
