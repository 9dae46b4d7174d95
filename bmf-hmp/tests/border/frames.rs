//! Frames of other libraries: the same numbers at the same addresses, with all their properties.

use std::collections::BTreeMap;
use std::sync::Arc;

use bmf_hmp::{
    AudioFormat, AudioFrame, Buffer, ChannelLayout, ChromaLocation, ColorDescription, ColorMatrix,
    ColorPrimaries, ColorRange, ColorTransfer, EncodedPacket, MediaKind, Packet, PixelFormat,
    Plane, Rational, SampleFormat, ScalarType, Tensor, TimeBase, Timestamp, VideoFrame,
};
use proptest::prelude::*;

use crate::twin::{twin, twin_of};

fn metadata() -> Option<Arc<BTreeMap<String, String>>> {
    let pairs = [("title", "Überschrift"), ("empty", "")];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Some(Arc::new(pairs.into()))
}

/// All but the pixels, as text.
fn properties(frame: &VideoFrame) -> String {
    format!(
        "{frame:?} {} {:?} {} {:?} {} {} {} {:?}",
        frame.duration,
        frame.frame_rate,
        frame.sample_aspect_ratio,
        frame.color,
        frame.key_frame,
        frame.interlaced,
        frame.top_field_first,
        frame.metadata
    )
}

fn addresses(frame: &VideoFrame) -> Vec<(*const u8, usize, usize, isize)> {
    let planes = frame.planes().iter();
    planes
        .map(|plane| {
            let buffer = plane.buffer();
            (
                buffer.as_ptr(),
                buffer.len(),
                buffer.slack(),
                plane.stride(),
            )
        })
        .collect()
}

fn check_video(frame: VideoFrame) {
    let packet = twin_of(frame.clone());
    let read = packet.get::<VideoFrame>().unwrap();
    assert_eq!(properties(read), properties(&frame));
    assert_eq!(addresses(read), addresses(&frame));
    assert_eq!(read.to_packed_bytes(), frame.to_packed_bytes());
    let mut planes = read.planes().iter().zip(frame.planes());
    assert!(planes.all(|(a, b)| a.buffer().shares_storage(b.buffer())));
}

#[test]
fn a_picture_keeps_everything() {
    let mut frame = VideoFrame::zeroed(PixelFormat::Yuv420p10Le, 50, 38).unwrap();
    frame.plane_mut(1).unwrap().0[7] = 9;
    check_video(frame.clone());
    frame.pts = Some(-5);
    frame.duration = 2;
    frame.time_base = TimeBase::new(1001, 30_000).unwrap();
    frame.frame_rate = Some(Rational::new(30_000, 1001));
    frame.sample_aspect_ratio = Rational::new(4, 3);
    frame.color = ColorDescription {
        primaries: ColorPrimaries::Bt2020,
        transfer: ColorTransfer::AribStdB67,
        matrix: ColorMatrix::Rgb,
        range: ColorRange::Full,
        chroma_location: ChromaLocation::Bottom,
    };
    frame.metadata = metadata();
    check_video(frame.clone());
    for flag in 0..3 {
        frame.key_frame = flag == 0;
        frame.interlaced = flag == 1;
        frame.top_field_first = flag == 2;
        check_video(frame.clone());
    }
}

#[test]
fn a_fraction_without_a_value_is_not_known() {
    let mut frame = VideoFrame::zeroed(PixelFormat::Gray, 1, 1).unwrap();
    frame.sample_aspect_ratio = Rational::new(1, 0);
    frame.frame_rate = Some(Rational::new(0, 0));
    let packet = twin_of(frame);
    let read = packet.get::<VideoFrame>().unwrap();
    assert_eq!(read.sample_aspect_ratio, Rational::ZERO);
    assert_eq!(read.frame_rate, None);
}

