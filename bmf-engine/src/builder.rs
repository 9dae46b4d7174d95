//! Graphs written in Rust. Builds the same description that JSON and TOML are read into; checks
//! nothing by itself.

use bmf_core::Options;
use bmf_core::config::{
    Distribution, GraphConfig, GraphMode, GraphOptions, InputManagerConfig, LinkConfig, ModuleRef,
    NodeConfig, ParallelConfig, StreamConfig,
};
use serde_json::Value;

/// Puts a graph together node by node.
///
/// ```
/// use bmf_engine::{GraphBuilder, Node};
///
/// let mut graph = GraphBuilder::new();
/// let decode = graph.add(Node::new("c_ffmpeg_decoder").option("input_path", "in.mp4"));
/// let scale = graph.add(
///     Node::new("c_ffmpeg_filter")
///         .option("name", "scale")
///         .option("para", "1280:720")
///         .input(decode.port("video")),
/// );
/// graph.add(
///     Node::new("c_ffmpeg_encoder")
///         .option("output_path", "out.mp4")
///         .input(scale)
///         .input(decode.port("audio")),
/// );
/// assert_eq!(graph.build().nodes.len(), 3);
/// ```
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
    option: GraphOptions,
    inputs: Vec<StreamConfig>,
    outputs: Vec<StreamConfig>,
    nodes: Vec<NodeConfig>,
}

/// A node that is being described.
#[derive(Clone, Debug)]
pub struct Node {
    config: NodeConfig,
    inputs: Vec<Option<(Port, LinkConfig)>>,
}

/// A node of a [`GraphBuilder`]. As an input it stands for its first output.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct NodeRef(usize);

/// Where a stream comes from: an output of a node, or a stream that the application feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// `None`: the application.
    node: Option<NodeRef>,
    /// The name of the output, or of the application's stream.
    name: String,
}

/// Inputs beyond this one are taken for this one: no module has as many ports, and each costs memory.
const LAST_INPUT: usize = 4096;

impl GraphBuilder {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Settings of the whole graph.
    pub fn option_mut(&mut self) -> &mut GraphOptions {
        &mut self.option
    }

    /// A stream that the application feeds, to be used as input of nodes. Asked for again it is the
    /// same stream.
    ///
    /// ```
    /// use bmf_core::config::GraphMode;
    /// use bmf_engine::{GraphBuilder, Node};
    ///
    /// let mut graph = GraphBuilder::new();
    /// let raw = graph.graph_input("raw");
    /// let scale = graph.add(Node::new("c_ffmpeg_filter").option("name", "hflip").input(raw));
    /// assert_eq!(graph.graph_output(scale), "c_ffmpeg_filter_0.0");
    /// assert_eq!(graph.build().mode, GraphMode::Pushdata);
    /// ```
    pub fn graph_input(&mut self, name: impl Into<String>) -> Port {
        let name = name.into();
        if !self.inputs.iter().any(|known| known.name == name) {
            self.inputs.push(StreamConfig::new(name.clone()));
        }
        Port { node: None, name }
    }

    /// Lets the application read a stream; returns the name under which it does.
    pub fn graph_output(&mut self, from: impl Into<Port>) -> String {
        self.graph_output_with(from, LinkConfig::default())
    }

