//! The options of `c_ffmpeg_filter`, and what can be said about them before anything is opened.

use bmf_ffmpeg::FilterGraph;
use bmf_ffmpeg::names::{self, FilterInfo};
use bmf_sdk::config::Threads;
use bmf_sdk::nearest;
use bmf_sdk::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use super::failure;
use super::settings::Settings;
use super::text::{self, Description};
use crate::values::optional_text;

/// Runs FFmpeg filters on pictures and sound: one (`name` and `para`), several with links between
/// them (`filters`, as BMF writes merged filters), any graph in FFmpeg's own notation (`graph`), or
/// several of these one after the other (`chain`).
///
/// Filter nodes that follow each other run as one such chain, unless the graph says `optimize_graph:
/// false`, or a setting of the link or of the later node would be lost. The frames are the same.
///
/// The graph is configured when every input has its first frame. An input that ends without one
/// counts as an empty stream of the same kind. When the format of an input changes, the graph is
/// drained and made anew for the new format. Frames are never copied on the way in or out.
///
/// Scaling is bicubic unless the filter says otherwise, as with the ffmpeg command.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Options {
    /// Name of one filter: `scale`.
    pub(super) name: Option<String>,
    /// Its parameters as ffmpeg's `-vf` takes them after `=`: `1280:720` or `w=1280:h=-2`. Commas,
    /// semicolons and brackets need no quoting.
    #[serde(deserialize_with = "optional_text")]
    #[schemars(with = "Option<String>")]
    pub(super) para: Option<String>,
    /// Several filters, linked by index.
    pub(super) filters: Vec<FilterSpec>,
    /// A graph in FFmpeg's notation: `[i0]split[a][b];[a]hflip[o0];[b]vflip[o1]`. `[i0]` is the
    /// first input of the node, `[o0]` its first output; what has no such label follows in order.
    pub(super) graph: Option<String>,
    /// Several of these, one after the other, each with options of its own: what neighbouring filter
    /// nodes become when the engine merges them. The frames are those of separate nodes.
    pub(super) chain: Vec<Options>,
    /// How many threads a filter may use that works on parts of a picture at once, 256 at most; 0: as many
    /// as there are cores. Without it what `threads` of the graph says, else the environment's
    /// BMF_FILTERGRAPH_THREADS, else what the size of the pictures and the filters are worth.
    pub(super) threads: Option<u32>,
    /// Changes of filter parameters while the graph runs, each at a time of its own.
    pub(super) commands: Vec<CommandSpec>,
}

/// A change of a filter's parameters at a time.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct CommandSpec {
    /// Seconds on the time line of the frames that the filter takes. The first frame that is not
    /// earlier meets the new value.
    pub(super) time: f64,
    /// Which filter, by its name (`overlay`) or the name it is given in `graph` (`overlay@logo`);
    /// without it the only filter there is.
    pub(super) target: Option<String>,
    /// What the filter calls it, usually the name of a parameter: `x`. Which it can change is said
    /// by `ffmpeg -h filter=overlay` with a T.
    pub(super) command: String,
    /// The new value.
    #[serde(deserialize_with = "optional_text")]
    #[schemars(with = "Option<String>")]
    pub(super) arg: Option<String>,
}

/// One of several filters.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct FilterSpec {
    /// Name of the filter.
    pub(super) name: String,
    /// Its parameters.
    #[serde(deserialize_with = "optional_text")]
    #[schemars(with = "Option<String>")]
    pub(super) para: Option<String>,
    /// Which inputs of the node go into which pads of the filter.
    pub(super) inputs: Vec<PadSpec>,
    /// Which pads of the filter go to which outputs of the node.
    pub(super) outputs: Vec<PadSpec>,
    /// Which output pads of this filter go into other filters.
    pub(super) links: Vec<LinkSpec>,
}

/// A stream of the node at a pad of a filter.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct PadSpec {
    /// Index of the input or output of the node.
    #[serde(deserialize_with = "optional_text")]
    #[schemars(with = "Option<u32>")]
    pub(super) stream: Option<String>,
    /// Index of the filter's pad.
    pub(super) pin: usize,
}

/// A connection between two filters.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct LinkSpec {
    /// Output pad of this filter, where the link begins.
    pub(super) input_pin: usize,
    /// Input pad of the other filter, where it ends.
    pub(super) output_pin: usize,
    /// Index of the other filter in `filters`.
    pub(super) output_filter: usize,
}

/// Options that name files. Initialising a filter that has one of them may open, create or bind
/// something, which must wait until the graph runs.
const OUTSIDE: [&str; 13] = [
    "filename",
    "file",
    "textfile",
    "fontfile",
    "stats_file",
    "model",
    "weights",
    "result",
    "input",
    "plugin",
    "sofa",
    "bind_address",
    "bitmap",
];

/// Filters that make one frame of one frame and carry nothing over.
pub(super) const FRAME_BY_FRAME: [&str; 40] = [
    "avgblur",
    "bilateral",
    "boxblur",
    "chromashift",
    "colorbalance",
    "colorchannelmixer",
    "colorspace",
    "copy",
    "crop",
    "curves",
    "delogo",
    "drawbox",
    "drawgrid",
    "edgedetect",
    "eq",
    "format",
    "gblur",
    "hflip",
    "hue",
    "lenscorrection",
    "lut",
    "lut3d",
    "lutrgb",
    "lutyuv",
    "negate",
    "null",
    "pad",
    "perspective",
    "rotate",
    "scale",
    "setdar",
    "setsar",
    "smartblur",
    "sobel",
    "swapuv",
    "transpose",
    "unsharp",
    "vflip",
    "vibrance",
    "zscale",
];

