//! Whole ways through the library: read, decode, filter, encode, write; what
//! comes out is compared with what the ffmpeg command line makes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use bmf_ffmpeg::{
    AudioInput, AudioParams, Dict, Encoder, EncoderConfig, EncoderInput, FilterGraph, FilterInput,
    FilterOutput, GraphConfig, Muxer, OutputConfig, PixFmt, StreamConfig, VideoParams,
};
use bmf_hmp::{MediaKind, Rational, TimeBase, Timestamp};
use common::{Dir, decode, decoder, encode, filter, frames, open, packets, stream};

fn video_graph(url: &str, description: &str) -> (FilterGraph, Vec<bmf_ffmpeg::AvFrame>) {
    let input = open(url);
    let index = stream(&input, MediaKind::Video);
    let info = &input.streams()[index];
    let decoded = frames(url, MediaKind::Video);
    let source =
        FilterInput::from_frame(&decoded[0], info.time_base, info.guessed_frame_rate).unwrap();
    let config = GraphConfig {
        description: description.into(),
        inputs: vec![(None, source)],
        ..GraphConfig::default()
    };
    (FilterGraph::new(&config).unwrap(), decoded)
}

fn video_encoder(
    name: &str,
    output: &FilterOutput,
    options: &[(&str, &str)],
    global_header: bool,
) -> Encoder {
    let FilterOutput::Video {
        width,
        height,
        pix_fmt,
        time_base,
        frame_rate,
        sample_aspect_ratio,
    } = *output
    else {
        panic!("not video: {output:?}");
    };
    let config = EncoderConfig {
        name: name.into(),
        input: EncoderInput::Video(VideoParams {
            width,
            height,
            pix_fmt,
            sample_aspect_ratio,
            frame_rate,
            color: Default::default(),
            top_field_first: None,
        }),
        time_base,
        options: options.iter().copied().collect(),
        global_header,
        bit_rate: None,
        quality: None,
        tag: None,
        statistics: None,
    };
    Encoder::open(&config).unwrap()
}

fn audio_encoder(name: &str, output: &FilterOutput, global_header: bool) -> Encoder {
    let FilterOutput::Audio {
        sample_rate,
        sample_fmt,
        layout,
        time_base,
    } = output.clone()
    else {
        panic!("not audio: {output:?}");
    };
    let config = EncoderConfig {
        name: name.into(),
        input: EncoderInput::Audio(AudioParams {
            sample_rate,
            sample_fmt,
            layout,
        }),
        time_base,
        options: Dict::new(),
        global_header,
        bit_rate: Some(64_000),
        quality: None,
        tag: None,
        statistics: None,
    };
    Encoder::open(&config).unwrap()
}

/// The lines of a framemd5 file that are not comments.
fn checksums(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.to_owned() + "\n")
        .collect()
}

#[test]
fn filtered_frames_are_those_of_the_command_line() {
    let dir = Dir::new();
    let clip = dir.clip();
    let description = "scale=48:32,hflip";
    dir.ffmpeg(&format!("-i {clip} -an -vf {description} -fps_mode passthrough -enc_time_base -1 -f framemd5 expected.md5"));

    let (mut graph, decoded) = video_graph(&clip, description);
    let filtered = filter(&mut graph, decoded);
    let mut encoder = video_encoder("rawvideo", graph.output(0), &[], false);
    let config = OutputConfig {
        format: Some("framemd5".into()),
        ..OutputConfig::default()
    };
    let mut muxer = Muxer::create(&dir.path("actual.md5"), &config).unwrap();
    let index = muxer.add_encoder(&encoder).unwrap();
    assert_eq!(muxer.write_header().unwrap(), []);
    encode(&mut encoder, filtered, &mut muxer, index);
    let written = muxer.finish().unwrap();
    assert_eq!((written.packets, written.corrected_timestamps), (10, 0));

    // Durations differ: the command line writes none for filtered frames.
    let fields = |path: &str| -> Vec<Vec<String>> {
        let text = checksums(path);
        let lines = text
            .lines()
            .map(|line| line.split(',').map(|field| field.trim().to_owned()));
        lines
            .map(|fields| {
                fields
                    .enumerate()
                    .filter(|(n, _)| *n != 3)
                    .map(|(_, f)| f)
                    .collect()
            })
            .collect()
    };
    assert_eq!(
        fields(&dir.path("actual.md5")),
        fields(&dir.path("expected.md5"))
    );
}

