//! A kind of module of a plugin as a [`ModuleFactory`].

use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::resume_unwind;

use bmf_abi as abi;
use bmf_core::{
    Module, ModuleDescriptor, ModuleError, ModuleFactory, OptionIssue, Options, Sharing, Shorthand,
    ShorthandArg,
};

use super::{ImportedModule, Refused};
use crate::answer::{self, Answer, ShorthandAnswer, ShorthandQuestion, Unusable, json};
use crate::fuse::{self, Fuse};
use crate::text::collect;
use crate::told::{Told, unknown};

/// A kind of module of a plugin.
pub(crate) struct ImportedKind {
    /// The plugin's own table, as it was when it was checked.
    table: abi::ModuleType,
    fuse: Option<Fuse>,
    descriptor: ModuleDescriptor,
    /// What the table is in, where that does not live for ever.
    _owner: Option<Box<dyn Any + Send + Sync>>,
}

// SAFETY: the functions of a kind may be called from any thread, several at a time, by the contract.
unsafe impl Send for ImportedKind {}
// SAFETY: as above.
unsafe impl Sync for ImportedKind {}

impl ImportedKind {
    /// The kind behind a table, which is the one at `index` of its library.
    ///
    /// # Errors
    /// Why it is of no use.
    ///
    /// # Safety
    /// `table` is null, or a table of the contract, or of what thinks it is; its functions stay loaded,
    /// and its data as long as `owner`.
    pub(crate) unsafe fn new(
        table: *const abi::ModuleType,
        index: usize,
        owner: Option<Box<dyn Any + Send + Sync>>,
    ) -> Result<Self, Refused> {
        let refused = |why: String| Refused {
            module: format!("module {index}"),
            why,
        };
        // SAFETY: the caller's promise.
        let table = unsafe { checked(table) }.map_err(|why| refused(why.to_owned()))?;
        // SAFETY: the kind's own function; the sink is lent for the call.
        let written = collect(|out| unsafe { (table.describe)(table.data, out) });
        let descriptor = describe(&written).map_err(|why| match answer::name(&written) {
            Some(module) => Refused { module, why },
            None => refused(why),
        })?;
        Ok(Self {
            // SAFETY: the table is the kind's own.
            fuse: unsafe { fusing(&table) },
            table,
            descriptor,
            _owner: owner,
        })
    }

    /// Warns of an answer that is of no use; what is told of a panic goes on as one.
    fn unusable(&self, question: &str, unusable: Unusable) -> String {
        let why = match unusable {
            Unusable::Panicked(message) => resume_unwind(Box::new(message)),
            Unusable::Nothing => "it is empty".to_owned(),
            Unusable::Garbage(why) => why,
        };
        let name = &self.descriptor.name;
        format!("the answer of {name} when asked {question} cannot be read: {why}")
    }

    /// Asks about some options.
    fn ask<T: Answer>(
        &self,
        options: &Options,
        ask: unsafe extern "C" fn(*const std::ffi::c_void, abi::Str, *const abi::Sink),
    ) -> Result<T, Unusable> {
        let options = json(options);
        let options = abi::Str::new(&options);
        // SAFETY: the kind's own function; text and sink are lent for the call.
        answer::read(&collect(|out| unsafe {
            ask(self.table.data, options, out);
        }))
    }
}

/// The kind's table for merging, if it has one.
///
/// # Safety
/// `table` is one of the contract.
unsafe fn fusing(table: &abi::ModuleType) -> Option<Fuse> {
    // SAFETY: the kind's own function; the text is lent for the call.
    let found = unsafe { (table.extension?)(table.data, abi::Str::new(fuse::ID)) };
    let found = found.cast::<Fuse>();
    // SAFETY: null, or the table of that name, which starts with its size and stays.
    let whole =
        !found.is_null() && unsafe { (&raw const (*found).size).read() } >= size_of::<Fuse>();
    // SAFETY: as above.
    whole.then(|| unsafe { found.read() })
}

