//! Graphs as text, a line each:
//!
//! ```text
//! x,y = pass(a, b back) barrier queue=2    node: outputs, kind, inputs, settings
//! s = shift[-10](x)                        arguments in brackets
//! l,_ = flow_limiter(x, y) {"max_in_flight":2}   options of a module of the workspace
//! observe x y                              what the test sees; without it, all outputs
//! observe bounds x                         with the times that turn out to be empty
//! observe queue=5 x                        what waits for the test counts
//! graph queue=2 on_deadlock=fail executors=io:1
//! ```
//!
//! Streams that no node produces are fed by the test, `_` is connected to nothing. A node is called
//! like its first output, else like its kind. JSON has no spaces.

use bmf_core::Options;
use bmf_core::config::{
    Distribution, ExecutorConfig, GraphConfig, GraphMode, GraphOptions, InputManager,
    InputManagerConfig, LinkConfig, ModuleRef, NodeConfig, OnDeadlock, OnFull, ParallelConfig,
    StreamConfig, TimeOrder,
};
use serde_json::json;

use crate::nodes::timed;

/// Packets that may wait on a link unless the text says otherwise.
const QUEUE: usize = 100;

/// A graph that was read.
pub(crate) struct GraphText {
    pub(crate) config: GraphConfig,
    /// Streams whose bounds the test sees.
    pub(crate) with_bounds: Vec<String>,
}

pub(crate) fn read(text: &str) -> GraphText {
    let mut reader = Reader::default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.for_each(|line| reader.line(line));
    reader.finish()
}

#[derive(Default)]
struct Reader {
    option: GraphOptions,
    nodes: Vec<NodeConfig>,
    observed: Vec<StreamConfig>,
    with_bounds: Vec<String>,
}

/// `a=b` as a pair.
fn setting(word: &str) -> (&str, &str) {
    word.split_once('=').unwrap_or((word, ""))
}

fn count(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| panic!("number {text}"))
}

fn named<T: Copy>(all: &[(&str, T)], name: &str) -> T {
    let found = all.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no setting {name}")).1
}

