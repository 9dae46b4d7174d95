//! The data path: one node's step, from its inputs through its module to its outputs.
//!
//! [`Node::step`] reads from top to bottom in the order in which a packet travels. What seldom
//! happens is in parts of its own: sending in the middle of a call, and beginning anew.

mod early;
mod renew;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bmf_core::drive::DriveTask;
use bmf_core::{Ending, Flow, Module, ModuleError, Promise, StreamItem, Task, TaskOutput};
use bmf_hmp::{Bound, Timestamp};
use bmf_scheduler::{Context, Schedulable, Step, Wake};
use bmf_streams::{Awaited, Inputs, Outputs, Poll, SendError};

use crate::RunError;
use crate::outcome::{During, Place};
use crate::panics;
use crate::shared::{Counts, NodeInfo, Phase, Shared, lock};
use crate::waiting;

/// A source looks once in so many steps whether a part of the graph has blocked itself: while it
/// runs, the graph is never quiet.
const STEPS_PER_LOOK: u32 = 16;

/// A node of a running graph.
pub(crate) struct Node {
    index: usize,
    shared: Arc<Shared>,
    /// What `shared` has at `index`, so that no step has to look there.
    info: Arc<NodeInfo>,
    module: Box<dyn Module>,
    inputs: Inputs,
    outputs: Outputs,
    task: Task,
    /// Most packets per input and task.
    batch: usize,
    opened: bool,
    /// Whether the module asked to be called again without new input.
    more: bool,
    promise: Promise,
    /// Whether room is not simply that of the fullest output: see [`room`](Self::room).
    has_own_room: bool,
    flushes_early: bool,
    /// Steps until the next look at the rest of the graph.
    steps_to_look: u32,
    /// Where a flush that came before the module was open wants it to go on.
    seek_when_open: Option<Timestamp>,
}

impl Schedulable for Node {
    fn run(&mut self, context: &mut Context<'_>) -> Step {
        match self.step(context) {
            Ok(step) => step,
            Err(error) => self.fail(error, context),
        }
    }

    fn may_block(&self) -> bool {
        self.info.may_block
    }
}

impl Node {
    /// A node that has not opened its module.
    pub(crate) fn new(
        index: usize,
        shared: Arc<Shared>,
        module: Box<dyn Module>,
        (inputs, outputs): (Inputs, Outputs),
        task: Task,
        batch: usize,
    ) -> Self {
        let info = Arc::clone(&shared.nodes[index]);
        Self {
            // A source has no input that would get it going.
            more: info.is_source,
            has_own_room: info.any_room || info.is_told_room || info.is_source,
            flushes_early: info.flushes_early,
            index,
            shared,
            info,
            module,
            inputs,
            outputs,
            task,
            batch,
            opened: false,
            promise: Promise::None,
            steps_to_look: STEPS_PER_LOOK,
            seek_when_open: None,
        }
    }

    /// One step: a task's worth of work.
    fn step(&mut self, context: &mut Context<'_>) -> Result<Step, RunError> {
        if !self.opened
            && let Some(step) = self.begin(context)?
        {
            return Ok(step);
        }
        let mut room = self.outputs.room();
        if self.may_have_to_end(room)
            && let Some(ending) = self.forced_end()
        {
            return self.finish(ending, context);
        }
        if self.has_own_room {
            room = self.room(context);
        }
        if room == 0 {
            return Ok(Step::Throttled);
        }
        let budget = room.min(self.batch);
        let left_over = self.packets_at_hand();
        let mut wake = |wake| wake_peer(&self.shared, context, wake);
        let poll = self.inputs.poll_task(&mut self.task, budget, &mut wake);
        let may_go_on = self.more || (left_over > 0 && self.info.any_room);
        if let Poll::Nothing(awaited) = poll
            && !may_go_on
        {
            self.info.awaited.set(awaited);
            self.pass_bounds_on(context);
            if self.info.is_fed {
                waiting::relieve(&self.shared, context, self.index, awaited);
            }
            return Ok(Step::Idle);
        }
        // Producers that have room again must not wait for the module.
        context.hand_over();
        let first = self.note_input(left_over);
        let flow = match self.process(first, context)? {
            Some(flow) => flow,
            None => return self.finish(self.shared.forced_ending(), context),
        };
        self.send(context)?;
        self.pass_bounds_on(context);
        self.next_step(flow, context)
    }

