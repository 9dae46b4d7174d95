//! How many threads modules may take for their own work, beside those that run the graph. What they
//! do with it is theirs.

use std::num::NonZeroU16;

/// How many threads a codec or a filter may take for itself.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// As many as make the whole graph fast: who comes before heavy work leaves the cores to it.
    #[default]
    Auto,
    /// One per core, whatever else there is, as in a program that does a single thing.
    All,
    /// At most so many.
    AtMost(NonZeroU16),
}

impl Threads {
    /// As a number: 0 is [`Auto`](Self::Auto), -1 [`All`](Self::All).
    pub fn code(self) -> i32 {
        match self {
            Self::Auto => 0,
            Self::All => -1,
            Self::AtMost(most) => i32::from(most.get()),
        }
    }

    /// The policy with this [`code`](Self::code); `Auto` for a number that is none.
    pub fn from_code(code: i32) -> Self {
        match u16::try_from(code).ok().and_then(NonZeroU16::new) {
            Some(most) => Self::AtMost(most),
            None if code == -1 => Self::All,
            None => Self::Auto,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_for_policies() {
        for code in [0, -1, 1, 65_535] {
            assert_eq!(Threads::from_code(code).code(), code);
        }
        assert_eq!(Threads::from_code(-2), Threads::Auto);
        assert_eq!(Threads::from_code(70_000), Threads::Auto);
    }
}
