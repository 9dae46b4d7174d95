//! What was typed, as a value. It decides nothing: step names and the like are checked by the command that knows them.

use lexopt::prelude::*;

/// Shown for `--help` and under a usage error.
pub(crate) const HELP: &str = "\
cargo xtask <command>

  demo                               build bmf, make a clip, transcode it, show the result
  test [--keep-going] [STEP..]       what CI runs: fmt tidy clippy doc test loom smoke
  tidy                               the rules that rustc and clippy do not know
  bench [engine|media] [--json] [--runs N]
                                     engine: overhead per packet and hop
                                     media: bmf against the ffmpeg command, N interleaved runs (5)

`test`, `demo` and `bench` install missing system packages first. They ask before they do, unless CI is set or there is
no terminal; where they may not install they print the command to run.";

/// One command with its options.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Command {
    Help,
    Test(TestArgs),
    Demo,
    Tidy,
    Bench(BenchArgs),
}

/// `test`: no steps means all of them.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct TestArgs {
    pub(crate) keep_going: bool,
    pub(crate) steps: Vec<String>,
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
        "demo" => plain(&mut parser, Command::Demo),
        "tidy" => plain(&mut parser, Command::Tidy),
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
        insta::assert_snapshot!(check("test --keep-going fmt tidy"), @r#"Test(TestArgs { keep_going: true, steps: ["fmt", "tidy"] })"#);
        insta::assert_snapshot!(check("bench"), @"Bench(BenchArgs { suite: None, json: false, runs: 5 })");
        insta::assert_snapshot!(check("bench media --runs 9 --json"), @"Bench(BenchArgs { suite: Some(Media), json: true, runs: 9 })");
    }

    #[test]
    fn mistakes() {
        insta::assert_snapshot!(check("dmeo"), @"error: there is no command 'dmeo'");
        insta::assert_snapshot!(check("demo fast"), @r#"error: unexpected argument "fast""#);
        insta::assert_snapshot!(check("bench --json"), @"error: --json needs a suite, so that the output is one array: bench engine --json");
        insta::assert_snapshot!(check("bench gpu"), @"error: there is no benchmark 'gpu': engine or media");
        insta::assert_snapshot!(check("bench media --runs 0"), @"error: --runs must be at least 1");
    }
}
