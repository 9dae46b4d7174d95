//! [`Device`]: where memory lives. A name only; nothing here talks to a device.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a buffer's bytes are.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Device {
    /// Ordinary memory, which every thread can read.
    #[default]
    Cpu,
    /// The memory of the CUDA device with this ordinal; its addresses mean nothing to the CPU.
    Cuda(u32),
}

impl Device {
    /// Whether the CPU can read the memory.
    pub const fn is_cpu(self) -> bool {
        matches!(self, Self::Cpu)
    }
}

/// `cpu` or `cuda:1`.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

/// A text that names no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no device: use cpu, cuda or cuda:<number>")]
pub struct ParseDeviceError(String);

/// Reads `cpu`, `cuda` (the first one) and `cuda:1`.
impl FromStr for Device {
    type Err = ParseDeviceError;

    fn from_str(text: &str) -> Result<Self, ParseDeviceError> {
        let unknown = || ParseDeviceError(text.to_owned());
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", ordinal)) => ordinal.parse().map(Self::Cuda).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

impl TryFrom<String> for Device {
    type Error = ParseDeviceError;

    fn try_from(text: String) -> Result<Self, ParseDeviceError> {
        text.parse()
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(3)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
    }

    #[test]
    fn other_names_are_refused() {
        for text in ["", "gpu", "cpu:0", "cuda:", "cuda:-1"] {
            assert!(text.parse::<Device>().is_err(), "{text}");
        }
        insta::assert_snapshot!("tpu".parse::<Device>().unwrap_err(), @"'tpu' is no device: use cpu, cuda or cuda:<number>");
    }
}
