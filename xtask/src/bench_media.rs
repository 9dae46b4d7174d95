//! bmf against the `ffmpeg` command on whole pipelines: the same work, in turn, medians side by side. The two link the
//! same libraries where ffmpeg is the system's, so what differs is how the work is driven. It measures no codec.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::args::BuildArgs;
use crate::build;
use crate::measure::{Usage, measure, median};
use crate::sh;
use crate::workspace::Workspace;

/// The clip that all cases read: 10 s of 1080p30 H.264 with AAC.
const CLIP: &str = "in.mp4";

/// The same work for both programs. All files are relative to the bench folder.
struct Case {
    name: &'static str,
    /// The arguments of `ffmpeg` after its general options.
    ffmpeg: &'static str,
    /// The graph for `bmf run`.
    graph: &'static str,
    /// What each writes, `{}` standing for the program's name.
    outputs: &'static [&'static str],
}

const CASES: [Case; 3] = [
    Case {
        name: "decode",
        ffmpeg: "-i in.mp4 -an -f null -",
        graph: r#"
[nodes.decode]
module = "c_ffmpeg_decoder"
options = { input_path = "in.mp4" }

[nodes.sink]
module = "null_sink"
inputs = ["decode.video"]
"#,
        outputs: &[],
    },
    Case {
        name: "transcode",
        ffmpeg: "-i in.mp4 -vf scale=1280:720 -c:v libx264 -preset veryfast -crf 23 -c:a aac -b:a 128k \
                 transcode.ffmpeg.mp4",
        graph: r#"
[nodes.decode]
module = "c_ffmpeg_decoder"
options = { input_path = "in.mp4" }

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
"#,
        outputs: &["transcode.{}.mp4"],
    },
    Case {
        name: "ladder",
        ffmpeg: "-i in.mp4 -filter_complex \
                 [0:v]split=3[a][b][c];[a]scale=1280:720[x];[b]scale=854:480[y];[c]scale=640:360[z] \
                 -map [x] -c:v libx264 -preset veryfast -crf 23 ladder-720.ffmpeg.mp4 \
                 -map [y] -c:v libx264 -preset veryfast -crf 23 ladder-480.ffmpeg.mp4 \
                 -map [z] -c:v libx264 -preset veryfast -crf 23 ladder-360.ffmpeg.mp4",
        graph: r#"
[nodes.decode]
module = "c_ffmpeg_decoder"
options = { input_path = "in.mp4" }

[nodes.scale-720]
module = "c_ffmpeg_filter"
inputs = ["decode.video"]
options = { name = "scale", para = "1280:720" }

[nodes.scale-480]
module = "c_ffmpeg_filter"
inputs = ["decode.video"]
options = { name = "scale", para = "854:480" }

[nodes.scale-360]
module = "c_ffmpeg_filter"
inputs = ["decode.video"]
options = { name = "scale", para = "640:360" }

[nodes.encode-720]
module = "c_ffmpeg_encoder"
inputs = ["scale-720"]
[nodes.encode-720.options]
output_path = "ladder-720.bmf.mp4"
video_params = { codec = "h264", preset = "veryfast", crf = 23 }

[nodes.encode-480]
module = "c_ffmpeg_encoder"
inputs = ["scale-480"]
[nodes.encode-480.options]
output_path = "ladder-480.bmf.mp4"
video_params = { codec = "h264", preset = "veryfast", crf = 23 }

[nodes.encode-360]
module = "c_ffmpeg_encoder"
inputs = ["scale-360"]
[nodes.encode-360.options]
output_path = "ladder-360.bmf.mp4"
video_params = { codec = "h264", preset = "veryfast", crf = 23 }
"#,
        outputs: &[
            "ladder-720.{}.mp4",
            "ladder-480.{}.mp4",
            "ladder-360.{}.mp4",
        ],
    },
];

/// One measure of one case, medians of all runs.
pub(crate) struct Row {
    case: &'static str,
    measure: &'static str,
    ffmpeg: f64,
    bmf: f64,
    runs: usize,
}

