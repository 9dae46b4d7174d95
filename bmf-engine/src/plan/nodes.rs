//! Checks each node by itself: its identity, its module, its options, its settings, and what follows
//! from them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bmf_core::config::{
    Distribution, GraphConfig, InputManager, InputManagerConfig, LinkConfig, NodeConfig,
    ParallelConfig,
};
use bmf_core::{
    Diagnostic, Diagnostics, IssueKind, ModuleFactory, OptionIssue, Options, Severity, Sharing,
    Span, nearest,
};
use bmf_modules::{Registry, split_entry};
use bmf_streams::policy::{self, Purpose};

use crate::panics;

/// BMF's key for parallel nodes, among the options of the module.
const DIST_NUMS: &str = "dist_nums";
/// More instances than this are a mistake.
const MOST_INSTANCES: usize = 1024;

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
            check_options(node, &**factory, found);
            check_input_manager(node, &**factory, found);
            check_parallel(node, &**factory, found);
        }
        factories.push(factory);
    }
    factories
}

fn check_options(node: &NodeConfig, factory: &dyn ModuleFactory, found: &mut Diagnostics) {
    match panics::caught(|| factory.check(&module_options(node))) {
        Ok(issues) => {
            for issue in issues {
                found.push(option_diagnostic(node, &issue));
            }
        }
        Err(message) => found.push(panicked(node, "when its options were checked", &message)),
    }
}

