//! Child processes, told on stderr before they run. No shell is involved, so nothing is quoted or expanded.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// `command` as one would type it, environment changes first.
pub(crate) fn show(command: &Command) -> String {
    let envs = command
        .get_envs()
        .filter_map(|(key, value)| Some((key, value?)));
    let envs = envs.map(|(key, value)| format!("{}={}", key.display(), quoted(value)));
    let words = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(quoted);
    envs.chain(words).collect::<Vec<_>>().join(" ")
}

/// `word` as one would type it.
pub(crate) fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{word}'")
    }
}

/// The command of `words`, program first.
pub(crate) fn command(words: &[&str]) -> Command {
    let (program, args) = words
        .split_first()
        .expect("a command has at least its program");
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// Runs `command` with this process's terminal and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = show(command);
    eprintln!("$ {line}");
    let status = command
        .status()
        .with_context(|| format!("`{line}` could not be started"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// What `command` wrote to stdout, or `None` when it could not run or did not succeed. Says nothing itself.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where the program `name` is in `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// The cargo that runs this tool.
pub(crate) fn cargo<const N: usize>(args: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_as_typed() {
        let mut command = Command::new("cargo");
        command
            .args(["test", "--test", "a b", "pkgconfig(x)"])
            .env("RUSTFLAGS", "--cfg loom");
        insta::assert_snapshot!(show(&command), @"RUSTFLAGS='--cfg loom' cargo test --test 'a b' 'pkgconfig(x)'");
    }

    #[test]
    fn failure_names_the_command() {
        let error = run(Command::new("false").arg("x")).expect_err("false fails");
        insta::assert_snapshot!(error, @"`false x` failed (exit status: 1)");
    }
}
