//! Node names and numbers: what the author left out. References to names are settled elsewhere.

use std::collections::HashSet;

use bmf_core::config::NodeConfig;

use super::Context;

/// Gives every node a name of its own, and in TOML a number of its own.
pub(super) fn assign(nodes: &mut [NodeConfig], cx: &mut Context<'_>) {
    number(nodes, cx);
    let mut taken = HashSet::new();
    for (name, span) in cx.names.clone().into_iter().flatten() {
        if !taken.insert(name.clone()) {
            cx.error(format!("two nodes are called \"{name}\""), span);
        }
    }
    for node in nodes.iter_mut().filter(|node| node.name.is_empty()) {
        node.name = unique(&base_name(node), |name| taken.contains(name));
        taken.insert(node.name.clone());
    }
}

/// Nodes without a number get the lowest free ones.
fn number(nodes: &mut [NodeConfig], cx: &Context<'_>) {
    let mut taken: HashSet<u32> = cx.given_ids.iter().copied().flatten().collect();
    let mut next = 0;
    for (node, given) in nodes.iter_mut().zip(&cx.given_ids) {
        if given.is_none() {
            while !taken.insert(next) {
                next += 1;
            }
            node.id = next;
        }
    }
}

/// The name that a node has if nobody gave it one: its alias, or its module's name and its id.
pub(in super::super) fn base_name(node: &NodeConfig) -> String {
    let alias = node.option.get("alias").and_then(|alias| alias.as_str());
    if let Some(alias) = node.alias.as_deref().or(alias)
        && !alias.is_empty()
    {
        return alias.to_owned();
    }
    // Python and Go modules are often called by a path.
    let module = node.module.name.rsplit(['/', '\\', '.', ':']).next();
    match module {
        Some(module) if !module.is_empty() => format!("{module}_{}", node.id),
        _ => format!("node_{}", node.id),
    }
}

/// `base`, or `base_2`, `base_3`…, whichever is free first.
pub(in super::super) fn unique(base: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(base) {
        return base.to_owned();
    }
    (2_u64..)
        .map(|number| format!("{base}_{number}"))
        .find(|name| !is_taken(name))
        .expect("fewer names are taken than there are numbers")
}
