//! FFmpeg's log as records of the `log` crate, and as explanations of errors.
//!
//! FFmpeg logs through one process-wide callback, in pieces that need not be
//! whole lines, from any thread. [`install`] replaces that callback once; pieces
//! are put together per thread, addresses (`[mov @ 0x55…]`) are removed, and
//! each full line becomes one record of target `bmf_ffmpeg`.
//!
//! While a call of this crate may fail, the error lines of its own thread are
//! held back: if the call fails they become part of its [`Error`](crate::Error)
//! and are not logged as well, so that each failure is reported once; if it
//! succeeds they are logged after all. Lines of FFmpeg's own worker threads are
//! always logged. This file never prints.

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

use log::Level;

use crate::sys;

const TARGET: &str = "bmf_ffmpeg";

/// Held-back lines per call; the last ones explain best.
const MAX_HELD: usize = 4;

/// The most verbose FFmpeg level that is passed on.
static MAX_LEVEL: AtomicI32 = AtomicI32::new(sys::AV_LOG_INFO);

/// Sends FFmpeg's log to the `log` crate from now on. Every constructor of this
/// crate calls it; calling it again does nothing.
pub fn install() {
    static ONCE: Once = Once::new();
    // SAFETY: `on_log` has the signature FFmpeg expects, never unwinds and may
    // be called from any thread.
    ONCE.call_once(|| unsafe { sys::av_log_set_callback(Some(on_log)) });
}

/// Sets how much FFmpeg may say, by FFmpeg's level names ("quiet", "panic",
/// "fatal", "error", "warning", "info", "verbose", "debug", "trace") or numbers.
/// Process-wide, as FFmpeg's log is. Returns `false` if the name is none of
/// them; nothing changes then.
///
/// What is let through here is still subject to the `log` crate's own filter.
pub fn set_level(name: &str) -> bool {
    let level = match name.trim() {
        "quiet" => sys::AV_LOG_QUIET,
        "panic" => sys::AV_LOG_PANIC,
        "fatal" => sys::AV_LOG_FATAL,
        "error" => sys::AV_LOG_ERROR,
        "warning" => sys::AV_LOG_WARNING,
        "info" => sys::AV_LOG_INFO,
        "verbose" => sys::AV_LOG_VERBOSE,
        "debug" => sys::AV_LOG_DEBUG,
        "trace" => sys::AV_LOG_TRACE,
        number => match number.parse() {
            Ok(level) => level,
            Err(_) => return false,
        },
    };
    install();
    MAX_LEVEL.store(level, Ordering::Relaxed);
    // SAFETY: sets one integer; some components consult it before they format.
    unsafe { sys::av_log_set_level(level) };
    true
}

/// One line as FFmpeg meant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    level: Level,
    /// Who spoke, for instance `libx264` or `Parsed_scale_0`; may be empty.
    pub(crate) speaker: String,
    pub(crate) text: String,
}

impl Line {
    fn emit(&self) {
        if self.speaker.is_empty() {
            log::log!(target: TARGET, self.level, "{}", self.text);
        } else {
            log::log!(target: TARGET, self.level, "{}: {}", self.speaker, self.text);
        }
    }
}

/// Holds back this thread's error lines until it is dropped or taken.
pub(crate) struct Capture(());

impl Capture {
    /// Starts holding back. Captures nest: an inner one takes what comes while
    /// it lives.
    pub(crate) fn start() -> Self {
        install();
        THREAD.with(|thread| thread.borrow_mut().held.push(Vec::new()));
        Self(())
    }

    /// The lines of a call that failed; they are not logged any more.
    pub(crate) fn take(self) -> Vec<Line> {
        THREAD.with(|thread| {
            thread
                .borrow_mut()
                .held
                .last_mut()
                .map(std::mem::take)
                .unwrap_or_default()
        })
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let rest = THREAD.try_with(|thread| thread.borrow_mut().held.pop());
        if MAX_LEVEL.load(Ordering::Relaxed) >= sys::AV_LOG_ERROR {
            rest.ok()
                .flatten()
                .unwrap_or_default()
                .iter()
                .for_each(Line::emit);
        }
    }
}

#[derive(Default)]
struct Thread {
    /// One entry per living [`Capture`], innermost last.
    held: Vec<Vec<Line>>,
    /// The beginning of a line that has not ended yet.
    partial: String,
}

thread_local! {
    static THREAD: RefCell<Thread> = RefCell::default();
}

#[cfg(all(target_arch = "x86_64", not(windows)))]
type VaList = *mut sys::__va_list_tag;
#[cfg(not(all(target_arch = "x86_64", not(windows))))]
type VaList = sys::va_list;

