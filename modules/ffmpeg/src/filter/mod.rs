//! `c_ffmpeg_filter`: FFmpeg's filters as a module. Which frames go in when is decided in `work`;
//! what filters do is FFmpeg's business.

mod chain;
mod joined;
mod options;
mod pads;
mod settings;
mod source;
mod text;
mod work;

use std::env;

use bmf_ffmpeg::names::FilterInfo;
use bmf_ffmpeg::{FilterGraph, OpenPad};
use bmf_sdk::Description as ModuleDescription;
use bmf_sdk::config::Threads;
use bmf_sdk::hmp::MediaKind;
use bmf_sdk::prelude::*;
use bmf_sdk::serde_json::{Value, json};

use chain::Chain;
pub(crate) use options::Options;
use settings::Settings;
use text::Description;
use work::Work;

pub(crate) struct Filter {
    options: Options,
    chain: Option<Chain>,
}

impl Module for Filter {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        let stages = self.options.stages();
        let groups: Vec<&[Options]> = stages.chunk_by(joined::go_together).collect();
        let last = groups.len() - 1;
        let works = groups.iter().enumerate().map(|(index, group)| {
            let inner: &[bool] = &[true];
            let inputs = match index {
                0 => context.connected_inputs(),
                _ => inner,
            };
            let outputs = match index == last {
                true => context.connected_outputs(),
                false => inner,
            };
            work(group, inputs, outputs, context.threads())
        });
        self.chain = Some(Chain::new(works.collect::<Result<_, _>>()?));
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        match &mut self.chain {
            Some(chain) => chain.step(task),
            None => Ok(Flow::Done),
        }
    }

    /// What the filters hold belongs to another place; the next frames find a new graph.
    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        if let Some(chain) = &mut self.chain {
            chain.flush();
        }
        Ok(())
    }

    /// Frees the graph: its frames are worth memory that others may need before the node itself
    /// is gone.
    fn close(&mut self, _: Ending) -> Result<(), ModuleError> {
        if let Some(chain) = &mut self.chain {
            chain.release();
        }
        Ok(())
    }

    fn report(&self) -> Report {
        self.chain.as_ref().map(Chain::report).unwrap_or_default()
    }
}

impl ModuleType for Filter {
    type Options = Options;

    fn describe() -> ModuleDescription {
        let inputs = PortSpec::new(
            "in",
            PortKind::Any,
            "pictures or sound, as the filter takes them",
        );
        let outputs = PortSpec::new("out", PortKind::Any, "what the filter gives");
        ModuleDescription::new("c_ffmpeg_filter", env!("CARGO_PKG_VERSION"))
            .summary("Runs FFmpeg filters")
            .any_inputs(0, None, inputs)
            .any_outputs(0, None, outputs)
    }

    fn sharing(options: &Options) -> Sharing {
        options::sharing(options)
    }

    fn validate(options: &Options) -> Vec<OptionIssue> {
        options::check(options)
    }

    fn new(options: Options) -> Result<Self, ModuleError> {
        Ok(Self {
            options,
            chain: None,
        })
    }

    fn fuse(chain: &[&bmf_sdk::Options]) -> Option<bmf_sdk::Options> {
        let mut stages = Vec::with_capacity(chain.len());
        for options in chain {
            match options.get("chain").and_then(Value::as_array) {
                Some(inner) if !inner.is_empty() => stages.extend(inner.iter().cloned()),
                _ => stages.push(Value::Object(options.0.clone())),
            }
        }
        bmf_sdk::Options::from_value(json!({ "chain": stages }))
    }

    /// `scale 1280:720`, `fade t=in d=1`: the name of any filter, then its parameters.
    fn verbs() -> Vec<String> {
        bmf_ffmpeg::names::filters()
    }

