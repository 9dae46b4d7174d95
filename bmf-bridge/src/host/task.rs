//! Tasks as plugins see them: the functions of [`TaskApi`](abi::TaskApi), on a
//! [`Task`](bmf_core::Task) that is lent for a call.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bmf_abi as abi;
use bmf_core::{ModuleError, Task};
use bmf_hmp::{Bound, Packet, panics};

pub(super) static API: abi::TaskApi = abi::TaskApi {
    size: size_of::<abi::TaskApi>(),
    timestamp,
    inputs,
    outputs,
    input,
    output,
    pop,
    put_back,
    push,
    set_bound,
    end_job,
    end,
    flush_outputs,
};

/// What the contract calls a task.
pub(super) struct Lent<'a> {
    task: &'a mut Task,
    /// What the plugin did to it that it must not.
    fault: Option<Fault>,
}

/// A packet that is none.
#[derive(Copy, Clone)]
enum Fault {
    Sent(usize),
    PutBack(usize),
}

impl<'a> Lent<'a> {
    #[inline]
    pub(super) fn new(task: &'a mut Task) -> Self {
        Self { task, fault: None }
    }

    #[inline]
    pub(super) fn as_raw(&mut self) -> *mut abi::Task {
        (&raw mut *self).cast()
    }

    /// After the call: whether the plugin has kept to the contract.
    #[inline]
    pub(super) fn check(self) -> Result<(), ModuleError> {
        match self.fault {
            None => Ok(()),
            Some(fault) => Err(fault.into_error()),
        }
    }
}

impl Fault {
    #[cold]
    fn into_error(self) -> ModuleError {
        let what = match self {
            Self::Sent(port) => format!("sent on output {port}"),
            Self::PutBack(port) => format!("put back on input {port}"),
        };
        ModuleError::new(format!(
            "the module's library {what} a packet without a payload"
        ))
    }
}

/// The task behind the first argument of all functions here.
///
/// # Safety
/// `task` was lent to the present call, and nothing else of it is in use for `'a`.
#[inline]
unsafe fn lent<'a>(task: *mut abi::Task) -> &'a mut Lent<'a> {
    // SAFETY: the caller's promise.
    unsafe { &mut *task.cast::<Lent<'a>>() }
}

/// As [`lent`], to look at.
///
/// # Safety
/// As for [`lent`].
#[inline]
unsafe fn seen<'a>(task: *const abi::Task) -> &'a Task {
    // SAFETY: the caller's promise.
    unsafe { &*(*task.cast::<Lent<'a>>()).task }
}

unsafe extern "C" fn timestamp(task: *const abi::Task, out: *mut i64) -> bool {
    // SAFETY: the plugin's own task; `out` is for this.
    unsafe {
        let time = seen(task).timestamp();
        time.is_some_and(|time| {
            out.write(time.micros());
            true
        })
    }
}

unsafe extern "C" fn inputs(task: *const abi::Task) -> usize {
    // SAFETY: the plugin's own task.
    unsafe { seen(task) }.inputs().len()
}

unsafe extern "C" fn outputs(task: *const abi::Task) -> usize {
    // SAFETY: the plugin's own task.
    unsafe { seen(task) }.outputs().len()
}

#[inline]
const fn flag(is_set: bool, flag: u32) -> u32 {
    if is_set { flag } else { 0 }
}

unsafe extern "C" fn input(task: *const abi::Task, port: usize, out: *mut abi::TaskInput) -> bool {
    // SAFETY: the plugin's own task.
    let Some(input) = unsafe { seen(task) }.inputs().get(port) else {
        return false;
    };
    let state = abi::TaskInput {
        packets: input.packets.len(),
        bound: input.bound().to_raw(),
        flags: flag(input.is_connected(), abi::TaskInput::CONNECTED)
            | flag(input.ended, abi::TaskInput::ENDED)
            | flag(input.job_ended, abi::TaskInput::JOB_ENDED),
        reserved: 0,
    };
    // SAFETY: `out` is for this.
    unsafe { out.write(state) };
    true
}

unsafe extern "C" fn output(
    task: *const abi::Task,
    port: usize,
    out: *mut abi::TaskOutput,
) -> bool {
    // SAFETY: the plugin's own task.
    let Some(output) = unsafe { seen(task) }.outputs().get(port) else {
        return false;
    };
    let ended = output.is_connected() && !output.is_open();
    let state = abi::TaskOutput {
        room: output.room(),
        flags: flag(output.is_connected(), abi::TaskOutput::CONNECTED)
            | flag(ended, abi::TaskOutput::ENDED),
        reserved: 0,
    };
    // SAFETY: `out` is for this.
    unsafe { out.write(state) };
    true
}

unsafe extern "C" fn pop(task: *mut abi::Task, port: usize, out: *mut abi::Packet) -> bool {
    // SAFETY: the plugin's own task; `out` is for this, and the plugin then has the packet.
    unsafe {
        let packet = lent(task).task.pop(port);
        packet.is_some_and(|packet| {
            out.write(packet.into_raw());
            true
        })
    }
}

unsafe extern "C" fn put_back(task: *mut abi::Task, port: usize, packet: abi::Packet) {
    // SAFETY: the plugin's own task, and its packet to give away.
    let (lent, packet) = unsafe { (lent(task), Packet::from_raw(packet)) };
    match (packet, lent.task.inputs_mut().get_mut(port)) {
        (Some(packet), Some(input)) => input.packets.push_front(packet),
        (Some(_), None) => {}
        (None, _) => lent.fault = Some(Fault::PutBack(port)),
    }
}

unsafe extern "C" fn push(task: *mut abi::Task, port: usize, packet: abi::Packet) {
    // SAFETY: the plugin's own task, and its packet to give away.
    let (lent, packet) = unsafe { (lent(task), Packet::from_raw(packet)) };
    match packet {
        Some(packet) => lent.task.push(port, packet),
        None => lent.fault = Some(Fault::Sent(port)),
    }
}

unsafe extern "C" fn set_bound(task: *mut abi::Task, port: usize, bound: i64) {
    // SAFETY: the plugin's own task.
    let outputs = unsafe { lent(task) }.task.outputs_mut();
    if let Some(output) = outputs.get_mut(port) {
        output.set_bound(Bound::from_raw(bound));
    }
}

unsafe extern "C" fn end_job(task: *mut abi::Task, port: usize) {
    // SAFETY: the plugin's own task.
    let outputs = unsafe { lent(task) }.task.outputs_mut();
    if let Some(output) = outputs.get_mut(port) {
        output.end_job();
    }
}

unsafe extern "C" fn end(task: *mut abi::Task, port: usize) {
    // SAFETY: the plugin's own task.
    let outputs = unsafe { lent(task) }.task.outputs_mut();
    if let Some(output) = outputs.get_mut(port) {
        output.end();
    }
}

unsafe extern "C" fn flush_outputs(task: *mut abi::Task, error: *const abi::ErrorSink) -> i32 {
    // SAFETY: the plugin's own task.
    let task = unsafe { &mut *lent(task).task };
    let result = catch_unwind(AssertUnwindSafe(|| task.flush_outputs()));
    // SAFETY: the plugin's own sink.
    unsafe {
        match result {
            Ok(Ok(())) => abi::OK,
            Ok(Err(failure)) => crate::tell::error(error, &failure),
            Err(panic) => crate::tell::panic(error, &panics::message(panic)),
        }
    }
}
