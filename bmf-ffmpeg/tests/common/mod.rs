//! Media made by the ffmpeg command line in a directory of their own, and the
//! loops that most tests need. Nothing here asserts more than that it worked.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Stdio};

use bmf_ffmpeg::{
    AvFrame, AvPacket, Decoder, DecoderConfig, Demuxer, Encoder, Fed, FilterGraph, InputConfig,
    Muxer, Pulled, Read,
};
use bmf_hmp::MediaKind;
use tempfile::TempDir;

/// A directory for one test's files.
pub(crate) struct Dir(TempDir);

impl Dir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
        self.path(name)
    }

    /// Runs ffmpeg with space-separated arguments; the last is a file here.
    pub(crate) fn ffmpeg(&self, arguments: &str) -> String {
        let (arguments, name) = arguments.rsplit_once(' ').unwrap();
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y"])
            .args(arguments.split(' '))
            .arg(self.path(name))
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "ffmpeg {arguments} {name}");
        self.path(name)
    }

    /// Ten frames of H.264 with two B-frames, and AAC.
    pub(crate) fn clip(&self) -> String {
        self.ffmpeg(
            "-f lavfi -i testsrc2=size=96x64:rate=25:duration=0.4 -f lavfi -i sine=duration=0.4:sample_rate=44100 \
             -c:v libx264 -preset ultrafast -bf 2 -g 5 -pix_fmt yuv420p -c:a aac clip.mp4",
        )
    }

    /// The text with this directory's path replaced.
    pub(crate) fn redact(&self, text: impl ToString) -> String {
        text.to_string()
            .replace(self.0.path().to_str().unwrap(), "DIR")
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }
}

pub(crate) fn open(url: &str) -> Demuxer {
    Demuxer::open(url, &InputConfig::default()).unwrap()
}

/// The best stream of a kind.
pub(crate) fn stream(input: &Demuxer, kind: MediaKind) -> usize {
    input.best_stream(kind, None, None).unwrap().unwrap()
}

pub(crate) fn decoder(input: &Demuxer, index: usize, options: &[(&str, &str)]) -> Decoder {
    let stream = &input.streams()[index];
    let config = DecoderConfig {
        time_base: Some(stream.time_base),
        options: options.iter().copied().collect(),
        ..DecoderConfig::default()
    };
    Decoder::open(&stream.parameters, &config).unwrap()
}

/// All packets of one stream.
pub(crate) fn packets(input: &mut Demuxer, index: usize) -> Vec<AvPacket> {
    let mut packets = Vec::new();
    loop {
        match input.read().unwrap() {
            Read::Packet(packet) if packet.stream_index() == index => packets.push(packet),
            Read::Packet(_) | Read::Again => {}
            Read::End => return packets,
        }
    }
}

/// All frames of packets, with their best timestamps as pts.
pub(crate) fn decode(decoder: &mut Decoder, packets: &[AvPacket]) -> Vec<AvFrame> {
    let mut frames = Vec::new();
    for packet in packets {
        while decoder.send(packet).unwrap() == Fed::Full {
            drain(decoder, &mut frames);
        }
        drain(decoder, &mut frames);
    }
    assert_eq!(decoder.finish().unwrap(), Fed::Taken);
    drain(decoder, &mut frames);
    assert!(decoder.receive().unwrap().is_ended());
    frames
}

fn drain(decoder: &mut Decoder, frames: &mut Vec<AvFrame>) {
    while let Pulled::Ready(mut frame) = decoder.receive().unwrap() {
        frame.set_pts(frame.best_effort_timestamp());
        frames.push(frame);
    }
}

/// All frames of the best stream of a kind.
pub(crate) fn frames(url: &str, kind: MediaKind) -> Vec<AvFrame> {
    let mut input = open(url);
    let index = stream(&input, kind);
    let mut decoder = decoder(&input, index, &[]);
    let packets = packets(&mut input, index);
    decode(&mut decoder, &packets)
}

/// Feeds all frames into a graph of one input and fetches all of its one output.
pub(crate) fn filter(graph: &mut FilterGraph, frames: Vec<AvFrame>) -> Vec<AvFrame> {
    let mut results = Vec::new();
    for frame in frames {
        assert_eq!(graph.push(0, frame).unwrap(), Fed::Taken);
        while let Pulled::Ready(frame) = graph.pull(0).unwrap() {
            results.push(frame);
        }
    }
    let _ = graph.finish(0, None).unwrap();
    while let Pulled::Ready(frame) = graph.pull(0).unwrap() {
        results.push(frame);
    }
    results
}

/// Encodes all frames and writes them into a stream.
pub(crate) fn encode(
    encoder: &mut Encoder,
    frames: Vec<AvFrame>,
    muxer: &mut Muxer,
    stream: usize,
) {
    for mut frame in frames {
        assert_eq!(encoder.send(&mut frame, false).unwrap(), Fed::Taken);
        write(encoder, muxer, stream);
    }
    assert_eq!(encoder.finish().unwrap(), Fed::Taken);
    write(encoder, muxer, stream);
}

fn write(encoder: &mut Encoder, muxer: &mut Muxer, stream: usize) {
    while let Pulled::Ready(packet) = encoder.receive().unwrap() {
        muxer.write(stream, packet, encoder.time_base()).unwrap();
    }
}
