//! FFmpeg's pixel formats, sample formats and channel layouts as values.
//!
//! They name everything FFmpeg has, also what `bmf-hmp` has no type for
//! (hardware surfaces, big-endian and Bayer formats); the meeting point of both
//! worlds is `convert`.

use std::ffi::c_int;
use std::fmt;
use std::mem::MaybeUninit;

use crate::error::{Error, ErrorKind};
use crate::options::did_you_mean;
use crate::sys;

/// One of FFmpeg's pixel formats.
///
/// ```
/// use bmf_ffmpeg::PixFmt;
/// assert_eq!(PixFmt::from_name("yuv420p").unwrap().name(), "yuv420p");
/// assert!(PixFmt::from_name("yuv420q").is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PixFmt(pub(crate) c_int);

impl PixFmt {
    /// The format of that name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`], with the nearest name.
    pub fn from_name(name: &str) -> Result<Self, Error> {
        let text = sys::c_string(name);
        // SAFETY: a look-up by name in static tables.
        Self::known(unsafe { sys::av_get_pix_fmt(text.as_ptr()) }).ok_or_else(|| {
            let all: Vec<&str> = Self::all().map(Self::name).collect();
            Error::new(
                format!("pixel format '{name}'"),
                ErrorKind::Unknown,
                "no such pixel format",
            )
            .with_hint(did_you_mean(name, all))
        })
    }

    /// Every format of this FFmpeg.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).map_while(Self::known)
    }

    /// FFmpeg's name.
    pub fn name(self) -> &'static str {
        // SAFETY: takes any integer; the name of a known one is static text.
        unsafe { static_text(sys::av_get_pix_fmt_name(self.0)) }
    }

    /// Whether pixels of this format live outside of main memory.
    pub fn is_hardware(self) -> bool {
        // SAFETY: takes any integer; descriptors are static.
        unsafe {
            let descriptor = sys::av_pix_fmt_desc_get(self.0);
            !descriptor.is_null() && (*descriptor).flags & sys::AV_PIX_FMT_FLAG_HWACCEL as u64 != 0
        }
    }

    /// How many planes pixels of this format have.
    pub fn planes(self) -> usize {
        // SAFETY: takes any integer; negative for unknown ones.
        sys::size(unsafe { sys::av_pix_fmt_count_planes(self.0) })
    }

    /// From FFmpeg's integer; `None` for "none" and what this FFmpeg has no name for.
    pub(crate) fn known(value: c_int) -> Option<Self> {
        // SAFETY: takes any integer.
        let name = unsafe { sys::av_get_pix_fmt_name(value) };
        (!name.is_null()).then_some(Self(value))
    }
}

impl fmt::Display for PixFmt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for PixFmt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One of FFmpeg's sample formats; planar and interleaved are different ones.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SampleFmt(pub(crate) c_int);