/// Runs every case `runs` times with both programs.
pub(crate) fn run(workspace: &Workspace, runs: usize) -> anyhow::Result<Vec<Row>> {
    build::make(workspace, BuildArgs::default())?;
    let folder = workspace.target.join("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    make_clip(&folder)?;
    let version = sh::output(Command::new("ffmpeg").arg("-version")).unwrap_or_default();
    eprintln!("{}", version.lines().next().unwrap_or("ffmpeg"));

    let mut rows = Vec::new();
    for case in &CASES {
        rows.extend(run_case(case, runs, &folder, &workspace.bmf())?);
    }
    Ok(rows)
}

/// In turn and not in blocks, so that a machine growing slow or quick meanwhile treats both alike.
fn run_case(case: &Case, runs: usize, folder: &Path, bmf: &Path) -> anyhow::Result<Vec<Row>> {
    let graph = format!("{}.toml", case.name);
    std::fs::write(folder.join(&graph), case.graph)?;
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        let usage = measure(&mut ffmpeg(case.ffmpeg, folder), &folder.join("ffmpeg.log"))?;
        eprintln!("{} {run}/{runs}: ffmpeg {:.2} s", case.name, usage.wall);
        theirs.push(usage);

        let mut command = Command::new(bmf);
        let usage = measure(
            command.args(["run", &graph]).current_dir(folder),
            &folder.join("bmf.log"),
        )?;
        eprintln!("{} {run}/{runs}: bmf    {:.2} s", case.name, usage.wall);
        ours.push(usage);
        same_outputs(case, folder)?;
    }
    Ok(rows(case.name, &theirs, &ours))
}

fn rows(case: &'static str, theirs: &[Usage], ours: &[Usage]) -> Vec<Row> {
    let row = |measure, of: fn(&Usage) -> f64| {
        let middle = |usages: &[Usage]| median(usages.iter().map(of).collect());
        Row {
            case,
            measure,
            ffmpeg: middle(theirs),
            bmf: middle(ours),
            runs: ours.len(),
        }
    };
    vec![
        row("wall_s", |usage| usage.wall),
        row("cpu_s", |usage| usage.cpu),
        row("peak_mib", |usage| usage.peak),
    ]
}

/// `ffmpeg` with arguments that contain no blanks themselves.
fn ffmpeg(args: &str, folder: &Path) -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(args.split_whitespace());
    command.current_dir(folder);
    command
}

/// Moving pattern with grain: neither trivial for the decoder nor for the encoder. Made once.
fn make_clip(folder: &Path) -> anyhow::Result<()> {
    if folder.join(CLIP).exists() {
        return Ok(());
    }
    let args = "-f lavfi -i testsrc2=size=1920x1080:rate=30:duration=10,noise=alls=6:allf=t \
                -f lavfi -i sine=frequency=440:sample_rate=48000:duration=10 \
                -c:v libx264 -preset fast -b:v 8M -pix_fmt yuv420p -g 60 -c:a aac -b:a 128k -ac 2 unfinished.mp4";
    sh::run(&mut ffmpeg(args, folder))?;
    std::fs::rename(folder.join("unfinished.mp4"), folder.join(CLIP))?;
    Ok(())
}

/// A quick program that does less work is no faster: both outputs must hold the same pictures in size and number, and
/// streams of the same codecs.
fn same_outputs(case: &Case, folder: &Path) -> anyhow::Result<()> {
    for output in case.outputs {
        let [theirs, ours] =
            ["ffmpeg", "bmf"].map(|program| contents(&folder.join(output.replace("{}", program))));
        let (theirs, ours) = (theirs?, ours?);
        if theirs != ours {
            bail!(
                "{}: ffmpeg wrote {theirs}, but bmf {ours}; the times would not compare",
                case.name
            );
        }
    }
    Ok(())
}

