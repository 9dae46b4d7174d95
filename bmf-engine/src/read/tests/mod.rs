//! Small texts in, a compact form of the graph or the diagnostics out.

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
use bmf_core::config::{GraphConfig, NodeConfig, StreamConfig};

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
    let option = &graph.option;
    if graph.mode != Default::default() {
        writeln!(text, "mode {}", graph.mode.name()).unwrap();
    }
    if *option != Default::default() {
        writeln!(text, "{option:?}").unwrap();
    }
    streams(&mut text, "graph in", &graph.inputs);
    streams(&mut text, "graph out", &graph.outputs);
    for node in &graph.nodes {
        show_node(&mut text, node);
    }
    text
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
    settings.extend(node.input_manager.map(|manager| manager.name().to_owned()));
    settings.extend(node.scheduler.map(|index| format!("scheduler={index}")));
    settings.extend(
        node.queue_length_limit
            .map(|limit| format!("limit={limit}")),
    );
    settings.extend(node.batch.map(|batch| format!("batch={batch}")));
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
            let alias = stream.alias.iter().map(|alias| format!(" as {alias}"));
            format!("[{}{}]", stream.identifier(), alias.collect::<String>())
        })
        .collect();
    writeln!(text, "{what} {}", shown.join(" ")).unwrap();
}
