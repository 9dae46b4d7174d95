//! [`PixelFormat`]: the pixel formats that decoders give and filters want, under FFmpeg's names.
//!
//! Formats are described, not converted.

mod descriptor;
mod layout;
mod table;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use descriptor::{Component, PixelDescriptor, PixelFlags};
pub use table::PixelFormat;

impl PixelFormat {
    /// FFmpeg's name.
    pub fn name(self) -> &'static str {
        self.descriptor().name
    }

    /// The format of this name. As in FFmpeg, a name without its byte order (`gray16`) means this
    /// machine's.
    ///
    /// ```
    /// use bmf_hmp::PixelFormat;
    /// assert_eq!(PixelFormat::from_name("yuv420p10le"), Some(PixelFormat::Yuv420p10Le));
    /// assert_eq!(PixelFormat::from_name("p010"), Some(PixelFormat::P010));
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let find = |name: &str| {
            Self::ALL
                .iter()
                .copied()
                .find(|format| format.name() == name)
        };
        let suffix = if cfg!(target_endian = "big") {
            "be"
        } else {
            "le"
        };
        find(name).or_else(|| find(&format!("{name}{suffix}")))
    }

    /// Where its samples lie and how large its planes are.
    pub fn descriptor(self) -> &'static PixelDescriptor {
        &table::DESCRIPTORS[self as usize]
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no pixel format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no pixel format: use FFmpeg's names, such as yuv420p, nv12 or rgba (ffmpeg -pix_fmts lists them)"
)]
pub struct ParsePixelFormatError(String);

impl FromStr for PixelFormat {
    type Err = ParsePixelFormatError;

    fn from_str(name: &str) -> Result<Self, ParsePixelFormatError> {
        Self::from_name(name).ok_or_else(|| ParsePixelFormatError(name.to_owned()))
    }
}

/// As its name.
impl Serialize for PixelFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// From its name.
impl<'de> Deserialize<'de> for PixelFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
