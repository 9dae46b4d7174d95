//! A graph as a drawing: Graphviz DOT and Mermaid. Nothing is checked: what is broken is drawn
//! as it is, with a dashed end for a stream that nobody produces.

use std::collections::HashMap;
use std::fmt::Write;

use bmf_core::config::{GraphConfig, NodeConfig, StreamConfig};

/// Longest option text in a drawing, in characters.
const MAX_DETAIL: usize = 40;

/// The graph in Graphviz' DOT language.
pub fn to_dot(graph: &GraphConfig) -> String {
    let drawing = Drawing::new(graph);
    let mut text = String::from("digraph {\n  rankdir=LR;\n  node [shape=box];\n");
    for vertex in &drawing.vertices {
        let label = dot_text(&vertex.lines.join("\n"));
        let style = match vertex.kind {
            VertexKind::Node => "",
            VertexKind::Boundary => " shape=ellipse",
            VertexKind::Missing => " shape=ellipse style=dashed",
        };
        line(
            &mut text,
            format_args!("  {} [label=\"{label}\"{style}];", vertex.id),
        );
    }
    for edge in &drawing.edges {
        let label = edge.label.as_deref().map(dot_text);
        let label = label.map(|label| format!("label=\"{label}\""));
        let style = edge.is_back.then(|| "style=dashed".to_owned());
        let attributes: Vec<String> = label.into_iter().chain(style).collect();
        let attributes = match attributes.as_slice() {
            [] => String::new(),
            _ => format!(" [{}]", attributes.join(" ")),
        };
        line(
            &mut text,
            format_args!("  {} -> {}{attributes};", edge.from, edge.to),
        );
    }
    text.push_str("}\n");
    text
}

/// The graph as a Mermaid flow chart.
pub fn to_mermaid(graph: &GraphConfig) -> String {
    let drawing = Drawing::new(graph);
    let mut text = String::from("flowchart LR\n");
    for vertex in &drawing.vertices {
        let label = mermaid_text(&vertex.lines.join("\n"));
        let (open, close) = match vertex.kind {
            VertexKind::Node => ("[", "]"),
            VertexKind::Boundary | VertexKind::Missing => ("([", "])"),
        };
        line(
            &mut text,
            format_args!("  {}{open}\"{label}\"{close}", vertex.id),
        );
    }
    for edge in &drawing.edges {
        let label = match &edge.label {
            Some(label) => format!("|\"{}\"|", mermaid_text(label)),
            None => String::new(),
        };
        let arrow = if edge.is_back { "-.->" } else { "-->" };
        line(
            &mut text,
            format_args!("  {} {arrow}{label} {}", edge.from, edge.to),
        );
    }
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("a string takes all text");
}

/// What both languages draw.
#[derive(Default)]
struct Drawing {
    vertices: Vec<Vertex>,
    edges: Vec<Edge>,
}

struct Vertex {
    id: String,
    lines: Vec<String>,
    kind: VertexKind,
}

enum VertexKind {
    Node,
    /// An input or output of the graph.
    Boundary,
    /// A stream without producer.
    Missing,
}

struct Edge {
    from: String,
    to: String,
    label: Option<String>,
    /// Whether it closes a loop.
    is_back: bool,
}

/// Who produces a stream.
#[derive(Clone)]
struct Producer {
    vertex: String,
    /// What to write on the edges from it.
    label: Option<String>,
    is_back: bool,
}

impl Producer {
    fn unlabelled(vertex: String) -> Self {
        Self {
            vertex,
            label: None,
            is_back: false,
        }
    }
}

/// By the stream's name.
type Producers = HashMap<String, Producer>;

impl Drawing {
    fn new(graph: &GraphConfig) -> Self {
        let mut drawing = Self::default();
        let mut producers = drawing.producers(graph);
        for (index, node) in graph.nodes.iter().enumerate() {
            for input in &node.inputs {
                drawing.edge(input, format!("n{index}"), &mut producers);
            }
        }
        for (index, output) in graph.outputs.iter().enumerate() {
            let id = format!("out{index}");
            let id = drawing.vertex(id, vec![output.name.clone()], VertexKind::Boundary);
            drawing.edge(output, id, &mut producers);
        }
        drawing
    }

