//! What is said when something is wrong: it names the thing, FFmpeg's reason,
//! and what to do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use bmf_ffmpeg::{
    AudioParams, CodecParameters, Decoder, DecoderConfig, Demuxer, Dict, Encoder, EncoderConfig,
    EncoderInput, Error, ErrorKind, FilterGraph, FilterInput, GraphConfig, InputConfig, Layout,
    Muxer, OutputConfig, PixFmt, Read, SampleFmt, StreamConfig, VideoInput, VideoParams,
};
use bmf_hmp::{MediaKind, Rational, TimeBase};
use common::{Dir, open, packets};

fn open_error(dir: &Dir, path: &str, config: &InputConfig) -> String {
    dir.redact(Demuxer::open(path, config).unwrap_err())
}

#[test]
fn inputs_that_cannot_be_opened() {
    let dir = Dir::new();
    let plain = InputConfig::default();
    let check = |path: String| open_error(&dir, &path, &plain);
    insta::assert_snapshot!(check(dir.path("missing.mp4")), @"cannot open input 'DIR/missing.mp4': no such file or directory");
    insta::assert_snapshot!(check(dir.path("")), @"cannot open input 'DIR/': it is a directory");
    insta::assert_snapshot!(check(dir.write("empty.mp4", b"")), @"cannot open input 'DIR/empty.mp4': the file is empty");
    insta::assert_snapshot!(check(dir.write("garbage.mp4", &[0x5a; 5000])), @"cannot open input 'DIR/garbage.mp4': invalid data found when processing input (moov atom not found); the file may be cut off, or is no media file that this FFmpeg knows");
    insta::assert_snapshot!(check(dir.write("garbage", "hello\n".repeat(999).as_bytes())), @"cannot open input 'DIR/garbage': invalid data found when processing input; the file may be cut off, or is no media file that this FFmpeg knows");
    insta::assert_snapshot!(check("nosuch://host/file".into()), @"cannot open input 'nosuch://host/file': protocol not found");
    insta::assert_snapshot!(check("http://127.0.0.1:1/a.mp4".into()), @"cannot open input 'http://127.0.0.1:1/a.mp4': connection refused (Connection to tcp://127.0.0.1:1 failed: Connection refused)");
    insta::assert_snapshot!(check(String::new()), @"cannot open input '': no such file or directory");
}

#[test]
fn a_truncated_file_says_what_is_missing() {
    let dir = Dir::new();
    let clip = std::fs::read(dir.clip()).unwrap();
    let cut = dir.write("cut.mp4", &clip[..clip.len() / 2]);
    insta::assert_snapshot!(open_error(&dir, &cut, &InputConfig::default()), @"cannot open input 'DIR/cut.mp4': invalid data found when processing input (moov atom not found); the file may be cut off, or is no media file that this FFmpeg knows");
}

#[test]
fn a_file_that_ends_early_gives_what_it_has() {
    let dir = Dir::new();
    dir.clip();
    let stream = dir.ffmpeg(&format!("-i {} -c copy clip.ts", dir.path("clip.mp4")));
    let bytes = std::fs::read(stream).unwrap();
    let cut = dir.write("cut.ts", &bytes[..bytes.len() / 2]);
    let mut input = open(&cut);
    let count = packets(&mut input, 0).len();
    assert!((1..10).contains(&count), "{count}");
    assert!(matches!(input.read().unwrap(), Read::End));
}

