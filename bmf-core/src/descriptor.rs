//! What a module says of itself before it is created: ports, options, documentation. This is all
//! that validation, `bmf inspect` and the shell one-liner know of a module.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::InputManagerConfig;
use crate::{Module, ModuleError, OptionIssue, Options};

/// The description of a module.
///
/// As JSON it crosses the border of a plugin, and is what `bmf inspect --json` prints. Only `name`
/// must be there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModuleDescriptor {
    /// The name that graphs use, such as `c_ffmpeg_decoder`.
    pub name: String,
    /// Version of the module, usually its crate's.
    pub version: String,
    /// One line for lists.
    pub summary: String,
    /// What it does, in paragraphs.
    pub docs: String,
    /// Input ports.
    pub inputs: Ports,
    /// Output ports.
    pub outputs: Ports,
    /// Whether it does something of its own (writes a file, sends, counts), so that it is worth
    /// running although nobody consumes its outputs.
    pub is_sink: bool,
    /// Whether `process` may wait for the outside world, such as a network. A source always may.
    pub may_block: bool,
    /// Whether `process` is also called when no packet came but a timestamp bound rose.
    pub wants_bounds: bool,
    /// Whether it is enough that one output has room: the module looks at
    /// [`TaskOutput::room`](crate::TaskOutput::room) and chooses.
    pub any_room: bool,
    /// Whether the module calls [`Task::flush_outputs`](crate::Task::flush_outputs).
    pub flushes_early: bool,
    /// The JSON Schema of the options, with defaults and descriptions.
    pub options: Value,
    /// The input policy this module needs, where it needs one; a graph may still override it.
    pub input_manager: Option<InputManagerConfig>,
    /// What one-line graphs call it beside its name: `decode`, or the name of a filter.
    pub verbs: Vec<String>,
}

/// Where ports of any number end: a graph names them by number, and each costs memory.
const MOST_PORTS: usize = 4096;

/// The ports on one side of a module. As JSON an array of ports, or `{"min": 1, "max": null, "each":
/// {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ports {
    /// Exactly these, in index order.
    Fixed(Vec<PortSpec>),
    /// As many alike as the graph connects, between `min` and `max`.
    Any {
        /// Fewest that make sense.
        #[serde(default)]
        min: usize,
        /// Most that are possible; `None` is without limit.
        #[serde(default)]
        max: Option<usize>,
        /// What each of them is.
        each: PortSpec,
    },
}

/// One port. As JSON only `name` must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortSpec {
    /// Name in graphs and messages, such as `video`.
    pub name: String,
    /// What travels there.
    pub kind: PortKind,
    /// One line of documentation.
    pub docs: String,
    /// Whether the module works without it being connected.
    pub optional: bool,
    /// Whether what arrives here is meant to come from further down, in a loop.
    pub back_edge: bool,
    /// The option that an input takes the place of: one of the two must be there, and not both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
}

/// What kind of packets a port carries.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortKind {
    /// Decoded pictures.
    Video,
    /// Decoded sound.
    Audio,
    /// Subtitles as they were coded. One-line graphs do not connect them.
    Subtitle,
    /// Any packet. Also what a program that does not know a kind takes it for.
    #[default]
    #[serde(other)]
    Any,
}

impl PortKind {
    /// Its name in lists and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Subtitle => "subtitle",
            Self::Any => "any",
        }
    }
}

impl PortSpec {
    /// A port that must be connected.
    pub fn new(name: &str, kind: PortKind, docs: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            docs: docs.to_owned(),
            optional: false,
            back_edge: false,
            instead_of: None,
        }
    }

    /// The same port, but the module works without it.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same input, as another way to give what an option gives: one of the two must be there.
    #[must_use]
    pub fn instead_of(mut self, option: &str) -> Self {
        self.instead_of = Some(option.to_owned());
        self.optional = true;
        self
    }

    /// The same port, for what comes back in a loop: graphs need not declare the link as a back
    /// edge.
    #[must_use]
    pub fn back_edge(mut self) -> Self {
        self.back_edge = true;
        self
    }
}

