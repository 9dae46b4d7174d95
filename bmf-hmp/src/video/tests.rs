//! Tests of pictures: sharing, writing, cropping, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::ALIGNMENT;

/// A frame whose every byte tells where it is.
fn numbered(format: PixelFormat, width: u32, height: u32) -> VideoFrame {
    let mut frame = VideoFrame::zeroed(format, width, height).unwrap();
    for (plane, (bytes, stride)) in frame.planes_mut().unwrap().into_iter().enumerate() {
        for (at, byte) in bytes.iter_mut().enumerate() {
            let (y, x) = (at / stride as usize, at % stride as usize);
            *byte = (plane * 101 + y * 17 + x * 3) as u8;
        }
    }
    frame
}

/// The same picture with its rows stored from the bottom up.
fn upside_down(frame: &VideoFrame) -> VideoFrame {
    let planes = (0..frame.planes().len()).map(|plane| {
        let mut rows: Vec<&[u8]> = frame.rows(plane).collect();
        rows.reverse();
        Plane::new(Buffer::from_vec(rows.concat()), -(rows[0].len() as isize))
    });
    VideoFrame::from_planes(frame.format(), frame.width(), frame.height(), planes).unwrap()
}

fn addresses(frame: &VideoFrame) -> Vec<*const u8> {
    frame
        .planes()
        .iter()
        .map(|plane| plane.buffer().as_ptr())
        .collect()
}

