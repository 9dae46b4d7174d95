//! `split`: deals the packets of one stream out to branches that work in parallel. `assemble` joins
//! them again, in order.

use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Deals packets out to branches; `assemble` at the other end of the branches restores their order.
/// Unlike `parallel` of a node, branches can be chains of nodes, and need not be alike.
///
/// As it is, order goes by times. Each packet goes to one branch, and the others learn that nothing
/// of its time comes their way. The packets must rise in time. The nodes in the branches make none,
/// one or several packets of each, at its time, and should pass time bounds on, as modules do that
/// promise to keep times; what it costs where one does not is told at `assemble`.
///
/// With `strict`, order goes by turns, here and in `assemble`, and times do not matter. Then each
/// branch must make exactly one packet of each, and `distribution` is `round_robin`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Which branch gets the next packet.
    distribution: Distribution,
    /// Whether order goes by turns, not by times. `assemble` must be told the same.
    strict: bool,
}

/// Which branch gets the next packet.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Distribution {
    /// One after the other. A branch that is full holds up the others.
    #[default]
    RoundRobin,
    /// The one with the most room.
    LeastLoaded,
}

pub(crate) struct Split {
    options: Options,
    /// The outputs that somebody consumes.
    branches: Vec<usize>,
    /// Whose turn it is, among `branches`.
    next: usize,
    /// The last packet's time, and where it went.
    last: Option<(Timestamp, usize)>,
    /// What each output can still take in this call.
    room: Vec<usize>,
    /// What each output has been promised.
    bounds: Vec<Bound>,
}

impl Split {
    /// The index among `branches` for a packet at `time`; `None` while it must wait.
    fn choose(&self, time: Timestamp) -> Result<Option<usize>, ModuleError> {
        let has_room = |&index: &usize| self.room[self.branches[index]] > 0;
        if let Some((last, index)) = self.last.filter(|_| !self.options.strict) {
            if time < last {
                let message = format!("a packet at {time} follows one at {last}");
                let hint = "set strict = true here and in assemble to go by turns, not by times";
                return Err(ModuleError::new(message)
                    .on_port("in")
                    .at(time)
                    .with_hint(hint));
            }
            if time == last {
                // The other branches believe that nothing of this time comes their way.
                return Ok(Some(index).filter(has_room));
            }
        }
        let count = self.branches.len();
        let mut turns = (0..count).map(|turn| (self.next + turn) % count);
        match self.options.distribution {
            Distribution::RoundRobin => Ok(turns.next().filter(has_room)),
            Distribution::LeastLoaded => {
                let room = |&index: &usize| self.room[self.branches[index]];
                // The first of those with the most room.
                Ok(turns.rev().max_by_key(room).filter(has_room))
            }
        }
    }

    fn promise(&mut self, task: &mut Task) {
        let input = &task.inputs()[0];
        let bound = match input.packets.front() {
            Some(packet) => Bound::at(packet.timestamp()),
            None => input.bound(),
        };
        for (output, known) in task.outputs_mut().iter_mut().zip(&mut self.bounds) {
            *known = bound.max(*known);
            output.set_bound(*known);
        }
    }
}

impl Module for Split {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        let outputs = context.connected_outputs();
        self.branches = (0..outputs.len()).filter(|&port| outputs[port]).collect();
        self.bounds = vec![Bound::START; outputs.len()];
        match self.branches.is_empty() {
            true => Err(ModuleError::new("no output is connected")),
            false => Ok(()),
        }
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        self.room.clear();
        self.room
            .extend(task.outputs().iter().map(TaskOutput::room));
        while let Some(packet) = task.inputs()[0].packets.front() {
            let time = packet.timestamp();
            let Some(index) = self.choose(time)? else {
                break;
            };
            let port = self.branches[index];
            self.next = (index + 1) % self.branches.len();
            self.last = Some((time, index));
            self.room[port] -= 1;
            self.bounds[port] = self.bounds[port].max(Bound::after(time));
            if let Some(packet) = task.pop(0) {
                task.push(port, packet);
            }
        }
        if !self.options.strict {
            self.promise(task);
        }
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.next = 0;
        self.last = None;
        self.bounds.fill(Bound::START);
        Ok(())
    }
}

impl ModuleType for Split {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        let each = PortSpec::new("out", PortKind::Any, "the packets of one branch");
        Description::new("split", env!("CARGO_PKG_VERSION"))
            .summary("Deals packets out to branches that work in parallel")
            .inputs([PortSpec::new("in", PortKind::Any, "any packets")])
            .any_outputs(1, None, each)
            .wants_bounds()
            .any_room()
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        if options.strict && options.distribution != Distribution::RoundRobin {
            let message = "strict goes by turns, so distribution must be \"round_robin\"";
            return vec![OptionIssue::invalid("distribution", message)];
        }
        Vec::new()
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options,
            branches: Vec::new(),
            next: 0,
            last: None,
            room: Vec::new(),
            bounds: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::{Play, check};

    #[test]
    fn the_other_branches_learn_that_nothing_comes() {
        insta::assert_snapshot!(check::<Split>(json!({}), "in | 0 1", "in 1@1 | in 2@5 3@6 | in ->20 | end"), @"
        0 1@1, 1 ->2
        0 3@6, 1 2@5 ->7
        0 ->20, 1 ->20
        0 ->nothing, 1 ->nothing, done
        ");
    }

    #[test]
    fn packets_of_one_time_stay_together() {
        insta::assert_snapshot!(check::<Split>(json!({}), "in | 0 1", "in 1@1 2@1 3@2 4@2 5@3 | end"), @"
        0 1@1 2@1 5@3, 1 3@2 4@2 ->4
        0 ->nothing, 1 ->nothing, done
        ");
    }

    /// Deals five packets out to two branches with so much room.
    fn with_room(options: Value, room: [usize; 2]) -> String {
        let mut play = Play::new::<Split>(options, "in | 0 1").unwrap();
        play.runner.set_room(0, room[0]);
        play.runner.set_room(1, room[1]);
        let first = play.part("in 1@1 2@2 3@3 4@4 5@5 end");
        play.runner.set_room(0, 9);
        format!("{first} | {}", play.part(""))
    }

    #[test]
    fn a_full_branch_holds_up_its_turn_or_is_passed_over() {
        insta::assert_snapshot!(with_room(json!({}), [1, 9]), @"0 1@1 ->3, 1 2@2, left 3 on in | 0 3@3 5@5 ->nothing, 1 4@4 ->nothing, done");
        insta::assert_snapshot!(with_room(json!({"distribution": "least_loaded"}), [1, 9]), @"0 ->nothing, 1 1@1 2@2 3@3 4@4 5@5 ->nothing, done | done");
        insta::assert_snapshot!(with_room(json!({"distribution": "least_loaded"}), [0, 2]), @"0 ->3, 1 1@1 2@2, left 3 on in | 0 3@3 4@4 5@5 ->nothing, 1 ->nothing, done");
    }

    #[test]
    fn times_must_rise_unless_turns_count() {
        let back = "in 5@5 3@3 | end";
        insta::assert_snapshot!(check::<Split>(json!({}), "in | 0 1", back), @"error: in: a packet at 0.000003s follows one at 0.000005s");
        insta::assert_snapshot!(check::<Split>(json!({"strict": true}), "in | 0 1", back), @"
        0 5@5, 1 3@3
        done
        ");
        let both = json!({"strict": true, "distribution": "least_loaded"});
        insta::assert_snapshot!(check::<Split>(both, "in | 0 1", back), @r#"strict goes by turns, so distribution must be "round_robin""#);
    }
}
