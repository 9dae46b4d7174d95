//! The parts of a parallel node: a distributor, the instances of the module, a collector. How they are
//! wired is in `plan/parallel`.
//!
//! # Order
//!
//! The distributor numbers what it hands out: one [`Unit`] holds what the module is to see together.
//! An instance makes exactly one [`Made`] of each unit, whatever its module sends: nothing, one
//! packet or many. Numbers rise on every branch, and each is on one of them; so the collector only
//! looks for the next number among the first of each branch, and leaves all others where they are.
//! What it leaves counts against the limits of its links, so a slow instance holds the others back
//! and nothing piles up.
//!
//! What an instance sends before its first input has no number and goes out first, instance by
//! instance. When the inputs have ended, each instance calls its module once more to flush; what
//! comes of that goes out last.
//!
//! # Ends
//!
//! The end of a job goes to every instance, and leaves the node once. A module that says that it is
//! done speaks for the whole node: nothing more is handed out, what was handed out before is worked
//! off, and what was handed out after is thrown away.

mod collector;
mod distributor;
mod instance;

use std::collections::VecDeque;

use bmf_core::StreamItem;
use bmf_hmp::{Bound, Packet, Payload, Timestamp};
use smallvec::SmallVec;

pub(crate) use collector::Collector;
pub(crate) use distributor::Distributor;
pub(crate) use instance::Instance;

/// The time of what has none.
const NO_TIME: Timestamp = Timestamp::PRE_STREAM;

/// What one call of the module sees.
#[derive(Clone)]
struct Unit {
    number: u64,
    timestamp: Option<Timestamp>,
    inputs: SmallVec<[UnitInput; 2]>,
    /// Whether the same end of a job goes to other instances after this one.
    more_ends_follow: bool,
}

#[derive(Clone)]
struct UnitInput {
    packets: VecDeque<Packet>,
    ended: bool,
    job_ended: bool,
    bound: Bound,
}

impl Payload for Unit {
    const TAG: &'static str = "bmf.engine.unit";

    fn bytes(&self) -> usize {
        let packets = self.inputs.iter().flat_map(|input| &input.packets);
        packets.map(Packet::bytes).sum()
    }
}

/// What the module made of it.
#[derive(Clone)]
struct Made {
    turn: Turn,
    outputs: SmallVec<[MadeOutput; 2]>,
    /// Whether the instance keeps packets back, so that bounds say nothing yet.
    holds: bool,
    /// Whether the module said that it is done.
    done: bool,
    more_ends_follow: bool,
}

/// When it goes out.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Turn {
    First,
    Number(u64),
    Last,
}

#[derive(Clone)]
struct MadeOutput {
    items: Vec<StreamItem>,
    /// The module's own word about this output.
    bound: Option<Bound>,
    /// What follows from the module's promise.
    promised: Option<Bound>,
}

impl Payload for Made {
    const TAG: &'static str = "bmf.engine.made";

    fn bytes(&self) -> usize {
        let items = self.outputs.iter().flat_map(|output| &output.items);
        let bytes = |item: &StreamItem| match item {
            StreamItem::Packet(packet) => packet.bytes(),
            StreamItem::Signal(_) => 0,
        };
        items.map(bytes).sum()
    }
}
