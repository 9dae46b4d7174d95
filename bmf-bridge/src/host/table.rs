//! The host as plugins see it.

use std::ffi::c_void;

use bmf_abi as abi;
use bmf_hmp::panics;
use log::Level;

use super::{context, media, task};
use crate::{text, threads};

static TABLE: abi::Host = abi::Host {
    size: size_of::<abi::Host>(),
    version_major: abi::VERSION_MAJOR,
    version_minor: abi::VERSION_MINOR,
    name: abi::Str::new(concat!("bmf ", env!("CARGO_PKG_VERSION"))),
    log_level,
    log,
    task: &raw const task::API,
    context: &raw const context::API,
    media: &raw const media::API,
    extension,
};

/// What plugins are given. Lives as long as the process.
pub fn table() -> &'static abi::Host {
    &TABLE
}

unsafe extern "C" fn log_level() -> u32 {
    log::max_level() as u32
}

unsafe extern "C" fn log(record: *const abi::LogRecord) {
    // SAFETY: null, or a record that starts with its size.
    let whole = !record.is_null() && unsafe { (*record).size } >= size_of::<abi::LogRecord>();
    if whole {
        // SAFETY: as large as it must be; all texts are lent for the call.
        panics::contained("the log", (), || unsafe { pass_on(&*record) });
    }
}

/// # Safety
/// The texts of `record` are there during the call.
unsafe fn pass_on(record: &abi::LogRecord) {
    let level = match record.level {
        0 | 1 => Level::Error,
        2 => Level::Warn,
        3 => Level::Info,
        4 => Level::Debug,
        _ => Level::Trace,
    };
    if level > log::max_level() {
        return;
    }
    // SAFETY: the caller's promise.
    let (target, file, message) = unsafe {
        let file = text::lossy(record.file);
        (
            text::lossy(record.target),
            file,
            text::lossy(record.message),
        )
    };
    log::logger().log(
        &log::Record::builder()
            .level(level)
            .target(&target)
            .file(Some(&*file).filter(|file| !file.is_empty()))
            .line(Some(record.line).filter(|&line| line != 0))
            .args(format_args!("{message}"))
            .build(),
    );
}

unsafe extern "C" fn extension(id: abi::Str) -> *const c_void {
    // SAFETY: the text is lent for the call.
    if unsafe { text::bytes(id) } == threads::ID.as_bytes() {
        return (&raw const context::THREADS).cast();
    }
    // SAFETY: the text is lent for the call.
    panics::contained("the log", (), || unsafe {
        log::debug!("a plugin asks for {}, which there is not", text::lossy(id));
    });
    std::ptr::null()
}