#[test]
fn audio_and_video_survive_a_transcode() {
    let dir = Dir::new();
    let clip = dir.clip();
    let (mut video_graph, decoded) = video_graph(&clip, "scale=64:48");
    let pictures = filter(&mut video_graph, decoded);

    let sound = frames(&clip, MediaKind::Audio);
    let time_base = TimeBase::new(1, 44_100).unwrap();
    let source = FilterInput::from_frame(&sound[0], time_base, None).unwrap();
    let mut audio_graph = FilterGraph::new(&GraphConfig {
        description: "aresample=48000,aformat=sample_fmts=flt:channel_layouts=stereo".into(),
        inputs: vec![(None, source)],
        ..GraphConfig::default()
    })
    .unwrap();

    let mut muxer = Muxer::create(&dir.path("out.mkv"), &OutputConfig::default()).unwrap();
    assert_eq!(muxer.format_name(), "matroska");
    let global = muxer.needs_global_header();
    let options = [("preset", "ultrafast"), ("crf", "30"), ("cfr", "1")];
    let mut video = video_encoder("libx264", video_graph.output(0), &options, global);
    let unused: Vec<_> = video
        .unused_options()
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(unused.join("\n"), @"encoder libx264 has no option 'cfr'; did you mean 'crf'?");
    let mut audio = audio_encoder("libopus", audio_graph.output(0), global);
    assert_eq!(audio.frame_size(), Some(960));
    audio_graph.set_frame_size(0, 960);
    let sound = filter(&mut audio_graph, sound);

    let (v, a) = (
        muxer.add_encoder(&video).unwrap(),
        muxer.add_encoder(&audio).unwrap(),
    );
    muxer.set_metadata("title", "round trip");
    muxer.write_header().unwrap();
    encode(&mut video, pictures, &mut muxer, v);
    encode(&mut audio, sound, &mut muxer, a);
    let written = muxer.finish().unwrap();
    assert_eq!(written, muxer.finish().unwrap());
    assert!(written.bytes >= std::fs::metadata(dir.path("out.mkv")).unwrap().len());

    let input = open(&dir.path("out.mkv"));
    assert_eq!(input.metadata()["title"], "round trip");
    let lines: Vec<String> = input
        .streams()
        .iter()
        .map(|stream| format!("{:?}", stream.parameters))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
        CodecParameters { codec: "h264", size: (64, 48), format: Some(yuv420p), .. }
        CodecParameters { codec: "opus", rate: 48000, format: Some(fltp), layout: Some(stereo), .. }
        "#);
    assert_eq!(frames(&dir.path("out.mkv"), MediaKind::Video).len(), 10);
    let samples: usize = frames(&dir.path("out.mkv"), MediaKind::Audio)
        .iter()
        .map(|f| f.samples())
        .sum();
    assert!((19_000..21_000).contains(&samples), "{samples}");
}

#[test]
fn streams_are_copied_without_decoding() {
    let dir = Dir::new();
    let clip = dir.clip();
    let mut input = open(&clip);
    let mut muxer = Muxer::create(&dir.path("copy.mkv"), &OutputConfig::default()).unwrap();
    let mut time_bases = Vec::new();
    for stream in input.streams() {
        muxer
            .add_stream(&stream.parameters, &StreamConfig::new(stream.time_base))
            .unwrap();
        time_bases.push(stream.time_base);
    }
    muxer.write_header().unwrap();
    while let bmf_ffmpeg::Read::Packet(packet) = input.read().unwrap() {
        let index = packet.stream_index();
        muxer.write(index, packet, time_bases[index]).unwrap();
    }
    muxer.finish().unwrap();

    let sizes = |url: &str, kind| -> Vec<usize> {
        let mut input = open(url);
        let index = stream(&input, kind);
        packets(&mut input, index)
            .iter()
            .map(|packet| packet.data().len())
            .collect()
    };
    for kind in [MediaKind::Video, MediaKind::Audio] {
        assert_eq!(sizes(&clip, kind), sizes(&dir.path("copy.mkv"), kind));
    }
}

