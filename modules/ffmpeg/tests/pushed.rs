//! Bytes that are pushed into `c_ffmpeg_decoder`: what comes of them is what comes of the files they
//! are from.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;
mod pushing;

use std::fs;

use bmf_sdk::ModuleRunner;
use bmf_sdk::hmp::{Buffer, EncodedPacket, MediaKind, TimeBase, Timestamp, VideoFrame};
use bmf_sdk::prelude::*;
use common::{Decoded, assert_same, clip, ffmpeg, lines, module, references};
use pushing::{H264, of_file, push_packets, read, runner};
use serde_json::{Value, json};

/// A packet of bytes; what time it has does not matter.
fn bytes(number: usize, bytes: &[u8]) -> Packet {
    let time = Timestamp::from_micros(number as i64);
    if number.is_multiple_of(2) {
        return Packet::new(time, bytes.to_vec());
    }
    let data = Buffer::copy_from_slice(bytes);
    Packet::new(
        time,
        EncodedPacket::new(data, MediaKind::Data, TimeBase::MICROS),
    )
}

/// Pushes files in pieces of `size` bytes, each when all before are used up.
fn push(options: Value, files: &[Vec<u8>], size: usize) -> Result<Decoded, ModuleError> {
    let mut runner = runner(options);
    let mut number = 0;
    for (index, file) in files.iter().enumerate() {
        let pieces = file.chunks(size);
        let end = (index + 1 < files.len()).then_some(&[][..]);
        for piece in pieces.chain(end) {
            runner.push(0, bytes(number, piece));
            number += 1;
            let _ = runner.run()?;
        }
    }
    runner.end(0);
    let _ = runner.run()?;
    assert!(runner.is_done());
    Ok(Decoded {
        video: runner.take(0),
        audio: runner.take(1),
        report: runner.close(Ending::Finished)?,
    })
}

fn same(what: &str, ours: &Decoded, theirs: &Decoded) {
    assert_same(what, &lines(&ours.video), &lines(&theirs.video));
    assert_same(what, &lines(&ours.audio), &lines(&theirs.audio));
}

#[test]
fn bytes_of_a_file_give_its_frames() {
    let dir = tempfile::tempdir().unwrap();
    let fragmented = "-movflags frag_keyframe+empty_moov";
    for (file, options) in [
        ("a.mp4", "-movflags faststart"),
        ("f.mp4", fragmented),
        ("a.mkv", ""),
        ("a.ts", ""),
        ("a.flv", ""),
    ] {
        clip(dir.path(), 2, &format!("{H264} {options} {file}"));
        // What cannot be positioned is measured less exactly, by the command too.
        let input = format!("-seekable 0 -i {file}");
        let whole = of_file(dir.path(), file, json!({"dec_params": {"seekable": 0}}));
        let [video, audio] = references(
            dir.path(),
            &input,
            [("0:v", &whole.video), ("0:a", &whole.audio)],
        );
        assert_eq!(whole.video.len(), 50);
        for size in [700, 5000, 1 << 20] {
            let pushed = push(json!({}), &[read(dir.path(), file)], size).unwrap();
            let what = format!("{file} in pieces of {size}");
            same(&what, &pushed, &whole);
            assert_same(&what, &lines(&pushed.video), &video);
            assert_same(&what, &lines(&pushed.audio), &audio);
            assert_eq!(pushed.report.warnings, [""; 0]);
        }
        let cut = json!({"start_time": 0.7, "end_time": 1.5});
        let pushed = push(cut.clone(), &[read(dir.path(), file)], 5000).unwrap();
        // Seeking in MPEG-TS is a guess; what is pushed is read from the start.
        if file != "a.ts" {
            same(file, &pushed, &of_file(dir.path(), file, cut));
        }
        assert_eq!(pushed.video.len(), 20, "{file}");
    }
}

/// Every frame comes as soon as its bytes are there, whatever else follows.
#[test]
fn frames_come_with_their_bytes() {
    let dir = tempfile::tempdir().unwrap();
    clip(
        dir.path(),
        2,
        "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le a.mkv",
    );
    let file = read(dir.path(), "a.mkv");
    let arrivals = || {
        let mut runner = runner(json!({}));
        let pieces = file.chunks(3000).enumerate();
        let counts = pieces.map(|(number, piece)| {
            runner.push(0, bytes(number, piece));
            assert_eq!(runner.run().unwrap(), Flow::Wait);
            runner.take(0).len()
        });
        counts.collect::<Vec<usize>>()
    };
    let first = arrivals();
    assert!(
        first[..first.len() / 2].iter().sum::<usize>() > 0,
        "{first:?}"
    );
    assert_eq!(arrivals(), first);
}

