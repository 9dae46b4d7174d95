//! [`ChannelLayout`]: which loudspeakers the channels of a sound are for.
//!
//! Names, order and bits are FFmpeg's. Nothing here mixes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The places of loudspeakers, in the order of their bits in a mask. Bits without a name are reserved.
const SPEAKERS: [&str; 41] = [
    "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR",
    "TBL", "TBC", "TBR", "", "", "", "", "", "", "", "", "", "", "", "DL", "DR", "WL", "WR", "SDL",
    "SDR", "LFE2", "TSL", "TSR", "BFC", "BFL", "BFR",
];

/// The layouts with a name, in FFmpeg's order: the first with a number of channels is the usual one.
const NAMED: [(&str, &str); 29] = [
    ("mono", "FC"),
    ("stereo", "FL+FR"),
    ("2.1", "FL+FR+LFE"),
    ("3.0", "FL+FR+FC"),
    ("3.0(back)", "FL+FR+BC"),
    ("4.0", "FL+FR+FC+BC"),
    ("quad", "FL+FR+BL+BR"),
    ("quad(side)", "FL+FR+SL+SR"),
    ("3.1", "FL+FR+FC+LFE"),
    ("5.0", "FL+FR+FC+BL+BR"),
    ("5.0(side)", "FL+FR+FC+SL+SR"),
    ("4.1", "FL+FR+FC+LFE+BC"),
    ("5.1", "FL+FR+FC+LFE+BL+BR"),
    ("5.1(side)", "FL+FR+FC+LFE+SL+SR"),
    ("6.0", "FL+FR+FC+BC+SL+SR"),
    ("6.0(front)", "FL+FR+FLC+FRC+SL+SR"),
    ("hexagonal", "FL+FR+FC+BL+BR+BC"),
    ("6.1", "FL+FR+FC+LFE+BC+SL+SR"),
    ("6.1(back)", "FL+FR+FC+LFE+BL+BR+BC"),
    ("6.1(front)", "FL+FR+LFE+FLC+FRC+SL+SR"),
    ("7.0", "FL+FR+FC+BL+BR+SL+SR"),
    ("7.0(front)", "FL+FR+FC+FLC+FRC+SL+SR"),
    ("7.1", "FL+FR+FC+LFE+BL+BR+SL+SR"),
    ("7.1(wide)", "FL+FR+FC+LFE+BL+BR+FLC+FRC"),
    ("7.1(wide-side)", "FL+FR+FC+LFE+FLC+FRC+SL+SR"),
    ("octagonal", "FL+FR+FC+BL+BR+BC+SL+SR"),
    (
        "hexadecagonal",
        "FL+FR+FC+BL+BR+BC+SL+SR+TFL+TFC+TFR+TBL+TBC+TBR+WL+WR",
    ),
    ("downmix", "DL+DR"),
    (
        "22.2",
        "FL+FR+FC+LFE+BL+BR+FLC+FRC+BC+SL+SR+TC+TFL+TFC+TFR+TBL+TBC+TBR+LFE2+TSL+TSR+BFC+BFL+BFR",
    ),
];

/// Which loudspeakers the channels are for: either a set, whose channels come in the order of the bits,
/// or only a number of channels. There is at least one.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelLayout(Order);

#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
enum Order {
    Native(u64),
    Unspecified(u32),
}

impl ChannelLayout {
    /// One channel, in front.
    pub const MONO: Self = Self(Order::Native(0x4));
    /// Left and right.
    pub const STEREO: Self = Self(Order::Native(0x3));
    /// Three in front, two behind, and a subwoofer.
    pub const SURROUND_5_1: Self = Self(Order::Native(0x3f));
    /// Three in front, two at the sides, two behind, and a subwoofer.
    pub const SURROUND_7_1: Self = Self(Order::Native(0x63f));

    /// The loudspeakers whose bits are set; `None` if there are none.
    pub const fn from_mask(mask: u64) -> Option<Self> {
        if mask == 0 {
            None
        } else {
            Some(Self(Order::Native(mask)))
        }
    }

    /// More channels than this are a damaged file or a mistake.
    pub const MAX_CHANNELS: u32 = 1024;

    /// A number of channels for no one knows what; `None` for 0 and for more than
    /// [`MAX_CHANNELS`](Self::MAX_CHANNELS).
    pub const fn unspecified(channels: u32) -> Option<Self> {
        if channels == 0 || channels > Self::MAX_CHANNELS {
            None
        } else {
            Some(Self(Order::Unspecified(channels)))
        }
    }

    /// The usual layout of a number of channels, unspecified if there is no usual one; `None` for
    /// 0 and for more than [`MAX_CHANNELS`](Self::MAX_CHANNELS).
    pub fn default_for(channels: u32) -> Option<Self> {
        let named = NAMED
            .iter()
            .filter_map(|(_, speakers)| parse_speakers(speakers));
        let mut of_size = named.filter(|mask| mask.count_ones() == channels);
        of_size
            .next()
            .map_or(Self::unspecified(channels), Self::from_mask)
    }

