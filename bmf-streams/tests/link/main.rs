//! One edge of the graph: what goes in comes out, in order, or is counted; nobody sleeps on.
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod cases;
mod limits;
mod model;
mod script;
mod threads;

use bmf_streams::{Link, LinkReceiver, LinkSender, LinkSettings, Peer};

const PRODUCER: Peer = Peer(1);
const CONSUMER: Peer = Peer(2);

fn link(settings: &LinkSettings) -> (LinkSender, LinkReceiver) {
    Link::new("stream", PRODUCER, CONSUMER, settings)
}
