//! The context of a module of this image, in line with the host's: interrupts come in as they are
//! raised, durations go out after each call.

use std::ffi::c_void;

use bmf_abi as abi;
use bmf_core::ModuleContext;
use bmf_core::config::Threads;
use bmf_hmp::panics;

use crate::text;
use crate::threads::{self, ThreadsApi};

/// A context of this image, and the host's that it stands for.
pub(super) struct Surroundings {
    context: ModuleContext,
    host: *const abi::Context,
    api: &'static abi::ContextApi,
    /// The duration that the host knows.
    told: Option<i64>,
}

impl Surroundings {
    /// # Safety
    /// `context` is a context of `host` that outlives the result.
    pub(super) unsafe fn new(host: &'static abi::Host, context: *const abi::Context) -> Self {
        // SAFETY: a host's tables live as long as itself, and their functions have no other condition
        // than that the context is there.
        let (api, mirror) = unsafe {
            let api = &*host.context;
            let inputs: Vec<bool> = (0..(api.inputs)(context))
                .map(|port| (api.is_input_connected)(context, port))
                .collect();
            let outputs: Vec<bool> = (0..(api.outputs)(context))
                .map(|port| (api.is_output_connected)(context, port))
                .collect();
            let node = text::lossy((api.node)(context));
            let strict = (api.is_strict)(context);
            let mirror = ModuleContext::new(&node, strict, &inputs, &outputs);
            mirror.set_threads(threads(host, context));
            (api, mirror)
        };
        let data = Box::into_raw(Box::new(mirror.clone())).cast();
        let action = abi::Action {
            data,
            run: raise,
            drop: forget,
        };
        // SAFETY: as above; the action owns its data.
        unsafe { (api.on_interrupt)(context, &action) };
        Self {
            context: mirror,
            host: context,
            api,
            told: None,
        }
    }

    /// What the module is told of its surroundings.
    pub(super) fn context(&self) -> &ModuleContext {
        &self.context
    }

    /// Passes the duration on, where it is another one.
    #[inline]
    pub(super) fn tell_duration(&mut self) {
        let duration = self.context.duration();
        if duration != self.told {
            self.told = duration;
            // SAFETY: the context is there for as long as this.
            unsafe { (self.api.set_duration)(self.host, duration.unwrap_or(-1)) };
        }
    }
}

/// What the host says of threads; `Auto` from one that says nothing.
///
/// # Safety
/// `context` is a context of `host`.
unsafe fn threads(host: &'static abi::Host, context: *const abi::Context) -> Threads {
    // SAFETY: a host's functions live as long as itself. What stands behind the name starts with its
    // size.
    unsafe {
        let table = (host.extension)(abi::Str::new(threads::ID)).cast::<ThreadsApi>();
        if table.is_null() || (&raw const (*table).size).read() < size_of::<ThreadsApi>() {
            return Threads::Auto;
        }
        Threads::from_code(((*table).threads)(context))
    }
}

unsafe extern "C" fn raise(data: *mut c_void) {
    // SAFETY: the data of the action above, which are there until `forget`.
    let context = unsafe { &*data.cast::<ModuleContext>() };
    panics::contained("what a module does when it is interrupted", (), || {
        context.raise_interrupt();
    });
}

unsafe extern "C" fn forget(data: *mut c_void) {
    // SAFETY: as above; called once.
    let context = unsafe { Box::from_raw(data.cast::<ModuleContext>()) };
    panics::contained("what a module does when it is interrupted", (), || {
        drop(context);
    });
}