#[test]
fn an_empty_packet_begins_another_file() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.ts"));
    clip(dir.path(), 1, "-c:v mpeg4 -c:a mp3 -b:v 4M b.mkv");
    let files = [read(dir.path(), "a.ts"), read(dir.path(), "b.mkv")];
    let joined = push(json!({}), &files, 4000).unwrap();
    let (a, b) = (
        of_file(dir.path(), "a.ts", json!({})),
        of_file(dir.path(), "b.mkv", json!({})),
    );
    let pixels = |packet: &Packet| {
        packet
            .get::<VideoFrame>()
            .unwrap()
            .to_packed_bytes()
            .unwrap()
    };
    let pictures = |packets: &[Packet]| packets.iter().map(pixels).collect::<Vec<_>>();
    assert_eq!(
        pictures(&joined.video),
        [pictures(&a.video), pictures(&b.video)].concat()
    );
    // The sound of the first ends last, and the second begins there.
    let first = joined.video[50].timestamp().micros();
    assert!((2_000_000..2_100_000).contains(&first), "{first}");
    for packets in [&joined.video, &joined.audio] {
        let times: Vec<Timestamp> = packets.iter().map(Packet::timestamp).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
    }
    assert_eq!(joined.report.counters.get("frames_video"), Some(75));
}

/// Pieces of one recording have times that go on; gaps stay, and what two have in common is sent once.
#[test]
fn pieces_of_a_recording_keep_their_times() {
    let dir = tempfile::tempdir().unwrap();
    let mpeg2 = "-c:v mpeg2video -g 1 -c:a mp2 -ac 2";
    clip(dir.path(), 4, &format!("{mpeg2} all.ts"));
    for (name, from, to) in [("1", 0, 2), ("2", 2, 4), ("3", 1, 4)] {
        let cut = format!("-ss {from} -to {to} -copyts -i all.ts -c copy -copyts -muxdelay 0");
        ffmpeg(dir.path(), &format!("{cut} -map 0:v {name}.ts"));
    }
    let whole = of_file(dir.path(), "all.ts", json!({"copyts": 0}));
    let spacing = |decoded: &Decoded| {
        let times: Vec<i64> = decoded
            .video
            .iter()
            .map(|p| p.timestamp().micros())
            .collect();
        times
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect::<Vec<i64>>()
    };
    for second in ["2.ts", "3.ts"] {
        let files = [read(dir.path(), "1.ts"), read(dir.path(), second)];
        let joined = push(json!({}), &files, 10_000).unwrap();
        assert_eq!(joined.video.len(), 100, "{second}");
        assert_eq!(spacing(&joined), spacing(&whole), "{second}");
    }
}

#[test]
fn limits_hold_for_all_files_together() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("-an {H264} a.ts"));
    let file = read(dir.path(), "a.ts");
    let files = [file.clone(), file.clone(), file];
    let options = json!({"vframes": 30});
    let mut runner = ModuleRunner::with_ports(&*module("c_ffmpeg_decoder"), options, 1, 1).unwrap();
    for (number, piece) in files.iter().flat_map(|file| [&file[..], &[]]).enumerate() {
        runner.push(0, bytes(number, piece));
    }
    assert_eq!(runner.run().unwrap(), Flow::Done);
    assert_eq!(runner.take(0).len(), 30);
}

#[test]
fn copied_streams_come_of_bytes_too() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.mkv"));
    let copy = json!({"video_codec": "copy", "audio_codec": "copy"});
    let pushed = push(copy.clone(), &[read(dir.path(), "a.mkv")], 4000).unwrap();
    let direct = of_file(dir.path(), "a.mkv", copy);
    for (ours, theirs) in [
        (&pushed.video, &direct.video),
        (&pushed.audio, &direct.audio),
    ] {
        let show = |packet: &Packet| format!("{:?}", packet.get::<EncodedPacket>().unwrap());
        assert!(ours.iter().map(show).eq(theirs.iter().map(show)));
    }
    assert_eq!(pushed.video.len(), 50);
}

fn failure(options: Value, file: &[u8]) -> String {
    let error = push(options, &[file.to_vec()], 1000).unwrap_err();
    let cause = error.source().map(|cause| format!(": {cause}"));
    let hint = error.hint().unwrap_or("-");
    format!("{error}{} | {hint}", cause.unwrap_or_default())
}

#[test]
fn what_is_no_media_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let noise: Vec<u8> = (0..60_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    insta::assert_snapshot!(failure(json!({}), &noise), @"cannot open input 'pushed file 1': invalid data found when processing input | push a whole file from its beginning; an mp4 must have its index in front (movflags faststart) or be fragmented");
    clip(dir.path(), 1, &format!("{H264} a.mp4"));
    // Its index is at the end.
    insta::assert_snapshot!(failure(json!({}), &read(dir.path(), "a.mp4")), @"cannot read from 'pushed file 1': invalid data found when processing input (stream 0, offset 0x30: partial file) | push a whole file from its beginning; an mp4 must have its index in front (movflags faststart) or be fragmented");
    clip(dir.path(), 1, &format!("{H264} -movflags faststart b.mp4"));
    insta::assert_snapshot!(failure(json!({}), &read(dir.path(), "b.mp4")[..1500]), @"cannot open input 'pushed file 1': end of file (error reading header) | push a whole file from its beginning; an mp4 must have its index in front (movflags faststart) or be fragmented");
    insta::assert_snapshot!(failure(json!({"durations": [0, 1, 2, 3]}), &read(dir.path(), "b.mp4")), @"durations need an input that can be positioned | set input_path to read a file");
    insta::assert_snapshot!(failure(json!({"stream_loop": 1}), &read(dir.path(), "b.mp4")), @"stream_loop needs an input that can be read again | set input_path to read a file");
    let mut runner = runner(json!({}));
    runner.push(0, Packet::new(Timestamp::ZERO, 5_i64));
    insta::assert_snapshot!(runner.run().unwrap_err(), @"a packet holds bmf.int, not bytes, packets of a stream, or names of files");
}

