//! What travels on a stream: packets, and control beside them. Timestamps are never control here.

use bmf_hmp::Packet;

/// Control that travels on a stream, in order with its packets.
///
/// BMF encodes these as timestamps near `i64::MAX`; those numbers exist only at the edges that
/// speak BMF's formats.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// The stream has ended; nothing follows.
    Eof,
    /// A job ends here; the stream goes on with the next one. Times may begin anew where the links
    /// on the way take packets in any order of time.
    EndOfJob,
}

/// One entry of a stream: a packet, or a signal at its place between packets.
#[derive(Clone, Debug)]
pub enum StreamItem {
    /// Data.
    Packet(Packet),
    /// Control.
    Signal(Signal),
}
