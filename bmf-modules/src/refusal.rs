//! Why a library is not used, in one sentence each: what is wrong, and what to do. Found elsewhere.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::shown::shown;

/// A file that was found where modules are looked for, and is not used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Refused {
    /// The library, the `meta.info` that led to it, or a directory that cannot be looked into.
    pub path: PathBuf,
    /// Why.
    pub reason: Refusal,
}

/// The whole sentence: the path is its subject.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Also reasons quote what others wrote.
        let (path, reason) = (shown(&self.path), shown(self.reason.to_string()));
        write!(f, "{path} {reason}")
    }
}

/// Why a library is not used. Reads on from the path: "… is empty; copy it again".
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// The system does not let us read it.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// A directory, where a library was named.
    #[error("is a directory; name the library in it")]
    Directory,
    /// A pipe, a socket or a device.
    #[error("is no file but a pipe, a socket or a device; take it away")]
    NoFile,
    /// A link that leads nowhere.
    #[error("is a link to what is not there; take it away, or bring that back")]
    BrokenLink,
    /// One of the usual directories, in which everybody may put a library.
    #[error(
        "is not looked into, since everybody may write to it; take that right away (chmod o-w), or \
         name it with --modules or BMF_MODULE_PATH"
    )]
    OpenToAll,
    /// No bytes.
    #[error("is empty; copy it again")]
    Empty,
    /// Neither ELF, nor Mach-O, nor PE.
    #[error("is not a library, whatever its name says; take it away")]
    NotALibrary,
    /// What the header promises is not there.
    #[error("is cut short; copy it again (while it is being copied, wait)")]
    Truncated,
    /// It has changed while it was read.
    #[error("changed while it was read; try again when it is complete")]
    Changing,
    /// A program, or an object file.
    #[error(
        "is {0} and no shared library; link it as one (Rust: crate-type \"cdylib\", C: -shared)"
    )]
    NotShared(String),
    /// For another operating system or processor.
    #[error("is for {library}, but this program runs on {program}; build it for that")]
    WrongMachine {
        /// What it was built for.
        library: String,
        /// What runs here.
        program: String,
    },
    /// Some library, which has no business here.
    #[error(
        "is a library, but no bmf plugin: it exports no bmf_plugin_v{VERSION}_*; export modules from \
         it (Rust: export_module!, C: bmf.h), or take it away",
        VERSION = bmf_abi::VERSION_MAJOR
    )]
    NoPlugin,
    /// For another major version of the contract.
    #[error(
        "is for contract {0}, but this program speaks {VERSION}; rebuild it with a kit for contract \
         {VERSION}",
        VERSION = bmf_abi::VERSION_MAJOR
    )]
    OtherContract(u32),
    /// A C++ module of BMF.
    #[error(
        "is a C++ module built against BMF's own SDK, whose classes this program does not have; \
         rebuild it against bmf.h or bmf.hpp"
    )]
    BmfModule,
    /// A module in a language that has no loader.
    #[error("is a {0} module, which this build cannot load; use a module built as a library")]
    Language(String),
    /// The dynamic linker refuses it.
    #[error("cannot be loaded: {0}; install what it needs, or rebuild it on this system")]
    CannotLoad(String),
    /// It was loaded, and what it says of itself cannot be used.
    #[error("does not fit this program: {0}; rebuild it with the current kit")]
    Unfit(String),
    /// It was loaded, and refuses to be used.
    #[error("says that it cannot be used here: {0}")]
    Refuses(String),
    /// The process ended while it was being loaded, again and again.
    #[error(
        "brought the program down each time it was loaded; rebuild it, or touch it to try it once more"
    )]
    Crashed,
    /// One module of a library whose others may do.
    #[error("has {module}, which cannot be used: {why}")]
    UnfitModule {
        /// Its name, or its place in the library.
        module: String,
        /// What is wrong with it.
        why: String,
    },
    /// A `meta.info` that cannot be used.
    #[error("cannot be used: {0}")]
    MetaInfo(String),
    /// The library has other modules than the one that was asked for.
    #[error("has no module {}; it has {}", or(.wanted), list(.has))]
    NoSuchModule {
        /// By which names it was looked for.
        wanted: Vec<String>,
        /// The names there are.
        has: Vec<String>,
    },
}

impl Refusal {
    /// Whether the same file may do in the next process: it may find there what it needs.
    pub(crate) fn may_pass_with_process(&self) -> bool {
        self.may_pass() || matches!(self, Self::Refuses(_))
    }

    /// Whether the same file may do at the next look: the dynamic linker may find what it needs, for
    /// one. Not so what was loaded, which cannot be done again without another copy of it.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::CannotLoad(_) | Self::Unreadable(_) | Self::Changing
        )
    }

    /// A file that the system does not let us read.
    pub(crate) fn unreadable(error: &std::io::Error) -> Self {
        let text = error.to_string();
        // The number at its end helps nobody.
        let text = text.split(" (os error").next().unwrap_or_default();
        Self::Unreadable(text.to_lowercase())
    }
}

fn quoted(names: &[String]) -> impl Iterator<Item = String> {
    names.iter().map(|name| format!("\"{name}\""))
}

fn or(names: &[String]) -> String {
    quoted(names).collect::<Vec<_>>().join(" or ")
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        _ => quoted(names).collect::<Vec<_>>().join(", "),
    }
}
