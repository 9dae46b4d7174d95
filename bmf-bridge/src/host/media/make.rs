//! Memory and packets that are new.

use bmf_abi as abi;
use bmf_hmp::{AudioFrame, PixelFormat, VideoFrame, border};

use super::{POOL, coded, give, view};
use crate::text;

pub(super) unsafe extern "C" fn buffer(
    len: usize,
    out: *mut abi::Plane,
    error: *const abi::ErrorSink,
) -> i32 {
    let make = || {
        let buffer = POOL.try_get(len);
        let buffer = buffer.ok_or_else(|| format!("no memory for {len} bytes"))?;
        // SAFETY: `out` is for this.
        unsafe { out.write(buffer.as_plane(0)) };
        // The plugin has the reference now.
        std::mem::forget(buffer);
        Ok(())
    };
    // SAFETY: the plugin's own sink.
    unsafe { coded(error, make) }
}

pub(super) unsafe extern "C" fn video(
    timestamp: i64,
    from: *const abi::VideoView,
    out: *mut abi::Packet,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: the plugin's own view, whose planes have a reference each; `out` is for this.
    let make = || unsafe {
        let mut described = *view(from)?;
        let fresh = match described.plane_count {
            0 => Some(new_pixels(&described)?),
            _ => None,
        };
        if let Some(fresh) = &fresh {
            let shown = border::video_view(fresh);
            described.planes = shown.planes;
            described.plane_count = shown.plane_count;
            described.device_kind = shown.device_kind;
            described.device_index = shown.device_index;
        }
        let frame = border::video_frame(&described).map_err(|error| error.to_string())?;
        drop(fresh);
        give(timestamp, frame, out);
        Ok(())
    };
    // SAFETY: the plugin's own sink.
    unsafe { coded(error, make) }
}

/// # Safety
/// The format's name is there.
unsafe fn new_pixels(described: &abi::VideoView) -> Result<VideoFrame, String> {
    // SAFETY: the caller's promise.
    let name = unsafe { text::lossy(described.format) };
    let format = name.parse::<PixelFormat>();
    let format = format.map_err(|error| error.to_string())?;
    VideoFrame::alloc(format, described.width, described.height, &POOL)
        .map_err(|error| error.to_string())
}

pub(super) unsafe extern "C" fn audio(
    timestamp: i64,
    from: *const abi::AudioView,
    out: *mut abi::Packet,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: the plugin's own view, whose planes have a reference each; `out` is for this.
    let make = || unsafe {
        let mut described = *view(from)?;
        let fresh = match described.plane_count {
            0 => Some(new_samples(&described)?),
            _ => None,
        };
        if let Some(fresh) = &fresh {
            let shown = border::audio_view(fresh).ok_or("it is not in main memory")?;
            (described.planes, described.plane_count) = (shown.planes, shown.plane_count);
        }
        let further = |index: usize| {
            let plane = fresh.as_ref()?.planes().get(index)?;
            Some(plane.as_plane(0))
        };
        let frame = border::audio_frame(&described, &further);
        let frame = frame.map_err(|error| error.to_string())?;
        drop(fresh);
        give(timestamp, frame, out);
        Ok(())
    };
    // SAFETY: the plugin's own sink.
    unsafe { coded(error, make) }
}

/// # Safety
/// The format's name is valid for ever, if its pointer is not null.
unsafe fn new_samples(described: &abi::AudioView) -> Result<AudioFrame, String> {
    // SAFETY: the caller's promise.
    let format = unsafe { border::audio_format(described) };
    let format = format.map_err(|error| error.to_string())?;
    let samples = usize::try_from(described.samples).map_err(|error| error.to_string())?;
    AudioFrame::alloc(format, samples, &POOL).map_err(|error| error.to_string())
}

pub(super) unsafe extern "C" fn encoded(
    timestamp: i64,
    from: *const abi::EncodedView,
    out: *mut abi::Packet,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: the plugin's own view, whose memory has a reference; `out` is for this.
    let make = || unsafe {
        let packet = border::encoded_packet(view(from)?);
        give(timestamp, packet.map_err(|error| error.to_string())?, out);
        Ok(())
    };
    // SAFETY: the plugin's own sink.
    unsafe { coded(error, make) }
}

pub(super) unsafe extern "C" fn tensor(
    timestamp: i64,
    from: *const abi::TensorView,
    out: *mut abi::Packet,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: as in `encoded`.
    let make = || unsafe {
        let tensor = border::tensor(view(from)?);
        give(timestamp, tensor.map_err(|error| error.to_string())?, out);
        Ok(())
    };
    // SAFETY: the plugin's own sink.
    unsafe { coded(error, make) }
}

pub(super) unsafe extern "C" fn bytes(
    timestamp: i64,
    tag: abi::Str,
    bytes: abi::Str,
    out: *mut abi::Packet,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: texts are lent for the call; `out` is for this.
    let make = || unsafe {
        let (tag, bytes) = (text::lossy(tag), text::bytes(bytes));
        let utf8 = || std::str::from_utf8(bytes).map_err(|error| format!("no text: {error}"));
        match &*tag {
            "bmf.bytes" => give(timestamp, bytes.to_vec(), out),
            "bmf.text" => give(timestamp, utf8()?.to_owned(), out),
            "bmf.json" => {
                let value = serde_json::from_str::<serde_json::Value>(utf8()?);
                give(
                    timestamp,
                    value.map_err(|error| format!("no JSON: {error}"))?,
                    out,
                );
            }
            _ => return Err(format!("packets of {tag} are not made of bytes")),
        }
        Ok(())
    };
    // SAFETY: the plugin's own sink.
    unsafe { coded(error, make) }
}

pub(super) unsafe extern "C" fn integer(
    timestamp: i64,
    tag: abi::Str,
    value: i64,
    out: *mut abi::Packet,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: the text is lent for the call; `out` is for this.
    let make = || unsafe {
        match &*text::lossy(tag) {
            "bmf.int" => give(timestamp, value, out),
            "bmf.bool" => give(timestamp, value != 0, out),
            tag => return Err(format!("packets of {tag} are not made of a number")),
        }
        Ok(())
    };
    // SAFETY: the plugin's own sink.
    unsafe { coded(error, make) }
}
