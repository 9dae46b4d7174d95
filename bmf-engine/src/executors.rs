//! Which executors a graph has, and on which of them a node runs.

use std::collections::HashMap;

use bmf_core::config::ExecutorConfig;
use bmf_scheduler::ExecutorId;

use crate::plan::Part;
use crate::{GraphPlan, PlannedNode};

/// The executors of a graph: those it declares, and one for each of BMF's serial queues.
pub(crate) struct Executors {
    pub(crate) configs: Vec<bmf_scheduler::ExecutorConfig>,
    by_name: HashMap<String, ExecutorId>,
    first_queue: usize,
    queues: usize,
}

impl Executors {
    /// With `inline` there is only the default one.
    pub(crate) fn new(plan: &GraphPlan, inline: bool) -> Self {
        let option = &plan.config.option;
        let (declared, queues): (&[ExecutorConfig], usize) = match inline {
            true => (&[], 0),
            false => (&option.executors, option.scheduler_count.unwrap_or(0)),
        };
        let named = declared
            .iter()
            .map(|executor| bmf_scheduler::ExecutorConfig {
                name: executor.name.clone(),
                workers: executor.workers,
            });
        let serial = (0..queues).map(|queue| bmf_scheduler::ExecutorConfig {
            name: format!("queue{queue}"),
            workers: 1,
        });
        let ids = declared.iter().enumerate();
        Self {
            by_name: ids
                .map(|(index, executor)| (executor.name.clone(), executor_id(index + 1)))
                .collect(),
            first_queue: declared.len() + 1,
            queues,
            configs: named.chain(serial).collect(),
        }
    }

    /// The one that a node runs on.
    pub(crate) fn of(&self, node: &PlannedNode) -> ExecutorId {
        let config = &node.config;
        let by_name = config
            .executor
            .as_ref()
            .and_then(|name| self.by_name.get(name));
        let queue = config.scheduler.unwrap_or(0);
        match by_name {
            Some(&executor) => executor,
            // The instances of a parallel node in one serial queue would not be parallel.
            None if queue < self.queues && node.part != Part::Instance => {
                executor_id(self.first_queue + queue)
            }
            None => ExecutorId::DEFAULT,
        }
    }
}

/// The executor at `index`; 0 is the default one.
pub(crate) fn executor_id(index: usize) -> ExecutorId {
    ExecutorId::new(u32::try_from(index).expect("there are fewer executors"))
}
