//! What is logged in this image goes to the host's log.

use std::sync::OnceLock;

use bmf_abi as abi;
use log::{LevelFilter, Log, Metadata, Record};

static FORWARD: Forward = Forward(OnceLock::new());

struct Forward(OnceLock<&'static abi::Host>);

/// Sends all that is logged in this image to `host`, unless the image has a logger of its own.
pub(super) fn install(host: &'static abi::Host) {
    // Before the logger is known to others, so that they find a host in it.
    if FORWARD.0.set(host).is_ok() && log::set_logger(&FORWARD).is_err() {
        return;
    }
    follow();
}

/// Takes the host's level, which may have changed.
pub(super) fn follow() {
    let Some(host) = FORWARD.0.get() else {
        return;
    };
    if std::ptr::addr_eq(log::logger(), &raw const FORWARD) {
        // SAFETY: a function of the host.
        log::set_max_level(filter(unsafe { (host.log_level)() }));
    }
}

fn filter(level: u32) -> LevelFilter {
    match level {
        0 => LevelFilter::Off,
        1 => LevelFilter::Error,
        2 => LevelFilter::Warn,
        3 => LevelFilter::Info,
        4 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    }
}

impl Log for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // SAFETY: as in `follow`.
        let level = self.0.get().map(|host| unsafe { (host.log_level)() });
        level.is_some_and(|level| metadata.level() as u32 <= level)
    }

    fn log(&self, record: &Record<'_>) {
        let Some(host) = self.0.get().filter(|_| self.enabled(record.metadata())) else {
            return;
        };
        let message = match record.args().as_str() {
            Some(message) => message.into(),
            None => std::borrow::Cow::from(record.args().to_string()),
        };
        let record = abi::LogRecord {
            size: size_of::<abi::LogRecord>(),
            level: record.level() as u32,
            line: record.line().unwrap_or(0),
            target: abi::Str::new(record.target()),
            file: abi::Str::new(record.file().unwrap_or_default()),
            message: abi::Str::new(&message),
        };
        // SAFETY: as in `follow`; all texts are lent for the call.
        unsafe { (host.log)(&record) };
    }

    fn flush(&self) {}
}