unsafe extern "C" fn on_log(
    context: *mut c_void,
    level: c_int,
    format: *const c_char,
    arguments: VaList,
) {
    // Some callers put colours into the higher bits.
    let level = if level >= 0 { level & 0xff } else { level };
    if level > MAX_LEVEL.load(Ordering::Relaxed) || to_level(level) > log::max_level() {
        // Errors are formatted even if nobody listens: they may explain a failure.
        if level > sys::AV_LOG_ERROR {
            return;
        }
    }
    let mut buffer = [0_u8; 1024];
    let mut at_line_start: c_int = THREAD
        .try_with(|thread| {
            thread
                .try_borrow()
                .is_ok_and(|thread| thread.partial.is_empty())
        })
        .unwrap_or(true)
        .into();
    // SAFETY: all arguments but the buffer are FFmpeg's own, passed through
    // unchanged; the buffer is writable for the length given.
    let length = unsafe {
        sys::av_log_format_line2(
            context,
            level,
            format,
            arguments,
            buffer.as_mut_ptr().cast(),
            sys::int(buffer.len()),
            &mut at_line_start,
        )
    };
    let length = sys::size(length).min(buffer.len() - 1);
    let piece = String::from_utf8_lossy(&buffer[..length]);
    // A panicking logger must not unwind into C.
    let _ = catch_unwind(AssertUnwindSafe(|| on_piece(level, &piece)));
}

/// Adds a piece to this thread's line and passes on what is complete.
fn on_piece(level: c_int, piece: &str) {
    let complete = THREAD.try_with(|thread| {
        let Ok(mut thread) = thread.try_borrow_mut() else {
            return Vec::new();
        };
        thread.partial.push_str(piece);
        let Some(end) = thread.partial.rfind('\n') else {
            return Vec::new();
        };
        let whole: String = thread.partial.drain(..=end).collect();
        let lines = whole.lines().map(|text| parse(level, text));
        let mut lines: Vec<Line> = lines.filter(|line| !line.text.is_empty()).collect();
        if level <= sys::AV_LOG_ERROR
            && let Some(held) = thread.held.last_mut()
        {
            held.append(&mut lines);
            let surplus = held.len().saturating_sub(MAX_HELD);
            held.drain(..surplus);
        }
        lines
    });
    if level <= MAX_LEVEL.load(Ordering::Relaxed) {
        complete.unwrap_or_default().iter().for_each(Line::emit);
    }
}

fn to_level(level: c_int) -> Level {
    if level <= sys::AV_LOG_ERROR {
        Level::Error
    } else if level <= sys::AV_LOG_WARNING {
        Level::Warn
    } else if level <= sys::AV_LOG_INFO {
        Level::Info
    } else if level <= sys::AV_LOG_VERBOSE {
        Level::Debug
    } else {
        Level::Trace
    }
}

/// Splits `[libx264 @ 0x5581] frame I:3` into speaker and text.
fn parse(level: c_int, line: &str) -> Line {
    let mut rest = line.trim_end();
    let mut speaker = "";
    // A filter in a graph is announced by two brackets; the inner one is exact.
    while let Some((name, after)) = rest
        .strip_prefix('[')
        .and_then(|inner| inner.split_once("] "))
        && let Some((name, address)) = name.split_once(" @ ")
        && address.starts_with("0x")
    {
        speaker = name;
        rest = after;
    }
    Line {
        level: to_level(level),
        speaker: speaker.to_owned(),
        text: rest.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> String {
        let line = parse(sys::AV_LOG_ERROR, line);
        format!("{}|{}", line.speaker, line.text)
    }

    #[test]
    fn addresses_go_and_speakers_stay() {
        insta::assert_snapshot!(
            check("[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d0] moov atom not found"),
            @"mov,mp4,m4a,3gp,3g2,mj2|moov atom not found"
        );
        insta::assert_snapshot!(
            check("[AVFilterGraph @ 0x1] [Parsed_scale_0 @ 0x2] Option 'ww' not found\n"),
            @"Parsed_scale_0|Option 'ww' not found"
        );
        insta::assert_snapshot!(check("[0:v] is no address"), @"|[0:v] is no address");
    }

    #[test]
    fn pieces_become_lines_and_a_capture_keeps_the_last_ones() {
        let capture = Capture::start();
        for piece in ["[a @ 0x1] one ", "line\n", "2\n3\n4\n", "5\nunfinished"] {
            on_piece(sys::AV_LOG_ERROR, piece);
        }
        let lines: Vec<String> = capture.take().into_iter().map(|line| line.text).collect();
        insta::assert_snapshot!(lines.join(","), @"2,3,4,5");
    }

    #[test]
    fn level_names_are_ffmpegs() {
        assert!(set_level("info"));
        assert!(set_level("32"));
        assert!(!set_level("loud"));
    }
}
