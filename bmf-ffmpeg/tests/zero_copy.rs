//! Frames and packets cross the border without their bytes being copied, in
//! both directions, and without losing what they carry.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use bmf_ffmpeg::{
    AvFrame, FilterGraph, FilterInput, GraphConfig, audio_from_av, audio_to_av, packet_from_av,
    packet_to_av, video_from_av, video_to_av,
};
use bmf_hmp::{
    AudioFormat, AudioFrame, Buffer, BufferPool, ChannelLayout, ColorDescription, ColorPrimaries,
    ColorRange, ColorTransfer, EncodedPacket, MediaKind, PixelFormat, PoolLimits, Rational,
    SampleFormat, TimeBase, VideoFrame,
};
use common::{Dir, filter, frames, open, packets};

fn tb(den: i32) -> TimeBase {
    TimeBase::new(1, den).unwrap()
}

/// Frames of a graph without inputs.
fn made(description: &str) -> Vec<AvFrame> {
    let config = GraphConfig {
        description: description.into(),
        ..GraphConfig::default()
    };
    let mut graph = FilterGraph::new(&config).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = graph.pull(0).unwrap().ready() {
        frames.push(frame);
    }
    frames
}

fn one(description: &str) -> AvFrame {
    made(description).remove(0)
}

fn addresses(frame: &AvFrame) -> Vec<Option<(*const u8, isize)>> {
    (0..4).map(|plane| frame.plane_address(plane)).collect()
}

fn hmp_addresses(frame: &VideoFrame) -> Vec<*const u8> {
    frame
        .planes()
        .iter()
        .map(|plane| plane.buffer().as_ptr())
        .collect()
}

#[test]
fn pictures_go_out_and_back_in_place() {
    for format in [
        "yuv420p",
        "nv12",
        "rgb24",
        "yuv422p10le",
        "gbrp",
        "pal8",
        "gray",
        "yuva444p16le",
    ] {
        let frame = one(&format!(
            "testsrc2=size=36x18:duration=0.04,format={format}"
        ));
        let before = addresses(&frame);
        let video = video_from_av(frame, tb(25), Some(Rational::new(25, 1))).unwrap();
        assert_eq!(video.format().name(), format);
        for (plane, address) in hmp_addresses(&video).into_iter().enumerate() {
            assert_eq!(
                Some(address),
                before[plane].map(|(address, _)| address),
                "{format} {plane}"
            );
        }
        let back = video_to_av(video).unwrap();
        assert_eq!(addresses(&back), before, "{format}");
        assert_eq!(back.pix_fmt().unwrap().name(), format);
    }
}

#[test]
fn a_picture_upside_down_keeps_its_rows() {
    let upright = video_from_av(one("testsrc2=size=32x16:duration=0.04"), tb(25), None).unwrap();
    let frame = one("testsrc2=size=32x16:duration=0.04");
    let source = FilterInput::from_frame(&frame, tb(25), None).unwrap();
    let config = GraphConfig {
        description: "vflip".into(),
        inputs: vec![(None, source)],
        ..GraphConfig::default()
    };
    let mut graph = FilterGraph::new(&config).unwrap();
    let frame = filter(&mut graph, vec![frame]).remove(0);
    let before = addresses(&frame);
    assert!(before[0].unwrap().1 < 0);
    let flipped = video_from_av(frame, tb(25), None).unwrap();
    for y in 0..16 {
        assert_eq!(
            flipped.row(0, y).unwrap()[..32],
            upright.row(0, 15 - y).unwrap()[..32]
        );
    }
    // Also without FFmpeg's frame, through the planes alone.
    let mut bare = flipped.clone();
    bare.clear_extension();
    assert_eq!(addresses(&video_to_av(bare).unwrap()), before);
    assert_eq!(addresses(&video_to_av(flipped).unwrap()), before);
}

