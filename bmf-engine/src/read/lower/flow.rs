//! How packets flow: input managers, parallel nodes, executors, links. Whether a node can do what is
//! asked of it, and whether an executor of that name exists, is not known here.

use std::num::NonZeroU16;

use bmf_core::config::{
    Distribution, ExecutorConfig, InputManager, InputManagerConfig, LinkConfig, OnFull,
    ParallelConfig, Threads, TimeOrder,
};
use bmf_core::{Options, Span};

use super::super::tree::{Entry, Value, object_to_json};
use super::fields::Fields;
use super::{Context, unknown_choice};

/// Keys of a stream that are about its links.
pub(super) const LINK_KEYS: &[&str] = &[
    "queue_length_limit",
    "queue_bytes_limit",
    "on_full",
    "time_order",
    "back_edge",
];
const PARALLEL_KEYS: &[&str] = &["instances", "distribution"];
const EXECUTOR_KEYS: &[&str] = &["workers"];

/// More instances of a module, or threads, than this are a slip of the hand.
const MOST_AT_ONCE: i64 = 1024;

/// The link settings among `fields`, which are those of a stream.
pub(super) fn link(fields: &Fields<'_>, cx: &mut Context<'_>) -> LinkConfig {
    LinkConfig {
        queue_length_limit: fields.whole("queue_length_limit", 1, u32::MAX.into(), cx),
        queue_bytes_limit: fields.bytes("queue_bytes_limit", cx),
        on_full: fields.choice("on_full", &OnFull::ALL, cx),
        time_order: fields.choice("time_order", &TimeOrder::ALL, cx),
        back_edge: fields.flag("back_edge", cx),
    }
}

/// The input manager of a node and the place of its name: `"default"`, or an object with the name
/// and what the manager makes of the other keys.
pub(super) fn input_manager(
    node: &Fields<'_>,
    cx: &mut Context<'_>,
) -> Option<(InputManagerConfig, Span)> {
    const KEY: &str = "input_manager";
    let entry = node.get(KEY)?;
    let (name, options) = match &entry.value.value {
        Value::String(_) => (node.string(KEY, cx)?, Options::default()),
        Value::Object(entries) => {
            let owner = format!("{KEY} of {}", node.owner());
            let fields = Fields::new(owner, entries, entry.value.span);
            let mut options = object_to_json(entries);
            options.shift_remove("name");
            (required_name(&fields, cx)?, Options(options))
        }
        _ => {
            let wanted = format!("a name or {} with a \"name\"", cx.dialect.object());
            node.expected(entry, &wanted, cx);
            return None;
        }
    };
    let (name, span) = name;
    let Some(manager) = InputManager::from_name(name) else {
        let known = InputManager::ALL.map(|(name, _)| name);
        unknown_choice(KEY, name, &known, span, cx);
        return None;
    };
    Some((InputManagerConfig { manager, options }, span))
}

fn required_name<'t>(fields: &Fields<'t>, cx: &mut Context<'_>) -> Option<(&'t str, Span)> {
    let name = fields.string("name", cx);
    let is_wrong = fields
        .get("name")
        .is_some_and(|entry| entry.value.as_str().is_none());
    if name.is_none() && !is_wrong {
        let message = format!("{} has no \"name\"", fields.owner());
        cx.error(message, fields.start());
    }
    name
}

/// As how many instances a node runs, and where that stands: `4`, or an object that also says
/// which one gets what.
pub(super) fn parallel(node: &Fields<'_>, cx: &mut Context<'_>) -> Option<(ParallelConfig, Span)> {
    const KEY: &str = "parallel";
    let entry = node.get(KEY)?;
    match &entry.value.value {
        Value::Number(_) => {
            let parallel = ParallelConfig {
                instances: node.whole(KEY, 1, MOST_AT_ONCE, cx)?,
                distribution: Distribution::default(),
            };
            Some((parallel, entry.value.span))
        }
        Value::Object(entries) => {
            let owner = format!("{KEY} of {}", node.owner());
            let fields = Fields::new(owner, entries, entry.value.span);
            fields.check_keys(&[PARALLEL_KEYS], cx);
            let distribution = fields.choice("distribution", &Distribution::ALL, cx);
            let (instances, span) = required_count(&fields, "instances", cx)?;
            let parallel = ParallelConfig {
                instances,
                distribution: distribution.unwrap_or_default(),
            };
            Some((parallel, span))
        }
        _ => {
            let wanted = format!(
                "a number of instances or {} with \"instances\"",
                cx.dialect.object()
            );
            node.expected(entry, &wanted, cx);
            None
        }
    }
}

fn required_count(fields: &Fields<'_>, key: &str, cx: &mut Context<'_>) -> Option<(usize, Span)> {
    let Some(entry) = fields.get(key) else {
        let message = format!("{} has no \"{key}\"", fields.owner());
        cx.error(message, fields.start());
        return None;
    };
    let count = fields.whole(key, 1, MOST_AT_ONCE, cx)?;
    Some((count, entry.value.span))
}

/// How many threads modules may take: `"auto"`, `"all"` or a number.
pub(super) fn threads(option: &Fields<'_>, cx: &mut Context<'_>) -> Threads {
    const KEY: &str = "threads";
    let Some(entry) = option.get(KEY) else {
        return Threads::Auto;
    };
    match &entry.value.value {
        Value::String(_) => {
            let known = [("auto", Threads::Auto), ("all", Threads::All)];
            option.choice(KEY, &known, cx).unwrap_or_default()
        }
        Value::Number(_) => {
            let most = option.whole::<u16>(KEY, 1, MOST_AT_ONCE, cx);
            most.and_then(NonZeroU16::new)
                .map_or(Threads::Auto, Threads::AtMost)
        }
        _ => {
            option.expected(entry, "a number, \"auto\" or \"all\"", cx);
            Threads::Auto
        }
    }
}

/// The executors among `option`, which are the graph's options: `{"io": 2}`, or
/// `{"io": {"workers": 2}}`.
pub(super) fn executors(option: &Fields<'_>, cx: &mut Context<'_>) -> Vec<ExecutorConfig> {
    let Some(entry) = option.get("executors") else {
        return Vec::new();
    };
    let owner = "the graph's executors";
    let Some(fields) = Fields::of(entry, option.owner(), owner, cx) else {
        return Vec::new();
    };
    let entries = fields.entries();
    entries
        .filter_map(|entry| executor(entry, &fields, cx))
        .collect()
}

fn executor(entry: &Entry, executors: &Fields<'_>, cx: &mut Context<'_>) -> Option<ExecutorConfig> {
    let name = entry.key.as_str();
    if name.is_empty() {
        let message = format!("one of {} has no name", executors.owner());
        cx.error(message, entry.key_span);
        return None;
    }
    let workers = match &entry.value.value {
        Value::Number(_) => executors.whole(name, 1, MOST_AT_ONCE, cx)?,
        Value::Object(entries) => {
            let owner = format!("executor \"{name}\"");
            let fields = Fields::new(owner, entries, entry.value.span);
            fields.check_keys(&[EXECUTOR_KEYS], cx);
            required_count(&fields, "workers", cx)?.0
        }
        _ => {
            let object = cx.dialect.object();
            let wanted = format!("a number of workers or {object} with \"workers\"");
            executors.expected(entry, &wanted, cx);
            return None;
        }
    };
    Some(ExecutorConfig {
        name: name.to_owned(),
        workers,
    })
}
