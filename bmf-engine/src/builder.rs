//! Graphs written in Rust. Builds the same description that JSON and TOML are read into; checks
//! nothing by itself.

use bmf_core::Options;
use bmf_core::config::{
    GraphConfig, GraphOptions, InputManager, ModuleRef, NodeConfig, StreamConfig,
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
    nodes: Vec<NodeConfig>,
}

/// A node that is being described.
#[derive(Clone, Debug)]
pub struct Node {
    config: NodeConfig,
    inputs: Vec<Option<Port>>,
}

/// A node of a [`GraphBuilder`]. As an input it stands for its first output.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct NodeRef(usize);

/// An output of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    node: NodeRef,
    name: String,
}

impl GraphBuilder {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Settings of the whole graph.
    pub fn option_mut(&mut self) -> &mut GraphOptions {
        &mut self.option
    }

    /// Adds a node. Its inputs can only be outputs of nodes added before.
    pub fn add(&mut self, node: Node) -> NodeRef {
        let Node { mut config, inputs } = node;
        let index = self.nodes.len();
        config.id = u32::try_from(index).unwrap_or(u32::MAX);
        if config.name.is_empty() {
            config.name = format!("{}_{index}", config.module.name);
        }
        config.inputs = inputs
            .into_iter()
            .map(|input| input.map_or_else(StreamConfig::default, |port| self.stream(&port)))
            .collect();
        self.nodes.push(config);
        NodeRef(index)
    }

    /// The stream of an output, declared on its producer when it is first used.
    fn stream(&mut self, port: &Port) -> StreamConfig {
        let producer = &mut self.nodes[port.node.0];
        let name = format!("{}.{}", producer.name, port.name);
        if !producer.outputs.iter().any(|known| known.name == name) {
            let output = StreamConfig::on_port(port.name.clone(), name.clone());
            producer.outputs.push(output);
        }
        StreamConfig::new(name)
    }

    /// The finished description.
    pub fn build(self) -> GraphConfig {
        GraphConfig {
            option: self.option,
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
    pub fn input(mut self, from: impl Into<Port>) -> Self {
        self.inputs.push(Some(from.into()));
        self
    }

    /// Leaves the next input unconnected: it ends at once.
    #[must_use]
    pub fn no_input(mut self) -> Self {
        self.inputs.push(None);
        self
    }

    /// How packets of several inputs are put together.
    #[must_use]
    pub fn input_manager(mut self, manager: InputManager) -> Self {
        self.config.input_manager = Some(manager);
        self
    }

    /// Most packets that wait on each input.
    #[must_use]
    pub fn queue_length_limit(mut self, packets: usize) -> Self {
        self.config.queue_length_limit = Some(packets);
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
            node: self,
            name: name.into(),
        }
    }
}

impl From<NodeRef> for Port {
    fn from(node: NodeRef) -> Self {
        node.port("0")
    }
}
