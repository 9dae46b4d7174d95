//! What a plugin wants done on an interrupt: never once its module goes, whoever keeps the context.

use std::ffi::c_void;
use std::ptr::null;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use bmf_abi as abi;
use bmf_bridge::host::{open, table};
use bmf_core::{Module, ModuleContext, Options};

/// What a module and its actions see; the module's `data`. Tests keep it for longer than the module, so
/// that what comes too late is counted.
#[derive(Default)]
struct Seen {
    runs: AtomicUsize,
    drops: AtomicUsize,
    is_running: AtomicBool,
    /// Whether an action takes its time.
    is_slow: AtomicBool,
    is_destroyed: AtomicBool,
    /// Actions that ran, or were still there, when they must not.
    wrong: AtomicUsize,
}

/// Adds an action to the context.
unsafe fn add(context: *const abi::Context, data: *mut c_void) {
    let action = abi::Action { data, run, drop };
    // SAFETY: the module's own context.
    unsafe { ((*table().context).on_interrupt)(context, &action) };
}

unsafe fn seen<'a>(data: *mut c_void) -> &'a Seen {
    // SAFETY: the test keeps it.
    unsafe { &*data.cast::<Seen>() }
}

unsafe extern "C" fn run(data: *mut c_void) {
    // SAFETY: the action's own data.
    let seen = unsafe { seen(data) };
    seen.is_running.store(true, Ordering::SeqCst);
    if seen.is_slow.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(30));
    }
    seen.runs.fetch_add(1, Ordering::SeqCst);
    if seen.is_destroyed.load(Ordering::SeqCst) {
        seen.wrong.fetch_add(1, Ordering::SeqCst);
    }
}

unsafe extern "C" fn drop(data: *mut c_void) {
    // SAFETY: the action's own data.
    let seen = unsafe { seen(data) };
    seen.drops.fetch_add(1, Ordering::SeqCst);
}

const ACTIONS: usize = 3;

thread_local! {
    static SEEN: std::cell::Cell<*const Seen> = const { std::cell::Cell::new(null()) };
    static CONTEXT: std::cell::Cell<*const abi::Context> = const { std::cell::Cell::new(null()) };
}

unsafe extern "C" fn opened(
    data: *mut c_void,
    context: *const abi::Context,
    _: *const abi::ErrorSink,
) -> i32 {
    CONTEXT.set(context);
    for _ in 0..ACTIONS {
        // SAFETY: the module's own context.
        unsafe { add(context, data) };
    }
    abi::OK
}

unsafe extern "C" fn process(_: *mut c_void, _: *mut abi::Task, _: *const abi::ErrorSink) -> i32 {
    abi::ModuleVtable::DONE
}

unsafe extern "C" fn destroy(data: *mut c_void, _: *const abi::ErrorSink) -> i32 {
    // SAFETY: the module's own data.
    let seen = unsafe { seen(data) };
    seen.is_destroyed.store(true, Ordering::SeqCst);
    // All that was added is gone by now.
    if seen.drops.load(Ordering::SeqCst) != ACTIONS {
        seen.wrong.fetch_add(1, Ordering::SeqCst);
    }
    if !CONTEXT.get().is_null() {
        // Too late to be run.
        // SAFETY: the module's own context, which is there until this returns.
        unsafe { add(CONTEXT.get(), data) };
    }
    abi::OK
}

static VTABLE: abi::ModuleVtable = abi::ModuleVtable {
    size: size_of::<abi::ModuleVtable>(),
    open: Some(opened),
    start: None,
    promise: None,
    flush: None,
    process,
    close: None,
    report: None,
    destroy,
    extension: None,
};

