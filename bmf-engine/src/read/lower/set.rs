//! Single settings, changed after reading: each is read as it would be in a file. Which node is meant
//! is decided elsewhere.

use bmf_core::config::{GraphOptions, NodeConfig};
use bmf_core::{Diagnostic, Diagnostics};

use super::super::tree::Entry;
use super::super::{Dialect, suggestion};
use super::fields::Fields;
use super::{Context, OPTION_KEYS, OPTION_KEYS_OF_BMF, graph_options, node};

/// Keys of a node, beside its options, that can be set alone.
pub(in super::super) const NODE_SETTINGS: &[&str] = &[
    "scheduler",
    "executor",
    "parallel",
    "input_manager",
    "queue_length_limit",
    "queue_bytes_limit",
    "batch",
];

/// Sets what `entry` says, whose key is one of [`NODE_SETTINGS`]; `null` takes the setting away. With
/// problems the node stays as it is.
pub(in super::super) fn set_node_setting(
    node: &mut NodeConfig,
    entry: Entry,
    out: &mut Diagnostics,
) {
    let place = entry.value.span;
    let entries = [entry];
    let fields = Fields::new(format!("node \"{}\"", node.name), &entries, place);
    let mut read = NodeConfig::default();
    node::running(&mut read, &fields, &mut Context::new(Dialect::Json, out));
    if !out.items.is_empty() {
        return;
    }
    // The source no longer says what the setting is, so nothing may point there.
    match entries[0].key.as_str() {
        "scheduler" => {
            node.scheduler = read.scheduler;
            node.spans.scheduler = None;
        }
        "executor" => {
            node.executor = read.executor;
            node.spans.scheduler = None;
        }
        "parallel" => {
            node.parallel = read.parallel;
            node.spans.parallel = None;
        }
        "input_manager" => {
            node.input_manager = read.input_manager;
            node.spans.input_manager = None;
        }
        "queue_length_limit" => node.queue_length_limit = read.queue_length_limit,
        "queue_bytes_limit" => node.queue_bytes_limit = read.queue_bytes_limit,
        _ => node.batch = read.batch,
    }
}

/// Sets what `entry` says, which is one of the graph's options; `null` takes it away. With problems
/// the options stay as they are.
pub(in super::super) fn set_graph_option(
    option: &mut GraphOptions,
    entry: Entry,
    out: &mut Diagnostics,
) {
    let known = || OPTION_KEYS.iter().chain(OPTION_KEYS_OF_BMF).copied();
    if !known().any(|name| name == entry.key) {
        let message = format!("the graph has no option \"{}\"", entry.key);
        let help = suggestion(&entry.key, known());
        out.push(Diagnostic::error(message).at(entry.key_span).help(help));
        return;
    }
    let place = entry.value.span;
    let entries = [entry];
    let fields = Fields::new("the graph's options", &entries, place);
    let read = graph_options(&fields, &mut Context::new(Dialect::Json, out));
    if !out.items.is_empty() {
        return;
    }
    match entries[0].key.as_str() {
        "scheduler_count" => option.scheduler_count = read.scheduler_count,
        "executors" => option.executors = read.executors,
        "time_out" => option.time_out = read.time_out,
        "dump_graph" => option.dump_graph = read.dump_graph,
        "graph_name" => option.graph_name = read.graph_name,
        "queue_length_limit" => option.queue_length_limit = read.queue_length_limit,
        "queue_bytes_limit" => option.queue_bytes_limit = read.queue_bytes_limit,
        "memory_budget" => option.memory_budget = read.memory_budget,
        "on_deadlock" => option.on_deadlock = read.on_deadlock,
        "optimize_graph" => option.optimize_graph = read.optimize_graph,
        "threads" => option.threads = read.threads,
        _ => option.other.0.extend(read.other.0),
    }
}
