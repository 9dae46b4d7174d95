//! One node: its keys to [`NodeConfig`].

use std::collections::BTreeMap;

use bmf_core::config::{ModuleRef, NodeConfig};
use bmf_core::{Options, Span};

use super::super::Dialect;
use super::super::tree::{Entry, Tree, Value, object_to_json};
use super::fields::{self, Fields};
use super::reference::Place;
use super::{Context, flow};

const NODE_KEYS: &[&str] = &[
    "id",
    "name",
    "alias",
    "module_info",
    "meta_info",
    "option",
    "input_streams",
    "output_streams",
    "input_manager",
    "scheduler",
    "executor",
    "parallel",
    "queue_length_limit",
    "queue_bytes_limit",
    "batch",
    "action",
];
const NODE_SUGAR: &[&str] = &[
    "module",
    "options",
    "inputs",
    "outputs",
    "premodule_id",
    "callback_binding",
];
const MODULE_KEYS: &[&str] = &["name", "type", "path", "entry"];
const META_KEYS: &[&str] = &[
    "premodule_id",
    "callback_binding",
    "queue_length_limit",
    "queue_bytes_limit",
    "bundle_id",
];

/// The node at `index` of the description; `named` is its entry where it stands under its name.
pub(super) fn lower(
    index: usize,
    named: Option<&Entry>,
    tree: &Tree,
    cx: &mut Context<'_>,
) -> Option<NodeConfig> {
    let Value::Object(entries) = &tree.value else {
        let found = tree.describe(cx.dialect);
        let what = named.map_or(format!("nodes[{index}]"), |entry| label_of(&entry.key));
        let message = format!("{what}: expected a node, found {found}");
        cx.error(message, tree.span);
        return None;
    };
    let span = named.map_or(tree.span, |entry| entry.key_span);
    let fields = Fields::new(label(index, named, entries), entries, span);
    fields.check_keys(&[NODE_KEYS, cx.sugar(NODE_SUGAR)], cx);
    let mut node = NodeConfig::default();
    node.spans.node = Some(tree.span);
    let is_update = refuse_action(&fields, cx);
    identity(&mut node, index, named, &fields, is_update, cx);
    module(&mut node, &fields, is_update, cx);
    options(&mut node, &fields, cx);
    streams(&mut node, &fields, cx);
    running(&mut node, &fields, cx);
    meta(&mut node, &fields, cx);
    Some(node)
}

/// What messages call the node: by the name or the number that its author gave it.
fn label(index: usize, named: Option<&Entry>, entries: &[Entry]) -> String {
    let get = |key: &str| entries.iter().find(|entry| entry.key == key);
    if let Some(entry) = named {
        return label_of(&entry.key);
    }
    if let Some(name) = get("name").and_then(|entry| entry.value.as_str()) {
        return label_of(name);
    }
    match get("id").map(|entry| &entry.value.value) {
        Some(Value::Number(id)) if id.is_u64() => format!("node {id}"),
        _ => format!("nodes[{index}]"),
    }
}

fn label_of(name: &str) -> String {
    format!("node \"{name}\"")
}

/// Nodes of BMF's dynamic updates look like nodes of a graph, but for this key.
fn refuse_action(fields: &Fields<'_>, cx: &mut Context<'_>) -> bool {
    let Some((action, span)) = fields.string("action", cx) else {
        return false;
    };
    let owner = fields.owner();
    let message = match action {
        "add" | "remove" | "reset" => format!(
            "{owner}: the action \"{action}\" belongs to an update of a running graph, not to a graph"
        ),
        _ => format!(
            "{owner}: unknown action \"{action}\" (an update of a running graph has add, remove, reset)"
        ),
    };
    cx.error(message, span);
    true
}

