//! What an output format is, before any file is opened.
//!
//! Read from FFmpeg's static tables; nothing is created here.

use std::collections::BTreeSet;
use std::ffi::c_int;
use std::ptr;

use bmf_hmp::MediaKind;

use crate::error::{Error, ErrorKind};
use crate::names;
use crate::options::{Side, did_you_mean};
use crate::sys;

/// What FFmpeg's tables say about an output format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuxerInfo {
    /// FFmpeg's name, for instance "mp4".
    pub name: String,
    /// Whether encoders must put their headers into the extra data.
    pub needs_global_header: bool,
    /// Whether it can store a variable frame rate.
    pub allows_variable_frame_rate: bool,
    /// Whether it stores no timestamps.
    pub has_no_timestamps: bool,
    /// Whether it opens files of its own (image sequences, HLS), or none at all.
    pub opens_own_files: bool,
}

impl MuxerInfo {
    /// Looks a format up by name.
    ///
    /// # Errors
    ///
    /// If there is none, with the nearest name.
    pub fn find(name: &str) -> Result<Self, Error> {
        // SAFETY: null or static.
        unsafe { Self::read(lookup(name)) }.ok_or_else(|| {
            let known = names::muxers();
            let known = known.iter().flat_map(|names| names.split(','));
            Error::new(
                format!("output format '{name}'"),
                ErrorKind::Unknown,
                "no such output format",
            )
            .with_hint(did_you_mean(name, known))
        })
    }

    /// The format that the name of a file stands for; `None` if it tells nothing.
    ///
    /// ```
    /// use bmf_ffmpeg::MuxerInfo;
    /// assert_eq!(MuxerInfo::guess("out.mkv").unwrap().name, "matroska");
    /// assert_eq!(MuxerInfo::guess("out.unheard"), None);
    /// ```
    pub fn guess(url: &str) -> Option<Self> {
        let url = sys::c_string(url);
        // SAFETY: a look-up by extension in static tables.
        unsafe { Self::read(sys::av_guess_format(ptr::null(), url.as_ptr(), ptr::null())) }
    }

    /// The encoder FFmpeg would choose for this format, file name and kind;
    /// `None` if the format takes nothing of that kind, or this FFmpeg has no
    /// encoder for it.
    pub fn default_encoder(&self, kind: MediaKind, url: &str) -> Option<String> {
        // SAFETY: the name is that of a format in static tables.
        unsafe { default_encoder(lookup(&self.name), kind, url) }
    }

    /// Option names: its own, those of all formats, and those of the protocol that the URL names.
    pub fn options(&self, url: &str) -> BTreeSet<String> {
        let format = lookup(&self.name);
        // SAFETY: null or static.
        unsafe {
            let private = if format.is_null() {
                ptr::null()
            } else {
                (*format).priv_class
            };
            names::format_options(private, url, Side::Writing)
        }
    }

    /// # Safety
    ///
    /// `format` is null or from FFmpeg's static tables.
    unsafe fn read(format: *const sys::AVOutputFormat) -> Option<Self> {
        if format.is_null() {
            return None;
        }
        // SAFETY: static tables all of them.
        unsafe {
            let names = sys::text((*format).name);
            let has = |flag: c_int| (*format).flags & flag != 0;
            Some(Self {
                name: names.split(',').next().unwrap_or_default().to_owned(),
                needs_global_header: has(sys::AVFMT_GLOBALHEADER),
                allows_variable_frame_rate: has(sys::AVFMT_VARIABLE_FPS),
                has_no_timestamps: has(sys::AVFMT_NOTIMESTAMPS),
                opens_own_files: has(sys::AVFMT_NOFILE),
            })
        }
    }
}

/// The name of file `number` of a sequence whose pattern has one `%d`; `None` if it has none or several.
///
/// ```
/// assert_eq!(bmf_ffmpeg::numbered_name("a%03d.png", 7).as_deref(), Some("a007.png"));
/// assert_eq!(bmf_ffmpeg::numbered_name("a.png", 7), None);
/// ```
pub fn numbered_name(pattern: &str, number: i64) -> Option<String> {
    let pattern = sys::c_string(pattern);
    let mut name = [0_u8; 1024];
    // SAFETY: FFmpeg writes at most as many bytes as it is told, the last of them a zero.
    let code = unsafe {
        sys::av_get_frame_filename(
            name.as_mut_ptr().cast(),
            sys::int(name.len()),
            pattern.as_ptr(),
            sys::int(number),
        )
    };
    let end = name.iter().position(|&byte| byte == 0)?;
    (code >= 0).then(|| String::from_utf8_lossy(&name[..end]).into_owned())
}

/// The format of that name, or null.
fn lookup(name: &str) -> *const sys::AVOutputFormat {
    let name = sys::c_string(name);
    // SAFETY: a look-up by name in static tables.
    unsafe { sys::av_guess_format(name.as_ptr(), ptr::null(), ptr::null()) }
}

/// # Safety
///
/// `format` is null or from FFmpeg's static tables.
pub(crate) unsafe fn default_encoder(
    format: *const sys::AVOutputFormat,
    kind: MediaKind,
    url: &str,
) -> Option<String> {
    let media = match kind {
        MediaKind::Video => sys::MEDIA_VIDEO,
        MediaKind::Audio => sys::MEDIA_AUDIO,
        MediaKind::Subtitle => sys::MEDIA_SUBTITLE,
        MediaKind::Data => return None,
    };
    if format.is_null() {
        return None;
    }
    let url = sys::c_string(url);
    // SAFETY: look-ups in static tables.
    unsafe {
        let id = sys::av_guess_codec(format, ptr::null(), url.as_ptr(), ptr::null(), media);
        let codec = sys::avcodec_find_encoder(id);
        (!codec.is_null()).then(|| sys::text((*codec).name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_say_what_they_need() {
        let mp4 = MuxerInfo::guess("a.mp4").unwrap();
        assert!(
            mp4.needs_global_header
                && !mp4.opens_own_files
                && mp4.options("a.mp4").contains("movflags")
        );
        assert!(MuxerInfo::guess("%03d.png").unwrap().opens_own_files);
        assert_eq!(
            MuxerInfo::guess("%03d.png")
                .unwrap()
                .default_encoder(MediaKind::Video, "%03d.png")
                .as_deref(),
            Some("png")
        );
        assert_eq!(
            MuxerInfo::guess("a.wav")
                .unwrap()
                .default_encoder(MediaKind::Video, "a.wav"),
            None
        );
        insta::assert_snapshot!(MuxerInfo::find("mpp4").unwrap_err(), @"output format 'mpp4': no such output format; did you mean 'mp4'?");
    }
}
