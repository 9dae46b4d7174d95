//! One library: read from outside, remembered, loaded. Which one is used for a name is decided in
//! `registry`.

pub(crate) mod cache;
mod image;
pub(crate) mod load;
mod lossless;
pub(crate) mod mark;
mod needed;

use std::path::Path;

use bmf_core::ModuleDescriptor;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;
use crate::stamp::Stamp;
use cache::Cache;

/// What a library offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LibraryInfo {
    /// Its plugins: one, unless several were linked into one file.
    pub plugins: Vec<PluginInfo>,
}

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Compiler and kit.
    pub built_with: String,
    /// Which of several modules of one name is used: the one with the highest number.
    pub rank: i32,
    /// Version of the contract, major and minor.
    pub abi: (u32, u32),
    /// Whether a panic in it ends the process.
    pub panic_aborts: bool,
    /// Its modules.
    pub modules: Vec<ModuleDescriptor>,
    /// Those that cannot be used.
    pub refused: Vec<UnfitModule>,
}

/// A module that cannot be used, in a library whose others may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfitModule {
    /// Its name, or its place in the library where it has none.
    pub module: String,
    /// What is wrong with it.
    pub why: String,
}

impl From<&UnfitModule> for Refusal {
    fn from(unfit: &UnfitModule) -> Self {
        let UnfitModule { module, why } = unfit.clone();
        Self::UnfitModule { module, why }
    }
}

impl LibraryInfo {
    /// The names of its modules.
    pub fn module_names(&self) -> Vec<String> {
        let modules = self.plugins.iter().flat_map(|plugin| &plugin.modules);
        modules.map(|module| module.name.clone()).collect()
    }

    /// The first module called `name` of one of its plugins.
    pub(crate) fn module(&self, plugin: usize, name: &str) -> Option<&ModuleDescriptor> {
        let mut modules = self.plugins.get(plugin)?.modules.iter();
        modules.find(|module| module.name == name)
    }

    /// Why there is none of these modules.
    pub(crate) fn without(&self, names: &[&str]) -> Refusal {
        let mut unfit = self.refused();
        if let Some(unfit) = unfit.find(|unfit| names.contains(&unfit.module.as_str())) {
            return unfit.into();
        }
        let mut wanted: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        wanted.dedup();
        let has = self.module_names();
        Refusal::NoSuchModule { wanted, has }
    }

    /// Its modules that cannot be used.
    pub(crate) fn refused(&self) -> impl Iterator<Item = &UnfitModule> {
        self.plugins.iter().flat_map(|plugin| &plugin.refused)
    }

    /// Plugin and name of the first module that has one of these names, the first name first.
    pub(crate) fn position<'a>(&self, names: &[&'a str]) -> Option<(usize, &'a str)> {
        names.iter().find_map(|&name| {
            let mut plugins = 0..self.plugins.len();
            let plugin = plugins.find(|&plugin| self.module(plugin, name).is_some())?;
            Some((plugin, name))
        })
    }
}

/// What is known of a library, or can be found out; it is loaded only where nothing is known.
pub(crate) fn examine(path: &Path, stamp: Stamp, cache: &Cache) -> Result<LibraryInfo, Refusal> {
    if let Some(loaded) = load::already(path, stamp) {
        return loaded.map(|library| library.info());
    }
    if let Some(known) = cache.get(path, stamp) {
        return known;
    }
    let outcome = load(path, stamp, cache.file()).map(|library| library.info());
    let needs = match &outcome {
        Ok(_) => needed::by(path),
        Err(_) => Vec::new(),
    };
    cache.put(path, stamp, outcome.clone(), needs);
    outcome
}

/// Loads a library, after it was found fit from outside; once per process. `cache` is the file that
/// marks are set beside.
pub(crate) fn load(
    path: &Path,
    stamp: Stamp,
    cache: Option<&Path>,
) -> Result<load::Loaded, Refusal> {
    load::once(path, stamp, || {
        let entries = image::entries(path)?;
        // What was read is what is loaded.
        if Stamp::at(path) != Some(stamp) {
            return Err(Refusal::Changing);
        }
        Ok((
            entries,
            cache.and_then(|cache| mark::set(cache, path, stamp)),
        ))
    })
}
