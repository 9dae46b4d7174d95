//! What holds for a graph beside its filters: threads, the scaler's flags, and commands, which change
//! parameters of filters at given times.

use std::thread::available_parallelism;

use bmf_ffmpeg::{Error, FilterGraph, FilterInput, GraphConfig};
use bmf_sdk::config::Threads;
use bmf_sdk::prelude::*;

use super::options::{CommandSpec, Options, touches_outside};
use super::text;

/// BMF's variables: threads of a graph, and flags for scalers that have none of their own.
const THREADS: &str = "BMF_FILTERGRAPH_THREADS";
const SWS_FLAGS: &str = "BMF_SWS_FLAGS";

/// How many pixels make it worth while to wake another thread for a part of them, in filters that do
/// little with each, and in others. Measured with chains of `hflip`, `crop`, `vflip` and `negate`: at
/// 160x120 waking a second one doubles the time of the whole graph, at 1280x720 it is neither gain nor
/// loss.
const PIXELS_PER_THREAD: [u32; 2] = [250_000, 16_000];

/// More threads than this are a mistake: FFmpeg starts them all, whatever they are for.
const MOST_THREADS: u32 = 256;

/// Filters that do little with each pixel, or nothing.
const LIGHT: [&str; 30] = [
    "colorbalance",
    "colorchannelmixer",
    "concat",
    "copy",
    "crop",
    "drawbox",
    "drawgrid",
    "eq",
    "fade",
    "format",
    "fps",
    "hflip",
    "hue",
    "lut",
    "lutrgb",
    "lutyuv",
    "negate",
    "null",
    "overlay",
    "pad",
    "select",
    "setdar",
    "setpts",
    "setsar",
    "settb",
    "split",
    "swapuv",
    "transpose",
    "trim",
    "vflip",
];

/// The settings of one graph.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    /// What the node or the environment says; 0 is one per core.
    threads: Option<u32>,
    policy: Threads,
    pixels_per_thread: u32,
    scaler: Option<String>,
    commands: Vec<Command>,
    /// Whether filters may be made for a trial.
    may_try: bool,
    tried: bool,
}

/// A change of a parameter.
#[derive(Clone, Debug, PartialEq)]
struct Command {
    time: f64,
    target: String,
    name: String,
    arg: String,
}

