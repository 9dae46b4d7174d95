//! `bmf inspect`: which modules there are, and all that one of them says of itself. No module is
//! created.

use std::sync::Arc;

use bmf_core::{ModuleDescriptor, ModuleFactory, PortKind, PortSpec, Ports};
use bmf_modules::Registry;
use serde_json::{Value, json};

use crate::report::Failure;
use crate::{managers, modules, schema, terminal};

/// Where text is wrapped.
const WIDTH: usize = 100;
/// Narrower than this text is not wrapped.
const MIN_WIDTH: usize = 30;
/// Most that one long entry may widen its column by.
const MAX_COLUMN: usize = 26;

/// What to tell about, and how.
pub(crate) struct Request {
    /// `None`: all.
    pub(crate) module: Option<String>,
    /// Not modules but input managers.
    pub(crate) input_managers: bool,
    pub(crate) json: bool,
}

/// Tells.
pub(crate) fn run(request: &Request) -> Result<u8, Failure> {
    let registry = modules::registry();
    let text = match &request.module {
        None if request.input_managers && request.json => format!("{:#}\n", managers::as_json()),
        None if request.input_managers => managers::list(),
        None if request.json => {
            let all: Value = registry
                .iter()
                .map(|factory| as_json(factory.descriptor()))
                .collect();
            format!("{all:#}\n")
        }
        None => list(&registry),
        Some(name) => {
            let module = find(&registry, name)?.descriptor();
            if request.json {
                format!("{:#}\n", as_json(module))
            } else {
                page(module)
            }
        }
    };
    terminal::data(&text)?;
    Ok(0)
}

fn find<'a>(registry: &'a Registry, name: &str) -> Result<&'a dyn ModuleFactory, Failure> {
    // A verb of one-line graphs stands for the module that answers to it.
    let has_verb =
        |factory: &&Arc<dyn ModuleFactory>| factory.descriptor().verbs.iter().any(|v| v == name);
    match registry
        .get(name)
        .or_else(|| registry.iter().find(has_verb))
    {
        Some(factory) => Ok(&**factory),
        None => {
            let help = match registry.nearest(name) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "`bmf inspect` lists the modules there are".to_owned(),
            };
            Err(Failure::usage(
                format!("there is no module \"{name}\""),
                help,
            ))
        }
    }
}

fn list(registry: &Registry) -> String {
    let rows: Vec<_> = registry
        .iter()
        .map(|factory| {
            let module = factory.descriptor();
            [&module.name, &module.version, &module.summary].map(String::clone)
        })
        .collect();
    columns(&rows)
}

fn page(module: &ModuleDescriptor) -> String {
    let mut text = format!("{} {}\n", module.name, module.version);
    let docs = Some(&module.docs).filter(|docs| !docs.is_empty());
    text += &format!("\n{}\n", paragraphs(docs.unwrap_or(&module.summary)));
    text += &format!("\ninputs:\n{}", ports(&module.inputs));
    text += &format!("\noutputs:\n{}", ports(&module.outputs));
    let manager = match &module.input_manager {
        Some(config) => config.manager.name(),
        None => "immediate, unless the graph says otherwise",
    };
    text += &format!("\ninput manager:\n  {manager}\n");
    text + &format!("\noptions:\n{}", schema::table(&module.options))
}

fn ports(ports: &Ports) -> String {
    let row = |name: String, port: &PortSpec| {
        let optional = if port.optional { " (optional)" } else { "" };
        let docs = format!("{}{optional}", port.docs);
        [format!("  {name}"), kind(port.kind).to_owned(), docs]
    };
    let rows: Vec<_> = match ports {
        Ports::Fixed(ports) => ports
            .iter()
            .map(|port| row(port.name.clone(), port))
            .collect(),
        Ports::Any { min, max, each } => {
            let count = match max {
                Some(max) => format!("{min} to {max}"),
                None => format!("{min} or more"),
            };
            vec![row(count, each)]
        }
    };
    if rows.is_empty() {
        "  none\n".to_owned()
    } else {
        columns(&rows)
    }
}

fn kind(kind: PortKind) -> &'static str {
    match kind {
        PortKind::Video => "video",
        PortKind::Audio => "audio",
        PortKind::Any => "any",
    }
}

fn as_json(module: &ModuleDescriptor) -> Value {
    json!({
        "name": module.name,
        "version": module.version,
        "summary": module.summary,
        "docs": module.docs,
        "inputs": ports_as_json(&module.inputs),
        "outputs": ports_as_json(&module.outputs),
        "is_sink": module.is_sink,
        "input_manager": module.input_manager.as_ref().map(|config| config.manager.name()),
        "options": module.options,
    })
}

fn ports_as_json(ports: &Ports) -> Value {
    let port = |port: &PortSpec| {
        json!({
            "name": port.name,
            "kind": kind(port.kind),
            "docs": port.docs,
            "optional": port.optional,
        })
    };
    match ports {
        Ports::Fixed(ports) => ports.iter().map(port).collect(),
        Ports::Any { min, max, each } => json!({ "min": min, "max": max, "each": port(each) }),
    }
}

/// Rows as a table. The last column takes the rest of the width and is wrapped in it.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths
            .filter(|&length| length <= MAX_COLUMN)
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N.saturating_sub(1)).map(width).collect();
    let indent: usize = widths.iter().map(|width| width + 2).sum();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, &width) in row.iter().zip(&widths) {
            line += &format!("{cell:width$}  ");
        }
        let last = row.last().map_or("", String::as_str);
        let wrapped = wrap(last, WIDTH.saturating_sub(indent).max(MIN_WIDTH));
        line += &wrapped.join(&format!("\n{:indent$}", ""));
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Paragraphs, which are separated by empty lines, each wrapped.
fn paragraphs(text: &str) -> String {
    let wrapped = text
        .split("\n\n")
        .map(|paragraph| wrap(paragraph, WIDTH).join("\n"));
    wrapped.collect::<Vec<_>>().join("\n\n")
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_cells_do_not_widen_their_column() {
        let rows = [
            ["a", "b", "few words"],
            [
                "a much longer name than all the others",
                "b",
                "more words, so many that they have to be wrapped somewhere, and then some",
            ],
            ["abc", "", ""],
        ];
        insta::assert_snapshot!(columns(&rows.map(|row| row.map(str::to_owned))), @r"
        a    b  few words
        a much longer name than all the others  b  more words, so many that they have to be wrapped somewhere, and then some
        abc
        ");
    }

    #[test]
    fn paragraphs_stay_apart() {
        assert_eq!(paragraphs("a\nb\n\nc"), "a b\n\nc");
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("longer than that", 5), ["longer", "than", "that"]);
    }
}
