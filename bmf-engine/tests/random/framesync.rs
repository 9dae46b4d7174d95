//! The rows of the input policy `framesync`, worked out input by input.

use crate::case::Row;
use crate::model::row;

struct Input<'a> {
    rest: &'a [Row],
    held: Option<i64>,
    /// Whether `held` was given already.
    given: bool,
}

impl Input<'_> {
    fn next(&self) -> Option<Row> {
        self.rest.first().copied()
    }

    fn take(&mut self) {
        self.rest = &self.rest[1..];
    }

    fn hold_up_to(&mut self, time: i64) {
        while let Some((_, value)) = self.next().filter(|&(at, _)| at <= time) {
            (self.held, self.given) = (Some(value), false);
            self.take();
        }
    }

    fn is_spent(&self) -> bool {
        self.rest.is_empty() && (self.held.is_none() || self.given)
    }
}

pub(crate) fn rows(inputs: &[&[Row]], primary: usize, before: &str, at_end: &str) -> Vec<Row> {
    let count = inputs.len();
    let mut inputs: Vec<_> = inputs
        .iter()
        .map(|&rest| Input {
            rest,
            held: None,
            given: false,
        })
        .collect();
    let mut pace = primary;
    let mut rows = Vec::new();
    loop {
        if at_end == "end" && inputs.iter().any(Input::is_spent) {
            return rows;
        }
        let mut in_turn = (0..count).map(|step| (pace + step) % count);
        match in_turn.find(|&port| !inputs[port].rest.is_empty()) {
            Some(port) => pace = port,
            None => return rows,
        }
        let Some((time, value)) = inputs[pace].next() else {
            return rows;
        };
        let others = |port: &usize| *port != pace;
        (0..count)
            .filter(others)
            .for_each(|port| inputs[port].hold_up_to(time));
        let begins = |input: &Input| input.held.is_none() && !input.rest.is_empty();
        inputs[pace].take();
        if before == "drop" && (0..count).filter(others).any(|port| begins(&inputs[port])) {
            continue;
        }
        let goes_on = (0..count)
            .filter(others)
            .any(|port| !inputs[port].rest.is_empty());
        inputs[pace].held = (at_end == "repeat" && goes_on).then_some(value);
        inputs[pace].given = true;
        let values = (0..count).map(|port| match port == pace {
            true => Some(value),
            false => give(&mut inputs[port], before, at_end),
        });
        rows.push((time, row(values.collect::<Vec<_>>())));
    }
}

fn give(input: &mut Input, before: &str, at_end: &str) -> Option<i64> {
    let is_last = at_end == "empty" && input.rest.is_empty();
    let was_given = std::mem::replace(&mut input.given, true);
    match input.held {
        Some(_) if is_last && was_given => {
            input.held = None;
            None
        }
        Some(value) => {
            if is_last {
                input.held = None;
            }
            Some(value)
        }
        None if before == "first" && !is_last => input.next().map(|(_, value)| value),
        None => None,
    }
}
