//! `mux`: the last input says which of the others counts, by number. At each of its packets a task
//! holds that packet and, where there is one at the same time, the packet of the input it names.
//! What the other inputs hold is thrown away and counted as the control input moves past it, so that
//! none of them fills up. It ends with the control input.
//!
//! The control packets are whole numbers, or booleans for two inputs. A control packet that names no
//! input is passed on alone.
//!
//! A task waits until its time is settled on the input that was named, not on the others.

use bmf_core::Task;
use bmf_core::drive::DriveTask;
use bmf_hmp::{Bound, Packet, Timestamp};

use super::{InputPolicy, Purpose, Readiness};
use crate::{Awaited, InputPort};

pub(super) struct Mux {
    bounds: bool,
    told: Option<Timestamp>,
    /// What `readiness` has found: the time, and the input that was named.
    next: Option<(Timestamp, Option<usize>)>,
}

impl Mux {
    pub(super) fn new(purpose: &Purpose) -> Self {
        Self {
            bounds: purpose.bounds,
            told: None,
            next: None,
        }
    }

    fn waits(port: usize, settled: Option<Timestamp>) -> Readiness {
        Readiness::NotReady(Awaited {
            port: Some(port),
            settled,
        })
    }
}

/// The input that a control packet names, of so many.
fn selected(control: &Packet, inputs: usize) -> Option<usize> {
    let number = control.get::<i64>().copied();
    let number = number.or_else(|| control.get::<bool>().map(|&on| i64::from(on)));
    let port = usize::try_from(number?).ok()?;
    (port < inputs).then_some(port)
}

impl InputPolicy for Mux {
    fn readiness(&mut self, inputs: &mut [InputPort]) -> Readiness {
        let Some((control, data)) = inputs.split_last_mut() else {
            return Readiness::Close;
        };
        if control.is_over() {
            return Readiness::Close;
        }
        let next = control.next_time();
        for port in data.iter_mut() {
            let is_past = |packet: &Packet| !next.admits(packet.timestamp());
            while port.packet().is_some_and(is_past) {
                port.discard_packet();
            }
        }
        let Some(packet) = control.packet() else {
            let settled = next.settled().filter(|time| Some(*time) > self.told);
            self.next = settled.filter(|_| self.bounds).map(|time| (time, None));
            return match self.next {
                Some(_) => Readiness::Ready,
                None => Self::waits(data.len(), None),
            };
        };
        let time = packet.timestamp();
        let named = selected(packet, data.len());
        if let Some(port) = named
            && data[port].packet().is_none()
            && data[port].bound().admits(time)
        {
            return Self::waits(port, Some(time));
        }
        if control.allowance() == 0 {
            return Self::waits(data.len(), None);
        }
        self.next = Some((time, named));
        Readiness::Ready
    }

    fn fill(&mut self, inputs: &mut [InputPort], task: &mut Task) {
        let Some((time, named)) = self.next.take() else {
            return;
        };
        self.told = self.told.max(Some(time));
        task.set_timestamp(Some(time));
        for port in named.into_iter().chain(inputs.len().checked_sub(1)) {
            let input = &mut inputs[port];
            let is_due = |packet: &Packet| packet.timestamp() == time;
            if input.packet().is_some_and(is_due) {
                let packet = input.pop_packet();
                task.inputs_mut()[port].packets.extend(packet);
            }
        }
        inputs.iter_mut().for_each(InputPort::pop_signals);
    }

    fn bound(&self, inputs: &[InputPort], port: usize) -> Bound {
        let control = inputs.last().map_or(Bound::NOTHING, InputPort::next_time);
        inputs[port].next_time().max(control)
    }

    fn reset(&mut self) {
        self.told = None;
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;

    // Control packets are written time=input.

    #[test]
    fn m01_control_before_data() {
        let script = "c 1=0 | a 2=1000 | b 1=900 | b 4=800 | c 2=0 | c 3=1 | c 4=1 | eof";
        insta::assert_snapshot!(check("mux", script), @"
        1: a[] b[] c[1=0]
        2: a[2=1000] b[] c[2=0]
        3: a[] b[] c[3=1]
        4: a[] b[4=800] c[4=1]
        -: a[]eof b[]eof c[]eof
        b lost 1
        ");
    }

    #[test]
    fn m01_all_at_once() {
        insta::assert_snapshot!(check("mux", "c 1=0 2=0 3=1 4=1 | b 1 4 | a 2 | eof"), @"
        1: a[] b[] c[1=0]
        2: a[2] b[] c[2=0]
        3: a[] b[] c[3=1]
        4: a[] b[4] c[4=1]
        -: a[]eof b[]eof c[]eof
        b lost 1
        ");
    }

    #[test]
    fn m02_what_is_not_selected_is_thrown_away() {
        insta::assert_snapshot!(check("mux", "c 2=0 | a 2 | b 1 2 | c 3=0 | a 3 | b 3 | c eof"), @"
        2: a[2] b[] c[2=0]
        3: a[3] b[] c[3=0]
        -: a[]eof b[]eof c[]eof
        b lost 3
        ");
    }

    #[test]
    fn a_control_packet_that_names_no_input_comes_alone() {
        insta::assert_snapshot!(check("mux", "a 1 2 | b eof | c 1=7 2=-1 3=1 | c eof"), @"
        1: a[] b[]eof c[1=7]
        2: a[] b[]eof c[2=-1]
        3: a[] b[]eof c[3=1]
        -: a[]eof b[]eof c[]eof
        a lost 2
        ");
    }

    #[test]
    fn bounds_are_those_of_the_control_input() {
        insta::assert_snapshot!(check("mux bounds", "a >9 | b >9 | c >5 | c 5=0 | eof"), @"
        4: a[] b[] c[]
        5: a[] b[] c[5=0]
        -: a[]eof b[]eof c[]eof
        ");
    }
}
