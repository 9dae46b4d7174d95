//! "Who waits for whom": what each node of a graph that idles, is stuck or has ended waits for.

use std::fmt;
use std::sync::atomic::Ordering;

use bmf_hmp::{Bound, Timestamp};
use bmf_scheduler::Phase as SlotPhase;
use bmf_streams::{Link, LinkStats};
use serde_json::{Value, json};

use crate::shared::{NodeInfo, Shared};

/// What each node that is not done waits for: first those inside their modules, for they keep the
/// others waiting. `Display` is one line; [`to_json`](Self::to_json) has all the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitReport {
    /// The nodes.
    pub nodes: Vec<NodeWait>,
    /// Bytes that wait in all links, and the budget for them, where there is one.
    pub memory: Option<(usize, usize)>,
}

/// What one node waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeWait {
    /// The node, as messages name it.
    pub node: String,
    /// What it waits for.
    pub waits: Waits,
    /// Packets that wait on its inputs.
    pub holds: usize,
}

/// What a node waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waits {
    /// Nothing: it is inside its module.
    Inside,
    /// A worker.
    Turn,
    /// A producer to open.
    Open {
        /// Its name.
        peer: String,
    },
    /// Room on a full link.
    Room(LinkWait),
    /// A packet, a bound or the end, on a link.
    Input {
        /// The link.
        link: LinkWait,
        /// The input port.
        port: String,
        /// The time that must be settled there; `None`: a packet of any time.
        settled: Option<Timestamp>,
    },
    /// The memory budget.
    Memory,
}

/// A link that a node waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkWait {
    /// The stream.
    pub stream: String,
    /// Who stands at the other end.
    pub peer: String,
    /// What the link has seen.
    pub stats: LinkStats,
}

impl WaitReport {
    pub(crate) fn new(shared: &Shared, phase_of: impl Fn(usize) -> SlotPhase) -> Self {
        let nodes = shared.nodes.iter().enumerate();
        let mut nodes: Vec<NodeWait> = nodes
            .filter_map(|(index, node)| {
                let waits = match phase_of(index) {
                    SlotPhase::Done => return None,
                    SlotPhase::Running => Waits::Inside,
                    SlotPhase::Throttled => for_room(shared, node),
                    SlotPhase::Idle | SlotPhase::Queued => for_input(shared, node),
                };
                let inputs = node.inputs.iter();
                Some(NodeWait {
                    node: node.label.clone(),
                    waits,
                    holds: inputs.map(|input| input.link.stats().waiting).sum(),
                })
            })
            .collect();
        nodes.sort_by_key(|node| node.waits != Waits::Inside);
        let budget = shared.budget.as_ref();
        Self {
            nodes,
            memory: budget.map(|budget| (budget.used(), budget.limit())),
        }
    }

    /// Whether nobody waits: all nodes are done.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The report for programs: `{"nodes": [{"node", "waits_for", …}], "memory": {…}}`.
    pub fn to_json(&self) -> Value {
        let nodes: Vec<Value> = self.nodes.iter().map(NodeWait::to_json).collect();
        let mut report = json!({ "nodes": nodes });
        if let Some((used, budget)) = self.memory {
            report["memory"] = json!({ "used_bytes": used, "budget_bytes": budget });
        }
        report
    }
}

fn for_room(shared: &Shared, node: &NodeInfo) -> Waits {
    match node.outputs.iter().find(|link| link.is_full()) {
        Some(link) => Waits::Room(LinkWait::new(link, shared.name_of(link.consumer()))),
        None if node.is_source && shared.budget.is_some() => Waits::Memory,
        None => Waits::Turn,
    }
}

