//! Finds, loads and holds modules. Makes no instance by itself and runs nothing but the entries of
//! libraries.
#![doc = include_str!("../README.md")]

mod install;
mod library;
mod meta_info;
mod missing;
mod offers;
mod refusal;
mod registry;
mod search;
mod shown;
mod staging;
mod stamp;

pub use install::{install, uninstall};
pub use library::mark::acquit;
pub use library::{LibraryInfo, PluginInfo, UnfitModule};
pub use meta_info::split_entry;
pub use missing::Missing;
pub use refusal::{Refusal, Refused};
pub use registry::{Answer, Listed, Origin, Registry};
pub use search::{SearchPath, is_library, user_directory};
pub use shown::shown;