    /// The same with settings for what waits for the application.
    pub fn graph_output_with(&mut self, from: impl Into<Port>, link: LinkConfig) -> String {
        let mut stream = self.stream(&from.into());
        stream.link = link;
        let name = stream.name.clone();
        match self.outputs.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = stream,
            None => self.outputs.push(stream),
        }
        name
    }

    /// Adds a node. Its inputs can only be outputs of nodes added before, and streams that the
    /// application feeds; [`loop_back`](Self::loop_back) connects it to later ones.
    pub fn add(&mut self, node: Node) -> NodeRef {
        let Node { mut config, inputs } = node;
        let index = self.nodes.len();
        config.id = u32::try_from(index).unwrap_or(u32::MAX);
        if config.name.is_empty() {
            config.name = format!("{}_{index}", config.module.name);
        }
        config.inputs = inputs
            .into_iter()
            .map(|input| {
                input.map_or_else(StreamConfig::default, |(port, link)| StreamConfig {
                    link,
                    ..self.stream(&port)
                })
            })
            .collect();
        self.nodes.push(config);
        NodeRef(index)
    }

    /// Closes a loop: connects input number `input` of the node `to`, which is there already, to an
    /// output of a later node or of itself. Inputs between its last one and this one stay
    /// unconnected.
    ///
    /// ```
    /// use bmf_engine::{GraphBuilder, Node};
    ///
    /// let mut graph = GraphBuilder::new();
    /// let source = graph.add(Node::new("test_source"));
    /// let limit = graph.add(Node::new("flow_limiter").input(source));
    /// let sink = graph.add(Node::new("null_sink").input(limit));
    /// graph.loop_back(sink, limit, 1);
    /// assert!(graph.build().nodes[1].inputs[1].link.back_edge);
    /// ```
    pub fn loop_back(&mut self, from: impl Into<Port>, to: NodeRef, input: usize) {
        let mut stream = self.stream(&from.into());
        stream.link.back_edge = true;
        let inputs = &mut self.nodes[to.0].inputs;
        let input = input.min(LAST_INPUT);
        if input >= inputs.len() {
            inputs.resize(input + 1, StreamConfig::default());
        }
        inputs[input] = stream;
    }

    /// The stream of an output, declared on its producer when it is first used.
    fn stream(&mut self, port: &Port) -> StreamConfig {
        let Some(NodeRef(producer)) = port.node else {
            return StreamConfig::new(port.name.clone());
        };
        let producer = &mut self.nodes[producer];
        let name = format!("{}.{}", producer.name, port.name);
        if !producer.outputs.iter().any(|known| known.name == name) {
            let output = StreamConfig::on_port(port.name.clone(), name.clone());
            producer.outputs.push(output);
        }
        StreamConfig::new(name)
    }

    /// The finished description. The application drives the graph where it feeds streams (mode
    /// `Pushdata`) or reads them (`Generator`).
    pub fn build(self) -> GraphConfig {
        let mode = match (self.inputs.is_empty(), self.outputs.is_empty()) {
            (false, _) => GraphMode::Pushdata,
            (true, false) => GraphMode::Generator,
            (true, true) => GraphMode::Normal,
        };
        GraphConfig {
            mode,
            option: self.option,
            inputs: self.inputs,
            outputs: self.outputs,
            nodes: self.nodes,
            ..GraphConfig::default()
        }
    }
}

impl Node {
    /// A node that runs the module called `module`.
    pub fn new(module: impl Into<String>) -> Self {
        Self {
            config: NodeConfig {
                module: ModuleRef {
                    name: module.into(),
                    ..ModuleRef::default()
                },
                ..NodeConfig::default()
            },
            inputs: Vec::new(),
        }
    }

    /// Its name in messages and statistics.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.config.name = name.into();
        self.config.alias = Some(self.config.name.clone());
        self
    }

    /// One option of the module.
    #[must_use]
    pub fn option(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.config.option.0.insert(key.into(), value.into());
        self
    }

    /// All options of the module at once.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.config.option = options;
        self
    }

    /// Connects the next input to an output of another node.
    #[must_use]
    pub fn input(self, from: impl Into<Port>) -> Self {
        self.input_with(from, LinkConfig::default())
    }

    /// The same with settings of the link: its limits, and what happens when they are reached.
    ///
    /// ```
    /// use bmf_core::config::{LinkConfig, OnFull};
    /// # let mut graph = bmf_engine::GraphBuilder::new();
    /// # let camera = graph.add(bmf_engine::Node::new("test_source"));
    /// let newest = LinkConfig { on_full: Some(OnFull::Latest), ..LinkConfig::default() };
    /// let preview = bmf_engine::Node::new("null_sink").input_with(camera, newest);
    /// # graph.add(preview);
    /// ```
    #[must_use]
    pub fn input_with(mut self, from: impl Into<Port>, link: LinkConfig) -> Self {
        self.inputs.push(Some((from.into(), link)));
        self
    }

    /// Leaves the next input unconnected: it ends at once.
    #[must_use]
    pub fn no_input(mut self) -> Self {
        self.inputs.push(None);
        self
    }

    /// How packets of several inputs are put together: an
    /// [`InputManager`](bmf_core::config::InputManager), or one with options.
    #[must_use]
    pub fn input_manager(mut self, manager: impl Into<InputManagerConfig>) -> Self {
        self.config.input_manager = Some(manager.into());
        self
    }

    /// Runs it on the executor called `name`, which is one of
    /// [`GraphOptions::executors`](bmf_core::config::GraphOptions::executors).
    #[must_use]
    pub fn executor(mut self, name: impl Into<String>) -> Self {
        self.config.executor = Some(name.into());
        self
    }

    /// Runs it as several instances of its module, which take turns. What leaves the node is in the
    /// order of its input all the same.
    #[must_use]
    pub fn parallel(self, instances: usize) -> Self {
        self.parallel_with(ParallelConfig {
            instances,
            distribution: Distribution::default(),
        })
    }

    /// The same with another way to choose which instance gets what.
    #[must_use]
    pub fn parallel_with(mut self, parallel: ParallelConfig) -> Self {
        self.config.parallel = Some(parallel);
        self
    }

    /// Most packets that wait on each input.
    #[must_use]
    pub fn queue_length_limit(mut self, packets: usize) -> Self {
        self.config.queue_length_limit = Some(packets);
        self
    }

    /// Most bytes that wait on each input.
    #[must_use]
    pub fn queue_bytes_limit(mut self, bytes: u64) -> Self {
        self.config.queue_bytes_limit = Some(bytes);
        self
    }

    /// Most packets that one task carries.
    #[must_use]
    pub fn batch(mut self, packets: usize) -> Self {
        self.config.batch = Some(packets);
        self
    }
}

