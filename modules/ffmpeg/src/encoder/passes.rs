//! Encoding in several passes: the notes of the first are a file that the second reads.

use std::fs::File;
use std::io::Write;

use bmf_ffmpeg::{Dict, Encoder, EncoderInfo};
use bmf_sdk::prelude::*;

use super::options::VideoParams;

/// Which pass, and where its notes are.
#[derive(Clone, Debug)]
pub(super) struct Passes {
    writes: bool,
    reads: bool,
    path: String,
    /// Whether the encoder reads and writes the file by itself.
    is_own: bool,
}

/// What `ffmpeg` calls the file of its first stream, which pictures are here.
const USUAL: &str = "ffmpeg2pass";

fn log_path(params: &VideoParams) -> String {
    let prefix = params.passlogfile.as_deref().unwrap_or(USUAL);
    format!("{prefix}-0.log")
}

impl Passes {
    /// # Errors
    /// When there is no such pass, or the encoder has none.
    pub(super) fn of(
        params: &VideoParams,
        encoder: &EncoderInfo,
    ) -> Result<Option<Self>, OptionIssue> {
        let pass = match params.pass {
            None | Some(0) => return Ok(None),
            Some(pass @ 1..=3) => pass,
            Some(pass) => {
                let issue =
                    OptionIssue::invalid("video_params.pass", format!("there is no pass {pass}"));
                return Err(issue.with_hint("it is 1, 2 or 3"));
            }
        };
        if encoder.name == "libx265" {
            let issue =
                OptionIssue::invalid("video_params.pass", "libx265 has its own way of passes");
            return Err(issue.with_hint("use \"x265-params\": \"pass=1:stats=file.log\""));
        }
        Ok(Some(Self {
            writes: pass & 1 != 0,
            reads: pass & 2 != 0,
            path: log_path(params),
            is_own: encoder.name == "libx264",
        }))
    }

    /// The file that a pass with these options writes.
    pub(super) fn written(params: &VideoParams) -> Option<String> {
        let is_elsewhere = params.other.contains_key("stats");
        let writes = params.pass.is_some_and(|pass| pass & 1 != 0) && !is_elsewhere;
        writes.then(|| log_path(params))
    }

    /// Asks the encoder for it.
    pub(super) fn set(&self, options: &mut Dict) {
        for (flag, wanted) in [("+pass1", self.writes), ("+pass2", self.reads)] {
            if wanted {
                add_flag(options, flag);
            }
        }
        if self.is_own {
            options.set_default("stats", &self.path);
        }
    }

    /// The notes of the pass before.
    pub(super) fn notes(&self) -> Result<Option<String>, ModuleError> {
        if !self.reads || self.is_own {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&self.path);
        text.map(Some).map_err(|error| {
            ModuleError::new(format!("cannot read \"{}\": {error}", self.path))
                .with_hint("run pass 1 before, with the same \"passlogfile\"")
        })
    }

    /// The file for new notes.
    pub(super) fn log(&self) -> Result<Option<PassLog>, ModuleError> {
        if !self.writes || self.is_own {
            return Ok(None);
        }
        match File::create(&self.path) {
            Ok(file) => Ok(Some(PassLog {
                file,
                path: self.path.clone(),
            })),
            Err(error) => Err(ModuleError::new(format!(
                "cannot write \"{}\": {error}",
                self.path
            ))),
        }
    }
}

/// One more of the encoder's flags.
pub(super) fn add_flag(options: &mut Dict, flag: &str) {
    let flags = options.get("flags").unwrap_or_default();
    options.set("flags", &format!("{flags}{flag}"));
}

/// The notes of a first pass, as they are made.
pub(super) struct PassLog {
    file: File,
    path: String,
}

impl PassLog {
    /// Notes what the encoder has told with its last packet.
    pub(super) fn note(&mut self, encoder: &Encoder) -> Result<(), ModuleError> {
        let Some(notes) = encoder.statistics() else {
            return Ok(());
        };
        self.file
            .write_all(notes.as_bytes())
            .map_err(|error| ModuleError::new(format!("cannot write \"{}\": {error}", self.path)))
    }
}
