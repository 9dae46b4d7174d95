//! Sound.

use std::ffi::c_int;
use std::sync::Arc;

use bmf_hmp::{ALIGNMENT, AudioFormat, AudioFrame, Buffer, ChannelLayout, SampleFormat, TimeBase};

use super::{metadata_from, reclaim, set_metadata};
use crate::av_buffer::{adopt, lend, not_on_cpu};
use crate::error::{Error, ErrorKind};
use crate::formats::{Layout, SampleFmt};
use crate::frame::AvFrame;
use crate::sys;

/// Decoded or filtered sound as a `bmf-hmp` frame sharing its samples.
///
/// `time_base` is the unit of the frame's times. A channel order of its own
/// (not FFmpeg's native one) is kept only as a number of channels.
///
/// # Errors
///
/// If there is no sound, or it is in a format that `bmf-hmp` does not have.
pub fn audio_from_av(frame: AvFrame, time_base: TimeBase) -> Result<AudioFrame, Error> {
    let format = format_of(&frame)?;
    let bytes = plane_bytes(&format, frame.samples());
    let planes = (0..format.planes()).map(|index| plane_of(&frame, index, bytes));
    let planes = planes.collect::<Result<Vec<_>, Error>>()?;
    let mut audio = AudioFrame::from_planes(format, frame.samples(), planes)
        .map_err(|error| Error::new(OPERATION, ErrorKind::InvalidData, error.to_string()))?;
    audio.pts = frame.pts();
    audio.duration = frame.duration();
    audio.time_base = time_base;
    audio.metadata = metadata_from(&frame);
    audio.set_extension(Arc::new(frame));
    Ok(audio)
}

/// Sound for FFmpeg, sharing the samples where they stand as FFmpeg's own do; else, as in a piece cut
/// out of a frame, they are copied.
///
/// # Errors
///
/// If the samples are not in main memory, or FFmpeg has no such format.
pub fn audio_to_av(frame: AudioFrame) -> Result<AvFrame, Error> {
    let (pts, duration, time_base) = (frame.pts, frame.duration, frame.time_base);
    let metadata = frame.metadata.clone();
    let original = frame
        .extension::<AvFrame>()
        .filter(|original| holds(original, &frame))
        .cloned();
    let mut av = match original {
        Some(original) => {
            drop(frame);
            reclaim(original)?
        }
        None => lend_planes(frame)?,
    };
    av.set_pts(pts);
    av.set_duration(duration);
    av.set_time_base(time_base);
    set_metadata(&mut av, &metadata);
    Ok(av)
}

const OPERATION: &str = "cannot use sound from ffmpeg";

fn format_of(frame: &AvFrame) -> Result<AudioFormat, Error> {
    let (Some(fmt), Some(layout)) = (frame.sample_fmt(), frame.layout()) else {
        return Err(Error::new(
            OPERATION,
            ErrorKind::InvalidData,
            "the frame holds no sound",
        ));
    };
    let unsupported = |what: String| Error::new(OPERATION, ErrorKind::Unsupported, what);
    let (sample, planar) = SampleFormat::from_name(fmt.name())
        .ok_or_else(|| unsupported(format!("sample format {fmt} is not supported")))?;
    let layout = layout_to_hmp(&layout)
        .ok_or_else(|| unsupported(format!("channel layout {layout} is not supported")))?;
    Ok(AudioFormat {
        sample,
        planar,
        layout,
        sample_rate: frame.sample_rate(),
    })
}

/// The same layout in `bmf-hmp`; only the number of channels if the order is
/// neither native nor unspecified.
pub(crate) fn layout_to_hmp(layout: &Layout) -> Option<ChannelLayout> {
    match layout.mask() {
        Some(mask) => ChannelLayout::from_mask(mask),
        None => ChannelLayout::unspecified(layout.channels()),
    }
}

/// The same layout in FFmpeg.
pub(crate) fn layout_to_av(layout: ChannelLayout) -> Layout {
    layout
        .mask()
        .and_then(Layout::from_mask)
        .unwrap_or_else(|| Layout::unspecified(layout.channels()))
}

