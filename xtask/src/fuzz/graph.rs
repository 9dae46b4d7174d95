//! Graphs that nobody would write: decoder, filters and encoder with options at random. Most could run, for what is
//! refused at once tries out little.

use serde_json::{Map, Value, json};

use crate::damage::Random;

/// Video filters that change times, sizes or formats, and some that do not exist or take no such argument.
const VIDEO: &[(&str, &str)] = &[
    ("scale", "64:48"),
    ("scale", "33:-1"),
    ("scale", "iw*2:ih/2:flags=neighbor"),
    ("hflip", ""),
    ("transpose", "1"),
    ("fps", "10"),
    ("fps", "60000/1001"),
    ("setpts", "PTS*2"),
    ("setpts", "N/25/TB"),
    ("setpts", "random(0)*10/TB"),
    ("setpts", "-PTS"),
    ("select", "not(mod(n\\,3))"),
    ("select", "0"),
    ("trim", "0.2:0.5"),
    ("crop", "32:32"),
    ("crop", "9999:9999"),
    ("pad", "iw+16:ih+16"),
    ("format", "yuv444p10le"),
    ("format", "gray"),
    ("format", "rgba"),
    ("settb", "1/1000"),
    ("tile", "2x2"),
    ("thumbnail", "10"),
    ("reverse", ""),
    ("loop", "3:5"),
    ("yadif", "1"),
    ("tpad", "stop_duration=1"),
    ("minterpolate", "fps=30:mi_mode=dup"),
    ("drawbox", "x=1:y=1"),
    ("null", ""),
    ("scale", "nonsense"),
    ("scael", "1:1"),
];

const AUDIO: &[(&str, &str)] = &[
    ("aresample", "22050"),
    ("aresample", "async=1"),
    ("volume", "0.5"),
    ("atempo", "2"),
    ("aformat", "sample_fmts=s16:channel_layouts=mono"),
    ("atrim", "0.1:0.4"),
    ("asetpts", "N/SR/TB"),
    ("asetnsamples", "100"),
    ("adelay", "300"),
    ("apad", "whole_dur=2"),
    ("pan", "mono|c0=c0"),
    ("anull", ""),
    ("asetrate", "8000"),
];

/// Filters that join a stream with what it was made of.
const VIDEO_JOINS: &[(&str, &str)] = &[
    ("overlay", "10:10"),
    ("overlay", "x=t*10:eof_action=pass:shortest=1"),
    ("hstack", ""),
    ("concat", ""),
    ("blend", "all_mode=average"),
    ("psnr", ""),
    ("interleave", ""),
    ("scale2ref", ""),
];
const AUDIO_JOINS: &[(&str, &str)] = &[
    ("amix", ""),
    ("amerge", ""),
    ("concat", "v=0:a=1"),
    ("ainterleave", ""),
    ("acrossfade", "d=0.1"),
    ("amix", "inputs=3"),
];

/// Each with a container that may or may not take it.
const VIDEO_CODECS: &[&str] = &[
    "h264",
    "mpeg4",
    "mpeg2video",
    "mjpeg",
    "png",
    "gif",
    "ffv1",
    "rawvideo",
    "vp8",
    "flv",
    "prores",
    "huffyuv",
    "copy",
    "no_such_codec",
];
const AUDIO_CODECS: &[&str] = &[
    "aac",
    "mp3",
    "flac",
    "pcm_s16le",
    "ac3",
    "libopus",
    "mp2",
    "copy",
    "alac",
];
const FILES: &[&str] = &[
    "out.mp4",
    "out.mkv",
    "out.mov",
    "out.ts",
    "out.flv",
    "out.avi",
    "out.gif",
    "out.webm",
    "out.m3u8",
    "out.framemd5",
    "out-%d.png",
    "out.jpg",
    "out.wav",
    "out.mp3",
    "out.nut",
    "out.mxf",
    "out.y4m",
    "out.unknown",
];

