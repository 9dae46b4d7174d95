//! How the header is laid out: documentation as comments, lines of a bearable length.

use syn::{Expr, Lit};

/// Columns of the header.
const WIDTH: usize = 100;

/// A declaration over several lines, one for each parameter, where `extra` more columns make it too long for one.
pub(super) fn wrapped(declared: &str, indent: &str, extra: usize) -> String {
    if indent.len() + declared.len() + extra <= WIDTH {
        return declared.to_owned();
    }
    let Some((head, params)) = declared.split_once(")(") else {
        return declared.to_owned();
    };
    let inner = format!("\n{indent}    ");
    format!(
        "{head})({inner}{}",
        params.replace(", ", &format!(",{inner}"))
    )
}

/// The lines of `///` and `//!`, without what is read from other files.
pub(super) fn docs(attrs: &[syn::Attribute]) -> String {
    let mut lines = Vec::new();
    for attr in attrs {
        if let syn::Meta::NameValue(pair) = &attr.meta
            && pair.path.is_ident("doc")
            && let Expr::Lit(lit) = &pair.value
            && let Lit::Str(text) = &lit.lit
        {
            let text = text.value();
            lines.push(text.strip_prefix(' ').unwrap_or(&text).to_owned());
        }
    }
    lines.join("\n")
}

/// Documentation of what follows.
pub(super) fn comment(text: &str, indent: &str) -> String {
    let single = format!("{indent}/** {text} */\n");
    if text.is_empty() {
        String::new()
    } else if !text.contains('\n') && single.chars().count() <= WIDTH {
        single
    } else {
        format!("{indent}/**\n{}{indent} */\n", starred(text, indent))
    }
}

/// Lines of a comment. Names in C are longer than in Rust, so paragraphs and list items are filled anew; tables stay.
pub(super) fn starred(text: &str, indent: &str) -> String {
    let mut out = String::new();
    let mut paragraph = String::new();
    let fill = |paragraph: &mut String, out: &mut String| {
        let hang = if paragraph.starts_with("* ") {
            "  "
        } else {
            ""
        };
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty()
                && indent.len() + line.chars().count() + word.chars().count() + 4 > WIDTH
            {
                out.push_str(&format!("{indent} * {line}\n"));
                line = format!("{hang}{word}");
            } else if line.is_empty() {
                line = word.to_owned();
            } else {
                line = format!("{line} {word}");
            }
        }
        if !line.is_empty() {
            out.push_str(&format!("{indent} * {line}\n"));
        }
        paragraph.clear();
    };
    for line in text.lines() {
        let heading = line.strip_prefix("# ");
        if line.is_empty() || line.starts_with(['*', '|']) || heading.is_some() {
            fill(&mut paragraph, &mut out);
        }
        match heading {
            Some(heading) => out.push_str(&format!("{indent} * {heading}:\n")),
            None if line.is_empty() => out.push_str(&format!("{indent} *\n")),
            None if line.starts_with('|') => out.push_str(&format!("{indent} * {line}\n")),
            None => {
                match line.strip_prefix("* ") {
                    Some(item) => paragraph.extend(["- ", item]),
                    None => paragraph.push_str(line.trim_start()),
                }
                paragraph.push(' ');
            }
        }
    }
    fill(&mut paragraph, &mut out);
    out
}
