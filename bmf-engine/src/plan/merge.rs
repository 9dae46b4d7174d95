//! Makes one node of neighbours whose module can do the work of all of them in one instance, such as
//! filters one after the other. What a module makes of that is its own business; here is decided
//! which nodes may be merged: a chain in which nobody else sees what goes from one to the next, and
//! on whose links and nodes the user has set nothing that would be lost.

use std::collections::HashSet;
use std::sync::Arc;

use bmf_core::Options;
use bmf_core::config::{LinkConfig, NodeConfig};

use super::{PlannedNode, PlannedStream, module_options, nodes};
use crate::panics;

/// Merges what can be merged. The merged node stands where the first of its nodes stood, and is
/// called by all their names: `scale+fade`.
pub(super) fn neighbours(
    nodes: Vec<PlannedNode>,
    streams: Vec<PlannedStream>,
) -> (Vec<PlannedNode>, Vec<PlannedStream>) {
    let mut merging = Merging { nodes, streams };
    let mut gone = Gone::default();
    for first in 0..merging.nodes.len() {
        if gone.nodes.contains(&first) || merging.continues(first) {
            continue;
        }
        let chain = merging.chain(first);
        if let Some(option) = merging.fused(&chain) {
            merging.replace(&chain, option, &mut gone);
        }
    }
    merging.without(&gone)
}

struct Merging {
    nodes: Vec<PlannedNode>,
    streams: Vec<PlannedStream>,
}

/// What the merged nodes leave behind, by index.
#[derive(Default)]
struct Gone {
    nodes: HashSet<usize>,
    streams: HashSet<usize>,
}

impl Merging {
    /// The nodes that could be one, in the order of the stream. There are no rings: a back edge has a
    /// setting.
    fn chain(&self, first: usize) -> Vec<usize> {
        let next = |&node: &usize| self.after(node).map(|(_, next)| next);
        std::iter::successors(Some(first), next).collect()
    }

    /// The stream out of a node and the node behind it, where both could be one.
    fn after(&self, node: usize) -> Option<(usize, usize)> {
        let mut streams = self.streams.iter().enumerate();
        let is_its = |stream: &PlannedStream| stream.producer.is_some_and(|(from, _)| from == node);
        let (index, stream) = streams.find(|(_, stream)| is_its(stream))?;
        let [link] = stream.consumers[..] else {
            return None;
        };
        let is_only = self.nodes[node].outputs == 1 && !streams.any(|(_, other)| is_its(other));
        let is_plain = stream.application.is_none()
            && link.settings == LinkConfig::default()
            && self.nodes[link.node].inputs.len() == 1;
        let both = (&self.nodes[node], &self.nodes[link.node]);
        (is_only && is_plain && go_together(both.0, both.1)).then_some((index, link.node))
    }

    /// Whether the chain of a node begins with another one.
    fn continues(&self, node: usize) -> bool {
        let [Some(stream)] = self.nodes[node].inputs[..] else {
            return false;
        };
        let producer = self.streams[stream].producer;
        producer.is_some_and(|(producer, _)| self.after(producer).is_some())
    }

    /// The options for all of the chain; `None` where the module wants its nodes apart.
    fn fused(&self, chain: &[usize]) -> Option<Options> {
        let &[first, _, ..] = chain else { return None };
        let options: Vec<Options> = chain
            .iter()
            .map(|&node| module_options(&self.nodes[node].config))
            .collect();
        let options: Vec<&Options> = options.iter().collect();
        let node = &self.nodes[first];
        panics::caught(|| node.factory.fuse(&options)).unwrap_or_else(|message| {
            log::warn!(
                "{}: the module panicked when it was asked to merge: {message}",
                node.config
            );
            None
        })
    }

    fn replace(&mut self, chain: &[usize], option: Options, gone: &mut Gone) {
        let names: Vec<&str> = chain
            .iter()
            .map(|&node| self.nodes[node].config.name.as_str())
            .collect();
        let name = names.join("+");
        if self.nodes.iter().any(|node| node.config.name == name) {
            return;
        }
        let (first, last) = (chain[0], chain[chain.len() - 1]);
        for pair in chain.windows(2) {
            let between = self.after(pair[0]).map(|(stream, _)| stream);
            gone.streams.extend(between);
        }
        gone.nodes.extend(&chain[1..]);
        for stream in &mut self.streams {
            if let Some((producer, _)) = &mut stream.producer
                && *producer == last
            {
                *producer = first;
            }
        }
        let end = &self.nodes[last];
        let (outputs, hops_to_sink) = (end.outputs, end.hops_to_sink);
        let (connected, declared) = (end.connected.1.clone(), end.config.outputs.clone());
        let node = &mut self.nodes[first];
        (node.outputs, node.hops_to_sink) = (outputs, hops_to_sink);
        (node.connected.1, node.config.outputs) = (connected, declared);
        (node.config.name, node.config.option) = (name, option);
    }

