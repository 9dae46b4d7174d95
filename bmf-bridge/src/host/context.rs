//! What modules know of their surroundings, as plugins see it: the functions of
//! [`ContextApi`](abi::ContextApi), on a [`ModuleContext`].

use bmf_abi as abi;
use bmf_core::ModuleContext;

use crate::panics;

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

/// What the contract calls a context. Valid as long as the box.
pub(super) fn as_raw(context: &ModuleContext) -> *const abi::Context {
    (&raw const *context).cast()
}

/// The context behind the first argument of all functions here.
///
/// # Safety
/// `context` came from [`as_raw`], and is valid for `'a`.
unsafe fn of<'a>(context: *const abi::Context) -> &'a ModuleContext {
    // SAFETY: the caller's promise.
    unsafe { &*context.cast::<ModuleContext>() }
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
    let (context, action) = unsafe { (of(context), Owned(*action)) };
    panics::contained("what is done on an interrupt", (), || {
        context.on_interrupt(move || action.run());
    });
}

unsafe extern "C" fn set_duration(context: *const abi::Context, micros: i64) {
    // SAFETY: the plugin's own context.
    unsafe { of(context) }.set_duration(micros);
}

/// An action of a plugin, whose data go when this does.
struct Owned(abi::Action);

// SAFETY: actions are run and dropped on any thread, by the contract.
unsafe impl Send for Owned {}

impl Owned {
    fn run(self) {
        // SAFETY: the plugin's own data; once, since this consumes the action.
        unsafe { (self.0.run)(self.0.data) };
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the plugin's own data; once.
        unsafe { (self.0.drop)(self.0.data) };
    }
}