    /// How many packets may be sent, where that is not simply what the fullest output takes. A
    /// source also waits for the memory budget, and looks now and then whether some part of the
    /// graph needs its help.
    fn room(&mut self, context: &mut Context<'_>) -> usize {
        if self.info.is_source {
            self.steps_to_look -= 1;
            if self.steps_to_look == 0 {
                self.steps_to_look = STEPS_PER_LOOK;
                waiting::relax(&self.shared, context);
            }
            let budget = self.shared.budget.as_ref();
            if budget.is_some_and(|budget| budget.must_wait()) {
                return 0;
            }
        }
        if self.info.any_room {
            return self.outputs.most_room(&mut self.task);
        }
        if self.info.is_told_room {
            self.outputs.most_room(&mut self.task);
        }
        self.outputs.room()
    }

    /// Sends what the task holds.
    #[inline(always)]
    fn send(&mut self, context: &mut Context<'_>) -> Result<(), RunError> {
        if self.info.is_source {
            self.note_position();
        }
        let mut wake = |wake| wake_peer(&self.shared, context, wake);
        let sent = self.outputs.propagate(self.task.outputs_mut(), &mut wake);
        let sent = sent.map_err(|error| self.refused(*error))?;
        Counts::add(&self.info.counts.packets_out, sent);
        Ok(())
    }

    /// Moves the bounds of the outputs after those of the inputs, as the module has promised.
    #[inline(always)]
    fn pass_bounds_on(&mut self, context: &mut Context<'_>) {
        if self.promise != Promise::None {
            self.keep_promise(context);
        }
    }

    fn keep_promise(&mut self, context: &mut Context<'_>) {
        let mut wake = |wake| wake_peer(&self.shared, context, wake);
        match self.promise {
            Promise::None => {}
            Promise::Offset(micros) => {
                let bound = self.inputs.bound(&self.task).shifted(micros);
                self.outputs.advance_all(bound, &mut wake);
            }
            Promise::PerPort => {
                for port in 0..self.outputs.len() {
                    let bound = self.inputs.bound_of(port, &self.task).shifted(0);
                    self.outputs.advance(port, bound, &mut wake);
                }
            }
        }
    }

    /// A packet or a promise that a link refused: names both ends.
    fn refused(&self, error: SendError) -> RunError {
        RunError::Time {
            producer: self.info.label.clone(),
            consumer: self.shared.label_of(error.consumer),
            stream: error.stream,
            error: error.error,
        }
    }

    /// What follows from what the module wants.
    #[inline(always)]
    fn next_step(&mut self, flow: Flow, context: &mut Context<'_>) -> Result<Step, RunError> {
        self.more = flow == Flow::More;
        match flow {
            Flow::Done => self.finish(Ending::Finished, context),
            Flow::Wait => self.wait(context),
            Flow::More => Ok(Step::Again),
        }
    }

    /// What follows if the module waits for input.
    #[inline(always)]
    fn wait(&mut self, context: &mut Context<'_>) -> Result<Step, RunError> {
        if self.has_own_room
            && let Some(step) = self.wait_with_packets()
        {
            return Ok(step);
        }
        if self.inputs.all_ended() {
            return self.finish(Ending::Finished, context);
        }
        if self.inputs.have_more() || self.may_have_bounds() {
            return Ok(Step::Again);
        }
        // What it waited for before this task has come.
        self.info.awaited.set(Awaited::ANYTHING);
        Ok(Step::Idle)
    }

