//! Places in the code that a document names must exist: `bmf-engine/src/node.rs::step`, and paths alone. Whether what
//! the document says about them is true remains the reader's business.

use super::Finding;

/// Checks the references in `content`; `read` gives a repository file's text.
pub(super) fn check(
    path: &str,
    content: &str,
    read: impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in content.lines().enumerate() {
        for (file, item) in references(line) {
            let problem = match (read(file), item) {
                (None, _) => format!("names {file}, which does not exist"),
                (Some(text), Some(item)) if !defines(&text, item) => {
                    format!("{file} has no `{item}`")
                }
                _ => continue,
            };
            findings.push(Finding::at(path, index + 1, problem));
        }
    }
    findings
}

/// Every `folder/file.rs` or `folder/file.rs::item` with its last item.
fn references(line: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let in_reference = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    line.split(move |c| !in_reference(c)).filter_map(|word| {
        let (file, rest) = word.split_at(word.find(".rs")? + ".rs".len());
        let item = rest
            .trim_end_matches([':', '.'])
            .rsplit("::")
            .next()
            .filter(|item| !item.is_empty());
        let is_reference = file.contains('/') && !file.contains(':') && !file.starts_with('/');
        let ends = rest.is_empty() || rest.starts_with([':', '.']);
        (is_reference && ends).then_some((file, item))
    })
}

/// A function when `item` is in snake case, else a type, trait or constant.
fn defines(text: &str, item: &str) -> bool {
    const TYPES: [&str; 6] = ["struct", "enum", "trait", "type", "const", "static"];
    let function = item.starts_with(|c: char| c.is_lowercase() || c == '_');
    let keywords = if function { &["fn"][..] } else { &TYPES };
    keywords.iter().any(|keyword| {
        let definition = format!("{keyword} {item}");
        text.match_indices(&definition).any(|(at, _)| {
            let after = &text[at + definition.len()..];
            !after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::tidy::tests::render;

    /// `content` against a repository with the single file a/src/b.rs.
    fn check(content: &str) -> String {
        let read = |file: &str| {
            (file == "a/src/b.rs")
                .then(|| "impl Node {\n    fn step(self) {}\n}\npub struct Node;".to_owned())
        };
        render(&super::check("ARCHITECTURE.md", content, read))
    }

    #[test]
    fn good() {
        insta::assert_snapshot!(check(
            "`a/src/b.rs::step`, a/src/b.rs::Node::step, (a/src/b.rs::Node), a/src/b.rs: see a/src/b.rs.\n\
             lib.rs alone names no place, nor does https://docs.rs/a/b"
        ), @"");
    }

    #[test]
    fn bad() {
        insta::assert_snapshot!(check("a/src/c.rs\n`a/src/b.rs::ste` and `a/src/b.rs::Nod`\n`c/d.rs::x`"), @r"
        ARCHITECTURE.md:1: names a/src/c.rs, which does not exist
        ARCHITECTURE.md:2: a/src/b.rs has no `ste`
        ARCHITECTURE.md:2: a/src/b.rs has no `Nod`
        ARCHITECTURE.md:3: names c/d.rs, which does not exist
        ");
    }
}