impl Settings {
    /// `policy` is what the graph of nodes says of threads.
    ///
    /// # Errors
    /// The path of a setting that cannot be, and why.
    pub(super) fn of(
        options: &Options,
        text: &str,
        policy: Threads,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, OptionIssue> {
        let names = text::filter_names(text);
        let commands = options.commands.iter().enumerate();
        let commands = commands.map(|(index, spec)| command(index, spec, text, &names));
        let threads = match (options.threads, policy) {
            (Some(threads), _) if threads > MOST_THREADS => {
                let message = format!("{threads} threads; 0 to {MOST_THREADS} are possible");
                return Err(OptionIssue::invalid("threads", message));
            }
            (Some(threads), _) => Some(threads),
            (None, Threads::Auto) => from_variable(variable(THREADS))?,
            (None, _) => None,
        };
        let is_light = names.iter().all(|name| LIGHT.contains(&name.as_str()));
        let scaler = variable(SWS_FLAGS).filter(|flags| !flags.is_empty());
        Ok(Self {
            threads,
            policy,
            pixels_per_thread: PIXELS_PER_THREAD[usize::from(!is_light)],
            scaler: scaler.map(|flags| match flags.contains('=') {
                true => flags,
                false => format!("flags={flags}"),
            }),
            commands: commands.collect::<Result<_, _>>()?,
            may_try: !touches_outside(&names),
            tried: false,
        })
    }

    /// How many threads may work on one frame; 0 is one per core. What comes out does not depend on it.
    fn threads_for(&self, config: &GraphConfig, cores: u32) -> u32 {
        if let Some(threads) = self.threads {
            return threads;
        }
        let most = match self.policy {
            Threads::All => return 0,
            Threads::AtMost(most) => cores.min(most.get().into()),
            Threads::Auto => cores,
        };
        pixels(config).map_or(most, |pixels| {
            (pixels / self.pixels_per_thread).clamp(1, most)
        })
    }

    /// Makes a graph. A command that no filter takes is found before the first frame, on a graph that
    /// is thrown away. A graph made anew gets all commands again: those whose time has passed take
    /// effect with its first frame.
    pub(super) fn build(&mut self, mut config: GraphConfig) -> Result<FilterGraph, Error> {
        let cores = available_parallelism().map_or(1, |cores| cores.get() as u32);
        config.threads = Some(self.threads_for(&config, cores));
        config.scaler.clone_from(&self.scaler);
        if self.may_try && !self.tried && !self.commands.is_empty() {
            let mut graph = FilterGraph::new(&config)?;
            for command in &self.commands {
                graph.send_command(&command.target, &command.name, &command.arg)?;
            }
            self.tried = true;
        }
        let mut graph = FilterGraph::new(&config)?;
        for command in &self.commands {
            let (target, name) = (&command.target, &command.name);
            graph.queue_command(command.time, target, name, &command.arg)?;
        }
        Ok(graph)
    }
}

/// The pixels of the largest input; `None` where there are no inputs.
fn pixels(config: &GraphConfig) -> Option<u32> {
    let inputs = config.inputs.iter().map(|(_, input)| match input {
        FilterInput::Video(video) => video.width.saturating_mul(video.height),
        FilterInput::Audio(_) => 0,
    });
    inputs.max()
}

fn from_variable(threads: Option<String>) -> Result<Option<u32>, OptionIssue> {
    let Some(threads) = threads.filter(|threads| !threads.is_empty()) else {
        return Ok(None);
    };
    let number = threads.trim().parse().ok();
    let number = number.filter(|&number| number <= MOST_THREADS);
    number.map(Some).ok_or_else(|| {
        let message =
            format!("the variable {THREADS} is \"{threads}\", which is no number of threads");
        OptionIssue::invalid("", message)
            .with_hint(format!("set it to 0 to {MOST_THREADS}, or unset it"))
    })
}

fn command(
    index: usize,
    spec: &CommandSpec,
    text: &str,
    names: &[String],
) -> Result<Command, OptionIssue> {
    let issue = |key: &str, message: String| {
        OptionIssue::invalid(format!("commands.{index}.{key}"), message)
    };
    if !spec.time.is_finite() || spec.time < 0.0 {
        return Err(issue("time", format!("{} is no time", spec.time)));
    }
    if spec.command.is_empty() {
        return Err(issue("command", "no command is named".to_owned()));
    }
    let target = match (&spec.target, names) {
        (Some(target), _) => target.clone(),
        (None, [only]) => only.clone(),
        (None, _) => {
            let issue = issue("target", "there are several filters".to_owned());
            return Err(issue.with_hint(format!("name one of them: {}", names.join(", "))));
        }
    };
    // An instance is called `overlay@logo`, or `Parsed_overlay_0` where the user has not named it.
    let is_known = target == "all"
        || names.contains(&target)
        || target.starts_with("Parsed_")
        || (target.contains('@') && text.contains(&target));
    if !is_known {
        let issue = issue("target", format!("there is no filter \"{target}\" here"));
        return Err(issue.with_hint(format!("its filters are: {}", names.join(", "))));
    }
    Ok(Command {
        time: spec.time,
        target,
        name: spec.command.clone(),
        arg: spec.arg.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use bmf_ffmpeg::{PixFmt, VideoInput};
    use bmf_sdk::hmp::{Rational, TimeBase};
    use bmf_sdk::serde_json::{Value, from_value, json};

    use super::*;

    fn check(options: Value, threads: &str, flags: &str) -> String {
        let variable = |name: &str| match name {
            THREADS => Some(threads.to_owned()),
            _ => Some(flags.to_owned()),
        };
        match Settings::of(
            &from_value(options).unwrap(),
            "scale@a=4:4,hflip",
            Threads::Auto,
            variable,
        ) {
            Ok(settings) => format!("{:?} {:?}", settings.threads, settings.scaler),
            Err(issue) => format!("{}: {}", issue.path, issue.message),
        }
    }

    #[test]
    fn the_node_goes_before_the_environment() {
        let none = json!({});
        insta::assert_snapshot!(check(none.clone(), "", ""), @"None None");
        insta::assert_snapshot!(check(none.clone(), "3", "lanczos"), @r#"Some(3) Some("flags=lanczos")"#);
        insta::assert_snapshot!(check(none.clone(), "", "flags=area:threads=2"), @r#"None Some("flags=area:threads=2")"#);
        insta::assert_snapshot!(check(json!({"threads": 1}), "3", ""), @"Some(1) None");
        insta::assert_snapshot!(check(json!({"threads": 4_000_000_000_u32}), "", ""), @"threads: 4000000000 threads; 0 to 256 are possible");
        insta::assert_snapshot!(check(none.clone(), "20000", ""), @r#": the variable BMF_FILTERGRAPH_THREADS is "20000", which is no number of threads"#);
        insta::assert_snapshot!(check(none, "many", ""), @r#": the variable BMF_FILTERGRAPH_THREADS is "many", which is no number of threads"#);
    }

    #[test]
    fn small_pictures_get_one_thread() {
        let video = |width, height| {
            FilterInput::Video(VideoInput {
                width,
                height,
                pix_fmt: PixFmt::from_name("gray").unwrap(),
                time_base: TimeBase::MICROS,
                sample_aspect_ratio: Rational::ZERO,
                frame_rate: None,
            })
        };
        let threads = |text: &str, policy: i32, inputs: &[FilterInput]| {
            let policy = Threads::from_code(policy);
            let settings = Settings::of(&Options::default(), text, policy, |_| None).unwrap();
            let config = GraphConfig {
                inputs: inputs.iter().map(|input| (None, input.clone())).collect(),
                ..GraphConfig::default()
            };
            settings.threads_for(&config, 16)
        };
        assert_eq!(threads("hflip", 0, &[video(640, 360)]), 1);
        assert_eq!(threads("hflip,eq", 9, &[video(640, 360)]), 1);
        assert_eq!(threads("hflip", 3, &[video(64, 36), video(1920, 1080)]), 3);
        assert_eq!(threads("hflip", 9, &[video(1280, 720)]), 3);
        assert_eq!(threads("hflip,nlmeans", 9, &[video(160, 120)]), 1);
        assert_eq!(threads("hflip,nlmeans", 9, &[video(640, 360)]), 9);
        assert_eq!(threads("testsrc", 9, &[]), 9);
        assert_eq!(threads("testsrc", 1000, &[]), 16);
        assert_eq!(threads("hflip", -1, &[video(64, 36)]), 0);
    }

    #[test]
    fn commands_name_a_filter_of_the_graph() {
        let one = |command: Value| check(json!({ "commands": [command] }), "", "");
        insta::assert_snapshot!(one(json!({"time": 1, "target": "scale", "command": "w", "arg": 2})), @"None None");
        insta::assert_snapshot!(one(json!({"time": 1, "target": "scale@a", "command": "w"})), @"None None");
        insta::assert_snapshot!(one(json!({"time": 1, "command": "w"})), @"commands.0.target: there are several filters");
        insta::assert_snapshot!(one(json!({"time": 1, "target": "crop", "command": "w"})), @r#"commands.0.target: there is no filter "crop" here"#);
        insta::assert_snapshot!(one(json!({"time": -1, "target": "scale", "command": "w"})), @"commands.0.time: -1 is no time");
        insta::assert_snapshot!(one(json!({"target": "scale"})), @"commands.0.command: no command is named");
    }
}