#[test]
fn own_frames_are_lent_to_ffmpeg() {
    let pool = BufferPool::new(PoolLimits::default());
    let mut video = VideoFrame::alloc(PixelFormat::Yuv420p, 64, 48, &pool).unwrap();
    for plane in 0..3 {
        video.plane_mut(plane).unwrap().0.fill(plane as u8 + 1);
    }
    video.time_base = tb(25);
    let inside = hmp_addresses(&video);
    let source = {
        let av = video_to_av(video.clone()).unwrap();
        assert_eq!(
            addresses(&av)[..3]
                .iter()
                .map(|a| a.unwrap().0)
                .collect::<Vec<_>>(),
            inside
        );
        FilterInput::from_frame(&av, tb(25), None).unwrap()
    };
    // A filter passes the frame on; its planes are still ours, and go home at the end.
    let config = GraphConfig {
        description: "null".into(),
        inputs: vec![(None, source)],
        ..GraphConfig::default()
    };
    let mut graph = FilterGraph::new(&config).unwrap();
    let out = filter(&mut graph, vec![video_to_av(video).unwrap()]);
    let video = video_from_av(out.into_iter().next().unwrap(), tb(25), None).unwrap();
    assert_eq!(hmp_addresses(&video), inside);
    assert_eq!(video.row(2, 23).unwrap()[..32], [3; 32]);
    assert_eq!(pool.stats().returned, 0);
    drop((video, graph));
    assert_eq!(pool.stats().returned, 3);
}

#[test]
fn filters_write_in_place_only_what_nobody_else_holds() {
    let run = |video: VideoFrame| {
        let av = video_to_av(video).unwrap();
        let source = FilterInput::from_frame(&av, tb(25), None).unwrap();
        let config = GraphConfig {
            description: "drawbox=color=white:t=fill".into(),
            inputs: vec![(None, source)],
            ..GraphConfig::default()
        };
        let mut graph = FilterGraph::new(&config).unwrap();
        let out = filter(&mut graph, vec![av]);
        video_from_av(out.into_iter().next().unwrap(), tb(25), None).unwrap()
    };
    // Both for a frame of ours and for one of FFmpeg's.
    let ours = VideoFrame::zeroed(PixelFormat::Yuv420p, 64, 48).unwrap();
    let theirs = video_from_av(one("color=black:size=64x48:duration=0.04"), tb(25), None).unwrap();
    for video in [ours, theirs] {
        let black = video.row(0, 0).unwrap()[0];
        let before = hmp_addresses(&video);
        let shared = run(video.clone());
        assert_ne!(hmp_addresses(&shared), before);
        assert_eq!(
            (video.row(0, 0).unwrap()[0], shared.row(0, 0).unwrap()[0]),
            (black, 235)
        );
        let unique = run(video);
        assert_eq!(hmp_addresses(&unique), before);
        assert_eq!(unique.row(0, 0).unwrap()[0], 235);
    }
}

#[test]
fn frames_of_ffmpeg_are_written_in_place_only_when_unique() {
    let mut video =
        video_from_av(one("color=black:size=64x48:duration=0.04"), tb(25), None).unwrap();
    let before = hmp_addresses(&video);
    let other = video.clone();
    video.plane_mut(0).unwrap().0[0] = 77;
    assert_ne!(hmp_addresses(&video)[0], before[0]);
    assert_eq!(
        (other.row(0, 0).unwrap()[0], video.row(0, 0).unwrap()[0]),
        (16, 77)
    );
    drop(video);
    let mut other = other;
    other.plane_mut(0).unwrap().0[0] = 78;
    assert_eq!(hmp_addresses(&other)[0], before[0]);
}

