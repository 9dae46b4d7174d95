//! `c_ffmpeg_encoder`: encodes pictures and sound, or copies what is encoded already, into a file or
//! for other nodes. `work` leads frames and packets to a track for each input, and their packets go
//! to the output; each minds its own business.

mod audio;
mod check;
mod choice;
mod coder;
mod container;
mod converter;
mod copy;
mod copy_settings;
mod frame_log;
mod jobs;
mod key_frames;
mod options;
mod output;
mod passes;
mod place;
mod quality;
mod report;
mod settings;
mod shorthand;
mod span;
mod tags;
mod track;
mod video;
mod work;

use bmf_sdk::Description;
use bmf_sdk::hmp::MediaKind;
use bmf_sdk::prelude::*;

use jobs::Jobs;
pub(crate) use options::Options;

use crate::threads::{self, Working};

pub(crate) struct FfmpegEncoder {
    options: Options,
    working: Option<Working>,
    job: Job,
}

enum Job {
    /// Not open.
    None,
    /// `null_output`: counts frames.
    Drop(u64),
    Write(Box<Jobs>),
}

impl Module for FfmpegEncoder {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        if let Some(level) = &self.options.loglevel {
            bmf_ffmpeg::log::set_level(level);
        }
        if let Some(threads) = threads::for_encoder(context.threads()) {
            let other = &mut self.options.video_params.other;
            other.entry("threads".to_owned()).or_insert(threads.into());
        }
        self.working
            .take_if(|_| context.connected_inputs().first() == Some(&false));
        self.job = if self.options.null_output {
            Job::Drop(0)
        } else {
            Job::Write(Box::new(Jobs::open(&self.options, context)?))
        };
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        match &mut self.job {
            Job::None => Ok(Flow::Done),
            Job::Write(jobs) => jobs.step(task),
            Job::Drop(frames) => {
                for input in task.inputs_mut() {
                    *frames += input.packets.drain(..).count() as u64;
                }
                Ok(Flow::Wait)
            }
        }
    }

    /// What was encoded is written; the file goes on. Frames from before its end, as they come after
    /// a seek back, are treated like late ones.
    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        if let Job::Write(jobs) = &mut self.job {
            jobs.forget_waiting();
        }
        Ok(())
    }

    fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        self.working = None;
        match &mut self.job {
            Job::Write(jobs) => jobs.close(ending),
            Job::None | Job::Drop(_) => Ok(()),
        }
    }

    fn report(&self) -> Report {
        match &self.job {
            Job::Write(jobs) => jobs.report(),
            Job::Drop(frames) => Report {
                counters: [("frames_in", *frames)].into(),
                ..Report::default()
            },
            Job::None => Report::default(),
        }
    }
}

impl ModuleType for FfmpegEncoder {
    type Options = Options;

    fn sharing(_: &Self::Options) -> Sharing {
        Sharing::Impossible("each of them would write the same file".to_owned())
    }

    fn describe() -> Description {
        Description::new("c_ffmpeg_encoder", env!("CARGO_PKG_VERSION"))
            .summary("Encodes pictures and sound into a file")
            .inputs([
                PortSpec::new("video", PortKind::Video, "pictures, decoded or encoded").optional(),
                PortSpec::new("audio", PortKind::Audio, "sound, decoded or encoded").optional(),
                PortSpec::new("subtitle", PortKind::Subtitle, "subtitles, encoded").optional(),
            ])
            .outputs([
                PortSpec::new("video", PortKind::Video, "what `push_output` says").optional(),
                PortSpec::new(
                    "audio",
                    PortKind::Audio,
                    "sound, with `push_output` at 2 or 3",
                )
                .optional(),
            ])
            .sink()
            .may_block()
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        check::check(options)
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            working: working(&options),
            options,
            job: Job::None,
        })
    }

    /// `encode out.mp4 crf=23 c:a=aac`.
    fn verbs() -> Vec<String> {
        vec!["encode".to_owned()]
    }

    fn shorthand(verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
        shorthand::shorthand(verb, args)
    }
}

/// What these options are for the other codecs of the process; mistakes in them are told elsewhere.
fn working(options: &Options) -> Option<Working> {
    if options.null_output {
        return None;
    }
    let target = choice::Target::of(options).ok()?;
    let wanted = options.video_params.codec.as_deref();
    let encoder = choice::encoder(MediaKind::Video, wanted, &target).ok()??;
    Working::encoder(&encoder.codec)
}
