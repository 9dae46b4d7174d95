//! `early_close`: as `default`, but the node ends with the first input that has nothing more to
//! give; what the others still hold is thrown away and counted. Made for loops, whose back edge
//! would never end by itself.
//!
//! Inputs that nothing is connected to do not count.

use bmf_core::Task;

use super::default::InTime;
use super::{InputPolicy, Purpose, Readiness};
use crate::InputPort;

pub(super) struct EarlyClose(InTime);

impl EarlyClose {
    pub(super) fn new(purpose: &Purpose) -> Self {
        Self(InTime::new(purpose, 1))
    }
}

impl InputPolicy for EarlyClose {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        let has_ended = |port: &InputPort| port.is_connected() && port.is_over();
        if inputs.iter().any(has_ended) {
            Readiness::Close
        } else {
            self.0.readiness(inputs)
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        self.0.fill(inputs, task);
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    #[test]
    fn e01_ends_with_the_first_input() {
        insta::assert_snapshot!(check("early_close", "a 1 2 | b eof"), @"
        -: a[]eof b[]eof
        a lost 2
        ");
    }

    #[test]
    fn until_then_it_is_as_default() {
        insta::assert_snapshot!(check("early_close", "a 1 2 3 | b 2 | b 3 eof"), @"
        1: a[1] b[]
        2: a[2] b[2]
        3: a[3] b[3]eof
        -: a[]eof b[]eof
        ");
    }
}
