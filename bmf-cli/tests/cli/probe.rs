//! `bmf probe`: what is told of files, as text and as JSON, and of what is none.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::util::{Dir, bmf};

/// Makes media with the `ffmpeg` command; arguments are separated by blanks.
fn ffmpeg(dir: &Dir, arguments: &str) {
    let status = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"])
        .args(arguments.split_ascii_whitespace())
        .current_dir(dir.path(""))
        .status();
    assert!(status.unwrap().success(), "ffmpeg {arguments}");
}

const CHAPTERS: &str = ";FFMETADATA1
title=A film
[CHAPTER]
TIMEBASE=1/1000
START=0
END=500
title=Beginning
[CHAPTER]
TIMEBASE=1/1000
START=500
END=1000
title=End
";

/// A film with everything that is told of one: `film.mkv`.
fn make_film(dir: &Dir) {
    dir.create("chapters.txt", CHAPTERS);
    dir.create("words.srt", "1\n00:00:00,000 --> 00:00:01,000\nWords\n");
    let sources = "-f lavfi -i testsrc2=s=64x48:r=30000/1001:d=1 -f lavfi -i sine=r=48000:d=1 \
                   -i words.srt -i chapters.txt";
    let streams = "-map 0 -map 1 -map 2 -map_metadata 3 -metadata:s:a language=deu \
                   -metadata:s:a title=Comments -disposition:a comment";
    let pictures = "-c:v ffv1 -pix_fmt yuv422p10le -color_range tv -color_primaries bt2020 \
                    -color_trc smpte2084 -colorspace bt2020nc -aspect 2:1";
    let encode = format!("{pictures} -c:a flac -c:s srt -fflags +bitexact");
    ffmpeg(dir, &format!("{sources} {streams} {encode} film.mkv"));
}

/// Sizes and rates differ from one version of an encoder to the next.
fn without_sizes(text: &str) -> String {
    let mask = |word: &str| match word.starts_with(|c: char| c.is_ascii_digit()) {
        true => "#".to_owned(),
        false => word.to_owned(),
    };
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let next = words.iter().skip(1).map(Some).chain([None]);
        let masked = words.iter().zip(next).map(|(word, next)| match next {
            Some(unit) if ["kB", "kb/s", "kB,", "kb/s,"].contains(unit) => mask(word),
            _ => (*word).to_owned(),
        });
        masked.collect::<Vec<_>>().join(" ")
    };
    let lines = text.lines().filter(|line| !line.contains("encoder: "));
    lines.map(|text| line(text) + "\n").collect()
}

