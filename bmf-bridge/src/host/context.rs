//! What modules know of their surroundings, as plugins see it: the functions of
//! [`ContextApi`](abi::ContextApi), on a [`ModuleContext`] that is lent for the life of a module.

mod actions;

use std::sync::Arc;

use bmf_abi as abi;
use bmf_core::ModuleContext;

use self::actions::Actions;
use crate::threads::ThreadsApi;

pub(super) static API: abi::ContextApi = abi::ContextApi {
    size: size_of::<abi::ContextApi>(),
    node,
    is_strict,
    inputs,
    outputs,
    is_input_connected,
    is_output_connected,
    is_interrupted,
    on_interrupt,
    set_duration,
};

pub(super) static THREADS: ThreadsApi = ThreadsApi {
    size: size_of::<ThreadsApi>(),
    threads,
};

unsafe extern "C" fn threads(context: *const abi::Context) -> i32 {
    // SAFETY: the plugin's own context.
    unsafe { of(context) }.threads().code()
}

/// What the contract calls a context: a module's own, in a place of its own.
pub(super) struct Lent {
    context: ModuleContext,
    actions: Arc<Actions>,
}

impl Lent {
    pub(super) fn new(context: &ModuleContext) -> Box<Self> {
        let actions = Arc::new(Actions::default());
        // Others keep the context, and raise it, for longer than the module is there.
        let weak = Arc::downgrade(&actions);
        context.on_interrupt(move || {
            if let Some(actions) = weak.upgrade() {
                actions.raise();
            }
        });
        let context = context.clone();
        Box::new(Self { context, actions })
    }

    /// Valid as long as the box.
    pub(super) fn as_raw(&self) -> *const abi::Context {
        (&raw const *self).cast()
    }

    /// No action runs from now on, and all are gone.
    pub(super) fn end_actions(&self) {
        self.actions.end();
    }
}

/// The context behind the first argument of all functions here.
///
/// # Safety
/// `context` came from [`Lent::as_raw`], and is valid for `'a`.
unsafe fn lent<'a>(context: *const abi::Context) -> &'a Lent {
    // SAFETY: the caller's promise.
    unsafe { &*context.cast::<Lent>() }
}

/// As [`lent`], to ask.
///
/// # Safety
/// As for [`lent`].
unsafe fn of<'a>(context: *const abi::Context) -> &'a ModuleContext {
    // SAFETY: the caller's promise.
    unsafe { &lent(context).context }
}

unsafe extern "C" fn node(context: *const abi::Context) -> abi::Str {
    // SAFETY: the plugin's own context.
    abi::Str::new(unsafe { of(context) }.node())
}

unsafe extern "C" fn is_strict(context: *const abi::Context) -> bool {
    // SAFETY: the plugin's own context.
    unsafe { of(context) }.is_strict()
}

unsafe extern "C" fn inputs(context: *const abi::Context) -> usize {
    // SAFETY: the plugin's own context.
    unsafe { of(context) }.connected_inputs().len()
}

unsafe extern "C" fn outputs(context: *const abi::Context) -> usize {
    // SAFETY: the plugin's own context.
    unsafe { of(context) }.connected_outputs().len()
}

unsafe extern "C" fn is_input_connected(context: *const abi::Context, port: usize) -> bool {
    // SAFETY: the plugin's own context.
    let connected = unsafe { of(context) }.connected_inputs();
    connected.get(port).copied().unwrap_or(false)
}

unsafe extern "C" fn is_output_connected(context: *const abi::Context, port: usize) -> bool {
    // SAFETY: the plugin's own context.
    let connected = unsafe { of(context) }.connected_outputs();
    connected.get(port).copied().unwrap_or(false)
}

unsafe extern "C" fn is_interrupted(context: *const abi::Context) -> bool {
    // SAFETY: the plugin's own context.
    let interrupt = unsafe { of(context) }.interrupt();
    interrupt.load(std::sync::atomic::Ordering::Acquire)
}

unsafe extern "C" fn on_interrupt(context: *const abi::Context, action: *const abi::Action) {
    // SAFETY: the plugin's own context, and its action to copy.
    let (lent, action) = unsafe { (lent(context), actions::Owned::new(*action)) };
    lent.actions.add(action);
}

unsafe extern "C" fn set_duration(context: *const abi::Context, micros: i64) {
    // SAFETY: the plugin's own context.
    unsafe { of(context) }.set_duration(micros);
}
