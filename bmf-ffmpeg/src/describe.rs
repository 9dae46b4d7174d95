//! What people want to know of an input beside what is needed to decode it: chapters, and names for what
//! codecs and containers only number. It reads no packets.

use std::collections::BTreeMap;

use bmf_hmp::{ColorDescription, TimeBase, Timestamp};

use crate::color;
use crate::dict;
use crate::input::Demuxer;
use crate::params::CodecParameters;
use crate::stream::StreamInfo;
use crate::sys;
use crate::units;

/// A named stretch of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// Where it begins, on the container's time line.
    pub start: Timestamp,
    /// Where it ends.
    pub end: Timestamp,
    /// Tags, of which "title" is the usual one.
    pub metadata: BTreeMap<String, String>,
}

impl Demuxer {
    /// The chapters, in the container's order.
    pub fn chapters(&self) -> Vec<Chapter> {
        let context = self.as_ptr();
        // SAFETY: the context is open and not changed during the call; indices are below the count,
        // and each entry is a chapter with a dictionary of its own.
        unsafe {
            let count = (*context).nb_chapters as usize;
            let chapters = (0..count).map(|index| {
                let chapter = *(*context).chapters.add(index);
                let unit = units::time_base((*chapter).time_base).unwrap_or(TimeBase::MICROS);
                let time = |ticks| Timestamp::from_ticks(ticks, unit).unwrap_or(Timestamp::ZERO);
                Chapter {
                    start: time((*chapter).start),
                    end: time((*chapter).end),
                    metadata: dict::pairs((*chapter).metadata).into_iter().collect(),
                }
            });
            chapters.collect()
        }
    }

    /// FFmpeg's description of the format, for instance "QuickTime / MOV".
    pub fn format_description(&self) -> String {
        // SAFETY: an open context has a format with static texts.
        unsafe { sys::text((*(*self.as_ptr()).iformat).long_name) }
    }

    /// Bytes of the whole input, if that is known.
    pub fn size(&self) -> Option<u64> {
        // SAFETY: the context is open; formats without a file have no `pb`.
        let size = unsafe {
            let pb = (*self.as_ptr()).pb;
            if pb.is_null() { -1 } else { sys::avio_size(pb) }
        };
        u64::try_from(size).ok()
    }
}

impl StreamInfo {
    /// FFmpeg's names of the bits in [`disposition`](Self::disposition): "default", "forced".
    pub fn dispositions(&self) -> Vec<String> {
        let bits = (0..u32::BITS).map(|bit| 1_u32 << bit);
        let set = bits.filter(|bit| self.disposition & bit != 0);
        // SAFETY: takes any integer; the name is static text, or null for bits without one.
        set.map(|bit| unsafe { sys::text(sys::av_disposition_to_string(bit.cast_signed())) })
            .filter(|name| !name.is_empty())
            .collect()
    }
}

impl CodecParameters {
    /// FFmpeg's description of the codec, for instance "AAC (Advanced Audio Coding)".
    pub fn codec_description(&self) -> Option<String> {
        // SAFETY: takes any integer; descriptors are static.
        let text = unsafe {
            let descriptor = sys::avcodec_descriptor_get(self.codec_id());
            match descriptor.is_null() {
                true => String::new(),
                false => sys::text((*descriptor).long_name),
            }
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// Name of the codec's profile: "High", "LC".
    pub fn profile(&self) -> Option<String> {
        // SAFETY: the structure is valid; takes any integers, and the name is static text or null.
        let name = unsafe {
            sys::text(sys::avcodec_profile_name(
                self.codec_id(),
                (*self.as_ptr()).profile,
            ))
        };
        Some(name).filter(|name| !name.is_empty())
    }

    /// The codec's level as the stream has it: 31 is 3.1 in H.264, 93 is 3.1 in H.265.
    pub fn level(&self) -> Option<i32> {
        // SAFETY: the structure is valid.
        let level = unsafe { (*self.as_ptr()).level };
        (level > 0).then_some(level)
    }

    /// The container's four-character code, for instance `avc1`; `[27]` stands for what cannot be printed.
    pub fn tag(&self) -> Option<String> {
        // SAFETY: the structure is valid.
        let tag = unsafe { (*self.as_ptr()).codec_tag };
        let show = |byte: u8| match byte.is_ascii_graphic() || byte == b' ' {
            true => char::from(byte).to_string(),
            false => format!("[{byte}]"),
        };
        (tag != 0).then(|| tag.to_le_bytes().map(show).concat())
    }

    /// Bits of each sample or pixel component that matter, where that is less than the format has; 0 if
    /// unknown.
    pub fn bits_per_raw_sample(&self) -> u32 {
        // SAFETY: the structure is valid.
        let bits = unsafe { (*self.as_ptr()).bits_per_raw_sample };
        bits.try_into().unwrap_or(0)
    }

    /// What the pixels mean, as far as it is known.
    pub fn color(&self) -> ColorDescription {
        // SAFETY: the structure is valid; enum fields are read as integers.
        color::description(&unsafe {
            color::ColorCodes {
                primaries: sys::get_enum!(self.as_ptr(), color_primaries),
                transfer: sys::get_enum!(self.as_ptr(), color_trc),
                matrix: sys::get_enum!(self.as_ptr(), color_space),
                range: sys::get_enum!(self.as_ptr(), color_range),
                chroma_location: sys::get_enum!(self.as_ptr(), chroma_location),
            }
        })
    }

    /// "progressive", or how the fields of interlaced pictures stand: "tt", "bb", "tb", "bt" (coded, then
    /// displayed first). `None` if unknown.
    pub fn field_order(&self) -> Option<&'static str> {
        const NAMES: [&str; 5] = ["progressive", "tt", "bb", "tb", "bt"];
        // SAFETY: the structure is valid.
        let order = unsafe { sys::get_enum!(self.as_ptr(), field_order) };
        let index = usize::try_from(order).ok()?.checked_sub(1)?;
        NAMES.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_described() {
        let aac = CodecParameters::of_codec("aac", &[]).unwrap();
        assert_eq!(
            aac.codec_description().unwrap(),
            "AAC (Advanced Audio Coding)"
        );
        let unknown = (aac.profile(), aac.level(), aac.tag(), aac.field_order());
        assert_eq!(unknown, (None, None, None, None));
        assert_eq!(aac.color(), ColorDescription::default());
    }
}
