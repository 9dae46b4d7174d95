//! A [`Module`] as the object of the contract, [`abi::Module`]: one function for each of the trait's.
//!
//! The task that the module sees is its own ([`Mirror`]): packets are moved into it before a call and
//! out of it afterwards, whatever the call has come to.

use std::ffi::c_void;
use std::panic::resume_unwind;

use bmf_abi as abi;
use bmf_core::{Ending, Flow, Module, ModuleError, Promise, Task};
use bmf_hmp::{Timestamp, panics};

use super::mirror::Mirror;
use super::surroundings::Surroundings;
use super::{guard, logging};
use crate::answer::{self, json};
use crate::text;

/// A module of this image, with what it sees of its host.
struct Instance {
    module: Box<dyn Module>,
    mirror: Mirror,
    surroundings: Option<Surroundings>,
    host: &'static abi::Host,
    /// A panic where the contract has no place to tell of it. The next call does.
    untold: Option<String>,
}

/// The functions of all modules of this image.
static VTABLE: abi::ModuleVtable = abi::ModuleVtable {
    size: size_of::<abi::ModuleVtable>(),
    open: Some(open),
    start: Some(start),
    promise: Some(promise),
    flush: Some(flush),
    process,
    close: Some(close),
    report: Some(report),
    destroy,
    extension: None,
};

/// A module as the host gets it.
pub(crate) fn export(
    module: Box<dyn Module>,
    flushes_early: bool,
    host: &'static abi::Host,
) -> abi::Module {
    // SAFETY: a host's tables live as long as itself; that they are there was seen at the entry.
    let api = unsafe { &*host.task };
    let instance = Box::new(Instance {
        module,
        mirror: Mirror::new(api, flushes_early),
        surroundings: None,
        host,
        untold: None,
    });
    abi::Module {
        data: Box::into_raw(instance).cast(),
        vtable: &raw const VTABLE,
    }
}

/// The instance behind the first argument of all functions here.
///
/// # Safety
/// `data` is that of a module that [`export`] has made, which is not destroyed during `'a`, and the
/// calls to it come one at a time.
#[inline]
unsafe fn instance<'a>(data: *mut c_void) -> &'a mut Instance {
    // SAFETY: the caller's promise.
    unsafe { &mut *data.cast::<Instance>() }
}

impl Instance {
    /// A call that has a task, as a code of the contract.
    ///
    /// # Safety
    /// `task` and `error` are what the host has given to the call that this is done for.
    #[inline]
    unsafe fn with_task(
        &mut self,
        task: *mut abi::Task,
        error: *const abi::ErrorSink,
        call: impl FnOnce(&mut dyn Module, &mut Task) -> Result<i32, ModuleError>,
    ) -> i32 {
        // Outside of the guard: only packets are moved, which does not panic.
        // SAFETY: the caller's promise.
        unsafe { self.mirror.take_over(task) };
        let (module, mirror) = (&mut *self.module, &mut self.mirror);
        // SAFETY: as above.
        let code = unsafe { guard::coded(error, || call(module, mirror.task())) };
        // SAFETY: as above.
        let is_whole = unsafe { self.mirror.hand_over(task) };
        self.tell_duration();
        match is_whole || code < abi::OK {
            true => code,
            // SAFETY: as above.
            false => unsafe { guard::coded(error, || Err(replaced())) },
        }
    }

    #[inline]
    fn tell_duration(&mut self) {
        if let Some(surroundings) = &mut self.surroundings {
            surroundings.tell_duration();
        }
    }

    /// Raises again what could not be told.
    fn tell_untold(&mut self) {
        if let Some(message) = self.untold.take() {
            resume_unwind(Box::new(message));
        }
    }
}

#[cold]
fn replaced() -> ModuleError {
    ModuleError::new("the module has replaced its task")
}

unsafe extern "C" fn open(
    data: *mut c_void,
    context: *const abi::Context,
    error: *const abi::ErrorSink,
) -> i32 {
    logging::follow();
    // SAFETY: the module's own data, and what the host gives to `open`; its context stays until
    // `destroy` has returned.
    unsafe {
        let instance = instance(data);
        guard::coded(error, || {
            let surroundings = Surroundings::new(instance.host, context);
            let surroundings = instance.surroundings.insert(surroundings);
            let opened = instance.module.open(surroundings.context());
            surroundings.tell_duration();
            opened.map(|()| abi::OK)
        })
    }
}

