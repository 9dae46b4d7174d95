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

use bmf_core::StreamItem;
use bmf_sdk::hmp::{EncodedPacket, MediaKind, Packet};
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};
use bmf_sdk::{ModuleRunner, Options};

use crate::common::{Decoded, assert_same, decode, ffmpeg, module};

/// An open encoder with its task.
pub struct Run {
    module: Box<dyn Module>,
    task: Task,
}

impl Run {
    /// Opens one whose inputs are connected as `inputs` says.
    pub fn open(options: Value, inputs: [bool; 2]) -> Result<Self, ModuleError> {
        Self::open_with(options, &inputs, &[])
    }

    /// The same, whatever is wrong with the options.
    pub fn open_unchecked(options: Value, inputs: [bool; 2]) -> Self {
        let encoder = module("c_ffmpeg_encoder");
        let mut module = encoder
            .create(&Options::from_value(options).unwrap())
            .unwrap();
        module
            .open(&ModuleContext::new("encode", false, &inputs, &[]))
            .unwrap();
        Self {
            module,
            task: Task::new(&inputs, &[]),
        }
    }

    /// The same with outputs.
    pub fn open_with(
        options: Value,
        inputs: &[bool],
        outputs: &[bool],
    ) -> Result<Self, ModuleError> {
        let encoder = module("c_ffmpeg_encoder");
        let options = Options::from_value(options).unwrap();
        if let Some(issue) = encoder.check(&options).into_iter().next() {
            return Err(issue.into());
        }
        let mut module = encoder.create(&options)?;
        module.open(&ModuleContext::new("encode", false, inputs, outputs))?;
        Ok(Self {
            module,
            task: Task::new(inputs, outputs),
        })
    }

    pub fn push(&mut self, port: usize, packets: &[Packet]) {
        self.task.inputs_mut()[port]
            .packets
            .extend(packets.iter().cloned());
    }

    pub fn end(&mut self, port: usize) {
        self.set_job_ended(port, false);
        self.task.inputs_mut()[port].ended = true;
    }

    /// A job ends on all inputs.
    pub fn end_job(&mut self) {
        for port in 0..self.task.inputs().len() {
            self.set_job_ended(port, true);
        }
    }

    /// Whether a job ends on an input behind what was pushed.
    pub fn set_job_ended(&mut self, port: usize, ended: bool) {
        self.task.inputs_mut()[port].job_ended = ended;
    }

    /// How many packets the module has left on an input.
    pub fn left(&self, port: usize) -> usize {
        self.task.inputs()[port].packets.len()
    }

    /// All that has been sent on an output; `None` stands for the end of a job.
    pub fn sent(&self, port: usize) -> Vec<Option<Packet>> {
        let items = self.task.outputs()[port].items().iter();
        items
            .map(|item| match item {
                StreamItem::Packet(packet) => Some(packet.clone()),
                StreamItem::Signal(_) => None,
            })
            .collect()
    }

    pub fn step(&mut self) -> Result<Flow, ModuleError> {
        self.module.process(&mut self.task)
    }

    /// All packets of both inputs, in turn, and their ends.
    fn feed(&mut self, video: &[Packet], audio: &[Packet]) -> Result<(), ModuleError> {
        let mut flow = Flow::Wait;
        for index in 0..=video.len().max(audio.len()) {
            for (port, packets) in [video, audio].iter().enumerate() {
                match packets.get(index) {
                    Some(packet) => self.push(port, std::slice::from_ref(packet)),
                    None => self.end(port),
                }
            }
            if flow == Flow::Wait {
                flow = self.step()?;
            }
        }
        assert_eq!(flow, Flow::Done);
        Ok(())
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
    run.feed(video, audio)?;
    run.close(Ending::Finished)
}

pub fn source(dir: &Path, name: &str) -> Decoded {
    decode(json!({"input_path": dir.join(name)})).unwrap()
}

/// The packets of a file as a decoder passes them on: pictures, sound, subtitles.
pub fn demux(dir: &Path, name: &str) -> [Vec<Packet>; 3] {
    let options =
        json!({"input_path": dir.join(name), "video_codec": "copy", "audio_codec": "copy"});
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 0, 3).unwrap();
    let _: Flow = runner.run().unwrap();
    let packets = [0, 1, 2].map(|port| runner.take(port));
    runner.close(Ending::Finished).unwrap();
    packets
}

/// Writes streams that are encoded already.
pub fn copy(options: Value, streams: &[Vec<Packet>; 3]) -> Result<Report, ModuleError> {
    let connected = [0, 1, 2].map(|port| !streams[port].is_empty());
    let mut run = Run::open_with(options, &connected, &[])?;
    let longest = streams.iter().map(Vec::len).max().unwrap();
    for index in 0..=longest {
        for (port, packets) in streams.iter().enumerate() {
            match packets.get(index) {
                Some(packet) => run.push(port, std::slice::from_ref(packet)),
                None => run.end(port),
            }
        }
        if run.step()? == Flow::Done {
            break;
        }
    }
    run.close(Ending::Finished)
}

/// The encoded packets among what was sent.
pub fn encoded(packets: &[Packet]) -> impl Iterator<Item = &EncodedPacket> {
    packets
        .iter()
        .map(|packet| packet.get::<EncodedPacket>().unwrap())
}

/// The file that pieces make.
pub fn replayed(packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    for piece in encoded(packets) {
        assert_eq!(piece.kind, MediaKind::Data);
        let (start, bytes) = (
            piece.offset.unwrap() as usize,
            piece.data.as_slice().unwrap(),
        );
        file.resize(file.len().max(start + bytes.len()), 0);
        file[start..][..bytes.len()].copy_from_slice(bytes);
    }
    file
}

/// What leaves an encoder with two outputs.
pub struct Pushed {
    pub video: Vec<Packet>,
    pub audio: Vec<Packet>,
    pub report: Report,
}

/// Encodes for other nodes.
pub fn push(options: Value, video: &[Packet], audio: &[Packet]) -> Result<Pushed, ModuleError> {
    let mut run = Run::open_with(options, &[!video.is_empty(), !audio.is_empty()], &[true; 2])?;
    run.feed(video, audio)?;
    let [video, audio] = [0, 1].map(|port| run.sent(port).into_iter().flatten().collect());
    let report = run.close(Ending::Finished)?;
    Ok(Pushed {
        video,
        audio,
        report,
    })
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
