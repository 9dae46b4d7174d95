//! The encoder as the tests drive it: frames in, a report or an error out, packets compared with
//! those of the `ffmpeg` command.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "helpers of several tests, each of which uses its part"
)]

use std::fs;
use std::path::Path;

use bmf_sdk::Options;
use bmf_sdk::hmp::Packet;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};

use crate::common::{Decoded, assert_same, decode, ffmpeg, module};

/// An open encoder with its task.
pub struct Run {
    module: Box<dyn Module>,
    task: Task,
}

impl Run {
    /// Opens one whose inputs are connected as `inputs` says.
    pub fn open(options: Value, inputs: [bool; 2]) -> Result<Self, ModuleError> {
        let encoder = module("c_ffmpeg_encoder");
        let options = Options::from_value(options).unwrap();
        if let Some(issue) = encoder.check(&options).into_iter().next() {
            return Err(issue.into());
        }
        let mut module = encoder.create(&options)?;
        module.open(&ModuleContext::new("encode", false, &inputs, &[]))?;
        Ok(Self {
            module,
            task: Task::new(&inputs, &[]),
        })
    }

    pub fn push(&mut self, port: usize, packets: &[Packet]) {
        self.task.inputs_mut()[port]
            .packets
            .extend(packets.iter().cloned());
    }

    pub fn end(&mut self, port: usize) {
        self.task.inputs_mut()[port].ended = true;
    }

    pub fn step(&mut self) -> Result<Flow, ModuleError> {
        self.module.process(&mut self.task)
    }

    pub fn close(mut self, ending: Ending) -> Result<Report, ModuleError> {
        self.module.close(ending)?;
        self.module.close(ending)?;
        Ok(self.module.report())
    }
}

/// Encodes streams that arrive packet by packet in turn; a stream without packets is not connected.
pub fn encode(options: Value, video: &[Packet], audio: &[Packet]) -> Result<Report, ModuleError> {
    let mut run = Run::open(options, [!video.is_empty(), !audio.is_empty()])?;
    let mut flow = Flow::Wait;
    for index in 0..=video.len().max(audio.len()) {
        for (port, packets) in [video, audio].iter().enumerate() {
            match packets.get(index) {
                Some(packet) => run.push(port, std::slice::from_ref(packet)),
                None => run.end(port),
            }
        }
        if flow == Flow::Wait {
            flow = run.step()?;
        }
    }
    assert_eq!(flow, Flow::Done);
    run.close(Ending::Finished)
}

pub fn source(dir: &Path, name: &str) -> Decoded {
    decode(json!({"input_path": dir.join(name)})).unwrap()
}

/// Every packet of a file: stream, times, size, checksum.
pub fn packets(dir: &Path, file: &str) -> String {
    ffmpeg(
        dir,
        &format!("-i {file} -map 0 -c copy -f framehash -hash md5 -"),
    )
}

/// Encodes `source` with our options and with the command's, and compares the packets.
pub fn check(dir: &Path, source: &Decoded, file: &str, options: Value, command: &str) -> Report {
    let (ours, theirs) = (format!("ours_{file}"), format!("theirs_{file}"));
    let mut options = options;
    options["output_path"] = json!(dir.join(&ours));
    let report = encode(options, &source.video, &source.audio).unwrap();
    ffmpeg(dir, &format!("{command} {theirs}"));
    if file.ends_with("md5") {
        let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
        assert_same(command, &read(&ours), &read(&theirs));
    } else {
        assert_same(command, &packets(dir, &ours), &packets(dir, &theirs));
    }
    report
}

pub fn message<T>(result: Result<T, ModuleError>) -> String {
    match result {
        Ok(_) => "fine".to_owned(),
        Err(error) => match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        },
    }
}

/// Takes the directory of a test out of a text.
pub fn masked(text: &str, dir: &Path) -> String {
    text.replace(&dir.display().to_string(), "DIR")
}
