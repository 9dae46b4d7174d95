//! Brings pictures from main memory into that of a device, for encoders that take nothing else.
//!
//! The device is FFmpeg's default one of its kind, or one that is named. Pictures are copied; their
//! properties go along.

use crate::error::Error;
use crate::formats::PixFmt;
use crate::frame::AvFrame;
use crate::hw::HwDevice;
use crate::log::Capture;
use crate::sys;

/// A device with a pool of pictures of one size.
#[derive(Debug)]
pub struct Uploader {
    device: HwDevice,
    pictures: Reference,
    format: PixFmt,
}

/// A reference to one of FFmpeg's counted objects.
#[derive(Debug)]
struct Reference(*mut sys::AVBufferRef);

// SAFETY: references are counted atomically; devices and pools of pictures may be used from any
// thread, and here by one at a time.
unsafe impl Send for Reference {}

impl Drop for Reference {
    fn drop(&mut self) {
        // SAFETY: ours, and not used again.
        unsafe { sys::av_buffer_unref(&mut self.0) };
    }
}

/// FFmpeg's names of the devices whose formats have another name.
const DEVICES: [(&str, &str); 3] = [
    ("videotoolbox_vld", "videotoolbox"),
    ("dxva2_vld", "dxva2"),
    ("d3d11", "d3d11va"),
];

impl Uploader {
    /// Opens a device for pictures that come in format `from` and go to the device's `format`.
    /// `device` names one of several, such as `/dev/dri/renderD129`.
    ///
    /// # Errors
    ///
    /// If there is no such device, or it does not take such pictures.
    pub fn open(
        format: PixFmt,
        from: PixFmt,
        size: (u32, u32),
        device: Option<&str>,
    ) -> Result<Self, Error> {
        let name = DEVICES
            .iter()
            .find(|(of_format, _)| *of_format == format.name())
            .map_or(format.name(), |&(_, device)| device);
        let device = HwDevice::open(name, device).map_err(|error| {
            let hint = "use an encoder that needs no device, such as libx264";
            error.with_hint(Some(hint.to_owned()))
        })?;
        let pictures = open_pictures(&device, format, from, size).map_err(|error| {
            error.with_hint(Some(format!(
                "the {name} device may not take {from} pictures of {}x{}",
                size.0, size.1
            )))
        })?;
        Ok(Self {
            device,
            pictures,
            format,
        })
    }

    /// The format of the pictures on the device.
    pub fn format(&self) -> PixFmt {
        self.format
    }

    /// A copy of the picture on the device.
    ///
    /// # Errors
    ///
    /// If the device has no memory left or refuses the picture.
    pub fn upload(&self, picture: &AvFrame) -> Result<AvFrame, Error> {
        let copy = AvFrame::blank();
        let capture = Capture::start();
        // SAFETY: the new frame is ours, the other one is only read; the pool is valid.
        let code = unsafe {
            match sys::av_hwframe_get_buffer(self.pictures.0, copy.as_ptr(), 0) {
                0.. => match sys::av_hwframe_transfer_data(copy.as_ptr(), picture.as_ptr(), 0) {
                    0.. => sys::av_frame_copy_props(copy.as_ptr(), picture.as_ptr()),
                    code => code,
                },
                code => code,
            }
        };
        if code < 0 {
            let lines = capture.take().into_iter().map(|line| line.text).collect();
            return Err(
                Error::from_code("cannot copy a picture to the device", code).with_details(lines),
            );
        }
        Ok(copy)
    }

    /// Tells an encoder where its pictures will be.
    ///
    /// # Safety
    ///
    /// `context` is allocated, not open, and nobody else uses it.
    pub(crate) unsafe fn lend_to(&self, context: *mut sys::AVCodecContext) {
        // SAFETY: the caller's promise; the context frees its references.
        unsafe {
            (*context).hw_device_ctx = self.device.reference();
            (*context).hw_frames_ctx = sys::av_buffer_ref(self.pictures.0);
        }
    }
}

fn open_pictures(
    device: &HwDevice,
    format: PixFmt,
    from: PixFmt,
    (width, height): (u32, u32),
) -> Result<Reference, Error> {
    let capture = Capture::start();
    // SAFETY: the device is open; the pool is new and ours, and its description is plain data until
    // it is initialised. Formats are written as integers.
    let (pictures, code) = unsafe {
        let mut own = device.reference();
        let pictures = Reference(sys::av_hwframe_ctx_alloc(own));
        sys::av_buffer_unref(&mut own);
        if pictures.0.is_null() {
            sys::out_of_memory::<sys::AVHWFramesContext>();
        }
        let description = (*pictures.0).data.cast::<sys::AVHWFramesContext>();
        sys::set_enum!(description, format, format.0);
        sys::set_enum!(description, sw_format, from.0);
        (*description).width = sys::int(width);
        (*description).height = sys::int(height);
        // As many as an encoder may hold back.
        (*description).initial_pool_size = 32;
        let code = sys::av_hwframe_ctx_init(pictures.0);
        (pictures, code)
    };
    if code < 0 {
        let lines = capture.take().into_iter().map(|line| line.text).collect();
        let error = Error::from_code("cannot keep pictures on the device", code);
        return Err(error.with_details(lines));
    }
    Ok(pictures)
}
