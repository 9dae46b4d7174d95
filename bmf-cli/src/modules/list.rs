//! `bmf modules`: which modules there are, from where, and which libraries are not used and why. No
//! library is loaded that was looked at before.

use std::path::Path;

use bmf_modules::{Listed, Refused, Registry, shown};
use serde_json::{Value, json};

use crate::inspect::{columns, from};
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
        let note = note(directory, &refused);
        text += &format!("  {}{note}\n", shown(directory));
    }
    text
}

fn note(directory: &Path, refused: &[Refused]) -> &'static str {
    let path = std::path::absolute(directory).unwrap_or_default();
    if refused.iter().any(|refused| refused.path == path) {
        " (refused)"
    } else if directory.is_dir() {
        ""
    } else {
        " (not there)"
    }
}

fn row(module: &Listed) -> [String; 4] {
    let overridden = if module.is_overridden {
        " (overridden)"
    } else {
        ""
    };
    [
        shown(&module.name),
        shown(&module.descriptor.version),
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
            "from": from(&module.origin),
            "overridden": module.is_overridden,
        })
    });
    let refused = registry.refused().into_iter().map(|refused| {
        json!({
            "path": refused.path.to_string_lossy(),
            "reason": refused.reason.to_string(),
        })
    });
    let directories = registry.search_path().directories();
    json!({
        "modules": modules.collect::<Value>(),
        "refused": refused.collect::<Value>(),
        "directories": directories.map(Path::to_string_lossy).collect::<Value>(),
    })
}