impl Options {
    /// The graphs one after the other.
    pub(super) fn stages(&self) -> &[Self] {
        match self.chain.as_slice() {
            [] => std::slice::from_ref(self),
            stages => stages,
        }
    }
}

/// Instances of a filter that carries something from frame to frame would give other frames.
pub(super) fn sharing(options: &Options) -> Sharing {
    if !options.chain.is_empty() {
        let stages = options.chain.iter().map(sharing);
        let mut doubts = stages.filter(|sharing| *sharing != Sharing::Possible);
        return doubts.next().unwrap_or_default();
    }
    let listed = options.filters.iter().map(|filter| filter.name.as_str());
    let names = options.name.as_deref().into_iter().chain(listed);
    let mut unknown = names.filter(|name| !FRAME_BY_FRAME.contains(name));
    let what = match (unknown.next(), &options.graph) {
        (Some(name), _) => format!("filter \"{name}\""),
        (None, Some(_)) => "its filter graph".to_owned(),
        (None, None) => return Sharing::Possible,
    };
    Sharing::Doubtful(format!(
        "{what} may carry something over from one frame to the next"
    ))
}

pub(super) fn check(options: &Options) -> Vec<OptionIssue> {
    let given = [
        options.name.is_some(),
        !options.filters.is_empty(),
        options.graph.is_some(),
        !options.chain.is_empty(),
    ];
    match given.iter().filter(|&&given| given).count() {
        0 => {
            let issue = OptionIssue::invalid("", "no filter is named");
            return vec![issue.with_hint("set \"name\" (and \"para\"), \"filters\" or \"graph\"")];
        }
        1 => {}
        _ => {
            let message = "\"name\", \"filters\", \"graph\" and \"chain\" exclude each other";
            return vec![OptionIssue::invalid("", message).with_hint("keep one of them")];
        }
    }
    if !options.chain.is_empty() {
        return check_chain(options);
    }
    let issues = match &options.graph {
        Some(graph) => check_names("graph", &text::filter_names(graph)),
        None => check_filters(options),
    };
    if !issues.is_empty() {
        return issues;
    }
    let description = match Description::of(options) {
        Ok(description) => description,
        Err(issue) => return vec![issue],
    };
    let mut issues = try_out(options, &description);
    issues.extend(Settings::of(options, &description.text, Threads::Auto, |_| None).err());
    issues
}

/// The stages one by one.
fn check_chain(options: &Options) -> Vec<OptionIssue> {
    let alone = [
        ("threads", options.threads.is_some()),
        ("commands", !options.commands.is_empty()),
    ];
    let alone = alone.iter().filter(|(_, given)| *given);
    let mut issues: Vec<OptionIssue> = alone
        .map(|(key, _)| {
            let issue = OptionIssue::invalid(*key, "a chain has none; its stages have");
            issue.with_hint(format!("write \"{key}\" into an element of \"chain\""))
        })
        .collect();
    for (index, stage) in options.chain.iter().enumerate() {
        let at = |issue: OptionIssue| OptionIssue {
            path: format!("chain.{index}.{}", issue.path)
                .trim_end_matches('.')
                .to_owned(),
            ..issue
        };
        if stage.chain.is_empty() {
            issues.extend(check(stage).into_iter().map(at));
        } else {
            issues.push(at(OptionIssue::invalid("chain", "a chain in a chain")));
        }
    }
    issues
}

/// The filters one by one.
fn check_filters(options: &Options) -> Vec<OptionIssue> {
    let single = options
        .name
        .iter()
        .map(|name| ("name".to_owned(), "para".to_owned(), name, &options.para));
    let several = options.filters.iter().enumerate().map(|(index, filter)| {
        let path = |key: &str| format!("filters.{index}.{key}");
        (path("name"), path("para"), &filter.name, &filter.para)
    });
    let mut issues = Vec::new();
    for (name_path, para_path, name, para) in single.chain(several) {
        issues.extend(check_names(&name_path, std::slice::from_ref(name)));
        if text::escaped(para.as_deref().unwrap_or_default()).is_none() {
            let message = format!("the quotes in the parameters of filter \"{name}\" do not match");
            issues.push(
                OptionIssue::invalid(para_path, message)
                    .with_hint("write \\' for a quote that quotes nothing"),
            );
        }
    }
    issues
}

fn check_names(path: &str, names: &[String]) -> Vec<OptionIssue> {
    let unknown = names.iter().filter(|name| FilterInfo::find(name).is_none());
    let issue = |name: &String| {
        let issue = OptionIssue::invalid(path, format!("there is no filter \"{name}\""));
        let known = names::filters();
        match nearest(name, known.iter().map(String::as_str)) {
            Some(name) => issue.with_hint(format!("did you mean \"{name}\"?")),
            None => issue.with_hint("\"ffmpeg -filters\" lists them"),
        }
    };
    unknown.map(issue).collect()
}

/// Whether filters of these names may open, create or bind something when they are made.
pub(super) fn touches_outside(names: &[String]) -> bool {
    let mut infos = names.iter().filter_map(|name| FilterInfo::find(name));
    infos.any(|info| OUTSIDE.iter().any(|option| info.options.contains(*option)))
}

/// Lets FFmpeg parse the whole, unless that could touch the outside world.
fn try_out(options: &Options, description: &Description) -> Vec<OptionIssue> {
    if touches_outside(&text::filter_names(&description.text)) {
        return Vec::new();
    }
    let Err(error) = FilterGraph::inspect(&description.text) else {
        return Vec::new();
    };
    let path = match (&options.name, &options.graph) {
        (Some(_), _) => "para",
        (_, Some(_)) => "graph",
        _ => "filters",
    };
    let error = failure(&description.title, &error);
    let issue = OptionIssue::invalid(path, error.message());
    vec![match error.hint() {
        Some(hint) => issue.with_hint(hint),
        None => issue,
    }]
}
