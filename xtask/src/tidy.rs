//! `cargo xtask tidy`, also an ordinary test: the rules of this repository that rustc and clippy do not know. It only
//! reads; nothing is put right by it.

mod dag;
pub(crate) mod files;
mod layout;
mod mask;
mod references;
mod source;
mod text;

use std::fmt;

use anyhow::bail;

use self::mask::Masked;
use crate::header;
use crate::workspace::Workspace;

/// Documents that name places in the code, and the folder from which they do.
const POINTING: [(&str, &str); 2] = [
    ("ARCHITECTURE.md", ""),
    ("docs/ffmpeg.md", "modules/ffmpeg"),
];

/// A rule broken at a place.
#[derive(Debug, Eq, PartialEq)]
struct Finding {
    path: String,
    /// Counted from 1; `None` when the whole file or crate is meant.
    line: Option<usize>,
    message: String,
}

impl Finding {
    fn whole(path: &str, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            message: message.into(),
        }
    }

    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: Some(line),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

/// Prints what breaks a rule, and fails when something does.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let findings = check(workspace)?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("1 rule is broken"),
        count => bail!("{count} rules are broken"),
    }
}

fn check(workspace: &Workspace) -> anyhow::Result<Vec<Finding>> {
    let mut findings = dag::check(&workspace.crates);
    findings.extend(layout::check(workspace));
    if !header::is_current(&workspace.root)? {
        let message = "not what bmf-abi says: run `cargo xtask header`";
        findings.push(Finding::whole(header::HEADER, message));
    }
    for path in files::list(&workspace.root)? {
        let Ok(content) = std::fs::read_to_string(workspace.root.join(&path)) else {
            continue; // Not text, or deleted but not yet in git's index.
        };
        findings.extend(text::check(&path, &content));
        if path.ends_with(".rs") {
            findings.extend(source::check(&path, &content, &Masked::new(&content)));
        }
        if let Some((_, base)) = POINTING.iter().find(|(name, _)| *name == path) {
            findings.extend(references::check(&path, &content, |file| {
                std::fs::read_to_string(workspace.root.join(base).join(file)).ok()
            }));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Findings as text, for the tests of all checks.
    pub(super) fn render(findings: &[Finding]) -> String {
        findings
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn this_repository_is_tidy() {
        let findings = check(&Workspace::find().unwrap()).unwrap();
        assert!(findings.is_empty(), "\n{}\n", render(&findings));
    }
}
