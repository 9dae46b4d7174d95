//! What a container says about each of its streams.
//!
//! Plain data, read once after opening; nothing here refers to the demuxer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bmf_hmp::{MediaKind, Rational, TimeBase};

use crate::dict;
use crate::params::CodecParameters;
use crate::sys;
use crate::units;

/// One stream of an input.
#[derive(Debug, Clone)]
pub struct StreamInfo {
    /// Position in the container, from 0.
    pub index: usize,
    /// The container's own number for it (an MPEG-TS PID, a track number).
    pub id: i32,
    /// Video, audio, subtitles or anything else.
    pub kind: MediaKind,
    /// Codec, picture or sound format, extra data.
    pub parameters: CodecParameters,
    /// Unit of this stream's timestamps and of `start_time` and `duration`.
    pub time_base: TimeBase,
    /// Timestamp of the first frame shown, if known.
    pub start_time: Option<i64>,
    /// Duration, if known.
    pub duration: Option<i64>,
    /// Number of frames, if known.
    pub frames: Option<u64>,
    /// Mean frame rate of the whole stream, if known.
    pub average_frame_rate: Option<Rational>,
    /// Lowest rate in which all timestamps can be expressed, if known.
    pub real_frame_rate: Option<Rational>,
    /// FFmpeg's guess from both and the codec, which its own tools use.
    pub guessed_frame_rate: Option<Rational>,
    /// Pixel aspect ratio from container or codec; 0/1 if unknown.
    pub sample_aspect_ratio: Rational,
    /// How the picture is to be turned and mirrored for display.
    pub display_matrix: Option<DisplayMatrix>,
    /// What else belongs to each of its frames.
    pub side_data: SideData,
    /// Tags such as "language".
    pub metadata: BTreeMap<String, String>,
    /// Tags of the whole input, such as "title".
    pub container_metadata: BTreeMap<String, String>,
    /// FFmpeg's `AV_DISPOSITION_*` bits ("default", "attached picture", …).
    pub disposition: u32,
}

impl StreamInfo {
    /// Whether this is a cover picture rather than a film.
    pub fn is_attached_picture(&self) -> bool {
        self.disposition & sys::AV_DISPOSITION_ATTACHED_PIC as u32 != 0
    }

    /// Whether the container marks it as the one to play.
    pub fn is_default(&self) -> bool {
        self.disposition & sys::AV_DISPOSITION_DEFAULT as u32 != 0
    }

    /// [`DisplayMatrix::clockwise_degrees`], or 0 if there is no matrix.
    pub fn rotation(&self) -> f64 {
        self.display_matrix
            .map_or(0.0, DisplayMatrix::clockwise_degrees)
    }

    /// # Safety
    ///
    /// `context` and its stream `index` are valid, and nobody else uses them
    /// during the call.
    pub(crate) unsafe fn read(context: *mut sys::AVFormatContext, index: usize) -> Self {
        // SAFETY: the caller's promise; all pointers read belong to the stream.
        unsafe {
            let stream = *(*context).streams.add(index);
            let parameters = CodecParameters::copy_of((*stream).codecpar);
            let frame = std::ptr::null_mut();
            Self {
                index,
                id: (*stream).id,
                kind: parameters.kind(),
                time_base: units::time_base((*stream).time_base).unwrap_or(TimeBase::MICROS),
                start_time: sys::known_ts((*stream).start_time),
                duration: sys::known_ts((*stream).duration).filter(|&duration| duration > 0),
                frames: u64::try_from((*stream).nb_frames)
                    .ok()
                    .filter(|&frames| frames > 0),
                average_frame_rate: units::known((*stream).avg_frame_rate),
                real_frame_rate: units::known((*stream).r_frame_rate),
                guessed_frame_rate: units::known(sys::av_guess_frame_rate(context, stream, frame)),
                sample_aspect_ratio: units::aspect(sys::av_guess_sample_aspect_ratio(
                    context, stream, frame,
                )),
                display_matrix: DisplayMatrix::read(stream),
                side_data: SideData::read(stream),
                metadata: dict::pairs((*stream).metadata).into_iter().collect(),
                container_metadata: dict::pairs((*context).metadata).into_iter().collect(),
                disposition: (*stream).disposition.cast_unsigned(),
                parameters,
            }
        }
    }
}

/// What a container says once about all frames of a stream, for
/// [`AvPacket::add_side_data`](crate::AvPacket::add_side_data): the mastering display and light
/// level of HDR, the projection of spherical and stereoscopic pictures, an ICC profile, replay gain.
#[derive(Debug, Clone, Default)]
pub struct SideData(Option<Arc<[Entry]>>);

