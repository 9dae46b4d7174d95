//! Pictures as views, and views as pictures.

use bmf_abi as abi;

use super::{NO_PLANE, device, device_codes, rational, raw_rational, raw_ticks, ticks, time_base};
use crate::{
    ChromaLocation, ColorDescription, ColorMatrix, ColorPrimaries, ColorRange, ColorTransfer,
    ImportError, PixelFormat, Plane, Rational, VideoFrame,
};

/// A picture as other libraries see it; valid as long as the frame is neither changed nor dropped. Its
/// metadata are not in it.
pub fn video_view(frame: &VideoFrame) -> abi::VideoView {
    let mut planes = [NO_PLANE; 4];
    for (raw, plane) in planes.iter_mut().zip(frame.planes()) {
        *raw = plane.buffer().as_plane(plane.stride());
    }
    let (device_kind, device_index) = device_codes(frame.device());
    let color = frame.color;
    abi::VideoView {
        size: size_of::<abi::VideoView>(),
        format: abi::Str::new(frame.format().name()),
        width: frame.width(),
        height: frame.height(),
        plane_count: frame.planes().len() as u32,
        device_kind,
        device_index,
        flags: flags(frame),
        pts: raw_ticks(frame.pts),
        duration: frame.duration,
        time_base: raw_rational(Some(frame.time_base.rational())),
        frame_rate: raw_rational(frame.frame_rate),
        sample_aspect_ratio: raw_rational(Some(frame.sample_aspect_ratio)),
        color_primaries: color.primaries.code().into(),
        color_transfer: color.transfer.code().into(),
        color_matrix: color.matrix.code().into(),
        color_range: color.range.code().into(),
        chroma_location: color.chroma_location.code().into(),
        reserved: 0,
        planes,
    }
}

fn flags(frame: &VideoFrame) -> u32 {
    let flag = |is_set: bool, flag: u32| if is_set { flag } else { 0 };
    flag(frame.key_frame, abi::VideoView::KEY_FRAME)
        | flag(frame.interlaced, abi::VideoView::INTERLACED)
        | flag(frame.top_field_first, abi::VideoView::TOP_FIELD_FIRST)
}

/// The picture that a view shows, sharing its pixels. Colours that are not known here become
/// unspecified.
///
/// # Errors
/// If there can be no such picture: see [`VideoFrame::from_planes`]; or if its format, its device or
/// its time base is none.
///
/// # Safety
/// The format's name is valid for ever, if its pointer is not null, and each of the `plane_count`
/// planes is what [`Buffer::from_plane`](crate::Buffer::from_plane) demands.
pub unsafe fn video_frame(view: &abi::VideoView) -> Result<VideoFrame, ImportError> {
    // SAFETY: the caller's promise.
    let format = unsafe { format(view.format) }?;
    let device = device(view.device_kind, view.device_index)?;
    let planes = view.planes.get(..view.plane_count as usize);
    let planes = planes.ok_or(ImportError::new(
        "it has more planes than there is room for",
    ))?;
    let planes = planes.iter().map(|plane| {
        // SAFETY: the caller's promise.
        let buffer = unsafe { super::buffer(plane, device) }?;
        Ok(Plane::new(buffer, plane.stride))
    });
    let planes = planes.collect::<Result<Vec<_>, ImportError>>()?;
    let mut frame = VideoFrame::from_planes(format, view.width, view.height, planes)?;
    frame.pts = ticks(view.pts);
    frame.duration = view.duration;
    frame.time_base = time_base(view.time_base, frame.pts.is_some() || view.duration != 0)?;
    frame.frame_rate = rational(view.frame_rate);
    frame.sample_aspect_ratio = rational(view.sample_aspect_ratio).unwrap_or(Rational::ZERO);
    frame.color = color(view);
    frame.key_frame = view.flags & abi::VideoView::KEY_FRAME != 0;
    frame.interlaced = view.flags & abi::VideoView::INTERLACED != 0;
    frame.top_field_first = view.flags & abi::VideoView::TOP_FIELD_FIRST != 0;
    Ok(frame)
}

/// # Safety
/// As for [`super::text`].
unsafe fn format(name: abi::Str) -> Result<PixelFormat, ImportError> {
    // SAFETY: the caller's promise.
    let name = unsafe { super::text(name) };
    let name = name.ok_or(ImportError::new("its pixel format has no name"))?;
    name.parse()
        .map_err(|_| ImportError::new(format!("'{name}' is no pixel format")))
}

fn color(view: &abi::VideoView) -> ColorDescription {
    fn known<T: Default>(code: u32, from_code: fn(u8) -> Option<T>) -> T {
        u8::try_from(code)
            .ok()
            .and_then(from_code)
            .unwrap_or_default()
    }
    ColorDescription {
        primaries: known(view.color_primaries, ColorPrimaries::from_code),
        transfer: known(view.color_transfer, ColorTransfer::from_code),
        matrix: known(view.color_matrix, ColorMatrix::from_code),
        range: known(view.color_range, ColorRange::from_code),
        chroma_location: known(view.chroma_location, ChromaLocation::from_code),
    }
}
