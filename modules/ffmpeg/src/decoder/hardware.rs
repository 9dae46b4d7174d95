//! Decoding on a device, and what is done where there is none. `bmf_ffmpeg` opens and copies; here
//! is decided for which streams.

use bmf_ffmpeg::{AvFrame, Decoder, DecoderConfig, HwDevice, PixFmt, StreamInfo};
use bmf_sdk::hmp::MediaKind;
use bmf_sdk::prelude::*;

use super::video_params::VideoParams;

/// An open decoder, with what is to be done with its pictures.
pub(crate) struct Opened {
    pub(crate) decoder: Decoder,
    /// How it was opened, to open it once more.
    pub(crate) config: DecoderConfig,
    pub(crate) download: Option<Download>,
    /// Why the CPU decodes although a device was asked for.
    pub(crate) warning: Option<String>,
}

/// Opens the decoder of a stream called `name`, on a device if `params` ask for one.
///
/// # Errors
/// If FFmpeg cannot decode the stream, or not there, and the CPU is not to do it instead.
pub(crate) fn open(
    params: &VideoParams,
    info: &StreamInfo,
    name: &str,
    config: DecoderConfig,
) -> Result<Opened, ModuleError> {
    let Some(kind) = params.device_kind().filter(|_| is_for(params, info)) else {
        return on_cpu(info, name, config);
    };
    let on_device = || {
        let device = HwDevice::open(kind, params.hwaccel_device.as_deref())?;
        let config = DecoderConfig {
            hardware: Some(device),
            ..config.clone()
        };
        let decoder = Decoder::open(&info.parameters, &config)?;
        Ok((decoder, config))
    };
    match on_device() {
        Ok((decoder, config)) => Ok(Opened {
            decoder,
            config,
            download: Some(Download::new(params, kind, name)?),
            warning: None,
        }),
        Err(error) if params.hwaccel_fallback => {
            let warning = format!("{name} is decoded on the CPU: {error}");
            log::warn!(target: "bmf_module_ffmpeg", "{warning}");
            let opened = on_cpu(info, name, config)?;
            Ok(Opened {
                warning: Some(warning),
                ..opened
            })
        }
        Err(error) => Err(cannot(name, kind, error)),
    }
}

/// Pictures of films only: a cover is decoded faster than it is uploaded.
fn is_for(params: &VideoParams, info: &StreamInfo) -> bool {
    info.kind == MediaKind::Video
        && !info.is_attached_picture()
        && (!params.hwaccel_check || info.parameters.video_delay() < 2)
}

fn on_cpu(info: &StreamInfo, name: &str, config: DecoderConfig) -> Result<Opened, ModuleError> {
    let decoder = Decoder::open(&info.parameters, &config).map_err(|error| {
        ModuleError::new(format!("{name} cannot be decoded")).with_source(error)
    })?;
    Ok(Opened {
        decoder,
        config,
        download: None,
        warning: None,
    })
}

fn cannot(name: &str, kind: &str, error: bmf_ffmpeg::Error) -> ModuleError {
    ModuleError::new(format!("{name} cannot be decoded on {kind}"))
        .with_source(error)
        .with_hint("set video_params.hwaccel_fallback to let the CPU do it where the device cannot")
}

/// Brings a device's pictures to main memory.
#[derive(Clone, Debug)]
pub(crate) struct Download {
    /// Of the device.
    kind: String,
    /// Of the stream, for messages.
    name: String,
    format: Option<PixFmt>,
    may_fall_back: bool,
    /// That the CPU decodes after all.
    warning: Option<String>,
}

impl Download {
    fn new(params: &VideoParams, kind: &str, name: &str) -> Result<Self, ModuleError> {
        let format = params.hwaccel_output_format.as_deref();
        Ok(Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            format: format.map(PixFmt::from_name).transpose()?,
            may_fall_back: params.hwaccel_fallback,
            warning: None,
        })
    }

    /// The picture in main memory. The CPU may have decoded it after all: FFmpeg finds out only with the
    /// first picture whether the device knows this kind of stream.
    ///
    /// # Errors
    /// If it cannot be copied out, or the CPU was not to decode it.
    pub(crate) fn picture(&mut self, frame: AvFrame) -> Result<AvFrame, ModuleError> {
        if frame.is_hardware() {
            return Ok(frame.download(self.format)?);
        }
        let message = format!(
            "{} device does not decode {} as it is coded",
            self.kind, self.name
        );
        if !self.may_fall_back {
            return Err(ModuleError::new(format!("the {message}")).with_hint(
                "set video_params.hwaccel_fallback to let the CPU do it, or remove video_params.hwaccel",
            ));
        }
        if self.warning.is_none() {
            let warning = format!("the {message}; the CPU does");
            log::warn!(target: "bmf_module_ffmpeg", "{warning}");
            self.warning = Some(warning);
        }
        Ok(frame)
    }

    /// That the CPU decodes after all.
    pub(crate) fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }
}
