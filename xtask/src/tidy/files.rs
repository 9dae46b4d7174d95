//! Which files belong to the repository: what git tracks or would track. Their content is read elsewhere.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::sh;

/// Paths relative to `root`, sorted, with forward slashes.
pub(crate) fn list(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = match from_git(root) {
        Some(files) => files,
        None => from_folders(root)?,
    };
    files.sort();
    files.dedup();
    Ok(files)
}

/// Not committed yet counts too, so that a rule speaks up before the commit. A clone that belongs to somebody else, as
/// CI machines have them, is read all the same.
fn from_git(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.args([
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let list = sh::output(git.current_dir(root))?;
    Some(list.split_terminator('\0').map(str::to_owned).collect())
}

/// For a source archive, which is not under git: everything but build output.
fn from_folders(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?
        {
            let path = entry?.path();
            if !path.is_dir() {
                files.push(
                    path.strip_prefix(root)?
                        .to_string_lossy()
                        .replace('\\', "/"),
                );
            } else if !path.ends_with("target") && !path.ends_with(".git") {
                folders.push(path);
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_find_this_file() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let this = "src/tidy/files.rs".to_owned();
        assert!(list(root).unwrap().contains(&this));
        assert!(from_folders(root).unwrap().contains(&this));
    }
}
