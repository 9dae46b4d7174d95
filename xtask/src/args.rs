//! What was typed, as a value. It decides nothing: step names and the like are checked by the command that knows them.

use std::path::PathBuf;

use lexopt::prelude::*;

/// Shown for `--help` and under a usage error.
pub(crate) const HELP: &str = "\
cargo xtask <command>

  demo                               build bmf, make a clip, transcode it, show the result
  build [--static|--dynamic] [--debug]
                                     static: bmf with its modules linked in (default)
                                     dynamic: bmf, and each module a library in modules/ beside it
  dist                               the archive for users, in target/dist: bmf, modules, header, licences
  new-module NAME [--path DIR]       a module to start from, in modules/NAME, or in DIR/NAME outside this repository
  test [--keep-going] [STEP..]       what CI runs: fmt tidy clippy doc test loom smoke corpus
                                     fuzz soak dynamic template ages memory
  corpus [--debug|--bmf FILE] [NAME..]
                                     decode a corpus of files, made here, with bmf and with ffmpeg: same frames?
  fuzz [--seconds N] [--seed S] [--runs N] [--jobs N] [--debug|--bmf FILE]
                                     damaged files and options at random: bmf must not crash, hang or panic
  soak [--frames N] [--debug|--bmf FILE]
                                     200,000 frames through one graph: memory must not grow
  tidy                               the rules that rustc and clippy do not know
  header [--check]                   write bmf.h, the contract in C; or only compare it
  bench [engine|media] [--json] [--runs N]
                                     engine: overhead per packet and hop
                                     media: bmf against the ffmpeg command (or $FFMPEG), N interleaved runs (5)

`test`, `demo`, `build`, `dist`, `corpus`, `fuzz`, `soak` and `bench` install missing system packages first. They ask before they do, unless CI is set or there is
no terminal; where they may not install they print the command to run.";

/// One command with its options.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Command {
    Help,
    Test(TestArgs),
    Demo,
    Build(BuildArgs),
    Dist,
    NewModule(NewModuleArgs),
    Corpus(CorpusArgs),
    Fuzz(FuzzArgs),
    Soak(SoakArgs),
    Tidy,
    Header { check: bool },
    Bench(BenchArgs),
}

/// `test`: no steps means all of them.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct TestArgs {
    pub(crate) keep_going: bool,
    pub(crate) steps: Vec<String>,
}

/// `build`, which is static and for release unless it is said otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct BuildArgs {
    pub(crate) linkage: Linkage,
    pub(crate) debug: bool,
}

/// Where the modules are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Linkage {
    /// In the program.
    #[default]
    Static,
    /// In libraries of their own.
    Dynamic,
}

/// `new-module`: no path means in this workspace.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct NewModuleArgs {
    pub(crate) name: String,
    pub(crate) path: Option<PathBuf>,
}

/// The `bmf` that is tried out.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) enum Program {
    /// Built for release.
    #[default]
    Release,
    /// Built with checks.
    Debug,
    /// There already.
    At(PathBuf),
}

/// `corpus`: no names means all files.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct CorpusArgs {
    pub(crate) program: Program,
    /// Parts of file names.
    pub(crate) names: Vec<String>,
}

/// `fuzz`: as many runs as fit into the time, unless it is said how many.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct FuzzArgs {
    pub(crate) program: Program,
    pub(crate) seconds: u64,
    /// `None`: another one each time.
    pub(crate) seed: Option<u64>,
    pub(crate) runs: Option<u64>,
    /// `None`: one per core.
    pub(crate) jobs: Option<usize>,
}

/// `soak`.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct SoakArgs {
    pub(crate) program: Program,
    pub(crate) frames: u64,
}

/// `bench`: no suite means all of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BenchArgs {
    pub(crate) suite: Option<Suite>,
    pub(crate) json: bool,
    pub(crate) runs: usize,
}

/// A group of benchmarks that share one set-up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Suite {
    Engine,
    Media,
}

