//! BMF's list of which pictures that came were encoded how often.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use bmf_sdk::prelude::*;

use crate::local::local_path;

/// The list, written as the pictures come.
pub(super) struct FrameLog {
    path: String,
    /// Created with the first picture.
    file: Option<BufWriter<File>>,
    /// Number of the last picture that came, and how often it was encoded so far.
    current: Option<(String, u64)>,
}

impl FrameLog {
    /// The list of the file at `output`.
    pub(super) fn of(output: &str) -> Self {
        let output = local_path(output).unwrap_or(Path::new(output));
        Self {
            path: format!("{}_iofrm.txt", output.display()),
            file: None,
            current: None,
        }
    }

    /// A picture has come.
    pub(super) fn begin(&mut self, number: String) -> Result<(), ModuleError> {
        if self.file.is_none() {
            let file = File::create(&self.path).map_err(|error| self.failure(&error))?;
            self.file = Some(BufWriter::new(file));
        }
        self.write()?;
        self.current = Some((number, 0));
        Ok(())
    }

    /// The last picture was encoded so many times more.
    pub(super) fn count(&mut self, times: u64) {
        if let Some((_, count)) = &mut self.current {
            *count += times;
        }
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self) -> Result<(), ModuleError> {
        self.write()?;
        let flushed = self.file.as_mut().map_or(Ok(()), Write::flush);
        flushed.map_err(|error| self.failure(&error))
    }

    fn write(&mut self) -> Result<(), ModuleError> {
        let (Some(file), Some((number, count))) = (&mut self.file, self.current.take()) else {
            return Ok(());
        };
        let line = writeln!(file, "inputFrm:{number},outputNums:{count}");
        line.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &std::io::Error) -> ModuleError {
        ModuleError::new(format!("cannot write \"{}\": {error}", self.path))
    }
}
