//! Beginning anew, as after a seek: nothing waits, nothing is promised. Only while the whole graph is
//! paused; whom the links would wake is woken afterwards, with all others.

use bmf_core::drive::DriveOutput;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bmf_hmp::Timestamp;
use bmf_streams::Awaited;

use super::Node;
use crate::RunError;
use crate::outcome::During;
use crate::shared::Counts;

impl Node {
    /// The first half: the streams of this node.
    pub(crate) fn renew(&mut self) {
        self.inputs.reset(&mut |_| {});
        self.outputs.reset();
        for input in self.task.inputs_mut() {
            input.packets.clear();
            input.ended = !input.is_connected();
            input.job_ended = false;
        }
        for output in self.task.outputs_mut() {
            output.items_mut().clear();
            output.reopen();
        }
        self.more = self.info.is_source;
        self.info.awaited.set(Awaited::ANYTHING);
        self.info.counts.reset_position();
    }

    /// The second half, once all streams are empty: the module forgets what it holds, and sends what
    /// must be there to begin with.
    pub(crate) fn flush(&mut self, seek: Option<Timestamp>) -> Result<(), RunError> {
        if !self.opened {
            self.seek_when_open = seek.or(self.seek_when_open);
            return Ok(());
        }
        self.flush_module(seek)?;
        self.start_module(During::Flush)?;
        let sent = self.outputs.propagate(self.task.outputs_mut(), &mut |_| {});
        let sent = sent.map_err(|error| self.refused(*error))?;
        Counts::add(&self.info.counts.packets_out, sent);
        Ok(())
    }

    pub(super) fn flush_module(&mut self, seek: Option<Timestamp>) -> Result<(), RunError> {
        let module = &mut self.module;
        let result = catch_unwind(AssertUnwindSafe(|| module.flush(seek)));
        self.lift(result, During::Flush, None)
    }
}