/// Reads one command from `parser`.
pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let name = match parser.next()? {
        None | Some(Short('h') | Long("help")) => return Ok(Command::Help),
        Some(Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected()),
    };
    match name.as_str() {
        "help" => Ok(Command::Help),
        "test" | "ci" => parse_test(&mut parser),
        "bench" => parse_bench(&mut parser),
        "build" => parse_build(&mut parser),
        "new-module" => parse_new_module(&mut parser),
        "corpus" => parse_corpus(&mut parser),
        "fuzz" => parse_fuzz(&mut parser),
        "soak" => parse_soak(&mut parser),
        "demo" => plain(&mut parser, Command::Demo),
        "dist" => plain(&mut parser, Command::Dist),
        "tidy" => plain(&mut parser, Command::Tidy),
        "header" => parse_header(&mut parser),
        _ => Err(format!("there is no command '{name}'").into()),
    }
}

fn plain(parser: &mut lexopt::Parser, command: Command) -> Result<Command, lexopt::Error> {
    match parser.next()? {
        None => Ok(command),
        Some(Short('h') | Long("help")) => Ok(Command::Help),
        Some(other) => Err(other.unexpected()),
    }
}

fn parse_header(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut check = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("check") => check = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Header { check })
}

fn parse_test(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut test = TestArgs::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("keep-going") => test.keep_going = true,
            Value(step) => test.steps.push(step.string()?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Test(test))
}

fn parse_build(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut debug = false;
    let mut linkage = None;
    while let Some(arg) = parser.next()? {
        let chosen = match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("debug") => {
                debug = true;
                continue;
            }
            Long("static") => Linkage::Static,
            Long("dynamic") => Linkage::Dynamic,
            other => return Err(other.unexpected()),
        };
        if linkage
            .replace(chosen)
            .is_some_and(|before| before != chosen)
        {
            return Err("--static and --dynamic exclude each other".into());
        }
    }
    Ok(Command::Build(BuildArgs {
        linkage: linkage.unwrap_or_default(),
        debug,
    }))
}

fn parse_corpus(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut corpus = CorpusArgs::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("debug") => corpus.program = Program::Debug,
            Long("bmf") => corpus.program = Program::At(PathBuf::from(parser.value()?)),
            Value(name) => corpus.names.push(name.string()?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Corpus(corpus))
}

fn parse_fuzz(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut fuzz = FuzzArgs {
        seconds: 60,
        ..FuzzArgs::default()
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("debug") => fuzz.program = Program::Debug,
            Long("bmf") => fuzz.program = Program::At(PathBuf::from(parser.value()?)),
            Long("seconds") => fuzz.seconds = parser.value()?.parse()?,
            Long("seed") => fuzz.seed = Some(parser.value()?.parse()?),
            Long("runs") => fuzz.runs = Some(parser.value()?.parse()?),
            Long("jobs") => fuzz.jobs = Some(parser.value()?.parse()?),
            other => return Err(other.unexpected()),
        }
    }
    if fuzz.jobs == Some(0) {
        return Err("--jobs must be at least 1".into());
    }
    Ok(Command::Fuzz(fuzz))
}

fn parse_soak(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut soak = SoakArgs {
        program: Program::Release,
        frames: 200_000,
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("debug") => soak.program = Program::Debug,
            Long("bmf") => soak.program = Program::At(PathBuf::from(parser.value()?)),
            Long("frames") => soak.frames = parser.value()?.parse()?,
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Soak(soak))
}

fn parse_new_module(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut name = None;
    let mut path = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("path") => path = Some(PathBuf::from(parser.value()?)),
            Value(value) if name.is_none() => name = Some(value.string()?),
            other => return Err(other.unexpected()),
        }
    }
    let name = name.ok_or("new-module needs a name: new-module sharpen --path ..")?;
    Ok(Command::NewModule(NewModuleArgs { name, path }))
}