    fn shorthand(verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
        let info = FilterInfo::find(verb)?;
        let word = |arg: &ShorthandArg| match arg {
            ShorthandArg::Word(word) => word.clone(),
            ShorthandArg::Pair(key, value) => format!("{key}={value}"),
        };
        let para: Vec<String> = args.iter().map(word).collect();
        let mut options = json!({ "name": verb });
        if !para.is_empty() {
            options["para"] = Value::String(para.join(":"));
        }
        let options = bmf_sdk::Options::from_value(options)?;
        let (inputs, outputs) = match info.dynamic_inputs || info.dynamic_outputs {
            true => pads_of(verb, &para),
            false => (ports(&info.inputs), ports(&info.outputs)),
        };
        let takes = inputs.first().or(outputs.first()).copied();
        let mut shorthand = Shorthand::new(options, takes.unwrap_or(PortKind::Any));
        (shorthand.inputs, shorthand.outputs) = (inputs, outputs);
        Some(Ok(shorthand))
    }
}

/// One graph between ports: a stage, or several that share it.
fn work(
    group: &[Options],
    inputs: &[bool],
    outputs: &[bool],
    threads: Threads,
) -> Result<Work, ModuleError> {
    let parts = group.iter().map(Description::of);
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let (first, last) = (&parts[0], &parts[parts.len() - 1]);
    let variable = |name: &str| env::var(name).ok();
    let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    let settings = Settings::of(&group[0], &texts.join(","), threads, variable)?;
    let (pads_in, _) = inspect(first)?;
    let (_, pads_out) = inspect(last)?;
    let ports_in = pads::inputs(first, &pads_in, inputs)?;
    let ports_out = pads::outputs(last, &pads_out, outputs)?;
    let sources = pads_in
        .iter()
        .zip(ports_in)
        .map(|(pad, port)| source::Source::new(pad.kind, port));
    let sources = sources.collect();
    Ok(Work::new(parts, settings, sources, &ports_out))
}

fn inspect(part: &Description) -> Result<(Vec<OpenPad>, Vec<OpenPad>), ModuleError> {
    FilterGraph::inspect(&part.text).map_err(|error| failure(&part.title, &error))
}

/// What a filter takes and gives whose pads depend on its parameters; nothing is known where those are
/// wrong.
fn pads_of(name: &str, para: &[String]) -> (Vec<PortKind>, Vec<PortKind>) {
    let text = match para {
        [] => name.to_owned(),
        para => format!(
            "{name}={}",
            text::escaped(&para.join(":")).unwrap_or_default()
        ),
    };
    let (inputs, outputs) = FilterGraph::inspect(&text).unwrap_or_default();
    let kinds = |pads: Vec<OpenPad>| ports(&pads.iter().map(|pad| pad.kind).collect::<Vec<_>>());
    (kinds(inputs), kinds(outputs))
}

fn ports(kinds: &[MediaKind]) -> Vec<PortKind> {
    let port = |kind: &MediaKind| match kind {
        MediaKind::Video => PortKind::Video,
        MediaKind::Audio => PortKind::Audio,
        MediaKind::Subtitle | MediaKind::Data => PortKind::Any,
    };
    kinds.iter().map(port).collect()
}

/// FFmpeg's words about a filter, with the name the user knows it by. What it says about the place
/// in its own structures is left out where it says anything else.
fn failure(title: &str, error: &bmf_ffmpeg::Error) -> ModuleError {
    let place = |line: &&String| PLACES.iter().any(|place| line.starts_with(place));
    let said: Vec<&str> = error
        .details()
        .iter()
        .filter(|line| !place(line))
        .map(String::as_str)
        .collect();
    let words = if said.is_empty() {
        error.message().to_owned()
    } else {
        said.join("; ")
    };
    let result = ModuleError::new(format!("{title}: {words}"));
    match error.hint() {
        Some(hint) => result.with_hint(hint),
        None => result,
    }
}

const PLACES: [&str; 3] = [
    "Error initializing filter",
    "Failed to configure input pad",
    "Failed to configure output pad",
];