    /// Whether the bounds behind what was taken may make a task: one that tells of them, or the last.
    fn may_have_bounds(&self) -> bool {
        let info = &self.info;
        info.is_told_of_bounds
            || (info.goes_by_time && self.inputs.bound(&self.task) == Bound::NOTHING)
    }

    /// What follows if the module chooses among its outputs and has kept packets for want of room in
    /// one. That one may have got room meanwhile.
    fn wait_with_packets(&self) -> Option<Step> {
        if !self.info.any_room || self.packets_at_hand() == 0 {
            return None;
        }
        if self.outputs.links().any(|link| link.is_full()) {
            return Some(Step::Throttled);
        }
        let was_full = |output: &TaskOutput| output.is_open() && output.room() == 0;
        let waited = self.task.outputs().iter().any(was_full);
        waited.then_some(Step::Again)
    }

    /// Whether [`forced_end`](Self::forced_end) is worth a look, by what is at hand: an output that
    /// takes something is not abandoned, and one that nobody takes anything from has room for all.
    #[inline(always)]
    fn may_have_to_end(&self, room: usize) -> bool {
        room == usize::MAX || self.info.needs_all || self.shared.phase() != Phase::Running
    }

    /// Whether the node must close now although its module has not said so.
    #[inline(never)]
    fn forced_end(&self) -> Option<Ending> {
        let info = &self.info;
        match self.shared.phase() {
            Phase::Aborting => Some(self.shared.forced_ending()),
            Phase::Stopping if info.is_source => Some(Ending::Stopped),
            _ if !info.is_sink && self.outputs.is_abandoned() => Some(Ending::Stopped),
            _ if info.needs_all && self.outputs.links().any(|link| link.is_closed()) => {
                Some(Ending::Stopped)
            }
            _ => None,
        }
    }

    /// The steps before the module is open. `None`: it is now, and this step goes on.
    #[cold]
    fn begin(&mut self, context: &mut Context<'_>) -> Result<Option<Step>, RunError> {
        if self.forced_end().is_none() && self.open(context)? {
            // The consumers that may open now must not wait for the end of a long call.
            return Ok(self.info.may_block.then_some(Step::Again));
        }
        match self.forced_end() {
            Some(ending) => self.finish(ending, context).map(Some),
            None => Ok(Some(Step::Idle)),
        }
    }

    /// Opens the module once all producers have opened theirs. Returns whether it is open.
    fn open(&mut self, context: &mut Context<'_>) -> Result<bool, RunError> {
        if self.info.unopened_producers.load(Ordering::Acquire) > 0 {
            return Ok(false);
        }
        let module = &mut self.module;
        let module_context = &self.info.context;
        let result = catch_unwind(AssertUnwindSafe(|| module.open(module_context)));
        if self.gave_up(&result) {
            return Ok(false);
        }
        self.lift(result, During::Open, None)?;
        self.opened = true;
        if self.outputs.links().any(|link| link.tracks_bounds()) {
            let module = &self.module;
            let promise = catch_unwind(AssertUnwindSafe(|| module.promise()));
            self.promise = self.lift(promise.map(Ok), During::Open, None)?;
        }
        if self.promise != Promise::None {
            self.inputs.want_bounds();
        }
        if let Some(seek) = self.seek_when_open.take() {
            self.flush_module(Some(seek))?;
        }
        self.start_module(During::Open)?;
        self.send(context)?;
        self.let_consumers_open(context);
        Ok(true)
    }

    fn start_module(&mut self, during: During) -> Result<(), RunError> {
        let (module, task) = (&mut self.module, &mut self.task);
        let result = catch_unwind(AssertUnwindSafe(|| module.start(task)));
        self.lift(result, during, None)
    }

