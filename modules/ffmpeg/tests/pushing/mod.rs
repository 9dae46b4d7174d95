//! What the tests of pushed bytes and of pushed packets share.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "helpers of several tests, each of which uses its part"
)]

use std::fs;
use std::path::Path;

use bmf_sdk::ModuleRunner;
use bmf_sdk::prelude::*;
use serde_json::Value;

use crate::common::{Decoded, decode, module};

pub const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 30 -c:a aac";

/// A decoder of what is pushed.
pub fn runner(options: Value) -> ModuleRunner {
    ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 1, 2).unwrap()
}

pub fn read(dir: &Path, file: &str) -> Vec<u8> {
    fs::read(dir.join(file)).unwrap()
}

pub fn of_file(dir: &Path, file: &str, mut options: Value) -> Decoded {
    options["input_path"] = dir.join(file).to_str().unwrap().into();
    decode(options).unwrap()
}

/// What a decoder makes of packets; the runner is asked after each.
pub fn push_packets(options: Value, packets: Vec<Packet>) -> Result<Decoded, ModuleError> {
    let mut runner = runner(options);
    for packet in packets {
        runner.push(0, packet);
        let _ = runner.run()?;
    }
    runner.end(0);
    let _ = runner.run()?;
    Ok(Decoded {
        video: runner.take(0),
        audio: runner.take(1),
        report: runner.close(Ending::Finished)?,
    })
}