unsafe extern "C" fn start(
    data: *mut c_void,
    task: *mut abi::Task,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: the module's own data, and what the host gives to `start`.
    unsafe {
        let instance = instance(data);
        instance.mirror.shape(task);
        let untold = instance.untold.take();
        instance.with_task(task, error, |module, task| {
            if let Some(message) = untold {
                resume_unwind(Box::new(message));
            }
            module.start(task).map(|()| abi::OK)
        })
    }
}

unsafe extern "C" fn promise(data: *mut c_void, out: *mut abi::Promise) {
    // SAFETY: the module's own data.
    let instance = unsafe { instance(data) };
    let promise = guard::caught(|| instance.module.promise()).unwrap_or_else(|panic| {
        instance.untold = Some(panics::message(panic));
        Promise::None
    });
    let (kind, offset) = match promise {
        Promise::None => (abi::Promise::NOTHING, 0),
        Promise::Offset(micros) => (abi::Promise::OFFSET, micros),
        Promise::PerPort => (abi::Promise::PER_PORT, 0),
    };
    // SAFETY: `out` is for this.
    unsafe {
        out.write(abi::Promise {
            kind,
            reserved: 0,
            offset,
        });
    }
}

unsafe extern "C" fn flush(data: *mut c_void, seek: i64, error: *const abi::ErrorSink) -> i32 {
    // SAFETY: the module's own data, and what the host gives to `flush`.
    unsafe {
        let instance = instance(data);
        guard::coded(error, || {
            instance.tell_untold();
            instance.mirror.renew();
            let seek = (seek != abi::NONE).then(|| Timestamp::from_micros(seek));
            let flushed = instance.module.flush(seek);
            instance.tell_duration();
            flushed.map(|()| abi::OK)
        })
    }
}

unsafe extern "C" fn process(
    data: *mut c_void,
    task: *mut abi::Task,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: the module's own data, and what the host gives to `process`.
    unsafe {
        instance(data).with_task(task, error, |module, task| {
            module.process(task).map(|flow| match flow {
                Flow::Wait => abi::ModuleVtable::WAIT,
                Flow::More => abi::ModuleVtable::MORE,
                Flow::Done => abi::ModuleVtable::DONE,
            })
        })
    }
}

unsafe extern "C" fn close(data: *mut c_void, ending: u32, error: *const abi::ErrorSink) -> i32 {
    let ending = match ending {
        abi::ModuleVtable::FINISHED => Ending::Finished,
        abi::ModuleVtable::STOPPED => Ending::Stopped,
        _ => Ending::Failed,
    };
    // SAFETY: the module's own data, and what the host gives to `close`.
    unsafe {
        let instance = instance(data);
        guard::coded(error, || {
            let closed = instance.module.close(ending);
            instance.tell_duration();
            closed.map(|()| abi::OK)
        })
    }
}

unsafe extern "C" fn report(data: *mut c_void, out: *const abi::Sink) {
    // SAFETY: the module's own data.
    let instance = unsafe { instance(data) };
    let report = guard::caught(|| json(&instance.module.report()))
        .unwrap_or_else(|panic| answer::panicked(&panics::message(panic)));
    // SAFETY: the sink that the host gives to `report`.
    unsafe { text::write(out, &report) };
}

unsafe extern "C" fn destroy(data: *mut c_void, error: *const abi::ErrorSink) -> i32 {
    // SAFETY: the module's own data, made of a box by `export`; this is the last call.
    let instance = unsafe { Box::from_raw(data.cast::<Instance>()) };
    let Instance {
        module,
        mirror,
        surroundings,
        ..
    } = *instance;
    // SAFETY: the sink that the host gives to `destroy`.
    unsafe {
        guard::coded(error, || {
            // All go, whichever panics.
            let result = guard::caught(|| drop(module));
            let result = result.and(guard::caught(|| drop(mirror)));
            let result = result.and(guard::caught(|| drop(surroundings)));
            result.map_or_else(|panic| resume_unwind(panic), |()| Ok(abi::OK))
        })
    }
}
