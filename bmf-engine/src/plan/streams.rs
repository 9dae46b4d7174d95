//! Resolves stream names: who produces each stream, who consumes it, at which ports.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use bmf_core::config::{GraphConfig, GraphMode, NodeConfig, StreamConfig};
use bmf_core::{Diagnostic, Diagnostics, ModuleFactory, PortKind, Ports, nearest};

use super::{PlannedLink, PlannedStream};

/// Which node ports hang on which streams.
#[derive(Debug, Default)]
pub(super) struct Wiring {
    pub(super) streams: Vec<PlannedStream>,
    /// Per node and input port.
    pub(super) inputs: Vec<Vec<Option<usize>>>,
    /// Per node: how many output ports.
    pub(super) outputs: Vec<usize>,
}

impl Wiring {
    /// For each node, which of its inputs and outputs are connected.
    pub(super) fn connected(&self) -> VecDeque<(Vec<bool>, Vec<bool>)> {
        let inputs = self.inputs.iter();
        let inputs = inputs.map(|ports| ports.iter().map(Option::is_some).collect());
        let outputs = self.outputs.iter().map(|&ports| vec![false; ports]);
        let mut connected: VecDeque<(Vec<bool>, Vec<bool>)> = inputs.zip(outputs).collect();
        for stream in &self.streams {
            if let Some((node, port)) = stream.producer {
                let is_read = stream.application.is_some() || !stream.consumers.is_empty();
                connected[node].1[port] |= is_read;
            }
        }
        connected
    }
}

/// Resolves all streams of the graph.
pub(super) fn resolve(
    config: &GraphConfig,
    factories: &[Option<Arc<dyn ModuleFactory>>],
    found: &mut Diagnostics,
) -> Wiring {
    let mut wiring = Wiring::default();
    let mut by_name = HashMap::new();
    add_graph_inputs(config, &mut wiring, &mut by_name);
    for (index, (node, factory)) in config.nodes.iter().zip(factories).enumerate() {
        let outputs = add_outputs(
            index,
            node,
            factory.as_deref(),
            config,
            &mut wiring,
            &mut by_name,
            found,
        );
        wiring.outputs.push(outputs);
    }
    for (index, (node, factory)) in config.nodes.iter().zip(factories).enumerate() {
        let factory_ref = factory.as_deref();
        let inputs = connect_inputs(index, node, factory_ref, &mut wiring, &by_name, found);
        check_inputs(node, factory.as_deref(), &inputs, found);
        wiring.inputs.push(inputs);
    }
    connect_graph_outputs(config, &mut wiring, &by_name, found);
    check_kinds(config, factories, &wiring, found);
    let useful = useful_nodes(config, &wiring);
    for ((node, factory), useful) in config.nodes.iter().zip(factories).zip(useful) {
        check_consumed(node, factory.as_deref(), useful, found);
    }
    wiring
}

/// Streams that the application feeds have no producer in the graph.
fn add_graph_inputs<'a>(
    config: &'a GraphConfig,
    wiring: &mut Wiring,
    by_name: &mut HashMap<&'a str, usize>,
) {
    if config.mode == GraphMode::Normal {
        return;
    }
    for stream in &config.inputs {
        by_name.insert(&stream.name, wiring.streams.len());
        wiring.streams.push(PlannedStream {
            name: stream.name.clone(),
            producer: None,
            consumers: Vec::new(),
            application: None,
            link: stream.link,
        });
    }
}

/// Marks the streams that the application reads.
fn connect_graph_outputs(
    config: &GraphConfig,
    wiring: &mut Wiring,
    by_name: &HashMap<&str, usize>,
    found: &mut Diagnostics,
) {
    if config.mode == GraphMode::Normal {
        return;
    }
    for output in config
        .outputs
        .iter()
        .filter(|output| !output.name.is_empty())
    {
        if let Some(&known) = by_name.get(output.name.as_str()) {
            let stream = &mut wiring.streams[known];
            stream.application = Some(output.link.or(stream.link));
            continue;
        }
        let message = format!(
            "the graph's output stream \"{}\" is not produced by any node",
            output.name
        );
        let names = wiring.streams.iter().map(|stream| stream.name.as_str());
        let near = nearest(&output.name, names);
        let help = near.map(|near| format!("did you mean \"{near}\"?"));
        found.push(Diagnostic::error(message).at(output.span).help(help));
    }
}