impl Reader {
    fn line(&mut self, line: &str) {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "graph" => rest.split(' ').for_each(|word| self.graph_setting(word)),
            "observe" => self.observe(rest),
            _ => self.node(line),
        }
    }

    fn graph_setting(&mut self, word: &str) {
        match setting(word) {
            ("queue", packets) => self.option.queue_length_limit = Some(count(packets)),
            ("on_deadlock", name) => self.option.on_deadlock = named(&OnDeadlock::ALL, name),
            ("executors", list) => {
                let executors = list.split(',').filter_map(|one| one.split_once(':'));
                self.option.executors = executors
                    .map(|(name, workers)| ExecutorConfig {
                        name: name.to_owned(),
                        workers: count(workers),
                    })
                    .collect();
            }
            other => panic!("graph setting {other:?}"),
        }
    }

    fn observe(&mut self, rest: &str) {
        let mut bounds = false;
        let mut link = LinkConfig {
            queue_length_limit: Some(1_000_000),
            ..LinkConfig::default()
        };
        for word in rest.split(' ') {
            match setting(word) {
                ("bounds", _) => bounds = true,
                ("queue", packets) => link.queue_length_limit = Some(count(packets)),
                (name, _) => {
                    let mut stream = StreamConfig::new(name);
                    stream.link = link;
                    self.observed.push(stream);
                    self.with_bounds.extend(bounds.then(|| name.to_owned()));
                }
            }
        }
    }

    fn node(&mut self, line: &str) {
        let (outputs, rest) = line.split_once(" = ").unwrap_or(("", line));
        let (kind, rest) = rest
            .split_once('(')
            .unwrap_or_else(|| panic!("node {line}"));
        let (inputs, settings) = rest
            .split_once(')')
            .unwrap_or_else(|| panic!("node {line}"));
        let (kind, args) = kind.split_once('[').unwrap_or((kind, ""));
        let words = |text: &'_ str| -> Vec<String> {
            let words = text.split(',').map(|word| word.trim().to_owned());
            words.filter(|word| !word.is_empty()).collect()
        };
        let id = self.nodes.len();
        let outputs = words(outputs).into_iter().enumerate();
        let outputs = outputs.map(|(port, name)| match name.as_str() {
            "_" => format!("_{id}_{port}"),
            _ => name,
        });
        let outputs: Vec<String> = outputs.collect();
        let name = outputs.iter().find(|name| !name.starts_with('_'));
        let name = name.map_or(kind, String::as_str).to_owned();
        let args = words(args.trim_end_matches(']'));
        let args: Vec<i64> = args.iter().map(|arg| arg.parse().unwrap()).collect();
        let is_test_node = !bmf_module_flow::modules()
            .iter()
            .any(|module| module.descriptor().name == kind);
        let option = match is_test_node {
            true => Options::from_value(json!({ "args": args, "node": name })).unwrap(),
            false => Options::default(),
        };
        let mut node = NodeConfig {
            id: u32::try_from(id).unwrap(),
            alias: Some(name.clone()),
            name,
            module: ModuleRef {
                name: kind.to_owned(),
                ..ModuleRef::default()
            },
            inputs: words(inputs)
                .iter()
                .map(|input| read_input(input))
                .collect(),
            outputs: outputs.into_iter().map(StreamConfig::new).collect(),
            option,
            ..NodeConfig::default()
        };
        for word in settings.split_whitespace() {
            node_setting(&mut node, word);
        }
        self.nodes.push(node);
    }

    fn finish(mut self) -> GraphText {
        let is_made = |name: &str| {
            let mut made = self.nodes.iter().flat_map(|node| &node.outputs);
            made.any(|stream| stream.name == name)
        };
        let mut inputs: Vec<StreamConfig> = Vec::new();
        for input in self.nodes.iter().flat_map(|node| &node.inputs) {
            let known = inputs.iter().any(|known| known.name == input.name);
            if !known && !input.name.is_empty() && !is_made(&input.name) {
                inputs.push(StreamConfig::new(input.name.as_str()));
            }
        }
        if self.observed.is_empty() {
            let made = self.nodes.iter().flat_map(|node| &node.outputs);
            let made = made.filter(|stream| !stream.name.starts_with('_'));
            let names: Vec<String> = made.map(|stream| stream.name.clone()).collect();
            names.iter().for_each(|name| self.observe(name));
        }
        self.option.queue_length_limit.get_or_insert(QUEUE);
        let config = GraphConfig {
            mode: match (inputs.is_empty(), self.observed.is_empty()) {
                (false, _) => GraphMode::Pushdata,
                (true, false) => GraphMode::Generator,
                (true, true) => GraphMode::Normal,
            },
            option: self.option,
            inputs,
            outputs: self.observed,
            nodes: self.nodes,
            ..GraphConfig::default()
        };
        GraphText {
            config,
            with_bounds: self.with_bounds,
        }
    }
}

/// `a`, `a back`, `a order=drop on_full=latest queue=1`.
fn read_input(text: &str) -> StreamConfig {
    let mut words = text.split(' ');
    let name = words.next().unwrap_or_default();
    let mut stream = StreamConfig::new(if name == "_" { "" } else { name });
    for word in words {
        match setting(word) {
            ("back", _) => stream.link.back_edge = true,
            ("queue", packets) => stream.link.queue_length_limit = Some(count(packets)),
            ("order", name) => stream.link.time_order = Some(named(&TimeOrder::ALL, name)),
            ("on_full", name) => stream.link.on_full = Some(named(&OnFull::ALL, name)),
            other => panic!("input setting {other:?}"),
        }
    }
    stream
}

fn node_setting(node: &mut NodeConfig, word: &str) {
    let (name, options) = match word.find('{') {
        Some(at) => word.split_at(at),
        None => (word, "{}"),
    };
    let options = serde_json::from_str(options).unwrap_or_else(|error| panic!("{word}: {error}"));
    let options = Options::from_value(options).unwrap();
    if name == "timed" {
        node.input_manager = Some(timed());
    } else if let Some(manager) = InputManager::from_name(name) {
        node.input_manager = Some(InputManagerConfig { manager, options });
    } else {
        match setting(name) {
            ("", _) => node.option = options,
            ("queue", packets) => node.queue_length_limit = Some(count(packets)),
            ("executor", name) => node.executor = Some(name.to_owned()),
            ("parallel", instances) => {
                node.parallel = Some(ParallelConfig {
                    instances: count(instances),
                    distribution: Distribution::default(),
                });
            }
            other => panic!("node setting {other:?}"),
        }
    }
}