    /// Closes the gaps, so that indices are positions again.
    fn without(self, gone: &Gone) -> (Vec<PlannedNode>, Vec<PlannedStream>) {
        if gone.nodes.is_empty() {
            return (self.nodes, self.streams);
        }
        let node_at = positions(self.nodes.len(), &gone.nodes);
        let stream_at = positions(self.streams.len(), &gone.streams);
        let nodes = kept(self.nodes, &gone.nodes).map(|mut node| {
            for stream in node.inputs.iter_mut().flatten() {
                *stream = stream_at[*stream];
            }
            node
        });
        let streams = kept(self.streams, &gone.streams).map(|mut stream| {
            if let Some((producer, _)) = &mut stream.producer {
                *producer = node_at[*producer];
            }
            for link in &mut stream.consumers {
                link.node = node_at[link.node];
            }
            stream
        });
        (nodes.collect(), streams.collect())
    }
}

/// Whether what is set on the two nodes would be the same on one. What is set on the first alone and
/// concerns its input stays in force.
fn go_together(first: &PlannedNode, second: &PlannedNode) -> bool {
    let (one, other) = (&first.config, &second.config);
    let is_alone = |config: &NodeConfig| matches!(nodes::parallel(config), Ok(None));
    Arc::ptr_eq(&first.factory, &second.factory)
        && one.scheduler == other.scheduler
        && one.executor == other.executor
        && is_alone(one)
        && is_alone(other)
        && other.input_manager.is_none()
        && other.queue_length_limit.is_none()
        && other.queue_bytes_limit.is_none()
        && other.batch.is_none()
}

/// Where each of `count` things is when those that are gone are away.
fn positions(count: usize, gone: &HashSet<usize>) -> Vec<usize> {
    let mut next = 0;
    let position = |index: usize| {
        let at = next;
        next += usize::from(!gone.contains(&index));
        at
    };
    (0..count).map(position).collect()
}

fn kept<T>(all: Vec<T>, gone: &HashSet<usize>) -> impl Iterator<Item = T> {
    let all = all.into_iter().enumerate();
    all.filter(|(index, _)| !gone.contains(index))
        .map(|(_, one)| one)
}

#[cfg(test)]
mod tests {
    use bmf_core::config::ExecutorConfig;
    use bmf_core::{
        Diagnostics, Module, ModuleDescriptor, ModuleError, ModuleFactory, OptionIssue, PortKind,
        PortSpec, Ports,
    };
    use bmf_modules::Registry;
    use serde_json::{Value, json};

    use super::*;
    use crate::{GraphBuilder, GraphPlan, Node, Port};

    /// Adds up numbers, but for those below 0.
    struct Adder(ModuleDescriptor);

    impl ModuleFactory for Adder {
        fn descriptor(&self) -> &ModuleDescriptor {
            &self.0
        }

        fn check(&self, _: &Options) -> Vec<OptionIssue> {
            Vec::new()
        }

        fn create(&self, _: &Options) -> Result<Box<dyn Module>, ModuleError> {
            Err(ModuleError::new("this module is only for plans"))
        }

        fn fuse(&self, chain: &[&Options]) -> Option<Options> {
            let add = chain.iter().map(|options| options.get("add")?.as_u64());
            let sum: u64 = add.sum::<Option<u64>>()?;
            assert_ne!(sum, 13, "not this one");
            Options::from_value(json!({ "add": sum }))
        }
    }

    fn registry() -> Registry {
        let registry = Registry::new();
        bmf_module_basic::modules()
            .into_iter()
            .for_each(|module| registry.add(module));
        let any = |max| Ports::Any {
            min: 1,
            max,
            each: PortSpec::new("in", PortKind::Any, ""),
        };
        registry.add(Arc::new(Adder(ModuleDescriptor {
            name: "adder".to_owned(),
            inputs: any(None),
            outputs: any(None),
            ..ModuleDescriptor::default()
        })));
        registry
    }

