//! What options may be, as JSON: what makes sense somewhere, and what makes none anywhere. Which of them meet is left to
//! chance in `graph.rs`.

/// Names with the values to choose from.
pub(super) type Table = &'static [(&'static str, &'static str)];

/// A file with codecs that go into it.
pub(super) struct Output {
    pub(super) file: &'static str,
    pub(super) video: &'static [&'static str],
    pub(super) audio: &'static [&'static str],
}

const fn output(
    file: &'static str,
    video: &'static [&'static str],
    audio: &'static [&'static str],
) -> Output {
    Output { file, video, audio }
}

pub(super) const OUTPUTS: &[Output] = &[
    output(
        "out.mp4",
        &["h264", "mpeg4", "copy", "png"],
        &["aac", "mp3", "alac", "copy"],
    ),
    output(
        "out.mkv",
        &["h264", "ffv1", "vp8", "rawvideo", "copy"],
        &["flac", "libopus", "pcm_s16le", "copy"],
    ),
    output(
        "out.mov",
        &["prores", "mjpeg", "h264", "copy"],
        &["pcm_s16le", "aac"],
    ),
    output(
        "out.ts",
        &["mpeg2video", "h264", "copy"],
        &["mp2", "aac", "ac3", "copy"],
    ),
    output("out.flv", &["flv", "h264"], &["mp3", "aac"]),
    output(
        "out.avi",
        &["mpeg4", "huffyuv", "rawvideo"],
        &["mp3", "pcm_s16le"],
    ),
    output("out.gif", &["gif"], &[]),
    output("out.webm", &["vp8"], &["libopus"]),
    output("out.m3u8", &["h264"], &["aac"]),
    output(
        "out.framemd5",
        &["rawvideo", "mpeg4"],
        &["pcm_s16le", "flac"],
    ),
    output("out-%d.png", &["png"], &[]),
    output("out.jpg", &["mjpeg"], &[]),
    output("out.wav", &[], &["pcm_s16le"]),
    output("out.mp3", &[], &["mp3"]),
    output("out.nut", &["rawvideo", "mpeg4"], &["pcm_s16le", "mp3"]),
    output("out.mxf", &["mpeg2video"], &["pcm_s16le"]),
    output("out.y4m", &[], &[]),
];

/// Video filters that change times, sizes or formats.
pub(super) const VIDEO: Table = &[
    ("scale", "64:48"),
    ("scale", "34:-2"),
    ("scale", "iw*2:ih/2:flags=neighbor"),
    ("hflip", ""),
    ("transpose", "1"),
    ("fps", "10"),
    ("fps", "60000/1001"),
    ("setpts", "PTS*2"),
    ("setpts", "N/25/TB"),
    ("setpts", "random(0)*3/TB"),
    ("setpts", "-PTS"),
    ("select", "not(mod(n\\,3))"),
    ("select", "0"),
    ("trim", "0.2:0.5"),
    ("crop", "32:32"),
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
];

