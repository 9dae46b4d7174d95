//! Sound as views, and views as sound.

use bmf_abi as abi;

use super::{NO_PLANE, is_aligned, raw_rational, raw_ticks, ticks, time_base};
use crate::{AudioFormat, AudioFrame, ChannelLayout, Device, ImportError, SampleFormat};

/// Sound as other libraries see it; valid as long as the frame is neither changed nor dropped. `None`
/// if it is not in CPU memory, or not aligned. Metadata are not in it, and planes beyond the eighth neither.
pub fn audio_view(frame: &AudioFrame) -> Option<abi::AudioView> {
    if !frame.device().is_cpu() {
        return None;
    }
    let sample = frame.sample_format().bytes();
    let mut all = frame.planes().iter().map(|plane| plane.as_plane(0));
    if !all.all(|plane| is_aligned(&plane, sample)) {
        return None;
    }
    let mut planes = [NO_PLANE; 8];
    for (raw, plane) in planes.iter_mut().zip(frame.planes()) {
        *raw = plane.as_plane(0);
    }
    Some(abi::AudioView {
        size: size_of::<abi::AudioView>(),
        format: abi::Str::new(frame.sample_format().name(frame.is_planar())),
        samples: frame.samples() as u64,
        sample_rate: frame.sample_rate(),
        channels: frame.layout().channels(),
        channel_mask: frame.layout().mask().unwrap_or(0),
        plane_count: frame.planes().len() as u32,
        reserved: 0,
        pts: raw_ticks(frame.pts),
        duration: frame.duration,
        time_base: raw_rational(Some(frame.time_base.rational())),
        planes,
    })
}

/// The sound that a view shows, sharing its samples. `further` gives the planes beyond the eighth, by
/// index.
///
/// # Errors
/// If there can be no such sound: see [`AudioFrame::from_planes`]; if its format, its layout or its
/// time base is none; or if its samples are not aligned.
///
/// # Safety
/// The format's name is valid for ever, if its pointer is not null, and each of the `plane_count`
/// planes is what [`Buffer::from_plane`](crate::Buffer::from_plane) demands.
pub unsafe fn audio_frame(
    view: &abi::AudioView,
    further: &dyn Fn(usize) -> Option<abi::Plane>,
) -> Result<AudioFrame, ImportError> {
    // SAFETY: the caller's promise.
    let format = unsafe { audio_format(view) }?;
    if view.plane_count as usize != format.planes() {
        let count = view.plane_count;
        return Err(ImportError::new(format!("{format} in {count} plane(s)")));
    }
    let samples = usize::try_from(view.samples)
        .map_err(|_| ImportError::new("it is too long for this machine"))?;
    let planes = (0..format.planes()).map(|index| {
        let plane = view.planes.get(index).copied().or_else(|| further(index));
        let plane = plane.ok_or_else(|| ImportError::new(format!("it has no plane {index}")))?;
        if !is_aligned(&plane, format.sample.bytes()) {
            return Err(ImportError::new("its samples are not aligned"));
        }
        // SAFETY: the caller's promise.
        unsafe { super::buffer(&plane, Device::Cpu) }
    });
    let planes = planes.collect::<Result<Vec<_>, ImportError>>()?;
    let mut frame = AudioFrame::from_planes(format, samples, planes)?;
    frame.pts = ticks(view.pts);
    frame.duration = view.duration;
    frame.time_base = time_base(view.time_base, frame.pts.is_some() || view.duration != 0)?;
    Ok(frame)
}

/// The format of the sound that a view shows.
///
/// # Errors
/// If it, or its layout, is none.
///
/// # Safety
/// The format's name is valid for ever, if its pointer is not null.
pub unsafe fn audio_format(view: &abi::AudioView) -> Result<AudioFormat, ImportError> {
    // SAFETY: the caller's promise.
    let name = unsafe { super::text(view.format) };
    let name = name.ok_or(ImportError::new("its sample format has no name"))?;
    let (sample, planar) = SampleFormat::from_name(name)
        .ok_or_else(|| ImportError::new(format!("'{name}' is no sample format")))?;
    let (channels, mask) = (view.channels, view.channel_mask);
    let layout = ChannelLayout::from_mask(mask).or(ChannelLayout::unspecified(channels));
    let layout = layout.filter(|layout| layout.channels() == channels);
    let layout = layout
        .ok_or_else(|| ImportError::new(format!("{channels} channels, of the mask {mask:#x}")))?;
    Ok(AudioFormat {
        sample,
        planar,
        layout,
        sample_rate: view.sample_rate,
    })
}