    /// How many channels, at least 1.
    pub const fn channels(self) -> u32 {
        match self.0 {
            Order::Native(mask) => mask.count_ones(),
            Order::Unspecified(channels) => channels,
        }
    }

    /// The bits of the loudspeakers; `None` if only their number is known.
    pub const fn mask(self) -> Option<u64> {
        match self.0 {
            Order::Native(mask) => Some(mask),
            Order::Unspecified(_) => None,
        }
    }

    /// FFmpeg's name; `None` if it has none.
    pub fn name(self) -> Option<&'static str> {
        let mask = self.mask()?;
        NAMED
            .iter()
            .find(|(_, speakers)| parse_speakers(speakers) == Some(mask))
            .map(|(name, _)| *name)
    }
}

/// The name, or else the loudspeakers (`FL+FR+TC`), or else the number (`3 channels`).
impl fmt::Display for ChannelLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.0) {
            (Some(name), _) => f.pad(name),
            (None, Order::Unspecified(channels)) => write!(f, "{channels} channels"),
            (None, Order::Native(mask)) => f.pad(&speakers_of(mask).join("+")),
        }
    }
}

fn speakers_of(mask: u64) -> Vec<String> {
    let bits = (0..64).filter(|bit| mask >> bit & 1 == 1);
    bits.map(|bit| match SPEAKERS.get(bit) {
        Some(name) if !name.is_empty() => (*name).to_owned(),
        _ => format!("USR{bit}"),
    })
    .collect()
}

fn parse_speakers(text: &str) -> Option<u64> {
    text.split('+').try_fold(0, |mask, name| {
        let known = SPEAKERS
            .iter()
            .position(|&speaker| speaker == name && !name.is_empty());
        let custom = || {
            name.strip_prefix("USR")?
                .parse()
                .ok()
                .filter(|&bit| bit < 64)
        };
        let bit: usize = known.or_else(custom)?;
        (mask >> bit & 1 == 0).then_some(mask | 1 << bit)
    })
}

/// A text that is no channel layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no channel layout: use a name such as stereo or 5.1, loudspeakers such as FL+FR+LFE, a mask such as 0x3f, or a number such as 3c"
)]
pub struct ParseChannelLayoutError(String);

/// Reads names (`5.1`), loudspeakers (`FL+FR`), masks (`0x3`), the usual layout of a number (`6c`) and
/// bare numbers (`3C`, `3 channels`), like FFmpeg.
impl FromStr for ChannelLayout {
    type Err = ParseChannelLayoutError;

    fn from_str(text: &str) -> Result<Self, ParseChannelLayoutError> {
        let named = NAMED
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, speakers)| *speakers);
        let number = |suffix: &str| text.strip_suffix(suffix)?.parse().ok();
        let parsed = if let Some(hex) = text.strip_prefix("0x") {
            u64::from_str_radix(hex, 16).ok().and_then(Self::from_mask)
        } else if let Some(channels) = number("c") {
            Self::default_for(channels)
        } else if let Some(channels) = number("C").or_else(|| number(" channels")) {
            Self::unspecified(channels)
        } else {
            parse_speakers(named.unwrap_or(text)).and_then(Self::from_mask)
        };
        parsed.ok_or_else(|| ParseChannelLayoutError(text.to_owned()))
    }
}

impl TryFrom<String> for ChannelLayout {
    type Error = ParseChannelLayoutError;

    fn try_from(text: String) -> Result<Self, ParseChannelLayoutError> {
        text.parse()
    }
}

impl From<ChannelLayout> for String {
    fn from(layout: ChannelLayout) -> Self {
        layout.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_have_their_names() {
        let layouts = [
            ChannelLayout::MONO,
            ChannelLayout::STEREO,
            ChannelLayout::SURROUND_5_1,
            ChannelLayout::SURROUND_7_1,
        ];
        insta::assert_snapshot!(layouts.map(|layout| layout.to_string()).join(" "), @"mono stereo 5.1 7.1");
    }

    #[test]
    fn text_round_trips() {
        for text in
            NAMED
                .map(|(name, _)| name)
                .into_iter()
                .chain(["FL+TC", "3 channels", "FL+USR20"])
        {
            assert_eq!(text.parse::<ChannelLayout>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_spellings() {
        for (text, same) in [
            ("FL+FR", "stereo"),
            ("0x3f", "5.1"),
            ("6c", "5.1"),
            ("5C", "5 channels"),
        ] {
            assert_eq!(text.parse::<ChannelLayout>().unwrap().to_string(), same);
        }
        for text in [
            "", "FL+FL", "0", "0c", "0x0", "FL+", "surround", "USR64", "1025C",
        ] {
            assert!(text.parse::<ChannelLayout>().is_err(), "{text}");
        }
    }

    #[test]
    fn usual_layouts() {
        let usual = (1..=9).filter_map(ChannelLayout::default_for);
        let usual: Vec<_> = usual.map(|layout| layout.to_string()).collect();
        insta::assert_snapshot!(usual.join(" "), @"mono stereo 2.1 4.0 5.0 5.1 6.1 7.1 9 channels");
        assert_eq!(ChannelLayout::default_for(0), None);
    }
}