/// Adds the streams that a node produces; returns how many output ports it has. Several streams may
/// come from one port: `decode` and `decode.video` are the same output by two names.
fn add_outputs<'a>(
    index: usize,
    node: &'a NodeConfig,
    factory: Option<&dyn ModuleFactory>,
    config: &GraphConfig,
    wiring: &mut Wiring,
    by_name: &mut HashMap<&'a str, usize>,
    found: &mut Diagnostics,
) -> usize {
    let mut ports = 0;
    for (position, stream) in node.outputs.iter().enumerate() {
        let Some(port) = output_port(node, stream, position, factory, found) else {
            continue;
        };
        ports = ports.max(port + 1);
        let next = wiring.streams.len();
        if let Some(first) = by_name.insert(&stream.name, next) {
            let by = match wiring.streams[first].producer {
                Some((producer, _)) => config.nodes[producer].to_string(),
                None => "the application".to_owned(),
            };
            let message = format!("{node}: stream \"{}\" is produced by {by} too", stream.name);
            let help = "a stream has one producer; give one of them another name".to_owned();
            found.push(Diagnostic::error(message).at(stream.span).help(Some(help)));
        }
        wiring.streams.push(PlannedStream {
            name: stream.name.clone(),
            producer: Some((index, port)),
            consumers: Vec::new(),
            application: None,
            link: stream.link,
        });
    }
    ports
}

/// The port an output stream belongs to: the one it names, else the one at its position.
fn output_port(
    node: &NodeConfig,
    stream: &StreamConfig,
    position: usize,
    factory: Option<&dyn ModuleFactory>,
    found: &mut Diagnostics,
) -> Option<usize> {
    let Some(factory) = factory else {
        return Some(position);
    };
    let ports = &factory.descriptor().outputs;
    let port = match &stream.port {
        Some(name) => ports.index_of(name),
        None => ports.get(position).map(|_| position),
    };
    if port.is_none() {
        let (message, help) = no_such_output(node, stream, position, factory);
        found.push(Diagnostic::error(message).at(stream.span).help(help));
    }
    port
}

fn no_such_output(
    node: &NodeConfig,
    stream: &StreamConfig,
    position: usize,
    factory: &dyn ModuleFactory,
) -> (String, Option<String>) {
    let port = stream.port.clone().unwrap_or_else(|| position.to_string());
    let message = format!("{node}: there is no output port \"{port}\"");
    let ports = &factory.descriptor().outputs;
    let help = match ports {
        Ports::Any { .. } => "its output ports go by number: 0, 1, 2…".to_owned(),
        Ports::Fixed(ports) if ports.is_empty() => "this module has no outputs".to_owned(),
        Ports::Fixed(ports) => {
            let names: Vec<_> = ports.iter().map(|port| port.name.as_str()).collect();
            format!("its output ports are {}", names.join(", "))
        }
    };
    (message, Some(help))
}

/// Connects the inputs of a node to the streams they name.
fn connect_inputs(
    index: usize,
    node: &NodeConfig,
    factory: Option<&dyn ModuleFactory>,
    wiring: &mut Wiring,
    by_name: &HashMap<&str, usize>,
    found: &mut Diagnostics,
) -> Vec<Option<usize>> {
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for (port, stream) in node.inputs.iter().enumerate() {
        let known = by_name.get(stream.name.as_str()).copied();
        if let Some(known) = known {
            let spec = factory.and_then(|factory| factory.descriptor().inputs.get(port));
            let mut settings = stream.link.or(wiring.streams[known].link);
            settings.back_edge |= spec.is_some_and(|spec| spec.back_edge);
            let link = PlannedLink {
                node: index,
                port,
                settings,
            };
            wiring.streams[known].consumers.push(link);
        } else if !stream.name.is_empty() {
            let message = format!(
                "{node}: input stream \"{}\" is not produced by any node",
                stream.name
            );
            // In the order of the file: of equally near ones always the same is suggested.
            let names = wiring.streams.iter().map(|stream| stream.name.as_str());
            let near = nearest(&stream.name, names);
            let help = near.map(|near| format!("did you mean \"{near}\"?"));
            found.push(Diagnostic::error(message).at(stream.span).help(help));
        }
        inputs.push(known);
    }
    inputs
}

/// Whether sound is linked to an input for pictures, or the other way round.
fn check_kinds(
    config: &GraphConfig,
    factories: &[Option<Arc<dyn ModuleFactory>>],
    wiring: &Wiring,
    found: &mut Diagnostics,
) {
    let descriptor = |node: usize| factories[node].as_ref().map(|factory| factory.descriptor());
    for stream in &wiring.streams {
        let sent = stream.producer.and_then(|(node, port)| {
            let port = descriptor(node)?.outputs.get(port)?;
            Some(port.kind)
        });
        for link in &stream.consumers {
            let inputs = descriptor(link.node).map(|descriptor| &descriptor.inputs);
            let taken = inputs.and_then(|inputs| inputs.get(link.port));
            let (Some(sent), Some(port), Some(inputs)) = (sent, taken, inputs) else {
                continue;
            };
            if sent == port.kind || [sent, port.kind].contains(&PortKind::Any) {
                continue;
            }
            let node = &config.nodes[link.node];
            let message = format!(
                "{node}: input \"{}\" takes {}, but stream \"{}\" is {}",
                inputs.name_of(link.port),
                port.kind.name(),
                stream.name,
                sent.name()
            );
            found.push(Diagnostic::error(message).at(node.inputs[link.port].span));
        }
    }
}

