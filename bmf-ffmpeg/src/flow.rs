//! How decoder, filter graph and encoder answer when fed or asked.
//!
//! All three take something in and may give several things out, later. These
//! two enums name FFmpeg's "try again" and "end of file" by what the caller
//! has to do.

/// The answer to feeding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Fed {
    /// Taken.
    Taken,
    /// Not taken: results must be fetched first, then feed the same again.
    Full,
    /// Not taken, nor will anything else be: it has ended.
    Closed,
}

/// The answer to asking for a result.
#[derive(Debug)]
pub enum Pulled<T> {
    /// A result; there may be more.
    Ready(T),
    /// No result until more is fed.
    Hungry,
    /// No result ever again.
    Ended,
}

impl<T> Pulled<T> {
    /// The result, if there is one.
    pub fn ready(self) -> Option<T> {
        match self {
            Self::Ready(item) => Some(item),
            Self::Hungry | Self::Ended => None,
        }
    }

    /// Whether nothing will come any more.
    pub fn is_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }
}
