//! What a container is told about one of its streams.

use std::collections::BTreeMap;

use bmf_hmp::{MediaKind, Rational, TimeBase};

use crate::dict::Dict;
use crate::error::{Error, ErrorKind};
use crate::params::CodecParameters;
use crate::stream::{DisplayMatrix, SideData, StreamInfo};
use crate::sys;
use crate::units;

/// What a container should say about a stream, beside its codec parameters.
#[derive(Debug, Clone)]
pub struct StreamConfig {
    /// The unit in which timestamps will be given, as a wish: the container may
    /// choose another ([`Muxer::time_base`](crate::Muxer::time_base)).
    pub time_base: TimeBase,
    /// Frame rate, if constant and known.
    pub frame_rate: Option<Rational>,
    /// Pixel aspect ratio, if it differs from the codec's.
    pub sample_aspect_ratio: Option<Rational>,
    /// How the picture is to be turned for display.
    pub display_matrix: Option<DisplayMatrix>,
    /// Tags such as "language".
    pub metadata: BTreeMap<String, String>,
    /// Tags of the container that the stream comes from, such as "title". It is for the caller to
    /// hand them on, with [`Muxer::set_metadata`](crate::Muxer::set_metadata).
    pub container_metadata: BTreeMap<String, String>,
    /// FFmpeg's `AV_DISPOSITION_*` bits.
    pub disposition: u32,
    /// Four-character code to be written in place of the codec's usual one.
    pub tag: Option<[u8; 4]>,
    /// Whatever else is true of the whole stream.
    pub side_data: SideData,
    /// Whether the packets come from another container, whose times may be coarse. Those of sound
    /// are then made exact again.
    pub is_copied: bool,
}

impl StreamConfig {
    /// Only a time base.
    pub fn new(time_base: TimeBase) -> Self {
        Self {
            time_base,
            frame_rate: None,
            sample_aspect_ratio: None,
            display_matrix: None,
            metadata: BTreeMap::new(),
            container_metadata: BTreeMap::new(),
            disposition: 0,
            tag: None,
            side_data: SideData::default(),
            is_copied: false,
        }
    }

    /// All that another container says of a stream, so that it can be copied without decoding.
    pub fn of_input(stream: &StreamInfo) -> Self {
        Self {
            time_base: stream.time_base,
            frame_rate: stream.average_frame_rate,
            sample_aspect_ratio: Some(stream.sample_aspect_ratio),
            display_matrix: stream.display_matrix,
            metadata: stream.metadata.clone(),
            container_metadata: stream.container_metadata.clone(),
            disposition: stream.disposition,
            tag: None,
            side_data: stream.side_data.clone(),
            is_copied: true,
        }
    }

    /// Fills in a new stream of a container of this format.
    ///
    /// # Safety
    ///
    /// `stream` is new and nobody else uses it; `format` is from FFmpeg's static tables.
    pub(crate) unsafe fn write(
        &self,
        parameters: &CodecParameters,
        stream: *mut sys::AVStream,
        format: *const sys::AVOutputFormat,
    ) {
        let own_aspect = self
            .sample_aspect_ratio
            .filter(|ratio| ratio.num > 0)
            .unwrap_or(parameters.sample_aspect_ratio());
        // SAFETY: the caller's promise; metadata passes to the stream.
        unsafe {
            let target = (*stream).codecpar;
            if sys::avcodec_parameters_copy(target, parameters.as_ptr()) < 0 {
                sys::out_of_memory::<sys::AVCodecParameters>();
            }
            match self.tag {
                Some(tag) => (*target).codec_tag = u32::from_le_bytes(tag),
                None => drop_foreign_tag(format, target),
            }
            drop_foreign_block(target);
            (*stream).time_base = units::av_time_base(self.time_base);
            (*stream).avg_frame_rate = units::av_or_unknown(self.frame_rate);
            (*stream).sample_aspect_ratio = units::av(own_aspect);
            (*target).sample_aspect_ratio = units::av(own_aspect);
            (*stream).disposition = self.disposition.cast_signed();
            (*stream).metadata = self.metadata.iter().collect::<Dict>().into_raw();
            self.side_data.write(stream);
            if let Some(matrix) = self.display_matrix {
                matrix.write(stream);
            }
        }
    }
}

