//! TOML's references: inputs that name a node (`"scale"`) or a port of it (`"decode.video"`). The
//! streams between the nodes are made from them. Whether the port exists is not known here.

use std::collections::{HashMap, HashSet};

use bmf_core::Span;
use bmf_core::config::{GraphConfig, NodeConfig, StreamConfig};

use super::super::suggestion;
use super::Context;

/// An input that was given as a string.
pub(super) struct Reference {
    pub(super) target: String,
    pub(super) span: Span,
    pub(super) place: Place,
    /// Which of the inputs it is.
    pub(super) index: usize,
}

/// Whose input a reference is.
#[derive(Copy, Clone)]
pub(super) enum Place {
    /// Of the node at this position in the graph.
    NodeInput(usize),
    GraphOutput,
}

/// Replaces all references by streams, which the nodes they lead to produce from then on.
pub(super) fn resolve(graph: &mut GraphConfig, cx: &mut Context<'_>) {
    let references = std::mem::take(&mut cx.references);
    if references.is_empty() {
        return;
    }
    let known = Known::new(graph);
    for reference in references {
        let Some(name) = stream_name(&reference, &known, &mut graph.nodes, cx) else {
            continue;
        };
        let stream = match reference.place {
            Place::NodeInput(node) => &mut graph.nodes[node].inputs[reference.index],
            Place::GraphOutput => &mut graph.outputs[reference.index],
        };
        stream.name = name;
    }
}

/// What references can lead to.
struct Known {
    nodes: HashMap<String, usize>,
    /// Graph inputs, and outputs that were named explicitly.
    streams: HashSet<String>,
}

impl Known {
    fn new(graph: &GraphConfig) -> Self {
        let names = graph.nodes.iter().enumerate();
        let outputs = graph.nodes.iter().flat_map(|node| &node.outputs);
        Self {
            nodes: names.map(|(at, node)| (node.name.clone(), at)).collect(),
            streams: graph
                .inputs
                .iter()
                .chain(outputs)
                .map(|stream| stream.name.clone())
                .collect(),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.nodes.keys().chain(&self.streams);
        names.map(String::as_str)
    }
}

/// The name of the stream that `reference` leads to; an error if it leads nowhere.
fn stream_name(
    reference: &Reference,
    known: &Known,
    nodes: &mut [NodeConfig],
    cx: &mut Context<'_>,
) -> Option<String> {
    let target = reference.target.as_str();
    if target.is_empty() || (known.streams.contains(target) && !known.nodes.contains_key(target)) {
        return Some(target.to_owned());
    }
    if let Some(&at) = known.nodes.get(target) {
        let node = &mut nodes[at];
        let declared = declared_output(node, "0").map(|stream| stream.name.as_str());
        if known.streams.contains(target) && declared != Some(target) {
            let message = format!("\"{target}\" is the name of a node and of a stream");
            cx.error(message, reference.span);
        }
        return Some(output(node, "0", reference.span));
    }
    let (node, port) = target.rsplit_once('.').unwrap_or((target, ""));
    match known.nodes.get(node) {
        Some(&at) if !port.is_empty() => Some(output(&mut nodes[at], port, reference.span)),
        Some(_) => {
            let message = format!("\"{target}\" names no port of node \"{node}\"");
            cx.error(message, reference.span);
            None
        }
        None => {
            let message = format!("there is no node or graph input called \"{node}\"");
            // The order of a hash map must not decide between equally near names.
            let mut names: Vec<&str> = known.names().filter(|name| !name.is_empty()).collect();
            names.sort_unstable();
            cx.error_with_help(message, reference.span, suggestion(node, names));
            None
        }
    }
}

/// The name of the stream from `port` of `node`, which is added if it is new. All consumers of a
/// port share one stream.
fn output(node: &mut NodeConfig, port: &str, span: Span) -> String {
    if let Some(stream) = declared_output(node, port) {
        return stream.name.clone();
    }
    let name = match port {
        "0" => node.name.clone(),
        _ => format!("{}.{port}", node.name),
    };
    let mut stream = StreamConfig::on_port(port, name.clone());
    stream.span = Some(span);
    node.outputs.push(stream);
    name
}

/// The output of `node` at `port`, by the port's name or by its number.
fn declared_output<'n>(node: &'n NodeConfig, port: &str) -> Option<&'n StreamConfig> {
    let mut outputs = node.outputs.iter().enumerate();
    let found = outputs.find(|(index, stream)| match stream.port.as_deref() {
        Some(named) => named == port,
        None => port == index.to_string(),
    });
    found.map(|(_, stream)| stream)
}