    /// Tells the consumers, once, that they need not wait for this node any more to open.
    fn let_consumers_open(&mut self, context: &mut Context<'_>) {
        if self.info.announced.swap(true, Ordering::Relaxed) {
            return;
        }
        let forward = self.outputs.links().filter(|link| !link.is_back_edge());
        for consumer in forward.filter_map(|link| self.shared.node_at(link.consumer())) {
            let waiting_for = &self.shared.nodes[consumer].unopened_producers;
            if waiting_for.fetch_sub(1, Ordering::AcqRel) == 1 {
                context.wake(self.shared.slot(consumer), Wake::Input);
            }
        }
    }

    /// Calls the module. `None`: it gave up because its graph is ending.
    fn process(
        &mut self,
        first: Option<(usize, Timestamp)>,
        context: &mut Context<'_>,
    ) -> Result<Option<Flow>, RunError> {
        if self.flushes_early {
            self.lend_outputs(context);
        }
        let (module, task) = (&mut self.module, &mut self.task);
        let result = catch_unwind(AssertUnwindSafe(|| module.process(task)));
        if self.flushes_early {
            self.take_outputs_back()?;
        }
        if self.gave_up(&result) {
            return Ok(None);
        }
        let result = result.map(|result| result.and_then(|flow| self.check_task(flow)));
        self.lift(result, During::Process, first).map(Some)
    }

    /// A module that has put another task in the place of its own would take its worker along; what
    /// one has sent to an output that it does not have would be lost without a word.
    fn check_task(&mut self, flow: Flow) -> Result<Flow, ModuleError> {
        if let Some((port, _)) = self.task.take_stray()
            && let Some(most) = self.info.most_outputs.filter(|&most| port >= most)
        {
            return Err(no_such_output(port, most));
        }
        let (inputs, outputs) = (self.task.inputs().len(), self.task.outputs().len());
        if inputs == self.inputs.len() && outputs == self.outputs.len() {
            return Ok(flow);
        }
        Err(ModuleError::new("the module has replaced its task"))
    }

    /// Whether a module's error only says that it was interrupted because its graph is ending.
    fn gave_up<T, P>(&self, result: &Result<Result<T, ModuleError>, P>) -> bool {
        let interrupted = || self.info.context.interrupt().load(Ordering::Acquire);
        matches!(result, Ok(Err(_))) && interrupted() && self.shared.phase() != Phase::Running
    }

    /// Closes the module, once, and ends the node: its outputs end, its inputs take nothing more.
    fn finish(&mut self, ending: Ending, context: &mut Context<'_>) -> Result<Step, RunError> {
        // The inputs may have ended because their producers were made to end: then what this node
        // has is not the whole, although its module could not know.
        let ending = match self.shared.phase() {
            Phase::Aborting => self.shared.forced_ending(),
            Phase::Running | Phase::Stopping => ending,
        };
        self.close_module(ending)?;
        self.leave(context);
        Ok(Step::Done)
    }

    /// The last thing a node does, whatever its end was.
    fn leave(&mut self, context: &mut Context<'_>) {
        self.let_consumers_open(context);
        let mut wake = |wake| wake_peer(&self.shared, context, wake);
        self.outputs.end_all(&mut wake);
        self.inputs.close(&mut wake);
        if let Err(error) = self.drop_module() {
            self.shared.fail(error);
            self.shared.wake_all_from_step(context);
        }
        self.shared.node_done(context);
    }

    /// A module that panics while it is dropped would take its worker along, and hang the graph; so
    /// would a packet that it has left in the task.
    fn drop_module(&mut self) -> Result<(), RunError> {
        let module = std::mem::replace(&mut self.module, Box::new(Gone));
        let task = std::mem::take(&mut self.task);
        let result = catch_unwind(AssertUnwindSafe(|| drop(module)));
        let result = result.and(catch_unwind(AssertUnwindSafe(|| drop(task))));
        self.lift(result.map(Ok), During::Close, None)
    }