#[test]
fn properties_follow_the_frame_and_the_rest_stays() {
    let dir = Dir::new();
    dir.ffmpeg(
        "-f lavfi -i color=red:size=64x48:rate=25:duration=0.04 -c:v libx265 -pix_fmt yuv420p10le -vf setsar=4/3 \
         -x265-params log-level=error:hdr10=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1) hdr.mp4",
    );
    let frame = frames(&dir.path("hdr.mp4"), MediaKind::Video).remove(0);
    insta::assert_snapshot!(frame.side_data().join(", "), @"Mastering display metadata, Content light level metadata, H.26[45] User Data Unregistered SEI message, H.26[45] User Data Unregistered SEI message");
    let mut video = video_from_av(frame, tb(25), None).unwrap();
    assert_eq!(video.sample_aspect_ratio, Rational::new(4, 3));
    assert_eq!(video.color.transfer, ColorTransfer::Smpte2084);
    assert_eq!(
        (video.color.primaries, video.color.range),
        (ColorPrimaries::Bt2020, ColorRange::Limited)
    );
    assert!(video.key_frame);

    video.pts = Some(1234);
    video.duration = 5;
    video.time_base = tb(1000);
    video.sample_aspect_ratio = Rational::new(1, 1);
    video.color = ColorDescription {
        transfer: ColorTransfer::AribStdB67,
        ..video.color
    };
    (video.key_frame, video.interlaced, video.top_field_first) = (false, true, true);
    video.metadata = Some(Arc::new(BTreeMap::from([(
        "shot".to_owned(),
        "7".to_owned(),
    )])));
    let kept = video.clone();
    for video in [video, kept] {
        let back = video_to_av(video).unwrap();
        assert!(
            back.side_data()
                .contains(&"Mastering display metadata".to_owned())
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                format!(
                    "{:?} {} {:?} sar {} {} key {} fields {} {} {:?}",
                    back.pts(), back.duration(), back.time_base().map(|t| t.to_string()), back.sample_aspect_ratio(),
                    back.color().transfer, back.is_key_frame(), back.is_interlaced(), back.is_top_field_first(), back.metadata(),
                ),
                @r#"Some(1234) 5 Some("1/1000") sar 1/1 arib-std-b67 key false fields true true {"shot": "7"}"#
            );
        }
    }
}

#[test]
fn sound_goes_out_and_back_in_place() {
    for (format, channels) in [
        ("fltp", "stereo"),
        ("s16", "5.1"),
        ("s32p", "10c"),
        ("dblp", "mono"),
    ] {
        let layout = if channels == "10c" {
            "hexadecagonal"
        } else {
            channels
        };
        let frame = one(&format!(
            "aevalsrc=0.5:d=0.01,aformat=sample_fmts={format}:channel_layouts={layout}"
        ));
        let planes = if format.ends_with('p') {
            frame.layout().unwrap().channels() as usize
        } else {
            1
        };
        let before: Vec<_> = (0..planes)
            .map(|n| frame.channel_address(n).unwrap())
            .collect();
        let audio = audio_from_av(frame, tb(44_100)).unwrap();
        let inside: Vec<_> = audio.planes().iter().map(Buffer::as_ptr).collect();
        assert_eq!(inside, before, "{format}");
        for (clear, audio) in [(false, audio.clone()), (true, audio)] {
            let mut audio = audio;
            if clear {
                audio.clear_extension();
            }
            let back = audio_to_av(audio).unwrap();
            let after: Vec<_> = (0..planes)
                .map(|n| back.channel_address(n).unwrap())
                .collect();
            assert_eq!(after, before, "{format}");
            assert_eq!(back.sample_fmt().unwrap().name(), format);
            assert_eq!(back.layout().unwrap().name(), layout);
            // FFmpeg can share, and so use, what was built by hand.
            assert_eq!(
                back.share().unwrap().channel_address(planes - 1),
                Some(before[planes - 1])
            );
        }
    }
}

