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
//! * declined ones, whose consumer holds as many packets as the limit allows and waits for more;
//! * where there are none of these, the back edges of loops that are full all round.
//!
//! Before that, nodes are woken that have room but were not told, for want of a low watermark.
//!
//! This is looked for when the graph is quiet, and by sources now and then: while a source runs, the
//! graph is not quiet. A look at a running graph is certain because it is taken twice: nodes that
//! were at rest after the same number of steps both times were at rest in between, all at once.

use bmf_core::config::OnDeadlock;
use bmf_scheduler::{Context, Phase as SlotPhase, Wake};
use bmf_streams::{Awaited, Link};

use super::loops::finished_loops;
use super::report::WaitReport;
use crate::RunError;
use crate::live::Gate;
use crate::node::wake_peer;
use crate::shared::{NodeInfo, Shared};

/// Why limits may not be raised.
const NO_MEMORY: &str = "its memory budget is used up";

/// Called when nothing is ready and nothing runs: gets the graph going again, leaves it to the
/// application, or finds it stuck for good.
pub(crate) fn on_quiet(shared: &Shared, context: &mut Context<'_>) {
    if shared.nodes_left() == 0 {
        return;
    }
    let look = Look::at(shared, context);
    if wake_for_room(shared, context, look.held_up(shared)) {
        return;
    }
    let_in(shared);
    let mut links = look.blocking_links(shared);
    for link in look.full_inputs(shared) {
        if !links.iter().any(|known| std::ptr::eq(*known, link)) {
            links.push(link);
        }
    }
    let is_blocked = look.blocked().any(|_| true) && !look.may_be_fed(shared);
    if links.is_empty() && !is_blocked {
        return; // The application has its turn.
    }
    if !look.all_rested(shared, context) {
        return; // It has just had it, and there will be another quiet moment.
    }
    if !links.is_empty() {
        return free(shared, context, &links);
    }
    if !end_loops(shared, context) {
        let report = report(shared, context);
        let saves = look
            .blocked()
            .any(|index| must_save(shared, &shared.nodes[index]));
        let error = match saves {
            true => RunError::Deadlock {
                why: NO_MEMORY,
                report,
            },
            false => RunError::Stuck { report },
        };
        fail(shared, context, error);
    }
}

/// Called in between by sources: frees the parts of the graph that have blocked themselves.
pub(crate) fn relax(shared: &Shared, context: &mut Context<'_>) {
    let look = Look::at(shared, context);
    let held_up = look.held_up(shared).filter(|&index| look.is_blocked(index));
    if wake_for_room(shared, context, held_up) {
        return;
    }
    if shared
        .budget
        .as_ref()
        .is_some_and(|budget| budget.is_used_up())
    {
        return; // What still runs may give memory back.
    }
    let links = look.blocking_links(shared);
    if !links.is_empty() && look.still_holds(shared, context) {
        free(shared, context, &links);
    }
}

/// Called by a node that finds too little: if it waits for nobody but the application, and the
/// application has found another of its inputs full, that one is given room. It may be about to
/// feed the awaited one, but only after this one; and the graph may never be quiet.
pub(crate) fn relieve(shared: &Shared, context: &mut Context<'_>, index: usize, awaited: Awaited) {
    let inputs = &shared.nodes[index].inputs;
    let is_fed = |link: &Link| shared.node_at(link.producer()).is_none();
    let mut waited_for = inputs.iter().filter(|input| {
        let is_awaited = awaited.port.is_none_or(|port| port == input.port);
        is_awaited && !input.link.is_ended() && !input.link.is_full()
    });
    if !waited_for.all(|input| is_fed(&input.link)) {
        return;
    }
    let full = inputs.iter().map(|input| &*input.link);
    let full: Vec<&Link> = full.filter(|link| link.is_full() && is_fed(link)).collect();
    // Asked after that: what was full by then and has been seen does not suffice.
    if is_about_to_look(&shared.nodes[index]) {
        return;
    }
    let was_asked = |link: &&Link| {
        let gate = shared.gate_at(link.producer());
        gate.is_some_and(|gate| gate.was_asked())
    };
    let links: Vec<&Link> = full.into_iter().filter(was_asked).collect();
    if !links.is_empty() {
        free(shared, context, &links);
    }
}

