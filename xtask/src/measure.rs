//! What a child process costs: time, processor and memory, as the kernel counts them for that child alone. It repeats
//! nothing and compares nothing.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use wait4::Wait4;

use crate::sh;

/// The cost of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// From start to exit, in seconds.
    pub(crate) wall: f64,
    /// User and system time of all its threads, in seconds.
    pub(crate) cpu: f64,
    /// The most memory it held at once, in MiB.
    pub(crate) peak: f64,
}

/// Runs `command` to its end. What it writes goes to `log`, so that no terminal slows it down.
pub(crate) fn measure(command: &mut Command, log: &Path) -> anyhow::Result<Usage> {
    let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file);
    let line = sh::show(command);
    let start = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("`{line}` could not be started"))?;
    let done = child
        .wait4()
        .with_context(|| format!("waiting for `{line}`"))?;
    let wall = start.elapsed().as_secs_f64();
    if !done.status.success() {
        let said = std::fs::read_to_string(log).unwrap_or_default();
        bail!("`{line}` failed ({}):\n{}", done.status, said.trim_end());
    }
    let cpu = (done.rusage.utime + done.rusage.stime).as_secs_f64();
    Ok(Usage {
        wall,
        cpu,
        peak: done.rusage.maxrss as f64 / (1024.0 * 1024.0),
    })
}

/// The middle value, or the mean of the two in the middle.
///
/// # Panics
///
/// When `values` is empty.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
    }

    #[test]
    fn a_child_is_charged_for_what_it_does() {
        let log = std::env::temp_dir().join(format!("xtask-measure-{}.log", std::process::id()));
        let usage = measure(
            Command::new("sh").args(["-c", "echo out; echo err >&2"]),
            &log,
        )
        .unwrap();
        assert!(usage.wall > 0.0 && usage.peak > 0.0);
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "out\nerr\n");

        let error = measure(
            Command::new("sh").args(["-c", "echo no such file >&2; exit 3"]),
            &log,
        )
        .unwrap_err();
        insta::assert_snapshot!(error, @r"
        `sh -c 'echo no such file >&2; exit 3'` failed (exit status: 3):
        no such file
        ");
        std::fs::remove_file(&log).unwrap();
    }
}
