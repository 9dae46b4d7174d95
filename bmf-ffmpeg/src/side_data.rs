//! Side data on its way to a container, and what encoders tell with their packets.

use std::ffi::c_int;

use crate::frame::AvFrame;
use crate::packet::AvPacket;
use crate::stream::SideData;
use crate::sys;

/// What frames tell of their whole stream, and the container's name of it.
const OF_FRAMES: [(c_int, c_int); 2] = [
    (
        sys::AVFrameSideDataType::AV_FRAME_DATA_MASTERING_DISPLAY_METADATA as c_int,
        sys::AVPacketSideDataType::AV_PKT_DATA_MASTERING_DISPLAY_METADATA as c_int,
    ),
    (
        sys::AVFrameSideDataType::AV_FRAME_DATA_CONTENT_LIGHT_LEVEL as c_int,
        sys::AVPacketSideDataType::AV_PKT_DATA_CONTENT_LIGHT_LEVEL as c_int,
    ),
];

impl SideData {
    /// What a picture says of the brightness of its whole stream.
    pub fn of_frame(frame: &AvFrame) -> Self {
        let frame = frame.as_ptr();
        let known = |(of_frame, of_stream): (c_int, c_int)| {
            // SAFETY: the frame is valid; the list holds as many entries as it says, each with its
            // bytes.
            unsafe {
                let entry = (0..sys::size((*frame).nb_side_data))
                    .map(|index| *(*frame).side_data.add(index))
                    .find(|&entry| sys::get_enum!(entry, type_) == of_frame)
                    .filter(|&entry| !(*entry).data.is_null())?;
                let bytes = std::slice::from_raw_parts((*entry).data, (*entry).size);
                Some((of_stream, bytes.to_vec()))
            }
        };
        Self::from_entries(OF_FRAMES.into_iter().filter_map(known).collect())
    }

    /// Attaches copies to an output stream.
    ///
    /// # Safety
    ///
    /// `stream` is valid and its header is not written yet.
    pub(crate) unsafe fn write(&self, stream: *mut sys::AVStream) {
        for (kind, bytes) in self.entries() {
            // SAFETY: the caller's promise; the new data has room for the bytes.
            unsafe {
                let data = sys::av_stream_new_side_data(stream, kind, bytes.len());
                if data.is_null() {
                    sys::out_of_memory::<u8>();
                }
                data.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            }
        }
    }
}

impl AvPacket {
    /// The sums of squared differences that an encoder has measured, for each plane, if it was asked
    /// to (its flag `psnr`).
    pub fn squared_errors(&self) -> Option<Vec<u64>> {
        let mut size = 0;
        // SAFETY: the packet is valid; the data stays as long as it is.
        let bytes = unsafe {
            let data = sys::av_packet_get_side_data(
                self.as_ptr(),
                sys::AVPacketSideDataType::AV_PKT_DATA_QUALITY_STATS as c_int,
                &mut size,
            );
            if data.is_null() {
                return None;
            }
            std::slice::from_raw_parts(data.cast_const(), size)
        };
        // A quantiser, a picture type, a count, two unused bytes, then the numbers.
        let count = usize::from(*bytes.get(5)?);
        let (sums, _) = bytes.get(8..)?.as_chunks::<8>();
        let sums: Vec<u64> = sums
            .iter()
            .take(count)
            .map(|sum| u64::from_le_bytes(*sum))
            .collect();
        (!sums.is_empty()).then_some(sums)
    }
}