/// Wakes nodes that wait for room. Returns whether there was one.
fn wake_for_room(
    shared: &Shared,
    context: &mut Context<'_>,
    nodes: impl Iterator<Item = usize>,
) -> bool {
    let wake = |index| context.wake(shared.slot(index), Wake::Room);
    nodes.map(wake).count() > 0
}

/// Lets those threads of the application go on that wait for room although there is some, again for
/// want of a low watermark. One may be about to wait; it has counted how often the gate was opened.
fn let_in(shared: &Shared) {
    let gates = fed_by_application(shared).filter(|link| !link.is_full());
    let gates = gates.filter_map(|link| shared.gate_at(link.producer()));
    gates.for_each(Gate::open);
}

fn fed_by_application(shared: &Shared) -> impl Iterator<Item = &Link> {
    let inputs = shared.nodes.iter().flat_map(|node| &node.inputs);
    let links = inputs.map(|input| &*input.link);
    links.filter(|link| shared.node_at(link.producer()).is_none())
}

/// Gives links room, if that is allowed.
fn free(shared: &Shared, context: &mut Context<'_>, links: &[&Link]) {
    let used_up = shared
        .budget
        .as_ref()
        .is_some_and(|budget| budget.is_used_up());
    let why = match shared.on_deadlock {
        OnDeadlock::Fail => "on_deadlock is \"fail\"",
        OnDeadlock::Relax if used_up => NO_MEMORY,
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

/// Ends the back edges of loops that are finished. Returns whether there was one.
fn end_loops(shared: &Shared, context: &mut Context<'_>) -> bool {
    let finished = finished_loops(shared);
    for link in &finished {
        link.end_from_outside();
        if let Some(consumer) = shared.node_at(link.consumer()) {
            context.wake(shared.slot(consumer), Wake::Input);
        }
    }
    !finished.is_empty()
}

fn report(shared: &Shared, context: &Context<'_>) -> WaitReport {
    WaitReport::new(shared, |index| context.phase(shared.slot(index)))
}

fn fail(shared: &Shared, context: &mut Context<'_>, error: RunError) {
    shared.fail(error);
    shared.wake_all_from_step(context);
}

/// Whether a node waits for the memory budget.
fn must_save(shared: &Shared, node: &NodeInfo) -> bool {
    let budget = shared.budget.as_ref().filter(|_| node.is_source);
    budget.is_some_and(|budget| budget.must_wait())
}

/// Whether an idle node has not seen all that was sent to it: the application, which may do so while
/// the graph is looked at, wakes it after that.
fn is_about_to_look(node: &NodeInfo) -> bool {
    node.inputs.iter().any(|input| input.link.has_unseen())
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
            // It is woken when a link falls to its low watermark.
            let consumers = node.outputs.iter();
            let mut consumers = consumers.filter_map(|link| shared.node_at(link.consumer()));
            return !must_save(shared, node) && consumers.any(|consumer| self.nodes[consumer].hope);
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

    /// Nodes that wait for room although all outputs have some: links wake their producers at the low
    /// watermark only, and a consumer that waits for room itself does not take them there.
    fn held_up(&self, shared: &Shared) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|&index| {
            let node = &shared.nodes[index];
            let has_room = !node.outputs.iter().any(|link| link.is_full());
            self.waits_for_room(index) && has_room && !must_save(shared, node)
        })
    }

    /// Whether what an idle node waits for may come.
    fn may_get_input(&self, shared: &Shared, node: &NodeInfo) -> bool {
        let awaited = node.awaited.get();
        let mut inputs = node.inputs.iter().filter(|input| {
            let is_awaited = awaited.port.is_none_or(|port| port == input.port);
            is_awaited && !input.link.is_ended()
        });
        let may_come = inputs.any(|input| match shared.node_at(input.link.producer()) {
            Some(producer) => self.nodes[producer].hope,
            None => true,
        });
        may_come || is_about_to_look(node)
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
        let inputs = |for_room: bool| {
            let nodes = self
                .blocked()
                .filter(move |&index| self.waits_for_room(index) == for_room);
            nodes.flat_map(|index| shared.nodes[index].inputs.iter().map(|input| &*input.link))
        };
        let holds_up = |link: &&Link| {
            let producer = shared.node_at(link.producer());
            let waits = |node| self.is_blocked(node) && self.waits_for_room(node);
            link.is_full() && producer.is_some_and(waits)
        };
        let links = inputs(false).filter(|link| link.is_declined() || holds_up(link));
        let links: Vec<_> = links.collect();
        if !links.is_empty() {
            return links;
        }
        let back_edges = inputs(true).filter(|link| link.is_back_edge());
        back_edges.filter(holds_up).collect()
    }

    /// Whether a blocked node has nothing to work on and may still be fed from elsewhere: then it is
    /// early, not stuck.
    fn may_be_fed(&self, shared: &Shared) -> bool {
        let from_elsewhere = |link: &Link| {
            let producer = shared.node_at(link.producer());
            !link.is_ended() && producer.is_none_or(|producer| !self.is_blocked(producer))
        };
        self.blocked().any(|index| {
            let links = || shared.nodes[index].inputs.iter().map(|input| &*input.link);
            links().all(|link| link.stats().waiting == 0) && links().any(from_elsewhere)
        })
    }

    /// The links that give room to full ones which the application feeds: those in front of a node
    /// that waits for another input. The application may be about to feed that one, but only after
    /// this one. What it does not read is never given room.
    fn full_inputs<'a>(&self, shared: &'a Shared) -> Vec<&'a Link> {
        let mut relief = Relief {
            look: self,
            shared,
            may_move: vec![None; self.nodes.len()],
            links: Vec::new(),
        };
        for link in fed_by_application(shared).filter(|link| link.is_full()) {
            relief.reach(link);
        }
        relief.links
    }

    /// Whether no node has moved while this look was taken.
    fn all_rested(&self, shared: &Shared, context: &Context<'_>) -> bool {
        let mut nodes = self.nodes.iter().enumerate();
        nodes.all(|(index, node)| {
            node.rest.is_some() && node.rest == context.at_rest(shared.slot(index))
        })
    }

    /// Whether the blocked nodes have not moved since.
    fn still_holds(&self, shared: &Shared, context: &Context<'_>) -> bool {
        let rests = |index: usize| context.at_rest(shared.slot(index)) == self.nodes[index].rest;
        self.blocked().all(rests)
    }
}

