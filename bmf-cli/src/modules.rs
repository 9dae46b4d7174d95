//! The modules that graphs may use: those that are linked in, and those in libraries. `bmf modules`
//! lists, installs and uninstalls them.

mod change;
mod list;

use std::path::PathBuf;

use bmf_modules::{Registry, SearchPath};

use crate::report::Failure;

/// What to do with modules.
pub(crate) enum Request {
    /// Tell which there are.
    List { json: bool },
    /// Copy a library into a directory of modules; the user's own where none is given.
    Install { what: PathBuf, to: Option<PathBuf> },
    /// Take a library out of the user's own directory, by its name or that of a module in it.
    Uninstall { what: String },
}

/// Does it.
pub(crate) fn run(request: &Request, registry: &Registry) -> Result<u8, Failure> {
    match request {
        Request::List { json } => list::run(registry, *json),
        Request::Install { what, to } => change::install(registry, what, to.as_deref()),
        Request::Uninstall { what } => change::uninstall(registry, what),
    }
}

/// All modules there are: those of the program, and those in the usual places, of which `given`
/// directories come first.
pub(crate) fn registry(given: Vec<PathBuf>) -> Result<Registry, Failure> {
    if let Some(missing) = given.iter().find(|directory| !directory.is_dir()) {
        return Err(Failure::usage(
            format!("there is no directory \"{}\"", bmf_modules::shown(missing)),
            "--modules takes a directory with libraries in it",
        ));
    }
    let registry = Registry::searching(SearchPath::standard(given));
    #[cfg(feature = "static")]
    for factory in bmf_module_basic::modules()
        .into_iter()
        .chain(bmf_module_ffmpeg::modules())
        .chain(bmf_module_flow::modules())
    {
        registry.add(factory);
    }
    Ok(registry)
}
