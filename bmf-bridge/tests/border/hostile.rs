//! Tables by hand, most of them wrong: each is refused in one sentence, and none does harm.

use std::cell::Cell;
use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr::{null, null_mut};
use std::sync::{Arc, OnceLock};

use bmf_abi as abi;
use bmf_bridge::guest::{About, Exported, enter};
use bmf_bridge::host::{Unfit, open, table};
use bmf_core::{Ending, Module, ModuleContext, ModuleFactory, Options, Task};

use crate::script::{message, packet};

thread_local! {
    static PLUGIN: Cell<*const abi::Plugin> = const { Cell::new(null()) };
    /// What the module's functions answer.
    static ANSWER: Cell<&'static str> = const { Cell::new("") };
    static CODE: Cell<i32> = const { Cell::new(0) };
    static MODULE: Cell<abi::Module> = const {
        Cell::new(abi::Module { data: null_mut(), vtable: null() })
    };
}

unsafe extern "C" fn entry(_: *const abi::Host, _: *const abi::ErrorSink) -> *const abi::Plugin {
    PLUGIN.get()
}

unsafe extern "C" fn refuses(
    _: *const abi::Host,
    error: *const abi::ErrorSink,
) -> *const abi::Plugin {
    let info = abi::ErrorInfo {
        size: size_of::<abi::ErrorInfo>(),
        message: abi::Str::new("it needs a newer one"),
        hint: abi::Str::EMPTY,
        port: abi::Str::EMPTY,
        timestamp: abi::NONE,
    };
    // SAFETY: the host's own sink.
    unsafe { ((*error).report)((*error).target, &info) };
    null()
}

unsafe extern "C" fn answer(_: *const c_void, out: *const abi::Sink) {
    // SAFETY: the host's own sink.
    unsafe { ((*out).write)((*out).target, abi::Str::new(ANSWER.get())) };
}

unsafe extern "C" fn answer_about(_: *const c_void, _: abi::Str, out: *const abi::Sink) {
    // SAFETY: the host's own sink.
    unsafe { answer(null(), out) };
}

unsafe extern "C" fn create(
    _: *const c_void,
    _: abi::Str,
    out: *mut abi::Module,
    _: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: `out` is for this.
    unsafe { out.write(MODULE.get()) };
    CODE.get()
}

fn kind() -> abi::ModuleType {
    abi::ModuleType {
        size: size_of::<abi::ModuleType>(),
        data: null(),
        describe: answer,
        check: Some(answer_about),
        create,
        sharing: Some(answer_about),
        shorthand: Some(answer_about),
        extension: None,
    }
}

