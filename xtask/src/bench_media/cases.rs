//! What both programs do in the media benchmark, as a command line and as a graph. Runs nothing.

use std::fmt::Write;

/// The same work for both programs. All files are relative to the bench folder.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The arguments of `ffmpeg` after its general options.
    pub(super) ffmpeg: String,
    /// The graph for `bmf run`.
    pub(super) graph: String,
    /// What each writes, `{}` standing for the program's name.
    pub(super) outputs: Vec<String>,
}

const DECODE: &str = r#"
[nodes.decode]
module = "c_ffmpeg_decoder"
options = { input_path = "in.mp4" }
"#;

const TRANSCODE: &str = r#"
[nodes.scale]
module = "c_ffmpeg_filter"
inputs = ["decode.video"]
options = { name = "scale", para = "1280:720" }

[nodes.encode]
module = "c_ffmpeg_encoder"
inputs = ["scale", "decode.audio"]
[nodes.encode.options]
output_path = "transcode.bmf.mp4"
video_params = { codec = "h264", preset = "veryfast", crf = 23 }
audio_params = { codec = "aac", bit_rate = 128000 }
"#;

const EXTRACT: &str = r#"
[nodes.fps]
module = "c_ffmpeg_filter"
inputs = ["decode.video"]
options = { name = "fps", para = "1" }

[nodes.encode]
module = "c_ffmpeg_encoder"
inputs = ["fps"]
[nodes.encode.options]
output_path = "extract-%03d.bmf.jpg"
video_params = { codec = "jpg", pix_fmt = "yuvj420p", qscale = 3 }
"#;

const REMUX: &str = r#"
[nodes.decode]
module = "c_ffmpeg_decoder"
options = { input_path = "long.mp4", video_codec = "copy", audio_codec = "copy" }

[nodes.write]
module = "c_ffmpeg_encoder"
inputs = ["decode.video", "decode.audio"]
options = { output_path = "remux.bmf.mkv" }
"#;

/// Sizes of the ladder, the largest first.
const STEPS: [(u32, u32); 6] = [
    (1280, 720),
    (960, 540),
    (854, 480),
    (640, 360),
    (426, 240),
    (256, 144),
];

/// All cases, the simplest first.
pub(super) fn all() -> Vec<Case> {
    let decode = |rest: &str| format!("{DECODE}{rest}");
    let sink = "\n[nodes.sink]\nmodule = \"null_sink\"\ninputs = [\"decode.video\"]\n";
    vec![
        case("decode", "-i in.mp4 -an -f null -", decode(sink), []),
        case(
            "transcode",
            "-i in.mp4 -vf scale=1280:720 -c:v libx264 -preset veryfast -crf 23 -c:a aac -b:a 128k \
             transcode.ffmpeg.mp4",
            decode(TRANSCODE),
            ["transcode.{}.mp4"],
        ),
        ladder("ladder3", &[STEPS[0], STEPS[2], STEPS[3]]),
        ladder("ladder6", &STEPS),
        case(
            "extract",
            "-i in.mp4 -vf fps=1 -q:v 3 extract-%03d.ffmpeg.jpg",
            decode(EXTRACT),
            ["extract-001.{}.jpg", "extract-010.{}.jpg"],
        ),
        case(
            "remux",
            "-i long.mp4 -c copy remux.ffmpeg.mkv",
            REMUX.to_owned(),
            ["remux.{}.mkv"],
        ),
    ]
}

fn case<const N: usize>(
    name: &'static str,
    ffmpeg: &str,
    graph: String,
    outputs: [&str; N],
) -> Case {
    Case {
        name,
        ffmpeg: ffmpeg.to_owned(),
        graph,
        outputs: outputs.map(str::to_owned).to_vec(),
    }
}

/// One decoder, and an encoder for each step.
fn ladder(name: &'static str, steps: &[(u32, u32)]) -> Case {
    let mut graph = DECODE.to_owned();
    let mut split = format!("-i in.mp4 -filter_complex [0:v]split={}", steps.len());
    let (mut scales, mut files, mut outputs) = (String::new(), String::new(), Vec::new());
    for (width, height) in steps {
        let written = write!(
            graph,
            r#"
[nodes.scale-{height}]
module = "c_ffmpeg_filter"
inputs = ["decode.video"]
options = {{ name = "scale", para = "{width}:{height}" }}

[nodes.encode-{height}]
module = "c_ffmpeg_encoder"
inputs = ["scale-{height}"]
[nodes.encode-{height}.options]
output_path = "{name}-{height}.bmf.mp4"
video_params = {{ codec = "h264", preset = "veryfast", crf = 23 }}
"#
        )
        .and_then(|()| write!(split, "[in{height}]"))
        .and_then(|()| write!(scales, ";[in{height}]scale={width}:{height}[out{height}]"))
        .and_then(|()| {
            write!(
                files,
                " -map [out{height}] -c:v libx264 -preset veryfast -crf 23 {name}-{height}.ffmpeg.mp4"
            )
        });
        written.expect("a string takes all text");
        outputs.push(format!("{name}-{height}.{{}}.mp4"));
    }
    Case {
        name,
        ffmpeg: format!("{split}{scales}{files}"),
        graph,
        outputs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_programs_read_and_write_what_is_compared() {
        for case in all() {
            for output in &case.outputs {
                let numbered = output.replace("001", "%03d").replace("010", "%03d");
                let name = |program: &str| numbered.replace("{}", program);
                assert!(case.ffmpeg.contains(&name("ffmpeg")), "{output}");
                assert!(case.graph.contains(&name("bmf")), "{output}");
            }
            let reads = |file: &str| case.ffmpeg.contains(file) && case.graph.contains(file);
            assert!(reads("in.mp4") || reads("long.mp4"));
        }
    }

    #[test]
    fn a_ladder_decodes_once() {
        let ladder = ladder("l", &[(4, 2), (2, 1)]);
        insta::assert_snapshot!(ladder.ffmpeg, @"-i in.mp4 -filter_complex [0:v]split=2[in2][in1];[in2]scale=4:2[out2];[in1]scale=2:1[out1] -map [out2] -c:v libx264 -preset veryfast -crf 23 l-2.ffmpeg.mp4 -map [out1] -c:v libx264 -preset veryfast -crf 23 l-1.ffmpeg.mp4");
        assert_eq!(ladder.graph.matches("c_ffmpeg_decoder").count(), 1);
    }
}
