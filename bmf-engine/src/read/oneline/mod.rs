//! The one-line graph: `decode in.mp4 ! scale 1280:720 ! encode out.mp4 crf=23`. What verbs mean
//! and which streams they take is the modules' to say.

mod flow;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use bmf_core::config::{GraphConfig, ModuleRef, NodeConfig};
use bmf_core::{
    Diagnostic, Diagnostics, ModuleFactory, Options, PortKind, Shorthand, ShorthandArg, SourceText,
    Span,
};
use bmf_modules::{Missing, Registry};
use serde_json::{Map, Value};

use flow::Flow;
use words::{Segment, Word};

use super::{ReadResult, finish, lower, suggestion};
use crate::panics;

/// What places in the line are shown as belonging to.
const SOURCE_NAME: &str = "<command line>";

/// Reads a graph written in one line.
///
/// The line is a chain of nodes with `!` between them; words are quoted as in a shell. A node is a
/// verb that a module of `registry` answers to, or a module's own name with `key=value` options.
/// Streams flow from left to right: a node takes those of its kind, the others pass it by.
///
/// # Errors
/// Everything that is wrong with the line, with places in it.
pub fn parse_line(line: &str, registry: &Registry) -> ReadResult {
    let source = SourceText::new(SOURCE_NAME, line);
    let mut builder = Builder {
        registry,
        out: Diagnostics::new(Some(source.clone())),
        nodes: Vec::new(),
        flow: Flow::default(),
    };
    for segment in words::split(line, &mut builder.out) {
        builder.segment(&segment);
    }
    let graph = GraphConfig {
        source: Some(source),
        nodes: builder.nodes,
        ..GraphConfig::default()
    };
    finish(graph, builder.out)
}

struct Builder<'a> {
    registry: &'a Registry,
    out: Diagnostics,
    nodes: Vec<NodeConfig>,
    flow: Flow,
}

impl Builder<'_> {
    fn segment(&mut self, segment: &Segment) {
        let meaning = match Meaning::of(segment, self.registry) {
            Ok(meaning) => meaning,
            Err(problem) => {
                self.out.push(problem);
                // Without knowing this node nobody knows what flows on.
                self.flow.lose_track();
                return;
            }
        };
        let mut node = self.node(segment, &meaning);
        let module = meaning.module.descriptor();
        let verb = &segment.verb;
        if module.name != verb.text && self.registry.names().contains(&verb.text) {
            log::warn!(
                "\"{}\" in the line is a verb of {}; for the module of that name write the graph as \
                 a file",
                verb.text,
                module.name
            );
        }
        let connected = self.flow.pass(&mut node, module, &meaning.shorthand);
        if let Err(message) = connected {
            self.out
                .push(Diagnostic::error(message).at(segment.verb.span));
            self.flow.lose_track();
        }
        self.nodes.push(node);
    }

    fn node(&self, segment: &Segment, meaning: &Meaning) -> NodeConfig {
        let is_taken = |name: &str| self.nodes.iter().any(|node| node.name == name);
        let mut node = NodeConfig {
            id: u32::try_from(self.nodes.len()).unwrap_or(u32::MAX),
            name: lower::unique(&segment.verb.text, is_taken),
            module: ModuleRef {
                name: meaning.module.descriptor().name.clone(),
                ..ModuleRef::default()
            },
            option: meaning.shorthand.options.clone(),
            ..NodeConfig::default()
        };
        node.spans.node = Some(segment.span());
        node.spans.id = Some(segment.verb.span);
        node.spans.module = Some(segment.verb.span);
        let values = &meaning.shorthand.options.0;
        option_spans(values, "", segment, &mut node.spans.option);
        node
    }
}

/// What a segment stands for.
struct Meaning {
    module: Arc<dyn ModuleFactory>,
    shorthand: Shorthand,
}

impl Meaning {
    fn of(segment: &Segment, registry: &Registry) -> Result<Self, Diagnostic> {
        let verb = segment.verb.text.as_str();
        let arguments: Vec<ShorthandArg> = segment.arguments.iter().map(Word::argument).collect();
        let answer = panics::caught(|| registry.shorthand(verb, &arguments));
        let answer = answer.map_err(|message| {
            Diagnostic::error(format!("{verb}: the module panicked: {message}"))
                .at(segment.verb.span)
                .help(Some("this is a defect of the module; report it".to_owned()))
        })?;
        if let Some((factory, shorthand)) = answer {
            let place = segment.arguments_span();
            let shorthand = shorthand
                .map_err(|message| Diagnostic::error(format!("{verb}: {message}")).at(place))?;
            return Ok(Self {
                module: factory,
                shorthand,
            });
        }
        let factory = registry
            .find(verb)
            .map_err(|missing| unknown_verb(registry, &segment.verb, missing))?;
        let first = factory.descriptor().inputs.get(0);
        let takes = first.map_or(PortKind::Any, |port| port.kind);
        Ok(Self {
            shorthand: Shorthand::new(module_options(segment)?, takes),
            module: factory,
        })
    }
}

/// The options of a module that was called by its own name.
fn module_options(segment: &Segment) -> Result<Options, Diagnostic> {
    let mut options = Options::default();
    for word in &segment.arguments {
        let ShorthandArg::Pair(key, text) = word.argument() else {
            let verb = &segment.verb.text;
            let message = format!("{verb} takes options as key=value, found \"{}\"", word.text);
            return Err(Diagnostic::error(message).at(word.span));
        };
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        options.set(&key, value).map_err(|issue| {
            Diagnostic::error(issue.message)
                .at(word.span)
                .help(issue.hint)
        })?;
    }
    Ok(options)
}

fn unknown_verb(registry: &Registry, verb: &Word, missing: Missing) -> Diagnostic {
    let known = registry.verbs();
    let known = known.iter().map(String::as_str);
    let help = match (missing.refused, suggestion(&verb.text, known)) {
        (Some(refused), Some(near)) => Some(format!("{refused}; or {near}")),
        (Some(refused), None) => Some(refused.to_string()),
        (None, near) => near,
    };
    Diagnostic::error(format!("no module answers to \"{}\"", verb.text))
        .at(verb.span)
        .help(help)
}

/// Where each option comes from: the pair of its name, else the word of its value, else somewhere
/// among the arguments.
fn option_spans(
    options: &Map<String, Value>,
    prefix: &str,
    segment: &Segment,
    spans: &mut BTreeMap<String, (Span, Span)>,
) {
    for (key, value) in options {
        let path = format!("{prefix}{key}");
        if let Value::Object(group) = value {
            option_spans(group, &format!("{path}."), segment, spans);
        }
        let pair = segment.arguments.iter().find_map(|word| {
            let (pair_key, key_span, value_span) = word.pair_spans()?;
            (pair_key == path || pair_key == key).then_some((key_span, value_span))
        });
        let mut words = segment.arguments.iter().chain([&segment.verb]);
        let word = words.find(|word| value.as_str() == Some(&word.text));
        let place = word.map_or_else(|| segment.arguments_span(), |word| word.span);
        spans.insert(path, pair.unwrap_or((place, place)));
    }
}
