//! From what is missing to the commands that install it. Pure: it looks at nothing and runs nothing.

use super::requirements::Requirement;
use crate::sh;

/// The package managers known here, the system's own before Homebrew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Manager {
    Apt,
    Dnf,
    Pacman,
    Brew,
}

/// What sudo would do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sudo {
    Absent,
    /// Works without a password.
    Silent,
    AsksPassword,
}

/// What decides about installing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machine {
    pub(super) manager: Option<Manager>,
    pub(super) root: bool,
    pub(super) sudo: Sudo,
    /// Somebody can answer a question.
    pub(super) may_ask: bool,
}

/// A command, program first.
pub(super) type Words = Vec<&'static str>;

/// What to do about missing packages.
pub(super) enum Plan {
    /// Run these in order. All but the last only refresh lists and may fail.
    Install(Vec<Words>),
    /// This tool may not or cannot install: tell this.
    ByHand(String),
}

impl Manager {
    pub(super) const ALL: [Self; 4] = [Self::Apt, Self::Dnf, Self::Pacman, Self::Brew];

    /// The program that shows this manager is in use.
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Pacman => "pacman",
            Self::Brew => "brew",
        }
    }

    /// The words of each command, packages to follow the last.
    fn commands(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Apt => &[
                &["apt-get", "update"],
                // `env` and not our own environment: sudo would drop it.
                &[
                    "env",
                    "DEBIAN_FRONTEND=noninteractive",
                    "apt-get",
                    "install",
                    "-y",
                    "--no-install-recommends",
                ],
            ],
            Self::Dnf => &[&["dnf", "install", "-y"]],
            Self::Pacman => &[&["pacman", "-S", "--needed", "--noconfirm"]],
            Self::Brew => &[&["brew", "install"]],
        }
    }

    fn install(self, prefix: &[&'static str], packages: &[&'static str]) -> Vec<Words> {
        let mut commands: Vec<_> = self
            .commands()
            .iter()
            .map(|words| [prefix, words].concat())
            .collect();
        if let Some(last) = commands.last_mut() {
            last.extend(packages);
        }
        commands
    }
}

/// Decides how to get `missing` onto `machine`.
pub(super) fn plan(missing: &[&Requirement], machine: &Machine) -> Plan {
    let Some(manager) = machine.manager else {
        return Plan::ByHand(NO_MANAGER.to_owned());
    };
    let mut packages = Vec::new();
    for package in missing
        .iter()
        .map(|requirement| requirement.package(manager))
    {
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    match prefix(manager, machine) {
        Some(prefix) => Plan::Install(manager.install(prefix, &packages)),
        None if machine.sudo == Sudo::Absent => {
            let line = one_line(&manager.install(&[], &packages));
            Plan::ByHand(format!(
                "installing needs root. Run this as root, then start again:\n  {line}"
            ))
        }
        None => {
            let line = one_line(&manager.install(&["sudo"], &packages));
            Plan::ByHand(format!(
                "sudo wants a password, and nobody is here to type it. Run this first:\n  {line}"
            ))
        }
    }
}

const NO_MANAGER: &str = "no package manager known here (apt-get, dnf, pacman, brew). Install FFmpeg's development \
                          files, clang with libclang, pkg-config and the ffmpeg command, then start again";

/// The words before each command, or `None` when this process has no right to install.
fn prefix(manager: Manager, machine: &Machine) -> Option<&'static [&'static str]> {
    match machine.sudo {
        _ if machine.root || manager == Manager::Brew => Some(&[]),
        Sudo::Silent => Some(&["sudo"]),
        Sudo::AsksPassword if machine.may_ask => Some(&["sudo"]),
        Sudo::AsksPassword | Sudo::Absent => None,
    }
}

/// `commands` for a person to paste.
pub(super) fn one_line(commands: &[Words]) -> String {
    commands
        .iter()
        .map(|words| sh::show(&sh::command(words)))
        .collect::<Vec<_>>()
        .join(" && ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deps::Need;
    use crate::deps::requirements::all;

    const ROOT: Machine = Machine {
        manager: Some(Manager::Apt),
        root: true,
        sudo: Sudo::Absent,
        may_ask: false,
    };

    fn check(machine: Machine) -> String {
        match plan(&all(&[Need::FfmpegCommand]), &machine) {
            Plan::Install(commands) => format!("run: {}", one_line(&commands)),
            Plan::ByHand(remedy) => remedy,
        }
    }

    #[test]
    fn rights() {
        let user = Machine {
            root: false,
            ..ROOT
        };
        insta::assert_snapshot!(check(ROOT), @"run: apt-get update && env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg");
        insta::assert_snapshot!(check(user), @r"
        installing needs root. Run this as root, then start again:
          apt-get update && env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg
        ");
        insta::assert_snapshot!(check(Machine { sudo: Sudo::Silent, ..user }), @"run: sudo apt-get update && sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg");
        insta::assert_snapshot!(check(Machine { sudo: Sudo::AsksPassword, ..user }), @r"
        sudo wants a password, and nobody is here to type it. Run this first:
          sudo apt-get update && sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg
        ");
        insta::assert_snapshot!(check(Machine { sudo: Sudo::AsksPassword, may_ask: true, ..user }), @"run: sudo apt-get update && sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg");
    }

    #[test]
    fn managers() {
        let user = Machine {
            root: false,
            sudo: Sudo::Silent,
            ..ROOT
        };
        insta::assert_snapshot!(check(Machine { manager: Some(Manager::Dnf), ..user }), @"run: sudo dnf install -y ffmpeg-free");
        insta::assert_snapshot!(check(Machine { manager: Some(Manager::Pacman), ..user }), @"run: sudo pacman -S --needed --noconfirm ffmpeg");
        insta::assert_snapshot!(check(Machine { manager: Some(Manager::Brew), ..user }), @"run: brew install ffmpeg");
        insta::assert_snapshot!(check(Machine { manager: None, ..user }), @"no package manager known here (apt-get, dnf, pacman, brew). Install FFmpeg's development files, clang with libclang, pkg-config and the ffmpeg command, then start again");
    }

    #[test]
    fn a_package_is_named_once() {
        let machine = Machine {
            manager: Some(Manager::Pacman),
            ..ROOT
        };
        let Plan::Install(commands) = plan(&all(&[Need::Libraries]), &machine) else {
            panic!("root may install")
        };
        insta::assert_snapshot!(one_line(&commands), @"pacman -S --needed --noconfirm pkgconf clang ffmpeg");
    }
}
