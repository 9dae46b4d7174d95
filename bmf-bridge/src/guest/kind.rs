//! A [`ModuleFactory`] as a [`ModuleType`](abi::ModuleType): questions are answered in JSON.

use std::ffi::c_void;
use std::sync::{Arc, Weak};

use bmf_abi as abi;
use bmf_core::{ModuleError, ModuleFactory, Options};
use bmf_hmp::panics;

use super::{guard, instance, logging};
use crate::answer::{self, ShorthandAnswer, ShorthandRequest, json};
use crate::{fuse, text};

/// A kind of module and its table, which points back to it.
pub(crate) struct Kind {
    table: abi::ModuleType,
    factory: Arc<dyn ModuleFactory>,
    host: &'static abi::Host,
}

// SAFETY: the pointer in the table is to the kind itself, of which nothing is ever changed.
unsafe impl Send for Kind {}
// SAFETY: as above.
unsafe impl Sync for Kind {}

impl Kind {
    /// The table of `factory` for this host.
    pub(crate) fn new(factory: Arc<dyn ModuleFactory>, host: &'static abi::Host) -> Arc<Self> {
        Arc::new_cyclic(|kind: &Weak<Self>| Self {
            table: abi::ModuleType {
                size: size_of::<abi::ModuleType>(),
                data: kind.as_ptr().cast(),
                describe,
                check: Some(check),
                create,
                sharing: Some(sharing),
                shorthand: Some(shorthand),
                extension: Some(extension),
            },
            factory,
            host,
        })
    }

    /// Valid as long as the kind.
    pub(crate) fn table(&self) -> *const abi::ModuleType {
        &raw const self.table
    }
}

/// The kind behind the first argument of all functions here.
///
/// # Safety
/// `data` is that of a table that [`Kind::new`] has made, and the kind is there for `'a`.
unsafe fn kind<'a>(data: *const c_void) -> &'a Kind {
    // SAFETY: the caller's promise.
    unsafe { &*data.cast::<Kind>() }
}

/// Writes what `action` answers, or that it panicked.
///
/// # Safety
/// `out` is a sink that can be used now.
unsafe fn answered(out: *const abi::Sink, action: impl FnOnce() -> String) {
    let answer =
        guard::caught(action).unwrap_or_else(|panic| answer::panicked(&panics::message(panic)));
    // SAFETY: the caller's promise.
    unsafe { text::write(out, &answer) };
}

unsafe extern "C" fn describe(data: *const c_void, out: *const abi::Sink) {
    // SAFETY: the table's own data, and the caller's sink.
    unsafe { answered(out, || json(kind(data).factory.descriptor())) };
}

unsafe extern "C" fn check(data: *const c_void, options: abi::Str, out: *const abi::Sink) {
    // SAFETY: as in `describe`; the text is lent for the call.
    unsafe {
        answered(out, || match read_options(options) {
            Ok(options) => json(&kind(data).factory.check(&options)),
            Err(error) => answer::panicked(&error.to_string()),
        });
    }
}

unsafe extern "C" fn sharing(data: *const c_void, options: abi::Str, out: *const abi::Sink) {
    // SAFETY: as in `check`.
    unsafe {
        answered(out, || match read_options(options) {
            Ok(options) => json(&kind(data).factory.sharing(&options)),
            Err(error) => answer::panicked(&error.to_string()),
        });
    }
}

unsafe extern "C" fn shorthand(data: *const c_void, request: abi::Str, out: *const abi::Sink) {
    // SAFETY: as in `check`.
    unsafe {
        answered(out, || {
            let request = serde_json::from_slice::<ShorthandRequest>(text::bytes(request));
            let request = match request {
                Ok(request) => request,
                Err(error) => return answer::panicked(&error.to_string()),
            };
            let stands_for = kind(data).factory.shorthand(&request.verb, &request.args);
            json(&stands_for.map(ShorthandAnswer::from))
        });
    }
}

static FUSE: fuse::Fuse = fuse::Fuse {
    size: size_of::<fuse::Fuse>(),
    fuse: fuse_chain,
};

unsafe extern "C" fn extension(_: *const c_void, id: abi::Str) -> *const c_void {
    // SAFETY: the text is lent for the call.
    match unsafe { text::bytes(id) } == fuse::ID.as_bytes() {
        true => (&raw const FUSE).cast(),
        false => std::ptr::null(),
    }
}

unsafe extern "C" fn fuse_chain(data: *const c_void, chain: abi::Str, out: *const abi::Sink) {
    // SAFETY: as in `check`.
    unsafe {
        answered(out, || {
            match serde_json::from_slice::<Vec<Options>>(text::bytes(chain)) {
                Ok(chain) => {
                    let chain: Vec<&Options> = chain.iter().collect();
                    json(&kind(data).factory.fuse(&chain))
                }
                Err(error) => answer::panicked(&error.to_string()),
            }
        });
    }
}

unsafe extern "C" fn create(
    data: *const c_void,
    options: abi::Str,
    out: *mut abi::Module,
    error: *const abi::ErrorSink,
) -> i32 {
    logging::follow();
    let make = || {
        // SAFETY: the table's own data; the text is lent for the call.
        let (kind, options) = unsafe { (kind(data), read_options(options)?) };
        let module = kind.factory.create(&options)?;
        let flushes_early = kind.factory.descriptor().flushes_early;
        let module = instance::export(module, flushes_early, kind.host);
        // SAFETY: `out` is for this.
        unsafe { out.write(module) };
        Ok(abi::OK)
    };
    // SAFETY: the caller's sink.
    unsafe { guard::coded(error, make) }
}

/// # Safety
/// As for [`text::bytes`].
unsafe fn read_options(options: abi::Str) -> Result<Options, ModuleError> {
    // SAFETY: the caller's promise.
    let options = unsafe { text::bytes(options) };
    serde_json::from_slice(options).map_err(|error| {
        ModuleError::new("the host sent options that cannot be read").with_source(error)
    })
}
