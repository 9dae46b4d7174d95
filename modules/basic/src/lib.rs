//! Modules without FFmpeg: for wiring, for tests, for benchmarks. None of them opens a file.
#![doc = include_str!("../README.md")]

mod null_sink;
mod pass_through;
mod test_source;

use std::sync::Arc;

use bmf_sdk::ModuleFactory;
use bmf_sdk::factory;

/// All modules of this crate.
pub fn modules() -> Vec<Arc<dyn ModuleFactory>> {
    vec![
        factory::<pass_through::PassThrough>(),
        factory::<null_sink::NullSink>(),
        factory::<test_source::TestSource>(),
    ]
}
