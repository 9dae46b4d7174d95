//! Decoding on a device: a GPU, or the video unit of a phone.
//!
//! A [`HwDevice`] is opened once and given to decoders. With a device, FFmpeg itself chooses the
//! device's pixel format for every stream that the device can decode, and a software format for all
//! others. Frames then lie in the device's memory; [`AvFrame::download`] brings them back. Nothing
//! here encodes or filters on a device.

use std::ffi::c_int;
use std::fmt;
use std::ptr::{self, NonNull};

use crate::error::{Error, ErrorKind};
use crate::formats::PixFmt;
use crate::frame::AvFrame;
use crate::log::Capture;
use crate::options::did_you_mean;
use crate::sys;

/// FFmpeg's number of "no such kind of device".
const NO_KIND: c_int = sys::AVHWDeviceType::AV_HWDEVICE_TYPE_NONE as c_int;

/// An open device. Clones are the same device; it is closed with the last of them and of the
/// decoders and frames that use it.
pub struct HwDevice {
    reference: NonNull<sys::AVBufferRef>,
    kind: c_int,
}

// SAFETY: a device context is made for use by several decoders on threads of their own; references
// are counted atomically.
unsafe impl Send for HwDevice {}
// SAFETY: `&self` methods only take new references.
unsafe impl Sync for HwDevice {}

impl HwDevice {
    /// The kinds of device that this FFmpeg was built for: "cuda", "vaapi", "qsv", …. Whether there is
    /// such a device is only known by opening it.
    pub fn kinds() -> Vec<String> {
        let mut kind = NO_KIND;
        let next = || {
            // SAFETY: takes what it returned before; names are static text.
            unsafe {
                kind = sys::av_hwdevice_iterate_types(kind);
                (kind != NO_KIND).then(|| sys::text(sys::av_hwdevice_get_type_name(kind)))
            }
        };
        std::iter::from_fn(next).collect()
    }

    /// Opens a device. `name` says which one, as FFmpeg does: the number of a CUDA device, a path such
    /// as `/dev/dri/renderD128` for VAAPI; the first one without it.
    ///
    /// # Errors
    ///
    /// If FFmpeg knows no such kind, or there is no such device, with what the driver said.
    pub fn open(kind: &str, name: Option<&str>) -> Result<Self, Error> {
        let which = name.map_or_else(String::new, |name| format!(" '{name}'"));
        let operation = format!("cannot open {kind} device{which}");
        let number = find(kind).ok_or_else(|| {
            let kinds = Self::kinds();
            let known = did_you_mean(kind, kinds.iter().map(String::as_str));
            let hint = known.unwrap_or_else(|| format!("this ffmpeg has {}", kinds.join(", ")));
            Error::new(&operation, ErrorKind::Unknown, "no such kind of device")
                .with_hint(Some(hint))
        })?;
        let name = name.map(sys::c_string);
        let name = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        let mut reference = ptr::null_mut();
        let capture = Capture::start();
        // SAFETY: the name is null or a C string; the reference is set if the call succeeds.
        let code = unsafe {
            sys::av_hwdevice_ctx_create(&mut reference, number, name, ptr::null_mut(), 0)
        };
        match NonNull::new(reference) {
            Some(reference) if code >= 0 => Ok(Self {
                reference,
                kind: number,
            }),
            _ => {
                let lines = capture.take().into_iter().map(|line| line.text).collect();
                Err(Error::from_code(operation, code.min(-1)).with_details(lines))
            }
        }
    }

    /// FFmpeg's name of its kind.
    pub fn kind(&self) -> String {
        // SAFETY: takes any integer; the name is static text.
        unsafe { sys::text(sys::av_hwdevice_get_type_name(self.kind)) }
    }

    /// One reference more, for FFmpeg to release.
    pub(crate) fn reference(&self) -> *mut sys::AVBufferRef {
        // SAFETY: our own reference is valid.
        let reference = unsafe { sys::av_buffer_ref(self.reference.as_ptr()) };
        if reference.is_null() {
            sys::out_of_memory::<sys::AVBufferRef>();
        }
        reference
    }

