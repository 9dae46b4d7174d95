//! `c_ffmpeg_encoder`: encodes pictures and sound into a file. The module only leads frames to the
//! two tracks and their packets to the output; each of the three minds its own business.

mod audio;
mod check;
mod choice;
mod coder;
mod converter;
mod options;
mod output;
mod place;
mod settings;
mod shorthand;
mod span;
mod video;
mod work;

use bmf_sdk::Description;
use bmf_sdk::prelude::*;

pub(crate) use options::Options;
use work::Work;

pub(crate) struct FfmpegEncoder {
    options: Options,
    job: Job,
}

enum Job {
    /// Not open.
    None,
    /// `null_output`: counts frames.
    Drop(u64),
    Write(Box<Work>),
}

impl Module for FfmpegEncoder {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        if let Some(level) = &self.options.loglevel {
            bmf_ffmpeg::log::set_level(level);
        }
        self.job = if self.options.null_output {
            Job::Drop(0)
        } else {
            Job::Write(Box::new(Work::open(&self.options, context)?))
        };
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        match &mut self.job {
            Job::None => Ok(Flow::Done),
            Job::Write(work) => work.step(task),
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
        Ok(())
    }

    fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        match &mut self.job {
            Job::Write(work) => work.close(ending),
            Job::None | Job::Drop(_) => Ok(()),
        }
    }

    fn report(&self) -> Report {
        match &self.job {
            Job::Write(work) => work.report(),
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
                PortSpec::new("video", PortKind::Video, "decoded pictures").optional(),
                PortSpec::new("audio", PortKind::Audio, "decoded sound").optional(),
            ])
            .sink()
            .may_block()
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        check::check(options)
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
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