/// The descriptor that a kind has written.
fn describe(written: &[u8]) -> Result<ModuleDescriptor, String> {
    let descriptor = answer::read::<ModuleDescriptor>(written);
    let descriptor = descriptor.map_err(|unusable| match unusable {
        Unusable::Panicked(message) => {
            format!("it panicked when it was to describe itself: {message}")
        }
        Unusable::Nothing => "its descriptor is empty".to_owned(),
        Unusable::Garbage(why) => format!("its descriptor cannot be read: {why}"),
    })?;
    if descriptor.name.is_empty() {
        return Err("its descriptor has no name".to_owned());
    }
    Ok(descriptor)
}

/// A copy of the table, if all is there that must be.
///
/// # Safety
/// `table` is null, or starts with its size.
unsafe fn checked(table: *const abi::ModuleType) -> Result<abi::ModuleType, &'static str> {
    if table.is_null() || !table.is_aligned() {
        return Err("its table is not there");
    }
    // SAFETY: not null; what is read is not beyond its size. Functions are looked at as addresses,
    // before they are taken to be functions.
    unsafe {
        if (&raw const (*table).size).read() < size_of::<abi::ModuleType>() {
            return Err("its table is of a wrong size");
        }
        let describe = (&raw const (*table).describe).cast::<usize>().read();
        let create = (&raw const (*table).create).cast::<usize>().read();
        if describe == 0 || create == 0 {
            return Err("its table is without functions that it must have");
        }
        Ok(table.read())
    }
}

impl ModuleFactory for ImportedKind {
    fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    fn check(&self, options: &Options) -> Vec<OptionIssue> {
        let Some(check) = self.table.check else {
            return options.unknown_keys(&self.descriptor.options);
        };
        self.ask(options, check).unwrap_or_else(|unusable| {
            let message = self.unusable("to check its options", unusable);
            vec![OptionIssue::invalid("", message)]
        })
    }

    fn create(&self, options: &Options) -> Result<Box<dyn Module>, ModuleError> {
        let options = json(options);
        let options = abi::Str::new(&options);
        let mut told = Told::default();
        let mut module = MaybeUninit::new(abi::Module {
            data: std::ptr::null_mut(),
            vtable: std::ptr::null(),
        });
        // SAFETY: the kind's own function; the text is lent for the call.
        let code = told.listen(|error| unsafe {
            (self.table.create)(self.table.data, options, module.as_mut_ptr(), error)
        });
        match told.outcome(code)? {
            // SAFETY: initialised above, and what the plugin has filled in is this side's.
            abi::OK => Ok(Box::new(unsafe {
                ImportedModule::new(module.assume_init())
            }?)),
            code => Err(unknown(code)),
        }
    }

    fn sharing(&self, options: &Options) -> Sharing {
        let Some(sharing) = self.table.sharing else {
            return Sharing::Possible;
        };
        self.ask(options, sharing).unwrap_or_else(|unusable| {
            Sharing::Doubtful(self.unusable("whether it may share its input", unusable))
        })
    }

    fn fuse(&self, chain: &[&Options]) -> Option<Options> {
        let fuse = self.fuse?.fuse;
        let chain = json(&chain);
        let chain = abi::Str::new(&chain);
        // SAFETY: the kind's own function; text and sink are lent for the call.
        let written = collect(|out| unsafe { fuse(self.table.data, chain, out) });
        answer::read::<Option<Options>>(&written).unwrap_or_else(|unusable| {
            log::warn!("{}", self.unusable("to merge", unusable));
            None
        })
    }

    fn shorthand(&self, verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
        let shorthand = self.table.shorthand?;
        let question = json(&ShorthandQuestion { verb, args });
        let question = abi::Str::new(&question);
        // SAFETY: the kind's own function; text and sink are lent for the call.
        let written = collect(|out| unsafe { shorthand(self.table.data, question, out) });
        match answer::read::<Option<ShorthandAnswer>>(&written) {
            Ok(answer) => answer.map(Into::into),
            Err(Unusable::Nothing) => None,
            Err(unusable) => Some(Err(self.unusable(&format!("about \"{verb}\""), unusable))),
        }
    }
}