fn for_input(shared: &Shared, node: &NodeInfo) -> Waits {
    let forward = node
        .inputs
        .iter()
        .filter(|input| !input.link.is_back_edge());
    let mut producers = forward.filter_map(|input| shared.node_at(input.link.producer()));
    let unopened = |&index: &usize| !shared.nodes[index].announced.load(Ordering::Relaxed);
    if let Some(index) = producers.find(unopened) {
        let peer = shared.nodes[index].name.clone();
        return Waits::Open { peer };
    }
    let awaited = node.awaited.get();
    let open = || node.inputs.iter().filter(|input| !input.link.is_ended());
    let input = match awaited.port {
        Some(port) => open().find(|input| input.port == port),
        None => open().find(|input| input.link.stats().waiting == 0),
    };
    let Some(input) = input else {
        return Waits::Turn;
    };
    Waits::Input {
        link: LinkWait::new(&input.link, shared.name_of(input.link.producer())),
        port: node
            .input_names
            .get(input.port)
            .cloned()
            .unwrap_or_default(),
        settled: awaited.settled,
    }
}

impl LinkWait {
    fn new(link: &Link, peer: &str) -> Self {
        Self {
            stream: link.stream().to_owned(),
            peer: peer.to_owned(),
            stats: link.stats(),
        }
    }

    fn to_json(&self) -> Value {
        let stats = &self.stats;
        json!({
            "stream": self.stream,
            "peer": self.peer,
            "waiting": stats.waiting,
            "waiting_bytes": stats.waiting_bytes,
            "limit": stats.limit,
            "sent": stats.packets,
            "dropped": stats.dropped.total(),
            "bound_us": micros(stats.bound),
        })
    }
}

fn micros(bound: Bound) -> Option<i64> {
    let earliest = bound.earliest().filter(|time| time.is_time());
    earliest.map(Timestamp::micros)
}

impl NodeWait {
    fn to_json(&self) -> Value {
        let (kind, mut detail) = match &self.waits {
            Waits::Inside => ("inside", json!({})),
            Waits::Turn => ("turn", json!({})),
            Waits::Open { peer } => ("open", json!({ "peer": peer })),
            Waits::Room(link) => ("room", link.to_json()),
            Waits::Memory => ("memory", json!({})),
            Waits::Input {
                link,
                port,
                settled,
            } => {
                let mut detail = link.to_json();
                detail["port"] = json!(port);
                detail["settled_us"] = json!(settled.map(Timestamp::micros));
                ("input", detail)
            }
        };
        detail["node"] = json!(self.node);
        detail["waits_for"] = json!(kind);
        detail["holds"] = json!(self.holds);
        detail
    }
}

impl fmt::Display for WaitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, node) in self.nodes.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{node}")?;
        }
        if let Some((used, budget)) = self.memory {
            write!(f, "; {used} of {budget} bytes wait in queues")?;
        }
        Ok(())
    }
}

impl fmt::Display for NodeWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.node)?;
        match &self.waits {
            Waits::Inside => f.write_str("is inside its module")?,
            Waits::Turn => f.write_str("is ready, but did not get its turn")?,
            Waits::Open { peer } => write!(f, "waits for {} to open", quoted(peer))?,
            Waits::Memory => f.write_str("waits for the memory budget")?,
            Waits::Room(link) => write!(
                f,
                "waits for {} to take from \"{}\"",
                quoted(&link.peer),
                link.stream
            )?,
            Waits::Input { link, settled, .. } => {
                let peer = quoted(&link.peer);
                write!(f, "waits for {peer} to send on \"{}\"", link.stream)?;
                if let Some(time) = settled {
                    let bound = link.stats.bound;
                    write!(f, " (needs {time} settled, the next may come at {bound})")?;
                }
            }
        }
        if self.holds > 0 && matches!(self.waits, Waits::Input { .. }) {
            write!(f, ", {} packets wait meanwhile", self.holds)?;
        }
        Ok(())
    }
}

/// A node's name in quotes; the application has none.
fn quoted(peer: &str) -> String {
    match peer {
        "the application" => peer.to_owned(),
        name => format!("'{name}'"),
    }
}
