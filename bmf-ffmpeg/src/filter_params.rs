//! What goes into a filter graph and what comes out, as plain data.
//!
//! Nothing here touches FFmpeg, but for the formats' names.

use bmf_hmp::{MediaKind, Rational, TimeBase};

use crate::error::{Error, ErrorKind};
use crate::formats::{Layout, PixFmt, SampleFmt};
use crate::frame::AvFrame;

/// What will be fed into one input.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterInput {
    /// Pictures.
    Video(VideoInput),
    /// Sound.
    Audio(AudioInput),
}

/// Pictures to be fed.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoInput {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pixel format.
    pub pix_fmt: PixFmt,
    /// Unit of the frames' timestamps.
    pub time_base: TimeBase,
    /// Pixel aspect ratio; 0/1 if unknown.
    pub sample_aspect_ratio: Rational,
    /// Frame rate, if it is constant and known; some filters need it.
    pub frame_rate: Option<Rational>,
}

/// Sound to be fed.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioInput {
    /// Samples per second.
    pub sample_rate: u32,
    /// Sample format.
    pub sample_fmt: SampleFmt,
    /// Channel layout.
    pub layout: Layout,
    /// Unit of the frames' timestamps.
    pub time_base: TimeBase,
}

impl FilterInput {
    /// Describes an input by its first frame.
    ///
    /// # Errors
    ///
    /// If the frame is blank or in a format this FFmpeg has no name for.
    pub fn from_frame(
        frame: &AvFrame,
        time_base: TimeBase,
        frame_rate: Option<Rational>,
    ) -> Result<Self, Error> {
        if let Some(pix_fmt) = frame.pix_fmt() {
            return Ok(Self::Video(VideoInput {
                width: frame.width(),
                height: frame.height(),
                pix_fmt,
                time_base,
                sample_aspect_ratio: frame.sample_aspect_ratio(),
                frame_rate,
            }));
        }
        match (frame.sample_fmt(), frame.layout()) {
            (Some(sample_fmt), Some(layout)) => Ok(Self::Audio(AudioInput {
                sample_rate: frame.sample_rate(),
                sample_fmt,
                layout,
                time_base,
            })),
            _ => Err(Error::new(
                "cannot describe a filter input",
                ErrorKind::InvalidArgument,
                "the frame has neither picture nor sound",
            )),
        }
    }

    /// Video or audio.
    pub fn kind(&self) -> MediaKind {
        match self {
            Self::Video(_) => MediaKind::Video,
            Self::Audio(_) => MediaKind::Audio,
        }
    }

    /// Whether a frame has this format.
    pub(crate) fn fits(&self, frame: &AvFrame) -> bool {
        match self {
            Self::Video(video) => {
                frame.pix_fmt() == Some(video.pix_fmt)
                    && (frame.width(), frame.height()) == (video.width, video.height)
            }
            Self::Audio(audio) => {
                frame.sample_fmt() == Some(audio.sample_fmt)
                    && frame.sample_rate() == audio.sample_rate
                    && frame.layout().as_ref() == Some(&audio.layout)
            }
        }
    }
}

/// What to build.
#[derive(Debug, Clone, Default)]
pub struct GraphConfig {
    /// FFmpeg's filter text, for instance `scale=320:240,hflip` or
    /// `[a][b]overlay[out]`.
    pub description: String,
    /// The inputs, in the order of the text's open inputs. A label picks one by
    /// name instead.
    pub inputs: Vec<(Option<String>, FilterInput)>,
    /// Labels of the outputs, `None` for the next unnamed one. Empty: all open
    /// outputs in the order of the text.
    pub outputs: Vec<Option<String>>,
    /// Threads for slice-parallel filters; as many as cores by default.
    pub threads: Option<u32>,
    /// Scaler options for `scale` filters without `flags` of their own; the
    /// command line's `flags=bicubic` by default.
    pub scaler: Option<String>,
}

/// What comes out of one output.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterOutput {
    /// Pictures.
    Video {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Pixel format.
        pix_fmt: PixFmt,
        /// Unit of the frames' timestamps.
        time_base: TimeBase,
        /// Frame rate, if the graph knows it.
        frame_rate: Option<Rational>,
        /// Pixel aspect ratio; 0/1 if unknown.
        sample_aspect_ratio: Rational,
    },
    /// Sound.
    Audio {
        /// Samples per second.
        sample_rate: u32,
        /// Sample format.
        sample_fmt: SampleFmt,
        /// Channel layout.
        layout: Layout,
        /// Unit of the frames' timestamps.
        time_base: TimeBase,
    },
}

impl FilterOutput {
    /// Unit of the frames' timestamps.
    pub fn time_base(&self) -> TimeBase {
        match self {
            Self::Video { time_base, .. } | Self::Audio { time_base, .. } => *time_base,
        }
    }

    /// Video or audio.
    pub fn kind(&self) -> MediaKind {
        match self {
            Self::Video { .. } => MediaKind::Video,
            Self::Audio { .. } => MediaKind::Audio,
        }
    }
}
