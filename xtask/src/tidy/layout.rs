//! What must be there: the repository's own documents, and each crate's README, description and lints.

use std::path::Path;

use super::Finding;
use crate::workspace::{Crate, Workspace};

const DOCUMENTS: [&str; 5] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
];

/// Compares the workspace with the lists here.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    check_with(&workspace.crates, |path| {
        std::fs::read_to_string(workspace.root.join(Path::new(path))).ok()
    })
}

fn check_with(crates: &[Crate], read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in DOCUMENTS {
        if read(document).is_none_or(|text| text.trim().is_empty()) {
            findings.push(Finding::whole(document, "missing or empty"));
        }
    }
    for member in crates {
        let readme = format!("{}/README.md", member.folder);
        if read(&readme).is_none_or(|text| text.trim().is_empty()) {
            findings.push(Finding::whole(
                &readme,
                "missing or empty: what the crate is, in ten lines with an example",
            ));
        }
        let manifest = format!("{}/Cargo.toml", member.folder);
        if member
            .description
            .as_deref()
            .is_none_or(|text| text.trim().is_empty())
        {
            findings.push(Finding::whole(&manifest, "no description"));
        }
        if !read(&manifest).is_some_and(|text| inherits_lints(&text)) {
            findings.push(Finding::whole(
                &manifest,
                "does not inherit the lints: [lints] workspace = true",
            ));
        }
    }
    findings
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let section = lines.by_ref().any(|line| line == "[lints]");
    section && lines.next() == Some("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::render;

    fn check(description: Option<&str>, absent: &str, lints: &str) -> String {
        let member = Crate {
            name: "a".to_owned(),
            folder: "a".to_owned(),
            description: description.map(str::to_owned),
            dependencies: Vec::new(),
        };
        render(&check_with(&[member], |path| match path {
            path if path == absent => None,
            "a/Cargo.toml" => Some(lints.to_owned()),
            _ => Some("text".to_owned()),
        }))
    }

    #[test]
    fn good() {
        insta::assert_snapshot!(check(Some("A"), "", "[lints]\n# All of them.\nworkspace = true\n"), @"");
    }

    #[test]
    fn bad() {
        insta::assert_snapshot!(check(None, "CHANGELOG.md", "[lints.rust]\nunsafe_code = \"allow\""), @r"
        CHANGELOG.md: missing or empty
        a/Cargo.toml: no description
        a/Cargo.toml: does not inherit the lints: [lints] workspace = true
        ");
        insta::assert_snapshot!(check(Some(" "), "a/README.md", "[lints]\n[features]\nworkspace = true"), @r"
        a/README.md: missing or empty: what the crate is, in ten lines with an example
        a/Cargo.toml: no description
        a/Cargo.toml: does not inherit the lints: [lints] workspace = true
        ");
    }
}
