//! `bmf inspect --input-managers`: what there is to choose from, with options. What they do is in
//! `bmf-streams`.

use bmf_core::config::InputManager;
use bmf_engine::input_manager_options;
use serde_json::{Map, Value, json};

use crate::inspect::columns;

/// All input managers, each with its options below it.
pub(crate) fn list() -> String {
    let mut rows = Vec::new();
    for (name, manager) in InputManager::ALL {
        rows.push([name.to_owned(), manager.summary().to_owned()]);
        let options = input_manager_options(manager).iter();
        rows.extend(options.map(|(option, docs)| [format!("  {option}"), (*docs).to_owned()]));
    }
    columns(&rows)
}

/// The same for programs.
pub(crate) fn as_json() -> Value {
    let manager = |(name, manager): (&str, InputManager)| {
        let options = input_manager_options(manager).iter();
        let options: Map<String, Value> = options
            .map(|(option, docs)| ((*option).to_owned(), json!(docs)))
            .collect();
        json!({ "name": name, "task": manager.summary(), "options": options })
    };
    InputManager::ALL.into_iter().map(manager).collect()
}
