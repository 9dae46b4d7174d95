//! `max_width_height`: pictures that are too large to be worth decoding.

use bmf_sdk::prelude::*;

/// Refuses pictures from a size on.
#[derive(Clone, Debug)]
pub(crate) struct SizeLimit {
    /// The first width or height that is too much.
    from: u32,
    /// With how many it is an error; `None` for never.
    allowed: Option<u64>,
    hits: u64,
}

impl SizeLimit {
    /// `None` if there is no limit.
    pub(crate) fn new(from: u32, hits: i64) -> Option<Self> {
        (from > 0).then(|| Self {
            from,
            allowed: u64::try_from(hits).ok(),
            hits: 0,
        })
    }

    /// How many were left out.
    pub(crate) fn hits(&self) -> u64 {
        self.hits
    }

    /// Whether a packet or picture of this size is to be left out. `name` is the stream's.
    ///
    /// # Errors
    /// If that happens too often.
    pub(crate) fn refuses(&mut self, size: (u32, u32), name: &str) -> Result<bool, ModuleError> {
        let (width, height) = size;
        if width.max(height) < self.from {
            return Ok(false);
        }
        self.hits += 1;
        match self.allowed {
            Some(allowed) if self.hits >= allowed.max(1) => Err(ModuleError::new(format!(
                "{name} has pictures of {width}x{height}, and max_width_height is {}; {} of them came",
                self.from, self.hits
            ))),
            _ => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_counted_up_to_an_error() {
        let mut limit = SizeLimit::new(100, 2).unwrap();
        assert!(!limit.refuses((99, 99), "x").unwrap());
        assert!(limit.refuses((10, 100), "x").unwrap());
        insta::assert_snapshot!(limit.refuses((200, 10), "stream 0").unwrap_err(), @"stream 0 has pictures of 200x10, and max_width_height is 100; 2 of them came");
        let mut limit = SizeLimit::new(100, -1).unwrap();
        assert!((0..1000).all(|_| limit.refuses((100, 1), "x").unwrap()));
        assert_eq!(limit.hits(), 1000);
        assert!(SizeLimit::new(0, -1).is_none());
    }
}
