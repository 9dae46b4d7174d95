//! Sending in the middle of a call of the module: its task gets the node's outputs for that long.

use std::any::Any;
use std::sync::Arc;

use bmf_core::drive::{DriveTask, EarlyFlush};
use bmf_core::{ModuleError, TaskOutput};
use bmf_scheduler::Context;
use bmf_streams::{Outputs, SendError};

use super::Node;
use crate::RunError;
use crate::outcome::During;
use crate::shared::{Counts, NodeInfo, Outside};

/// The outputs of a node while its module may send.
struct Lent {
    outputs: Outputs,
    info: Arc<NodeInfo>,
    refused: Option<SendError>,
    outside: Outside,
}

impl EarlyFlush for Lent {
    fn flush(&mut self, outputs: &mut [TaskOutput]) -> Result<(), ModuleError> {
        let outside = &self.outside;
        let mut wake = |wake| outside.wake(wake);
        let sent = self.outputs.propagate(outputs, &mut wake);
        let sent = sent.map_err(|error| {
            let text = error.to_string();
            self.refused = Some(*error);
            ModuleError::new(text)
        })?;
        Counts::add(&self.info.counts.packets_out, sent);
        Ok(())
    }
}

impl Node {
    pub(super) fn lend_outputs(&mut self, context: &Context<'_>) {
        let outputs = std::mem::replace(&mut self.outputs, Outputs::new(Vec::new()));
        self.task.set_early(Some(Box::new(Lent {
            outputs,
            info: Arc::clone(&self.info),
            refused: None,
            outside: Outside {
                shared: Arc::clone(&self.shared),
                waker: context.waker(),
            },
        })));
    }

    pub(super) fn take_outputs_back(&mut self) -> Result<(), RunError> {
        let early: Option<Box<dyn Any>> = self.task.set_early(None).map(|early| early as _);
        let lent = early.and_then(|early| early.downcast::<Lent>().ok());
        let Some(lent) = lent else {
            let error = ModuleError::new("the module has replaced its task");
            return self.lift(Ok(Err(error)), During::Process, None);
        };
        self.outputs = lent.outputs;
        match lent.refused {
            Some(error) => Err(self.refused(error)),
            None => Ok(()),
        }
    }
}
