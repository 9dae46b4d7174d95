//! Modules without FFmpeg: for wiring, for tests, for benchmarks. None of them opens a file.
#![doc = include_str!("../README.md")]

mod null_sink;
mod pass_through;
mod test_source;

bmf_sdk::export_module!(
    pass_through::PassThrough,
    null_sink::NullSink,
    test_source::TestSource,
);
