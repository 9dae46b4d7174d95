//! `server`: job by job. Within a job whatever is there, at once; an input whose job has ended waits
//! until it has ended on all of them, and the task that completes a job says so on each.
//!
//! A job is the packets up to [`Signal::EndOfJob`], or up to the end of the stream, which ends the
//! jobs of that input for good. Times may begin anew with each job.
//!
//! BMF's own makes tasks without anything in them, over and over, while an input waits; here there
//! are none.

use bmf_core::{Signal, Task};

use super::{InputPolicy, Readiness};
use crate::{Awaited, InputPort};

pub(super) struct Server;

/// Whether an input has nothing more to give to this job.
fn is_through(port: &InputPort) -> bool {
    port.is_ended() || port.signal() == Some(Signal::EndOfJob)
}

/// Whether the job has ended on all inputs, and at least one goes on.
fn is_job_over(inputs: &[InputPort]) -> bool {
    inputs.iter().all(is_through) && !inputs.iter().all(InputPort::is_ended)
}

impl InputPolicy for Server {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        let has_news = |port: &InputPort| {
            (port.packet().is_some() && port.allowance() > 0) || port.signal() == Some(Signal::Eof)
        };
        if inputs.iter().any(has_news) || is_job_over(inputs) {
            return Readiness::Ready;
        }
        Readiness::NotReady(Awaited {
            port: inputs.iter().position(|port| !is_through(port)),
            settled: None,
        })
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        for (port, input) in inputs.iter_mut().zip(task.inputs_mut()) {
            for _ in 0..port.allowance() {
                let Some(packet) = port.pop_packet() else {
                    break;
                };
                input.packets.push_back(packet);
            }
            if port.signal() == Some(Signal::Eof) {
                port.pop_signal();
            }
        }
        if is_job_over(inputs) {
            for port in inputs {
                port.pop_signals();
                port.set_job_ended();
            }
        }
    }

    fn is_timed(&self) -> bool {
        false
    }

    fn takes_job_ends(&self) -> bool {
        true
    }

    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    #[test]
    fn an_input_waits_at_the_end_of_its_job() {
        insta::assert_snapshot!(check("server", "a 1 2 job | a 3 | b 7 | b 8 job | b 9 | eof"), @"
        -: a[1 2] b[]
        -: a[] b[7]
        -: a[]job b[8]job
        -: a[3] b[]
        -: a[] b[9]
        -: a[]eof b[]eof
        ");
    }

    #[test]
    fn jobs_without_packets_are_jobs() {
        insta::assert_snapshot!(check("server", "a job job | b job 5 | b job | eof"), @"
        -: a[]job b[]job
        -: a[] b[5]
        -: a[]job b[]job
        -: a[]eof b[]eof
        ");
    }

    #[test]
    fn an_input_that_has_ended_holds_up_no_job() {
        insta::assert_snapshot!(check("server", "b 1 eof | a 1 job 2 | a job eof"), @"
        -: a[] b[1]eof
        -: a[1]job b[]jobeof
        -: a[2] b[]eof
        -: a[]jobeof b[]jobeof
        ");
    }

    #[test]
    fn a_job_larger_than_a_task_ends_with_its_last() {
        insta::assert_snapshot!(check("server budget=2", "b eof | a 1 2 3 job 4 eof"), @"
        -: a[] b[]eof
        -: a[1 2] b[]eof
        -: a[3]job b[]jobeof
        -: a[4]eof b[]eof
        ");
    }

    #[test]
    fn times_begin_anew_with_each_job() {
        insta::assert_snapshot!(check("server", "b eof | a 5 6 job | a 1 2 job eof"), @"
        -: a[] b[]eof
        -: a[5 6]job b[]jobeof
        -: a[1 2]jobeof b[]jobeof
        ");
    }
}
