//! BMF's FFmpeg modules: decode, filter, encode. Options and wiring only; FFmpeg itself is handled by
//! `bmf-ffmpeg`.
#![doc = include_str!("../README.md")]

mod decoder;
mod encoder;
mod filter;
mod local;
mod media;
mod probe;
mod threads;
mod values;

bmf_sdk::export_module!(
    decoder::FfmpegDecoder,
    filter::Filter,
    encoder::FfmpegEncoder,
    probe::Probe,
);