/// A muxer says where its bytes go; they cannot be read before they are there.
#[test]
fn bytes_come_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.ts"));
    let file = read(dir.path(), "a.ts");
    let written = |offset: usize, bytes: &[u8]| {
        let data = Buffer::copy_from_slice(bytes);
        let mut packet = EncodedPacket::new(data, MediaKind::Data, TimeBase::MICROS);
        packet.offset = Some(offset as u64);
        Packet::new(Timestamp::from_micros(offset as i64), packet)
    };
    let pieces = file.chunks(2000).enumerate();
    let pieces: Vec<Packet> = pieces.map(|(n, piece)| written(n * 2000, piece)).collect();
    let decoded = push_packets(json!({}), pieces.clone()).unwrap();
    assert_eq!(decoded.video.len(), 25);
    let back = [&pieces[..2], &[written(40, &file[..10])]].concat();
    insta::assert_snapshot!(push_packets(json!({}), back).unwrap_err(), @"bytes for offset 40 of a file came at offset 4000");
}

#[test]
fn a_file_that_is_cut_off_gives_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} -movflags faststart a.mp4"));
    let file = read(dir.path(), "a.mp4");
    let cut = &file[..file.len() / 2];
    fs::write(dir.path().join("cut.mp4"), cut).unwrap();
    let pushed = push(json!({}), &[cut.to_vec()], 3000).unwrap();
    same(
        "cut off",
        &pushed,
        &of_file(dir.path(), "cut.mp4", json!({})),
    );
    assert!(!pushed.video.is_empty() && !pushed.report.warnings.is_empty());
}

/// Whatever is missing or wrong: an error or what there is, in the end.
#[test]
fn damage_ends_in_an_error_or_in_fewer_frames() {
    let dir = tempfile::tempdir().unwrap();
    for (file, options) in [
        ("a.mp4", "-movflags faststart"),
        ("a.mkv", ""),
        ("a.flv", ""),
    ] {
        clip(dir.path(), 1, &format!("{H264} {options} {file}"));
        let whole = read(dir.path(), file);
        for part in 0..24 {
            let length = whole.len() * part / 24;
            let mut twisted = whole.clone();
            twisted[length] ^= 0x55;
            twisted[whole.len() - 1 - length / 2] ^= 0xff;
            for bytes in [whole[..length].to_vec(), twisted] {
                if let Ok(decoded) = push(json!({}), &[bytes], 1000) {
                    assert!(decoded.video.len() <= 25, "{file} {part}");
                }
            }
        }
    }
}

/// Wherever it is: nothing pushed, while it is opened, between packets.
#[test]
fn closing_in_the_middle_ends_at_once() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 2, &format!("{H264} a.ts"));
    let file = read(dir.path(), "a.ts");
    for pushed in [0, 1, 2, 5, 40] {
        for interrupted in [false, true] {
            let mut runner = runner(json!({}));
            for (number, piece) in file.chunks(2000).take(pushed).enumerate() {
                runner.push(0, bytes(number, piece));
                assert_eq!(runner.run().unwrap(), Flow::Wait);
            }
            if interrupted {
                runner.context().raise_interrupt();
                runner.push(0, bytes(pushed, &file[..100]));
                let stopped = runner.run();
                assert!(stopped.is_err() || pushed == 0, "{stopped:?}");
            }
            runner.close(Ending::Stopped).unwrap();
        }
    }
}

#[test]
fn a_flush_forgets_the_file() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), 1, &format!("{H264} a.ts"));
    let file = read(dir.path(), "a.ts");
    let mut runner = runner(json!({}));
    runner.push(0, bytes(0, &file[..file.len() / 2]));
    let _ = runner.run().unwrap();
    runner.flush(None).unwrap();
    drop((runner.take(0), runner.take(1)));
    runner.push(0, bytes(1, &file));
    runner.end(0);
    let _ = runner.run().unwrap();
    assert_same(
        "again",
        &lines(&runner.take(0)),
        &lines(&of_file(dir.path(), "a.ts", json!({})).video),
    );
    let error = runner.flush(Some(Timestamp::ZERO)).unwrap_err();
    insta::assert_snapshot!(error, @"what is sent to a decoder has no positions to go to");
}
