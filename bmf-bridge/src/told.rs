//! What the other side tells of a failure: the receiving end of an [`ErrorSink`](abi::ErrorSink).

use std::ffi::c_void;
use std::panic::resume_unwind;

use bmf_abi as abi;
use bmf_core::ModuleError;
use bmf_hmp::Timestamp;

use crate::text;

/// What was told last.
#[derive(Default)]
pub(crate) struct Told(Option<Box<Failure>>);

struct Failure {
    message: String,
    hint: String,
    port: String,
    timestamp: Option<Timestamp>,
}

impl Told {
    /// Makes a call that can tell of its failure.
    #[inline]
    pub(crate) fn listen<R>(&mut self, call: impl FnOnce(*const abi::ErrorSink) -> R) -> R {
        let target = (&raw mut *self).cast();
        call(&abi::ErrorSink { target, report })
    }

    /// What a code of the contract stands for: success of several kinds, or a failure.
    ///
    /// # Panics
    /// If the code behind the call did, with what it said.
    #[inline]
    pub(crate) fn outcome(self, code: i32) -> Result<i32, ModuleError> {
        if code >= abi::OK {
            Ok(code)
        } else {
            Err(self.failure(code))
        }
    }

    #[cold]
    fn failure(self, code: i32) -> ModuleError {
        match code {
            abi::PANICKED => resume_unwind(Box::new(self.into_message())),
            abi::FAILED => self.into_error(),
            _ => unknown(code),
        }
    }

    /// What was said.
    pub(crate) fn into_message(self) -> String {
        self.said().unwrap_or_else(|| "(no message)".to_owned())
    }

    /// What was said, if something was.
    pub(crate) fn said(self) -> Option<String> {
        self.0.map(|failure| failure.message)
    }

    fn into_error(self) -> ModuleError {
        let Some(failure) = self.0 else {
            return ModuleError::new("failed without saying why");
        };
        let mut error = ModuleError::new(failure.message).at(failure.timestamp);
        if !failure.hint.is_empty() {
            error = error.with_hint(failure.hint);
        }
        if !failure.port.is_empty() {
            error = error.on_port(failure.port);
        }
        error
    }
}

/// A code that the contract does not have in this place.
#[cold]
pub(crate) fn unknown(code: i32) -> ModuleError {
    ModuleError::new(format!(
        "the module's library returned {code}, which means nothing"
    ))
}

unsafe extern "C" fn report(target: *mut c_void, error: *const abi::ErrorInfo) {
    // SAFETY: the target of the sink above, which only the present call has.
    let told = unsafe { &mut *target.cast::<Told>() };
    if error.is_null() {
        return;
    }
    // SAFETY: not null, and starts with its size.
    let size = unsafe { (*error).size };
    if size < size_of::<abi::ErrorInfo>() {
        return;
    }
    // SAFETY: as large as it must be; all texts are lent for the call.
    let failure = unsafe {
        let error = &*error;
        let time = Some(error.timestamp).filter(|&time| time != abi::NONE);
        Failure {
            message: text::lossy(error.message).into_owned(),
            hint: text::lossy(error.hint).into_owned(),
            port: text::lossy(error.port).into_owned(),
            timestamp: time.map(Timestamp::from_micros),
        }
    };
    told.0 = Some(Box::new(failure));
}
