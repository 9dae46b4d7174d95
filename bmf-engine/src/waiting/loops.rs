//! Finds loops that have come to their end: each node in one waits for the end of the one before.

use bmf_streams::Link;

use crate::shared::Shared;

/// The back edges of loops in which nothing is left and which nothing feeds any more. Only certain
/// while the graph is quiet.
///
/// A loop that another one feeds comes after that one: what is kept back until the end of the first
/// may still go round in the second.
pub(super) fn finished_loops(shared: &Shared) -> Vec<&Link> {
    let links = Links::of(shared);
    let back_edges = links.0.iter().filter(|(_, _, link)| link.is_back_edge());
    let finished = back_edges.filter(|&&(from, to, _)| {
        let Some(from) = from else {
            return false;
        };
        let reached = links.reach(to, shared.nodes.len(), |from, to| (from, to));
        let reaching = links.reach(from, shared.nodes.len(), |from, to| (to, from));
        let is_member = |node: usize| reached[node] && reaching[node];
        let is_fed = |from: Option<usize>| !from.is_some_and(is_member);
        let mut inputs = links.0.iter().filter(|&&(_, to, _)| is_member(to));
        is_member(to) && inputs.all(|&(from, _, link)| !is_fed(from) && link.stats().waiting == 0)
    });
    finished.map(|&(_, _, link)| link).collect()
}

/// All links that are in use, with the nodes at their ends. The application sends from no node.
struct Links<'a>(Vec<(Option<usize>, usize, &'a Link)>);

impl<'a> Links<'a> {
    fn of(shared: &'a Shared) -> Self {
        let nodes = shared.nodes.iter().enumerate();
        let inputs = nodes.flat_map(|(node, info)| {
            let inputs = info.inputs.iter();
            inputs.map(move |input| (shared.node_at(input.link.producer()), node, &*input.link))
        });
        // Of one that has ended, what waits is still to come.
        let has_more = |link: &Link| link.has_unseen() || link.stats().waiting > 0;
        let is_open = |link: &Link| !link.is_closed() && (!link.is_ended() || has_more(link));
        Self(inputs.filter(|(_, _, link)| is_open(link)).collect())
    }

    /// The nodes that can be reached from one of so many, itself included. `way` says which way
    /// links are followed.
    fn reach(
        &self,
        start: usize,
        nodes: usize,
        way: impl Fn(usize, usize) -> (usize, usize),
    ) -> Vec<bool> {
        let mut reached = vec![false; nodes];
        reached[start] = true;
        let mut found = vec![start];
        while let Some(node) = found.pop() {
            for &(from, to, _) in &self.0 {
                let Some((this, next)) = from.map(|from| way(from, to)) else {
                    continue;
                };
                if this == node && !std::mem::replace(&mut reached[next], true) {
                    found.push(next);
                }
            }
        }
        reached
    }
}