/// The picture with its rows in the reverse order, in the same memory.
fn upside_down(frame: &VideoFrame) -> VideoFrame {
    let planes = frame.planes().iter();
    let planes = planes.map(|plane| Plane::new(plane.buffer().clone(), -plane.stride()));
    VideoFrame::from_planes(frame.format(), frame.width(), frame.height(), planes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn any_picture_is_read_where_it_is(
        format in prop::sample::select(PixelFormat::ALL.to_vec()),
        (width, height) in (1..70_u32, 1..70_u32),
        (x, y) in (0..70_u32, 0..70_u32),
        turned in any::<bool>(),
    ) {
        let mut frame = VideoFrame::zeroed(format, width, height).unwrap();
        for index in 0..frame.planes().len() {
            let (bytes, _) = frame.plane_mut(index).unwrap();
            bytes.iter_mut().zip(1..).for_each(|(byte, number)| *byte = number as u8);
        }
        if turned {
            frame = upside_down(&frame);
        }
        let (x, y) = (x.min(width - 1), y.min(height - 1));
        if let Ok(part) = frame.crop(x, y, width - x, height - y) {
            frame = part;
        }
        check_video(frame);
    }
}

fn check_audio(frame: AudioFrame) {
    let packet = twin_of(frame.clone());
    let read = packet.get::<AudioFrame>().unwrap();
    assert_eq!(format!("{read:?}"), format!("{frame:?}"));
    assert_eq!(
        (read.duration, &read.metadata),
        (frame.duration, &frame.metadata)
    );
    assert_eq!(read.planes().len(), frame.planes().len());
    let mut planes = read.planes().iter().zip(frame.planes());
    assert!(planes.all(|(read, plane)| read.ptr_eq(plane) && read.slack() == plane.slack()));
}

#[test]
fn sound_keeps_everything() {
    let layouts = [
        ChannelLayout::MONO,
        ChannelLayout::SURROUND_7_1,
        "hexadecagonal".parse().unwrap(),
        ChannelLayout::unspecified(11).unwrap(),
    ];
    for (layout, planar) in layouts
        .map(|layout| [(layout, false), (layout, true)])
        .concat()
    {
        let format = AudioFormat {
            sample: SampleFormat::S16,
            planar,
            layout,
            sample_rate: 44_100,
        };
        let mut frame = AudioFrame::zeroed(format, 1000).unwrap();
        check_audio(frame.clone());
        frame.pts = Some(3000);
        frame.time_base = TimeBase::new(1, 44_100).unwrap();
        frame.duration = 1000;
        frame.metadata = metadata();
        check_audio(frame.slice(10..990).unwrap());
        check_audio(frame.slice(10..10).unwrap());
    }
}

#[test]
fn an_encoded_piece_keeps_everything() {
    let time_base = TimeBase::new(1, 90_000).unwrap();
    for kind in [
        MediaKind::Video,
        MediaKind::Audio,
        MediaKind::Subtitle,
        MediaKind::Data,
    ] {
        let data = Buffer::from_vec((0..100).collect()).slice(3..90);
        let mut piece = EncodedPacket::new(data, kind, time_base);
        piece.dts = Some(-3000);
        piece.duration = 3000;
        piece.stream_index = 7;
        piece.key_frame = kind == MediaKind::Audio;
        let (packet, _) = twin(Packet::new(Timestamp::ZERO, piece.clone()));
        let read = packet.get::<EncodedPacket>().unwrap();
        assert_eq!(format!("{read:?}"), format!("{piece:?}"));
        assert!(read.data.ptr_eq(&piece.data));
        assert_eq!((read.duration, read.data.slack()), (3000, 10));
    }
}

fn check_tensor(tensor: &Tensor) {
    let packet = twin_of(tensor.clone());
    let read = packet.get::<Tensor>().unwrap();
    assert_eq!(
        (read.shape(), read.strides()),
        (tensor.shape(), tensor.strides())
    );
    assert_eq!(
        read.to_vec::<i32>().unwrap(),
        tensor.to_vec::<i32>().unwrap()
    );
    assert!(read.buffer().shares_storage(tensor.buffer()));
}

#[test]
fn any_view_of_an_array_is_read_where_it_is() {
    let numbers: Vec<i32> = (0..24).collect();
    let tensor = Tensor::from_elements(&numbers, &[2, 3, 4]).unwrap();
    check_tensor(&tensor);
    check_tensor(&tensor.transpose(0, 2).unwrap());
    check_tensor(&tensor.select(1, 2).unwrap());
    check_tensor(&tensor.slice(2, 1..3).unwrap());
    check_tensor(&tensor.slice(2, 3..3).unwrap());
    let flipped = tensor.flip(1).unwrap();
    check_tensor(&flipped);
    check_tensor(&flipped.flip(2).unwrap().slice(1, 1..3).unwrap());
    check_tensor(&Tensor::from_elements(&[5], &[]).unwrap());
    check_tensor(
        &Tensor::zeros(bmf_hmp::ScalarType::I32, &[0, 3])
            .unwrap()
            .flip(0)
            .unwrap(),
    );
}

#[test]
fn what_is_not_aligned_is_not_shown() {
    for (start, is_shown) in [(0, true), (2, false), (4, true)] {
        let data = || Buffer::zeroed(64).slice(start..start + 16);
        let tensor = Tensor::from_strided(data(), ScalarType::I32, &[4], &[1], 0).unwrap();
        assert_eq!(twin_of(tensor).is::<Tensor>(), is_shown);
        let format = AudioFormat {
            sample: SampleFormat::F32,
            planar: false,
            layout: ChannelLayout::unspecified(1).unwrap(),
            sample_rate: 48_000,
        };
        let sound = AudioFrame::from_planes(format, 4, vec![data()]).unwrap();
        assert_eq!(twin_of(sound).is::<AudioFrame>(), is_shown);
    }
}
