//! `c_ffmpeg_decoder` as a module: its description, its life cycle, its verb. The work is done by
//! [`Session`] and [`Fed`].

use std::sync::Arc;

use bmf_sdk::Options as RawOptions;
use bmf_sdk::prelude::*;
use serde_json::Value;

use super::fed::Fed;
use super::input::Input;
use super::options::Options;
use super::session::{Session, Stage};
use super::source::{Source, interrupt_of};
use crate::local::Reading;
use crate::threads::Working;
use crate::values;

/// A source with up to three outputs, or a node that decodes what it is sent.
pub(crate) struct FfmpegDecoder {
    options: Arc<Options>,
    context: Option<ModuleContext>,
    working: Option<Working>,
    work: Option<Work>,
    /// Kept to the end of the graph: an output may begin only when all is read.
    reading: Option<Reading>,
    report: Report,
}

enum Work {
    /// The input is opened when something of it is wanted.
    Delayed,
    File(Box<Session>),
    Fed(Box<Fed>),
}

impl FfmpegDecoder {
    fn open_file(&mut self) -> Result<Work, ModuleError> {
        let Some(context) = &self.context else {
            return Err(ModuleError::new("the decoder is not open"));
        };
        let source = Source::open(&self.options, interrupt_of(context))?;
        self.reading = Reading::of(&self.options.input_path);
        let input = Input::File(Box::new(source));
        let session = Session::open(input, &self.options, context, None)?;
        Ok(Work::File(Box::new(session)))
    }
}

impl Module for FfmpegDecoder {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        if let Some(level) = &self.options.loglevel {
            bmf_ffmpeg::log::set_level(level);
        }
        self.context = Some(context.clone());
        Arc::make_mut(&mut self.options).threads = context.threads();
        self.working
            .take_if(|_| context.connected_outputs().first() == Some(&false));
        let is_fed = context.connected_inputs().contains(&true);
        self.work = Some(match (is_fed, self.options.input_path.is_empty()) {
            (true, true) => Work::Fed(Box::new(Fed::new(Arc::clone(&self.options), context))),
            (false, false) if self.options.delay_init_input => Work::Delayed,
            (false, false) => self.open_file()?,
            (true, false) => {
                let error = ModuleError::new("input_path is set, but the input is connected too");
                return Err(error.with_hint("leave out one of the two"));
            }
            (false, true) => {
                let error = ModuleError::new("there is nothing to decode");
                return Err(error.with_hint("set input_path, or connect the input \"in\""));
            }
        });
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        if matches!(self.work, Some(Work::Delayed)) {
            self.work = Some(self.open_file()?);
        }
        match &mut self.work {
            Some(Work::File(session)) => Ok(match session.step(task)? {
                Stage::Over => Flow::Done,
                Stage::More | Stage::Hungry => Flow::More,
            }),
            Some(Work::Fed(fed)) => fed.step(task),
            Some(Work::Delayed) | None => Ok(Flow::Done),
        }
    }

    fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        if matches!(self.work, Some(Work::Delayed)) && seek.is_some() {
            self.work = Some(self.open_file()?);
        }
        match &mut self.work {
            Some(Work::File(session)) => session.flush(seek),
            Some(Work::Fed(fed)) => fed.flush(seek),
            Some(Work::Delayed) | None => Ok(()),
        }
    }

    /// Releases file and decoders; the report outlives them.
    fn close(&mut self, _: Ending) -> Result<(), ModuleError> {
        self.report = self.report();
        self.work = None;
        self.working = None;
        Ok(())
    }

    fn report(&self) -> Report {
        match &self.work {
            Some(Work::File(session)) => session.report(),
            Some(Work::Fed(fed)) => fed.report(),
            Some(Work::Delayed) | None => self.report.clone(),
        }
    }
}

impl ModuleType for FfmpegDecoder {
    type Options = Options;

