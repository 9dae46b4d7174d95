//! Pictures.

use std::ffi::c_int;
use std::sync::{Arc, OnceLock};

use bmf_hmp::{BufferPool, PixelFormat, Plane, Rational, TimeBase, VideoFrame};

use super::{metadata_from, reclaim, set_metadata};
use crate::av_buffer::{adopt, lend, not_on_cpu};
use crate::error::{Error, ErrorKind};
use crate::formats::PixFmt;
use crate::frame::AvFrame;
use crate::sys;

/// A decoded or filtered picture as a `bmf-hmp` frame sharing its pixels.
///
/// `time_base` is the unit of the frame's times; `frame_rate` is the stream's,
/// for whoever comes next.
///
/// # Errors
///
/// If there is no picture, or it is in device memory or in a format that
/// `bmf-hmp` does not have.
pub fn video_from_av(
    frame: AvFrame,
    time_base: TimeBase,
    frame_rate: Option<Rational>,
) -> Result<VideoFrame, Error> {
    let format = pixel_format(&frame)?;
    let planes =
        (0..usize::from(format.descriptor().planes)).map(|index| plane_of(&frame, format, index));
    let planes = planes.collect::<Result<Vec<_>, Error>>()?;
    let mut video = VideoFrame::from_planes(format, frame.width(), frame.height(), planes)
        .map_err(|error| Error::new(OPERATION, ErrorKind::InvalidData, error.to_string()))?;
    video.pts = frame.pts();
    video.duration = frame.duration();
    video.time_base = time_base;
    video.frame_rate = frame_rate;
    video.sample_aspect_ratio = frame.sample_aspect_ratio();
    video.color = frame.color();
    video.key_frame = frame.is_key_frame();
    video.interlaced = frame.is_interlaced();
    video.top_field_first = frame.is_top_field_first();
    video.metadata = metadata_from(&frame);
    video.set_extension(Arc::new(frame));
    Ok(video)
}

/// A picture for FFmpeg, sharing the pixels.
///
/// FFmpeg's filters may work in place if this was the only holder. They, and its
/// scaler, may read a little past the end of a plane. Frames allocated by
/// `bmf-hmp` or FFmpeg have that room; pixels in memory that ends with the last
/// one are copied here, once.
///
/// # Errors
///
/// If the pixels are not in main memory, or FFmpeg has no such format.
pub fn video_to_av(frame: VideoFrame) -> Result<AvFrame, Error> {
    let properties = Properties::of(&frame);
    let original = frame
        .extension::<AvFrame>()
        .filter(|original| shows(original, &frame))
        .cloned();
    let mut av = match original {
        Some(original) => {
            drop(frame);
            reclaim(original)?
        }
        None => lend_planes(with_slack(frame)?)?,
    };
    properties.apply(&mut av);
    Ok(av)
}

const OPERATION: &str = "cannot use a picture from ffmpeg";

fn pixel_format(frame: &AvFrame) -> Result<PixelFormat, Error> {
    let format = frame.pix_fmt().ok_or_else(|| {
        Error::new(
            OPERATION,
            ErrorKind::InvalidData,
            "the frame holds no picture",
        )
    })?;
    if frame.is_hardware() || format.is_hardware() {
        return Err(Error::new(
            OPERATION,
            ErrorKind::Unsupported,
            format!("it is in device memory ({format})"),
        )
        .with_hint(Some(
            "download it first, for instance with the filter 'hwdownload'".into(),
        )));
    }
    to_hmp(format).ok_or_else(|| {
        Error::new(
            OPERATION,
            ErrorKind::Unsupported,
            format!("pixel format {format} is not supported"),
        )
        .with_hint(Some(
            "convert it, for instance with the filter 'format=yuv420p'".into(),
        ))
    })
}

fn plane_of(frame: &AvFrame, format: PixelFormat, index: usize) -> Result<Plane, Error> {
    let rows = format.descriptor().plane_height(index, frame.height());
    let missing = || {
        Error::new(
            OPERATION,
            ErrorKind::InvalidData,
            format!("plane {index} is missing"),
        )
    };
    let (top, stride) = frame.plane_address(index).ok_or_else(missing)?;
    // Upside down, the last row is the lowest.
    let lowest = if stride < 0 {
        top.wrapping_offset(stride * (rows as isize - 1))
    } else {
        top
    };
    let row_bytes = format.descriptor().row_bytes(index, frame.width());
    let length = rows * stride.unsigned_abs().max(row_bytes);
    // SAFETY: the frame keeps its buffers valid; software frames are in main
    // memory, and FFmpeg writes to a buffer only while it has a single reference.
    let buffer = unsafe {
        let reference = sys::av_frame_get_plane_buffer(frame.as_ptr(), index as c_int);
        if reference.is_null() {
            None
        } else {
            adopt(reference, lowest, length)
        }
    };
    Ok(Plane::new(buffer.ok_or_else(missing)?, stride))
}

/// Whether `frame` still shows the pixels of the FFmpeg frame it was made from.
fn shows(original: &AvFrame, frame: &VideoFrame) -> bool {
    let same_kind = (original.width(), original.height()) == (frame.width(), frame.height())
        && original.pix_fmt().and_then(to_hmp) == Some(frame.format());
    same_kind
        && frame.planes().iter().enumerate().all(|(index, plane)| {
            original.plane_address(index) == Some((top_row(frame, index, plane), plane.stride()))
        })
}

