//! The TOML form: nodes as tables by name, inputs by reference where the streams' names allow it.

use std::collections::{HashMap, HashSet};

use bmf_core::config::{GraphConfig, GraphMode, LinkConfig, ModuleRef, NodeConfig, StreamConfig};
use serde_json::{Map, Value};

use super::json::{callbacks, graph_options, module, named, running, stream};
use super::{identifier, insert, insert_some};

/// The graph in TOML: what [`to_json`](super::to_json) says, with the nodes as tables by name.
///
/// Where the streams are called as references would call them (`decode.video`), inputs refer to
/// nodes and the outputs are left out; reading that back may order the outputs of a node
/// differently. Options that are `null` are left out and whole numbers beyond 64 bits with sign
/// become floats, because TOML has neither.
pub fn to_toml(graph: &GraphConfig) -> String {
    let writer = Writer::new(graph);
    let mut root = Map::new();
    if graph.mode != GraphMode::Normal {
        insert(&mut root, "mode", graph.mode.name());
    }
    insert_list(&mut root, "inputs", plain_streams(&graph.inputs));
    insert_list(&mut root, "outputs", writer.connections(&graph.outputs));
    insert_group(&mut root, "option", graph_options(&graph.option));
    let nodes = graph.nodes.iter();
    let nodes: Map<_, _> = nodes
        .map(|node| (node.name.clone(), writer.node(node)))
        .collect();
    insert(&mut root, "nodes", nodes);
    ::toml::to_string(&representable(root)).expect("what TOML cannot represent was left out")
}

struct Writer<'a> {
    nodes: HashMap<&'a str, &'a NodeConfig>,
    /// Streams that are declared, so that a reference by stream name finds them.
    declared: HashSet<&'a str>,
    consumed: HashSet<&'a str>,
}

impl<'a> Writer<'a> {
    fn new(graph: &'a GraphConfig) -> Self {
        let inputs = graph.nodes.iter().flat_map(|node| &node.inputs);
        let consumed = inputs.chain(&graph.outputs);
        let mut writer = Self {
            nodes: graph
                .nodes
                .iter()
                .map(|node| (node.name.as_str(), node))
                .collect(),
            declared: graph
                .inputs
                .iter()
                .map(|input| input.name.as_str())
                .collect(),
            consumed: consumed.map(|stream| stream.name.as_str()).collect(),
        };
        let explicit = graph.nodes.iter().filter(|node| !writer.are_implied(node));
        let outputs: Vec<_> = explicit.flat_map(|node| &node.outputs).collect();
        writer
            .declared
            .extend(outputs.iter().map(|stream| stream.name.as_str()));
        writer
    }

    /// Whether the references to `node` tell all about its outputs.
    fn are_implied(&self, node: &NodeConfig) -> bool {
        node.outputs.iter().all(|output| {
            let port = output.port.as_deref();
            let by_rule = port.is_some_and(|port| output.name == implied_name(node, port));
            by_rule
                && is_plain(output)
                && self.consumed.contains(output.name.as_str())
                && !self.declared.contains(output.name.as_str())
        })
    }

    fn node(&self, node: &NodeConfig) -> Value {
        let mut map = Map::new();
        insert(&mut map, "id", node.id);
        insert_some(&mut map, "alias", node.alias.clone());
        let by_name = ModuleRef {
            name: node.module.name.clone(),
            ..ModuleRef::default()
        };
        if node.module == by_name {
            insert(&mut map, "module", by_name.name);
        } else {
            insert(&mut map, "module", module(&node.module));
        }
        insert_list(&mut map, "inputs", self.connections(&node.inputs));
        if !self.are_implied(node) {
            insert_list(&mut map, "outputs", plain_streams(&node.outputs));
        }
        running(&mut map, node);
        insert_some(&mut map, "queue_length_limit", node.queue_length_limit);
        insert_some(&mut map, "premodule_id", node.premodule_id);
        let callbacks = callbacks(node).into_iter();
        insert_list(
            &mut map,
            "callback_binding",
            callbacks.map(Value::from).collect(),
        );
        insert_group(&mut map, "options", node.option.0.clone());
        map.into()
    }

    /// Streams that a node or the graph takes: as references where those lead to the same stream.
    fn connections(&self, streams: &[StreamConfig]) -> Vec<Value> {
        let streams = streams.iter();
        streams
            .map(|config| {
                if config.port.is_some() || !self.refers_to_itself(&config.name) {
                    stream(config)
                } else if is_plain(config) {
                    config.name.clone().into()
                } else {
                    named(config, "stream", config.name.clone())
                }
            })
            .collect()
    }

    /// Whether the name of a stream, read as a reference, leads to that stream.
    fn refers_to_itself(&self, name: &str) -> bool {
        let leads_to = |node: &NodeConfig, port: &str| {
            let mut outputs = node.outputs.iter();
            self.are_implied(node)
                && outputs.any(|output| output.port.as_deref() == Some(port) && output.name == name)
        };
        let (node, port) = name.rsplit_once('.').unwrap_or((name, ""));
        match self.nodes.get(name) {
            Some(named) => !self.declared.contains(name) && leads_to(named, "0"),
            None if name.is_empty() || self.declared.contains(name) => true,
            None => self
                .nodes
                .get(node)
                .is_some_and(|node| leads_to(node, port)),
        }
    }
}

/// What a reference to `port` of `node` calls the stream.
fn implied_name(node: &NodeConfig, port: &str) -> String {
    match port {
        "0" => node.name.clone(),
        _ => format!("{}.{port}", node.name),
    }
}

/// Whether there is nothing to tell of `stream` but its port and its name.
fn is_plain(stream: &StreamConfig) -> bool {
    stream.alias.is_none() && stream.link == LinkConfig::default()
}

/// Streams by identifier alone where there is nothing else to tell.
fn plain_streams(streams: &[StreamConfig]) -> Vec<Value> {
    let streams = streams.iter();
    streams
        .map(|config| {
            if is_plain(config) {
                identifier(config).into()
            } else {
                stream(config)
            }
        })
        .collect()
}

fn insert_list(map: &mut Map<String, Value>, key: &str, list: Vec<Value>) {
    if !list.is_empty() {
        insert(map, key, list);
    }
}

fn insert_group(map: &mut Map<String, Value>, key: &str, group: Map<String, Value>) {
    if !group.is_empty() {
        insert(map, key, group);
    }
}

/// The same without what TOML cannot represent.
fn representable(map: Map<String, Value>) -> Map<String, Value> {
    let entries = map.into_iter();
    entries
        .filter_map(|(key, value)| Some((key, representable_value(value)?)))
        .collect()
}

fn representable_value(value: Value) -> Option<Value> {
    Some(match value {
        Value::Null => return None,
        Value::Array(items) => items.into_iter().filter_map(representable_value).collect(),
        Value::Object(map) => representable(map).into(),
        Value::Number(number) if number.is_u64() && !number.is_i64() => number.as_f64().into(),
        other => other,
    })
}
