//! `immediate`: whatever is there, at once. No relation between inputs is kept.

use bmf_core::Task;

use super::{InputPolicy, Readiness};
use crate::InputPort;

/// BMF's `immediate`: a node runs as soon as any input holds a packet or has ended, and gets all
/// that is there.
pub(super) struct Immediate;

impl InputPolicy for Immediate {
    fn readiness(&mut self, inputs: &[InputPort]) -> Readiness {
        let has_news = |port: &InputPort| {
            (port.packet().is_some() && port.allowance() > 0) || port.signal().is_some()
        };
        if inputs.iter().any(has_news) {
            Readiness::Ready
        } else {
            Readiness::NotReady
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        for (port, input) in inputs.iter_mut().zip(task.inputs_mut()) {
            for _ in 0..port.allowance() {
                let Some(packet) = port.pop_packet() else {
                    break;
                };
                input.packets.push_back(packet);
            }
            port.pop_signal();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    #[test]
    fn any_packet_and_any_end_makes_a_task() {
        insta::assert_snapshot!(check("immediate", 9, "a 10 | b 20 eof | a 30 40 eof"), @"
        -: a[10] b[]
        -: a[] b[20]eof
        -: a[30 40]eof b[]eof
        ");
    }

    #[test]
    fn a_budget_cuts_the_batch_but_loses_nothing() {
        insta::assert_snapshot!(check("immediate", 2, "a 1 2 3 4 5 eof"), @"
        -: a[1 2] b[]
        -: a[3 4] b[]
        -: a[5]eof b[]
        ");
    }

    #[test]
    fn an_end_without_packets_is_told() {
        insta::assert_snapshot!(check("immediate", 9, "a eof | b eof"), @"
        -: a[]eof b[]
        -: a[]eof b[]eof
        ");
    }
}
