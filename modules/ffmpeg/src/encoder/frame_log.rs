//! BMF's list of which pictures that came were encoded how often.

use std::fs::File;
use std::io::{BufWriter, Write};

use bmf_sdk::prelude::*;

/// The list, written as the pictures come.
pub(super) struct FrameLog {
    path: String,
    file: BufWriter<File>,
    /// Number of the last picture that came, and how often it was encoded so far.
    current: Option<(String, u64)>,
}

impl FrameLog {
    /// The list of the file at `output`.
    pub(super) fn create(output: &str) -> Result<Self, ModuleError> {
        let path = format!("{output}_iofrm.txt");
        match File::create(&path) {
            Ok(file) => Ok(Self {
                path,
                file: BufWriter::new(file),
                current: None,
            }),
            Err(error) => Err(ModuleError::new(format!(
                "cannot write \"{path}\": {error}"
            ))),
        }
    }

    /// A picture has come.
    pub(super) fn begin(&mut self, number: String) -> Result<(), ModuleError> {
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
        self.file.flush().map_err(|error| self.failure(&error))
    }

    fn write(&mut self) -> Result<(), ModuleError> {
        let Some((number, count)) = self.current.take() else {
            return Ok(());
        };
        let line = writeln!(self.file, "inputFrm:{number},outputNums:{count}");
        line.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &std::io::Error) -> ModuleError {
        ModuleError::new(format!("cannot write \"{}\": {error}", self.path))
    }
}
