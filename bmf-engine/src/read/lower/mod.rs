//! Tree to configuration, top level. Every problem is collected; none ends the reading early.

mod fields;
mod flow;
mod name;
mod node;
mod reference;
mod set;
mod size;
mod stream;

use bmf_core::config::{
    GraphConfig, GraphMode, GraphOptions, NodeConfig, OnDeadlock, StreamConfig,
};
use bmf_core::{Diagnostic, Diagnostics, Options, Span};

use fields::Fields;
pub(super) use name::{base_name, unique};
use reference::Reference;
pub(super) use set::{NODE_SETTINGS, set_graph_option, set_node_setting};

use super::tree::{Entry, Tree, Value};
use super::{Dialect, suggestion};

const GRAPH_KEYS: &[&str] = &["mode", "option", "input_streams", "output_streams", "nodes"];
const GRAPH_SUGAR: &[&str] = &["options", "inputs", "outputs"];

/// Graph options that the configuration has fields for.
const OPTION_KEYS: &[&str] = &[
    "scheduler_count",
    "executors",
    "time_out",
    "dump_graph",
    "graph_name",
    "queue_length_limit",
    "queue_bytes_limit",
    "memory_budget",
    "on_deadlock",
    "optimize_graph",
    "threads",
];

/// Graph options that BMF's builders write and that mean nothing here.
const OPTION_KEYS_OF_BMF: &[&str] = &["user_id", "hungry_check", "no_output_stream"];

/// The graph that `tree` describes, as far as it can be understood.
pub(super) fn graph(tree: &Tree, dialect: Dialect, out: &mut Diagnostics) -> GraphConfig {
    let mut cx = Context::new(dialect, out);
    let mut graph = GraphConfig::default();
    let Value::Object(entries) = &tree.value else {
        let found = tree.describe(dialect);
        cx.error(
            format!("expected a graph (an object with \"nodes\"), found {found}"),
            tree.span,
        );
        return graph;
    };
    let fields = Fields::new("the graph", entries, tree.span);
    fields.check_keys(&[GRAPH_KEYS, cx.sugar(GRAPH_SUGAR)], &mut cx);
    graph.mode = mode(&fields, &mut cx);
    if let Some(options) = cx.one_of(&fields, "option", "options") {
        let owner = "the graph's options";
        if let Some(fields) = Fields::of(options, "the graph", owner, &mut cx) {
            graph.option = graph_options(&fields, &mut cx);
        }
    }
    if let Some(streams) = cx.one_of(&fields, "input_streams", "inputs") {
        graph.inputs = cx.streams(streams, "the graph");
    }
    graph.outputs = graph_outputs(&fields, &mut cx);
    graph.nodes = nodes(&fields, &mut cx);
    name::assign(&mut graph.nodes, &mut cx);
    reference::resolve(&mut graph, &mut cx);
    graph
}

/// What all of the lowering shares.
struct Context<'a> {
    dialect: Dialect,
    out: &'a mut Diagnostics,
    /// Inputs that name a node or one of its ports: settled when all nodes are known.
    references: Vec<Reference>,
    /// Names that were given explicitly, by node, with their places.
    names: Vec<Option<(String, Span)>>,
    /// Numbers that were given explicitly, by node.
    given_ids: Vec<Option<u32>>,
}

impl<'a> Context<'a> {
    fn new(dialect: Dialect, out: &'a mut Diagnostics) -> Self {
        Self {
            dialect,
            out,
            references: Vec::new(),
            names: Vec::new(),
            given_ids: Vec::new(),
        }
    }

    fn error(&mut self, message: String, span: Span) {
        self.out.push(Diagnostic::error(message).at(span));
    }

    fn error_with_help(&mut self, message: String, span: Span, help: impl Into<Option<String>>) {
        self.out
            .push(Diagnostic::error(message).at(span).help(help));
    }

    /// `keys` where the dialect has shorter ways to say things, else nothing.
    fn sugar(&self, keys: &'static [&'static str]) -> &'static [&'static str] {
        match self.dialect {
            Dialect::Json => &[],
            Dialect::Toml => keys,
        }
    }

    /// The field called `name` or, in TOML, `short`; both at once are an error.
    fn one_of<'t>(&mut self, fields: &Fields<'t>, name: &str, short: &str) -> Option<&'t Entry> {
        let given = fields.get(name);
        if self.dialect == Dialect::Json {
            return given;
        }
        let other = fields.get(short);
        if let (Some(_), Some(other)) = (given, other) {
            let owner = fields.owner();
            let message = format!("{owner} has both \"{name}\" and \"{short}\"");
            self.error(message, other.key_span);
        }
        given.or(other)
    }
}