impl SampleFmt {
    /// The format of that name, for instance "fltp" or "s16".
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`], with the nearest name.
    pub fn from_name(name: &str) -> Result<Self, Error> {
        let text = sys::c_string(name);
        // SAFETY: a look-up by name in static tables.
        Self::known(unsafe { sys::av_get_sample_fmt(text.as_ptr()) }).ok_or_else(|| {
            let all: Vec<&str> = Self::all().map(Self::name).collect();
            Error::new(
                format!("sample format '{name}'"),
                ErrorKind::Unknown,
                "no such sample format",
            )
            .with_hint(Some(format!("there are {}", all.join(", "))))
        })
    }

    /// Every format of this FFmpeg.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).map_while(Self::known)
    }

    /// FFmpeg's name.
    pub fn name(self) -> &'static str {
        // SAFETY: takes any integer; the name of a known one is static text.
        unsafe { static_text(sys::av_get_sample_fmt_name(self.0)) }
    }

    /// Whether each channel has a plane of its own.
    pub fn is_planar(self) -> bool {
        // SAFETY: takes any integer.
        unsafe { sys::av_sample_fmt_is_planar(self.0) != 0 }
    }

    /// Bytes of one sample of one channel.
    pub fn bytes(self) -> usize {
        // SAFETY: takes any integer.
        sys::size(unsafe { sys::av_get_bytes_per_sample(self.0) })
    }

    /// From FFmpeg's integer.
    pub(crate) fn known(value: c_int) -> Option<Self> {
        // SAFETY: takes any integer.
        let name = unsafe { sys::av_get_sample_fmt_name(value) };
        (!name.is_null()).then_some(Self(value))
    }
}

impl fmt::Display for SampleFmt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for SampleFmt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which loudspeaker each audio channel is for.
///
/// ```
/// use bmf_ffmpeg::Layout;
/// assert_eq!(Layout::from_name("5.1").unwrap().channels(), 6);
/// assert_eq!(Layout::default_for(2).name(), "stereo");
/// ```
pub struct Layout(sys::AVChannelLayout);

// SAFETY: the layout owns its memory (custom orders have a map on the heap),
// which only `Drop` changes.
unsafe impl Send for Layout {}
// SAFETY: as above; nothing changes through a shared reference.
unsafe impl Sync for Layout {}

impl Layout {
    /// The layout of that name ("mono", "5.1(side)", "FL+FR+LFE", "4 channels").
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`].
    pub fn from_name(name: &str) -> Result<Self, Error> {
        let text = sys::c_string(name);
        let mut layout = empty();
        // SAFETY: `layout` is a valid empty layout to be filled.
        let code = unsafe { sys::av_channel_layout_from_string(&mut layout, text.as_ptr()) };
        let layout = Self(layout);
        if code < 0 || layout.channels() == 0 {
            let what = format!("channel layout '{name}'");
            return Err(
                Error::new(what, ErrorKind::Unknown, "no such channel layout")
                    .with_hint(Some("use a name like 'stereo' or '5.1'".into())),
            );
        }
        Ok(layout)
    }

    /// FFmpeg's usual layout for a number of channels; without assignment to
    /// loudspeakers if there is no usual one.
    pub fn default_for(channels: u32) -> Self {
        let mut layout = empty();
        // SAFETY: `layout` is a valid empty layout to be filled.
        unsafe { sys::av_channel_layout_default(&mut layout, sys::int(channels)) };
        Self(layout)
    }

    /// The loudspeakers of FFmpeg's (and WAVE's) channel bits. `None` if no bit
    /// is set.
    pub fn from_mask(mask: u64) -> Option<Self> {
        let mut layout = empty();
        // SAFETY: `layout` is a valid empty layout to be filled.
        let code = unsafe { sys::av_channel_layout_from_mask(&mut layout, mask) };
        (code >= 0).then_some(Self(layout))
    }

    /// A number of channels without assignment to loudspeakers.
    pub fn unspecified(channels: u32) -> Self {
        let mut layout = empty();
        layout.nb_channels = sys::int(channels);
        Self(layout)
    }

    /// The channel bits, if the channels stand in their native order.
    pub fn mask(&self) -> Option<u64> {
        let native = sys::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE as c_int;
        let layout: *const sys::AVChannelLayout = &self.0;
        // SAFETY: our own layout.
        if unsafe { sys::get_enum!(layout, order) } != native {
            return None;
        }
        // SAFETY: in native order the union holds a mask.
        Some(unsafe { self.0.u.mask })
    }

    /// How many channels there are.
    pub fn channels(&self) -> u32 {
        u32::try_from(self.0.nb_channels).unwrap_or(0)
    }

    /// FFmpeg's name for it.
    pub fn name(&self) -> String {
        let mut buffer = [0_u8; 256];
        // SAFETY: the buffer is writable for the length given and is terminated.
        unsafe {
            let text = buffer.as_mut_ptr().cast();
            if sys::av_channel_layout_describe(&self.0, text, buffer.len()) < 0 {
                return format!("{} channels", self.channels());
            }
            sys::text(text)
        }
    }

    /// A copy of a layout in a C structure. `None` if that has no channels.
    ///
    /// # Safety
    ///
    /// `source` points to a valid layout.
    pub(crate) unsafe fn copy_of(source: *const sys::AVChannelLayout) -> Option<Self> {
        let mut layout = empty();
        // SAFETY: the target is ours, the source the caller's promise.
        if unsafe { sys::av_channel_layout_copy(&mut layout, source) } < 0 {
            sys::out_of_memory::<sys::AVChannelLayout>();
        }
        let layout = Self(layout);
        (layout.channels() > 0).then_some(layout)
    }

    /// A layout that an FFmpeg function fills in. `None` if it fails or gives no
    /// channels.
    pub(crate) fn written_by(
        fill: impl FnOnce(*mut sys::AVChannelLayout) -> c_int,
    ) -> Option<Self> {
        let mut layout = Self(empty());
        let code = fill(&mut layout.0);
        (code >= 0 && layout.channels() > 0).then_some(layout)
    }

    /// Copies this layout into a C structure, freeing what that held.
    ///
    /// # Safety
    ///
    /// `target` points to a valid layout that may be changed.
    pub(crate) unsafe fn copy_to(&self, target: *mut sys::AVChannelLayout) {
        // SAFETY: the caller's promise.
        if unsafe { sys::av_channel_layout_copy(target, &self.0) } < 0 {
            sys::out_of_memory::<sys::AVChannelLayout>();
        }
    }
}

fn empty() -> sys::AVChannelLayout {
    // SAFETY: all zeros is FFmpeg's empty layout (unspecified order, no channels).
    unsafe { MaybeUninit::zeroed().assume_init() }
}

impl Clone for Layout {
    fn clone(&self) -> Self {
        let mut copy = Self(empty());
        // SAFETY: the target is a valid empty layout.
        unsafe { self.copy_to(&mut copy.0) };
        copy
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        // SAFETY: the layout is ours and not used again.
        unsafe { sys::av_channel_layout_uninit(&mut self.0) };
    }
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        // SAFETY: both are valid.
        unsafe { sys::av_channel_layout_compare(&self.0, &other.0) == 0 }
    }
}

impl Eq for Layout {}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// # Safety
///
/// `text` is null or one of FFmpeg's static strings.
unsafe fn static_text(text: *const std::ffi::c_char) -> &'static str {
    if text.is_null() {
        return "unknown";
    }
    // SAFETY: static, NUL-terminated; format names are ASCII.
    unsafe { std::ffi::CStr::from_ptr(text) }
        .to_str()
        .unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_say_what_is_near() {
        insta::assert_snapshot!(PixFmt::from_name("yuv42p").unwrap_err(), @"pixel format 'yuv42p': no such pixel format; did you mean 'yuv420p'?");
        insta::assert_snapshot!(SampleFmt::from_name("float").unwrap_err(), @"sample format 'float': no such sample format; there are u8, s16, s32, flt, dbl, u8p, s16p, s32p, fltp, dblp, s64, s64p");
        insta::assert_snapshot!(Layout::from_name("sterio").unwrap_err(), @"channel layout 'sterio': no such channel layout; use a name like 'stereo' or '5.1'");
    }

    #[test]
    fn layouts_keep_what_they_know() {
        let layout = Layout::from_name("5.1(side)").unwrap();
        assert_eq!(layout.mask(), Some(0x60f));
        assert_eq!(Layout::from_mask(0x60f).unwrap(), layout);
        let plain = Layout::unspecified(11);
        assert_eq!(
            (plain.mask(), plain.channels(), plain.name()),
            (None, 11, "11 channels".into())
        );
        assert_eq!(plain.clone(), plain);
        assert_eq!(Layout::from_mask(0), None);
    }

    #[test]
    fn formats_describe_themselves() {
        let nv12 = PixFmt::from_name("nv12").unwrap();
        assert_eq!((nv12.planes(), nv12.is_hardware()), (2, false));
        assert!(PixFmt::from_name("cuda").unwrap().is_hardware());
        let fltp = SampleFmt::from_name("fltp").unwrap();
        assert_eq!((fltp.is_planar(), fltp.bytes()), (true, 4));
    }
}
