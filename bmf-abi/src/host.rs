//! What a host does for its plugins. All functions may be called from any thread, except where a
//! [`Task`] is passed.

use std::ffi::c_void;

use crate::module::{Context, Task};
use crate::object::Packet;
use crate::text::{ErrorSink, Str};
use crate::view::{AudioView, EncodedView, PixelFormat, Plane, TensorView, VideoView};

/// The host as a plugin sees it. Lives as long as the process.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Host {
    /// `sizeof` of this struct.
    pub size: usize,
    /// The host's [`VERSION_MAJOR`](crate::VERSION_MAJOR).
    pub version_major: u32,
    /// The host's [`VERSION_MINOR`](crate::VERSION_MINOR).
    pub version_minor: u32,
    /// Name and version, for messages.
    pub name: Str,
    /// The most detailed level that is logged now: 0 nothing, 1 errors, 2 warnings, 3 information,
    /// 4 debugging, 5 all.
    pub log_level: unsafe extern "C" fn() -> u32,
    /// Logs a line.
    pub log: unsafe extern "C" fn(record: *const LogRecord),
    /// Functions for tasks.
    pub task: *const TaskApi,
    /// Functions for contexts.
    pub context: *const ContextApi,
    /// Makes and changes frames and other payloads. For languages that have no `bmf-hmp`.
    pub media: *const MediaApi,
    /// Growth: a table, or null.
    pub extension: unsafe extern "C" fn(id: Str) -> *const c_void,
}

// SAFETY: immutable once made; its functions may be called from any thread.
unsafe impl Sync for Host {}
// SAFETY: as above.
unsafe impl Send for Host {}

/// A line for the log.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct LogRecord {
    /// `sizeof` of this struct.
    pub size: usize,
    /// 1 error to 5 trace, as for `log_level`.
    pub level: u32,
    /// Line in `file`, or 0.
    pub line: u32,
    /// Who speaks: the name of the plugin or of a part of it.
    pub target: Str,
    /// Source file; may be empty.
    pub file: Str,
    /// What there is to say.
    pub message: Str,
}

/// How an input stands.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct TaskInput {
    /// Packets that can be popped.
    pub packets: usize,
    /// The earliest time at which another packet can come after those: microseconds, and `i64::MAX`
    /// when nothing can.
    pub bound: i64,
    /// Any of [`CONNECTED`](Self::CONNECTED), [`ENDED`](Self::ENDED), [`JOB_ENDED`](Self::JOB_ENDED).
    pub flags: u32,
    /// Padding, 0.
    pub reserved: u32,
}

impl TaskInput {
    /// Somebody produces this input.
    pub const CONNECTED: u32 = 1;
    /// Nothing more will arrive after `packets`.
    pub const ENDED: u32 = 2;
    /// A job ends after `packets`; said with one task only.
    pub const JOB_ENDED: u32 = 4;
}

/// How an output stands.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct TaskOutput {
    /// How many packets its consumers still take; kept up to date for modules whose descriptor says
    /// `any_room`.
    pub room: usize,
    /// Any of [`CONNECTED`](Self::CONNECTED), [`ENDED`](Self::ENDED).
    pub flags: u32,
    /// Padding, 0.
    pub reserved: u32,
}

impl TaskOutput {
    /// Somebody consumes this output.
    pub const CONNECTED: u32 = 1;
    /// The module has ended it.
    pub const ENDED: u32 = 2;
}

/// Functions for a [`Task`]: only in the call that lent it, only from the thread that makes it.
/// Ports that do not exist have no packets and swallow what is sent.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct TaskApi {
    /// `sizeof` of this struct.
    pub size: usize,
    /// The time the task is for; false if the input policy defines none.
    pub timestamp: unsafe extern "C" fn(*const Task, out: *mut i64) -> bool,
    /// How many input ports there are.
    pub inputs: unsafe extern "C" fn(*const Task) -> usize,
    /// How many output ports there are.
    pub outputs: unsafe extern "C" fn(*const Task) -> usize,
    /// How an input stands; false if there is no such port.
    pub input: unsafe extern "C" fn(*const Task, port: usize, out: *mut TaskInput) -> bool,
    /// How an output stands; false if there is no such port.
    pub output: unsafe extern "C" fn(*const Task, port: usize, out: *mut TaskOutput) -> bool,
    /// Takes the next packet of an input, which the caller then owns; false if there is none.
    pub pop: unsafe extern "C" fn(*mut Task, port: usize, out: *mut Packet) -> bool,
    /// Puts a packet back in front of an input, to be offered again with the next task. Consumes it.
    pub put_back: unsafe extern "C" fn(*mut Task, port: usize, packet: Packet),
    /// Sends a packet on an output. Consumes it.
    pub push: unsafe extern "C" fn(*mut Task, port: usize, packet: Packet),
    /// Promises that nothing earlier than `bound` (microseconds) will be sent on an output.
    pub set_bound: unsafe extern "C" fn(*mut Task, port: usize, bound: i64),
    /// Ends a job on an output: what follows is the next one's.
    pub end_job: unsafe extern "C" fn(*mut Task, port: usize),
    /// Ends an output before the node is done.
    pub end: unsafe extern "C" fn(*mut Task, port: usize),
    /// Sends what is on the outputs now; for modules whose descriptor says `flushes_early`. `OK` or
    /// `FAILED`.
    pub flush_outputs: unsafe extern "C" fn(*mut Task, error: *const ErrorSink) -> i32,
}

