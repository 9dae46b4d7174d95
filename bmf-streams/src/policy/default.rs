//! `default`: packets of equal timestamp together, in ascending order, none dropped, whatever the
//! order of arrival between inputs. Each input by itself must ascend; one that does not is taken as
//! it comes.

use bmf_core::Task;
use bmf_hmp::Timestamp;

use super::{InputPolicy, Readiness};
use crate::InputPort;

/// BMF's `default` with MediaPipe's rule: a node runs at T once every input has either a packet or
/// a bound that rules out one at T or before; it sees the packets at T, one from each input.
///
/// BMF's own throws as soon as one input has no packet at T, and forgets all but the last packet
/// at or before T.
pub(super) struct Default;

impl Default {
    /// The time of the next task, if it is settled on all inputs.
    fn settled(inputs: &[InputPort]) -> Option<Timestamp> {
        let heads = inputs.iter().filter_map(|port| port.packet());
        let next = heads.map(|packet| packet.timestamp()).min()?;
        let holds_up = |port: &InputPort| match port.packet() {
            Some(packet) => packet.timestamp() == next && port.allowance() == 0,
            None => !port.is_exhausted() && port.bound() <= next,
        };
        (!inputs.iter().any(holds_up)).then_some(next)
    }
}

impl InputPolicy for Default {
    fn readiness(&mut self, inputs: &[InputPort]) -> Readiness {
        let last_end = || {
            inputs.iter().all(InputPort::is_exhausted) && !inputs.iter().all(InputPort::is_ended)
        };
        if Self::settled(inputs).is_some() || last_end() {
            Readiness::Ready
        } else {
            Readiness::NotReady
        }
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        let time = Self::settled(inputs);
        task.set_timestamp(time);
        for (port, input) in inputs.iter_mut().zip(task.inputs_mut()) {
            if port.packet().map(bmf_hmp::Packet::timestamp) == time && time.is_some() {
                input.packets.extend(port.pop_packet());
            }
            port.pop_signal();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    // The letters are those of the behaviour cases that MediaPipe's users rely on.

    #[test]
    fn d01_waits_for_both() {
        insta::assert_snapshot!(check("default", 9, "a 1 | b 2 | a 3 | eof"), @"
        1: a[1] b[]
        2: a[] b[2]
        3: a[3]eof b[]eof
        ");
    }

    #[test]
    fn d04_runs_ahead_in_order() {
        insta::assert_snapshot!(check("default", 9, "a 1 2 3 | b 3 9 | eof"), @"
        1: a[1] b[]
        2: a[2] b[]
        3: a[3] b[3]
        9: a[]eof b[9]eof
        ");
    }

    #[test]
    fn d05_d06_an_end_releases_the_others() {
        insta::assert_snapshot!(check("default", 9, "a 1 | b eof | a 5 eof"), @"
        1: a[1] b[]eof
        5: a[5]eof b[]eof
        ");
        insta::assert_snapshot!(check("default", 9, "a 1 eof | b 2 eof"), @"
        1: a[1]eof b[]
        2: a[]eof b[2]eof
        ");
    }

    #[test]
    fn d08_ends_without_packets() {
        insta::assert_snapshot!(check("default", 9, "a eof | b eof"), @"-: a[]eof b[]eof");
    }
}
