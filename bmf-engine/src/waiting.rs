//! Waiting for a graph: for its end, for a deadlock to be freed, and the report of who waits for
//! whom. The only timed waits of the engine are here, and they are deadlines: the user's time-out,
//! the interval of a progress display, and what an aborted run gives its nodes to close.

use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bmf_scheduler::{Context, Phase as SlotPhase, Scheduler, Wake};
use bmf_streams::{Link, Peer};

use crate::RunError;
use crate::node::wake_peer;
use crate::shared::{NodeInfo, Phase, Shared, lock};

/// How long nodes get to close once the run is aborted, counted from the last thing that moved.
const CLOSING_GRACE: Duration = Duration::from_secs(3);

/// Called when nothing is ready and nothing runs: gets the graph going again, or finds it stuck for
/// good.
pub(crate) fn on_quiet(shared: &Shared, context: &mut Context<'_>) {
    if shared.nodes_left() == 0 {
        return;
    }
    if !raise_limits(shared, context) {
        let report = who_waits(shared, |index| context.phase(shared.slot(index)));
        shared.fail(RunError::Stuck { report });
        shared.wake_all_from_step(context);
    }
}

/// If the graph has blocked itself, the links that block it are given room for one packet more:
///
/// * full ones whose producer waits for room while their consumer waits for another input. Full
///   links in front of a node that waits for room itself are not: they would only fill up again;
/// * declined ones, whose consumer holds as many packets as the limit allows and waits for more.
fn raise_limits(shared: &Shared, context: &mut Context<'_>) -> bool {
    let waits_for_room = |context: &Context<'_>, peer: Peer| {
        context.phase(shared.slot(peer.0 as usize)) == SlotPhase::Throttled
    };
    let mut raised = false;
    for link in shared.nodes.iter().flat_map(|node| &node.outputs) {
        let declined = link.is_declined() && !waits_for_room(context, link.consumer());
        let full = link.is_full()
            && waits_for_room(context, link.producer())
            && !waits_for_room(context, link.consumer());
        if !declined && !full {
            continue;
        }
        raised = true;
        wake_peer(shared, context, link.raise_limit());
        log::debug!(
            "raised the limit of stream \"{}\" to {}: the graph had blocked itself",
            link.stream(),
            link.limit()
        );
        context.wake(shared.slot(link.consumer().0 as usize), Wake::Input);
    }
    raised
}

/// Waits for the end of the run, or for the time-out.
pub(crate) fn until_finished(shared: &Shared, scheduler: &Scheduler, time_out: Option<Duration>) {
    let mut watch = Watch::new(shared, time_out);
    while !watch.wait(shared, scheduler, None) {}
}

/// Watches whether anything moves.
pub(crate) struct Watch {
    time_out: Option<Duration>,
    progress: u64,
    since: Instant,
    /// Set once the run is aborted: when to leave stuck nodes behind.
    leave_at: Option<Instant>,
}

impl Watch {
    pub(crate) fn new(shared: &Shared, time_out: Option<Duration>) -> Self {
        Self {
            time_out,
            progress: shared.progress(),
            since: Instant::now(),
            leave_at: None,
        }
    }

    /// Waits until the run has ended (true) or `interval` is over (false).
    pub(crate) fn wait(
        &mut self,
        shared: &Shared,
        scheduler: &Scheduler,
        interval: Option<Duration>,
    ) -> bool {
        let (finished, condition) = shared.finished();
        let interval_ends = interval.map(|interval| Instant::now() + interval);
        let mut ended = lock(finished);
        while !*ended {
            if self.leave_at.is_none() && shared.phase() == Phase::Aborting {
                drop(ended);
                self.begin_to_leave(shared, scheduler);
                ended = lock(finished);
                continue;
            }
            let deadline = [interval_ends, self.deadline()].into_iter().flatten().min();
            let Some(deadline) = deadline else {
                ended = condition
                    .wait(ended)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(ended);
                if self.deadline_passed(shared, scheduler) {
                    return true;
                }
                if interval_ends.is_some_and(|end| Instant::now() >= end) {
                    return false;
                }
                ended = lock(finished);
                continue;
            }
            ended = condition
                .wait_timeout(ended, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    fn deadline(&self) -> Option<Instant> {
        // A time-out beyond the end of the clock is none.
        self.leave_at
            .or_else(|| self.since.checked_add(self.time_out?))
    }

    /// Some deadline has passed: looks which one. Returns whether the wait is over for good.
    fn deadline_passed(&mut self, shared: &Shared, scheduler: &Scheduler) -> bool {
        let now = Instant::now();
        let progress = shared.progress();
        if progress != self.progress {
            self.progress = progress;
            self.since = now;
            self.leave_at = self.leave_at.map(|_| now + CLOSING_GRACE);
        }
        if let Some(leave_at) = self.leave_at {
            return now >= leave_at;
        }
        if let Some(time_out) = self.time_out
            && now.duration_since(self.since) >= time_out
        {
            let phase_of = |index| scheduler.stats(shared.slot(index)).phase;
            shared.fail(RunError::TimeOut {
                seconds: time_out.as_secs_f64(),
                report: who_waits(shared, phase_of),
            });
            shared.wake_all(scheduler);
        }
        false
    }

    /// The run is being aborted. A node that is stuck has taken its worker along, perhaps the only
    /// one, so another one is started to close the others.
    fn begin_to_leave(&mut self, shared: &Shared, scheduler: &Scheduler) {
        if let Err(error) = scheduler.add_worker() {
            log::warn!("cannot start a thread to close the other nodes: {error}");
        }
        shared.wake_all(scheduler);
        self.leave_at = Some(Instant::now() + CLOSING_GRACE);
    }
}

/// Says for each node that is not done what it waits for: inside its module first, for those are
/// what keeps the others waiting.
fn who_waits(shared: &Shared, phase_of: impl Fn(usize) -> SlotPhase) -> String {
    let mut running = Vec::new();
    let mut waiting = Vec::new();
    for (index, node) in shared.nodes.iter().enumerate() {
        match phase_of(index) {
            SlotPhase::Done => {}
            SlotPhase::Running => running.push(format!("{} is inside its module", node.label)),
            _ => waiting.push(what_it_waits_for(shared, node)),
        }
    }
    running.append(&mut waiting);
    running.join("; ")
}

fn what_it_waits_for(shared: &Shared, node: &NodeInfo) -> String {
    let name = |index: u32| &shared.nodes[index as usize].name;
    let mut text = node.label.clone();
    let full: Vec<&Arc<Link>> = node.outputs.iter().filter(|link| link.is_full()).collect();
    if let Some(link) = full.first() {
        let consumer = name(link.consumer().0);
        let _ = write!(
            text,
            " waits for '{consumer}' to take from \"{}\"",
            link.stream()
        );
        return text;
    }
    let empty = node.inputs.iter().find(|link| link.stats().waiting == 0);
    match empty {
        Some(link) => {
            let producer = name(link.producer().0);
            let _ = write!(
                text,
                " waits for '{producer}' to send on \"{}\"",
                link.stream()
            );
        }
        None => text.push_str(" is ready, but did not get its turn"),
    }
    text
}
