//! `bmf inspect`: which modules there are, and all that one of them says of itself. No module is
//! created.

use bmf_core::{PortKind, PortSpec, Ports};
use bmf_modules::{Listed, Origin, Registry};
use serde_json::{Value, json};

use crate::report::Failure;
use crate::{managers, schema, terminal};

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
pub(crate) fn run(request: &Request, registry: &Registry) -> Result<u8, Failure> {
    let text = match &request.module {
        None if request.input_managers && request.json => format!("{:#}\n", managers::as_json()),
        None if request.input_managers => managers::list(),
        None => {
            let mut all = registry.list();
            all.retain(|module| !module.is_overridden);
            match request.json {
                true => format!("{:#}\n", all.iter().map(as_json).collect::<Value>()),
                false => list(&all),
            }
        }
        Some(name) => {
            let module = find(registry, name)?;
            match request.json {
                true => format!("{:#}\n", as_json(&module)),
                false => page(&module),
            }
        }
    };
    terminal::data(&text)?;
    Ok(0)
}

fn find(registry: &Registry, name: &str) -> Result<Listed, Failure> {
    // A verb of one-line graphs stands for the module that answers to it.
    let has_verb = |module: &Listed| module.descriptor.verbs.iter().any(|verb| verb == name);
    let by_verb = || registry.list().into_iter().find(has_verb);
    if let Some(module) = registry.describe(name).or_else(by_verb) {
        return Ok(module);
    }
    let missing = registry.missing(name);
    Err(Failure::usage(missing.to_string(), missing.hint))
}

fn list(modules: &[Listed]) -> String {
    let row = |module: &Listed| {
        let descriptor = &module.descriptor;
        [&module.name, &descriptor.version, &descriptor.summary].map(String::clone)
    };
    columns(&modules.iter().map(row).collect::<Vec<_>>())
}

fn page(listed: &Listed) -> String {
    let module = &listed.descriptor;
    let mut text = format!(
        "{} {}, {}\n",
        listed.name,
        module.version,
        told_from(&listed.origin)
    );
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

fn told_from(origin: &Origin) -> String {
    match origin {
        Origin::Program => origin.to_string(),
        Origin::Library(_) => format!("from {origin}"),
    }
}

/// Where a module is, for programs: a path as it is.
pub(crate) fn from(origin: &Origin) -> String {
    match origin {
        Origin::Program => origin.to_string(),
        Origin::Library(path) => path.to_string_lossy().into_owned(),
    }
}

fn ports(ports: &Ports) -> String {
    let row = |name: String, port: &PortSpec| {
        let optional = match &port.instead_of {
            Some(option) => format!(" (instead of {option})"),
            None if port.optional => " (optional)".to_owned(),
            None => String::new(),
        };
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
        PortKind::Subtitle => "subtitle",
        PortKind::Any => "any",
    }
}

/// The descriptor as it crosses the border of a plugin, and where it is from.
fn as_json(module: &Listed) -> Value {
    let mut value = json!(module.descriptor);
    if let Value::Object(keys) = &mut value {
        keys.insert("name".to_owned(), module.name.as_str().into());
        keys.insert("from".to_owned(), from(&module.origin).into());
    }
    value
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
