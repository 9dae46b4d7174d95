//! The behaviour cases of synchronisation: what users of MediaPipe rely on, by the letters of the
//! collection that they come from. Each is a graph and a script in a small text language
//! (`graph`, `play`) with what is seen; where it does not say otherwise it is the same for one, two
//! and four workers.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod bench;
mod graph;
mod kinds;
mod nodes;
mod plan;
mod play;
mod text;

mod bounds;
mod default;
mod flow;
mod immediate;
mod lifecycle;
mod loops;
mod other;
mod pressure;
mod syncset;
mod times;
