//! bmf against the `ffmpeg` command on whole pipelines: the same work, in turn, medians side by side. The two link the
//! same libraries where ffmpeg is the system's, so what differs is how the work is driven. It measures no codec.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::{Value, json};

mod cases;

use cases::Case;

use crate::args::BuildArgs;
use crate::build;
use crate::measure::{Usage, measure, median};
use crate::sh;
use crate::workspace::Workspace;

/// The clip that most cases read: 10 s of 1080p30 H.264 with AAC.
const CLIP: &str = "in.mp4";
/// The same many times, for what takes no time with a short one.
const LONG: &str = "long.mp4";

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
    let theirs = theirs();
    let version = sh::output(Command::new(&theirs).arg("-version")).unwrap_or_default();
    eprintln!("{}", version.lines().next().unwrap_or("ffmpeg"));

    let mut rows = Vec::new();
    for case in &cases::all() {
        rows.extend(run_case(
            case,
            runs,
            &folder,
            [&theirs, workspace.bmf().as_os_str()],
        )?);
    }
    Ok(rows)
}

/// The command that bmf is compared with: another one than the system's may be newer.
fn theirs() -> OsString {
    std::env::var_os("FFMPEG").unwrap_or_else(|| "ffmpeg".into())
}

/// In turn and not in blocks, so that a machine growing slow or quick meanwhile treats both alike.
fn run_case(
    case: &Case,
    runs: usize,
    folder: &Path,
    [ffmpeg, bmf]: [&OsStr; 2],
) -> anyhow::Result<Vec<Row>> {
    let graph = format!("{}.toml", case.name);
    std::fs::write(folder.join(&graph), &case.graph)?;
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        let mut command = with_args(ffmpeg, &case.ffmpeg, folder);
        let usage = measure(&mut command, &folder.join("ffmpeg.log"))?;
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
fn with_args(ffmpeg: &OsStr, args: &str, folder: &Path) -> Command {
    let mut command = Command::new(ffmpeg);
    command
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(args.split_whitespace());
    command.current_dir(folder);
    command
}

/// Moving pattern with grain: neither trivial for the decoder nor for the encoder. Made once.
fn make_clip(folder: &Path) -> anyhow::Result<()> {
    if folder.join(CLIP).exists() && folder.join(LONG).exists() {
        return Ok(());
    }
    let args = "-f lavfi -i testsrc2=size=1920x1080:rate=30:duration=10,noise=alls=6:allf=t \
                -f lavfi -i sine=frequency=440:sample_rate=48000:duration=10 \
                -c:v libx264 -preset fast -b:v 8M -pix_fmt yuv420p -g 60 -c:a aac -b:a 128k -ac 2 unfinished.mp4";
    sh::run(&mut with_args("ffmpeg".as_ref(), args, folder))?;
    std::fs::rename(folder.join("unfinished.mp4"), folder.join(CLIP))?;
    let args = format!("-stream_loop 29 -i {CLIP} -c copy {LONG}");
    sh::run(&mut with_args("ffmpeg".as_ref(), &args, folder))?;
    Ok(())
}

/// A quick program that does less work is no faster: both outputs must hold the same pictures in size and number, and
/// streams of the same codecs.
fn same_outputs(case: &Case, folder: &Path) -> anyhow::Result<()> {
    for output in &case.outputs {
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
}