fn panicked(node: &NodeConfig, when: &str, message: &str) -> Diagnostic {
    Diagnostic::error(format!("{node}: the module panicked {when}: {message}"))
        .at(node.spans.module.or(node.spans.node))
        .help(Some("this is a defect of the module; report it".to_owned()))
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
    if let (Some(_), Some(name)) = (node.scheduler, &node.executor) {
        let message = format!("{node}: executor \"{name}\" counts, scheduler does not");
        found.push(Diagnostic::warning(message).at(node.spans.scheduler));
    }
    let streams = || node.inputs.iter().chain(&node.outputs);
    if node.queue_length_limit == Some(0)
        || node.queue_bytes_limit == Some(0)
        || streams().any(|stream| has_no_room(&stream.link))
    {
        let message = format!("{node}: a queue limit is 0; nothing could ever wait");
        found.push(Diagnostic::error(message).at(node.spans.node));
    }
    if let Some(name) = &node.executor {
        check_executor(node, name, config, found);
    }
    if let Err(diagnostic) = parallel(node) {
        found.push(*diagnostic);
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

fn check_executor(node: &NodeConfig, name: &str, config: &GraphConfig, found: &mut Diagnostics) {
    let known = || {
        config
            .option
            .executors
            .iter()
            .map(|executor| executor.name.as_str())
    };
    if known().any(|executor| executor == name) {
        return;
    }
    let help = match nearest(name, known()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("declare it: option.executors = {{ \"{name}\" = 2 }}"),
    };
    found.push(
        Diagnostic::error(format!("{node}: there is no executor \"{name}\""))
            .at(node.spans.scheduler.or(node.spans.node))
            .help(Some(help)),
    );
}

/// Whether a link's limits let nothing through.
pub(super) fn has_no_room(link: &LinkConfig) -> bool {
    link.queue_length_limit == Some(0) || link.queue_bytes_limit == Some(0)
}

/// The options that are the module's own.
pub(crate) fn module_options(node: &NodeConfig) -> Options {
    let mut options = node.option.clone();
    options.0.shift_remove(DIST_NUMS);
    options
}

/// How many instances a node has, by the engine's key or BMF's; `None`: one, as usual.
pub(crate) fn parallel(node: &NodeConfig) -> Result<Option<ParallelConfig>, Box<Diagnostic>> {
    let by_bmf = node.option.get(DIST_NUMS);
    let error = |message: String| {
        let span = node.spans.option.get(DIST_NUMS).map(|&(_, value)| value);
        let span = span.or(node.spans.parallel).or(node.spans.node);
        Box::new(Diagnostic::error(format!("{node}: {message}")).at(span))
    };
    let count = by_bmf.map(|value| {
        let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| {
            error(format!(
                "{DIST_NUMS} is {value}, which is no number of instances"
            ))
        })
    });
    let parallel = match (node.parallel, count.transpose()?) {
        (Some(parallel), Some(count)) if parallel.instances != count => {
            let instances = parallel.instances;
            let message = format!("{DIST_NUMS} is {count}, but parallel is {instances}");
            return Err(error(message));
        }
        (Some(parallel), _) => parallel,
        (None, Some(instances)) => ParallelConfig {
            instances,
            distribution: Distribution::default(),
        },
        (None, None) => return Ok(None),
    };
    if !(1..=MOST_INSTANCES).contains(&parallel.instances) {
        let instances = parallel.instances;
        let message = format!("{instances} instances; 1 to {MOST_INSTANCES} are possible");
        return Err(error(message));
    }
    Ok(Some(parallel).filter(|parallel| parallel.instances > 1))
}

/// What a source or a loop cannot do.
fn check_parallel(node: &NodeConfig, factory: &dyn ModuleFactory, found: &mut Diagnostics) {
    if !matches!(parallel(node), Ok(Some(_))) {
        return;
    }
    if node.inputs.iter().all(|input| input.name.is_empty()) {
        let message = format!("{node}: a source has no input that could be shared out");
        let help = format!(
            "\"{}\" runs once; leave the number of instances out",
            factory.descriptor().name
        );
        found.push(
            Diagnostic::error(message)
                .at(node.spans.parallel.or(node.spans.node))
                .help(Some(help)),
        );
    }
    let at = node.spans.parallel.or(node.spans.node);
    match panics::caught(|| factory.sharing(&module_options(node))) {
        Err(message) => found.push(panicked(node, "when it was asked to share", &message)),
        Ok(Sharing::Possible) => {}
        Ok(Sharing::Doubtful(why)) => {
            let message = format!("{node}: several instances may give another result: {why}");
            found.push(Diagnostic::warning(message).at(at));
        }
        Ok(Sharing::Impossible(why)) => {
            let message = format!("{node}: the module cannot run as several instances: {why}");
            found.push(Diagnostic::error(message).at(at));
        }
    }
    if input_manager(node, factory).manager == InputManager::Server {
        let message = format!("{node}: a node that serves job by job cannot run in parallel");
        found.push(Diagnostic::error(message).at(node.spans.parallel.or(node.spans.node)));
    }
}

/// The input manager a node gets: its own, the one its module needs, or `immediate`.
pub(super) fn input_manager(node: &NodeConfig, factory: &dyn ModuleFactory) -> InputManagerConfig {
    let needed = factory.descriptor().input_manager.clone();
    node.input_manager.clone().or(needed).unwrap_or_default()
}

fn check_input_manager(node: &NodeConfig, factory: &dyn ModuleFactory, found: &mut Diagnostics) {
    let config = input_manager(node, factory);
    let purpose = Purpose {
        ports: input_names(node, factory),
        bounds: false,
    };
    if let Err(issue) = policy::build(&config, &purpose) {
        let option = match (issue.kind, issue.path.as_str()) {
            (IssueKind::Unknown, _) | (_, "") => String::new(),
            (_, path) => format!("option \"{path}\": "),
        };
        let message = format!(
            "{node}: input_manager \"{}\": {option}{}",
            config.manager.name(),
            issue.message
        );
        found.push(
            Diagnostic::error(message)
                .at(node.spans.input_manager.or(node.spans.node))
                .help(issue.hint.clone()),
        );
    }
}

/// Names of the input ports that a node has in this graph.
pub(crate) fn input_names(node: &NodeConfig, factory: &dyn ModuleFactory) -> Vec<String> {
    let ports = 0..node.inputs.len();
    ports
        .map(|port| factory.descriptor().inputs.name_of(port))
        .collect()
}

/// The module of a node: out of the library it names, or the registry's by its name. The class of an
/// `entry` counts before the name, as in BMF.
fn find_module(
    node: &NodeConfig,
    registry: &Registry,
    found: &mut Diagnostics,
) -> Option<Arc<dyn ModuleFactory>> {
    let module = &node.module;
    let at = node.spans.module.or(node.spans.node);
    let mut problem = |message: String, help: Option<String>| {
        let diagnostic = Diagnostic::error(format!("{node}: {message}"));
        found.push(diagnostic.at(at).help(help));
    };
    if let kind @ ("python" | "go") = module.kind.as_str() {
        let message = format!("a module of type \"{kind}\" cannot be loaded by this build");
        let help = "use a module that is built as a library".to_owned();
        problem(message, Some(help));
        return None;
    }
    let (_, class) = split_entry(&module.entry);
    let names = [class, module.name.as_str()];
    let mut names = names.into_iter().filter(|name| !name.is_empty());
    if !module.path.is_empty() {
        let names: Vec<&str> = names.collect();
        return registry
            .find_in(Path::new(&module.path), &names)
            .map_err(|refused| problem(refused.to_string(), None))
            .ok();
    }
    if let Some(factory) = names.find_map(|name| registry.get(name)) {
        return Some(factory);
    }
    registry
        .find(&module.name)
        .map_err(|missing| problem(missing.to_string(), Some(missing.hint)))
        .ok()
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
