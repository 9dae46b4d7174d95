//! Checks each node by itself: its identity, its module, its options, its settings.

use std::collections::HashMap;
use std::sync::Arc;

use bmf_core::config::{GraphConfig, InputManager, NodeConfig};
use bmf_core::{Diagnostic, Diagnostics, IssueKind, ModuleFactory, OptionIssue, Severity, Span};
use bmf_modules::Registry;
use bmf_streams::policy;

/// Checks all nodes; returns the module of each, where it is known.
pub(super) fn check(
    config: &GraphConfig,
    registry: &Registry,
    found: &mut Diagnostics,
) -> Vec<Option<Arc<dyn ModuleFactory>>> {
    check_unique(config, found);
    let mut factories = Vec::with_capacity(config.nodes.len());
    for node in &config.nodes {
        check_settings(node, config, found);
        let factory = find_module(node, registry, found);
        if let Some(factory) = &factory {
            for issue in factory.check(&node.option) {
                found.push(option_diagnostic(node, &issue));
            }
        }
        factories.push(factory);
    }
    factories
}

fn check_unique(config: &GraphConfig, found: &mut Diagnostics) {
    let mut ids: HashMap<u32, &NodeConfig> = HashMap::new();
    let mut names: HashMap<&str, &NodeConfig> = HashMap::new();
    for node in &config.nodes {
        if let Some(first) = ids.insert(node.id, node) {
            found.push(
                Diagnostic::error(format!("{node} has the same id as {first}"))
                    .at(node.spans.id.or(node.spans.node))
                    .help(Some("give each node an id of its own".to_owned())),
            );
        } else if let Some(first) = names.insert(&node.name, node) {
            found.push(
                Diagnostic::error(format!("{node} has the same name as {first}"))
                    .at(node.spans.id.or(node.spans.node))
                    .help(Some("give each node an alias of its own".to_owned())),
            );
        }
    }
}

fn check_settings(node: &NodeConfig, config: &GraphConfig, found: &mut Diagnostics) {
    if let (Some(index), Some(count)) = (node.scheduler, config.option.scheduler_count)
        && index >= count
        && count > 0
    {
        found.push(
            Diagnostic::error(format!(
                "{node}: scheduler {index} does not exist; scheduler_count is {count}"
            ))
            .at(node.spans.scheduler)
            .help(Some(format!("use 0 to {}", count - 1))),
        );
    }
    if let Some(manager) = node.input_manager
        && policy::for_manager(manager).is_none()
    {
        let available = InputManager::ALL.iter();
        let available: Vec<_> = available
            .filter(|(_, manager)| policy::for_manager(*manager).is_some())
            .map(|(name, _)| *name)
            .collect();
        found.push(
            Diagnostic::error(format!(
                "{node}: input_manager \"{}\" is not available in this version",
                manager.name()
            ))
            .at(node.spans.node)
            .help(Some(format!("available are {}", available.join(", ")))),
        );
    }
    if node.premodule_id.is_some_and(|id| id > 0) || !node.callback_binding.is_empty() {
        found.push(
            Diagnostic::error(format!(
                "{node}: premodule_id and callback_binding name objects of the program that \
                 wrote the graph; they mean nothing in a file"
            ))
            .at(node.spans.node),
        );
    }
}

fn find_module(
    node: &NodeConfig,
    registry: &Registry,
    found: &mut Diagnostics,
) -> Option<Arc<dyn ModuleFactory>> {
    let module = &node.module;
    let at = node.spans.module.or(node.spans.node);
    let is_foreign = matches!(module.kind.as_str(), "python" | "go");
    if is_foreign || !module.path.is_empty() || !module.entry.is_empty() {
        let message = format!(
            "{node}: a module of type \"{}\" with path \"{}\" and entry \"{}\" cannot be loaded in \
             this version",
            module.kind, module.path, module.entry
        );
        found.push(Diagnostic::error(message).at(at));
        return None;
    }
    let factory = registry.get(&module.name);
    if factory.is_none() {
        let help = match registry.nearest(&module.name) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "`bmf inspect` lists the modules there are".to_owned(),
        };
        let message = format!("{node}: there is no module \"{}\"", module.name);
        found.push(Diagnostic::error(message).at(at).help(Some(help)));
    }
    factory.cloned()
}

fn option_diagnostic(node: &NodeConfig, issue: &OptionIssue) -> Diagnostic {
    let severity = match issue.kind {
        IssueKind::Unknown => Severity::Warning,
        IssueKind::Invalid => Severity::Error,
    };
    let option = match (issue.kind, issue.path.as_str()) {
        (IssueKind::Unknown, _) | (_, "") => String::new(),
        (_, path) => format!("option \"{path}\": "),
    };
    Diagnostic {
        severity,
        message: format!("{node}: {option}{}", issue.message),
        span: option_span(node, issue),
        help: issue.hint.clone(),
    }
}

/// The key of an unknown option, the value of a wrong one; else the nearest group around it, else
/// the node.
fn option_span(node: &NodeConfig, issue: &OptionIssue) -> Option<Span> {
    // Elements of lists are `filters[0]` there and `filters.0` here.
    let listed = issue.path.replace('[', ".").replace(']', "");
    let mut path = listed.as_str();
    while !path.is_empty() {
        if let Some(&(key, value)) = node.spans.option.get(path) {
            return Some(match issue.kind {
                IssueKind::Unknown => key,
                IssueKind::Invalid if path == listed => value,
                IssueKind::Invalid => key,
            });
        }
        path = path.rsplit_once('.').map_or("", |(group, _)| group);
    }
    node.spans.module.or(node.spans.node)
}
