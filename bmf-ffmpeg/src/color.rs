//! Colour descriptions to and from FFmpeg's five enum fields.
//!
//! `bmf-hmp` numbers its values like FFmpeg; a code it reserves or does not know
//! is read as "unspecified". Fields are read and written as integers.

use std::ffi::c_int;

use bmf_hmp::{
    ChromaLocation, ColorDescription, ColorMatrix, ColorPrimaries, ColorRange, ColorTransfer,
};

/// FFmpeg's numbers for a colour description.
pub(crate) struct ColorCodes {
    pub(crate) primaries: c_int,
    pub(crate) transfer: c_int,
    pub(crate) matrix: c_int,
    pub(crate) range: c_int,
    pub(crate) chroma_location: c_int,
}

pub(crate) fn codes(color: &ColorDescription) -> ColorCodes {
    ColorCodes {
        primaries: color.primaries.code().into(),
        transfer: color.transfer.code().into(),
        matrix: color.matrix.code().into(),
        range: color.range.code().into(),
        chroma_location: color.chroma_location.code().into(),
    }
}

pub(crate) fn description(codes: &ColorCodes) -> ColorDescription {
    fn known<T: Default>(code: c_int, from: impl Fn(u8) -> Option<T>) -> T {
        u8::try_from(code).ok().and_then(from).unwrap_or_default()
    }
    ColorDescription {
        primaries: known(codes.primaries, ColorPrimaries::from_code),
        transfer: known(codes.transfer, ColorTransfer::from_code),
        matrix: known(codes.matrix, ColorMatrix::from_code),
        range: known(codes.range, ColorRange::from_code),
        chroma_location: known(codes.chroma_location, ChromaLocation::from_code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip_and_strangers_are_unspecified() {
        let hdr = ColorDescription {
            primaries: ColorPrimaries::Bt2020,
            transfer: ColorTransfer::Smpte2084,
            matrix: ColorMatrix::Rgb,
            range: ColorRange::Full,
            chroma_location: ChromaLocation::TopLeft,
        };
        assert_eq!(description(&codes(&hdr)), hdr);
        let strange = ColorCodes {
            primaries: 0,
            transfer: 3,
            matrix: -1,
            range: 999,
            chroma_location: 70,
        };
        assert_eq!(description(&strange), ColorDescription::default());
    }
}
