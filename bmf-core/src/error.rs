//! The error that modules return. The engine adds the node's name; nothing is logged here.

use std::error::Error;
use std::fmt;

use bmf_hmp::Timestamp;

/// Why a module could not go on.
///
/// Any `std::error::Error` converts into it, so `?` works in modules. It does not itself implement
/// `Error` (which makes that conversion possible); the engine wraps it into one that does.
pub struct ModuleError(Box<Details>);

/// Boxed, because errors are rare and results of modules are not.
struct Details {
    message: String,
    port: Option<String>,
    timestamp: Option<Timestamp>,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ModuleError {
    /// An error with its message: lower case, saying what happened to which file or stream.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            message: message.into(),
            port: None,
            timestamp: None,
            hint: None,
            source: None,
        }))
    }

    /// Adds what caused it.
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    /// Adds the port it happened on.
    pub fn on_port(mut self, port: impl Into<String>) -> Self {
        self.0.port.get_or_insert(port.into());
        self
    }

    /// Adds the time of the packet it happened at.
    pub fn at(mut self, timestamp: impl Into<Option<Timestamp>>) -> Self {
        self.0.timestamp = self.0.timestamp.or(timestamp.into());
        self
    }

    /// Adds what the user can do.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// What happened, without its causes.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The port it happened on, where the module said so.
    pub fn port(&self) -> Option<&str> {
        self.0.port.as_deref()
    }

    /// The time of the packet it happened at, where known.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.0.timestamp
    }

    /// What the user can do, where known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What caused it.
    pub fn source(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for ModuleError {
    fn from(error: E) -> Self {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        let mut result = Self::new(error.to_string());
        result.0.source = (!causes.is_empty()).then(|| causes.join(": ").into());
        result
    }
}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let mut cause = self.0.source.as_deref().map(|cause| cause as &dyn Error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleError")
            .field("message", &self.0.message)
            .field("port", &self.0.port)
            .field("timestamp", &self.0.timestamp)
            .field("hint", &self.0.hint)
            .field("source", &self.0.source)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_the_causal_chain() {
        let io = std::io::Error::other("disk on fire");
        let error = ModuleError::new("cannot write \"out.mp4\"")
            .with_source(io)
            .on_port("video")
            .at(Timestamp::from_micros(5));
        insta::assert_snapshot!(error, @r#"cannot write "out.mp4": disk on fire"#);
    }

    #[test]
    fn a_converted_error_keeps_all_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Layer(&'static str, #[source] Option<Box<Layer>>);

        let inner = Layer("b", Some(Box::new(Layer("c", None))));
        let error = ModuleError::from(Layer("a", Some(Box::new(inner))));
        insta::assert_snapshot!(error, @"a: b: c");
    }
}