/// A copied stream brings its old container's code, which may mean something else here. It stays if
/// this container knows it as the same codec's, or knows no code of that codec at all; else the muxer
/// chooses.
///
/// # Safety
///
/// `parameters` is valid and ours to change; `format` is from FFmpeg's static tables.
unsafe fn drop_foreign_tag(
    format: *const sys::AVOutputFormat,
    parameters: *mut sys::AVCodecParameters,
) {
    // SAFETY: the caller's promise; tag tables are static.
    unsafe {
        let table = (*format).codec_tag;
        if table.is_null() {
            return;
        }
        let id = sys::get_enum!(parameters, codec_id).cast_unsigned();
        let is_known = sys::av_codec_get_id(table, (*parameters).codec_tag) == id;
        let mut tag = 0;
        if !is_known && sys::av_codec_get_tag2(table, id, &mut tag) != 0 {
            (*parameters).codec_tag = 0;
        }
    }
}

/// Some containers count the blocks of MP3 and AC-3 in their own way, which others must not inherit.
///
/// # Safety
///
/// `parameters` is valid and ours to change.
unsafe fn drop_foreign_block(parameters: *mut sys::AVCodecParameters) {
    // SAFETY: the caller's promise.
    unsafe {
        let id = sys::get_enum!(parameters, codec_id);
        let is = |codec: sys::AVCodecID| id == codec as std::ffi::c_int;
        let odd = matches!((*parameters).block_align, 1 | 576 | 1152);
        if (is(sys::AVCodecID::AV_CODEC_ID_MP3) && odd) || is(sys::AVCodecID::AV_CODEC_ID_AC3) {
            (*parameters).block_align = 0;
        }
    }
}

/// The times of copied sound. A container that counts milliseconds says them only roughly, but how many
/// samples each packet has is known.
#[derive(Debug)]
pub(crate) struct SampleClock {
    parameters: CodecParameters,
    unit: TimeBase,
    /// Where the last packet ended, in FFmpeg's own way of counting.
    last: i64,
}

impl SampleClock {
    /// `None` for what is no sound, or has no sample rate.
    pub(crate) fn of(parameters: &CodecParameters) -> Option<Self> {
        let rate = parameters.sample_rate().try_into().ok()?;
        Some(Self {
            unit: TimeBase::new(1, rate)?,
            parameters: parameters.clone(),
            last: sys::AV_NOPTS_VALUE,
        })
    }

    /// A time in `from` as one in `to`.
    pub(crate) fn rescale(&mut self, dts: i64, bytes: usize, from: TimeBase, to: TimeBase) -> i64 {
        let parameters = self.parameters.as_ptr();
        // SAFETY: the parameters are valid and only read; units are positive, and the last time is
        // ours.
        unsafe {
            let samples = sys::av_get_audio_frame_duration2(parameters, sys::int(bytes));
            let samples = match samples {
                1.. => samples,
                // FFmpeg ends the process where this is negative.
                _ => (*parameters).frame_size.max(0),
            };
            sys::av_rescale_delta(
                units::av_time_base(from),
                dts,
                units::av_time_base(self.unit),
                samples,
                &mut self.last,
                units::av_time_base(to),
            )
        }
    }
}

/// FFmpeg's bits for names of dispositions such as "default+forced"; "0" is none.
///
/// # Errors
///
/// If a name is none of FFmpeg's.
pub fn parse_disposition(text: &str) -> Result<u32, Error> {
    let mut bits = 0;
    for name in text.split('+').filter(|name| !matches!(*name, "" | "0")) {
        let c_name = sys::c_string(name);
        // SAFETY: the text lives through the call.
        match unsafe { sys::av_disposition_from_string(c_name.as_ptr()) } {
            bit @ 1.. => bits |= bit.cast_unsigned(),
            _ => {
                let message = format!("there is no disposition '{name}'");
                let operation = format!("cannot read '{text}'");
                return Err(
                    Error::new(operation, ErrorKind::InvalidArgument, message).with_hint(Some(
                        "there are default, forced, dub, original, comment, captions and others"
                            .to_owned(),
                    )),
                );
            }
        }
    }
    Ok(bits)
}

/// Whether a container's demands on decoding times reach to streams of this kind. `codec` is FFmpeg's
/// name. Packets of VP9 that are not shown may have the time of the next one.
pub(crate) fn is_timed(kind: MediaKind, codec: &str) -> bool {
    match kind {
        MediaKind::Video => codec != "vp9",
        MediaKind::Audio | MediaKind::Subtitle => true,
        MediaKind::Data => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispositions_have_names() {
        let none = parse_disposition("0").unwrap();
        let two = parse_disposition("default+forced").unwrap();
        let bits = sys::AV_DISPOSITION_DEFAULT | sys::AV_DISPOSITION_FORCED;
        assert_eq!((none, two), (0, bits as u32));
        insta::assert_snapshot!(parse_disposition("defualt").unwrap_err(), @"cannot read 'defualt': there is no disposition 'defualt'; there are default, forced, dub, original, comment, captions and others");
    }
}
