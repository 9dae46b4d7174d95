//! [`ScalarType`] and [`Element`]: the numbers that tensors and sound are made of.
//!
//! All in this machine's byte order.

use std::fmt;
use std::str::FromStr;

use half::f16;
use serde::{Deserialize, Serialize};

/// A type of numbers.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalarType {
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// IEEE half precision.
    F16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

impl ScalarType {
    /// All types.
    pub const ALL: &[Self] = &[
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::F16,
        Self::F32,
        Self::F64,
    ];

    /// Bytes per number.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// The name of Rust's type: `u8`, `f32`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Whether the numbers are floats.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no scalar type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no scalar type: use u8, i8, u16, i16, i32, i64, f16, f32 or f64")]
pub struct ParseScalarTypeError(String);

impl FromStr for ScalarType {
    type Err = ParseScalarTypeError;

    fn from_str(name: &str) -> Result<Self, ParseScalarTypeError> {
        let found = Self::ALL
            .iter()
            .copied()
            .find(|scalar| scalar.name() == name);
        found.ok_or_else(|| ParseScalarTypeError(name.to_owned()))
    }
}

/// A Rust type that is a [`ScalarType`]. Half precision is [`half::f16`].
pub trait Element: bytemuck::Pod + PartialEq + fmt::Debug + Send + Sync {
    /// Which one it is.
    const TYPE: ScalarType;
}

macro_rules! elements {
    ($($type:ty = $scalar:ident),+) => {
        $(impl Element for $type {
            const TYPE: ScalarType = ScalarType::$scalar;
        })+
    };
}

elements!(
    u8 = U8,
    i8 = I8,
    u16 = U16,
    i16 = I16,
    i32 = I32,
    i64 = I64,
    f16 = F16,
    f32 = F32,
    f64 = F64
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for &scalar in ScalarType::ALL {
            assert_eq!(scalar.name().parse(), Ok(scalar));
        }
        insta::assert_snapshot!("u32".parse::<ScalarType>().unwrap_err(), @"'u32' is no scalar type: use u8, i8, u16, i16, i32, i64, f16, f32 or f64");
    }

    #[test]
    fn sizes_are_those_of_the_rust_types() {
        fn check<T: Element>() {
            assert_eq!(T::TYPE.bytes(), size_of::<T>(), "{}", T::TYPE);
        }
        check::<u8>();
        check::<i16>();
        check::<f16>();
        check::<f32>();
        check::<i64>();
    }
}