    fn close_module(&mut self, ending: Ending) -> Result<(), RunError> {
        if !std::mem::take(&mut self.opened) {
            return Ok(());
        }
        let module = &mut self.module;
        let result = catch_unwind(AssertUnwindSafe(|| module.close(ending)));
        let report = catch_unwind(AssertUnwindSafe(|| module.report()));
        let closed = self.lift(result, During::Close, None);
        let reported = self.lift(report.map(Ok), During::Close, None);
        let stored = reported.map(|report| *lock(&self.info.report) = Some(report));
        closed.and(stored)
    }

    /// Ends the whole graph with `error`, and this node with it.
    fn fail(&mut self, error: RunError, context: &mut Context<'_>) -> Step {
        self.shared.fail(error);
        self.shared.wake_all_from_step(context);
        if let Err(error) = self.close_module(Ending::Failed) {
            self.shared.fail(error);
        }
        self.leave(context);
        Step::Done
    }

    /// Makes the run's error of a module's error or panic.
    fn lift<T>(
        &self,
        result: Result<Result<T, ModuleError>, Box<dyn Any + Send>>,
        during: During,
        first: Option<(usize, Timestamp)>,
    ) -> Result<T, RunError> {
        let error = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Ok(error),
            Err(payload) => Err(panics::message(payload)),
        };
        let mut at = Box::new(Place {
            node: self.info.label.clone(),
            during,
            port: first.and_then(|(port, _)| self.info.input_names.get(port).cloned()),
            timestamp: first.map(|(_, time)| time),
        });
        Err(match error {
            Ok(error) => {
                at.port = error.port().map(str::to_owned).or(at.port);
                at.timestamp = error.timestamp().or(at.timestamp);
                RunError::Module { at, error }
            }
            Err(message) => RunError::Panic { at, message },
        })
    }

    /// Packets in the task. Before it is filled, those are what the module left there.
    fn packets_at_hand(&self) -> usize {
        let inputs = self.task.inputs().iter();
        inputs.map(|input| input.packets.len()).sum()
    }

    /// Counts what a task brings beside what was left over from the one before; returns the port
    /// and the time of its first packet.
    fn note_input(&self, left_over: usize) -> Option<(usize, Timestamp)> {
        let counts = &self.info.counts;
        let mut first = None;
        let mut packets = 0;
        for (port, input) in self.task.inputs().iter().enumerate() {
            packets += input.packets.len();
            if let (Some(front), Some(back)) = (input.packets.front(), input.packets.back()) {
                first = first.or(Some((port, front.timestamp())));
                counts.set_position(back.timestamp());
            }
        }
        Counts::add(&counts.tasks, 1);
        Counts::add(&counts.packets_in, packets - left_over);
        first
    }

    /// Notes how far a source has come, by what it is about to send.
    fn note_position(&self) {
        let info = &self.info;
        let items = self.task.outputs().iter().flat_map(TaskOutput::items);
        for item in items {
            if let StreamItem::Packet(packet) = item {
                info.counts.set_position(packet.timestamp());
            }
        }
    }
}

#[cold]
fn no_such_output(port: usize, most: usize) -> ModuleError {
    let outputs = match most {
        0 => "no outputs".to_owned(),
        1 => "only output 0".to_owned(),
        _ => format!("outputs 0 to {}", most - 1),
    };
    ModuleError::new(format!(
        "the module has sent a packet to output {port}, but has {outputs}"
    ))
    .with_hint("this is a defect of the module; report it")
}

/// Stands where the module was.
struct Gone;

impl Module for Gone {
    fn process(&mut self, _: &mut Task) -> Result<Flow, ModuleError> {
        Ok(Flow::Done)
    }
}

/// Links know nodes by index; the scheduler has them in the same order.
#[inline(always)]
pub(crate) fn wake_peer(shared: &Shared, context: &mut Context<'_>, wake: bmf_streams::Wake) {
    // Nearly every wish is this one.
    if let bmf_streams::Wake::Input(peer) = wake
        && let Some(slot) = shared.slot_of(peer)
    {
        return context.wake(slot, Wake::Input);
    }
    shared.dispatch(wake, |slot, wake| context.wake(slot, wake));
}