unsafe extern "C" fn describe(_: *const c_void, out: *const abi::Sink) {
    // SAFETY: the host's own sink.
    unsafe { ((*out).write)((*out).target, abi::Str::new(r#"{"name": "waiter"}"#)) };
}

unsafe extern "C" fn create(
    _: *const c_void,
    _: abi::Str,
    out: *mut abi::Module,
    _: *const abi::ErrorSink,
) -> i32 {
    let module = abi::Module {
        data: SEEN.get().cast_mut().cast(),
        vtable: &raw const VTABLE,
    };
    // SAFETY: `out` is for this.
    unsafe { out.write(module) };
    abi::OK
}

struct Shared<T>(T);

// SAFETY: never changed.
unsafe impl<T> Sync for Shared<T> {}

static KIND: abi::ModuleType = abi::ModuleType {
    size: size_of::<abi::ModuleType>(),
    data: null(),
    describe,
    check: None,
    create,
    sharing: None,
    shorthand: None,
    extension: None,
};

static KINDS: Shared<[*const abi::ModuleType; 1]> = Shared([&raw const KIND]);

unsafe extern "C" fn entry(_: *const abi::Host, _: *const abi::ErrorSink) -> *const abi::Plugin {
    static PLUGIN: abi::Plugin = abi::Plugin {
        size: size_of::<abi::Plugin>(),
        version_major: abi::VERSION_MAJOR,
        version_minor: abi::VERSION_MINOR,
        name: abi::Str::new("waiter"),
        version: abi::Str::new("1"),
        built_with: abi::Str::EMPTY,
        flags: 0,
        rank: 0,
        module_count: 1,
        modules: (&raw const KINDS.0).cast(),
        extension: None,
    };
    &PLUGIN
}

/// A module that is open, its context, and what it sees.
fn waiter() -> (Box<dyn Module>, ModuleContext, Arc<Seen>) {
    let seen = Arc::<Seen>::default();
    SEEN.set(Arc::as_ptr(&seen));
    // SAFETY: of this program.
    let library = unsafe { open(entry) }.unwrap();
    let mut module = library.modules[0].create(&Options::default()).unwrap();
    let context = ModuleContext::new("node", false, &[], &[]);
    module.open(&context).unwrap();
    (module, context, seen)
}

impl Seen {
    /// How many actions ran, were dropped, and were where they must not be.
    fn counts(&self) -> (usize, usize, usize) {
        let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (count(&self.runs), count(&self.drops), count(&self.wrong))
    }
}

#[test]
fn actions_run_once_and_later_ones_at_once() {
    let (module, context, seen) = waiter();
    assert_eq!(seen.counts(), (0, 0, 0));
    context.raise_interrupt();
    context.raise_interrupt();
    assert_eq!(seen.counts(), (3, 3, 0));
    let data = Arc::as_ptr(&seen).cast_mut().cast();
    // SAFETY: the module's own context; the module is there.
    unsafe { add(CONTEXT.get(), data) };
    assert_eq!(seen.counts(), (4, 4, 0));
    seen.drops.store(ACTIONS, Ordering::SeqCst);
    std::mem::drop(module);
    assert_eq!(seen.counts(), (4, ACTIONS + 1, 0));
}

#[test]
fn none_runs_after_its_module() {
    let (module, context, seen) = waiter();
    std::mem::drop(module);
    assert_eq!(seen.counts(), (0, ACTIONS + 1, 0));
    context.raise_interrupt();
    assert_eq!(seen.counts(), (0, ACTIONS + 1, 0));
}

#[test]
fn a_module_goes_when_what_runs_has_run() {
    let (module, context, seen) = waiter();
    seen.is_slow.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        scope.spawn(|| context.raise_interrupt());
        while !seen.is_running.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        std::mem::drop(module);
        assert_eq!(seen.counts(), (3, ACTIONS + 1, 0));
    });
}

#[test]
fn an_interrupt_may_meet_the_end_of_its_module() {
    for _ in 0..200 {
        let (module, context, seen) = waiter();
        let together = Arc::new(Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                together.wait();
                context.raise_interrupt();
            });
            together.wait();
            std::mem::drop(module);
        });
        let (runs, drops, wrong) = seen.counts();
        assert!(runs == 0 || runs == ACTIONS, "{runs} ran");
        assert_eq!((drops, wrong), (ACTIONS + 1, 0));
    }
}