/// Whether the module can work with as many inputs.
fn check_inputs(
    node: &NodeConfig,
    factory: Option<&dyn ModuleFactory>,
    inputs: &[Option<usize>],
    found: &mut Diagnostics,
) {
    let Some(factory) = factory else { return };
    let ports = &factory.descriptor().inputs;
    for (index, stream) in node.inputs.iter().enumerate() {
        check_input_port(node, index, stream, ports, found);
    }
    let (min, max) = ports.limits();
    if max.is_some_and(|max| inputs.len() > max) {
        let max = max.unwrap_or_default();
        let message = format!(
            "{node} has {} inputs, but takes at most {max}",
            inputs.len()
        );
        found.push(Diagnostic::error(message).at(node.inputs[max].span.or(node.spans.node)));
    }
    let placeholder = |index: usize| node.inputs.get(index).is_some_and(|s| s.name.is_empty());
    for index in 0..min {
        if index >= inputs.len() || placeholder(index) {
            let name = ports.name_of(index);
            let message = format!("{node}: input port \"{name}\" must be connected");
            found.push(Diagnostic::error(message).at(node.spans.node));
        }
    }
    let all_placeholders = !node.inputs.is_empty() && (0..node.inputs.len()).all(placeholder);
    if check_replaced(node, ports, found) {
        return;
    }
    if min == 0 && max != Some(0) && (inputs.is_empty() || all_placeholders) && !is_source(ports) {
        let message = format!("{node} has no connected input");
        found.push(Diagnostic::error(message).at(node.spans.node));
    }
}

/// Inputs in whose place an option can be: one of the two must be there. Returns whether there are
/// such inputs.
fn check_replaced(node: &NodeConfig, ports: &Ports, found: &mut Diagnostics) -> bool {
    let Ports::Fixed(ports) = ports else {
        return false;
    };
    let mut any = false;
    for (index, port) in ports.iter().enumerate() {
        let Some(option) = &port.instead_of else {
            continue;
        };
        any = true;
        let name = &port.name;
        let stream = node.inputs.get(index);
        let stream = stream.filter(|stream| !stream.name.is_empty());
        let value = node.option.get(option);
        let is_set = value.is_some_and(|value| !value.is_null() && value != "");
        let (message, help, span) = match (stream, is_set) {
            (Some(stream), true) => (
                format!(
                    "{node}: option \"{option}\" is set, but input \"{name}\" is connected too"
                ),
                format!("leave out one of the two: {option}, or the input"),
                stream.span,
            ),
            (None, false) => (
                format!("{node} has nothing to work on"),
                format!("set {option}, or connect input \"{name}\""),
                None,
            ),
            _ => continue,
        };
        let span = span.or(node.spans.node);
        found.push(Diagnostic::error(message).at(span).help(Some(help)));
    }
    any
}

/// Inputs go by their order. One that is written with a port's name must stand in its place.
fn check_input_port(
    node: &NodeConfig,
    index: usize,
    stream: &StreamConfig,
    ports: &Ports,
    found: &mut Diagnostics,
) {
    let Some(name) = &stream.port else { return };
    if ports.index_of(name) == Some(index) {
        return;
    }
    let message = format!(
        "{node}: input {index} is port \"{}\", not \"{name}\"",
        ports.name_of(index)
    );
    let help = "inputs go by their order; an empty name leaves one unconnected".to_owned();
    found.push(Diagnostic::error(message).at(stream.span).help(Some(help)));
}

/// A module all of whose inputs are optional is a source without them only if it says so by having
/// none at all, or by taking any number.
fn is_source(ports: &Ports) -> bool {
    match ports {
        Ports::Fixed(ports) => ports.is_empty(),
        Ports::Any { min, .. } => *min == 0,
    }
}

/// Which nodes produce something that somebody takes, by index. Of two producers of one stream both
/// do: that there are two is an error of its own.
fn useful_nodes(config: &GraphConfig, wiring: &Wiring) -> Vec<bool> {
    let streams = wiring.streams.iter();
    let consumed = streams.filter(|stream| !stream.consumers.is_empty());
    let mut taken: HashSet<&str> = consumed.map(|stream| stream.name.as_str()).collect();
    if config.mode != GraphMode::Normal {
        taken.extend(config.outputs.iter().map(|output| output.name.as_str()));
    }
    let mut useful = vec![false; config.nodes.len()];
    for stream in &wiring.streams {
        if let Some((producer, _)) = stream.producer {
            useful[producer] |= taken.contains(stream.name.as_str());
        }
    }
    useful
}

/// A node whose work nobody takes would run for nothing, or not at all.
fn check_consumed(
    node: &NodeConfig,
    factory: Option<&dyn ModuleFactory>,
    useful: bool,
    found: &mut Diagnostics,
) {
    let Some(factory) = factory else { return };
    if !useful && !factory.descriptor().is_sink {
        let message = format!("{node}: nobody consumes what it produces");
        let help = "connect an output to another node: an encoder, or null_sink".to_owned();
        found.push(
            Diagnostic::error(message)
                .at(node.spans.node)
                .help(Some(help)),
        );
    }
}
