//! Frames and packets from FFmpeg to `bmf-hmp` and back, sharing the bytes.
//!
//! On the way out the FFmpeg frame stays with the new frame as its extension, so
//! that on the way back everything FFmpeg knew (side data above all) is still
//! there. Properties that both sides have (times, colour, metadata, …) always
//! follow the `bmf-hmp` frame. Whoever changes pixels loses the extension, and
//! with it the side data; the planes are then lent to FFmpeg instead.
//!
//! Nothing here copies pixels, samples or scales. The one copy is that of a
//! compressed packet which did not come from FFmpeg: decoders read past the end
//! of their input and need zeros there.

mod audio;
mod format;
mod video;

use std::collections::BTreeMap;
use std::sync::Arc;

use bmf_hmp::{Buffer, EncodedPacket, MediaKind, TimeBase};

pub use self::audio::{audio_from_av, audio_to_av};
pub use self::format::{EncodedStream, format_from_av, format_to_av};
pub use self::video::{video_from_av, video_to_av};
use crate::av_buffer::adopt;
use crate::error::{Error, ErrorKind};
use crate::frame::AvFrame;
use crate::packet::AvPacket;

/// A compressed packet as a `bmf-hmp` packet sharing its data. Times stay as
/// they are, in `time_base`.
pub fn packet_from_av(packet: AvPacket, kind: MediaKind, time_base: TimeBase) -> EncodedPacket {
    let reference = packet.buffer_ref();
    let data = (!reference.is_null())
        // SAFETY: the packet keeps its buffer valid; packet data is main memory
        // and written by nobody once it is out.
        .then(|| unsafe { adopt(reference, packet.data().as_ptr(), packet.data().len()) })
        .flatten();
    let data = data.unwrap_or_else(|| Buffer::copy_from_slice(packet.data()));
    let mut encoded = EncodedPacket::new(data, kind, time_base);
    encoded.pts = packet.pts();
    encoded.dts = packet.dts();
    encoded.duration = packet.duration();
    encoded.stream_index = u32::try_from(packet.stream_index()).unwrap_or(u32::MAX);
    encoded.key_frame = packet.is_key();
    encoded.set_extension(Arc::new(packet));
    encoded
}

/// A compressed packet for FFmpeg. Shares the data if it came from FFmpeg, else
/// copies it.
///
/// # Errors
///
/// If the data is not in main memory or is longer than FFmpeg allows.
pub fn packet_to_av(packet: &EncodedPacket) -> Result<AvPacket, Error> {
    let bytes = packet.data.as_slice().ok_or_else(|| {
        Error::new(
            "cannot hand a packet to ffmpeg",
            ErrorKind::Unsupported,
            "its data is not in main memory",
        )
    })?;
    let mut av = match packet.extension::<AvPacket>() {
        Some(av) if std::ptr::eq(av.data(), bytes) => av.share()?,
        _ => AvPacket::from_data(bytes)?,
    };
    av.set_pts(packet.pts);
    av.set_dts(packet.dts);
    av.set_duration(packet.duration);
    av.set_time_base(packet.time_base);
    av.set_stream_index(packet.stream_index as usize);
    av.set_key(packet.key_frame);
    Ok(av)
}

type Metadata = Option<Arc<BTreeMap<String, String>>>;

fn metadata_from(frame: &AvFrame) -> Metadata {
    frame.has_metadata().then(|| Arc::new(frame.metadata()))
}

/// Sets metadata unless it is what the frame has already.
fn set_metadata(frame: &mut AvFrame, metadata: &Metadata) {
    let Some(metadata) = metadata else {
        if frame.has_metadata() {
            frame.set_metadata([]);
        }
        return;
    };
    if frame.metadata() != **metadata {
        frame.set_metadata(
            metadata
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        );
    }
}

/// The FFmpeg frame that another frame was made from: itself if nobody else
/// holds it, so that FFmpeg may work in place, else a new reference.
fn reclaim(frame: Arc<AvFrame>) -> Result<AvFrame, Error> {
    Arc::try_unwrap(frame).or_else(|shared| shared.share())
}
