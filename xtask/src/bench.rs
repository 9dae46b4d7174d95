//! `cargo xtask bench`: hands over to the suites. With `--json` stdout is exactly the suite's one array.

use crate::args::{BenchArgs, Suite};
use crate::bench_media;
use crate::deps::{self, Need};
use crate::sh;
use crate::workspace::Workspace;

/// Runs the suite that `args` names, or both.
pub(crate) fn run(workspace: &Workspace, args: BenchArgs) -> anyhow::Result<()> {
    std::env::set_current_dir(&workspace.root)?;
    match args.suite {
        Some(Suite::Engine) => engine(args.json),
        Some(Suite::Media) => media(workspace, args),
        None => engine(args.json).and_then(|()| media(workspace, args)),
    }
}

/// The engine's own bench; cargo speaks on stderr, so stdout is the bench's untouched.
fn engine(json: bool) -> anyhow::Result<()> {
    let mut bench = sh::cargo([
        "bench",
        "-q",
        "-p",
        "bmf-engine",
        "--bench",
        "overhead",
        "--",
    ]);
    sh::run(bench.args(json.then_some("--json")))
}

fn media(workspace: &Workspace, args: BenchArgs) -> anyhow::Result<()> {
    deps::ensure(&[Need::Libraries, Need::FfmpegCommand])?;
    let rows = bench_media::run(workspace, args.runs)?;
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&bench_media::json(&rows))?
        );
    } else {
        print!("{}", bench_media::table(&rows));
    }
    Ok(())
}
