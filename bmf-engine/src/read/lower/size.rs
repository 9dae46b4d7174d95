//! Numbers of bytes as text: `64MB`, `512 KiB`. Whose size it is, and whether it fits there, is not
//! looked at.

/// The units, smallest first. Their letters may be large or small: nobody counts memory in millibits.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1000_u64.pow(2)),
    ("MiB", 1 << 20),
    ("GB", 1000_u64.pow(3)),
    ("GiB", 1 << 30),
    ("TB", 1000_u64.pow(4)),
    ("TiB", 1 << 40),
];

/// Why a text is not a size.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is no whole number, or has an unknown unit.
    NoSize,
    /// It is zero.
    Zero,
    /// It is more than a signed number of 64 bits holds.
    TooLarge,
}

impl Problem {
    /// What should be there instead.
    pub(super) fn wanted(self) -> &'static str {
        match self {
            Self::NoSize => "a whole number of bytes, or a size such as \"64MB\" or \"64MiB\"",
            Self::Zero => "a size of at least 1 byte",
            Self::TooLarge => "a size of at most 9223372036854775807 bytes",
        }
    }

    pub(super) fn help(self) -> Option<String> {
        let units = "the units are B, kB, MB, GB, TB (by 1000) and KiB, MiB, GiB, TiB (by 1024)";
        (self == Self::NoSize).then(|| units.to_owned())
    }
}

/// The number of bytes that `text` stands for: at least one. Without a unit it is in bytes.
pub(super) fn parse(text: &str) -> Result<u64, Problem> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    if number.is_empty() {
        return Err(Problem::NoSize);
    }
    let scale = if unit.is_empty() {
        1
    } else {
        let mut units = UNITS.iter();
        let known = units.find(|(name, _)| name.eq_ignore_ascii_case(unit));
        known.ok_or(Problem::NoSize)?.1
    };
    // Digits that 64 bits do not hold are the only way to fail here.
    let number: u64 = number.parse().map_err(|_| Problem::TooLarge)?;
    match number.checked_mul(scale) {
        Some(0) => Err(Problem::Zero),
        Some(bytes) if i64::try_from(bytes).is_ok() => Ok(bytes),
        _ => Err(Problem::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    fn check(texts: &[&str]) -> String {
        let lines = texts.iter().map(|text| match super::parse(text) {
            Ok(bytes) => format!("{text} = {bytes}\n"),
            Err(problem) => format!("{text}: {problem:?}\n"),
        });
        lines.collect()
    }

    #[test]
    fn units_are_decimal_or_binary() {
        insta::assert_snapshot!(check(&["1", "7B", "512kB", "512KiB", "64MB", "64MiB", "2GB", "2GiB", "1TB", "1TiB"]), @"
        1 = 1
        7B = 7
        512kB = 512000
        512KiB = 524288
        64MB = 64000000
        64MiB = 67108864
        2GB = 2000000000
        2GiB = 2147483648
        1TB = 1000000000000
        1TiB = 1099511627776
        ");
        insta::assert_snapshot!(check(&[" 64 mb ", "64MIB", "007KB"]), @"
         64 mb  = 64000000
        64MIB = 67108864
        007KB = 7000
        ");
    }

    #[test]
    fn what_is_no_size() {
        insta::assert_snapshot!(check(&["", "MB", "64M", "1.5GB", "-1", "+1", "1e3", "1_000", "64 MB!", "٣MB", "1 2", "64Mbit"]), @"
        : NoSize
        MB: NoSize
        64M: NoSize
        1.5GB: NoSize
        -1: NoSize
        +1: NoSize
        1e3: NoSize
        1_000: NoSize
        64 MB!: NoSize
        ٣MB: NoSize
        1 2: NoSize
        64Mbit: NoSize
        ");
        insta::assert_snapshot!(check(&["0", "0TiB"]), @"
        0: Zero
        0TiB: Zero
        ");
    }

    #[test]
    fn the_largest_size() {
        insta::assert_snapshot!(check(&[
            "9223372036854775807", "9223372036854775808", "18446744073709551616", "8388607TiB", "8388608TiB",
            "99999999999999999999999999999999TiB",
        ]), @"
        9223372036854775807 = 9223372036854775807
        9223372036854775808: TooLarge
        18446744073709551616: TooLarge
        8388607TiB = 9223370937343148032
        8388608TiB: TooLarge
        99999999999999999999999999999999TiB: TooLarge
        ");
    }
}
