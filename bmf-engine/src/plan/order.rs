//! The shape of the graph: no cycles but those that back edges close, and how far each node is from
//! the sinks.

use bmf_core::config::GraphConfig;
use bmf_core::{Diagnostic, Diagnostics};

use super::streams::Wiring;

/// How many cycles are reported, and how many nodes of one are named. A tangle has more of both than
/// anybody reads, and more than fit into memory.
const MOST_CYCLES: usize = 8;
const MOST_NAMES: usize = 16;

/// Reports each cycle once, with its path.
pub(super) fn check(config: &GraphConfig, wiring: &Wiring, found: &mut Diagnostics) {
    for cycle in cycles(wiring) {
        let mut names: Vec<_> = cycle
            .iter()
            .chain(cycle.first())
            .map(|&node| format!("'{}'", config.nodes[node].name))
            .collect();
        if let Some(left_out) = names
            .len()
            .checked_sub(MOST_NAMES)
            .filter(|&count| count > 0)
        {
            let half = MOST_NAMES / 2;
            names.splice(half..half + left_out, [format!("({left_out} more)")]);
        }
        let message = format!("the graph has a cycle: {}", names.join(" -> "));
        let first = &config.nodes[cycle[0]];
        let help = "a loop is possible where the input that closes it says back_edge = true";
        found.push(
            Diagnostic::error(message)
                .at(first.spans.node)
                .help(Some(help.to_owned())),
        );
    }
}

/// For each node, the number of links to the farthest sink below it. Without its back edges the graph
/// has no cycles.
pub(super) fn hops_to_sink(wiring: &Wiring) -> Vec<u32> {
    let next = successors(wiring);
    let mut hops = vec![None; next.len()];
    for start in 0..next.len() {
        // Depth first with an explicit stack: graphs come from files, and may be deep.
        let mut stack = vec![start];
        while let Some(&node) = stack.last() {
            let open = next[node].iter().filter(|&&below| hops[below].is_none());
            let open: Vec<usize> = open.copied().collect();
            if open.is_empty() || hops[node].is_some() {
                let below = next[node].iter().filter_map(|&below| hops[below]);
                hops[node] = Some(below.max().map_or(0, |farthest: u32| farthest + 1));
                stack.pop();
            } else {
                stack.extend(open);
            }
        }
    }
    hops.into_iter().map(Option::unwrap_or_default).collect()
}

fn successors(wiring: &Wiring) -> Vec<Vec<usize>> {
    let mut next = vec![Vec::new(); wiring.inputs.len()];
    for stream in &wiring.streams {
        if let Some((producer, _)) = stream.producer {
            let forward = stream
                .consumers
                .iter()
                .filter(|link| !link.settings.back_edge);
            next[producer].extend(forward.map(|link| link.node));
        }
    }
    for list in &mut next {
        list.sort_unstable();
        list.dedup();
    }
    next
}

/// One cycle through each back edge of a depth-first search, the first few of them.
fn cycles(wiring: &Wiring) -> Vec<Vec<usize>> {
    let next = successors(wiring);
    let mut state = vec![Visit::New; next.len()];
    let mut result = Vec::new();
    for start in 0..next.len() {
        if state[start] != Visit::New {
            continue;
        }
        // The path from `start`, each node with the next of its successors to look at.
        let mut path = vec![(start, 0)];
        state[start] = Visit::OnPath;
        while let Some((node, position)) = path.last_mut() {
            let Some(&below) = next[*node].get(*position) else {
                state[*node] = Visit::Done;
                path.pop();
                continue;
            };
            *position += 1;
            match state[below] {
                Visit::New => {
                    state[below] = Visit::OnPath;
                    path.push((below, 0));
                }
                Visit::OnPath => {
                    let nodes = path.iter().map(|&(node, _)| node);
                    result.push(nodes.skip_while(|&node| node != below).collect());
                    if result.len() == MOST_CYCLES {
                        return result;
                    }
                }
                Visit::Done => {}
            }
        }
    }
    result
}

#[derive(Copy, Clone, PartialEq, Eq)]
enum Visit {
    New,
    OnPath,
    Done,
}