/// A search for the links that keep full ones from getting room.
struct Relief<'a, 'l> {
    look: &'l Look,
    shared: &'a Shared,
    /// Of the nodes met so far that wait for room themselves, whether they may get it.
    may_move: Vec<Option<bool>>,
    links: Vec<&'a Link>,
}

impl<'a> Relief<'a, '_> {
    /// Whether a full link gets room if those found are given some.
    fn reach(&mut self, link: &'a Link) -> bool {
        let Some(consumer) = self.shared.node_at(link.consumer()) else {
            return false;
        };
        let node = &self.shared.nodes[consumer];
        match self.look.nodes[consumer].phase {
            SlotPhase::Idle if !is_about_to_look(node) => {
                self.links.push(link);
                true
            }
            SlotPhase::Throttled => match self.may_move[consumer] {
                Some(may_move) => may_move,
                None => self.reach_through(consumer),
            },
            _ => false,
        }
    }

    /// The same for the full outputs of a node: all of them, or where one is enough, one.
    fn reach_through(&mut self, index: usize) -> bool {
        // What leads back here does not help.
        self.may_move[index] = Some(false);
        let before = self.links.len();
        let node = &self.shared.nodes[index];
        let mut full = node.outputs.iter().filter(|link| link.is_full());
        let may_move = match node.any_room {
            true => full.any(|link| self.reach(link)),
            false => full.all(|link| self.reach(link)),
        };
        if !may_move {
            self.links.truncate(before);
        }
        self.may_move[index] = Some(may_move);
        may_move
    }
}
