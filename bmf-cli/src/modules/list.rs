//! `bmf modules`: which modules there are, from where, and which libraries are not used and why. No
//! library is loaded that was looked at before.

use bmf_modules::{Listed, Registry};
use serde_json::{Value, json};

use crate::inspect::columns;
use crate::report::Failure;
use crate::terminal;

/// Lists.
pub(super) fn run(registry: &Registry, json: bool) -> Result<u8, Failure> {
    let text = match json {
        true => format!("{:#}\n", as_json(registry)),
        false => table(registry),
    };
    terminal::data(&text)?;
    Ok(0)
}

fn table(registry: &Registry) -> String {
    let mut rows = vec![["module", "version", "rank", "from"].map(str::to_owned)];
    rows.extend(registry.list().iter().map(row));
    let mut text = columns(&rows);
    let refused = registry.refused();
    if !refused.is_empty() {
        text += "\nrefused:\n";
        text.extend(refused.iter().map(|refused| format!("  {refused}\n")));
    }
    text += "\nlibraries are looked for in:\n";
    for directory in registry.search_path().directories() {
        let missing = if directory.is_dir() {
            ""
        } else {
            " (not there)"
        };
        text += &format!("  {}{missing}\n", directory.display());
    }
    text
}

fn row(module: &Listed) -> [String; 4] {
    let overridden = if module.is_overridden {
        " (overridden)"
    } else {
        ""
    };
    [
        module.name.clone(),
        module.descriptor.version.clone(),
        module.rank.to_string(),
        format!("{}{overridden}", module.origin),
    ]
}

fn as_json(registry: &Registry) -> Value {
    let modules = registry.list().into_iter().map(|module| {
        json!({
            "name": module.name,
            "version": module.descriptor.version,
            "rank": module.rank,
            "from": module.origin.to_string(),
            "overridden": module.is_overridden,
        })
    });
    let refused = registry
        .refused()
        .into_iter()
        .map(|refused| json!({ "path": refused.path, "reason": refused.reason.to_string() }));
    json!({
        "modules": modules.collect::<Value>(),
        "refused": refused.collect::<Value>(),
        "directories": registry.search_path().directories(),
    })
}