/// No ports.
impl Default for Ports {
    fn default() -> Self {
        Self::none()
    }
}

impl Ports {
    /// No ports.
    pub fn none() -> Self {
        Self::Fixed(Vec::new())
    }

    /// The index of the port called `name`. Alike ports go by their number.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        match self {
            Self::Fixed(ports) => ports
                .iter()
                .position(|port| port.name == name)
                .or_else(|| name.parse().ok().filter(|&index| index < ports.len())),
            Self::Any { max, .. } => name
                .parse()
                .ok()
                .filter(|&index| index < max.unwrap_or(MOST_PORTS)),
        }
    }

    /// The port at `index`.
    pub fn get(&self, index: usize) -> Option<&PortSpec> {
        match self {
            Self::Fixed(ports) => ports.get(index),
            Self::Any { max, each, .. } => Some(each).filter(|_| max.is_none_or(|max| index < max)),
        }
    }

    /// The name of the port at `index`, for messages: its own, or its number.
    pub fn name_of(&self, index: usize) -> String {
        match self {
            Self::Fixed(ports) if index < ports.len() => ports[index].name.clone(),
            _ => index.to_string(),
        }
    }

    /// Fewest and most ports (`None`: no limit).
    pub fn limits(&self) -> (usize, Option<usize>) {
        match self {
            Self::Fixed(ports) => {
                let required = ports.iter().rposition(|port| !port.optional);
                (required.map_or(0, |last| last + 1), Some(ports.len()))
            }
            Self::Any { min, max, .. } => (*min, *max),
        }
    }
}

/// Makes instances of one module. One factory serves all graphs of a process.
pub trait ModuleFactory: Send + Sync {
    /// What the module is.
    fn descriptor(&self) -> &ModuleDescriptor;

    /// Checks options without creating or opening anything.
    fn check(&self, options: &Options) -> Vec<OptionIssue>;

    /// Makes an instance. Opens nothing: that is [`Module::open`].
    ///
    /// # Errors
    /// When the options do not fit; [`check`](Self::check) finds the same before.
    fn create(&self, options: &Options) -> Result<Box<dyn Module>, ModuleError>;

    /// Whether several instances may share the input of one node, each seeing only a part of it.
    fn sharing(&self, options: &Options) -> Sharing {
        let _ = options;
        Sharing::Possible
    }

    /// The options with which one instance does what several do one after the other, each taking on
    /// its only input what the one before gives on its only output: the same packets come out. The
    /// engine then makes one node of them. `None`: it would not be the same, or no gain.
    fn fuse(&self, chain: &[&Options]) -> Option<Options> {
        let _ = chain;
        None
    }

    /// What one of the descriptor's verbs stands for in a one-line graph: `decode in.mp4` or `scale
    /// 1280:720`. `None` where the module cannot tell; an inner `Err` is a message for the user.
    fn shorthand(&self, verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
        let _ = (verb, args);
        None
    }
}

/// Whether several instances of a module may share the input of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// They may: nothing is carried over from one packet to the next, or the author does not say.
    #[default]
    Possible,
    /// The result may be another one; why.
    Doubtful(String),
    /// The result would be wrong; why.
    Impossible(String),
}

/// One word after the verb in a one-line graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShorthandArg {
    /// A bare word: `in.mp4`.
    Word(String),
    /// A pair: `crf=23`.
    Pair(String, String),
}

/// What a verb of a one-line graph stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shorthand {
    /// The options of the node.
    pub options: Options,
    /// Which of the flowing streams the node takes; the others pass it by.
    pub takes: PortKind,
    /// What each input takes, where that is known better than by the descriptor: two pictures for an
    /// overlay. Empty: one stream of `takes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<PortKind>,
    /// What each output gives, where `inputs` says what each input takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<PortKind>,
    /// Whether nothing flows on behind the node, although it has outputs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_end: bool,
}

impl Shorthand {
    /// A node with these options that takes one stream of a kind.
    pub fn new(options: Options, takes: PortKind) -> Self {
        Self {
            options,
            takes,
            inputs: Vec::new(),
            outputs: Vec::new(),
            is_end: false,
        }
    }
}
