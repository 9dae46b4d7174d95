//! `--set NODE.OPTION=VALUE`: one option of one node, changed after reading. Whether the module
//! knows the option is not checked here.

use bmf_core::config::{GraphConfig, NodeConfig};
use bmf_core::{Diagnostic, Diagnostics, SourceText, Span};
use serde_json::Value;

use super::suggestion;

/// Sets an option as `--set` on the command line does.
///
/// `assignment` is `NODE.OPTION=VALUE`: the node by name, alias or id, the option by its dotted
/// path, the value as JSON or, where it is no JSON, as a string.
///
/// ```
/// # use bmf_core::SourceText;
/// # let text = r#"{"nodes": [{"id": 0, "alias": "out", "module_info": {"name": "c_ffmpeg_encoder"}}]}"#;
/// # let (mut graph, _) = bmf_engine::read::parse_json(SourceText::new("g.json", text)).unwrap();
/// bmf_engine::read::set_option(&mut graph, "out.video_params.crf=23").unwrap();
/// assert_eq!(graph.nodes[0].option.get("video_params.crf").unwrap(), 23);
/// ```
///
/// # Errors
/// When there is no such node, or the path leads through something that is not a group. The
/// graph is unchanged then.
pub fn set_option(graph: &mut GraphConfig, assignment: &str) -> Result<(), Diagnostics> {
    assign(graph, assignment).map_err(|problem| {
        let mut out = Diagnostics::new(Some(SourceText::new("--set", assignment)));
        out.push(problem);
        out
    })
}

fn assign(graph: &mut GraphConfig, assignment: &str) -> Result<(), Diagnostic> {
    let shape =
        || Diagnostic::error("expected NODE.OPTION=VALUE").at(Span::new(0, assignment.len()));
    let (target, value) = assignment.split_once('=').ok_or_else(shape)?;
    let (node, path) = split_target(graph, target).ok_or_else(|| match target.split_once('.') {
        Some((node, _)) => unknown_node(graph, node),
        None => shape(),
    })?;
    let start = target.len() - path.len();
    let path_span = Span::new(start, target.len());
    if path.split('.').any(str::is_empty) {
        let message = format!("\"{path}\" is not the path of an option");
        return Err(Diagnostic::error(message).at(path_span));
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    let node = &mut graph.nodes[node];
    // On the way to an error groups would be made already, so a copy is tried first.
    let mut option = node.option.clone();
    option.set(path, value).map_err(|issue| {
        Diagnostic::error(issue.message)
            .at(path_span)
            .help(issue.hint)
    })?;
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