#[test]
fn input_formats_and_options() {
    let dir = Dir::new();
    let clip = dir.clip();
    let named = |name: &str| InputConfig {
        format: Some(name.into()),
        ..InputConfig::default()
    };
    insta::assert_snapshot!(open_error(&dir, &clip, &named("mpegtts")), @"cannot open input 'DIR/clip.mp4': no input format 'mpegtts'; did you mean 'mpegts'?");
    insta::assert_snapshot!(open_error(&dir, &clip, &named("matroska")), @"cannot open input 'DIR/clip.mp4': invalid data found when processing input (0x00 at pos 0 (0x0) invalid as first byte of an EBML number; EBML header parsing failed); the file may be cut off, or is no media file that this FFmpeg knows");
    let with = |key: &str, value: &str| InputConfig {
        options: [(key, value)].into_iter().collect(),
        ..InputConfig::default()
    };
    insta::assert_snapshot!(open_error(&dir, &clip, &with("probesize", "many")), @r#"cannot open input 'DIR/clip.mp4': invalid argument (Undefined constant or missing '(' in 'many'; Unable to parse option value "many"; Error setting option probesize to value many)"#);
    let input = Demuxer::open(&clip, &with("probsize", "100000")).unwrap();
    insta::assert_snapshot!(dir.redact(&input.unused_options()[0]), @"input 'DIR/clip.mp4' has no option 'probsize'; did you mean 'probesize'?");
}

#[test]
fn decoders_that_cannot_be_opened() {
    let dir = Dir::new();
    let input = open(&dir.clip());
    let parameters: CodecParameters = input.streams()[0].parameters.clone();
    let check = |name: &str, options: &[(&str, &str)]| {
        let config = DecoderConfig {
            name: Some(name.into()),
            options: options.iter().copied().collect(),
            ..DecoderConfig::default()
        };
        match Decoder::open(&parameters, &config) {
            Ok(decoder) => decoder
                .unused_options()
                .iter()
                .map(ToString::to_string)
                .collect(),
            Err(error) => error.to_string(),
        }
    };
    insta::assert_snapshot!(check("h265", &[]), @"cannot open decoder 'h265': no such decoder");
    insta::assert_snapshot!(check("hevc", &[]), @"cannot open decoder 'hevc': the stream's codec is 'h264', which it does not decode; leave the decoder's name out to have it chosen");
    insta::assert_snapshot!(check("h264", &[("thread", "2")]), @"decoder h264 has no option 'thread'; did you mean 'threads'?");
    insta::assert_snapshot!(check("h264", &[("flags", "nonsense")]), @r#"cannot open decoder h264: invalid argument (Undefined constant or missing '(' in 'nonsense'; Unable to parse option value "nonsense"; Error setting option flags to value nonsense)"#);
}

fn picture(pix_fmt: &str) -> VideoInput {
    VideoInput {
        width: 64,
        height: 48,
        pix_fmt: PixFmt::from_name(pix_fmt).unwrap(),
        time_base: TimeBase::new(1, 25).unwrap(),
        sample_aspect_ratio: Rational::ZERO,
        frame_rate: None,
    }
}

#[test]
fn filter_graphs_that_cannot_be_built() {
    let check = |text: &str| {
        let config = GraphConfig {
            description: text.into(),
            inputs: vec![(None, FilterInput::Video(picture("yuv420p")))],
            ..GraphConfig::default()
        };
        FilterGraph::new(&config).unwrap_err().to_string()
    };
    insta::assert_snapshot!(check("scalee=32:32"), @"cannot build filter graph 'scalee=32:32': invalid argument (No such filter: 'scalee'); did you mean 'scale'?");
    insta::assert_snapshot!(check("scale=widht=32"), @"cannot build filter graph 'scale=widht=32': option not found (Option 'widht' not found; Error initializing filter 'scale' with args 'widht=32:flags=bicubic'); did you mean 'width'?");
    insta::assert_snapshot!(check("scale=32:32:32:32:32:32:32:32:32:32:32:32:32:32:32:32:32"), @r#"cannot build filter graph 'scale=32:32:32:32:32:32:32:32:32:32:32:32:32:32:32:32:32': invalid argument (Unable to parse option value "32" as boolean; Error setting option interl to value 32; Error applying options to the filter; Error initializing filter 'scale' with args '32:32:32:32:32:32:32:32:32:32:32:32:32:32:32:32:32:flags=bicubic')"#);
    insta::assert_snapshot!(check("crop=9999:9999"), @"cannot build filter graph 'crop=9999:9999': invalid argument (Invalid too big or non positive size for width '9998' or height '9998'; Failed to configure input pad on Parsed_crop_0)");
    insta::assert_snapshot!(check("[a][b]overlay"), @"cannot connect filter graph '[a][b]overlay': it has 2 open inputs, but 1 were given; its open inputs are: [a], [b]");
    insta::assert_snapshot!(check("volume=2"), @"cannot connect filter graph 'volume=2': input of volume takes audio, but video was given");
    insta::assert_snapshot!(check("scale=32:32["), @r#"cannot build filter graph 'scale=32:32[': invalid argument (Bad (empty?) label found in the following: "[")"#);
    insta::assert_snapshot!(check("testsrc"), @"cannot connect filter graph 'testsrc': it has 0 open inputs, but 1 were given");
    insta::assert_snapshot!(check(""), @"cannot build filter graph '': invalid argument (No such filter: '')");
}

#[test]
fn labels_that_do_not_match() {
    let check = |inputs: [&str; 2], output: &str| {
        let inputs = inputs.map(|label| {
            (
                Some(label.to_owned()),
                FilterInput::Video(picture("yuv420p")),
            )
        });
        let config = GraphConfig {
            description: "[a][b]overlay[out]".into(),
            inputs: inputs.into(),
            outputs: vec![Some(output.into())],
            ..GraphConfig::default()
        };
        FilterGraph::new(&config).unwrap_err().to_string()
    };
    insta::assert_snapshot!(check(["a", "c"], "out"), @"cannot connect filter graph '[a][b]overlay[out]': it has no open input 'c'; its open inputs are: [a], [b]");
    insta::assert_snapshot!(check(["a", "a"], "out"), @"cannot connect filter graph '[a][b]overlay[out]': the same input was given twice");
    insta::assert_snapshot!(check(["a", "b"], "in"), @"cannot connect filter graph '[a][b]overlay[out]': it has no open output 'in'; its open outputs are: [out]");
}

fn encoder_error(name: &str, input: EncoderInput, options: &[(&str, &str)]) -> Error {
    let config = EncoderConfig {
        name: name.into(),
        input,
        time_base: TimeBase::new(1, 25).unwrap(),
        options: options.iter().copied().collect(),
        global_header: false,
        bit_rate: None,
        quality: None,
        tag: None,
        statistics: None,
    };
    Encoder::open(&config).unwrap_err()
}

fn video_params(pix_fmt: &str) -> VideoParams {
    VideoParams {
        width: 64,
        height: 48,
        pix_fmt: PixFmt::from_name(pix_fmt).unwrap(),
        sample_aspect_ratio: Rational::ZERO,
        frame_rate: Some(Rational::new(25, 1)),
        color: Default::default(),
        top_field_first: None,
    }
}

#[test]
fn encoders_that_cannot_be_opened() {
    let video = |name: &str, pix_fmt: &str, options: &[(&str, &str)]| {
        encoder_error(name, EncoderInput::Video(video_params(pix_fmt)), options).to_string()
    };
    insta::assert_snapshot!(video("libx265x", "yuv420p", &[]), @"cannot open encoder 'libx265x': no such encoder; did you mean 'libx265'?");
    insta::assert_snapshot!(video("h264", "yuv420p", &[]), @"cannot open encoder 'h264': no such encoder; for codec h264 there is encoder 'libx264'");
    insta::assert_snapshot!(video("mjpeg", "rgb24", &[]), @"cannot open encoder mjpeg: it does not take pixel format rgb24; it takes yuvj420p, yuvj422p, yuvj444p, yuv420p, yuv422p, yuv444p");
    insta::assert_snapshot!(video("libx264", "yuv420p", &[("preset", "ultrafst")]), @"cannot open encoder libx264: invalid argument (Error setting preset/tune ultrafst/(null))");
    insta::assert_snapshot!(video("libx264", "yuv420p", &[("crf", "low")]), @r#"cannot open encoder libx264: invalid argument (Undefined constant or missing '(' in 'low'; Unable to parse option value "low"; Error setting option crf to value low)"#);
    insta::assert_snapshot!(video("aac", "yuv420p", &[]), @"cannot open encoder aac: it does not encode video; it takes audio");

    let odd = EncoderInput::Video(VideoParams {
        width: 63,
        height: 47,
        ..video_params("yuv420p")
    });
    insta::assert_snapshot!(encoder_error("libx264", odd, &[]), @"cannot open encoder libx264: generic error in an external library (width not divisible by 2 (63x47))");
    let none = EncoderInput::Video(VideoParams {
        width: 0,
        height: 0,
        ..video_params("yuv420p")
    });
    insta::assert_snapshot!(encoder_error("libx264", none, &[]), @"cannot open encoder libx264: invalid argument (dimensions not set)");

    let audio = |rate: u32, fmt: &str, layout: &str| {
        let input = EncoderInput::Audio(AudioParams {
            sample_rate: rate,
            sample_fmt: SampleFmt::from_name(fmt).unwrap(),
            layout: Layout::from_name(layout).unwrap(),
        });
        encoder_error("libopus", input, &[]).to_string()
    };
    insta::assert_snapshot!(audio(44_100, "s16", "stereo"), @"cannot open encoder libopus: it does not take sample rate 44100; it takes 48000, 24000, 16000, 12000, 8000");
    insta::assert_snapshot!(audio(48_000, "fltp", "stereo"), @"cannot open encoder libopus: it does not take sample format fltp; it takes s16, flt");
}

fn muxer_error(dir: &Dir, path: &str, format: Option<&str>) -> String {
    let config = OutputConfig {
        format: format.map(Into::into),
        ..OutputConfig::default()
    };
    dir.redact(Muxer::create(path, &config).unwrap_err())
}

#[test]
fn outputs_that_cannot_be_opened() {
    let dir = Dir::new();
    insta::assert_snapshot!(muxer_error(&dir, &dir.path("no/such/out.mp4"), None), @"cannot open output 'DIR/no/such/out.mp4': no such file or directory; the directory 'DIR/no/such' does not exist");
    std::fs::create_dir(dir.root().join("folder.mp4")).unwrap();
    insta::assert_snapshot!(muxer_error(&dir, &dir.path("folder.mp4"), None), @"cannot open output 'DIR/folder.mp4': is a directory");
    insta::assert_snapshot!(muxer_error(&dir, &dir.path("out.xyz"), None), @"cannot open output 'DIR/out.xyz': its name does not tell the format; use a usual extension such as .mp4, or name the format");
    insta::assert_snapshot!(muxer_error(&dir, &dir.path("out.mp4"), Some("matrosca")), @"cannot open output 'DIR/out.mp4': no output format 'matrosca'; did you mean 'matroska'?");
}

#[test]
fn what_a_container_refuses() {
    let dir = Dir::new();
    let input = open(&dir.clip());
    let video = &input.streams()[0];
    let config = StreamConfig::new(video.time_base);

    let mut muxer = Muxer::create(&dir.path("out.wav"), &OutputConfig::default()).unwrap();
    muxer.add_stream(&video.parameters, &config).unwrap();
    insta::assert_snapshot!(dir.redact(muxer.write_header().unwrap_err()), @"cannot write the header of 'DIR/out.wav': function not implemented (Codec h264 not supported in WAVE format)");

    let options: Dict = [("movflag", "faststart")].into_iter().collect();
    let config_with = OutputConfig {
        options,
        ..OutputConfig::default()
    };
    let mut muxer = Muxer::create(&dir.path("out.mp4"), &config_with).unwrap();
    muxer.add_stream(&video.parameters, &config).unwrap();
    let packet = bmf_ffmpeg::AvPacket::from_data(b"x").unwrap();
    insta::assert_snapshot!(dir.redact(muxer.write(0, packet, video.time_base).unwrap_err()), @"cannot write a packet to 'DIR/out.mp4': its header is not written yet");
    insta::assert_snapshot!(dir.redact(&muxer.write_header().unwrap()[0]), @"output 'DIR/out.mp4' has no option 'movflag'; did you mean 'movflags'?");
    insta::assert_snapshot!(dir.redact(muxer.add_stream(&video.parameters, &config).unwrap_err()), @"cannot add a stream to 'DIR/out.mp4': its header is already written");
    muxer.finish().unwrap();
    insta::assert_snapshot!(dir.redact(muxer.write_header().unwrap_err()), @"cannot write a second header to 'DIR/out.mp4': it is already finished");

    let mut empty = Muxer::create(&dir.path("empty.mp4"), &OutputConfig::default()).unwrap();
    insta::assert_snapshot!(dir.redact(empty.write_header().unwrap_err()), @"cannot write the header of 'DIR/empty.mp4': invalid argument (No streams to mux were specified)");
    assert_eq!(empty.finish().unwrap().packets, 0);
}

/// Copies the clip's video until something fails.
fn copy_to(dir: &Dir, url: &str, format: &str) -> Result<(), Error> {
    let mut input = open(&dir.path("clip.mp4"));
    let config = OutputConfig {
        format: Some(format.into()),
        ..OutputConfig::default()
    };
    let mut muxer = Muxer::create(url, &config)?;
    let video = input.best_stream(MediaKind::Video, None, None)?.unwrap();
    let time_base = input.streams()[video].time_base;
    let parameters = input.streams()[video].parameters.clone();
    muxer.add_stream(&parameters, &StreamConfig::new(time_base))?;
    muxer.write_header()?;
    for packet in packets(&mut input, video) {
        muxer.write(0, packet, time_base)?;
    }
    muxer.finish().map(drop)
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_reported_whenever_it_shows() {
    let dir = Dir::new();
    dir.clip();
    for format in ["h264", "nut", "matroska", "mp4", "mpegts"] {
        let error = copy_to(&dir, "/dev/full", format).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{format}: {error}");
    }
    insta::assert_snapshot!(copy_to(&dir, "/dev/full", "h264").unwrap_err(), @"cannot finish '/dev/full': no space left on device");
    copy_to(&dir, "/dev/null", "matroska").unwrap();
    copy_to(&dir, "-", "null").unwrap();
}

#[test]
fn an_input_that_cannot_be_opened_again_is_closed() {
    let dir = Dir::new();
    let path = dir.clip();
    let mut input = open(&path);
    std::fs::remove_file(&path).unwrap();
    assert!(!input.is_closed());
    let _ = input.reopen(&InputConfig::default()).unwrap_err();
    assert!(input.is_closed());
    assert!(matches!(input.read(), Ok(Read::End)));
    let time = bmf_hmp::Timestamp::ZERO;
    let error = input.seek(time, time..=time).unwrap_err();
    insta::assert_snapshot!(dir.redact(error), @"cannot seek to 0.000000s in 'DIR/clip.mp4': it is closed, as it could not be opened again");
    let _ = input.reopen(&InputConfig::default()).unwrap_err();
}
