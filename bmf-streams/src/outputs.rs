//! The output side of a node: hands what a task leaves on its outputs to all who consume them.

use std::sync::Arc;

use bmf_core::{Signal, StreamItem, Task};
use smallvec::SmallVec;

use crate::{Link, LinkSender, Wake};

/// All outputs of one node.
#[derive(Debug)]
pub struct Outputs {
    ports: SmallVec<[OutputPort; 2]>,
}

#[derive(Debug)]
struct OutputPort {
    links: SmallVec<[LinkSender; 1]>,
    ended: bool,
}

impl Outputs {
    /// Outputs in port order, each with the links of its consumers.
    pub fn new(ports: Vec<Vec<LinkSender>>) -> Self {
        let port = |links: Vec<LinkSender>| OutputPort {
            links: links.into(),
            ended: false,
        };
        Self {
            ports: ports.into_iter().map(port).collect(),
        }
    }

    /// How many packets every consumer still has room for; 0 means that the node must wait.
    pub fn room(&self) -> usize {
        let rooms = self.links().map(|link| link.room());
        rooms.min().unwrap_or(usize::MAX)
    }

    /// Whether there are consumers and none of them takes anything any more: the node works for
    /// nobody.
    pub fn is_abandoned(&self) -> bool {
        let mut links = self.links().peekable();
        links.peek().is_some() && links.all(|link| link.is_closed())
    }

    /// Sends what `task` holds: each batch is cloned for all consumers of its port but the last,
    /// which gets the packets themselves. `wake` is told whom to wake, once per link.
    pub fn propagate(&mut self, task: &mut Task, wake: &mut dyn FnMut(Wake)) {
        for (port, output) in self.ports.iter_mut().zip(task.outputs_mut()) {
            let items = output.items_mut();
            if items.is_empty() {
                continue;
            }
            port.ended |= matches!(items.last(), Some(StreamItem::Signal(Signal::Eof)));
            if let Some((last, others)) = port.links.split_last() {
                for sender in others {
                    sender.send(items.iter().cloned()).map(&mut *wake);
                }
                last.send(items.drain(..)).map(&mut *wake);
            }
            items.clear();
        }
    }

    /// Ends every output that has not ended yet.
    pub fn end_all(&mut self, wake: &mut dyn FnMut(Wake)) {
        for port in self.ports.iter_mut().filter(|port| !port.ended) {
            port.ended = true;
            for sender in &port.links {
                sender.end().map(&mut *wake);
            }
        }
    }

    /// All links, port by port.
    pub fn links(&self) -> impl Iterator<Item = &Arc<Link>> {
        self.ports
            .iter()
            .flat_map(|port| port.links.iter().map(LinkSender::link))
    }
}