fn identity(
    node: &mut NodeConfig,
    index: usize,
    named: Option<&Entry>,
    fields: &Fields<'_>,
    is_update: bool,
    cx: &mut Context<'_>,
) {
    let id = fields.whole("id", 0, u32::MAX.into(), cx);
    node.spans.id = fields.get("id").map(|entry| entry.value.span);
    if fields.get("id").is_none() && cx.dialect == Dialect::Json && !is_update {
        let message = format!("{} has no \"id\"", fields.owner());
        cx.error(message, fields.start());
    }
    node.id = id.unwrap_or_else(|| u32::try_from(index).unwrap_or(u32::MAX));
    node.alias = fields.text("alias", cx);
    let inner = fields.string("name", cx);
    if let (Some(_), Some((_, span))) = (named, inner) {
        let message = format!("{} has its name twice", fields.owner());
        cx.error(message, span);
    }
    let outer = named.map(|entry| (entry.key.as_str(), entry.key_span));
    let name = outer.or(inner);
    if let Some((name, span)) = name {
        node.spans.id = node.spans.id.or(Some(span));
        name.clone_into(&mut node.name);
    }
    cx.names
        .push(name.map(|(name, span)| (name.to_owned(), span)));
    cx.given_ids.push(id);
}

fn module(node: &mut NodeConfig, fields: &Fields<'_>, is_update: bool, cx: &mut Context<'_>) {
    let Some(entry) = cx.one_of(fields, "module_info", "module") else {
        if !is_update {
            let (wanted, help) = match cx.dialect {
                Dialect::Json => ("module_info", "add \"module_info\": {\"name\": \"…\"}"),
                Dialect::Toml => ("module", "add module = \"…\""),
            };
            let message = format!("{} has no \"{wanted}\"", fields.owner());
            cx.error_with_help(message, fields.start(), help.to_owned());
        }
        return;
    };
    let known = match (&entry.value.value, cx.dialect) {
        (Value::String(name), Dialect::Toml) => {
            node.module.name.clone_from(name);
            node.spans.module = Some(entry.value.span);
            true
        }
        (Value::Object(_), _) | (_, Dialect::Json) => module_info(node, entry, fields, cx),
        _ => {
            fields.expected(entry, "a module's name or a table", cx);
            false
        }
    };
    if known && node.module.name.is_empty() && !is_update {
        let message = format!("{} has a module without a name", fields.owner());
        cx.error(message, entry.value.span);
    }
}

/// BMF's description of a module. False if it could not be understood, which is reported then.
fn module_info(
    node: &mut NodeConfig,
    entry: &Entry,
    fields: &Fields<'_>,
    cx: &mut Context<'_>,
) -> bool {
    let owner = format!("{} of {}", entry.key, fields.owner());
    let Some(info) = Fields::of(entry, fields.owner(), owner, cx) else {
        return false;
    };
    info.check_keys(&[MODULE_KEYS], cx);
    node.module = ModuleRef {
        name: info.text("name", cx).unwrap_or_default(),
        kind: info.text("type", cx).unwrap_or_default(),
        path: info.text("path", cx).unwrap_or_default(),
        entry: info.text("entry", cx).unwrap_or_default(),
    };
    let name = info.get("name");
    node.spans.module = Some(name.map_or(entry.value.span, |name| name.value.span));
    name.is_none_or(|name| name.value.as_str().is_some())
}

fn options(node: &mut NodeConfig, fields: &Fields<'_>, cx: &mut Context<'_>) {
    let Some(entry) = cx.one_of(fields, "option", "options") else {
        return;
    };
    let Value::Object(entries) = &entry.value.value else {
        fields.expected(entry, cx.dialect.object(), cx);
        return;
    };
    node.option = Options(object_to_json(entries));
    option_spans(entries, "", &mut node.spans.option);
}

/// The places of all options, also inside of groups (`video_params.crf`) and lists (`filters.0`).
fn option_spans(entries: &[Entry], prefix: &str, spans: &mut BTreeMap<String, (Span, Span)>) {
    for entry in entries {
        let path = format!("{prefix}{}", entry.key);
        value_spans(&entry.value, &path, spans);
        spans.insert(path, (entry.key_span, entry.value.span));
    }
}

fn value_spans(value: &Tree, path: &str, spans: &mut BTreeMap<String, (Span, Span)>) {
    match &value.value {
        Value::Object(entries) => option_spans(entries, &format!("{path}."), spans),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}.{index}");
                value_spans(item, &path, spans);
                spans.insert(path, (item.span, item.span));
            }
        }
        _ => {}
    }
}