#[test]
fn rows_are_aligned_and_padded() {
    let pool = BufferPool::default();
    let frame = VideoFrame::alloc(PixelFormat::Yuv420p, 1919, 1079, &pool).unwrap();
    let planes = frame.planes().iter().map(|plane| {
        assert_eq!(plane.buffer().as_ptr() as usize % ALIGNMENT, 0);
        format!("{} bytes, stride {}", plane.buffer().len(), plane.stride())
    });
    insta::assert_snapshot!(planes.collect::<Vec<_>>().join("\n"), @"
    2071680 bytes, stride 1920
    518400 bytes, stride 960
    518400 bytes, stride 960
    ");
    assert_eq!(frame.bytes(), 1919 * 1079 + 2 * 960 * 540);
    insta::assert_snapshot!(format!("{frame:?}"), @"VideoFrame(yuv420p 1919x1079 on cpu, no pts)");
}

#[test]
fn moving_and_cloning_copy_nothing() {
    let frame = numbered(PixelFormat::Nv12, 16, 16);
    let before = addresses(&frame);
    let packet = crate::Packet::new(Timestamp::ZERO, frame.clone());
    drop(frame);
    assert_eq!(addresses(packet.get::<VideoFrame>().unwrap()), before);
    assert_eq!(
        addresses(&packet.into_inner::<VideoFrame>().unwrap()),
        before
    );
}

#[test]
fn frames_recycle_their_memory() {
    let pool = BufferPool::default();
    for _ in 0..10 {
        VideoFrame::alloc(PixelFormat::Yuv420p10, 64, 64, &pool).unwrap();
    }
    assert_eq!((pool.stats().misses, pool.stats().hits), (3, 27));
}

#[test]
fn writing_copies_a_shared_plane_once() {
    let mut frame = numbered(PixelFormat::Yuv420p, 20, 10);
    let other = frame.clone();
    let original = other.to_packed_bytes();
    frame.plane_mut(1).unwrap().0[0] ^= 0xff;
    let written = addresses(&frame);
    frame.plane_mut(1).unwrap().0[1] ^= 0xff;
    assert_eq!(addresses(&frame), written);
    let shared: Vec<_> = written
        .iter()
        .zip(addresses(&other))
        .map(|(a, b)| *a == b)
        .collect();
    assert_eq!(shared, [true, false, true]);
    assert_eq!(other.to_packed_bytes(), original);
    assert!(frame.plane_mut(3).is_none());
}

#[test]
fn writing_a_sole_frame_copies_nothing() {
    let mut frame = numbered(PixelFormat::Yuv420p, 20, 10);
    let before = addresses(&frame);
    frame.planes_mut().unwrap()[2].0.fill(0);
    assert_eq!(addresses(&frame), before);
}

/// An extension often holds the pixels too: it goes before it is decided whether to copy.
#[test]
fn the_extension_does_not_outlive_the_pixels_it_shows() {
    let mut frame = numbered(PixelFormat::Gray, 8, 8);
    frame.set_extension(Arc::new(frame.clone()));
    let before = addresses(&frame);
    assert!(frame.extension::<VideoFrame>().is_some() && frame.extension::<u8>().is_none());
    assert!(
        frame
            .crop(0, 0, 4, 4)
            .unwrap()
            .extension::<VideoFrame>()
            .is_none()
    );
    frame.plane_mut(0).unwrap().0[0] = 1;
    assert!(frame.extension::<VideoFrame>().is_none());
    assert_eq!(addresses(&frame), before, "its share was given up first");
}

#[test]
fn properties_go_along() {
    let mut frame = numbered(PixelFormat::Gray, 8, 8);
    frame.time_base = TimeBase::new(1, 25).unwrap();
    frame.pts = Some(26);
    frame.key_frame = true;
    let crop = frame.crop(4, 4, 4, 4).unwrap();
    assert_eq!(
        (crop.timestamp(), crop.key_frame),
        (Some(Timestamp::from_micros(1_040_000)), true)
    );
    let copy = frame.copy(&BufferPool::default()).unwrap();
    assert_eq!(
        (copy.pts, copy.to_packed_bytes()),
        (Some(26), frame.to_packed_bytes())
    );
    insta::assert_snapshot!(format!("{crop:?}"), @"VideoFrame(gray 4x4 on cpu, pts 26 x 1/25)");
}

#[test]
fn an_upside_down_picture_reads_the_right_way_up() {
    let frame = numbered(PixelFormat::Yuv420p, 14, 7);
    let mut flipped = upside_down(&frame);
    assert_eq!(flipped.to_packed_bytes(), frame.to_packed_bytes());
    let (_, stride) = flipped.plane_mut(0).unwrap();
    assert!(stride > 0);
    assert_eq!(flipped.to_packed_bytes(), frame.to_packed_bytes());
}

#[test]
fn a_palette_stays_whole() {
    let frame = numbered(PixelFormat::Pal8, 10, 10);
    let crop = frame.crop(3, 5, 4, 2).unwrap();
    assert_eq!(crop.row(1, 0), frame.row(1, 0));
    assert_eq!(
        (crop.row(1, 0).unwrap().len(), crop.row(1, 1)),
        (1024, None)
    );
    assert_eq!(crop.row(0, 0).unwrap(), &frame.row(0, 5).unwrap()[3..7]);
}

#[test]
fn what_cannot_be_a_frame() {
    let refuse = |format, width, height, planes: Vec<Plane>| {
        VideoFrame::from_planes(format, width, height, planes)
            .unwrap_err()
            .to_string()
    };
    let plane = |len, stride| Plane::new(Buffer::zeroed(len), stride);
    let (yuv, gray) = (PixelFormat::Yuv420p, PixelFormat::Gray);
    let errors = [
        refuse(gray, 0, 4, vec![plane(16, 4)]),
        refuse(yuv, 4, 4, vec![plane(16, 4)]),
        refuse(yuv, 5, 5, vec![plane(25, 5), plane(9, 3), plane(8, 3)]),
        refuse(gray, 5, 2, vec![plane(25, 4)]),
        refuse(gray, 5, 2, vec![plane(25, -4)]),
        refuse(gray, 5, 2, vec![plane(100, isize::MIN)]),
        refuse(
            yuv,
            2,
            2,
            vec![
                plane(4, 2),
                Plane::new(Buffer::on_absent_device(1, 0), 1),
                plane(1, 1),
            ],
        ),
        refuse(PixelFormat::RgbaF32, u32::MAX, u32::MAX, vec![]),
        VideoFrame::zeroed(PixelFormat::RgbaF32, u32::MAX, u32::MAX)
            .unwrap_err()
            .to_string(),
    ];
    insta::assert_snapshot!(errors.join("\n"), @"
    a frame of width 0 cannot exist: give at least 1
    yuv420p has 3 plane(s), but 1 were given
    plane 2 of a yuv420p frame needs 9 bytes, but its buffer has 8
    plane 0 of a gray frame needs rows of 5 bytes, but its stride is 4
    plane 0 of a gray frame needs rows of 5 bytes, but its stride is -4
    plane 0 of a gray frame needs 9223372036854775813 bytes, but its buffer has 100
    plane 1 is on cuda:0, but plane 0 is on cpu: copy all planes to one device first
    a rgbaf32le frame of 4294967295x4294967295 is too large to address
    a rgbaf32le frame of 4294967295x4294967295 is too large to address
    ");
}

#[test]
fn what_cannot_be_cropped() {
    let frame = VideoFrame::zeroed(PixelFormat::Yuv410p, 16, 16).unwrap();
    let mono = VideoFrame::zeroed(PixelFormat::Monob, 16, 16).unwrap();
    let refuse = |frame: &VideoFrame, x, y, w, h| frame.crop(x, y, w, h).unwrap_err().to_string();
    let errors = [
        refuse(&frame, 2, 4, 4, 4),
        refuse(&frame, 0, 5, 4, 4),
        refuse(&mono, 4, 1, 4, 4),
        refuse(&frame, 0, 0, 0, 4),
        refuse(&frame, 8, 0, 12, 4),
        refuse(&frame, u32::MAX, 0, 4, 4),
    ];
    insta::assert_snapshot!(errors.join("\n"), @"
    crop offset 2,4 in a yuv410p frame: x must be a multiple of 4, y of 4
    crop offset 0,5 in a yuv410p frame: x must be a multiple of 4, y of 4
    crop offset 4,1 in a monob frame: x must be a multiple of 8, y of 1
    crop 0x4+0+0 does not lie within a picture of 16x16
    crop 12x4+8+0 does not lie within a picture of 16x16
    crop 4x4+4294967295+0 does not lie within a picture of 16x16
    ");
}

#[test]
fn frames_on_a_device_can_be_shared_and_cropped() {
    let planes = [
        Plane::new(Buffer::on_absent_device(64 * 64, 1), 64),
        Plane::new(Buffer::on_absent_device(64 * 32, 1), 64),
    ];
    let mut frame = VideoFrame::from_planes(PixelFormat::Nv12, 64, 64, planes).unwrap();
    let crop = frame.crop(2, 2, 8, 8).unwrap();
    assert_eq!(crop.device(), Device::Cuda(1));
    assert!(crop.row(0, 0).is_none() && crop.to_packed_bytes().is_none());
    assert!(frame.plane_mut(0).is_none() && frame.planes_mut().is_none());
    insta::assert_snapshot!(frame.copy(&BufferPool::default()).unwrap_err(), @"the frame is on cuda:1: copy it to the cpu first");
}

/// Formats of every shape there is.
fn any_format() -> impl Strategy<Value = PixelFormat> {
    prop::sample::select(PixelFormat::ALL)
}

/// The rows of a plane of a crop, cut out of the rows of the whole.
fn naive_crop(
    frame: &VideoFrame,
    plane: usize,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
) -> Vec<Vec<u8>> {
    let it = frame.format().descriptor();
    if plane == 1 && it.has_palette() {
        return frame.rows(plane).map(<[u8]>::to_vec).collect();
    }
    let (left, top) = (it.row_bytes(plane, x), it.plane_height(plane, y));
    let (bytes, rows) = (it.row_bytes(plane, width), it.plane_height(plane, height));
    frame
        .rows(plane)
        .skip(top)
        .take(rows)
        .map(|row| row[left..left + bytes].to_vec())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_crop_is_what_cutting_out_gives(
        format in any_format(),
        (width, height) in (1..70_u32, 1..40_u32),
        (x, y, w, h) in (0..70_u32, 0..40_u32, 1..70_u32, 1..40_u32),
        flip: bool,
    ) {
        let (step_x, step_y) = format.descriptor().crop_step();
        let (x, y) = (x % width / step_x * step_x, y % height / step_y * step_y);
        let (w, h) = (w.min(width - x), h.min(height - y));
        let upright = numbered(format, width, height);
        let frame = if flip { upside_down(&upright) } else { upright };

        let mut crop = frame.crop(x, y, w, h).unwrap();
        for plane in 0..frame.planes().len() {
            let whole = frame.planes()[plane].buffer();
            prop_assert!(crop.planes()[plane].buffer().shares_storage(whole));
            let rows: Vec<Vec<u8>> = crop.rows(plane).map(<[u8]>::to_vec).collect();
            prop_assert_eq!(rows, naive_crop(&frame, plane, x, y, w, h));
        }

        let (pixels, original) = (crop.to_packed_bytes(), frame.to_packed_bytes());
        for (bytes, _) in crop.planes_mut().unwrap() {
            bytes.iter_mut().for_each(|byte| *byte ^= 0xff);
        }
        let inverted = pixels.map(|bytes| bytes.iter().map(|byte| byte ^ 0xff).collect::<Vec<_>>());
        prop_assert_eq!(crop.to_packed_bytes(), inverted);
        prop_assert_eq!(frame.to_packed_bytes(), original, "writing a crop leaves the whole alone");
    }

    #[test]
    fn planes_just_large_enough_are_accepted(format in any_format(), width in 1..40_u32, height in 1..40_u32, gap in 0..9_usize) {
        let it = format.descriptor();
        let planes = |missing: usize| (0..usize::from(it.planes)).map(move |plane| {
            let stride = it.row_bytes(plane, width) + gap;
            let len = stride * (it.plane_height(plane, height) - 1) + it.row_bytes(plane, width);
            Plane::new(Buffer::zeroed(len - missing), stride as isize)
        });
        prop_assert!(VideoFrame::from_planes(format, width, height, planes(0)).is_ok());
        let is_too_small = matches!(
            VideoFrame::from_planes(format, width, height, planes(1)),
            Err(FrameError::PlaneTooSmall { plane: 0, .. })
        );
        prop_assert!(is_too_small);
    }
}
