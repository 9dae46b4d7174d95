//! The steps of CI, one function each, whose failure is told together with its remedy. Order and selection are
//! `test.rs`'s.

use crate::ages;
use crate::args::BuildArgs;
use crate::build;
use crate::corpus;
use crate::demo;
use crate::deps::Need;
use crate::fuzz;
use crate::plugins;
use crate::sh;
use crate::soak;
use crate::tidy;
use crate::workspace::Workspace;

/// One thing that CI checks.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) run: fn(&Workspace) -> anyhow::Result<()>,
    /// What to do when it fails.
    pub(crate) remedy: &'static str,
}

/// All steps, the quick ones first.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        needs: &[Need::Rustfmt],
        run: fmt,
        remedy: "run `cargo fmt --all`",
    },
    Step {
        name: "tidy",
        needs: &[],
        run: tidy::run,
        remedy: "each line above names a place and its rule",
    },
    Step {
        name: "clippy",
        needs: &[Need::Clippy, Need::Libraries],
        run: clippy,
        remedy: "fix the warnings above; `cargo clippy --fix --workspace --all-targets` does the simple ones",
    },
    Step {
        name: "doc",
        needs: &[Need::Libraries],
        run: doc,
        remedy: "fix the documentation warnings above: mostly links to items that were renamed or are private",
    },
    Step {
        name: "test",
        needs: &[Need::Libraries, Need::FfmpegCommand, Need::CppCompiler],
        run: test,
        remedy: "run one test with `cargo test -p CRATE NAME`; accept changed snapshots with `cargo insta review`",
    },
    Step {
        name: "loom",
        needs: &[],
        run: loom,
        remedy: "an interleaving breaks the scheduler; LOOM_LOG=trace with LOOM_CHECKPOINT_FILE=loom.json replays it",
    },
    Step {
        name: "smoke",
        needs: &[Need::Libraries],
        run: smoke,
        remedy: "`cargo xtask demo` does the same in the repository; its output is in the folder named above",
    },
    Step {
        name: "corpus",
        needs: &[Need::Libraries, Need::FfmpegCommand],
        run: corpus::step,
        remedy: "`cargo xtask corpus NAME` decodes one file again; it lies in target/corpus, with the graph and the frames of bmf",
    },
    Step {
        name: "fuzz",
        needs: &[Need::Libraries, Need::FfmpegCommand],
        run: fuzz::step,
        remedy: "each seed above, given to `cargo xtask fuzz --seed S --runs 1`, does it again; target/fuzz/S has file and graph",
    },
    Step {
        name: "soak",
        needs: &[Need::Libraries, Need::FfmpegCommand],
        run: soak::step,
        remedy: "something is kept per frame or per turn of the loop: `cargo xtask soak --frames N` with fewer and more frames",
    },
    Step {
        name: "dynamic",
        needs: &[Need::Libraries],
        run: plugins::dynamic,
        remedy: "`cargo xtask build --dynamic` and `cargo xtask dist` do the same; `bmf modules` says what is refused and why",
    },
    Step {
        name: "template",
        needs: &[Need::Libraries, Need::Rustfmt, Need::Clippy],
        run: plugins::template,
        remedy: "the template is templates/module; `cargo xtask new-module try-it --path ..` makes what was tried here",
    },
    Step {
        name: "ages",
        needs: &[],
        run: ages::run,
        remedy: "what grows must be reached by an extension; xtask/src/ages.rs patches the sources, and must be adapted to them",
    },
    Step {
        name: "memory",
        needs: &[Need::CppCompiler, Need::Valgrind],
        run: plugins::memory,
        remedy: "valgrind's report is above: the first lines say what was done to which memory, and where it was allocated",
    },
];

fn fmt(_: &Workspace) -> anyhow::Result<()> {
    sh::run(&mut sh::cargo(["fmt", "--all", "--check"]))
}

fn clippy(_: &Workspace) -> anyhow::Result<()> {
    sh::run(&mut sh::cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn doc(_: &Workspace) -> anyhow::Result<()> {
    sh::run(sh::cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Benches are left out: clippy has compiled them, and to run them here would measure nothing.
fn test(_: &Workspace) -> anyhow::Result<()> {
    if sh::find("cargo-nextest").is_some() {
        sh::run(&mut sh::cargo(["nextest", "run", "--workspace"]))?;
    } else {
        sh::run(&mut sh::cargo([
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--examples",
        ]))?;
    }
    sh::run(&mut sh::cargo(["test", "--workspace", "--doc"]))
}

/// In a target folder of its own: the flags would rebuild everything in the common one, each time.
fn loom(workspace: &Workspace) -> anyhow::Result<()> {
    let inherited = std::env::var("RUSTFLAGS").unwrap_or_default();
    sh::run(
        sh::cargo([
            "test",
            "-p",
            "bmf-scheduler",
            "-p",
            "bmf-streams",
            "--release",
            "--lib",
            "loom",
        ])
        .env("RUSTFLAGS", format!("{inherited} --cfg loom").trim_start())
        .env("LOOM_MAX_PREEMPTIONS", "3")
        .env("CARGO_TARGET_DIR", workspace.target.join("loom")),
    )
}

/// The demo's commands, in an empty folder: they must not lean on anything a working copy has lying about.
fn smoke(workspace: &Workspace) -> anyhow::Result<()> {
    let folder = workspace.target.join("smoke");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    build::make(workspace, BuildArgs::default())?;
    demo::play(workspace, &folder).map(drop)
}
