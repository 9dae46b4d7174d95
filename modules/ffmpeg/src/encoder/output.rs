//! Where encoded streams go: into a container, which is a file or bytes for other nodes, or to other
//! nodes as they are.

use std::sync::Arc;

use bmf_ffmpeg::{
    AvFrame, AvPacket, CodecParameters, EncodedStream, Piece, StreamConfig, audio_from_av,
    format_from_av, packet_from_av, video_from_av,
};
use bmf_sdk::hmp::{
    Buffer, EncodedFormat, EncodedPacket, MediaKind, Rational, TimeBase, Timestamp,
};
use bmf_sdk::prelude::*;

use super::container::{Container, Done};

/// Streams in the order in which they stand in the file, and the indices of their inputs.
pub(super) const VIDEO: usize = 0;
pub(super) const AUDIO: usize = 1;
pub(super) const SUBTITLE: usize = 2;
/// How many there can be.
pub(super) const STREAMS: usize = 3;

/// What leaves the node.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Push {
    /// Nothing but the name of the file.
    File,
    /// The bytes of the file.
    Bytes {
        /// Whether each packet that is written is one to be sent: a picture of its own.
        whole: bool,
    },
    /// Encoded packets.
    Packets,
    /// Frames, as an encoder would get them.
    Frames,
}

/// An output that may not have begun.
pub(super) struct Output {
    pub(super) push: Push,
    container: Container,
    formats: [Option<Arc<EncodedFormat>>; STREAMS],
    /// What is to leave, with the output it leaves on.
    ready: Vec<(usize, Packet)>,
    /// The times of the last packets sent, by output, in microseconds.
    sent: [Option<i64>; 2],
    /// The latest time of what has been written, in microseconds.
    written: i64,
}

impl Output {
    pub(super) fn new(push: Push, container: Container) -> Self {
        Self {
            push,
            container,
            formats: [const { None }; STREAMS],
            ready: Vec::new(),
            sent: [None; 2],
            written: 0,
        }
    }

    /// Whether a stream is to be given as frames.
    pub(super) fn takes_frames(&self) -> bool {
        self.push == Push::Frames
    }

    /// Whether more of a stream would only wait here, because another one has not begun.
    pub(super) fn is_enough(&self, stream: usize) -> bool {
        self.container.is_enough(stream)
    }

    /// A stream's encoder is open.
    pub(super) fn announce(
        &mut self,
        stream: usize,
        parameters: CodecParameters,
        config: StreamConfig,
    ) -> Result<(), ModuleError> {
        match self.push {
            Push::Packets => {
                let format = format_from_av(EncodedStream { parameters, config });
                self.formats[stream] = Some(Arc::new(format));
                Ok(())
            }
            _ => {
                self.container.announce(stream, parameters, config)?;
                self.collect(false);
                Ok(())
            }
        }
    }

    /// An encoder cannot be opened.
    pub(super) fn refuse(&mut self) {
        self.container.refuse();
    }

    /// A stream has ended without a frame.
    pub(super) fn give_up(&mut self, stream: usize) -> Result<(), ModuleError> {
        self.container.give_up(stream)?;
        self.collect(false);
        Ok(())
    }

    /// Takes a packet whose times are in `unit`.
    pub(super) fn packet(
        &mut self,
        stream: usize,
        packet: AvPacket,
        unit: TimeBase,
    ) -> Result<(), ModuleError> {
        let time = packet.dts().or(packet.pts());
        let time = time.and_then(|time| Timestamp::from_ticks(time, unit));
        let time = time.map_or(self.written, Timestamp::micros);
        self.written = self.written.max(time);
        let Some(format) = &self.formats[stream] else {
            self.container.packet(stream, packet, unit)?;
            self.collect(false);
            return Ok(());
        };
        let mut packet = packet_from_av(packet, format.kind, unit);
        packet.format = Some(Arc::clone(format));
        self.send(stream, time, packet);
        Ok(())
    }

    /// Takes a frame whose time is in `unit`.
    pub(super) fn frame(
        &mut self,
        stream: usize,
        frame: AvFrame,
        unit: TimeBase,
        rate: Option<Rational>,
    ) -> Result<(), ModuleError> {
        let time = frame
            .pts()
            .and_then(|pts| Timestamp::from_ticks(pts, unit))
            .map_or(self.written, Timestamp::micros);
        match stream {
            VIDEO => self.send(stream, time, video_from_av(frame, unit, rate)?),
            _ => self.send(stream, time, audio_from_av(frame, unit)?),
        }
        Ok(())
    }

    /// Makes packets of the bytes that were written; with `all` also of those that wait for more.
    fn collect(&mut self, all: bool) {
        let Push::Bytes { whole } = self.push else {
            return;
        };
        let pieces = self.container.take_pieces(all || whole);
        let pieces = if whole { joined(pieces) } else { pieces };
        for Piece { offset, data } in pieces {
            let time = self.written;
            let mut packet =
                EncodedPacket::new(Buffer::from_vec(data), MediaKind::Data, TimeBase::MICROS);
            packet.offset = Some(offset);
            packet.pts = Some(time);
            self.send(VIDEO, time, packet);
        }
    }

    /// Times rise from packet to packet: those who take them may wait for it.
    fn send<T: Payload>(&mut self, output: usize, time: i64, payload: T) {
        let time = self.sent[output].map_or(time, |last| time.max(last.saturating_add(1)));
        self.sent[output] = Some(time);
        let packet = Packet::new(Timestamp::from_micros(time), payload);
        self.ready.push((output, packet));
    }

    /// Sends the name of the file.
    pub(super) fn send_name(&mut self, name: String) {
        self.send(VIDEO, self.written, name);
    }

    /// What is to leave the node, with the outputs.
    pub(super) fn take_ready(&mut self) -> std::vec::Drain<'_, (usize, Packet)> {
        self.ready.drain(..)
    }

    /// Completes the output. Returns whether there is one.
    ///
    /// # Errors
    /// The first thing that failed; the file is closed in any case.
    pub(super) fn finish(&mut self) -> Result<bool, ModuleError> {
        match self.push {
            Push::Packets | Push::Frames => Ok(true),
            Push::File | Push::Bytes { .. } => {
                let result = self.container.finish();
                self.collect(true);
                result
            }
        }
    }

    /// Whether anything of it exists.
    pub(super) fn has_begun(&self) -> bool {
        self.container.has_begun()
    }

    /// What became of the file, if it is complete.
    pub(super) fn done(&self) -> Option<Done> {
        self.container.done()
    }

    /// Whether it goes to a place that the end of the graph cuts off.
    pub(super) fn is_remote(&self) -> bool {
        self.container.is_remote()
    }
}

/// Pieces that follow each other as one.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if last.offset + last.data.len() as u64 == piece.offset => {
                last.data.extend(piece.data);
            }
            _ => joined.push(piece),
        }
    }
    joined
}