/// Something to be done later, with data of the plugin.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct Action {
    /// Passed to both functions.
    pub data: *mut c_void,
    /// Does it, once. Must neither block nor call back.
    pub run: unsafe extern "C" fn(data: *mut c_void),
    /// Frees `data`; called once, after `run` or instead of it.
    pub drop: unsafe extern "C" fn(data: *mut c_void),
}

/// Functions for a [`Context`]. Texts live as long as it does.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct ContextApi {
    /// `sizeof` of this struct.
    pub size: usize,
    /// The node's name, for messages.
    pub node: unsafe extern "C" fn(*const Context) -> Str,
    /// Whether the user asked that doubtful input be an error instead of a warning.
    pub is_strict: unsafe extern "C" fn(*const Context) -> bool,
    /// How many input ports there are.
    pub inputs: unsafe extern "C" fn(*const Context) -> usize,
    /// How many output ports there are.
    pub outputs: unsafe extern "C" fn(*const Context) -> usize,
    /// Whether somebody produces an input.
    pub is_input_connected: unsafe extern "C" fn(*const Context, port: usize) -> bool,
    /// Whether somebody consumes an output.
    pub is_output_connected: unsafe extern "C" fn(*const Context, port: usize) -> bool,
    /// Whether the graph wants to end: what blocks should give up.
    pub is_interrupted: unsafe extern "C" fn(*const Context) -> bool,
    /// Runs `action`, which is copied, when the graph wants to end, or now if it does already; from
    /// any thread. None runs once `destroy` of the module has begun, and all have been dropped before
    /// it returns.
    pub on_interrupt: unsafe extern "C" fn(*const Context, action: *const Action),
    /// Tells how long the media of a source is, in microseconds, for progress displays.
    pub set_duration: unsafe extern "C" fn(*const Context, micros: i64),
}

/// Makes and changes payloads. Functions that make a packet fill in `out`, which the caller then
/// owns, and return `OK`, or return `FAILED`. Where one that changes a packet fails, the packet is as
/// it was; only if the host lost what was in it, its payload is null.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
#[cfg_attr(feature = "rust", derive(abi_stable::StableAbi))]
pub struct MediaApi {
    /// `sizeof` of this struct.
    pub size: usize,
    /// Memory of `len` bytes out of the host's pool, aligned to 64 bytes. The caller owns the
    /// reference in `out->buffer`, and may write while it is the only one.
    pub buffer: unsafe extern "C" fn(len: usize, out: *mut Plane, error: *const ErrorSink) -> i32,
    /// A picture, from the `format`, sizes, times and colours of a view. Where `plane_count` is 0 its
    /// pixels are new, in main memory; else it shares the planes, each with a `buffer` to which a
    /// reference is added.
    pub video: unsafe extern "C" fn(
        timestamp: i64,
        from: *const VideoView,
        out: *mut Packet,
        error: *const ErrorSink,
    ) -> i32,
    /// Makes the pixels of a picture writable, in `packet`, which may become another one: what is
    /// shared is copied first. Fills in `out`, whose planes may be written until the packet is passed
    /// on.
    pub video_for_writing: unsafe extern "C" fn(
        packet: *mut Packet,
        out: *mut VideoView,
        error: *const ErrorSink,
    ) -> i32,
    /// Sound, from a view; `plane_count` as for `video`, at most 8 planes.
    pub audio: unsafe extern "C" fn(
        timestamp: i64,
        from: *const AudioView,
        out: *mut Packet,
        error: *const ErrorSink,
    ) -> i32,
    /// As `video_for_writing`.
    pub audio_for_writing: unsafe extern "C" fn(
        packet: *mut Packet,
        out: *mut AudioView,
        error: *const ErrorSink,
    ) -> i32,
    /// A piece of an encoded stream, sharing the memory of `from->data`.
    pub encoded: unsafe extern "C" fn(
        timestamp: i64,
        from: *const EncodedView,
        out: *mut Packet,
        error: *const ErrorSink,
    ) -> i32,
    /// An array, sharing the memory of `from->data`.
    pub tensor: unsafe extern "C" fn(
        timestamp: i64,
        from: *const TensorView,
        out: *mut Packet,
        error: *const ErrorSink,
    ) -> i32,
    /// A copy of `bytes`, as a packet of tag `bmf.bytes`, `bmf.text` or `bmf.json`. The latter two
    /// must be UTF-8, the last one JSON.
    pub bytes: unsafe extern "C" fn(
        timestamp: i64,
        tag: Str,
        bytes: Str,
        out: *mut Packet,
        error: *const ErrorSink,
    ) -> i32,
    /// A number, as a packet of tag `bmf.int` or `bmf.bool`.
    pub integer: unsafe extern "C" fn(
        timestamp: i64,
        tag: Str,
        value: i64,
        out: *mut Packet,
        error: *const ErrorSink,
    ) -> i32,
    /// Sets an entry of the metadata of a picture or of sound; an empty value removes it. The packet
    /// may become another one.
    pub set_metadata: unsafe extern "C" fn(
        packet: *mut Packet,
        key: Str,
        value: Str,
        error: *const ErrorSink,
    ) -> i32,
    /// Fills in what there is to know about the pixel format of this name, for which `out->size` is
    /// set. False if there is none.
    pub pixel_format: unsafe extern "C" fn(name: Str, out: *mut PixelFormat) -> bool,
}