fn contents(file: &Path) -> anyhow::Result<String> {
    let entries = "stream=codec_type,codec_name,width,height,nb_read_packets";
    let probe = sh::output(
        Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-of",
                "json",
                "-count_packets",
                "-show_entries",
                entries,
            ])
            .arg(file),
    );
    let probe = probe.with_context(|| format!("ffprobe cannot read {}", file.display()))?;
    Ok(summary(&serde_json::from_str(&probe)?))
}

/// The streams in an order of their own, since muxers may number them as they like. Sound is compared by codec only:
/// its last packet depends on who flushes what.
fn summary(probe: &Value) -> String {
    let describe = |stream: &Value| match stream["codec_type"].as_str() {
        Some("video") => {
            let packets = stream["nb_read_packets"].as_str().unwrap_or("no");
            let codec = stream["codec_name"].as_str().unwrap_or("unknown");
            format!(
                "{packets} {codec} pictures of {}x{}",
                stream["width"], stream["height"]
            )
        }
        _ => stream["codec_name"]
            .as_str()
            .unwrap_or("unknown")
            .to_owned(),
    };
    let mut streams: Vec<_> = probe["streams"]
        .as_array()
        .into_iter()
        .flatten()
        .map(describe)
        .collect();
    streams.sort();
    streams.join(" + ")
}

/// For people.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:10} {:9} {:>9} {:>9} {:>10}\n",
        "case", "measure", "ffmpeg", "bmf", "bmf/ffmpeg"
    );
    for row in rows {
        let Row {
            case,
            measure,
            ffmpeg,
            bmf,
            ..
        } = row;
        let line = writeln!(
            text,
            "{case:10} {measure:9} {ffmpeg:9.2} {bmf:9.2} {:10.2}",
            bmf / ffmpeg
        );
        line.expect("a string takes all text");
    }
    text
}

/// For programs: an array with one object per row.
pub(crate) fn json(rows: &[Row]) -> Value {
    let object = |row: &Row| {
        json!({
            "case": row.case, "measure": row.measure,
            "ffmpeg": row.ffmpeg, "bmf": row.bmf, "ratio": row.bmf / row.ffmpeg, "runs": row.runs,
        })
    };
    rows.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_side_by_side() {
        let usages = |walls: [f64; 3]| {
            walls.map(|wall| Usage {
                wall,
                cpu: 2.0 * wall,
                peak: 100.0,
            })
        };
        let rows = rows("decode", &usages([2.0, 9.0, 1.0]), &usages([1.0, 1.5, 1.2]));
        insta::assert_snapshot!(table(&rows), @r"
        case       measure      ffmpeg       bmf bmf/ffmpeg
        decode     wall_s         2.00      1.20       0.60
        decode     cpu_s          4.00      2.40       0.60
        decode     peak_mib     100.00    100.00       1.00
        ");
        insta::assert_snapshot!(json(&rows)[0], @r#"{"case":"decode","measure":"wall_s","ffmpeg":2.0,"bmf":1.2,"ratio":0.6,"runs":3}"#);
    }

    #[test]
    fn outputs_are_compared_by_what_is_in_them() {
        let probe = json!({ "streams": [
            { "codec_type": "video", "codec_name": "h264", "width": 640, "height": 360, "nb_read_packets": "300" },
            { "codec_type": "audio", "codec_name": "aac", "nb_read_packets": "470" },
        ] });
        insta::assert_snapshot!(summary(&probe), @"300 h264 pictures of 640x360 + aac");
    }

    #[test]
    fn both_programs_write_what_is_compared() {
        for case in &CASES {
            for output in case.outputs {
                assert!(
                    case.ffmpeg.contains(&output.replace("{}", "ffmpeg")),
                    "{output}"
                );
                assert!(
                    case.graph.contains(&output.replace("{}", "bmf")),
                    "{output}"
                );
            }
            assert!(case.ffmpeg.contains(CLIP) && case.graph.contains(CLIP));
        }
    }
}
