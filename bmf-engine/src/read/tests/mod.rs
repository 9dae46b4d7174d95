//! Small texts in, a compact form of the graph or the diagnostics out.

mod flow;
mod graphs;
mod hostile;
mod json_reading;
mod line;
mod roundtrip;
mod setting;
mod toml_reading;
mod views;

use std::fmt::Write;

use bmf_core::SourceText;
use bmf_core::config::{
    ExecutorConfig, GraphConfig, GraphOptions, LinkConfig, NodeConfig, StreamConfig,
};

use super::{ReadResult, parse_json, parse_toml};

fn check_json(text: &str) -> String {
    show_result(parse_json(SourceText::new("g.json", text)))
}

fn check_toml(text: &str) -> String {
    show_result(parse_toml(SourceText::new("g.toml", text)))
}

fn show_result(result: ReadResult) -> String {
    match result {
        Ok((graph, warnings)) => {
            let mut text = show(&graph);
            text.push_str(&warnings.to_string());
            text
        }
        Err(problems) => problems.to_string(),
    }
}

/// The graph without places and without what has its default.
fn show(graph: &GraphConfig) -> String {
    let mut text = String::new();
    if graph.mode != Default::default() {
        writeln!(text, "mode {}", graph.mode.name()).unwrap();
    }
    let options = graph_settings(&graph.option);
    if !options.is_empty() {
        writeln!(text, "options {}", options.join(" ")).unwrap();
    }
    streams(&mut text, "graph in", &graph.inputs);
    streams(&mut text, "graph out", &graph.outputs);
    for node in &graph.nodes {
        show_node(&mut text, node);
    }
    text
}

/// `name=value`, unless it has its default.
fn setting<T: std::fmt::Debug + Default + PartialEq>(name: &str, value: &T) -> Option<String> {
    let shown = format!("{value:?}");
    let inner = shown
        .strip_prefix("Some(")
        .and_then(|rest| rest.strip_suffix(")"));
    let shown = inner.unwrap_or(&shown);
    (*value != T::default()).then(|| format!("{name}={shown}"))
}

fn graph_settings(option: &GraphOptions) -> Vec<String> {
    let GraphOptions {
        scheduler_count,
        executors,
        time_out,
        dump_graph,
        graph_name,
        queue_length_limit,
        queue_bytes_limit,
        memory_budget,
        on_deadlock,
        optimize_graph,
        threads,
        other,
    } = option;
    let settings = [
        setting("scheduler_count", scheduler_count),
        setting("time_out", time_out),
        setting("dump_graph", dump_graph),
        setting("graph_name", graph_name),
        setting("limit", queue_length_limit),
        setting("bytes", queue_bytes_limit),
        setting("budget", memory_budget),
        setting("on_deadlock", on_deadlock),
        setting("optimize_graph", optimize_graph),
        setting("threads", threads),
    ];
    let executor =
        |ExecutorConfig { name, workers }: &ExecutorConfig| format!("executor {name:?}×{workers}");
    let other = (!other.0.is_empty()).then(|| serde_json::to_string(other).unwrap());
    let settings = settings.into_iter().flatten();
    let settings = settings.chain(executors.iter().map(executor));
    settings.chain(other).collect()
}

fn link_settings(link: &LinkConfig) -> Vec<String> {
    let LinkConfig {
        queue_length_limit,
        queue_bytes_limit,
        on_full,
        time_order,
        back_edge,
    } = link;
    let settings = [
        setting("limit", queue_length_limit),
        setting("bytes", queue_bytes_limit),
        setting("on_full", on_full),
        setting("time_order", time_order),
        back_edge.then(|| "back".to_owned()),
    ];
    settings.into_iter().flatten().collect()
}

fn show_node(text: &mut String, node: &NodeConfig) {
    writeln!(text, "{node}").unwrap();
    if (&node.module.kind, &node.module.path, &node.module.entry)
        != (&"".into(), &"".into(), &"".into())
    {
        writeln!(text, "  {:?}", node.module).unwrap();
    }
    streams(text, "  in", &node.inputs);
    streams(text, "  out", &node.outputs);
    if !node.option.0.is_empty() {
        writeln!(text, "  {}", serde_json::to_string(&node.option).unwrap()).unwrap();
    }
    let mut settings = Vec::new();
    settings.extend(node.alias.as_ref().map(|alias| format!("alias={alias}")));
    if let Some(manager) = &node.input_manager {
        settings.push(manager.manager.name().to_owned());
        if !manager.options.0.is_empty() {
            settings.push(serde_json::to_string(&manager.options).unwrap());
        }
    }
    settings.extend(setting("scheduler", &node.scheduler));
    settings.extend(setting("executor", &node.executor));
    settings.extend(
        node.parallel
            .map(|parallel| format!("×{} {:?}", parallel.instances, parallel.distribution)),
    );
    settings.extend(setting("limit", &node.queue_length_limit));
    settings.extend(setting("bytes", &node.queue_bytes_limit));
    settings.extend(setting("batch", &node.batch));
    settings.extend(node.premodule_id.map(|id| format!("premodule={id}")));
    if !node.callback_binding.is_empty() {
        settings.push(format!("callbacks={:?}", node.callback_binding));
    }
    if !settings.is_empty() {
        writeln!(text, "  {}", settings.join(" ")).unwrap();
    }
}

fn streams(text: &mut String, what: &str, streams: &[StreamConfig]) {
    if streams.is_empty() {
        return;
    }
    let shown: Vec<String> = streams
        .iter()
        .map(|stream| {
            let alias = stream.alias.iter().map(|alias| format!("as {alias}"));
            let details = alias.chain(link_settings(&stream.link));
            let details: String = details.map(|detail| format!(" {detail}")).collect();
            format!("[{}{details}]", stream.identifier())
        })
        .collect();
    writeln!(text, "{what} {}", shown.join(" ")).unwrap();
}