fn top_row(frame: &VideoFrame, index: usize, plane: &Plane) -> *const u8 {
    let rows = frame
        .format()
        .descriptor()
        .plane_height(index, frame.height());
    let lowest = plane.buffer().as_ptr();
    if plane.stride() < 0 {
        lowest.wrapping_offset(-plane.stride() * (rows as isize - 1))
    } else {
        lowest
    }
}

/// How far past the end of a plane FFmpeg's vector code may read.
const OVERREAD: usize = 16;

/// The same picture in memory that FFmpeg's vector code can read past the end of.
fn with_slack(frame: VideoFrame) -> Result<VideoFrame, Error> {
    let mut planes = frame.planes().iter();
    if planes.all(|plane| plane.buffer().slack() >= OVERREAD) || !frame.device().is_cpu() {
        return Ok(frame);
    }
    static POOL: OnceLock<BufferPool> = OnceLock::new();
    let copy = frame.copy(POOL.get_or_init(BufferPool::default));
    copy.map_err(|error| Error::new(OPERATION, ErrorKind::InvalidData, error.to_string()))
}

fn lend_planes(frame: VideoFrame) -> Result<AvFrame, Error> {
    if !frame.device().is_cpu() {
        return Err(not_on_cpu(&frame.device()));
    }
    let format = to_av(frame.format()).ok_or_else(|| {
        let message = format!("it has no pixel format {}", frame.format());
        Error::new(
            "cannot hand a frame to ffmpeg",
            ErrorKind::Unsupported,
            message,
        )
    })?;
    let (width, height) = (frame.width(), frame.height());
    let planes: Vec<_> = frame
        .planes()
        .iter()
        .enumerate()
        .map(|(index, plane)| {
            (
                plane.buffer().clone(),
                top_row(&frame, index, plane),
                plane.stride(),
            )
        })
        .collect();
    // The clones must be the only ones left, for FFmpeg to see what is unique.
    drop(frame);
    let av = AvFrame::blank();
    for (index, (buffer, top, stride)) in planes.into_iter().enumerate() {
        let reference = lend(buffer)?;
        // SAFETY: the frame is new and ours; a picture has at most 4 planes. The
        // pointer lies in the memory that the reference keeps alive.
        unsafe {
            let target = av.as_ptr();
            (*target).buf[index] = reference.as_ptr();
            (*target).data[index] = top.cast_mut();
            (*target).linesize[index] = sys::int(stride);
        }
    }
    // SAFETY: as above; the format is one of FFmpeg's.
    unsafe {
        let target = av.as_ptr();
        (*target).extended_data = (&raw mut (*target).data).cast();
        (*target).width = sys::int(width);
        (*target).height = sys::int(height);
        (*target).format = format.0;
    }
    Ok(av)
}

/// What both kinds of frame have, beside the picture.
struct Properties {
    pts: Option<i64>,
    duration: i64,
    time_base: TimeBase,
    sample_aspect_ratio: Rational,
    color: bmf_hmp::ColorDescription,
    key_frame: bool,
    interlaced: bool,
    top_field_first: bool,
    metadata: super::Metadata,
}

impl Properties {
    fn of(frame: &VideoFrame) -> Self {
        Self {
            pts: frame.pts,
            duration: frame.duration,
            time_base: frame.time_base,
            sample_aspect_ratio: frame.sample_aspect_ratio,
            color: frame.color,
            key_frame: frame.key_frame,
            interlaced: frame.interlaced,
            top_field_first: frame.top_field_first,
            metadata: frame.metadata.clone(),
        }
    }

    fn apply(&self, av: &mut AvFrame) {
        av.set_pts(self.pts);
        av.set_duration(self.duration);
        av.set_time_base(self.time_base);
        av.set_sample_aspect_ratio(self.sample_aspect_ratio);
        av.set_color(&self.color);
        av.set_key_frame(self.key_frame);
        av.set_fields(self.interlaced, self.top_field_first);
        set_metadata(av, &self.metadata);
    }
}

/// Both directions of the format mapping, by name, made once.
struct Map {
    /// By FFmpeg's number.
    to_hmp: Vec<Option<PixelFormat>>,
    /// By position in `PixelFormat::ALL`, which is the enum's number.
    to_av: Vec<Option<PixFmt>>,
}

fn map() -> &'static Map {
    static MAP: OnceLock<Map> = OnceLock::new();
    MAP.get_or_init(|| {
        let to_hmp: Vec<_> = PixFmt::all()
            .map(|format| PixelFormat::from_name(format.name()))
            .collect();
        let by_name = |format: &PixelFormat| PixFmt::all().find(|av| av.name() == format.name());
        Map {
            to_hmp,
            to_av: PixelFormat::ALL.iter().map(by_name).collect(),
        }
    })
}

/// The `bmf-hmp` format of the same name.
pub(crate) fn to_hmp(format: PixFmt) -> Option<PixelFormat> {
    *map().to_hmp.get(usize::try_from(format.0).ok()?)?
}

/// The FFmpeg format of the same name.
pub(crate) fn to_av(format: PixelFormat) -> Option<PixFmt> {
    let index = PixelFormat::ALL.iter().position(|other| *other == format)?;
    *map().to_av.get(index)?
}
