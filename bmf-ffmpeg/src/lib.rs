//! FFmpeg's demuxer, decoder, filter graph, encoder and muxer as safe, owned types.
#![doc = include_str!("../README.md")]
#![expect(
    unsafe_code,
    reason = "every call into FFmpeg's C libraries is unsafe; the public API is not"
)]

mod sys;
mod units;

mod dict;
mod error;
mod layers;
pub mod log;
pub mod names;
mod options;

mod formats;
mod frame;
mod packet;
mod params;
mod side_data;
mod stream;

mod av_buffer;
mod color;
mod convert;

mod flow;
mod interrupt;
mod io;
mod pipe;

mod describe;
mod input;

mod decoder;
mod hw;

mod filter;
mod filter_params;
mod filter_text;

mod encoder;
mod encoder_info;
mod expression;
mod upload;

mod mux_clock;
mod mux_stream;
mod output;
mod output_info;
mod writer;

mod audio_clock;
mod sync;

pub use audio_clock::AudioClock;
pub use convert::{
    EncodedStream, audio_from_av, audio_to_av, format_from_av, format_to_av, packet_from_av,
    packet_to_av, video_from_av, video_to_av,
};
pub use decoder::{Decoder, DecoderConfig, Skip};
pub use describe::Chapter;
pub use dict::Dict;
pub use encoder::{AudioParams, Encoder, EncoderConfig, EncoderInput, VideoParams};
pub use encoder_info::EncoderInfo;
pub use error::{Error, ErrorKind};
pub use expression::{Expression, parse_duration};
pub use filter::FilterGraph;
pub use filter_params::{AudioInput, FilterInput, FilterOutput, GraphConfig, VideoInput};
pub use filter_text::OpenPad;
pub use flow::{Fed, Pulled};
pub use formats::{Layout, PixFmt, SampleFmt};
pub use frame::AvFrame;
pub use hw::HwDevice;
pub use input::{Demuxer, InputConfig, Read};
pub use interrupt::Interrupt;
pub use layers::{Layer, layers_of};
pub use mux_stream::{StreamConfig, parse_disposition};
pub use options::{UnusedOption, nearest};
pub use output::{Muxer, OutputConfig, Written};
pub use output_info::{MuxerInfo, numbered_name};
pub use packet::AvPacket;
pub use params::CodecParameters;
pub use stream::{DisplayMatrix, SideData, StreamInfo};
pub use sync::{FrameRateMode, FrameSync, Plan, encoder_ticks, frame_ticks};
pub use upload::Uploader;
pub use writer::Piece;
