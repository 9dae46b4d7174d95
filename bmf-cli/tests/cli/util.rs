//! A folder per test and a command in it, after ripgrep's tests. Knows nothing of bmf but where
//! the program is.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// How long a program may take before it is taken for hung. Nothing measures against this.
const HUNG: Duration = Duration::from_secs(120);

/// A folder that a test has for itself.
pub(crate) struct Dir(TempDir);

impl Dir {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn create(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// `bmf` with these arguments, in this folder, seeing none of the tester's preferences.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bmf"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("CLICOLOR_FORCE")
            .env_remove("BMF_MODULE_PATH")
            .env_remove("BMF_MODULE_CACHE")
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `bmf` and shows all that came out.
    pub(crate) fn bmf(&self, arguments: &[&str]) -> String {
        show(&finish(self.command(arguments).spawn().unwrap()))
    }

    /// Runs `bmf` and gives its stdout, which must be all there is.
    pub(crate) fn stdout(&self, arguments: &[&str]) -> String {
        let output = finish(self.command(arguments).spawn().unwrap());
        assert!(output.status.success(), "{}", show(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// `bmf` in a folder that nobody else looks at.
pub(crate) fn bmf(arguments: &[&str]) -> String {
    Dir::new().bmf(arguments)
}

/// Waits for a program, and kills it if it hangs.
pub(crate) fn finish(child: Child) -> Output {
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    receiver.recv_timeout(HUNG).map_or_else(
        |_| {
            signal(id, "KILL");
            panic!("the program hung");
        },
        Result::unwrap,
    )
}

/// Sends a signal to a program that a test has started.
pub(crate) fn signal(id: u32, name: &str) {
    let kill = Command::new("kill")
        .args(["-s", name, &id.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// Exit code, stdout and stderr, without times and sizes.
pub(crate) fn show(output: &Output) -> String {
    let mut text = match output.status.code() {
        Some(code) => format!("exit {code}\n"),
        None => format!("{}\n", output.status),
    };
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            text += &format!("--- {name}\n");
            text += &without_times(&String::from_utf8_lossy(bytes));
        }
    }
    text
}

/// What is told at the end of a run, with its times, speeds and file sizes as `#`. How much came is
/// kept.
fn without_times(text: &str) -> String {
    let mask_line = |line: &str| match line.split_whitespace().next() {
        Some("done" | "done:" | "stopped" | "stopped:") => mask(line),
        Some("wrote") => match line.rsplit_once(", ") {
            Some((kept, size)) => format!("{kept}, {}", mask(size)),
            None => line.to_owned(),
        },
        _ => line.to_owned(),
    };
    text.split_inclusive('\n').map(mask_line).collect()
}

/// Words with a decimal point in them, without their digits.
fn mask(text: &str) -> String {
    let mask_word = |word: &str| match word.contains('.') {
        true => word
            .replace(|c: char| c.is_ascii_digit(), "")
            .replace('.', "#"),
        false => word.to_owned(),
    };
    text.split_inclusive(' ').map(mask_word).collect()
}
