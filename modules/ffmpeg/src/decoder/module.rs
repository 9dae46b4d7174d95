//! `c_ffmpeg_decoder` as a module: its description, its life cycle, its verb. The work is done by
//! [`Session`].

use bmf_sdk::Options as RawOptions;
use bmf_sdk::prelude::*;
use serde_json::Value;

use super::options::Options;
use super::session::Session;
use crate::local::Reading;
use crate::values;

/// A source with up to two outputs.
pub(crate) struct FfmpegDecoder {
    options: Options,
    session: Option<Session>,
    /// Kept to the end of the graph: an output may begin only when all is read.
    reading: Option<Reading>,
    report: Report,
}

impl Module for FfmpegDecoder {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        if let Some(level) = &self.options.loglevel {
            bmf_ffmpeg::log::set_level(level);
        }
        self.session = Some(Session::open(&self.options, context)?);
        self.reading = Reading::of(&self.options.input_path);
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        match &mut self.session {
            Some(session) => session.step(task),
            None => Ok(Flow::Done),
        }
    }

    fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        match &mut self.session {
            Some(session) => session.flush(seek),
            None => Ok(()),
        }
    }

    /// Releases file and decoders; the report outlives them.
    fn close(&mut self, _: Ending) -> Result<(), ModuleError> {
        if let Some(session) = self.session.take() {
            self.report = session.report();
        }
        Ok(())
    }

    fn report(&self) -> Report {
        match &self.session {
            Some(session) => session.report(),
            None => self.report.clone(),
        }
    }
}

impl ModuleType for FfmpegDecoder {
    type Options = Options;

    fn describe() -> Description {
        Description::new("c_ffmpeg_decoder", env!("CARGO_PKG_VERSION"))
            .summary("Reads a media file or URL and decodes video and audio")
            .outputs([
                PortSpec::new("video", PortKind::Video, "pictures, as they were coded").optional(),
                PortSpec::new("audio", PortKind::Audio, "sound, as it was coded").optional(),
            ])
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        options.issues()
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options,
            session: None,
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
            Ok(Shorthand {
                options,
                takes: PortKind::Any,
            })
        })
    }
}

/// Names stay text even if they look like numbers; times of a list are separated by commas.
fn value_of(key: &str, text: &str) -> Value {
    match key {
        "input_path" | "video_codec" | "audio_codec" | "loglevel" => Value::from(text),
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
        insta::assert_snapshot!(check(&["input_path=3"]), @r#"{"input_path":"3"}"#);
        insta::assert_snapshot!(check(&["a", "b"]), @r#"decode takes one file, but there is also "b""#);
        assert!(FfmpegDecoder::shorthand("scale", &[]).is_none());
    }
}
