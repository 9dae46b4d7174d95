//! `--set NODE.OPTION=VALUE`: one option or setting, changed after reading. Whether the module knows
//! the option is not checked here.

use bmf_core::config::{GraphConfig, NodeConfig};
use bmf_core::{Diagnostic, Diagnostics, SourceText, Span};
use serde_json::Value;

use super::tree::{Entry, Tree};
use super::{lower, suggestion};

/// What stands for the graph's options, where no node is called so, and between a node and an
/// option of its module that is called like a setting.
const OPTION: &str = "option";

/// Sets an option as `--set` on the command line does.
///
/// `assignment` is one of
///
/// * `NODE.OPTION=VALUE`: the node by name, alias or id, the option by its dotted path;
/// * `NODE.SETTING=VALUE` for what decides how the node runs: `scheduler`, `executor`, `parallel`,
///   `input_manager`, `queue_length_limit`, `queue_bytes_limit`, `batch`. `NODE.option.OPTION` is an
///   option of the module that is called like one of them;
/// * `option.OPTION=VALUE`: an option of the graph, such as `memory_budget`, unless a node is called
///   `option`.
///
/// The value is JSON or, where it is no JSON, a string. `null` takes a setting away.
///
/// ```
/// # use bmf_core::SourceText;
/// # let text = r#"{"nodes": [{"id": 0, "alias": "out", "module_info": {"name": "c_ffmpeg_encoder"}}]}"#;
/// # let (mut graph, _) = bmf_engine::read::parse_json(SourceText::new("g.json", text)).unwrap();
/// bmf_engine::read::set_option(&mut graph, "out.video_params.crf=23").unwrap();
/// assert_eq!(graph.nodes[0].option.get("video_params.crf").unwrap(), 23);
///
/// bmf_engine::read::set_option(&mut graph, "option.memory_budget=256MB").unwrap();
/// assert_eq!(graph.option.memory_budget, Some(256_000_000));
/// ```
///
/// # Errors
/// When there is no such node or setting, the value is none for the setting, or the path leads
/// through something that is not a group. The graph is unchanged then.
pub fn set_option(graph: &mut GraphConfig, assignment: &str) -> Result<(), Diagnostics> {
    let mut out = Diagnostics::new(Some(SourceText::new("--set", assignment)));
    if let Err(problem) = assign(graph, assignment, &mut out) {
        out.push(problem);
    }
    // Nothing is set next to what is only doubtful in a file.
    out.escalate();
    if out.items.is_empty() {
        Ok(())
    } else {
        Err(out)
    }
}

fn assign(
    graph: &mut GraphConfig,
    assignment: &str,
    out: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let shape =
        || Diagnostic::error("expected NODE.OPTION=VALUE").at(Span::new(0, assignment.len()));
    let (target, text) = assignment.split_once('=').ok_or_else(shape)?;
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    let value_span = Span::new(target.len() + 1, assignment.len());
    let entry = |key: &str, value| Entry {
        key: key.to_owned(),
        key_span: Span::new(target.len() - key.len(), target.len()),
        value: Tree::from_json(value, value_span),
    };
    let Some((node, path)) = split_target(graph, target) else {
        let (node, key) = target.split_once('.').ok_or_else(shape)?;
        if node != OPTION {
            return Err(unknown_node(graph, node));
        }
        lower::set_graph_option(&mut graph.option, entry(key, value), out);
        return Ok(());
    };
    let node = &mut graph.nodes[node];
    if lower::NODE_SETTINGS.contains(&path) {
        lower::set_node_setting(node, entry(path, value), out);
        return Ok(());
    }
    let path_span = Span::new(target.len() - path.len(), target.len());
    set_module_option(node, path, path_span, value)
}

/// Sets the option of the module at `path`, which stands at `span`.
fn set_module_option(
    node: &mut NodeConfig,
    path: &str,
    span: Span,
    value: Value,
) -> Result<(), Diagnostic> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    if lower::NODE_SETTINGS.contains(&first) {
        let message = format!("\"{first}\" of a node can only be set as a whole");
        return Err(Diagnostic::error(message).at(span));
    }
    let path = if first == OPTION && !rest.is_empty() {
        rest
    } else {
        path
    };
    if path.split('.').any(str::is_empty) {
        let message = format!("\"{path}\" is not the path of an option");
        return Err(Diagnostic::error(message).at(span));
    }
    // On the way to an error groups would be made already, so a copy is tried first.
    let mut option = node.option.clone();
    option
        .set(path, value)
        .map_err(|issue| Diagnostic::error(issue.message).at(span).help(issue.hint))?;
    node.option = option;
    forget_places(node, path);
    Ok(())
}

/// The node and the option path in `NODE.OPTION`. Both may contain dots; the longest name wins.
fn split_target<'t>(graph: &GraphConfig, target: &'t str) -> Option<(usize, &'t str)> {
    target.rmatch_indices('.').find_map(|(dot, _)| {
        let node = find(graph, &target[..dot])?;
        Some((node, &target[dot + 1..]))
    })
}

fn find(graph: &GraphConfig, node: &str) -> Option<usize> {
    let position = |is_it: &dyn Fn(&NodeConfig) -> bool| graph.nodes.iter().position(is_it);
    position(&|candidate| candidate.name == node)
        .or_else(|| position(&|candidate| candidate.alias.as_deref() == Some(node)))
        .or_else(|| position(&|candidate| candidate.id.to_string() == node))
}

fn unknown_node(graph: &GraphConfig, node: &str) -> Diagnostic {
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    let help = suggestion(node, names.iter().copied())
        .or_else(|| (!names.is_empty()).then(|| format!("the nodes are {}", names.join(", "))));
    Diagnostic::error(format!("there is no node called \"{node}\""))
        .at(Span::new(0, node.len()))
        .help(help)
}

/// The source no longer says what the option is, so nothing may point there.
fn forget_places(node: &mut NodeConfig, path: &str) {
    let group = format!("{path}.");
    node.spans
        .option
        .retain(|known, _| known != path && !known.starts_with(&group));
}
