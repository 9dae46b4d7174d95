//! Rules for every text file: no path of somebody's machine.

use super::Finding;

/// Folders that exist on one machine only. In two parts, since this file is checked as well.
const MACHINE_FOLDERS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];

/// Checks one file.
pub(super) fn check(path: &str, content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in content.lines().enumerate() {
        if let Some(folder) = MACHINE_FOLDERS
            .into_iter()
            .find(|folder| names_folder(line, folder))
        {
            let message =
                format!("a path below {folder} exists on one machine only: make it relative");
            findings.push(Finding::at(path, index + 1, message));
        }
    }
    findings
}

/// Whether `folder` is in `line` as the start of a path, not as a part of one: `docs/home/` and a URL's path are fine.
fn names_folder(line: &str, folder: &str) -> bool {
    let part_of_path = |c: char| c.is_alphanumeric() || "_-.~/".contains(c);
    line.match_indices(folder)
        .any(|(at, _)| !line[..at].ends_with(part_of_path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::render;

    #[test]
    fn good() {
        let deeper = MACHINE_FOLDERS
            .map(|folder| format!("https://example.org{folder}page docs{folder}x ~{folder}y\n"))
            .concat();
        insta::assert_snapshot!(render(&check("a.md", &deeper)), @"");
    }

    #[test]
    fn bad() {
        let lines = MACHINE_FOLDERS
            .map(|folder| format!("see `{folder}bmf` or {folder}x\n"))
            .concat();
        insta::assert_snapshot!(render(&check("a.md", &lines)).replace("below /", "below "), @r"
        a.md:1: a path below work/ exists on one machine only: make it relative
        a.md:2: a path below root/ exists on one machine only: make it relative
        a.md:3: a path below home/ exists on one machine only: make it relative
        a.md:4: a path below Users/ exists on one machine only: make it relative
        ");
    }
}