    /// Fails if a decoder cannot use this device.
    ///
    /// # Safety
    ///
    /// `codec` is one of FFmpeg's static codecs.
    pub(crate) unsafe fn check(
        &self,
        codec: *const sys::AVCodec,
        decoder: &str,
    ) -> Result<(), Error> {
        // SAFETY: the caller's promise.
        let usable = unsafe { usable_kinds(codec) };
        if usable.contains(&self.kind) {
            return Ok(());
        }
        // SAFETY: takes any integer; names are static text.
        let name = |&kind: &c_int| unsafe { sys::text(sys::av_hwdevice_get_type_name(kind)) };
        let names: Vec<String> = usable.iter().map(name).collect();
        let hint = match names.is_empty() {
            true => "it decodes on the CPU only".to_owned(),
            false => format!("it can use {}", names.join(", ")),
        };
        let operation = format!("cannot open decoder {decoder} on {}", self.kind());
        let message = "it does not support this kind of device";
        Err(Error::new(operation, ErrorKind::Unsupported, message).with_hint(Some(hint)))
    }
}

impl Clone for HwDevice {
    fn clone(&self) -> Self {
        let reference = NonNull::new(self.reference());
        Self {
            reference: reference.expect("a new reference is not null"),
            kind: self.kind,
        }
    }
}

impl Drop for HwDevice {
    fn drop(&mut self) {
        let mut reference = self.reference.as_ptr();
        // SAFETY: ours, and not used again.
        unsafe { sys::av_buffer_unref(&mut reference) };
    }
}

impl fmt::Debug for HwDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HwDevice").field(&self.kind()).finish()
    }
}

impl AvFrame {
    /// The frame in main memory, with all its properties: in `format` if the device can give that, else
    /// in the format that it prefers.
    ///
    /// # Errors
    ///
    /// If the frame is not in device memory, or the device cannot copy it out (in that format).
    pub fn download(&self, format: Option<PixFmt>) -> Result<Self, Error> {
        if !self.is_hardware() {
            let message = "it is not in the memory of a device";
            return Err(Error::new(
                "cannot download a frame",
                ErrorKind::InvalidArgument,
                message,
            ));
        }
        let target = Self::blank();
        let capture = Capture::start();
        // SAFETY: both frames are valid; the target is blank, so FFmpeg allocates it, as the device of
        // the source wants.
        let code = unsafe {
            if let Some(format) = format {
                (*target.as_ptr()).format = format.0;
            }
            match sys::av_hwframe_transfer_data(target.as_ptr(), self.as_ptr(), 0) {
                code if code < 0 => code,
                _ => sys::av_frame_copy_props(target.as_ptr(), self.as_ptr()),
            }
        };
        if code < 0 {
            let lines = capture.take().into_iter().map(|line| line.text).collect();
            let operation = match format {
                Some(format) => format!("cannot download a frame as {format}"),
                None => "cannot download a frame".to_owned(),
            };
            return Err(Error::from_code(operation, code).with_details(lines));
        }
        Ok(target)
    }
}

fn find(kind: &str) -> Option<c_int> {
    let kind = sys::c_string(kind);
    // SAFETY: a look-up by name in static tables.
    let number = unsafe { sys::av_hwdevice_find_type_by_name(kind.as_ptr()) };
    (number != NO_KIND).then_some(number)
}

/// The kinds of device that a decoder can be given.
///
/// # Safety
///
/// `codec` is one of FFmpeg's static codecs.
unsafe fn usable_kinds(codec: *const sys::AVCodec) -> Vec<c_int> {
    let takes_device = sys::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as c_int;
    let configs = (0..).map_while(|index| {
        // SAFETY: the caller's promise; null ends the static list.
        unsafe {
            let config = sys::avcodec_get_hw_config(codec, index);
            (!config.is_null()).then(|| ((*config).methods, sys::get_enum!(config, device_type)))
        }
    });
    let usable = configs.filter(|(methods, _)| methods & takes_device != 0);
    usable.map(|(_, kind)| kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_kinds_are_named() {
        let error = HwDevice::open("cudda", None).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"cannot open cudda device: no such kind of device; did you mean 'cuda'?");
        assert!(HwDevice::kinds().contains(&"cuda".to_owned()));
    }

    #[test]
    fn a_frame_in_main_memory_is_not_downloaded() {
        let error = AvFrame::blank().download(None).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"cannot download a frame: it is not in the memory of a device");
    }
}
