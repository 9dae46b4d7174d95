//! What a plugin offers: kinds of modules, and the modules made of them.

use std::ffi::c_void;

use crate::text::{ErrorSink, Sink, Str};

/// One unit of work. Only the host knows what is in it; [`TaskApi`](crate::TaskApi) has its functions.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Task {
    _opaque: [u8; 0],
}

/// What a module knows of its surroundings. Only the host knows what is in it;
/// [`ContextApi`](crate::ContextApi) has its functions. Valid from `open` until `destroy` returns.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Context {
    _opaque: [u8; 0],
}

/// A kind of module. All functions may be called from any thread, several at a time.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct ModuleType {
    /// `sizeof` of this struct.
    pub size: usize,
    /// The maker's own; passed back to each function.
    pub data: *const c_void,
    /// Writes the descriptor as JSON: name, version, ports, options and so on. Its keys are those of
    /// `bmf inspect --json NAME`; only `name` must be there.
    pub describe: unsafe extern "C" fn(data: *const c_void, out: *const Sink),
    /// Checks options, a JSON object, and writes what is wrong as a JSON array of objects with
    /// `path`, `kind` (`"invalid"` or `"unknown"`), `message` and perhaps `hint`. Null: only
    /// the names of options are checked, against the JSON Schema under `options` of the descriptor, if
    /// that has `properties`.
    pub check: Option<unsafe extern "C" fn(data: *const c_void, options: Str, out: *const Sink)>,
    /// Makes a module with these options, a JSON object. Opens nothing. `OK`, `FAILED` or `PANICKED`.
    pub create: unsafe extern "C" fn(
        data: *const c_void,
        options: Str,
        out: *mut Module,
        error: *const ErrorSink,
    ) -> i32,
    /// Whether several modules may share the input of one node: writes JSON, `"possible"`,
    /// `{"doubtful": "why"}` or `{"impossible": "why"}`. Null: they may.
    pub sharing: Option<unsafe extern "C" fn(data: *const c_void, options: Str, out: *const Sink)>,
    /// What `{"verb": …, "args": [{"word": …} or {"pair": [key, value]}, …]}` of a one-line graph
    /// stands for: writes `{"ok": {"options": …, "takes": "video"}}` or `{"error": "why"}`. Called
    /// only with the verbs of the descriptor. Null: the module has no verbs.
    pub shorthand:
        Option<unsafe extern "C" fn(data: *const c_void, request: Str, out: *const Sink)>,
    /// Growth: a table for this kind of module, or null.
    pub extension: Option<unsafe extern "C" fn(data: *const c_void, id: Str) -> *const c_void>,
}

// SAFETY: immutable once made; its functions may be called from any thread.
unsafe impl Sync for ModuleType {}
// SAFETY: as above.
unsafe impl Send for ModuleType {}

/// A module: an object and its functions. Whoever has it calls `destroy` once.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Module {
    /// Passed to each function.
    pub data: *mut c_void,
    /// Valid as long as the module.
    pub vtable: *const ModuleVtable,
}

/// The functions of a [`Module`]. Called one at a time, from changing threads: `open` once, `start`
/// after it, `process` as often as there is work, `close` once if `open` succeeded, `report`,
/// `destroy`. Those that return an `i32` return `OK`, `FAILED` or `PANICKED`. Null stands for a
/// function that does nothing and succeeds.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct ModuleVtable {
    /// `sizeof` of this struct.
    pub size: usize,
    /// Prepares the module: files and devices are opened here.
    pub open: Option<
        unsafe extern "C" fn(
            data: *mut c_void,
            context: *const Context,
            error: *const ErrorSink,
        ) -> i32,
    >,
    /// Sends what must be there before the first input; again after each `flush`.
    pub start: Option<
        unsafe extern "C" fn(data: *mut c_void, task: *mut Task, error: *const ErrorSink) -> i32,
    >,
    /// Fills in what the module promises about the times of its outputs. Asked at most once, after `open`.
    pub promise: Option<unsafe extern "C" fn(data: *mut c_void, out: *mut Promise)>,
    /// Forgets what was taken and not sent; a source goes on from `seek`, unless that is `NONE`.
    pub flush:
        Option<unsafe extern "C" fn(data: *mut c_void, seek: i64, error: *const ErrorSink) -> i32>,
    /// Handles one task. Also returns [`WAIT`](Self::WAIT), [`MORE`](Self::MORE) or
    /// [`DONE`](Self::DONE).
    pub process:
        unsafe extern "C" fn(data: *mut c_void, task: *mut Task, error: *const ErrorSink) -> i32,
    /// Releases what `open` took. `ending` is [`FINISHED`](Self::FINISHED),
    /// [`STOPPED`](Self::STOPPED) or [`ENDED_BY_FAILURE`](Self::ENDED_BY_FAILURE); on the last two
    /// partial outputs are to be finished as well as possible.
    pub close: Option<
        unsafe extern "C" fn(data: *mut c_void, ending: u32, error: *const ErrorSink) -> i32,
    >,
    /// Writes counters, files written and warnings as JSON: `{"counters": {"name": 1}, "outputs":
    /// [{"path": …}], "warnings": […]}`. Read once, after `close`.
    pub report: Option<unsafe extern "C" fn(data: *mut c_void, out: *const Sink)>,
    /// Frees the module, whether or not it was opened.
    pub destroy: unsafe extern "C" fn(data: *mut c_void, error: *const ErrorSink) -> i32,
    /// Growth: a table for this module, or null.
    pub extension: Option<unsafe extern "C" fn(data: *mut c_void, id: Str) -> *const c_void>,
}

// SAFETY: immutable once made; only functions.
unsafe impl Sync for ModuleVtable {}
// SAFETY: as above.
unsafe impl Send for ModuleVtable {}

impl ModuleVtable {
    /// Call again when there is new input; where none can come any more, the same as `DONE`.
    pub const WAIT: i32 = 0;
    /// Call again even without new input.
    pub const MORE: i32 = 1;
    /// All outputs end; no further call but `close`.
    pub const DONE: i32 = 2;

    /// The module said it was done, or its inputs ended.
    pub const FINISHED: u32 = 0;
    /// The graph was cancelled, or nobody consumes the outputs any more.
    pub const STOPPED: u32 = 1;
    /// This node or another one failed.
    pub const ENDED_BY_FAILURE: u32 = 2;
}

/// What a module promises about the times of the packets it sends.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Promise {
    /// [`NOTHING`](Self::NOTHING), [`OFFSET`](Self::OFFSET) or [`PER_PORT`](Self::PER_PORT).
    pub kind: u32,
    /// Padding, 0.
    pub reserved: u32,
    /// For `OFFSET`, in microseconds.
    pub offset: i64,
}

impl Promise {
    /// No promise.
    pub const NOTHING: u32 = 0;
    /// What it makes of input at T is `offset` later or more, on all outputs.
    pub const OFFSET: u32 = 1;
    /// What it sends on output i comes from input i and keeps its time.
    pub const PER_PORT: u32 = 2;
}
