//! The table of system requirements and how each is recognised. Installing is not its business.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Need;
use super::plan::Manager;
use crate::sh;

/// One thing the machine should have, and the package that brings it.
pub(super) struct Requirement {
    pub(super) name: &'static str,
    need: Need,
    probe: Probe,
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
    brew: &'static str,
}

enum Probe {
    /// A program in `PATH`.
    Program(&'static str),
    /// A library that pkg-config knows, which means its headers are there too.
    Library(&'static str),
    /// libclang, which bindgen loads at build time from the places it knows.
    LibClang,
}

const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        name: "pkg-config",
        need: Need::Libraries,
        probe: Probe::Program("pkg-config"),
        apt: "pkg-config",
        dnf: "pkgconf-pkg-config",
        pacman: "pkgconf",
        brew: "pkgconf",
    },
    Requirement {
        name: "clang",
        need: Need::Libraries,
        probe: Probe::Program("clang"),
        apt: "clang",
        dnf: "clang",
        pacman: "clang",
        brew: "llvm",
    },
    Requirement {
        name: "libclang",
        need: Need::Libraries,
        probe: Probe::LibClang,
        apt: "libclang-dev",
        dnf: "clang-devel",
        pacman: "clang",
        brew: "llvm",
    },
    library("libavcodec", "libavcodec-dev", "pkgconfig(libavcodec)"),
    library("libavformat", "libavformat-dev", "pkgconfig(libavformat)"),
    library("libavfilter", "libavfilter-dev", "pkgconfig(libavfilter)"),
    library("libavdevice", "libavdevice-dev", "pkgconfig(libavdevice)"),
    library("libavutil", "libavutil-dev", "pkgconfig(libavutil)"),
    library("libswscale", "libswscale-dev", "pkgconfig(libswscale)"),
    library(
        "libswresample",
        "libswresample-dev",
        "pkgconfig(libswresample)",
    ),
    Requirement {
        name: "ffmpeg",
        need: Need::FfmpegCommand,
        probe: Probe::Program("ffmpeg"),
        apt: "ffmpeg",
        dnf: "ffmpeg-free",
        pacman: "ffmpeg",
        brew: "ffmpeg",
    },
    Requirement {
        name: "c++",
        need: Need::CppCompiler,
        probe: Probe::Program("c++"),
        apt: "g++",
        dnf: "gcc-c++",
        pacman: "gcc",
        brew: "llvm",
    },
    Requirement {
        name: "valgrind",
        need: Need::Valgrind,
        probe: Probe::Program("valgrind"),
        apt: "valgrind",
        dnf: "valgrind",
        pacman: "valgrind",
        brew: "valgrind",
    },
];

/// FFmpeg's libraries are one package each in Debian and Fedora, one package together elsewhere. Fedora's own build and
/// RPM Fusion's call theirs differently, so there the pkg-config name is asked for.
const fn library(name: &'static str, apt: &'static str, dnf: &'static str) -> Requirement {
    let probe = Probe::Library(name);
    Requirement {
        name,
        need: Need::Libraries,
        probe,
        apt,
        dnf,
        pacman: "ffmpeg",
        brew: "ffmpeg",
    }
}

/// What of `needs` this machine does not have.
pub(super) fn missing(needs: &[Need]) -> Vec<&'static Requirement> {
    all(needs)
        .into_iter()
        .filter(|requirement| !requirement.is_present())
        .collect()
}

/// What `needs` stand for.
pub(super) fn all(needs: &[Need]) -> Vec<&'static Requirement> {
    REQUIREMENTS
        .iter()
        .filter(|requirement| needs.contains(&requirement.need))
        .collect()
}

