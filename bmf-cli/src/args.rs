//! What was typed, in clap's terms, and what it means, as one [`Job`]. Nothing is opened here.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use bmf_engine::RunOptions;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::load::Choice;
use crate::logging::Verbosity;
use crate::{check, graph, inspect, modules, probe, progress, run, stats};

/// What the user wants done.
pub(crate) enum Job {
    Run(run::Request),
    Check(check::Request),
    Inspect(inspect::Request),
    Probe(probe::Request),
    Graph(graph::Request),
    Modules(modules::Request),
}

/// The whole command line.
pub(crate) struct Asked {
    pub(crate) job: Job,
    pub(crate) verbosity: Verbosity,
    /// Where to look for modules first.
    pub(crate) modules: Vec<PathBuf>,
}

/// Reads the command line. On a usage error, `--help` and `--version` clap ends the process.
pub(crate) fn parse() -> Asked {
    let typed = Typed::parse();
    let verbosity = match (typed.quiet, typed.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, 1) => Verbosity::Info,
        (false, _) => Verbosity::Debug,
    };
    let job = match typed.command {
        Command::Run(args) => Job::Run(args.meaning(typed.quiet)),
        Command::Check(args) => Job::Check(check::Request {
            graph: args.graph.meaning(),
            strict: args.strict,
            quiet: typed.quiet,
        }),
        Command::Inspect(args) => Job::Inspect(inspect::Request {
            input_managers: args.input_managers,
            module: args.module,
            json: args.json,
        }),
        Command::Probe(args) => Job::Probe(args.meaning(typed.quiet)),
        Command::Graph(args) => Job::Graph(graph::Request {
            graph: args.graph.meaning(),
            format: args.format,
            quiet: typed.quiet,
        }),
        Command::Modules(args) => Job::Modules(args.meaning()),
    };
    Asked {
        job,
        verbosity,
        modules: typed.modules,
    }
}

/// Runs graphs of media modules: decode, filter, encode.
#[derive(Debug, Parser)]
#[command(name = "bmf", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 the run failed, 2 wrong usage or a wrong graph, \
                        130 interrupted."
)]
struct Typed {
    /// Tell more; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Look for modules in this directory first; may be given several times
    #[arg(long, global = true, value_name = "DIR")]
    modules: Vec<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(RunArgs),
    Check(CheckArgs),
    Inspect(InspectArgs),
    Probe(ProbeArgs),
    Graph(GraphArgs),
    Modules(ModulesArgs),
}

/// Which graph is meant.
#[derive(Args, Debug)]
struct GraphChoice {
    /// A graph file (*.json, *.toml), or a graph in one line: 'decode in.mp4 ! encode out.mp4'
    graph: OsString,
    /// Set an option of a node, how it runs (NODE.executor=io), or an option of the graph
    /// (option.memory_budget=1GB); may be given several times
    #[arg(long, value_name = "NODE.OPTION=VALUE")]
    set: Vec<String>,
}

/// Run a graph
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bmf run transcode.toml --set encode.video_params.crf=28
  bmf run 'decode in.mp4 ! scale 1280:720 ! encode out.mp4 crf=23'

A line is nodes between '!':
  decode FILE [OPTION=VALUE]...   options of c_ffmpeg_decoder: start_time=2, map_a=1
  FILTER [ARGUMENT]...            any FFmpeg filter, on the newest stream of its kind: scale 640:360;
                                  one with several inputs takes as many: decode a ! decode b ! hstack
  encode FILE [OPTION=VALUE]...   options of c_ffmpeg_encoder; others go to the video encoder
                                  (crf=23), with audio_params. or mux_params. before them elsewhere
  MODULE [OPTION=VALUE]...        any module that `bmf inspect` lists
What branches, or takes one stream only, is written as a file.

The first Ctrl-C ends the sources and finishes the outputs, the second gives up what is under way,
the third ends the process at once.")]
struct RunArgs {
    #[command(flatten)]
    graph: GraphChoice,
    /// How progress is shown on stderr
    #[arg(long, value_enum, default_value_t = Progress::Auto, value_name = "HOW")]
    progress: Progress,
    /// Write what every node and link did as JSON; '-' is stdout
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// Run everything on one worker, in one reproducible order
    #[arg(long, conflicts_with = "workers")]
    inline: bool,
    /// Worker threads; by default as many as there are cores
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// Fail when nothing has moved for so long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
}

/// Check a graph without running it
#[derive(Args, Debug)]
struct CheckArgs {
    #[command(flatten)]
    graph: GraphChoice,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
}

