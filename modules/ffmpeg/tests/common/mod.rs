//! What the tests of this crate share: media made by the `ffmpeg` command, modules run on it, and the
//! frames of both sides as text that can be compared.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "helpers of several tests, each of which uses its part"
)]

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use bmf_sdk::hmp::{AudioFrame, Packet, VideoFrame};
use bmf_sdk::prelude::{Ending, ModuleError, Report};
use bmf_sdk::serde_json::Value;
use bmf_sdk::{ModuleFactory, ModuleRunner};

/// Runs `ffmpeg` in `dir` with arguments separated by blanks, and returns what it printed.
pub fn ffmpeg(dir: &Path, arguments: &str) -> String {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"])
        .args(arguments.split_ascii_whitespace())
        .current_dir(dir)
        .output()
        .expect("these tests need the ffmpeg command");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg {arguments}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The first seconds of a test clip: moving pictures of 128x96 at 25 fps and a stereo tone at 44100 Hz.
pub fn clip(dir: &Path, seconds: u32, encode: &str) {
    let pictures = format!("-f lavfi -i testsrc2=s=128x96:r=25:d={seconds}");
    let sound = format!("-f lavfi -i aevalsrc=sin(600*t)/4|cos(900*t)/4:s=44100:d={seconds}");
    ffmpeg(dir, &format!("{pictures} {sound} {encode}"));
}

/// The module called `name`.
pub fn module(name: &str) -> std::sync::Arc<dyn ModuleFactory> {
    let mut modules = bmf_module_ffmpeg::modules().into_iter();
    modules
        .find(|module| module.descriptor().name == name)
        .expect("the crate has this module")
}

/// What a decoder gave.
#[derive(Debug)]
pub struct Decoded {
    pub video: Vec<Packet>,
    pub audio: Vec<Packet>,
    pub report: Report,
}

/// Runs `c_ffmpeg_decoder` to its end with both outputs connected.
pub fn decode(options: Value) -> Result<Decoded, ModuleError> {
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 2)?;
    let _ = runner.run()?;
    Ok(Decoded {
        video: runner.take(0),
        audio: runner.take(1),
        report: runner.close(Ending::Finished)?,
    })
}

/// One line per frame: presentation time, bytes, MD5 of the pixels or samples without padding.
/// The first line is the time base. Samples are interleaved. Times never go back: `ffmpeg` does not
/// write such, though its decoders give them where streams are spliced.
pub fn lines(packets: &[Packet]) -> String {
    let mut text = String::new();
    let mut last = i64::MIN;
    for packet in packets {
        let (pts, base, bytes) = match (packet.get::<VideoFrame>(), packet.get::<AudioFrame>()) {
            (Some(frame), _) => (frame.pts, frame.time_base, frame.to_packed_bytes().unwrap()),
            (_, Some(frame)) => (frame.pts, frame.time_base, interleaved(frame)),
            _ => panic!("{packet:?} is no frame"),
        };
        if text.is_empty() {
            writeln!(text, "tb {base}").unwrap();
        }
        last = last.max(pts.unwrap());
        writeln!(text, "{last} {} {:x}", bytes.len(), md5::compute(&bytes)).unwrap();
    }
    text
}

/// What `ffmpeg` makes of a file, as [`lines`], for each stream that `ours` is not empty for. `input`
/// are its options up to and with `-i`. All streams are mapped at once: in MPEG-TS where the time line
/// begins depends on that.
pub fn references<const N: usize>(
    dir: &Path,
    input: &str,
    ours: [(&str, &[Packet]); N],
) -> [String; N] {
    let mut maps = String::new();
    let mut index = 0;
    let indices = ours.map(|(stream, packets)| {
        if packets.is_empty() {
            return None;
        }
        let codec = pcm(packets);
        write!(maps, " -map {stream} -c:{index} {codec}").unwrap();
        index += 1;
        Some(index - 1)
    });
    let output = "-fps_mode passthrough -enc_time_base:v -1 -f framehash -hash md5 -";
    let listed = match index {
        0 => String::new(),
        _ => ffmpeg(dir, &format!("{input}{maps} {output}")),
    };
    indices.map(|index| index.map_or(String::new(), |index| stream_lines(&listed, index)))
}

/// What `ffmpeg` makes of one stream alone; `stream` is as in `-map`.
pub fn reference(dir: &Path, input: &str, stream: &str, ours: &[Packet]) -> String {
    let [text] = references(dir, input, [(stream, ours)]);
    text
}

/// The encoder that stores samples (or pixels) of this format as they are.
fn pcm(packets: &[Packet]) -> &'static str {
    let sound = packets.iter().find_map(Packet::get::<AudioFrame>);
    sound.map_or("rawvideo", |frame| {
        match frame.sample_format().name(false) {
            "flt" => "pcm_f32le",
            "dbl" => "pcm_f64le",
            "s32" => "pcm_s32le",
            "u8" => "pcm_u8",
            _ => "pcm_s16le",
        }
    })
}

/// One stream of a `framehash` listing.
fn stream_lines(listed: &str, index: usize) -> String {
    let mut text = String::new();
    for line in listed.lines() {
        if let Some(base) = line.strip_prefix(&format!("#tb {index}: ")) {
            writeln!(text, "tb {base}").unwrap();
        } else if line.starts_with(&format!("{index},")) {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            writeln!(text, "{} {} {}", fields[2], fields[4], fields[5]).unwrap();
        }
    }
    text
}

/// Compares texts line by line, so that a difference is short to read.
pub fn assert_same(what: &str, ours: &str, theirs: &str) {
    let (ours, theirs): (Vec<_>, Vec<_>) = (ours.lines().collect(), theirs.lines().collect());
    for (number, (our, their)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(our, their, "{what}, line {number}");
    }
    assert_eq!(ours.len(), theirs.len(), "{what}: number of lines");
}

/// Samples of all channels in turn.
fn interleaved(frame: &AudioFrame) -> Vec<u8> {
    if !frame.is_planar() {
        let bytes = frame.samples() * frame.channels() * frame.sample_format().bytes();
        return frame.plane(0).unwrap()[..bytes].to_vec();
    }
    let size = frame.sample_format().bytes();
    let mut bytes = Vec::new();
    for sample in 0..frame.samples() {
        for channel in 0..frame.channels() {
            bytes.extend(&frame.plane(channel).unwrap()[sample * size..(sample + 1) * size]);
        }
    }
    bytes
}
