//! How packets flow: input managers, parallel nodes, executors, links. What is given in one word or
//! number is written so.

use bmf_core::config::{
    Distribution, ExecutorConfig, InputManagerConfig, LinkConfig, OnFull, ParallelConfig, TimeOrder,
};
use serde_json::{Map, Value, json};

use super::{insert, insert_some, word};

pub(super) fn input_manager(config: &InputManagerConfig) -> Value {
    let name = config.manager.name();
    if config.options.0.is_empty() {
        return name.into();
    }
    let mut map = config.options.0.clone();
    map.shift_insert(0, "name".to_owned(), name.into());
    map.into()
}

pub(super) fn parallel(config: ParallelConfig) -> Value {
    if config.distribution == Distribution::default() {
        return config.instances.into();
    }
    json!({
        "instances": config.instances,
        "distribution": word(&Distribution::ALL, config.distribution),
    })
}

pub(super) fn executors(executors: &[ExecutorConfig]) -> Map<String, Value> {
    let executors = executors.iter();
    executors
        .map(|executor| (executor.name.clone(), executor.workers.into()))
        .collect()
}

/// The settings that are made, beside the keys that are in `map` already.
pub(super) fn link(map: &mut Map<String, Value>, link: LinkConfig) {
    insert_some(map, "queue_length_limit", link.queue_length_limit);
    insert_some(map, "queue_bytes_limit", link.queue_bytes_limit);
    let on_full = link.on_full.map(|choice| word(&OnFull::ALL, choice));
    insert_some(map, "on_full", on_full);
    let time_order = link.time_order.map(|choice| word(&TimeOrder::ALL, choice));
    insert_some(map, "time_order", time_order);
    if link.back_edge {
        insert(map, "back_edge", true);
    }
}
