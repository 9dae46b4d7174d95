//! Gets the text of a graph file. What the text says is read elsewhere.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bmf_core::{Diagnostic, Diagnostics, SourceText};

use super::{ReadResult, parse_json, parse_toml};

/// No graph is this long; a film given in place of a graph is.
const MAX_BYTES: u64 = 64 << 20;

/// Reads the graph in the file `path`: TOML if it is called `*.toml`, else JSON.
///
/// # Errors
/// Why the file cannot be read, or everything that is wrong with the graph in it.
pub fn read_file(path: impl AsRef<Path>) -> ReadResult {
    let path = path.as_ref();
    let text = read_text(path).map_err(|problem| {
        let mut out = Diagnostics::default();
        out.push(problem);
        out
    })?;
    let source = SourceText::new(path.display().to_string(), text);
    let is_toml = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    if is_toml {
        parse_toml(source)
    } else {
        parse_json(source)
    }
}

fn read_text(path: &Path) -> Result<String, Diagnostic> {
    let shown = path.display();
    if path.is_dir() {
        return Err(Diagnostic::error(format!(
            "\"{shown}\" is a directory, not a graph file"
        )));
    }
    let cannot = |error| Diagnostic::error(format!("cannot read graph file \"{shown}\": {error}"));
    let file = File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Diagnostic::error(format!(
            "\"{shown}\" is not a graph file: it is larger than {} MiB",
            MAX_BYTES >> 20
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Diagnostic::error(format!(
            "\"{shown}\" is not a graph file: it is not UTF-8 text (byte {at})"
        ))
    })?;
    if text.trim_matches(super::is_blank).is_empty() {
        return Err(Diagnostic::error(format!(
            "graph file \"{shown}\" is empty"
        )));
    }
    Ok(text)
}
