//! Both halves in one image: modules of this program as they would be if they came from a library. For
//! tests of modules, and for comparisons.

use std::sync::Arc;

use bmf_core::{Module, ModuleFactory};

use crate::guest::{self, Kind};
use crate::host::{self, ImportedKind, ImportedModule, Refused};

/// The same kind of module, with a border between it and its user.
///
/// # Errors
/// If its descriptor cannot cross.
pub fn factory(factory: Arc<dyn ModuleFactory>) -> Result<Arc<dyn ModuleFactory>, Refused> {
    let kind = Kind::new(factory, host::table());
    let table = kind.table();
    // SAFETY: a table of this program, whose data the result owns.
    let kind = unsafe { ImportedKind::new(table, 0, Some(Box::new(kind))) };
    Ok(Arc::new(kind?))
}

/// The same module, with a border between it and its user. `flushes_early` is what its descriptor says.
pub fn module(module: Box<dyn Module>, flushes_early: bool) -> Box<dyn Module> {
    let raw = guest::export_module(module, flushes_early, host::table());
    // SAFETY: a module of this program, made for this.
    let module = unsafe { ImportedModule::new(raw) };
    Box::new(module.expect("tables of this program are whole"))
}