fn plugin(kinds: &'static [*const abi::ModuleType]) -> abi::Plugin {
    abi::Plugin {
        size: size_of::<abi::Plugin>(),
        version_major: abi::VERSION_MAJOR,
        version_minor: 7,
        name: abi::Str::new("by hand"),
        version: abi::Str::new("3"),
        built_with: abi::Str::EMPTY,
        flags: abi::Plugin::PANIC_ABORTS | 0x100,
        rank: -2,
        module_count: kinds.len(),
        modules: kinds.as_ptr(),
        extension: None,
    }
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// What opening comes to.
fn check(plugin: abi::Plugin) -> String {
    PLUGIN.set(leak(plugin));
    // SAFETY: of this program.
    match unsafe { open(entry) } {
        Ok(library) => format!("{library:?}"),
        Err(unfit) => unfit.to_string(),
    }
}

/// What becomes of a library of one kind of module, which is not worse than its module.
fn check_kind(kind: *const abi::ModuleType) -> String {
    PLUGIN.set(leak(plugin(leak([kind]))));
    // SAFETY: of this program.
    let library = unsafe { open(entry) }.unwrap();
    assert_eq!(library.modules.len() + library.refused.len(), 1);
    let refused = library.refused.iter().map(ToString::to_string);
    let usable = library.modules.iter();
    let usable = usable.map(|module| format!("{:?}", module.descriptor().inputs));
    refused.chain(usable).collect()
}

/// A table with zeros at one place.
fn zeroed_at<T: Copy>(table: T, offset: usize) -> *const T {
    let table = Box::leak(Box::new(std::mem::MaybeUninit::new(table)));
    // SAFETY: within the table, which is never read as a whole here.
    unsafe {
        table
            .as_mut_ptr()
            .cast::<u8>()
            .add(offset)
            .cast::<usize>()
            .write(0)
    };
    table.as_ptr()
}

#[test]
fn tables_of_libraries_are_checked() {
    PLUGIN.set(null());
    // SAFETY: of this program.
    let (silent, unfit) = unsafe { (open(entry), open(refuses)) };
    insta::assert_snapshot!(silent.unwrap_err(), @"it cannot be used here: it does not say why");
    let message = "it needs a newer one".to_owned();
    assert_eq!(unfit.unwrap_err(), Unfit::Refuses { message });
    insta::assert_snapshot!(check(plugin(&[])), @r#"Library { name: "by hand", version: "3", built_with: "", rank: -2, abi: (1, 7), panic_aborts: true, checked: false, modules: [], refused: [] }"#);
    let size = size_of::<abi::Plugin>();
    let sized = |size| {
        check(abi::Plugin {
            size,
            ..plugin(&[])
        })
    };
    assert!(sized(size + 8).starts_with("Library"));
    insta::assert_snapshot!(sized(size - 8), @"its table is damaged: it is too small");
    insta::assert_snapshot!(sized(3), @"its table is damaged: it is too small");
    let other = abi::Plugin {
        version_major: 2,
        size: 16,
        ..plugin(&[])
    };
    insta::assert_snapshot!(check(other), @"it was built for version 2 of the plugin contract, but this is version 1");
    let nowhere = abi::Str {
        ptr: null(),
        len: 4,
    };
    insta::assert_snapshot!(check(abi::Plugin { name: nowhere, ..plugin(&[]) }), @"its table is damaged: it has a text that is not there");
    let absent = abi::Plugin {
        module_count: 1,
        modules: null(),
        ..plugin(&[])
    };
    insta::assert_snapshot!(check(absent), @"its table is damaged: it has modules that are not there");
    let many = abi::Plugin {
        module_count: usize::MAX,
        ..plugin(leak([null()]))
    };
    insta::assert_snapshot!(check(many), @"its table is damaged: it has modules that are not there");
}

#[test]
fn tables_of_modules_are_checked() {
    insta::assert_snapshot!(check_kind(null()), @"module 0 cannot be used: its table is not there");
    let small = leak(abi::ModuleType { size: 8, ..kind() });
    insta::assert_snapshot!(check_kind(small), @"module 0 cannot be used: its table is of a wrong size");
    for offset in [
        offset_of!(abi::ModuleType, describe),
        offset_of!(abi::ModuleType, create),
    ] {
        let zeroed = zeroed_at(kind(), offset);
        assert_eq!(
            check_kind(zeroed),
            "module 0 cannot be used: its table is without functions that it must have"
        );
    }
    let described = |answer| {
        ANSWER.set(answer);
        check_kind(leak(kind()))
    };
    insta::assert_snapshot!(described(""), @"module 0 cannot be used: its descriptor is empty");
    insta::assert_snapshot!(described("{}"), @"module 0 cannot be used: its descriptor has no name");
    insta::assert_snapshot!(described("[1"), @"module 0 cannot be used: its descriptor cannot be read: invalid type: integer `1`, expected a string at line 1 column 2");
    insta::assert_snapshot!(described(r#"{"name": 5}"#), @"module 0 cannot be used: its descriptor cannot be read: invalid type: integer `5`, expected a string at line 1 column 10");
    assert_eq!(described(r#"{"name": "a"}"#), "Fixed([])");
}

#[test]
fn what_a_newer_plugin_says_is_passed_over_or_costs_one_module() {
    let described = |answer| {
        ANSWER.set(answer);
        check_kind(leak(kind()))
    };
    let newer =
        r#"{"name": "a", "new": 1, "inputs": [{"name": "in", "kind": "scent", "new": {}}]}"#;
    insta::assert_snapshot!(described(newer), @r#"Fixed([PortSpec { name: "in", kind: Any, docs: "", optional: false, back_edge: false, instead_of: None }])"#);
    let manager = r#"{"name": "a", "input_manager": "of tomorrow"}"#;
    insta::assert_snapshot!(described(manager), @"a cannot be used: its descriptor cannot be read: no such input manager at line 1 column 45");
    let shape = r#"{"name": "a", "inputs": {"groups": 2}}"#;
    insta::assert_snapshot!(described(shape), @"a cannot be used: its descriptor cannot be read: data did not match any variant of untagged enum Ports at line 1 column 38");

    // The others of its library are there.
    unsafe extern "C" fn usable(_: *const c_void, out: *const abi::Sink) {
        // SAFETY: the host's own sink.
        unsafe { ((*out).write)((*out).target, abi::Str::new(r#"{"name": "b"}"#)) };
    }
    let usable = abi::ModuleType {
        describe: usable,
        ..kind()
    };
    let kinds: [*const abi::ModuleType; 3] = [null(), leak(kind()), leak(usable)];
    insta::assert_snapshot!(check(plugin(leak(kinds))), @r#"Library { name: "by hand", version: "3", built_with: "", rank: -2, abi: (1, 7), panic_aborts: true, checked: false, modules: ["b"], refused: [Refused { module: "module 0", why: "its table is not there" }, Refused { module: "a", why: "its descriptor cannot be read: data did not match any variant of untagged enum Ports at line 1 column 38" }] }"#);
}

/// The kind of module whose answers are set by hand.
fn factory() -> Arc<dyn ModuleFactory> {
    ANSWER.set(r#"{"name": "a"}"#);
    PLUGIN.set(leak(plugin(leak([leak(kind()) as *const _]))));
    // SAFETY: of this program.
    let library = unsafe { open(entry) }.unwrap();
    Arc::clone(&library.modules[0])
}

#[test]
fn garbage_for_an_answer_is_told() {
    let (factory, options) = (factory(), Options::default());
    let mut answers = Vec::new();
    for answer in ["", "7", r#"{"panicked": 5}"#] {
        ANSWER.set(answer);
        let issues = factory.check(&options);
        answers.push(issues[0].to_string());
        answers.push(format!("{:?}", factory.sharing(&options)));
        answers.push(format!("{:?}", factory.shorthand("verb", &[])));
    }
    insta::assert_snapshot!(answers.join("\n"), @r#"
    the answer of a when asked to check its options cannot be read: it is empty
    Doubtful("the answer of a when asked whether it may share its input cannot be read: it is empty")
    None
    the answer of a when asked to check its options cannot be read: invalid type: integer `7`, expected a sequence at line 1 column 1
    Doubtful("the answer of a when asked whether it may share its input cannot be read: expected value at line 1 column 1")
    Some(Err("the answer of a when asked about \"verb\" cannot be read: expected value at line 1 column 1"))
    the answer of a when asked to check its options cannot be read: invalid type: map, expected a sequence at line 1 column 0
    Doubtful("the answer of a when asked whether it may share its input cannot be read: unknown variant `panicked`, expected one of `possible`, `doubtful`, `impossible` at line 1 column 11")
    Some(Err("the answer of a when asked about \"verb\" cannot be read: unknown variant `panicked`, expected `ok` or `error` at line 1 column 11"))
    "#);
}

#[test]
fn functions_that_are_not_there_do_nothing() {
    let bare = abi::ModuleType {
        check: None,
        sharing: None,
        shorthand: None,
        ..kind()
    };
    ANSWER.set(r#"{"name": "a"}"#);
    PLUGIN.set(leak(plugin(leak([leak(bare) as *const _]))));
    // SAFETY: of this program.
    let library = unsafe { open(entry) }.unwrap();
    let (factory, options) = (&library.modules[0], Options::default());
    assert!(factory.check(&options).is_empty());
    assert_eq!(factory.sharing(&options), bmf_core::Sharing::Possible);
    assert!(factory.shorthand("verb", &[]).is_none());
    assert_eq!(factory.fuse(&[&options, &options]), None);
    let mut module = create_with(&**factory, leak(vtable()));
    CODE.set(abi::ModuleVtable::MORE);
    assert_eq!(
        calls(&mut *module),
        "open ok, start ok, None, flush ok, More, close ok, 0 warnings"
    );
}

#[test]
fn a_table_for_merging_is_checked_and_its_answers_too() {
    #[repr(C)]
    struct Fuse {
        size: usize,
        fuse: unsafe extern "C" fn(*const c_void, abi::Str, *const abi::Sink),
    }

    thread_local! {
        static TABLE: Cell<*const Fuse> = const { Cell::new(null()) };
    }

    unsafe extern "C" fn extension(_: *const c_void, _: abi::Str) -> *const c_void {
        TABLE.get().cast()
    }

    let fused = |size: usize, written: &'static str| {
        TABLE.set(leak(Fuse {
            size,
            fuse: answer_about,
        }));
        let kind = abi::ModuleType {
            extension: Some(extension),
            ..kind()
        };
        ANSWER.set(r#"{"name": "a"}"#);
        PLUGIN.set(leak(plugin(leak([leak(kind) as *const _]))));
        // SAFETY: of this program.
        let library = unsafe { open(entry) }.unwrap();
        ANSWER.set(written);
        library.modules[0].fuse(&[&Options::default(); 2])
    };
    let whole = size_of::<Fuse>();
    assert!(fused(whole, r#"{"sum": 3}"#).is_some());
    assert_eq!(fused(whole, "null"), None);
    assert_eq!(fused(whole, "3"), None);
    assert_eq!(fused(whole, ""), None);
    assert_eq!(fused(whole - 1, r#"{"sum": 3}"#), None);
}

unsafe extern "C" fn process(
    _: *mut c_void,
    task: *mut abi::Task,
    _: *const abi::ErrorSink,
) -> i32 {
    if ANSWER.get() == "null packet" {
        let api = table().task;
        let packet = abi::Packet {
            timestamp: 5,
            payload: null_mut(),
        };
        // SAFETY: the host's own functions.
        unsafe { ((*api).push)(task, 0, packet) };
    }
    CODE.get()
}

unsafe extern "C" fn destroy(_: *mut c_void, _: *const abi::ErrorSink) -> i32 {
    abi::OK
}

fn vtable() -> abi::ModuleVtable {
    abi::ModuleVtable {
        size: size_of::<abi::ModuleVtable>(),
        open: None,
        start: None,
        promise: None,
        flush: None,
        process,
        close: None,
        report: None,
        destroy,
        extension: None,
    }
}

fn create_with(factory: &dyn ModuleFactory, vtable: *const abi::ModuleVtable) -> Box<dyn Module> {
    CODE.set(abi::OK);
    MODULE.set(abi::Module {
        data: null_mut(),
        vtable,
    });
    factory.create(&Options::default()).unwrap()
}

/// Makes all calls; tells what came of each.
fn calls(module: &mut dyn Module) -> String {
    let context = ModuleContext::new("node", false, &[true], &[true]);
    let mut task = Task::new(&[true], &[true]);
    let ok = |result: Result<(), bmf_core::ModuleError>| match result {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    };
    let (opened, started) = (ok(module.open(&context)), ok(module.start(&mut task)));
    let (promise, flushed) = (module.promise(), ok(module.flush(None)));
    let flow = match module.process(&mut task) {
        Ok(flow) => format!("{flow:?}"),
        Err(error) => error.to_string(),
    };
    let closed = ok(module.close(Ending::Finished));
    let warnings = module.report().warnings.len();
    format!(
        "open {opened}, start {started}, {promise:?}, flush {flushed}, {flow}, close {closed}, \
         {warnings} warnings"
    )
}

#[test]
fn modules_that_cannot_be_are_refused() {
    let factory = factory();
    let create = |code, vtable| {
        CODE.set(code);
        MODULE.set(abi::Module {
            data: null_mut(),
            vtable,
        });
        let created = factory.create(&Options::default());
        created.map(drop).unwrap_err().to_string()
    };
    insta::assert_snapshot!(create(0, null()), @"the module's library made it with a table that is not there");
    let small = leak(abi::ModuleVtable {
        size: 1,
        ..vtable()
    });
    insta::assert_snapshot!(create(0, small), @"the module's library made it with a table of a wrong size");
    let hollow = zeroed_at(vtable(), offset_of!(abi::ModuleVtable, process));
    insta::assert_snapshot!(create(0, hollow), @"the module's library made it with a table without functions that it must have");
    insta::assert_snapshot!(create(9, null()), @"the module's library returned 9, which means nothing");
    insta::assert_snapshot!(create(-9, null()), @"the module's library returned -9, which means nothing");
    insta::assert_snapshot!(create(abi::FAILED, null()), @"failed without saying why");
}

#[test]
fn garbage_from_a_module_is_an_error() {
    unsafe extern "C" fn report(_: *mut c_void, out: *const abi::Sink) {
        // SAFETY: the host's own sink.
        unsafe { answer(null(), out) };
    }
    unsafe extern "C" fn promise(_: *mut c_void, out: *mut abi::Promise) {
        // SAFETY: `out` is for this.
        unsafe { (*out).kind = 77 };
    }
    unsafe extern "C" fn close(_: *mut c_void, _: u32, error: *const abi::ErrorSink) -> i32 {
        // Of a size that it does not have.
        let info = abi::ErrorInfo {
            size: 8,
            message: abi::Str::new("unread"),
            hint: abi::Str::EMPTY,
            port: abi::Str::EMPTY,
            timestamp: 0,
        };
        // SAFETY: the host's own sink.
        unsafe {
            ((*error).report)((*error).target, &info);
            ((*error).report)((*error).target, null());
        }
        abi::FAILED
    }
    let factory = factory();
    let hostile = abi::ModuleVtable {
        promise: Some(promise),
        report: Some(report),
        close: Some(close),
        ..vtable()
    };
    let check = |code, answer| {
        let mut module = create_with(&*factory, leak(hostile));
        CODE.set(code);
        ANSWER.set(answer);
        calls(&mut *module)
    };
    insta::assert_snapshot!(check(3, "[]"), @"open ok, start ok, None, flush ok, the module's library returned 3, which means nothing, close failed without saying why, 0 warnings");
    insta::assert_snapshot!(check(0, "{"), @"open ok, start ok, None, flush ok, Wait, close failed without saying why, 1 warnings");
    insta::assert_snapshot!(check(0, "null packet"), @"open ok, start ok, None, flush ok, the module's library sent on output 0 a packet without a payload, close failed without saying why, 1 warnings");
    let mut module = create_with(&*factory, leak(hostile));
    CODE.set(abi::PANICKED);
    let mut task = Task::new(&[], &[]);
    let process = std::panic::AssertUnwindSafe(|| module.process(&mut task));
    let panic = std::panic::catch_unwind(process).unwrap_err();
    assert_eq!(message(&*panic), "(no message)");
}

#[test]
fn ports_that_do_not_exist_swallow_what_is_sent() {
    unsafe extern "C" fn process(
        _: *mut c_void,
        task: *mut abi::Task,
        _: *const abi::ErrorSink,
    ) -> i32 {
        // SAFETY: the host's own functions; whatever port is named, packets are given away.
        unsafe {
            let api = &*table().task;
            (api.push)(task, 9, packet(1).into_raw());
            (api.put_back)(task, 9, packet(1).into_raw());
            (api.set_bound)(task, 9, 1);
            (api.end)(task, 9);
            (api.end_job)(task, 9);
            let mut taken = packet(0).as_raw();
            assert!(!(api.pop)(task, 9, &mut taken));
            (api.flush_outputs)(task, null())
        }
    }

    let factory = factory();
    let mut module = create_with(
        &*factory,
        leak(abi::ModuleVtable {
            process,
            ..vtable()
        }),
    );
    let mut task = Task::new(&[true], &[true]);
    assert!(module.process(&mut task).is_ok());
    assert!(task.outputs()[0].items().is_empty());
}

static ABOUT: About = About {
    name: "made",
    version: "1",
    built_with: "a test",
    rank: 5,
    panic_aborts: false,
};

#[test]
fn what_is_exported_can_be_opened() {
    static EXPORTED: OnceLock<Exported> = OnceLock::new();
    static PANICS: OnceLock<Exported> = OnceLock::new();
    unsafe extern "C" fn whole(
        host: *const abi::Host,
        error: *const abi::ErrorSink,
    ) -> *const abi::Plugin {
        // SAFETY: the host of this program.
        unsafe { enter(host, error, &EXPORTED, &ABOUT, Vec::new) }
    }
    unsafe extern "C" fn panics(
        host: *const abi::Host,
        error: *const abi::ErrorSink,
    ) -> *const abi::Plugin {
        // SAFETY: as above.
        unsafe { enter(host, error, &PANICS, &ABOUT, || panic!("no modules today")) }
    }
    // SAFETY: of this program.
    let (whole, again, panics) = unsafe { (open(whole), open(whole), open(panics)) };
    insta::assert_debug_snapshot!(whole.unwrap(), @r#"
    Library {
        name: "made",
        version: "1",
        built_with: "a test",
        rank: 5,
        abi: (
            1,
            0,
        ),
        panic_aborts: false,
        checked: true,
        modules: [],
        refused: [],
    }
    "#);
    assert!(again.is_ok());
    insta::assert_snapshot!(panics.unwrap_err(), @"it cannot be used here: it panicked when it was asked for its modules: no modules today");
}

#[test]
fn hosts_of_another_contract_are_refused() {
    static NEVER: OnceLock<Exported> = OnceLock::new();
    thread_local! {
        static HOST: Cell<*const abi::Host> = const { Cell::new(null()) };
    }
    unsafe extern "C" fn other(
        _: *const abi::Host,
        error: *const abi::ErrorSink,
    ) -> *const abi::Plugin {
        // SAFETY: null or a host, which stays; the sink is the host's.
        unsafe { enter(HOST.get(), error, &NEVER, &ABOUT, || panic!("not asked")) }
    }
    let refuses = |host: *const abi::Host| {
        HOST.set(host);
        // SAFETY: of this program.
        unsafe { open(other) }.unwrap_err().to_string()
    };
    let damaged = "it cannot be used here: the table of this program is damaged";
    assert_eq!(refuses(null()), damaged);
    let small = leak(abi::Host {
        size: 8,
        ..*table()
    });
    assert_eq!(refuses(small), damaged);
    let hollow = leak(abi::Host {
        task: null(),
        ..*table()
    });
    assert_eq!(refuses(hollow), damaged);
    let newer = leak(abi::Host {
        version_major: 2,
        ..*table()
    });
    insta::assert_snapshot!(refuses(newer), @"it cannot be used here: this program is for another version of the plugin contract");
}