fn mode(fields: &Fields<'_>, cx: &mut Context<'_>) -> GraphMode {
    let Some((text, span)) = fields.string("mode", cx) else {
        return GraphMode::default();
    };
    GraphMode::from_name(text).unwrap_or_else(|| {
        let known = GraphMode::ALL.map(|(name, _)| name);
        unknown_choice("mode", text, &known, span, cx);
        GraphMode::default()
    })
}

/// Reports a word that is none of the `known` ones.
fn unknown_choice(what: &str, text: &str, known: &[&str], span: Span, cx: &mut Context<'_>) {
    let help = suggestion(text, known.iter().copied());
    let message = format!("unknown {what} \"{text}\" (known are {})", known.join(", "));
    cx.error_with_help(message, span, help);
}

fn graph_options(fields: &Fields<'_>, cx: &mut Context<'_>) -> GraphOptions {
    fields.check_keys(&[OPTION_KEYS, OPTION_KEYS_OF_BMF], cx);
    let other = fields
        .entries()
        .filter(|entry| !OPTION_KEYS.contains(&entry.key.as_str()))
        .map(|entry| (entry.key.clone(), entry.value.to_json()));
    let on_deadlock = fields.choice("on_deadlock", &OnDeadlock::ALL, cx);
    GraphOptions {
        scheduler_count: fields.whole("scheduler_count", 1, u32::MAX.into(), cx),
        executors: flow::executors(fields, cx),
        time_out: seconds(fields, cx),
        dump_graph: fields.flag("dump_graph", cx),
        graph_name: fields.text("graph_name", cx),
        queue_length_limit: fields.whole("queue_length_limit", 1, u32::MAX.into(), cx),
        queue_bytes_limit: fields.bytes("queue_bytes_limit", cx),
        memory_budget: fields.bytes("memory_budget", cx),
        on_deadlock: on_deadlock.unwrap_or_default(),
        optimize_graph: fields
            .get("optimize_graph")
            .map(|_| fields.flag("optimize_graph", cx)),
        threads: flow::threads(fields, cx),
        other: Options(other.collect()),
    }
}

fn seconds(fields: &Fields<'_>, cx: &mut Context<'_>) -> f64 {
    let Some(entry) = fields.get("time_out") else {
        return 0.0;
    };
    let seconds = match &entry.value.value {
        Value::Number(number) => number.as_f64().filter(|&seconds| seconds >= 0.0),
        _ => None,
    };
    seconds.unwrap_or_else(|| {
        fields.expected(entry, "a number of seconds, 0 for none", cx);
        0.0
    })
}

/// In TOML, `outputs` refers to nodes as their inputs do; `output_streams` names streams.
fn graph_outputs(fields: &Fields<'_>, cx: &mut Context<'_>) -> Vec<StreamConfig> {
    let Some(entry) = cx.one_of(fields, "output_streams", "outputs") else {
        return Vec::new();
    };
    if entry.key == "outputs" {
        cx.connections(entry, "the graph", reference::Place::GraphOutput)
    } else {
        cx.streams(entry, "the graph")
    }
}

fn nodes(fields: &Fields<'_>, cx: &mut Context<'_>) -> Vec<NodeConfig> {
    let Some(entry) = fields.get("nodes") else {
        let message = "the graph has no \"nodes\"".to_owned();
        cx.error(message, fields.start());
        return Vec::new();
    };
    match (&entry.value.value, cx.dialect) {
        (Value::Array(items), _) => {
            let nodes = items.iter().enumerate();
            nodes
                .filter_map(|(index, item)| node::lower(index, None, item, cx))
                .collect()
        }
        (Value::Object(entries), Dialect::Toml) => {
            let nodes = entries.iter().enumerate();
            nodes
                .filter_map(|(index, entry)| node::lower(index, Some(entry), &entry.value, cx))
                .collect()
        }
        _ => {
            fields.expected(entry, "an array of nodes", cx);
            Vec::new()
        }
    }
}