impl Requirement {
    /// The package that `manager` knows it by.
    pub(super) fn package(&self, manager: Manager) -> &'static str {
        match manager {
            Manager::Apt => self.apt,
            Manager::Dnf => self.dnf,
            Manager::Pacman => self.pacman,
            Manager::Brew => self.brew,
        }
    }

    /// Its name and what was looked for, for a message.
    pub(super) fn describe(self: &&Self) -> String {
        match self.probe {
            Probe::Program(program) => format!("\n  {}: no program '{program}' in PATH", self.name),
            Probe::Library(library) => {
                format!("\n  {}: `pkg-config --exists {library}` fails", self.name)
            }
            Probe::LibClang => format!(
                "\n  {}: not found, LIBCLANG_PATH can name its folder",
                self.name
            ),
        }
    }

    fn is_present(&self) -> bool {
        match self.probe {
            Probe::Program(program) => sh::find(program).is_some(),
            Probe::Library(library) => has_library(library),
            Probe::LibClang => has_libclang(),
        }
    }
}

/// `FFMPEG_DIR` names a private build, which the binding uses before it asks pkg-config.
fn has_library(library: &str) -> bool {
    std::env::var_os("FFMPEG_DIR").is_some()
        || sh::output(Command::new("pkg-config").args(["--exists", library])).is_some()
}

/// Looks where bindgen's loader looks, without its version rules: a libclang too old for it is its own message.
fn has_libclang() -> bool {
    const FOLDERS: [&str; 8] = [
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/local/opt/llvm/lib",
        "/opt/homebrew/opt/llvm/lib",
        "/Library/Developer/CommandLineTools/usr/lib",
    ];
    let named = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    let configured = sh::output(Command::new("llvm-config").arg("--libdir"))
        .map(|dir| PathBuf::from(dir.trim()));
    let versioned = names("/usr/lib".as_ref()).filter(|name| name.starts_with("llvm"));
    let versioned = versioned.map(|name| Path::new("/usr/lib").join(name).join("lib"));
    let known = FOLDERS.into_iter().map(PathBuf::from);
    named
        .into_iter()
        .chain(configured)
        .chain(versioned)
        .chain(known)
        .any(|folder| holds_libclang(&folder))
}

fn holds_libclang(folder: &Path) -> bool {
    folder.is_file() || names(folder).any(|name| is_libclang(&name))
}

fn is_libclang(name: &str) -> bool {
    let version = name
        .strip_prefix("libclang-")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    name.starts_with("libclang.so") || name == "libclang.dylib" || (version && name.contains(".so"))
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The packages of everything, for one manager.
    fn check(manager: Manager) -> String {
        REQUIREMENTS
            .iter()
            .map(|requirement| requirement.package(manager))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn packages() {
        insta::assert_snapshot!(check(Manager::Apt), @"pkg-config clang libclang-dev libavcodec-dev libavformat-dev libavfilter-dev libavdevice-dev libavutil-dev libswscale-dev libswresample-dev ffmpeg g++ valgrind");
        insta::assert_snapshot!(check(Manager::Dnf), @"pkgconf-pkg-config clang clang-devel pkgconfig(libavcodec) pkgconfig(libavformat) pkgconfig(libavfilter) pkgconfig(libavdevice) pkgconfig(libavutil) pkgconfig(libswscale) pkgconfig(libswresample) ffmpeg-free gcc-c++ valgrind");
        insta::assert_snapshot!(check(Manager::Pacman), @"pkgconf clang clang ffmpeg ffmpeg ffmpeg ffmpeg ffmpeg ffmpeg ffmpeg ffmpeg gcc valgrind");
        insta::assert_snapshot!(check(Manager::Brew), @"pkgconf llvm llvm ffmpeg ffmpeg ffmpeg ffmpeg ffmpeg ffmpeg ffmpeg ffmpeg llvm valgrind");
    }

    #[test]
    fn libclang_by_name() {
        let good = [
            "libclang.so",
            "libclang.so.1",
            "libclang-14.so.1",
            "libclang.dylib",
        ];
        let bad = [
            "libclang-cpp.so.14",
            "libclangAST.a",
            "libclang-14.a",
            "libclang.a",
        ];
        assert!(good.into_iter().all(is_libclang));
        assert!(!bad.into_iter().any(is_libclang));
    }
}
