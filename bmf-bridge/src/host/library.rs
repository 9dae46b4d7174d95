//! A plugin library: calls its entry, and looks at what that returns before any of it is used.

use std::sync::Arc;

use bmf_abi as abi;
use bmf_core::ModuleFactory;

use super::{ImportedKind, table};
use crate::text;
use crate::told::Told;

/// More modules than anyone puts into one library: a count beyond is damage.
const MOST_MODULES: usize = 1 << 16;

type Modules = Vec<Arc<dyn ModuleFactory>>;

/// The modules of a plugin library, and what it says of itself.
pub struct Library {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// With what it was built: compiler and kit.
    pub built_with: String,
    /// Which of several libraries with a module of the same name is used: the highest.
    pub rank: i32,
    /// The version of the contract that it was built for: major, minor.
    pub abi: (u32, u32),
    /// Whether a panic in it ends the process.
    pub panic_aborts: bool,
    /// Whether its layouts were compared with the host's. Only Rust plugins can be.
    pub checked: bool,
    /// Its modules.
    pub modules: Vec<Arc<dyn ModuleFactory>>,
    /// Those of its modules that cannot be used.
    pub refused: Vec<Refused>,
}

/// A module that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{module} cannot be used: {why}")]
pub struct Refused {
    /// Its name, where it has one, or `module 2` of its library, from 0.
    pub module: String,
    /// What is wrong with it.
    pub why: String,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let modules = self.modules.iter().map(|module| &module.descriptor().name);
        f.debug_struct("Library")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("built_with", &self.built_with)
            .field("rank", &self.rank)
            .field("abi", &self.abi)
            .field("panic_aborts", &self.panic_aborts)
            .field("checked", &self.checked)
            .field("modules", &modules.collect::<Vec<_>>())
            .field("refused", &self.refused)
            .finish()
    }
}

/// Why a library cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Its entry returned null.
    #[error("it cannot be used here: {message}")]
    Refuses {
        /// What it said.
        message: String,
    },
    /// It was built for another contract.
    #[error(
        "it was built for version {theirs} of the plugin contract, but this is version {}",
        abi::VERSION_MAJOR
    )]
    Version {
        /// Its major version.
        theirs: u32,
    },
    /// What its entry returned cannot be.
    #[error("its table is damaged: {what}")]
    Damaged {
        /// What is wrong with it.
        what: &'static str,
    },
    /// It says that it is for this contract, but means another one.
    #[error("it was built with other layouts of the plugin contract")]
    Layouts,
}

/// Calls the entry of a library, and checks all that can be checked.
///
/// # Errors
/// Why the library cannot be used. It must stay loaded all the same, since it may have left something
/// in the process.
///
/// # Safety
/// `entry` is the exported function of a plugin library that is never unloaded.
pub unsafe fn open(entry: abi::Entry) -> Result<Library, Unfit> {
    let mut told = Told::default();
    // SAFETY: the caller's promise; the host's table lives as long as the process.
    let plugin = told.listen(|error| unsafe { entry(table::table(), error) });
    if plugin.is_null() {
        let message = told.said();
        let message = message.unwrap_or_else(|| "it does not say why".to_owned());
        return Err(Unfit::Refuses { message });
    }
    // SAFETY: what an entry returns, which lives as long as the process.
    unsafe {
        let plugin = checked(plugin)?;
        let checked = check_layouts(&plugin)?;
        let (modules, refused) = modules(&plugin)?;
        Ok(Library {
            name: read(plugin.name)?,
            version: read(plugin.version)?,
            built_with: read(plugin.built_with)?,
            rank: plugin.rank,
            abi: (plugin.version_major, plugin.version_minor),
            panic_aborts: plugin.flags & abi::Plugin::PANIC_ABORTS != 0,
            checked,
            modules,
            refused,
        })
    }
}

/// A copy of the table, if it is of this contract.
///
/// # Safety
/// `plugin` starts with the size and the version of a table.
unsafe fn checked(plugin: *const abi::Plugin) -> Result<abi::Plugin, Unfit> {
    let damaged = |what| Err(Unfit::Damaged { what });
    if !plugin.is_aligned() {
        return damaged("it is in no place for one");
    }
    // SAFETY: the caller's promise; what is read is not beyond its size.
    unsafe {
        let size = (&raw const (*plugin).size).read();
        if size < std::mem::offset_of!(abi::Plugin, version_minor) {
            return damaged("it is too small");
        }
        // Of another version, nothing but this can be known.
        let theirs = (&raw const (*plugin).version_major).read();
        if theirs != abi::VERSION_MAJOR {
            return Err(Unfit::Version { theirs });
        }
        if size < size_of::<abi::Plugin>() {
            return damaged("it is too small");
        }
        Ok(plugin.read())
    }
}

/// Whether the plugin's layouts could be compared.
///
/// # Safety
/// `plugin` is the table of a library that stays loaded.
unsafe fn check_layouts(plugin: &abi::Plugin) -> Result<bool, Unfit> {
    let Some(extension) = plugin.extension else {
        return Ok(false);
    };
    // SAFETY: the plugin's own function.
    let layout = unsafe { extension(abi::Str::new(abi::LAYOUT_EXTENSION)) };
    if layout.is_null() {
        return Ok(false);
    }
    // SAFETY: what plugins give under this name.
    unsafe { abi::check_layout(layout) }.map_err(|differences| {
        log::debug!("layouts of the plugin contract differ: {differences}");
        Unfit::Layouts
    })?;
    Ok(true)
}

/// A text of a table.
///
/// # Safety
/// As for [`text::bytes`].
unsafe fn read(text: abi::Str) -> Result<String, Unfit> {
    if text.ptr.is_null() && text.len > 0 {
        let what = "it has a text that is not there";
        return Err(Unfit::Damaged { what });
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { text::lossy(text) }.into_owned())
}

/// # Safety
/// `plugin` is the table of a library that stays loaded.
unsafe fn modules(plugin: &abi::Plugin) -> Result<(Modules, Vec<Refused>), Unfit> {
    let (count, tables) = (plugin.module_count, plugin.modules);
    if count > 0 && (tables.is_null() || !tables.is_aligned() || count > MOST_MODULES) {
        let what = "it has modules that are not there";
        return Err(Unfit::Damaged { what });
    }
    let (mut modules, mut refused) = (Modules::new(), Vec::new());
    for index in 0..count {
        // SAFETY: one of so many pointers, each to a table of a library that stays loaded.
        match unsafe { ImportedKind::new(*tables.add(index), index, None) } {
            Ok(kind) => modules.push(Arc::new(kind)),
            Err(why) => refused.push(why),
        }
    }
    Ok((modules, refused))
}