#[test]
fn own_sound_is_lent_to_ffmpeg() {
    let format = AudioFormat {
        sample: SampleFormat::F32,
        planar: true,
        layout: ChannelLayout::STEREO,
        sample_rate: 48_000,
    };
    let mut audio = AudioFrame::zeroed(format, 480).unwrap();
    audio.samples_of_mut::<f32>(1).unwrap().fill(0.5);
    let before: Vec<_> = audio.planes().iter().map(Buffer::as_ptr).collect();
    let av = audio_to_av(audio).unwrap();
    let source = FilterInput::from_frame(&av, tb(48_000), None).unwrap();
    let config = GraphConfig {
        description: "volume=0.5".into(),
        inputs: vec![(None, source)],
        ..GraphConfig::default()
    };
    let mut graph = FilterGraph::new(&config).unwrap();
    let out = filter(&mut graph, vec![av]);
    let audio = audio_from_av(out.into_iter().next().unwrap(), tb(48_000)).unwrap();
    assert_eq!(audio.samples_of::<f32>(1).unwrap()[479], 0.25);
    assert_eq!(
        audio
            .planes()
            .iter()
            .map(Buffer::as_ptr)
            .collect::<Vec<_>>(),
        before
    );
}

#[test]
fn packets_keep_their_data() {
    let dir = Dir::new();
    let clip = dir.clip();
    let mut input = open(&clip);
    let packet = packets(&mut input, 0).remove(1);
    let (address, pts, dts) = (packet.data().as_ptr(), packet.pts(), packet.dts());
    let mut encoded = packet_from_av(packet, MediaKind::Video, input.streams()[0].time_base);
    assert_eq!(
        (
            encoded.data.as_ptr(),
            encoded.pts,
            encoded.dts,
            encoded.key_frame
        ),
        (address, pts, dts, false)
    );
    encoded.pts = Some(99);
    let back = packet_to_av(&encoded).unwrap();
    assert_eq!(
        (back.data().as_ptr(), back.pts(), back.is_key()),
        (address, Some(99), false)
    );

    let own = EncodedPacket::new(Buffer::from_vec(vec![1, 2, 3]), MediaKind::Video, tb(25));
    assert_eq!(packet_to_av(&own).unwrap().data(), [1, 2, 3]);
}

#[test]
fn what_cannot_cross_says_so() {
    let sound = one("sine=duration=0.01");
    insta::assert_snapshot!(video_from_av(sound, tb(25), None).unwrap_err(), @"cannot use a picture from ffmpeg: the frame holds no picture");
    let picture = one("testsrc2=size=32x16:duration=0.04");
    insta::assert_snapshot!(audio_from_av(picture, tb(25)).unwrap_err(), @"cannot use sound from ffmpeg: the frame holds no sound");
}

/// FFmpeg's code for vectors would crash on them, or write beyond their end.
#[test]
fn sound_at_odd_addresses_is_copied_for_ffmpeg() {
    let format = AudioFormat {
        sample: SampleFormat::F32,
        planar: true,
        layout: ChannelLayout::STEREO,
        sample_rate: 48_000,
    };
    let mut whole = AudioFrame::zeroed(format, 480).unwrap();
    let samples = whole.samples_of_mut::<f32>(1).unwrap();
    samples
        .iter_mut()
        .enumerate()
        .for_each(|(at, sample)| *sample = at as f32);
    for (begin, end) in [(1, 480), (3, 33), (16, 479), (479, 480)] {
        let piece = whole.slice(begin..end).unwrap();
        let source = audio_to_av(piece.clone()).unwrap();
        assert!(
            (0..2).all(|channel| source
                .channel_address(channel)
                .unwrap()
                .addr()
                .is_multiple_of(32)),
            "{begin}"
        );
        let input = FilterInput::from_frame(&source, tb(48_000), None).unwrap();
        let config = GraphConfig {
            description: "volume=0.5".into(),
            inputs: vec![(None, input)],
            ..GraphConfig::default()
        };
        let mut graph = FilterGraph::new(&config).unwrap();
        let out = filter(&mut graph, vec![source]).remove(0);
        let out = audio_from_av(out, tb(48_000)).unwrap();
        let halved: Vec<f32> = piece
            .samples_of::<f32>(1)
            .unwrap()
            .iter()
            .map(|s| s / 2.0)
            .collect();
        assert_eq!(out.samples_of::<f32>(1).unwrap(), halved, "{begin}");
    }
    assert_eq!(whole.samples_of::<f32>(1).unwrap()[479], 479.0);
}
