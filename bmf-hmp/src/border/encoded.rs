//! Pieces of encoded streams as views, and the reverse.

use bmf_abi as abi;

use super::{raw_rational, raw_ticks, ticks, time_base};
use crate::{Device, EncodedPacket, ImportError, MediaKind};

/// The kinds of media, in the order of their codes.
const KINDS: [MediaKind; 4] = [
    MediaKind::Video,
    MediaKind::Audio,
    MediaKind::Subtitle,
    MediaKind::Data,
];

/// A packet as other libraries see it; valid as long as it is neither changed nor dropped. `None` if it
/// is not in CPU memory.
pub fn encoded_view(packet: &EncodedPacket) -> Option<abi::EncodedView> {
    if !packet.data.device().is_cpu() {
        return None;
    }
    let media = KINDS.iter().position(|&kind| kind == packet.kind)?;
    Some(abi::EncodedView {
        size: size_of::<abi::EncodedView>(),
        data: packet.data.as_plane(0),
        pts: raw_ticks(packet.pts),
        dts: raw_ticks(packet.dts),
        duration: packet.duration,
        time_base: raw_rational(Some(packet.time_base.rational())),
        media: media as u32,
        stream_index: packet.stream_index,
        key_frame: packet.key_frame.into(),
        reserved: 0,
    })
}

/// The packet that a view shows, sharing its bytes.
///
/// # Errors
/// If its bytes have no memory, or if its kind or its time base is none.
///
/// # Safety
/// Its data are what [`Buffer::from_plane`](crate::Buffer::from_plane) demands.
pub unsafe fn encoded_packet(view: &abi::EncodedView) -> Result<EncodedPacket, ImportError> {
    let kind = KINDS.get(view.media as usize).copied();
    let kind =
        kind.ok_or_else(|| ImportError::new(format!("there are no media of kind {}", view.media)))?;
    let (pts, dts) = (ticks(view.pts), ticks(view.dts));
    let is_timed = pts.or(dts).is_some() || view.duration != 0;
    let time_base = time_base(view.time_base, is_timed)?;
    // SAFETY: the caller's promise.
    let data = unsafe { super::buffer(&view.data, Device::Cpu) }?;
    let mut packet = EncodedPacket::new(data, kind, time_base);
    packet.pts = pts;
    packet.dts = dts;
    packet.duration = view.duration;
    packet.stream_index = view.stream_index;
    packet.key_frame = view.key_frame != 0;
    Ok(packet)
}