    /// Draws all that produces streams.
    fn producers(&mut self, graph: &GraphConfig) -> Producers {
        let mut producers = Producers::new();
        for (index, input) in graph.inputs.iter().enumerate() {
            let id = format!("in{index}");
            let id = self.vertex(id, vec![input.name.clone()], VertexKind::Boundary);
            let producer = Producer::unlabelled(id);
            producers.entry(input.name.clone()).or_insert(producer);
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            let id = self.vertex(format!("n{index}"), node_lines(node), VertexKind::Node);
            for output in &node.outputs {
                let producer = Producer {
                    vertex: id.clone(),
                    label: edge_label(node, output),
                    is_back: output.link.back_edge,
                };
                producers.entry(output.name.clone()).or_insert(producer);
            }
        }
        producers
    }

    fn vertex(&mut self, id: String, lines: Vec<String>, kind: VertexKind) -> String {
        self.vertices.push(Vertex {
            id: id.clone(),
            lines,
            kind,
        });
        id
    }

    /// Draws the stream that arrives at `to`.
    fn edge(&mut self, stream: &StreamConfig, to: String, producers: &mut Producers) {
        if stream.name.is_empty() {
            return;
        }
        let producer = producers.get(&stream.name).cloned().unwrap_or_else(|| {
            let id = format!("missing{}", self.vertices.len());
            let id = self.vertex(id, vec![stream.name.clone()], VertexKind::Missing);
            let producer = Producer::unlabelled(id);
            producers.insert(stream.name.clone(), producer.clone());
            producer
        });
        self.edges.push(Edge {
            from: producer.vertex,
            to,
            label: producer.label,
            is_back: producer.is_back || stream.link.back_edge,
        });
    }
}

/// The port where it has a name; else the stream's name where that says more than the node's.
fn edge_label(node: &NodeConfig, output: &StreamConfig) -> Option<String> {
    let port = output.port.as_deref();
    let named = port.filter(|port| port.parse::<usize>().is_err());
    let stream = Some(output.name.as_str()).filter(|&name| name != node.name);
    named.or(stream).map(str::to_owned)
}

fn node_lines(node: &NodeConfig) -> Vec<String> {
    let module = &node.module.name;
    let module = match instances(node) {
        Some(instances) => format!("{module} ×{instances}"),
        None => module.clone(),
    };
    let mut lines = vec![node.name.clone(), module];
    lines.extend(detail(node));
    lines
}

/// As how many instances the node runs, where it is more than one.
fn instances(node: &NodeConfig) -> Option<u64> {
    let of_bmf = || node.option.get("dist_nums")?.as_u64();
    let given = node.parallel.map(|parallel| parallel.instances as u64);
    given.or_else(of_bmf).filter(|&instances| instances > 1)
}

/// The one option that tells most about the node.
fn detail(node: &NodeConfig) -> Option<String> {
    let text = |key: &str| node.option.get(key).and_then(|value| value.as_str());
    let detail = match (text("name"), text("para")) {
        (Some(name), Some(para)) => format!("{name} {para}"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => text("input_path").or(text("output_path"))?.to_owned(),
    };
    Some(shorten(&detail))
}

/// Long text without its middle: paths tell most at their ends.
fn shorten(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= MAX_DETAIL {
        return text.to_owned();
    }
    let half = (MAX_DETAIL - 1) / 2;
    let head = characters[..half].iter();
    let tail = characters[characters.len() - half..].iter();
    head.chain(['…'].iter()).chain(tail).collect()
}

fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\r', "")
        .replace('\n', "\\n")
}

/// Mermaid has entities but no backslash; `#` begins an entity.
fn mermaid_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' | '"' | '<' | '>' | '&' | '`' | '\\' | '|' => {
                escaped.push_str(&format!("#{};", u32::from(c)));
            }
            '\n' => escaped.push_str("<br/>"),
            '\r' => {}
            _ => escaped.push(c),
        }
    }
    escaped
}