fn parse_bench(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut bench = BenchArgs {
        suite: None,
        json: false,
        runs: 5,
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("json") => bench.json = true,
            Long("runs") => bench.runs = parser.value()?.parse()?,
            Value(suite) if bench.suite.is_none() => {
                bench.suite = Some(parse_suite(&suite.string()?)?)
            }
            other => return Err(other.unexpected()),
        }
    }
    if bench.runs == 0 {
        return Err("--runs must be at least 1".into());
    }
    if bench.json && bench.suite.is_none() {
        return Err(
            "--json needs a suite, so that the output is one array: bench engine --json".into(),
        );
    }
    Ok(Command::Bench(bench))
}

fn parse_suite(name: &str) -> Result<Suite, lexopt::Error> {
    match name {
        "engine" => Ok(Suite::Engine),
        "media" => Ok(Suite::Media),
        _ => Err(format!("there is no benchmark '{name}': engine or media").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> String {
        match parse(lexopt::Parser::from_args(line.split_whitespace())) {
            Ok(command) => format!("{command:?}"),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn commands() {
        insta::assert_snapshot!(check(""), @"Help");
        insta::assert_snapshot!(check("demo"), @"Demo");
        insta::assert_snapshot!(check("header --check"), @"Header { check: true }");
        insta::assert_snapshot!(check("test --keep-going fmt tidy"), @r#"Test(TestArgs { keep_going: true, steps: ["fmt", "tidy"] })"#);
        insta::assert_snapshot!(check("bench"), @"Bench(BenchArgs { suite: None, json: false, runs: 5 })");
        insta::assert_snapshot!(check("bench media --runs 9 --json"), @"Bench(BenchArgs { suite: Some(Media), json: true, runs: 9 })");
    }

    #[test]
    fn builds_and_modules() {
        insta::assert_snapshot!(check("build"), @"Build(BuildArgs { linkage: Static, debug: false })");
        insta::assert_snapshot!(check("build --dynamic --debug"), @"Build(BuildArgs { linkage: Dynamic, debug: true })");
        insta::assert_snapshot!(check("dist"), @"Dist");
        insta::assert_snapshot!(check("new-module sharpen"), @r#"NewModule(NewModuleArgs { name: "sharpen", path: None })"#);
        insta::assert_snapshot!(check("new-module --path .. sharpen"), @r#"NewModule(NewModuleArgs { name: "sharpen", path: Some("..") })"#);
    }

    #[test]
    fn trials() {
        insta::assert_snapshot!(check("corpus"), @"Corpus(CorpusArgs { program: Release, names: [] })");
        insta::assert_snapshot!(check("corpus --debug h264 .ts"), @r#"Corpus(CorpusArgs { program: Debug, names: ["h264", ".ts"] })"#);
        insta::assert_snapshot!(check("fuzz --seed 3 --runs 1 --bmf /usr/bin/bmf"), @r#"Fuzz(FuzzArgs { program: At("/usr/bin/bmf"), seconds: 60, seed: Some(3), runs: Some(1), jobs: None })"#);
        insta::assert_snapshot!(check("soak --frames 1000"), @"Soak(SoakArgs { program: Release, frames: 1000 })");
        insta::assert_snapshot!(check("fuzz --jobs 0"), @"error: --jobs must be at least 1");
    }

    #[test]
    fn mistakes() {
        insta::assert_snapshot!(check("build --static --dynamic"), @"error: --static and --dynamic exclude each other");
        insta::assert_snapshot!(check("build fast"), @r#"error: unexpected argument "fast""#);
        insta::assert_snapshot!(check("new-module"), @"error: new-module needs a name: new-module sharpen --path ..");
        insta::assert_snapshot!(check("new-module a b"), @r#"error: unexpected argument "b""#);
        insta::assert_snapshot!(check("dmeo"), @"error: there is no command 'dmeo'");
        insta::assert_snapshot!(check("demo fast"), @r#"error: unexpected argument "fast""#);
        insta::assert_snapshot!(check("bench --json"), @"error: --json needs a suite, so that the output is one array: bench engine --json");
        insta::assert_snapshot!(check("bench gpu"), @"error: there is no benchmark 'gpu': engine or media");
        insta::assert_snapshot!(check("bench media --runs 0"), @"error: --runs must be at least 1");
    }
}
