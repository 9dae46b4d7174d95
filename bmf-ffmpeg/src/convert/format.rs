//! What a stream's packets have in common, for those who decode or store them elsewhere.

use std::sync::Arc;

use bmf_hmp::{Buffer, EncodedFormat, MediaKind, Rational};

use crate::error::{Error, ErrorKind};
use crate::mux_stream::StreamConfig;
use crate::params::CodecParameters;
use crate::stream::StreamInfo;

/// What a [`EncodedFormat`] was made from, kept with it: everything FFmpeg knows of the stream.
#[derive(Debug, Clone)]
pub struct EncodedStream {
    /// Codec, format and extra data.
    pub parameters: CodecParameters,
    /// What a container should say of the stream.
    pub config: StreamConfig,
}

impl EncodedStream {
    /// The stream as a container with nothing else in it would describe it, for a decoder of packets
    /// whose times are in `unit`.
    pub fn info(&self, unit: bmf_hmp::TimeBase) -> StreamInfo {
        let own_aspect = self.parameters.sample_aspect_ratio();
        StreamInfo {
            index: 0,
            id: 0,
            kind: self.parameters.kind(),
            parameters: self.parameters.clone(),
            time_base: unit,
            start_time: None,
            duration: None,
            frames: None,
            average_frame_rate: self.config.frame_rate,
            real_frame_rate: self.config.frame_rate,
            guessed_frame_rate: self.config.frame_rate,
            sample_aspect_ratio: self.config.sample_aspect_ratio.unwrap_or(own_aspect),
            display_matrix: self.config.display_matrix,
            side_data: self.config.side_data.clone(),
            metadata: self.config.metadata.clone(),
            container_metadata: self.config.container_metadata.clone(),
            disposition: self.config.disposition,
        }
    }
}

/// The format of an encoded stream; `stream` stays with it, so that
/// [`format_to_av`] loses nothing.
pub fn format_from_av(stream: EncodedStream) -> EncodedFormat {
    let parameters = &stream.parameters;
    let mut format = EncodedFormat::new(parameters.kind(), &parameters.codec_name());
    format.extradata = Buffer::copy_from_slice(parameters.extradata());
    format.width = parameters.width();
    format.height = parameters.height();
    format.frame_rate = stream.config.frame_rate;
    format.sample_rate = parameters.sample_rate();
    format.channels = parameters.layout().map_or(0, |layout| layout.channels());
    format.set_extension(Arc::new(stream));
    format
}

/// What FFmpeg must be told of an encoded stream whose packets are in `unit`.
///
/// # Errors
///
/// If FFmpeg knows no such codec, or the extra data is not in main memory.
pub fn format_to_av(
    format: &EncodedFormat,
    unit: bmf_hmp::TimeBase,
) -> Result<EncodedStream, Error> {
    if let Some(stream) = format.extension::<EncodedStream>() {
        return Ok(EncodedStream::clone(stream));
    }
    let refused = |message: String| {
        Error::new(
            "cannot describe a stream to ffmpeg",
            ErrorKind::Unsupported,
            message,
        )
    };
    let extradata = format
        .extradata
        .as_slice()
        .ok_or_else(|| refused("its extra data is not in main memory".to_owned()))?;
    let mut parameters = CodecParameters::of_codec(&format.codec, extradata)
        .filter(|parameters| parameters.kind() == format.kind)
        .ok_or_else(|| {
            refused(format!(
                "it has no {} codec \"{}\"",
                format.kind, format.codec
            ))
        })?;
    match format.kind {
        MediaKind::Video => parameters.set_picture_size(format.width, format.height),
        MediaKind::Audio => parameters.set_sound(format.sample_rate, format.channels),
        MediaKind::Subtitle | MediaKind::Data => {}
    }
    let mut config = StreamConfig::new(unit);
    config.frame_rate = format.frame_rate;
    config.sample_aspect_ratio = (format.kind == MediaKind::Video).then_some(Rational::ZERO);
    Ok(EncodedStream { parameters, config })
}

#[cfg(test)]
mod tests {
    use bmf_hmp::TimeBase;

    use super::*;

    fn check(format: &EncodedFormat) -> String {
        match format_to_av(format, TimeBase::MICROS) {
            Ok(stream) => format!("{:?}", format_from_av(stream)),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_format_made_by_hand_is_described_to_ffmpeg() {
        let mut format = EncodedFormat::new(MediaKind::Video, "h264");
        (format.width, format.height) = (64, 48);
        insta::assert_snapshot!(check(&format), @"EncodedFormat(video h264 64x48)");
        let mut format = EncodedFormat::new(MediaKind::Audio, "aac");
        (format.sample_rate, format.channels) = (48_000, 2);
        insta::assert_snapshot!(check(&format), @"EncodedFormat(audio aac 48000 Hz, 2 channels)");
        insta::assert_snapshot!(check(&EncodedFormat::new(MediaKind::Video, "aac")), @r#"cannot describe a stream to ffmpeg: it has no video codec "aac""#);
        insta::assert_snapshot!(check(&EncodedFormat::new(MediaKind::Video, "x")), @r#"cannot describe a stream to ffmpeg: it has no video codec "x""#);
    }
}