#[test]
fn a_film_is_told_in_lines() {
    let dir = Dir::new();
    make_film(&dir);
    insta::assert_snapshot!(without_sizes(&dir.stdout(&["probe", "film.mkv"])), @r#"
    film.mkv: Matroska / WebM, 1.001 s, # kB, # kb/s
      0 video    ffv1, 64x48, pixels 3:2, yuv422p10le, tv bt2020nc/bt2020/smpte2084, 29.97 fps
      1 audio    flac, 48000 Hz, mono, s16, deu, "Comments", comment
      2 subtitle subrip
      chapter 0.000 s to 0.500 s "Beginning"
      chapter 0.500 s to 1.000 s "End"
      title: A film
    "#);
}

#[test]
fn a_film_is_told_as_json() {
    let dir = Dir::new();
    make_film(&dir);
    let text = dir.stdout(&["probe", "film.mkv", "--format", "json"]);
    let mut found: Value = serde_json::from_str(&text).unwrap();
    let file = &mut found[0];
    assert!(file["size"].as_u64() > Some(1000) && file["bit_rate"].as_u64() > Some(8000));
    for key in ["size", "bit_rate"] {
        file[key] = "#".into();
    }
    file["streams"][0]["metadata"] = "#".into();
    insta::assert_snapshot!(format!("{found:#}"), @r##"
    [
      {
        "file": "film.mkv",
        "format": "matroska,webm",
        "format_description": "Matroska / WebM",
        "size": "#",
        "start_time": 0.0,
        "duration": 1.001,
        "bit_rate": "#",
        "metadata": {
          "encoder": "Lavf",
          "title": "A film"
        },
        "streams": [
          {
            "index": 0,
            "kind": "video",
            "codec": "ffv1",
            "codec_description": "FFmpeg video codec #1",
            "codec_tag": "FFV1",
            "time_base": "1/1000",
            "start_time": 0.0,
            "metadata": "#",
            "width": 64,
            "height": 48,
            "pixel_format": "yuv422p10le",
            "frame_rate": "30000/1001",
            "average_frame_rate": "30000/1001",
            "sample_aspect_ratio": "3/2",
            "field_order": "progressive",
            "color_range": "tv",
            "color_primaries": "bt2020",
            "color_transfer": "smpte2084",
            "color_matrix": "bt2020nc"
          },
          {
            "index": 1,
            "kind": "audio",
            "codec": "flac",
            "codec_description": "FLAC (Free Lossless Audio Codec)",
            "time_base": "1/1000",
            "start_time": 0.0,
            "language": "deu",
            "title": "Comments",
            "disposition": [
              "comment"
            ],
            "metadata": {
              "DURATION": "00:00:01.000000000",
              "ENCODER": "Lavc flac",
              "language": "deu",
              "title": "Comments"
            },
            "sample_rate": 48000,
            "channels": 1,
            "channel_layout": "mono",
            "sample_format": "s16",
            "bits_per_sample": 16
          },
          {
            "index": 2,
            "kind": "subtitle",
            "codec": "subrip",
            "codec_description": "SubRip subtitle",
            "time_base": "1/1000",
            "start_time": 0.0,
            "duration": 1.001,
            "metadata": {
              "DURATION": "00:00:01.000000000",
              "ENCODER": "Lavc srt"
            }
          }
        ],
        "chapters": [
          {
            "start": 0.0,
            "end": 0.5,
            "title": "Beginning",
            "metadata": {
              "title": "Beginning"
            }
          },
          {
            "start": 0.5,
            "end": 1.0,
            "title": "End",
            "metadata": {
              "title": "End"
            }
          }
        ]
      }
    ]
    "##);
}

#[test]
fn how_pictures_stand() {
    let dir = Dir::new();
    let source = "-f lavfi -i testsrc2=s=64x48:r=25:d=1";
    let options = "-c:v mpeg2video -flags +ildct+ilme -top 1";
    ffmpeg(&dir, &format!("{source} {options} fields.ts"));
    ffmpeg(&dir, &format!("{source} -c:v mpeg4 flat.mp4"));
    ffmpeg(
        &dir,
        "-i flat.mp4 -c copy -metadata:s:v rotate=270 turned.mp4",
    );
    let told = dir.stdout(&["probe", "fields.ts", "turned.mp4"]);
    let streams: Vec<&str> = told
        .lines()
        .filter(|line| line.contains(" video "))
        .collect();
    insta::assert_snapshot!(without_sizes(&streams.join("\n")), @"
    0 video    mpeg2video Main, 64x48, yuv420p, tv, 25 fps, interlaced (tt)
    0 video    mpeg4 Simple Profile, 64x48, yuv420p, 25 fps, turned by 90°, # kb/s, default
    ");
}

#[test]
fn one_file_that_cannot_be_read_does_not_hide_the_others() {
    let dir = Dir::new();
    ffmpeg(&dir, "-f lavfi -i sine=d=1 a.wav");
    ffmpeg(
        &dir,
        "-f lavfi -i testsrc2=s=64x48:d=1 -c:v mpeg4 whole.mp4",
    );
    let whole = std::fs::read(dir.path("whole.mp4")).unwrap();
    dir.create("cut.mp4", &whole[..whole.len() / 2]);
    dir.create("empty.mp4", "");
    dir.create("noise.mp4", "no media at all");
    std::fs::create_dir(dir.path("folder")).unwrap();
    let files = [
        "none.mp4",
        "empty.mp4",
        "noise.mp4",
        "cut.mp4",
        "folder",
        "a.wav",
    ];
    let shown = dir.bmf(&[&["probe", "--format", "json"], &files[..]].concat());
    let (data, errors) = shown.split_once("--- stderr").unwrap();
    assert!(data.starts_with("exit 1\n"), "{shown}");
    let found: Value = serde_json::from_str(data.split_once("stdout\n").unwrap().1).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["streams"][0]["codec"], "pcm_s16le");
    insta::assert_snapshot!(errors.trim(), @"
    error: cannot open input 'none.mp4': no such file or directory
    error: cannot open input 'empty.mp4': the file is empty
    error: cannot open input 'noise.mp4': invalid data found when processing input (moov atom not found); the file may be cut off, or is no media file that this FFmpeg knows
    error: cannot open input 'cut.mp4': invalid data found when processing input (moov atom not found); the file may be cut off, or is no media file that this FFmpeg knows
    error: cannot open input 'folder': it is a directory
    ");
}

#[test]
fn input_that_does_not_tell_what_it_is() {
    let dir = Dir::new();
    dir.create("a.pcm", [0_u8; 48_000]);
    assert!(dir.bmf(&["probe", "a.pcm"]).starts_with("exit 1"));
    let raw = [
        "probe",
        "a.pcm",
        "--input-format",
        "s16le",
        "--option",
        "sample_rate=24000",
    ];
    insta::assert_snapshot!(dir.stdout(&raw), @"
    a.pcm: PCM signed 16-bit little-endian, 1.000 s, 48.0 kB, 384 kb/s
      0 audio    pcm_s16le, 24000 Hz, 1 channel, s16, 384 kb/s
    ");
}

/// Answers whatever is asked of it over HTTP with these bytes; gives the port.
fn serve(content: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = BufReader::new(&stream).lines();
            while request
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let head = format!(
                "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n",
                content.len()
            );
            // Whoever knows enough hangs up.
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&content));
        }
    });
    port
}

#[test]
fn addresses_are_read_like_files() {
    let dir = Dir::new();
    ffmpeg(&dir, "-f lavfi -i sine=r=8000:d=1 -bitexact a.wav");
    let port = serve(std::fs::read(dir.path("a.wav")).unwrap());
    let url = format!("http://127.0.0.1:{port}/a.wav");
    let told = dir.stdout(&["probe", &url]);
    insta::assert_snapshot!(told.replace(&port.to_string(), "PORT"), @"
    http://127.0.0.1:PORT/a.wav: WAV / WAVE (Waveform Audio), 1.000 s, 16.0 kB, 128 kb/s
      0 audio    pcm_s16le, 8000 Hz, 1 channel, s16, 128 kb/s
    ");
}

#[test]
fn mistakes_on_the_command_line() {
    insta::assert_snapshot!(bmf(&["probe"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <FILE>...

    Usage: bmf probe <FILE>...

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(bmf(&["probe", "a", "--option", "b"]), @"
    exit 2
    --- stderr
    error: invalid value 'b' for '--option <NAME=VALUE>': expected NAME=VALUE

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(bmf(&["probe", "a", "--input-format", "rawvdeo"]), @r#"
    exit 2
    --- stderr
    error: ffmpeg reads no "rawvdeo"
      help: did you mean "rawvideo"?
    "#);
}