/// A graph that reads `input`.
pub(super) fn any(input: &str, random: &mut Random) -> Value {
    let mut nodes = vec![json!({
        "id": 0, "module_info": { "name": "c_ffmpeg_decoder" }, "option": decoder(input, random),
        "output_streams": [{ "identifier": "video:v0" }, { "identifier": "audio:a0" }],
    })];
    let video = chain(&mut nodes, 'v', VIDEO, VIDEO_JOINS, random);
    let audio = chain(&mut nodes, 'a', AUDIO, AUDIO_JOINS, random);
    let ends = 1 + usize::from(random.once_in(4));
    for number in 0..ends {
        let mut inputs = vec![
            json!({ "identifier": video }),
            json!({ "identifier": audio }),
        ];
        match random.below(6) {
            0 => inputs.truncate(1),
            1 => inputs[0] = json!({ "identifier": "" }),
            _ => {}
        }
        nodes.push(json!({
            "id": nodes.len(), "module_info": { "name": "c_ffmpeg_encoder" }, "option": encoder(number, random),
            "input_streams": inputs,
        }));
    }
    json!({ "option": graph_options(random), "nodes": nodes })
}

fn graph_options(random: &mut Random) -> Value {
    let mut options = Map::new();
    maybe(&mut options, random, "optimize_graph", &[json!(false)]);
    let limits = [json!(1), json!(2), json!(100)];
    maybe(&mut options, random, "queue_length_limit", &limits);
    maybe(
        &mut options,
        random,
        "scheduler_count",
        &[json!(1), json!(4)],
    );
    maybe(&mut options, random, "threads", &[json!(1), json!("all")]);
    Value::Object(options)
}

/// Up to three filters, the last of which may join the stream with where it began; gives the stream that comes out.
fn chain(
    nodes: &mut Vec<Value>,
    letter: char,
    filters: &[(&str, &str)],
    joins: &[(&str, &str)],
    random: &mut Random,
) -> String {
    let first = format!("{letter}0");
    let mut stream = first.clone();
    let count = random.below(4);
    for number in 1..=count {
        let is_join = number == count && random.once_in(4);
        let (name, para) = *random.pick(if is_join { joins } else { filters });
        let mut inputs = vec![json!({ "identifier": stream })];
        if is_join {
            inputs.push(json!({ "identifier": first }));
        }
        let mut option = json!({ "name": name });
        if !para.is_empty() {
            option["para"] = para.into();
        }
        let out = format!("{letter}{number}");
        nodes.push(json!({
            "id": nodes.len(), "module_info": { "name": "c_ffmpeg_filter" }, "option": option,
            "input_streams": inputs, "output_streams": [{ "identifier": out }],
        }));
        stream = out;
    }
    stream
}

/// Sets a key with one of several values, not always.
fn maybe(options: &mut Map<String, Value>, random: &mut Random, key: &str, values: &[Value]) {
    if random.once_in(5) {
        options.insert(key.to_owned(), random.pick(values).clone());
    }
}

fn decoder(input: &str, random: &mut Random) -> Value {
    let mut options = Map::new();
    options.insert("input_path".to_owned(), input.into());
    let times = [json!(0), json!(0.3), json!(0.51), json!(5), json!(-1)];
    maybe(&mut options, random, "start_time", &times);
    maybe(
        &mut options,
        random,
        "end_time",
        &[json!(0.2), json!(0.7), json!(100)],
    );
    maybe(
        &mut options,
        random,
        "durations",
        &[
            json!([0.1, 0.3, 0.5, 0.9]),
            json!([0, 9]),
            json!([0.5, 0.1]),
        ],
    );
    maybe(
        &mut options,
        random,
        "map_v",
        &[json!(0), json!(1), json!(2), json!(7)],
    );
    maybe(
        &mut options,
        random,
        "map_a",
        &[json!(0), json!(1), json!(3), json!(-1)],
    );
    maybe(
        &mut options,
        random,
        "fps",
        &[json!(10), json!(0.5), json!(1000)],
    );
    maybe(
        &mut options,
        random,
        "skip_frame",
        &[json!("nokey"), json!("noref"), json!(32)],
    );
    maybe(
        &mut options,
        random,
        "vframes",
        &[json!(0), json!(1), json!(13)],
    );
    maybe(
        &mut options,
        random,
        "aframes",
        &[json!(0), json!(1), json!(13)],
    );
    maybe(
        &mut options,
        random,
        "autorotate",
        &[json!(false), json!(1)],
    );
    maybe(&mut options, random, "copyts", &[json!(true)]);
    maybe(
        &mut options,
        random,
        "video_codec",
        &[json!("copy"), json!("h264"), json!("mpeg4")],
    );
    maybe(&mut options, random, "stream_loop", &[json!(1), json!(3)]);
    maybe(
        &mut options,
        random,
        "extract_frames",
        &[json!({ "fps": 5 })],
    );
    let params = [
        json!({ "threads": 1 }),
        json!({ "threads": "auto" }),
        json!({ "probesize": 100 }),
        json!({ "fflags": "+genpts+igndts" }),
        json!({ "err_detect": "crccheck+careful" }),
        json!({ "flags2": "+showall" }),
        json!({ "lowres": 1 }),
    ];
    maybe(&mut options, random, "dec_params", &params);
    Value::Object(options)
}

