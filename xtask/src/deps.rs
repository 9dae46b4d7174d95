//! What the build and the tests want from the machine beyond Rust: looked for, named, installed where that is allowed.
//! It never asks when nobody can answer (`CI` is set or stdin is no terminal), and never tries what it has no rights to.
//! Everything is told on stderr: stdout may be read by a program.

mod plan;
mod requirements;

use std::io::IsTerminal;
use std::process::Command;

use anyhow::{Context, bail};

use self::plan::{Machine, Manager, Plan, Sudo, Words};
use self::requirements::Requirement;
use crate::sh;

/// What a command needs before it can work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Need {
    /// FFmpeg's libraries with headers, and libclang to read the headers.
    Libraries,
    /// The `ffmpeg` command, which makes fixtures and is compared with.
    FfmpegCommand,
    /// The C++ compiler `c++`, for plugins that tests build. (`cc` is there: Rust links with it.)
    CppCompiler,
    /// `valgrind`, under which tests of memory run.
    Valgrind,
    /// `cargo fmt`.
    Rustfmt,
    /// `cargo clippy`.
    Clippy,
}

/// Makes the machine fit for `needs`, or fails with the command that would.
pub(crate) fn ensure(needs: &[Need]) -> anyhow::Result<()> {
    add_components(needs)?;
    let missing = requirements::missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let machine = look_at_machine();
    let names = missing
        .iter()
        .map(|requirement| requirement.name)
        .collect::<Vec<_>>()
        .join(", ");
    eprintln!("missing on this machine: {names}");
    match plan::plan(&missing, &machine) {
        Plan::Install(commands) => install(&commands, needs, &machine),
        Plan::ByHand(remedy) => bail!("{remedy}"),
    }
}

fn install(commands: &[Words], needs: &[Need], machine: &Machine) -> anyhow::Result<()> {
    let lines = plan::one_line(commands);
    eprintln!("to install it, this runs: {lines}");
    if machine.may_ask && !confirmed()? {
        bail!("nothing was installed. Install it yourself, then start again: {lines}");
    }
    for (index, command) in commands.iter().enumerate() {
        let last = index + 1 == commands.len();
        match sh::run(sh::command(command).stdout(std::io::stderr())) {
            Err(error) if last => return Err(error),
            Err(error) => eprintln!("warning: {error}; going on, the package lists may still do"),
            Ok(()) => {}
        }
    }
    let left = requirements::missing(needs);
    if !left.is_empty() {
        bail!(
            "still missing after the installation: {}",
            left.iter().map(Requirement::describe).collect::<String>()
        );
    }
    Ok(())
}

fn confirmed() -> anyhow::Result<bool> {
    eprint!("install now? [Y/n] ");
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .context("reading the answer")?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "" | "y" | "yes"
    ))
}

fn look_at_machine() -> Machine {
    let root = sh::output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let may_ask = std::env::var_os("CI").is_none() && std::io::stdin().is_terminal();
    let sudo = match sh::find("sudo") {
        None => Sudo::Absent,
        Some(_) if sh::output(Command::new("sudo").args(["-n", "true"])).is_some() => Sudo::Silent,
        Some(_) => Sudo::AsksPassword,
    };
    let manager = Manager::ALL
        .into_iter()
        .find(|manager| sh::find(manager.program()).is_some());
    Machine {
        manager,
        root,
        sudo,
        may_ask,
    }
}

/// rustup's minimal profile brings neither rustfmt nor clippy.
fn add_components(needs: &[Need]) -> anyhow::Result<()> {
    let wanted = [
        (Need::Rustfmt, "rustfmt", "fmt"),
        (Need::Clippy, "clippy", "clippy"),
    ];
    let absent = wanted
        .into_iter()
        .filter(|(need, _, subcommand)| needs.contains(need) && !has_subcommand(subcommand))
        .map(|(_, component, _)| component)
        .collect::<Vec<_>>();
    if absent.is_empty() {
        return Ok(());
    }
    if sh::find("rustup").is_none() {
        bail!(
            "this Rust lacks {}: install it from where Rust came from, then start again",
            absent.join(" and ")
        );
    }
    sh::run(
        Command::new("rustup")
            .args(["component", "add"])
            .args(absent)
            .stdout(std::io::stderr()),
    )
}

fn has_subcommand(name: &str) -> bool {
    sh::output(&mut sh::cargo([name, "--version"])).is_some()
}