#[test]
fn a_stream_says_what_it_is() {
    let dir = Dir::new();
    let clip = dir.clip();
    let input = open(&clip);
    let video = &input.streams()[0];
    insta::assert_snapshot!(
        format!(
            "{:?} tb {} start {:?} duration {:?} frames {:?} rates {:?} {:?} {:?} sar {} rotation {} default {}",
            video.parameters, video.time_base, video.start_time, video.duration, video.frames,
            video.average_frame_rate, video.real_frame_rate, video.guessed_frame_rate,
            video.sample_aspect_ratio, video.rotation(), video.is_default(),
        ),
        @r#"CodecParameters { codec: "h264", size: (96, 64), format: Some(yuv420p), .. } tb 1/12800 start Some(0) duration Some(5120) frames Some(10) rates Some(Rational { num: 25, den: 1 }) Some(Rational { num: 25, den: 1 }) Some(Rational { num: 25, den: 1 }) sar 1/1 rotation 0 default true"#
    );
    insta::assert_snapshot!(
        format!("{} {:?} {:?} {:?}", input.format_name(), input.start_time(), input.duration(), input.streams()[1].parameters),
        @r#"mov,mp4,m4a,3gp,3g2,mj2 Some(Timestamp(0)) Some(400000) CodecParameters { codec: "aac", rate: 44100, format: Some(fltp), layout: Some(mono), .. }"#
    );
    assert_eq!(
        input.best_stream(MediaKind::Subtitle, None, None).unwrap(),
        None
    );
    assert_eq!(
        input.best_stream(MediaKind::Audio, Some(1), None).unwrap(),
        Some(1)
    );
    insta::assert_snapshot!(dir.redact(input.best_stream(MediaKind::Audio, Some(0), None).unwrap_err()), @"cannot use stream 0 of 'DIR/clip.mp4' as audio: it is video; of that kind: 1");
    insta::assert_snapshot!(dir.redact(input.best_stream(MediaKind::Video, Some(7), None).unwrap_err()), @"cannot use stream 7 of 'DIR/clip.mp4' as video: there are only 2 streams");
}

#[test]
fn rotation_is_what_the_command_line_would_turn() {
    let dir = Dir::new();
    let clip = dir.clip();
    dir.ffmpeg(&format!(
        "-i {clip} -c copy -metadata:s:v rotate=90 turned.mp4"
    ));
    // In FFmpeg 5.1 this tag makes a matrix that turns counter-clockwise.
    assert_eq!(open(&dir.path("turned.mp4")).streams()[0].rotation(), 270.0);
}

#[test]
fn seeking_lands_on_a_key_frame_and_decoders_can_go_on() {
    let dir = Dir::new();
    let clip = dir.clip();
    let mut input = open(&clip);
    let mut decoder = decoder(&input, 0, &[("threads", "1")]);
    let all = packets(&mut input, 0);
    assert_eq!(decode(&mut decoder, &all).len(), 10);

    input
        .seek(
            Timestamp::from_micros(300_000),
            Timestamp::MIN..=Timestamp::from_micros(300_000),
        )
        .unwrap();
    decoder.flush();
    let rest = packets(&mut input, 0);
    assert!(rest[0].is_key());
    let frames = decode(&mut decoder, &rest);
    assert_eq!(frames.len(), 5);
    assert!(frames[0].is_key_frame() && frames[0].picture_type() == 'I');
}

#[test]
fn discarded_streams_are_not_read() {
    let dir = Dir::new();
    let clip = dir.clip();
    let mut input = open(&clip);
    input.set_discard(0, true);
    assert_eq!(packets(&mut input, 0).len(), 0);
}

#[test]
fn key_frames_can_be_forced_and_old_types_do_not_stick() {
    let dir = Dir::new();
    let (graph, decoded) = video_graph(&dir.clip(), "null");
    let mut encoder = video_encoder(
        "libx264",
        graph.output(0),
        &[("preset", "ultrafast"), ("g", "100"), ("bf", "0")],
        false,
    );
    let mut keys = Vec::new();
    for (number, mut frame) in decoded.into_iter().enumerate() {
        let _ = encoder.send(&mut frame, number == 3).unwrap();
        while let Some(packet) = encoder.receive().unwrap().ready() {
            keys.push(packet.is_key());
        }
    }
    let _ = encoder.finish().unwrap();
    while let Some(packet) = encoder.receive().unwrap().ready() {
        keys.push(packet.is_key());
    }
    // The decoded stream had key frames at 0 and 5.
    let keys: Vec<usize> = (0..)
        .zip(keys)
        .filter(|(_, key)| *key)
        .map(|(n, _)| n)
        .collect();
    assert_eq!(keys, [0, 3]);
}