fn encoder(number: usize, random: &mut Random) -> Value {
    let mut options = Map::new();
    let file = random
        .pick(FILES)
        .replacen("out", &format!("out{number}"), 1);
    options.insert("output_path".to_owned(), file.into());
    options.insert("video_params".to_owned(), video_params(random));
    options.insert("audio_params".to_owned(), audio_params(random));
    let mux = [
        json!({ "movflags": "faststart" }),
        json!({ "movflags": "frag_keyframe+empty_moov" }),
        json!({ "hls_time": 0.3 }),
        json!({ "no_such_option": 1 }),
    ];
    maybe(&mut options, random, "mux_params", &mux);
    maybe(&mut options, random, "vframes", &[json!(1), json!(5)]);
    maybe(&mut options, random, "min_frames", &[json!(40)]);
    maybe(&mut options, random, "adjust_pts", &[json!(true)]);
    maybe(
        &mut options,
        random,
        "format",
        &[
            json!("matroska"),
            json!("mpegts"),
            json!("null"),
            json!("nonsense"),
        ],
    );
    maybe(
        &mut options,
        random,
        "metadata",
        &[json!({ "title": "ä\n\u{1}\"" })],
    );
    Value::Object(options)
}

fn video_params(random: &mut Random) -> Value {
    let mut params = Map::new();
    if !random.once_in(3) {
        params.insert("codec".to_owned(), (*random.pick(VIDEO_CODECS)).into());
    }
    if random.once_in(4) {
        params.insert("width".to_owned(), (*random.pick(&[1, 16, 63, 320])).into());
        params.insert(
            "height".to_owned(),
            (*random.pick(&[1, 16, 47, 200])).into(),
        );
    }
    let formats = [
        "yuv420p",
        "yuv422p10le",
        "rgb24",
        "gray",
        "pal8",
        "nonsense",
    ]
    .map(Value::from);
    maybe(&mut params, random, "pix_fmt", &formats);
    maybe(
        &mut params,
        random,
        "vsync",
        &["cfr", "vfr", "passthrough", "drop", "auto"].map(Value::from),
    );
    maybe(
        &mut params,
        random,
        "r",
        &["5", "30000/1001", "240", "1/3"].map(Value::from),
    );
    maybe(&mut params, random, "max_fr", &[json!(7)]);
    maybe(
        &mut params,
        random,
        "preset",
        &["ultrafast", "veryfast", "wrong"].map(Value::from),
    );
    maybe(
        &mut params,
        random,
        "crf",
        &[json!(0), json!(40), json!("x")],
    );
    maybe(
        &mut params,
        random,
        "bit_rate",
        &[json!(1), json!("100k"), json!(100_000_000_i64)],
    );
    maybe(&mut params, random, "g", &[json!(1), json!(300)]);
    maybe(&mut params, random, "bf", &[json!(0), json!(3), json!(16)]);
    maybe(&mut params, random, "qscale", &[json!(2), json!(31)]);
    Value::Object(params)
}

fn audio_params(random: &mut Random) -> Value {
    let mut params = Map::new();
    if !random.once_in(3) {
        params.insert("codec".to_owned(), (*random.pick(AUDIO_CODECS)).into());
    }
    maybe(
        &mut params,
        random,
        "channels",
        &[json!(1), json!(2), json!(6), json!(99)],
    );
    maybe(
        &mut params,
        random,
        "sample_rate",
        &[json!(8000), json!(48000), json!(12345)],
    );
    maybe(&mut params, random, "bit_rate", &[json!("64k"), json!(1)]);
    Value::Object(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_differ_and_come_again() {
        let graph = |seed| any("in.mp4", &mut Random::new(seed)).to_string();
        let mut graphs: Vec<String> = (0..100).map(graph).collect();
        assert_eq!(graph(7), graphs[7]);
        graphs.sort();
        graphs.dedup();
        assert!(graphs.len() > 95);
    }
}
