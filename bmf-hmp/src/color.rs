//! How numbers become colours: the code points of ITU-T H.273 under FFmpeg's names.
//!
//! A description says what the pixels mean; it converts none.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An enum of code points with names. `Unspecified` is what there is when a file says nothing.
macro_rules! code_points {
    (
        $(#[$meta:meta])*
        $type:ident: $unspecified_code:literal $unspecified:literal
        $($(#[$variant_meta:meta])* $variant:ident = $code:literal $name:literal,)+
    ) => {
        $(#[$meta])*
        #[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $type {
            /// Not known.
            #[default]
            #[serde(rename = $unspecified)]
            Unspecified = $unspecified_code,
            $(
                $(#[$variant_meta])*
                #[serde(rename = $name)]
                $variant = $code,
            )+
        }

        impl $type {
            /// All values.
            pub const ALL: &[Self] = &[Self::Unspecified, $(Self::$variant,)+];

            /// The code point.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The value of a code point; `None` for a reserved one.
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }

            /// FFmpeg's name.
            pub const fn name(self) -> &'static str {
                match self {
                    Self::Unspecified => $unspecified,
                    $(Self::$variant => $name,)+
                }
            }

            /// The value of FFmpeg's name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

code_points! {
    /// The colours that red, green, blue and white are. H.273 table 2.
    ColorPrimaries: 2 "unknown"
    /// HDTV, and sRGB.
    Bt709 = 1 "bt709",
    /// NTSC of 1953.
    Bt470M = 4 "bt470m",
    /// PAL and SECAM.
    Bt470Bg = 5 "bt470bg",
    /// NTSC since 1987.
    Smpte170M = 6 "smpte170m",
    /// The first HDTV in America; the colours of 170M.
    Smpte240M = 7 "smpte240m",
    /// Film under illuminant C.
    Film = 8 "film",
    /// UHDTV, and most HDR.
    Bt2020 = 9 "bt2020",
    /// CIE XYZ, as in digital cinema packages.
    Smpte428 = 10 "smpte428",
    /// DCI P3.
    Smpte431 = 11 "smpte431",
    /// Display P3.
    Smpte432 = 12 "smpte432",
    /// JEDEC P22 phosphors.
    Ebu3213 = 22 "ebu3213",
}

code_points! {
    /// How light becomes signal. H.273 table 3.
    ColorTransfer: 2 "unknown"
    /// HDTV.
    Bt709 = 1 "bt709",
    /// A pure power of 2.2.
    Gamma22 = 4 "bt470m",
    /// A pure power of 2.8.
    Gamma28 = 5 "bt470bg",
    /// Standard definition; the curve of BT.709.
    Smpte170M = 6 "smpte170m",
    /// The first HDTV in America.
    Smpte240M = 7 "smpte240m",
    /// None: light itself.
    Linear = 8 "linear",
    /// Logarithmic over two decades.
    Log100 = 9 "log100",
    /// Logarithmic over two and a half decades.
    Log316 = 10 "log316",
    /// xvYCC.
    Iec61966_2_4 = 11 "iec61966-2-4",
    /// BT.1361 with extended gamut.
    Bt1361E = 12 "bt1361e",
    /// sRGB.
    Iec61966_2_1 = 13 "iec61966-2-1",
    /// UHDTV in 10 bits; the curve of BT.709.
    Bt2020_10 = 14 "bt2020-10",
    /// UHDTV in 12 bits; the curve of BT.709.
    Bt2020_12 = 15 "bt2020-12",
    /// PQ: HDR10, Dolby Vision.
    Smpte2084 = 16 "smpte2084",
    /// Digital cinema packages.
    Smpte428 = 17 "smpte428",
    /// HLG.
    AribStdB67 = 18 "arib-std-b67",
}

code_points! {
    /// How red, green and blue become luma and chroma. H.273 table 4. FFmpeg calls it colour space.
    ColorMatrix: 2 "unknown"
    /// They do not: the planes are green, blue and red.
    Rgb = 0 "gbr",
    /// HDTV.
    Bt709 = 1 "bt709",
    /// NTSC of 1953.
    Fcc = 4 "fcc",
    /// PAL and SECAM, and JPEG.
    Bt470Bg = 5 "bt470bg",
    /// NTSC; the numbers of BT.470 BG.
    Smpte170M = 6 "smpte170m",
    /// The first HDTV in America.
    Smpte240M = 7 "smpte240m",
    /// Luma, green difference, orange difference.
    YCgCo = 8 "ycgco",
    /// UHDTV, luma from coded colours.
    Bt2020Ncl = 9 "bt2020nc",
    /// UHDTV, luma from light.
    Bt2020Cl = 10 "bt2020c",
    /// Y'D'zD'x.
    Smpte2085 = 11 "smpte2085",
    /// Computed from the primaries, luma from coded colours.
    ChromaDerivedNcl = 12 "chroma-derived-nc",
    /// Computed from the primaries, luma from light.
    ChromaDerivedCl = 13 "chroma-derived-c",
    /// BT.2100.
    ICtCp = 14 "ictcp",
}

code_points! {
    /// Which numbers are black and white. The codes are FFmpeg's: H.273 has a single bit for it, which
    /// cannot say "unknown".
    ColorRange: 0 "unknown"
    /// 16 to 235 (chroma 240) in 8 bits.
    Limited = 1 "tv",
    /// 0 to 255 in 8 bits.
    Full = 2 "pc",
}

code_points! {
    /// Where a chroma sample lies among its luma samples. The codes are FFmpeg's, one more than
    /// H.273's.
    ChromaLocation: 0 "unspecified"
    /// Beside, between two rows: MPEG-2, H.264.
    Left = 1 "left",
    /// In the middle of four: JPEG, MPEG-1.
    Center = 2 "center",
    /// On a luma sample: DV, UHDTV.
    TopLeft = 3 "topleft",
    /// Between two columns, on the upper row.
    Top = 4 "top",
    /// On a luma sample of the lower row.
    BottomLeft = 5 "bottomleft",
    /// Between two columns, on the lower row.
    Bottom = 6 "bottom",
}

/// All that tells what a frame's numbers mean as colours.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColorDescription {
    /// What red, green, blue and white are.
    pub primaries: ColorPrimaries,
    /// How light becomes signal.
    pub transfer: ColorTransfer,
    /// How red, green and blue become luma and chroma.
    pub matrix: ColorMatrix,
    /// Which numbers are black and white.
    pub range: ColorRange,
    /// Where chroma samples lie.
    pub chroma_location: ChromaLocation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_round_trip() {
        for &value in ColorPrimaries::ALL {
            assert_eq!(ColorPrimaries::from_code(value.code()), Some(value));
            assert_eq!(ColorPrimaries::from_name(value.name()), Some(value));
        }
        for &value in ColorTransfer::ALL {
            assert_eq!(ColorTransfer::from_code(value.code()), Some(value));
            assert_eq!(ColorTransfer::from_name(value.name()), Some(value));
        }
        for &value in ColorMatrix::ALL {
            assert_eq!(ColorMatrix::from_code(value.code()), Some(value));
            assert_eq!(ColorMatrix::from_name(value.name()), Some(value));
        }
    }

    #[test]
    fn reserved_codes_have_no_value() {
        assert_eq!(ColorPrimaries::from_code(3), None);
        assert_eq!(ColorTransfer::from_code(0), None);
        assert_eq!(ColorMatrix::from_code(255), None);
        assert_eq!(ColorRange::from_code(3), None);
    }

    #[test]
    fn a_description_is_written_with_names() {
        let hdr = ColorDescription {
            primaries: ColorPrimaries::Bt2020,
            transfer: ColorTransfer::Smpte2084,
            range: ColorRange::Limited,
            ..ColorDescription::default()
        };
        let text = serde_json::to_string(&hdr).unwrap();
        insta::assert_snapshot!(text, @r#"{"primaries":"bt2020","transfer":"smpte2084","matrix":"unknown","range":"tv","chroma_location":"unspecified"}"#);
        assert_eq!(
            serde_json::from_str::<ColorDescription>(&text).unwrap(),
            hdr
        );
    }
}
