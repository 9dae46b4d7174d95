//! Log records as messages on stderr, and panics of modules as log records. Libraries log, only
//! this binary prints.

use std::panic;
use std::thread;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::terminal;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Info,
    Debug,
}

/// Installs the logger and the panic hook.
pub(crate) fn install(verbosity: Verbosity) {
    let logger = Logger {
        ours: verbosity.of_bmf(),
        others: verbosity.of_others(),
    };
    log::set_max_level(logger.ours.max(logger.others));
    let set = log::set_logger(Box::leak(Box::new(logger)));
    debug_assert!(set.is_ok(), "there is one logger");
    hide_panics_of_workers();
}

impl Verbosity {
    fn of_bmf(self) -> LevelFilter {
        match self {
            Self::Quiet => LevelFilter::Error,
            Self::Normal => LevelFilter::Warn,
            Self::Info => LevelFilter::Info,
            Self::Debug => LevelFilter::Debug,
        }
    }

    /// FFmpeg, and whatever else logs. What they call errors is often one damaged packet; the
    /// modules count those and say what came of it.
    fn of_others(self) -> LevelFilter {
        match self {
            Self::Quiet | Self::Normal => LevelFilter::Off,
            Self::Info => LevelFilter::Info,
            Self::Debug => LevelFilter::Debug,
        }
    }
}

struct Logger {
    ours: LevelFilter,
    others: LevelFilter,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let limit = if is_ours(metadata.target()) {
            self.ours
        } else {
            self.others
        };
        metadata.level() <= limit
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let target = record.target();
            terminal::message(&line(
                record.level(),
                target,
                record.args().to_string().trim_end(),
            ));
        }
    }

    fn flush(&self) {}
}

/// `bmf_ffmpeg` is FFmpeg itself speaking.
fn is_ours(target: &str) -> bool {
    target.starts_with("bmf") && !target.starts_with("bmf_ffmpeg")
}

/// Who speaks is told where it is not the run itself: in details, and where FFmpeg speaks.
fn line(level: Level, target: &str, text: &str) -> String {
    let level_name = match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug | Level::Trace => "debug",
    };
    let speaker = target.split("::").next().unwrap_or(target);
    match speaker {
        "bmf_ffmpeg" => format!("{level_name}: ffmpeg: {text}"),
        _ if is_ours(target) && level <= Level::Warn => format!("{level_name}: {text}"),
        _ => format!("{level_name}: {}: {text}", speaker.replace('_', "-")),
    }
}

/// The engine reports a module's panic as the run's error, with the node's name; the message of
/// the default hook would say it a second time, with less in it.
fn hide_panics_of_workers() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let is_worker = thread::current()
            .name()
            .is_some_and(|name| name.starts_with("bmf-"));
        if is_worker {
            log::debug!("{panic}");
        } else {
            default(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_name_who_speaks_where_it_matters() {
        let check = |level, target| line(level, target, "text");
        assert_eq!(check(Level::Warn, "bmf_engine::graph"), "warning: text");
        assert_eq!(
            check(Level::Debug, "bmf_engine::graph"),
            "debug: bmf-engine: text"
        );
        assert_eq!(check(Level::Error, "bmf_ffmpeg"), "error: ffmpeg: text");
        assert_eq!(check(Level::Error, "other"), "error: other: text");
    }

    #[test]
    fn ffmpeg_needs_more_asking() {
        let logger = |verbosity: Verbosity| Logger {
            ours: verbosity.of_bmf(),
            others: verbosity.of_others(),
        };
        let check = |verbosity, target, level| {
            let metadata = Metadata::builder().target(target).level(level).build();
            logger(verbosity).enabled(&metadata)
        };
        assert!(check(Verbosity::Normal, "bmf_module_ffmpeg", Level::Warn));
        assert!(!check(Verbosity::Normal, "bmf_ffmpeg", Level::Warn));
        assert!(check(Verbosity::Info, "bmf_ffmpeg", Level::Info));
        assert!(!check(Verbosity::Quiet, "bmf_engine", Level::Warn));
    }
}
