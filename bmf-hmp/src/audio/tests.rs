//! Tests of audio frames.

use std::process::Command;

use super::*;

fn format(name: &str, layout: ChannelLayout) -> AudioFormat {
    let (sample, planar) = SampleFormat::from_name(name).unwrap();
    AudioFormat {
        sample,
        planar,
        layout,
        sample_rate: 48_000,
    }
}

#[test]
fn names_are_those_of_ffmpeg() {
    let names = SampleFormat::NAMES.map(|(format, _, _)| {
        let names = [false, true].map(|planar| format.name(planar));
        assert_eq!(
            names.map(SampleFormat::from_name),
            [Some((format, false)), Some((format, true))]
        );
        format!("{} {} {}", names[0], names[1], format.bytes())
    });
    insta::assert_snapshot!(names.join("\n"), @"
    u8 u8p 1
    s16 s16p 2
    s32 s32p 4
    s64 s64p 8
    flt fltp 4
    dbl dblp 8
    ");
    assert_eq!(SampleFormat::from_name("f32"), None);
}

#[test]
fn planes_follow_the_arrangement() {
    let sizes = |name| {
        let frame = AudioFrame::zeroed(format(name, ChannelLayout::SURROUND_5_1), 100).unwrap();
        (
            frame.planes().len(),
            frame.plane(0).unwrap().len(),
            frame.bytes(),
        )
    };
    assert_eq!(sizes("s16"), (1, 1200, 1200));
    assert_eq!(sizes("s16p"), (6, 200, 1200));
}

#[test]
fn silence_is_128_in_u8() {
    let silence = |name| {
        AudioFrame::silence(format(name, ChannelLayout::MONO), 3)
            .unwrap()
            .plane(0)
            .unwrap()
            .to_vec()
    };
    assert_eq!((silence("u8"), silence("s16")), (vec![0x80; 3], vec![0; 6]));
}

#[test]
fn a_slice_shares_samples_and_moves_the_time() {
    let mut frame = AudioFrame::zeroed(format("s16", ChannelLayout::STEREO), 480).unwrap();
    for (value, sample) in (0..).zip(frame.samples_of_mut::<i16>(0).unwrap()) {
        *sample = value;
    }
    frame.time_base = TimeBase::new(1, 1000).unwrap();
    frame.pts = Some(1000);
    let part = frame.slice(240..288).unwrap();
    assert!(part.planes()[0].shares_storage(&frame.planes()[0]));
    assert_eq!(part.samples_of::<i16>(0).unwrap()[..3], [480, 481, 482]);
    assert_eq!(
        (part.samples(), part.pts, part.duration),
        (48, Some(1005), 1)
    );
    assert_eq!(part.timestamp(), Some(Timestamp::from_micros(1_005_000)));
    insta::assert_snapshot!(frame.slice(1..481).unwrap_err(), @"samples 1..481 do not lie within a frame of 480 samples");
}

#[test]
fn writing_copies_once_if_shared() {
    let mut frame = AudioFrame::alloc(
        format("fltp", ChannelLayout::STEREO),
        10,
        &BufferPool::default(),
    )
    .unwrap();
    frame.set_extension(Arc::new("origin"));
    let before = frame.clone();
    frame.samples_of_mut::<f32>(0).unwrap().fill(1.0);
    assert!(frame.extension::<&str>().is_none() && before.extension::<&str>().is_some());
    assert_eq!(before.samples_of::<f32>(0).unwrap(), [0.0; 10]);
    assert!(
        frame.planes()[1].ptr_eq(&before.planes()[1]),
        "the other plane is still shared"
    );
}

#[test]
fn samples_have_one_type() {
    let frame = AudioFrame::zeroed(format("flt", ChannelLayout::MONO), 4).unwrap();
    assert!(frame.samples_of::<f32>(0).is_some());
    assert!(frame.samples_of::<i32>(0).is_none() && frame.samples_of::<f32>(1).is_none());
}

#[test]
fn planes_that_do_not_fit_are_refused() {
    let stereo = format("fltp", ChannelLayout::STEREO);
    let refuse = |format: AudioFormat, samples: usize, sizes: &[usize]| {
        let planes = sizes.iter().map(|&len| Buffer::zeroed(len));
        AudioFrame::from_planes(format, samples, planes)
            .unwrap_err()
            .to_string()
    };
    let errors = [
        refuse(stereo, 10, &[40]),
        refuse(stereo, 10, &[40, 39]),
        refuse(
            AudioFormat {
                sample_rate: 0,
                ..stereo
            },
            10,
            &[40, 40],
        ),
        refuse(stereo, usize::MAX / 4, &[40, 40]),
    ];
    insta::assert_snapshot!(errors.join("\n"), @"
    fltp has 2 plane(s), but 1 were given
    plane 1 of a fltp frame needs 40 bytes, but its buffer has 39
    a frame of sample rate 0 cannot exist: give at least 1
    an audio frame of 4611686018427387903 samples in 2 channels is too large to address
    ");
    assert!(AudioFrame::from_planes(stereo, 0, [Buffer::default(), Buffer::default()]).is_ok());
}

#[test]
fn a_frame_prints_on_a_line() {
    let frame = AudioFrame::zeroed(format("fltp", ChannelLayout::SURROUND_5_1), 1024).unwrap();
    insta::assert_snapshot!(format!("{frame:?}"), @"AudioFrame(fltp 48000 Hz 5.1, 1024 samples on cpu, no pts)");
}

#[test]
fn the_installed_ffmpeg_agrees_on_layouts() {
    let output = match Command::new("ffmpeg")
        .args(["-hide_banner", "-layouts"])
        .output()
    {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).unwrap(),
        _ => return println!("skipped: no ffmpeg command on PATH"),
    };
    let standard = output
        .lines()
        .skip_while(|line| !line.starts_with("Standard"))
        .skip(2);
    let mut compared = 0;
    for line in standard {
        let Some((name, speakers)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let by_speakers: ChannelLayout = speakers.trim().parse().unwrap();
        match name.parse::<ChannelLayout>() {
            Ok(by_name) => assert_eq!(
                (by_name, by_speakers.to_string()),
                (by_speakers, name.to_owned())
            ),
            Err(_) => println!("this ffmpeg also knows {line}"),
        }
        compared += 1;
    }
    assert!(
        compared >= 20,
        "only {compared} layouts were recognised in ffmpeg's list"
    );
}
