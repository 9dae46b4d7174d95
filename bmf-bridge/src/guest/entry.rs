//! The library as a whole: the table that its exported function returns.

use std::ffi::c_void;
use std::sync::{Arc, Once, OnceLock};

use bmf_abi as abi;
use bmf_core::ModuleFactory;
use bmf_hmp::panics;

use super::{Kind, guard, logging};
use crate::{host, tell, text};

/// What a library says of itself.
#[derive(Copy, Clone, Debug)]
pub struct About {
    /// Its name, usually its crate's.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// With what it was built: compiler and kit, for messages.
    pub built_with: &'static str,
    /// Which of several libraries with a module of the same name is used: the highest.
    pub rank: i32,
    /// Whether a panic in it ends the process.
    pub panic_aborts: bool,
}

/// The tables of a library, once they are made.
pub struct Exported {
    plugin: abi::Plugin,
    _tables: Vec<*const abi::ModuleType>,
    _kinds: Vec<Arc<Kind>>,
}

// SAFETY: the pointers are into what the other fields own, of which nothing is ever changed.
unsafe impl Send for Exported {}
// SAFETY: as above.
unsafe impl Sync for Exported {}

impl Exported {
    fn new(
        about: &About,
        factories: Vec<Arc<dyn ModuleFactory>>,
        host: &'static abi::Host,
    ) -> Self {
        let kinds = factories
            .into_iter()
            .map(|factory| Kind::new(factory, host));
        let kinds: Vec<Arc<Kind>> = kinds.collect();
        let tables: Vec<*const abi::ModuleType> = kinds.iter().map(|kind| kind.table()).collect();
        let aborts = if about.panic_aborts {
            abi::Plugin::PANIC_ABORTS
        } else {
            0
        };
        Self {
            plugin: abi::Plugin {
                size: size_of::<abi::Plugin>(),
                version_major: abi::VERSION_MAJOR,
                version_minor: abi::VERSION_MINOR,
                name: abi::Str::new(about.name),
                version: abi::Str::new(about.version),
                built_with: abi::Str::new(about.built_with),
                flags: aborts,
                rank: about.rank,
                module_count: tables.len(),
                modules: tables.as_ptr(),
                extension: Some(extension),
            },
            _tables: tables,
            _kinds: kinds,
        }
    }
}

/// The body of the exported function: makes the tables once, sends what is logged to the host, and
/// never unwinds. Null if the host is not of this contract, or if `modules` panics; why is told to
/// `error`.
///
/// # Safety
/// `host` is null or a host of any version, which lives as long as the process. So does the library.
/// `error` is null or a sink of the contract that can be used now.
pub unsafe fn enter(
    host: *const abi::Host,
    error: *const abi::ErrorSink,
    cell: &'static OnceLock<Exported>,
    about: &About,
    modules: fn() -> Vec<Arc<dyn ModuleFactory>>,
) -> *const abi::Plugin {
    // SAFETY: the caller's promise.
    let host = match unsafe { known(host) } {
        Ok(host) => host,
        Err(why) => {
            // SAFETY: as above.
            unsafe { tell::message(error, why) };
            return std::ptr::null();
        }
    };
    // Two halves in one image have one log, which needs no forwarding and would go round in circles.
    if !std::ptr::eq(host, host::table()) {
        logging::install(host);
        tell_panics_once(about);
    }
    let made = guard::caught(|| cell.get_or_init(|| Exported::new(about, modules(), host)));
    match made {
        Ok(exported) => &raw const exported.plugin,
        Err(panic) => {
            let message = panics::message(panic);
            let message = format!("it panicked when it was asked for its modules: {message}");
            // SAFETY: the caller's promise.
            unsafe { tell::message(error, &message) };
            std::ptr::null()
        }
    }
}

/// The host, if it is of this contract.
///
/// # Safety
/// As for [`enter`].
unsafe fn known(host: *const abi::Host) -> Result<&'static abi::Host, &'static str> {
    const DAMAGED: &str = "the table of this program is damaged";
    if host.is_null() {
        return Err(DAMAGED);
    }
    // SAFETY: not null; the size comes first, and the version second, in a host of any version.
    let (size, major) = unsafe { ((*host).size, (&raw const (*host).version_major).read()) };
    if major != abi::VERSION_MAJOR {
        return Err("this program is for another version of the plugin contract");
    }
    if size < size_of::<abi::Host>() {
        return Err(DAMAGED);
    }
    // SAFETY: as large as it must be, of this contract, and it stays.
    let host = unsafe { &*host };
    // SAFETY: tables live as long as the host, and start with their size.
    let fit = unsafe {
        fits::<abi::TaskApi>(host.task.cast()) && fits::<abi::ContextApi>(host.context.cast())
    };
    fit.then_some(host).ok_or(DAMAGED)
}

/// # Safety
/// `table` is null or starts with its size.
unsafe fn fits<T>(table: *const usize) -> bool {
    // SAFETY: the caller's promise.
    !table.is_null() && unsafe { table.read() } >= size_of::<T>()
}

unsafe extern "C" fn extension(id: abi::Str) -> *const c_void {
    // SAFETY: the text is lent for the call.
    match unsafe { text::bytes(id) } == abi::LAYOUT_EXTENSION.as_bytes() {
        true => panics::contained("the layout of the contract", std::ptr::null(), || {
            abi::compiled_layout()
        }),
        false => std::ptr::null(),
    }
}

/// The host reports a panic in one of its calls, so the hook of this image need not print it too;
/// unless there will be nobody to report it.
fn tell_panics_once(about: &About) {
    static ONCE: Once = Once::new();
    let (name, aborts) = (about.name, about.panic_aborts);
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !guard::is_guarded() {
                default(panic);
            } else if aborts {
                log::error!("{name}, built with panic = \"abort\", ends the program: {panic}");
            } else {
                log::debug!("{panic}");
            }
        }));
    });
}
