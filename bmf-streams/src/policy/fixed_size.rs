//! `fixed_size`: as `default`, but an input whose queue grows too long loses its oldest packets, so
//! that a slow node works on what is new. What is lost is counted.
//!
//! When an input has `trigger_queue_size` packets it is cut to the newest `target_queue_size`. All
//! inputs then lose what is older than what was kept, also if it arrives later, so that rows stay
//! together. With `fixed_min_size` nothing is lost until every input has too many, and then only
//! what is too many on all of them.
//!
//! An input must be able to hold as many packets as the trigger says: at the limit of its queue its
//! producer waits.
//!
//! MediaPipe's chooses the task's time first and may drop its packets afterwards; here the time of a
//! task is always that of its packets.

use bmf_core::config::InputManagerConfig;
use bmf_core::{OptionIssue, Task};
use bmf_hmp::{Bound, Timestamp};
use serde::Deserialize;

use super::default::InTime;
use super::{InputPolicy, Purpose, Readiness, options};
use crate::InputPort;

#[derive(Deserialize)]
#[serde(default)]
struct Config {
    trigger_queue_size: usize,
    target_queue_size: usize,
    fixed_min_size: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            trigger_queue_size: 2,
            target_queue_size: 1,
            fixed_min_size: false,
        }
    }
}

pub(super) fn build(
    config: &InputManagerConfig,
    purpose: &Purpose,
) -> Result<Box<dyn InputPolicy>, OptionIssue> {
    let config: Config = options::read(config)?;
    if config.target_queue_size == 0 {
        let message = "must be at least 1";
        return Err(OptionIssue::invalid("target_queue_size", message));
    }
    if config.target_queue_size > config.trigger_queue_size {
        let trigger = config.trigger_queue_size;
        let message = format!("must be at most trigger_queue_size, which is {trigger}");
        return Err(OptionIssue::invalid("target_queue_size", message));
    }
    Ok(Box::new(FixedSize {
        config,
        cut: Bound::START,
        rest: InTime::new(purpose, 1),
    }))
}

struct FixedSize {
    config: Config,
    /// What is older is dropped.
    cut: Bound,
    rest: InTime,
}

impl FixedSize {
    /// The oldest packet to keep of an input that has too many.
    fn cut_of(&self, port: &InputPort) -> Option<Timestamp> {
        let waiting = port.packets().count();
        if waiting < self.config.trigger_queue_size {
            return None;
        }
        let first_kept = waiting - self.config.target_queue_size;
        port.packets()
            .nth(first_kept)
            .map(|packet| packet.timestamp())
    }

    fn find_cut(&self, inputs: &[InputPort]) -> Option<Timestamp> {
        let open = inputs.iter().filter(|port| !port.is_over());
        let cuts = open.map(|port| self.cut_of(port));
        if self.config.fixed_min_size {
            // `None` is the least, and one of them is enough.
            cuts.min().flatten()
        } else {
            cuts.max().flatten()
        }
    }
}

impl InputPolicy for FixedSize {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        if let Some(cut) = self.find_cut(inputs) {
            self.cut = self.cut.max(Bound::at(cut));
        }
        for port in inputs.iter_mut() {
            while port
                .packet()
                .is_some_and(|packet| !self.cut.admits(packet.timestamp()))
            {
                port.discard_packet();
            }
        }
        self.rest.readiness(inputs)
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        self.rest.fill(inputs, task);
    }

    fn bound(&self, inputs: &[InputPort], port: usize) -> Bound {
        inputs[port].next_time().max(self.cut)
    }

    fn reset(&mut self) {
        self.cut = Bound::START;
        self.rest.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    const LARGER: &str =
        r#"{"name": "fixed_size", "trigger_queue_size": 4, "target_queue_size": 2}"#;
    const ALL: &str = r#"{"name": "fixed_size", "fixed_min_size": true}"#;

    #[test]
    fn f01_keeps_the_newest() {
        let script = "a 0 1 2 3 4 5 6 7 8 9 | eof";
        insta::assert_snapshot!(check("fixed_size", script), @"
        9: a[9]eof b[]eof
        a lost 9
        ");
        insta::assert_snapshot!(check(LARGER, script), @"
        8: a[8] b[]eof
        9: a[9]eof b[]eof
        a lost 8
        ");
        insta::assert_snapshot!(check("fixed_size", "b eof | a 0 | a 1 2 3 4 5 6 7 8 9 | eof"), @"
        0: a[0] b[]eof
        9: a[9] b[]eof
        -: a[]eof b[]eof
        a lost 8
        ");
    }

    #[test]
    fn f02_a_slow_node_gets_the_newest_of_each_burst() {
        let script = "b eof | a 0 | a 1 2 3 4 5 6 7 8 9 | a 10 11 12 13 14 15 16 17 18 19 | eof";
        insta::assert_snapshot!(check("fixed_size", script), @"
        0: a[0] b[]eof
        9: a[9] b[]eof
        19: a[19] b[]eof
        -: a[]eof b[]eof
        a lost 17
        ");
        insta::assert_snapshot!(check(ALL, script), @"
        0: a[0] b[]eof
        9: a[9] b[]eof
        19: a[19] b[]eof
        -: a[]eof b[]eof
        a lost 17
        ");
    }

    #[test]
    fn f05_rows_stay_together() {
        insta::assert_snapshot!(check("fixed_size", "a 1 2 3 | b 1 2 | b 3 | a 4 | b 4 | eof"), @"
        3: a[3] b[3]
        4: a[4] b[4]
        -: a[]eof b[]eof
        a lost 2
        b lost 2
        ");
    }

    #[test]
    fn with_a_fixed_minimum_all_must_have_too_many() {
        insta::assert_snapshot!(check(ALL, "a 1 2 3 | b 1 | b 4 5 | eof"), @"
        1: a[1] b[1]
        3: a[3] b[]
        5: a[]eof b[5]eof
        a lost 1
        b lost 1
        ");
    }
}
