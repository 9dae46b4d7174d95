//! `syncset`: inputs in groups; each group goes by time as in `default`, whatever the others do.
//!
//! A task holds one time of one group, that of the group whose time is the earliest; the inputs of
//! the other groups are empty in it. So times may go back from one task to the next, unless the
//! groups are the same one. A group that has ended is told of with the next task.

use bmf_core::config::InputManagerConfig;
use bmf_core::{OptionIssue, Task};
use bmf_hmp::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::settled::{self, Settled};
use super::{InputPolicy, Purpose, Readiness, options};
use crate::{Awaited, InputPort};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    sets: Vec<Vec<Value>>,
}

pub(super) fn build(
    config: &InputManagerConfig,
    purpose: &Purpose,
) -> Result<Box<dyn InputPolicy>, OptionIssue> {
    let config: Config = options::read(config)?;
    let mut is_listed = vec![false; purpose.ports.len()];
    let mut sets = Vec::new();
    for (number, listed) in config.sets.iter().enumerate() {
        let mut ports = Vec::new();
        for (place, value) in listed.iter().enumerate() {
            let path = format!("sets[{number}][{place}]");
            let port = options::port(value, &path, purpose)?;
            if std::mem::replace(&mut is_listed[port], true) {
                let name = &purpose.ports[port];
                let message = format!("input \"{name}\" is listed already");
                return Err(OptionIssue::invalid(path, message));
            }
            ports.push(port);
        }
        sets.push(SyncSet { ports, told: None });
    }
    let rest: Vec<_> = (0..is_listed.len())
        .filter(|&port| !is_listed[port])
        .collect();
    sets.push(SyncSet {
        ports: rest,
        told: None,
    });
    sets.retain(|set| !set.ports.is_empty());
    Ok(Box::new(SyncSets {
        sets,
        bounds: purpose.bounds,
        next: None,
    }))
}

struct SyncSet {
    ports: Vec<usize>,
    /// The latest time that was told.
    told: Option<Timestamp>,
}

struct SyncSets {
    sets: Vec<SyncSet>,
    bounds: bool,
    /// What `readiness` has found: the time and the set.
    next: Option<(Timestamp, usize)>,
}

impl SyncSets {
    fn look(&self, set: &SyncSet, inputs: &[InputPort]) -> Settled {
        let told = self.bounds.then_some(set.told);
        settled::look(inputs, set.ports.iter().copied(), told)
    }
}

impl InputPolicy for SyncSets {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        let mut next: Option<(Timestamp, usize)> = None;
        let mut waits: Option<Awaited> = None;
        for (number, set) in self.sets.iter().enumerate() {
            match self.look(set, inputs) {
                Settled::At(time) if next.is_none_or(|(earliest, _)| time < earliest) => {
                    next = Some((time, number));
                }
                Settled::Waits(_) if waits.is_some() => waits = Some(Awaited::ANYTHING),
                Settled::Waits(awaited) => waits = Some(awaited),
                Settled::At(_) | Settled::Over => {}
            }
        }
        self.next = next;
        match (next, waits) {
            (Some(_), _) => Readiness::Ready,
            (None, Some(awaited)) => Readiness::NotReady(awaited),
            (None, None) => Readiness::Close,
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        let Some((time, number)) = self.next.take() else {
            return;
        };
        if let Some(set) = self.sets.get_mut(number) {
            set.told = set.told.max(Some(time));
            settled::take(inputs, set.ports.iter().copied(), time, task);
        }
        for port in inputs.iter_mut().filter(|port| port.is_exhausted()) {
            port.pop_signals();
        }
    }

    fn reset(&mut self) {
        self.sets.iter_mut().for_each(|set| set.told = None);
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    const SETS: &str = r#"{"name": "syncset", "sets": [["a", "c", "e"], ["b", 3]]}"#;

    #[test]
    fn y01_a_set_goes_by_time() {
        let script = "a 0 | c 0 | a 10 | e 0 | c 10 | e 10 | e 20 | a 20 | c 20 | c 30 | a 30 \
                      | a 40 | a 50 | c 40 | a eof | e 40 | c 50 | e 50 | c 60 | c 70 | c eof \
                      | e eof | eof";
        insta::assert_snapshot!(check(SETS, script), @"
        0: a[0] b[] c[0] d[] e[0]
        10: a[10] b[] c[10] d[] e[10]
        20: a[20] b[] c[20] d[] e[20]
        30: a[30] b[] c[30] d[] e[]
        40: a[40] b[] c[40] d[] e[40]
        50: a[50]eof b[] c[50] d[] e[50]
        60: a[]eof b[] c[60] d[] e[]eof
        70: a[]eof b[] c[70]eof d[] e[]eof
        -: a[]eof b[]eof c[]eof d[]eof e[]eof
        ");
    }

    #[test]
    fn y02_sets_do_not_wait_for_each_other() {
        let script = "b 5 | a 9 | d 5 | c 9 | e >10 | b 3000 | d >4000 | a 10 | c 10 | eof";
        insta::assert_snapshot!(check(SETS, script), @"
        5: a[] b[5] c[] d[5] e[]
        9: a[9] b[] c[9] d[] e[]
        3000: a[] b[3000] c[] d[] e[]
        10: a[10]eof b[]eof c[10]eof d[]eof e[]eof
        ");
    }

    #[test]
    fn y03_sets_of_one() {
        let singles = r#"{"name": "syncset", "sets": [["a"], ["b"], ["c"]]}"#;
        insta::assert_snapshot!(check(singles, "a -350 -315 | b pre | c post | eof"), @"
        -350: a[-350] b[] c[]
        -315: a[-315] b[] c[]
        pre: a[] b[pre] c[]
        post: a[] b[] c[post]
        -: a[]eof b[]eof c[]eof
        ");
    }

    #[test]
    fn inputs_in_no_list_are_one_set() {
        let sets = r#"{"name": "syncset", "sets": [["b"]]}"#;
        insta::assert_snapshot!(check(sets, "a 1 | b 7 | c 1 | eof"), @"
        7: a[] b[7] c[]
        1: a[1] b[] c[1]
        -: a[]eof b[]eof c[]eof
        ");
    }

    #[test]
    fn the_earliest_set_comes_first() {
        let sets = r#"{"name": "syncset", "sets": [["a"], ["b"]]}"#;
        insta::assert_snapshot!(check(sets, "b 5 | a 7 9 | eof"), @"
        5: a[] b[5]
        7: a[7] b[]
        9: a[9] b[]
        -: a[]eof b[]eof
        ");
        insta::assert_snapshot!(check("syncset", "a 7 9 | b 5 | eof"), @"
        5: a[] b[5]
        7: a[7] b[]eof
        9: a[9]eof b[]eof
        ");
    }

    #[test]
    fn bounds_are_told_per_set() {
        let sets = r#"{"name": "syncset", "sets": [["a"], ["b"]]} bounds"#;
        insta::assert_snapshot!(check(sets, "a >5 | b >3 | a 7 | b >4 | eof"), @"
        4: a[] b[]
        2: a[] b[]
        7: a[7] b[]
        3: a[] b[]
        -: a[]eof b[]eof
        ");
    }
}
