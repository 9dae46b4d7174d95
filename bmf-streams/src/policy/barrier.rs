//! `barrier`: one packet from each input, whatever their times. It ends as soon as one of them has
//! nothing more to give; what the others still hold is thrown away and counted.
//!
//! Inputs that nothing is connected to do not count.

use bmf_core::Task;

use super::{InputPolicy, Readiness};
use crate::{Awaited, InputPort};

pub(super) struct Barrier;

impl InputPolicy for Barrier {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        let mut empty = None;
        let mut any = false;
        for (index, port) in inputs.iter().enumerate() {
            if !port.is_connected() {
                continue;
            }
            if port.is_over() {
                return Readiness::Close;
            }
            any = true;
            if port.packet().is_none() || port.allowance() == 0 {
                empty = empty.or(Some(index));
            }
        }
        match empty {
            None if any => Readiness::Ready,
            None => Readiness::Close,
            Some(_) => Readiness::NotReady(Awaited {
                port: empty,
                settled: None,
            }),
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        for (port, input) in inputs.iter_mut().zip(task.inputs_mut()) {
            input.packets.extend(port.pop_packet());
            port.pop_signals();
        }
    }

    fn is_timed(&self) -> bool {
        false
    }

    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    #[test]
    fn r01_one_of_each_whatever_the_times() {
        let script = "a 10 30 20 | b 0 | c 0 0 | c 0 | b 1 eof | eof";
        insta::assert_snapshot!(check("barrier", script), @"
        -: a[10] b[0] c[0]
        -: a[30] b[1]eof c[0]
        -: a[]eof b[]eof c[]eof
        a lost 1
        c lost 1
        ");
    }

    #[test]
    fn ends_with_the_first_input() {
        insta::assert_snapshot!(check("barrier", "a 1 2 | b eof"), @"
        -: a[]eof b[]eof
        a lost 2
        ");
    }

    #[test]
    fn the_end_of_a_job_is_told() {
        insta::assert_snapshot!(check("barrier", "a 1 job 2 | b 1 2 job | eof"), @"
        -: a[1]job b[1]
        -: a[2] b[2]job
        -: a[]eof b[]eof
        ");
    }
}
