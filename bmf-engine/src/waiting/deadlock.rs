//! Finds what has blocked itself, and frees it.
//!
//! # What is blocked
//!
//! A node at rest waits: for room in an output, for packets or bounds on an input, for its producers
//! to open, or for the memory budget. What it waits for may come if the node that would bring it runs
//! or is about to, or may itself get what it waits for, or if the application would bring it. Nodes
//! for which that is so have *hope*. All others wait only for each other: they have blocked
//! themselves, whatever the rest of the graph does.
//!
//! # How it is freed
//!
//! Links between blocked nodes are given room for one packet more:
//!
//! * full ones whose producer waits for room while their consumer waits for another input. Full
//!   links in front of a node that waits for room itself are not: they would only fill up again;
//! * declined ones, whose consumer holds as many packets as the limit allows and waits for more.
//!
//! This is looked for when the graph is quiet, and by sources now and then: while a source runs, the
//! graph is not quiet. A look at a running graph is certain because it is taken twice: nodes that
//! were at rest after the same number of steps both times were at rest in between, all at once.

use bmf_core::config::OnDeadlock;
use bmf_scheduler::{Context, Phase as SlotPhase, Wake};
use bmf_streams::Link;

use super::report::WaitReport;
use crate::RunError;
use crate::node::wake_peer;
use crate::shared::{NodeInfo, Shared};

/// Called when nothing is ready and nothing runs: gets the graph going again, leaves it to the
/// application, or finds it stuck for good.
pub(crate) fn on_quiet(shared: &Shared, context: &mut Context<'_>) {
    if shared.nodes_left() == 0 {
        return;
    }
    let look = Look::at(shared, context);
    let mut links = look.blocking_links(shared);
    links.extend(look.full_inputs(shared));
    if !links.is_empty() {
        return free(shared, context, &links);
    }
    if !look.blocked().any(|_| true) || look.may_be_fed(shared) {
        return; // The application has its turn.
    }
    if look.holds_packets(shared) || !end_loops(shared, &look, context) {
        let report = report(shared, context);
        fail(shared, context, RunError::Stuck { report });
    }
}

/// Called in between by sources: frees the parts of the graph that have blocked themselves.
pub(crate) fn relax(shared: &Shared, context: &mut Context<'_>) {
    let look = Look::at(shared, context);
    let links = look.blocking_links(shared);
    if !links.is_empty() && look.still_holds(shared, context) {
        free(shared, context, &links);
    }
}

/// Gives links room, if that is allowed.
fn free(shared: &Shared, context: &mut Context<'_>, links: &[&Link]) {
    let used_up = shared
        .budget
        .as_ref()
        .is_some_and(|budget| budget.is_used_up());
    let why = match shared.on_deadlock {
        OnDeadlock::Fail => "on_deadlock is \"fail\"",
        OnDeadlock::Relax if used_up => "its memory budget is used up",
        OnDeadlock::Relax => {
            links.iter().for_each(|link| raise(shared, context, link));
            return;
        }
    };
    let report = report(shared, context);
    fail(shared, context, RunError::Deadlock { why, report });
}

fn raise(shared: &Shared, context: &mut Context<'_>, link: &Link) {
    wake_peer(shared, context, link.raise_limit());
    log::debug!(
        "raised the limit of stream \"{}\" to {}: the graph had blocked itself",
        link.stream(),
        link.limit()
    );
    if let Some(consumer) = shared.node_at(link.consumer()) {
        context.wake(shared.slot(consumer), Wake::Input);
    }
}

/// A loop ends when nothing is left in it and all that feeds it has ended: each node in it waits for
/// the end of the one before. So the back edges end first. Returns whether there was such a loop.
fn end_loops(shared: &Shared, look: &Look, context: &mut Context<'_>) -> bool {
    let mut ended = false;
    let open = look.open_inputs(shared).filter(|link| link.is_back_edge());
    for link in open {
        link.end_from_outside();
        ended = true;
        if let Some(consumer) = shared.node_at(link.consumer()) {
            context.wake(shared.slot(consumer), Wake::Input);
        }
    }
    ended
}

fn report(shared: &Shared, context: &Context<'_>) -> WaitReport {
    WaitReport::new(shared, |index| context.phase(shared.slot(index)))
}

fn fail(shared: &Shared, context: &mut Context<'_>, error: RunError) {
    shared.fail(error);
    shared.wake_all_from_step(context);
}

/// One look at all nodes.
struct Look {
    nodes: Vec<Looked>,
}

struct Looked {
    phase: SlotPhase,
    /// Steps so far, if it is at rest.
    rest: Option<u64>,
    hope: bool,
}

impl Look {
    fn at(shared: &Shared, context: &Context<'_>) -> Self {
        let nodes = (0..shared.nodes.len()).map(|index| {
            let slot = shared.slot(index);
            let rest = context.at_rest(slot);
            let phase = context.phase(slot);
            Looked {
                phase,
                rest,
                // It may have been woken from outside between the two.
                hope: rest.is_none() || matches!(phase, SlotPhase::Queued | SlotPhase::Running),
            }
        });
        let mut look = Self {
            nodes: nodes.collect(),
        };
        while look.spread_hope(shared) {}
        look
    }