impl NodeRef {
    /// The output called `name` (`video`), or of that number.
    pub fn port(self, name: impl Into<String>) -> Port {
        Port {
            node: Some(self),
            name: name.into(),
        }
    }
}

impl From<NodeRef> for Port {
    fn from(node: NodeRef) -> Self {
        node.port("0")
    }
}

#[cfg(test)]
mod tests {
    use bmf_core::config::{InputManager, OnFull};

    use super::*;
    use crate::read::to_toml;

    #[test]
    fn a_node_has_what_it_was_given() {
        let mut graph = GraphBuilder::new();
        let source = graph.add(Node::new("source").executor("io"));
        let newest = LinkConfig {
            on_full: Some(OnFull::Latest),
            ..LinkConfig::default()
        };
        graph.add(
            Node::new("sink")
                .name("end")
                .input(source)
                .no_input()
                .input_with(source.port("audio"), newest)
                .input_manager(InputManager::Barrier)
                .parallel(4)
                .queue_length_limit(2)
                .queue_bytes_limit(100),
        );
        insta::assert_snapshot!(to_toml(&graph.build()), @r#"
        [nodes.source_0]
        id = 0
        module = "source"
        outputs = ["0:source_0.0", "audio:source_0.audio"]
        executor = "io"

        [nodes.end]
        id = 1
        alias = "end"
        module = "sink"
        inputs = ["source_0.0", "", { stream = "source_0.audio", on_full = "latest" }]
        input_manager = "barrier"
        parallel = 4
        queue_bytes_limit = 100
        queue_length_limit = 2
        "#);
    }

    #[test]
    fn the_application_feeds_and_reads() {
        let mut graph = GraphBuilder::new();
        let raw = graph.graph_input("raw");
        assert_eq!(raw, graph.graph_input("raw"));
        let pass = graph.add(Node::new("pass").input(raw.clone()));
        let limit = LinkConfig {
            queue_length_limit: Some(1),
            ..LinkConfig::default()
        };
        assert_eq!(graph.graph_output(pass), "pass_0.0");
        assert_eq!(graph.graph_output_with(pass, limit), "pass_0.0");
        assert_eq!(graph.graph_output(raw), "raw");
        insta::assert_snapshot!(to_toml(&graph.build()), @r#"
        mode = "Pushdata"
        inputs = ["raw"]
        outputs = [{ stream = "pass_0.0", queue_length_limit = 1 }, "raw"]

        [nodes.pass_0]
        id = 0
        module = "pass"
        inputs = ["raw"]
        outputs = ["0:pass_0.0"]
        "#);
    }

    #[test]
    fn a_graph_that_is_only_read_is_a_generator() {
        let mut graph = GraphBuilder::new();
        let source = graph.add(Node::new("source"));
        graph.graph_output(source.port("video"));
        insta::assert_snapshot!(to_toml(&graph.build()), @r#"
        mode = "Generator"
        outputs = ["source_0.video"]

        [nodes.source_0]
        id = 0
        module = "source"
        "#);
    }

    #[test]
    fn a_loop_is_closed_later() {
        let mut graph = GraphBuilder::new();
        let first = graph.add(Node::new("first").no_input());
        let second = graph.add(Node::new("second").input(first));
        graph.loop_back(second.port("done"), first, 0);
        graph.loop_back(first, first, 2);
        insta::assert_snapshot!(to_toml(&graph.build()), @r#"
        [nodes.first_0]
        id = 0
        module = "first"
        inputs = [{ stream = "second_1.done", back_edge = true }, "", { stream = "first_0.0", back_edge = true }]
        outputs = ["0:first_0.0"]

        [nodes.second_1]
        id = 1
        module = "second"
        inputs = ["first_0.0"]
        "#);
    }

    #[test]
    fn an_input_out_of_all_bounds_takes_no_memory() {
        let mut graph = GraphBuilder::new();
        let node = graph.add(Node::new("loop"));
        graph.loop_back(node, node, usize::MAX);
        assert_eq!(graph.build().nodes[0].inputs.len(), LAST_INPUT + 1);
    }
}