pub(super) const AUDIO: Table = &[
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
pub(super) const VIDEO_JOINS: Table = &[
    ("overlay", "10:10"),
    ("overlay", "x=t*10:eof_action=pass:shortest=1"),
    ("hstack", ""),
    ("concat", ""),
    ("blend", "all_mode=average"),
    ("psnr", ""),
    ("interleave", ""),
];

pub(super) const AUDIO_JOINS: Table = &[
    ("amix", ""),
    ("amerge", ""),
    ("concat", "v=0:a=1"),
    ("ainterleave", ""),
    ("acrossfade", "d=0.1"),
];

/// What is no filter, or cannot be configured.
pub(super) const FILTERS_ODD: Table = &[
    ("scale", "nonsense"),
    ("scael", "1:1"),
    ("crop", "9999:9999"),
    ("amix", "inputs=3"),
    ("split", ""),
    ("volume", "1/0"),
];

pub(super) const FILTER: Table = &[
    ("threads", "[1, 3]"),
    (
        "commands",
        r#"[[{ "time": 0.3, "command": "volume", "arg": "0.1" }]]"#,
    ),
];

/// Not `copyts`: where times jump by hours, the encoder repeats pictures for hours, as that of `ffmpeg` does.
pub(super) const DECODER: Table = &[
    ("end_time", "[0.6, 0.9, 100]"),
    ("start_time", "[0, 0.3, 0.51, 5]"),
    ("map_v", "[0, -1]"),
    ("map_a", "[1, -1]"),
    ("fps", "[10, 0.5, 1000]"),
    ("skip_frame", r#"["nokey", "noref", 32]"#),
    ("vframes", "[1, 13]"),
    ("aframes", "[1, 13]"),
    ("autorotate", "[false, 1]"),
    ("max_width_height", "[100]"),
    ("orig_pts_time", "[true]"),
    ("readrate", "[20]"),
    (
        "video_params",
        r#"[{ "extract_frames": { "fps": 5 } }, { "hwaccel": "vaapi", "hwaccel_fallback": true }]"#,
    ),
    (
        "dec_params",
        r#"[{ "threads": 1 }, { "threads": "auto" }, { "probesize": 100 }, { "fflags": "+genpts+igndts" },
            { "err_detect": "crccheck+careful" }, { "flags2": "+showall" }, { "lowres": 1 }]"#,
    ),
];

/// These exclude others or each other.
pub(super) const DECODER_ODD: Table = &[
    ("start_time", "[-1]"),
    ("durations", "[[0.1, 0.3, 0.5, 0.9], [0, 9], [0.5, 0.1]]"),
    ("stream_loop", "[1, 3]"),
    ("map_v", "[1, 2, 7]"),
    ("map_a", "[0, 3]"),
    ("vframes", "[0]"),
    ("video_codec", r#"["copy", "h264", "nonsense"]"#),
    ("audio_codec", r#"["copy", "mp3"]"#),
    ("video_params", r#"[{ "hwaccel": "cuda" }]"#),
    ("io_frm_match", "[true]"),
    ("delay_init_input", "[true]"),
    ("push_raw_stream", "[true]"),
];

pub(super) const ENCODER: Table = &[
    ("vframes", "[1, 5]"),
    ("min_frames", "[40]"),
    ("adjust_pts", "[true]"),
    ("metadata", r#"[{ "title": "ä\n\u0001\"" }]"#),
    (
        "chapters",
        r#"[[{ "start": 0.2, "title": "a" }, { "start": 0.5 }]]"#,
    ),
    ("push_output", "[2, 3]"),
];

pub(super) const ENCODER_ODD: Table = &[
    ("push_output", "[1, 7]"),
    ("chapters", r#"[[{ "start": 0.5, "end": 0.1 }]]"#),
    ("format", r#"["matroska", "mpegts", "null", "nonsense"]"#),
    ("io_frm_match", "[true]"),
    (
        "mux_params",
        r#"[{ "movflags": "faststart" }, { "movflags": "frag_keyframe+empty_moov" }, { "hls_time": 0.3 },
            { "no_such_option": 1 }]"#,
    ),
];

pub(super) const PICTURES: Table = &[
    ("vsync", r#"["cfr", "vfr", "passthrough", "drop", "auto"]"#),
    ("r", r#"["5", "30000/1001", "240", "1/3"]"#),
    ("bit_rate", r#"["100k", 100000000]"#),
    ("g", "[1, 300]"),
    (
        "force_key_frames",
        r#"[[0.1, 0.5], "expr:gte(t,n_forced*0.2)"]"#,
    ),
    ("psnr", "[true]"),
];

pub(super) const PICTURES_ODD: Table = &[
    (
        "pix_fmt",
        r#"["yuv420p", "yuv422p10le", "rgb24", "gray", "pal8", "nonsense"]"#,
    ),
    ("max_fr", "[7]"),
    ("preset", r#"["ultrafast", "veryfast", "wrong"]"#),
    ("crf", r#"[0, 40, "x"]"#),
    ("bit_rate", "[1]"),
    ("bf", "[0, 3, 16]"),
    ("qscale", "[2, 31]"),
    ("force_key_frames", r#"["expr:("]"#),
    ("pass", "[1, 2]"),
    ("codec", r#"["no_such_codec", "gif", "libx265", "aac"]"#),
];

pub(super) const SOUND: Table = &[
    ("channels", "[1, 2]"),
    ("sample_rate", "[48000, 44100]"),
    ("bit_rate", r#"["64k"]"#),
];

pub(super) const SOUND_ODD: Table = &[
    ("channels", "[6, 99]"),
    ("sample_rate", "[8000, 12345]"),
    ("bit_rate", "[1]"),
    ("codec", r#"["h264", "no_such_codec", "flac"]"#),
];

pub(super) const GRAPH: Table = &[
    ("optimize_graph", "[false]"),
    ("queue_length_limit", "[1, 2, 100]"),
    ("scheduler_count", "[1, 4]"),
    ("threads", r#"[1, "all"]"#),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_lists_of_json() {
        let options = [
            FILTER,
            DECODER,
            DECODER_ODD,
            ENCODER,
            ENCODER_ODD,
            PICTURES,
            PICTURES_ODD,
            SOUND,
            SOUND_ODD,
            GRAPH,
        ];
        for (key, values) in options.into_iter().flatten() {
            let values: Vec<serde_json::Value> = serde_json::from_str(values).expect(key);
            assert!(!values.is_empty(), "{key}");
        }
    }
}
