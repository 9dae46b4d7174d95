//! The task of a module of this image, in line with the host's: what waits at the host is moved over
//! before a call, what the module has sent or left is moved back after it. Packets are moved, never
//! copied, and in steady state nothing is allocated.

use std::mem::MaybeUninit;
use std::sync::Arc;

use bmf_abi as abi;
use bmf_core::drive::{DriveInput, DriveOutput, DriveTask};
use bmf_core::{Signal, StreamItem, Task, TaskOutput};
use bmf_hmp::{Bound, Packet, Timestamp};

use super::early::Link;

/// A task of this image.
pub(super) struct Mirror {
    task: Task,
    inputs: usize,
    outputs: usize,
    api: &'static abi::TaskApi,
    has_shape: bool,
    early: Option<Arc<Link>>,
}

impl Mirror {
    /// A task that takes the shape of the first one of the host.
    pub(super) fn new(api: &'static abi::TaskApi, flushes_early: bool) -> Self {
        Self {
            task: Task::default(),
            inputs: 0,
            outputs: 0,
            api,
            has_shape: false,
            early: flushes_early.then(|| Arc::new(Link::new(api))),
        }
    }

    /// The task, for the module.
    #[inline]
    pub(super) fn task(&mut self) -> &mut Task {
        &mut self.task
    }

    /// Takes the ports of the host's task. What was in this one is dropped.
    ///
    /// # Safety
    /// `host` was lent to the present call.
    #[cold]
    pub(super) unsafe fn shape(&mut self, host: *mut abi::Task) {
        // SAFETY: a task of the host, for whose functions there is no other condition.
        let (inputs, outputs) = unsafe { ((self.api.inputs)(host), (self.api.outputs)(host)) };
        if self.has_shape && (inputs, outputs) == (self.inputs, self.outputs) {
            return;
        }
        let is_fed = |port| {
            // SAFETY: as above.
            let input = unsafe { self.input(host, port) };
            input.is_some_and(|input| input.flags & abi::TaskInput::CONNECTED != 0)
        };
        let is_read = |port| {
            // SAFETY: as above.
            let output = unsafe { self.output(host, port) };
            output.is_some_and(|output| output.flags & abi::TaskOutput::CONNECTED != 0)
        };
        let fed: Vec<bool> = (0..inputs).map(is_fed).collect();
        let read: Vec<bool> = (0..outputs).map(is_read).collect();
        self.task = Task::new(&fed, &read);
        (self.inputs, self.outputs, self.has_shape) = (inputs, outputs, true);
        if let Some(link) = &self.early {
            self.task.set_early(Some(link.early_flush()));
        }
    }

    /// Moves over what the host's task holds.
    ///
    /// # Safety
    /// As for [`shape`](Self::shape).
    #[inline]
    pub(super) unsafe fn take_over(&mut self, host: *mut abi::Task) {
        if !self.has_shape {
            // SAFETY: the caller's promise.
            unsafe { self.shape(host) };
        }
        if let Some(link) = &self.early {
            link.lend(host);
        }
        let mut time = MaybeUninit::uninit();
        // SAFETY: the host fills in `time` if it returns true.
        let time =
            unsafe { (self.api.timestamp)(host, time.as_mut_ptr()).then(|| time.assume_init()) };
        self.task.set_timestamp(time.map(Timestamp::from_micros));
        for port in 0..self.inputs {
            // SAFETY: the caller's promise.
            unsafe { self.take_input(host, port) };
        }
        for port in 0..self.outputs {
            // SAFETY: the caller's promise.
            if let Some(output) = unsafe { self.output(host, port) } {
                self.task.outputs_mut()[port].set_room(output.room);
            }
        }
    }

    #[inline]
    unsafe fn take_input(&mut self, host: *mut abi::Task, port: usize) {
        // SAFETY: the caller's promise.
        let Some(state) = (unsafe { self.input(host, port) }) else {
            return;
        };
        let input = &mut self.task.inputs_mut()[port];
        input.ended = state.flags & abi::TaskInput::ENDED != 0;
        input.job_ended = state.flags & abi::TaskInput::JOB_ENDED != 0;
        input.set_bound(Bound::from_raw(state.bound));
        for _ in 0..state.packets {
            let mut packet = MaybeUninit::uninit();
            // SAFETY: the host fills in `packet`, which is then this side's, if it returns true. A host
            // has no others than those of the contract.
            let packet = unsafe {
                if !(self.api.pop)(host, port, packet.as_mut_ptr()) {
                    break;
                }
                Packet::from_raw_unchecked(packet.assume_init())
            };
            input.packets.push_back(packet);
        }
    }

    /// Moves back what the module has sent, and what it has left. Returns false if the module has put
    /// another task in the place of its own, which is then gone.
    ///
    /// # Safety
    /// As for [`shape`](Self::shape).
    #[inline]
    pub(super) unsafe fn hand_over(&mut self, host: *mut abi::Task) -> bool {
        if let Some(link) = &self.early {
            link.take_back();
        }
        // SAFETY: the caller's promise.
        unsafe { send(self.api, host, self.task.outputs_mut()) };
        for (port, input) in self.task.inputs_mut().iter_mut().enumerate() {
            while let Some(packet) = input.packets.pop_back() {
                // SAFETY: the caller's promise; the packet is given away.
                unsafe { (self.api.put_back)(host, port, packet.into_raw()) };
            }
        }
        let ports = (self.task.inputs().len(), self.task.outputs().len());
        let is_whole = ports == (self.inputs, self.outputs);
        if !is_whole {
            self.has_shape = false;
        } else if let Some((port, packet)) = self.task.take_stray() {
            // The host tells of it.
            // SAFETY: the caller's promise; the packet is given away.
            unsafe { (self.api.push)(host, port, packet.into_raw()) };
        }
        is_whole
    }

    /// Forgets what has ended: the streams begin anew.
    pub(super) fn renew(&mut self) {
        self.task
            .outputs_mut()
            .iter_mut()
            .for_each(TaskOutput::reopen);
    }

    #[inline]
    unsafe fn input(&self, host: *const abi::Task, port: usize) -> Option<abi::TaskInput> {
        let mut state = MaybeUninit::uninit();
        // SAFETY: the caller's promise; the host fills in `state` if it returns true.
        unsafe { (self.api.input)(host, port, state.as_mut_ptr()).then(|| state.assume_init()) }
    }

    #[inline]
    unsafe fn output(&self, host: *const abi::Task, port: usize) -> Option<abi::TaskOutput> {
        let mut state = MaybeUninit::uninit();
        // SAFETY: as in `input`.
        unsafe { (self.api.output)(host, port, state.as_mut_ptr()).then(|| state.assume_init()) }
    }
}

/// Moves what is on `outputs` to the host's task, in order.
///
/// # Safety
/// `host` was lent to the present call.
#[inline]
pub(super) unsafe fn send(api: &abi::TaskApi, host: *mut abi::Task, outputs: &mut [TaskOutput]) {
    for (port, output) in outputs.iter_mut().enumerate() {
        // Before an end, after which no promise counts.
        if let Some(bound) = output.take_bound() {
            // SAFETY: the caller's promise.
            unsafe { (api.set_bound)(host, port, bound.to_raw()) };
        }
        for item in output.items_mut().drain(..) {
            // SAFETY: as above; a packet is given away.
            unsafe {
                match item {
                    StreamItem::Packet(packet) => (api.push)(host, port, packet.into_raw()),
                    StreamItem::Signal(Signal::EndOfJob) => (api.end_job)(host, port),
                    StreamItem::Signal(Signal::Eof) => (api.end)(host, port),
                }
            }
        }
    }
}
