//! The two streams of the process: stderr for people, stdout for data. What is said is decided
//! elsewhere.

use std::io::{self, Write};
use std::sync::LazyLock;

use anstream::{AutoStream, ColorChoice};
use indicatif::MultiProgress;

use crate::report::Failure;

/// Whatever draws on stderr does it here, so that messages and bars do not tear each other.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Where progress bars are added.
pub(crate) fn bars() -> &'static MultiProgress {
    &BARS
}

/// Writes lines to stderr, above any bar. A stderr that is gone must not end a run, so errors are
/// ignored.
pub(crate) fn message(text: &str) {
    BARS.suspend(|| {
        let mut stderr = io::stderr().lock();
        let _ = writeln!(stderr, "{}", text);
    });
}

/// Whether messages may have colours: on a terminal, unless `NO_COLOR` or the like says otherwise.
pub(crate) fn has_colour() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Writes data to stdout.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    written
        .and_then(|()| stdout.flush())
        .map_err(Failure::Stdout)
}