    /// The nodes and streams of a chain of adders of these numbers.
    fn check(numbers: &[i64]) -> String {
        let mut graph = GraphBuilder::new();
        let mut at = graph.add(Node::new("test_source").name("s")).port("video");
        for (index, number) in numbers.iter().enumerate() {
            let name = char::from(b'a' + index as u8).to_string();
            let adder = Node::new("adder").name(name).option("add", *number);
            at = graph.add(adder.input(at)).into();
        }
        graph.add(Node::new("null_sink").name("end").input(at));
        let plan = GraphPlan::new(graph.build(), &registry(), false, Diagnostics::default());
        let plan = plan.unwrap_or_else(|found| panic!("{found}"));
        let told = |node: &PlannedNode| {
            let add = node
                .config
                .option
                .get("add")
                .map_or(Value::Null, Value::clone);
            let name = &node.config.name;
            format!("{name}({add}) {:?} {}", node.inputs, node.hops_to_sink)
        };
        let nodes = plan.nodes.iter().map(told);
        let streams = plan.streams.iter().map(|stream| {
            let to: Vec<_> = stream.consumers.iter().map(|link| link.node).collect();
            format!("{} {:?} {to:?}", stream.name, stream.producer)
        });
        nodes.chain(streams).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_chain_becomes_one_node() {
        insta::assert_snapshot!(check(&[1, 2, 3]), @"
        s(null) [] 4
        a+b+c(6) [Some(0)] 1
        end(null) [Some(1)] 0
        s.video Some((0, 0)) [1]
        c.0 Some((1, 0)) [2]
        ");
        insta::assert_snapshot!(check(&[1]), @"
        s(null) [] 2
        a(1) [Some(0)] 1
        end(null) [Some(1)] 0
        s.video Some((0, 0)) [1]
        a.0 Some((1, 0)) [2]
        ");
    }

    /// The names of the nodes that there are of a graph behind a source.
    fn names(connect: impl FnOnce(&mut GraphBuilder, Port)) -> String {
        let mut graph = GraphBuilder::new();
        let source = graph.add(Node::new("test_source").name("s"));
        connect(&mut graph, source.port("video"));
        let plan = GraphPlan::new(graph.build(), &registry(), false, Diagnostics::default());
        let plan = plan.unwrap_or_else(|found| panic!("{found}"));
        let names = plan.nodes.iter().map(|node| node.config.name.as_str());
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_somebody_sees_or_asks_for_stays() {
        let adder = |name: &str| Node::new("adder").name(name).option("add", 1);
        let read = |middle: bool| {
            names(|graph, source| {
                let a = graph.add(adder("a").input(source));
                let b = graph.add(adder("b").input(a));
                graph.graph_output(b);
                if middle {
                    graph.graph_output(a);
                }
            })
        };
        assert_eq!(
            (read(false).as_str(), read(true).as_str()),
            ("s a+b", "s a b")
        );
        let elsewhere = |first: &str, second: &str| {
            names(|graph, source| {
                let executors = ["x", "y"].map(|name| ExecutorConfig {
                    name: name.to_owned(),
                    workers: 1,
                });
                graph.option_mut().executors = executors.into();
                let a = graph.add(adder("a").input(source).executor(first));
                let b = graph.add(adder("b").input(a).executor(second));
                graph.graph_output(b);
            })
        };
        assert_eq!(elsewhere("x", "x"), "s a+b");
        assert_eq!(elsewhere("x", "y"), "s a b");
        let looped = names(|graph, source| {
            let a = graph.add(adder("a").input(source));
            let b = graph.add(adder("b").input(a));
            let c = graph.add(adder("c").input(b));
            graph.loop_back(c, a, 1);
        });
        assert_eq!(looped, "s a+b+c");
        let taken = names(|graph, source| {
            let a = graph.add(adder("a").input(source));
            let b = graph.add(adder("b").input(a));
            graph.add(Node::new("null_sink").name("a+b").input(b));
        });
        assert_eq!(taken, "s a b a+b");
    }

    #[test]
    fn the_module_has_the_last_word() {
        let apart = check(&[1, -2]);
        assert!(apart.contains("a(1)") && apart.contains("b(-2)"), "{apart}");
        let panicked = check(&[6, 7]);
        assert!(
            panicked.contains("a(6)") && panicked.contains("b(7)"),
            "{panicked}"
        );
    }
}
