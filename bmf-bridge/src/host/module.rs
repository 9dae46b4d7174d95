//! A module of a plugin as a [`Module`].

use std::panic::resume_unwind;

use bmf_abi as abi;
use bmf_core::{Ending, Flow, Module, ModuleContext, ModuleError, Promise, Report, Task};
use bmf_hmp::Timestamp;

use super::context;
use super::task::Lent;
use crate::answer::{self, Unusable};
use crate::text::collect;
use crate::told::{Told, unknown};

/// A module of a plugin.
pub(crate) struct ImportedModule {
    raw: abi::Module,
    /// The module's own table, as it was when it was checked.
    vtable: abi::ModuleVtable,
    /// What the plugin has a pointer to, until the module is destroyed.
    context: Option<Box<context::Lent>>,
}

// SAFETY: the calls to a module come one at a time, from changing threads, by the contract; they need
// `&mut self`, or come from the one thread that has it.
unsafe impl Send for ImportedModule {}

impl ImportedModule {
    /// The module that a plugin has made.
    ///
    /// # Errors
    /// If its table is damaged. It is then left alone.
    ///
    /// # Safety
    /// `raw` is a module of the contract, which is the caller's to give away, of a library that stays
    /// loaded; or its table is null.
    pub(crate) unsafe fn new(raw: abi::Module) -> Result<Self, ModuleError> {
        // SAFETY: the caller's promise.
        let vtable = unsafe { checked(raw.vtable) };
        let vtable = vtable.map_err(|problem| {
            ModuleError::new(format!(
                "the module's library made it with a table {problem}"
            ))
        })?;
        Ok(Self {
            raw,
            vtable,
            context: None,
        })
    }
}

/// A copy of the table, if all is there that must be.
///
/// # Safety
/// `vtable` is null, or starts with its size.
unsafe fn checked(vtable: *const abi::ModuleVtable) -> Result<abi::ModuleVtable, &'static str> {
    if vtable.is_null() || !vtable.is_aligned() {
        return Err("that is not there");
    }
    // SAFETY: not null; what is read is not beyond its size. Functions are looked at as addresses,
    // before they are taken to be functions.
    unsafe {
        if (&raw const (*vtable).size).read() < size_of::<abi::ModuleVtable>() {
            return Err("of a wrong size");
        }
        let process = (&raw const (*vtable).process).cast::<usize>().read();
        let destroy = (&raw const (*vtable).destroy).cast::<usize>().read();
        if process == 0 || destroy == 0 {
            return Err("without functions that it must have");
        }
        Ok(vtable.read())
    }
}

impl Module for ImportedModule {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        let Some(open) = self.vtable.open else {
            return Ok(());
        };
        let context = self.context.insert(context::Lent::new(context)).as_raw();
        let mut told = Told::default();
        // SAFETY: the module's own function; the context stays in its box until the module goes.
        let code = told.listen(|error| unsafe { open(self.raw.data, context, error) });
        told.outcome(code).and_then(ok)
    }

    fn start(&mut self, task: &mut Task) -> Result<(), ModuleError> {
        let Some(start) = self.vtable.start else {
            return Ok(());
        };
        let (mut told, mut task) = (Told::default(), Lent::new(task));
        let lent = task.as_raw();
        // SAFETY: the module's own function; the task is lent for the call.
        let code = told.listen(|error| unsafe { start(self.raw.data, lent, error) });
        told.outcome(code).and_then(ok)?;
        task.check()
    }

    fn promise(&self) -> Promise {
        let Some(promise) = self.vtable.promise else {
            return Promise::None;
        };
        let mut out = abi::Promise {
            kind: abi::Promise::NOTHING,
            reserved: 0,
            offset: 0,
        };
        // SAFETY: the module's own function.
        unsafe { promise(self.raw.data, &raw mut out) };
        match out.kind {
            abi::Promise::NOTHING => Promise::None,
            abi::Promise::OFFSET => Promise::Offset(out.offset),
            abi::Promise::PER_PORT => Promise::PerPort,
            kind => {
                log::warn!("a module promises {kind}, which means nothing");
                Promise::None
            }
        }
    }

    fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), ModuleError> {
        let Some(flush) = self.vtable.flush else {
            return Ok(());
        };
        let seek = seek.map_or(abi::NONE, Timestamp::micros);
        let mut told = Told::default();
        // SAFETY: the module's own function.
        let code = told.listen(|error| unsafe { flush(self.raw.data, seek, error) });
        told.outcome(code).and_then(ok)
    }

    #[inline]
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        let (mut told, mut task) = (Told::default(), Lent::new(task));
        let lent = task.as_raw();
        let process = self.vtable.process;
        // SAFETY: the module's own function; the task is lent for the call.
        let code = told.listen(|error| unsafe { process(self.raw.data, lent, error) });
        let flow = match told.outcome(code)? {
            abi::ModuleVtable::WAIT => Flow::Wait,
            abi::ModuleVtable::MORE => Flow::More,
            abi::ModuleVtable::DONE => Flow::Done,
            code => return Err(unknown(code)),
        };
        task.check()?;
        Ok(flow)
    }

    fn close(&mut self, ending: Ending) -> Result<(), ModuleError> {
        let Some(close) = self.vtable.close else {
            return Ok(());
        };
        let ending = match ending {
            Ending::Finished => abi::ModuleVtable::FINISHED,
            Ending::Stopped => abi::ModuleVtable::STOPPED,
            Ending::Failed => abi::ModuleVtable::ENDED_BY_FAILURE,
        };
        let mut told = Told::default();
        // SAFETY: the module's own function.
        let code = told.listen(|error| unsafe { close(self.raw.data, ending, error) });
        told.outcome(code).and_then(ok)
    }

    fn report(&self) -> Report {
        let Some(report) = self.vtable.report else {
            return Report::default();
        };
        // SAFETY: the module's own function; the sink is lent for the call.
        let written = collect(|out| unsafe { report(self.raw.data, out) });
        answer::read(&written).unwrap_or_else(|unusable| match unusable {
            Unusable::Panicked(message) => resume_unwind(Box::new(message)),
            Unusable::Nothing => Report::default(),
            Unusable::Garbage(why) => Report {
                warnings: vec![format!("the module's report cannot be read: {why}")],
                ..Report::default()
            },
        })
    }
}

impl Drop for ImportedModule {
    fn drop(&mut self) {
        if let Some(context) = &self.context {
            context.end_actions();
        }
        let mut told = Told::default();
        let destroy = self.vtable.destroy;
        // SAFETY: the module's own function; the last call.
        let code = told.listen(|error| unsafe { destroy(self.raw.data, error) });
        if code >= abi::OK {
            return;
        }
        let message = told.into_message();
        if code == abi::PANICKED && !std::thread::panicking() {
            resume_unwind(Box::new(message));
        }
        log::error!("a module failed to go: {message}");
    }
}

/// The only kind of success that most functions have.
fn ok(code: i32) -> Result<(), ModuleError> {
    match code {
        abi::OK => Ok(()),
        code => Err(unknown(code)),
    }
}
