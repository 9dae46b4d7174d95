//! BMF's FFmpeg modules: decode, filter, encode. Options and wiring only; FFmpeg itself is handled by
//! `bmf-ffmpeg`.
#![doc = include_str!("../README.md")]

mod decoder;
mod encoder;
mod filter;
mod local;
mod media;
mod values;

use std::sync::Arc;

use bmf_sdk::{ModuleFactory, factory};

/// All modules of this crate.
pub fn modules() -> Vec<Arc<dyn ModuleFactory>> {
    vec![
        factory::<decoder::FfmpegDecoder>(),
        factory::<filter::Filter>(),
        factory::<encoder::FfmpegEncoder>(),
    ]
}
