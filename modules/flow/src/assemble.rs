//! `assemble`: joins the branches that `split` has made, in the order of what went in. Holds no
//! packets itself: those that must wait stay on their inputs, where they hold back who sends them.

use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

/// Joins branches into one stream, in order; `split` is at their other end. It loses nothing,
/// whatever the branches do.
///
/// As it is, order goes by times: a packet passes once no other branch can bring an earlier one. Of
/// packets of one time those of the first branch go first, in their order. A branch says what it can
/// still bring by its packets, by time bounds, and by its end. So a node in a branch that neither
/// makes a packet of each nor passes bounds on (a module says what it promises) delays the others
/// until its next packet, or until the end; packets then pile up in the branches up to the limits of
/// their links. Each branch must rise in time, but for packets of one time that it sends together.
///
/// With `strict`, order goes by turns: one packet from each branch, one after the other. Times and
/// bounds do not matter. It is for branches that make exactly one packet of each; one that has ended
/// is passed over.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Whether order goes by turns, not by times. `split` must be told the same.
    strict: bool,
}

pub(crate) struct Assemble {
    options: Options,
    turn: usize,
    /// What has been promised; late packets do not take it back.
    bound: Bound,
    late: u64,
}

impl Assemble {
    /// Passes on what comes next by time, as long as that is certain.
    fn by_time(&mut self, task: &mut Task) {
        loop {
            let inputs = task.inputs().iter().enumerate();
            let heads = inputs.filter_map(|(port, input)| {
                let packet = input.packets.front()?;
                Some((packet.timestamp(), port))
            });
            let Some((time, port)) = heads.min() else {
                break;
            };
            let mut empty = task
                .inputs()
                .iter()
                .filter(|input| input.packets.is_empty());
            if empty.any(|input| input.bound().admits(time)) {
                break;
            }
            self.late += u64::from(!self.bound.admits(time));
            if let Some(packet) = task.pop(port) {
                task.push(0, packet);
            }
        }
        let earliest = task
            .inputs()
            .iter()
            .map(|input| match input.packets.front() {
                Some(packet) => Bound::at(packet.timestamp()),
                None => input.bound(),
            });
        self.bound = earliest.min().unwrap_or(Bound::START).max(self.bound);
        task.outputs_mut()[0].set_bound(self.bound);
    }

    /// Passes on one packet from each branch in turn.
    fn by_turn(&mut self, task: &mut Task) {
        let count = task.inputs().len();
        let mut passed_over = 0;
        while passed_over < count {
            let input = &mut task.inputs_mut()[self.turn];
            match input.packets.pop_front() {
                Some(packet) => {
                    task.push(0, packet);
                    passed_over = 0;
                }
                None if input.ended => passed_over += 1,
                None => return,
            }
            self.turn = (self.turn + 1) % count;
        }
    }
}

impl Module for Assemble {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        match self.options.strict {
            true => self.by_turn(task),
            false => self.by_time(task),
        }
        Ok(Flow::Wait)
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.turn = 0;
        self.bound = Bound::START;
        Ok(())
    }

    fn report(&self) -> Report {
        Report {
            counters: [("late", self.late)].into(),
            ..Report::default()
        }
    }
}

impl ModuleType for Assemble {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("it carries something over from one packet to the next".to_owned())
    }

    fn describe() -> Description {
        let each = PortSpec::new("in", PortKind::Any, "the packets of one branch");
        Description::new("assemble", env!("CARGO_PKG_VERSION"))
            .summary("Joins the branches of a split, in order")
            .any_inputs(1, None, each)
            .outputs([PortSpec::new("out", PortKind::Any, "the packets of all")])
            .wants_bounds()
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options,
            turn: 0,
            bound: Bound::START,
            late: 0,
        })
    }
}

#[cfg(test)]
mod tests;
