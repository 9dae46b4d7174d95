//! BMF's JSON schema.

use bmf_core::config::{
    GraphConfig, GraphOptions, ModuleRef, NodeConfig, OnDeadlock, StreamConfig, Threads,
};
use serde_json::{Map, Value, json};

use super::super::lower::base_name;
use super::{flow, identifier, insert, insert_some, word};

/// The graph in BMF's JSON schema.
///
/// Nothing is lost: [`parse_json`](crate::read::parse_json) of the result gives an equal graph.
/// What BMF does not know (`name` where it is not the one that reading would give, `batch`, limits in
/// bytes…) stands in keys that it ignores. An input manager with options is an object, which BMF
/// does not read.
pub fn to_json(graph: &GraphConfig) -> Value {
    json!({
        "mode": graph.mode.name(),
        "option": graph_options(&graph.option),
        "input_streams": streams(&graph.inputs),
        "output_streams": streams(&graph.outputs),
        "nodes": graph.nodes.iter().map(node).collect::<Value>(),
    })
}

pub(super) fn graph_options(option: &GraphOptions) -> Map<String, Value> {
    let mut map = Map::new();
    insert_some(&mut map, "scheduler_count", option.scheduler_count);
    if !option.executors.is_empty() {
        insert(&mut map, "executors", flow::executors(&option.executors));
    }
    if option.time_out != 0.0 {
        insert(&mut map, "time_out", option.time_out);
    }
    if option.dump_graph {
        // BMF wants the number.
        insert(&mut map, "dump_graph", 1);
    }
    insert_some(&mut map, "graph_name", option.graph_name.clone());
    insert_some(&mut map, "queue_length_limit", option.queue_length_limit);
    insert_some(&mut map, "queue_bytes_limit", option.queue_bytes_limit);
    insert_some(&mut map, "memory_budget", option.memory_budget);
    if option.on_deadlock != OnDeadlock::default() {
        let word = word(&OnDeadlock::ALL, option.on_deadlock);
        insert(&mut map, "on_deadlock", word);
    }
    insert_some(&mut map, "optimize_graph", option.optimize_graph);
    match option.threads {
        Threads::Auto => {}
        Threads::All => insert(&mut map, "threads", "all"),
        Threads::AtMost(most) => insert(&mut map, "threads", most.get()),
    }
    map.extend(option.other.0.clone());
    map
}

fn node(node: &NodeConfig) -> Value {
    let mut map = Map::new();
    insert(&mut map, "id", node.id);
    if node.name != base_name(node) {
        insert(&mut map, "name", node.name.clone());
    }
    insert_some(&mut map, "alias", node.alias.clone());
    insert(&mut map, "module_info", module(&node.module));
    insert(&mut map, "meta_info", meta(node));
    insert(&mut map, "input_streams", streams(&node.inputs));
    insert(&mut map, "output_streams", streams(&node.outputs));
    insert(&mut map, "option", node.option.0.clone());
    running(&mut map, node);
    map.into()
}

/// What decides how the node runs.
pub(super) fn running(map: &mut Map<String, Value>, node: &NodeConfig) {
    let manager = node.input_manager.as_ref();
    insert_some(map, "input_manager", manager.map(flow::input_manager));
    insert_some(map, "scheduler", node.scheduler);
    insert_some(map, "executor", node.executor.clone());
    insert_some(map, "parallel", node.parallel.map(flow::parallel));
    insert_some(map, "queue_bytes_limit", node.queue_bytes_limit);
    insert_some(map, "batch", node.batch);
}

pub(super) fn module(module: &ModuleRef) -> Value {
    json!({
        "name": module.name,
        "type": module.kind,
        "path": module.path,
        "entry": module.entry,
    })
}

fn meta(node: &NodeConfig) -> Map<String, Value> {
    let mut map = Map::new();
    insert(&mut map, "premodule_id", node.premodule_id.unwrap_or(-1));
    insert(&mut map, "callback_binding", callbacks(node));
    insert_some(&mut map, "queue_length_limit", node.queue_length_limit);
    map
}

pub(super) fn callbacks(node: &NodeConfig) -> Vec<String> {
    let bindings = node.callback_binding.iter();
    bindings.map(|(key, id)| format!("{key}:{id}")).collect()
}

fn streams(streams: &[StreamConfig]) -> Value {
    streams.iter().map(stream).collect()
}

pub(super) fn stream(stream: &StreamConfig) -> Value {
    named(stream, "identifier", identifier(stream))
}

/// `stream` with its `name` under `key`.
pub(super) fn named(stream: &StreamConfig, key: &str, name: String) -> Value {
    let mut map = Map::new();
    insert(&mut map, key, name);
    insert_some(&mut map, "alias", stream.alias.clone());
    flow::link(&mut map, stream.link);
    map.into()
}
