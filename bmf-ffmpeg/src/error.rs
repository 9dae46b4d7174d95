//! What went wrong in FFmpeg, where, and what to do about it.
//!
//! Every failing call of this crate ends as one [`Error`]: what was tried, on
//! which file, stream, codec or filter, FFmpeg's code and message, the lines
//! FFmpeg logged while failing (they say what the code does not, for instance
//! "moov atom not found"), and a hint where one can be given. This file does
//! not log and does not retry.

use std::ffi::c_int;
use std::fmt;

use crate::sys;

/// A failed FFmpeg operation.
///
/// Displays as one line: `cannot open 'a.mp4': invalid data found when
/// processing input (moov atom not found)`, followed by `; ` and the hint if
/// there is one.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Error(Box<Parts>);

/// What kind of failure an [`Error`] is, for callers that act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file, directory or network host does not exist.
    NotFound,
    /// The operating system refused access.
    PermissionDenied,
    /// A directory was given where a file is needed, or the reverse.
    NotAFile,
    /// The device or quota is full.
    NoSpace,
    /// The data is not what its format demands.
    InvalidData,
    /// The data ended too early.
    EndOfFile,
    /// An [`Interrupt`](crate::Interrupt) ended the operation.
    Interrupted,
    /// This FFmpeg has no codec, filter, format or protocol of that name.
    Unknown,
    /// An option or parameter is not accepted.
    InvalidArgument,
    /// Valid, but not supported here.
    Unsupported,
    /// Anything else.
    Other,
}

#[derive(Debug, Clone)]
struct Parts {
    operation: String,
    kind: ErrorKind,
    code: Option<c_int>,
    message: String,
    details: Vec<String>,
    hint: Option<String>,
}

impl Error {
    /// An error from a negative FFmpeg return code. `operation` reads like
    /// "cannot open 'a.mp4'".
    pub(crate) fn from_code(operation: impl Into<String>, code: c_int) -> Self {
        Self(Box::new(Parts {
            operation: operation.into(),
            kind: kind_of(code),
            code: Some(code),
            message: message_of(code),
            details: Vec::new(),
            hint: None,
        }))
    }

    /// An error found by this crate itself, before or instead of FFmpeg.
    pub(crate) fn new(
        operation: impl Into<String>,
        kind: ErrorKind,
        message: impl Into<String>,
    ) -> Self {
        Self(Box::new(Parts {
            operation: operation.into(),
            kind,
            code: None,
            message: message.into(),
            details: Vec::new(),
            hint: None,
        }))
    }

    /// Adds the lines FFmpeg logged at error level while failing.
    pub(crate) fn with_details(mut self, lines: Vec<String>) -> Self {
        for line in lines {
            let line = line.trim_end_matches('.').to_owned();
            if !line.is_empty() && !self.0.details.contains(&line) {
                self.0.details.push(line);
            }
        }
        self
    }

    /// Adds what the user can do about it.
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Self {
        self.0.hint = hint.or(self.0.hint);
        self
    }

    /// Replaces FFmpeg's message and explanations by a plainer message.
    pub(crate) fn with_message(mut self, kind: ErrorKind, message: impl Into<String>) -> Self {
        self.0.kind = kind;
        self.0.message = message.into();
        self.0.details.clear();
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// FFmpeg's return code, `None` if this crate found the mistake itself.
    pub fn code(&self) -> Option<i32> {
        self.0.code
    }

    /// What was tried on what, for instance "cannot open 'a.mp4'".
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// FFmpeg's message for the code, in lower case.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What FFmpeg logged at error level while failing, oldest first.
    pub fn details(&self) -> &[String] {
        &self.0.details
    }

    /// What to do about it, if something better than "check it" is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Whether an [`Interrupt`](crate::Interrupt) was the cause.
    pub fn is_interrupted(&self) -> bool {
        self.0.kind == ErrorKind::Interrupted
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.message)?;
        if !self.details.is_empty() {
            write!(f, " ({})", self.details.join("; "))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// FFmpeg's own text for a return code, with a small first letter.
fn message_of(code: c_int) -> String {
    let mut buffer = [0_u8; 256];
    // SAFETY: the buffer is writable for the length given; av_strerror always
    // terminates it, also for codes it does not know.
    unsafe { sys::av_strerror(code, buffer.as_mut_ptr().cast(), buffer.len()) };
    let end = buffer.iter().position(|&b| b == 0).unwrap_or(buffer.len());
    lower_first(&String::from_utf8_lossy(&buffer[..end]))
}

/// Lowers the first letter unless the word looks like a name ("HTTP", "I/O").
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().collect::<String>() + chars.as_str()
        }
        _ => text.to_owned(),
    }
}

fn kind_of(code: c_int) -> ErrorKind {
    match code {
        sys::AVERROR_EOF => ErrorKind::EndOfFile,
        sys::AVERROR_EXIT => ErrorKind::Interrupted,
        sys::AVERROR_INVALIDDATA => ErrorKind::InvalidData,
        sys::AVERROR_PATCHWELCOME => ErrorKind::Unsupported,
        sys::AVERROR_OPTION_NOT_FOUND => ErrorKind::InvalidArgument,
        sys::AVERROR_HTTP_NOT_FOUND => ErrorKind::NotFound,
        sys::AVERROR_HTTP_FORBIDDEN | sys::AVERROR_HTTP_UNAUTHORIZED => ErrorKind::PermissionDenied,
        sys::AVERROR_BSF_NOT_FOUND
        | sys::AVERROR_DECODER_NOT_FOUND
        | sys::AVERROR_DEMUXER_NOT_FOUND
        | sys::AVERROR_ENCODER_NOT_FOUND
        | sys::AVERROR_FILTER_NOT_FOUND
        | sys::AVERROR_MUXER_NOT_FOUND
        | sys::AVERROR_PROTOCOL_NOT_FOUND
        | sys::AVERROR_STREAM_NOT_FOUND => ErrorKind::Unknown,
        _ => match -code {
            libc::ENOENT => ErrorKind::NotFound,
            libc::EACCES | libc::EPERM | libc::EROFS => ErrorKind::PermissionDenied,
            libc::EISDIR | libc::ENOTDIR => ErrorKind::NotAFile,
            libc::ENOSPC | libc::EDQUOT => ErrorKind::NoSpace,
            libc::EINVAL | libc::ERANGE => ErrorKind::InvalidArgument,
            libc::ENOSYS => ErrorKind::Unsupported,
            _ => ErrorKind::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_all() {
        let error = Error::from_code("cannot open 'a.mp4'", sys::AVERROR_INVALIDDATA)
            .with_details(vec![
                "moov atom not found".into(),
                "moov atom not found".into(),
            ])
            .with_hint(Some("the file may be cut off".into()));
        insta::assert_snapshot!(error, @"cannot open 'a.mp4': invalid data found when processing input (moov atom not found); the file may be cut off");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn system_codes_get_their_kind() {
        let kinds = [
            libc::ENOENT,
            libc::EACCES,
            libc::EISDIR,
            libc::ENOSPC,
            libc::EIO,
        ]
        .map(|errno| Error::from_code("x", -errno).kind());
        insta::assert_snapshot!(format!("{kinds:?}"), @"[NotFound, PermissionDenied, NotAFile, NoSpace, Other]");
    }

    #[test]
    fn names_keep_their_capitals() {
        assert_eq!(lower_first("HTTP error"), "HTTP error");
        assert_eq!(lower_first("Encoder not found"), "encoder not found");
        assert_eq!(lower_first(""), "");
    }
}