#[test]
fn two_inputs_say_which_they_lack() {
    let dir = Dir::new();
    let clip = dir.clip();
    let decoded = frames(&clip, MediaKind::Video);
    let time_base = open(&clip).streams()[0].time_base;
    let source = FilterInput::from_frame(&decoded[0], time_base, None).unwrap();
    let mut graph = FilterGraph::new(&GraphConfig {
        description: "[base][top]overlay=x=4:y=4[out]".into(),
        inputs: vec![
            (Some("top".into()), source.clone()),
            (Some("base".into()), source),
        ],
        outputs: vec![Some("out".into())],
        ..GraphConfig::default()
    })
    .unwrap();
    let _ = graph.push(0, decoded[0].share().unwrap()).unwrap();
    assert!(matches!(
        graph.request_oldest().unwrap(),
        bmf_ffmpeg::Pulled::Hungry
    ));
    assert!(graph.failed_requests(1) > graph.failed_requests(0));
    let _ = graph.push(1, decoded[0].share().unwrap()).unwrap();
    for input in [0, 1] {
        let _ = graph.finish(input, None).unwrap();
    }
    let out = graph.pull(0).unwrap().ready().unwrap();
    assert_eq!(
        (out.width(), out.pts(), out.time_base()),
        (96, decoded[0].pts(), Some(graph.output(0).time_base()))
    );
    assert!(graph.pull(0).unwrap().is_ended());
}

#[test]
fn a_graph_knows_its_formats_and_its_end() {
    let dir = Dir::new();
    let (mut graph, decoded) = video_graph(&dir.clip(), "trim=end_frame=2,format=gray");
    insta::assert_snapshot!(format!("{:?}", graph.output(0)), @"Video { width: 96, height: 64, pix_fmt: gray, time_base: TimeBase { num: 1, den: 12800 }, frame_rate: Some(Rational { num: 25, den: 1 }), sample_aspect_ratio: Rational { num: 1, den: 1 } }");
    assert!(graph.accepts(0, &decoded[0]));
    let mut answers = Vec::new();
    for frame in decoded {
        answers.push(format!("{:?}", graph.push(0, frame).unwrap()));
    }
    insta::assert_snapshot!(answers.join(" "), @"Taken Taken Taken Taken Taken Taken Taken Taken Taken Taken");
    let FilterInput::Video(video) = graph.input(0).clone() else {
        unreachable!()
    };
    let other = FilterInput::Audio(AudioInput {
        sample_rate: 1,
        sample_fmt: bmf_ffmpeg::SampleFmt::from_name("s16").unwrap(),
        layout: bmf_ffmpeg::Layout::default_for(1),
        time_base: video.time_base,
    });
    assert_eq!(
        (graph.input(0).kind(), other.kind()),
        (MediaKind::Video, MediaKind::Audio)
    );
}

#[test]
fn damaged_data_is_counted_and_survived() {
    let dir = Dir::new();
    let clip = dir.clip();
    let mut input = open(&clip);
    let mut decoder = decoder(&input, 0, &[("threads", "1")]);
    let broken: Vec<_> = packets(&mut input, 0)
        .into_iter()
        .enumerate()
        .map(|(number, packet)| {
            if number != 4 {
                return packet;
            }
            let mut bad = bmf_ffmpeg::AvPacket::from_data(&[0, 0, 0, 9, 0x65, 1, 2, 3, 4]).unwrap();
            bad.set_pts(packet.pts());
            bad.set_dts(packet.dts());
            bad
        })
        .collect();
    let frames = decode(&mut decoder, &broken);
    assert!(decoder.errors() >= 1, "{frames:?}");
    insta::assert_snapshot!(decoder.last_error().unwrap(), @"cannot decode with h264: invalid data found when processing input");
    assert!(frames.len() >= 8, "{}", frames.len());
}

#[test]
fn formats_without_files_and_encoders_by_name() {
    let config = OutputConfig {
        format: Some("null".into()),
        ..OutputConfig::default()
    };
    let muxer = Muxer::create("-", &config).unwrap();
    assert_eq!(muxer.format_name(), "null");
    let dir = Dir::new();
    let muxer = Muxer::create(&dir.path("a.mp4"), &OutputConfig::default()).unwrap();
    assert_eq!(
        muxer.default_encoder(MediaKind::Video).as_deref(),
        Some("libx264")
    );
    assert_eq!(
        muxer.default_encoder(MediaKind::Audio).as_deref(),
        Some("aac")
    );
    // Constant rate for MP4 is FFmpeg 5.1's view; later versions differ.
    assert!(muxer.needs_global_header() && !muxer.allows_variable_frame_rate());
    let raw = Muxer::create(&dir.path("a.yuv"), &OutputConfig::default()).unwrap();
    assert!(raw.has_no_timestamps());
    assert_eq!(PixFmt::from_name("yuv420p").unwrap().planes(), 3);
    assert_eq!(Rational::ZERO.num, 0);
}