    fn describe() -> Description {
        Description::new("c_ffmpeg_decoder", env!("CARGO_PKG_VERSION"))
            .summary("Reads a media file or URL and decodes video and audio")
            .inputs([PortSpec::new(
                "in",
                PortKind::Any,
                "names of files, bytes of files, or packets of streams",
            )
            .instead_of("input_path")])
            .outputs([
                PortSpec::new("video", PortKind::Video, "pictures, as they were coded").optional(),
                PortSpec::new("audio", PortKind::Audio, "sound, as it was coded").optional(),
                PortSpec::new(
                    "subtitle",
                    PortKind::Subtitle,
                    "subtitles, without decoding",
                )
                .optional(),
            ])
            .may_block()
    }

    /// What comes of a packet depends on all before it.
    fn sharing(_: &Options) -> Sharing {
        Sharing::Impossible("packets of a stream are decoded in order".to_owned())
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        options.issues()
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options: Arc::new(options),
            context: None,
            working: Some(Working::decoder()),
            work: None,
            reading: None,
            report: Report::default(),
        })
    }

    /// `decode in.mp4 start_time=3 dec_params.threads=2`.
    fn verbs() -> Vec<String> {
        vec!["decode".to_owned()]
    }

    fn shorthand(verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
        (verb == "decode").then(|| {
            let mut options = RawOptions::default();
            for arg in args {
                let (key, value) = match arg {
                    ShorthandArg::Pair(key, value) => (key.as_str(), value_of(key, value)),
                    ShorthandArg::Word(word) if options.get("input_path").is_none() => {
                        ("input_path", Value::from(word.as_str()))
                    }
                    ShorthandArg::Word(word) => {
                        return Err(format!(
                            "decode takes one file, but there is also \"{word}\""
                        ));
                    }
                };
                options.set(key, value).map_err(|issue| issue.to_string())?;
            }
            Ok(Shorthand::new(options, PortKind::Any))
        })
    }
}

/// Names stay text even if they look like numbers; times of a list are separated by commas.
fn value_of(key: &str, text: &str) -> Value {
    match key {
        "input_path" | "video_codec" | "audio_codec" | "loglevel" | "s" | "pix_fmt"
        | "sample_fmt" | "decryption_key" | "video_time_base" => Value::from(text),
        "durations" => text
            .split(',')
            .map(|time| values::guessed(time.trim()))
            .collect(),
        _ => values::guessed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str]) -> String {
        let args = words.iter().map(|word| match word.split_once('=') {
            Some((key, value)) => ShorthandArg::Pair(key.to_owned(), value.to_owned()),
            None => ShorthandArg::Word((*word).to_owned()),
        });
        match FfmpegDecoder::shorthand("decode", &args.collect::<Vec<_>>()) {
            Some(Ok(shorthand)) => serde_json::to_string(&shorthand.options).unwrap(),
            Some(Err(error)) => error,
            None => "-".to_owned(),
        }
    }

    #[test]
    fn one_line_graphs_name_the_file_first() {
        insta::assert_snapshot!(
            check(&["in.mp4", "start_time=1.5", "dec_params.threads=2", "durations=0,1", "skip_frame=nokey"]),
            @r#"{"input_path":"in.mp4","start_time":1.5,"dec_params":{"threads":2},"durations":[0,1],"skip_frame":"nokey"}"#
        );
        insta::assert_snapshot!(
            check(&["in.mkv", "video_codec=copy", "map_s=2", "s=64x48", "decryption_key=12345678901234567890123456789012"]),
            @r#"{"input_path":"in.mkv","video_codec":"copy","map_s":2,"s":"64x48","decryption_key":"12345678901234567890123456789012"}"#
        );
        insta::assert_snapshot!(
            check(&["push_raw_stream=1", "video_codec=h264", "video_time_base=1,25", "sample_rate=48000"]),
            @r#"{"push_raw_stream":1,"video_codec":"h264","video_time_base":"1,25","sample_rate":48000}"#
        );
        insta::assert_snapshot!(check(&["input_path=3"]), @r#"{"input_path":"3"}"#);
        insta::assert_snapshot!(check(&["a", "b"]), @r#"decode takes one file, but there is also "b""#);
        assert!(FfmpegDecoder::shorthand("scale", &[]).is_none());
    }
}