/// The same format in FFmpeg.
pub(crate) fn sample_fmt(format: SampleFormat, planar: bool) -> Result<SampleFmt, Error> {
    SampleFmt::from_name(format.name(planar))
}

fn plane_bytes(format: &AudioFormat, samples: usize) -> usize {
    let channels = if format.planar {
        1
    } else {
        format.layout.channels() as usize
    };
    samples * format.sample.bytes() * channels
}

fn plane_of(frame: &AvFrame, index: usize, bytes: usize) -> Result<Buffer, Error> {
    let missing = || {
        Error::new(
            OPERATION,
            ErrorKind::InvalidData,
            format!("channel {index} is missing"),
        )
    };
    let start = frame.channel_address(index).ok_or_else(missing)?;
    // SAFETY: the frame keeps its buffers valid; samples are in main memory, and
    // FFmpeg writes to a buffer only while it has a single reference.
    let buffer = unsafe {
        let reference = sys::av_frame_get_plane_buffer(frame.as_ptr(), index as c_int);
        if reference.is_null() {
            None
        } else {
            adopt(reference, start, bytes)
        }
    };
    buffer.ok_or_else(missing)
}

/// Whether `frame` still holds the samples of the FFmpeg frame it was made from.
fn holds(original: &AvFrame, frame: &AudioFrame) -> bool {
    let same_format = format_of(original).is_ok_and(|format| format == frame.format());
    same_format
        && original.samples() == frame.samples()
        && frame
            .planes()
            .iter()
            .enumerate()
            .all(|(index, plane)| original.channel_address(index) == Some(plane.as_ptr()))
}

fn lend_planes(frame: AudioFrame) -> Result<AvFrame, Error> {
    if !frame.device().is_cpu() {
        return Err(not_on_cpu(&frame.device()));
    }
    let format = frame.format();
    let samples = frame.samples();
    let bytes = plane_bytes(&format, samples);
    let fmt = sample_fmt(format.sample, format.planar)?;
    let planes: Vec<Buffer> = frame.planes().to_vec();
    // The clones must be the only ones left, for FFmpeg to see what is unique.
    drop(frame);
    let av = AvFrame::blank();
    // SAFETY: the frame is new and ours, its fields are set to values of their
    // types.
    unsafe {
        let target = av.as_ptr();
        (*target).format = fmt.0;
        (*target).nb_samples = sys::int(samples);
        (*target).sample_rate = sys::int(format.sample_rate);
        (*target).linesize[0] = sys::int(bytes);
        layout_to_av(format.layout).copy_to(&raw mut (*target).ch_layout);
        // FFmpeg 5.1's own filters still look at the old fields too.
        (*target).channels = sys::int(format.layout.channels());
        (*target).channel_layout = format.layout.mask().unwrap_or(0);
    }
    let references = planes.into_iter().map(|plane| {
        let plane = aligned(plane, bytes);
        Ok((plane.as_ptr().cast_mut(), lend(plane)?))
    });
    av.set_channels(references.collect::<Result<Vec<_>, Error>>()?);
    Ok(av)
}

/// The `bytes` of a plane where FFmpeg can work on them: its code for vectors takes for granted that
/// sound begins at a multiple of their size and that memory goes on to the next one.
fn aligned(plane: Buffer, bytes: usize) -> Buffer {
    let padded = bytes.next_multiple_of(ALIGNMENT);
    let is_aligned = plane.as_ptr().addr().is_multiple_of(ALIGNMENT);
    if is_aligned && plane.len() + plane.slack() >= padded {
        return plane;
    }
    let mut copy = Buffer::zeroed(padded);
    if let (Some(to), Some(from)) = (copy.get_mut(), plane.as_slice()) {
        let bytes = bytes.min(from.len());
        to[..bytes].copy_from_slice(&from[..bytes]);
    }
    copy
}