/// FFmpeg's number of a kind of side data, and its bytes.
type Entry = (i32, Vec<u8>);

/// What FFmpeg's decoders put from packets on frames, but for the display matrix, which is for who
/// opens the stream.
const FRAME_KINDS: [sys::AVPacketSideDataType; 7] = [
    sys::AVPacketSideDataType::AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
    sys::AVPacketSideDataType::AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
    sys::AVPacketSideDataType::AV_PKT_DATA_SPHERICAL,
    sys::AVPacketSideDataType::AV_PKT_DATA_STEREO3D,
    sys::AVPacketSideDataType::AV_PKT_DATA_ICC_PROFILE,
    sys::AVPacketSideDataType::AV_PKT_DATA_REPLAYGAIN,
    sys::AVPacketSideDataType::AV_PKT_DATA_AUDIO_SERVICE_TYPE,
];

impl SideData {
    /// Whether there is none, as of most streams.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn from_entries(entries: Vec<Entry>) -> Self {
        Self((!entries.is_empty()).then(|| entries.into()))
    }

    /// FFmpeg's number of each kind, with its bytes.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (i32, &[u8])> {
        let entries = self.0.iter().flat_map(|entries| entries.iter());
        entries.map(|(kind, bytes)| (*kind, bytes.as_slice()))
    }

    /// # Safety
    ///
    /// `stream` is valid.
    unsafe fn read(stream: *const sys::AVStream) -> Self {
        let read = |kind: sys::AVPacketSideDataType| {
            let (kind, mut size) = (kind as i32, 0);
            // SAFETY: the caller's promise; `size` bytes belong to the stream.
            unsafe {
                let data = sys::av_stream_get_side_data(stream, kind, &mut size);
                (!data.is_null()).then(|| (kind, std::slice::from_raw_parts(data, size).to_vec()))
            }
        };
        Self::from_entries(FRAME_KINDS.into_iter().filter_map(read).collect())
    }
}

/// A 3×3 transformation from stored to displayed picture, in FFmpeg's layout
/// (16.16 fixed point, the last column 2.30).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisplayMatrix(pub [i32; 9]);

const MATRIX_KIND: i32 = sys::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX as i32;

impl DisplayMatrix {
    /// By how many degrees the picture must be turned clockwise for display,
    /// from 0 up to 360; 0 for a degenerate matrix. Mirroring shows in the signs
    /// of the matrix itself.
    pub fn clockwise_degrees(self) -> f64 {
        // SAFETY: nine readable numbers, as FFmpeg demands.
        let counter_clockwise = unsafe { sys::av_display_rotation_get(self.0.as_ptr()) };
        let degrees = (-counter_clockwise).rem_euclid(360.0);
        // Rounding may leave a hair less than a full turn, which means none.
        if degrees.is_nan() || degrees > 360.0 - 1e-6 {
            0.0
        } else {
            degrees
        }
    }

    /// # Safety
    ///
    /// `stream` is valid.
    unsafe fn read(stream: *const sys::AVStream) -> Option<Self> {
        let mut size = 0;
        // SAFETY: the caller's promise; the data belongs to the stream.
        let data = unsafe { sys::av_stream_get_side_data(stream, MATRIX_KIND, &mut size) };
        if data.is_null() || size < size_of::<[i32; 9]>() {
            return None;
        }
        // SAFETY: large enough, as just checked; alignment is not assumed.
        Some(Self(unsafe { data.cast::<[i32; 9]>().read_unaligned() }))
    }

    /// Attaches the matrix to an output stream.
    ///
    /// # Safety
    ///
    /// `stream` is valid and its header is not written yet.
    pub(crate) unsafe fn write(self, stream: *mut sys::AVStream) {
        // SAFETY: the caller's promise.
        let data =
            unsafe { sys::av_stream_new_side_data(stream, MATRIX_KIND, size_of::<[i32; 9]>()) };
        if data.is_null() {
            sys::out_of_memory::<[i32; 9]>();
        }
        // SAFETY: the new data has the size of a matrix.
        unsafe { data.cast::<[i32; 9]>().write_unaligned(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_clockwise_is_ninety() {
        let one = 1 << 16;
        let turned = DisplayMatrix([0, one, 0, -one, 0, 0, 0, 0, 1 << 30]);
        let identity = DisplayMatrix([one, 0, 0, 0, one, 0, 0, 0, 1 << 30]);
        assert_eq!(turned.clockwise_degrees(), 90.0);
        assert_eq!(identity.clockwise_degrees(), 0.0);
        assert_eq!(DisplayMatrix([0; 9]).clockwise_degrees(), 0.0);
    }
}
