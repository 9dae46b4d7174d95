//! Beginning anew in the middle of a run, and sending in the middle of a call.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

#[path = "../support/mod.rs"]
mod support;

mod early;
mod graph;
mod parts;

use std::time::Instant;

use bmf_engine::{GraphInput, Port};
use bmf_hmp::Timestamp;
use support::{DEADLINE, Lab, Script};

const WORKERS: [usize; 3] = [1, 2, 4];

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A moment that comes only if something hangs.
pub(crate) fn late() -> Option<Instant> {
    Some(Instant::now() + DEADLINE)
}

pub(crate) fn add(input: &GraphInput, lab: &support::Log, times: impl IntoIterator<Item = i64>) {
    for time in times {
        input.add(lab.packet(time)).unwrap();
    }
}

/// A source without end that goes on where a flush wants it to.
pub(crate) fn seekable(lab: &mut Lab, name: &str) -> Port {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    let next = Arc::new(AtomicI64::new(0));
    let (log, sought) = (lab.log.clone(), Arc::clone(&next));
    let script = Script::new(move |task| {
        let time = next.fetch_add(1, Ordering::AcqRel);
        task.push(0, log.packet(time));
        Ok(bmf_core::Flow::More)
    });
    let script = script.on_flush(move |seek| {
        if let Some(time) = seek {
            sought.store(time.micros(), Ordering::Release);
        }
        Ok(())
    });
    lab.add(name, &[], 1, script).into()
}
