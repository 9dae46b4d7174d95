//! FFmpeg's formulas, such as `gte(t,n_forced*2)`, with variables of the caller's.

use std::ffi::CString;
use std::ptr::{self, NonNull};

use crate::error::Error;
use crate::log::Capture;
use crate::sys;

/// A formula that can be evaluated again and again.
///
/// ```
/// use bmf_ffmpeg::Expression;
///
/// let mut expression = Expression::parse("gte(t,n*2)", &["n", "t"]).unwrap();
/// assert_eq!(expression.evaluate(&[1.0, 2.5]), 1.0);
/// assert_eq!(expression.evaluate(&[2.0, 2.5]), 0.0);
/// ```
#[derive(Debug)]
pub struct Expression {
    parsed: NonNull<sys::AVExpr>,
    variables: usize,
}

// SAFETY: plain memory without thread affinity, reached through `&mut self` only.
unsafe impl Send for Expression {}

impl Expression {
    /// Reads a formula in which `variables` may stand.
    ///
    /// # Errors
    ///
    /// If it is none; the message has FFmpeg's own words.
    pub fn parse(text: &str, variables: &[&str]) -> Result<Self, Error> {
        let names: Vec<CString> = variables.iter().map(|name| sys::c_string(name)).collect();
        let ended = names.iter().map(|name| name.as_ptr()).chain([ptr::null()]);
        let names: Vec<_> = ended.collect();
        let formula = sys::c_string(text);
        let mut parsed = ptr::null_mut();
        let capture = Capture::start();
        // SAFETY: texts and lists live through the call, and the lists are ended by null.
        let code = unsafe {
            sys::av_expr_parse(
                &mut parsed,
                formula.as_ptr(),
                names.as_ptr(),
                ptr::null(),
                ptr::null(),
                ptr::null(),
                ptr::null(),
                0,
                ptr::null_mut(),
            )
        };
        match NonNull::new(parsed).filter(|_| code >= 0) {
            Some(parsed) => Ok(Self {
                parsed,
                variables: variables.len(),
            }),
            None => {
                let lines = capture.take().into_iter().map(|line| line.text).collect();
                let operation = format!("cannot read the formula '{text}'");
                Err(Error::from_code(operation, code.min(-1)).with_details(lines))
            }
        }
    }

    /// Its value; `values` are those of the variables, in their order.
    ///
    /// # Panics
    ///
    /// If there are not as many as variables.
    pub fn evaluate(&mut self, values: &[f64]) -> f64 {
        assert_eq!(values.len(), self.variables, "one value for each variable");
        // SAFETY: the formula is ours and names no more variables than there are values.
        unsafe { sys::av_expr_eval(self.parsed.as_ptr(), values.as_ptr(), ptr::null_mut()) }
    }
}

impl Drop for Expression {
    fn drop(&mut self) {
        // SAFETY: ours, and not used again.
        unsafe { sys::av_expr_free(self.parsed.as_ptr()) };
    }
}

/// A length of time as FFmpeg's options write it (`90`, `1:30`, `1500ms`), in microseconds; `None` if
/// it is none.
///
/// ```
/// assert_eq!(bmf_ffmpeg::parse_duration("0:01.5"), Some(1_500_000));
/// assert_eq!(bmf_ffmpeg::parse_duration("soon"), None);
/// ```
pub fn parse_duration(text: &str) -> Option<i64> {
    let text = sys::c_string(text);
    let mut micros = 0;
    // SAFETY: the text lives through the call.
    let code = unsafe { sys::av_parse_time(&mut micros, text.as_ptr(), 1) };
    (code >= 0).then_some(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_told() {
        let error = Expression::parse("gte(t,", &["t"]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot read the formula 'gte(t,': "),
            "{error}"
        );
        assert!(Expression::parse("u+1", &["t"]).is_err());
    }
}