    /// Gives hope to nodes that wait for a node that has it. Returns whether there was one.
    fn spread_hope(&mut self, shared: &Shared) -> bool {
        let mut spread = false;
        for (index, node) in shared.nodes.iter().enumerate() {
            let looked = &self.nodes[index];
            let hope = !looked.hope
                && match looked.phase {
                    SlotPhase::Throttled => self.may_get_room(shared, node),
                    SlotPhase::Idle => self.may_get_input(shared, node),
                    SlotPhase::Done | SlotPhase::Queued | SlotPhase::Running => false,
                };
            self.nodes[index].hope |= hope;
            spread |= hope;
        }
        spread
    }

    /// Whether all full outputs may get room, or where one is enough, one of them.
    fn may_get_room(&self, shared: &Shared, node: &NodeInfo) -> bool {
        let mut full = node.outputs.iter().filter(|link| link.is_full()).peekable();
        if full.peek().is_none() {
            // Whoever has just made room, such as the application, is about to wake it.
            let budget = shared.budget.as_ref().filter(|_| node.is_source);
            return !budget.is_some_and(|budget| budget.must_wait());
        }
        let may_take = |link: &std::sync::Arc<Link>| match shared.node_at(link.consumer()) {
            Some(consumer) => self.nodes[consumer].hope,
            None => true,
        };
        if node.any_room {
            full.any(may_take)
        } else {
            full.all(may_take)
        }
    }

    /// Whether what an idle node waits for may come.
    fn may_get_input(&self, shared: &Shared, node: &NodeInfo) -> bool {
        let awaited = node.awaited.get();
        let mut inputs = node.inputs.iter().filter(|input| {
            let is_awaited = awaited.port.is_none_or(|port| port == input.port);
            is_awaited && !input.link.is_ended()
        });
        inputs.any(|input| match shared.node_at(input.link.producer()) {
            Some(producer) => self.nodes[producer].hope,
            None => true,
        })
    }

    /// The nodes that wait only for each other.
    fn blocked(&self) -> impl Iterator<Item = usize> {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(|(_, node)| !node.hope && node.phase != SlotPhase::Done)
            .map(|(index, _)| index)
    }

    fn is_blocked(&self, index: usize) -> bool {
        !self.nodes[index].hope && self.nodes[index].phase != SlotPhase::Done
    }

    fn waits_for_room(&self, index: usize) -> bool {
        self.nodes[index].phase == SlotPhase::Throttled
    }

    /// The links between blocked nodes that can free them.
    fn blocking_links<'a>(&self, shared: &'a Shared) -> Vec<&'a Link> {
        let inputs = self.blocked().filter(|&index| !self.waits_for_room(index));
        let inputs = inputs.flat_map(|index| &shared.nodes[index].inputs);
        let links = inputs.map(|input| &*input.link);
        links
            .filter(|link| {
                let producer = shared.node_at(link.producer());
                let waits = |node| self.is_blocked(node) && self.waits_for_room(node);
                link.is_declined() || (link.is_full() && producer.is_some_and(waits))
            })
            .collect()
    }

    /// The links that lead to blocked nodes and have not ended.
    fn open_inputs<'a>(&self, shared: &'a Shared) -> impl Iterator<Item = &'a Link> {
        let inputs = self.blocked().flat_map(|index| &shared.nodes[index].inputs);
        inputs.map(|input| &*input.link).filter(|link| !link.is_ended())
    }

    /// Whether packets wait for blocked nodes.
    fn holds_packets(&self, shared: &Shared) -> bool {
        let inputs = self.blocked().flat_map(|index| &shared.nodes[index].inputs);
        inputs.map(|input| input.link.stats()).any(|stats| stats.waiting > 0)
    }

    /// Whether blocked nodes have nothing to work on and may still be fed from elsewhere: then they
    /// are early, not stuck.
    fn may_be_fed(&self, shared: &Shared) -> bool {
        let from_elsewhere = |link: &Link| {
            let producer = shared.node_at(link.producer());
            producer.is_none_or(|producer| !self.is_blocked(producer))
        };
        !self.holds_packets(shared) && self.open_inputs(shared).any(from_elsewhere)
    }

    /// Full links that the application feeds, whose consumer waits for another input. It may be about
    /// to feed that one, but only after this one.
    fn full_inputs<'a>(&self, shared: &'a Shared) -> Vec<&'a Link> {
        let nodes = shared.nodes.iter().enumerate();
        let idle = nodes.filter(|(index, _)| self.nodes[*index].phase == SlotPhase::Idle);
        let links = idle.flat_map(|(_, node)| node.inputs.iter().map(|input| &*input.link));
        links
            .filter(|link| link.is_full() && shared.node_at(link.producer()).is_none())
            .collect()
    }

    /// Whether the blocked nodes have not moved since.
    fn still_holds(&self, shared: &Shared, context: &Context<'_>) -> bool {
        let rests = |index: usize| context.at_rest(shared.slot(index)) == self.nodes[index].rest;
        self.blocked().all(rests)
    }
}