fn streams(node: &mut NodeConfig, fields: &Fields<'_>, cx: &mut Context<'_>) {
    let owner = fields.owner();
    if let Some(entry) = cx.one_of(fields, "input_streams", "inputs") {
        node.inputs = if entry.key == "inputs" {
            let place = Place::NodeInput(cx.names.len() - 1);
            cx.connections(entry, owner, place)
        } else {
            cx.streams(entry, owner)
        };
    }
    if let Some(entry) = cx.one_of(fields, "output_streams", "outputs") {
        node.outputs = cx.streams(entry, owner);
    }
}

/// What decides how the node runs.
pub(super) fn running(node: &mut NodeConfig, fields: &Fields<'_>, cx: &mut Context<'_>) {
    node.scheduler = fields.whole("scheduler", 0, u32::MAX.into(), cx);
    node.executor = fields.text("executor", cx);
    let place = fields.get("executor").or_else(|| fields.get("scheduler"));
    node.spans.scheduler = place.map(|entry| entry.value.span);
    node.batch = fields.whole("batch", 1, u32::MAX.into(), cx);
    node.queue_length_limit = fields.whole("queue_length_limit", 1, u32::MAX.into(), cx);
    node.queue_bytes_limit = fields.bytes("queue_bytes_limit", cx);
    if let Some((manager, span)) = flow::input_manager(fields, cx) {
        node.input_manager = Some(manager);
        node.spans.input_manager = Some(span);
    }
    if let Some((parallel, span)) = flow::parallel(fields, cx) {
        node.parallel = Some(parallel);
        node.spans.parallel = Some(span);
    }
}

fn meta(node: &mut NodeConfig, fields: &Fields<'_>, cx: &mut Context<'_>) {
    if cx.dialect == Dialect::Toml {
        bindings(node, fields, cx);
    }
    let Some(entry) = fields.get("meta_info") else {
        return;
    };
    let owner = format!("meta_info of {}", fields.owner());
    let Some(meta) = Fields::of(entry, fields.owner(), owner, cx) else {
        return;
    };
    meta.check_keys(&[META_KEYS], cx);
    bindings(node, &meta, cx);
    for key in ["queue_length_limit", "queue_bytes_limit"] {
        if let (Some(entry), Some(_)) = (meta.get(key), fields.get(key)) {
            let message = format!("{} has its \"{key}\" twice", fields.owner());
            cx.error(message, entry.key_span);
        }
    }
    let packets = meta.whole("queue_length_limit", 1, u32::MAX.into(), cx);
    node.queue_length_limit = node.queue_length_limit.or(packets);
    let bytes = meta.bytes("queue_bytes_limit", cx);
    node.queue_bytes_limit = node.queue_bytes_limit.or(bytes);
}

/// What only bindings to other languages can give: instances and callbacks by number.
fn bindings(node: &mut NodeConfig, fields: &Fields<'_>, cx: &mut Context<'_>) {
    let premodule = fields.whole::<i32>("premodule_id", i32::MIN.into(), i32::MAX.into(), cx);
    node.premodule_id = premodule.filter(|&id| id != -1).or(node.premodule_id);
    let Some(entry) = fields.get("callback_binding") else {
        return;
    };
    for item in fields::items(entry, fields.owner(), "an array of \"key:id\"", cx) {
        match item.as_str().and_then(binding) {
            Some(binding) => node.callback_binding.push(binding),
            None => {
                let found = item
                    .as_str()
                    .map_or_else(|| item.describe(cx.dialect), |text| format!("\"{text}\""));
                let owner = fields.owner();
                let message = format!(
                    "callback_binding of {owner}: expected \"key:id\" with two whole numbers, found {found}"
                );
                cx.error(message, item.span);
            }
        }
    }
}

fn binding(text: &str) -> Option<(i64, i64)> {
    let (key, id) = text.split_once(':')?;
    Some((key.trim().parse().ok()?, id.trim().parse().ok()?))
}