/// List the modules, or tell all about one
#[derive(Args, Debug)]
struct InspectArgs {
    /// The module to tell about; without it all are listed
    module: Option<String>,
    /// Tell about the input managers instead: how the packets of several inputs are put together
    #[arg(long, conflicts_with = "module")]
    input_managers: bool,
    /// Print descriptors as JSON
    #[arg(long)]
    json: bool,
}

/// Tell what is in media files
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  bmf probe in.mp4
  bmf probe *.mkv --format json
  bmf probe rtsp://camera/1 --option rtsp_transport=tcp

Nothing is decoded but what FFmpeg needs to know the formats. Durations are in seconds.")]
struct ProbeArgs {
    /// Files or URLs
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = probe::Format::Text)]
    format: probe::Format,
    /// FFmpeg's name of the input format, for files that do not tell what they are: rawvideo
    #[arg(long, value_name = "NAME")]
    input_format: Option<String>,
    /// Option of FFmpeg's protocol or demuxer; may be given several times
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
}

/// Draw a graph, or convert it
#[derive(Args, Debug)]
struct GraphArgs {
    #[command(flatten)]
    graph: GraphChoice,
    /// What to print
    #[arg(long, value_enum, default_value_t = graph::Format::Dot)]
    format: graph::Format,
}

/// List the modules and where they are from, install libraries of modules, uninstall them
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Modules are in the program, and in libraries (*.so) in these directories, the first one first:
  --modules DIR
  BMF_MODULE_PATH               directories, separated as in PATH
  modules                       beside the program
  $XDG_DATA_HOME/bmf/modules    or ~/.local/share/bmf/modules: where `bmf modules install` puts them
  /usr/local/share/bmf_mods, /opt/tiger/bmf_mods
What is known of libraries is kept in $XDG_CACHE_HOME/bmf/modules.json, or in the file that
BMF_MODULE_CACHE names.")]
struct ModulesArgs {
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<ModulesCommand>,
}

#[derive(Debug, Subcommand)]
enum ModulesCommand {
    /// Copy a library into your directory of modules, if it can be used
    Install {
        /// A library, a folder with libraries in it, or one with a meta.info
        #[arg(value_name = "FILE|DIR")]
        what: PathBuf,
        /// Another directory than yours
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Remove a library from your directory of modules
    Uninstall {
        /// A module, or the file name of a library
        #[arg(value_name = "NAME|FILE")]
        what: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Progress {
    /// A bar on a terminal, else a line every few seconds
    Auto,
    /// A line each second
    Plain,
    /// A JSON object each second
    Json,
    /// Nothing
    None,
}

impl GraphChoice {
    fn meaning(self) -> Choice {
        Choice {
            graph: self.graph,
            sets: self.set,
        }
    }
}

impl ModulesArgs {
    fn meaning(self) -> modules::Request {
        match self.command {
            None => modules::Request::List { json: self.json },
            Some(ModulesCommand::Install { what, to }) => modules::Request::Install { what, to },
            Some(ModulesCommand::Uninstall { what }) => modules::Request::Uninstall { what },
        }
    }
}

impl ProbeArgs {
    fn meaning(self, quiet: bool) -> probe::Request {
        probe::Request {
            files: self.files,
            format: self.format,
            input_format: self.input_format,
            params: self.options,
            quiet,
        }
    }
}

impl RunArgs {
    fn meaning(self, quiet: bool) -> run::Request {
        let progress = match self.progress {
            Progress::Auto if quiet => progress::Style::None,
            Progress::Auto => progress::Style::for_this_terminal(),
            Progress::Plain => progress::Style::Lines(Duration::from_secs(1)),
            Progress::Json => progress::Style::Json,
            Progress::None => progress::Style::None,
        };
        run::Request {
            graph: self.graph.meaning(),
            strict: self.strict,
            options: RunOptions {
                workers: self.workers.map(NonZeroUsize::get),
                inline: self.inline,
                time_out: self.timeout,
            },
            progress,
            stats: self.stats.map(stats::Target::new),
            quiet,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "expected a number of seconds above 0".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Typed::command().debug_assert();
    }

    #[test]
    fn seconds_are_positive_and_finite() {
        let check = |text| seconds(text).map(|duration| duration.as_secs_f64()).ok();
        assert_eq!(check("2.5"), Some(2.5));
        assert_eq!(
            ["0", "-1", "inf", "nan", "1e30", "2s"].map(check),
            [None; 6]
        );
    }
}
